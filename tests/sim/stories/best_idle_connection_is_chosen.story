# The idle connection that needs the fewest context statements serves, wherever it stands
# in the table; no new one is opened while an idle one can do it.
limits slots=4 conns_per_worker=4
     0ms  submit #0 a/a1 db=x                 | spawn W0@1
     0ms  submit #1 a/a1 db=y                 | -
     0ms  submit #2 a/a1 db=y schema=s role=r | -
    10ms  up W0                               | connect L0@1 on W0; connect L1@1 on W0
                                              | connect L2@1 on W0
    20ms  up L0                               | start #0 on L0 db=x set db
    21ms  up L1 db=d schema=s                 | start #1 on L1 db=y schema=s set db
    22ms  up L2                               | start #2 on L2 role=r db=y schema=s set role,db,schema
    30ms  done L0                             | end #0 ok
    31ms  done L1                             | end #1 ok
    32ms  done L2                             | end #2 ok
    40ms  submit #3 b/b1 db=y schema=s role=r | start #3 on L2 role=r db=y schema=s
    41ms  submit #4 b/b1 db=y schema=s        | start #4 on L1 db=y schema=s
    42ms  submit #5 b/b1 db=y schema=s role=r | start #5 on L0 role=r db=y schema=s set role,db,schema
    43ms  submit #6 b/b1                      | connect L3@1 on W0
    44ms  done L1                             | end #4 ok
                                              | start #6 on L1 db=d schema=s set db
    50ms  up L3                               | -
