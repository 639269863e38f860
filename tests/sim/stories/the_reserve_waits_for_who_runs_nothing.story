# One client floods two slots; the other was about a moment ago, so the last slot is kept.
limits slots=2 conns_per_worker=2 reserved=1
     0ms  submit #0 b/b1 | spawn W0@1
     1ms  up W0          | connect L0@1 on W0
     2ms  up L0          | start #0 on L0
     3ms  done L0        | end #0 ok
     4ms  submit #1 a/a1 | start #1 on L0
     5ms  submit #2 a/a1 | -
     6ms  look pool      | sessions=0 queued=1 running=1 started=0 idle=0 busy=1 workers=1
     7ms  submit #3 b/b1 | connect L1@1 on W0
     8ms  up L1          | start #3 on L1
     9ms  done L0        | end #1 ok; start #2 on L0
