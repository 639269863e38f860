// SPDX-License-Identifier: Apache-2.0
/*
 * The record of calls that went to a warehouse: under its handle a query is found again by
 * whoever lost its answer. Ended ones are kept up to a number, their answers up to a size.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inside.h"

static const char *const statuses[] = {
    "queued", "running", "done", "failed", "cancelled", "interrupted"};

static struct query *query_alloc(struct daemon *d)
{
    struct query *query = calloc(1, sizeof(*query));
    if (query) {
        query->daemon = d;
        list_init(&query->ended);
        list_init(&query->waiters);
        list_init(&query->dirty);
    }
    return query;
}

void query_free(struct query *query)
{
    struct daemon *d = query->daemon;
    ASSERT(query->writes == 0);
    list_remove(&query->dirty);
    symbol_release(d->symbols, query->principal);
    symbol_release(d->symbols, query->profile);
    free(query);
}

struct query *query_new(struct call *call)
{
    struct daemon *d = call->daemon;
    struct query *query = query_alloc(d);
    if (!query) {
        return NULL;
    }
    query->handle = handle_new(HANDLE_QUERY);
    query->principal = symbol_hold(d->symbols, call->principal);
    query->profile =
        symbol_acquire(d->symbols, str_of(call->tool.context.part[TOOL_PROFILE]));
    query->call = call;
    query->status = "queued";
    query->arrived_ns = call->arrived_ns;
    query->started_wall_ns = clock_wall_ns();
    str_copy(str_of(call->tool.session), query->session, sizeof(query->session));
    str_copy(str_of(call->tool.tool->name), query->tool, sizeof(query->tool));
    str_copy(str_utf8_prefix(str_trim(buf_str(&call->tool.sql)), sizeof(query->sql) - 1), query->sql,
        sizeof(query->sql));
    if (!map_put(&d->queries, handle_str(&query->handle), query)) {
        query_free(query);
        return NULL;
    }
    str_copy(handle_str(&query->handle), call->tool.query, HANDLE_SIZE);
    records_mark(query);
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
    records_forget(query);
}

/* Old answers go first, then old records. */
void queries_make_room(struct daemon *d)
{
    LIST_FOR(node, &d->ended) {
        struct query *query = CONTAINER_OF(node, struct query, ended);
        if (d->answer_bytes <= ANSWERS_BYTES_MAX) {
            break;
        }
        if (query->answer.len > 0) {
            drop_answer(d, query);
            records_mark(query);
        }
    }
    while (d->ended_count > (uint32_t)d->config->results_queries) {
        forget(d, oldest(d));
    }
}

const char *query_status_of(const struct call *call)
{
    bool is_cancelled = call->tool.is_error && call->tool.code == TOOL_E_CANCELLED;
    return is_cancelled ? "cancelled" : call->tool.is_error ? "failed" : "done";
}

static void push_ended(struct daemon *d, struct query *query)
{
    d->answer_bytes += query->answer.len;
    d->ended_count++;
    list_push_back(&d->ended, &query->ended);
}

/* Takes the answer out of @call, and tells all who wait for it. */
void query_end(struct query *query, struct call *call)
{
    struct daemon *d = call->daemon;
    struct list *node;
    query->status = query_status_of(call);
    query->ended_ns = clock_boot_ns();
    query->ended_wall_ns = clock_wall_ns();
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
    push_ended(d, query);
    if (!query->has_final || call->record_failed) {
        records_mark(query);
    }
    queries_make_room(d);
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

/* ---- of a daemon before ---- */

/* NULL: not a word of ours. What had not ended did not survive. */
static const char *loaded_status(struct str word)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (str_eq(word, str_of(statuses[i]))) {
            return i < 2 ? "interrupted" : statuses[i];
        }
    }
    return NULL;
}

static enum tool_code code_of(struct str name)
{
    for (int i = 0; i < TOOL_CODES; i++) {
        if (str_eq(name, str_of(tool_code_name((enum tool_code)i)))) {
            return (enum tool_code)i;
        }
    }
    return TOOL_E_INTERNAL;
}

static bool take_row(struct query *query, const struct store_query *row)
{
    struct daemon *d = query->daemon;
    query->status = loaded_status(row->status);
    query->started_wall_ns = row->started_wall_ns;
    query->ended_wall_ns = row->ended_wall_ns > 0 ? row->ended_wall_ns : clock_wall_ns();
    query->ended_ns = row->elapsed_ms < UINT64_MAX / NS_PER_MS ? row->elapsed_ms * NS_PER_MS : 0;
    query->answer_is_error = row->code.len > 0;
    query->answer_code = code_of(row->code);
    query->principal = symbol_acquire(d->symbols, row->principal);
    query->profile = symbol_acquire(d->symbols, row->profile);
    query->answer = BUF_INIT(TOOL_OUT_MAX);
    buf_put_str(&query->answer, row->answer);
    query->has_row = query->is_durable = true;
    return handle_kind_of(row->handle) == HANDLE_QUERY && query->status &&
           query->principal > 0 && buf_ok(&query->answer) &&
           str_copy(row->handle, query->handle.text, HANDLE_SIZE) &&
           str_copy(row->session, query->session, sizeof(query->session)) &&
           str_copy(row->tool, query->tool, sizeof(query->tool)) &&
           str_copy(row->sql, query->sql, sizeof(query->sql)) &&
           str_copy(row->result, query->result, sizeof(query->result)) &&
           map_put(&d->queries, handle_str(&query->handle), query);
}

void query_load(struct daemon *d, const struct store_query *row)
{
    struct query *query = query_alloc(d);
    if (!query || !take_row(query, row)) {
        log_event(LOG_WARN, "query_not_loaded", "reason=%s", query ? "row" : "memory");
        if (query) {
            buf_free(&query->answer);
            query_free(query);
        }
        return;
    }
    push_ended(d, query);
    if (row->ended_wall_ns == 0) {
        records_mark(query);
    }
}

static void revoke_answer(struct daemon *d, struct query *query)
{
    if (query->answer.len > 0) {
        drop_answer(d, query);
        records_write(query); /* before the session's own row goes */
    }
}

void queries_revoke(struct daemon *d, struct str session)
{
    LIST_FOR(node, &d->ended) {
        struct query *query = CONTAINER_OF(node, struct query, ended);
        if (str_eq(str_of(query->session), session)) {
            revoke_answer(d, query);
        }
    }
}

void queries_revoke_login(struct daemon *d, uint32_t principal, uint32_t profile)
{
    LIST_FOR(node, &d->ended) {
        struct query *query = CONTAINER_OF(node, struct query, ended);
        if (query->principal == principal && query->profile == profile) {
            revoke_answer(d, query);
        }
    }
}

void queries_free(struct daemon *d)
{
    struct query *query;
    while ((query = oldest(d))) {
        forget(d, query);
    }
    map_free(&d->queries);
}
