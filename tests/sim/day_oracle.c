// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold of every call in the long world, at a price that does not grow with it:
 *   conservation  it ends exactly once, or a restart took it
 *   reasons       fit its life, and bounds refuse when they are reached, not before
 *   in time       waiting, running, stopping and grace: to the limit
 *   zero          in the end nothing is counted, and all is given back
 * Those of connections stand in day_pool.c, of sessions in day_session.c, of quotas in
 * day_quota.c. core_check() looks from inside every so many steps.
 */
#include "day.h"

#include <string.h>

static struct day_account *principal_of(struct day *d, const struct day_ticket *t)
{
    return &d->principals[d->keys[t->key].principal].account;
}

static void count(struct day *d, const struct day_ticket *t, int queued, int running)
{
    struct day_account *both[] = {&d->keys[t->key].account, principal_of(d, t)};
    for (int i = 0; i < 2; i++) {
        both[i]->queued += (uint32_t)queued;
        both[i]->running += (uint32_t)running;
    }
    d->queued += (uint32_t)queued;
    d->result.queued_max =
        d->queued > d->result.queued_max ? d->queued : d->result.queued_max;
    DAY_CHECK(d, both[0]->running <= d->limits.run_client);
    DAY_CHECK(d, both[1]->running <= d->limits.run_principal);
}

/* ---- it comes ---- */

static void on_submit(struct day *d, const struct core_event *e)
{
    struct day_ticket *t = &d->tickets[e->ticket];
    DAY_CHECK(d, !t->live && d->tickets_free[d->tickets_len] == e->ticket);
    d->tickets_len++;
    t->live = true;
    t->cancelled = t->engine_saw = t->graced = t->held = false;
    t->is_catalog = e->is_catalog;
    t->starts = 0;
    t->key = e->client - d->principals_len - 1;
    t->profile = e->profile;
    t->session = e->session < d->limits.sessions ? e->session : CORE_NONE;
    t->conn = CORE_NONE;
    t->rows_max = e->rows_max;
    t->context = e->context;
    t->arrived_ns = d->now_ns;
    t->timeout_ns = e->timeout_ns;
    t->interrupted_ns = 0;
    t->next = t->prev = CORE_NONE;
    if (t->session != CORE_NONE) {
        day_session_touch(d, t->session);
    }
}

/* It was not refused: then nothing may have stood in its way. */
static void on_admitted(struct day *d, const struct core_event *e)
{
    struct day_ticket *t = &d->tickets[e->ticket];
    struct day_key *key = &d->keys[t->key];
    struct day_session *own = t->session == CORE_NONE ? NULL : &d->sessions[t->session];
    DAY_CHECK(d, !d->draining && e->session != d->limits.sessions);
    DAY_CHECK(d, !own || !own->closing);
    DAY_CHECK(d, d->queued < d->limits.queue_total);
    DAY_CHECK(d, principal_of(d, t)->queued < d->limits.queue_principal);
    DAY_CHECK(d, key->account.queued < d->limits.queue_client);
    day_quota_admitted(d, e);
    due_set(&d->waits, &t->due, d->now_ns + d->limits.queue_ns);
    due_set(&d->graces, &t->grace, d->now_ns + d->limits.grace_ns);
    t->held = own && own->body != DAY_HERE;
    count(d, t, 1, 0);
    if (own) {
        t->next = own->first_ticket;
        if (t->next != CORE_NONE) {
            d->tickets[t->next].prev = e->ticket;
        }
        own->first_ticket = e->ticket;
        own->calls++;
    }
}

/* Its body is there: what was held for it waits in the queue. */
static void on_body(struct day *d, uint32_t session)
{
    uint32_t at = d->sessions[session].first_ticket;
    for (; at != CORE_NONE; at = d->tickets[at].next) {
        d->tickets[at].held = false;
    }
}

