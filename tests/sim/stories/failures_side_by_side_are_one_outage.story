# When the last connection failed that was on its way, all who wait end. The pause began
# with the first failure, and doubles for the next outage, not for each connection.
limits slots=2 conns_per_worker=2 backoff_min=100ms backoff_max=10s
     0ms  submit #1 a/a1 | spawn W0@1
     0ms  submit #2 a/a1 | -
     1ms  up W0          | connect L0@1 on W0; connect L1@1 on W0
     2ms  lost L0        | -
     3ms  submit #3 b/b1 | -
    12ms  lost L1        | kill W0; end #1 unavailable retry=67ms
                         | end #2 unavailable retry=67ms; end #3 unavailable retry=67ms
    13ms  submit #4 a/a1 | end #4 unavailable retry=66ms
   103ms  submit #1 a/a1 | spawn W0@3
   103ms  up W0          | connect L0@3 on W0
   104ms  lost L0        | kill W0; end #1 unavailable retry=172ms
