# A driver that crashes while it connects is not asked again at once: that is a failed connection.
limits backoff_min=100ms backoff_max=1s
     0ms  submit #1 a/a1 | spawn W0@1
     1ms  up W0@1        | connect L0@1 on W0
     2ms  lost W0@1      | end #1 unavailable retry=77ms
   110ms  submit #1 a/a1 | spawn W0@3
   111ms  up W0          | connect L0@3 on W0
   112ms  lost W0        | end #1 unavailable retry=192ms
