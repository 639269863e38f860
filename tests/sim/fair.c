// SPDX-License-Identifier: Apache-2.0
/*
 * The scheduler's promises, each in its worst case: principals, client keys or sessions that
 * always have work, statements of many lengths, slots that come and go. Virtual time; every
 * scenario prints what it measured and fails where a promise is broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/rng.h"
#include "core/core.h"

enum { FLOWS_MAX = 64, TICKETS = 4096, DONE_MAX = 512 };

#define MS 1000000ull
#define S 1000000000ull

enum mix { MIX_EVEN, MIX_ONE_LONG, MIX_CHEAP_LOOKING, MIX_SHORT, MIX_RARE_LONG };

struct flow {
    uint32_t principal;
    uint32_t client;
    uint32_t session; /* key only */
    uint32_t weight;
    uint32_t backlog; /* kept waiting */
    enum core_priority priority;
    uint64_t start_ns; /* not before */
    uint64_t served_ns; /* slot time so far */
    uint64_t last_ns;   /* of the last look */
    uint32_t waiting;
    uint32_t running;
    uint64_t first_wait_ns;
    uint64_t submitted;
};

struct world {
    struct rng rng;
    struct core *core;
    struct core_limits limits;
    uint64_t now_ns;
    uint32_t flow_count;
    struct flow flow[FLOWS_MAX];
    uint32_t ticket_flow[TICKETS];
    uint64_t ticket_arrived_ns[TICKETS];
    uint32_t ticket_conn[TICKETS];
    bool live[TICKETS];
    uint64_t done_ns[CORE_CONNS_MAX]; /* NEVER: none */
    uint32_t done_ticket[CORE_CONNS_MAX];
    uint32_t generation[CORE_CONNS_MAX];
    enum mix mix;
    uint64_t job_ns_max;
};

static void step(struct world *w, struct core_event event);

static uint64_t length_of(struct world *w, uint32_t flow)
{
    uint64_t dice = rng_below(&w->rng, 100);
    uint64_t max = w->job_ns_max;
    switch (w->mix) {
    case MIX_EVEN:
        return dice < 33 ? max / 100 : dice < 66 ? max / 10 : max;
    case MIX_ONE_LONG:
        return flow == 0 ? max : max / 100;
    case MIX_CHEAP_LOOKING:
        return flow == 0 ? (dice < 95 ? max / 200 : max) : max / 10;
    case MIX_SHORT:
        return max / 100;
    case MIX_RARE_LONG:
        return dice < 99 ? max / 100 : max;
    }
    return max;
}

static void on_action(struct world *w, const struct core_action *a)
{
    struct core_event e = {.worker = a->worker, .conn = a->conn, .generation = a->generation};
    switch (a->kind) {
    case CORE_SPAWN:
        e.kind = CORE_WORKER_UP;
        step(w, e);
        break;
    case CORE_CONNECT:
        e.kind = CORE_CONN_UP;
        step(w, e);
        break;
    case CORE_START: {
        struct flow *f = &w->flow[w->ticket_flow[a->ticket]];
        uint64_t wait_ns = w->now_ns - w->ticket_arrived_ns[a->ticket];
        f->first_wait_ns = f->submitted > 0 && f->first_wait_ns == CORE_NEVER ? wait_ns : f->first_wait_ns;
        f->waiting--;
        f->running++;
        w->done_ns[a->conn] = w->now_ns + length_of(w, w->ticket_flow[a->ticket]);
        w->done_ticket[a->conn] = a->ticket;
        w->generation[a->conn] = a->generation;
        w->ticket_conn[a->ticket] = a->conn;
        break;
    }
    case CORE_END:
        ASSERT(w->live[a->ticket]);
        w->live[a->ticket] = false;
        if (a->reason != CORE_OK) {
            fprintf(stderr, "refused: %s\n", core_reason_name(a->reason));
            abort();
        }
        w->flow[w->ticket_flow[a->ticket]].running--;
        break;
    default:
        break;
    }
}

