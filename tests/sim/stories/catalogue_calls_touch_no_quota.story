# Catalogue calls neither use rows up nor give any back.
limits quota_rows=100 quota_calls=50 slots=1
     0ms  submit #0 a/a1 rows=60           | keep a/a1 calls=2; spawn W0@1
     1ms  up W0                            | connect L0@1 on W0
     2ms  up L0                            | keep a/a1 calls=2 rows=62
                                           | start #0 on L0 rows=60
     3ms  done L0 rows=60                  | end #0 ok
     4ms  submit #2 a/a1 rows=40           | keep a/a1 calls=2 rows=102
                                           | start #2 on L0 rows=40
     5ms  done L0 rows=40                  | end #2 ok
     6ms  submit #3 a/a1 rows=40           | end #3 quota_exhausted client
     8ms  submit #1 a/a1 rows=1000 catalog | start #1 on L0 rows=1000
     9ms  done L0 rows=0                   | end #1 ok
    10ms  submit #2 a/a1 rows=100          | end #2 quota_exhausted client
    11ms  done L0 rows=100                 | -
