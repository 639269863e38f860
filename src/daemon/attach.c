// SPDX-License-Identifier: Apache-2.0
/*
 * Calls that wait for another one's statement: because they asked for its query, or because
 * they are the same and attach to it. Who attaches takes no slot, but costs what a call does.
 */
#include "base/clock.h"
#include "daemon/inside.h"

void attach_wait(struct call *call, struct query *query, uint64_t until_ns)
{
    struct daemon *d = call->daemon;
    if (!query || !query->call || query->call == call) {
        call_done(call, true, TOOL_E_INTERNAL, STR(""));
        return;
    }
    list_push_back(&query->waiters, &call->waiting);
    call->waits_for = query;
    call->wait_until_ns = until_ns;
    if (until_ns > 0 && until_ns < d->wait_ns) {
        d->wait_ns = until_ns;
    }
}

static bool is_same(const struct call *a, const struct call *b)
{
    return a != b && a->ticket != CORE_NONE && a->query && !a->has_answer &&
           a->tool.tool == b->tool.tool && a->tool.rows_max == b->tool.rows_max &&
           a->tool.timeout_s == b->tool.timeout_s && a->tool.format == b->tool.format &&
           memcmp(&a->tool.context, &b->tool.context, sizeof(a->tool.context)) == 0;
}

/* As many as may queue: more find their own way into the queue, and its bound. */
static bool has_room(const struct query *query)
{
    uint32_t waiters = 0;
    LIST_FOR(node, &query->waiters) {
        waiters++;
    }
    return waiters < query->call->daemon->limits.queue_client;
}

bool attach_ask(struct call *call, const struct session *s, struct str sql, uint32_t wait_s,
    struct handle *ret)
{
    LIST_FOR(node, &s->calls) {
        struct call *other = CONTAINER_OF(node, struct call, of_session);
        if (is_same(other, call) && str_eq(buf_str(&other->tool.sql), sql) &&
            has_room(other->query)) {
            *ret = other->query->handle;
            call->attaches_to = *ret;
            call->wait_until_ns = clock_boot_ns() + wait_s * NS_PER_S;
            grant_ask(call, call->tool.rows_max, s);
            return true;
        }
    }
    return false;
}

void attach_granted(struct call *call, const struct core_action *a)
{
    struct query *query = query_find(
        call->daemon, call->principal, handle_str(&call->attaches_to));
    if (a->reason != CORE_OK) {
        call_fail_for(call, a);
        call_move(call, TOOL_ANSWER);
        return;
    }
    call->is_charged = true;
    if (a->rows_max < call->tool.rows_max || !query) {
        grant_settle(call, 0, 0); /* its own statement shows only what the quota leaves */
        call_done(call, false, TOOL_E_INTERNAL, STR(""));
        return;
    }
    attach_wait(call, query, call->wait_until_ns);
}
