# A page of a kept result takes no ticket, but its rows are reserved and settled like a call's.
limits quota_rows=10 quota_calls=4
     0ms  fetch r1 a/a1 rows=8  | grant r1 ok rows=8; keep a/a1 rows=9
     1ms  fetch r2 a/a1 rows=8  | grant r2 ok rows=2; keep a/a1 rows=11
     2ms  fetch r3 a/a1 rows=8  | grant r3 quota_exhausted rows=0 retry=1s
     3ms  submit #0 a/a1 rows=1 | end #0 quota_exhausted client retry=1s
     4ms  fetched a/a1 rows=2   | -
     5ms  fetch r4 a/a1 rows=8  | grant r4 quota_exhausted rows=0 retry=1s
