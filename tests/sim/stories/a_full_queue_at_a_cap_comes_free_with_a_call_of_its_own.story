# Eight slots, but one call at once for a client key: its queue moves only when its own call ends.
limits slots=8 conns_per_worker=8 run_client=1 queue_client=1 reserved=0
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  up W0          | connect L0@1 on W0
     2ms  up L0          | start #0 on L0
   802ms  done L0        | end #0 ok
   803ms  submit #1 a/a1 | start #1 on L0
   804ms  submit #2 a/a1 | -
   805ms  submit #3 a/a1 | end #3 queue_full client retry=800ms
