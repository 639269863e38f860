// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold of the day, cheap enough to be asked at every step:
 *   conservation  every call ends exactly once, or is lost with a kill -9
 *   slots         never more statements than the profile has slots
 *   fates         what an engine saw never runs again
 *   sessions      end once, in time, for a reason that fits; stored ones outlive restarts
 *   limits        rates in no window, calls and rows on no day exceeded, over restarts too
 *   bounds        the queue, and the memory of the core
 * core_check() looks from inside now and then.
 */
#include <string.h>

#include "base/assert.h"
#include "day.h"

enum { CHECK_EVERY = 1 << 16, LOOK_EVERY = 64 };

static void on_opened(struct day *d, const struct core_action *a)
{
    struct day_session *s = &d->sessions[a->session];
    bool is_loaded = d->event.kind == CORE_SESSION_LOAD;
    uint32_t client = (uint32_t)a->user;
    struct day_client *c = &d->clients[client];
    DAY_CHECK(d, !s->is_live && (is_loaded || d->event.kind == CORE_SESSION_OPEN));
    uint32_t life = ++d->lives;
    if (!is_loaded || (c->session != CORE_NONE && c->life == d->row->life)) {
        c->session = a->session;
        c->life = life;
    }
    *s = (struct day_session){.is_live = true,
        .is_stored = is_loaded,
        .life = life,
        .client = client,
        .context = a->context,
        .window_ns = CORE_NEVER,
        .created_wall_ns = day_wall_ns(d),
        .last_seen_wall_ns = day_wall_ns(d)};
    if (is_loaded) {
        uint64_t seen_ns = d->row->last_seen_wall_ns;
        uint64_t away_ns = seen_ns < day_wall_ns(d) ? day_wall_ns(d) - seen_ns : 0;
        s->created_wall_ns = d->row->created_wall_ns;
        s->last_seen_wall_ns = seen_ns;
        s->window_ns =
            d->now_ns + (away_ns < d->limits.resume_ns ? d->limits.resume_ns - away_ns : 0);
    }
    d->live++;
    d->result.sessions += !is_loaded;
    d->result.live_max = d->live > d->result.live_max ? d->live : d->result.live_max;
}

static void on_session_end(struct day *d, const struct core_action *a)
{
    struct day_session *s = &d->sessions[a->session];
    DAY_CHECK(d, s->is_live);
    d->result.session_ended[a->reason]++;
    switch (a->reason) {
    case CORE_IDLE_LIMIT: /* at the first step after its window, and not before */
        DAY_CHECK(d, s->window_ns <= d->now_ns && s->window_ns >= d->before_ns);
        break;
    case CORE_AGE_LIMIT: /* the wall clock was set by a few seconds at each restart */
        DAY_CHECK(d, day_wall_ns(d) - s->created_wall_ns + UINT64_C(30000000000) >=
                         d->limits.age_ns);
        break;
    case CORE_CLOSED:
        DAY_CHECK(d, s->is_closed);
        break;
    case CORE_TOO_MANY:
        DAY_CHECK(d, d->event.kind == CORE_SESSION_OPEN && s->window_ns != CORE_NEVER);
        break;
    default:
        DAY_CHECK(d, false);
    }
    s->is_live = false;
    d->live--;
}

static void on_saved(struct day *d, const struct core_action *a)
{
    struct day_session *s = &d->sessions[a->session];
    DAY_CHECK(d, s->is_live);
    s->context = a->context;
    if (a->state != CORE_DISCONNECTED) {
        s->window_ns = CORE_NEVER;
    } else if (s->window_ns == CORE_NEVER) { /* else its context changed: that prolongs nothing */
        s->window_ns = d->now_ns + d->limits.resume_ns;
    }
}

static void leave_conn(struct day *d, struct day_ticket *t)
{
    if (t->conn != CORE_NONE) {
        DAY_CHECK(d, d->running[t->profile] > 0);
        d->running[t->profile]--;
        d->conn_ticket[t->conn] = CORE_NONE;
        t->conn = CORE_NONE;
    }
}

