// SPDX-License-Identifier: Apache-2.0
/*
 * Workers and their backend connections: who gets which lease, what must be replayed on
 * it, and what happens when one dies or will not stop.
 */
#include "core/state.h"

enum { RESERVE_CHECK_NS = 500000000, JITTER_NS = 1000000 };

/* What a call's context means on a connection. */
static struct core_context resolve(const struct conn *c, const struct core_context *wanted)
{
    struct core_context context = *wanted;
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        context.part[i] = wanted->part[i] > 0 ? wanted->part[i] : c->base.part[i];
    }
    return context;
}

static uint32_t replay_of(const struct conn *c, const struct core_context *context)
{
    uint32_t replay = 0;
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        if (c->actual.part[i] != context->part[i]) {
            replay |= 1u << i;
        }
    }
    return replay;
}

/* Statements that set it to @wanted; -1: a part would have to be unset, which nothing does. */
static int cost_of(const struct conn *c, const struct core_context *wanted)
{
    struct core_context context = resolve(c, wanted);
    uint32_t replay = replay_of(c, &context);
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        if (replay & 1u << i && context.part[i] == 0) {
            return -1;
        }
    }
    return __builtin_popcount(replay);
}

static void worker_action(struct core *core, enum core_action_kind kind, uint32_t worker)
{
    struct core_action *a = act(core, kind);
    a->worker = worker;
    a->generation = core->workers[worker].generation;
    a->profile = core->workers[worker].profile;
}

static void conn_action(struct core *core, enum core_action_kind kind, uint32_t conn)
{
    struct core_action *a = act(core, kind);
    a->conn = conn;
    a->generation = core->conns[conn].generation;
    a->worker = core->conns[conn].worker;
    a->profile = core->conns[conn].profile;
    a->ticket = core->conns[conn].ticket;
}

static void worker_kill(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    ASSERT(w->conns == 0);
    worker_action(core, CORE_KILL, worker);
    deadline_arm(core, &w->deadline, CORE_NEVER);
    w->state = WORKER_DOWN;
    w->generation++;
}

/* A worker without connections goes after a while, and lets go of the engine's files. */
static void worker_rest(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    uint64_t idle_ns = core->profiles[w->profile].limits.idle_ns;
    if (w->state == WORKER_UP && w->conns == 0 && idle_ns > 0) {
        deadline_arm(core, &w->deadline, core->now_ns + idle_ns);
    }
}

/* Forgets a connection; what still comes from it carries an old generation. */
static void conn_drop(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    struct profile *p = &core->profiles[c->profile];
    struct worker *w = &core->workers[c->worker];
    if (c->state == CONN_CONNECTING) {
        p->connecting--;
    } else if (c->state == CONN_IDLE) {
        p->idle--;
    } else {
        p->busy--;
    }
    ASSERT(c->ticket == CORE_NONE);
    deadline_arm(core, &c->deadline, CORE_NEVER);
    c->state = CONN_CLOSED;
    c->generation++;
    w->conns--;
    worker_rest(core, c->worker);
}

static void conn_discard(struct core *core, uint32_t conn)
{
    conn_action(core, CORE_DISCONNECT, conn);
    conn_drop(core, conn);
}

/* Ends the statement on @conn, whose lease is over. */
static void conn_release(struct core *core, uint32_t conn, enum core_reason reason)
{
    struct conn *c = &core->conns[conn];
    uint32_t ticket = c->ticket;
    struct ticket *t = &core->tickets[ticket];
    c->ticket = CORE_NONE;
    t->conn = CORE_NONE;
    if (t->end_reason != CORE_OK) {
        reason = (enum core_reason)t->end_reason;
    }
    quota_settle(core, ticket, t->rows, t->bytes);
    sched_give_back(core, ticket);
    struct core_action *a = ticket_end(core, ticket, reason);
    if (reason == CORE_QUOTA_EXHAUSTED) {
        quota_explain(core, ticket, a);
    }
}

/* A number that differs from time to time and from object to object; the same run has the same. */
static uint64_t scatter(uint64_t seed, uint64_t below)
{
    seed = (seed ^ seed >> 31) * 0x9E3779B97F4A7C15u;
    return below > 0 ? (seed ^ seed >> 29) % below : 0;
}

