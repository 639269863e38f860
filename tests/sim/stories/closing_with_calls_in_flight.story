# Closing cancels what waits and interrupts what runs; the session ends with its last
# call, takes no new one meanwhile, and no other session's call is touched.
     0ms  open r1 a/a1      | opened r1 s0
     0ms  attach s0         | -
     0ms  durable s0        | -
     1ms  submit #1 s0      | spawn W0@1
     2ms  submit #2 s0      | -
     3ms  submit #3 b/b1    | -
    10ms  up W0             | connect L0@1 on W0
    20ms  up L0             | start #1 on L0
    21ms  started L0        | -
    30ms  close s0          | end #2 closed in s0; interrupt #1 on L0
    31ms  look s0           | none
    32ms  submit #4 a/a1 s0 | end #4 no_session in s0
    33ms  close s0          | -
    34ms  detach s0         | -
    40ms  done L0           | end #1 closed in s0; end s0 closed; disconnect L0
                            | connect L0@3 on W0
    50ms  up L0             | start #3 on L0
    51ms  done L0           | end #3 ok
