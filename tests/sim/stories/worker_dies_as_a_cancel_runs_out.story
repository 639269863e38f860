# A dead worker is not condemned: its other calls end with it, and it is killed by nobody.
limits slots=2 conns_per_worker=2 cancel=100ms drain=1s
     0ms  submit #1 a/a1 | spawn W0@1
     0ms  submit #2 b/b1 | -
    10ms  up W0          | connect L0@1 on W0; connect L1@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  up L1          | start #2 on L1
    23ms  started L0     | -
    24ms  started L1     | -
   100ms  cancel #1      | interrupt #1 on L0
   200ms  lost W0        | end #1 cancelled; end #2 worker_died
      5s  look pool      | sessions=0 queued=0 running=0 started=0 idle=0 busy=0 workers=0
