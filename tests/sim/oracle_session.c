// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold of every session, judged from outside the core:
 *   moves     its state, as the view shows it, changes only along legal moves
 *   state     what it is follows from connections, calls and clocks
 *   in time   idle limit, resume window and age act when they are over, not before
 *   reasons   it ends once, without calls, with a reason that fits its life
 *   row       has its context; says disconnected of nobody who is connected
 *   body      asked for once when it is needed and away, let go when it may sleep
 *   heritage  context comes from the newest disconnected session of the client key
 */
#include "sim.h"

#include <string.h>

/* Written anew here, on purpose: the core's own table is what is judged. */
static const unsigned legal_moves[] = {
    [CORE_CONNECTING] = 1u << CORE_CONNECTED | 1u << CORE_DISCONNECTED,
    [CORE_CONNECTED] =
        1u << CORE_ACTIVE | 1u << CORE_DISCONNECTING | 1u << CORE_DISCONNECTED,
    [CORE_ACTIVE] = 1u << CORE_IDLE | 1u << CORE_DISCONNECTING,
    [CORE_IDLE] = 1u << CORE_ACTIVE | 1u << CORE_DISCONNECTING | 1u << CORE_DISCONNECTED,
    [CORE_DISCONNECTING] = 1u << CORE_ACTIVE | 1u << CORE_DISCONNECTED,
    [CORE_DISCONNECTED] =
        1u << CORE_CONNECTED | 1u << CORE_ACTIVE | 1u << CORE_DISCONNECTING,
    [CORE_EXPIRED] = 0,
};

/*
 * A step shows one move, or two where its due work ended a call after its event, or where
 * a session becomes durable under a call.
 */
static bool is_legal(enum core_session_state from, enum core_session_state to, bool twice)
{
    bool legal = from == to || (legal_moves[from] & 1u << to) != 0;
    for (unsigned middle = 0; twice && middle < CORE_EXPIRED; middle++) {
        legal = legal || ((legal_moves[from] & 1u << middle) != 0 &&
                             (legal_moves[middle] & 1u << to) != 0);
    }
    return legal;
}

static uint32_t calls_of(const struct sim *s, uint32_t session)
{
    uint32_t calls = 0;
    for (uint32_t i = 0; i < SIM_TICKETS; i++) {
        calls += s->tickets[i].live && s->tickets[i].session == session;
    }
    return calls;
}

static bool is_same_client(
    const struct core_session_view *view, const struct core_event *e)
{
    return view->principal == e->principal && view->client == e->client;
}

/* The newest disconnected session of the opener's client key; CORE_NONE: none. */
static uint32_t heir_of(const struct sim *s)
{
    uint32_t newest = CORE_NONE;
    for (uint32_t i = 0; i < SIM_SESSIONS; i++) {
        const struct sim_session *own = &s->sessions[i];
        if (own->live && own->view.state == CORE_DISCONNECTED &&
            is_same_client(&own->view, &s->event) &&
            (newest == CORE_NONE || own->window_ns > s->sessions[newest].window_ns)) {
            newest = i;
        }
    }
    return newest;
}

/* Can @session be the one that makes room for the opener? */
static bool may_go(const struct sim *s, uint32_t session, bool at_cap)
{
    const struct sim_session *own = &s->sessions[session];
    return own->live && own->view.state == CORE_DISCONNECTED &&
           (!at_cap || own->view.principal == s->event.principal);
}

/* Before the step, and so before anybody makes room: who is inherited from. */
void oracle_session_asked(struct sim *s)
{
    uint32_t of_principal = 0;
    uint32_t live = 0;
    uint32_t others = 0;
    for (uint32_t i = 0; i < SIM_SESSIONS; i++) {
        const struct sim_session *own = &s->sessions[i];
        live += own->live;
        of_principal += own->live && own->view.principal == s->event.principal;
    }
    bool at_cap = of_principal >= s->limits.principal_sessions;
    s->heir_of = heir_of(s);
    for (uint32_t i = 0; i < SIM_SESSIONS; i++) {
        others += i != s->heir_of && may_go(s, i, at_cap);
    }
    s->heir_must_go = live == s->limits.sessions && others == 0;
}

