# An answer about names that is known already takes no slot and no quota, but its rate, which
# is the one of catalogue calls; what has to run after all is not charged twice.
limits quota_calls=1 quota_rows=1 rate_catalog=2 rate_catalog_every=10ms
     0ms  submit #0 a/a1 rows=1                   | keep a/a1 calls=2; spawn W0@1
     1ms  fetch r1 a/a1 call catalog rows=100     | grant r1 ok rows=100
     1ms  fetch r2 a/a1 call catalog rows=100     | grant r2 ok rows=100
                                                  | keep a/a1 calls=2 catalog=30ms
     1ms  fetch r3 a/a1 call catalog rows=100     | grant r3 rate_limited rows=0 retry=10ms
     2ms  submit #1 a/a1 charged catalog rows=100 | -
     3ms  submit #2 a/a1 catalog rows=100         | end #2 rate_limited client retry=8ms
     4ms  fetch r4 a/a1 call rows=1               | grant r4 quota_exhausted rows=0
     5ms  drain                                   | -
     6ms  fetch r5 a/a1 call catalog rows=1       | grant r5 draining rows=0
