# Of two workers at rest the one for which nobody signed in goes.
limits slots=8 conns_per_worker=2 workers=2 per_principal=1 logins=1
     0ms  submit #0 ann/a1 | spawn W0@1 as ann
     1ms  up W0            | connect L0@1 on W0
     2ms  pending L0       | sign_in L0; end #0 login_pending retry=5s
     3ms  up L0            | -
     4ms  submit #1 ann/a1 | start #1 on L0
     5ms  done L0          | end #1 ok
     6ms  submit #2 ben/b1 | spawn W1@1 as ben
     7ms  up W1            | connect L1@1 on W1
     8ms  up L1            | start #2 on L1
     9ms  done L1          | end #2 ok
    10ms  submit #3 eve/e1 | disconnect L1; kill W1; spawn W1@3 as eve
