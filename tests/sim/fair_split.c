// SPDX-License-Identifier: Apache-2.0
/* Nothing is gained by being many, by another name, by idling or by coming back. */
#include "fair.h"

enum split {
    BY_CLIENT,
    BY_SESSION,
    BY_SESSION_OF_CLIENT
};

/* One flow against many of one principal, or of one client key. */
static double gain(enum split how, uint32_t many)
{
    struct world *w = world_new(8);
    double gained = 0;
    world_add(w, 1, 1);
    for (uint32_t i = 0; i < many; i++) {
        world_add(w, how == BY_SESSION_OF_CLIENT ? 1 : 2, how == BY_CLIENT ? 100 + i : 2);
    }
    world_start(w);
    for (uint32_t i = 0; i < w->flow_count; i++) {
        if (how != BY_CLIENT) {
            world_open(w, &w->flow[i]);
        }
        w->flow[i].backlog = i == 0 ? 16 : 2;
    }
    world_run(w, w->now_ns + 20000 * S);
    for (uint32_t i = 1; i < w->flow_count; i++) {
        gained += (double)w->flow[i].served_ns;
    }
    gained /= (double)w->flow[0].served_ns;
    world_end(w);
    return gained;
}

void fair_splitting(void)
{
    expect(gain(BY_CLIENT, 30), 0.98, 1.02, "a principal by 30 client keys, against one");
    expect(
        gain(BY_CLIENT, 500), 0.98, 1.02, "a principal by 500 client keys, against one");
    expect(gain(BY_SESSION, 30), 0.98, 1.02, "a principal by 30 sessions, against one");
    expect(gain(BY_SESSION, 500), 0.98, 1.02, "a principal by 500 sessions, against one");
    expect(gain(BY_SESSION_OF_CLIENT, 30), 0.98, 1.02,
        "a client key by 30 sessions, against one");
    expect(gain(BY_SESSION_OF_CLIENT, 500), 0.98, 1.02,
        "a client key by 500 sessions, against one");
}

/* ---- names ---- */

static void count_refusal(struct world *w, uint32_t flow, const struct core_action *end)
{
    (void)w;
    (void)flow;
    ASSERT(end->reason == CORE_RATE_LIMITED || end->reason == CORE_QUEUE_FULL);
}

/* What is limited for a client key is limited for all further names together. */
void fair_names(void)
{
    struct world *w = world_new(8);
    w->on_refusal = count_refusal;
    w->limits.names_max = 16;
    w->limits.rate_client = (struct core_rate){10, 1000 * S};
    w->limits.queue_client = 4;
    w->limits.reserved_slots = 0;
    w->job_ns_max = 1000 * S;
    w->length = length_full;
    for (uint32_t i = 0; i < 200; i++) {
        world_add(w, 1, 1 + i);
    }
    world_start(w);
    world_run(w, w->now_ns);
    for (int round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < 200; i++) {
            world_submit(w, i);
        }
    }
    uint32_t waiting = 0;
    uint32_t named = 0;
    for (uint32_t i = 0; i < 200; i++) {
        waiting += w->flow[i].waiting;
        named += w->flow[i].waiting + w->flow[i].running > 0;
    }
    expect(waiting, 17 * 4, 17 * 4,
        "calls that 200 names queue where 17 accounts may queue 4");
    expect(named, 17, 17 + 8, "names of them that have any");
    world_end(w);
}

/* ---- leaving and coming back refills nothing ---- */

static void note_refusal(struct world *w, uint32_t flow, const struct core_action *end)
{
    (void)w;
    (void)flow;
    ASSERT(end->reason == CORE_RATE_LIMITED || end->reason == CORE_QUOTA_EXHAUSTED);
}

static int64_t named_accounts(const struct world *w)
{
    struct core_account_view view;
    int64_t named = 0;
    for (uint32_t i = 0; i < w->limits.accounts; i++) {
        named += core_account_view(w->core, i, &view) &&
                 (view.is_principal || view.client != 0);
    }
    return named;
}

/*
 * One call and no more; the principal may have one name. A hundred others call, so that
 * the tree forgets it; another name comes; it comes back.
 */
