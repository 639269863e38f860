# Two of four places are enough for those who log in: Dan waits until one of them is done.
limits slots=4 conns_per_worker=2 per_principal=1
     0ms  submit #0 ann/a1 | spawn W0@1 as ann
     1ms  submit #1 ben/b1 | spawn W1@1 as ben
     2ms  submit #2 dan/d1 | -
     3ms  up W0            | connect L0@1 on W0
     4ms  up L0            | start #0 on L0; spawn W2@1 as dan
     5ms  up W1            | connect L1@1 on W1
