// SPDX-License-Identifier: Apache-2.0
/*
 * Workers, and who gets which connection: one that is idle, or one more where there is room.
 */
#include "core/state.h"

enum { RESERVE_CHECK_NS = 500000000 };

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
    a->principal = core->logins[core->workers[worker].login].principal;
}

/* Another may be started in its place. */
static void worker_down(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    w->state = WORKER_DOWN;
    w->generation++;
    core->logins[w->login].workers--;
    core->profiles[w->profile].workers--;
    login_wake(core, w->login);
    login_wake_all(core);
}

void worker_kill(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    ASSERT(w->conns == 0);
    worker_action(core, CORE_KILL, worker);
    deadline_arm(core, &w->deadline, CORE_NEVER);
    worker_down(core, worker);
}

/* A worker without connections goes after a while, and lets go of the engine's files. */
void worker_rest(struct core *core, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    uint64_t idle_ns = core->profiles[w->profile].limits.idle_ns;
    w->rest_ns = core->now_ns;
    if (w->state == WORKER_UP && w->conns == 0 && idle_ns > 0) {
        deadline_arm(core, &w->deadline, core->now_ns + idle_ns);
    }
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
        worker_down(core, worker);
        login_failed(core, w->login);
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
        login_wake(core, w->login);
        login_wake_all(core);
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
    case OWNER_LOGIN:
        login_due(core, index);
        break;
    case OWNER_RESERVE:
        deadline_arm(core, &core->profiles[index].reserve, CORE_NEVER);
        break;
    case OWNER_SESSION:
    case OWNER_TICKET:
        UNREACHABLE();
    }
}

/*
 * What ended one connection may have ended all that were open: the second try gets a new one,
 * unless a person would have to sign in for that.
 */
static bool may_serve(const struct core *core, const struct conn *c, const struct ticket *t)
{
    bool wants_new = t->wants_new && !core->logins[t->login].is_asking;
    return c->state == CONN_IDLE && c->login == t->login &&
           core->workers[c->worker].state == WORKER_UP &&
           !(wants_new && c->up_ns <= t->queued_ns);
}

