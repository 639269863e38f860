// SPDX-License-Identifier: Apache-2.0
/* Progress over real sockets: when a stream begins, and peers that do not read. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "mcp/inside.h"

#define META                                                                             \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","             \
    "\"io.modelcontextprotocol/clientCapabilities\":{},\"progressToken\":\"t\"}"
#define CALL                                                                             \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","                           \
    "\"params\":{\"name\":\"slow\"," META "}}"
#define HELLO "{\"snowmux\":\"hello\",\"version\":1,\"instance\":\"i\",\"session\":null}"

enum {
    MANY = 200000,
    MESSAGE_MAX = 256, /* of one message below */
    SMALL = 4096,      /* a client's buffer */
};

struct fixture {
    uv_loop_t loop;
    struct mcp *mcp;
    struct http_server *http;
    struct pipe_server *pipe;
    struct mcp_request *held;
    char path[64];
    int open;
};

static bool admits(void *ctx, uint32_t uid)
{
    (void)ctx;
    return uid == getuid();
}

static bool call(void *ctx, struct mcp_request *r, const struct mcp_call *wanted)
{
    struct fixture *f = ctx;
    assert_true(str_eq(wanted->tool, STR("slow")));
    f->held = r;
    return true;
}

static uint64_t flood(void *ctx, uint32_t uid)
{
    (void)ctx;
    (void)uid;
    return 0;
}

static void gone(void *ctx, struct mcp_request *r, enum mcp_gone why)
{
    struct fixture *f = ctx;
    (void)r;
    (void)why;
    f->held = NULL;
}

static void connections(void *ctx, uint32_t count)
{
    (void)ctx;
    (void)count;
}

static int start(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct mcp_settings settings = {
        .version = "1", .tools = STR("[]"), .instructions = ""};
    struct mcp_host host = {.ctx = f,
        .admits = admits,
        .flood = flood,
        .call = call,
        .gone = gone,
        .connections = connections};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->mcp = mcp_new(&f->loop, &settings, &host);
    assert_non_null(f->mcp);
    struct http_handler handler = mcp_http_handler(f->mcp);
    struct pipe_handler lines = mcp_pipe_handler(f->mcp);
    assert_int_equal(
        http_listen(&f->http, &f->loop, "127.0.0.1", 0, &HTTP_LIMITS_DEFAULT, &handler),
        0);
    snprintf(f->path, sizeof(f->path), "/tmp/mcp_progress_test.%d.sock", (int)getpid());
    assert_int_equal(pipe_listen(&f->pipe, &f->loop, f->path, &lines), 0);
    f->open = 3;
    *state = f;
    return 0;
}

static void on_closed(void *ctx)
{
    struct fixture *f = ctx;
    if (--f->open == 1) {
        mcp_close(f->mcp, on_closed, f);
    }
}

