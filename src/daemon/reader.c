// SPDX-License-Identifier: Apache-2.0
/*
 * The reader of spools: one worker beside the core's, started by the first fetch. Fetches
 * take no slot; they are answered in the order they were sent.
 */
#include <stdio.h>

#include "base/log.h"
#include "daemon/inside.h"

enum { FETCHES_OPEN_MAX = 16 };

static struct call *first(struct daemon *d)
{
    struct list *node = list_first(&d->fetches);
    return node ? CONTAINER_OF(node, struct call, waiting) : NULL;
}

/*
 * Where the file of an export goes, also when its asker went meanwhile: its name is that of
 * a result that nobody knows, so that the next start removes what this daemon leaves.
 */
static struct handle file_handle(uint64_t exec)
{
    struct handle handle;
    snprintf(handle.text, sizeof(handle.text), "r_%026u", 0u);
    for (int i = HANDLE_LEN - 1; i > 1; i--) {
        handle.text[i] = (char)('a' + exec % 16);
        exec /= 16;
    }
    return handle;
}

static void file_of(const struct daemon *d, uint64_t exec, char ret_path[RESULT_PATH_SIZE])
{
    struct handle handle = file_handle(exec);
    results_path(d->results, handle_str(&handle), ret_path);
}

static void file_discard(struct daemon *d, uint64_t exec)
{
    struct handle handle = file_handle(exec);
    results_discard(d->results, handle_str(&handle));
}

static void ask_now(struct call *call)
{
    struct daemon *d = call->daemon;
    const struct reader_ask *ask = &call->ask;
    call->is_asked = true;
    d->fetches_open++;
    char path[RESULT_PATH_SIZE];
    results_path(d->results, handle_str(&ask->result), path);
    if (ask->format != 0) {
        char file[RESULT_PATH_SIZE];
        file_of(d, call->exec, file);
        backend_export(d->backend, READER_CONN, d->reader_generation,
            &(struct backend_export){.call = call->exec,
                .spool_path = str_of(path),
                .out_path = str_of(file),
                .format = ask->format});
        return;
    }
    if (ask->is_cell) {
        backend_cell(d->backend, READER_CONN, d->reader_generation,
            &(struct backend_cell){.call = call->exec,
                .spool_path = str_of(path),
                .row = ask->row,
                .column = ask->column,
                .offset = ask->offset,
                .bytes_max = ask->max});
        return;
    }
    backend_fetch(d->backend, READER_CONN, d->reader_generation,
        &(struct backend_fetch){.call = call->exec,
            .spool_path = str_of(path),
            .offset = ask->offset,
            .rows_max = ask->max,
            .page_bytes = (uint32_t)d->config->query_page_bytes,
            .cell_chars = (uint32_t)d->config->query_cell_chars});
}

/* A connection takes a bounded number of calls; the others wait here for their turn. */
static void pump(struct daemon *d)
{
    LIST_FOR(node, &d->fetches) {
        struct call *call = CONTAINER_OF(node, struct call, waiting);
        if (!d->reader_is_open || d->fetches_open >= FETCHES_OPEN_MAX) {
            break;
        }
        if (call->grant.is_given && !call->is_asked) {
            ask_now(call);
        }
    }
}

/* The core has its quotas judge first. */
void reader_ask(struct call *call, const struct reader_ask *ask)
{
    struct daemon *d = call->daemon;
    call->ask = *ask;
    call->is_asked = false;
    call->exec = ++d->exec_last;
    list_push_back(&d->fetches, &call->waiting);
    grant_ask(call, ask->is_cell ? 0 : ask->max, NULL);
}

static void start_reader(struct daemon *d)
{
    if (!d->reader_is_starting) {
        d->reader_is_starting = true;
        d->reader_generation++;
        struct backend_setup setup = {.driver = STR("")};
        backend_reach_put(&d->reader_reach, &setup);
        backend_spawn(d->backend, READER_WORKER, d->reader_generation, &setup);
    }
}

/* A file holds all rows or none. */
static void refuse_rows(struct call *call, uint32_t rows_left)
{
    grant_settle(call, 0, 0);
    call->exec = 0;
    list_remove(&call->waiting);
    tool_fail(&call->tool, TOOL_E_QUOTA_EXHAUSTED, 0,
        "The result has %u rows, and the day's quota leaves %u: read some of them with fetch_result.",
        call->ask.max, rows_left);
    call_move(call, TOOL_ANSWER);
}

