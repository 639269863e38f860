# The server was started anew: all connections are dead, and nobody knows. The read that found out runs on a new one.
limits slots=2 conns_per_worker=2
     0ms  submit #0 a/a1  | spawn W0@1
     0ms  submit #1 b/b1  | -
     1ms  up W0           | connect L0@1 on W0; connect L1@1 on W0
     2ms  up L0           | start #0 on L0
     3ms  up L1           | start #1 on L1
     4ms  done L0         | end #0 ok
     5ms  done L1         | end #1 ok
     6ms  submit #0 a/a1  | start #0 on L0
     7ms  started L0      | -
     8ms  lost L0 repeats | connect L0@3 on W0
     9ms  up L0           | start #0 on L0
