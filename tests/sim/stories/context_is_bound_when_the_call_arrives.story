# A session that changes its context afterwards changes only its later calls.
     0ms  open r1 a/a1 db=x | opened r1 s0 db=x
     0ms  attach s0         | -
     0ms  durable s0        | -
     1ms  submit #1 s0      | spawn W0@1
     2ms  context s0 db=y   | save s0 active db=y
     3ms  submit #2 s0      | -
     4ms  submit #3 s0 db=z | -
    10ms  up W0             | connect L0@1 on W0
    20ms  up L0             | start #1 on L0 db=x set db
    30ms  done L0           | end #1 ok in s0; start #2 on L0 db=y set db
    40ms  done L0           | end #2 ok in s0; start #3 on L0 db=z set db
    50ms  done L0           | end #3 ok in s0
