# A connection that nobody needs is closed after the profile's idle time, and the worker
# goes with its last one. Whoever calls later gets new ones. Leases start the time anew.
limits slots=2 conns_per_worker=2 profiles=2 p0.conn_idle=10s
     0ms  submit #1 a/a1    | spawn W0@1 p0
     0ms  submit #2 a/a1    | -
     0ms  submit #3 a/a1 p1 | spawn W1@1 p1
    10ms  up W0             | connect L0@1 on W0 p0; connect L1@1 on W0 p0
    10ms  up W1             | connect L2@1 on W1 p1
    20ms  up L0             | start #1 on L0
    20ms  up L1             | start #2 on L1
    20ms  up L2             | start #3 on L2
      1s  done L0           | end #1 ok
      2s  done L1           | end #2 ok
      2s  done L2           | end #3 ok
      5s  submit #1 a/a1    | start #1 on L0
      6s  done L0           | end #1 ok
     12s  tick              | disconnect L1
     16s  tick              | disconnect L0; kill W0 p0
     17s  look pool         | sessions=0 queued=0 running=0 started=0 idle=1 busy=0 workers=1
     18s  lost W0@1         | -
     20s  submit #1 a/a1    | spawn W0@3 p0
 20010ms  up W0             | connect L0@3 on W0 p0
 20020ms  up L0             | start #1 on L0
