# All 32 workers are another profile's; the first at rest makes room.
limits profiles=2 tickets=64 queue_total=60 queue_principal=60 queue_client=60 accounts=60 p0.slots=4 p0.per_principal=1 p0.conns_per_worker=4 p1.slots=40 p1.conns_per_worker=1 queue=300s
     0ms  submit #0 ann/a1 p1  | spawn W0@1 p1
     1ms  up W0                | connect L0@1 on W0 p1
     2ms  up L0                | start #0 on L0
     3ms  submit #1 ann/a1 p1  | spawn W1@1 p1
     4ms  up W1                | connect L1@1 on W1 p1
     5ms  up L1                | start #1 on L1
     6ms  submit #2 ann/a1 p1  | spawn W2@1 p1
     7ms  up W2                | connect L2@1 on W2 p1
     8ms  up L2                | start #2 on L2
     9ms  submit #3 ann/a1 p1  | spawn W3@1 p1
    10ms  up W3                | connect L3@1 on W3 p1
    11ms  up L3                | start #3 on L3
    12ms  submit #4 ann/a1 p1  | spawn W4@1 p1
    13ms  up W4                | connect L4@1 on W4 p1
    14ms  up L4                | start #4 on L4
    15ms  submit #5 ann/a1 p1  | spawn W5@1 p1
    16ms  up W5                | connect L5@1 on W5 p1
    17ms  up L5                | start #5 on L5
    18ms  submit #6 ann/a1 p1  | spawn W6@1 p1
    19ms  up W6                | connect L6@1 on W6 p1
    20ms  up L6                | start #6 on L6
    21ms  submit #7 ann/a1 p1  | spawn W7@1 p1
    22ms  up W7                | connect L7@1 on W7 p1
    23ms  up L7                | start #7 on L7
    24ms  submit #8 ann/a1 p1  | spawn W8@1 p1
    25ms  up W8                | connect L8@1 on W8 p1
    26ms  up L8                | start #8 on L8
    27ms  submit #9 ann/a1 p1  | spawn W9@1 p1
    28ms  up W9                | connect L9@1 on W9 p1
    29ms  up L9                | start #9 on L9
    30ms  submit #10 ann/a1 p1 | spawn W10@1 p1
    31ms  up W10               | connect L10@1 on W10 p1
    32ms  up L10               | start #10 on L10
    33ms  submit #11 ann/a1 p1 | spawn W11@1 p1
    34ms  up W11               | connect L11@1 on W11 p1
    35ms  up L11               | start #11 on L11
    36ms  submit #12 ann/a1 p1 | spawn W12@1 p1
    37ms  up W12               | connect L12@1 on W12 p1
    38ms  up L12               | start #12 on L12
    39ms  submit #13 ann/a1 p1 | spawn W13@1 p1
    40ms  up W13               | connect L13@1 on W13 p1
    41ms  up L13               | start #13 on L13
    42ms  submit #14 ann/a1 p1 | spawn W14@1 p1
    43ms  up W14               | connect L14@1 on W14 p1
    44ms  up L14               | start #14 on L14
    45ms  submit #15 ann/a1 p1 | spawn W15@1 p1
    46ms  up W15               | connect L15@1 on W15 p1
    47ms  up L15               | start #15 on L15
    48ms  submit #16 ann/a1 p1 | spawn W16@1 p1
    49ms  up W16               | connect L16@1 on W16 p1
    50ms  up L16               | start #16 on L16
    51ms  submit #17 ann/a1 p1 | spawn W17@1 p1
    52ms  up W17               | connect L17@1 on W17 p1
    53ms  up L17               | start #17 on L17
    54ms  submit #18 ann/a1 p1 | spawn W18@1 p1
    55ms  up W18               | connect L18@1 on W18 p1
    56ms  up L18               | start #18 on L18
    57ms  submit #19 ann/a1 p1 | spawn W19@1 p1
    58ms  up W19               | connect L19@1 on W19 p1
    59ms  up L19               | start #19 on L19
    60ms  submit #20 ann/a1 p1 | spawn W20@1 p1
    61ms  up W20               | connect L20@1 on W20 p1
    62ms  up L20               | start #20 on L20
    63ms  submit #21 ann/a1 p1 | spawn W21@1 p1
    64ms  up W21               | connect L21@1 on W21 p1
    65ms  up L21               | start #21 on L21
    66ms  submit #22 ann/a1 p1 | spawn W22@1 p1
    67ms  up W22               | connect L22@1 on W22 p1
    68ms  up L22               | start #22 on L22
    69ms  submit #23 ann/a1 p1 | spawn W23@1 p1
    70ms  up W23               | connect L23@1 on W23 p1
    71ms  up L23               | start #23 on L23
    72ms  submit #24 ann/a1 p1 | spawn W24@1 p1
    73ms  up W24               | connect L24@1 on W24 p1
    74ms  up L24               | start #24 on L24
    75ms  submit #25 ann/a1 p1 | spawn W25@1 p1
    76ms  up W25               | connect L25@1 on W25 p1
    77ms  up L25               | start #25 on L25
    78ms  submit #26 ann/a1 p1 | spawn W26@1 p1
    79ms  up W26               | connect L26@1 on W26 p1
    80ms  up L26               | start #26 on L26
    81ms  submit #27 ann/a1 p1 | spawn W27@1 p1
    82ms  up W27               | connect L27@1 on W27 p1
    83ms  up L27               | start #27 on L27
    84ms  submit #28 ann/a1 p1 | spawn W28@1 p1
    85ms  up W28               | connect L28@1 on W28 p1
    86ms  up L28               | start #28 on L28
    87ms  submit #29 ann/a1 p1 | spawn W29@1 p1
    88ms  up W29               | connect L29@1 on W29 p1
    89ms  up L29               | start #29 on L29
    90ms  submit #30 ann/a1 p1 | spawn W30@1 p1
    91ms  up W30               | connect L30@1 on W30 p1
    92ms  up L30               | start #30 on L30
    93ms  submit #31 ann/a1 p1 | spawn W31@1 p1
    94ms  up W31               | connect L31@1 on W31 p1
    95ms  up L31               | start #31 on L31
      1s  submit #40 eve/e1    | -
      2s  done L0              | end #0 ok; disconnect L0; kill W0 p1
                               | spawn W0@3 p0 as eve
      3s  done L1              | end #1 ok; kill W0 p0; end #40 unavailable retry=83ms
