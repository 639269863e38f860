// SPDX-License-Identifier: Apache-2.0
/*
 * decide: what the core costs a decision, against the number of clients and sessions. It
 * drives core_step() alone, in virtual time, and counts the CPU time of this process.
 * Prints a line of JSON for each number; all values are ns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/rng.h"
#include "core/core.h"

enum {
    CLIENTS_PER_PRINCIPAL = 10,
    SLOTS = 8,
    RUNS = 5,
    DECISIONS = 40000, /* a run */
    OPENINGS = 20000,
    VIEWS = 200,
    STEPS_A_DECISION = 3,
};

/* Time passes slowly enough that nobody's grace or patience ends. */
#define PACE_NS 1000ull
#define BEGIN_NS (30 * 86400 * NS_PER_S)

struct lease {
    uint32_t ticket;
    uint32_t conn;
    uint32_t generation;
};

struct world {
    struct core_limits limits;
    struct core *core;
    uint64_t now_ns;
    uint32_t clients; /* or sessions */
    struct rng rng;
    struct lease lease[SLOTS]; /* a ring: the oldest is the next to end */
    uint32_t lease_at;
    uint32_t lease_count;
    uint32_t session; /* opened last */
    uint32_t ended;   /* sessions that went */
};

static void on_action(struct world *w, const struct core_action *a);

static void step(struct world *w, struct core_event event)
{
    struct core_actions actions;
    w->now_ns += PACE_NS;
    event.boot_ns = event.wall_ns = w->now_ns;
    core_step(w->core, &event, &actions);
    for (uint32_t i = 0; i < actions.len; i++) {
        on_action(w, &actions.at[i]);
    }
}

static void on_action(struct world *w, const struct core_action *a)
{
    struct core_event e = {
        .worker = a->worker, .conn = a->conn, .generation = a->generation};
    switch (a->kind) {
    case CORE_SPAWN:
        e.kind = CORE_WORKER_UP;
        step(w, e);
        break;
    case CORE_CONNECT:
        e.kind = CORE_CONN_UP;
        step(w, e);
        break;
    case CORE_START:
        ASSERT(w->lease_count < SLOTS);
        w->lease[(w->lease_at + w->lease_count++) % SLOTS] =
            (struct lease){a->ticket, a->conn, a->generation};
        e.kind = CORE_STARTED;
        step(w, e);
        break;
    case CORE_END:
        ASSERT(a->reason == CORE_OK);
        break;
    case CORE_OPENED:
        w->session = a->session;
        break;
    case CORE_SESSION_END:
        w->ended++;
        break;
    default:
        break;
    }
}

static struct world world_new(uint32_t clients, uint32_t sessions, uint32_t sessions_own)
{
    struct world w = {.clients = clients, .now_ns = BEGIN_NS};
    w.limits = (struct core_limits){
        .sessions = sessions,
        .principal_sessions = sessions_own,
        .accounts = clients + clients / CLIENTS_PER_PRINCIPAL + 8,
        .names_max = 2 * CLIENTS_PER_PRINCIPAL,
        .tickets = clients + SLOTS,
        .queue_total = clients + SLOTS,
        .queue_principal = clients + SLOTS,
        .queue_client = clients + SLOTS,
        .idle_ns = 8 * 3600 * NS_PER_S,
        .resume_ns = 7 * 86400 * NS_PER_S,
        .touch_ns = 60 * NS_PER_S,
        .sleep_ns = 60 * NS_PER_S,
        .present_ns = 60 * NS_PER_S,
        .slot_ns_start = NS_PER_S,
        .floor_permille = {200, 200, 50},
        .chunk_ms = 10000,
        .grace_ns = 25 * NS_PER_S,
        .queue_ns = 120 * NS_PER_S,
        .cancel_ns = NS_PER_S,
        .drain_ns = 10 * NS_PER_S,
        .spawn_ns = 60 * NS_PER_S,
        .backoff_ns_min = NS_PER_S,
        .backoff_ns_max = NS_PER_S,
        .profiles = 1,
        .profile = {{SLOTS, SLOTS, 0}},
    };
    void *memory = calloc(1, core_size(&w.limits));
    ASSERT(memory);
    w.core = core_init(memory, &w.limits);
    return w;
}

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* The median of RUNS runs of @count times @once, for each. */
static double measure(struct world *w, void (*once)(struct world *w), uint32_t count)
{
    double each_ns[RUNS];
    for (int run = 0; run < RUNS; run++) {
        double begin_ns = cpu_ns();
        for (uint32_t i = 0; i < count; i++) {
            once(w);
        }
        each_ns[run] = (cpu_ns() - begin_ns) / count;
    }
    qsort(each_ns, RUNS, sizeof(*each_ns), compare);
    return each_ns[RUNS / 2];
}

/* ---- decisions ---- */

