# The connection is gone with its worker: nothing is left to be closed.
limits conn_idle=1s
     0ms  submit #1 a/a1 | spawn W0@1
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
    30ms  done L0        | end #1 ok
  1030ms  lost W0        | -
  1031ms  look pool      | sessions=0 queued=0 running=0 started=0 idle=0 busy=0 workers=0
  1040ms  submit #1 a/a1 | spawn W0@3
