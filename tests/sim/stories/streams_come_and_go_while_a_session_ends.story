# A session that waits for its last call takes nothing more, but a stream may still come
# and go.
     0ms  open r1 a/a1    | opened r1 s0
     0ms  attach s0       | -
     0ms  durable s0      | -
     1ms  submit #1 s0    | spawn W0@1
    10ms  up W0           | connect L0@1 on W0
    20ms  up L0           | start #1 on L0
    30ms  close s0        | interrupt #1 on L0
    31ms  attach s0       | -
    32ms  detach s0       | -
    33ms  detach s0       | -
    34ms  attach s0       | -
    35ms  context s0 db=x | -
    36ms  touch s0        | -
    37ms  close s0        | -
    40ms  done L0         | end #1 closed in s0; end s0 closed; disconnect L0
