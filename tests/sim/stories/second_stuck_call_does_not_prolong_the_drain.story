# The drain of a condemned worker begins with its first stuck call, and only once.
limits slots=3 conns_per_worker=3 cancel=100ms drain=1s
     0ms  submit #1 a/a1 | spawn W0@1
     0ms  submit #2 b/b1 | -
     0ms  submit #3 c/c1 | -
    10ms  up W0          | connect L0@1 on W0; connect L1@1 on W0; connect L2@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  up L1          | start #2 on L1
    22ms  up L2          | start #3 on L2
    23ms  started L0     | -
    24ms  started L1     | -
    25ms  started L2     | -
   100ms  cancel #1      | interrupt #1 on L0
   200ms  tick           | end #1 cancelled; disconnect L0
   900ms  cancel #2      | interrupt #2 on L1
  1000ms  tick           | end #2 cancelled; disconnect L1
  1200ms  tick           | kill W0; end #3 worker_died
      3s  look pool      | sessions=0 queued=0 running=0 started=0 idle=0 busy=0 workers=0
