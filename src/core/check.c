// SPDX-License-Identifier: Apache-2.0
/* Every invariant of the room, counted anew. For tests: it walks everything. */
#include "core/state.h"

static void check_heap(const struct core *core)
{
    for (uint32_t i = 0; i < core->heap_len; i++) {
        ASSERT(core->heap[i]->heap_at == i + 1);
        ASSERT(i == 0 || core->heap[(i - 1) / 2]->at_ns <= core->heap[i]->at_ns);
    }
}

/* Its line, and what holds it. */
static void check_line(const struct core *core, uint32_t session)
{
    const struct session *s = &core->sessions[session];
    uint32_t prev = CORE_NONE;
    for (uint32_t t = s->line_first; t != CORE_NONE; t = core->tickets[t].next) {
        ASSERT(core->tickets[t].session == session && core->tickets[t].state == TICKET_LINED);
        ASSERT(core->tickets[t].prev == prev);
        prev = t;
    }
    ASSERT(s->line_last == prev);
    ASSERT(s->pin == CORE_NONE || core->conns[s->pin].pin == session);
    ASSERT(s->turn == CORE_NONE || core->tickets[s->turn].is_stateful);
    /* Nobody waits in it for nothing. */
    bool is_held = s->pin != CORE_NONE && core->conns[s->pin].state != CONN_PINNED;
    ASSERT(prev == CORE_NONE || s->is_in_lines || s->turn != CORE_NONE || is_held);
}

static void check_sessions(const struct core *core)
{
    uint32_t count = 0;
    uint32_t ending = 0;
    for (uint32_t i = 0; i < core->session_mark; i++) {
        const struct session *s = &core->sessions[i];
        uint32_t calls = 0;
        if (!s->used) {
            ASSERT(s->deadline.heap_at == 0);
            continue;
        }
        for (uint32_t t = s->first_ticket; t != CORE_NONE; t = core->tickets[t].session_next) {
            ASSERT(core->tickets[t].session == i && core->tickets[t].state != TICKET_FREE);
            calls++;
        }
        ASSERT(calls == s->calls);
        check_line(core, i);
        ASSERT(s->end_reason == CORE_OK || s->calls > 0);
        ASSERT(s->state != CORE_ACTIVE || s->calls > 0);
        ASSERT(s->state != CORE_CONNECTED || s->calls == 0);
        ASSERT(s->state != CORE_IDLE || s->calls == 0);
        ASSERT(s->state != CORE_DISCONNECTED || s->calls == 0);
        count++;
        ending += s->end_reason != CORE_OK;
    }
    ASSERT(count == core->everyone.count && ending == core->ending.count);
}

/* A group's list: the disconnected ones of it, longest away first. */
static uint32_t check_away(const struct core *core, const struct group *g, int kind)
{
    uint32_t count = 0;
    uint32_t prev = CORE_NONE;
    for (uint32_t i = g->first; i != CORE_NONE; i = core->sessions[i].away[kind].next) {
        const struct session *s = &core->sessions[i];
        ASSERT(s->used && s->state == CORE_DISCONNECTED && s->away[kind].prev == prev);
        ASSERT(kind == GROUP_ALL || &core->groups[s->group[kind]] == g);
        ASSERT(prev == CORE_NONE ||
               core->sessions[prev].resume_until_ns <= s->resume_until_ns);
        prev = i;
        count++;
    }
    ASSERT(g->last == prev);
    return count;
}

static void check_groups(const struct core *core)
{
    uint32_t away[GROUPS] = {check_away(core, &core->everyone, GROUP_ALL)};
    uint32_t members[GROUPS] = {core->everyone.count};
    uint32_t disconnected = 0;
    for (uint32_t i = 0; i < core->group_mark; i++) {
        const struct group *g = &core->groups[i];
        int kind = g->client == CORE_NONE ? GROUP_PRINCIPAL : GROUP_CLIENT;
        if (g->count > 0) {
            away[kind] += check_away(core, g, kind);
            members[kind] += g->count;
        }
    }
    for (uint32_t i = 0; i < core->session_mark; i++) {
        const struct session *s = &core->sessions[i];
        disconnected += s->used && s->state == CORE_DISCONNECTED;
        for (int kind = GROUP_PRINCIPAL; s->used && kind < GROUPS; kind++) {
            const struct group *g = &core->groups[s->group[kind]];
            ASSERT(g->principal == s->principal);
            ASSERT(g->client == (kind == GROUP_CLIENT ? s->client : CORE_NONE));
        }
    }
    for (int kind = 0; kind < GROUPS; kind++) {
        ASSERT(away[kind] == disconnected && members[kind] == core->everyone.count);
    }
}

