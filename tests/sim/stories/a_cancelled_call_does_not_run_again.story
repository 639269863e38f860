# Its worker dies before the engine saw it, but after its asker gave up.
limits slots=2 conns_per_worker=1
     0ms  submit #1 a/a1 | spawn W0@1
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  cancel #1      | interrupt #1 on L0
    22ms  lost W0        | end #1 cancelled
    23ms  look pool      | sessions=0 queued=0 running=0 started=0 idle=0 busy=0 workers=0
