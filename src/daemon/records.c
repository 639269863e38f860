// SPDX-License-Identifier: Apache-2.0
/*
 * Records of queries and kept results as rows of the store. An answer that names a kept
 * result, or a query that has not ended, goes out when the rows are committed, and so
 * does the answer of a query whose handle somebody has already. All other records follow
 * within a second; one that is forgotten before is never written.
 *
 * The store answers in the order of asking, so that one number says what has been
 * written.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inside.h"

enum {
    RESULTS_MAX = 65536,
    FLUSHED_MAX = 2048, /* in a second: the store is for others too */
};

/* ---- rows ---- */

static struct store_query row_of(const struct query *query)
{
    struct daemon *d = query->daemon;
    const struct call *call = query->call;
    bool is_final = query->has_final || !call;
    bool is_error = call ? call->tool.is_error : query->answer_is_error;
    enum tool_code code = call ? call->tool.code : query->answer_code;
    struct store_query row = {
        .handle = handle_str(&query->handle),
        .principal = symbol_str(d->symbols, query->principal),
        .session = str_of(query->session),
        .profile = symbol_str(d->symbols, query->profile),
        .tool = str_of(query->tool),
        .sql = str_of(query->sql),
        .status = str_of(query->status),
        .code = STR(""),
        .result = str_of(query->result),
        .answer = STR(""),
        .started_wall_ns = query->started_wall_ns,
        .elapsed_ms =
            ((call ? clock_boot_ns() : query->ended_ns) - query->arrived_ns) / NS_PER_MS,
    };
    if (is_final) {
        row.status = str_of(call ? query_status_of(call) : query->status);
        row.code = str_of(is_error ? tool_code_name(code) : "");
        row.answer = buf_str(call ? &call->tool.out : &query->answer);
        row.ended_wall_ns = call ? clock_wall_ns() : query->ended_wall_ns;
    }
    return row;
}

static struct store_result result_row_of(
    const struct daemon *d, const struct result *result)
{
    return (struct store_result){
        .handle = handle_str(&result->handle),
        .principal = symbol_str(d->symbols, result->principal),
        .session = str_of(result->session),
        .profile = symbol_str(d->symbols, result->profile),
        .rows = result->rows,
        .bytes = result->bytes,
        .capped = result->capped,
        .expires_wall_ns = result->expires_wall_ns,
    };
}

/* ---- what the store says ---- */

/* Row @number was not written: the answers that wait for it have to say so. */
static void row_failed(struct daemon *d, uint64_t number)
{
    LIST_FOR(node, &d->withheld)
    {
        struct call *call = CONTAINER_OF(node, struct call, waiting);
        if (call->record_first <= number && number <= call->record) {
            call->record_failed = true;
        }
    }
}

static void row_ended(struct daemon *d, bool ok)
{
    ASSERT(d->records.ended < d->records.issued);
    d->records.ended++;
    if (!ok) {
        row_failed(d, d->records.ended);
    }
}

static void on_query_written(void *ctx, bool ok)
{
    struct query *query = ctx;
    struct daemon *d = query->daemon;
    row_ended(d, ok);
    query->writes--;
    query->is_durable = query->is_durable || ok;
    if (query->is_forgotten) {
        if (query->writes == 0) {
            query_free(query);
        }
    } else {
        if (!ok) {
            records_mark(query);
        }
        if (query->call && query->call->is_handing_out) {
            call_hand_out(query->call);
        }
    }
    calls_release(d);
    work(d);
}

static void on_result_written(void *ctx, bool ok)
{
    struct daemon *d = ctx;
    row_ended(d, ok);
    d->records.misses_results = d->records.misses_results || !ok;
    calls_release(d);
    work(d);
}

/* ---- writing ---- */

static bool put_query(struct query *query)
{
    struct daemon *d = query->daemon;
    struct store_query row = row_of(query);
    if (d->records.is_closed ||
        !store_put_query(d->store, &row, on_query_written, query)) {
        return false;
    }
    query->writes++;
    query->has_row = true;
    query->record = ++d->records.issued;
    return true;
}

static void put_result(void *ctx, const struct result *result)
{
    struct daemon *d = ctx;
    struct store_result row = result_row_of(d, result);
    if (!d->records.is_closed && store_put_result(d->store, &row, on_result_written, d)) {
        d->records.issued++;
    } else {
        d->records.misses_results = true;
    }
}

void records_mark(struct query *query)
{
    if (list_is_empty(&query->dirty)) {
        list_push_back(&query->daemon->records.dirty, &query->dirty);
    }
}

void records_write(struct query *query)
{
    list_remove(&query->dirty);
    if (!put_query(query)) {
        records_mark(query);
    }
}

static void flush(struct daemon *d, uint32_t rows_max)
{
    struct list *node;
    for (; rows_max > 0 && (node = list_first(&d->records.dirty)); rows_max--) {
        struct query *query = CONTAINER_OF(node, struct query, dirty);
        list_remove(node);
        if (!put_query(query)) {
            records_mark(query);
            break; /* the queue is full: in a second again */
        }
    }
}

