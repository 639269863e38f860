// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is going to happen in virtual time: a heap of (time, the caller's word), earliest
 * first, and in the order of their pushing where the times are the same.
 */
#include <stdbool.h>
#include <stdint.h>

struct pending_entry {
    uint64_t at_ns;
    uint64_t order;
    uint32_t word;
};

/* The caller's memory: room for @max entries at @at. All else zeroed. */
struct pending {
    struct pending_entry *at;
    uint32_t max;
    uint32_t len;
    uint64_t order;
};

/* False: there is no room. */
bool pending_push(struct pending *p, uint64_t at_ns, uint32_t word);
/* Of the first; UINT64_MAX: there is none. */
uint64_t pending_next_ns(const struct pending *p);
/* Takes the first, which must be there. */
uint32_t pending_pop(struct pending *p);
