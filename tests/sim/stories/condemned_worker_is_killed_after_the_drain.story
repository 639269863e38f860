# A neighbour of the stuck call that does not finish within the drain dies with the worker;
# one that had not started runs again on the successor.
limits slots=3 conns_per_worker=3 cancel=100ms drain=1s
     0ms  submit #1 a/a1 | spawn W0@1
     0ms  submit #2 b/b1 | -
     0ms  submit #3 c/c1 | -
    10ms  up W0          | connect L0@1 on W0; connect L1@1 on W0; connect L2@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  up L1          | start #2 on L1
    22ms  up L2          | start #3 on L2
    25ms  started L0     | -
    26ms  started L1     | -
   100ms  cancel #1      | interrupt #1 on L0
   200ms  tick           | end #1 cancelled; disconnect L0
  1200ms  tick           | kill W0; end #2 worker_died; spawn W0@3
  1210ms  lost W0@1      | -
  1220ms  up W0          | connect L0@3 on W0
  1230ms  up L0          | start #3 on L0
  1240ms  started L0     | -
  1250ms  done L0        | end #3 ok
