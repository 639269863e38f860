# A fresh worker of a principal that may run no more keeps no place from others.
limits profiles=2 slots=2 conns_per_worker=4 logins=1 run_principal=2 p1.per_principal=1 queue=600s p0.slots=4
     0ms  submit #0 ann/a1 p1 | spawn W0@1 p1 as ann
     0ms  submit #1 ann/a1 p0 | spawn W1@1 p0
     0ms  submit #2 ann/a1 p0 | -
     1ms  up W1               | connect L0@1 on W1 p0
     2ms  up L0               | start #1 on L0; connect L1@1 on W1 p0
     2ms  up L1               | start #2 on L1
     3ms  up W0               | -
     4ms  submit #3 eve/e1 p1 | spawn W2@1 p1 as eve
     5ms  look #3             | position 1 of 1 wait=1s busy=0/2
  1004ms  tick                | kill W2 p1; end #3 unavailable retry=85ms
    500s  look #3             | not queued
    599s  look #3             | not queued
