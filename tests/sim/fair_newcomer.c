// SPDX-License-Identifier: Apache-2.0
/* How long somebody waits who runs nothing, and who has had too much. */
#include "fair.h"

/* Long ones of whoever was there first, short ones of the others. */
static uint64_t long_and_short(struct world *w, uint32_t flow)
{
    return flow == 0 ? w->job_ns_max : w->job_ns_max / 100;
}

/* ---- the reserve is free ---- */

struct quiet {
    const char *name;
    uint32_t principal;
    enum core_priority priority;
    uint32_t conns_per_worker;
    uint64_t connect_ns;
    uint64_t idle_ns; /* of connections */
};

/* Somebody calls every 30 s while another one keeps all slots busy but for the reserve.
 */
static void newcomer(const struct quiet *q)
{
    struct world *w = world_new(8);
    w->length = long_and_short;
    w->limits.reserved_slots = 1;
    w->limits.profile[0].conns_per_worker = q->conns_per_worker;
    w->limits.profile[0].idle_ns = q->idle_ns;
    w->connect_ns = q->connect_ns;
    world_add(w, 1, 1)->backlog = 40;
    struct flow *quiet = world_add(w, q->principal, 2);
    quiet->priority = q->priority;
    world_start(w);
    world_submit(w, 1); /* it is about from now on */
    world_run(w, w->now_ns + 20 * S);
    quiet->wait_ns_max = 0;
    for (int i = 0; i < 200; i++) {
        world_run(w, w->now_ns + 25 * S + rng_below(&w->rng, 10000) * MS);
        uint64_t started = quiet->started;
        world_submit(w, 1);
        while (quiet->started == started) {
            world_advance(w);
        }
    }
    expect((double)quiet->wait_ns_max / S, 0, (double)q->connect_ns / S,
        "seconds a quiet %s waits", q->name);
    world_end(w);
}

void fair_newcomer(void)
{
    static const struct quiet all[] = {
        {"principal", 2, CORE_NORMAL, 8, 0, 0},
        {"client key", 1, CORE_NORMAL, 8, 0, 0},
        {"high priority", 2, CORE_HIGH, 8, 0, 0},
        {"low priority", 2, CORE_LOW, 8, 0, 0},
        {"low priority of one principal", 1, CORE_LOW, 8, 0, 0},
        {"principal, connection to be opened", 2, CORE_NORMAL, 8, 200 * MS, 5 * S},
        {"principal, worker to be started", 2, CORE_NORMAL, 1, 200 * MS, 5 * S},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        newcomer(&all[i]);
    }
}

/* ---- the reserve is not free: nobody else was about ---- */

static uint64_t half_to_full(struct world *w, uint32_t flow)
{
    (void)flow;
    return w->job_ns_max / 2 + rng_below(&w->rng, w->job_ns_max / 2);
}

struct held {
    uint32_t slots;
    uint32_t reserved;
    uint32_t newcomers; /* at one moment */
    double excess_t;    /* bound of what they wait beyond the next end, in T */
};

/*
 * All slots are held by one who was alone. The first to come gets the slot that is free
 * first, the next one the next: each waits for one end after the one before it. Without a
 * reserve the holder may be served before, once: it is given back what its last one did
 * not use.
 */
static void all_held(const struct held *h)
{
    double worst_t = 0;
    double excess_t = -1e9;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct world *w = world_new(h->slots);
        double t_ns = (double)w->job_ns_max;
        w->rng.state = seed;
        w->length = half_to_full;
        w->limits.reserved_slots = h->reserved;
        world_add(w, 1, 1)->backlog = 40;
        for (uint32_t i = 0; i < h->newcomers; i++) {
            world_add(w, 2 + i, 2 + i);
        }
        world_start(w);
        /* until the guess of how long a statement takes is learned */
        world_run(w, w->now_ns + 16000 * S / h->slots + rng_below(&w->rng, 10000) * MS);
        uint64_t came_ns = w->now_ns;
        ASSERT(w->flow[0].running == h->slots);
        for (uint32_t i = 1; i <= h->newcomers; i++) {
            world_submit(w, i);
        }
        for (uint32_t i = 1; i <= h->newcomers; i++) {
            double bound_t = (double)(world_next_end_ns(w) - came_ns) / t_ns;
            while (w->flow[i].started == 0) {
                world_advance(w);
            }
            double wait_t = (double)w->flow[i].wait_ns / t_ns;
            worst_t = wait_t > worst_t ? wait_t : worst_t;
            excess_t = wait_t - bound_t > excess_t ? wait_t - bound_t : excess_t;
        }
        world_end(w);
    }
    expect(excess_t, -10, h->excess_t,
        "T beyond the next end: %u slots, reserve %u, %u newcomers", h->slots,
        h->reserved, h->newcomers);
    expect(worst_t, 0, h->newcomers + h->excess_t,
        "T waited: %u slots, reserve %u, %u newcomers", h->slots, h->reserved,
        h->newcomers);
}

