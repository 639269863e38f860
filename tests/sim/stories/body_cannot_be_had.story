# Without a body there is no session: it ends, and its calls with it. Another session of
# the client is not touched.
     0ms  load r1 a/a1       | opened r1 s0
     0ms  load r2 a/a1       | opened r2 s1
     1ms  attach s0          | load s0; save s0 connected
     2ms  submit #1 s0       | -
     3ms  submit #2 s0       | -
     4ms  submit #3 s1       | load s1
    10ms  body s0 no_session | end #2 closed in s0; end #1 closed in s0; end s0 no_session
    11ms  look s0            | none
    20ms  body s1            | spawn W0@1
    21ms  submit #4 a/a1 s0  | end #4 no_session in s0
    30ms  up W0              | connect L0@1 on W0
    40ms  up L0              | start #3 on L0
    50ms  done L0            | end #3 ok in s1; save s1 disconnected
# The same where nobody calls: somebody only came back.
    60ms  load r3 a/a2       | opened r3 s0
    61ms  attach s0          | load s0; save s0 connected
    62ms  body s0 no_session | end s0 no_session
