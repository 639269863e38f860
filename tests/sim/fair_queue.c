// SPDX-License-Identifier: Apache-2.0
/* Bounds of the queue, and what a refusal says about when to come again. */
#include "fair.h"

#include <string.h>

/* ---- a full queue: when was there really a place? ---- */

enum {
    ESTIMATES_MAX = 100000
};

static struct {
    double ratio[ESTIMATES_MAX];
    uint32_t len;
    struct {
        bool is_open;
        enum core_scope scope;
        uint64_t at_ns;
        uint64_t said_ns;
    } of[FLOWS_MAX];
} estimates;

static void on_full(struct world *w, uint32_t flow, const struct core_action *end)
{
    ASSERT(end->reason == CORE_QUEUE_FULL);
    if (!estimates.of[flow].is_open) {
        estimates.of[flow].is_open = true;
        estimates.of[flow].scope = end->scope;
        estimates.of[flow].at_ns = w->now_ns;
        estimates.of[flow].said_ns = end->retry_after_ns;
    }
}

/* One call of @from waits no longer: a place for all whose bound it counted in. */
static void on_place(struct world *w, uint32_t from)
{
    for (uint32_t i = 0; i < w->flow_count; i++) {
        bool is_his = estimates.of[i].scope == CORE_SCOPE_ALL ||
                      (w->flow[i].principal == w->flow[from].principal &&
                          (estimates.of[i].scope == CORE_SCOPE_PRINCIPAL ||
                              w->flow[i].client == w->flow[from].client));
        uint64_t took_ns = w->now_ns - estimates.of[i].at_ns;
        if (estimates.of[i].is_open && is_his && took_ns > 0 &&
            estimates.len < ESTIMATES_MAX) {
            estimates.of[i].is_open = false;
            estimates.ratio[estimates.len++] =
                (double)estimates.of[i].said_ns / (double)took_ns;
        }
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct load {
    const char *name;
    uint32_t slots;
    uint32_t principals;
    uint32_t keys; /* of each */
    uint32_t queue_total;
    uint32_t queue_principal;
    uint32_t queue_client;
    uint64_t every_ns; /* calls of a key */
    uint32_t run_principal;
    uint32_t run_client;
};

/* The load changes every ten minutes between a third and thrice. */
static void retry(const struct load *l)
{
    struct world *w = world_new(l->slots);
    memset(&estimates, 0, sizeof(estimates));
    w->on_refusal = on_full;
    w->on_place = on_place;
    w->limits.queue_total = l->queue_total;
    w->limits.queue_principal = l->queue_principal;
    w->limits.queue_client = l->queue_client;
    w->limits.reserved_slots = 1;
    w->limits.run_principal = l->run_principal;
    w->limits.run_client = l->run_client;
    for (uint32_t i = 0; i < l->principals * l->keys; i++) {
        world_add(w, 1 + i / l->keys, 1 + i);
    }
    world_start(w);
    for (int round = 0; round < 30; round++) {
        for (uint32_t i = 0; i < w->flow_count; i++) {
            w->flow[i].every_ns = l->every_ns * (1 + rng_below(&w->rng, 9)) / 3;
        }
        w->job_ns_max = (2 + rng_below(&w->rng, 18)) * S;
        world_run(w, w->now_ns + 600 * S);
    }
    qsort(estimates.ratio, estimates.len, sizeof(double), by_size);
    double median = estimates.ratio[estimates.len / 2];
    double tenth = estimates.ratio[estimates.len / 10];
    printf(
        "     %u refusals, the estimate of %s: a tenth below %.2f, a tenth above %.2f of the wait\n",
        estimates.len, l->name, tenth, estimates.ratio[estimates.len * 9 / 10]);
    expect(median, 0.5, 2, "median of estimate to real wait: %s", l->name);
    world_end(w);
}

void fair_retry(void)
{
    static const struct load all[] = {
        {"a client key's bound", 8, 4, 3, 4096, 4096, 8, 2 * S, 0, 0},
        {"a client key's bound, one alone", 4, 1, 1, 4096, 4096, 8, 500 * MS, 0, 0},
        {"a client key's bound, at its cap", 8, 2, 1, 4096, 4096, 8, 500 * MS, 0, 1},
        {"a principal's bound", 8, 6, 3, 4096, 12, 4096, 2 * S, 0, 0},
        {"a principal's bound, at its cap", 16, 2, 3, 4096, 12, 4096, 2 * S, 2, 0},
        {"a principal's bound, 1 slot", 1, 3, 2, 4096, 8, 4096, 8 * S, 0, 0},
        {"the bound of all", 8, 20, 2, 64, 4096, 4096, 10 * S, 0, 0},
        {"the bound of all, 32 slots", 32, 40, 2, 128, 4096, 4096, 4 * S, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        retry(&all[i]);
    }
}

/* ---- rates: when would it really have passed? ---- */

static enum core_reason reason_at(
    struct world *w, struct core_event event, uint64_t at_ns)
{
    static struct core_actions actions;
    enum core_reason reason = CORE_OK;
    event.boot_ns = event.wall_ns = at_ns;
    core_step(w->core, &event, &actions);
    for (uint32_t i = 0; i < actions.len; i++) {
        if (actions.at[i].kind == CORE_END && actions.at[i].ticket == event.ticket) {
            reason = actions.at[i].reason;
        }
    }
    return reason;
}

/* The same call, later, in a copy of the core as it is. */
static bool would_pass(struct world *w, struct core_event event, uint64_t at_ns,
    void *copy, enum core_reason refusal)
{
    size_t size = core_size(&w->limits);
    memcpy(copy, w->core, size);
    bool passes = reason_at(w, event, at_ns) != refusal;
    memcpy(w->core, copy, size); /* at its own address: it has pointers into itself */
    return passes;
}

/* By halving: after how much time it passes. */
static uint64_t real_wait_ns(struct world *w, struct core_event event, uint64_t said_ns,
    void *copy, enum core_reason refusal)
{
    uint64_t fails_ns = 0;
    uint64_t passes_ns = 3 * said_ns + MS;
    while (passes_ns - fails_ns > MS / 10) {
        uint64_t middle_ns = fails_ns + (passes_ns - fails_ns) / 2;
        if (would_pass(w, event, w->now_ns + middle_ns, copy, refusal)) {
            passes_ns = middle_ns;
        } else {
            fails_ns = middle_ns;
        }
    }
    return passes_ns;
}

static struct world *rates_world(void)
{
    struct world *w = world_new(64);
    w->limits.accounts = 64;
    w->limits.tickets = 512;
    w->limits.sessions = w->limits.principal_sessions = 16;
    w->limits.spawn_ns = 1000000 * S; /* nothing runs here */
    w->limits.rate_global = (struct core_rate){25, 75 * MS};
    w->limits.rate_principal = (struct core_rate){12, 210 * MS};
    w->limits.rate_client = (struct core_rate){9, 330 * MS};
    w->limits.rate_session = (struct core_rate){4, 550 * MS};
    w->limits.rate_catalog = (struct core_rate){3, 900 * MS};
    world_start(w);
    for (uint32_t i = 0; i < 12; i++) {
        world_open(w, world_add(w, 1 + i / 4, 1 + i / 2));
    }
    return w;
}

void fair_rates(void)
{
    struct world *w = rates_world();
    void *copy = malloc(core_size(&w->limits));
    double worst[CORE_SCOPE_ALL + 1] = {0};
    uint32_t tried[CORE_SCOPE_ALL + 1] = {0};
    ASSERT(copy);
    for (int i = 0; i < 6000; i++) {
        const struct flow *f = &w->flow[rng_below(&w->rng, 12)];
        static struct core_actions actions;
        bool is_pause = rng_below(&w->rng, 200) == 0;
        w->now_ns += rng_below(&w->rng, is_pause ? 20000 : 50) * MS;
        struct core_event e = {.kind = CORE_SUBMIT,
            .session = f->session,
            .principal = f->principal,
            .client = f->client,
            .priority = CORE_NORMAL,
            .is_catalog = rng_below(&w->rng, 5) == 0,
            .boot_ns = w->now_ns,
            .wall_ns = w->now_ns};
        core_step(w->core, &e, &actions);
        const struct core_action *a = &actions.at[actions.len > 0 ? actions.len - 1 : 0];
        if (actions.len > 0 && a->kind == CORE_END && a->reason == CORE_RATE_LIMITED) {
            double real_ns =
                (double)real_wait_ns(w, e, a->retry_after_ns, copy, CORE_RATE_LIMITED);
            double off = (double)a->retry_after_ns / real_ns - 1;
            off = real_ns < 10 * MS ? 0
                  : off < 0         ? -off
                                    : off; /* halving ends at 0.1 ms */
            worst[a->scope] = off > worst[a->scope] ? off : worst[a->scope];
            tried[a->scope]++;
        } else {
            e = (struct core_event){.kind = CORE_CANCEL,
                .reason = CORE_CANCELLED,
                .boot_ns = w->now_ns,
                .wall_ns = w->now_ns};
            core_step(w->core, &e, &actions);
        }
    }
    static const char *const names[] = {"session", "client key", "principal", "daemon"};
    for (int i = 0; i <= CORE_SCOPE_ALL; i++) {
        expect(tried[i], 20, 1e9, "refusals for the rate of a %s", names[i]);
        expect(worst[i], 0, 0.2, "worst error of the wait they name");
    }
    free(copy);
    world_end(w);
}

/* ---- a flood ---- */

enum {
    FLOOD = 100000,
    GUARD = 1 << 16,
    FLOOD_PRINCIPALS = 50,
    FLOOD_KEYS = 10
};

static uint64_t flood_ended[CORE_REASONS];

static void on_flood(struct world *w, uint32_t flow, const struct core_action *end)
{
    (void)w;
    (void)flow;
    flood_ended[end->reason]++;
}

/* The most that waits of one account. */
static uint32_t most_queued(const struct world *w, bool is_principal)
{
    uint32_t most = 0;
    struct core_account_view view;
    for (uint32_t i = 0; i < w->limits.accounts; i++) {
        if (core_account_view(w->core, i, &view) && view.is_principal == is_principal) {
            most = view.queued > most ? view.queued : most;
        }
    }
    return most;
}

static struct world *flood_world(void)
{
    struct world *w = world_new(8);
    w->limits.tickets = 2048;
    w->limits.queue_total = 1024;
    w->limits.queue_principal = 64;
    w->limits.queue_client = 32;
    w->limits.names_max = 4;
    w->limits.accounts = 128;
    w->limits.reserved_slots = 1;
    w->job_ns_max = S;
    w->on_refusal = on_flood;
    for (uint32_t i = 0; i < FLOOD_PRINCIPALS * FLOOD_KEYS; i++) {
        world_add(w, 1 + i / FLOOD_KEYS, 1 + i);
    }
    w->free_len = 0;
    for (uint32_t i = 0; i < w->limits.tickets; i++) {
        w->free_ticket[w->free_len++] = i;
    }
    return w;
}

void fair_flood(void)
{
    struct world *w = flood_world();
    size_t size = core_size(&w->limits);
    unsigned char *memory = calloc(1, size + GUARD);
    uint32_t most[3] = {0};
    ASSERT(memory);
    memset(memory + size, 0xA5, GUARD);
    memset(flood_ended, 0, sizeof(flood_ended));
    w->core = core_init(memory, &w->limits);
    uint64_t begin_ns = w->now_ns;
    for (uint64_t i = 0; i < FLOOD; i++) {
        world_run(w, begin_ns + i * S / FLOOD);
        /* The first one shouts half of it. */
        world_submit(w, i % 2 == 0 ? 0 : (uint32_t)rng_below(&w->rng, w->flow_count));
        uint32_t queued = core_counts(w->core).queued;
        most[0] = queued > most[0] ? queued : most[0];
        if (i % 500 == 0) {
            core_check(w->core);
            uint32_t of_one = most_queued(w, true);
            most[1] = of_one > most[1] ? of_one : most[1];
            of_one = most_queued(w, false);
            most[2] = of_one > most[2] ? of_one : most[2];
        }
    }
    expect(
        most[0], 1024, 1024, "waiting at once in a flood of 100,000 calls, bound 1024");
    expect(most[1], 32, 64, "of them of one principal, bound 64");
    expect(most[2], 32, 32, "of them of one client key, bound 32");
    uint64_t spilt = 0;
    for (size_t i = 0; i < GUARD; i++) {
        spilt += memory[size + i] != 0xA5;
    }
    expect((double)spilt, 0, 0, "bytes written behind the core's memory");
    uint64_t flood_refused = flood_ended[CORE_QUEUE_FULL] + flood_ended[CORE_TOO_MANY];
    expect((double)flood_refused, 90000, FLOOD, "refused at once");
    world_run(w, w->now_ns + 2000 * S);
    struct core_counts counts = core_counts(w->core);
    expect(counts.queued + counts.running, 0, 0, "left of it when it is over");
    world_end(w);
}

/* ---- who has not called for long gives its place ---- */

static void on_too_many(struct world *w, uint32_t flow, const struct core_action *end)
{
    (void)w;
    (void)flow;
    ASSERT(end->reason == CORE_TOO_MANY);
}

/* One after the other calls once and is gone: more than there are accounts, or names. */
void fair_accounts(void)
{
    struct world *w = world_new(8);
    w->limits.tickets = 128;
    w->limits.accounts = 256;
    w->on_refusal = on_too_many;
    w->job_ns_max = S;
    for (uint32_t i = 0; i < 256; i++) {
        world_add(w, 1 + i, 1 + i);
    }
    world_start(w);
    uint64_t refused = 0;
    for (uint32_t i = 0; i < 256; i++) {
        world_submit(w, i);
        world_run(w, w->now_ns + 3600 * S);
        refused += w->flow[i].refused;
    }
    expect((double)refused, 0, 0, "refused of 256 who call once an hour, 256 accounts");
    world_end(w);
    w = world_new(8);
    w->limits.names_max = 2;
    for (uint32_t i = 0; i < 8; i++) {
        world_add(w, 1, 1 + i);
    }
    world_start(w);
    uint32_t own = 0;
    for (uint32_t i = 0; i < 8; i++) {
        struct core_account_view view[2];
        world_submit(w, i);
        world_run(w, w->now_ns + 3600 * S);
        own += core_accounts_of(w->core, 1, 1 + i, &view[0], &view[1]) &&
               view[1].client == 1 + i;
    }
    expect(own, 8, 8, "of 8 names, one an hour, that have an account of their own");
    world_end(w);
}
