# Ten bytes a day: the answer that passes them is the last one.
limits quota_bytes=10
     0ms  submit #0 a/a1  | spawn W0@1
     1ms  up W0           | connect L0@1 on W0
     2ms  up L0           | start #0 on L0
     3ms  done L0 bytes=9 | keep a/a1 bytes=10; end #0 ok
     4ms  submit #1 a/a1  | start #1 on L0
     5ms  done L0 bytes=9 | keep a/a1 bytes=19; end #1 ok
     6ms  submit #2 a/a1  | end #2 quota_exhausted client