/* The idle connection that needs the fewest context statements, of those that can be set so. */
static uint32_t best_idle(const struct core *core, uint32_t ticket)
{
    const struct ticket *t = &core->tickets[ticket];
    uint32_t best = CORE_NONE;
    int best_cost = CORE_PARTS + 1;
    for (uint32_t i = 0; i < core->conn_mark; i++) {
        const struct conn *c = &core->conns[i];
        if (may_serve(core, c, t)) {
            int cost = conn_cost(c, &t->context);
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
    return best_idle(core, ticket) != CORE_NONE;
}

/* ---- one connection more ---- */

static void worker_spawn(struct core *core, uint32_t login, uint32_t worker)
{
    struct worker *w = &core->workers[worker];
    w->state = WORKER_STARTING;
    w->login = login;
    w->profile = core->logins[login].profile;
    w->is_fresh = true;
    w->generation++;
    core->logins[login].workers++;
    core->profiles[w->profile].workers++;
    deadline_arm(core, &w->deadline, core->now_ns + core->limits.spawn_ns);
    worker_action(core, CORE_SPAWN, worker);
}

static void conn_open(struct core *core, uint32_t worker, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    struct worker *w = &core->workers[worker];
    uint64_t connect_ns = core->profiles[w->profile].limits.connect_ns;
    core->conn_mark = conn >= core->conn_mark ? conn + 1 : core->conn_mark;
    c->state = CONN_CONNECTING;
    c->generation++;
    c->profile = w->profile;
    c->login = w->login;
    c->worker = worker;
    c->ticket = CORE_NONE;
    c->is_fresh = true;
    c->is_pending = c->is_personal = false;
    w->conns++;
    deadline_arm(core, &w->deadline, CORE_NEVER);
    login_count(core, w->login, 0, 0, 1);
    if (connect_ns > 0) {
        deadline_arm(core, &c->deadline, core->now_ns + connect_ns);
    }
    conn_action(core, CORE_CONNECT, conn);
}

static uint32_t free_conn(const struct core *core)
{
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        if (core->conns[i].state == CONN_CLOSED) {
            return i;
        }
    }
    return CORE_NONE;
}

/* Where a connection of a login could be. */
struct places {
    uint32_t worker;   /* of its own, with room */
    uint32_t free;     /* for a worker more */
    bool is_starting;  /* one of its own */
    uint32_t promised; /* to other logins, whose workers are not used yet: connections */
};

static bool is_promise(const struct core *core, const struct worker *w)
{
    const struct login *l = &core->logins[w->login];
    bool is_waited_for = w->is_fresh && w->conns == 0 && l->queued > 0;
    return w->state == WORKER_STARTING || (w->state == WORKER_UP && is_waited_for &&
                                              !account_at_cap(core, l->principal));
}

static struct places look_for_places(const struct core *core, uint32_t login)
{
    struct places places = {.worker = CORE_NONE, .free = CORE_NONE};
    uint32_t profile = core->logins[login].profile;
    const struct core_profile_limits *limits = &core->profiles[profile].limits;
    for (uint32_t i = CORE_WORKERS_MAX; i-- > 0;) {
        const struct worker *w = &core->workers[i];
        bool is_used = w->state != WORKER_DOWN;
        bool is_his = is_used && w->login == login;
        places.free = is_used ? places.free : i;
        places.is_starting =
            places.is_starting || (is_his && w->state == WORKER_STARTING);
        if (is_his && w->state == WORKER_UP && w->conns < limits->conns_per_worker) {
            places.worker = i;
        }
        places.promised += is_used && !is_his && w->profile == profile &&
                           limits->per_principal && is_promise(core, w);
    }
    return places;
}

/* Somebody waits for it: it is another's only when nothing else is, */
static bool is_wanted(const struct core *core, uint32_t login, uint32_t other)
{
    return login != other && core->logins[login].queued > 0;
}

/* and not before it has served once: else two could take turns at logging in for nothing. */
static bool may_take(const struct core *core, const struct conn *c, uint32_t login)
{
    return c->state == CONN_IDLE && c->profile == core->logins[login].profile &&
           !(c->is_fresh && is_wanted(core, c->login, login));
}

/*
 * All slots have a connection, and none of the idle ones serves: the longest idle goes, and
 * last one that somebody waits for or for which somebody signed in.
 */
static bool make_room(struct core *core, uint32_t login)
{
    uint32_t oldest = CORE_NONE;
    for (uint32_t i = 0; i < core->conn_mark; i++) {
        const struct conn *c = &core->conns[i];
        const struct conn *o = oldest == CORE_NONE ? NULL : &core->conns[oldest];
        if (!may_take(core, c, login)) {
            continue;
        }
        bool is_later = is_wanted(core, c->login, login) || c->is_personal;
        bool was_later = o && (is_wanted(core, o->login, login) || o->is_personal);
        if (!o || (is_later == was_later ? c->rest_ns < o->rest_ns : was_later)) {
            oldest = i;
        }
    }
    if (oldest == CORE_NONE) {
        return false;
    }
    conn_discard(core, oldest);
    return true;
}

/* No connection of it is in use or being opened, and none was opened for somebody who waits. */
static bool is_at_rest(const struct core *core, uint32_t worker, uint32_t login)
{
    const struct worker *w = &core->workers[worker];
    if (w->is_fresh && is_wanted(core, w->login, login)) {
        return false;
    }
    for (uint32_t i = 0; i < core->conn_mark; i++) {
        const struct conn *c = &core->conns[i];
        if (c->worker == worker && c->state != CONN_CLOSED && c->state != CONN_IDLE) {
            return false;
        }
    }
    return true;
}

/* Somebody signed in for a connection of it. */
static bool is_personal(const struct core *core, uint32_t worker)
{
    bool is_found = false;
    for (uint32_t i = 0; i < core->conn_mark; i++) {
        const struct conn *c = &core->conns[i];
        is_found = is_found ||
                   (c->worker == worker && c->state != CONN_CLOSED && c->is_personal);
    }
    return is_found;
}

/* Of another profile only while nobody waits for it, unless this profile has none at all. */
static bool may_take_worker(const struct core *core, const struct worker *w, uint32_t login)
{
    uint32_t profile = core->logins[login].profile;
    const struct profile *p = &core->profiles[profile];
    bool is_full = p->limits.workers > 0 && p->workers >= p->limits.workers;
    bool is_needed = p->workers > 0 && core->logins[w->login].queued > 0;
    return w->state == WORKER_UP && w->login != login &&
           (w->profile == profile || (!is_full && !is_needed));
}

/* The worker that is at rest longest goes, and last one for which somebody signed in. */
static bool make_room_for_worker(struct core *core, uint32_t login)
{
    uint32_t oldest = CORE_NONE;
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        const struct worker *w = &core->workers[i];
        const struct worker *o = oldest == CORE_NONE ? NULL : &core->workers[oldest];
        if (!may_take_worker(core, w, login) || !is_at_rest(core, i, login)) {
            continue;
        }
        bool is_later = is_personal(core, i);
        bool was_later = o && is_personal(core, oldest);
        if (!o || (is_later == was_later ? w->rest_ns < o->rest_ns : was_later)) {
            oldest = i;
        }
    }
    if (oldest == CORE_NONE) {
        return false;
    }
    worker_condemn(core, oldest); /* bury() ends it at once */
    return true;
}