static void check_tickets(const struct core *core)
{
    uint32_t queued = 0;
    uint32_t requeued = 0; /* was admitted once already */
    uint32_t held = 0;
    for (uint32_t i = 0; i < core->limits.tickets; i++) {
        const struct ticket *t = &core->tickets[i];
        if (t->state == TICKET_FREE) {
            ASSERT(t->deadline.heap_at == 0);
        } else if (t->state == TICKET_HELD) {
            ASSERT(core->sessions[t->session].body == BODY_LOADING && t->node == CORE_NONE);
            held++;
        } else if (t->state == TICKET_LINED) {
            ASSERT(t->node == CORE_NONE && t->conn == CORE_NONE);
            held++;
        } else if (t->state == TICKET_QUEUED) {
            ASSERT(t->conn == CORE_NONE && core->nodes[t->node].level == LEVEL_SESSION);
            ASSERT(core->nodes[t->node].key == t->session);
            queued++;
            requeued += t->requeued;
        } else {
            ASSERT(core->conns[t->conn].ticket == i && t->node == CORE_NONE);
        }
    }
    ASSERT(held == core->held_count);
    ASSERT(queued == core->queued);
    ASSERT(queued - requeued + held <= core->limits.queue_total);
}

/* Heap order, and every node in the heap where it belongs. */
static uint32_t check_heap_of(const struct core *core, uint32_t parent, uint32_t at, uint32_t which)
{
    uint32_t count = 0;
    for (; at != CORE_NONE; at = core->nodes[at].next) {
        const struct node *n = &core->nodes[at];
        ASSERT(n->used && n->parent == parent && n->in_heap == which + 1);
        ASSERT(n->queued > 0 && !n->is_parked && (n->running > 0) == (which == 1));
        for (uint32_t c = n->down; c != CORE_NONE; c = core->nodes[c].next) {
            ASSERT(core->nodes[c].charge > n->charge ||
                   (core->nodes[c].charge == n->charge && core->nodes[c].order >= n->order));
        }
        count += 1 + check_heap_of(core, parent, n->down, which);
    }
    return count;
}

enum { BLOCK = 64 };

/* What hangs below each of a block of nodes. */
struct below {
    uint32_t queued;
    uint32_t running;
    uint32_t present;
    uint32_t children;
    uint32_t in_heap[2];
};

static void sum_below(const struct core *core, uint32_t count, uint32_t from, struct below *ret)
{
    for (uint32_t c = 0; c < count; c++) {
        const struct node *child = &core->nodes[c];
        if (!child->used || child->parent == CORE_NONE || child->parent - from >= BLOCK) {
            continue;
        }
        struct below *b = &ret[child->parent - from];
        b->queued += child->queued;
        b->running += child->running;
        b->present += child->queued + child->running > 0;
        b->children++;
        if (child->in_heap > 0) {
            b->in_heap[child->in_heap - 1]++;
        }
        ASSERT(child->level <= LEVEL_CLASS ||
               (child->in_heap > 0) == (child->queued > 0 && !child->is_parked));
    }
}

/* What a node counts is what hangs below it. */
static void check_nodes(const struct core *core, uint32_t count)
{
    for (uint32_t from = 0; from < count; from += BLOCK) {
        struct below below[BLOCK] = {{0}};
        sum_below(core, count, from, below);
        for (uint32_t i = from; i < count && i < from + BLOCK; i++) {
            const struct node *n = &core->nodes[i];
            const struct below *b = &below[i - from];
            if (!n->used || n->level == LEVEL_SESSION) {
                continue;
            }
            ASSERT(b->queued == n->queued && b->running == n->running);
            ASSERT(b->present == n->present);
            ASSERT(n->level <= LEVEL_CLASS || b->children == n->children);
            ASSERT(n->running > 0 || n->pending + n->leased_ns_sum == 0);
            for (uint32_t h = 0; h < 2; h++) {
                ASSERT(check_heap_of(core, i, n->heap[h], h) == b->in_heap[h]);
            }
        }
    }
}