static void on_start(struct day *d, const struct core_action *a)
{
    struct day_ticket *t = &d->tickets[a->ticket];
    DAY_CHECK(d, t->is_live && !t->has_started && !t->is_interrupted);
    leave_conn(d, t); /* what it had before is lost */
    t->conn = a->conn;
    t->profile = a->profile;
    t->rows_max = a->rows_max;
    d->conn_ticket[a->conn] = a->ticket;
    d->running[a->profile]++;
    DAY_CHECK(d, d->running[a->profile] <= d->limits.profile[a->profile].slots);
}

static void on_end(struct day *d, const struct core_action *a)
{
    struct day_ticket *t = &d->tickets[a->ticket];
    bool is_submit = d->event.kind == CORE_SUBMIT && d->event.ticket == a->ticket;
    DAY_CHECK(d, t->is_live);
    DAY_CHECK(d, a->reason != CORE_QUEUE_TIMEOUT || t->arrived_ns + d->limits.queue_ns <= d->now_ns);
    DAY_CHECK(d, a->reason != CORE_OK || t->conn != CORE_NONE);
    DAY_CHECK(d, a->reason != CORE_RATE_LIMITED || (is_submit && a->retry_after_ns > 0));
    DAY_CHECK(d, a->reason != CORE_WORKER_DIED || t->conn != CORE_NONE);
    d->was_refused = d->was_refused || (is_submit && !t->is_admitted);
    leave_conn(d, t);
    t->is_live = false;
    d->result.ended[a->reason]++;
}

/* A row of the store: bounds, or at a clean stop what was really used. */
static void on_save_account(struct day *d, const struct core_action *a)
{
    struct core_account_view view;
    bool exactly = a->reason == CORE_CLOSED;
    bool known = core_account_view(d->core, a->account, &view);
    DAY_CHECK(d, known);
    uint32_t key = view.is_principal ? 0
                   : view.client == 0 ? DAY_KEYS + 1
                                      : 1 + (view.client - 1) / d->principal_count;
    struct day_stored *row = &d->stored[view.principal - 1][key];
    row->is_there = true;
    memcpy(row->used, exactly ? view.used : view.stored, sizeof(row->used));
    for (int i = 0; i < CORE_CELLS; i++) {
        uint64_t spent_ns = exactly ? view.spent_ns[i] : view.stored_spent_ns[i];
        row->whole_ns[i] = spent_ns > 0 ? d->now_ns + spent_ns : 0;
    }
}

static void worker_gone(struct day *d, uint32_t worker)
{
    d->worker_alive[worker] = false;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        d->conn_open[i] = d->conn_open[i] && d->conn_worker[i] != worker;
    }
}

/* The ticket on a connection that @e is news of; NONE: there is none, or the news is late. */
static uint32_t ticket_of(const struct day *d, const struct core_event *e)
{
    bool is_open = d->conn_open[e->conn] && d->conn_generation[e->conn] == e->generation;
    return is_open ? d->conn_ticket[e->conn] : CORE_NONE;
}

static void on_pool(struct day *d, const struct core_action *a)
{
    if (a->kind == CORE_SPAWN) {
        DAY_CHECK(d, !d->worker_alive[a->worker]);
        d->worker_alive[a->worker] = true;
        d->worker_generation[a->worker] = a->generation;
    } else if (a->kind == CORE_KILL) {
        worker_gone(d, a->worker);
    } else if (a->kind == CORE_DISCONNECT) {
        d->conn_open[a->conn] = false;
    } else if (a->kind == CORE_CONNECT) {
        d->conn_open[a->conn] = true;
        d->conn_worker[a->conn] = a->worker;
        d->conn_generation[a->conn] = a->generation;
        d->conn_ticket[a->conn] = CORE_NONE;
        d->conn_stuck[a->conn] = false;
    }
}

