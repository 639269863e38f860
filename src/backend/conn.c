// SPDX-License-Identifier: Apache-2.0
/* A backend connection: its socket, the frames on it, the calls under way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/state.h"

_Static_assert(WIRE_PAYLOAD_MAX == 2 * 1024 * 1024, "a message names it");

enum {
    OUT_MAX = 2 * FRAME_MAX,
    READS_MAX = 16, /* in one turn */
    GRACE_MS = 100,
    PACKET_SIZE = WIRE_HEADER_SIZE + 4,
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void set_events(struct conn *c)
{
    uv_poll_start(&c->poll, UV_READABLE | (c->out.len > 0 ? UV_WRITABLE : 0), on_poll);
}

static void doom(struct conn *c, const char *why, int error)
{
    backend_doom_conn(c->backend, c->index, (struct doom){.why = why, .error = error});
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    struct backend *b = c->backend;
    buf_free(&c->in);
    buf_free(&c->out);
    free(c);
    backend_handle_closed(b);
}

void conn_forget(struct conn *c)
{
    struct conn_slot *slot = &c->backend->conns[c->index];
    ASSERT(!c->is_closed && slot->conn == c);
    c->is_closed = true;
    c->process = NULL;
    slot->conn = NULL;
    slot->doom = (struct doom){0};
    list_remove(&c->of_process);
    uv_close((uv_handle_t *)&c->poll, on_closed);
    close(c->fd);
}

void conn_lose(struct conn *c, bool refused, struct str why)
{
    const struct backend_handler *handler = &c->backend->handler;
    conn_forget(c);
    handler->conn_lost(handler->ctx, c->index, c->generation, refused, why);
}

/* ---- sending ---- */

/* Returns what the socket did not take. */
static struct str send_some(struct conn *c, struct str bytes)
{
    ssize_t sent;
    do {
        sent = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        return str_from(bytes, (size_t)sent);
    }
    if (errno == EAGAIN) {
        return bytes;
    }
    if (errno != EPIPE && errno != ECONNRESET) { /* those show when reading */
        doom(c, "cannot send to the worker", -errno);
    }
    return STR("");
}

static void flush(struct conn *c)
{
    struct str rest = send_some(c, buf_str(&c->out));
    buf_consume(&c->out, c->out.len - rest.len);
    if (c->out.len == 0) {
        buf_rest(&c->out);
        set_events(c);
    }
}

static void send_frame(struct conn *c, struct str bytes)
{
    if (c->out.len == 0) {
        bytes = send_some(c, bytes);
    }
    if (bytes.len == 0 || c->is_ended) {
        return;
    }
    bool is_first = c->out.len == 0;
    buf_put_str(&c->out, bytes);
    if (!buf_ok(&c->out)) {
        doom(c, "the worker does not read its calls", 0);
    } else if (is_first) {
        set_events(c);
    }
}

void conn_call(
    struct conn *c, struct wire_writer *writer, enum wire_kind kind, uint64_t call)
{
    struct buf *frame = &c->backend->frame;
    if (!wire_end(writer)) {
        doom(c, "a call of more than 2 MiB, or no memory for it", 0);
    } else if (c->call_count == BACKEND_CALLS_MAX) {
        doom(c, "more calls under way than a connection takes", 0);
    } else {
        uint32_t at = (c->call_first + c->call_count++) % BACKEND_CALLS_MAX;
        c->calls[at] = (struct call){call, kind};
        send_frame(c, buf_str(frame));
    }
    if (frame->cap > READ_SIZE) {
        buf_free(frame);
    } else {
        buf_clear(frame);
    }
}

