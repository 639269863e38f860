// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold of every run, judged from outside the core:
 *   conservation  every ticket ends exactly once, with a reason that fits its life
 *   isolation     a statement starts on a clean connection set to its own context, of its
 *                 principal's own login where each has one
 *   slots         never more statements or connections than the profile has slots
 *   fair turns    between two turns of a waiting principal no other gets more than two
 *   fates         what an engine saw runs again only if it may, and all at most once
 *   in time       waiting, running, being interrupted, an idle connection, a condemned
 *                 worker: to the limit
 *   growth        who waits has a connection on its way where there is room for one
 *   progress      with the faults healed everything ends, all counts return to zero
 * Those of sessions stand in oracle_session.c. core_check() looks from inside after every
 * step.
 */
#include "sim.h"

#include <string.h>

/* Who logs in for a call: its principal, or the profile itself. */
static uint32_t login_of(const struct sim *s, uint32_t profile, uint32_t principal)
{
    return s->limits.profile[profile].per_principal ? principal : 0;
}

static struct sim_login *login_at(struct sim *s, uint32_t profile, uint32_t principal)
{
    return &s->logins[profile][principal];
}

static void on_start(struct sim *s, const struct core_action *a)
{
    struct sim_ticket *t = &s->tickets[a->ticket];
    struct sim_conn *c = &s->conns[a->conn];
    SIM_CHECK(s, t->live && t->conn == CORE_NONE && !t->cancelled);
    SIM_CHECK(s, !oracle_session_holds(s, t->session));
    SIM_CHECK(s, c->open && c->ticket == CORE_NONE && c->generation == a->generation);
    SIM_CHECK(s, !c->spoiled);
    SIM_CHECK(s, c->principal == login_of(s, t->profile, t->principal));
    SIM_CHECK(s, s->workers[c->worker].alive);
    SIM_CHECK(s, !s->workers[c->worker].condemned || c->pin > 0);
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        uint32_t wanted = t->context.part[i];
        if (a->replay & 1u << i) {
            SIM_CHECK(s, c->actual.part[i] != a->context.part[i] && a->context.part[i] > 0);
            c->actual.part[i] = a->context.part[i];
        }
        SIM_CHECK(s, c->actual.part[i] == (wanted > 0 ? wanted : c->base.part[i]));
    }
    oracle_pin_started(s, t, a->conn);
    t->was_pinned = c->pin > 0;
    t->starts++;
    SIM_CHECK(s, !t->engine_saw && t->starts <= 2);
    t->conn = a->conn;
    t->run_until_ns = t->timeout_ns > 0 ? s->now_ns + t->timeout_ns : CORE_NEVER;
    c->ticket = a->ticket;
    c->runs = c->served = s->workers[c->worker].served = true;
    s->running[t->profile]++;
    SIM_CHECK(s, s->running[t->profile] + oracle_pin_count(s, t->profile) <=
                     s->limits.profile[t->profile].slots);
}

/* A running call may use up what it has of the day. */
static bool is_metered(const uint64_t *quotas)
{
    return quotas[CORE_QUOTA_ENGINE_MS] > 0 || quotas[CORE_QUOTA_MICROCREDITS] > 0;
}

static void on_interrupt(struct sim *s, const struct core_action *a)
{
    struct sim_ticket *t = &s->tickets[a->ticket];
    SIM_CHECK(s, t->live && t->conn == a->conn && s->conns[a->conn].ticket == a->ticket);
    SIM_CHECK(s, t->interrupted_ns == 0 && s->conns[a->conn].generation == a->generation);
    bool has_quota = is_metered(s->limits.quota_principal) || is_metered(s->limits.quota_client);
    SIM_CHECK(s, t->cancelled || t->run_until_ns <= s->now_ns || has_quota ||
                     oracle_session_ends(s, t->session));
    t->interrupted_ns = s->now_ns;
    s->conns[a->conn].spoiled = true;
}

static uint32_t conns_of(const struct sim *s, uint32_t profile)
{
    uint32_t conns = 0;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        conns += s->conns[i].open && s->conns[i].profile == profile;
    }
    return conns;
}

