# A session that was loaded is a stub. The first call asks for its body; the calls until
# then are held, in no queue, and go on in their order once it came. One that is cancelled
# meanwhile ends at once; those of others do not wait.
limits slots=1
     0ms  load r1 a/a1 away=1s db=x | opened r1 s0 db=x
     1ms  submit #1 s0              | load s0
     2ms  submit #2 s0              | -
     3ms  submit #3 s0              | -
     4ms  look #1                   | not queued
     5ms  submit #4 b/b1            | spawn W0@1
     6ms  cancel #2                 | end #2 cancelled in s0
     7ms  look s0                   | disconnecting a/a1 connections=0 calls=2 created=0s seen=6ms db=x
    10ms  up W0                     | connect L0@1 on W0
    20ms  up L0                     | start #4 on L0
    30ms  done L0                   | end #4 ok
    31ms  look pool                 | sessions=1 queued=0 running=0 started=0 idle=1 busy=0 workers=1
    40ms  body s0                   | start #1 on L0 db=x set db
    50ms  done L0                   | end #1 ok in s0; start #3 on L0 db=x
    60ms  done L0                   | end #3 ok in s0; save s0 disconnected db=x
# It has it now.
    70ms  submit #5 s0              | start #5 on L0 db=x
    80ms  body s0                   | -
