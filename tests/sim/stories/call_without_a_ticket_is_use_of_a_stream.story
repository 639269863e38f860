# Who calls over its stream is not idle, also where no call needs a connection of the warehouse.
# Without a stream such a call keeps nothing: a plain request does that itself.
limits idle=10s resume=20s
     0ms  open r1 a/a1 | opened r1 s0
     1ms  attach s0    | -
     2ms  durable s0   | -
      9s  seen s0      | -
     19s  tick         | save s0 disconnected
     20s  seen s0      | save s0 connected
     21s  detach s0    | save s0 disconnected
     22s  seen s0      | -
     23s  look s0      | disconnected a/a1 connections=0 calls=0 created=0s seen=20s
     41s  tick         | end s0 idle_limit
