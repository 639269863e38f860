# At its cap a principal loses the disconnected session it used longest ago; connected
# ones stay, and so do the sessions of others.
limits principal_sessions=2
     0ms  open r1 b/b1 | opened r1 s0
     0ms  durable s0   | -
     1ms  open r2 a/a1 | opened r2 s1
     1ms  attach s1    | -
     1ms  durable s1   | -
     2ms  open r3 a/a2 | opened r3 s2
     2ms  attach s2    | -
     2ms  durable s2   | -
    10ms  open r4 a/a3 | refused r4 too_many
    20ms  detach s2    | save s2 disconnected
    30ms  detach s1    | save s1 disconnected
    40ms  open r5 a/a3 | end s2 too_many; opened r5 s2
    41ms  open r6 a/a4 | end s1 too_many; opened r6 s1
    42ms  open r7 a/a5 | refused r7 too_many
    43ms  look s0      | disconnected b/b1 connections=0 calls=0 created=0s seen=0s
