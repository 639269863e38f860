# As many workers as statements at once, never more than the slots.
limits slots=2 conns_per_worker=1
     0ms  submit #1 a/a1 | spawn W0@1
     1ms  submit #2 b/b1 | -
     2ms  submit #3 c/c1 | -
    10ms  up W0          | connect L0@1 on W0; spawn W1@1
    20ms  up L0          | start #1 on L0
    30ms  up W1          | connect L1@1 on W1
    40ms  up L1          | start #2 on L1
    50ms  look pool      | sessions=0 queued=1 running=2 started=0 idle=0 busy=2 workers=2
    60ms  done L1        | end #2 ok; start #3 on L1
    70ms  lost W1        | spawn W1@3
    80ms  done L0        | end #1 ok; start #3 on L0
    90ms  up W1          | -
    99ms  done L0        | end #3 ok
