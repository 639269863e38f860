# Calls that wait for the body of their session are bounded like those of a client key.
limits queue_client=2
     0ms  load r1 a/a1 | opened r1 s0
     1ms  submit #1 s0 | load s0
     2ms  submit #2 s0 | -
     3ms  submit #3 s0 | end #3 queue_full client retry=1s in s0
