# Each principal has a worker and connections of its own, and never gets another one's.
limits slots=4 conns_per_worker=4 logins=1 per_principal=1
     0ms  submit #0 ann/a1 | spawn W0@1 as ann
     1ms  submit #1 ben/b1 | spawn W1@1 as ben
     2ms  up W0            | connect L0@1 on W0
     3ms  up W1            | connect L1@1 on W1
     4ms  up L0            | start #0 on L0
     5ms  up L1            | start #1 on L1
     6ms  done L0          | end #0 ok
     7ms  submit #2 ben/b1 | connect L2@1 on W1
     8ms  up L2            | start #2 on L2
     9ms  done L1          | end #1 ok
    10ms  submit #3 ann/a2 | start #3 on L0
