// SPDX-License-Identifier: Apache-2.0
/*
 * What must hold of every session in the long world, where an event touched it:
 *   state     what it is follows from connections, calls and clocks
 *   in time   idle limit, resume window, sleep and age: to the limit
 *   reasons   it ends once, without calls, with a reason that fits its life
 *   heritage  context comes from the newest disconnected session of the client key
 *   restarts  a loaded one is who it was, with what was left of its times
 */
#include "day.h"

#include <string.h>

void day_session_clear(struct day_session *own)
{
    *own = (struct day_session){.owner = CORE_NONE, .first_ticket = CORE_NONE};
    due_init(&own->due);
    due_init(&own->touch);
    due_init(&own->sleep);
    due_init(&own->age);
    due_init(&own->away);
}

static void clear_times(struct day_session *own)
{
    due_clear(&own->due);
    due_clear(&own->touch);
    due_clear(&own->sleep);
    due_clear(&own->age);
    due_clear(&own->away);
}

void day_session_touch(struct day *d, uint32_t session)
{
    struct day_session *own = &d->sessions[session];
    if (own->touched_by != d->number) {
        DAY_CHECK(d, d->touched_len < 2 * d->sessions_len);
        own->touched_by = d->number;
        d->touched[d->touched_len++] = session;
    }
}

bool day_session_ends(const struct day *d, uint32_t session)
{
    const struct day_session *own = session == CORE_NONE ? NULL : &d->sessions[session];
    return own && own->life > 0 &&
           (own->closed || own->old_ns <= d->now_ns || own->body == DAY_LOST);
}

void day_session_event(struct day *d, const struct core_event *e)
{
    struct day_session *own = &d->sessions[e->session];
    DAY_CHECK(d, own->life > 0);
    day_session_touch(d, e->session);
    own->connections += e->kind == CORE_SESSION_ATTACH;
    own->connections -= e->kind == CORE_SESSION_DETACH;
    own->durable = own->durable || e->kind == CORE_SESSION_DURABLE;
    if (own->closing) {
        return;
    }
    own->closed = own->closed || e->kind == CORE_SESSION_CLOSE;
    if (e->kind == CORE_SESSION_BODY && own->body == DAY_LOADING) {
        own->body = e->reason == CORE_OK ? DAY_HERE : DAY_LOST;
        bool is_away = own->state == CORE_DISCONNECTED && own->body == DAY_HERE;
        uint64_t since_ns = is_away ? own->due.at_ns - d->limits.resume_ns : 0;
        due_set(&d->sleeps, &own->sleep,
            is_away ? since_ns + d->limits.sleep_ns : CORE_NEVER);
    }
    if (e->kind == CORE_SESSION_TOUCH) {
        own->touched_ns = d->now_ns + d->limits.touch_ns;
        due_set(&d->touches, &own->touch, own->touched_ns);
    }
    if (e->kind == CORE_SESSION_TOUCH || e->kind == CORE_SESSION_ATTACH) {
        own->active_ns = d->now_ns;
    }
}

/* ---- it comes ---- */

static void check_heritage(struct day *d, const struct core_action *a, uint32_t key)
{
    if (a->heir_of == CORE_NONE) {
        /* Its slot may have been the only one to be had. */
        DAY_CHECK(
            d, d->heir_window_ns == CORE_NEVER || d->live == d->limits.sessions - 1);
        return;
    }
    const struct day_session *heir = &d->sessions[a->heir_of];
    DAY_CHECK(d, heir->life > 0 && heir->key == key && heir->state == CORE_DISCONNECTED);
    DAY_CHECK(d, heir->due.at_ns == d->heir_window_ns);
    DAY_CHECK(d, memcmp(&heir->context, &a->context, sizeof(a->context)) == 0);
    d->result.inherited++;
}

/* Wall times of another life; a clock that was set makes nothing lie ahead. */
static void take_times(struct day *d, struct day_session *own)
{
    const struct core_event *e = &d->event;
    uint64_t away_ns =
        e->last_seen_wall_ns < e->wall_ns ? e->wall_ns - e->last_seen_wall_ns : 0;
    uint64_t age_ns =
        e->created_wall_ns < e->wall_ns ? e->wall_ns - e->created_wall_ns : 0;
    uint64_t left_ns = away_ns < d->limits.resume_ns ? d->limits.resume_ns - away_ns : 0;
    uint64_t age_left_ns = age_ns < d->limits.age_ns ? d->limits.age_ns - age_ns : 0;
    own->created_wall_ns = e->created_wall_ns;
    own->old_ns = d->now_ns + age_left_ns;
    due_set(&d->aways, &own->due, d->now_ns + left_ns);
    due_set(&d->keys[own->key].away, &own->away, d->now_ns + left_ns);
}

