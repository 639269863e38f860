// SPDX-License-Identifier: Apache-2.0
/* Deadlines as a binary heap of pointers; each entry knows its place, so re-arming is O(log n). */
#include "core/state.h"

static void place(struct core *core, uint32_t at, struct deadline *d)
{
    core->heap[at] = d;
    d->heap_at = at + 1;
}

static void sift_up(struct core *core, uint32_t at)
{
    struct deadline *d = core->heap[at];
    while (at > 0 && core->heap[(at - 1) / 2]->at_ns > d->at_ns) {
        place(core, at, core->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(core, at, d);
}

static void sift_down(struct core *core, uint32_t at)
{
    struct deadline *d = core->heap[at];
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= core->heap_len) {
            break;
        }
        if (child + 1 < core->heap_len &&
            core->heap[child + 1]->at_ns < core->heap[child]->at_ns) {
            child++;
        }
        if (core->heap[child]->at_ns >= d->at_ns) {
            break;
        }
        place(core, at, core->heap[child]);
        at = child;
    }
    place(core, at, d);
}

void deadline_arm(struct core *core, struct deadline *d, uint64_t at_ns)
{
    if (d->heap_at == 0) {
        d->at_ns = at_ns;
        if (at_ns != CORE_NEVER) {
            place(core, core->heap_len++, d);
            sift_up(core, d->heap_at - 1);
        }
        return;
    }
    uint32_t at = d->heap_at - 1;
    ASSERT(core->heap[at] == d);
    if (at_ns == CORE_NEVER) {
        struct deadline *last = core->heap[--core->heap_len];
        d->heap_at = 0;
        d->at_ns = at_ns;
        if (last == d) {
            return;
        }
        place(core, at, last);
        d = last;
    } else {
        d->at_ns = at_ns;
    }
    sift_up(core, d->heap_at - 1);
    sift_down(core, d->heap_at - 1);
}
