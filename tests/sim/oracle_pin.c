// SPDX-License-Identifier: Apache-2.0
/*
 * What statements leave on connections, followed by ourselves:
 *   isolation  a connection that holds something of a session runs nothing of others
 *   order      from its first statement that may leave something, a session's calls for that
 *              profile start in the order in which they came, and where that is held
 *   told       whatever is lost, its session is told, once
 *   in time    nothing is held longer than the limit without a call
 */
#include "sim.h"

/* The session whose connection @conn is; CORE_NONE: nobody's. */
static uint32_t pin_of(const struct sim_conn *c)
{
    return c->pin > 0 ? c->pin - 1 : CORE_NONE;
}

static uint32_t conn_of(const struct sim *s, uint32_t session, uint32_t profile)
{
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        if (s->conns[i].pin == session + 1 && s->conns[i].profile == profile) {
            return i;
        }
    }
    return CORE_NONE;
}

/* Is there a call of the same session and profile that has to go before? It came after @since. */
static bool has_earlier(
    const struct sim *s, const struct sim_ticket *t, bool must_wait, uint64_t since)
{
    for (uint32_t i = 0; i < SIM_TICKETS; i++) {
        const struct sim_ticket *u = &s->tickets[i];
        bool is_earlier = u->live && u->session == t->session && u->profile == t->profile &&
                          u->number < t->number && (u->number > since || !must_wait);
        if (is_earlier && (must_wait ? u->conn == CORE_NONE : u->is_stateful)) {
            return true;
        }
    }
    return false;
}

void oracle_pin_started(struct sim *s, const struct sim_ticket *t, uint32_t conn)
{
    uint32_t pin = pin_of(&s->conns[conn]);
    SIM_CHECK(s, pin == CORE_NONE || pin == t->session);
    if (t->session != CORE_NONE) {
        uint32_t own = conn_of(s, t->session, t->profile);
        /* Who came before the first that left something sees nothing of it. */
        bool is_bound = own != CORE_NONE && t->number > s->conns[own].pinned_by;
        SIM_CHECK(s, !has_earlier(s, t, false, 0));
        SIM_CHECK(s, !is_bound || own == conn);
        SIM_CHECK(s, !is_bound || !has_earlier(s, t, true, s->conns[own].pinned_by));
    }
}

/* Does it rightly stand in the line of its session? */
bool oracle_pin_lines(const struct sim *s, const struct sim_ticket *t)
{
    bool is_behind = false; /* one that may leave something, in whatever profile */
    for (uint32_t i = 0; i < SIM_TICKETS; i++) {
        const struct sim_ticket *u = &s->tickets[i];
        is_behind = is_behind || (u->live && u->is_stateful && u->session == t->session &&
                                     u->number < t->number);
    }
    return t->session != CORE_NONE &&
           (is_behind || conn_of(s, t->session, t->profile) != CORE_NONE ||
               (t->is_stateful && oracle_pin_is_elsewhere(s, t)));
}

bool oracle_pin_is_elsewhere(const struct sim *s, const struct sim_ticket *t)
{
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        if (t->session != CORE_NONE && s->conns[i].pin == t->session + 1) {
            return true;
        }
    }
    for (uint32_t i = 0; i < SIM_TICKETS; i++) {
        const struct sim_ticket *u = &s->tickets[i];
        if (u != t && u->live && u->session == t->session && u->is_stateful) {
            return t->is_stateful;
        }
    }
    return false;
}

/* A statement has ended: what it left is its session's, or is lost. */
void oracle_pin_done(struct sim *s, const struct core_event *e)
{
    struct sim_conn *c = &s->conns[e->conn];
    const struct sim_ticket *t = c->ticket == CORE_NONE ? NULL : &s->tickets[c->ticket];
    const struct sim_worker *w = &s->workers[c->worker];
    uint32_t session = t ? t->session : CORE_NONE;
    if (session == CORE_NONE) {
        return;
    }
    const struct sim_session *own = &s->sessions[session];
    bool is_intact = e->clean && t->interrupted_ns == 0 && w->alive; /* condemned: to its end */
    bool keeps = is_intact && e->pins && !s->draining && own->live && !own->closing;
    s->owed = !keeps && (e->pins || (c->pin > 0 && !is_intact)) ? session + 1 : 0;
    c->pinned_by = keeps && c->pin == 0 ? t->number : c->pinned_by;
    c->pin = keeps ? session + 1 : 0;
}

void oracle_pin_lost(struct sim *s, const struct core_action *a)
{
    uint32_t conn = conn_of(s, a->session, a->profile);
    if (s->owed == a->session + 1) {
        s->owed = 0;
        return;
    }
    SIM_CHECK(s, conn != CORE_NONE);
    const struct sim_conn *c = &s->conns[conn];
    if (a->reason == CORE_IDLE_LIMIT && c->open && s->sessions[a->session].live) {
        bool is_idle = c->ticket == CORE_NONE &&
                       s->now_ns >= c->rests_ns + s->limits.pin_idle_ns;
        bool is_away = s->sessions[a->session].view.state == CORE_DISCONNECTED;
        SIM_CHECK(s, is_idle || is_away);
    }
    /* A connection that is there is given up only when its statement has not ended well. */
    const struct sim_worker *w = &s->workers[c->worker];
    SIM_CHECK(s, a->reason != CORE_WORKER_DIED || !c->open || !w->alive || w->condemned);
    s->conns[conn].pin = 0;
}

/* Pinned connections that run nothing hold their slots, too. */
uint32_t oracle_pin_count(const struct sim *s, uint32_t profile)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct sim_conn *c = &s->conns[i];
        count += c->open && c->pin > 0 && c->ticket == CORE_NONE && c->profile == profile;
    }
    return count;
}

void oracle_pin_settled(struct sim *s)
{
    SIM_CHECK(s, s->owed == 0);
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct sim_conn *c = &s->conns[i];
        struct core_session_view view;
        if (c->pin == 0) {
            continue;
        }
        SIM_CHECK(s, c->open && !(s->draining && c->ticket == CORE_NONE));
        SIM_CHECK(s, c->ticket != CORE_NONE || s->limits.pin_idle_ns == 0 ||
                         s->now_ns < c->rests_ns + s->limits.pin_idle_ns);
        bool is_there = core_session_view(s->core, c->pin - 1, &view);
        SIM_CHECK(s, s->sessions[c->pin - 1].body == SIM_BODY_HERE);
        SIM_CHECK(s, is_there ? view.is_pinned : s->sessions[c->pin - 1].closing);
    }
}
