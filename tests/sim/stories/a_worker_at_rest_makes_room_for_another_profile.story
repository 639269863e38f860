# All places for workers are taken by one profile, at rest: the one that rests longest makes room for another profile.
limits tickets=40 queue_total=40 queue_principal=40 queue_client=40 profiles=2 p0.slots=32 p0.conns_per_worker=1
     0ms  submit #0 a/a1    | spawn W0@1 p0
     1ms  up W0             | connect L0@1 on W0 p0
     2ms  up L0             | start #0 on L0
     3ms  submit #1 a/a1    | spawn W1@1 p0
     4ms  up W1             | connect L1@1 on W1 p0
     5ms  up L1             | start #1 on L1
     6ms  submit #2 a/a1    | spawn W2@1 p0
     7ms  up W2             | connect L2@1 on W2 p0
     8ms  up L2             | start #2 on L2
     9ms  submit #3 a/a1    | spawn W3@1 p0
    10ms  up W3             | connect L3@1 on W3 p0
    11ms  up L3             | start #3 on L3
    12ms  submit #4 a/a1    | spawn W4@1 p0
    13ms  up W4             | connect L4@1 on W4 p0
    14ms  up L4             | start #4 on L4
    15ms  submit #5 a/a1    | spawn W5@1 p0
    16ms  up W5             | connect L5@1 on W5 p0
    17ms  up L5             | start #5 on L5
    18ms  submit #6 a/a1    | spawn W6@1 p0
    19ms  up W6             | connect L6@1 on W6 p0
    20ms  up L6             | start #6 on L6
    21ms  submit #7 a/a1    | spawn W7@1 p0
    22ms  up W7             | connect L7@1 on W7 p0
    23ms  up L7             | start #7 on L7
    24ms  submit #8 a/a1    | spawn W8@1 p0
    25ms  up W8             | connect L8@1 on W8 p0
    26ms  up L8             | start #8 on L8
    27ms  submit #9 a/a1    | spawn W9@1 p0
    28ms  up W9             | connect L9@1 on W9 p0
    29ms  up L9             | start #9 on L9
    30ms  submit #10 a/a1   | spawn W10@1 p0
    31ms  up W10            | connect L10@1 on W10 p0
    32ms  up L10            | start #10 on L10
    33ms  submit #11 a/a1   | spawn W11@1 p0
    34ms  up W11            | connect L11@1 on W11 p0
    35ms  up L11            | start #11 on L11
    36ms  submit #12 a/a1   | spawn W12@1 p0
    37ms  up W12            | connect L12@1 on W12 p0
    38ms  up L12            | start #12 on L12
    39ms  submit #13 a/a1   | spawn W13@1 p0
    40ms  up W13            | connect L13@1 on W13 p0
    41ms  up L13            | start #13 on L13
    42ms  submit #14 a/a1   | spawn W14@1 p0
    43ms  up W14            | connect L14@1 on W14 p0
    44ms  up L14            | start #14 on L14
    45ms  submit #15 a/a1   | spawn W15@1 p0
    46ms  up W15            | connect L15@1 on W15 p0
    47ms  up L15            | start #15 on L15
    48ms  submit #16 a/a1   | spawn W16@1 p0
    49ms  up W16            | connect L16@1 on W16 p0
    50ms  up L16            | start #16 on L16
    51ms  submit #17 a/a1   | spawn W17@1 p0
    52ms  up W17            | connect L17@1 on W17 p0
    53ms  up L17            | start #17 on L17
    54ms  submit #18 a/a1   | spawn W18@1 p0
    55ms  up W18            | connect L18@1 on W18 p0
    56ms  up L18            | start #18 on L18
    57ms  submit #19 a/a1   | spawn W19@1 p0
    58ms  up W19            | connect L19@1 on W19 p0
    59ms  up L19            | start #19 on L19
    60ms  submit #20 a/a1   | spawn W20@1 p0
    61ms  up W20            | connect L20@1 on W20 p0
    62ms  up L20            | start #20 on L20
    63ms  submit #21 a/a1   | spawn W21@1 p0
    64ms  up W21            | connect L21@1 on W21 p0
    65ms  up L21            | start #21 on L21
    66ms  submit #22 a/a1   | spawn W22@1 p0
    67ms  up W22            | connect L22@1 on W22 p0
    68ms  up L22            | start #22 on L22
    69ms  submit #23 a/a1   | spawn W23@1 p0
    70ms  up W23            | connect L23@1 on W23 p0
    71ms  up L23            | start #23 on L23
    72ms  submit #24 a/a1   | spawn W24@1 p0
    73ms  up W24            | connect L24@1 on W24 p0
    74ms  up L24            | start #24 on L24
    75ms  submit #25 a/a1   | spawn W25@1 p0
    76ms  up W25            | connect L25@1 on W25 p0
    77ms  up L25            | start #25 on L25
    78ms  submit #26 a/a1   | spawn W26@1 p0
    79ms  up W26            | connect L26@1 on W26 p0
    80ms  up L26            | start #26 on L26
    81ms  submit #27 a/a1   | spawn W27@1 p0
    82ms  up W27            | connect L27@1 on W27 p0
    83ms  up L27            | start #27 on L27
    84ms  submit #28 a/a1   | spawn W28@1 p0
    85ms  up W28            | connect L28@1 on W28 p0
    86ms  up L28            | start #28 on L28
    87ms  submit #29 a/a1   | spawn W29@1 p0
    88ms  up W29            | connect L29@1 on W29 p0
    89ms  up L29            | start #29 on L29
    90ms  submit #30 a/a1   | spawn W30@1 p0
    91ms  up W30            | connect L30@1 on W30 p0
    92ms  up L30            | start #30 on L30
    93ms  submit #31 a/a1   | spawn W31@1 p0
    94ms  up W31            | connect L31@1 on W31 p0
    95ms  up L31            | start #31 on L31
    96ms  done L5           | end #5 ok
    97ms  done L0           | end #0 ok
    98ms  done L1           | end #1 ok
    99ms  done L2           | end #2 ok
   100ms  done L3           | end #3 ok
   101ms  done L4           | end #4 ok
   102ms  done L6           | end #6 ok
   103ms  done L7           | end #7 ok
   104ms  done L8           | end #8 ok
   105ms  done L9           | end #9 ok
   106ms  done L10          | end #10 ok
   107ms  done L11          | end #11 ok
   108ms  done L12          | end #12 ok
   109ms  done L13          | end #13 ok
   110ms  done L14          | end #14 ok
   111ms  done L15          | end #15 ok
   112ms  done L16          | end #16 ok
   113ms  done L17          | end #17 ok
   114ms  done L18          | end #18 ok
   115ms  done L19          | end #19 ok
   116ms  done L20          | end #20 ok
   117ms  done L21          | end #21 ok
   118ms  done L22          | end #22 ok
   119ms  done L23          | end #23 ok
   120ms  done L24          | end #24 ok
   121ms  done L25          | end #25 ok
   122ms  done L26          | end #26 ok
   123ms  done L27          | end #27 ok
   124ms  done L28          | end #28 ok
   125ms  done L29          | end #29 ok
   126ms  done L30          | end #30 ok
   127ms  done L31          | end #31 ok
   128ms  submit #0 b/b1 p1 | disconnect L5; kill W5 p0; spawn W5@3 p1