static void check_heritage(const struct sim *s, const struct core_action *a)
{
    uint32_t newest = s->heir_must_go ? CORE_NONE : s->heir_of;
    SIM_CHECK(s, (newest == CORE_NONE) == (a->heir_of == CORE_NONE));
    if (newest == CORE_NONE) {
        return;
    }
    const struct sim_session *heir = &s->sessions[a->heir_of];
    SIM_CHECK(s, heir->live && heir->window_ns == s->sessions[newest].window_ns);
    SIM_CHECK(s, is_same_client(&heir->view, &s->event));
    SIM_CHECK(s, memcmp(&heir->view.context, &a->context, sizeof(a->context)) == 0);
}

/* Of a time that runs since @since_ns; what lies ahead has not begun. */
static uint64_t left_of(uint64_t time_ns, uint64_t since_ns, uint64_t now_ns)
{
    uint64_t passed_ns = since_ns < now_ns ? now_ns - since_ns : 0;
    return passed_ns < time_ns ? time_ns - passed_ns : 0;
}

void oracle_session_opened(struct sim *s, const struct core_action *a)
{
    struct sim_session *own = &s->sessions[a->session];
    bool loaded = s->event.kind == CORE_SESSION_LOAD;
    SIM_CHECK(s, !own->live && (!s->draining || loaded));
    if (!loaded) {
        check_heritage(s, a);
    }
    *own = (struct sim_session){.live = true,
        .life = ++s->lives,
        .opened_by = s->given,
        .body = loaded ? SIM_BODY_ASLEEP : SIM_BODY_HERE,
        .view.state = loaded ? CORE_DISCONNECTED : CORE_CONNECTING,
        .active_ns = s->now_ns,
        .saved = a->context,
        .window_ns = CORE_NEVER,
        .sleep_ns = CORE_NEVER,
        .old_ns = s->limits.age_ns > 0 ? s->now_ns + s->limits.age_ns : CORE_NEVER};
    if (loaded) {
        uint64_t wall_ns = s->event.wall_ns;
        own->window_ns = s->now_ns +
                         left_of(s->limits.resume_ns, s->event.last_seen_wall_ns, wall_ns);
        own->old_ns = s->limits.age_ns > 0
                          ? s->now_ns + left_of(s->limits.age_ns,
                                            s->event.created_wall_ns, wall_ns)
                          : CORE_NEVER;
    }
}

void oracle_session_saved(struct sim *s, const struct core_action *a)
{
    struct sim_session *own = &s->sessions[a->session];
    SIM_CHECK(s, own->live);
    own->saved_gone = a->state == CORE_DISCONNECTED;
    own->saved = a->context;
}

void oracle_session_body(struct sim *s, const struct core_action *a)
{
    struct sim_session *own = &s->sessions[a->session];
    SIM_CHECK(s, own->live);
    if (a->kind == CORE_LOAD) {
        SIM_CHECK(s, own->body == SIM_BODY_ASLEEP);
        SIM_CHECK(s, s->event.session == a->session);
        own->body = SIM_BODY_LOADING;
    } else {
        SIM_CHECK(s, own->body == SIM_BODY_HERE && own->view.state == CORE_DISCONNECTED);
        SIM_CHECK(s, own->sleep_ns <= s->now_ns && calls_of(s, a->session) == 0);
        own->body = SIM_BODY_ASLEEP;
    }
}

void oracle_session_ended(struct sim *s, const struct core_action *a)
{
    struct sim_session *own = &s->sessions[a->session];
    SIM_CHECK(s, own->live && calls_of(s, a->session) == 0);
    own->live = false;
    s->result.session_ended[a->reason]++;
    if (a->reason == CORE_CLOSED) {
        SIM_CHECK(s, own->closed);
    } else if (a->reason == CORE_NO_SESSION) {
        SIM_CHECK(s, own->body == SIM_BODY_LOST);
    } else if (a->reason == CORE_AGE_LIMIT) {
        SIM_CHECK(s, own->old_ns <= s->now_ns);
    } else if (a->reason == CORE_TOO_MANY) {
        SIM_CHECK(
            s, s->event.kind == CORE_SESSION_OPEN || s->event.kind == CORE_SESSION_LOAD);
        SIM_CHECK(s, own->view.state == CORE_DISCONNECTED);
    } else {
        SIM_CHECK(s, a->reason == CORE_IDLE_LIMIT && own->window_ns <= s->now_ns);
    }
}