void reader_granted(struct call *call, const struct core_action *a)
{
    struct daemon *d = call->daemon;
    if (a->reason != CORE_OK) {
        call->exec = 0;
        list_remove(&call->waiting);
        call_fail_for(call, a);
        call_move(call, TOOL_ANSWER);
        return;
    }
    if (call->ask.format != 0 && a->rows_max < call->ask.max) {
        refuse_rows(call, a->rows_max);
        return;
    }
    call->ask.max = call->ask.is_cell ? call->ask.max : a->rows_max;
    if (d->reader_is_open) {
        pump(d);
    } else {
        start_reader(d);
    }
}

void reader_up(struct daemon *d)
{
    backend_connect(d->backend, READER_CONN, d->reader_generation, READER_WORKER);
}

void reader_opened(struct daemon *d)
{
    d->reader_is_open = true;
    pump(d);
}

struct call *reader_take(struct daemon *d, uint64_t exec)
{
    struct call *call = first(d);
    bool is_wanted = call && call->exec == exec; /* else its asker went */
    if (is_wanted) {
        call->exec = 0;
        list_remove(&call->waiting);
    }
    d->fetches_open -= d->fetches_open > 0;
    pump(d);
    return is_wanted ? call : NULL;
}

void reader_failed(struct daemon *d, uint64_t exec, const struct backend_error *error)
{
    struct call *call = reader_take(d, exec);
    if (call) {
        grant_settle(call, 0, 0);
        bool is_ours = error->code == WIRE_E_ARGUMENT;
        tool_fail(&call->tool, is_ours ? TOOL_E_INVALID_ARGUMENT : TOOL_E_RESULT_NOT_FOUND, 0,
            STR_FMT, STR_ARG(error->message));
        call_move(call, TOOL_ANSWER);
    }
}

void reader_text(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec, struct str text,
    uint64_t bytes_total)
{
    struct daemon *d = ctx;
    struct call *call = reader_take(d, exec);
    struct buf json = BUF_INIT(TOOL_OUT_MAX);
    (void)conn;
    (void)generation;
    if (!call) {
        return;
    }
    buf_put_json(&json, text);
    grant_settle(call, 0, text.len);
    work(d); /* bounds are raised before the answer */
    call_page(call, &(struct tool_page){.columns = STR("[]"),
                        .rows = buf_str(&json),
                        .cuts = STR("[]"),
                        .row_count = (uint32_t)text.len,
                        .total_rows = (int64_t)bytes_total});
    buf_free(&json);
    work(d);
}

void reader_exported(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec, uint64_t rows,
    uint64_t bytes)
{
    struct daemon *d = ctx;
    struct call *call = reader_take(d, exec);
    char file[RESULT_PATH_SIZE];
    (void)conn;
    (void)generation;
    if (!call) {
        file_discard(d, exec);
        return;
    }
    bool fits = bytes <= resource_bytes_max(call);
    grant_settle(call, fits ? rows : 0, fits ? bytes : 0);
    call->rows += fits ? rows : 0;
    work(d); /* bounds are raised before the answer */
    if (fits) {
        file_of(d, exec, file);
        resource_exported(call, file, bytes);
    } else {
        file_discard(d, exec);
        resource_too_large(call, bytes);
        call_move(call, TOOL_ANSWER);
    }
    work(d);
}

/* The worker or its connection went: what waits is told, the next fetch starts another. */
void reader_lost(struct daemon *d, struct str why)
{
    struct call *call;
    backend_kill(d->backend, READER_WORKER, d->reader_generation);
    d->reader_is_open = false;
    d->fetches_open = 0;
    d->reader_is_starting = false;
    while ((call = first(d))) {
        if (call->is_asked && call->ask.format != 0) {
            file_discard(d, call->exec);
        }
        grant_settle(call, 0, 0);
        call->exec = 0;
        list_remove(&call->waiting);
        tool_fail(&call->tool, TOOL_E_UNAVAILABLE, 1000,
            "The reader of kept results ended: " STR_FMT ".", STR_ARG(why));
        call_move(call, TOOL_ANSWER);
    }
    work(d);
}