void day_oracle_action(struct day *d, const struct core_action *a)
{
    uint64_t word = (uint64_t)a->kind << 56 ^ (uint64_t)a->ticket << 32 ^ (uint64_t)a->conn << 16 ^
                    (uint64_t)a->reason << 8 ^ a->session;
    d->result.hash = (d->result.hash ^ word) * UINT64_C(0x100000001B3);
    switch (a->kind) {
    case CORE_OPENED:
        on_opened(d, a);
        break;
    case CORE_SESSION_END:
        on_session_end(d, a);
        break;
    case CORE_SAVE:
        on_saved(d, a);
        break;
    case CORE_START:
        on_start(d, a);
        break;
    case CORE_INTERRUPT:
        DAY_CHECK(d, d->tickets[a->ticket].is_live && d->tickets[a->ticket].conn == a->conn);
        d->tickets[a->ticket].is_interrupted = true;
        break;
    case CORE_END:
        on_end(d, a);
        break;
    case CORE_SAVE_ACCOUNT:
        on_save_account(d, a);
        break;
    default:
        on_pool(d, a);
        break;
    }
}

/* ---- limits ---- */

static struct day_account *account_of(struct day *d, uint32_t principal)
{
    struct day_account *a = &d->accounts[principal - 1];
    const struct core_rate *rate = &d->limits.rate_principal;
    a->tokens += (double)(d->now_ns - a->tokens_ns) / (double)rate->interval_ns;
    a->tokens = a->tokens > rate->burst ? rate->burst : a->tokens;
    a->tokens_ns = d->now_ns;
    return a;
}

static void add_rows(struct day *d, uint32_t principal, uint64_t rows)
{
    struct day_account *a = &d->accounts[principal - 1];
    a->rows += rows;
    DAY_CHECK(d, a->rows <= d->limits.quota_principal[CORE_QUOTA_ROWS]);
}

/* It was not refused: then there was a token for it, and a call of the day's. */
static void on_admitted(struct day *d)
{
    struct day_account *a = account_of(d, d->event.principal);
    if (!d->event.is_catalog) {
        DAY_CHECK(d, a->tokens > 0.99);
        a->tokens -= 1;
        a->calls++;
        DAY_CHECK(d, a->calls <= d->limits.quota_principal[CORE_QUOTA_CALLS]);
    }
}

static void on_done(struct day *d, const struct core_event *e)
{
    uint32_t ticket = ticket_of(d, e);
    if (ticket == CORE_NONE) {
        return;
    }
    const struct day_ticket *t = &d->tickets[ticket];
    if (!t->is_catalog) {
        DAY_CHECK(d, e->rows <= t->rows_max);
        add_rows(d, 1 + day_principal(d, t->client), e->rows);
    }
}

static void on_night(struct day *d)
{
    for (uint32_t p = 0; p < d->principal_count; p++) {
        d->accounts[p].calls = d->accounts[p].rows = 0;
        for (uint32_t key = 0; key < DAY_KEYS + 2; key++) {
            memset(d->stored[p][key].used, 0, sizeof(d->stored[p][key].used));
        }
    }
}

void day_oracle_event(struct day *d, const struct core_event *e)
{
    d->event = *e;
    d->was_refused = false;
    switch (e->kind) {
    case CORE_SUBMIT:
        d->tickets[e->ticket].is_admitted = false;
        break;
    case CORE_STARTED:
        if (ticket_of(d, e) != CORE_NONE) {
            d->tickets[ticket_of(d, e)].has_started = true;
        }
        break;
    case CORE_CONN_LOST:
        d->conn_open[e->conn] =
            d->conn_open[e->conn] && d->conn_generation[e->conn] != e->generation;
        break;
    case CORE_DONE:
        on_done(d, e);
        break;
    case CORE_FETCHED:
        add_rows(d, e->principal, e->rows);
        break;
    case CORE_WORKER_LOST:
        if (d->worker_alive[e->worker] && d->worker_generation[e->worker] == e->generation) {
            worker_gone(d, e->worker);
        }
        break;
    case CORE_QUOTA_DAY:
        on_night(d);
        break;
    default:
        break;
    }
    if (e->kind >= CORE_SESSION_ATTACH && e->kind <= CORE_SESSION_TOUCH) {
        d->sessions[e->session].last_seen_wall_ns = day_wall_ns(d);
    }
}

