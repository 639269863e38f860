// SPDX-License-Identifier: Apache-2.0
/* Sessions as rows of the store: written while they live, loaded at start. */
#include "base/log.h"
#include "daemon/inside.h"

/* @scratch holds the text of the histogram. */
static struct store_session row_of(const struct session *s, struct buf *scratch)
{
    struct daemon *d = s->daemon;
    struct tool_session view;
    sessions_view(d, s, &view);
    histogram_put(&s->body->response_times, scratch);
    const struct tool_counts *counts = &s->counts;
    struct store_session row = {
        .handle = handle_str(&s->handle),
        .principal = symbol_str(d->symbols, s->principal),
        .client_name = client_name(d, s),
        .client_version = str_of(s->body->client_version),
        .instance = client_instance(d, s),
        .label = str_of(s->label),
        .revision = str_of(s->revision),
        .response_times = buf_str(scratch),
        .held = symbol_str(d->symbols, s->held),
        .created_wall_ns = s->created_wall_ns,
        .last_seen_wall_ns = view.last_seen_wall_ns,
        .calls_total = counts->calls_total,
        .calls_ok = counts->calls_ok,
        .calls_failed = counts->calls_failed,
        .calls_refused = counts->calls_refused,
        .rows_total = counts->rows,
        .bytes_in = counts->bytes_received,
        .bytes_out = counts->bytes_sent,
        .response_ns = counts->response_ns,
        .queue_ns = counts->queue_ns,
        .connections_total = counts->connections,
        .limit_rows = s->preferences.limit_rows,
        .timeout_s = s->preferences.timeout_s,
        .format = s->preferences.format,
        .priority = s->preferences.is_low,
    };
    for (int i = 0; i < TOOL_PARTS; i++) {
        row.context[i] = symbol_str(d->symbols, s->context[i]);
    }
    return row;
}

static bool put(struct session *s, store_done_fn done, void *ctx)
{
    struct buf scratch = BUF_INIT(512);
    struct store_session row = row_of(s, &scratch);
    bool ok = store_put_session(s->daemon->store, &row, done, ctx);
    buf_free(&scratch);
    return ok;
}

bool sessions_put(struct session *s, store_done_fn done, void *ctx)
{
    bool ok = put(s, done, ctx);
    s->writes += ok;
    return ok;
}

void sessions_mark(struct session *session)
{
    if (list_is_empty(&session->dirty)) {
        list_push_back(&session->daemon->dirty, &session->dirty);
    }
}

static void on_saved(void *ctx, bool ok)
{
    struct session *s = ctx;
    if (session_written(s) && !ok) {
        sessions_mark(s);
    }
}

bool sessions_save(struct session *s)
{
    bool ok = sessions_put(s, on_saved, s);
    if (ok) {
        list_remove(&s->dirty);
    }
    return ok;
}

void sessions_flush(struct daemon *d)
{
    LIST_FOR(node, &d->dirty) {
        struct session *s = CONTAINER_OF(node, struct session, dirty);
        if (s->body && !sessions_save(s)) {
            break; /* the queue is full: in a second again */
        }
    }
}

/* ---- at start ---- */

struct loading {
    struct daemon *d;
    uint64_t count;
};

static void take_numbers(struct session *s, const struct store_session *row)
{
    s->counts = (struct tool_counts){
        .calls_total = row->calls_total,
        .calls_ok = row->calls_ok,
        .calls_failed = row->calls_failed,
        .calls_refused = row->calls_refused,
        .rows = row->rows_total,
        .bytes_received = row->bytes_in,
        .bytes_sent = row->bytes_out,
        .connections = row->connections_total,
    };
    struct histogram times;
    if (histogram_parse(&times, row->response_times)) {
        s->counts.calls_timed = histogram_count(&times);
        s->counts.response_ns = row->response_ns;
        s->counts.queue_ns = row->queue_ns;
    } else {
        log_event(LOG_WARN, "response_times_not_read", "session=%s", s->handle.text);
    }
    s->preferences = (struct tool_preferences){
        .limit_rows = (uint32_t)row->limit_rows,
        .timeout_s = (uint32_t)row->timeout_s,
        .format = row->format < TOOL_FORMATS ? (uint8_t)row->format : TOOL_ARRAYS,
        .is_low = row->priority != 0,
    };
}

static void load_one(void *ctx, const struct store_session *row)
{
    struct loading *loading = ctx;
    struct daemon *d = loading->d;
    struct mcp_client client = {
        .name = row->client_name, .instance = row->instance, .revision = row->revision};
    if (handle_kind_of(row->handle) != HANDLE_SESSION) {
        log_event(LOG_WARN, "session_not_loaded", "reason=handle");
        return;
    }
    struct session *s = session_new(d, row->principal, &client, row->label);
    if (!s || !str_copy(row->handle, s->handle.text, HANDLE_SIZE)) {
        log_event(LOG_WARN, "session_not_loaded", "reason=memory");
        if (s) {
            session_free(s);
        }
        return;
    }
    for (int i = 0; i < TOOL_PARTS; i++) {
        s->context[i] = symbol_acquire(d->symbols, row->context[i]);
    }
    take_numbers(s, row);
    if (row->held.len > 0) {
        s->held = symbol_acquire(d->symbols, row->held);
        sessions_lost(s, row->held, "restart");
    }
    s->is_durable = s->is_away = true;
    s->created_wall_ns = row->created_wall_ns;
    s->last_seen_wall_ns = row->last_seen_wall_ns;
    struct core_event event = {.kind = CORE_SESSION_LOAD,
        .user = (uint64_t)(uintptr_t)s,
        .principal = s->principal,
        .client = s->client,
        .created_wall_ns = s->created_wall_ns,
        .last_seen_wall_ns = s->last_seen_wall_ns};
    for (int i = 0; i < CORE_PARTS; i++) {
        event.context.part[i] = s->context[TOOL_ROLE + i];
    }
    put_event(d, &event);
    loading->count++;
}

bool sessions_load(struct daemon *d, char *err, size_t err_size)
{
    struct loading loading = {.d = d};
    if (!store_load_sessions(d->store, load_one, &loading, err, err_size)) {
        return false;
    }
    log_event(LOG_INFO, "sessions_loaded", "count=%llu", (unsigned long long)loading.count);
    return true;
}