/* Of one login: those that are up, or all. */
static uint32_t conns_of_login(
    const struct sim *s, uint32_t profile, uint32_t principal, bool only_up)
{
    uint32_t conns = 0;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct sim_conn *c = &s->conns[i];
        conns += c->open && c->profile == profile && c->principal == principal &&
                 (c->up || !only_up);
    }
    return conns;
}

static bool is_pending(const struct sim *s, uint32_t profile, uint32_t principal)
{
    bool is_found = false;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct sim_conn *c = &s->conns[i];
        is_found = is_found || (c->open && c->is_pending && c->profile == profile &&
                                   c->principal == principal);
    }
    return is_found;
}

static bool has_idle(const struct sim *s, uint32_t profile, uint32_t login)
{
    bool is_found = false;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct sim_conn *c = &s->conns[i];
        bool is_idle = c->open && c->up && c->ticket == CORE_NONE && c->pin == 0;
        is_found = is_found || (is_idle && c->profile == profile && c->principal == login);
    }
    return is_found;
}

/* The bound in the store is never below what was used. */
static void oracle_quota(struct sim *s, const struct core_action *a)
{
    struct core_account_view view;
    SIM_CHECK(s, core_account_view(s->core, a->account, &view));
    for (int i = 0; i < CORE_QUOTAS; i++) {
        uint64_t max = view.is_principal ? s->limits.quota_principal[i] : s->limits.quota_client[i];
        SIM_CHECK(s, max == 0 || view.used[i] <= view.stored[i]);
    }
}

static bool has_all_accounts(const struct sim *s)
{
    struct core_account_view view;
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->limits.accounts; i++) {
        count += core_account_view(s->core, i, &view);
    }
    return count == s->limits.accounts;
}

/* A reason must fit what happened to the ticket. */
static bool is_fitting(
    const struct sim *s, const struct sim_ticket *t, const struct core_action *a)
{
    bool submitted = s->event.kind == CORE_SUBMIT && s->event.ticket == a->ticket;
    bool waits = t->conn == CORE_NONE;
    uint32_t login = login_of(s, t->profile, t->principal);
    switch (a->reason) {
    case CORE_OK:
        return !waits && s->event.kind == CORE_DONE && s->event.conn == t->conn;
    case CORE_CANCELLED:
        return t->cancelled;
    case CORE_TIMEOUT:
        return !waits && t->interrupted_ns >= t->run_until_ns;
    case CORE_QUEUE_TIMEOUT:
        return waits && t->queued_ns + s->limits.queue_ns <= s->now_ns;
    case CORE_QUEUE_FULL:
        return submitted && a->retry_after_ns > 0;
    case CORE_NO_SESSION:
        return submitted && t->session != CORE_NONE &&
               (s->sessions[t->session].closing || !s->sessions[t->session].live);
    case CORE_WORKER_DIED:
        return !waits && (t->engine_saw || t->starts == 2 || t->was_pinned);
    case CORE_UNAVAILABLE:
        return waits && conns_of_login(s, t->profile, login, false) == 0;
    case CORE_LOGIN_PENDING:
        return waits && is_pending(s, t->profile, login) && a->retry_after_ns > 0 &&
               conns_of_login(s, t->profile, login, true) == 0;
    case CORE_DRAINING:
        return submitted && s->draining;
    case CORE_ELSEWHERE:
        return waits && oracle_pin_is_elsewhere(s, t);
    case CORE_UNSETTABLE:
        return waits && s->logins[t->profile][login].asks && has_idle(s, t->profile, login);
    case CORE_CLOSED:
        return oracle_session_ends(s, t->session);
    case CORE_RATE_LIMITED:
        return submitted && a->retry_after_ns > 0 && a->limit_max > 0;
    case CORE_QUOTA_EXHAUSTED:
        return submitted ? a->limit_max > 0 : t->interrupted_ns > 0 || waits;
    case CORE_TOO_MANY:
        return submitted && has_all_accounts(s);
    case CORE_IDLE_LIMIT:
    case CORE_AGE_LIMIT:
    case CORE_REASONS:
        break;
    }
    return false;
}

