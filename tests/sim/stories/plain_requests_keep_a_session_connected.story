# Over plain HTTP each request counts as a connection for the touch time. When it lapses
# under a call, the call goes on and the session is disconnected after it.
limits touch=5s
     0ms  open r1 a/a1 | opened r1 s0
     0ms  touch s0     | -
     1ms  durable s0   | -
      3s  touch s0     | -
      7s  look s0      | connected a/a1 connections=0 calls=0 created=0s seen=3s
      8s  tick         | save s0 disconnected
     10s  touch s0     | save s0 connected
     10s  submit #1 s0 | spawn W0@1
 10010ms  up W0        | connect L0@1 on W0
 10020ms  up L0        | start #1 on L0
 10030ms  started L0   | -
     14s  look s0      | active a/a1 connections=0 calls=1 created=0s seen=10s
     15s  look s0      | disconnecting a/a1 connections=0 calls=1 created=0s seen=10s
     16s  done L0      | end #1 ok in s0; save s0 disconnected
