# A row of another day with whole rates is not loaded: it would take a name from who has one.
limits quota_calls=5 names=1
     0ms  account a/a1         | -
     1ms  account a/a2 calls=3 | -
     2ms  submit #0 a/a3       | keep a/ calls=2; spawn W0@1
     3ms  submit #1 a/a2       | keep a/a2 calls=5
     4ms  submit #2 a/a2       | -
     5ms  submit #3 a/a2       | end #3 quota_exhausted client
     6ms  submit #4 a/a3       | -
