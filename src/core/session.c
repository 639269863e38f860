// SPDX-License-Identifier: Apache-2.0
/* Sessions: one table of legal moves, one deadline each. */
#include "core/state.h"

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} moves[] = {
    [CORE_CONNECTING] = {"connecting",
        TO(CORE_CONNECTED) | TO(CORE_DISCONNECTED) | TO(CORE_EXPIRED)},
    [CORE_CONNECTED] = {"connected",
        TO(CORE_ACTIVE) | TO(CORE_DISCONNECTING) | TO(CORE_DISCONNECTED) | TO(CORE_EXPIRED)},
    [CORE_ACTIVE] = {"active", TO(CORE_IDLE) | TO(CORE_DISCONNECTING) | TO(CORE_EXPIRED)},
    [CORE_IDLE] = {"idle",
        TO(CORE_ACTIVE) | TO(CORE_DISCONNECTING) | TO(CORE_DISCONNECTED) | TO(CORE_EXPIRED)},
    [CORE_DISCONNECTING] = {"disconnecting",
        TO(CORE_ACTIVE) | TO(CORE_DISCONNECTED) | TO(CORE_EXPIRED)},
    [CORE_DISCONNECTED] = {"disconnected",
        TO(CORE_CONNECTED) | TO(CORE_ACTIVE) | TO(CORE_DISCONNECTING) | TO(CORE_EXPIRED)},
    [CORE_EXPIRED] = {"expired", 0},
};

const char *core_session_state_name(enum core_session_state state)
{
    return moves[state].name;
}

/* Who becomes disconnected has its window already. */
static void session_move(struct core *core, uint32_t session, enum core_session_state next)
{
    struct session *s = &core->sessions[session];
    if (s->state == next) {
        return;
    }
    ASSERT(moves[s->state].next & TO(next));
    if (s->state == CORE_DISCONNECTED) {
        group_back(core, session);
    }
    s->state = (uint8_t)next;
    if (next == CORE_DISCONNECTED) {
        group_away(core, session);
    }
}

static bool is_connected(const struct core *core, const struct session *s)
{
    return s->connections > 0 || s->touched_ns > core->now_ns;
}

static uint64_t add_ns(uint64_t at_ns, uint64_t ns)
{
    return ns > CORE_NEVER - at_ns ? CORE_NEVER : at_ns + ns;
}

/* The next moment at which this session changes by itself. Work in flight is never idle. */
static void session_rearm(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    uint64_t at_ns = s->expire_ns;
    uint64_t other_ns = CORE_NEVER;
    if (s->end_reason != CORE_OK) {
        at_ns = CORE_NEVER; /* ends with its last call */
    } else if (s->calls > 0 || s->state == CORE_CONNECTING) {
        other_ns = s->state == CORE_ACTIVE && s->connections == 0 ? s->touched_ns : CORE_NEVER;
    } else if (s->state == CORE_DISCONNECTED) {
        uint64_t sleep_ns = add_ns(s->active_ns, core->limits.sleep_ns);
        other_ns = s->body == BODY_HERE && sleep_ns < s->resume_until_ns ? sleep_ns
                                                                         : s->resume_until_ns;
    } else if (s->connections > 0) {
        other_ns = add_ns(s->active_ns, core->limits.idle_ns);
    } else {
        other_ns = s->touched_ns;
    }
    deadline_arm(core, &s->deadline, at_ns < other_ns ? at_ns : other_ns);
}

static void session_save(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    struct core_action *a = act(core, CORE_SAVE);
    a->session = session;
    a->state = (enum core_session_state)s->state;
    a->context = s->context;
}

static bool is_full(const struct core *core)
{
    return core->everyone.count == core->limits.sessions;
}

static uint32_t session_new(struct core *core, const struct core_event *event)
{
    uint32_t session = core->free_session;
    ASSERT(!is_full(core));
    if (session != CORE_NONE) {
        core->free_session = core->sessions[session].next_free;
    } else {
        session = core->session_mark++;
    }
    core->sessions[session] = (struct session){
        .used = true,
        .deadline.owner = (uint32_t)OWNER_SESSION << OWNER_SHIFT | session,
        .principal = event->principal,
        .client = event->client,
        .context = event->context,
        .active_ns = core->now_ns,
        .body = BODY_HERE,
        .created_wall_ns = core->wall_ns,
        .last_seen_wall_ns = core->wall_ns,
        .expire_ns = CORE_NEVER,
        .first_ticket = CORE_NONE,
        .pin = CORE_NONE,
        .turn = CORE_NONE,
        .line_first = CORE_NONE,
        .line_last = CORE_NONE,
    };
    group_join(core, session);
    return session;
}

