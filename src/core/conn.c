// SPDX-License-Identifier: Apache-2.0
/*
 * Backend connections: what they are set to and what must be replayed, their leases, and what
 * becomes of them and of what ran when a statement ends, does not stop, or the connection goes.
 */
#include "core/state.h"

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
int conn_cost(const struct conn *c, const struct core_context *wanted)
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

void conn_action(struct core *core, enum core_action_kind kind, uint32_t conn)
{
    struct core_action *a = act(core, kind);
    a->conn = conn;
    a->generation = core->conns[conn].generation;
    a->worker = core->conns[conn].worker;
    a->profile = core->conns[conn].profile;
    a->principal = core->logins[core->conns[conn].login].principal;
    a->ticket = core->conns[conn].ticket;
}

/* Forgets a connection; what still comes from it carries an old generation. */
static void conn_drop(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    struct worker *w = &core->workers[c->worker];
    struct login *l = &core->logins[c->login];
    bool is_new = c->state == CONN_CONNECTING;
    bool is_idle = c->state == CONN_IDLE;
    login_count(core, c->login, is_idle ? -1 : 0, is_new || is_idle ? 0 : -1, is_new ? -1 : 0);
    core->profiles[c->profile].pending -= c->is_pending;
    l->is_pending = l->is_pending && !c->is_pending;
    c->is_pending = false;
    l->is_asking = l->is_asking && login_lives(l);
    ASSERT(c->ticket == CORE_NONE && c->pin == CORE_NONE);
    deadline_arm(core, &c->deadline, CORE_NEVER);
    c->state = CONN_CLOSED;
    c->generation++;
    w->conns--;
    worker_rest(core, c->worker);
    login_wake(core, c->login);
    login_wake_all(core);
}

void conn_discard(struct core *core, uint32_t conn)
{
    conn_action(core, CORE_DISCONNECT, conn);
    conn_drop(core, conn);
}

/*
 * It did not come up. A worker that has no other goes too: secrets are read anew when the next one
 * starts, and who is stuck in its driver is not waited for.
 */
static void conn_failed(struct core *core, uint32_t conn)
{
    uint32_t worker = core->conns[conn].worker;
    uint32_t login = core->conns[conn].login;
    conn_drop(core, conn);
    if (core->workers[worker].conns == 0 && core->workers[worker].state == WORKER_UP) {
        worker_kill(core, worker);
    }
    login_failed(core, login);
}

/* Ends the statement on @conn; its lease is over, unless it @stays pinned. */
static void conn_release(
    struct core *core, uint32_t conn, enum core_reason reason, bool stays)
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
    if (!stays) {
        sched_give_back(core, conn);
    }
    struct core_action *a = ticket_end(core, ticket, reason);
    if (reason == CORE_QUOTA_EXHAUSTED) {
        quota_explain(core, ticket, a);
    }
}

static bool runs_again(const struct core *core, const struct conn *c, bool repeats)
{
    const struct ticket *t = &core->tickets[c->ticket];
    return (t->state == TICKET_LEASED || repeats) && t->end_reason == CORE_OK && !t->requeued &&
           c->pin == CORE_NONE;
}

void conn_lost(struct core *core, uint32_t conn, bool repeats)
{
    struct conn *c = &core->conns[conn];
    uint32_t ticket = c->ticket;
    struct ticket *t = ticket == CORE_NONE ? NULL : &core->tickets[ticket];
    bool is_again = t && runs_again(core, c, repeats);
    pin_lose(core, conn, CORE_WORKER_DIED);
    if (is_again) {
        c->ticket = CORE_NONE;
        t->conn = CORE_NONE;
        t->requeued = true;
        t->wants_new = core->workers[c->worker].state != WORKER_DYING;
        t->queued_ns = core->now_ns;
        quota_settle(core, ticket, 0, 0);
        sched_give_back(core, conn);
        sched_push(core, ticket, true);
        ticket_rearm(core, ticket);
    } else if (t) {
        conn_release(core, conn, CORE_WORKER_DIED, false);
    }
    uint32_t login = c->login;
    bool is_new = c->state == CONN_CONNECTING;
    conn_drop(core, conn);
    if (is_new) {
        login_failed(core, login); /* a driver that crashes so is not asked again at once */
    }
}

