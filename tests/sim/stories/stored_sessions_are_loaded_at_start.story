# What is left of a stored session's window and age counts, not the whole of them; a clock
# that was set back makes neither longer than it is.
limits boot=30s resume=2m age=2h sessions=3
     0ms  load r1 a/a1 age=1h away=1m db=x      | opened r1 s0 db=x
     1ms  load r2 a/a2 age=1h away=3m           | opened r2 s1; end s1 idle_limit
     2ms  load r3 a/a3 age=3h away=1s           | opened r3 s1; end s1 age_limit
     3ms  load r4 a/a4 age=-1h away=-1h         | opened r4 s1
     4ms  look s1                               | disconnected a/a4 connections=0 calls=0 created=3600003ms seen=3ms
     5ms  load r5 b/b1 age=7199s away=1s role=r | opened r5 s2 role=r
     6ms  load r6 b/b2                          | end s0 too_many; opened r6 s0
     7ms  attach s2                             | load s2; save s2 connected role=r
  1005ms  tick                                  | end s2 age_limit
120003ms  tick                                  | end s1 idle_limit
