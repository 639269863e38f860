# Who stays away for the sleep time keeps the stub only. Coming back asks for the body
# once; going before it came changes nothing. The window is as long as ever.
limits sleep=10s resume=60s touch=5s
     0ms  open r1 a/a1 db=x | opened r1 s0 db=x
     0ms  attach s0         | -
     0ms  durable s0        | -
      1s  detach s0         | save s0 disconnected db=x
# Back in time: no body was let go, none is asked for.
      9s  attach s0         | save s0 connected db=x
     10s  detach s0         | save s0 disconnected db=x
     20s  tick              | unload s0
     21s  look s0           | disconnected a/a1 connections=0 calls=0 created=0s seen=9s db=x
     30s  attach s0         | load s0; save s0 connected db=x
     30s  attach s0         | -
     31s  touch s0          | -
     31s  detach s0         | -
     31s  detach s0         | -
     32s  body s0           | -
     36s  tick              | save s0 disconnected db=x
     46s  tick              | unload s0
# A call on behalf of one that sleeps wakes it, and connects nobody.
     50s  submit #1 s0      | load s0
     51s  body s0           | spawn W0@1
 51500ms  cancel #1         | end #1 cancelled in s0; save s0 disconnected db=x
     52s  tick              | kill W0
 61500ms  tick              | unload s0
111500ms  tick              | end s0 idle_limit
