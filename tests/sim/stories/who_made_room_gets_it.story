# Ben's worker starts: the last place is his, and Ann does not take it meanwhile.
limits slots=4 conns_per_worker=4 per_principal=1
     0ms  submit #0 ann/a1 | spawn W0@1 as ann
     0ms  submit #1 ann/a1 | -
     0ms  submit #2 ann/a1 | -
     1ms  up W0            | connect L0@1 on W0; connect L1@1 on W0
     2ms  up L0            | start #0 on L0; connect L2@1 on W0
     3ms  up L1            | start #1 on L1
     4ms  up L2            | start #2 on L2
     5ms  submit #3 ben/b1 | spawn W1@1 as ben
     6ms  submit #4 ann/a1 | -
     7ms  up W1            | connect L3@1 on W1
     8ms  up L3            | start #3 on L3