/* It was interrupted, nothing was heard of it, and its time to stop is over. */
static bool is_stuck(const struct sim *s, const struct sim_ticket *t)
{
    const struct core_event *e = &s->event;
    bool heard =
        (e->kind == CORE_DONE || e->kind == CORE_CONN_LOST) && e->conn == t->conn;
    return t->conn != CORE_NONE && t->interrupted_ns > 0 && !heard &&
           s->workers[s->conns[t->conn].worker].alive;
}

/*
 * The global rate as the bucket it should act like: in no window more than the burst and
 * what refilled. A refusal names a wait after which there is one.
 */
static void check_rate(struct sim *s, const struct core_action *refusal)
{
    const struct core_rate *rate = &s->limits.rate_global;
    bool passed = !refusal || refusal->reason != CORE_RATE_LIMITED;
    bool is_call = s->event.kind == CORE_SUBMIT ||
                   (s->event.kind == CORE_FETCH && s->event.is_call);
    if (rate->burst == 0 || !is_call || s->event.is_catalog) {
        return;
    }
    s->tokens += (double)(s->now_ns - s->tokens_ns) / (double)rate->interval_ns;
    s->tokens = s->tokens > rate->burst ? rate->burst : s->tokens;
    s->tokens_ns = s->now_ns;
    passed = passed && (s->event.kind == CORE_SUBMIT || s->grant.reason == CORE_OK);
    if (!passed && refusal && refusal->scope == CORE_SCOPE_ALL) {
        double then = s->tokens + (double)refusal->retry_after_ns / (double)rate->interval_ns;
        SIM_CHECK(s, s->tokens < 1 && then > 0.999 && then < 1.001);
    } else if (passed && (!refusal || refusal->reason == CORE_OK)) {
        SIM_CHECK(s, s->tokens > 0.999);
        s->tokens -= 1;
    }
}

static void on_end(struct sim *s, const struct core_action *a)
{
    struct sim_ticket *t = &s->tickets[a->ticket];
    SIM_CHECK(s, t->live && is_fitting(s, t, a));
    t->live = false;
    s->result.ended[a->reason]++;
    if (is_stuck(s, t)) {
        struct sim_worker *w = &s->workers[s->conns[t->conn].worker];
        SIM_CHECK(s, t->interrupted_ns + s->limits.cancel_ns <= s->now_ns);
        w->end_ns = w->condemned ? w->end_ns : s->now_ns + s->limits.drain_ns;
        w->condemned = true;
    }
    bool refused =
        s->answers == 0 && s->event.kind == CORE_SUBMIT && s->event.ticket == a->ticket;
    if (t->session != CORE_NONE && !refused) {
        s->sessions[t->session].active_ns = s->now_ns;
    }
    if (t->conn != CORE_NONE) {
        s->conns[t->conn].ticket = CORE_NONE;
        s->conns[t->conn].rests_ns = s->now_ns;
        s->running[t->profile]--;
    }
}

/* Everything a ticket waits for has a limit, and after due work no limit has passed. */
static void check_in_time(struct sim *s, uint32_t ticket)
{
    const struct sim_ticket *t = &s->tickets[ticket];
    if (t->conn == CORE_NONE) {
        bool queued = core_position(s->core, ticket) > 0;
        bool is_lined = !queued && oracle_pin_lines(s, t);
        SIM_CHECK(s, queued != (is_lined || oracle_session_holds(s, t->session)) && !t->cancelled);
        SIM_CHECK(s, s->now_ns < t->queued_ns + s->limits.queue_ns);
    } else if (t->interrupted_ns == 0) {
        SIM_CHECK(s, !t->cancelled && s->now_ns < t->run_until_ns);
    } else {
        SIM_CHECK(s, s->now_ns < t->interrupted_ns + s->limits.cancel_ns);
    }
    SIM_CHECK(s, t->interrupted_ns > 0 || !oracle_session_ends(s, t->session));
    bool grace_over =
        s->limits.grace_ns > 0 && s->now_ns >= t->arrived_ns + s->limits.grace_ns;
    SIM_CHECK(s, t->graced == grace_over);
}

