limits slots=1 queue=3600s slot_start=1s
     0ms  submit #0 a/a1 normal | spawn W0@1
     1ms  up W0                 | connect L0@1 on W0
     2ms  up L0                 | start #0 on L0
     3ms  submit #1 b/b1 low    | -
     4ms  submit #2 a/a1 normal | -
     5ms  submit #3 c/c1 high   | -
  1000ms  done L0               | end #0 ok; start #3 on L0
  2000ms  done L0               | end #3 ok; start #2 on L0
  3000ms  done L0               | end #2 ok; start #1 on L0
