// SPDX-License-Identifier: Apache-2.0
/* Clients, workers and engines as the core meets them, well or badly behaved. */
#include "sim.h"


enum {
    CLIENT_KEYS = 3,
    WORKERS_HIT = 4,
    SLOW_MS = 100000,
    HEAL_MS = 200000
};

static uint64_t below(struct sim *s, uint64_t bound)
{
    return rng_below(&s->rng, bound);
}

/* One in @n, and only while faults happen. */
static bool fault(struct sim *s, uint64_t n)
{
    return s->faults && below(s, n) == 0;
}

static void later(struct sim *s, uint64_t delay_ns, struct core_event event)
{
    SIM_CHECK(s, s->pending.len < SIM_PENDING_MAX);
    uint32_t place = s->news_free[s->pending.len];
    s->news[place] = event;
    (void)pending_push(&s->pending, s->now_ns + delay_ns, place);
}

/* ---- what the core asks for ---- */

static void run_statement(struct sim *s, const struct core_action *a)
{
    struct core_event e = {.kind = CORE_STARTED,
        .conn = a->conn,
        .generation = a->generation,
        .clean = true};
    uint64_t run_ns = sim_ms(1 + below(s, 200));
    uint64_t start_ns = sim_ms(below(s, fault(s, 6) ? 60 : 3));
    later(s, start_ns, e);
    if (fault(s, 40)) {
        s->conns[a->conn].stuck = true;
        run_ns = sim_ms(SLOW_MS);
    }
    e.kind = CORE_DONE;
    e.clean = below(s, 20) != 0;
    e.moved = below(s, 4) == 0;
    e.pins = s->tickets[a->ticket].is_stateful ? below(s, 2) : s->conns[a->conn].pin > 0 && below(s, 4) > 0;
    if (e.moved) {
        e.context.part[CORE_SCHEMA] = (uint32_t)below(s, 4);
    }
    later(s, start_ns + run_ns, e);
}

/* The engine takes its time; longer where somebody has to sign in. */
static void open_conn(struct sim *s, struct core_event e, bool needs_person)
{
    uint64_t took_ns = sim_ms(1 + below(s, 20));
    if (needs_person) {
        struct core_event asked = {
            .kind = CORE_CONN_PENDING, .conn = e.conn, .generation = e.generation};
        later(s, took_ns, asked);
        took_ns += sim_ms(below(s, 150));
    }
    later(s, took_ns, e);
}

static void carry_out(struct sim *s, const struct core_action *a)
{
    struct core_event e = {
        .worker = a->worker, .conn = a->conn, .generation = a->generation};
    bool fails = (a->kind == CORE_SPAWN || a->kind == CORE_CONNECT) && fault(s, 12);
    if (a->kind == CORE_OPENED && s->event.kind == CORE_SESSION_OPEN) {
        e = (struct core_event){.kind = CORE_SESSION_DURABLE,
            .session = a->session,
            .user = s->sessions[a->session].life};
        later(s, sim_ms(below(s, 5)), e);
    } else if (a->kind == CORE_LOAD) {
        e = (struct core_event){.kind = CORE_SESSION_BODY,
            .session = a->session,
            .reason = fault(s, 12) ? CORE_NO_SESSION : CORE_OK,
            .user = s->sessions[a->session].life};
        later(s, sim_ms((fault(s, 12) ? 1000 : 0) + below(s, 8)), e);
    } else if (a->kind == CORE_SPAWN) {
        e.kind = fails ? CORE_WORKER_LOST : CORE_WORKER_UP;
        later(s, sim_ms((fault(s, 20) ? 600 : 5) + below(s, 50)), e);
    } else if (a->kind == CORE_CONNECT) {
        e.kind = fails ? CORE_CONN_LOST : CORE_CONN_UP;
        e.context.part[CORE_DATABASE] = a->profile % 2;
        e.context.part[CORE_SCHEMA] = 1;
        open_conn(s, e, a->profile == 1 && below(s, 4) == 0);
    } else if (a->kind == CORE_START) {
        run_statement(s, a);
    } else if (a->kind == CORE_INTERRUPT && !s->conns[a->conn].stuck) {
        e.kind = CORE_DONE;
        later(s, sim_ms(below(s, 30)), e);
    }
}

/* ---- what clients do ---- */

