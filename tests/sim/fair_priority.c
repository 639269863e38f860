// SPDX-License-Identifier: Apache-2.0
/* Priorities are strict, but each keeps its floor. */
#include "fair.h"

static struct world *classes(const uint32_t backlog[CORE_PRIORITIES])
{
    struct world *w = world_new(8);
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        struct flow *f = world_add(w, 1 + c, 1 + c);
        f->priority = (enum core_priority)c;
        f->backlog = backlog[c];
    }
    world_start(w);
    return w;
}

static double share_of(const struct world *w, uint32_t flow)
{
    double total = 0;
    for (uint32_t i = 0; i < w->flow_count; i++) {
        total += (double)w->flow[i].served_ns;
    }
    return (double)w->flow[flow].served_ns / total;
}

struct floors {
    uint32_t backlog[CORE_PRIORITIES];
    double least[CORE_PRIORITIES];
};

void fair_floors(void)
{
    static const struct floors all[] = {
        {{16, 16, 16}, {0.6, 0.19, 0.0475}},
        {{0, 16, 16}, {0, 0.85, 0.0475}},
        {{16, 0, 16}, {0.85, 0, 0.0475}},
        {{16, 16, 0}, {0.7, 0.19, 0}},
        {{1, 16, 16}, {0.05, 0.19, 0.0475}},
        {{16, 1, 1}, {0.6, 0.05, 0.04}},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const struct floors *f = &all[i];
        struct world *w = classes(f->backlog);
        world_run(w, w->now_ns + 40000 * S);
        for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
            expect(share_of(w, c), f->least[c], f->backlog[c] > 0,
                "share of priority %u with backlogs %u %u %u", c, f->backlog[0],
                f->backlog[1], f->backlog[2]);
        }
        world_end(w);
    }
}

/* A floor is what is kept, not more: the rest is the higher priority's. */
void fair_floors_are_exact(void)
{
    static const uint32_t backlog[CORE_PRIORITIES] = {16, 16, 16};
    static const double floor[CORE_PRIORITIES] = {0.75, 0.2, 0.05};
    struct world *w = classes(backlog);
    world_run(w, w->now_ns + 40000 * S);
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        expect(share_of(w, c), floor[c] * 0.9, floor[c] * 1.1,
            "share of priority %u, full load of all", c);
    }
    world_end(w);
}

static uint64_t low_is_long(struct world *w, uint32_t flow)
{
    bool is_first = flow == CORE_LOW && w->flow[flow].started == 1;
    return is_first ? 300 * S : w->job_ns_max / 10;
}

/* One long statement of a low priority, nothing of it waits: then a burst has its floor
 * only. */
void fair_floor_is_not_saved(void)
{
    static const uint32_t backlog[CORE_PRIORITIES] = {16, 16, 0};
    struct world *w = classes(backlog);
    struct flow *low = &w->flow[CORE_LOW];
    w->length = low_is_long;
    w->limits.slot_ns_start = S;
    world_submit(w, CORE_LOW);
    while (low->started == 0) {
        world_advance(w);
    }
    world_run(w, w->now_ns + 250 * S);
    uint64_t own_ns = low->served_ns;
    uint64_t from_ns = w->now_ns;
    low->backlog = 16;
    world_run(w, from_ns + 20 * S);
    double burst_ns = (double)(low->served_ns - own_ns - (w->now_ns - from_ns));
    expect(burst_ns / (double)(8 * (w->now_ns - from_ns)), 0, 0.15,
        "share of a burst of the low priority");
    world_end(w);
}
