// SPDX-License-Identifier: Apache-2.0
/*
 * Requests, through the functions inside of the server and over a socket pair: what comes
 * is then the same each time. Paths choose what the handler does: /h holds the exchange
 * until the bytes at hand are parsed, /s answers with a stream. Oracles: each request gets
 * one response, at most one refusal ends the connection, and it makes no difference to
 * any byte of requests or responses how the input was cut into reads.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rng.h"
#include "fuzz.h"
#include "net/http_conn.h"

enum { LEN_MAX = 1536, LOG_MAX = 1 << 20 };

static struct rig {
    uv_loop_t loop;
    struct http_server *server;
    struct http_exchange *held;
    struct str held_path;
    unsigned requests;
    unsigned answers;
    unsigned gone;
    struct buf log; /* the requests as the handler sees them */
    struct buf out; /* the responses */
    int fd;
} rig;

static void log_str(struct str s)
{
    buf_put_str(&rig.log, s);
    buf_putc(&rig.log, '\0');
}

static void answer(struct http_exchange *x, struct str path)
{
    rig.answers++;
    if (path.len > 1 && path.ptr[1] == 's') {
        http_stream_begin(x, "");
        http_stream_comment(x, STR("hi"));
        http_stream_event(x, "message", STR("{}"));
        http_stream_end(x);
    } else {
        http_reply(x, 200, "", "text/plain", STR("ok"));
    }
}

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *r)
{
    static const char *const names[] = {"host", "content-type", "mcp-session-id", "accept",
        "origin", "authorization", "x", "transfer-encoding", "content-length"};
    (void)ctx;
    ASSERT(!rig.held && r->path.len > 0 && r->method.len > 0);
    rig.requests++;
    log_str(r->method);
    log_str(r->path);
    log_str(r->body);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str value = http_header(x, names[i]);
        ASSERT(value.ptr || value.len == 0);
        log_str(value.ptr ? value : STR("-"));
    }
    if (r->path.len > 1 && r->path.ptr[1] == 'h') {
        rig.held = x;
        rig.held_path = r->path;
    } else {
        answer(x, r->path);
    }
}

static void on_gone(void *ctx, struct http_exchange *x, void *user)
{
    (void)ctx;
    (void)user;
    ASSERT(rig.held == x);
    rig.held = NULL;
    rig.gone++;
}

/* A connection as accept_one() makes it, at one end of a socket pair. */
static struct conn *connect_pair(void)
{
    int ends[2];
    struct conn *c = calloc(1, sizeof(*c));
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
    ASSERT(c && rc == 0);
    c->server = rig.server;
    c->rest = BUF_INIT(REST_MAX);
    c->next = BUF_INIT(OUT_MAX);
    c->tail = BUF_INIT(OUT_MAX);
    c->file = -1;
    c->keep = true;
    list_init(&c->all);
    list_init(&c->timed);
    list_init(&c->ready);
    conn_parser_init(c);
    rc = uv_tcp_init(&rig.loop, &c->tcp);
    ASSERT(rc == 0);
    c->tcp.data = c;
    rc = uv_tcp_open(&c->tcp, ends[0]);
    ASSERT(rc == 0);
    list_push_back(&rig.server->conns, &c->all);
    rig.server->conn_count++;
    rig.fd = ends[1];
    conn_phase(c, PHASE_IDLE);
    return c;
}

static void read_out(void)
{
    char chunk[4096];
    for (ssize_t n; (n = recv(rig.fd, chunk, sizeof(chunk), 0)) > 0;) {
        buf_put(&rig.out, chunk, (size_t)n);
    }
}

static bool is_open(void)
{
    return rig.server->conn_count > 0;
}

/* Lets the loop and the held exchanges go on until nothing is left to do. */
static void settle(struct conn *c)
{
    for (bool more = true; more;) {
        uv_run(&rig.loop, UV_RUN_NOWAIT);
        read_out();
        more = is_open() && (rig.held || !list_is_empty(&rig.server->ready) || c->flight);
        if (rig.held) {
            struct http_exchange *x = rig.held;
            rig.held = NULL;
            answer(x, rig.held_path);
        }
    }
}

/* As on_read() does. */
static void feed(struct conn *c, struct str bytes)
{
    if (!is_open() || uv_is_closing((uv_handle_t *)&c->tcp)) {
        return;
    }
    if (c->phase <= PHASE_BODY && c->rest.len == 0) {
        conn_feed(c, bytes.ptr, bytes.len);
    } else if (c->phase != PHASE_LINGER && c->keep) {
        buf_put_str(&c->rest, bytes);
        ASSERT(buf_ok(&c->rest));
    }
}

static unsigned count_of(const struct buf *text, const char *what)
{
    unsigned count = 0;
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= text->len; i++) {
        count += memcmp(text->ptr + i, what, len) == 0;
    }
    return count;
}

/* Takes out what may differ: dates, and the body of a refusal, which is left out for HEAD
 * only where the parser told of the method before it met the error. */
