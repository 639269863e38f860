# A call whose session had to be loaded first is told that somebody has to sign in.
limits slots=4 conns_per_worker=4 logins=1 connect=120s queue=120s
     0ms  load r1 ann/a1   | opened r1 s0
     0ms  submit #0 ben/b1 | spawn W0@1
     1ms  submit #1 s0     | load s0
     1ms  up W0            | connect L0@1 on W0
     2ms  pending L0       | sign_in L0; end #0 login_pending retry=5s
     3ms  body s0          | end #1 login_pending retry=5s in s0; save s0 disconnected
     4ms  submit #2 ben/b1 | end #2 login_pending retry=5s
    100s  look #1          | not queued
120001ms  tick             | disconnect L0; kill W0
