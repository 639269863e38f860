# The idle limit counts from the end of the last call, however long that ran.
limits idle=10s
     0ms  open r1 a/a1 | opened r1 s0
     0ms  attach s0    | -
     0ms  durable s0   | -
      5s  submit #1 s0 | spawn W0@1
  5010ms  up W0        | connect L0@1 on W0
  5020ms  up L0        | start #1 on L0
  5030ms  started L0   | -
     20s  look s0      | active a/a1 connections=1 calls=1 created=0s seen=5s
     40s  done L0      | end #1 ok in s0
     41s  look s0      | idle a/a1 connections=1 calls=0 created=0s seen=40s
     50s  tick         | save s0 disconnected
