# Too slow or dead at the start: the same pause as for a connection that fails.
limits spawn=500ms backoff_min=100ms backoff_max=1s
     0ms  submit #1 a/a1 | spawn W0@1
   500ms  tick           | kill W0; end #1 unavailable retry=95ms
   501ms  up W0@1        | -
   502ms  lost W0@1      | -
   610ms  submit #1 a/a1 | spawn W0@3
   620ms  lost W0        | end #1 unavailable retry=154ms
   900ms  submit #1 a/a1 | spawn W0@5
   910ms  up W0          | connect L0@1 on W0
   920ms  up L0          | start #1 on L0