static void failed(struct core *core, uint32_t profile)
{
    struct profile *p = &core->profiles[profile];
    uint64_t wait_ns = core->limits.backoff_ns_min;
    p->flush = p->idle + p->busy + p->connecting == 0;
    if (p->deadline.heap_at != 0) {
        return; /* one more of the same outage */
    }
    for (uint32_t i = 0; i < p->failures && wait_ns < core->limits.backoff_ns_max; i++) {
        wait_ns *= 2;
    }
    if (wait_ns > core->limits.backoff_ns_max) {
        wait_ns = core->limits.backoff_ns_max;
    }
    p->failures++;
    /* Several daemons behind one outage must not come back in step. */
    wait_ns -= scatter(core->now_ns + profile, wait_ns / 4 / JITTER_NS + 1) * JITTER_NS;
    deadline_arm(core, &p->deadline, core->now_ns + wait_ns);
}

/* The worker under @conn died: what had not started runs again, once. */
static void conn_lost(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    uint32_t ticket = c->ticket;
    struct ticket *t = ticket == CORE_NONE ? NULL : &core->tickets[ticket];
    if (t && t->state == TICKET_LEASED && t->end_reason == CORE_OK && !t->requeued) {
        c->ticket = CORE_NONE;
        t->conn = CORE_NONE;
        t->requeued = true;
        quota_settle(core, ticket, 0, 0);
        sched_give_back(core, ticket);
        sched_push(core, ticket, true);
        ticket_rearm(core, ticket);
    } else if (t) {
        conn_release(core, conn, CORE_WORKER_DIED);
    }
    uint32_t profile = c->profile;
    bool is_new = c->state == CONN_CONNECTING;
    conn_drop(core, conn);
    if (is_new) {
        failed(core, profile); /* a driver that crashes so is not asked again at once */
    }
}

bool pool_unavailable(const struct core *core, uint32_t profile, uint64_t *ret_retry_ns)
{
    const struct profile *p = &core->profiles[profile];
    if (p->deadline.heap_at == 0 || p->idle + p->busy + p->connecting > 0) {
        return false;
    }
    *ret_retry_ns = p->deadline.at_ns > core->now_ns ? p->deadline.at_ns - core->now_ns : 0;
    return true;
}

/* No new leases; idle connections go, busy ones may finish within the drain time. */
static void worker_condemn(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    if (w->state == WORKER_CONDEMNED) {
        return; /* its drain time runs already */
    }
    w->state = WORKER_CONDEMNED;
    core->leaving++;
    deadline_arm(core, &w->deadline, core->now_ns + core->limits.drain_ns);
}

static void worker_lost(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    deadline_arm(core, &w->deadline, CORE_NEVER);
    if (w->state == WORKER_STARTING) {
        w->state = WORKER_DOWN;
        w->generation++;
        failed(core, w->profile);
        return;
    }
    core->leaving += w->state == WORKER_UP;
    w->state = WORKER_DYING; /* bury() works its connections off, as room allows */
}

/* Idle from now on, and closed when it stays so for too long. */
static void conn_rest(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    struct profile *p = &core->profiles[c->profile];
    uint64_t idle_ns = p->limits.idle_ns;
    uint64_t until_ns = idle_ns > 0 ? core->now_ns + idle_ns : CORE_NEVER;
    c->state = CONN_IDLE;
    c->rest_ns = core->now_ns;
    p->idle++;
    deadline_arm(core, &c->deadline, until_ns < c->retire_ns ? until_ns : c->retire_ns);
}

static void conn_done(struct core *core, const struct core_event *event)
{
    struct conn *c = &core->conns[event->conn];
    bool keep = event->clean && c->state == CONN_BUSY && core->now_ns < c->retire_ns &&
                core->workers[c->worker].state == WORKER_UP;
    core->tickets[c->ticket].rows = event->rows;
    core->tickets[c->ticket].bytes = event->bytes;
    core->profiles[c->profile].failures = 0;
    deadline_arm(core, &core->profiles[c->profile].deadline, CORE_NEVER);
    conn_release(core, event->conn, CORE_OK);
    if (!keep) {
        conn_discard(core, event->conn);
        return;
    }
    if (event->moved) {
        c->actual = event->context;
    }
    core->profiles[c->profile].busy--;
    conn_rest(core, event->conn);
}