static void session_end(struct core *core, uint32_t session, enum core_reason reason)
{
    struct session *s = &core->sessions[session];
    ASSERT(s->calls == 0 && s->line_first == CORE_NONE);
    pin_session_gone(core, session, reason);
    pin_session_ends(core, session);
    struct core_action *a = act(core, CORE_SESSION_END);
    a->session = session;
    a->reason = reason;
    session_move(core, session, CORE_EXPIRED);
    deadline_arm(core, &s->deadline, CORE_NEVER);
    group_leave(core, session);
    s->used = false;
    s->next_free = core->free_session;
    core->free_session = session;
}

/* Ends at once, or as soon as its last call has ended. */
static void session_close(struct core *core, uint32_t session, enum core_reason reason)
{
    struct session *s = &core->sessions[session];
    if (s->end_reason != CORE_OK) {
        return;
    }
    if (s->calls == 0) {
        session_end(core, session, reason);
        return;
    }
    s->end_reason = (uint8_t)reason;
    group_ending(core, session);
    deadline_arm(core, &s->deadline, CORE_NEVER);
}

/*
 * May one more be opened? Then @ret_leaver is who goes for it, or NONE: the disconnected
 * session that was used longest ago, @heir only when there is no other.
 */
static enum core_reason make_room(
    struct core *core, uint32_t principal, uint32_t heir, uint32_t *ret_leaver)
{
    bool at_cap = group_count(core, principal) >= core->limits.principal_sessions;
    *ret_leaver = CORE_NONE;
    if (core->draining) {
        return CORE_DRAINING;
    }
    if (!at_cap && !is_full(core)) {
        return CORE_OK;
    }
    uint32_t oldest = group_oldest(core, at_cap ? principal : CORE_NONE, heir);
    *ret_leaver = oldest != CORE_NONE ? oldest : heir;
    return *ret_leaver == CORE_NONE ? CORE_TOO_MANY : CORE_OK;
}

void session_open(struct core *core, const struct core_event *event)
{
    uint32_t heir_of = group_newest(core, event->principal, event->client);
    uint32_t leaver;
    enum core_reason refusal = make_room(core, event->principal, heir_of, &leaver);
    if (refusal != CORE_OK) {
        struct core_action *a = act(core, CORE_REFUSED);
        a->user = event->user;
        a->reason = refusal;
        bool is_own = group_count(core, event->principal) >= core->limits.principal_sessions;
        a->scope = is_own ? CORE_SCOPE_PRINCIPAL : CORE_SCOPE_ALL;
        a->limit_max = is_own ? core->limits.principal_sessions : core->limits.sessions;
        return;
    }
    /* The heir's slot may be the only one there is: then it leaves nothing. */
    if (leaver == heir_of && is_full(core)) {
        heir_of = CORE_NONE;
    }
    if (leaver != CORE_NONE && leaver != heir_of) {
        session_end(core, leaver, CORE_TOO_MANY);
    }
    uint32_t session = session_new(core, event);
    struct session *s = &core->sessions[session];
    if (heir_of != CORE_NONE) {
        s->context = core->sessions[heir_of].context;
    }
    if (core->limits.age_ns > 0) {
        s->expire_ns = add_ns(core->now_ns, core->limits.age_ns);
    }
    struct core_action *a = act(core, CORE_OPENED);
    a->user = event->user;
    a->session = session;
    a->heir_of = heir_of;
    a->context = s->context;
    if (leaver != CORE_NONE && leaver == heir_of) {
        session_end(core, leaver, CORE_TOO_MANY); /* now that it was inherited from */
    }
    session_rearm(core, session);
}

