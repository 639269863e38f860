# A connection is closed at its age, less a tenth by chance; what runs on it goes on.
limits slots=1 conns_per_worker=1 conn_age=1s
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  up W0          | connect L0@1 on W0
     2ms  up L0          | start #0 on L0
     3ms  done L0        | end #0 ok
   990ms  tick           | -
998259185ns  tick        | disconnect L0; kill W0
  1000ms  submit #0 a/a1 | spawn W0@3
  1001ms  up W0          | connect L0@3 on W0
  1002ms  up L0          | start #0 on L0
  2500ms  done L0        | end #0 ok; disconnect L0
