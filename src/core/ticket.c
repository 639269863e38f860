// SPDX-License-Identifier: Apache-2.0
/* Tickets: a call's way from submission to its one end. */
#include "core/state.h"

static bool is_waiting(const struct ticket *t)
{
    return t->state == TICKET_QUEUED || t->state == TICKET_HELD;
}

void ticket_rearm(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    uint64_t at_ns = CORE_NEVER;
    if (!t->graced && core->limits.grace_ns > 0) {
        at_ns = t->arrived_ns + core->limits.grace_ns;
    }
    uint64_t end_ns = is_waiting(t) ? t->arrived_ns + core->limits.queue_ns : t->run_until_ns;
    if (!is_waiting(t) && t->end_reason != CORE_OK) {
        end_ns = CORE_NEVER; /* the connection's deadline ends it */
    }
    deadline_arm(core, &t->deadline, at_ns < end_ns ? at_ns : end_ns);
}

void ticket_end(struct core *core, uint32_t ticket, enum core_reason reason,
    enum core_scope scope, uint64_t retry_after_ns)
{
    struct ticket *t = &core->tickets[ticket];
    ASSERT(t->state != TICKET_FREE && t->flow == CORE_NONE);
    t->state = TICKET_FREE;
    deadline_arm(core, &t->deadline, CORE_NEVER);
    struct core_action *a = act(core, CORE_END);
    a->ticket = ticket;
    a->reason = reason;
    a->scope = scope;
    a->retry_after_ns = retry_after_ns;
    a->session = t->session;
    if (t->session != CORE_NONE) {
        session_call_ended(core, t->session, ticket);
    }
}

static enum core_reason refusal_of(struct core *core, const struct core_event *event,
    enum core_scope *ret_scope, uint64_t *ret_retry_ns)
{
    if (core->draining) {
        return CORE_DRAINING;
    }
    if (event->session != CORE_NONE &&
        (event->session >= core->limits.sessions || !core->sessions[event->session].used ||
            core->sessions[event->session].end_reason != CORE_OK)) {
        return CORE_NO_SESSION;
    }
    if (pool_unavailable(core, event->profile, ret_retry_ns)) {
        return CORE_UNAVAILABLE;
    }
    bool is_held = event->session != CORE_NONE && core->sessions[event->session].body != BODY_HERE;
    if ((is_held && core->sessions[event->session].calls >= core->limits.queue_client) ||
        !queue_admit(core, event, ret_scope)) {
        *ret_retry_ns = 1000000000; /* an estimate of the wait belongs to the scheduler */
        return CORE_QUEUE_FULL;
    }
    return CORE_OK;
}

void ticket_submit(struct core *core, const struct core_event *event)
{
    uint64_t retry_ns = 0;
    enum core_scope scope = CORE_SCOPE_ALL;
    ASSERT(event->ticket < core->limits.tickets && event->profile < core->limits.profiles);
    struct ticket *t = &core->tickets[event->ticket];
    ASSERT(t->state == TICKET_FREE);
    enum core_reason refusal = refusal_of(core, event, &scope, &retry_ns);
    if (refusal != CORE_OK) {
        struct core_action *a = act(core, CORE_END);
        a->ticket = event->ticket;
        a->session = event->session;
        a->reason = refusal;
        a->scope = scope;
        a->retry_after_ns = retry_ns;
        return;
    }
    struct deadline unarmed = t->deadline;
    ASSERT(unarmed.heap_at == 0);
    *t = (struct ticket){
        .deadline = unarmed,
        .arrived_ns = core->now_ns,
        .timeout_ns = event->timeout_ns,
        .run_until_ns = CORE_NEVER,
        .context = event->context,
        .session = event->session,
        .principal = event->principal,
        .client = event->client,
        .profile = event->profile,
        .conn = CORE_NONE,
        .flow = CORE_NONE,
    };
    if (t->session != CORE_NONE) {
        session_call_begun(core, t->session, event->ticket);
    }
    if (t->session == CORE_NONE || session_is_awake(core, t->session)) {
        queue_push(core, event->ticket, false);
    } else {
        t->state = TICKET_HELD;
        core->held_count++;
    }
    ticket_rearm(core, event->ticket);
}

void ticket_cancel(struct core *core, uint32_t ticket, enum core_reason reason)
{
    struct ticket *t = &core->tickets[ticket];
    switch ((enum ticket_state)t->state) {
    case TICKET_FREE:
        break; /* it ended while the cancel was on its way */
    case TICKET_HELD:
        core->held_count--;
        ticket_end(core, ticket, reason, CORE_SCOPE_CLIENT, 0);
        break;
    case TICKET_QUEUED:
        queue_remove(core, ticket);
        ticket_end(core, ticket, reason, CORE_SCOPE_CLIENT, 0);
        break;
    case TICKET_LEASED:
    case TICKET_RUNNING:
        if (t->end_reason == CORE_OK) {
            t->end_reason = (uint8_t)reason;
            pool_interrupt(core, ticket);
            ticket_rearm(core, ticket);
        }
        break;
    }
}

void ticket_due(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    if (is_waiting(t) && t->arrived_ns + core->limits.queue_ns <= core->now_ns) {
        ticket_cancel(core, ticket, CORE_QUEUE_TIMEOUT);
        return;
    }
    if (!is_waiting(t) && t->end_reason == CORE_OK &&
        t->run_until_ns <= core->now_ns) {
        ticket_cancel(core, ticket, CORE_TIMEOUT);
        return;
    }
    if (!t->graced && t->arrived_ns + core->limits.grace_ns <= core->now_ns) {
        t->graced = true;
        act(core, CORE_GRACE)->ticket = ticket;
    }
    ticket_rearm(core, ticket);
}
