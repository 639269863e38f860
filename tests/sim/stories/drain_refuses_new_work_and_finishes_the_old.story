# Going down: no new session and no new call, but what runs or waits comes to its end.
     0ms  open r1 a/a1   | opened r1 s0
     0ms  attach s0      | -
     0ms  durable s0     | -
     1ms  submit #1 s0   | spawn W0@1
     2ms  submit #2 s0   | -
     3ms  submit #3 b/b1 | -
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  started L0     | -
    30ms  drain          | -
    31ms  open r2 b/b1   | refused r2 draining
    32ms  submit #4 s0   | end #4 draining in s0
    33ms  submit #5 b/b1 | end #5 draining
    40ms  done L0        | end #1 ok in s0; start #3 on L0
    41ms  cancel #2      | end #2 cancelled in s0
    50ms  done L0        | end #3 ok
    60ms  look pool      | sessions=1 queued=0 running=0 started=0 idle=1 busy=0 workers=1
    61ms  look s0        | idle a/a1 connections=1 calls=0 created=0s seen=41ms
    70ms  close s0       | end s0 closed
