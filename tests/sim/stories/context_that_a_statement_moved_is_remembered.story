# A statement that changes the connection's context tells where it ended: the next call is
# set from there. With a connection that is not clean it is forgotten.
limits slots=1
     0ms  submit #1 a/a1 db=x          | spawn W0@1
    10ms  up W0                        | connect L0@1 on W0
    20ms  up L0 db=d schema=d          | start #1 on L0 db=x schema=d set db
    30ms  done L0 moved db=y schema=s  | end #1 ok
    40ms  submit #1 a/a1 db=y schema=s | start #1 on L0 db=y schema=s
    50ms  done L0                      | end #1 ok
    60ms  submit #1 a/a1 db=x          | start #1 on L0 db=x schema=d set db,schema
    70ms  done L0 moved                | end #1 ok
    80ms  submit #1 a/a1 db=x          | start #1 on L0 db=x schema=d set db,schema
    90ms  done L0                      | end #1 ok
   100ms  submit #1 a/a1 db=x          | start #1 on L0 db=x schema=d
   110ms  done L0 moved dirty db=z     | end #1 ok; disconnect L0
   120ms  submit #1 a/a1 db=z          | connect L0@3 on W0
   130ms  up L0 db=d schema=d          | start #1 on L0 db=z schema=d set db
