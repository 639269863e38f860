# The last connection goes while calls run: they run on. Back in time the session is
# active again, as if nothing had happened, and its row says so.
     0ms  open r1 a/a1 | opened r1 s0
     0ms  attach s0    | -
     0ms  durable s0   | -
    10ms  submit #1 s0 | spawn W0@1
    11ms  submit #2 s0 | -
    20ms  up W0        | connect L0@1 on W0
    30ms  up L0        | start #1 on L0
    31ms  started L0   | -
    40ms  detach s0    | -
    41ms  look s0      | disconnecting a/a1 connections=0 calls=2 created=0s seen=11ms
    50ms  attach s0    | save s0 active
    51ms  look s0      | active a/a1 connections=1 calls=2 created=0s seen=50ms
    60ms  detach s0    | -
    70ms  done L0      | end #1 ok in s0; start #2 on L0
    71ms  look s0      | disconnecting a/a1 connections=0 calls=1 created=0s seen=70ms
    80ms  done L0      | end #2 ok in s0; save s0 disconnected
# A call made on behalf of a disconnected session does not connect it.
    90ms  submit #3 s0 | start #3 on L0
    91ms  look s0      | disconnecting a/a1 connections=0 calls=1 created=0s seen=90ms
    99ms  done L0      | end #3 ok in s0; save s0 disconnected
