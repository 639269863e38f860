# A statement runs out of time, is interrupted and does not stop: its slot is free after
# the cancel time, its worker takes nothing new, the successor starts at once, and the
# worker's other call may finish.
limits slots=2 conns_per_worker=2 cancel=100ms drain=1s
     0ms  submit #1 a/a1 timeout=500ms | spawn W0@1
     0ms  submit #2 b/b1               | -
    10ms  up W0                        | connect L0@1 on W0; connect L1@1 on W0
    20ms  up L0                        | start #1 on L0
    21ms  up L1                        | start #2 on L1
    25ms  started L0                   | -
    26ms  started L1                   | -
   520ms  tick                         | interrupt #1 on L0
   530ms  submit #3 c/c1               | -
   620ms  tick                         | end #1 timeout; disconnect L0; spawn W1@1
   630ms  up W1                        | connect L0@3 on W1
   640ms  up L0                        | start #3 on L0
# What the stuck one has to say comes too late for anybody.
   650ms  done L0@1                    | -
   660ms  submit #4 c/c1               | -
   700ms  done L1                      | end #2 ok; disconnect L1; kill W0
                                       | connect L1@3 on W1
   710ms  lost W0                      | -
   720ms  up L1                        | start #4 on L1
   730ms  done L0                      | end #3 ok
