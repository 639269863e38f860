// SPDX-License-Identifier: Apache-2.0
/*
 * What a statement leaves on its connection (a transaction, a temporary table, a variable) is
 * its session's: the connection is pinned to the session, and keeps its slot. From the first
 * statement that may leave something, a session's calls for that profile go in the order in
 * which they came: they stand in its line, and the first one has the turn.
 */
#include "core/state.h"

static struct session *owner(struct core *core, uint32_t ticket)
{
    return &core->sessions[core->tickets[ticket].session];
}

/* Where a session's calls go in order; NONE: nowhere. */
static uint32_t ordered_profile(const struct core *core, const struct session *s)
{
    uint32_t ticket = s->turn != CORE_NONE ? s->turn : s->line_first;
    if (s->pin != CORE_NONE) {
        return core->conns[s->pin].profile;
    }
    return ticket != CORE_NONE ? core->tickets[ticket].profile : CORE_NONE;
}

bool pin_is_elsewhere(const struct core *core, const struct core_event *event)
{
    if (!event->is_stateful) {
        return false;
    }
    uint32_t profile = ordered_profile(core, &core->sessions[event->session]);
    return profile != CORE_NONE && profile != event->profile;
}

/* Its session's line may move. */
static void line_check(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    if (s->line_first == CORE_NONE || s->is_in_lines) {
        return;
    }
    s->is_in_lines = true;
    s->lines_next = CORE_NONE;
    *(core->lines_last != CORE_NONE ? &core->sessions[core->lines_last].lines_next
                                    : &core->lines_first) = session;
    core->lines_last = session;
}

static void line_push(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    struct session *s = owner(core, ticket);
    t->state = TICKET_LINED;
    t->next = CORE_NONE;
    t->prev = s->line_last;
    *(s->line_last != CORE_NONE ? &core->tickets[s->line_last].next : &s->line_first) = ticket;
    s->line_last = ticket;
    account_hold(core, t->account, 1);
    line_check(core, t->session);
}

void pin_leave_line(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    struct session *s = owner(core, ticket);
    *(t->prev != CORE_NONE ? &core->tickets[t->prev].next : &s->line_first) = t->next;
    *(t->next != CORE_NONE ? &core->tickets[t->next].prev : &s->line_last) = t->prev;
    account_hold(core, t->account, -1);
}

static void push(struct core *core, uint32_t ticket)
{
    if (core->tickets[ticket].is_stateful) {
        owner(core, ticket)->turn = ticket;
    }
    sched_push(core, ticket, false);
    login_check(core, core->tickets[ticket].login); /* a call that was held was not asked */
}

/* Something of its session comes before it; what may leave something waits for all of that. */
static bool has_order(const struct core *core, const struct ticket *t)
{
    const struct session *s = &core->sessions[t->session];
    uint32_t profile = ordered_profile(core, s);
    bool is_before = profile == t->profile || (t->is_stateful && profile != CORE_NONE);
    for (uint32_t i = s->line_first; i != CORE_NONE && !is_before; i = core->tickets[i].next) {
        is_before = core->tickets[i].profile == t->profile;
    }
    return is_before;
}

void pin_enter(struct core *core, uint32_t ticket)
{
    const struct ticket *t = &core->tickets[ticket];
    if (t->session != CORE_NONE && has_order(core, t)) {
        line_push(core, ticket);
    } else {
        push(core, ticket);
    }
}

void pin_ticket_ended(struct core *core, uint32_t ticket)
{
    uint32_t session = core->tickets[ticket].session;
    if (session != CORE_NONE) {
        struct session *s = &core->sessions[session];
        s->turn = s->turn == ticket ? CORE_NONE : s->turn;
        line_check(core, session);
    }
}

/*
 * Who may go: the first in line, or while the connection is busy the first that is for another
 * profile. NONE: they wait for a turn, or for the connection, which may end what it holds.
 */
static uint32_t next_in_line(const struct core *core, const struct session *s)
{
    const struct conn *pin = s->pin != CORE_NONE ? &core->conns[s->pin] : NULL;
    bool is_busy = pin && pin->state != CONN_PINNED;
    uint32_t ticket = s->turn == CORE_NONE ? s->line_first : CORE_NONE;
    while (is_busy && ticket != CORE_NONE) {
        const struct ticket *t = &core->tickets[ticket];
        if (t->is_stateful) {
            return CORE_NONE; /* and so does who comes after it */
        }
        if (t->profile != pin->profile) {
            return ticket;
        }
        ticket = t->next;
    }
    return ticket;
}

