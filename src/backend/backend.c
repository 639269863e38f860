// SPDX-License-Identifier: Apache-2.0
#include "backend/backend.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/state.h"

/* The process of @worker that can still be talked to, or NULL. */
static struct process *live_process(const struct backend *b, uint32_t worker)
{
    ASSERT(worker < BACKEND_WORKERS_MAX);
    struct process *p = b->workers[worker].process;
    return p && !p->is_lost ? p : NULL;
}

/* The connection @conn, unless it is gone or of another generation. */
static struct conn *live_conn(const struct backend *b, uint32_t conn, uint32_t generation)
{
    ASSERT(conn < BACKEND_CONNS_MAX);
    const struct conn_slot *slot = &b->conns[conn];
    return slot->conn && slot->generation == generation ? slot->conn : NULL;
}

const char *frame_name(enum wire_kind kind)
{
    static const char *const names[] = {[WIRE_SETUP] = "SETUP",
        [WIRE_ATTACH] = "ATTACH",
        [WIRE_CANCEL] = "CANCEL",
        [WIRE_PING] = "PING",
        [WIRE_READY] = "READY",
        [WIRE_FAILED] = "FAILED",
        [WIRE_PONG] = "PONG",
        [WIRE_OPENED] = "OPENED",
        [WIRE_EXEC] = "EXEC",
        [WIRE_STARTED] = "STARTED",
        [WIRE_PAGE] = "PAGE",
        [WIRE_ERROR] = "ERROR",
        [WIRE_FETCH] = "FETCH",
        [WIRE_CELL] = "CELL",
        [WIRE_TEXT] = "TEXT",
        [WIRE_ROWS] = "ROWS",
        [WIRE_EXPORT] = "EXPORT",
        [WIRE_EXPORTED] = "EXPORTED",
        [WIRE_SIGN_IN] = "SIGN_IN"};
    ASSERT(kind < ARRAY_LEN(names) && names[kind]);
    return names[kind];
}

void buf_rest(struct buf *buf)
{
    if (buf->cap > KEEP_SIZE) {
        buf_free(buf);
    } else {
        buf_clear(buf);
    }
}

/* ---- losses told later ---- */

static struct str doom_text(const struct doom *doom, char text[WHY_SIZE])
{
    snprintf(text, WHY_SIZE, "%s%s%s%s%s", doom->why, doom->what ? " " : "",
        doom->what ? doom->what : "", doom->error ? ": " : "",
        doom->error ? uv_strerror(doom->error) : "");
    return str_of(text);
}

static void tell_worker_doom(struct backend *b, uint32_t worker)
{
    struct worker_slot *slot = &b->workers[worker];
    char text[WHY_SIZE];
    struct str why = doom_text(&slot->doom, text);
    slot->doom = (struct doom){0};
    if (slot->process) {
        process_lose(slot->process, why);
    } else {
        b->handler.worker_lost(b->handler.ctx, worker, slot->generation, why);
    }
}

static void tell_conn_doom(struct backend *b, uint32_t conn)
{
    struct conn_slot *slot = &b->conns[conn];
    char text[WHY_SIZE];
    struct str why = doom_text(&slot->doom, text);
    slot->doom = (struct doom){0};
    if (slot->conn) {
        conn_lose(slot->conn, false, why);
    } else {
        b->handler.conn_lost(b->handler.ctx, conn, slot->generation, false, why);
    }
}

static void on_later(uv_idle_t *idle)
{
    struct backend *b = idle->data;
    uv_idle_stop(idle);
    for (uint32_t i = 0; i < BACKEND_WORKERS_MAX; i++) {
        if (b->workers[i].doom.why) {
            tell_worker_doom(b, i);
        }
    }
    for (uint32_t i = 0; i < BACKEND_CONNS_MAX; i++) {
        if (b->conns[i].doom.why) {
            tell_conn_doom(b, i);
        }
    }
}

static void doom_slot(struct backend *b, struct doom *slot, struct doom doom)
{
    if (!slot->why) {
        *slot = doom;
        uv_idle_start(&b->later, on_later);
    }
}

void backend_doom_worker(struct backend *b, uint32_t worker, struct doom doom)
{
    doom_slot(b, &b->workers[worker].doom, doom);
}

