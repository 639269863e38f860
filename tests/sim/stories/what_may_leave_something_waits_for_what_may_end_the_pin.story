# One that came before it may end what is pinned; then it can run in another profile.
limits profiles=2
      0s  load r0 a/k1             | opened r0 s0
    10ms  submit #9 a/k1 p1        | spawn W0@1 p1
    11ms  up W0                    | connect L0@1 on W0 p1
    12ms  up L0                    | start #9 on L0
    13ms  done L0                  | end #9 ok
    20ms  submit #1 s0 p1 stateful | load s0
    21ms  submit #2 s0 p1          | -
    22ms  submit #3 s0 p1 stateful | -
    23ms  submit #4 s0 stateful    | -
    30ms  body s0                  | start #1 on L0
    40ms  done L0 pins             | end #1 ok in s0; start #2 on L0
    50ms  done L0 pins             | end #2 ok in s0; start #3 on L0
    51ms  done L0                  | end #3 ok in s0; spawn W1@1 p0
    52ms  up W1                    | connect L1@1 on W1 p0
    53ms  up L1                    | start #4 on L1
    54ms  done L1                  | end #4 ok in s0; save s0 disconnected
