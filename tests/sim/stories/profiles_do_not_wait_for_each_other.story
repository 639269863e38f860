# Each profile has its own queue, slots, workers and pauses.
limits profiles=2 p0.slots=1 p1.slots=1 backoff_min=100ms
     0ms  submit #1 a/a1 p0 | spawn W0@1 p0
     1ms  submit #2 a/a1 p1 | spawn W1@1 p1
     2ms  submit #3 a/a1 p0 | -
    10ms  up W0             | connect L0@1 on W0 p0
    11ms  up W1             | connect L1@1 on W1 p1
    20ms  up L0             | start #1 on L0
    21ms  lost L1           | kill W1 p1; end #2 unavailable retry=95ms
    22ms  submit #2 a/a1 p1 | end #2 unavailable retry=94ms
    30ms  done L0           | end #1 ok; start #3 on L0
   130ms  submit #2 a/a1 p1 | spawn W1@3 p1
   135ms  up W1             | connect L1@3 on W1 p1
   140ms  up L1             | start #2 on L1
