# A call that the engine never saw is repeated, before those that came after it; a second
# death ends it.
     0ms  submit #1 a/a1 | spawn W0@1
     1ms  submit #2 a/a1 | -
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  lost W0        | spawn W0@3
    22ms  look #1        | position 1 of 2 wait=1ms busy=0/1
    23ms  look #2        | position 2 of 2 wait=2ms busy=0/1
    30ms  up W0          | connect L0@3 on W0
    40ms  up L0          | start #1 on L0
    41ms  lost W0        | end #1 worker_died; spawn W0@5
    50ms  up W0          | connect L0@5 on W0
    60ms  up L0          | start #2 on L0
# The same when only the connection breaks.
    61ms  lost L0        | connect L0@7 on W0
    70ms  up L0          | start #2 on L0
    71ms  started L0     | -
    80ms  done L0        | end #2 ok
