# Whose context is inherited is the last to make room, and then only after that.
limits principal_sessions=2 sessions=3
     0ms  open r1 a/a1 db=x | opened r1 s0 db=x
     0ms  durable s0        | -
     1ms  open r2 a/a2 db=y | opened r2 s1 db=y
     1ms  durable s1        | -
# s0 was used longest ago, but is the heir.
     2ms  open r3 a/a1      | end s1 too_many; opened r3 s1 heir of s0 db=x
     2ms  attach s1         | -
     2ms  durable s1        | -
# Now it is the only one that can go.
     3ms  open r4 a/a1      | opened r4 s2 heir of s0 db=x; end s0 too_many
     3ms  attach s2         | -
     3ms  durable s2        | -
     4ms  detach s2         | save s2 disconnected db=x
# With every slot taken its own must be used, and nothing is left of it.
     5ms  open r5 b/b1      | opened r5 s0
     5ms  attach s0         | -
     5ms  durable s0        | -
     6ms  open r6 a/a1      | end s2 too_many; opened r6 s2
     7ms  look s2           | connecting a/a1 connections=0 calls=0 created=6ms seen=6ms