void day_session_opened(struct day *d, const struct core_action *a)
{
    const struct core_event *e = &d->event;
    struct day_session *own = &d->sessions[a->session];
    bool is_load = e->kind == CORE_SESSION_LOAD;
    uint32_t key = e->client - d->principals_len - 1;
    DAY_CHECK(
        d, a->session < d->limits.sessions && own->life == 0 && d->opened == CORE_NONE);
    DAY_CHECK(d, is_load ? d->loading : e->kind == CORE_SESSION_OPEN && !d->draining);
    DAY_CHECK(d, d->live < d->limits.sessions && a->user == e->user);
    if (is_load) {
        DAY_CHECK(d, memcmp(&a->context, &e->context, sizeof(a->context)) == 0);
    } else {
        check_heritage(d, a, key);
    }
    day_session_clear(own);
    own->life = ++d->lives;
    own->key = key;
    own->owner = is_load ? CORE_NONE : (uint32_t)e->user - 1;
    own->durable = is_load;
    own->saved_gone = is_load;
    own->body = is_load ? DAY_ASLEEP : DAY_HERE;
    own->state = is_load ? CORE_DISCONNECTED : CORE_CONNECTING;
    own->context = a->context;
    own->created_wall_ns = e->wall_ns;
    own->active_ns = is_load ? 0 : d->now_ns;
    own->old_ns = d->now_ns + d->limits.age_ns;
    if (is_load) {
        take_times(d, own);
    }
    due_set(&d->ages, &own->age, is_load ? CORE_NEVER : own->old_ns);
    d->live++;
    d->principals[e->principal].sessions++;
    d->opened = a->session;
    d->result.opened += !is_load;
    d->result.loaded += is_load;
    day_session_touch(d, a->session);
}

/* ---- what is said of it ---- */

void day_session_saved(struct day *d, const struct core_action *a)
{
    struct day_session *own = &d->sessions[a->session];
    DAY_CHECK(d, own->life > 0 && !own->closing);
    bool is_new = d->event.kind == CORE_SESSION_CONTEXT && d->event.session == a->session;
    const struct core_context *right = is_new ? &d->event.context : &own->context;
    DAY_CHECK(d, memcmp(&a->context, right, sizeof(*right)) == 0);
    own->context = a->context;
    own->saved_gone = a->state == CORE_DISCONNECTED;
    day_session_touch(d, a->session);
}

void day_session_body(struct day *d, const struct core_action *a)
{
    struct day_session *own = &d->sessions[a->session];
    DAY_CHECK(d, own->life > 0);
    if (a->kind == CORE_LOAD) {
        DAY_CHECK(d, own->body == DAY_ASLEEP && d->event.session == a->session);
        own->body = DAY_LOADING;
        return;
    }
    DAY_CHECK(d, own->body == DAY_HERE && own->state == CORE_DISCONNECTED);
    DAY_CHECK(d, own->sleep.at_ns <= d->now_ns && own->calls == 0);
    own->body = DAY_ASLEEP;
    due_clear(&own->sleep);
}

/* For a newcomer the one goes that is away longest, his own heir last. */
static bool makes_room(struct day *d, const struct day_session *own)
{
    const struct core_event *e = &d->event;
    struct list *first = d->aways.next;
    if (e->kind != CORE_SESSION_OPEN || own->state != CORE_DISCONNECTED) {
        return false;
    }
    if (d->principals[e->principal].sessions >= d->limits.principal_sessions) {
        return d->keys[own->key].principal == e->principal;
    }
    const struct day_session *s = CONTAINER_OF(first, struct day_session, due.node);
    bool is_heir = s->key == e->client - d->principals_len - 1;
    first = is_heir && s != own && first->next != &d->aways ? first->next : first;
    return d->live == d->limits.sessions &&
           own->due.at_ns <= CONTAINER_OF(first, struct due, node)->at_ns;
}

void day_session_ended(struct day *d, const struct core_action *a)
{
    struct day_session *own = &d->sessions[a->session];
    bool is_gone = own->state == CORE_DISCONNECTED && own->due.at_ns <= d->now_ns;
    DAY_CHECK(d, own->life > 0 && own->calls == 0);
    switch (a->reason) {
    case CORE_CLOSED:
        DAY_CHECK(d, own->closed);
        break;
    case CORE_NO_SESSION:
        DAY_CHECK(d, own->body == DAY_LOST);
        break;
    case CORE_AGE_LIMIT:
        DAY_CHECK(d, own->old_ns <= d->now_ns);
        break;
    case CORE_TOO_MANY:
        DAY_CHECK(d, d->opened != CORE_NONE || makes_room(d, own));
        break;
    default:
        DAY_CHECK(d, a->reason == CORE_IDLE_LIMIT && is_gone);
    }
    d->live--;
    d->principals[d->keys[own->key].principal].sessions--;
    d->result.session_ended[a->reason]++;
    clear_times(own);
    day_session_clear(own);
}