void records_tick(struct daemon *d)
{
    results_expire(d->results, clock_boot_ns());
    if (store_is_failing(d->store)) {
        return;
    }
    flush(d, FLUSHED_MAX);
    if (d->records.misses_results) { /* all, since which is not known */
        d->records.misses_results = false;
        results_each(d->results, put_result, d);
    }
}

void records_flush(struct daemon *d)
{
    flush(d, UINT32_MAX);
    d->records.is_closed = true;
}

/* @call's answer waits for the row that was put last. */
static void await_row(struct call *call, uint64_t number)
{
    call->record_first = call->record_first > 0 ? call->record_first : number;
    call->record = call->record > number ? call->record : number;
}

void records_end(struct call *call)
{
    struct query *query = call->query;
    call->is_handing_out = false;
    if (!query || !(query->is_promised || query->result[0] != '\0')) {
        return;
    }
    query->has_final = true;
    list_remove(&query->dirty);
    if (put_query(query)) {
        await_row(call, query->record);
    } else {
        call->record_failed = true;
    }
}

void records_promise(struct query *query, struct call *call)
{
    if (!query->call) {
        return;
    }
    query->is_promised = true;
    if (query->is_durable) {
        return;
    }
    bool is_on_its_way = query->writes > 0 || put_query(query);
    if (call && is_on_its_way) {
        await_row(call, query->record);
    } else if (call) {
        call->record_failed = true;
    }
}

void records_forget(struct query *query)
{
    struct daemon *d = query->daemon;
    list_remove(&query->dirty);
    if (query->has_row && !d->records.is_closed) {
        /* One that is not taken is loaded at the next start, and is one of the oldest. */
        (void)!store_drop_query(d->store, handle_str(&query->handle), NULL, NULL);
    }
    query->is_forgotten = true;
    if (query->writes == 0) {
        query_free(query);
    }
}

/* ---- results ---- */

/* Its session was closed, or its credential removed, while it ran. */
static bool is_revoked(const struct call *call)
{
    if (!logins_has_credential(call->daemon, call->profile, call->principal)) {
        return true;
    }
    struct session *s = sessions_find(call->daemon, str_of(call->tool.session));
    return call->tool.session[0] != '\0' && (!s || s->is_closed);
}

static void release_symbols(struct daemon *d, const struct result *result)
{
    symbol_release(d->symbols, result->principal);
    symbol_release(d->symbols, result->profile);
}

bool records_keep(struct call *call, struct result *result)
{
    struct daemon *d = call->daemon;
    if (is_revoked(call)) {
        results_discard(d->results, handle_str(&result->handle));
        return false;
    }
    result->principal = symbol_hold(d->symbols, call->principal);
    result->profile =
        symbol_acquire(d->symbols, str_of(call->tool.context.part[TOOL_PROFILE]));
    str_copy(str_of(call->tool.session), result->session, sizeof(result->session));
    if (!results_add(d->results, result, clock_boot_ns(), clock_wall_ns())) {
        release_symbols(d, result);
        return false;
    }
    uint64_t before = d->records.issued;
    put_result(d, result);
    if (d->records.issued > before) {
        await_row(call, d->records.issued);
    } else {
        call->record_failed = true;
    }
    return true;
}

void records_revoke(struct daemon *d, const struct session *s)
{
    uint32_t count = results_drop_session(d->results, handle_str(&s->handle));
    queries_revoke(d, handle_str(&s->handle));
    if (count > 0) {
        log_event(
            LOG_INFO, "results_revoked", "session=%s results=%u", s->handle.text, count);
    }
}

void records_revoke_login(struct daemon *d, struct str profile, struct str principal)
{
    uint32_t where = symbol_find(d->symbols, profile);
    uint32_t whose = symbol_find(d->symbols, principal);
    for (uint32_t i = 0; i < d->profile_count; i++) {
        bool is_it = str_eq(profile, str_of(d->profile[i].config->name));
        if (where > 0 && whose > 0 && is_it && !logins_has_credential(d, i, whose)) {
            uint32_t count = results_drop_login(d->results, whose, where);
            queries_revoke_login(d, whose, where);
            log_event(LOG_INFO, "results_revoked", "profile=%s principal=%s results=%u",
                log_quote(profile), log_quote(principal), count);
        }
    }
}

static void on_result_dropped(void *ctx, const struct result *result)
{
    struct daemon *d = ctx;
    release_symbols(d, result);
    if (!d->records.is_closed) {
        /* A row without its file is found out at the next start. */
        (void)!store_drop_result(d->store, handle_str(&result->handle), NULL, NULL);
    }
}

/* ---- when the store fails ---- */

static void put_warning(struct buf *text, struct str notice)
{
    buf_put_str(text, notice);
    buf_puts(text, notice.len > 0 ? " " : "");
    buf_puts(text,
        "The store cannot be written: what this answer names is lost if the daemon ends "
        "before it can.");
}