void oracle_session_stepped(struct sim *s, uint32_t session)
{
    struct sim_session *own = &s->sessions[session];
    struct core_session_view view;
    if (!core_session_view(s->core, session, &view)) {
        SIM_CHECK(s, !own->live || calls_of(s, session) > 0);
        own->closing = own->live;
        return;
    }
    SIM_CHECK(s, own->live && !own->closing);
    bool is_his = s->event.kind == CORE_SUBMIT && s->event.session == session;
    bool twice = view.calls < own->view.calls || is_his || s->event.kind == CORE_SESSION_DURABLE;
    SIM_CHECK(s, is_legal(own->view.state, view.state, twice));
    SIM_CHECK(s, view.connections == own->connections);
    SIM_CHECK(s, view.calls == calls_of(s, session));
    if (view.state != CORE_DISCONNECTED) {
        own->window_ns = CORE_NEVER;
        own->sleep_ns = CORE_NEVER;
    } else if (own->view.state != CORE_DISCONNECTED ||
               (is_his && view.last_seen_wall_ns != own->view.last_seen_wall_ns)) {
        /* Its last call has ended, perhaps one that began in this very step. */
        own->window_ns = s->now_ns + s->limits.resume_ns;
        own->sleep_ns = s->now_ns + s->limits.sleep_ns;
    }
    own->view = view;
}

/* With all due work done, the state is what connections, calls and clocks say. */
void oracle_session_settled(struct sim *s, uint32_t session)
{
    const struct sim_session *own = &s->sessions[session];
    bool connected = own->connections > 0 || own->touched_ns > s->now_ns;
    bool idle_over =
        own->connections > 0 && own->active_ns + s->limits.idle_ns <= s->now_ns;
    bool calls = own->view.calls > 0;
    if (!own->live || own->closing) {
        return;
    }
    SIM_CHECK(s, s->now_ns < own->old_ns && s->now_ns < own->window_ns);
    SIM_CHECK(s, own->body != SIM_BODY_HERE || s->now_ns < own->sleep_ns);
    SIM_CHECK(s, own->body != SIM_BODY_ASLEEP || own->view.state == CORE_DISCONNECTED);
    SIM_CHECK(s, own->body != SIM_BODY_LOST);
    SIM_CHECK(s, !connected || idle_over || !own->saved_gone);
    SIM_CHECK(s, memcmp(&own->saved, &own->view.context, sizeof(own->saved)) == 0);
    switch (own->view.state) {
    case CORE_CONNECTING:
        break;
    case CORE_CONNECTED:
    case CORE_IDLE:
        SIM_CHECK(s, connected && !calls && !idle_over);
        break;
    case CORE_ACTIVE:
        SIM_CHECK(s, connected && calls);
        break;
    case CORE_DISCONNECTING:
        SIM_CHECK(s, !connected && calls);
        break;
    case CORE_DISCONNECTED:
        SIM_CHECK(s, !calls && (!connected || idle_over));
        break;
    case CORE_EXPIRED:
        SIM_CHECK(s, false);
    }
}

void oracle_session_event(struct sim *s, const struct core_event *e)
{
    struct sim_session *own = &s->sessions[e->session];
    own->connections += e->kind == CORE_SESSION_ATTACH;
    own->connections -= e->kind == CORE_SESSION_DETACH;
    own->closed = own->closed || e->kind == CORE_SESSION_CLOSE;
    if (e->kind == CORE_SESSION_BODY && own->body == SIM_BODY_LOADING) {
        own->body = e->reason == CORE_OK ? SIM_BODY_HERE : SIM_BODY_LOST;
    }
    if (e->kind == CORE_SESSION_TOUCH) {
        own->touched_ns = s->now_ns + s->limits.touch_ns;
    }
    bool is_used = e->kind == CORE_SESSION_SEEN && own->connections > 0;
    if (is_used || e->kind == CORE_SESSION_TOUCH || e->kind == CORE_SESSION_ATTACH) {
        own->active_ns = s->now_ns;
    }
}

bool oracle_session_ends(const struct sim *s, uint32_t session)
{
    return session != CORE_NONE && s->sessions[session].live &&
           (s->sessions[session].closed || s->sessions[session].old_ns <= s->now_ns ||
               s->sessions[session].body == SIM_BODY_LOST);
}

bool oracle_session_holds(const struct sim *s, uint32_t session)
{
    return session != CORE_NONE && s->sessions[session].body != SIM_BODY_HERE;
}
