// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A rate as a GCRA cell: one timestamp, the theoretical arrival time, says when the next call
 * would conform had all earlier ones been evenly spaced. It acts as a bucket of `burst`
 * calls that refills without pause, with no fraction to round and no tick to drift.
 */
#include <stdint.h>

/* How long until a call conforms; 0: it does now. @burst 0: always. */
static inline uint64_t gcra_wait_ns(
    uint64_t tat_ns, uint32_t burst, uint64_t interval_ns, uint64_t now_ns)
{
    if (burst == 0) {
        return 0;
    }
    uint64_t tolerance_ns = interval_ns * (burst - 1);
    uint64_t ahead_ns = tat_ns > now_ns ? tat_ns - now_ns : 0;
    return ahead_ns > tolerance_ns ? ahead_ns - tolerance_ns : 0;
}

static inline void gcra_charge(
    uint64_t *tat_ns, uint32_t burst, uint64_t interval_ns, uint64_t now_ns)
{
    if (burst > 0) {
        *tat_ns = (*tat_ns > now_ns ? *tat_ns : now_ns) + interval_ns;
    }
}
