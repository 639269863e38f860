# A login that waits for a person counts no more among those who log in, and the next one is told.
limits slots=2 conns_per_worker=2 logins=1 per_principal=1 connect=120s queue=60s
     0ms  submit #0 ann/a1 | spawn W0@1 as ann
     1ms  up W0            | connect L0@1 on W0
     2ms  cancel #0        | end #0 cancelled
     3ms  submit #1 ben/b1 | -
     4ms  pending L0       | sign_in L0; spawn W1@1 as ben
  1004ms  tick             | kill W1; end #1 unavailable retry=96ms
     59s  look #1          | not queued
120001ms  tick             | disconnect L0; kill W0