void fair_all_slots_held(void)
{
    static const struct held all[] = {{8, 1, 1, 0}, {8, 1, 4, 0}, {2, 1, 1, 0},
        {8, 0, 1, 1}, {8, 0, 4, 1}, {1, 1, 1, 1}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all_held(&all[i]);
    }
}

/* ---- one has had all slots for long: who waits how long ---- */

/* It had all slots with the longest statements when the others came: nobody lags by more
 * than 2 T. */
void fair_starvation(void)
{
    for (uint32_t others = 1; others <= 7; others += 2) {
        struct world *w = world_new(8);
        w->length = long_and_short;
        w->job_ns_max = 100 * S;
        w->limits.reserved_slots = 1;
        world_add(w, 1, 1)->backlog = 16;
        for (uint32_t i = 0; i < others; i++) {
            struct flow *f = world_add(w, 2 + i, 2 + i);
            f->backlog = 16;
            f->start_ns = w->now_ns + 1050 * S;
        }
        world_start(w);
        world_run(w, w->now_ns + 1050 * S);
        w->flow[0].wait_ns_max = 0;
        uint64_t longest_ns = 0;
        uint64_t last_ns = w->now_ns;
        uint64_t started = w->flow[0].started;
        uint64_t until_ns = w->now_ns + 6000 * S;
        while (w->now_ns < until_ns) {
            world_advance(w);
            if (w->flow[0].started > started) {
                longest_ns =
                    w->now_ns - last_ns > longest_ns ? w->now_ns - last_ns : longest_ns;
                started = w->flow[0].started;
                last_ns = w->now_ns;
            }
        }
        double waited_ns = 0;
        for (uint32_t i = 1; i <= others; i++) {
            /* from its coming to its first start, and between any two */
            waited_ns = (double)w->flow[i].wait_ns_max > waited_ns
                            ? (double)w->flow[i].wait_ns_max
                            : waited_ns;
        }
        double t_ns = (double)w->job_ns_max;
        expect((double)longest_ns / t_ns, 0, 2,
            "T without a start of who had all slots, %u others came", others);
        expect(waited_ns / t_ns, 0, 2, "T one of the %u others waited", others);
        world_end(w);
    }
}

/* ---- the reserve ends where nobody else is about ---- */

void fair_reserve_ends(void)
{
    struct world *w = world_new(4);
    w->limits.reserved_slots = 1;
    w->limits.slot_ns_start = 2000 * S; /* nothing else wakes the core */
    w->limits.chunk_ms = 2000000;
    w->length = length_full;
    w->job_ns_max = 1000 * S; /* nothing ends meanwhile */
    world_add(w, 1, 1)->backlog = 8;
    world_add(w, 2, 2);
    world_start(w);
    w->length = length_even;
    w->job_ns_max = S;
    world_submit(w, 1);
    world_advance(w);
    while (w->flow[1].started == 0 || w->flow[1].running > 0) {
        world_advance(w);
    }
    w->length = length_full;
    w->job_ns_max = 1000 * S;
    uint64_t left_ns = w->now_ns;
    world_run(w, left_ns + 30 * S);
    expect(w->flow[0].running, 3, 3,
        "slots used of 4 while another was about within a minute");
    while (w->flow[0].running < 4 && w->now_ns < left_ns + 2000 * S) {
        world_advance(w);
    }
    expect((double)(w->now_ns - left_ns) / S, 60, 60.5,
        "seconds until the reserve is given up");
    world_end(w);
}

/* ---- short statements, after a long one ---- */

static uint64_t first_long(struct world *w, uint32_t flow)
{
    return flow == 0 && w->flow[0].started <= w->limits.profile[0].slots ? w->job_ns_max
                                                               : w->job_ns_max / 100;
}

/*
 * What a statement is charged until it ends is the longest recent one: what those in flight
 * have too much of must not keep newcomers waiting. Short ones of somebody else end all the
 * time, so nobody waits longer than one of them takes.
 */
void fair_after_a_long_one(void)
{
    enum { NEWCOMERS = 5 };
    static const uint32_t slots[] = {1, 2, 8};
    for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
        struct world *w = world_new(slots[i]);
        double worst_ns = 0;
        w->length = first_long;
        world_add(w, 1, 1)->backlog = 40;
        for (uint32_t n = 1; n <= NEWCOMERS; n++) {
            world_add(w, 1 + n, 1 + n);
        }
        world_start(w);
        world_run(w, w->now_ns + 2 * w->job_ns_max);
        for (uint32_t n = 1; n <= NEWCOMERS; n++) {
            world_submit(w, n);
        }
        for (uint32_t n = 1; n <= NEWCOMERS; n++) {
            while (w->flow[n].started == 0) {
                world_advance(w);
            }
            double wait_ns = (double)w->flow[n].wait_ns;
            worst_ns = wait_ns > worst_ns ? wait_ns : worst_ns;
        }
        expect(worst_ns / ((double)w->job_ns_max / 100) / (NEWCOMERS / slots[i] + 1), 0, 1,
            "statements that %d newcomers wait in their turn, %u slots", NEWCOMERS, slots[i]);
        world_end(w);
    }
}