/* ---- connections and workers ---- */

/* It is closed; that it had not come up is a failure of its login. */
static void forget_conn(struct sim *s, struct sim_conn *c)
{
    struct sim_login *l = login_at(s, c->profile, c->principal);
    c->open = false;
    l->failed_ns = c->up ? l->failed_ns : s->now_ns;
    l->asks = l->asks && conns_of_login(s, c->profile, c->principal, true) > 0;
}

/* What had not started, or @repeats, waits again, once. What had must end within this step. */
static void conn_gone(struct sim *s, uint32_t conn, bool repeats)
{
    struct sim_conn *c = &s->conns[conn];
    struct sim_ticket *t = c->ticket == CORE_NONE ? NULL : &s->tickets[c->ticket];
    forget_conn(s, c);
    bool is_unhurt = t && (!t->engine_saw || repeats);
    if (is_unhurt && t->interrupted_ns == 0 && t->starts < 2 && !t->was_pinned) {
        t->conn = CORE_NONE;
        t->queued_ns = s->now_ns;
        t->engine_saw = false;
        c->ticket = CORE_NONE;
        s->running[t->profile]--;
    }
}

static void worker_gone(struct sim *s, uint32_t worker)
{
    struct sim_worker *w = &s->workers[worker];
    w->alive = false;
    struct sim_login *l = login_at(s, w->profile, w->principal);
    l->failed_ns = w->up ? l->failed_ns : s->now_ns;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        if (s->conns[i].open && s->conns[i].worker == worker) {
            conn_gone(s, i, false);
        }
    }
}

static void check_workers(struct sim *s, uint32_t profile)
{
    uint32_t most = s->limits.profile[profile].workers;
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        count += s->workers[i].alive && s->workers[i].profile == profile;
    }
    SIM_CHECK(s, most == 0 || count <= most);
}

static void on_pool(struct sim *s, const struct core_action *a)
{
    struct sim_conn *c = a->conn < CORE_CONNS_MAX ? &s->conns[a->conn] : NULL;
    struct sim_worker *w = a->worker < CORE_WORKERS_MAX ? &s->workers[a->worker] : NULL;
    if (a->kind == CORE_SPAWN) {
        SIM_CHECK(s, !w->alive && w->generation < a->generation);
        *w = (struct sim_worker){.generation = a->generation,
            .profile = a->profile,
            .principal = a->principal,
            .alive = true};
        SIM_CHECK(s, s->limits.profile[a->profile].per_principal == (a->principal > 0));
        check_workers(s, a->profile);
    } else if (a->kind == CORE_KILL) {
        SIM_CHECK(s, w->alive && w->generation == a->generation);
        worker_gone(s, a->worker);
    } else if (a->kind == CORE_CONNECT) {
        SIM_CHECK(s, !c->open && c->ticket == CORE_NONE && c->generation < a->generation);
        SIM_CHECK(s, w->alive && !w->condemned);
        *c = (struct sim_conn){.ticket = CORE_NONE,
            .generation = a->generation,
            .worker = a->worker,
            .profile = a->profile,
            .principal = a->principal,
            .asked_ns = s->now_ns,
            .open = true};
        SIM_CHECK(s, w->profile == a->profile && w->principal == a->principal);
        SIM_CHECK(s, !login_at(s, a->profile, a->principal)->asks);
        SIM_CHECK(s, !is_pending(s, a->profile, a->principal));
        SIM_CHECK(s, conns_of(s, a->profile) <= s->limits.profile[a->profile].slots);
    } else if (a->kind == CORE_DISCONNECT) {
        SIM_CHECK(s, c->open && c->generation == a->generation && c->ticket == CORE_NONE);
        SIM_CHECK(s, c->pin == 0);
        forget_conn(s, c);
    }
}

/* ---- what is shown to the oracles ---- */

