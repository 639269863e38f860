# What one call has reserved another cannot have; who has none left is interrupted.
limits quota_engine_ms=50 chunk_ms=40 slots=2 conns_per_worker=2
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  submit #1 a/a1 | -
     1ms  submit #3 a/a1 | -
     2ms  up W0          | connect L0@1 on W0; connect L1@1 on W0
     3ms  up L0          | keep a/a1 engine_ms=41; start #0 on L0
     4ms  up L1          | keep a/a1 engine_ms=51; start #1 on L1
    14ms  tick           | interrupt #1 on L1
    43ms  tick           | interrupt #0 on L0
    43ms  done L0        | end #0 quota_exhausted client retry=40ms; disconnect L0
                         | connect L0@3 on W0
    45ms  done L1        | keep a/a1 engine_ms=82; end #1 quota_exhausted client
                         | disconnect L1
