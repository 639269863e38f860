# An open stream without a call counts as gone after the idle limit; a request brings the
# session back, silence for the resume window ends it.
limits idle=10s resume=20s
     0ms  open r1 a/a1 | opened r1 s0
     1ms  attach s0    | -
     2ms  durable s0   | -
 10001ms  tick         | save s0 disconnected
     11s  look s0      | disconnected a/a1 connections=1 calls=0 created=0s seen=1ms
     15s  touch s0     | save s0 connected
     25s  tick         | save s0 disconnected
     44s  look s0      | disconnected a/a1 connections=1 calls=0 created=0s seen=15s
     45s  tick         | end s0 idle_limit
     46s  look s0      | none
