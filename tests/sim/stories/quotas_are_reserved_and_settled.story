# Ten rows a day: what a call may show is reserved when it starts, what it showed is charged.
limits quota_rows=10 quota_calls=4 slots=1
     0ms  submit #0 a/a1 rows=8   | keep a/a1 calls=2; spawn W0@1
     1ms  up W0                   | connect L0@1 on W0
     2ms  up L0                   | keep a/a1 calls=2 rows=9; start #0 on L0 rows=8
     3ms  done L0 rows=3          | end #0 ok
     4ms  submit #1 a/a1 rows=100 | keep a/a1 calls=2 rows=11; start #1 on L0 rows=7
     5ms  done L0 rows=7          | end #1 ok
     6ms  submit #2 a/a1 rows=1   | end #2 quota_exhausted client
     7ms  submit #3 a/a2 rows=1   | keep a/a2 calls=2 rows=2; keep a/a2 calls=2 rows=2
                                  | start #3 on L0 rows=1
     8ms  done L0 rows=1          | end #3 ok
     9ms  day                     | -
    10ms  submit #4 a/a1 rows=1   | keep a/a1 calls=2 rows=2; keep a/a1 calls=2 rows=2
                                  | start #4 on L0 rows=1
    11ms  done L0 rows=1          | end #4 ok
