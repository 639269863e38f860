# Calls that are held for a body count as waiting: for the bound of all, for the longest
# wait and for the grace.
limits queue_total=3 queue=1s grace=200ms
     0ms  load r1 a/a1   | opened r1 s0
     0ms  load r2 b/b1   | opened r2 s1
    10ms  submit #1 s0   | load s0
    20ms  submit #2 s0   | -
    30ms  submit #4 s1   | load s1
    40ms  submit #5 s1   | end #5 queue_full all retry=1s in s1
    50ms  submit #6 c/c1 | end #6 queue_full all retry=1s
   210ms  tick           | grace #1
   220ms  tick           | grace #2
   230ms  tick           | grace #4
  1010ms  tick           | end #1 queue_timeout in s0
  1015ms  body s1        | spawn W0@1
  1020ms  tick           | end #2 queue_timeout in s0; save s0 disconnected
  1025ms  up W0          | connect L0@1 on W0
  1030ms  tick           | end #4 queue_timeout retry=1s in s1; save s1 disconnected
