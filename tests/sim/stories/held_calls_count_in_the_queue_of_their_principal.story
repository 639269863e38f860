# Calls that wait for a body are their principal's, and keep its account.
limits queue_principal=2 accounts=4 names=2
     0ms  load r1 a/a1   | opened r1 s0
     0ms  load r2 a/a2   | opened r2 s1
     1ms  submit #1 s0   | load s0
     2ms  submit #2 s1   | load s1
     3ms  submit #3 s0   | end #3 queue_full principal retry=1s in s0
     4ms  submit #4 b/b1 | end #4 too_many
     5ms  submit #5 c/c1 | end #5 too_many
