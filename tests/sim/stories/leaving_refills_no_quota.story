# A principal may have one name: a name that used its quota up keeps its place.
limits names=1 quota_calls=1
     0ms  submit #0 a/a1 | keep a/a1 calls=2; spawn W0@1
     1ms  cancel #0      | end #0 cancelled
     2ms  submit #1 a/a2 | keep a/ calls=2
     3ms  cancel #1      | end #1 cancelled
     4ms  submit #2 a/a1 | end #2 quota_exhausted client
     5ms  submit #3 a/a3 | end #3 quota_exhausted client