/* It is logged in: whatever failed before is over. A share of its age is left to chance. */
static void up(struct core *core, uint32_t conn, const struct core_context *context)
{
    struct conn *c = &core->conns[conn];
    struct profile *p = &core->profiles[c->profile];
    uint64_t age_ns = p->limits.age_ns;
    uint64_t early_ns = scatter(core->now_ns + conn, age_ns / 10 + 1);
    c->base = c->actual = *context;
    c->retire_ns = age_ns > 0 ? core->now_ns + age_ns - early_ns : CORE_NEVER;
    p->connecting--;
    p->failures = 0;
}

static void conn_event(struct core *core, const struct core_event *event)
{
    ASSERT(event->conn < CORE_CONNS_MAX);
    struct conn *c = &core->conns[event->conn];
    if (c->state == CONN_CLOSED || c->generation != event->generation) {
        return; /* late */
    }
    bool leased = c->state == CONN_BUSY || c->state == CONN_INTERRUPTED;
    switch (event->kind) {
    case CORE_CONN_UP:
        if (c->state == CONN_CONNECTING) {
            up(core, event->conn, &event->context);
            conn_rest(core, event->conn);
        }
        break;
    case CORE_CONN_LOST:
        if (c->state == CONN_CONNECTING) {
            conn_drop(core, event->conn);
            failed(core, c->profile);
        } else {
            conn_lost(core, event->conn);
        }
        break;
    case CORE_STARTED:
        if (leased) {
            core->tickets[c->ticket].state = TICKET_RUNNING;
        }
        break;
    case CORE_DONE:
        if (leased) {
            conn_done(core, event);
        }
        break;
    default:
        UNREACHABLE();
    }
}

void pool_event(struct core *core, const struct core_event *event)
{
    if (event->kind != CORE_WORKER_UP && event->kind != CORE_WORKER_LOST) {
        conn_event(core, event);
        return;
    }
    ASSERT(event->worker < CORE_WORKERS_MAX);
    struct worker *w = &core->workers[event->worker];
    if (w->state == WORKER_DOWN || w->state == WORKER_DYING ||
        w->generation != event->generation) {
        return; /* late */
    }
    if (event->kind == CORE_WORKER_LOST) {
        worker_lost(core, event->worker);
    } else if (w->state == WORKER_STARTING) {
        w->state = WORKER_UP;
        deadline_arm(core, &w->deadline, CORE_NEVER);
        worker_rest(core, event->worker);
    }
}

void pool_interrupt(struct core *core, uint32_t ticket)
{
    uint32_t conn = core->tickets[ticket].conn;
    struct conn *c = &core->conns[conn];
    ASSERT(c->state == CONN_BUSY && c->ticket == ticket);
    c->state = CONN_INTERRUPTED;
    conn_action(core, CORE_INTERRUPT, conn);
    deadline_arm(core, &c->deadline, core->now_ns + core->limits.cancel_ns);
}

/* Its worker goes with its last connection, and lets go of the engine's files. */
static void idle_too_long(struct core *core, uint32_t conn)
{
    uint32_t worker = core->conns[conn].worker;
    conn_discard(core, conn);
    if (core->workers[worker].conns == 0 && core->workers[worker].state == WORKER_UP) {
        worker_kill(core, worker);
    }
}

/* It did not come up in time; what it still says is late. */
static void connect_too_long(struct core *core, uint32_t conn)
{
    uint32_t profile = core->conns[conn].profile;
    conn_discard(core, conn);
    failed(core, profile);
}

/* It did not stop: its slot is free again, its worker may take nothing new. */
static void would_not_stop(struct core *core, uint32_t conn)
{
    worker_condemn(core, core->conns[conn].worker);
    conn_release(core, conn, CORE_CANCELLED);
    conn_discard(core, conn);
}

static void conn_due(struct core *core, uint32_t conn)
{
    const struct conn *c = &core->conns[conn];
    if (core->workers[c->worker].state == WORKER_DYING) {
        conn_lost(core, conn); /* its worker went at this very moment */
    } else if (c->state == CONN_IDLE) {
        idle_too_long(core, conn);
    } else if (c->state == CONN_CONNECTING) {
        connect_too_long(core, conn);
    } else {
        would_not_stop(core, conn);
    }
}

