# Ann has another secret: what was opened with the old one goes as it gets free, what starts is begun anew.
limits slots=4 conns_per_worker=2 per_principal=1
     0ms  submit #0 ann/a1  | spawn W0@1 as ann
     1ms  changed ann/a1 p0 | kill W0; spawn W0@3 as ann
     2ms  up W0             | connect L0@1 on W0
     3ms  up L0             | start #0 on L0
     4ms  submit #1 ann/a1  | connect L1@1 on W0
     5ms  up L1             | start #1 on L1
     6ms  done L1           | end #1 ok
     7ms  changed ann/a1 p0 | disconnect L1
     8ms  submit #2 ann/a1  | spawn W1@1 as ann
     9ms  done L0           | end #0 ok; disconnect L0; kill W0
