# A client without its id gets the context of its newest disconnected session. Neither
# another client key, nor another principal, nor a connected session is inherited from.
     0ms  open r1 a/a1        | opened r1 s0
     1ms  attach s0           | -
     2ms  durable s0          | -
     3ms  context s0 db=x     | save s0 connected db=x
     4ms  open r2 a/a1 db=own | opened r2 s1 db=own
     5ms  detach s0           | save s0 disconnected db=x
    10ms  open r3 a/a2        | opened r3 s2
    11ms  open r4 b/a1        | opened r4 s3
    12ms  open r5 a/a1 db=own | opened r5 s4 heir of s0 db=x
    13ms  attach s1           | -
    14ms  durable s1          | -
    15ms  detach s1           | save s1 disconnected db=own
    16ms  close s2            | end s2 closed
    17ms  open r6 a/a1        | opened r6 s2 heir of s1 db=own
