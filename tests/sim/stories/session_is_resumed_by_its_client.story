# Whoever comes back inside the window finds the session and its context as they were.
limits resume=60s
     0ms  open r1 a/a1 db=x        | opened r1 s0 db=x
     1ms  attach s0                | -
     2ms  durable s0               | -
    10ms  context s0 db=y schema=z | save s0 connected db=y schema=z
    20ms  detach s0                | save s0 disconnected db=y schema=z
     60s  attach s0                | save s0 connected db=y schema=z
     61s  look s0                  | connected a/a1 connections=1 calls=0 created=0s seen=60s db=y schema=z
     90s  attach s0                | -
     91s  detach s0                | -
     92s  look s0                  | connected a/a1 connections=1 calls=0 created=0s seen=90s db=y schema=z
