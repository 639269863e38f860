# What a statement left is its session's: its next calls run there, in order, and nobody else's do.
limits slots=2 conns_per_worker=2 pin_idle=300ms
     0ms  open r1 a/a1             | opened r1 s0
     0ms  durable s0               | -
     0ms  attach s0                | save s0 connected
     1ms  submit #0 s0 stateful    | spawn W0@1
     2ms  submit #1 s0             | -
     3ms  up W0                    | connect L0@1 on W0
     4ms  up L0                    | start #0 on L0
     5ms  submit #2 b/b1           | connect L1@1 on W0
     6ms  done L0 pins             | end #0 ok in s0; start #1 on L0
     7ms  up L1                    | start #2 on L1
     8ms  done L1                  | end #2 ok
     9ms  submit #3 s0             | -
    10ms  submit #4 s0 p0 stateful | -
    11ms  done L0 pins             | end #1 ok in s0; start #3 on L0
    12ms  done L0 pins             | end #3 ok in s0; start #4 on L0
    13ms  look pool                | sessions=1 queued=0 running=1 started=0 idle=1 busy=1 workers=1
    14ms  done L0                  | end #4 ok in s0
    15ms  submit #0 b/b1           | start #0 on L0
    16ms  submit #1 b/b1           | start #1 on L1
