# One place for two: what was opened for Ann serves her once, though Ben is before her now.
limits slots=1 conns_per_worker=1 per_principal=1
     0ms  submit #0 ann/a1      | spawn W0@1 as ann
     1ms  up W0                 | connect L0@1 on W0
     2ms  submit #1 ben/b1 high | -
     3ms  up L0                 | start #0 on L0
     4ms  submit #2 ann/a1      | -
     5ms  done L0               | end #0 ok; disconnect L0; spawn W1@1 as ben
     6ms  up W1                 | connect L0@3 on W1
     7ms  up L0                 | start #1 on L0
