# Nobody called for too long; the connection is closed, which rolls back, and the session is told.
limits slots=1 pin_idle=300ms
     0ms  open r1 a/a1          | opened r1 s0
     0ms  durable s0            | -
     0ms  attach s0             | save s0 connected
     1ms  submit #0 s0 stateful | spawn W0@1
     2ms  up W0                 | connect L0@1 on W0
     3ms  up L0                 | start #0 on L0
     4ms  done L0 pins          | end #0 ok in s0
   200ms  submit #0 s0          | start #0 on L0
   250ms  done L0 pins          | end #0 ok in s0
   260ms  submit #1 b/b1        | -
   549ms  tick                  | -
   550ms  tick                  | unpin s0 idle_limit; disconnect L0; connect L0@3 on W0
