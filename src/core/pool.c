// SPDX-License-Identifier: Apache-2.0
/*
 * Workers, and who gets which connection: one that is idle, or one more where there is room.
 */
#include "core/state.h"

enum { RESERVE_CHECK_NS = 500000000, JITTER_NS = 1000000 };

/* A number that differs from time to time and from object to object; the same run has the same. */
uint64_t pool_scatter(uint64_t seed, uint64_t below)
{
    seed = (seed ^ seed >> 31) * 0x9E3779B97F4A7C15u;
    return below > 0 ? (seed ^ seed >> 29) % below : 0;
}

static void worker_action(struct core *core, enum core_action_kind kind, uint32_t worker)
{
    struct core_action *a = act(core, kind);
    a->worker = worker;
    a->generation = core->workers[worker].generation;
    a->profile = core->workers[worker].profile;
}

void worker_kill(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    ASSERT(w->conns == 0);
    worker_action(core, CORE_KILL, worker);
    deadline_arm(core, &w->deadline, CORE_NEVER);
    w->state = WORKER_DOWN;
    w->generation++;
}

/* A worker without connections goes after a while, and lets go of the engine's files. */
void worker_rest(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    uint64_t idle_ns = core->profiles[w->profile].limits.idle_ns;
    if (w->state == WORKER_UP && w->conns == 0 && idle_ns > 0) {
        deadline_arm(core, &w->deadline, core->now_ns + idle_ns);
    }
}

void pool_failed(struct core *core, uint32_t profile)
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
    wait_ns -= pool_scatter(core->now_ns + profile, wait_ns / 4 / JITTER_NS + 1) * JITTER_NS;
    deadline_arm(core, &p->deadline, core->now_ns + wait_ns);
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
void worker_condemn(struct core *core, uint32_t worker)
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
        pool_failed(core, w->profile);
        return;
    }
    core->leaving += w->state == WORKER_UP;
    w->state = WORKER_DYING; /* bury() works its connections off, as room allows */
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

/* The idle connection that needs the fewest context statements, of those that can be set so. */
static uint32_t best_idle(const struct core *core, uint32_t profile, uint32_t ticket)
{
    uint32_t best = CORE_NONE;
    int best_cost = CORE_PARTS + 1;
    for (uint32_t i = 0; i < core->conn_mark; i++) {
        const struct conn *c = &core->conns[i];
        if (c->state == CONN_IDLE && c->profile == profile &&
            core->workers[c->worker].state == WORKER_UP) {
            int cost = conn_cost(c, &core->tickets[ticket].context);
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
        conn_lease(core, ticket, conn);
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
            conn_lost(core, i, false);
            return true;
        }
        if (c->ticket == CORE_NONE && c->state != CONN_PINNED) {
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