static uint32_t pick_session(struct sim *s)
{
    uint32_t start = (uint32_t)below(s, SIM_SESSIONS);
    for (uint32_t i = 0; i < SIM_SESSIONS; i++) {
        uint32_t at = (start + i) % SIM_SESSIONS;
        if (s->sessions[at].live) {
            return at;
        }
    }
    return CORE_NONE;
}

/*
 * Who calls without a stream does so by a plain request, which touches the session first.
 * On behalf of a session a call may also come from elsewhere.
 */
static void come_by(struct sim *s, uint32_t session)
{
    const struct sim_session *own = &s->sessions[session];
    if (own->connections == 0 && below(s, 2) == 0) {
        sim_step(s, (struct core_event){.kind = CORE_SESSION_TOUCH, .session = session});
    }
}

static void submit(struct sim *s, uint32_t session)
{
    uint32_t ticket = 0;
    while (ticket < SIM_TICKETS && s->tickets[ticket].live) {
        ticket++;
    }
    if (session != CORE_NONE) {
        come_by(s, session);
    }
    if (ticket == SIM_TICKETS || (session != CORE_NONE && !s->sessions[session].live)) {
        return;
    }
    struct core_event e = {.kind = CORE_SUBMIT,
        .ticket = ticket,
        .session = session,
        .profile = (uint32_t)below(s, s->limits.profiles),
        .timeout_ns = sim_ms(50 + below(s, 400)),
        .priority = (enum core_priority)below(s, CORE_PRIORITIES),
        .is_catalog = below(s, 4) == 0,
        .is_stateful = session != CORE_NONE && below(s, 4) == 0,
        .rows_max = (uint32_t)below(s, 100)};
    e.principal = 1 + (uint32_t)below(s, SIM_PRINCIPALS);
    e.client = 1 + (uint32_t)below(s, CLIENT_KEYS);
    if (session != CORE_NONE) {
        e.principal = s->sessions[session].view.principal;
        e.client = s->sessions[session].view.client;
        e.context = s->sessions[session].view.context;
    }
    sim_step(s, e);
}

static void use_session(struct sim *s, uint32_t session, uint64_t what)
{
    struct core_event e = {.session = session};
    if (s->sessions[session].closing && what > 6) {
        what = 3 + what % 2; /* it does not last long */
    }
    if (what < 3) {
        e.kind = what == 2 ? CORE_SESSION_SEEN : CORE_SESSION_TOUCH;
    } else if (what == 3) {
        e.kind = CORE_SESSION_ATTACH;
    } else if (what == 4 && s->sessions[session].connections > 0) {
        e.kind = CORE_SESSION_DETACH;
    } else if (what == 5) {
        e.kind = CORE_SESSION_CONTEXT;
        e.context.part[CORE_DATABASE] = 1 + (uint32_t)below(s, 3);
        e.context.part[CORE_SCHEMA] = 1 + (uint32_t)below(s, 3);
    } else if (what == 6) {
        e.kind = CORE_SESSION_CLOSE;
    } else {
        return;
    }
    sim_step(s, e);
}

static void open_session(struct sim *s, bool stored)
{
    struct core_event e = {.kind = stored ? CORE_SESSION_LOAD : CORE_SESSION_OPEN,
        .principal = 1 + (uint32_t)below(s, SIM_PRINCIPALS),
        .client = 1 + (uint32_t)below(s, CLIENT_KEYS)};
    if (stored) {
        uint64_t wall_ns = s->now_ns + sim_ms(SIM_WALL_MS);
        e.last_seen_wall_ns = wall_ns - sim_ms(below(s, 20000));
        e.created_wall_ns = e.last_seen_wall_ns - sim_ms(below(s, 5000));
    }
    sim_step(s, e);
}

/* kill -9 of a worker or the end of a socket; sometimes it names an older generation. */
static void break_something(struct sim *s)
{
    struct core_event e = {.kind = CORE_WORKER_LOST};
    if (below(s, 2) == 0) {
        e.worker = (uint32_t)below(s, WORKERS_HIT);
        e.generation = s->workers[e.worker].generation - (below(s, 3) == 0);
    } else {
        e.kind = CORE_CONN_LOST;
        e.repeats = below(s, 2) == 0;
        e.conn = (uint32_t)below(s, WORKERS_HIT);
        e.generation = s->conns[e.conn].generation - (below(s, 3) == 0);
    }
    sim_step(s, e);
}

