# As old as it may get: a session without calls ends at once, one with calls when they
# have been stopped. Activity does not make it younger.
limits age=30s
     0ms  open r1 a/a1 | opened r1 s0
     0ms  attach s0    | -
     0ms  durable s0   | -
      1s  open r2 b/b1 | opened r2 s1
      1s  attach s1    | -
      1s  durable s1   | -
     15s  touch s1     | -
     28s  submit #1 s0 | spawn W0@1
 28010ms  up W0        | connect L0@1 on W0
 28020ms  up L0        | start #1 on L0
 28030ms  started L0   | -
     30s  tick         | interrupt #1 on L0
     30s  look s0      | none
 30050ms  done L0      | end #1 closed in s0; end s0 age_limit; disconnect L0
     31s  tick         | end s1 age_limit
