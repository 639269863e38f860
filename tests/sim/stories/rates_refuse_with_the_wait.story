# Two calls at once, then one a second; catalogue calls have a rate of their own.
limits slots=4 conns_per_worker=4 rate_client=2 rate_catalog=1
     0ms  submit #0 a/a1         | spawn W0@1
     1ms  submit #1 a/a1         | keep a/a1 spent=2999ms
     2ms  submit #2 a/a1         | end #2 rate_limited client retry=998ms
     3ms  submit #3 a/a1 catalog | -
     4ms  submit #4 a/a1 catalog | end #4 rate_limited client retry=999ms
     5ms  submit #5 a/a2         | -
  1000ms  submit #6 a/a1         | kill W0; end #0 unavailable retry=91ms
                                 | end #1 unavailable retry=91ms
                                 | end #3 unavailable retry=91ms
                                 | end #5 unavailable retry=91ms
                                 | end #6 unavailable retry=91ms
