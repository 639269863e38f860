// SPDX-License-Identifier: Apache-2.0
/* The core's two sides: events go in one after the other, actions are carried out in order. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inside.h"

enum { EVENTS_MAX = 1 << 20, EVENTS_KEPT = 4096 };

void put_event(struct daemon *d, const struct core_event *event)
{
    if (d->event_len == d->event_cap) {
        size_t cap = d->event_cap > 0 ? d->event_cap * 2 : 64;
        struct core_event *events = realloc(d->events, cap * sizeof(*events));
        ASSERT(events && cap <= EVENTS_MAX); /* without its events the core cannot go on */
        d->events = events;
        d->event_cap = cap;
    }
    d->events[d->event_len++] = *event;
}

void core_event_for_call(struct daemon *d, enum core_event_kind kind, const struct call *call,
    enum core_reason reason)
{
    struct core_event event = {.kind = kind, .reason = reason, .ticket = call->ticket};
    if (call->conn != CORE_NONE) {
        event.conn = call->conn;
        event.generation = d->leases[call->conn].generation;
    }
    if (kind == CORE_DONE) {
        event.clean = !call->context_unknown;
        event.pins = d->leases[call->conn].holds != 0;
        event.moved = call->context_moved;
        event.rows = call->rows;
        event.bytes = call->tool.out.len;
        memcpy(event.context.part, d->leases[call->conn].context, sizeof(event.context.part));
    }
    put_event(d, &event);
}

static void on_worker_action(struct daemon *d, const struct core_action *a)
{
    if (a->kind == CORE_SPAWN) {
        d->metrics.workers_started++;
        lease_spawn(d, a);
    } else {
        log_event(LOG_INFO, "worker_killed", "worker=%u generation=%u", a->worker, a->generation);
        backend_kill(d->backend, a->worker, a->generation);
    }
}

static void on_action(struct daemon *d, const struct core_action *a)
{
    switch (a->kind) {
    case CORE_OPENED:
        sessions_opened(d, a);
        break;
    case CORE_REFUSED:
        sessions_refused(d, a);
        break;
    case CORE_SESSION_END:
        sessions_ended(d, a);
        break;
    case CORE_SAVE:
        session_saved(d->sessions[a->session], a->state);
        break;
    case CORE_LOAD:
        sessions_wake(d->sessions[a->session]);
        break;
    case CORE_UNLOAD:
        sessions_sleep(d->sessions[a->session]);
        break;
    case CORE_SPAWN:
    case CORE_KILL:
        on_worker_action(d, a);
        break;
    case CORE_CONNECT:
        lease_connect(d, a);
        break;
    case CORE_DISCONNECT:
        lease_disconnect(d, a);
        break;
    case CORE_SIGN_IN:
        logins_open_browser(d, a);
        break;
    case CORE_START:
        lease_start(d, a);
        break;
    case CORE_INTERRUPT:
        if (d->tickets[a->ticket]->exec > 0) {
            backend_cancel(d->backend, a->conn, a->generation, d->tickets[a->ticket]->exec);
        }
        break;
    case CORE_HOLD:
        symbol_hold(d->symbols, (uint32_t)a->user);
        break;
    case CORE_RELEASE:
        symbol_release(d->symbols, (uint32_t)a->user);
        break;
    case CORE_SAVE_ACCOUNT:
        limits_save(d, a->account);
        break;
    case CORE_UNPIN:
        sessions_unpinned(d, a);
        break;
    case CORE_GRANT:
        grant_given(d, a);
        break;
    case CORE_GRACE:
        call_grace(d->tickets[a->ticket]);
        break;
    case CORE_END:
        call_ended(d->tickets[a->ticket], a);
        break;
    }
}

/*
 * A session may have ended while news of it waited in the queue, and its number may be
 * another's by now. A call of it is then told that it has no session.
 */
static bool is_late(const struct daemon *d, struct core_event *event)
{
    bool is_of_session = event->kind >= CORE_SESSION_BODY && event->kind <= CORE_SESSION_CLOSE;
    bool is_call = event->kind == CORE_SUBMIT && event->session != CORE_NONE;
    if (!is_of_session && !is_call) {
        return false;
    }
    const struct session *s = d->sessions[event->session];
    if (s && s->life == event->user) {
        return false;
    }
    event->session = d->limits.sessions;
    return is_of_session;
}

static void step(struct daemon *d, struct core_event *event)
{
    struct core_actions actions;
    if (is_late(d, event)) {
        return;
    }
    event->boot_ns = clock_boot_ns();
    event->wall_ns = clock_wall_ns();
    core_step(d->core, event, &actions);
    for (uint32_t i = 0; i < actions.len; i++) {
        on_action(d, &actions.at[i]);
    }
    if (event->kind == CORE_ACCOUNT_LOAD) { /* the core has those held that it keeps */
        symbol_release(d->symbols, event->principal);
        symbol_release(d->symbols, event->client);
    }
}

static bool next_event(struct daemon *d, struct core_event *ret)
{
    if (d->event_head == d->event_len) {
        d->event_head = d->event_len = 0;
        if (d->event_cap > EVENTS_KEPT) { /* of the start, when every session was one */
            free(d->events);
            d->events = NULL;
            d->event_cap = 0;
        }
        *ret = (struct core_event){.kind = CORE_TICK};
        return core_deadline(d->core) <= clock_boot_ns();
    }
    *ret = d->events[d->event_head++];
    return true;
}

void work(struct daemon *d)
{
    struct core_event event;
    struct list *node;
    if (d->is_working) {
        return; /* whoever is at it sees what was queued */
    }
    d->is_working = true;
    for (;;) {
        if (next_event(d, &event)) {
            step(d, &event);
        } else if ((node = list_first(&d->ready))) {
            struct call *call = CONTAINER_OF(node, struct call, ready);
            list_remove(node);
            if (call->is_known) {
                known_tell(call);
            } else {
                call_move(call, call->tool.tool->done(&call->tool, &call->done));
            }
        } else {
            break;
        }
    }
    d->is_working = false;
    uint64_t due_ns = core_deadline(d->core);
    daemon_arm(d, due_ns < d->wait_ns ? due_ns : d->wait_ns);
}
