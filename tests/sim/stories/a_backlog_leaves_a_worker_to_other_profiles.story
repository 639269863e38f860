# A profile with a backlog has all 32 workers; another profile gets one.
limits profiles=2 tickets=200 queue_total=150 queue_principal=150 queue_client=150 accounts=60 p1.slots=4 p0.slots=40 p0.conns_per_worker=1 queue=300s
     0ms  submit #0 ann/a1      | spawn W0@1 p0
     1ms  up W0                 | connect L0@1 on W0 p0
     2ms  up L0                 | start #0 on L0
     3ms  submit #1 ann/a1      | spawn W1@1 p0
     4ms  up W1                 | connect L1@1 on W1 p0
     5ms  up L1                 | start #1 on L1
     6ms  submit #2 ann/a1      | spawn W2@1 p0
     7ms  up W2                 | connect L2@1 on W2 p0
     8ms  up L2                 | start #2 on L2
     9ms  submit #3 ann/a1      | spawn W3@1 p0
    10ms  up W3                 | connect L3@1 on W3 p0
    11ms  up L3                 | start #3 on L3
    12ms  submit #4 ann/a1      | spawn W4@1 p0
    13ms  up W4                 | connect L4@1 on W4 p0
    14ms  up L4                 | start #4 on L4
    15ms  submit #5 ann/a1      | spawn W5@1 p0
    16ms  up W5                 | connect L5@1 on W5 p0
    17ms  up L5                 | start #5 on L5
    18ms  submit #6 ann/a1      | spawn W6@1 p0
    19ms  up W6                 | connect L6@1 on W6 p0
    20ms  up L6                 | start #6 on L6
    21ms  submit #7 ann/a1      | spawn W7@1 p0
    22ms  up W7                 | connect L7@1 on W7 p0
    23ms  up L7                 | start #7 on L7
    24ms  submit #8 ann/a1      | spawn W8@1 p0
    25ms  up W8                 | connect L8@1 on W8 p0
    26ms  up L8                 | start #8 on L8
    27ms  submit #9 ann/a1      | spawn W9@1 p0
    28ms  up W9                 | connect L9@1 on W9 p0
    29ms  up L9                 | start #9 on L9
    30ms  submit #10 ann/a1     | spawn W10@1 p0
    31ms  up W10                | connect L10@1 on W10 p0
    32ms  up L10                | start #10 on L10
    33ms  submit #11 ann/a1     | spawn W11@1 p0
    34ms  up W11                | connect L11@1 on W11 p0
    35ms  up L11                | start #11 on L11
    36ms  submit #12 ann/a1     | spawn W12@1 p0
    37ms  up W12                | connect L12@1 on W12 p0
    38ms  up L12                | start #12 on L12
    39ms  submit #13 ann/a1     | spawn W13@1 p0
    40ms  up W13                | connect L13@1 on W13 p0
    41ms  up L13                | start #13 on L13
    42ms  submit #14 ann/a1     | spawn W14@1 p0
    43ms  up W14                | connect L14@1 on W14 p0
    44ms  up L14                | start #14 on L14
    45ms  submit #15 ann/a1     | spawn W15@1 p0
    46ms  up W15                | connect L15@1 on W15 p0
    47ms  up L15                | start #15 on L15
    48ms  submit #16 ann/a1     | spawn W16@1 p0
    49ms  up W16                | connect L16@1 on W16 p0
    50ms  up L16                | start #16 on L16
    51ms  submit #17 ann/a1     | spawn W17@1 p0
    52ms  up W17                | connect L17@1 on W17 p0
    53ms  up L17                | start #17 on L17
    54ms  submit #18 ann/a1     | spawn W18@1 p0
    55ms  up W18                | connect L18@1 on W18 p0
    56ms  up L18                | start #18 on L18
    57ms  submit #19 ann/a1     | spawn W19@1 p0
    58ms  up W19                | connect L19@1 on W19 p0
    59ms  up L19                | start #19 on L19
    60ms  submit #20 ann/a1     | spawn W20@1 p0
    61ms  up W20                | connect L20@1 on W20 p0
    62ms  up L20                | start #20 on L20
    63ms  submit #21 ann/a1     | spawn W21@1 p0
    64ms  up W21                | connect L21@1 on W21 p0
    65ms  up L21                | start #21 on L21
    66ms  submit #22 ann/a1     | spawn W22@1 p0
    67ms  up W22                | connect L22@1 on W22 p0
    68ms  up L22                | start #22 on L22
    69ms  submit #23 ann/a1     | spawn W23@1 p0
    70ms  up W23                | connect L23@1 on W23 p0
    71ms  up L23                | start #23 on L23
    72ms  submit #24 ann/a1     | spawn W24@1 p0
    73ms  up W24                | connect L24@1 on W24 p0
    74ms  up L24                | start #24 on L24
    75ms  submit #25 ann/a1     | spawn W25@1 p0
    76ms  up W25                | connect L25@1 on W25 p0
    77ms  up L25                | start #25 on L25
    78ms  submit #26 ann/a1     | spawn W26@1 p0
    79ms  up W26                | connect L26@1 on W26 p0
    80ms  up L26                | start #26 on L26
    81ms  submit #27 ann/a1     | spawn W27@1 p0
    82ms  up W27                | connect L27@1 on W27 p0
    83ms  up L27                | start #27 on L27
    84ms  submit #28 ann/a1     | spawn W28@1 p0
    85ms  up W28                | connect L28@1 on W28 p0
    86ms  up L28                | start #28 on L28
    87ms  submit #29 ann/a1     | spawn W29@1 p0
    88ms  up W29                | connect L29@1 on W29 p0
    89ms  up L29                | start #29 on L29
    90ms  submit #30 ann/a1     | spawn W30@1 p0
    91ms  up W30                | connect L30@1 on W30 p0
    92ms  up L30                | start #30 on L30
    93ms  submit #31 ann/a1     | spawn W31@1 p0
    94ms  up W31                | connect L31@1 on W31 p0
    95ms  up L31                | start #31 on L31
   900ms  submit #32 ann/a1     | -
   900ms  submit #33 ann/a1     | -
   900ms  submit #34 ann/a1     | -
   900ms  submit #35 ann/a1     | -
   900ms  submit #36 ann/a1     | -
   900ms  submit #37 ann/a1     | -
   900ms  submit #38 ann/a1     | -
   900ms  submit #39 ann/a1     | -
   900ms  submit #40 ann/a1     | -
   900ms  submit #41 ann/a1     | -
   900ms  submit #42 ann/a1     | -
   900ms  submit #43 ann/a1     | -
   900ms  submit #44 ann/a1     | -
   900ms  submit #45 ann/a1     | -
   900ms  submit #46 ann/a1     | -
   900ms  submit #47 ann/a1     | -
   900ms  submit #48 ann/a1     | -
   900ms  submit #49 ann/a1     | -
   900ms  submit #50 ann/a1     | -
   900ms  submit #51 ann/a1     | -
   900ms  submit #52 ann/a1     | -
   900ms  submit #53 ann/a1     | -
   900ms  submit #54 ann/a1     | -
   900ms  submit #55 ann/a1     | -
   900ms  submit #56 ann/a1     | -
   900ms  submit #57 ann/a1     | -
   900ms  submit #58 ann/a1     | -
   900ms  submit #59 ann/a1     | -
   900ms  submit #60 ann/a1     | -
   900ms  submit #61 ann/a1     | -
   900ms  submit #62 ann/a1     | -
   900ms  submit #63 ann/a1     | -
   900ms  submit #64 ann/a1     | -
   900ms  submit #65 ann/a1     | -
   900ms  submit #66 ann/a1     | -
   900ms  submit #67 ann/a1     | -
   900ms  submit #68 ann/a1     | -
   900ms  submit #69 ann/a1     | -
      1s  submit #190 eve/e1 p1 | -
      2s  done L0               | end #0 ok; disconnect L0; kill W0 p0; spawn W0@3 p1
      3s  done L1               | end #1 ok; kill W0 p1; end #190 unavailable retry=79ms
                                | start #32 on L1; spawn W0@5 p0
      4s  done L2               | end #2 ok; kill W0 p0; start #33 on L2
