# One slot of two may wait for somebody who signs in; the calls of others pass it.
limits slots=2 conns_per_worker=2 logins=1 per_principal=1
     0ms  submit #0 ann/a1 | spawn W0@1 as ann
     1ms  up W0            | connect L0@1 on W0
     2ms  pending L0       | sign_in L0; end #0 login_pending retry=5s
     3ms  submit #1 ben/b1 | spawn W1@1 as ben
     4ms  up W1            | connect L1@1 on W1
     5ms  up L0            | -
     6ms  up L1            | start #1 on L1
     7ms  done L1          | end #1 ok
     8ms  submit #2 eve/e1 | disconnect L1; spawn W2@1 as eve
