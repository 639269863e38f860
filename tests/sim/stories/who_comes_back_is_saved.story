# The row says disconnected of nobody who is connected: a call takes a session that idled
# back to active, and a stream one that had a call from elsewhere.
limits idle=1s
     0ms  open r1 a/a1 | opened r1 s0
     0ms  attach s0    | -
     0ms  durable s0   | -
      1s  tick         | save s0 disconnected
      2s  submit #1 s0 | save s0 active; spawn W0@1
  2100ms  cancel #1    | end #1 cancelled in s0
  2200ms  detach s0    | save s0 disconnected
  2300ms  submit #1 s0 | -
  2400ms  attach s0    | save s0 active
