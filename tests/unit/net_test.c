// SPDX-License-Identifier: Apache-2.0
/* The HTTP server, driven by raw sockets in the same thread: no sleeps, no second thread. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/http.h"

#define HOST "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

struct fixture {
    uv_loop_t loop;
    struct http_server *server;
    struct http_exchange *held; /* of /hold */
    int requests;
    int gone;
    void *gone_user;
    bool closed;
    bool peer_known;
    uint32_t peer_uid;
    struct buf big;
};

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *r)
{
    struct fixture *f = ctx;
    f->requests++;
    f->peer_known = r->peer_known;
    f->peer_uid = r->peer_uid;
    http_set_user(x, f);
    if (str_eq(r->path, STR("/hold"))) {
        f->held = x;
    } else if (str_eq(r->path, STR("/big"))) {
        http_reply(x, 200, "", "text/plain", buf_str(&f->big));
    } else if (str_eq(r->path, STR("/header"))) {
        struct str value = http_header(x, "x-test");
        http_reply(x, value.ptr ? 200 : 404, "", "text/plain", value.ptr ? value : STR(""));
    } else if (str_eq(r->path, STR("/none"))) {
        http_reply(x, 204, "X-One: 1\r\n", NULL, STR(""));
    } else {
        struct buf text = BUF_INIT(2 * 1024 * 1024);
        buf_printf(&text, STR_FMT " " STR_FMT " ", STR_ARG(r->method), STR_ARG(r->path));
        buf_put_str(&text, r->body);
        http_reply(x, 200, "", "text/plain", buf_str(&text));
        buf_free(&text);
    }
}

static void on_gone(void *ctx, struct http_exchange *x, void *user)
{
    struct fixture *f = ctx;
    assert_ptr_equal(f->held, x);
    f->held = NULL;
    f->gone++;
    f->gone_user = user;
}

static void on_closed(void *ctx)
{
    struct fixture *f = ctx;
    f->closed = true;
}

static struct fixture *start_with(const struct http_limits *limits, const char *host)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->big = BUF_INIT(64 * 1024 * 1024);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    struct http_handler handler = {f, on_request, on_gone};
    assert_int_equal(http_listen(&f->server, &f->loop, host, 0, limits, &handler), 0);
    return f;
}

static struct fixture *start(void)
{
    return start_with(&HTTP_LIMITS_DEFAULT, "127.0.0.1");
}

