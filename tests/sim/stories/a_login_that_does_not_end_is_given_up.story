# Its connection is closed, and the profile pauses as after any other failure; then one is a probe.
limits slots=2 conns_per_worker=2 connect=50ms backoff_min=100ms
     0ms  submit #0 a/a1 | spawn W0@1
     0ms  submit #1 a/a1 | -
     1ms  up W0          | connect L0@1 on W0; connect L1@1 on W0
    51ms  tick           | disconnect L0; disconnect L1; kill W0
                         | end #0 unavailable retry=98ms; end #1 unavailable retry=98ms
    60ms  late up L0     | -
   200ms  submit #0 a/a1 | spawn W0@3
   200ms  submit #1 a/a1 | -
   205ms  up W0          | connect L0@3 on W0
   210ms  up L0          | start #0 on L0; connect L1@3 on W0
