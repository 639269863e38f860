# More were stored than may be: the ones seen last have the room.
limits sessions=2 resume=10h
     0ms  load r1 a/a1 age=3h away=30m | opened r1 s0
     0ms  load r2 a/a1 age=2h away=20m | opened r2 s1
     0ms  load r3 a/a1 age=1h away=1m  | end s0 too_many; opened r3 s0