static void submit(struct world *w, uint32_t client)
{
    step(w, (struct core_event){.kind = CORE_SUBMIT,
                .ticket = client,
                .session = CORE_NONE,
                .principal = 1 + client / CLIENTS_PER_PRINCIPAL,
                .client = 1 + client,
                .priority = CORE_NORMAL});
}

/* Ends the oldest lease; whose it was. */
static uint32_t done(struct world *w)
{
    ASSERT(w->lease_count > 0);
    struct lease lease = w->lease[w->lease_at];
    w->lease_at = (w->lease_at + 1) % SLOTS;
    w->lease_count--;
    step(w, (struct core_event){.kind = CORE_DONE,
                .conn = lease.conn,
                .generation = lease.generation,
                .clean = true});
    return lease.ticket;
}

/* Everybody waits: one ends, the next begins, and the first waits again. */
static void go_round(struct world *w)
{
    submit(w, done(w));
}

/* Nobody waits: somebody comes, is served and goes. */
static void come_and_go(struct world *w)
{
    submit(w, (uint32_t)rng_below(&w->rng, w->clients));
    (void)done(w);
}

static void view_position(struct world *w)
{
    volatile uint32_t position =
        core_position(w->core, (uint32_t)rng_below(&w->rng, w->clients));
    (void)position;
}

static void measure_decisions(uint32_t clients)
{
    struct world w = world_new(clients, 1, 1);
    submit(&w, 0); /* brings the worker up */
    (void)done(&w);
    for (uint32_t i = 0; i < clients; i++) { /* each has been here */
        submit(&w, i);
        (void)done(&w);
    }
    double passing_ns = measure(&w, come_and_go, DECISIONS);
    for (uint32_t i = 0; i < clients; i++) {
        submit(&w, i);
    }
    double waiting_ns = measure(&w, go_round, DECISIONS);
    double position_ns = measure(&w, view_position, VIEWS);
    printf("\"passing\":%.1f,\"backlogged\":%.1f,\"position\":%.1f",
        passing_ns / STEPS_A_DECISION, waiting_ns / STEPS_A_DECISION, position_ns);
    free(w.core);
}

/* ---- sessions ---- */

static void load_sessions(struct world *w, uint32_t per_principal)
{
    for (uint32_t i = 0; i < w->clients; i++) {
        step(w, (struct core_event){.kind = CORE_SESSION_LOAD,
                    .principal = 1 + i / per_principal,
                    .client = 1 + i,
                    .created_wall_ns = BEGIN_NS - NS_PER_S,
                    .last_seen_wall_ns = BEGIN_NS - NS_PER_S + i});
    }
    ASSERT(core_counts(w->core).sessions == w->clients);
}

/* One more where there is no room: whoever has been away longest goes. */
static void open_session(struct world *w)
{
    uint32_t client = (uint32_t)rng_below(&w->rng, w->clients);
    uint32_t ended = w->ended;
    step(w, (struct core_event){.kind = CORE_SESSION_OPEN,
                .principal = w->limits.principal_sessions < w->limits.sessions
                                 ? 1
                                 : 1 + client / CLIENTS_PER_PRINCIPAL,
                .client = 1 + client});
    ASSERT(w->ended == ended + 1);
    step(w, (struct core_event){.kind = CORE_SESSION_DURABLE, .session = w->session});
}

static void measure_sessions(uint32_t sessions)
{
    struct world w = world_new(sessions, sessions, sessions);
    double begin_ns = cpu_ns();
    load_sessions(&w, CLIENTS_PER_PRINCIPAL);
    double load_ns = (cpu_ns() - begin_ns) / sessions;
    double open_ns = measure(&w, open_session, OPENINGS);
    free(w.core);

    w = world_new(sessions, sessions + 1, sessions);
    load_sessions(&w, sessions);
    double open_own_ns = measure(&w, open_session, OPENINGS);
    free(w.core);

    w = world_new(sessions, sessions, sessions);
    load_sessions(&w, CLIENTS_PER_PRINCIPAL);
    w.now_ns += w.limits.resume_ns;
    begin_ns = cpu_ns();
    while (core_counts(w.core).sessions > 0) {
        step(&w, (struct core_event){.kind = CORE_TICK});
    }
    double expire_ns = (cpu_ns() - begin_ns) / sessions;
    ASSERT(w.ended == sessions);
    free(w.core);
    printf(",\"load\":%.1f,\"open\":%.1f,\"open_own\":%.1f,\"expire\":%.1f", load_ns,
        open_ns, open_own_ns, expire_ns);
}

int main(void)
{
    for (uint32_t n = 10; n <= 100000; n *= 10) {
        printf("{\"n\":%u,", n);
        measure_decisions(n);
        measure_sessions(n);
        puts("}");
        fflush(stdout);
    }
    return 0;
}
