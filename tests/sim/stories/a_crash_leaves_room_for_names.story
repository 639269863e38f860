# What is stored of a principal alone makes no account of further names: after a crash such an
# account remembers something, and who comes next would have to share it.
limits rate_client=8 rate_principal=8 names=2
     0ms  restarted dirty                 | -
     1ms  account a/a1 principal spent=1s | -
     2ms  submit #0 a/a1                  | keep a spent=4998ms; keep a/a1 spent=4998ms
                                          | spawn W0@1
     3ms  submit #1 a/a2                  | keep a/a2 spent=4997ms
