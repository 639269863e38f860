# A session is connecting until the store has it, whoever attaches meanwhile. One that
# nobody attached to waits for its client.
     0ms  open r1 a/a1 db=x | opened r1 s0 db=x
     1ms  look s0           | connecting a/a1 connections=0 calls=0 created=0s seen=0s db=x
     2ms  attach s0         | -
     3ms  look s0           | connecting a/a1 connections=1 calls=0 created=0s seen=2ms db=x
     5ms  durable s0        | -
     6ms  look s0           | connected a/a1 connections=1 calls=0 created=0s seen=2ms db=x
    10ms  open r2 b/b1      | opened r2 s1
    12ms  durable s1        | -
    13ms  look s1           | disconnected b/b1 connections=0 calls=0 created=10ms seen=10ms
    20ms  open r3 b/b2      | opened r3 s2
    21ms  detach s0         | save s0 disconnected db=x
    22ms  close s2          | end s2 closed
    23ms  look s2           | none
