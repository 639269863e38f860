# A 60 s statement where a slot's charge is 1 ms.
limits slots=1 slot_start=1ms
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  up W0          | connect L0@1 on W0
     2ms  up L0          | start #0 on L0
     3ms  done L0        | end #0 ok
     4ms  submit #0 a/a1 | start #0 on L0
     60s  done L0        | end #0 ok
