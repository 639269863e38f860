// SPDX-License-Identifier: Apache-2.0
/* Tickets: a call's way from submission to its one end. */
#include "core/state.h"

static bool is_waiting(const struct ticket *t)
{
    return t->state == TICKET_QUEUED || t->state == TICKET_HELD || t->state == TICKET_LINED;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The engine time reserved for it ends then. */
static uint64_t chunk_end_ns(const struct ticket *t)
{
    return t->reserved_ms > 0 ? t->leased_ns + t->reserved_ms * 1000000 : CORE_NEVER;
}

/* The slot time charged for its lease is over then. */
static uint64_t charge_end_ns(const struct core *core, const struct ticket *t)
{
    const struct lease *lease = &core->conns[t->conn].lease;
    return lease->leased_ns + lease->charged_ns;
}

void ticket_rearm(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    uint64_t at_ns = CORE_NEVER;
    if (!t->graced && core->limits.grace_ns > 0) {
        at_ns = t->arrived_ns + core->limits.grace_ns;
    }
    if (is_waiting(t)) {
        at_ns = least(at_ns, t->queued_ns + core->limits.queue_ns);
    } else if (t->end_reason == CORE_OK) {
        /* Of an interrupted one the connection's deadline makes an end. */
        at_ns = least(at_ns, t->run_until_ns);
        at_ns = least(at_ns, chunk_end_ns(t));
        at_ns = least(at_ns, charge_end_ns(core, t));
    }
    deadline_arm(core, &t->deadline, at_ns);
}

struct core_action *ticket_end(struct core *core, uint32_t ticket, enum core_reason reason)
{
    struct ticket *t = &core->tickets[ticket];
    ASSERT(t->state != TICKET_FREE && t->node == CORE_NONE);
    t->state = TICKET_FREE;
    deadline_arm(core, &t->deadline, CORE_NEVER);
    struct core_action *a = act(core, CORE_END);
    a->ticket = ticket;
    a->reason = reason;
    a->session = t->session;
    core->logins[t->login].calls--;
    pin_ticket_ended(core, ticket);
    if (t->session != CORE_NONE) {
        session_call_ended(core, t->session, ticket);
    }
    return a;
}

bool has_session(const struct core *core, const struct core_event *event)
{
    if (event->session == CORE_NONE) {
        return !event->is_stateful;
    }
    return event->session < core->limits.sessions && core->sessions[event->session].used &&
           core->sessions[event->session].end_reason == CORE_OK;
}

/* Everything a call has to pass; what it costs is charged only when all say yes. */
static void admit(struct core *core, const struct core_event *event, uint32_t client,
    struct core_action *ret)
{
    uint32_t login = login_find(core, event->profile, event->principal);
    if (login != CORE_NONE) {
        ret->reason = login_refuses(core, login, &ret->retry_after_ns);
    }
    if (ret->reason != CORE_OK) {
        return;
    }
    if (!event->is_catalog && !event->is_charged && !quota_admit(core, client, ret)) {
        ret->retry_after_ns =
            ret->limit_held > 0 ? sched_mean_ns(core, event->profile, event->priority) : 0;
        return;
    }
    if (!sched_admit(core, client, ret)) {
        ret->retry_after_ns = sched_retry_ns(core, event, client, ret->scope);
        return;
    }
    if (!event->is_charged && !limit_admit(core, event, client, ret)) {
        ret->reason = CORE_RATE_LIMITED;
    }
}

/* The account that pays; NONE with the reason in @ret. */
static uint32_t find_account(
    struct core *core, const struct core_event *event, struct core_action *ret)
{
    if (core->draining) {
        ret->reason = CORE_DRAINING;
        return CORE_NONE;
    }
    if (!has_session(core, event)) {
        ret->reason = CORE_NO_SESSION;
        return CORE_NONE;
    }
    if (pin_is_elsewhere(core, event)) {
        ret->reason = CORE_ELSEWHERE;
        return CORE_NONE;
    }
    uint32_t client = account_get(core, event->principal, event->client);
    if (client == CORE_NONE) {
        ret->reason = CORE_TOO_MANY;
        return CORE_NONE;
    }
    admit(core, event, client, ret);
    return ret->reason == CORE_OK ? client : CORE_NONE;
}

static void ticket_init(struct core *core, const struct core_event *event, uint32_t client)
{
    struct ticket *t = &core->tickets[event->ticket];
    ASSERT(t->deadline.heap_at == 0);
    *t = (struct ticket){
        .deadline.owner = (uint32_t)OWNER_TICKET << OWNER_SHIFT | event->ticket,
        .arrived_ns = core->now_ns,
        .queued_ns = core->now_ns,
        .timeout_ns = event->timeout_ns,
        .run_until_ns = CORE_NEVER,
        .context = event->context,
        .session = event->session,
        .principal = event->principal,
        .client = event->client,
        .profile = event->profile,
        .login = login_get(core, event->profile, event->principal),
        .account = client,
        .conn = CORE_NONE,
        .node = CORE_NONE,
        .principal_weight = event->principal_weight > 0 ? event->principal_weight : 1,
        .client_weight = event->client_weight > 0 ? event->client_weight : 1,
        .rows_max = event->rows_max,
        .credit_rate = event->credit_rate,
        .class = (uint8_t)event->priority,
        .is_catalog = event->is_catalog,
        .is_stateful = event->is_stateful,
    };
    core->logins[t->login].calls++;
}

void ticket_submit(struct core *core, const struct core_event *event)
{
    struct core_action answer = {.reason = CORE_OK, .scope = CORE_SCOPE_ALL};
    ASSERT(event->ticket < core->limits.tickets && event->profile < core->limits.profiles);
    ASSERT(event->priority < CORE_PRIORITIES);
    struct ticket *t = &core->tickets[event->ticket];
    ASSERT(t->state == TICKET_FREE);
    uint32_t client = find_account(core, event, &answer);
    if (client == CORE_NONE) {
        struct core_action *a = act(core, CORE_END);
        answer.kind = CORE_END;
        answer.ticket = event->ticket;
        answer.session = event->session;
        answer.heir_of = answer.worker = answer.conn = answer.account = CORE_NONE;
        *a = answer;
        return;
    }
    ticket_init(core, event, client);
    if (!event->is_catalog && !event->is_charged) {
        quota_charge_call(core, client);
    }
    bound_keep(core, client);
    if (t->session != CORE_NONE) {
        session_call_begun(core, t->session, event->ticket);
    }
    if (t->session == CORE_NONE || session_is_awake(core, t->session)) {
        pin_enter(core, event->ticket);
    } else {
        t->state = TICKET_HELD;
        account_hold(core, client, 1);
    }
    ticket_rearm(core, event->ticket);
}

void ticket_wake(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    if (t->state == TICKET_HELD) {
        account_hold(core, t->account, -1);
        pin_enter(core, ticket);
        ticket_rearm(core, ticket);
    }
}

static struct core_action *leave(struct core *core, uint32_t ticket, enum core_reason reason)
{
    struct ticket *t = &core->tickets[ticket];
    if (t->state == TICKET_HELD) {
        account_hold(core, t->account, -1);
    } else if (t->state == TICKET_LINED) {
        pin_leave_line(core, ticket);
    } else {
        sched_remove(core, ticket);
    }
    return ticket_end(core, ticket, reason);
}

void ticket_cancel(struct core *core, uint32_t ticket, enum core_reason reason)
{
    struct ticket *t = &core->tickets[ticket];
    switch ((enum ticket_state)t->state) {
    case TICKET_FREE:
        break; /* it ended while the cancel was on its way */
    case TICKET_HELD:
    case TICKET_LINED:
    case TICKET_QUEUED:
        leave(core, ticket, reason);
        break;
    case TICKET_LEASED:
    case TICKET_RUNNING:
        if (t->end_reason == CORE_OK) {
            t->end_reason = (uint8_t)reason;
            conn_interrupt(core, ticket);
            ticket_rearm(core, ticket);
        }
        break;
    }
}

/* Its reserved engine time, or the charge for its slot, is used up. */
static void go_on(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    if (charge_end_ns(core, t) <= core->now_ns) {
        sched_extend(core, t->conn);
    }
    if (chunk_end_ns(t) <= core->now_ns && !quota_extend(core, ticket)) {
        ticket_cancel(core, ticket, CORE_QUOTA_EXHAUSTED);
    }
}

void ticket_due(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    if (is_waiting(t) && t->queued_ns + core->limits.queue_ns <= core->now_ns) {
        uint64_t wait_ns = t->state == TICKET_QUEUED ? sched_wait_ns(core, ticket) : 0;
        leave(core, ticket, CORE_QUEUE_TIMEOUT)->retry_after_ns = wait_ns; /* that long still */
        return;
    }
    if (!is_waiting(t) && t->end_reason == CORE_OK) {
        if (t->run_until_ns <= core->now_ns) {
            ticket_cancel(core, ticket, CORE_TIMEOUT);
            return;
        }
        go_on(core, ticket);
    }
    bool has_grace = core->limits.grace_ns > 0;
    if (has_grace && !t->graced && t->arrived_ns + core->limits.grace_ns <= core->now_ns) {
        t->graced = true;
        act(core, CORE_GRACE)->ticket = ticket;
    }
    ticket_rearm(core, ticket);
}