/* After each call of core_step(); the first of an event tells whether a call was refused. */
void day_oracle_stepped(struct day *d)
{
    if (d->event.kind == CORE_SUBMIT && !d->was_refused && !d->tickets[d->event.ticket].is_admitted) {
        d->tickets[d->event.ticket].is_admitted = true;
        on_admitted(d);
    }
    if (d->event.kind == CORE_SESSION_DURABLE) {
        struct core_session_view view;
        struct day_session *s = &d->sessions[d->event.session];
        s->is_stored = true;
        if (core_session_view(d->core, d->event.session, &view) &&
            view.state == CORE_DISCONNECTED && s->window_ns == CORE_NEVER) {
            s->window_ns = d->now_ns + d->limits.resume_ns;
        }
    }
    if (d->result.steps % LOOK_EVERY == 0) {
        struct core_counts counts = core_counts(d->core);
        const struct day_session *s = &d->sessions[d->result.steps / LOOK_EVERY % d->limits.sessions];
        /* One that waits again after its worker died was admitted once already. */
        DAY_CHECK(d, counts.queued <= d->limits.queue_total + CORE_CONNS_MAX);
        DAY_CHECK(d, counts.sessions == d->live);
        DAY_CHECK(d, !s->is_live || s->window_ns >= d->before_ns);
        d->result.queued_max =
            counts.queued > d->result.queued_max ? counts.queued : d->result.queued_max;
    }
    if (d->result.steps % CHECK_EVERY == 0) {
        core_check(d->core);
    }
}

/* ---- restarts and the end ---- */

void day_oracle_crashed(struct day *d)
{
    core_check(d->core);
    for (uint32_t i = 0; i < DAY_TICKETS; i++) {
        d->result.lost += d->tickets[i].is_live;
        d->tickets[i].is_live = false;
    }
    /* Within a second the row says when it was seen last. */
    for (uint32_t i = 0; i < d->limits.sessions; i++) {
        struct core_session_view view;
        if (d->sessions[i].is_live && core_session_view(d->core, i, &view)) {
            d->sessions[i].last_seen_wall_ns = view.last_seen_wall_ns;
            d->sessions[i].created_wall_ns = view.created_wall_ns;
        } else {
            d->sessions[i].is_stored = false; /* its end was asked for */
        }
    }
    memset(d->conn_open, 0, sizeof(d->conn_open));
}

void day_oracle_loaded(struct day *d)
{
    core_check(d->core);
    DAY_CHECK(d, core_counts(d->core).sessions == d->live);
    for (uint32_t p = 0; p < d->principal_count; p++) {
        struct core_account_view principal;
        struct core_account_view client;
        if (core_accounts_of(d->core, 1 + p, 1 + p, &principal, &client)) {
            DAY_CHECK(d, principal.used[CORE_QUOTA_CALLS] >= d->accounts[p].calls);
            DAY_CHECK(d, principal.used[CORE_QUOTA_ROWS] >= d->accounts[p].rows);
        } else {
            DAY_CHECK(d, d->accounts[p].calls == 0);
        }
    }
}

void day_oracle_finished(struct day *d)
{
    struct core_counts counts = core_counts(d->core);
    uint64_t ended = 0;
    core_check(d->core);
    for (uint32_t i = 0; i < CORE_REASONS; i++) {
        ended += d->result.ended[i];
    }
    DAY_CHECK(d, ended + d->result.lost == d->result.calls);
    DAY_CHECK(d, counts.queued == 0 && counts.running == 0);
    for (uint32_t i = 0; i < DAY_PROFILES; i++) {
        DAY_CHECK(d, d->running[i] == 0);
    }
}
