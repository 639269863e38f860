# A place that comes free does not make a further name forget what it used among the others.
limits names=1 rate_client=4 quota_rows=10
     0ms  submit #0 a/a1 catalog | spawn W0@1
     1ms  fetch r1 a/a2 rows=6   | grant r1 ok rows=6; keep a/ rows=7
     2ms  fetched a/a2 rows=6    | -
     3ms  cancel #0              | end #0 cancelled
      1s  tick                   | kill W0
  5000ms  fetch r2 a/a2 rows=6   | grant r2 ok rows=4; keep a/ rows=11
  5001ms  day                    | -
  5002ms  fetch r3 a/a2 rows=6   | grant r3 ok rows=6; keep a/ rows=7