void day_oracle_event(struct day *d, const struct core_event *e)
{
    d->event = *e;
    d->touched_len = 0;
    d->heir_window_ns = CORE_NEVER;
    d->number++;
    if (day_is_late(d, e)) {
        d->event.kind = CORE_TICK;
        return;
    }
    switch (e->kind) {
    case CORE_SUBMIT:
        on_submit(d, e);
        break;
    case CORE_SESSION_OPEN: {
        const struct list *away = &d->keys[e->client - d->principals_len - 1].away;
        d->heir_window_ns = list_is_empty(away)
                                ? CORE_NEVER
                                : CONTAINER_OF(away->prev, struct due, node)->at_ns;
        break;
    }
    case CORE_CANCEL:
        d->tickets[e->ticket].cancelled = true;
        break;
    case CORE_DRAIN:
        d->draining = true;
        break;
    case CORE_FETCHED:
        day_quota_fetched(d, e);
        break;
    case CORE_SESSION_BODY:
    case CORE_SESSION_DURABLE:
    case CORE_SESSION_ATTACH:
    case CORE_SESSION_DETACH:
    case CORE_SESSION_TOUCH:
    case CORE_SESSION_CONTEXT:
    case CORE_SESSION_CLOSE:
        day_session_event(d, e);
        if (e->kind == CORE_SESSION_BODY && d->sessions[e->session].body == DAY_HERE) {
            on_body(d, e->session);
        }
        break;
    default:
        day_pool_event(d, e);
    }
}

/* ---- it ends ---- */

/* A bound that refuses is reached; names beyond names_max share one. */
static bool is_full(
    struct day *d, const struct core_action *a, const struct day_ticket *t)
{
    struct core_account_view principal;
    struct core_account_view client;
    const struct day_account *key = &d->keys[t->key].account;
    switch (a->scope) {
    case CORE_SCOPE_ALL:
        return d->queued >= d->limits.queue_total;
    case CORE_SCOPE_PRINCIPAL:
        return principal_of(d, t)->queued >= d->limits.queue_principal;
    default:
        break;
    }
    bool is_own = core_accounts_of(d->core, d->event.principal, d->event.client,
                      &principal, &client) &&
                  client.client != 0;
    return key->queued >= d->limits.queue_client || !is_own;
}

static bool refusal_fits(
    struct day *d, const struct day_ticket *t, const struct core_action *a)
{
    switch (a->reason) {
    case CORE_DRAINING:
        return d->draining;
    case CORE_NO_SESSION:
        return d->event.session == d->limits.sessions ||
               (t->session != CORE_NONE && d->sessions[t->session].closing);
    case CORE_UNAVAILABLE:
        return day_pool_open(d, t->profile, d->keys[t->key].principal) == 0;
    case CORE_QUEUE_FULL:
        return a->retry_after_ns > 0 && is_full(d, a, t);
    case CORE_RATE_LIMITED:
        return a->retry_after_ns > 0 && a->limit_max > 0;
    case CORE_TOO_MANY: /* accounts; those of further names hold no symbol */
        return d->symbols_held + d->principals_len >= d->limits.accounts;
    case CORE_QUOTA_EXHAUSTED:
        day_quota_refused(d, a);
        return a->limit_max > 0;
    default:
        return false;
    }
}

static bool end_fits(
    struct day *d, const struct day_ticket *t, const struct core_action *a)
{
    bool waits = t->conn == CORE_NONE;
    switch (a->reason) {
    case CORE_OK:
        return !waits && d->event.kind == CORE_DONE && d->event.conn == t->conn;
    case CORE_CANCELLED:
        return t->cancelled;
    case CORE_TIMEOUT:
        return !waits && t->interrupted_ns >= t->leased_ns + t->timeout_ns;
    case CORE_QUEUE_TIMEOUT:
        return waits && t->due.at_ns <= d->now_ns;
    case CORE_WORKER_DIED:
        return !waits && (t->engine_saw || t->starts == 2);
    case CORE_UNAVAILABLE:
        return waits && day_pool_open(d, t->profile, d->keys[t->key].principal) == 0;
    case CORE_CLOSED:
        return day_session_ends(d, t->session);
    case CORE_QUOTA_EXHAUSTED:
        return !t->is_catalog && (t->interrupted_ns > 0 || waits);
    default:
        return false;
    }
}

/* It was interrupted, nothing was heard of it, and its time to stop is over. */
static void check_stuck(struct day *d, const struct day_ticket *t)
{
    const struct core_event *e = &d->event;
    struct day_worker *w = &d->workers[d->conns[t->conn].worker];
    bool heard =
        (e->kind == CORE_DONE || e->kind == CORE_CONN_LOST) && e->conn == t->conn;
    if (t->interrupted_ns > 0 && !heard && w->alive) {
        DAY_CHECK(d, t->due.at_ns <= d->now_ns);
        if (!w->condemned) {
            due_set(&d->condemned, &w->due, d->now_ns + d->limits.drain_ns);
        }
        w->condemned = true;
    }
}

