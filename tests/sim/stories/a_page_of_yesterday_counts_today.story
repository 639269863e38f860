# Midnight under a page: what it showed counts today, what was reserved for it does not.
limits quota_rows=10
     0ms  fetch r1 a/a1 rows=8 | grant r1 ok rows=8; keep a/a1 rows=9
     1ms  day                  | -
     2ms  fetch r2 a/a1 rows=5 | grant r2 ok rows=5; keep a/a1 rows=6
     3ms  fetched a/a1 rows=8  | keep a/a1 rows=14
     4ms  fetch r3 a/a1 rows=1 | grant r3 quota_exhausted rows=0 retry=1s
