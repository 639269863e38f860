# The engine had it, but nothing is lost when it runs again: before others, with a wait of its
# own, and once.
     0ms  submit #1 a/a1  | spawn W0@1
     1ms  submit #2 a/a1  | -
    10ms  up W0           | connect L0@1 on W0
    20ms  up L0           | start #1 on L0
    21ms  started L0      | -
   900ms  lost L0 repeats | connect L0@3 on W0
   910ms  up L0           | start #1 on L0
   911ms  started L0      | -
   912ms  lost L0 repeats | end #1 worker_died; connect L0@5 on W0
   920ms  up L0           | start #2 on L0
   921ms  started L0      | -
# A worker that dies may have died of it.
   930ms  lost W0         | end #2 worker_died