static void unlink_ticket(struct day *d, const struct day_ticket *t)
{
    struct day_session *own = &d->sessions[t->session];
    *(t->prev == CORE_NONE ? &own->first_ticket : &d->tickets[t->prev].next) = t->next;
    if (t->next != CORE_NONE) {
        d->tickets[t->next].prev = t->prev;
    }
    own->calls--;
    own->active_ns = d->now_ns;
    day_session_touch(d, t->session);
}

static void on_end(struct day *d, const struct core_action *a)
{
    struct day_ticket *t = &d->tickets[a->ticket];
    DAY_CHECK(d, a->ticket < DAY_TICKETS && t->live);
    bool is_refusal = t->due.at_ns == CORE_NEVER;
    DAY_CHECK(d, is_refusal ? refusal_fits(d, t, a) : end_fits(d, t, a));
    if (!is_refusal && t->conn != CORE_NONE) {
        check_stuck(d, t);
        day_quota_settled(d, t,
            d->event.kind == CORE_DONE && d->event.conn == t->conn ? d->event.rows : 0);
        d->conns[t->conn].ticket = CORE_NONE;
        d->running[t->profile]--;
        count(d, t, 0, -1);
    } else if (!is_refusal) {
        count(d, t, -1, 0);
    }
    if (!is_refusal && t->session != CORE_NONE) {
        unlink_ticket(d, t);
    }
    due_clear(&t->due);
    due_clear(&t->grace);
    t->live = false;
    d->tickets_free[--d->tickets_len] = a->ticket;
    d->result.ended[a->reason]++;
}

/* ---- between ---- */

static void on_symbol(struct day *d, const struct core_action *a)
{
    uint32_t *held = &d->symbols[a->user];
    DAY_CHECK(d, a->kind == CORE_HOLD || *held > 0);
    *held += a->kind == CORE_HOLD ? 1 : UINT32_MAX;
    d->symbols_held += a->kind == CORE_HOLD ? 1 : UINT32_MAX;
}

static void on_start(struct day *d, const struct core_action *a)
{
    struct day_ticket *t = &d->tickets[a->ticket];
    uint64_t until_ns = d->now_ns + t->timeout_ns;
    int line = t->timeout_ns == 30 * DAY_S    ? 0
               : t->timeout_ns == 60 * DAY_S  ? 1
               : t->timeout_ns == 120 * DAY_S ? 2
                                              : 3;
    count(d, t, -1, 1);
    due_set(&d->runs[line], &t->due, until_ns);
}

/* The first that is neither a symbol's nor the refusal of the call: so it was admitted.
 */
static void check_admitted(struct day *d, const struct core_action *a)
{
    struct day_ticket *t = &d->tickets[d->event.ticket];
    bool is_symbol = a && (a->kind == CORE_HOLD || a->kind == CORE_RELEASE);
    bool is_open = d->event.kind == CORE_SUBMIT && t->live && t->due.at_ns == CORE_NEVER;
    bool is_refusal = a && a->kind == CORE_END && a->ticket == d->event.ticket;
    if (is_open && !is_symbol && !is_refusal) {
        on_admitted(d, &d->event);
    }
}

void day_oracle_action(struct day *d, const struct core_action *a)
{
    check_admitted(d, a);
    switch (a->kind) {
    case CORE_OPENED:
        day_session_opened(d, a);
        break;
    case CORE_REFUSED:
        DAY_CHECK(d, d->event.kind == CORE_SESSION_OPEN);
        DAY_CHECK(d, d->draining == (a->reason == CORE_DRAINING));
        break;
    case CORE_SESSION_END:
        day_session_ended(d, a);
        break;
    case CORE_SAVE:
        day_session_saved(d, a);
        break;
    case CORE_LOAD:
    case CORE_UNLOAD:
        day_session_body(d, a);
        break;
    case CORE_SPAWN:
    case CORE_KILL:
    case CORE_CONNECT:
    case CORE_DISCONNECT:
    case CORE_INTERRUPT:
        day_pool_action(d, a);
        break;
    case CORE_SIGN_IN: /* of nobody here */
        DAY_CHECK(d, false);
        break;
    case CORE_START:
        day_pool_action(d, a);
        on_start(d, a);
        break;
    case CORE_HOLD:
    case CORE_RELEASE:
        on_symbol(d, a);
        break;
    case CORE_SAVE_ACCOUNT:
        day_quota_saved(d, a);
        break;
    case CORE_GRACE:
        DAY_CHECK(d, d->tickets[a->ticket].live && !d->tickets[a->ticket].graced);
        DAY_CHECK(d, d->tickets[a->ticket].grace.at_ns <= d->now_ns);
        d->tickets[a->ticket].graced = true;
        due_clear(&d->tickets[a->ticket].grace);
        break;
    case CORE_END:
        on_end(d, a);
        break;
    case CORE_UNPIN:
        DAY_CHECK(d, false); /* nothing of this world is left on connections */
        break;
    case CORE_GRANT:
        day_quota_granted(d, a);
    }
}

