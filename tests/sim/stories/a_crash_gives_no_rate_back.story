# After a crash a stored rate is as far spent as the store says, any other a quarter.
limits rate_client=8
     0ms  restarted dirty           | -
     1ms  account a/a1 spent=7500ms | -
     2ms  submit #0 a/a1            | end #0 rate_limited client retry=499ms
     3ms  submit #1 a/a1            | end #1 rate_limited client retry=498ms
   510ms  submit #2 a/a1            | keep a/a1 spent=9991ms; spawn W0@1
   520ms  submit #3 a/a2            | keep a/a2 spent=4480ms
   530ms  submit #4 a/a2            | -
   540ms  submit #5 a/a2            | -
   550ms  submit #6 a/a2            | keep a/a2 spent=7450ms
   560ms  submit #7 a/a2            | -
   570ms  submit #8 a/a2            | -
   580ms  submit #9 a/a2            | end #9 queue_full client retry=2s