static void step(struct world *w, struct core_event event)
{
    do {
        struct core_actions actions;
        event.boot_ns = w->now_ns;
        event.wall_ns = w->now_ns;
        core_step(w->core, &event, &actions);
        for (uint32_t i = 0; i < actions.len; i++) {
            on_action(w, &actions.at[i]);
        }
        event = (struct core_event){.kind = CORE_TICK};
    } while (core_deadline(w->core) <= w->now_ns);
}

static void submit(struct world *w, uint32_t flow)
{
    struct flow *f = &w->flow[flow];
    uint32_t ticket = 0;
    while (w->live[ticket]) {
        ticket++;
    }
    w->live[ticket] = true;
    w->ticket_flow[ticket] = flow;
    w->ticket_arrived_ns[ticket] = w->now_ns;
    f->waiting++;
    f->first_wait_ns = f->submitted++ == 0 ? CORE_NEVER : f->first_wait_ns;
    step(w, (struct core_event){.kind = CORE_SUBMIT,
                .ticket = ticket,
                .session = CORE_NONE,
                .principal = f->principal,
                .client = f->client,
                .principal_weight = f->weight,
                .priority = f->priority});
}

static void fill(struct world *w)
{
    for (uint32_t i = 0; i < w->flow_count; i++) {
        while (w->flow[i].start_ns <= w->now_ns && w->flow[i].waiting < w->flow[i].backlog) {
            submit(w, i);
        }
    }
}

/* To the next completion or deadline. */
static void advance(struct world *w)
{
    uint32_t first = CORE_NONE;
    uint64_t at_ns = core_deadline(w->core);
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        if (w->done_ns[i] < at_ns) {
            at_ns = w->done_ns[i];
            first = i;
        }
    }
    for (uint32_t i = 0; i < w->flow_count; i++) {
        if (w->flow[i].start_ns > w->now_ns && w->flow[i].start_ns < at_ns) {
            at_ns = w->flow[i].start_ns;
            first = CORE_CONNS_MAX;
        }
    }
    ASSERT(at_ns != CORE_NEVER);
    uint64_t passed_ns = at_ns - w->now_ns;
    for (uint32_t i = 0; i < w->flow_count; i++) {
        w->flow[i].served_ns += passed_ns * w->flow[i].running;
    }
    w->now_ns = at_ns;
    if (first < CORE_CONNS_MAX) {
        w->done_ns[first] = CORE_NEVER;
        step(w, (struct core_event){.kind = CORE_DONE,
                    .conn = first,
                    .generation = w->generation[first],
                    .clean = true});
    } else {
        step(w, (struct core_event){.kind = CORE_TICK});
    }
    fill(w);
}

static void world_init(struct world *w, uint64_t seed, uint32_t slots)
{
    memset(w, 0, sizeof(*w));
    w->rng.state = seed;
    w->now_ns = 1000 * S;
    w->job_ns_max = 10 * S;
    w->limits = (struct core_limits){.sessions = 16,
        .principal_sessions = 16,
        .accounts = 4096,
        .names_max = 1024,
        .tickets = TICKETS,
        .queue_total = TICKETS,
        .queue_principal = TICKETS,
        .queue_client = TICKETS,
        .queue_ns = 1000000 * S,
        .present_ns = 60 * S,
        .slot_ns_start = 30 * S,
        .floor_permille = {200, 200, 50},
        .chunk_ms = 10000,
        .cancel_ns = S,
        .drain_ns = S,
        .spawn_ns = S,
        .backoff_ns_min = S,
        .backoff_ns_max = S,
        .profiles = 1,
        .profile = {{slots, slots, 0}}};
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        w->done_ns[i] = CORE_NEVER;
    }
}

static void world_start(struct world *w)
{
    void *memory = calloc(1, core_size(&w->limits));
    ASSERT(memory);
    w->core = core_init(memory, &w->limits);
    fill(w);
}

static struct flow *add(struct world *w, uint32_t principal, uint32_t client, uint32_t weight)
{
    struct flow *f = &w->flow[w->flow_count++];
    *f = (struct flow){.principal = principal, .client = client, .weight = weight, .backlog = 3,
        .priority = CORE_NORMAL};
    return f;
}

