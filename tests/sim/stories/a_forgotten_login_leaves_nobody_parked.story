# A login is forgotten within its pause: what waited for it is asked again.
limits slots=4 conns_per_worker=2 logins=1 per_principal=1 tickets=2 accounts=200 backoff_min=20s backoff_max=60s
     0ms  submit #0 vic/d | spawn W0@1 as vic
     0ms  up W0           | connect L0@1 on W0
     0ms  up L0           | start #0 on L0
     1ms  submit #1 vic/d | connect L1@1 on W0
     2ms  lost L1         | -
     3ms  cancel #1       | end #1 cancelled
     3ms  lost W0         | -
     4ms  cancel #0       | end #0 cancelled
     5ms  submit #0 p0/c  | spawn W0@3 as p0
     6ms  lost W0         | end #0 unavailable retry=16837ms
     7ms  submit #0 p1/c  | spawn W0@5 as p1
     8ms  lost W0         | end #0 unavailable retry=17614ms
     9ms  submit #0 p2/c  | spawn W0@7 as p2
    10ms  lost W0         | end #0 unavailable retry=15299ms
    11ms  submit #0 p3/c  | spawn W0@9 as p3
    12ms  lost W0         | end #0 unavailable retry=17052ms
    13ms  submit #0 p4/c  | spawn W0@11 as p4
    14ms  lost W0         | end #0 unavailable retry=17294ms
    15ms  submit #0 p5/c  | spawn W0@13 as p5
    16ms  lost W0         | end #0 unavailable retry=18485ms
    17ms  submit #0 p6/c  | spawn W0@15 as p6
    18ms  lost W0         | end #0 unavailable retry=18067ms
    19ms  submit #0 p7/c  | spawn W0@17 as p7
    20ms  lost W0         | end #0 unavailable retry=18607ms
    21ms  submit #0 p8/c  | spawn W0@19 as p8
    22ms  lost W0         | end #0 unavailable retry=15668ms
    23ms  submit #0 p9/c  | spawn W0@21 as p9
    24ms  lost W0         | end #0 unavailable retry=17115ms
    25ms  submit #0 p10/c | spawn W0@23 as p10
    26ms  lost W0         | end #0 unavailable retry=16313ms
    27ms  submit #0 p11/c | spawn W0@25 as p11
    28ms  lost W0         | end #0 unavailable retry=19734ms
    29ms  submit #0 p12/c | spawn W0@27 as p12
    30ms  lost W0         | end #0 unavailable retry=17274ms
    31ms  submit #0 p13/c | spawn W0@29 as p13
    32ms  lost W0         | end #0 unavailable retry=15823ms
    33ms  submit #0 p14/c | spawn W0@31 as p14
    34ms  lost W0         | end #0 unavailable retry=17593ms
    35ms  submit #0 p15/c | spawn W0@33 as p15
    36ms  lost W0         | end #0 unavailable retry=16017ms
    37ms  submit #0 p16/c | spawn W0@35 as p16
    38ms  lost W0         | end #0 unavailable retry=17957ms
    39ms  submit #0 p17/c | spawn W0@37 as p17
    40ms  lost W0         | end #0 unavailable retry=17212ms
    41ms  submit #0 p18/c | spawn W0@39 as p18
    42ms  lost W0         | end #0 unavailable retry=19503ms
    43ms  submit #0 p19/c | spawn W0@41 as p19
    44ms  lost W0         | end #0 unavailable retry=16952ms
    45ms  submit #0 p20/c | spawn W0@43 as p20
    46ms  lost W0         | end #0 unavailable retry=19273ms
    47ms  submit #0 p21/c | spawn W0@45 as p21
    48ms  lost W0         | end #0 unavailable retry=18224ms
    49ms  submit #0 p22/c | spawn W0@47 as p22
    50ms  lost W0         | end #0 unavailable retry=15544ms
    51ms  submit #0 p23/c | spawn W0@49 as p23
    52ms  lost W0         | end #0 unavailable retry=19692ms
    53ms  submit #0 p24/c | spawn W0@51 as p24
    54ms  lost W0         | end #0 unavailable retry=16208ms
    55ms  submit #0 p25/c | spawn W0@53 as p25
    56ms  lost W0         | end #0 unavailable retry=16636ms
    57ms  submit #0 p26/c | spawn W0@55 as p26
    58ms  lost W0         | end #0 unavailable retry=19486ms
    59ms  submit #0 p27/c | spawn W0@57 as p27
    60ms  lost W0         | end #0 unavailable retry=19886ms
    61ms  submit #0 p28/c | spawn W0@59 as p28
    62ms  lost W0         | end #0 unavailable retry=18568ms
    63ms  submit #0 p29/c | spawn W0@61 as p29
    64ms  lost W0         | end #0 unavailable retry=15485ms
    65ms  submit #0 p30/c | spawn W0@63 as p30
    66ms  lost W0         | end #0 unavailable retry=16907ms
    67ms  submit #0 p31/c | spawn W0@65 as p31
    68ms  lost W0         | end #0 unavailable retry=16932ms
    69ms  submit #0 p32/c | spawn W0@67 as p32
    70ms  lost W0         | end #0 unavailable retry=19043ms
    71ms  submit #0 eve/c | spawn W0@69 as eve
    80ms  up W0           | connect L0@3 on W0
    81ms  up L0           | start #0 on L0
    82ms  done L0         | end #0 ok
     60s  submit #0 vic/d | spawn W1@1 as vic
     61s  tick            | kill W1; end #0 unavailable retry=15873ms
     61s  look #0         | not queued
    200s  submit #0 vic/d | spawn W1@3 as vic
    201s  tick            | kill W1; end #0 unavailable retry=31704ms
