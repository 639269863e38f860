# Ann's password is wrong. Her calls end and are refused for a while; Ben's go on, and so do hers elsewhere.
limits slots=4 conns_per_worker=4 logins=1 profiles=2 p0.per_principal=1
     0ms  submit #0 ann/a1    | spawn W0@1 p0 as ann
     0ms  submit #1 ann/a1    | -
     1ms  up W0               | connect L0@1 on W0 p0
     2ms  lost L0             | kill W0 p0; end #0 unavailable retry=75ms
                              | end #1 unavailable retry=75ms
     3ms  submit #2 ann/a1    | end #2 unavailable retry=74ms
     4ms  submit #3 ben/b1    | spawn W0@3 p0 as ben
     5ms  up W0               | connect L0@3 on W0 p0
     6ms  up L0               | start #3 on L0
     7ms  submit #4 ann/a1 p1 | spawn W1@1 p1
   150ms  submit #5 ann/a1    | spawn W2@1 p0 as ann
   151ms  up W2               | connect L1@1 on W2 p0
   152ms  up L1               | start #5 on L1