void records_warn(struct buf *answer)
{
    struct buf text = BUF_INIT(64 * 1024);
    /* Numbers stay as they are written. */
    yyjson_doc *doc = yyjson_read(answer->ptr, answer->len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_mut_doc *copy = doc ? yyjson_doc_mut_copy(doc, NULL) : NULL;
    yyjson_mut_val *root = copy ? yyjson_mut_doc_get_root(copy) : NULL;
    yyjson_mut_val *notice = yyjson_mut_obj_get(root, "notice");
    size_t len = 0;
    put_warning(
        &text, (struct str){yyjson_mut_get_str(notice), yyjson_mut_get_len(notice)});
    if (notice) {
        yyjson_mut_set_strn(notice, text.ptr, text.len);
    } else if (root) {
        yyjson_mut_obj_add_strn(copy, root, "notice", text.ptr, text.len);
    }
    char *json = copy && buf_ok(&text) ? yyjson_mut_write(copy, 0, &len) : NULL;
    if (json) {
        buf_clear(answer);
        buf_put(answer, json, len);
    }
    free(json);
    yyjson_mut_doc_free(copy);
    yyjson_doc_free(doc);
    buf_free(&text);
}

/* ---- at start ---- */

struct loading {
    struct daemon *d;
    struct buf lost; /* handles of results that are not there any more */
    uint32_t queries;
    uint32_t results;
    uint32_t lost_count;
};

static void load_query(void *ctx, const struct store_query *row)
{
    struct loading *loading = ctx;
    query_load(loading->d, row);
    loading->queries++;
}

/* Its credential was not removed while no daemon ran. */
static bool may_log_in(struct daemon *d, struct str profile, uint32_t principal)
{
    for (uint32_t i = 0; i < d->profile_count; i++) {
        if (str_eq(profile, str_of(d->profile[i].config->name))) {
            return logins_has_credential(d, i, principal);
        }
    }
    return true;
}

static void load_result(void *ctx, const struct store_result *row)
{
    struct loading *loading = ctx;
    struct daemon *d = loading->d;
    struct result result = {
        .rows = row->rows,
        .bytes = row->bytes,
        .capped = row->capped != 0,
        .expires_wall_ns = row->expires_wall_ns,
    };
    if (handle_kind_of(row->handle) != HANDLE_RESULT) {
        log_event(LOG_WARN, "result_not_loaded", "reason=handle");
        return;
    }
    bool fits = str_copy(row->handle, result.handle.text, HANDLE_SIZE) &&
                str_copy(row->session, result.session, HANDLE_SIZE);
    result.principal = symbol_acquire(d->symbols, row->principal);
    result.profile = symbol_acquire(d->symbols, row->profile);
    if (fits && result.principal > 0 && may_log_in(d, row->profile, result.principal) &&
        results_restore(d->results, &result, clock_boot_ns(), clock_wall_ns())) {
        loading->results++;
        return;
    }
    release_symbols(d, &result);
    buf_put(&loading->lost, result.handle.text, HANDLE_LEN);
    loading->lost_count++;
}

static void drop_lost(struct daemon *d, struct str handles)
{
    for (; handles.len >= HANDLE_LEN; handles = str_from(handles, HANDLE_LEN)) {
        struct str handle = {handles.ptr, HANDLE_LEN};
        (void)!store_drop_result(d->store, handle, NULL, NULL); /* or at the next start */
    }
}

bool records_open(struct daemon *d, char *err, size_t err_size)
{
    char path[PATHS_SIZE + 16];
    snprintf(path, sizeof(path), "%s/" REACH_SPOOL, d->options->paths->state);
    if (!backend_reach_init_reader(&d->reader_reach, d->options->paths->state)) {
        snprintf(err, err_size, "no memory");
        return false;
    }
    struct results_settings settings = {
        .dir = path,
        .keep_ns = (uint64_t)d->config->results_keep_s * NS_PER_S,
        .bytes_max = (uint64_t)d->config->results_disk_mb << 20,
        .principal_bytes_max = (uint64_t)d->config->results_principal_mb << 20,
        .count_max = RESULTS_MAX,
    };
    return results_open(
        &d->results, &d->loop, &settings, on_result_dropped, d, err, err_size);
}

bool records_load(struct daemon *d, char *err, size_t err_size)
{
    struct loading loading = {.d = d, .lost = BUF_INIT(RESULTS_MAX * HANDLE_LEN)};
    bool ok = store_load_queries(d->store, load_query, &loading, err, err_size) &&
              store_load_results(d->store, load_result, &loading, err, err_size);
    if (ok) { /* from here on the store is written to */
        uint32_t swept = results_sweep(d->results);
        queries_make_room(d);
        drop_lost(d, buf_str(&loading.lost));
        log_event(LOG_INFO, "records_loaded",
            "queries=%u results=%u results_lost=%u files_swept=%u", loading.queries,
            loading.results, loading.lost_count, swept);
    }
    buf_free(&loading.lost);
    return ok;
}
