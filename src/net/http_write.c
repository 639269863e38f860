// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_conn.h"

/* Bytes on their way; libuv needs them until the callback. */
struct write {
    uv_write_t req;
    struct buf bytes;
};

enum { PARTS_MAX = 4 };

static struct conn *conn_of(struct http_exchange *x)
{
    ASSERT(x->live);
    return CONTAINER_OF(x, struct conn, x);
}

size_t conn_unsent(const struct conn *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) + c->next.len +
           (c->file_end - c->file_at) + c->tail.len;
}

void conn_file_end(struct conn *c)
{
    if (c->file >= 0) {
        close(c->file);
    }
    c->file = -1;
    c->file_at = c->file_end = 0;
}

static void on_written(uv_write_t *req, int status);

/* Hands @bytes to libuv, which has none of ours under way. */
static void start_flight(struct conn *c, struct buf *bytes)
{
    struct write *w = calloc(1, sizeof(*w));
    if (!w) {
        buf_free(bytes);
        conn_close(c);
        return;
    }
    w->bytes = *bytes;
    *bytes = BUF_INIT(OUT_MAX);
    w->req.data = c;
    uv_buf_t buf = uv_buf_init(w->bytes.ptr, (unsigned)w->bytes.len);
    if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written) < 0) {
        buf_free(&w->bytes);
        free(w);
        conn_close(c);
        return;
    }
    c->flight = w;
}

/* The next bytes of the file into c->next, or what stands behind it. */
static bool read_file(struct conn *c)
{
    size_t left = c->file_end - c->file_at;
    size_t step = left < FILE_STEP ? left : FILE_STEP;
    char *bytes = malloc(FILE_STEP);
    ssize_t got = bytes ? 0 : -1;
    while (bytes && step > 0) {
        got = pread(c->file, bytes, step, (off_t)c->file_at);
        if (got >= 0 || errno != EINTR) {
            break;
        }
    }
    bool ok = bytes && (step == 0 || got > 0);
    if (ok) {
        buf_put(&c->next, bytes, (size_t)got);
        c->file_at += (size_t)got;
    }
    free(bytes);
    if (ok && c->file_at == c->file_end) {
        conn_file_end(c);
        buf_put_str(&c->next, buf_str(&c->tail));
        buf_free(&c->tail);
    }
    return ok && buf_ok(&c->next);
}

/* What waits, when nothing is under way. */
static void send_next(struct conn *c)
{
    if (c->next.len == 0 && c->file >= 0 && !read_file(c)) {
        conn_close(c); /* the peer sees that the answer is cut off */
    } else if (c->next.len > 0) {
        start_flight(c, &c->next);
    } else if (c->phase == PHASE_DRAIN) {
        conn_settle(c);
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct write *w = CONTAINER_OF(req, struct write, req);
    struct conn *c = req->data;
    c->flight = NULL;
    buf_free(&w->bytes);
    free(w);
    if (status < 0) {
        conn_close(c);
    } else {
        send_next(c);
    }
}

/* Sends @parts in order: at once what the socket takes, copies of the rest later. */
void conn_put(struct conn *c, const struct str *parts, unsigned count)
{
    ASSERT(count <= PARTS_MAX);
    if (uv_is_closing((uv_handle_t *)&c->tcp)) {
        return;
    }
    size_t sent = 0;
    bool is_behind = c->file >= 0;
    if (!c->flight && !is_behind) {
        uv_buf_t bufs[PARTS_MAX];
        unsigned n = 0;
        for (unsigned i = 0; i < count; i++) {
            if (parts[i].len > 0) {
                /* libuv does not write through this pointer. */
                union {
                    const char *in;
                    char *out;
                } p = {.in = parts[i].ptr};
                bufs[n++] = uv_buf_init(p.out, (unsigned)parts[i].len);
            }
        }
        int rc = n > 0 ? uv_try_write((uv_stream_t *)&c->tcp, bufs, n) : 0;
        if (rc < 0 && rc != UV_EAGAIN) {
            conn_close(c);
            return;
        }
        sent = rc > 0 ? (size_t)rc : 0;
    }
    for (unsigned i = 0; i < count; i++) {
        size_t skip = sent < parts[i].len ? sent : parts[i].len;
        sent -= skip;
        buf_put_str(is_behind ? &c->tail : &c->next, str_from(parts[i], skip));
    }
    if (!buf_ok(&c->next) || !buf_ok(&c->tail) || conn_unsent(c) > OUT_MAX) {
        conn_close(c);
    } else if (!c->flight && c->next.len > 0) {
        start_flight(c, &c->next);
    }
}

/* Behind what was put before; what is put from here on stands behind the file. */
static void put_file(struct conn *c, const struct http_file *file)
{
    if (uv_is_closing((uv_handle_t *)&c->tcp) || file->len == 0) {
        close(file->fd);
        return;
    }
    ASSERT(c->file < 0);
    c->file = file->fd;
    c->file_at = 0;
    c->file_end = file->len;
}

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {{200, "OK"}, {202, "Accepted"}, {204, "No Content"}, {400, "Bad Request"},
        {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {406, "Not Acceptable"}, {408, "Request Timeout"},
        {409, "Conflict"}, {413, "Content Too Large"}, {415, "Unsupported Media Type"},
        {417, "Expectation Failed"}, {421, "Misdirected Request"},
        {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"}, {501, "Not Implemented"},
        {503, "Service Unavailable"}, {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].status == status) {
            return texts[i].text;
        }
    }
    return "Other";
}

static const char *date_now(struct http_server *server)
{
    uint64_t now = clock_wall_ns() / NS_PER_S;
    if (now != server->date_s) {
        static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
            "Aug", "Sep", "Oct", "Nov", "Dec"};
        time_t seconds = (time_t)now;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        struct buf text = BUF_INIT(sizeof(server->date) * 2);
        buf_printf(&text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
            tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
            tm.tm_sec);
        str_copy(buf_str(&text), server->date, sizeof(server->date));
        buf_free(&text);
        server->date_s = now;
    }
    return server->date;
}

