# With every slot taken, whoever's disconnected session was used longest ago goes. One
# with calls in flight is not disconnected and stays.
limits sessions=3
     0ms  open r1 a/a1 | opened r1 s0
     0ms  durable s0   | -
     1ms  open r2 b/b1 | opened r2 s1
     1ms  durable s1   | -
     2ms  open r3 c/c1 | opened r3 s2
     2ms  attach s2    | -
     2ms  durable s2   | -
     5ms  submit #1 s0 | spawn W0@1
    10ms  open r4 d/d1 | end s1 too_many; opened r4 s1
    11ms  open r5 e/e1 | refused r5 too_many
    20ms  cancel #1    | end #1 cancelled in s0; save s0 disconnected
    21ms  open r6 e/e1 | end s0 too_many; opened r6 s0