void backend_doom_conn(struct backend *b, uint32_t conn, struct doom doom)
{
    doom_slot(b, &b->conns[conn].doom, doom);
}

/* ---- life ---- */

struct backend *backend_new(
    uv_loop_t *loop, const char *program, const struct backend_handler *handler)
{
    struct backend *b = calloc(1, sizeof(*b));
    char *copy = strdup(program);
    if (!b || !copy) {
        free(b);
        free(copy);
        return NULL;
    }
    b->loop = loop;
    b->program = copy;
    b->handler = *handler;
    b->frame = BUF_INIT(FRAME_MAX);
    uv_idle_init(loop, &b->later);
    b->later.data = b;
    uv_timer_init(loop, &b->grace);
    b->grace.data = b;
    b->handles = 2;
    return b;
}

void backend_handle_closed(struct backend *b)
{
    ASSERT(b->handles > 0);
    if (--b->handles > 0) {
        return;
    }
    ASSERT(b->is_closing);
    void (*closed)(void *) = b->closed;
    void *ctx = b->closed_ctx;
    buf_free(&b->frame);
    free(b->program);
    free(b);
    closed(ctx);
}

static void on_own_closed(uv_handle_t *handle)
{
    backend_handle_closed(handle->data);
}

void backend_close(struct backend *b, void (*closed)(void *), void *ctx)
{
    ASSERT(!b->is_closing);
    b->is_closing = true;
    b->closed = closed;
    b->closed_ctx = ctx;
    for (uint32_t i = 0; i < BACKEND_CONNS_MAX; i++) {
        if (b->conns[i].conn) {
            conn_forget(b->conns[i].conn);
        }
        b->conns[i].doom = (struct doom){0};
    }
    for (uint32_t i = 0; i < BACKEND_WORKERS_MAX; i++) {
        if (b->workers[i].process) {
            process_forget(b->workers[i].process);
        }
        b->workers[i].doom = (struct doom){0};
    }
    uv_close((uv_handle_t *)&b->later, on_own_closed);
    uv_close((uv_handle_t *)&b->grace, on_own_closed);
}

/* ---- workers ---- */

/* A lost one whose news is just being told goes on telling it without the slot. */
static void take_slot(struct backend *b, uint32_t worker, uint32_t generation)
{
    ASSERT(!b->is_closing);
    struct process *old = live_process(b, worker);
    if (old) {
        process_forget(old);
    }
    b->workers[worker] = (struct worker_slot){.generation = generation};
}

void backend_spawn(struct backend *b, uint32_t worker, uint32_t generation,
    const struct backend_setup *setup)
{
    take_slot(b, worker, generation);
    process_spawn(b, worker, generation, setup);
}

void backend_refuse(
    struct backend *b, uint32_t worker, uint32_t generation, struct str why)
{
    take_slot(b, worker, generation);
    struct worker_slot *slot = &b->workers[worker];
    (void)str_copy(str_utf8_prefix(why, WHY_SIZE - 1), slot->refusal, WHY_SIZE);
    backend_doom_worker(b, worker, (struct doom){.why = slot->refusal});
}

void backend_kill(struct backend *b, uint32_t worker, uint32_t generation)
{
    ASSERT(worker < BACKEND_WORKERS_MAX);
    struct worker_slot *slot = &b->workers[worker];
    if (slot->generation != generation) {
        return;
    }
    slot->doom = (struct doom){0};
    if (slot->process) {
        process_forget(slot->process);
    }
}

struct str backend_driver_name(const struct backend *b, uint32_t worker)
{
    const struct process *p = live_process(b, worker);
    return str_of(p ? p->driver_name : "");
}

struct str backend_driver_version(const struct backend *b, uint32_t worker)
{
    const struct process *p = live_process(b, worker);
    return str_of(p ? p->driver_version : "");
}

int backend_pid(const struct backend *b, uint32_t worker)
{
    const struct process *p = live_process(b, worker);
    return p && !p->has_exited ? p->child.pid : 0;
}

struct str backend_confinement(const struct backend *b, uint32_t worker)
{
    const struct process *p = live_process(b, worker);
    return str_of(p ? p->confinement : "");
}

