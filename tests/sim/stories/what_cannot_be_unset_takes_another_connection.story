# A login that brought no database: once one is set, nothing takes it off. Who wants none gets another
# connection, where all slots have one in place of the longest idle.
limits slots=2 conns_per_worker=2
     0ms  submit #0 a/a1 db=x          | spawn W0@1
     1ms  submit #1 a/a1 db=x          | -
     2ms  up W0                        | connect L0@1 on W0; connect L1@1 on W0
     3ms  up L0 schema=s               | start #0 on L0 db=x schema=s set db
     4ms  up L1 schema=s               | start #1 on L1 db=x schema=s set db
     5ms  done L0                      | end #0 ok
     6ms  submit #2 a/a1               | disconnect L0; connect L0@3 on W0
     7ms  done L1                      | end #1 ok
     8ms  up L0 schema=s               | start #2 on L0 schema=s
     9ms  submit #3 a/a1 schema=t      | disconnect L1; connect L1@3 on W0
    10ms  done L0                      | end #2 ok; start #3 on L0 schema=t set schema
    11ms  up L1 schema=s               | -
    12ms  submit #4 b/b1 db=x schema=t | start #4 on L1 db=x schema=t set db,schema