static bool take_turn(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    uint32_t ticket = next_in_line(core, s);
    if (ticket == CORE_NONE) {
        return false;
    }
    const struct ticket *t = &core->tickets[ticket];
    const struct conn *pin = s->pin != CORE_NONE ? &core->conns[s->pin] : NULL;
    bool is_here = pin && pin->profile == t->profile;
    pin_leave_line(core, ticket);
    if (is_here) {
        conn_lease_pinned(core, ticket, s->pin);
        line_check(core, session); /* in another profile they need not wait for it */
    } else if (pin && t->is_stateful) { /* it slept when the other one came */
        ticket_end(core, ticket, CORE_ELSEWHERE);
    } else {
        push(core, ticket);
        ticket_rearm(core, ticket);
        line_check(core, session); /* others may go beside it, unless it leaves something */
    }
    return true;
}

bool pin_dispatch(struct core *core)
{
    while (core->lines_first != CORE_NONE) {
        uint32_t session = core->lines_first;
        struct session *s = &core->sessions[session];
        core->lines_first = s->lines_next;
        core->lines_last = core->lines_first == CORE_NONE ? CORE_NONE : core->lines_last;
        s->is_in_lines = false;
        if (take_turn(core, session)) {
            return true;
        }
    }
    return false;
}

/* Until the limit, and so that its slot goes on being charged. */
static void arm(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    uint64_t limit_ns = core->limits.pin_idle_ns;
    uint64_t at_ns = c->lease.leased_ns + c->lease.charged_ns;
    if (limit_ns > 0 && c->rest_ns + limit_ns < at_ns) {
        at_ns = c->rest_ns + limit_ns;
    }
    deadline_arm(core, &c->deadline, at_ns);
}

void pin_keep(struct core *core, uint32_t conn, uint32_t session)
{
    struct conn *c = &core->conns[conn];
    ASSERT(c->pin == CORE_NONE || c->pin == session);
    c->pin = session;
    c->lease.is_pin = true;
    c->state = CONN_PINNED;
    c->rest_ns = core->now_ns;
    core->sessions[session].pin = conn;
    core->pinned_count++;
    arm(core, conn);
    line_check(core, session);
}

/* Nothing is left on it: it was committed, or rolled back by its session. */
void pin_release(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    if (c->pin != CORE_NONE) {
        core->sessions[c->pin].pin = CORE_NONE;
        line_check(core, c->pin);
        c->pin = CORE_NONE;
    }
}

void pin_tell_lost(struct core *core, uint32_t session, uint32_t profile, enum core_reason reason)
{
    struct core_action *a = act(core, CORE_UNPIN);
    a->session = session;
    a->profile = profile;
    a->reason = reason;
}

/* The connection goes, and what it holds with it. */
void pin_lose(struct core *core, uint32_t conn, enum core_reason reason)
{
    struct conn *c = &core->conns[conn];
    uint32_t session = c->pin;
    if (session == CORE_NONE) {
        return;
    }
    pin_release(core, conn);
    pin_tell_lost(core, session, c->profile, reason);
    if (c->state == CONN_PINNED) {
        core->pinned_count--;
        sched_give_back(core, conn);
    }
}

void pin_due(struct core *core, uint32_t conn)
{
    struct conn *c = &core->conns[conn];
    uint64_t limit_ns = core->limits.pin_idle_ns;
    if (limit_ns > 0 && c->rest_ns + limit_ns <= core->now_ns) {
        conn_discard_pinned(core, conn, CORE_IDLE_LIMIT);
        return;
    }
    sched_extend(core, conn);
    arm(core, conn);
}

void pin_session_gone(struct core *core, uint32_t session, enum core_reason reason)
{
    uint32_t conn = core->sessions[session].pin;
    if (conn != CORE_NONE) {
        conn_discard_pinned(core, conn, reason);
    }
}

/* Its place may be another's next. */
void pin_session_ends(struct core *core, uint32_t session)
{
    uint32_t before = CORE_NONE;
    uint32_t at = core->sessions[session].is_in_lines ? core->lines_first : session;
    while (at != session) {
        before = at;
        at = core->sessions[at].lines_next;
    }
    if (core->sessions[session].is_in_lines) {
        uint32_t next = core->sessions[session].lines_next;
        *(before != CORE_NONE ? &core->sessions[before].lines_next : &core->lines_first) = next;
        core->lines_last = next == CORE_NONE ? before : core->lines_last;
        core->sessions[session].is_in_lines = false;
    }
}

/* While the daemon goes down no call can end what is open: one connection less; false: none is left. */
bool pin_drain(struct core *core)
{
    for (uint32_t i = 0; core->draining && core->pinned_count > 0 && i < core->conn_mark; i++) {
        if (core->conns[i].state == CONN_PINNED) {
            conn_discard_pinned(core, i, CORE_DRAINING);
            return true;
        }
    }
    return false;
}
