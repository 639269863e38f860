# Two of one client run; its third waits though a slot is free, another client's does not.
limits slots=4 conns_per_worker=4 run_client=2
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  up W0          | connect L0@1 on W0
     2ms  up L0          | start #0 on L0
     3ms  submit #1 a/a1 | connect L1@1 on W0
     4ms  up L1          | start #1 on L1
     5ms  submit #2 a/a1 | -
     6ms  submit #3 a/a2 | connect L2@1 on W0; connect L3@1 on W0
     7ms  up L2          | start #3 on L2
     8ms  done L0        | end #0 ok; start #2 on L0
