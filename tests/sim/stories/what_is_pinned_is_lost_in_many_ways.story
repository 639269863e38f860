# Cancelled, its worker gone, its session closed, the daemon going down: each is told once.
limits slots=2 conns_per_worker=1 pin_idle=10s profiles=2
     0ms  open r1 a/a1             | opened r1 s0
     0ms  durable s0               | -
     0ms  attach s0                | save s0 connected
     1ms  submit #0 s0 stateful    | spawn W0@1 p0
     2ms  up W0                    | connect L0@1 on W0 p0
     3ms  up L0                    | start #0 on L0
     4ms  done L0 pins             | end #0 ok in s0
     5ms  submit #1 s0 p1 stateful | end #1 elsewhere in s0
     6ms  submit #0 s0             | start #0 on L0
     7ms  cancel #0                | interrupt #0 on L0
     8ms  done L0 pins             | unpin s0 cancelled; end #0 cancelled in s0
                                   | disconnect L0
     9ms  submit #0 s0 stateful    | connect L0@3 on W0 p0
    10ms  up L0                    | start #0 on L0
    11ms  done L0 pins             | end #0 ok in s0
    12ms  submit #0 s0             | start #0 on L0
    13ms  lost W0                  | unpin s0 worker_died; end #0 worker_died in s0
    14ms  submit #0 s0 stateful    | spawn W0@3 p0
    15ms  up W0                    | connect L0@5 on W0 p0
    16ms  up L0                    | start #0 on L0
    17ms  done L0 pins             | end #0 ok in s0
    18ms  close s0                 | unpin s0 closed; disconnect L0; end s0 closed
    20ms  open r2 b/b1             | opened r2 s0
    20ms  durable s0               | -
    20ms  attach s0                | save s0 connected
    21ms  submit #0 s0 stateful    | connect L0@7 on W0 p0
    22ms  up L0                    | start #0 on L0
    23ms  done L0 pins             | end #0 ok in s0
    24ms  drain                    | unpin s0 draining; disconnect L0
