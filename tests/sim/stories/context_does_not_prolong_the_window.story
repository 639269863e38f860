# A stored session that was away for longer than the machine is up: what is left of its
# window counts, also after its context was changed.
limits boot=10s resume=60s
     0ms  load r1 a/a1 away=50s | opened r1 s0
      1s  context s0 db=x       | save s0 disconnected db=x
     10s  tick                  | end s0 idle_limit
    100s  look s0               | none
