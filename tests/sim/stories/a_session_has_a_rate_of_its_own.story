# One call a second of each session; calls of no session have none.
limits rate_session=1
     0ms  open r1 a/a1   | opened r1 s0
     0ms  open r2 a/a1   | opened r2 s1
     1ms  submit #0 s0   | spawn W0@1
     2ms  submit #1 s0   | end #1 rate_limited session retry=999ms in s0
     3ms  submit #2 s1   | -
     4ms  submit #3 a/a1 | -
     5ms  submit #4 a/a1 | -
