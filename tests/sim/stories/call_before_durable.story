# A call need not wait until its session is durable: that makes it active at once.
     0ms  open r1 a/a1 | opened r1 s0
     0ms  attach s0    | -
     1ms  submit #1 s0 | spawn W0@1
     2ms  durable s0   | -
     3ms  look s0      | active a/a1 connections=1 calls=1 created=0s seen=1ms
     4ms  detach s0    | -
     5ms  look s0      | disconnecting a/a1 connections=0 calls=1 created=0s seen=1ms
     6ms  cancel #1    | end #1 cancelled in s0; save s0 disconnected
