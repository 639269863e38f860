# The engine may have done anything: a started call is not repeated. A cancelled one ends
# as cancelled. Idle connections go with their worker.
limits slots=3 conns_per_worker=3
     0ms  submit #1 a/a1 | spawn W0@1
     0ms  submit #2 b/b1 | -
     0ms  submit #3 c/c1 | -
    10ms  up W0          | connect L0@1 on W0; connect L1@1 on W0; connect L2@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  up L1          | start #2 on L1
    22ms  up L2          | start #3 on L2
    23ms  started L0     | -
    24ms  started L1     | -
    25ms  done L2        | end #3 ok
    30ms  cancel #2      | interrupt #2 on L1
    40ms  lost W0        | end #1 worker_died; end #2 cancelled
    41ms  look pool      | sessions=0 queued=0 running=0 started=0 idle=0 busy=0 workers=0
    50ms  submit #4 a/a1 | spawn W0@3
