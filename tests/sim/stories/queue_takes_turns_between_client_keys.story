# A principal's turn goes round among its client keys, each first come, first served; two
# keys do not make two turns of one principal.
limits slots=1
     0ms  submit #0 z/z1 | spawn W0@1
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #0 on L0
    21ms  submit #1 a/a1 | -
    22ms  submit #2 a/a1 | -
    23ms  submit #3 a/a1 | -
    24ms  submit #4 a/a2 | -
    25ms  submit #5 b/b1 | -
    26ms  submit #6 b/b1 | -
    30ms  done L0        | end #0 ok; start #1 on L0
    31ms  done L0        | end #1 ok; start #5 on L0
    32ms  done L0        | end #5 ok; start #4 on L0
    33ms  done L0        | end #4 ok; start #6 on L0
    34ms  done L0        | end #6 ok; start #2 on L0
    35ms  done L0        | end #2 ok; start #3 on L0
