# After the grace time the caller gets a handle, once, whether the call runs or waits; the
# call goes on to its own end.
limits grace=200ms queue=1s
     0ms  submit #1 a/a1 | spawn W0@1
    10ms  up W0          | connect L0@1 on W0
    20ms  up L0          | start #1 on L0
    50ms  submit #2 a/a1 | -
   100ms  submit #3 a/a1 | -
   200ms  tick           | grace #1
   250ms  tick           | grace #2
   280ms  cancel #3      | end #3 cancelled
   900ms  done L0        | end #1 ok; start #2 on L0
   950ms  submit #4 a/a1 | -
  1000ms  done L0        | end #2 ok; start #4 on L0
  1100ms  done L0        | end #4 ok