void day_oracle_settled(struct day *d)
{
    if (d->event.kind == CORE_SUBMIT) {
        check_admitted(d, NULL);
    } else if (d->event.kind == CORE_CANCEL) {
        const struct day_ticket *t = &d->tickets[d->event.ticket];
        DAY_CHECK(d, !t->live || t->interrupted_ns > 0);
    }
    DAY_CHECK_DUE(d, &d->waits);
    DAY_CHECK_DUE(d, &d->stops);
    DAY_CHECK_DUE(d, &d->graces);
    for (int i = 0; i < DAY_TIMEOUTS; i++) {
        DAY_CHECK_DUE(d, &d->runs[i]);
    }
    day_pool_settled(d);
    day_sessions_settled(d);
}

/* ---- the end of a core, and of the run ---- */

static void forget_tickets(struct day *d)
{
    d->tickets_len = 0;
    for (uint32_t i = 0; i < DAY_TICKETS; i++) {
        struct day_ticket *t = &d->tickets[i];
        d->result.lost += t->live;
        t->live = false;
        due_init(&t->due);
        due_init(&t->grace);
        d->tickets_free[i] = i;
    }
    for (uint32_t i = 0; i < d->clients_len; i++) {
        d->keys[i].account.queued = d->keys[i].account.running = 0;
        list_init(&d->keys[i].away);
        d->clients[i].ticket = CORE_NONE;
        d->clients[i].attached = false;
    }
    for (uint32_t i = 1; i <= d->principals_len; i++) {
        d->principals[i].sessions = 0;
        d->principals[i].account.queued = d->principals[i].account.running = 0;
    }
}

void day_oracle_restarted(struct day *d)
{
    struct list *const lists[] = {&d->waits, &d->stops, &d->graces, &d->idles,
        &d->touches, &d->aways, &d->sleeps, &d->ages, &d->spawns, &d->condemned};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        list_init(lists[i]);
    }
    for (int i = 0; i < DAY_TIMEOUTS; i++) {
        list_init(&d->runs[i]);
    }
    for (uint32_t i = 0; i < CORE_PROFILES_MAX; i++) {
        list_init(&d->rests[i]);
        d->open[i] = d->running[i] = 0;
    }
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        d->conns[i] = (struct day_conn){.ticket = CORE_NONE};
        due_init(&d->conns[i].rest);
    }
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        d->workers[i] = (struct day_worker){0};
        due_init(&d->workers[i].due);
    }
    for (uint32_t i = 0; i < DAY_NEWS; i++) {
        d->news[i].kind = CORE_TICK;
    }
    memset(d->symbols, 0, (d->principals_len + d->clients_len + 1) * sizeof(*d->symbols));
    forget_tickets(d);
    d->queued = d->live = d->symbols_held = 0;
    d->draining = false;
}

void day_oracle_finished(struct day *d)
{
    struct core_counts counts = core_counts(d->core);
    struct core_account_view view;
    uint64_t ended = d->result.lost;
    for (uint32_t i = 0; i < CORE_REASONS; i++) {
        ended += d->result.ended[i];
    }
    core_check(d->core);
    day_quota_check(d);
    DAY_CHECK(d, ended == d->result.requests && d->tickets_len == 0);
    DAY_CHECK(d, counts.sessions == 0 && counts.queued == 0 && counts.running == 0);
    DAY_CHECK(d, counts.conns_idle == 0 && counts.conns_busy == 0 && counts.workers == 0);
    DAY_CHECK(d, d->queued == 0);
    for (uint32_t i = 0; i < d->limits.accounts; i++) {
        bool is_there = core_account_view(d->core, i, &view);
        DAY_CHECK(d, !is_there || (view.queued == 0 && view.running == 0));
    }
    DAY_CHECK(d, core_deadline(d->core) == CORE_NEVER);
}
