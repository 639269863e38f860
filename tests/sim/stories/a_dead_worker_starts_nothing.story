# Its worker is killed in the moment in which the pinned connection gets free: the next call is not started there.
limits slots=2 conns_per_worker=2 drain=1s
     0ms  open r1 a/a1                 | opened r1 s0
     0ms  durable s0                   | -
     0ms  attach s0                    | save s0 connected
     1ms  submit #0 s0 stateful        | spawn W0@1
     2ms  up W0                        | connect L0@1 on W0
     3ms  up L0                        | start #0 on L0
     4ms  submit #1 b/b1 timeout=100ms | connect L1@1 on W0
     5ms  up L1                        | start #1 on L1
     6ms  done L0 pins                 | end #0 ok in s0
     7ms  submit #2 s0                 | start #2 on L0
     8ms  submit #3 s0                 | -
   105ms  tick                         | interrupt #1 on L1
   205ms  tick                         | end #1 timeout; disconnect L1
  1205ms  done L0 pins                 | end #2 ok in s0; kill W0; unpin s0 worker_died
                                       | spawn W0@3
