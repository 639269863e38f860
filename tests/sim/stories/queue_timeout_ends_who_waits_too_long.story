# The limit counts from arrival and only for the queue: a call that runs has its own.
limits queue=1s
     0ms  submit #1 a/a1 | spawn W0@1
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
   100ms  submit #2 a/a1 | -
   200ms  submit #3 b/b1 | -
  1100ms  tick           | end #2 queue_timeout retry=2s
  1150ms  done L0        | end #1 ok; start #3 on L0
  1300ms  look pool      | sessions=0 queued=0 running=1 started=0 idle=0 busy=1 workers=1
  1400ms  done L0        | end #3 ok
