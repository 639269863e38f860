# A principal may have one name: a name whose rate is not whole keeps its place.
limits names=1 rate_client=1
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  cancel #0      | end #0 cancelled
     2ms  submit #1 a/a2 | -
     3ms  cancel #1      | end #1 cancelled
     4ms  submit #2 a/a1 | end #2 rate_limited client retry=996ms
     5ms  submit #3 a/a3 | end #3 rate_limited client retry=997ms