/* ---- what it is ---- */

/* It ends with its last call: all of them are being stopped. */
static void close_down(struct day *d, uint32_t session)
{
    struct day_session *own = &d->sessions[session];
    DAY_CHECK(d, own->calls > 0 && day_session_ends(d, session));
    for (uint32_t t = own->first_ticket; t != CORE_NONE; t = d->tickets[t].next) {
        DAY_CHECK(d, d->tickets[t].interrupted_ns > 0);
    }
    own->closing = true;
    clear_times(own);
}

static void check_state(struct day *d, const struct day_session *own, uint32_t calls)
{
    bool connected = own->connections > 0 || own->touched_ns > d->now_ns;
    bool idle_over =
        own->connections > 0 && own->active_ns + d->limits.idle_ns <= d->now_ns;
    DAY_CHECK(d, own->body != DAY_ASLEEP || own->state == CORE_DISCONNECTED);
    DAY_CHECK(d, own->body != DAY_LOST && !own->closed);
    DAY_CHECK(d, !connected || idle_over || !own->saved_gone);
    switch (own->state) {
    case CORE_CONNECTING:
        DAY_CHECK(d, !own->durable);
        break;
    case CORE_CONNECTED:
    case CORE_IDLE:
        DAY_CHECK(d, connected && calls == 0 && !idle_over);
        break;
    case CORE_ACTIVE:
        DAY_CHECK(d, connected && calls > 0);
        break;
    case CORE_DISCONNECTING:
        DAY_CHECK(d, !connected && calls > 0);
        break;
    case CORE_DISCONNECTED:
        DAY_CHECK(d, calls == 0 && (!connected || idle_over));
        break;
    case CORE_EXPIRED:
        DAY_CHECK(d, false);
    }
}

static void set_times(struct day *d, struct day_session *own, bool was_away)
{
    uint64_t window_ns = d->now_ns + d->limits.resume_ns;
    if (own->state == CORE_DISCONNECTED) {
        if (was_away && own->active_ns < d->now_ns) {
            return; /* its times stay */
        }
        due_set(&d->aways, &own->due, window_ns);
        due_set(&d->keys[own->key].away, &own->away, window_ns);
        due_set(&d->sleeps, &own->sleep,
            own->body == DAY_HERE ? d->now_ns + d->limits.sleep_ns : CORE_NEVER);
        return;
    }
    due_clear(&own->away);
    due_clear(&own->sleep);
    bool idles = own->connections > 0 && own->calls == 0 && own->state != CORE_CONNECTING;
    if (idles) {
        due_set(&d->idles, &own->due, own->active_ns + d->limits.idle_ns);
    } else {
        due_clear(&own->due);
    }
}

static void look(struct day *d, uint32_t session)
{
    struct day_session *own = &d->sessions[session];
    struct core_session_view view;
    bool is_there = core_session_view(d->core, session, &view);
    if (own->life == 0) {
        DAY_CHECK(d, !is_there);
        return;
    }
    if (!is_there) {
        close_down(d, session);
        return;
    }
    bool was_away = own->state == CORE_DISCONNECTED;
    DAY_CHECK(d, !own->closing && view.connections == own->connections);
    DAY_CHECK(
        d, view.calls == own->calls && view.created_wall_ns == own->created_wall_ns);
    DAY_CHECK(d, view.client == d->principals_len + 1 + own->key);
    DAY_CHECK(d, view.principal == d->keys[own->key].principal);
    DAY_CHECK(d, memcmp(&view.context, &own->context, sizeof(view.context)) == 0);
    own->state = view.state;
    own->seen_wall_ns = view.last_seen_wall_ns;
    check_state(d, own, view.calls);
    set_times(d, own, was_away);
}

void day_sessions_settled(struct day *d)
{
    for (uint32_t i = 0; i < d->touched_len; i++) {
        look(d, d->touched[i]);
    }
    while (due_first_ns(&d->touches) <= d->now_ns) { /* then something else holds it */
        struct day_session *own =
            CONTAINER_OF(d->touches.next, struct day_session, touch.node);
        bool is_kept = own->state == CORE_CONNECTED || own->state == CORE_IDLE;
        DAY_CHECK(d, !is_kept || own->connections > 0);
        due_clear(&own->touch);
    }
    while (due_first_ns(&d->ages) <= d->now_ns) { /* with calls, or it had ended */
        const struct day_session *own =
            CONTAINER_OF(d->ages.next, struct day_session, age.node);
        DAY_CHECK(d, own->calls > 0);
        close_down(d, (uint32_t)(own - d->sessions));
    }
    DAY_CHECK_DUE(d, &d->idles);
    DAY_CHECK_DUE(d, &d->aways);
    DAY_CHECK_DUE(d, &d->sleeps);
}