/* A page of a kept result, of another call's answer or of the catalogue; sometimes another day begins before it is shown. */
static void fetch_page(struct sim *s)
{
    struct core_event e = {.kind = CORE_FETCH,
        .principal = 1 + (uint32_t)below(s, SIM_PRINCIPALS),
        .client = 1 + (uint32_t)below(s, CLIENT_KEYS),
        .session = CORE_NONE,
        .is_call = below(s, 2) == 0,
        .rows_max = (uint32_t)below(s, 100)};
    e.is_catalog = e.is_call && e.rows_max % 4 == 0; /* of these nothing is settled */
    sim_step(s, e);
    if (s->grant.reason == CORE_OK && !e.is_catalog) {
        if (below(s, 8) == 0) {
            sim_step(s, (struct core_event){.kind = CORE_QUOTA_DAY});
        }
        e.kind = CORE_FETCHED;
        e.rows_max = s->grant.rows_max;
        e.generation = s->grant.generation;
        e.rows = below(s, (uint64_t)e.rows_max + 1);
        sim_step(s, e);
    }
}

static void client_does_something(struct sim *s)
{
    uint64_t dice = below(s, 100);
    uint32_t session = dice >= 15 ? pick_session(s) : CORE_NONE;
    if (dice < 60) {
        submit(s, session);
    } else if (dice < 70) {
        open_session(s, false);
    } else if (dice < 80) {
        uint32_t ticket = (uint32_t)below(s, SIM_TICKETS);
        struct core_event e = {
            .kind = CORE_CANCEL, .ticket = ticket, .reason = CORE_CANCELLED};
        sim_step(s, e);
    } else if (dice == 80 && s->faults) {
        break_something(s);
    } else if (dice == 81 && below(s, 4) == 0) {
        sim_step(s, (struct core_event){.kind = CORE_QUOTA_DAY});
    } else if (dice == 82) {
        fetch_page(s);
    } else if (dice == 83 && below(s, 4) == 0) {
        sim_step(s, (struct core_event){.kind = CORE_LOGIN_CHANGED,
                        .profile = 1,
                        .client = 1,
                        .principal = 1 + (uint32_t)below(s, SIM_PRINCIPALS)});
    } else if (session != CORE_NONE) {
        use_session(s, session, below(s, 30));
    }
}

/* ---- time ---- */

/* The first of what is pending. */
static struct core_event take_news(struct sim *s)
{
    uint32_t place = pending_pop(&s->pending);
    s->news_free[s->pending.len] = place;
    return s->news[place];
}

/* The store answers for one life of a session only: the slot may have a new one. */
static bool is_void(const struct sim *s, const struct core_event *e)
{
    const struct sim_session *own = &s->sessions[e->session];
    return (e->kind == CORE_SESSION_DURABLE || e->kind == CORE_SESSION_BODY) &&
           (!own->live || own->life != e->user);
}

/* Lets time pass until @until_ns: completions and deadlines in their order. */
static void advance(struct sim *s, uint64_t until_ns)
{
    for (;;) {
        uint64_t due_ns = core_deadline(s->core);
        uint64_t next_ns = pending_next_ns(&s->pending);
        if (due_ns > until_ns && next_ns > until_ns) {
            s->now_ns = until_ns;
            return;
        }
        if (due_ns < next_ns) {
            s->now_ns = due_ns > s->now_ns ? due_ns : s->now_ns;
            sim_step(s, (struct core_event){.kind = CORE_TICK});
            continue;
        }
        struct core_event event = take_news(s);
        s->now_ns = next_ns > s->now_ns ? next_ns : s->now_ns;
        if (!is_void(s, &event)) {
            sim_step(s, event);
        }
    }
}

/* The loop was busy: what has become due meanwhile is found after the next event. */
static void lag(struct sim *s)
{
    s->now_ns += below(s, 8) == 0 ? sim_ms(below(s, 6)) : 0;
}