void pool_due(struct core *core, enum owner owner, uint32_t index)
{
    switch (owner) {
    case OWNER_CONN:
        conn_due(core, index);
        break;
    case OWNER_WORKER:
        if (core->workers[index].state == WORKER_UP) {
            worker_kill(core, index); /* nobody has called for long */
            break;
        }
        worker_action(core, CORE_KILL, index);
        worker_lost(core, index);
        break;
    case OWNER_PROFILE:
        deadline_arm(core, &core->profiles[index].deadline, CORE_NEVER);
        break;
    case OWNER_RESERVE:
        deadline_arm(core, &core->profiles[index].reserve, CORE_NEVER);
        break;
    case OWNER_SESSION:
    case OWNER_TICKET:
        UNREACHABLE();
    }
}

/* False: a quota says no, and the ticket has ended. */
static bool reserve(struct core *core, uint32_t ticket)
{
    if (core->tickets[ticket].is_catalog || quota_reserve(core, ticket)) {
        return true;
    }
    sched_remove(core, ticket);
    quota_explain(core, ticket, ticket_end(core, ticket, CORE_QUOTA_EXHAUSTED));
    return false;
}

static void lease(struct core *core, uint32_t ticket, uint32_t conn)
{
    struct ticket *t = &core->tickets[ticket];
    struct conn *c = &core->conns[conn];
    struct profile *p = &core->profiles[t->profile];
    if (!reserve(core, ticket)) {
        return;
    }
    sched_take(core, ticket);
    t->state = TICKET_LEASED;
    t->conn = conn;
    t->run_until_ns = t->timeout_ns > 0 ? core->now_ns + t->timeout_ns : CORE_NEVER;
    c->ticket = ticket;
    c->state = CONN_BUSY;
    p->idle--;
    p->busy++;
    deadline_arm(core, &c->deadline, CORE_NEVER);
    conn_action(core, CORE_START, conn);
    struct core_action *a = &core->out->at[core->out->len - 1];
    a->context = resolve(c, &t->context);
    a->replay = replay_of(c, &a->context);
    a->rows_max = t->is_catalog ? t->rows_max : t->reserved_rows;
    c->actual = a->context;
    ticket_rearm(core, ticket);
}

/* The idle connection that needs the fewest context statements, of those that can be set so. */
static uint32_t best_idle(const struct core *core, uint32_t profile, uint32_t ticket)
{
    uint32_t best = CORE_NONE;
    int best_cost = CORE_PARTS + 1;
    for (uint32_t i = 0; i < core->conn_mark; i++) {
        const struct conn *c = &core->conns[i];
        if (c->state == CONN_IDLE && c->profile == profile &&
            core->workers[c->worker].state == WORKER_UP) {
            int cost = cost_of(c, &core->tickets[ticket].context);
            if (cost >= 0 && cost < best_cost) {
                best = i;
                best_cost = cost;
            }
        }
    }
    return best;
}

bool pool_has_idle(const struct core *core, uint32_t ticket)
{
    return best_idle(core, core->tickets[ticket].profile, ticket) != CORE_NONE;
}

static void worker_spawn(struct core *core, uint32_t profile)
{
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        struct worker *w = &core->workers[i];
        if (w->state == WORKER_DOWN) {
            w->state = WORKER_STARTING;
            w->profile = profile;
            w->generation++;
            deadline_arm(core, &w->deadline, core->now_ns + core->limits.spawn_ns);
            worker_action(core, CORE_SPAWN, i);
            return;
        }
    }
}