/* News of a connection or worker whose generation is over: nothing may come of it. */
static bool is_late(const struct sim *s, const struct core_event *e)
{
    if (e->kind == CORE_WORKER_UP || e->kind == CORE_WORKER_LOST) {
        return !s->workers[e->worker].alive ||
               s->workers[e->worker].generation != e->generation;
    }
    return e->kind >= CORE_CONN_UP && e->kind <= CORE_CONN_PENDING &&
           (!s->conns[e->conn].open || s->conns[e->conn].generation != e->generation);
}

static void on_submit(struct sim *s, const struct core_event *e)
{
    SIM_CHECK(s, !s->tickets[e->ticket].live);
    s->tickets[e->ticket] = (struct sim_ticket){.live = true,
        .submitted_by = s->given,
        .principal = e->principal,
        .profile = e->profile,
        .session = e->session,
        .conn = CORE_NONE,
        .context = e->context,
        .number = s->result.requests,
        .is_stateful = e->is_stateful,
        .arrived_ns = s->now_ns,
        .queued_ns = s->now_ns,
        .timeout_ns = e->timeout_ns};
    s->result.requests++;
}

static uint32_t pending_of(const struct sim *s, uint32_t profile)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        count += s->conns[i].open && s->conns[i].is_pending && s->conns[i].profile == profile;
    }
    return count;
}

/* Where the login has a connection, nobody is asked; else its calls are told so. */
static void on_pending(struct sim *s, struct sim_conn *c)
{
    struct sim_login *l = login_at(s, c->profile, c->principal);
    if (c->is_pending) {
        return; /* it says so again */
    }
    bool lives = conns_of_login(s, c->profile, c->principal, true) > 0;
    const struct core_profile_limits *limits = &s->limits.profile[c->profile];
    uint32_t half = limits->slots > 1 ? limits->slots / 2 : 1;
    bool is_crowded = limits->per_principal && pending_of(s, c->profile) >= half;
    c->is_pending = !c->up && !lives && !is_crowded &&
                    !is_pending(s, c->profile, c->principal);
    l->asks = l->asks || (!c->up && lives);
}

/* What was opened with the old secret takes nothing new. */
static void on_changed(struct sim *s, const struct core_event *e)
{
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        struct sim_worker *w = &s->workers[i];
        bool is_his = w->profile == e->profile && w->principal > 0 &&
                      w->principal == login_of(s, e->profile, e->principal);
        if (w->alive && w->up && is_his && !w->condemned) {
            w->condemned = true;
            w->end_ns = s->now_ns + s->limits.drain_ns;
        }
    }
}

void oracle_event(struct sim *s, const struct core_event *e)
{
    s->event = *e;
    s->answers = 0;
    s->first_step = true;
    s->was_refused = false;
    if (is_late(s, e)) {
        s->event.kind = CORE_TICK;
    } else if (e->kind == CORE_SESSION_OPEN) {
        oracle_session_asked(s);
    } else if (e->kind >= CORE_SESSION_BODY && e->kind <= CORE_SESSION_CLOSE) {
        oracle_session_event(s, e);
    } else if (e->kind == CORE_SUBMIT) {
        on_submit(s, e);
    } else if (e->kind == CORE_CANCEL) {
        s->tickets[e->ticket].cancelled = true;
    } else if (e->kind == CORE_STARTED && s->conns[e->conn].ticket != CORE_NONE) {
        s->tickets[s->conns[e->conn].ticket].engine_saw = true;
    } else if (e->kind == CORE_DONE) {
        oracle_pin_done(s, e);
        s->conns[e->conn].spoiled = s->conns[e->conn].spoiled || !e->clean;
        s->conns[e->conn].runs = false;
        s->conns[e->conn].actual = e->moved ? e->context : s->conns[e->conn].actual;
    } else if (e->kind == CORE_WORKER_UP) {
        s->workers[e->worker].up = true;
    } else if (e->kind == CORE_CONN_UP) {
        s->conns[e->conn].is_personal = s->conns[e->conn].is_pending;
        s->conns[e->conn].is_pending = false;
        s->conns[e->conn].up = true;
        s->conns[e->conn].base = s->conns[e->conn].actual = e->context;
        s->conns[e->conn].rests_ns = s->conns[e->conn].up_ns = s->now_ns;
        login_at(s, s->conns[e->conn].profile, s->conns[e->conn].principal)->up_ns = s->now_ns;
    } else if (e->kind == CORE_CONN_PENDING) {
        on_pending(s, &s->conns[e->conn]);
    } else if (e->kind == CORE_LOGIN_CHANGED) {
        on_changed(s, e);
    } else if (e->kind == CORE_CONN_LOST) {
        conn_gone(s, e->conn, e->repeats);
    } else if (e->kind == CORE_WORKER_LOST) {
        worker_gone(s, e->worker);
    } else if (e->kind == CORE_DRAIN) {
        s->draining = true;
    }
}