static struct core_limits limits_of(struct sim *s)
{
    return (struct core_limits){.sessions = SIM_SESSIONS,
        .principal_sessions = below(s, 2) ? 12 : 2,
        .tickets = SIM_TICKETS,
        .queue_total = below(s, 2) ? 40 : 4,
        .queue_principal = 20,
        .queue_client = 10,
        .accounts = 24,
        .names_max = 2 + (uint32_t)below(s, 4),
        .reserved_slots = (uint32_t)below(s, 2),
        .run_principal = (uint32_t)below(s, 2) * 3,
        .run_client = (uint32_t)below(s, 2) * 2,
        .present_ns = sim_ms(300),
        .slot_ns_start = sim_ms(1000),
        .floor_permille = {200, 200, 50},
        .chunk_ms = 20,
        .rate_client = {(uint32_t)below(s, 2) * 3, sim_ms(20)},
        .rate_global = {(uint32_t)below(s, 2) * 4, sim_ms(8)},
        .quota_principal = {0, 0, 0, below(s, 3) == 0 ? 20000 : 0, 0},
        .quota_client = {below(s, 3) == 0 ? 200 : 0, below(s, 3) == 0 ? 2000 : 0, 0, 0, 0},
        .idle_ns = sim_ms(below(s, 2) ? 60000 : 3000),
        .resume_ns = sim_ms(20000),
        .age_ns = below(s, 2) * sim_ms(30000),
        .touch_ns = sim_ms(600),
        .sleep_ns = sim_ms(500 + below(s, 3000)),
        .pin_idle_ns = below(s, 2) * sim_ms(100 + below(s, 500)),
        .grace_ns = sim_ms(50 + below(s, 100)),
        .queue_ns = sim_ms(400 + below(s, 800)),
        .cancel_ns = sim_ms(20 + below(s, 60)),
        .drain_ns = sim_ms(100 + below(s, 400)),
        .spawn_ns = sim_ms(500),
        .backoff_ns_min = sim_ms(10),
        .backoff_ns_max = sim_ms(200),
        .profiles = 2,
        .profile = {{.slots = 1 + (uint32_t)below(s, 6),
                        .conns_per_worker = 1 + (uint32_t)below(s, 8),
                        .idle_ns = sim_ms(20 + below(s, 200)),
                        .connect_ns = sim_ms(15),
                        .logins = 1 + (uint32_t)below(s, 2)},
            {.slots = 1 + (uint32_t)below(s, 3),
                .conns_per_worker = 1 + (uint32_t)below(s, 2),
                .per_principal = below(s, 2) == 0,
                .workers = (uint32_t)below(s, 4),
                .logins = (uint32_t)below(s, 2),
                .connect_ns = below(s, 2) * sim_ms(100),
                .age_ns = sim_ms(100 + below(s, 2000))}}};
}

static void play(struct sim *s)
{
    uint64_t stored = s->seed % 8 < 2 ? 8 : 0;
    for (uint64_t i = 0; i < stored; i++) {
        open_session(s, true);
    }
    for (s->action = 1; s->action <= s->actions; s->action++) {
        advance(s, s->now_ns + sim_ms(below(s, 20)));
        lag(s);
        client_does_something(s);
    }
    s->faults = false;
    if (s->seed % 5 == 0) {
        sim_step(s, (struct core_event){.kind = CORE_DRAIN});
        submit(s, CORE_NONE);
        open_session(s, false);
    }
    advance(s, s->now_ns + sim_ms(HEAL_MS));
    sim_finish(s);
}

struct sim_result sim_watch(uint64_t seed, uint64_t actions,
    void (*on_event)(struct sim *, const struct core_event *), void *watcher)
{
    static struct sim s;
    s = (struct sim){.seed = seed,
        .actions = actions,
        .rng.state = seed,
        .now_ns = sim_ms(seed % 2 == 0 ? 1000000 : 100), /* up for long, or just now */
        .faults = seed % 3 != 0};
    s.limits = limits_of(&s);
    if (s.limits.profile[1].per_principal && below(&s, 2) == 0) {
        /* Nothing holds who waits but others' logins. */
        s.limits.reserved_slots = s.limits.run_principal = s.limits.run_client = 0;
    }
    s.pending = (struct pending){.at = s.pending_at, .max = SIM_PENDING_MAX};
    for (uint32_t i = 0; i < SIM_PENDING_MAX; i++) {
        s.news_free[i] = i;
    }
    s.on_event = on_event;
    s.on_action = carry_out;
    s.watcher = watcher;
    sim_begin(&s);
    play(&s);
    sim_end(&s);
    return s.result;
}

struct sim_result sim_run(uint64_t seed, uint64_t actions)
{
    return sim_watch(seed, actions, NULL, NULL);
}
