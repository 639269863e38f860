# Two calls a day of all client keys together.
limits quota_principal_calls=2
     0ms  submit #0 a/a1 | keep a calls=2; spawn W0@1
     1ms  submit #1 a/a2 | -
     2ms  submit #2 a/a3 | end #2 quota_exhausted principal
     3ms  submit #3 b/b1 | keep b calls=2
