# The account of the further names takes no name's place, and what falls into it adds up.
limits names=2 quota_rows=10
     0ms  restarted dirty      | -
     1ms  account a/a1 rows=6  | -
     2ms  account a/a2 rows=6  | -
     3ms  account a/a3 rows=6  | -
     4ms  account a/a4 rows=3  | -
     5ms  fetch r1 a/a1 rows=9 | grant r1 ok rows=4; keep a/a1 rows=11
     6ms  fetch r2 a/a2 rows=9 | grant r2 ok rows=4; keep a/a2 rows=11
     7ms  fetch r3 a/a4 rows=9 | grant r3 ok rows=1; keep a/ rows=11
     8ms  fetch r4 a/a5 rows=9 | grant r4 quota_exhausted rows=0 retry=1s
