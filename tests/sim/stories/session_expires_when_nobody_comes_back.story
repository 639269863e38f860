# The window begins when the last connection goes, not when the session was opened.
limits resume=20s
     0ms  open r1 a/a1 | opened r1 s0
     0ms  attach s0    | -
     0ms  durable s0   | -
     10s  attach s0    | -
     11s  detach s0    | -
     15s  detach s0    | save s0 disconnected
     34s  attach s0    | save s0 connected
     35s  detach s0    | save s0 disconnected
     55s  tick         | end s0 idle_limit
     56s  open r2 a/a1 | opened r2 s0
