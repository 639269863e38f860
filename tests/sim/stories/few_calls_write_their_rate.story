# A bound goes to the store when a quarter of the rate is spent, and then a quarter ahead.
limits rate_client=8
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  submit #1 a/a1 | -
     2ms  submit #2 a/a1 | keep a/a1 spent=4998ms
     3ms  submit #3 a/a1 | -
     4ms  submit #4 a/a1 | -
     5ms  submit #5 a/a1 | keep a/a1 spent=7995ms
