// SPDX-License-Identifier: Apache-2.0
/*
 * Who waits, and whose turn it is. A profile has a ring of principals, each a ring of
 * client keys, each a first-in first-out line of tickets. A flow exists while something
 * waits in it; @turn of a parent is the child to be served next.
 */
#include "core/state.h"

static uint32_t *turn_of(struct core *core, uint32_t parent, uint32_t profile)
{
    return parent == CORE_NONE ? &core->profiles[profile].turn : &core->flows[parent].turn;
}

static uint32_t flow_find(const struct core *core, uint32_t first, uint32_t key)
{
    uint32_t at = first;
    while (at != CORE_NONE) {
        if (core->flows[at].key == key) {
            return at;
        }
        at = core->flows[at].ring_next;
        if (at == first) {
            break;
        }
    }
    return CORE_NONE;
}

/* A newcomer stands behind all present: right before the one whose turn it is. */
static uint32_t flow_get(struct core *core, uint32_t parent, uint32_t profile, uint32_t key)
{
    uint32_t *turn = turn_of(core, parent, profile);
    uint32_t at = flow_find(core, *turn, key);
    if (at != CORE_NONE) {
        return at;
    }
    at = core->free_flow;
    ASSERT(at != CORE_NONE);
    struct flow *flow = &core->flows[at];
    core->free_flow = flow->ring_next;
    *flow = (struct flow){.key = key, .parent = parent, .turn = CORE_NONE, .last = CORE_NONE};
    if (*turn == CORE_NONE) {
        flow->ring_next = at;
        flow->ring_prev = at;
        *turn = at;
    } else {
        struct flow *next = &core->flows[*turn];
        flow->ring_next = *turn;
        flow->ring_prev = next->ring_prev;
        core->flows[next->ring_prev].ring_next = at;
        next->ring_prev = at;
    }
    return at;
}

static void flow_drop(struct core *core, uint32_t at, uint32_t profile)
{
    struct flow *flow = &core->flows[at];
    uint32_t *turn = turn_of(core, flow->parent, profile);
    ASSERT(flow->queued == 0);
    if (*turn == at) {
        *turn = flow->ring_next == at ? CORE_NONE : flow->ring_next;
    }
    core->flows[flow->ring_prev].ring_next = flow->ring_next;
    core->flows[flow->ring_next].ring_prev = flow->ring_prev;
    flow->ring_next = core->free_flow;
    core->free_flow = at;
}

bool queue_admit(const struct core *core, const struct core_event *event, enum core_scope *ret)
{
    const struct core_limits *limits = &core->limits;
    const struct profile *profile = &core->profiles[event->profile];
    *ret = CORE_SCOPE_ALL;
    if (core->queued + core->held_count >= limits->queue_total) {
        return false;
    }
    uint32_t principal = flow_find(core, profile->turn, event->principal);
    if (principal == CORE_NONE) {
        return true;
    }
    *ret = CORE_SCOPE_PRINCIPAL;
    if (core->flows[principal].queued >= limits->queue_principal) {
        return false;
    }
    uint32_t client = flow_find(core, core->flows[principal].turn, event->client);
    *ret = CORE_SCOPE_CLIENT;
    return client == CORE_NONE || core->flows[client].queued < limits->queue_client;
}

void queue_push(struct core *core, uint32_t ticket, bool front)
{
    struct ticket *t = &core->tickets[ticket];
    uint32_t principal = flow_get(core, CORE_NONE, t->profile, t->principal);
    t->flow = flow_get(core, principal, t->profile, t->client);
    struct flow *flow = &core->flows[t->flow];
    if (front) {
        t->prev = CORE_NONE;
        t->next = flow->turn;
    } else {
        t->prev = flow->last;
        t->next = CORE_NONE;
    }
    if (t->prev != CORE_NONE) {
        core->tickets[t->prev].next = ticket;
    } else {
        flow->turn = ticket;
    }
    if (t->next != CORE_NONE) {
        core->tickets[t->next].prev = ticket;
    } else {
        flow->last = ticket;
    }
    t->state = TICKET_QUEUED;
    flow->queued++;
    core->flows[principal].queued++;
    core->profiles[t->profile].queued++;
    core->queued++;
}

void queue_remove(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    struct flow *flow = &core->flows[t->flow];
    uint32_t principal = flow->parent;
    ASSERT(t->state == TICKET_QUEUED);
    if (t->prev != CORE_NONE) {
        core->tickets[t->prev].next = t->next;
    } else {
        flow->turn = t->next;
    }
    if (t->next != CORE_NONE) {
        core->tickets[t->next].prev = t->prev;
    } else {
        flow->last = t->prev;
    }
    core->queued--;
    core->profiles[t->profile].queued--;
    if (--flow->queued == 0) {
        flow_drop(core, t->flow, t->profile);
    }
    if (--core->flows[principal].queued == 0) {
        flow_drop(core, principal, t->profile);
    }
    t->flow = CORE_NONE;
}

uint32_t queue_next(const struct core *core, uint32_t profile)
{
    uint32_t principal = core->profiles[profile].turn;
    if (principal == CORE_NONE) {
        return CORE_NONE;
    }
    return core->flows[core->flows[principal].turn].turn;
}

void queue_turn(struct core *core, uint32_t ticket)
{
    const struct ticket *t = &core->tickets[ticket];
    struct flow *client = &core->flows[t->flow];
    struct flow *principal = &core->flows[client->parent];
    principal->turn = client->ring_next;
    core->profiles[t->profile].turn = principal->ring_next;
}

uint32_t core_position(const struct core *core, uint32_t ticket)
{
    const struct ticket *t = &core->tickets[ticket];
    uint32_t position = 0;
    if (t->state != TICKET_QUEUED) {
        return 0;
    }
    for (uint32_t at = ticket; at != CORE_NONE; at = core->tickets[at].prev) {
        position++;
    }
    return position;
}
