# What waits ends at once; what was leased or runs is interrupted, ends when the engine
# answers, and its connection is not used again. The first reason stays.
limits slots=1
     0ms  submit #1 a/a1 timeout=60ms | spawn W0@1
     1ms  submit #2 a/a1              | -
     2ms  submit #3 a/a1 timeout=30ms | -
     3ms  submit #4 a/a1              | -
     5ms  cancel #2                   | end #2 cancelled
     6ms  cancel #2                   | -
    10ms  up W0                       | connect L0@1 on W0
    20ms  up L0                       | start #1 on L0
# leased: the engine has not confirmed it yet
    21ms  cancel #1                   | interrupt #1 on L0
    22ms  cancel #1                   | -
    25ms  started L0                  | -
    90ms  done L0                     | end #1 cancelled; disconnect L0
                                      | connect L0@3 on W0
   100ms  up L0                       | start #3 on L0
   101ms  started L0                  | -
# running, and out of time before the asker cancels
   130ms  tick                        | interrupt #3 on L0
   131ms  cancel #3                   | -
   140ms  done L0                     | end #3 timeout; disconnect L0; connect L0@5 on W0
   150ms  up L0                       | start #4 on L0
   160ms  done L0                     | end #4 ok
   161ms  cancel #4                   | -
