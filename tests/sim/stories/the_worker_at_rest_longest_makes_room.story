# Two workers for all: the third principal gets the place of the one that rested longest.
limits slots=4 conns_per_worker=2 workers=2 per_principal=1
     0ms  submit #0 ann/a1 | spawn W0@1 as ann
     1ms  up W0            | connect L0@1 on W0
     2ms  up L0            | start #0 on L0
     3ms  submit #1 ben/b1 | spawn W1@1 as ben
     4ms  up W1            | connect L1@1 on W1
     5ms  up L1            | start #1 on L1
     6ms  done L0          | end #0 ok
     7ms  done L1          | end #1 ok
     8ms  submit #2 eve/e1 | disconnect L0; kill W0; spawn W0@3 as eve
     9ms  submit #3 ann/a1 | disconnect L1; kill W1; spawn W1@3 as ann
    10ms  up W0            | connect L0@3 on W0
    11ms  up L0            | start #2 on L0
    12ms  done L0          | end #2 ok
