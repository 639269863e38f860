# Its place among its client's calls: those of a higher priority are before it, its sessions
# share one queue, others' calls do not count. The wait is judged by the gaps between the
# calls that were taken up, one for each who takes turns, and grows while nothing is.
limits slots=1 queue=3600s slot_start=1s
     0ms  submit #0 z/z1      | spawn W0@1
     1ms  up W0               | connect L0@1 on W0
     2ms  up L0               | start #0 on L0
   100ms  submit #1 a/a1      | -
   101ms  submit #2 a/a1      | -
   102ms  submit #3 a/a2      | -
   103ms  submit #4 b/b1      | -
   104ms  submit #5 a/a1 high | -
   105ms  look #0             | not queued
   105ms  look #1             | position 2 of 3 wait=6s busy=1/1
   105ms  look #2             | position 3 of 3 wait=6s busy=1/1
   105ms  look #3             | position 1 of 1 wait=6s busy=1/1
   105ms  look #4             | position 1 of 1 wait=4s busy=1/1
   105ms  look #5             | position 1 of 3 wait=1s busy=1/1
  5000ms  tick                | -
  5000ms  look #5             | position 1 of 3 wait=4900ms busy=1/1
  5000ms  look #2             | position 3 of 3 wait=29400ms busy=1/1
  5001ms  done L0             | end #0 ok; start #5 on L0
  5002ms  look #5             | not queued
  5002ms  look #2             | position 2 of 2 wait=19996ms busy=1/1