static int stop(void **state)
{
    struct fixture *f = *state;
    http_server_close(f->http, on_closed, f);
    pipe_server_close(f->pipe, on_closed, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->open, 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

/* A client with a small buffer, whose call is held by the host. */
static int ask(struct fixture *f, bool is_http)
{
    char request[1024];
    int size = SMALL;
    struct sockaddr_in inet = {.sin_family = AF_INET,
        .sin_port = htons(http_port(f->http)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof(local.sun_path), "%s", f->path);
    int fd = socket(is_http ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    assert_int_equal(
        connect(fd, is_http ? (struct sockaddr *)&inet : (struct sockaddr *)&local,
            is_http ? sizeof(inet) : sizeof(local)),
        0);
    int len = is_http
                  ? snprintf(request, sizeof(request),
                        "POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
                        "Content-Type: application/json\r\n"
                        "Accept: application/json, text/event-stream\r\n"
                        "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
                        "Mcp-Name: slow\r\nContent-Length: %zu\r\n\r\n%s",
                        strlen(CALL), CALL)
                  : snprintf(request, sizeof(request), "%s\n%s\n", HELLO, CALL);
    assert_int_equal(write(fd, request, (size_t)len), len);
    while (!f->held) {
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    assert_true(mcp_wants_progress(f->held));
    return fd;
}

/* Reads what comes while the loop runs, until @until is there. */
static void hear(struct fixture *f, int fd, struct buf *got, const char *until)
{
    char chunk[65536];
    while (!got->ptr || !memmem(got->ptr, got->len, until, strlen(until))) {
        ssize_t len = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        assert_true(len > 0 || (len < 0 && errno == EAGAIN));
        if (len > 0) {
            buf_put(got, chunk, (size_t)len);
        }
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_true(buf_ok(got));
}

/* The numbers told in @got, which rise; how many. */
static int check_rise(const struct buf *got)
{
    struct str rest = buf_str(got);
    struct str mark = STR("\"progress\":");
    double last = 0;
    int count = 0;
    const char *at;
    while ((at = memmem(rest.ptr, rest.len, mark.ptr, mark.len))) {
        double number = strtod(at + mark.len, NULL);
        assert_true(number > last);
        last = number;
        count++;
        rest = str_from(rest, (size_t)(at - rest.ptr) + mark.len);
    }
    return count;
}

static size_t unread(const struct mcp_request *r)
{
    return r->conn ? pipe_pending_bytes(r->conn->pipe) : http_pending_bytes(r->x);
}

static void check_slow_reader(struct fixture *f, bool is_http)
{
    struct buf got = BUF_INIT(64 * 1024 * 1024);
    int fd = ask(f, is_http);
    for (int i = 1; i <= MANY; i++) {
        mcp_progress(f->held, i, STR("queued: position 3 of 9, about 4 s; 8 of 8 busy"));
        assert_true(unread(f->held) <= PROGRESS_UNREAD_MAX + MESSAGE_MAX);
        if (i % 1000 == 0) {
            uv_run(&f->loop, UV_RUN_NOWAIT);
        }
    }
    assert_true(unread(f->held) > PROGRESS_UNREAD_MAX);
    struct mcp_request *r = f->held;
    f->held = NULL;
    mcp_answer_tool(r, STR("{\"rows\":7}"), false); /* the answer comes all the same */
    hear(f, fd, &got, is_http ? "\r\n0\r\n\r\n" : "{\"rows\":7}");
    assert_in_range(check_rise(&got), 10, MANY - 1);
    assert_non_null(memmem(got.ptr, got.len, "{\"rows\":7}", 10));
    close(fd);
    buf_free(&got);
}

static void a_peer_that_does_not_read_its_stream_is_told_no_more(void **state)
{
    check_slow_reader(*state, true);
}

static void a_peer_that_does_not_read_its_lines_is_told_no_more(void **state)
{
    check_slow_reader(*state, false);
}

static void a_stream_begins_with_the_first_and_ends_with_the_answer(void **state)
{
    struct fixture *f = *state;
    struct buf got = BUF_INIT(SMALL);
    int fd = ask(f, true);
    mcp_progress(f->held, 0.5, STR("running \"0\" s"));
    hear(f, fd, &got,
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
        "\"params\":{\"progressToken\":\"t\",\"progress\":0.5,"
        "\"message\":\"running \\\"0\\\" s\"}}\n\n");
    assert_non_null(memmem(got.ptr, got.len, "Content-Type: text/event-stream\r\n", 33));
    struct mcp_request *r = f->held;
    f->held = NULL;
    mcp_answer_tool(r, STR("{\"rows\":7}"), false);
    hear(f, fd, &got, "\r\n0\r\n\r\n");
    assert_int_equal(check_rise(&got), 1);
    close(fd);
    buf_free(&got);
}

static void only_what_is_above_the_last_number_is_told(void **state)
{
    struct fixture *f = *state;
    static const double numbers[] = {1, 1, 0.9, 1.04, 1.1, 0, 1.14, 31536000.2};
    struct buf got = BUF_INIT(SMALL);
    int fd = ask(f, false);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        mcp_progress(f->held, numbers[i], STR(""));
    }
    struct mcp_request *r = f->held;
    f->held = NULL;
    mcp_answer_tool(r, STR("{\"rows\":7}"), false);
    hear(f, fd, &got, "{\"rows\":7}");
    assert_int_equal(check_rise(&got), 3);
    assert_non_null(memmem(got.ptr, got.len, "\"progress\":31536000.2,", 22));
    close(fd);
    buf_free(&got);
}

static void a_token_is_a_text_or_an_integer(void **state)
{
    static const struct {
        const char *meta;
        bool is_token;
    } cases[] = {{"{\"progressToken\":0}", true}, {"{\"progressToken\":\"\"}", true},
        {"{\"progressToken\":-1}", true}, {"{\"progressToken\":1.0}", false},
        {"{\"progressToken\":null}", false}, {"{\"progressToken\":[1]}", false},
        {"{\"progressToken\":true}", false}, {"{}", false}, {"[]", false}, {"7", false}};
    struct buf text = BUF_INIT(SMALL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&text);
        buf_printf(&text,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
            "\"params\":{\"_meta\":%s}}",
            cases[i].meta);
        struct mcp_request r = {
            .wait = WAIT_CALL, .message = mcp_message_parse(buf_str(&text))};
        assert_int_equal(r.message.kind, MESSAGE_REQUEST);
        assert_int_equal(mcp_wants_progress(&r), cases[i].is_token);
        mcp_message_free(&r.message);
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_peer_that_does_not_read_its_stream_is_told_no_more, start, stop),
        cmocka_unit_test_setup_teardown(
            a_peer_that_does_not_read_its_lines_is_told_no_more, start, stop),
        cmocka_unit_test_setup_teardown(
            a_stream_begins_with_the_first_and_ends_with_the_answer, start, stop),
        cmocka_unit_test_setup_teardown(
            only_what_is_above_the_last_number_is_told, start, stop),
        cmocka_unit_test(a_token_is_a_text_or_an_integer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