/* ---- connections ---- */

void backend_connect(
    struct backend *b, uint32_t conn, uint32_t generation, uint32_t worker)
{
    ASSERT(!b->is_closing && conn < BACKEND_CONNS_MAX);
    struct process *process = live_process(b, worker);
    if (b->conns[conn].conn) {
        conn_forget(b->conns[conn].conn);
    }
    b->conns[conn] = (struct conn_slot){.generation = generation};
    if (process) {
        conn_open(b, conn, generation, process);
    } else {
        backend_doom_conn(b, conn, (struct doom){.why = "the worker does not run"});
    }
}

void backend_disconnect(struct backend *b, uint32_t conn, uint32_t generation)
{
    ASSERT(conn < BACKEND_CONNS_MAX);
    struct conn_slot *slot = &b->conns[conn];
    if (slot->generation != generation) {
        return;
    }
    slot->doom = (struct doom){0};
    if (slot->conn) {
        conn_forget(slot->conn);
    }
}

void backend_exec(struct backend *b, uint32_t conn, uint32_t generation,
    const struct backend_exec *exec)
{
    struct conn *c = live_conn(b, conn, generation);
    if (!c) {
        return;
    }
    struct wire_writer writer = wire_begin(&b->frame, WIRE_EXEC, exec->call);
    wire_u32(&writer, exec->own_option_count);
    for (uint32_t i = 0; i < exec->own_option_count; i++) {
        wire_str(&writer, exec->own_options[i].key);
        wire_str(&writer, exec->own_options[i].value);
    }
    wire_u32(&writer, exec->option_count);
    for (uint32_t i = 0; i < exec->option_count; i++) {
        wire_str(&writer, exec->options[i].key);
        wire_str(&writer, exec->options[i].value);
    }
    wire_str(&writer, exec->sql);
    wire_u32(&writer, exec->rows_max);
    wire_u32(&writer, exec->page_bytes);
    wire_u32(&writer, exec->cell_chars);
    wire_str(&writer, exec->spool_path);
    wire_u64(&writer, exec->spool_rows_max);
    wire_u64(&writer, exec->spool_bytes_max);
    conn_call(c, &writer, WIRE_EXEC, exec->call);
}

void backend_fetch(struct backend *b, uint32_t conn, uint32_t generation,
    const struct backend_fetch *fetch)
{
    struct conn *c = live_conn(b, conn, generation);
    if (!c) {
        return;
    }
    struct wire_writer writer = wire_begin(&b->frame, WIRE_FETCH, fetch->call);
    wire_str(&writer, fetch->spool_path);
    wire_u64(&writer, fetch->offset);
    wire_u32(&writer, fetch->rows_max);
    wire_u32(&writer, fetch->page_bytes);
    wire_u32(&writer, fetch->cell_chars);
    conn_call(c, &writer, WIRE_FETCH, fetch->call);
}

void backend_cell(struct backend *b, uint32_t conn, uint32_t generation,
    const struct backend_cell *cell)
{
    struct conn *c = live_conn(b, conn, generation);
    if (!c) {
        return;
    }
    struct wire_writer writer = wire_begin(&b->frame, WIRE_CELL, cell->call);
    wire_str(&writer, cell->spool_path);
    wire_u64(&writer, cell->row);
    wire_u32(&writer, cell->column);
    wire_u64(&writer, cell->offset);
    wire_u32(&writer, cell->bytes_max);
    conn_call(c, &writer, WIRE_CELL, cell->call);
}

void backend_export(struct backend *b, uint32_t conn, uint32_t generation,
    const struct backend_export *export)
{
    struct conn *c = live_conn(b, conn, generation);
    if (!c) {
        return;
    }
    struct wire_writer writer = wire_begin(&b->frame, WIRE_EXPORT, export->call);
    wire_str(&writer, export->spool_path);
    wire_str(&writer, export->out_path);
    wire_u32(&writer, (uint32_t) export->format);
    conn_call(c, &writer, WIRE_EXPORT, export->call);
}

void backend_cancel(struct backend *b, uint32_t conn, uint32_t generation, uint64_t call)
{
    struct conn *c = live_conn(b, conn, generation);
    if (c) {
        conn_cancel(c, call);
    }
}