void oracle_action(struct sim *s, const struct core_action *a)
{
    switch (a->kind) {
    case CORE_OPENED:
        oracle_session_opened(s, a);
        break;
    case CORE_SESSION_END:
        oracle_session_ended(s, a);
        break;
    case CORE_SPAWN:
    case CORE_KILL:
    case CORE_CONNECT:
    case CORE_DISCONNECT:
        on_pool(s, a);
        break;
    case CORE_START:
        on_start(s, a);
        break;
    case CORE_INTERRUPT:
        on_interrupt(s, a);
        break;
    case CORE_GRACE:
        SIM_CHECK(s, s->tickets[a->ticket].live && !s->tickets[a->ticket].graced);
        s->tickets[a->ticket].graced = true;
        break;
    case CORE_END:
        on_end(s, a);
        break;
    case CORE_REFUSED:
        SIM_CHECK(
            s, s->event.kind == CORE_SESSION_OPEN || s->event.kind == CORE_SESSION_LOAD);
        SIM_CHECK(s, s->draining == (a->reason == CORE_DRAINING));
        break;
    case CORE_SAVE:
        oracle_session_saved(s, a);
        break;
    case CORE_LOAD:
    case CORE_UNLOAD:
        oracle_session_body(s, a);
        break;
    case CORE_GRANT:
        SIM_CHECK(s, s->event.kind == CORE_FETCH && a->rows_max <= s->event.rows_max);
        SIM_CHECK(s, a->reason == CORE_OK || a->limit_max > 0 || a->reason == CORE_TOO_MANY ||
                         (a->reason == CORE_DRAINING && s->draining && s->event.is_call));
        SIM_CHECK(s, !s->event.is_catalog || (a->reason != CORE_QUOTA_EXHAUSTED &&
                                                 (a->reason != CORE_OK ||
                                                     a->rows_max == s->event.rows_max)));
        s->grant = *a;
        break;
    case CORE_SIGN_IN:
        SIM_CHECK(s, s->event.kind == CORE_CONN_PENDING && s->event.conn == a->conn &&
                         s->conns[a->conn].is_pending);
        break;
    case CORE_UNPIN:
        oracle_pin_lost(s, a);
        break;
    case CORE_HOLD:
        s->held[a->user]++;
        break;
    case CORE_RELEASE:
        SIM_CHECK(s, s->held[a->user] > 0);
        s->held[a->user]--;
        break;
    case CORE_SAVE_ACCOUNT:
        oracle_quota(s, a);
        break;
    }
    bool is_refusal = a->kind == CORE_END && s->event.kind == CORE_SUBMIT && s->first_step &&
                      s->event.ticket == a->ticket;
    is_refusal = is_refusal || (a->kind == CORE_GRANT && a->reason != CORE_OK);
    if (is_refusal) {
        check_rate(s, a);
        s->was_refused = true;
    }
    /* The symbols of a new account are held before a call is judged. */
    s->answers += a->kind != CORE_HOLD && a->kind != CORE_RELEASE;
}

void oracle_stepped(struct sim *s)
{
    core_check(s->core);
    if (s->first_step && !s->was_refused) {
        check_rate(s, NULL);
    }
    s->first_step = false;
    for (uint32_t i = 0; i < SIM_SESSIONS; i++) {
        oracle_session_stepped(s, i);
    }
}

