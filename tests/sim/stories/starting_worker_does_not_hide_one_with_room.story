# While a worker starts, another one with room takes the connection that is needed.
limits slots=2 conns_per_worker=1 spawn=1s
     0ms  submit #1 a/a1 | spawn W0@1
     0ms  submit #2 a/a1 | -
     1ms  up W0          | connect L0@1 on W0; spawn W1@1
     2ms  up L0          | start #1 on L0
     3ms  up W1          | connect L1@1 on W1
     4ms  up L1          | start #2 on L1
     5ms  started L1     | -
     5ms  started L0     | -
     6ms  submit #3 b/b1 | -
     7ms  lost W0        | end #1 worker_died; spawn W0@3
     8ms  done L1 dirty  | end #2 ok; disconnect L1; connect L0@3 on W1
    20ms  look pool      | sessions=0 queued=1 running=0 started=0 idle=0 busy=0 workers=2