static void leaving(const char *name, uint64_t quota, struct core_rate rate)
{
    struct world *w = world_new(8);
    w->on_refusal = note_refusal;
    w->limits.tickets = 16;
    w->limits.names_max = 1;
    w->limits.accounts = 300;
    w->limits.quota_client[CORE_QUOTA_CALLS] = quota;
    w->limits.rate_client = rate;
    for (uint32_t i = 0; i < 203; i++) {
        world_add(w, i < 3 ? 1 : i, 1 + i);
    }
    world_start(w);
    for (uint32_t i = 0; i < 103; i++) {
        world_submit(w, i == 101 ? 1 : i == 102 ? 0 : i == 0 ? 0 : 2 + i);
        world_run(w, w->now_ns + 20 * S);
    }
    expect((double)w->flow[0].refused, 1, 1, "refused of two calls who has a %s of one",
        name);
    world_step(w, (struct core_event){.kind = CORE_QUOTA_DAY});
    world_run(w, w->now_ns + 100000 * S);
    for (uint32_t i = 103; i < 203; i++) {
        world_submit(w, i);
        world_run(w, w->now_ns + 20 * S);
    }
    int64_t before = w->held;
    world_submit(w, 2);
    expect((double)(w->held - before), 0, 0,
        "symbols more that are held after one more name");
    expect((double)(w->held - named_accounts(w)), 0, 0,
        "symbols held beyond those of accounts");
    world_end(w);
}

void fair_leaving(void)
{
    leaving("quota", 1, (struct core_rate){0, 0});
    leaving("rate", 0, (struct core_rate){1, 50000 * S});
}

/* ---- idling, and coming back ---- */

void fair_hoarding(void)
{
    struct world *w = world_new(8);
    world_add(w, 1, 1)->backlog = 16;
    struct flow *late = world_add(w, 2, 2);
    late->backlog = 16;
    late->start_ns = w->now_ns + 3600 * S;
    world_start(w);
    world_run(w, late->start_ns);
    uint64_t before_ns = w->flow[0].served_ns;
    world_run(w, late->start_ns + 600 * S);
    double got = (double)late->served_ns;
    double other = (double)(w->flow[0].served_ns - before_ns);
    expect((got - other) / 2 / (double)w->job_ns_max, -2, 2,
        "T gained by an hour of idling");
    world_end(w);
}

/* Who lets its queue run empty all the time is not forgiven what it had. */
static void returning(const char *name, uint32_t backlog, uint64_t every_ns)
{
    struct world *w = world_new(8);
    for (uint32_t i = 0; i < 2; i++) {
        struct flow *f = world_add(w, 1 + i, 1 + i);
        f->backlog = i == 0 ? backlog : 16;
        f->every_ns = i == 0 ? every_ns : 0;
    }
    w->on_refusal = count_refusal;
    w->limits.queue_client = 32;
    world_start(w);
    world_run(w, w->now_ns + 20000 * S);
    double total = (double)(w->flow[0].served_ns + w->flow[1].served_ns);
    expect((double)w->flow[0].served_ns / total, 0, 0.51, "share of one of two who %s",
        name);
    world_end(w);
}

/* Bursts with pauses: in each the share of those present, and not what it missed. */
static void bursts(void)
{
    struct world *w = world_new(8);
    double worst_t = -1e9;
    world_add(w, 1, 1)->backlog = 16;
    struct flow *f = world_add(w, 2, 2);
    world_start(w);
    world_run(w, w->now_ns + 600 * S);
    for (int i = 0; i < 50; i++) {
        world_run(w, w->now_ns + 120 * S);
        uint64_t own_ns = f->served_ns;
        uint64_t other_ns = w->flow[0].served_ns;
        f->backlog = 16;
        world_run(w, w->now_ns + 60 * S);
        double more_t = ((double)(f->served_ns - own_ns) -
                            (double)(w->flow[0].served_ns - other_ns)) /
                        2 / (double)w->job_ns_max;
        worst_t = more_t > worst_t ? more_t : worst_t;
        f->backlog = 0;
        while (f->waiting + f->running > 0) {
            world_advance(w);
        }
    }
    expect(worst_t, -2, 2, "T gained in a burst after a pause");
    world_end(w);
}

void fair_returning(void)
{
    returning("never has two calls waiting", 1, 0);
    returning("calls at random, eight times as much as it may", 0, 58 * MS);
    bursts();
}
