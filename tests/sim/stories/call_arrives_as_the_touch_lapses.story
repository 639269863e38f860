# A call at the very moment at which the last plain request lapses finds nobody connected.
limits touch=5s
     0ms  open r1 a/a1 | opened r1 s0
     0ms  touch s0     | -
     0ms  durable s0   | -
      5s  submit #1 s0 | spawn W0@1
      5s  look s0      | disconnecting a/a1 connections=0 calls=1 created=0s seen=5s