static void mask_out(struct buf *out)
{
    static const char date[] = "\r\nDate: ";
    enum { HEAD_LEN = sizeof(date) - 1, DATE_LEN = 29 };
    for (size_t i = 0; i < out->len; i++) {
        struct str rest = str_from(buf_str(out), i);
        if (str_starts(rest, str_of(date)) && rest.len >= HEAD_LEN + DATE_LEN) {
            memset(out->ptr + i + HEAD_LEN, 'x', DATE_LEN);
        } else if (str_starts(rest, STR("{\"error\":"))) {
            out->len = i;
        }
    }
}

static void check_answers(void)
{
    unsigned dates = count_of(&rig.out, "\r\nDate: ");
    ASSERT(rig.gone == 0 && !rig.held && rig.answers == rig.requests);
    ASSERT(dates == rig.answers || dates == rig.answers + 1);
    ASSERT(count_of(&rig.out, "{\"error\":") <= dates - rig.answers); /* HEAD: without */
    ASSERT(rig.out.len == 0 || str_starts(buf_str(&rig.out), STR("HTTP/1.1 ")));
}

/* Feeds @input in reads of at most @size bytes; 0: their sizes depend on @rng. */
static void serve(struct str input, size_t size, struct rng *rng)
{
    buf_clear(&rig.log);
    buf_clear(&rig.out);
    rig.requests = rig.answers = rig.gone = 0;
    struct conn *c = connect_pair();
    while (input.len > 0) {
        size_t len = size > 0 ? size : 1 + (size_t)rng_below(rng, 64);
        len = len < input.len ? len : input.len;
        feed(c, (struct str){input.ptr, len});
        if (size > 0 || rng_below(rng, 2)) {
            settle(c);
        }
        input = str_from(input, len);
    }
    settle(c);
    if (is_open()) {
        conn_close(c);
    }
    while (is_open()) {
        uv_run(&rig.loop, UV_RUN_NOWAIT);
    }
    read_out();
    close(rig.fd);
    check_answers();
    mask_out(&rig.out);
}

static void check_same(const struct buf *log, const struct buf *out)
{
    ASSERT(str_eq(buf_str(log), buf_str(&rig.log)));
    ASSERT(str_eq(buf_str(out), buf_str(&rig.out)));
}

static void run(struct str input)
{
    struct rng rng = {input.len};
    serve(input, LEN_MAX, NULL);
    struct buf log = rig.log;
    struct buf out = rig.out;
    rig.log = BUF_INIT(LOG_MAX);
    rig.out = BUF_INIT(LOG_MAX);
    serve(input, 1, NULL);
    check_same(&log, &out);
    serve(input, 0, &rng);
    check_same(&log, &out);
    buf_free(&log);
    buf_free(&out);
}

static void stop(void)
{
    http_server_close(rig.server, NULL, NULL);
    int rc = uv_run(&rig.loop, UV_RUN_DEFAULT);
    ASSERT(rc == 0);
    rc = uv_loop_close(&rig.loop);
    ASSERT(rc == 0);
    buf_free(&rig.log);
    buf_free(&rig.out);
}

int main(int argc, char **argv)
{
    static const struct str words[] = {FUZZ_WORD("\r\n"), FUZZ_WORD("\r\n\r\n"), FUZZ_WORD("\n"),
        FUZZ_WORD("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        FUZZ_WORD("POST /h HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"),
        FUZZ_WORD("HEAD /s "), FUZZ_WORD(" HTTP/1.1"), FUZZ_WORD(" HTTP/1.0"),
        FUZZ_WORD("HTTP/2.0"), FUZZ_WORD("Host: x\r\n"), FUZZ_WORD("Content-Length: 1\r\n"),
        FUZZ_WORD("Content-Length: 18446744073709551616\r\n"),
        FUZZ_WORD("Transfer-Encoding: chunked\r\n"), FUZZ_WORD("Transfer-Encoding:"),
        FUZZ_WORD("gzip, chunked"), FUZZ_WORD("Connection: close\r\n"),
        FUZZ_WORD("Connection: keep-alive\r\n"), FUZZ_WORD("Connection: upgrade\r\n"),
        FUZZ_WORD("Upgrade: h2c\r\n"), FUZZ_WORD("Expect: 100-continue\r\n"),
        FUZZ_WORD("X: 1\r\n"), FUZZ_WORD("0\r\n\r\n"), FUZZ_WORD("ffffffffffffffff\r\n"),
        FUZZ_WORD(";a=\"b\""), FUZZ_WORD("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        FUZZ_WORD("CONNECT x:1"), FUZZ_WORD("Mcp-Session-Id: 1\r\n"), FUZZ_WORD(": "),
        FUZZ_WORD("\t"), FUZZ_WORD("\0")};
    static const struct fuzz_target target = {"http", LEN_MAX, words, ARRAY_LEN(words), run};
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct http_handler handler = {NULL, on_request, on_gone};
    rig.log = BUF_INIT(LOG_MAX);
    rig.out = BUF_INIT(LOG_MAX);
    int rc = uv_loop_init(&rig.loop);
    ASSERT(rc == 0);
    rc = http_listen(&rig.server, &rig.loop, "127.0.0.1", 0, &limits, &handler);
    ASSERT(rc == 0);
    rc = fuzz_main(argc, argv, &target);
    stop();
    return rc;
}
