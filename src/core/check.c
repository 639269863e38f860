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

static void check_sessions(const struct core *core)
{
    uint32_t count = 0;
    uint32_t ending = 0;
    for (uint32_t i = 0; i < core->limits.sessions; i++) {
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
        ASSERT(s->end_reason == CORE_OK || s->calls > 0);
        ASSERT(s->state != CORE_ACTIVE || s->calls > 0);
        ASSERT(s->state != CORE_CONNECTED || s->calls == 0);
        ASSERT(s->state != CORE_IDLE || s->calls == 0);
        ASSERT(s->state != CORE_DISCONNECTED || s->calls == 0);
        count++;
        ending += s->end_reason != CORE_OK;
    }
    ASSERT(count == core->session_count && ending == core->ending_count);
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
            ASSERT(core->sessions[t->session].body == BODY_LOADING && t->flow == CORE_NONE);
            held++;
        } else if (t->state == TICKET_QUEUED) {
            ASSERT(t->conn == CORE_NONE && t->flow != CORE_NONE);
            ASSERT(core->flows[t->flow].key == t->client);
            queued++;
            requeued += t->requeued;
        } else {
            ASSERT(core->conns[t->conn].ticket == i && t->flow == CORE_NONE);
        }
    }
    ASSERT(held == core->held_count);
    ASSERT(queued == core->queued);
    ASSERT(queued - requeued + held <= core->limits.queue_total);
}

static void check_pool(const struct core *core)
{
    for (uint32_t p = 0; p < core->limits.profiles; p++) {
        const struct profile *profile = &core->profiles[p];
        uint32_t idle = 0;
        uint32_t busy = 0;
        uint32_t connecting = 0;
        for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
            const struct conn *c = &core->conns[i];
            if (c->state != CONN_CLOSED && c->profile == p) {
                idle += c->state == CONN_IDLE;
                connecting += c->state == CONN_CONNECTING;
                busy += c->state == CONN_BUSY || c->state == CONN_INTERRUPTED;
            }
        }
        ASSERT(idle == profile->idle && busy == profile->busy);
        ASSERT(connecting == profile->connecting && busy <= profile->limits.slots);
        /* Work conservation: with a slot and an idle connection free, nothing waits. */
        ASSERT(core->unfinished || profile->queued == 0 || busy == profile->limits.slots ||
               idle == 0);
    }
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct conn *c = &core->conns[i];
        bool leased = c->state == CONN_BUSY || c->state == CONN_INTERRUPTED;
        ASSERT(leased == (c->ticket != CORE_NONE));
        ASSERT(c->state != CONN_INTERRUPTED || c->deadline.heap_at != 0);
        ASSERT(c->state != CONN_BUSY || c->deadline.heap_at == 0);
    }
}

void core_check(const struct core *core)
{
    check_heap(core);
    check_sessions(core);
    check_tickets(core);
    check_pool(core);
}

struct core_counts core_counts(const struct core *core)
{
    struct core_counts counts = {.sessions = core->session_count, .queued = core->queued};
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
    counts.running = counts.conns_busy;
    return counts;
}
