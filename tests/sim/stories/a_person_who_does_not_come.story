# Nobody signs in: the connection is given up, and the next call asks again.
limits slots=2 conns_per_worker=2 connect=100ms
     0ms  submit #0 ann/a1 | spawn W0@1
     1ms  up W0            | connect L0@1 on W0
     2ms  pending L0       | sign_in L0; end #0 login_pending retry=5s
   101ms  tick             | disconnect L0; kill W0
   110ms  submit #1 ann/a1 | end #1 unavailable retry=87ms
   300ms  submit #2 ann/a1 | spawn W0@3
   310ms  pending L0       | -
