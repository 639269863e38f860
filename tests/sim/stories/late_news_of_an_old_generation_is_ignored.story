# A connection and a worker come back under the same number; what still arrives from their
# former life reaches nobody.
     0ms  submit #1 a/a1 | spawn W0@1
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
    25ms  started L0     | -
    30ms  done L0 dirty  | end #1 ok; disconnect L0
    31ms  done L0        | -
    32ms  lost L0        | -
    40ms  submit #2 b/b1 | connect L0@3 on W0
    41ms  up L0@1        | -
    42ms  lost L0@1      | -
    50ms  up L0          | start #2 on L0
    51ms  started L0@1   | -
    52ms  done L0@1      | -
    53ms  lost L0@1      | -
# Still not started: a lost worker gives it another chance.
    60ms  lost W0        | spawn W0@3
    61ms  up W0@1        | -
    62ms  lost W0@1      | -
    70ms  up W0          | connect L0@5 on W0
    80ms  up L0          | start #2 on L0
    81ms  done L0@3      | -
    90ms  done L0        | end #2 ok