static void check_accounts(const struct core *core)
{
    for (uint32_t i = 0; i < core->account_mark; i++) {
        const struct account *a = &core->accounts[i];
        uint32_t queued = 0;
        uint32_t running = 0;
        uint32_t held = 0;
        if (!a->is_used) {
            continue;
        }
        for (uint32_t n = a->first_node; n != CORE_NONE; n = core->nodes[n].account_next) {
            ASSERT(core->nodes[n].key == i);
            ASSERT(core->nodes[n].is_parked == account_node_is_parked(core, n));
            queued += core->nodes[n].queued;
            running += core->nodes[n].running;
        }
        for (uint32_t t = 0; a->held > 0 && t < core->limits.tickets; t++) {
            bool is_his = core->tickets[t].account == i ||
                          core->accounts[core->tickets[t].account].parent == i;
            bool is_held = core->tickets[t].state == TICKET_HELD ||
                           core->tickets[t].state == TICKET_LINED;
            held += is_held && is_his;
        }
        ASSERT(queued == a->queued && running == a->running && held == a->held);
        uint32_t run_max =
            a->parent == CORE_NONE ? core->limits.run_principal : core->limits.run_client;
        ASSERT(run_max == 0 || running <= run_max);
        for (int k = 0; k < CORE_QUOTAS; k++) {
            uint64_t max = a->parent == CORE_NONE ? core->limits.quota_principal[k]
                                                  : core->limits.quota_client[k];
            ASSERT(a->reserved[k] <= a->used[k]);
            ASSERT(core->bounds_due || max == 0 || a->used[k] <= a->stored[k]);
        }
    }
}

/*
 * An idle connection and a free slot: then all who wait are held by a cap or by the reserve, or
 * whoever is next waits for a connection that can be set as it wants.
 */
static bool is_held(const struct core *core, uint32_t profile)
{
    uint32_t ticket = sched_next(core, profile);
    return ticket == CORE_NONE || !pool_has_idle(core, ticket);
}

static void check_login(const struct core *core, uint32_t at)
{
    const struct login *l = &core->logins[at];
    struct login sum = {.idle = 0};
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct conn *c = &core->conns[i];
        if (c->state != CONN_CLOSED && c->login == at) {
            ASSERT(c->profile == l->profile && core->workers[c->worker].login == at);
            sum.idle += c->state == CONN_IDLE;
            sum.connecting += c->state == CONN_CONNECTING;
            sum.busy += c->state == CONN_BUSY || c->state == CONN_INTERRUPTED ||
                        c->state == CONN_PINNED;
            sum.is_pending = sum.is_pending || c->is_pending;
        }
    }
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        sum.workers += core->workers[i].state != WORKER_DOWN && core->workers[i].login == at;
    }
    for (uint32_t i = 0; i < core->limits.tickets; i++) {
        const struct ticket *t = &core->tickets[i];
        sum.calls += t->state != TICKET_FREE && t->login == at;
        sum.queued += t->state == TICKET_QUEUED && t->login == at;
    }
    ASSERT(sum.idle == l->idle && sum.busy == l->busy && sum.connecting == l->connecting);
    ASSERT(sum.workers == l->workers && sum.calls == l->calls && sum.queued == l->queued);
    ASSERT(sum.is_pending == l->is_pending);
    ASSERT(!l->is_asking || login_lives(l));
    ASSERT(l->wait == LOGIN_READY || l->principal != 0);
    ASSERT(l->wait != LOGIN_CROWDED || l->is_crowded);
    bool is_coming = l->connecting + l->workers > 0 || l->deadline.heap_at != 0;
    ASSERT(l->wait != LOGIN_OPENING || is_coming || l->is_asking); /* else nobody wakes it */
    bool all_served = l->queued > 0;
    for (uint32_t i = l->waits_first; i != CORE_NONE; i = core->tickets[i].waits_next) {
        all_served = all_served && pool_has_idle(core, i);
    }
    ASSERT(core->unfinished || l->wait == LOGIN_READY || !all_served);
}

/* What its logins have; of a profile with one login, that is the same. */
static void check_profile(const struct core *core, uint32_t profile)
{
    const struct profile *p = &core->profiles[profile];
    struct profile sum = {.idle = 0};
    for (uint32_t i = 0; i < core->login_mark; i++) {
        const struct login *l = &core->logins[i];
        if (l->is_used && l->profile == profile) {
            ASSERT((i == profile) == (l->principal == 0));
            ASSERT(login_find(core, profile, l->principal) == i ||
                   (i == profile && p->limits.per_principal));
            sum.idle += l->idle;
            sum.busy += l->busy;
            sum.connecting += l->connecting;
            sum.queued += l->queued;
            sum.workers += l->workers;
            sum.pending += l->is_pending;
        }
    }
    ASSERT(sum.idle == p->idle && sum.busy == p->busy && sum.connecting == p->connecting);
    ASSERT(sum.queued == p->queued && sum.workers == p->workers);
    ASSERT(sum.pending == p->pending && p->pending <= p->connecting);
    ASSERT(p->busy <= p->limits.slots);
    ASSERT(p->idle + p->busy + p->connecting <= p->limits.slots);
    ASSERT(p->limits.workers == 0 || p->workers <= p->limits.workers);
    /* Work conservation: with a slot and an idle connection free, nothing waits. */
    ASSERT(core->unfinished || p->queued == 0 || p->busy == p->limits.slots || p->idle == 0 ||
           is_held(core, profile));
}

