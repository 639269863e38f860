// SPDX-License-Identifier: Apache-2.0
/*
 * The core under virtual time. A seed picks the limits and the faults; the simulator plays
 * clients, workers and engines, and holds each step against oracles:
 *   conservation   every ticket ends exactly once, with a reason that fits its life
 *   isolation      a statement starts on the connection that was set to its own context
 *   slots          never more statements at once than the profile has slots
 *   fair turns     between two turns of a waiting principal no other gets more than two
 *   progress       with the faults healed, everything ends and all counts return to zero
 *   determinism    the same seed yields the same trace (its hash is printed)
 * core_check() runs after every step.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/str.h"
#include "core/core.h"
#include "base/assert.h"

enum { TICKETS = 64, SESSIONS = 48, PRINCIPALS = 5, PENDING_MAX = 512 };

struct pending {
    uint64_t at_ns;
    uint64_t order;
    struct core_event event;
};

struct sim {
    struct rng rng;
    struct core *core;
    struct core_limits limits;
    uint64_t now_ns;
    uint64_t order;
    uint64_t hash;
    uint64_t steps;
    struct pending pending[PENDING_MAX];
    uint32_t pending_len;
    bool ticket_live[TICKETS];
    uint32_t ticket_principal[TICKETS];
    uint32_t ticket_profile[TICKETS];
    struct core_context ticket_context[TICKETS];
    struct core_context conn_context[CORE_CONNS_MAX]; /* what the engine is really set to */
    uint32_t conn_ticket[CORE_CONNS_MAX];
    uint32_t conn_generation[CORE_CONNS_MAX];
    bool conn_stuck[CORE_CONNS_MAX];
    bool session_live[SESSIONS];
    uint32_t session_connections[SESSIONS];
    uint64_t session_life[SESSIONS]; /* counts the sessions that had this number */
    uint32_t running[CORE_PROFILES_MAX];
    uint32_t turns_since[CORE_PROFILES_MAX][PRINCIPALS + 1][PRINCIPALS + 1];
    bool faults;
    uint64_t ended[CORE_REASONS];
    uint64_t requests;
};

static uint64_t sim_seed;

#define CHECK(expr) \
    ((expr) ? (void)0 \
            : (fprintf(stderr, "seed %llu: %s (line %d); replay: build/tests/sim --seed %llu\n", \
                   (unsigned long long)sim_seed, #expr, __LINE__, (unsigned long long)sim_seed), \
                  abort()))

static void note(struct sim *s, uint64_t word)
{
    s->hash = (s->hash ^ word) * 0x100000001B3u;
}

static void later(struct sim *s, uint64_t delay_ns, struct core_event event)
{
    CHECK(s->pending_len < PENDING_MAX);
    s->pending[s->pending_len++] =
        (struct pending){s->now_ns + delay_ns, s->order++, event};
}

static uint64_t ms(uint64_t n)
{
    return n * 1000000;
}

static void on_start(struct sim *s, const struct core_action *a)
{
    uint32_t profile = s->ticket_profile[a->ticket];
    CHECK(s->ticket_live[a->ticket]);
    CHECK(s->conn_ticket[a->conn] == CORE_NONE || s->conn_ticket[a->conn] == a->ticket ||
          core_position(s->core, s->conn_ticket[a->conn]) > 0);
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        if (a->replay & 1u << i) {
            s->conn_context[a->conn].part[i] = a->context.part[i];
        }
        CHECK(s->conn_context[a->conn].part[i] == s->ticket_context[a->ticket].part[i]);
    }
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        uint32_t before = s->conn_ticket[i]; /* waits again: its worker died */
        if (before != CORE_NONE && (before == a->ticket || i == a->conn)) {
            s->conn_ticket[i] = CORE_NONE;
            s->running[s->ticket_profile[before]]--;
        }
    }
    s->conn_ticket[a->conn] = a->ticket;
    s->running[profile]++;
    CHECK(s->running[profile] <= s->limits.profile[profile].slots);
    uint32_t principal = s->ticket_principal[a->ticket];
    for (uint32_t other = 1; other <= PRINCIPALS; other++) {
        bool waits = false;
        for (uint32_t t = 0; t < TICKETS; t++) {
            waits = waits || (s->ticket_live[t] && s->ticket_profile[t] == profile &&
                                 s->ticket_principal[t] == other &&
                                 core_position(s->core, t) > 0);
        }
        uint32_t *turns = &s->turns_since[profile][other][principal];
        *turns = waits && other != principal ? *turns + 1 : 0;
        CHECK(*turns <= 2 || s->faults);
        if (other == principal) {
            memset(s->turns_since[profile][other], 0, sizeof(s->turns_since[profile][other]));
        }
    }
    struct core_event e = {.conn = a->conn, .generation = a->generation, .clean = true};
    uint64_t run_ns = ms(1 + rng_below(&s->rng, 200));
    e.kind = CORE_STARTED;
    later(s, ms(rng_below(&s->rng, 3)), e);
    if (s->faults && rng_below(&s->rng, 40) == 0) {
        s->conn_stuck[a->conn] = true; /* ignores every cancel */
        run_ns = ms(100000);
    }
    e.kind = CORE_DONE;
    e.clean = rng_below(&s->rng, 20) != 0;
    later(s, ms(3) + run_ns, e);
}

