# Fifty and fifty of a hundred milliseconds: what was reserved beyond is given back.
limits quota_engine_ms=100 chunk_ms=40
     0ms  submit #0 a/a1 | spawn W0@1
     1ms  up W0          | connect L0@1 on W0
     2ms  up L0          | keep a/a1 engine_ms=42; start #0 on L0
    42ms  tick           | keep a/a1 engine_ms=82
    52ms  done L0        | end #0 ok
    53ms  submit #1 a/a1 | keep a/a1 engine_ms=92; start #1 on L0
    93ms  tick           | keep a/a1 engine_ms=102
   102ms  done L0        | end #1 ok
   103ms  submit #2 a/a1 | start #2 on L0
   104ms  done L0        | end #2 ok
   105ms  submit #3 a/a1 | end #3 quota_exhausted client
