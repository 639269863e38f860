# A call that wants no database, where a person would have to sign in once more for it, keeps nobody waiting.
limits slots=4 conns_per_worker=4 logins=1 conn_idle=600s conn_age=3600s queue=120s connect=120s
     0ms  submit #0 ann/a1 db=x | spawn W0@1
     1ms  up W0                 | connect L0@1 on W0
     2ms  pending L0            | sign_in L0; end #0 login_pending retry=5s
     3ms  up L0                 | -
     4ms  submit #1 ann/a1 db=x | start #1 on L0 db=x set db
      1s  done L0               | end #1 ok
      2s  submit #2 ben/a1      | connect L1@1 on W0
      3s  pending L1            | disconnect L1; end #2 unsettable
      4s  submit #3 ann/b1 db=x | start #3 on L0 db=x
      5s  submit #4 eve/b1 db=x | -
      6s  done L0               | end #3 ok; start #4 on L0 db=x
    100s  look #3               | not queued
    119s  look pool             | sessions=0 queued=0 running=1 started=0 idle=0 busy=1 workers=1
    130s  look pool             | sessions=0 queued=0 running=1 started=0 idle=0 busy=1 workers=1