static void stop(struct fixture *f)
{
    http_server_close(f->server, on_closed, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    buf_free(&f->big);
    free(f);
}

static int dial(struct fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(http_port(f->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    int on = 1; /* single bytes must not wait for the one before */
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    return fd;
}

static void turn(struct fixture *f)
{
    for (int i = 0; i < 10; i++) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
}

/* Sends all, running the loop while the socket is full; false when the peer closed. */
static bool put(struct fixture *f, int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            return false;
        }
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    turn(f);
    return true;
}

static void say(struct fixture *f, int fd, const char *text)
{
    put(f, fd, text, strlen(text));
}

/* Reads until @until has come (NULL: until the server closes) or five seconds are over. */
static void hear(struct fixture *f, int fd, struct buf *got, const char *until)
{
    uint64_t end = uv_hrtime() + 5000000000u;
    static char chunk[65536];
    while (uv_hrtime() < end) {
        ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        if (n > 0) {
            buf_put(got, chunk, (size_t)n);
        } else if (n == 0 || errno != EAGAIN) {
            assert_null(until);
            return;
        }
        if (until && got->len > 0 && memmem(got->ptr, got->len, until, strlen(until))) {
            return;
        }
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    fail_msg("waited for %s, got %.*s", until ? until : "the end", (int)got->len, got->ptr);
}

static bool has(const struct buf *got, const char *text)
{
    return got->ptr && memmem(got->ptr, got->len, text, strlen(text));
}

/* Without memmem: the sanitizers would look at the whole rest each time. */
static int count_of(const struct buf *got, const char *text)
{
    int count = 0;
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= got->len; i++) {
        count += got->ptr[i] == text[0] && memcmp(got->ptr + i, text, len) == 0;
    }
    return count;
}

/* One request on its own connection: the answer holds @want and the server closes. */
static void expect_refusal(struct fixture *f, const char *request, const char *want)
{
    struct buf got = BUF_INIT(1 << 20);
    int before = f->requests;
    int fd = dial(f);
    say(f, fd, request);
    hear(f, fd, &got, NULL);
    if (!has(&got, want) || !has(&got, "{\"error\":") || !has(&got, "Connection: close")) {
        fail_msg("%s\nwanted %s, got %.*s", request, want, (int)got.len, got.ptr);
    }
    assert_int_equal(f->requests, before);
    assert_int_equal(count_of(&got, "\r\nDate: "), 1);
    close(fd);
    turn(f);
    buf_free(&got);
}

static void test_keep_alive(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    for (int i = 1; i <= 3; i++) {
        buf_clear(&got);
        say(f, fd, "POST /a?b HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyz");
        hear(f, fd, &got, "POST /a?b xyz");
        assert_true(has(&got, "HTTP/1.1 200 OK\r\n"));
        assert_true(has(&got, "Content-Length: 13\r\n"));
        assert_true(has(&got, " GMT\r\n"));
        assert_false(has(&got, "Connection:"));
        assert_int_equal(f->requests, i);
    }
    assert_true(f->peer_known);
    assert_int_equal(f->peer_uid, getuid());
    buf_clear(&got);
    say(f, fd, "GET /none HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    hear(f, fd, &got, NULL);
    assert_true(has(&got, "204 No Content") && has(&got, "X-One: 1\r\n"));
    assert_true(has(&got, "Connection: close") && !has(&got, "Content-Length"));
    close(fd);
    buf_free(&got);
    stop(f);
}

static void test_old_and_head(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    say(f, fd, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    hear(f, fd, &got, "GET /a ");
    assert_true(has(&got, "Connection: keep-alive\r\n"));
    buf_clear(&got);
    say(f, fd, "HEAD /a HTTP/1.1\r\n" HOST "\r\n");
    hear(f, fd, &got, "\r\n\r\n");
    assert_true(has(&got, "Content-Length: 8\r\n") && !has(&got, "HEAD /a"));
    buf_clear(&got);
    say(f, fd, "GET /a HTTP/1.0\r\n\r\n");
    hear(f, fd, &got, NULL);
    assert_true(has(&got, "Connection: close\r\n") && has(&got, "GET /a "));
    close(fd);
    buf_free(&got);
    stop(f);
}

static void test_pipelining(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    say(f, fd, GET("/1") "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab"
        GET("/hold") GET("/4") "\r\n" GET("/5"));
    hear(f, fd, &got, "POST /2 ab");
    assert_int_equal(f->requests, 3);
    assert_non_null(f->held);
    http_reply(f->held, 200, "", "text/plain", STR("held"));
    f->held = NULL;
    assert_int_equal(f->requests, 3); /* not from inside http_reply */
    hear(f, fd, &got, "GET /5 ");
    const char *at4 = memmem(got.ptr, got.len, "GET /4", 6);
    const char *held = memmem(got.ptr, got.len, "held", 4);
    assert_true(held && at4 && held < at4);
    assert_int_equal(f->requests, 5);
    close(fd);
    turn(f);
    assert_int_equal(f->gone, 0);
    buf_free(&got);
    stop(f);
}

/* Far more than may be kept waits in the socket, and is served after all. */
static void test_pipelining_flood(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf got = BUF_INIT(8 << 20);
    struct buf flood = BUF_INIT(8 << 20);
    enum { COUNT = 5000 };
    for (int i = 0; i < COUNT; i++) {
        buf_puts(&flood, GET("/n"));
    }
    int fd = dial(f);
    say(f, fd, GET("/hold"));
    size_t sent = 0;
    for (int i = 0; i < 100; i++) {
        ssize_t n = send(fd, flood.ptr + sent, flood.len - sent, MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        turn(f);
    }
    assert_int_equal(f->requests, 1);
    http_reply(f->held, 202, "", NULL, STR(""));
    f->held = NULL;
    assert_true(put(f, fd, flood.ptr + sent, flood.len - sent));
    uint64_t end = uv_hrtime() + 5000000000u;
    while (f->requests < COUNT + 1 && uv_hrtime() < end) {
        hear(f, fd, &got, "HTTP");
        buf_clear(&got);
        turn(f);
    }
    assert_int_equal(f->requests, COUNT + 1);
    close(fd);
    buf_free(&got);
    buf_free(&flood);
    stop(f);
}

static void test_bytewise_and_chunked(void **state)
{
    (void)state;
    static const char request[] = "POST /c HTTP/1.1\r\nhOsT:\tx \r\nX-Empty:\r\nX-Test:  v w \r\n"
        "Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: r\r\n\r\n";
    struct fixture *f = start();
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    say(f, fd, request);
    hear(f, fd, &got, "POST /c abc0123456789");
    buf_clear(&got);
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        assert_true(put(f, fd, request + i, 1));
        assert_int_equal(f->requests, i + 2 < sizeof(request) ? 1 : 2);
    }
    hear(f, fd, &got, "POST /c abc0123456789");
    close(fd);
    buf_free(&got);
    stop(f);
}

static void test_headers(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    say(f, fd, "GET /header HTTP/1.1\r\n" HOST "A:\r\nX-Test: \t v w\t \r\nB: c\r\n\r\n");
    hear(f, fd, &got, "\r\n\r\nv w");
    buf_clear(&got);
    say(f, fd, "GET /header HTTP/1.1\r\n" HOST "X-Test: 1\r\nx-tesT: 2\r\nX-Test: 3\r\n\r\n");
    hear(f, fd, &got, "\r\n\r\n1, 2, 3");
    buf_clear(&got);
    say(f, fd, "GET /header HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: upgrade\r\n"
        "X-Test:\r\n\r\n");
    hear(f, fd, &got, "200 OK");
    assert_true(has(&got, "Content-Length: 0\r\n"));
    buf_clear(&got);
    say(f, fd, GET("/header"));
    hear(f, fd, &got, "404 Not Found");
    close(fd);
    buf_free(&got);
    stop(f);
}

static void test_expect(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    say(f, fd, "POST /e HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    hear(f, fd, &got, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(f->requests, 0);
    say(f, fd, "hi");
    hear(f, fd, &got, "POST /e hi");
    close(fd);
    buf_free(&got);
    expect_refusal(f, "POST / HTTP/1.1\r\n" HOST "Expect: tea\r\nContent-Length: 2\r\n\r\n", "417");
    expect_refusal(f, "POST / HTTP/1.1\r\n" HOST
        "Expect: 100-continue\r\nContent-Length: 9999999\r\n\r\n", " 413 ");
    stop(f);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\x16\x03\x01 garbage\r\n\r\n", " 400 "},
        {"GET / HTTP/1.1\r\n\r\n", " 400 "},
        {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", " 400 "},
        {"GET / HTTP/1.1\r\n" HOST "Mcp-Session-Id: a\r\nMcp-Session-Id: a\r\n\r\n", " 400 "},
        {"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", " 400 "},
        {"GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\n\r\n", " 400 "},
        {"GET / HTTP/1.1\r\n Host: x\r\n\r\n", " 400 "},
        {"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", " 400 "},
        {"GET / HTTP/1.1\nHost: x\n\n", " 400 "},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\na", " 400 "},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", " 400 "},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", " 400 "},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na", " 400 "},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n", " 400 "},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", " 501 "},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", " 501 "},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n", " 400 "},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", " 400 "},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", " 400 "},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n", " 413 "},
        {"GET / HTTP/3.7\r\n" HOST "\r\n", " 505 "},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", " 505 "},
        {"CONNECT x:1 HTTP/1.1\r\n" HOST "\r\n", " 501 "},
    };
    struct fixture *f = start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        expect_refusal(f, cases[i][0], cases[i][1]);
    }
    stop(f);
}

