# A call whose worker died before it started waits again even where the queue is full: it
# was admitted once. Newcomers find it full.
limits queue_total=1
     0ms  submit #1 a/a1 | spawn W0@1
     1ms  up W0          | connect L0@1 on W0
     2ms  up L0          | start #1 on L0
     3ms  submit #2 b/b1 | -
     4ms  lost W0        | spawn W0@3
     5ms  submit #3 c/c1 | end #3 queue_full all retry=2ms
     6ms  look #1        | position 1 of 1 wait=4ms busy=0/1
