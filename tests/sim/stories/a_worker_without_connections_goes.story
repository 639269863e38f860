# The worker's only connection goes with a cancel; nobody calls again.
limits slots=1 conns_per_worker=1 conn_idle=10s
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  up W0          | connect L0@1 on W0
     2ms  up L0          | start #0 on L0
     3ms  cancel #0      | interrupt #0 on L0
     4ms  done L0 dirty  | end #0 cancelled; disconnect L0
 10004ms  tick           | kill W0
      1h  look pool      | sessions=0 queued=0 running=0 started=0 idle=0 busy=0 workers=0
