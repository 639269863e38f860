# An hour's lull before a burst.
limits slots=1 conns_per_worker=1 conn_idle=10s queue_client=2
     0ms  submit #0 a/a1  | spawn W0@1
     1ms  up W0           | connect L0@1 on W0
     2ms  up L0           | start #0 on L0
     3ms  done L0         | end #0 ok
 10003ms  tick            | disconnect L0; kill W0
      1h  submit #0 a/a1  | spawn W0@3
3600001ms  submit #1 a/a1 | -
3600002ms  up W0          | connect L0@3 on W0
3600003ms  up L0          | start #0 on L0
3600004ms  submit #2 a/a1 | -
3600005ms  submit #3 a/a1 | end #3 queue_full client retry=2ms
