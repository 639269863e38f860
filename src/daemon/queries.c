// SPDX-License-Identifier: Apache-2.0
/*
 * The record of calls that went to a warehouse: under its handle a query is found again by
 * whoever lost its answer. Ended ones are kept up to a number, their answers up to a size.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "daemon/inside.h"

struct query *query_new(struct call *call)
{
    struct daemon *d = call->daemon;
    struct query *query = calloc(1, sizeof(*query));
    if (!query) {
        return NULL;
    }
    query->handle = handle_new(HANDLE_QUERY);
    query->principal = symbol_hold(d->symbols, call->principal);
    query->call = call;
    query->status = "queued";
    query->arrived_ns = call->arrived_ns;
    query->started_wall_ns = clock_wall_ns();
    list_init(&query->ended);
    list_init(&query->waiters);
    str_copy(str_of(call->tool.session), query->session, sizeof(query->session));
    str_copy(str_of(call->tool.tool->name), query->tool, sizeof(query->tool));
    str_copy(str_utf8_prefix(str_trim(buf_str(&call->tool.sql)), sizeof(query->sql) - 1), query->sql,
        sizeof(query->sql));
    if (!map_put(&d->queries, handle_str(&query->handle), query)) {
        symbol_release(d->symbols, query->principal);
        free(query);
        return NULL;
    }
    str_copy(handle_str(&query->handle), call->tool.query, HANDLE_SIZE);
    return query;
}

static struct query *oldest(struct daemon *d)
{
    struct list *node = list_first(&d->ended);
    return node ? CONTAINER_OF(node, struct query, ended) : NULL;
}

static void drop_answer(struct daemon *d, struct query *query)
{
    d->answer_bytes -= query->answer.len;
    buf_free(&query->answer);
}

static void forget(struct daemon *d, struct query *query)
{
    ASSERT(!query->call && list_is_empty(&query->waiters));
    map_remove(&d->queries, handle_str(&query->handle));
    list_remove(&query->ended);
    d->ended_count--;
    drop_answer(d, query);
    symbol_release(d->symbols, query->principal);
    free(query);
}

/* Old answers go first, then old records. */
static void make_room(struct daemon *d)
{
    LIST_FOR(node, &d->ended) {
        if (d->answer_bytes <= ANSWERS_BYTES_MAX) {
            break;
        }
        drop_answer(d, CONTAINER_OF(node, struct query, ended));
    }
    while (d->ended_count > (uint32_t)d->config->results_queries) {
        forget(d, oldest(d));
    }
}

/* Takes the answer out of @call, and tells all who wait for it. */
void query_end(struct query *query, struct call *call)
{
    struct daemon *d = call->daemon;
    struct list *node;
    bool is_cancelled = call->tool.is_error && call->tool.code == TOOL_E_CANCELLED;
    query->status = is_cancelled ? "cancelled" : call->tool.is_error ? "failed" : "done";
    query->ended_ns = clock_boot_ns();
    query->answer = call->tool.out;
    query->answer_is_error = call->tool.is_error;
    query->answer_code = call->tool.code;
    call->tool.out = BUF_INIT(TOOL_OUT_MAX);
    bool is_shared = !call->tool.is_error && query->answer.len > 0;
    while ((node = list_first(&query->waiters))) {
        struct call *waiter = CONTAINER_OF(node, struct call, waiting);
        if (waiter->grant.is_given && is_shared) { /* it shows what this one shows */
            waiter->rows = call->rows;
            grant_settle(waiter, call->rows, query->answer.len);
        }
        call_done(waiter, true, TOOL_E_INTERNAL, STR(""));
    }
    d->answer_bytes += query->answer.len;
    d->ended_count++;
    list_push_back(&d->ended, &query->ended);
    make_room(d);
}

struct query *query_find(struct daemon *d, uint32_t principal, struct str handle)
{
    struct query *query = map_get(&d->queries, handle);
    return query && query->principal == principal ? query : NULL;
}

void query_view(struct daemon *d, const struct query *query, struct tool_query *ret)
{
    uint64_t end_ns = query->call ? clock_boot_ns() : query->ended_ns;
    struct core_queue_view queue = {0};
    if (query->call && query->call->ticket != CORE_NONE) {
        (void)core_queue_view(d->core, query->call->ticket, &queue); /* stays 0 when it runs */
    }
    *ret = (struct tool_query){
        .handle = handle_str(&query->handle),
        .tool = str_of(query->tool),
        .sql = str_of(query->sql),
        .status = str_of(query->status),
        .session = str_of(query->session),
        .elapsed_ms = (end_ns - query->arrived_ns) / NS_PER_MS,
        .position = queue.position,
        .queue_length = queue.length,
        .wait_ms = queue.wait_ns / NS_PER_MS,
        .rows_so_far = query->call ? query->call->rows_so_far : 0,
        .started_wall_ns = query->started_wall_ns,
        .answer = query->call ? STR("") : buf_str(&query->answer),
        .answer_is_error = query->answer_is_error,
        .answer_code = query->answer_code,
        .result = str_of(query->result),
    };
}

void queries_free(struct daemon *d)
{
    struct query *query;
    while ((query = oldest(d))) {
        forget(d, query);
    }
    map_free(&d->queries);
}