/* Backlogged throughout: the worst share of the due in a window, the worst lag in slot time. */
static void measure(struct world *w, uint64_t window_ns, uint64_t until_ns, double *ret_share,
    double *ret_lag_t)
{
    double weights = 0;
    double least[FLOWS_MAX] = {0};
    double lag = 0;
    double share = 1e9;
    for (uint32_t i = 0; i < w->flow_count; i++) {
        weights += w->flow[i].weight;
        w->flow[i].last_ns = w->flow[i].served_ns;
    }
    uint64_t window_end_ns = w->now_ns + window_ns;
    double high[FLOWS_MAX] = {0};
    uint64_t start_total = 0;
    for (uint32_t i = 0; i < w->flow_count; i++) {
        start_total += w->flow[i].served_ns;
    }
    uint64_t window_total = start_total;
    while (w->now_ns < until_ns) {
        advance(w);
        uint64_t total = 0;
        for (uint32_t i = 0; i < w->flow_count; i++) {
            total += w->flow[i].served_ns;
        }
        for (uint32_t i = 0; i < w->flow_count; i++) {
            /* due minus got; its rise over any window is the lag */
            double due = (double)(total - start_total) * w->flow[i].weight / weights -
                         (double)w->flow[i].served_ns;
            if (w->now_ns == 0 || due < high[i] || high[i] == 0) {
                high[i] = due;
            }
            double rise = due - high[i];
            least[i] = rise > least[i] ? rise : least[i];
            lag = least[i] > lag ? least[i] : lag;
        }
        if (w->now_ns >= window_end_ns) {
            for (uint32_t i = 0; i < w->flow_count; i++) {
                double got = (double)(w->flow[i].served_ns - w->flow[i].last_ns);
                double due = (double)(total - window_total) * w->flow[i].weight / weights;
                share = got / due < share ? got / due : share;
                w->flow[i].last_ns = w->flow[i].served_ns;
            }
            window_total = total;
            window_end_ns = w->now_ns + window_ns;
        }
    }
    *ret_share = share;
    *ret_lag_t = lag / (double)w->job_ns_max;
}

static int failures;

static void expect(const char *what, double value, double least, double most)
{
    bool ok = value >= least && value <= most;
    printf("%s %-52s %8.3f  (%.3f to %.3f)\n", ok ? "ok  " : "FAIL", what, value, least, most);
    failures += !ok;
}

static void run_until(struct world *w, uint64_t until_ns)
{
    while (w->now_ns < until_ns) {
        advance(w);
    }
}

/* ---- share and lag of those who always have work ---- */

struct scenario {
    const char *name;
    uint32_t slots;
    bool by_client; /* client keys of one principal instead of principals */
    uint32_t count;
    uint32_t weight[20];
};

