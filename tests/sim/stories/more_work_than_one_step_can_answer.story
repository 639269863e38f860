# Closing a session with more calls than one step can answer: the rest is done by ticks of
# the same moment, nothing is lost and nothing is done twice.
limits tickets=100 queue_total=100 queue_principal=100 queue_client=100
     0ms  open r1 a/a1    | opened r1 s0
     0ms  attach s0       | -
     0ms  durable s0      | -
     1ms  submit #0 s0    | spawn W0@1
     1ms  submit #1 s0    | -
     1ms  submit #2 s0    | -
     1ms  submit #3 s0    | -
     1ms  submit #4 s0    | -
     1ms  submit #5 s0    | -
     1ms  submit #6 s0    | -
     1ms  submit #7 s0    | -
     1ms  submit #8 s0    | -
     1ms  submit #9 s0    | -
     1ms  submit #10 s0   | -
     1ms  submit #11 s0   | -
     1ms  submit #12 s0   | -
     1ms  submit #13 s0   | -
     1ms  submit #14 s0   | -
     1ms  submit #15 s0   | -
     1ms  submit #16 s0   | -
     1ms  submit #17 s0   | -
     1ms  submit #18 s0   | -
     1ms  submit #19 s0   | -
     1ms  submit #20 s0   | -
     1ms  submit #21 s0   | -
     1ms  submit #22 s0   | -
     1ms  submit #23 s0   | -
     1ms  submit #24 s0   | -
     1ms  submit #25 s0   | -
     1ms  submit #26 s0   | -
     1ms  submit #27 s0   | -
     1ms  submit #28 s0   | -
     1ms  submit #29 s0   | -
     1ms  submit #30 s0   | -
     1ms  submit #31 s0   | -
     1ms  submit #32 s0   | -
     1ms  submit #33 s0   | -
     1ms  submit #34 s0   | -
     1ms  submit #35 s0   | -
     1ms  submit #36 s0   | -
     1ms  submit #37 s0   | -
     1ms  submit #38 s0   | -
     1ms  submit #39 s0   | -
     1ms  submit #40 s0   | -
     1ms  submit #41 s0   | -
     1ms  submit #42 s0   | -
     1ms  submit #43 s0   | -
     1ms  submit #44 s0   | -
     1ms  submit #45 s0   | -
     1ms  submit #46 s0   | -
     1ms  submit #47 s0   | -
     1ms  submit #48 s0   | -
     1ms  submit #49 s0   | -
     1ms  submit #50 s0   | -
     1ms  submit #51 s0   | -
     1ms  submit #52 s0   | -
     1ms  submit #53 s0   | -
     1ms  submit #54 s0   | -
     1ms  submit #55 s0   | -
     1ms  submit #56 s0   | -
     1ms  submit #57 s0   | -
     1ms  submit #58 s0   | -
     1ms  submit #59 s0   | -
     2ms  submit #90 b/b1 | -
    10ms  close s0        | end #59 closed in s0; end #58 closed in s0
                          | end #57 closed in s0; end #56 closed in s0
                          | end #55 closed in s0; end #54 closed in s0
                          | end #53 closed in s0; end #52 closed in s0
                          | end #51 closed in s0; end #50 closed in s0
                          | end #49 closed in s0; end #48 closed in s0
                          | end #47 closed in s0; end #46 closed in s0
                          | end #45 closed in s0; end #44 closed in s0
                          | end #43 closed in s0; end #42 closed in s0
                          | end #41 closed in s0; end #40 closed in s0
                          | end #39 closed in s0; end #38 closed in s0
                          | end #37 closed in s0; end #36 closed in s0
                          | end #35 closed in s0; end #34 closed in s0
                          | end #33 closed in s0; end #32 closed in s0
                          | end #31 closed in s0; end #30 closed in s0
                          | end #29 closed in s0; end #28 closed in s0
                          | end #27 closed in s0; end #26 closed in s0
                          | end #25 closed in s0; end #24 closed in s0
                          | end #23 closed in s0; end #22 closed in s0
                          | end #21 closed in s0; end #20 closed in s0
                          | end #19 closed in s0; end #18 closed in s0
                          | end #17 closed in s0; end #16 closed in s0
                          | end #15 closed in s0; end #14 closed in s0
                          | end #13 closed in s0; end #12 closed in s0
                          | end #11 closed in s0; end #10 closed in s0
                          | end #9 closed in s0; end #8 closed in s0; end #7 closed in s0
                          | end #6 closed in s0; end #5 closed in s0; end #4 closed in s0
                          | end #3 closed in s0
    10ms  tick            | end #2 closed in s0; end #1 closed in s0; end #0 closed in s0
                          | end s0 closed
    11ms  look pool       | sessions=0 queued=1 running=0 started=0 idle=0 busy=0 workers=1
    12ms  look s0         | none
    20ms  up W0           | connect L0@1 on W0
    30ms  up L0           | start #90 on L0
    40ms  done L0         | end #90 ok