/* Status line and the headers that every response has. */
static void put_head(struct conn *c, struct buf *head, int status, const char *extra)
{
    if (!c->server->accepting) {
        c->keep = false;
    }
    buf_printf(head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, status_text(status),
        date_now(c->server));
    if (!c->keep) {
        buf_puts(head, "Connection: close\r\n");
    } else if (c->parser.http_minor == 0) {
        buf_puts(head, "Connection: keep-alive\r\n");
    }
    buf_puts(head, extra);
}

/* @body is all of it, or what stands before a file and @rest. */
static void put_response(struct conn *c, int status, const char *extra, const char *type,
    struct str body, uint64_t rest)
{
    struct buf head = BUF_INIT(64 * 1024);
    bool bodiless = status == 204 || status == 304;
    put_head(c, &head, status, extra);
    if (type) {
        buf_printf(&head, "Content-Type: %s\r\n", type);
    }
    if (!bodiless) {
        buf_puts(&head, "Content-Length: ");
        buf_put_u64(&head, body.len + rest);
        buf_puts(&head, "\r\n");
    }
    buf_puts(&head, "\r\n");
    if (buf_ok(&head)) {
        bool silent = bodiless || conn_is_method(c, HTTP_HEAD);
        struct str parts[] = {buf_str(&head), silent ? STR("") : body};
        conn_put(c, parts, ARRAY_LEN(parts));
    } else {
        conn_close(c);
    }
    buf_free(&head);
}

/* Answers a request that never became an exchange; the connection ends with it. */
void conn_refuse(struct conn *c, int status, const char *error)
{
    ASSERT(!c->x.live);
    struct buf body = BUF_INIT(1024);
    buf_puts(&body, "{\"error\":");
    buf_put_json(&body, str_of(error));
    buf_puts(&body, "}");
    c->keep = false;
    c->linger = true;
    put_response(c, status, status == 503 ? "Retry-After: 1\r\n" : "", "application/json",
        buf_str(&body), 0);
    buf_free(&body);
    conn_settle(c);
}

static void end_exchange(struct conn *c)
{
    c->x = (struct http_exchange){0};
    conn_settle(c);
}

void http_reply(struct http_exchange *x, int status, const char *extra_headers,
    const char *content_type, struct str body)
{
    struct conn *c = conn_of(x);
    ASSERT(!x->streaming);
    put_response(c, status, extra_headers, content_type, body, 0);
    end_exchange(c);
}

static void put_file_then(struct conn *c, const struct http_file *file, struct str after)
{
    put_file(c, file);
    conn_put(c, &after, 1);
    if (!c->flight && !uv_is_closing((uv_handle_t *)&c->tcp)) {
        send_next(c);
    }
}