/* A control packet about @c. */
static int send_control(struct conn *c, enum wire_kind kind, uint64_t call, int fd)
{
    char bytes[PACKET_SIZE];
    struct buf out = {.ptr = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
    struct wire_writer writer = wire_begin(&out, kind, call);
    wire_u32(&writer, c->id);
    bool ok = wire_end(&writer);
    ASSERT(ok);
    return process_send(c->process, buf_str(&out), fd);
}

void conn_cancel(struct conn *c, uint64_t call)
{
    for (uint32_t i = 0; i < c->call_count; i++) {
        if (c->calls[(c->call_first + i) % BACKEND_CALLS_MAX].id != call) {
            continue;
        }
        int rc = send_control(c, WIRE_CANCEL, call, -1);
        if (rc < 0) {
            backend_doom_worker(c->backend, c->process->worker,
                (struct doom){.why = "the worker takes no cancel", .error = rc});
        }
        return;
    }
}

/* ---- receiving ---- */

static void lose_for(struct conn *c, const char *how, enum wire_kind kind)
{
    char text[WHY_SIZE];
    snprintf(text, sizeof(text), "the worker sent %s %s", how, frame_name(kind));
    conn_lose(c, false, str_of(text));
}

static struct backend_error get_error(struct wire_reader *reader)
{
    struct backend_error error;
    uint32_t code = wire_get_u32(reader);
    reader->bad = reader->bad || code < WIRE_E_SQL || code > WIRE_E_ARGUMENT;
    error.code = (enum wire_error_code)code;
    error.message = wire_get_str(reader);
    error.sqlstate = wire_get_str(reader);
    error.vendor_code = wire_get_i64(reader);
    error.usable = wire_get_u32(reader) != 0;
    return error;
}

static struct backend_page get_page(struct wire_reader *reader)
{
    struct backend_page page;
    page.columns = wire_get_str(reader);
    page.rows = wire_get_str(reader);
    page.row_count = wire_get_u32(reader);
    page.total_rows = wire_get_i64(reader);
    page.truncated = wire_get_u32(reader) != 0;
    page.cuts = wire_get_str(reader);
    page.elapsed_ns = wire_get_u64(reader);
    page.spooled_rows = wire_get_u64(reader);
    page.spool_bytes = wire_get_u64(reader);
    uint32_t cap = wire_get_u32(reader);
    reader->bad = reader->bad || cap > WIRE_CAP_OTHER;
    page.spool_cap = (enum wire_cap)cap;
    page.spool_errno = (int)wire_get_u32(reader);
    return page;
}

/* OPENED or FAILED. */
static void on_opening(struct conn *c, const struct wire_frame *frame)
{
    const struct backend_handler *handler = &c->backend->handler;
    struct wire_reader reader = wire_reader_of(frame);
    struct backend_error error = {0};
    struct str name = STR("");
    struct str version = STR("");
    if (frame->kind == WIRE_FAILED) {
        error = get_error(&reader);
    } else {
        name = wire_get_str(&reader);
        version = wire_get_str(&reader);
    }
    if (!wire_reader_done(&reader)) {
        lose_for(c, "a malformed", frame->kind);
    } else if (frame->kind == WIRE_FAILED) {
        conn_lose(c, true, error.message);
    } else {
        c->is_up = true;
        (void)str_copy(name, c->process->driver_name, DRIVER_SIZE);
        (void)str_copy(version, c->process->driver_version, DRIVER_SIZE);
        handler->conn_up(handler->ctx, c->index, c->generation);
    }
}

/* Does @kind answer a call begun by @asked? */
static bool is_answer(enum wire_kind asked, enum wire_kind kind)
{
    enum wire_kind wanted = asked == WIRE_CELL     ? WIRE_TEXT
                            : asked == WIRE_EXPORT ? WIRE_EXPORTED
                                                   : WIRE_PAGE;
    return kind == WIRE_ERROR || kind == wanted;
}

static void pop_call(struct conn *c)
{
    c->call_first = (c->call_first + 1) % BACKEND_CALLS_MAX;
    c->call_count--;
    c->is_started = false;
}

static void on_started(struct conn *c, const struct wire_frame *frame)
{
    const struct backend_handler *handler = &c->backend->handler;
    if (c->is_started || c->calls[c->call_first].kind != WIRE_EXEC) {
        lose_for(c, "an unexpected", frame->kind);
    } else if (frame->payload.len > 0) {
        lose_for(c, "a malformed", frame->kind);
    } else {
        c->is_started = true;
        handler->started(handler->ctx, c->index, c->generation, frame->call);
    }
}

static void on_rows(struct conn *c, const struct wire_frame *frame)
{
    const struct backend_handler *handler = &c->backend->handler;
    struct wire_reader reader = wire_reader_of(frame);
    uint64_t rows = wire_get_u64(&reader);
    if (!c->is_started) {
        lose_for(c, "an unexpected", frame->kind);
    } else if (!wire_reader_done(&reader)) {
        lose_for(c, "a malformed", frame->kind);
    } else {
        handler->rows(handler->ctx, c->index, c->generation, frame->call, rows);
    }
}

static void on_answer(struct conn *c, const struct wire_frame *frame)
{
    const struct backend_handler *handler = &c->backend->handler;
    struct wire_reader reader = wire_reader_of(frame);
    struct backend_page page = {0};
    struct backend_error error = {0};
    struct str text = STR("");
    uint64_t rows = 0;
    uint64_t bytes = 0;
    if (frame->kind == WIRE_PAGE) {
        page = get_page(&reader);
    } else if (frame->kind == WIRE_ERROR) {
        error = get_error(&reader);
    } else if (frame->kind == WIRE_TEXT) {
        text = wire_get_str(&reader);
        bytes = wire_get_u64(&reader);
    } else {
        rows = wire_get_u64(&reader);
        bytes = wire_get_u64(&reader);
    }
    if (!wire_reader_done(&reader)) {
        lose_for(c, "a malformed", frame->kind);
        return;
    }
    pop_call(c); /* the handler may begin the next one */
    if (frame->kind == WIRE_PAGE) {
        handler->page(handler->ctx, c->index, c->generation, frame->call, &page);
    } else if (frame->kind == WIRE_ERROR) {
        handler->error(handler->ctx, c->index, c->generation, frame->call, &error);
    } else if (frame->kind == WIRE_TEXT) {
        handler->text(handler->ctx, c->index, c->generation, frame->call, text, bytes);
    } else {
        handler->exported(
            handler->ctx, c->index, c->generation, frame->call, rows, bytes);
    }
}

static void on_frame(struct conn *c, const struct wire_frame *frame)
{
    const struct call *call = &c->calls[c->call_first];
    bool is_opening = frame->kind == WIRE_OPENED || frame->kind == WIRE_FAILED;
    bool is_asked = c->is_up && c->call_count > 0 && call->id == frame->call;
    if (is_opening && !c->is_up) {
        on_opening(c, frame);
    } else if (is_asked && frame->kind == WIRE_STARTED) {
        on_started(c, frame);
    } else if (is_asked && frame->kind == WIRE_ROWS) {
        on_rows(c, frame);
    } else if (is_asked && is_answer(call->kind, frame->kind)) {
        on_answer(c, frame);
    } else {
        lose_for(c, "an unexpected", frame->kind);
    }
}

/* Frames that came whole are handled where they lie, without a copy. */
static void on_bytes(struct conn *c, struct str bytes)
{
    bool is_copied = c->in.len > 0;
    if (is_copied) {
        buf_put_str(&c->in, bytes);
        bytes = buf_str(&c->in);
    }
    struct wire_frame frame;
    size_t used = 0;
    int len = 0;
    while (buf_ok(&c->in) && !c->is_closed &&
           (len = wire_parse(str_from(bytes, used), &frame)) > 0) {
        used += (size_t)len;
        on_frame(c, &frame);
    }
    if (c->is_closed) {
        return;
    }
    if (len < 0) {
        conn_lose(c, false, STR("the worker sent bytes that are no frame"));
        return;
    }
    if (is_copied) {
        buf_consume(&c->in, used);
    } else {
        buf_put_str(&c->in, str_from(bytes, used));
    }
    if (!buf_ok(&c->in)) {
        conn_lose(c, false, STR("no memory for what the worker sent"));
    } else if (c->in.len == 0) {
        buf_rest(&c->in);
    }
}

/*
 * Most often the worker is about to exit, and how it ended is the better news; the order
 * in which the kernel closes its sockets says nothing.
 */
static void on_end(struct conn *c)
{
    c->is_ended = true;
    uv_poll_stop(&c->poll);
    uv_timer_start(&c->backend->grace, conn_on_grace, GRACE_MS, 0);
}

void conn_on_grace(uv_timer_t *timer)
{
    struct backend *b = timer->data;
    for (uint32_t i = 0; i < BACKEND_CONNS_MAX; i++) {
        struct conn *c = b->conns[i].conn;
        if (c && c->is_ended && !process_is_ending(c->process)) {
            conn_lose(c, false,
                c->is_up ? STR("the worker closed the connection")
                         : STR("the worker did not take the connection"));
        }
    }
}

static void receive(struct conn *c, bool to_the_end)
{
    struct backend *b = c->backend;
    for (int i = 0; (to_the_end || i < READS_MAX) && !c->is_closed && !c->is_ended; i++) {
        ssize_t len = recv(c->fd, b->read, READ_SIZE, MSG_DONTWAIT);
        if (len > 0) {
            on_bytes(c, (struct str){b->read, (size_t)len});
            if (len < READ_SIZE && !to_the_end) {
                return; /* most likely empty now; if not, the loop comes back */
            }
        } else if (len < 0 && errno == EAGAIN) {
            return;
        } else if (len == 0 || errno != EINTR) {
            on_end(c);
        }
    }
}

void conn_drain(struct conn *c)
{
    receive(c, true);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct conn *c = poll->data;
    /* An error is a peer gone with calls unread; what it said comes before that. */
    if (status < 0 || events & UV_READABLE) {
        receive(c, status < 0);
    }
    if (events & UV_WRITABLE && !c->is_closed && !c->is_ended) {
        flush(c);
    }
}

/* ---- the beginning ---- */

/* Makes the pair; @ret_fd is the worker's end. */
static int open_socket(struct conn *c, int *ret_fd)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    int rc = uv_poll_init(c->backend->loop, &c->poll, ends[0]);
    if (rc < 0) {
        close(ends[0]);
        close(ends[1]);
        return rc;
    }
    c->poll.data = c;
    c->fd = ends[0];
    *ret_fd = ends[1];
    return 0;
}

void conn_open(
    struct backend *b, uint32_t index, uint32_t generation, struct process *process)
{
    struct conn *c = calloc(1, sizeof(*c));
    int fd = -1;
    int rc = UV_ENOMEM;
    if (c) {
        c->backend = b;
        rc = open_socket(c, &fd);
    }
    if (rc < 0) {
        free(c);
        backend_doom_conn(b, index,
            (struct doom){.why = "cannot open a connection to the worker", .error = rc});
        return;
    }
    b->handles++;
    c->process = process;
    c->index = index;
    c->generation = generation;
    c->id = ++b->last_id;
    c->in = BUF_INIT(FRAME_MAX + READ_SIZE);
    c->out = BUF_INIT(OUT_MAX);
    list_init(&c->of_process);
    list_push_back(&process->conns, &c->of_process);
    b->conns[index].conn = c;
    set_events(c);
    rc = send_control(c, WIRE_ATTACH, 0, fd);
    if (rc < 0) {
        doom(c, "cannot hand the connection to the worker", rc);
    }
}
