# A credential changes where all principals share the profile's own login.
limits slots=4 conns_per_worker=4
     0ms  submit #0 ann/a1  | spawn W0@1
     1ms  up W0             | connect L0@1 on W0
     2ms  up L0             | start #0 on L0
     3ms  submit #1 bob/b1  | connect L1@1 on W0
     4ms  up L1             | start #1 on L1
     5ms  changed ann/a1 p0 | -
      9s  look pool         | sessions=0 queued=0 running=2 started=0 idle=0 busy=2 workers=1
