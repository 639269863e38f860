# Midnight under a call that is with the engine, and one that waits: only the first has reserved.
limits quota_rows=100 slots=1
     0ms  submit #0 a/a1 rows=8 | spawn W0@1
     0ms  submit #1 a/a1 rows=8 | -
     1ms  up W0                 | connect L0@1 on W0
     2ms  up L0                 | keep a/a1 rows=10; start #0 on L0 rows=8
     3ms  started L0            | -
     4ms  day                   | keep a/a1 rows=10
