// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold of every connection and worker in the long world:
 *   slots     never more connections or statements than the profile has slots
 *   once      what an engine saw runs again only if it may, all at most once more
 *   isolation a statement starts on a clean connection set to its own context, and of its
 *             principal's own login where each has one
 *   in time   a resting connection, a starting worker, a condemned one
 */
#include "day.h"

/* News of a generation that is over: nothing may come of it. */
bool day_is_late(const struct day *d, const struct core_event *e)
{
    if (e->kind == CORE_WORKER_UP || e->kind == CORE_WORKER_LOST) {
        return !d->workers[e->worker].alive ||
               d->workers[e->worker].generation != e->generation;
    }
    return e->kind >= CORE_CONN_UP && e->kind <= CORE_CONN_PENDING &&
           (!d->conns[e->conn].open || d->conns[e->conn].generation != e->generation);
}

static void conn_close(struct day *d, struct day_conn *c)
{
    c->open = false;
    d->open[c->profile]--;
    due_clear(&c->rest);
}

/* What had not started, or @repeats, waits again, once. What had must end within this step. */
static void conn_gone(struct day *d, uint32_t conn, bool repeats)
{
    struct day_conn *c = &d->conns[conn];
    struct day_ticket *t = c->ticket == CORE_NONE ? NULL : &d->tickets[c->ticket];
    conn_close(d, c);
    bool is_unhurt = t && (!t->engine_saw || repeats);
    if (is_unhurt && t->interrupted_ns == 0 && t->starts < 2) {
        t->engine_saw = false;
        struct day_key *key = &d->keys[t->key];
        struct day_account *principal = &d->principals[key->principal].account;
        t->conn = CORE_NONE;
        c->ticket = CORE_NONE;
        d->running[t->profile]--;
        d->queued++;
        key->account.running--;
        principal->running--;
        key->account.queued++;
        principal->queued++;
        due_set(&d->waits, &t->due, d->now_ns + d->limits.queue_ns);
        day_quota_settled(d, t, 0);
    }
}

static void worker_gone(struct day *d, uint32_t worker)
{
    d->workers[worker].alive = false;
    due_clear(&d->workers[worker].due);
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        if (d->conns[i].open && d->conns[i].worker == worker) {
            conn_gone(d, i, false);
        }
    }
}

static void rest(struct day *d, struct day_conn *c)
{
    due_set(&d->rests[c->profile], &c->rest,
        d->now_ns + d->limits.profile[c->profile].idle_ns);
}

void day_pool_event(struct day *d, const struct core_event *e)
{
    struct day_conn *c = &d->conns[e->conn];
    switch (e->kind) {
    case CORE_WORKER_UP:
        d->workers[e->worker].up = true;
        due_clear(&d->workers[e->worker].due);
        break;
    case CORE_WORKER_LOST:
        worker_gone(d, e->worker);
        break;
    case CORE_CONN_UP:
        c->up = true;
        c->base = c->actual = e->context;
        rest(d, c);
        break;
    case CORE_CONN_LOST:
        conn_gone(d, e->conn, e->repeats);
        break;
    case CORE_STARTED:
        if (c->ticket != CORE_NONE) {
            d->tickets[c->ticket].engine_saw = true;
        }
        break;
    case CORE_DONE:
        c->spoiled = c->spoiled || !e->clean;
        c->actual = e->moved ? e->context : c->actual;
        if (c->ticket != CORE_NONE) {
            rest(d, c); /* or it is let go within this step */
        }
        break;
    default:
        break;
    }
}

static void on_worker(struct day *d, const struct core_action *a)
{
    struct day_worker *w = &d->workers[a->worker];
    if (a->kind == CORE_KILL) {
        DAY_CHECK(d, w->alive && w->generation == a->generation);
        worker_gone(d, a->worker);
        return;
    }
    DAY_CHECK(d, !w->alive && w->generation < a->generation);
    w->generation = a->generation;
    w->profile = a->profile;
    w->principal = a->principal;
    w->alive = true;
    DAY_CHECK(d, d->limits.profile[a->profile].per_principal == (a->principal > 0));
    w->up = w->condemned = false;
    due_set(&d->spawns, &w->due, d->now_ns + d->limits.spawn_ns);
}

