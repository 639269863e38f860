# A call that gets the answer of a running one takes no slot, but it is a call: its rate, its
# quotas and its rows count. One that has to run after all is not charged twice.
limits quota_calls=3 quota_rows=10 rate_client=2 rate_client_every=10ms
     0ms  submit #0 a/a1 rows=4         | keep a/a1 calls=2; spawn W0@1
     1ms  fetch r1 a/a1 call rows=8     | grant r1 ok rows=8
                                        | keep a/a1 calls=2 rows=9 spent=29ms
     2ms  fetch r2 a/a1 call rows=8     | grant r2 rate_limited rows=0 retry=8ms
    20ms  fetched a/a1 granted=8 rows=4 | -
    21ms  fetch r3 a/a1 call rows=8     | grant r3 ok rows=6
                                        | keep a/a1 calls=4 rows=11 spent=9ms
    22ms  submit #1 a/a1 charged rows=1 | -
    41ms  submit #2 a/a1 rows=1         | end #2 quota_exhausted client
    42ms  drain                         | -
    43ms  fetch r4 a/a1 call rows=1     | grant r4 draining rows=0