static bool has_worker_with_room(const struct sim *s, uint32_t profile, uint32_t principal)
{
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        const struct sim_worker *w = &s->workers[i];
        uint32_t conns = 0;
        for (uint32_t c = 0; c < CORE_CONNS_MAX; c++) {
            conns += s->conns[c].open && s->conns[c].worker == i;
        }
        if (w->alive && w->up && !w->condemned && w->profile == profile &&
            w->principal == principal && conns < s->limits.profile[profile].conns_per_worker) {
            return true;
        }
    }
    return false;
}

/* One that is too old serves nobody any more; one that does not come up is given up. */
static void check_age(const struct sim *s, const struct sim_conn *c)
{
    const struct core_profile_limits *limits = &s->limits.profile[c->profile];
    bool is_old = limits->age_ns > 0 && c->up && c->ticket == CORE_NONE && c->pin == 0 && !c->is_personal &&
                  s->now_ns >= c->up_ns + limits->age_ns;
    bool is_late = limits->connect_ns > 0 && !c->up &&
                   s->now_ns >= c->asked_ns + limits->connect_ns;
    SIM_CHECK(s, !c->open || (!is_old && !is_late));
}

/* Of one login, what waits for it and what is on its way. */
struct need {
    uint32_t waits;
    uint32_t coming;  /* connections, */
    uint32_t workers; /* and workers, that are asked for */
    uint32_t idle;    /* connections that did not suit */
};

static struct need need_of(const struct sim *s, uint32_t profile, uint32_t login)
{
    struct need need = {0, 0, 0, 0};
    for (uint32_t i = 0; i < SIM_TICKETS; i++) {
        const struct sim_ticket *t = &s->tickets[i];
        need.waits += t->live && t->profile == profile && core_position(s->core, i) > 0 &&
                      login_of(s, profile, t->principal) == login;
    }
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct sim_conn *c = &s->conns[i];
        bool is_his = c->open && c->profile == profile && c->principal == login;
        need.coming += is_his && !c->up;
        need.idle += is_his && c->up && c->ticket == CORE_NONE && c->pin == 0;
    }
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        const struct sim_worker *w = &s->workers[i];
        need.workers += w->alive && !w->up && w->profile == profile && w->principal == login;
    }
    return need;
}

/* Nobody needs to wait for a place: one of those that have one could let go of it. */
static bool has_place(const struct sim *s, uint32_t profile)
{
    const struct core_profile_limits *limits = &s->limits.profile[profile];
    uint32_t coming = 0;
    uint32_t resting = 0;
    uint32_t workers = 0;
    uint32_t alive = 0;
    uint32_t quiet = 0; /* nothing of them is in use */
    uint32_t promised = 0; /* connections, to those whose workers are new */
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        const struct sim_worker *w = &s->workers[i];
        bool is_quiet = w->alive && w->up && !w->condemned && w->profile == profile &&
                        (w->served || need_of(s, profile, w->principal).waits == 0);
        workers += w->alive && w->profile == profile;
        alive += w->alive;
        uint32_t conns = 0;
        for (uint32_t k = 0; k < CORE_CONNS_MAX; k++) {
            const struct sim_conn *c = &s->conns[k];
            bool is_used = c->open && (!c->up || c->ticket != CORE_NONE || c->pin > 0);
            is_quiet = is_quiet && !(is_used && c->worker == i);
            conns += c->open && c->worker == i;
        }
        bool is_new = w->alive && !w->condemned && !w->served && w->profile == profile &&
                      conns == 0 &&
                      (!w->up || need_of(s, profile, w->principal).waits > 0);
        promised += is_new;
        quiet += is_quiet;
    }
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct sim_conn *c = &s->conns[i];
        bool is_open = c->open && c->profile == profile;
        coming += is_open && !c->up && !c->is_pending;
        resting += is_open && c->up && c->ticket == CORE_NONE && c->pin == 0 &&
                   (c->served || need_of(s, profile, c->principal).waits == 0);
    }
    bool has_conn = conns_of(s, profile) + promised < limits->slots || resting > 0;
    bool is_full = alive == CORE_WORKERS_MAX || (limits->workers > 0 && workers >= limits->workers);
    bool has_worker = !is_full || quiet > 0;
    uint32_t half = limits->slots > 1 ? limits->slots / 2 : 1;
    return has_conn && has_worker && coming + promised < half;
}

