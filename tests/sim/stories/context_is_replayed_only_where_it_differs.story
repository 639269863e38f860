# A fresh connection says what it is set to, its defaults; after that only the parts that differ are
# set, also back to the default. A discarded connection takes its context along.
     0ms  submit #1 a/a1 db=x schema=y        | spawn W0@1
    10ms  up W0                               | connect L0@1 on W0
    20ms  up L0 role=r0 wh=w0 db=d0 schema=s0 | start #1 on L0 role=r0 wh=w0 db=x schema=y set db,schema
    30ms  done L0                             | end #1 ok
    40ms  submit #1 b/b1 db=x schema=z        | start #1 on L0 role=r0 wh=w0 db=x schema=z set schema
    50ms  done L0                             | end #1 ok
    60ms  submit #1 a/a1 db=x schema=z        | start #1 on L0 role=r0 wh=w0 db=x schema=z
    70ms  done L0                             | end #1 ok
    80ms  submit #1 a/a1 role=r wh=w db=x     | start #1 on L0 role=r wh=w db=x schema=s0 set role,wh,schema
    90ms  done L0                             | end #1 ok
   100ms  submit #1 a/a1                      | start #1 on L0 role=r0 wh=w0 db=d0 schema=s0 set role,wh,db
   110ms  done L0                             | end #1 ok
   120ms  submit #1 a/a1 db=x                 | start #1 on L0 role=r0 wh=w0 db=x schema=s0 set db
   130ms  done L0 dirty                       | end #1 ok; disconnect L0
   140ms  submit #1 a/a1 db=x                 | connect L0@3 on W0
   150ms  up L0 role=r0 wh=w0 db=x schema=s0  | start #1 on L0 role=r0 wh=w0 db=x schema=s0