void session_load(struct core *core, const struct core_event *event)
{
    struct core_action *a;
    /* More were stored than may be: the newer ones, which come later, have the room. */
    uint32_t oldest = is_full(core) ? group_oldest(core, CORE_NONE, CORE_NONE) : CORE_NONE;
    if (oldest != CORE_NONE) {
        session_end(core, oldest, CORE_TOO_MANY);
    }
    if (is_full(core)) {
        a = act(core, CORE_REFUSED);
        a->user = event->user;
        a->reason = CORE_TOO_MANY;
        return;
    }
    uint32_t session = session_new(core, event);
    struct session *s = &core->sessions[session];
    /* Wall times of another life: a clock that was set may not make them lie ahead. */
    uint64_t seen_ns = event->last_seen_wall_ns < core->wall_ns ? event->last_seen_wall_ns
                                                                : core->wall_ns;
    uint64_t away_ns = core->wall_ns - seen_ns;
    uint64_t age_ns =
        event->created_wall_ns < core->wall_ns ? core->wall_ns - event->created_wall_ns : 0;
    s->body = BODY_ASLEEP;
    /* What it spent of its rate is not stored: all of it. */
    s->tat_ns = core->now_ns + core->limits.rate_session.burst * core->limits.rate_session.interval_ns;
    s->created_wall_ns = event->created_wall_ns;
    s->last_seen_wall_ns = seen_ns;
    s->active_ns = away_ns < core->now_ns ? core->now_ns - away_ns : 0;
    if (core->limits.age_ns > 0) {
        s->expire_ns = age_ns < core->limits.age_ns
                           ? add_ns(core->now_ns, core->limits.age_ns - age_ns)
                           : core->now_ns;
    }
    a = act(core, CORE_OPENED);
    a->user = event->user;
    a->session = session;
    a->heir_of = CORE_NONE;
    a->context = s->context;
    /* It may be away for longer than the boot clock has run: what is left counts. */
    uint64_t left_ns = away_ns < core->limits.resume_ns ? core->limits.resume_ns - away_ns : 0;
    s->resume_until_ns = add_ns(core->now_ns, left_ns);
    session_move(core, session, CORE_DISCONNECTED);
    session_rearm(core, session);
}

bool session_is_awake(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    if (s->body == BODY_ASLEEP) {
        s->body = BODY_LOADING;
        act(core, CORE_LOAD)->session = session;
    }
    return s->body == BODY_HERE;
}

/* Its calls go on, oldest first; without a body there is no session. */
static void body_came(struct core *core, const struct core_event *event)
{
    struct session *s = &core->sessions[event->session];
    if (s->body != BODY_LOADING) {
        return;
    }
    if (event->reason != CORE_OK) {
        session_close(core, event->session, CORE_NO_SESSION);
        return;
    }
    s->body = BODY_HERE;
    uint32_t oldest = s->first_ticket;
    while (oldest != CORE_NONE && core->tickets[oldest].session_next != CORE_NONE) {
        oldest = core->tickets[oldest].session_next;
    }
    for (uint32_t t = oldest; t != CORE_NONE; t = core->tickets[t].session_prev) {
        ticket_wake(core, t);
    }
}

static void disconnect(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    s->active_ns = core->now_ns; /* the resume window begins */
    s->resume_until_ns = add_ns(core->now_ns, core->limits.resume_ns);
    session_move(core, session, CORE_DISCONNECTED);
}

static void come_back(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    s->active_ns = core->now_ns;
    s->last_seen_wall_ns = core->wall_ns;
    if (s->state == CORE_DISCONNECTED) {
        session_move(core, session, CORE_CONNECTED);
        session_save(core, session);
    } else if (s->state == CORE_DISCONNECTING) {
        session_move(core, session, CORE_ACTIVE);
        session_save(core, session); /* its row may say disconnected */
    }
}

static void leave(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    if (is_connected(core, s) || s->state == CORE_CONNECTING) {
        return;
    }
    if (s->calls > 0) {
        session_move(core, session, CORE_DISCONNECTING);
    } else if (s->state != CORE_DISCONNECTED) {
        disconnect(core, session);
        session_save(core, session);
    }
}

/* Calls need not wait for this: they may have come before. */
static void made_durable(struct core *core, uint32_t session)
{
    const struct session *s = &core->sessions[session];
    bool connected = is_connected(core, s);
    if (!connected && s->calls == 0) {
        disconnect(core, session);
        return;
    }
    session_move(core, session, CORE_CONNECTED);
    if (s->calls > 0) {
        session_move(core, session, connected ? CORE_ACTIVE : CORE_DISCONNECTING);
    }
}

/* It waits for its last call. Streams come and go meanwhile; nothing else counts. */
static void ending_event(struct session *s, enum core_event_kind kind)
{
    ASSERT(kind != CORE_SESSION_DETACH || s->connections > 0);
    s->connections += kind == CORE_SESSION_ATTACH;
    s->connections -= kind == CORE_SESSION_DETACH;
}