static void on_end(struct sim *s, const struct core_action *a)
{
    CHECK(s->ticket_live[a->ticket]);
    s->ticket_live[a->ticket] = false;
    s->ended[a->reason]++;
    /* Whoever ends in the queue may leave his ring and come back behind all others. */
    memset(s->turns_since[s->ticket_profile[a->ticket]][s->ticket_principal[a->ticket]], 0,
        sizeof(s->turns_since[0][0]));
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        if (s->conn_ticket[i] == a->ticket) {
            s->conn_ticket[i] = CORE_NONE;
            s->running[s->ticket_profile[a->ticket]]--;
        }
    }
}

static void on_action(struct sim *s, const struct core_action *a)
{
    struct core_event e = {.worker = a->worker, .conn = a->conn, .generation = a->generation};
    bool fails = s->faults && rng_below(&s->rng, 12) == 0;
    note(s, (uint64_t)a->kind << 56 ^ (uint64_t)a->ticket << 32 ^ (uint64_t)a->conn << 16 ^
                (uint64_t)a->reason << 8 ^ a->session);
    switch (a->kind) {
    case CORE_OPENED:
        CHECK(!s->session_live[a->session]);
        s->session_live[a->session] = true;
        s->session_connections[a->session] = 0;
        if (a->user == 1) {
            e = (struct core_event){.kind = CORE_SESSION_DURABLE,
                .session = a->session,
                .user = s->session_life[a->session]};
            later(s, 0, e);
        }
        break;
    case CORE_LOAD:
        e = (struct core_event){.kind = CORE_SESSION_BODY,
            .session = a->session,
            .user = s->session_life[a->session],
            .reason = fails ? CORE_NO_SESSION : CORE_OK};
        later(s, ms(rng_below(&s->rng, 5)), e);
        break;
    case CORE_SESSION_END:
        CHECK(s->session_live[a->session]);
        s->session_life[a->session]++;
        s->session_live[a->session] = false;
        break;
    case CORE_SPAWN:
        e.kind = fails ? CORE_WORKER_LOST : CORE_WORKER_UP;
        later(s, ms(5 + rng_below(&s->rng, 50)), e);
        break;
    case CORE_CONNECT:
        memset(&s->conn_context[a->conn], 0, sizeof(s->conn_context[0]));
        s->conn_generation[a->conn] = a->generation;
        s->conn_stuck[a->conn] = false;
        e.kind = fails ? CORE_CONN_LOST : CORE_CONN_UP;
        later(s, ms(1 + rng_below(&s->rng, 20)), e);
        break;
    case CORE_START:
        on_start(s, a);
        break;
    case CORE_INTERRUPT:
        CHECK(s->conn_ticket[a->conn] == a->ticket);
        if (!s->conn_stuck[a->conn]) {
            e.kind = CORE_DONE;
            later(s, ms(rng_below(&s->rng, 30)), e);
        }
        break;
    case CORE_END:
        on_end(s, a);
        break;
    case CORE_REFUSED:
    case CORE_SAVE:
    case CORE_UNLOAD:
    case CORE_KILL:
    case CORE_DISCONNECT:
    case CORE_GRACE:
        break;
    }
}