/*
 * Idle from now on, and closed when it stays so for too long; but not where the next one would
 * need a person again.
 */
static void conn_rest(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    uint64_t idle_ns = core->profiles[c->profile].limits.idle_ns;
    uint64_t until_ns = idle_ns > 0 ? core->now_ns + idle_ns : CORE_NEVER;
    c->state = CONN_IDLE;
    c->rest_ns = core->workers[c->worker].rest_ns = core->now_ns;
    login_count(core, c->login, 1, 0, 0);
    until_ns = until_ns < c->retire_ns ? until_ns : c->retire_ns;
    deadline_arm(core, &c->deadline, c->is_personal ? CORE_NEVER : until_ns);
    login_wake(core, c->login);
    login_wake_all(core);
}

static bool may_pin(const struct core *core, uint32_t session)
{
    return session != CORE_NONE && core->sessions[session].end_reason == CORE_OK &&
           !core->draining;
}

static void conn_done(struct core *core, const struct core_event *event)
{
    struct conn *c = &core->conns[event->conn];
    uint32_t session = core->tickets[c->ticket].session;
    uint8_t worker = core->workers[c->worker].state;
    bool is_intact = event->clean && c->state == CONN_BUSY && worker != WORKER_DYING;
    bool pins = is_intact && event->pins && may_pin(core, session);
    bool keep = is_intact && !event->pins && worker == WORKER_UP && core->now_ns < c->retire_ns;
    bool loses = !pins && (event->pins || (c->pin != CORE_NONE && !is_intact));
    enum core_reason why = (enum core_reason)core->tickets[c->ticket].end_reason;
    core->tickets[c->ticket].rows = event->rows;
    core->tickets[c->ticket].bytes = event->bytes;
    login_succeeded(core, c->login);
    if (event->moved) {
        c->actual = event->context;
    }
    if (pins) {
        pin_keep(core, event->conn, session);
        conn_release(core, event->conn, CORE_OK, true);
        return;
    }
    pin_release(core, event->conn);
    if (loses) {
        pin_tell_lost(core, session, c->profile,
            why != CORE_OK     ? why
            : core->draining ? CORE_DRAINING
                             : CORE_WORKER_DIED);
    }
    conn_release(core, event->conn, CORE_OK, false);
    if (!keep) {
        conn_discard(core, event->conn);
        return;
    }
    login_count(core, c->login, 0, -1, 0);
    conn_rest(core, event->conn);
}

/* It is logged in: whatever failed before is over. A share of its age is left to chance. */
static void up(struct core *core, uint32_t conn, const struct core_context *context)
{
    struct conn *c = &core->conns[conn];
    struct login *l = &core->logins[c->login];
    uint64_t age_ns = core->profiles[c->profile].limits.age_ns;
    uint64_t early_ns = pool_scatter(core->now_ns + conn, age_ns / 10 + 1);
    c->base = c->actual = *context;
    c->up_ns = core->now_ns;
    c->retire_ns = age_ns > 0 && !c->is_pending ? core->now_ns + age_ns - early_ns : CORE_NEVER;
    core->profiles[c->profile].pending -= c->is_pending;
    c->is_personal = c->is_pending;
    c->is_pending = false;
    l->is_pending = l->is_pending && !c->is_personal;
    l->failures = 0;
    login_count(core, c->login, 0, 0, -1);
}

/*
 * A person has to sign in for it, and is asked once: where another connection lives, that one
 * serves all, as long as it does; where another is asked for, this one is not. Nor may those who
 * are waited for take all places from those who are there.
 */