static void on_connect(struct day *d, const struct core_action *a)
{
    struct day_conn *c = &d->conns[a->conn];
    const struct day_worker *w = &d->workers[a->worker];
    DAY_CHECK(d, !c->open && c->ticket == CORE_NONE && c->generation < a->generation);
    DAY_CHECK(d, w->alive && w->up && !w->condemned && w->profile == a->profile);
    c->generation = a->generation;
    c->worker = a->worker;
    DAY_CHECK(d, w->principal == a->principal);
    c->profile = a->profile;
    c->principal = a->principal;
    c->open = true;
    c->up = c->stuck = c->spoiled = false;
    d->open[a->profile]++;
    DAY_CHECK(d, d->open[a->profile] <= d->limits.profile[a->profile].slots);
}

static void on_start(struct day *d, const struct core_action *a)
{
    struct day_ticket *t = &d->tickets[a->ticket];
    struct day_conn *c = &d->conns[a->conn];
    DAY_CHECK(d, t->live && t->conn == CORE_NONE && !t->cancelled && !t->held);
    DAY_CHECK(d, c->open && c->up && c->generation == a->generation);
    DAY_CHECK(d, c->ticket == CORE_NONE && !c->spoiled && c->profile == t->profile);
    DAY_CHECK(d, d->workers[c->worker].alive && !d->workers[c->worker].condemned);
    DAY_CHECK(d, c->principal == 0 || c->principal == d->keys[t->key].principal);
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        uint32_t wanted = t->context.part[i];
        if (a->replay & 1u << i) {
            DAY_CHECK(d, c->actual.part[i] != a->context.part[i] && a->context.part[i] > 0);
            c->actual.part[i] = a->context.part[i];
        }
        DAY_CHECK(d, c->actual.part[i] == (wanted > 0 ? wanted : c->base.part[i]));
    }
    DAY_CHECK(d, !t->engine_saw && ++t->starts <= 2 && a->rows_max <= t->rows_max);
    t->conn = a->conn;
    t->leased_ns = d->now_ns;
    t->slept_ns = d->slept_ns;
    c->ticket = a->ticket;
    due_clear(&c->rest);
    d->result.starts++;
    d->running[t->profile]++;
    DAY_CHECK(d, d->running[t->profile] <= d->limits.profile[t->profile].slots);
}

static void on_interrupt(struct day *d, const struct core_action *a)
{
    struct day_ticket *t = &d->tickets[a->ticket];
    struct day_conn *c = &d->conns[a->conn];
    bool has_quota =
        d->limits.quota_principal[CORE_QUOTA_ENGINE_MS] > 0 && !t->is_catalog;
    DAY_CHECK(d, t->live && t->conn == a->conn && c->ticket == a->ticket);
    DAY_CHECK(d, t->interrupted_ns == 0 && c->generation == a->generation);
    DAY_CHECK(d, t->cancelled || t->due.at_ns <= d->now_ns || has_quota ||
                     day_session_ends(d, t->session));
    t->interrupted_ns = d->now_ns;
    due_set(&d->stops, &t->due, d->now_ns + d->limits.cancel_ns);
    c->spoiled = true;
}

void day_pool_action(struct day *d, const struct core_action *a)
{
    switch (a->kind) {
    case CORE_SPAWN:
    case CORE_KILL:
        on_worker(d, a);
        break;
    case CORE_CONNECT:
        on_connect(d, a);
        break;
    case CORE_DISCONNECT:
        DAY_CHECK(d, d->conns[a->conn].open && d->conns[a->conn].ticket == CORE_NONE);
        DAY_CHECK(d, d->conns[a->conn].generation == a->generation);
        conn_close(d, &d->conns[a->conn]);
        break;
    case CORE_START:
        on_start(d, a);
        break;
    case CORE_INTERRUPT:
        on_interrupt(d, a);
        break;
    default:
        break;
    }
}

uint32_t day_pool_open(const struct day *d, uint32_t profile, uint32_t principal)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct day_conn *c = &d->conns[i];
        count += c->open && c->profile == profile &&
                 (c->principal == 0 || c->principal == principal);
    }
    return count;
}

void day_pool_settled(struct day *d)
{
    for (uint32_t i = 0; i < d->limits.profiles; i++) {
        DAY_CHECK_DUE(d, &d->rests[i]);
    }
    DAY_CHECK_DUE(d, &d->spawns);
    DAY_CHECK_DUE(d, &d->condemned);
}