uint32_t pool_half(const struct profile *p)
{
    return p->limits.slots > 1 ? p->limits.slots / 2 : 1;
}

/*
 * Where principals log in by themselves, half of the slots are enough for those who do:
 * the others go on with the connections there are.
 */
static bool is_crowded(const struct profile *p, const struct places *places)
{
    return p->limits.per_principal &&
           p->connecting - p->pending + places->promised >= pool_half(p);
}

/* It would have to wait even if there were room for everything. */
static bool is_opening(
    const struct login *l, uint32_t logins_max, const struct places *places)
{
    uint32_t most = l->failures > 0 ? 1 : logins_max; /* after a failure one is a probe */
    return l->connecting >= l->queued || l->deadline.heap_at != 0 || l->is_asking ||
           l->is_pending || (most > 0 && l->connecting >= most) ||
           (places->worker == CORE_NONE && places->is_starting);
}

/* True: something was done for one connection more. Else @ret_wait is what that waits for. */
static bool grow(struct core *core, uint32_t login, enum login_wait *ret_wait)
{
    const struct login *l = &core->logins[login];
    const struct profile *p = &core->profiles[l->profile];
    struct places places = look_for_places(core, login);
    uint32_t conn = free_conn(core);
    uint32_t workers_max = p->limits.workers;
    if (is_opening(l, p->limits.logins, &places)) {
        *ret_wait = LOGIN_OPENING;
        return false;
    }
    *ret_wait = LOGIN_CROWDED;
    if (conn == CORE_NONE || is_crowded(p, &places)) {
        return false;
    }
    if (p->busy + p->idle + p->connecting + places.promised >= p->limits.slots) {
        return l->connecting == 0 && make_room(core, login);
    }
    if (places.worker != CORE_NONE) {
        conn_open(core, places.worker, conn);
        return true;
    }
    if (places.free == CORE_NONE || (workers_max > 0 && p->workers >= workers_max)) {
        return make_room_for_worker(core, login);
    }
    worker_spawn(core, login, places.free);
    return true;
}

/*
 * One more connection would need a person again, and those there are do not serve this call: it
 * wants a part unset that is set on them, which no statement does.
 */
static bool is_unsettable(const struct login *l)
{
    return l->is_asking && l->idle > 0 && l->busy == 0;
}

static bool dispatch_profile(struct core *core, uint32_t profile)
{
    struct profile *p = &core->profiles[profile];
    enum login_wait wait = LOGIN_READY;
    if (p->queued == 0 || p->busy >= p->limits.slots) {
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
    uint32_t conn = best_idle(core, ticket);
    if (conn != CORE_NONE) {
        conn_lease(core, ticket, conn);
        return true;
    }
    uint32_t login = core->tickets[ticket].login;
    if (is_unsettable(&core->logins[login])) {
        sched_remove(core, ticket);
        ticket_end(core, ticket, CORE_UNSETTABLE);
        return true;
    }
    return grow(core, login, &wait) || login_wait(core, login, wait);
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
        worker_down(core, worker);
    } else {
        worker_kill(core, worker);
    }
    return true;
}

bool pool_bury(struct core *core)
{
    for (uint32_t i = 0; i < CORE_WORKERS_MAX && core->leaving > 0; i++) {
        if (bury(core, i)) {
            return true;
        }
    }
    return false;
}

bool pool_dispatch(struct core *core)
{
    if (login_flush(core)) {
        return true;
    }
    /* First who has no worker: else another profile's backlog could keep them all. */
    for (int has_worker = 0; has_worker < 2; has_worker++) {
        for (uint32_t i = 0; i < core->limits.profiles; i++) {
            bool has = core->profiles[i].workers > 0;
            if (has == has_worker && dispatch_profile(core, i)) {
                return true;
            }
        }
    }
    return false;
}
