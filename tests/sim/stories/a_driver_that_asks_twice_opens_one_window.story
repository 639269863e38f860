# A driver says twice that somebody has to sign in for one connection.
limits slots=4 conns_per_worker=4 connect=120s logins=1
     0ms  submit #0 ann/a1 | spawn W0@1
     1ms  up W0            | connect L0@1 on W0
     2ms  pending L0       | sign_in L0; end #0 login_pending retry=5s
     3ms  pending L0       | -
     4ms  up L0            | -
     5ms  look pool        | sessions=0 queued=0 running=0 started=0 idle=1 busy=0 workers=1
     6ms  submit #1 ann/a1 | start #1 on L0
     7ms  pending L0       | -
