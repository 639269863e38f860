// SPDX-License-Identifier: Apache-2.0
/* Priorities are strict, but each keeps its floor. */
#include "fair.h"

static struct world *classes(uint32_t slots, const uint32_t backlog[CORE_PRIORITIES])
{
    struct world *w = world_new(slots);
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
        struct world *w = classes(8, f->backlog);
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
static void exact(uint32_t slots)
{
    static const uint32_t backlog[CORE_PRIORITIES] = {64, 64, 64};
    static const double floor[CORE_PRIORITIES] = {0.75, 0.2, 0.05};
    struct world *w = classes(slots, backlog);
    world_run(w, w->now_ns + 320000 * S / slots);
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        expect(share_of(w, c), floor[c] * 0.9, floor[c] * 1.1,
            "share of priority %u under full load, %u slots", c, slots);
    }
    world_end(w);
}

void fair_floors_exact(void)
{
    exact(2);
    exact(8);
    exact(64);
}

void fair_floors_of_one_slot(void)
{
    exact(1);
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
    struct world *w = classes(8, backlog);
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
    expect(burst_ns / (double)(8 * (w->now_ns - from_ns)), 0, 0.055,
        "share of a burst of the low priority");
    world_end(w);
}

/*
 * A low priority that had all slots for an hour while nobody else was there: how long it
 * is without a start when the others come, against what its floor would give it.
 */
void fair_floor_after_plenty(void)
{
    static const uint32_t backlog[CORE_PRIORITIES] = {0, 0, 16};
    struct world *w = classes(8, backlog);
    world_run(w, w->now_ns + 3600 * S);
    uint64_t from_ns = w->now_ns;
    uint64_t started = w->flow[CORE_LOW].started;
    w->flow[CORE_HIGH].backlog = w->flow[CORE_NORMAL].backlog = 16;
    while (w->flow[CORE_LOW].started == started && w->now_ns < from_ns + 36000 * S) {
        world_advance(w);
    }
    /* A floor of 0.05 of 8 slots is a statement of T each 2.5 T. */
    expect((double)(w->now_ns - from_ns) / (double)w->job_ns_max, 0, 10,
        "T without a start of a low priority that had plenty");
    world_end(w);
}
