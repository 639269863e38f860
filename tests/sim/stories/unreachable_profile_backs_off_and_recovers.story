# A failed connection ends who waits and opens a pause that doubles up to its maximum;
# inside it calls are refused with what is left of it. A finished statement forgets all.
limits backoff_min=100ms backoff_max=400ms
     0ms  submit #1 a/a1 | spawn W0@1
     1ms  submit #2 b/b1 | -
    10ms  up W0          | connect L0@1 on W0
    20ms  lost L0        | kill W0; end #1 unavailable retry=87ms
                         | end #2 unavailable retry=87ms
    50ms  submit #1 a/a1 | end #1 unavailable retry=57ms
   130ms  submit #1 a/a1 | spawn W0@3
   131ms  up W0          | connect L0@3 on W0
   140ms  lost L0        | kill W0; end #1 unavailable retry=192ms
   280ms  submit #1 a/a1 | end #1 unavailable retry=52ms
   350ms  submit #1 a/a1 | spawn W0@5
   351ms  up W0          | connect L0@5 on W0
   360ms  lost L0        | kill W0; end #1 unavailable retry=344ms
   800ms  submit #1 a/a1 | spawn W0@7
   801ms  up W0          | connect L0@7 on W0
   810ms  lost L0        | kill W0; end #1 unavailable retry=320ms
  1300ms  submit #1 a/a1 | spawn W0@9
  1301ms  up W0          | connect L0@9 on W0
  1310ms  up L0          | start #1 on L0
  1320ms  started L0     | -
  1330ms  done L0 dirty  | end #1 ok; disconnect L0
  1340ms  submit #1 a/a1 | connect L0@11 on W0
  1350ms  lost L0        | kill W0; end #1 unavailable retry=90ms