/* Who waits has a connection on its way, where there is a slot and a worker for one. */
static void check_growth(struct sim *s, uint32_t profile, uint32_t login)
{
    const struct core_profile_limits *limits = &s->limits.profile[profile];
    struct need need = need_of(s, profile, login);
    const struct sim_login *l = login_at(s, profile, login);
    bool pauses = l->failed_ns > 0 && s->now_ns <= l->failed_ns + s->limits.backoff_ns_max;
    /* Caps and the reserve may hold who waits: then nothing has to come for him. */
    bool may_hold = s->limits.reserved_slots + s->limits.run_principal + s->limits.run_client > 0;
    bool is_probe = need.coming == 1 && l->failed_ns > l->up_ns;
    bool is_logging_in = limits->logins > 0 && need.coming == limits->logins;
    bool is_busy = s->running[profile] + oracle_pin_count(s, profile) == limits->slots;
    SIM_CHECK(s, limits->logins == 0 || need.coming <= limits->logins);
    bool is_asked = l->asks || is_pending(s, profile, login);
    if (need.waits <= need.coming || is_logging_in || is_probe || pauses || may_hold || is_asked) {
        return;
    }
    if (limits->per_principal) {
        /* Nobody else's trouble keeps him waiting. */
        SIM_CHECK(s, is_busy || need.workers > 0 || need.coming > 0 || need.idle > 0 ||
                         !has_place(s, profile));
        return;
    }
    SIM_CHECK(s, conns_of(s, profile) == limits->slots || !has_worker_with_room(s, profile, login));
}

void oracle_settled(struct sim *s)
{
    SIM_CHECK(s, core_deadline(s->core) > s->now_ns);
    SIM_CHECK(s, s->event.kind != CORE_SUBMIT || !s->draining ||
                     !s->tickets[s->event.ticket].live);
    for (uint32_t i = 0; i < SIM_TICKETS; i++) {
        if (s->tickets[i].live) {
            check_in_time(s, i);
        }
    }
    for (uint32_t i = 0; i < SIM_SESSIONS; i++) {
        oracle_session_settled(s, i);
    }
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct sim_conn *c = &s->conns[i];
        uint64_t idle_ns = s->limits.profile[c->profile].idle_ns;
        bool rests = c->open && c->up && c->ticket == CORE_NONE && c->pin == 0 && idle_ns > 0 &&
                     !c->is_personal;
        SIM_CHECK(s, c->open || c->ticket == CORE_NONE);
        SIM_CHECK(s, !rests || s->now_ns < c->rests_ns + idle_ns);
        check_age(s, c);
    }
    oracle_pin_settled(s);
    for (uint32_t i = 0; i < s->limits.profiles; i++) {
        bool has_own = s->limits.profile[i].per_principal;
        for (uint32_t l = has_own; l <= (has_own ? SIM_PRINCIPALS : 0); l++) {
            check_growth(s, i, l);
        }
    }
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        const struct sim_worker *w = &s->workers[i];
        SIM_CHECK(s, !w->alive || !w->condemned || s->now_ns < w->end_ns);
    }
}

void oracle_finished(struct sim *s)
{
    struct core_counts counts = core_counts(s->core);
    uint64_t ended = 0;
    for (uint32_t i = 0; i < SIM_TICKETS; i++) {
        SIM_CHECK(s, !s->tickets[i].live);
    }
    for (uint32_t i = 0; i < CORE_REASONS; i++) {
        ended += s->result.ended[i];
    }
    SIM_CHECK(s, ended == s->result.requests);
    SIM_CHECK(s, counts.sessions == 0 && counts.queued == 0 && counts.running == 0);
}
