# With one connection a worker there is nobody to wait for: killed and succeeded in the
# very step that gives the slot back.
limits slots=1 conns_per_worker=1 cancel=100ms
     0ms  submit #1 a/a1 timeout=1s | spawn W0@1
     1ms  submit #2 b/b1            | -
    10ms  up W0                     | connect L0@1 on W0
    20ms  up L0                     | start #1 on L0
    25ms  started L0                | -
  1020ms  tick                      | interrupt #1 on L0
  1120ms  tick                      | end #1 timeout; disconnect L0; kill W0; spawn W0@3
  1125ms  lost W0@1                 | -
  1126ms  up W0@1                   | -
  1130ms  up W0                     | connect L0@3 on W0
  1140ms  up L0                     | start #2 on L0
  1150ms  done L0                   | end #2 ok
