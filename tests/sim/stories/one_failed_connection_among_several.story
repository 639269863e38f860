# Calls wait while any connection is still on its way, whatever became of the others.
limits slots=4 conns_per_worker=4 backoff_min=100ms backoff_max=10s
     0ms  submit #1 a/a1 | spawn W0@1
     0ms  submit #2 a/a1 | -
     0ms  submit #3 a/a1 | -
     0ms  submit #4 a/a1 | -
     1ms  up W0          | connect L0@1 on W0; connect L1@1 on W0; connect L2@1 on W0
                         | connect L3@1 on W0
     2ms  lost L0        | -
     2ms  lost L1        | -
     2ms  lost L2        | -
     3ms  up L3          | start #1 on L3
     4ms  submit #5 a/a1 | -
