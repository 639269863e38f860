# Whoever brings many does not make the others wait for all of them: one call each turn.
limits slots=1
     0ms  submit #1 a/a1 | spawn W0@1
     1ms  submit #2 a/a1 | -
     2ms  submit #3 a/a1 | -
     3ms  submit #4 a/a1 | -
     4ms  submit #5 b/b1 | -
     5ms  submit #6 c/c1 | -
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  look #4        | position 3 of 3 wait=5s busy=1/1
    22ms  look #5        | position 1 of 1 wait=3s busy=1/1
    30ms  done L0        | end #1 ok; start #5 on L0
    40ms  done L0        | end #5 ok; start #6 on L0
# A newcomer stands behind all who wait.
    41ms  submit #7 b/b1 | -
    50ms  done L0        | end #6 ok; start #2 on L0
    60ms  done L0        | end #2 ok; start #7 on L0
    70ms  done L0        | end #7 ok; start #3 on L0
    80ms  done L0        | end #3 ok; start #4 on L0
    81ms  look #4        | not queued
