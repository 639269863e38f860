# Where logins go one by one, who waits gets the next connection when the last one is up.
limits slots=3 conns_per_worker=3 logins=1
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  submit #1 a/a1 | -
     2ms  submit #2 a/a1 | -
     3ms  up W0          | connect L0@1 on W0
    10ms  up L0          | start #0 on L0; connect L1@1 on W0
    20ms  up L1          | start #1 on L1; connect L2@1 on W0
    30ms  up L2          | start #2 on L2