void http_reply_file(struct http_exchange *x, int status, const char *extra_headers,
    const char *content_type, struct str before, const struct http_file *file,
    struct str after)
{
    struct conn *c = conn_of(x);
    ASSERT(!x->streaming && !conn_is_method(c, HTTP_HEAD));
    put_response(c, status, extra_headers, content_type, before, file->len + after.len);
    put_file_then(c, file, after);
    end_exchange(c);
}

void http_stream_begin(struct http_exchange *x, const char *extra_headers)
{
    struct conn *c = conn_of(x);
    ASSERT(!x->streaming);
    x->streaming = true;
    x->chunked = c->parser.http_minor > 0;
    if (!x->chunked) {
        c->keep = false; /* HTTP/1.0: the end of the stream is the end of the connection */
    }
    struct buf head = BUF_INIT(64 * 1024);
    put_head(c, &head, 200, extra_headers);
    buf_puts(&head, "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                    "X-Accel-Buffering: no\r\n");
    buf_puts(&head, x->chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    if (buf_ok(&head)) {
        struct str part = buf_str(&head);
        conn_put(c, &part, 1);
    } else {
        conn_close(c);
    }
    buf_free(&head);
}

/* One chunk: @before, @text, and the blank line that ends an event. */
static void put_chunk(struct http_exchange *x, struct str before, struct str text)
{
    struct conn *c = conn_of(x);
    ASSERT(x->streaming);
    ASSERT(!memchr(text.ptr, '\n', text.len) && !memchr(text.ptr, '\r', text.len));
    if (conn_is_method(c, HTTP_HEAD)) {
        return;
    }
    char size[24] = "";
    if (x->chunked) {
        snprintf(size, sizeof(size), "%zx\r\n", before.len + text.len + 2);
    }
    struct str parts[] = {str_of(size), before, text,
        x->chunked ? STR("\n\n\r\n") : STR("\n\n")};
    conn_put(c, parts, ARRAY_LEN(parts));
}

void http_stream_event_file(struct http_exchange *x, const char *event, struct str before,
    const struct http_file *file, struct str after)
{
    struct conn *c = conn_of(x);
    struct buf head = BUF_INIT(64 * 1024);
    struct buf tail = BUF_INIT(64 * 1024);
    ASSERT(x->streaming && !conn_is_method(c, HTTP_HEAD) && !strpbrk(event, "\r\n"));
    buf_printf(&tail, STR_FMT "\n\n", STR_ARG(after));
    size_t data = sizeof("event: \ndata: ") - 1 + strlen(event) + before.len;
    if (x->chunked) {
        buf_printf(&head, "%zx\r\n", data + file->len + tail.len);
        buf_puts(&tail, "\r\n");
    }
    buf_printf(&head, "event: %s\ndata: " STR_FMT, event, STR_ARG(before));
    struct str part = buf_str(&head);
    if (buf_ok(&head) && buf_ok(&tail)) {
        conn_put(c, &part, 1);
    } else {
        conn_close(c);
    }
    put_file_then(c, file, buf_str(&tail));
    buf_free(&head);
    buf_free(&tail);
}

void http_stream_event(struct http_exchange *x, const char *event_or_null, struct str data)
{
    if (!event_or_null) {
        put_chunk(x, STR("data: "), data);
        return;
    }
    ASSERT(!strpbrk(event_or_null, "\r\n"));
    struct buf before = BUF_INIT(4096);
    buf_printf(&before, "event: %s\ndata: ", event_or_null);
    ASSERT(buf_ok(&before));
    put_chunk(x, buf_str(&before), data);
    buf_free(&before);
}

void http_stream_comment(struct http_exchange *x, struct str text)
{
    put_chunk(x, STR(": "), text);
}

void http_stream_end(struct http_exchange *x)
{
    struct conn *c = conn_of(x);
    ASSERT(x->streaming);
    if (x->chunked && !conn_is_method(c, HTTP_HEAD)) {
        struct str part = STR("0\r\n\r\n");
        conn_put(c, &part, 1);
    }
    end_exchange(c);
}

size_t http_pending_bytes(const struct http_exchange *x)
{
    ASSERT(x->live);
    return conn_unsent(conn_of_const(x));
}