static void step(struct sim *s, struct core_event event)
{
    struct core_actions actions;
    event.boot_ns = s->now_ns;
    event.wall_ns = s->now_ns + 1000000000000;
    do {
        core_step(s->core, &event, &actions);
        core_check(s->core);
        s->steps++;
        for (uint32_t i = 0; i < actions.len; i++) {
            on_action(s, &actions.at[i]);
        }
        event = (struct core_event){
            .kind = CORE_TICK, .boot_ns = event.boot_ns, .wall_ns = event.wall_ns};
    } while (core_deadline(s->core) <= s->now_ns);
}

static uint32_t pick_session(struct sim *s)
{
    uint32_t start = (uint32_t)rng_below(&s->rng, SESSIONS);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        if (s->session_live[(start + i) % SESSIONS]) {
            return (start + i) % SESSIONS;
        }
    }
    return CORE_NONE;
}

static void submit(struct sim *s, uint32_t session)
{
    uint32_t ticket = 0;
    while (ticket < TICKETS && s->ticket_live[ticket]) {
        ticket++;
    }
    if (ticket == TICKETS) {
        return;
    }
    struct core_event e = {.kind = CORE_SUBMIT, .ticket = ticket, .session = session,
        .profile = (uint32_t)rng_below(&s->rng, s->limits.profiles)};
    struct core_session_view view = {0};
    if (session != CORE_NONE && core_session_view(s->core, session, &view)) {
        e.principal = view.principal;
        e.client = view.client;
        e.context = view.context;
    } else {
        e.principal = 1 + (uint32_t)rng_below(&s->rng, PRINCIPALS);
        e.client = e.principal * 10;
    }
    e.timeout_ns = ms(50 + rng_below(&s->rng, 400));
    s->ticket_live[ticket] = true;
    s->ticket_principal[ticket] = e.principal;
    s->ticket_profile[ticket] = e.profile;
    s->ticket_context[ticket] = e.context;
    s->requests++;
    step(s, e);
}

static void on_session(struct sim *s, uint32_t session, uint64_t what)
{
    struct core_event e = {.session = session};
    struct core_session_view view;
    if (!core_session_view(s->core, session, &view) || view.state == CORE_CONNECTING) {
        return;
    }
    if (what < 3) {
        e.kind = CORE_SESSION_TOUCH;
    } else if (what == 3) {
        e.kind = CORE_SESSION_ATTACH;
        s->session_connections[session]++;
    } else if (what == 4 && s->session_connections[session] > 0) {
        e.kind = CORE_SESSION_DETACH;
        s->session_connections[session]--;
    } else if (what == 5) {
        e.kind = CORE_SESSION_CONTEXT;
        e.context.part[CORE_DATABASE] = 1 + (uint32_t)rng_below(&s->rng, 3);
        e.context.part[CORE_SCHEMA] = 1 + (uint32_t)rng_below(&s->rng, 3);
    } else if (what == 6) {
        e.kind = CORE_SESSION_CLOSE;
    } else {
        return;
    }
    step(s, e);
}

static void client_does_something(struct sim *s)
{
    uint64_t dice = rng_below(&s->rng, 100);
    struct core_event e = {0};
    if (dice < 60) {
        submit(s, dice < 15 ? CORE_NONE : pick_session(s));
    } else if (dice < 70) {
        e.kind = CORE_SESSION_OPEN;
        e.user = 1;
        e.principal = 1 + (uint32_t)rng_below(&s->rng, PRINCIPALS);
        e.client = e.principal * 10 + (uint32_t)rng_below(&s->rng, 3);
        step(s, e);
    } else if (dice < 80) {
        e.kind = CORE_CANCEL;
        e.ticket = (uint32_t)rng_below(&s->rng, TICKETS);
        e.reason = CORE_CANCELLED;
        step(s, e);
    } else if (dice == 80 && s->faults) {
        /* kill -9 of a worker; a generation that is not its own must be ignored */
        e.kind = CORE_WORKER_LOST;
        e.worker = (uint32_t)rng_below(&s->rng, 3);
        e.generation = (uint32_t)rng_below(&s->rng, 40);
        step(s, e);
    } else {
        uint32_t session = pick_session(s);
        if (session != CORE_NONE) {
            on_session(s, session, rng_below(&s->rng, 30));
        }
    }
}