static void pending(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    struct login *l = &core->logins[c->login];
    struct profile *p = &core->profiles[c->profile];
    if (c->is_pending) {
        return; /* it says so again */
    }
    if (login_lives(l) || l->is_pending) {
        l->is_asking = login_lives(l);
        conn_discard(core, conn);
    } else if (p->limits.per_principal && p->pending >= pool_half(p)) {
        conn_action(core, CORE_DISCONNECT, conn);
        conn_failed(core, conn);
    } else {
        c->is_pending = true;
        p->pending++;
        conn_action(core, CORE_SIGN_IN, conn);
        login_pending(core, c->login);
        login_wake_crowd(core, c->profile); /* it no longer counts among those who log in */
    }
}

void conn_event(struct core *core, const struct core_event *event)
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
            conn_failed(core, event->conn);
        } else {
            conn_lost(core, event->conn, event->repeats);
        }
        break;
    case CORE_CONN_PENDING:
        if (c->state == CONN_CONNECTING) {
            pending(core, event->conn);
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

void conn_interrupt(struct core *core, uint32_t ticket)
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
    conn_action(core, CORE_DISCONNECT, conn);
    conn_failed(core, conn);
}

/* It did not stop: its slot is free again, its worker may take nothing new. */
static void would_not_stop(struct core *core, uint32_t conn)
{
    worker_condemn(core, core->conns[conn].worker);
    pin_lose(core, conn, CORE_CANCELLED);
    conn_release(core, conn, CORE_CANCELLED, false);
    conn_discard(core, conn);
}

void conn_due(struct core *core, uint32_t conn)
{
    const struct conn *c = &core->conns[conn];
    if (core->workers[c->worker].state == WORKER_DYING) {
        conn_lost(core, conn, false); /* its worker went at this very moment */
    } else if (c->state == CONN_IDLE) {
        idle_too_long(core, conn);
    } else if (c->state == CONN_PINNED) {
        pin_due(core, conn);
    } else if (c->state == CONN_CONNECTING) {
        connect_too_long(core, conn);
    } else {
        would_not_stop(core, conn);
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

static void start(struct core *core, uint32_t ticket, uint32_t conn)
{
    struct ticket *t = &core->tickets[ticket];
    struct conn *c = &core->conns[conn];
    t->state = TICKET_LEASED;
    t->conn = conn;
    t->leased_ns = core->now_ns;
    t->run_until_ns = t->timeout_ns > 0 ? core->now_ns + t->timeout_ns : CORE_NEVER;
    c->ticket = ticket;
    c->state = CONN_BUSY;
    c->is_fresh = core->workers[c->worker].is_fresh = false;
    deadline_arm(core, &c->deadline, CORE_NEVER);
    conn_action(core, CORE_START, conn);
    struct core_action *a = &core->out->at[core->out->len - 1];
    a->context = resolve(c, &t->context);
    a->replay = replay_of(c, &a->context);
    a->rows_max = t->is_catalog ? t->rows_max : t->reserved_rows;
    c->actual = a->context;
    ticket_rearm(core, ticket);
}

void conn_lease(struct core *core, uint32_t ticket, uint32_t conn)
{
    ASSERT(core->conns[conn].login == core->tickets[ticket].login);
    if (reserve(core, ticket)) {
        sched_take(core, ticket, conn);
        login_count(core, core->conns[conn].login, -1, 1, 0);
        start(core, ticket, conn);
        if (account_is_full(core, core->accounts[core->tickets[ticket].account].parent)) {
            login_wake_all(core); /* what was promised to it need not wait */
        }
    }
}

/* The slot is its session's already. */
void conn_lease_pinned(struct core *core, uint32_t ticket, uint32_t conn)
{
    struct ticket *t = &core->tickets[ticket];
    ASSERT(core->conns[conn].login == t->login);
    if (conn_cost(&core->conns[conn], &t->context) < 0) {
        ticket_end(core, ticket, CORE_ELSEWHERE);
    } else if (!t->is_catalog && !quota_reserve(core, ticket)) {
        quota_explain(core, ticket, ticket_end(core, ticket, CORE_QUOTA_EXHAUSTED));
    } else {
        core->pinned_count--;
        start(core, ticket, conn);
    }
}

void conn_discard_pinned(struct core *core, uint32_t conn, enum core_reason reason)
{
    pin_lose(core, conn, reason);
    conn_discard(core, conn);
}
