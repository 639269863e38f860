# Somebody has to sign in: who waits is told so, and who comes. It is one window, and the connection stays.
limits slots=4 conns_per_worker=4 conn_idle=1s conn_age=2s
     0ms  submit #0 ann/a1 | spawn W0@1
     0ms  submit #1 ben/b1 | -
     1ms  up W0            | connect L0@1 on W0; connect L1@1 on W0
     2ms  pending L0       | sign_in L0; end #0 login_pending retry=5s
                           | end #1 login_pending retry=5s
     3ms  pending L1       | disconnect L1
     4ms  submit #2 ann/a1 | end #2 login_pending retry=5s
     9ms  up L0            | -
    10ms  submit #3 ann/a1 | start #3 on L0
    11ms  submit #4 ben/b1 | connect L1@3 on W0
    12ms  pending L1       | disconnect L1
    13ms  done L0          | end #3 ok; start #4 on L0
    14ms  done L0          | end #4 ok
      9s  submit #5 ann/a1 | start #5 on L0
      9s  done L0          | end #5 ok