void session_event(struct core *core, const struct core_event *event)
{
    uint32_t session = event->session;
    ASSERT(session < core->limits.sessions && core->sessions[session].used);
    struct session *s = &core->sessions[session];
    if (s->end_reason != CORE_OK) {
        ending_event(s, event->kind);
        return;
    }
    switch (event->kind) {
    case CORE_SESSION_DURABLE:
        made_durable(core, session);
        break;
    case CORE_SESSION_BODY:
        body_came(core, event);
        break;
    case CORE_SESSION_ATTACH:
        s->connections++;
        (void)session_is_awake(core, session);
        come_back(core, session);
        break;
    case CORE_SESSION_DETACH:
        ASSERT(s->connections > 0);
        s->connections--;
        leave(core, session);
        break;
    case CORE_SESSION_TOUCH:
        s->touched_ns = core->now_ns + core->limits.touch_ns;
        (void)session_is_awake(core, session);
        come_back(core, session);
        break;
    case CORE_SESSION_SEEN:
        if (s->connections > 0) {
            (void)session_is_awake(core, session);
            come_back(core, session);
        }
        break;
    case CORE_SESSION_CONTEXT:
        s->context = event->context;
        session_save(core, session);
        break;
    case CORE_SESSION_CLOSE:
        session_close(core, session, CORE_CLOSED);
        return;
    default:
        UNREACHABLE();
    }
    if (s->used && s->end_reason == CORE_OK) {
        session_rearm(core, session);
    }
}

void session_call_begun(struct core *core, uint32_t session, uint32_t ticket)
{
    struct session *s = &core->sessions[session];
    struct ticket *t = &core->tickets[ticket];
    t->session_prev = CORE_NONE;
    t->session_next = s->first_ticket;
    if (s->first_ticket != CORE_NONE) {
        core->tickets[s->first_ticket].session_prev = ticket;
    }
    s->first_ticket = ticket;
    s->calls++;
    s->last_seen_wall_ns = core->wall_ns;
    if (s->state == CORE_CONNECTING) {
        return;
    }
    bool comes_back = s->state == CORE_DISCONNECTED && is_connected(core, s);
    session_move(core, session, is_connected(core, s) ? CORE_ACTIVE : CORE_DISCONNECTING);
    if (comes_back) {
        session_save(core, session);
    }
    session_rearm(core, session);
}

void session_call_ended(struct core *core, uint32_t session, uint32_t ticket)
{
    struct session *s = &core->sessions[session];
    struct ticket *t = &core->tickets[ticket];
    if (t->session_prev != CORE_NONE) {
        core->tickets[t->session_prev].session_next = t->session_next;
    } else {
        s->first_ticket = t->session_next;
    }
    if (t->session_next != CORE_NONE) {
        core->tickets[t->session_next].session_prev = t->session_prev;
    }
    ASSERT(s->calls > 0);
    s->calls--;
    s->active_ns = core->now_ns;
    s->last_seen_wall_ns = core->wall_ns;
    if (s->calls > 0) {
        return;
    }
    if (s->end_reason != CORE_OK) {
        group_ended(core, session);
        session_end(core, session, (enum core_reason)s->end_reason);
        return;
    }
    if (s->state == CORE_ACTIVE) {
        session_move(core, session, CORE_IDLE);
    }
    leave(core, session);
    session_rearm(core, session);
}

void session_due(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    if (s->expire_ns <= core->now_ns) {
        session_close(core, session, CORE_AGE_LIMIT);
        return;
    }
    if (s->state == CORE_DISCONNECTED && s->resume_until_ns <= core->now_ns) {
        session_end(core, session, CORE_IDLE_LIMIT);
        return;
    }
    if (s->state == CORE_DISCONNECTED) {
        pin_session_gone(core, session, CORE_NO_SESSION);
        s->body = BODY_ASLEEP;
        act(core, CORE_UNLOAD)->session = session;
        session_rearm(core, session);
        return;
    }
    /* Idle for too long although a stream is open: as if it had gone. */
    if (s->calls == 0 && s->connections > 0 &&
        add_ns(s->active_ns, core->limits.idle_ns) <= core->now_ns) {
        disconnect(core, session);
        session_save(core, session);
    } else {
        leave(core, session);
    }
    session_rearm(core, session);
}

bool core_session_view(const struct core *core, uint32_t session, struct core_session_view *ret)
{
    if (session >= core->limits.sessions || !core->sessions[session].used ||
        core->sessions[session].end_reason != CORE_OK) {
        return false;
    }
    const struct session *s = &core->sessions[session];
    *ret = (struct core_session_view){
        .state = (enum core_session_state)s->state,
        .principal = s->principal,
        .client = s->client,
        .context = s->context,
        .connections = s->connections,
        .calls = s->calls,
        .is_pinned = s->pin != CORE_NONE,
        .created_wall_ns = s->created_wall_ns,
        .last_seen_wall_ns = s->last_seen_wall_ns,
    };
    return true;
}