static void put_n(struct buf *buf, const char *text, int count)
{
    for (int i = 0; i < count; i++) {
        buf_puts(buf, text);
    }
}

static void expect_built_refusal(struct fixture *f, struct buf *request, const char *want)
{
    buf_putc(request, '\0');
    assert_true(buf_ok(request));
    expect_refusal(f, request->ptr, want);
    buf_clear(request);
}

static void test_sizes(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf r = BUF_INIT(8 << 20);
    buf_puts(&r, "GET / HTTP/1.1\r\n" HOST "A: ");
    put_n(&r, "0123456789", 4000);
    expect_built_refusal(f, &r, " 431 "); /* without an end */
    buf_puts(&r, "GET / HTTP/1.1\r\n" HOST "A:");
    put_n(&r, "          ", 20000);
    expect_built_refusal(f, &r, " 431 "); /* blanks before a value count too */
    buf_puts(&r, "GET /");
    put_n(&r, "0123456789", 4000);
    expect_built_refusal(f, &r, " 431 ");
    buf_puts(&r, "GET / HTTP/1.1\r\n" HOST);
    put_n(&r, "A: b\r\n", 200);
    buf_puts(&r, "\r\n");
    expect_built_refusal(f, &r, " 431 ");
    buf_puts(&r, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 11; i++) {
        buf_puts(&r, "186a0\r\n");
        put_n(&r, "0123456789", 10000);
        buf_puts(&r, "\r\n");
    }
    expect_built_refusal(f, &r, " 413 ");
    buf_puts(&r, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;");
    put_n(&r, "extension", 1000);
    expect_built_refusal(f, &r, " 400 ");
    buf_puts(&r, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n");
    put_n(&r, "Trailer: value\r\n", 1000);
    expect_built_refusal(f, &r, " 400 ");
    buf_free(&r);

    struct buf got = BUF_INIT(4 << 20);
    int fd = dial(f);
    buf_puts(&r, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n");
    for (int i = 0; i < 1048576; i++) {
        buf_putc(&r, 'z');
    }
    assert_true(put(f, fd, r.ptr, r.len));
    hear(f, fd, &got, "Content-Length: 1048584\r\n");
    close(fd);
    buf_free(&r);
    buf_free(&got);
    stop(f);
}

static void test_timeouts(void **state)
{
    (void)state;
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    limits.idle_ms = 40;
    limits.head_ms = 20;
    limits.body_ms = 20;
    struct fixture *f = start_with(&limits, "127.0.0.1");
    expect_refusal(f, "GET / HT", " 408 ");
    expect_refusal(f, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab", " 408 ");
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    hear(f, fd, &got, NULL); /* idle: closed without a word */
    assert_int_equal(got.len, 0);
    close(fd);

    /* A reply that nobody reads does not stay for ever; a held exchange does. */
    put_n(&f->big, "0123456789", 2000000);
    int held = dial(f);
    say(f, held, GET("/hold"));
    fd = dial(f);
    say(f, fd, GET("/big"));
    uint64_t end = uv_hrtime() + 200000000u;
    while (uv_hrtime() < end) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    struct buf all = BUF_INIT(64 << 20);
    hear(f, fd, &all, NULL);
    assert_true(all.len < f->big.len);
    assert_int_equal(f->gone, 0);
    assert_non_null(f->held);
    close(fd);
    close(held);
    buf_free(&got);
    buf_free(&all);
    turn(f);
    assert_int_equal(f->gone, 1);
    stop(f);
}

static void test_too_many(void **state)
{
    (void)state;
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    limits.connections_max = 2;
    struct fixture *f = start_with(&limits, "127.0.0.1");
    int a = dial(f);
    int b = dial(f);
    turn(f);
    expect_refusal(f, GET("/"), "Retry-After: ");
    expect_refusal(f, GET("/"), " 503 ");
    close(a);
    turn(f);
    struct buf got = BUF_INIT(1 << 20);
    int c = dial(f);
    say(f, c, GET("/c"));
    hear(f, c, &got, "GET /c");
    close(b);
    close(c);
    buf_free(&got);
    stop(f);
}

static void test_gone(void **state)
{
    (void)state;
    struct fixture *f = start();
    int fd = dial(f);
    say(f, fd, GET("/hold"));
    assert_non_null(f->held);
    close(fd);
    turn(f);
    assert_int_equal(f->gone, 1);
    assert_ptr_equal(f->gone_user, f);
    /* Reset, and with pipelined bytes waiting. */
    fd = dial(f);
    say(f, fd, GET("/hold") GET("/next"));
    struct linger hard = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    turn(f);
    assert_int_equal(f->gone, 2);
    assert_int_equal(f->requests, 2);
    /* Answered just before the loop notices: no `gone`. */
    fd = dial(f);
    say(f, fd, GET("/hold"));
    close(fd);
    http_reply(f->held, 200, "", "text/plain", STR("late"));
    turn(f);
    assert_int_equal(f->gone, 2);
    /* Half a request, half a body. */
    fd = dial(f);
    say(f, fd, "GET /ho");
    close(fd);
    fd = dial(f);
    say(f, fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nab");
    close(fd);
    turn(f);
    /* The server's end tells too. */
    fd = dial(f);
    say(f, fd, GET("/hold"));
    struct fixture *seen = f;
    http_server_close(f->server, on_closed, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(seen->gone, 3);
    assert_true(f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    close(fd);
    free(f);
}

static void test_stream(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    say(f, fd, GET("/hold"));
    http_stream_begin(f->held, "X-Two: 2\r\n");
    http_stream_comment(f->held, STR("hi"));
    http_stream_event(f->held, NULL, STR("{\"a\":1}"));
    http_stream_event(f->held, "message", STR("b"));
    hear(f, fd, &got, "b\n\n\r\n");
    assert_true(has(&got, "Content-Type: text/event-stream\r\n"));
    assert_true(has(&got, "X-Accel-Buffering: no\r\n") && has(&got, "X-Two: 2\r\n"));
    assert_true(has(&got, "\r\n\r\n6\r\n: hi\n\n\r\nf\r\ndata: {\"a\":1}\n\n\r\n"
                          "18\r\nevent: message\ndata: b\n\n\r\n"));
    assert_int_equal(http_pending_bytes(f->held), 0);
    http_stream_end(f->held);
    hear(f, fd, &got, "\r\n0\r\n\r\n");
    buf_clear(&got);
    say(f, fd, GET("/after"));
    hear(f, fd, &got, "GET /after");
    /* Gone in the middle. */
    say(f, fd, GET("/hold"));
    http_stream_begin(f->held, "");
    close(fd);
    http_stream_comment(f->held, STR("x"));
    turn(f);
    assert_int_equal(f->gone, 1);
    /* HTTP/1.0 knows no chunks. */
    buf_clear(&got);
    fd = dial(f);
    say(f, fd, "GET /hold HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    http_stream_begin(f->held, "");
    http_stream_event(f->held, NULL, STR("z"));
    http_stream_end(f->held);
    hear(f, fd, &got, NULL);
    assert_true(has(&got, "\r\n\r\ndata: z\n\n") && !has(&got, "chunked"));
    close(fd);
    buf_free(&got);
    stop(f);
}

static void test_slow_reader(void **state)
{
    (void)state;
    struct fixture *f = start();
    for (int i = 0; f->big.len < 12 << 20; i++) {
        buf_printf(&f->big, "%d,", i);
    }
    struct buf got = BUF_INIT(64 << 20);
    int fd = dial(f);
    say(f, fd, GET("/big") GET("/next"));
    assert_int_equal(f->requests, 1); /* the next waits for the reply to be read */
    hear(f, fd, &got, "GET /next");
    const char *body = memmem(got.ptr, got.len, "\r\n\r\n", 4);
    assert_non_null(body);
    assert_memory_equal(body + 4, f->big.ptr, f->big.len);

    buf_clear(&got);
    buf_free(&f->big);
    say(f, fd, GET("/hold"));
    http_stream_begin(f->held, "");
    enum { EVENTS = 100000 };
    char text[160];
    for (int i = 0; i < EVENTS; i++) {
        snprintf(text, sizeof(text), "%0100d", i);
        http_stream_event(f->held, NULL, str_of(text));
    }
    assert_true(http_pending_bytes(f->held) > 1 << 20);
    http_stream_end(f->held);
    shutdown(fd, SHUT_WR); /* it still gets everything */
    hear(f, fd, &got, NULL);
    assert_int_equal(count_of(&got, "\r\ndata: 0"), EVENTS);
    assert_true(has(&got, "0099999\n\n\r\n0\r\n\r\n"));
    close(fd);
    assert_int_equal(f->gone, 0);

    /* Nobody reads, nobody looks: dropped in the end. */
    fd = dial(f);
    say(f, fd, GET("/hold"));
    http_stream_begin(f->held, "");
    char *mega = calloc(1, 1 << 20);
    assert_non_null(mega);
    memset(mega, 'm', 1 << 20);
    for (int i = 0; i < 80; i++) {
        http_stream_event(f->held, NULL, (struct str){mega, 1 << 20});
    }
    free(mega);
    turn(f);
    assert_int_equal(f->gone, 1);
    close(fd);
    buf_free(&got);
    stop(f);
}

/* @len bytes of digits; the caller has it closed. */
static struct http_file digits_file(size_t len, size_t len_told)
{
    struct http_file file = {.fd = memfd_create("digits", MFD_CLOEXEC), .len = len_told};
    struct buf bytes = BUF_INIT(64 << 20);
    for (size_t i = 0; i < len; i++) {
        buf_putc(&bytes, (char)('0' + i % 7));
    }
    assert_int_equal(write(file.fd, bytes.ptr, len), len);
    buf_free(&bytes);
    return file;
}

static bool is_closed(int fd)
{
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

/* What follows an answer's head: @before, the digits, @after. */
static void check_digits(const struct buf *got, const char *before, size_t len, const char *after)
{
    const char *at = memmem(got->ptr, got->len, before, strlen(before));
    assert_non_null(at);
    at += strlen(before);
    assert_true((size_t)(got->ptr + got->len - at) >= len + strlen(after));
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(at[i], '0' + i % 7);
    }
    assert_memory_equal(at + len, after, strlen(after));
}

static void test_files(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 64 * 1024, 64 * 1024 + 1, 12 << 20};
    struct fixture *f = start();
    struct buf got = BUF_INIT(64 << 20);
    int fd = dial(f);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct http_file file = digits_file(sizes[i], sizes[i]);
        char length[64];
        buf_clear(&got);
        say(f, fd, GET("/hold") GET("/next"));
        http_reply_file(f->held, 200, "", "a/b", STR("<<"), &file, STR(">>"));
        f->held = NULL;
        hear(f, fd, &got, "GET /next");
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", sizes[i] + 4);
        assert_true(has(&got, length));
        check_digits(&got, "\r\n\r\n<<", sizes[i], ">>HTTP/1.1 200 OK");
        assert_true(is_closed(file.fd));

        file = digits_file(sizes[i], sizes[i]);
        buf_clear(&got);
        say(f, fd, GET("/hold"));
        http_stream_begin(f->held, "");
        http_stream_event_file(f->held, "message", STR("<<"), &file, STR(">>"));
        http_stream_end(f->held);
        f->held = NULL;
        hear(f, fd, &got, "\r\n0\r\n\r\n");
        snprintf(length, sizeof(length), "\r\n\r\n%zx\r\nevent: message\ndata: <<",
            sizeof("event: message\ndata: <<>>\n\n") - 1 + sizes[i]);
        check_digits(&got, length, sizes[i], ">>\n\n\r\n0\r\n\r\n");
        assert_true(is_closed(file.fd));
    }
    /* One that is shorter than it was: the peer sees that the answer is cut off. */
    struct http_file file = digits_file(100000, 200000);
    buf_clear(&got);
    say(f, fd, GET("/hold"));
    http_reply_file(f->held, 200, "", "a/b", STR(""), &file, STR(">>"));
    f->held = NULL;
    hear(f, fd, &got, NULL);
    assert_true(has(&got, "Content-Length: 200002") && !has(&got, ">>"));
    assert_true(is_closed(file.fd));
    close(fd);
    /* Nobody reads, and goes. */
    fd = dial(f);
    file = digits_file(12 << 20, 12 << 20);
    say(f, fd, GET("/hold"));
    http_reply_file(f->held, 200, "", "a/b", STR(""), &file, STR(">>"));
    f->held = NULL;
    turn(f);
    assert_false(is_closed(file.fd));
    close(fd);
    turn(f);
    assert_true(is_closed(file.fd));
    buf_free(&got);
    stop(f);
}

static void test_listen(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct http_server *other = NULL;
    struct http_handler handler = {f, on_request, on_gone};
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    uint16_t port = http_port(f->server);
    assert_int_equal(
        http_listen(&other, &f->loop, "127.0.0.1", port, &limits, &handler), -EADDRINUSE);
    assert_int_equal(http_listen(&other, &f->loop, "nohost", 0, &limits, &handler), -EINVAL);
    assert_null(other);
    /* Without new connections the old ones finish. */
    struct buf got = BUF_INIT(1 << 20);
    int fd = dial(f);
    say(f, fd, GET("/hold"));
    http_server_stop_accepting(f->server);
    turn(f);
    http_reply(f->held, 200, "", "text/plain", STR("bye"));
    hear(f, fd, &got, NULL);
    assert_true(has(&got, "bye") && has(&got, "Connection: close"));
    close(fd);
    buf_free(&got);
    stop(f);
}

static void test_no_descriptors(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    int fd = dial(f);
    struct rlimit now = {(rlim_t)fd + 1, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    turn(f);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    close(fd);
    struct buf got = BUF_INIT(1 << 20);
    fd = dial(f);
    say(f, fd, GET("/alive"));
    hear(f, fd, &got, "GET /alive");
    close(fd);
    buf_free(&got);
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_old_and_head),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_pipelining_flood),
        cmocka_unit_test(test_bytewise_and_chunked),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_listen),
        cmocka_unit_test(test_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