static void check_pool(const struct core *core)
{
    for (uint32_t i = 0; i < core->login_mark; i++) {
        if (core->logins[i].is_used) {
            check_login(core, i);
        }
    }
    for (uint32_t p = 0; p < core->limits.profiles; p++) {
        check_profile(core, p);
    }
    uint32_t leaving = 0;
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        leaving += core->workers[i].state == WORKER_CONDEMNED ||
                   core->workers[i].state == WORKER_DYING;
    }
    ASSERT(leaving == core->leaving);
    uint32_t pinned = 0;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct conn *c = &core->conns[i];
        ASSERT(i < core->conn_mark || c->state == CONN_CLOSED);
        bool leased = c->state == CONN_BUSY || c->state == CONN_INTERRUPTED;
        ASSERT(leased == (c->ticket != CORE_NONE));
        ASSERT(c->state != CONN_INTERRUPTED || c->deadline.heap_at != 0);
        ASSERT(c->state != CONN_BUSY || c->deadline.heap_at == 0);
        ASSERT(c->pin == CORE_NONE || core->sessions[c->pin].pin == i);
        ASSERT(c->state != CONN_PINNED || (c->pin != CORE_NONE && c->deadline.heap_at != 0));
        ASSERT((c->lease.node != CORE_NONE) == (leased || c->state == CONN_PINNED));
        pinned += c->state == CONN_PINNED;
    }
    ASSERT(pinned == core->pinned_count);
}

/* Of one client's calls for a profile: the higher first, then as they came. */
static bool is_before(const struct ticket *a, const struct ticket *b)
{
    return a->class < b->class || (a->class == b->class && a->order < b->order);
}

/* All calls of a client wait for the same login. */
static void check_views(const struct core *core, const struct login *l)
{
    for (uint32_t i = l->waits_first; i != CORE_NONE; i = core->tickets[i].waits_next) {
        const struct ticket *t = &core->tickets[i];
        struct core_queue_view view;
        uint32_t position = 1;
        uint32_t length = 0;
        for (uint32_t k = l->waits_first; k != CORE_NONE; k = core->tickets[k].waits_next) {
            const struct ticket *other = &core->tickets[k];
            length += other->account == t->account;
            position += other->account == t->account && is_before(other, t);
        }
        ASSERT(core_queue_view(core, i, &view));
        ASSERT(view.position == position && view.length == length);
    }
}

void core_check(const struct core *core)
{
    for (uint32_t i = 0; i < core->login_mark; i++) {
        check_views(core, &core->logins[i]); /* of an unused one nobody waits */
    }
    check_heap(core);
    check_sessions(core);
    check_groups(core);
    check_tickets(core);
    check_nodes(core, core->node_mark);
    check_accounts(core);
    check_pool(core);
}

struct core_counts core_counts(const struct core *core)
{
    struct core_counts counts = {.sessions = core->everyone.count, .queued = core->queued};
    for (uint32_t i = 0; i < core->limits.profiles; i++) {
        counts.conns_idle += core->profiles[i].idle;
        counts.conns_busy += core->profiles[i].busy;
    }
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        counts.workers += core->workers[i].state != WORKER_DOWN;
    }
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        uint32_t ticket = core->conns[i].ticket;
        bool is_leased = core->conns[i].state >= CONN_BUSY && ticket != CORE_NONE;
        counts.started += is_leased && core->tickets[ticket].state == TICKET_RUNNING;
    }
    counts.running = counts.conns_busy - core->pinned_count;
    counts.conns_pinned = core->pinned_count;
    return counts;
}

struct core_profile_view core_profile_view(const struct core *core, uint32_t profile)
{
    ASSERT(profile < core->limits.profiles);
    const struct profile *p = &core->profiles[profile];
    return (struct core_profile_view){.queued = p->queued,
        .slots = p->limits.slots,
        .busy = p->busy,
        .idle = p->idle,
        .connecting = p->connecting};
}
