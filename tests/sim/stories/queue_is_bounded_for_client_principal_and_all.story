# Each bound refuses at once and says whose it was. What leaves the queue makes room.
limits queue_client=2 queue_principal=3 queue_total=4
     0ms  submit #0 z/z1 | spawn W0@1
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #0 on L0
    21ms  submit #1 a/a1 | -
    22ms  submit #2 a/a1 | -
    23ms  submit #3 a/a1 | end #3 queue_full client retry=2s
    24ms  submit #3 a/a2 | -
    25ms  submit #4 a/a2 | end #4 queue_full principal retry=2s
    26ms  submit #4 b/b1 | -
    27ms  submit #5 c/c1 | end #5 queue_full all retry=1s
    28ms  look pool      | sessions=0 queued=4 running=1 started=0 idle=0 busy=1 workers=1
    30ms  cancel #2      | end #2 cancelled
    31ms  submit #5 c/c1 | -
    32ms  submit #6 d/d1 | end #6 queue_full all retry=1s
    40ms  done L0        | end #0 ok; start #1 on L0
    41ms  submit #6 a/a1 | -