/* Lets time pass until @until_ns: completions and deadlines in their order. */
static void advance(struct sim *s, uint64_t until_ns)
{
    for (;;) {
        uint32_t first = PENDING_MAX;
        for (uint32_t i = 0; i < s->pending_len; i++) {
            const struct pending *p = &s->pending[i];
            if (first == PENDING_MAX || p->at_ns < s->pending[first].at_ns ||
                (p->at_ns == s->pending[first].at_ns && p->order < s->pending[first].order)) {
                first = i;
            }
        }
        uint64_t due_ns = core_deadline(s->core);
        uint64_t next_ns = first < PENDING_MAX ? s->pending[first].at_ns : CORE_NEVER;
        if (due_ns > until_ns && next_ns > until_ns) {
            s->now_ns = until_ns;
            return;
        }
        if (due_ns < next_ns) {
            CHECK(due_ns >= s->now_ns);
            s->now_ns = due_ns;
            step(s, (struct core_event){.kind = CORE_TICK});
        } else {
            struct core_event event = s->pending[first].event;
            s->now_ns = next_ns;
            s->pending[first] = s->pending[--s->pending_len];
            bool for_session =
                event.kind == CORE_SESSION_DURABLE || event.kind == CORE_SESSION_BODY;
            if (for_session && s->session_life[event.session] != event.user) {
                continue;
            }
            step(s, event);
        }
    }
}

static uint64_t run(uint64_t seed, uint64_t actions, uint64_t *ret_steps)
{
    static struct sim s;
    memset(&s, 0, sizeof(s));
    sim_seed = seed;
    s.rng.state = seed;
    s.now_ns = ms(1000);
    s.faults = seed % 3 != 0;
    s.limits = (struct core_limits){.sessions = SESSIONS,
        .principal_sessions = 12,
        .tickets = TICKETS,
        .queue_total = 40,
        .queue_principal = 20,
        .queue_client = 10,
        .idle_ns = ms(60000),
        .resume_ns = ms(20000),
        .age_ns = rng_below(&s.rng, 2) * ms(30000),
        .touch_ns = ms(600),
        .sleep_ns = ms(2000),
        .grace_ns = ms(100),
        .queue_ns = ms(800),
        .cancel_ns = ms(50),
        .drain_ns = ms(300),
        .spawn_ns = ms(500),
        .backoff_ns_min = ms(10),
        .backoff_ns_max = ms(200),
        .profiles = 2,
        .profile = {{1 + (uint32_t)rng_below(&s.rng, 6), 1 + (uint32_t)rng_below(&s.rng, 8), ms(100)},
            {1 + (uint32_t)rng_below(&s.rng, 3), 1, 0}}};
    memset(s.conn_ticket, 0xFF, sizeof(s.conn_ticket));
    void *memory = calloc(1, core_size(&s.limits));
    CHECK(memory);
    s.core = core_init(memory, &s.limits);
    for (uint64_t i = 0; i < actions; i++) {
        advance(&s, s.now_ns + ms(rng_below(&s.rng, 20)));
        client_does_something(&s);
    }
    s.faults = false;
    advance(&s, s.now_ns + ms(200000));
    struct core_counts counts = core_counts(s.core);
    CHECK(counts.queued == 0 && counts.running == 0);
    for (uint32_t i = 0; i < TICKETS; i++) {
        CHECK(!s.ticket_live[i]);
    }
    uint64_t ended = 0;
    for (uint32_t i = 0; i < CORE_REASONS; i++) {
        ended += s.ended[i];
    }
    CHECK(ended == s.requests && s.ended[CORE_OK] > 0);
    free(memory);
    *ret_steps += s.steps;
    return s.hash;
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    uint64_t count = 200;
    uint64_t steps = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            first = strtoull(argv[i + 1], NULL, 10);
            count = 1;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            count = strtoull(argv[i + 1], NULL, 10);
        }
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        uint64_t hash = run(seed, 1500, &steps);
        if (seed % 20 == 1 && run(seed, 1500, &steps) != hash) {
            fprintf(stderr, "seed %llu: two runs differ\n", (unsigned long long)seed);
            return 1;
        }
    }
    printf("sim: %llu seeds, %llu steps, all oracles hold\n", (unsigned long long)count,
        (unsigned long long)steps);
    return 0;
}