/* A connection more, on a worker with room; or such a worker. False: neither was begun. */
static bool grow(struct core *core, uint32_t profile)
{
    const struct profile *p = &core->profiles[profile];
    uint32_t free_conn = CORE_NONE;
    for (uint32_t i = 0; i < CORE_CONNS_MAX && free_conn == CORE_NONE; i++) {
        free_conn = core->conns[i].state == CONN_CLOSED ? i : CORE_NONE;
    }
    uint32_t logins = p->failures > 0 ? 1 : p->limits.logins; /* after a failure one is a probe */
    if (free_conn == CORE_NONE || p->deadline.heap_at != 0 ||
        (logins > 0 && p->connecting >= logins)) {
        return false;
    }
    bool free_worker = false;
    bool starting = false;
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        struct worker *w = &core->workers[i];
        starting = starting || (w->profile == profile && w->state == WORKER_STARTING);
        if (w->profile == profile && w->state == WORKER_UP &&
            w->conns < p->limits.conns_per_worker) {
            struct conn *c = &core->conns[free_conn];
            c->state = CONN_CONNECTING;
            core->conn_mark = free_conn >= core->conn_mark ? free_conn + 1 : core->conn_mark;
            c->generation++;
            c->profile = profile;
            c->worker = i;
            c->ticket = CORE_NONE;
            w->conns++;
            deadline_arm(core, &w->deadline, CORE_NEVER);
            core->profiles[profile].connecting++;
            if (p->limits.connect_ns > 0) {
                deadline_arm(core, &c->deadline, core->now_ns + p->limits.connect_ns);
            }
            conn_action(core, CORE_CONNECT, free_conn);
            return true;
        }
        free_worker = free_worker || w->state == WORKER_DOWN;
    }
    if (starting || !free_worker) {
        return false;
    }
    worker_spawn(core, profile);
    return true;
}

/* All slots have a connection, and none of the idle ones can be set so: the longest idle goes. */
static bool make_room(struct core *core, uint32_t profile)
{
    uint32_t oldest = CORE_NONE;
    for (uint32_t i = 0; i < core->conn_mark; i++) {
        const struct conn *c = &core->conns[i];
        if (c->state == CONN_IDLE && c->profile == profile &&
            (oldest == CORE_NONE || c->rest_ns < core->conns[oldest].rest_ns)) {
            oldest = i;
        }
    }
    if (oldest == CORE_NONE) {
        return false;
    }
    conn_discard(core, oldest);
    return true;
}

static bool dispatch_profile(struct core *core, uint32_t profile)
{
    struct profile *p = &core->profiles[profile];
    if (p->queued == 0) {
        p->flush = false;
        return false;
    }
    if (p->flush) {
        uint32_t first = p->waits_first;
        sched_remove(core, first);
        struct core_action *a = ticket_end(core, first, CORE_UNAVAILABLE);
        (void)pool_unavailable(core, profile, &a->retry_after_ns);
        return true;
    }
    if (p->busy >= p->limits.slots) {
        return false;
    }
    uint32_t ticket = sched_next(core, profile);
    if (ticket == CORE_NONE) {
        /* Held by a reserve, or by caps: the reserve ends by itself. */
        if (p->reserve.heap_at == 0) {
            deadline_arm(core, &p->reserve, core->now_ns + RESERVE_CHECK_NS);
        }
        return false;
    }
    uint32_t conn = best_idle(core, profile, ticket);
    if (conn != CORE_NONE) {
        lease(core, ticket, conn);
        return true;
    }
    if (p->connecting >= p->queued) {
        return false;
    }
    if (p->busy + p->idle + p->connecting < p->limits.slots) {
        return grow(core, profile);
    }
    return p->connecting == 0 && make_room(core, profile);
}

/* Lets go of one connection of a worker that is condemned or dead; of itself when none is left. */
static bool bury(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    bool dying = w->state == WORKER_DYING;
    if (!dying && w->state != WORKER_CONDEMNED) {
        return false;
    }
    for (uint32_t i = 0; i < core->conn_mark && w->conns > 0; i++) {
        const struct conn *c = &core->conns[i];
        if (c->state == CONN_CLOSED || c->worker != worker) {
            continue;
        }
        if (dying) {
            conn_lost(core, i);
            return true;
        }
        if (c->ticket == CORE_NONE) {
            conn_discard(core, i);
            return true;
        }
    }
    if (w->conns > 0) {
        return false; /* condemned, and its other calls may finish */
    }
    core->leaving--;
    if (dying) {
        w->state = WORKER_DOWN;
        w->generation++;
    } else {
        worker_kill(core, worker);
    }
    return true;
}

bool pool_dispatch(struct core *core)
{
    for (uint32_t i = 0; i < CORE_WORKERS_MAX && core->leaving > 0; i++) {
        if (bury(core, i)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < core->limits.profiles; i++) {
        if (dispatch_profile(core, i)) {
            return true;
        }
    }
    return false;
}
