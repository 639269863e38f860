# One more connection cannot be had, but there is one: calls wait for it and are not
# refused, and no further attempt is made within the pause.
limits slots=2 conns_per_worker=2 backoff_min=100ms
     0ms  submit #1 a/a1 | spawn W0@1
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
    21ms  started L0     | -
    30ms  submit #2 b/b1 | connect L1@1 on W0
    40ms  lost L1        | -
    50ms  submit #3 c/c1 | -
   123ms  tick           | connect L1@3 on W0
   150ms  done L0        | end #1 ok; start #2 on L0
   160ms  up L1          | start #3 on L1