static const struct scenario scenarios[] = {
    {"three principals, 8 slots", 8, false, 3, {1, 1, 1}},
    {"5:1:1, 8 slots", 8, false, 3, {5, 1, 1}},
    {"twenty principals, 8 slots", 8, false, 20,
        {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
    {"3:2:1:1, 4 slots", 4, false, 4, {3, 2, 1, 1}},
    {"three principals, 2 slots", 2, false, 3, {1, 1, 1}},
    {"two principals, 1 slot", 1, false, 2, {1, 1}},
    {"five client keys, 8 slots", 8, true, 5, {1, 1, 1, 1, 1}},
};

static const char *const mix_names[] = {"even", "one long", "cheap looking", "short", "rare long"};

static void shares(const struct scenario *sc, enum mix mix)
{
    static struct world w;
    double share;
    double lag;
    char what[128];
    world_init(&w, 1, sc->slots);
    w.mix = mix;
    for (uint32_t i = 0; i < sc->count; i++) {
        add(&w, sc->by_client ? 1 : 1 + i, 1 + i, sc->by_client ? 1 : sc->weight[i])->backlog =
            2 * sc->slots;
    }
    world_start(&w);
    run_until(&w, w.now_ns + 600 * S);
    measure(&w, 60 * w.job_ns_max * sc->count / sc->slots, w.now_ns + 12000 * S, &share, &lag);
    snprintf(what, sizeof(what), "share: %s, %s", sc->name, mix_names[mix]);
    expect(what, share, 0.95, 2);
    snprintf(what, sizeof(what), "lag in T: %s, %s", sc->name, mix_names[mix]);
    expect(what, lag, 0, 2);
    free(w.core);
}

/* ---- a newcomer finds the reserve ---- */

static void newcomer(bool by_client)
{
    static struct world w;
    uint64_t worst_ns = 0;
    world_init(&w, 1, 8);
    w.mix = MIX_ONE_LONG;
    w.limits.reserved_slots = 1;
    add(&w, 1, 1, 1)->backlog = 40;
    struct flow *quiet = add(&w, by_client ? 1 : 2, 2, 1);
    quiet->backlog = 0;
    world_start(&w);
    submit(&w, 1); /* it is about from now on */
    for (int i = 0; i < 200; i++) {
        run_until(&w, w.now_ns + 30 * S);
        quiet->submitted = 0;
        submit(&w, 1);
        while (quiet->first_wait_ns == CORE_NEVER) {
            advance(&w);
        }
        worst_ns = quiet->first_wait_ns > worst_ns ? quiet->first_wait_ns : worst_ns;
    }
    expect(by_client ? "seconds a quiet client key waits" : "seconds a quiet principal waits",
        (double)worst_ns / S, 0, 0);
    free(w.core);
}

/* ---- nothing is gained by being many ---- */

static void splitting(void)
{
    static struct world w;
    world_init(&w, 1, 8);
    w.mix = MIX_EVEN;
    add(&w, 1, 1, 1)->backlog = 16;
    for (uint32_t i = 0; i < 30; i++) {
        add(&w, 2, 100 + i, 1)->backlog = 2;
    }
    world_start(&w);
    run_until(&w, w.now_ns + 40000 * S);
    double one = (double)w.flow[0].served_ns;
    double many = 0;
    for (uint32_t i = 1; i < w.flow_count; i++) {
        many += (double)w.flow[i].served_ns;
    }
    expect("what 30 client keys gain over one", many / one, 0.98, 1.02);
    free(w.core);
}

/* ---- priorities, and their floors ---- */

static void floors(uint32_t high, uint32_t normal, uint32_t low, double high_least,
    double normal_least, double low_least)
{
    static struct world w;
    const uint32_t backlog[] = {high, normal, low};
    const double least[] = {high_least, normal_least, low_least};
    double total = 0;
    world_init(&w, 1, 8);
    w.mix = MIX_EVEN;
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        struct flow *f = add(&w, 1 + c, 1 + c, 1);
        f->priority = (enum core_priority)c;
        f->backlog = backlog[c];
    }
    world_start(&w);
    run_until(&w, w.now_ns + 40000 * S);
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        total += (double)w.flow[c].served_ns;
    }
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        char what[128];
        snprintf(what, sizeof(what), "share of priority %u with backlogs %u %u %u", c, high, normal, low);
        expect(what, (double)w.flow[c].served_ns / total, least[c], 1);
    }
    free(w.core);
}

/* ---- idling earns nothing ---- */

static void hoarding(void)
{
    static struct world w;
    world_init(&w, 1, 8);
    w.mix = MIX_EVEN;
    add(&w, 1, 1, 1)->backlog = 16;
    struct flow *late = add(&w, 2, 2, 1);
    late->backlog = 16;
    late->start_ns = w.now_ns + 3600 * S;
    world_start(&w);
    run_until(&w, late->start_ns);
    uint64_t before_ns = w.flow[0].served_ns;
    uint64_t from_ns = w.now_ns;
    run_until(&w, from_ns + 600 * S);
    double got = (double)late->served_ns;
    double other = (double)(w.flow[0].served_ns - before_ns);
    expect("T gained by an hour of idling", (got - other) / 2 / (double)w.job_ns_max, -2, 2);
    free(w.core);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        for (int mix = MIX_EVEN; mix <= MIX_RARE_LONG; mix++) {
            shares(&scenarios[i], (enum mix)mix);
        }
    }
    newcomer(false);
    newcomer(true);
    splitting();
    floors(16, 16, 16, 0.2, 0.19, 0.0475);
    floors(0, 16, 16, 0, 0.5, 0.0475);
    floors(1, 16, 16, 0.05, 0.19, 0.0475);
    hoarding();
    printf("%s\n", failures == 0 ? "all promises hold" : "some promises are broken");
    return failures == 0 ? 0 : 1;
}
