// SPDX-License-Identifier: Apache-2.0
/* Runs the real worker, over real sockets, with the scripted driver and with DuckDB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/wire.h"

enum {
    WAIT_MS = 10000,
    FRAME_MAX = WIRE_PAYLOAD_MAX + WIRE_HEADER_SIZE
};

struct rig {
    pid_t pid;
    int control;
    struct buf in;       /* the last control packet */
    struct buf frame_in; /* the last frame of a connection */
    struct wire_frame frame;
    uint64_t calls;
};

struct page {
    struct str columns;
    struct str rows;
    uint32_t row_count;
    int64_t total_rows;
    uint32_t truncated;
    struct str cuts;
};

struct answer_error {
    uint32_t code;
    struct str message;
    struct str sqlstate;
    int64_t vendor_code;
    uint32_t usable;
};

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_of(expected))) {
        print_error("actual   " STR_FMT "\nexpected %s\n", STR_ARG(actual), expected);
        fail();
    }
}

static void rig_start(struct rig *rig)
{
    int ends[2];
    *rig = (struct rig){.in = BUF_INIT(WIRE_PACKET_MAX), .frame_in = BUF_INIT(FRAME_MAX)};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        int fd = fcntl(ends[1], F_DUPFD, 10);
        dup2(fd, 3);
        close(fd);
        execl(getenv("SNOWMUX_WORKER"), "snowmux-worker", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    rig->control = ends[0];
}

/* Closes the control socket and returns how the process ended. */
static int rig_stop(struct rig *rig)
{
    int status = -1;
    close(rig->control);
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    buf_free(&rig->in);
    buf_free(&rig->frame_in);
    return status;
}

static bool wait_readable(int fd, int ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, ms) == 1;
}

static void control_send(
    struct rig *rig, struct buf *out, struct wire_writer *writer, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    assert_true(wire_end(writer));
    struct iovec iov = {out->ptr, out->len};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
    }
    assert_int_equal(sendmsg(rig->control, &message, MSG_NOSIGNAL), out->len);
    buf_free(out);
}

static enum wire_kind control_read(struct rig *rig)
{
    char packet[WIRE_PACKET_MAX];
    assert_true(wait_readable(rig->control, WAIT_MS));
    ssize_t len = recv(rig->control, packet, sizeof(packet), 0);
    assert_true(len > 0);
    buf_clear(&rig->in);
    buf_put(&rig->in, packet, (size_t)len);
    assert_int_equal(wire_parse(buf_str(&rig->in), &rig->frame), len);
    return rig->frame.kind;
}

static enum wire_kind set_up(struct rig *rig, const char *driver, const char *entrypoint,
    const char *option, const char *init)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_SETUP, 0);
    wire_str(&writer, str_of(driver));
    wire_str(&writer, str_of(entrypoint));
    wire_u32(&writer, option != NULL);
    if (option) {
        wire_str(&writer, str_of(option));
        wire_str(&writer, STR("a value"));
    }
    wire_u32(&writer, init != NULL);
    if (init) {
        wire_str(&writer, str_of(init));
    }
    control_send(rig, &out, &writer, -1);
    return control_read(rig);
}

/* Reads one frame of a connection exactly; 0 at the end of the socket. */
static enum wire_kind connection_read(struct rig *rig, int fd)
{
    struct buf *in = &rig->frame_in;
    buf_clear(in);
    for (;;) {
        int used = wire_parse(buf_str(in), &rig->frame);
        assert_true(used >= 0);
        if (used > 0) {
            return rig->frame.kind;
        }
        size_t want = WIRE_HEADER_SIZE - in->len;
        if (in->len >= WIRE_HEADER_SIZE) {
            uint32_t len;
            memcpy(&len, in->ptr, sizeof(len));
            want = WIRE_HEADER_SIZE + len - in->len;
        }
        char chunk[4096];
        assert_true(wait_readable(fd, WAIT_MS));
        ssize_t got = recv(fd, chunk, want < sizeof(chunk) ? want : sizeof(chunk), 0);
        if (got <= 0) {
            return 0;
        }
        buf_put(in, chunk, (size_t)got);
    }
}

static int attach(struct rig *rig, uint32_t id)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_ATTACH, 0);
    wire_u32(&writer, id);
    control_send(rig, &out, &writer, ends[1]);
    close(ends[1]);
    assert_int_equal(connection_read(rig, ends[0]), WIRE_OPENED);
    return ends[0];
}

struct limits {
    uint32_t rows;
    uint32_t bytes;
    uint32_t chars;
};

static const struct limits wide = {1000, 1024 * 1024, 100000};

static uint64_t exec_send(struct rig *rig, int fd, const char *key, const char *value,
    const char *sql, struct limits limits)
{
    struct buf out = BUF_INIT(FRAME_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_EXEC, ++rig->calls);
    wire_u32(&writer, key != NULL);
    if (key) {
        wire_str(&writer, str_of(key));
        wire_str(&writer, str_of(value));
    }
    wire_str(&writer, str_of(sql));
    wire_u32(&writer, limits.rows);
    wire_u32(&writer, limits.bytes);
    wire_u32(&writer, limits.chars);
    wire_str(&writer, STR(""));
    wire_u64(&writer, 0);
    wire_u64(&writer, 0);
    assert_true(wire_end(&writer));
    assert_int_equal(send(fd, out.ptr, out.len, MSG_NOSIGNAL), out.len);
    buf_free(&out);
    return rig->calls;
}

static struct page page_read(struct rig *rig, int fd)
{
    enum wire_kind kind = connection_read(rig, fd);
    struct wire_reader reader = wire_reader_of(&rig->frame);
    if (kind == WIRE_ERROR) {
        wire_get_u32(&reader);
        struct str message = wire_get_str(&reader);
        print_error("error: " STR_FMT "\n", STR_ARG(message));
    }
    assert_int_equal(kind, WIRE_PAGE);
    assert_true(rig->frame.call == rig->calls);
    struct page page;
    page.columns = wire_get_str(&reader);
    page.rows = wire_get_str(&reader);
    page.row_count = wire_get_u32(&reader);
    page.total_rows = wire_get_i64(&reader);
    page.truncated = wire_get_u32(&reader);
    page.cuts = wire_get_str(&reader);
    assert_true(wire_get_u64(&reader) > 0);
    assert_int_equal(wire_get_u64(&reader), 0);
    assert_int_equal(wire_get_u64(&reader), 0);
    assert_int_equal(wire_get_u32(&reader), 0);
    assert_true(wire_reader_done(&reader));
    return page;
}

static struct page query(struct rig *rig, int fd, const char *sql, struct limits limits)
{
    exec_send(rig, fd, NULL, NULL, sql, limits);
    assert_int_equal(connection_read(rig, fd), WIRE_STARTED);
    return page_read(rig, fd);
}

static struct answer_error error_read(struct rig *rig, int fd)
{
    assert_int_equal(connection_read(rig, fd), WIRE_ERROR);
    assert_true(rig->frame.call == rig->calls);
    struct wire_reader reader = wire_reader_of(&rig->frame);
    struct answer_error error;
    error.code = wire_get_u32(&reader);
    error.message = wire_get_str(&reader);
    error.sqlstate = wire_get_str(&reader);
    error.vendor_code = wire_get_i64(&reader);
    error.usable = wire_get_u32(&reader);
    assert_true(wire_reader_done(&reader));
    return error;
}

static struct answer_error query_error(struct rig *rig, int fd, const char *sql)
{
    exec_send(rig, fd, NULL, NULL, sql, wide);
    assert_int_equal(connection_read(rig, fd), WIRE_STARTED);
    return error_read(rig, fd);
}

static void cancel(struct rig *rig, uint32_t id, uint64_t call)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_CANCEL, call);
    wire_u32(&writer, id);
    control_send(rig, &out, &writer, -1);
}

static void ping(struct rig *rig)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_PING, 99);
    control_send(rig, &out, &writer, -1);
    assert_int_equal(control_read(rig), WIRE_PONG);
    assert_true(rig->frame.call == 99);
}

static void fake_start(struct rig *rig)
{
    rig_start(rig);
    assert_int_equal(
        set_up(rig, getenv("SNOWMUX_FAKE_DRIVER"), "AdbcDriverFakeInit", NULL, "rows 1"),
        WIRE_READY);
}

static void duck_start(struct rig *rig)
{
    if (*getenv("SNOWMUX_DUCKDB") == '\0') {
        skip();
    }
    rig_start(rig);
    assert_int_equal(set_up(rig, getenv("SNOWMUX_DUCKDB"), "duckdb_adbc_init", NULL,
                         "create table t as select 7 as seven"),
        WIRE_READY);
}

static void fake_types(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    struct page page = query(&rig, fd, "types", wide);
    assert_str(page.rows,
        "[[null,true,-5,251,-5,65531,-5,4294967291,9007199254740991,\"9007199254740992\","
        "\"-9223372036854775808\",\"18446744073709551615\",1.5,0.1,0.1,-1.5e+300,\"NaN\","
        "\"-Infinity\",\"-123.45\",\"0.005\",-12345,"
        "\"99999999999999999999999999999999999999\",\"-1.2345\",\"a\\\"\xc3\xa9\\n\","
        "\"00ff10\",\"deadbeef\",\"2024-01-01\",\"1969-12-31\",\"2000-02-29\","
        "\"12:00:00.5\",\"2024-01-02T03:04:05.123456789\",\"1969-12-31T23:59:59.999\","
        "\"2024-01-02T03:04:05Z\",\"2024-01-02T08:34:05.12+05:30\",\"PT-0.001S\",\"P14M\","
        "\"P-2DT1.5S\",\"P14M3DT1S\"],"
        "[null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
        "null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
        "null,null,null,null,null,null]]");
    assert_int_equal(page.row_count, 2);
    assert_int_equal(page.total_rows, 2);
    assert_int_equal(page.truncated, 0);
    assert_str(page.cuts, "[]");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_limits(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    struct page page = query(&rig, fd, "rows 3 2", (struct limits){2, 1000, 2});
    assert_str(page.columns,
        "[{\"name\":\"id\",\"type\":\"BIGINT\"},{\"name\":\"text\",\"type\":\"VARCHAR\"}]");
    assert_str(page.rows, "[[0,\"xx\"],[1,\"xx\"]]");
    assert_int_equal(page.total_rows, 3);
    assert_int_equal(page.truncated, 1);
    page = query(&rig, fd, "rows 2 5", (struct limits){2, 1000, 3});
    assert_str(page.rows, "[[0,\"xxx\"],[1,\"xxx\"]]");
    assert_str(page.cuts, "[[0,1,5],[1,1,5]]");
    assert_int_equal(page.total_rows, 2);
    assert_int_equal(page.truncated, 1);
    page = query(&rig, fd, "rows 2 2", (struct limits){100, 17, 100});
    assert_str(page.rows, "[[0,\"xx\"]]"); /* both would be 19 bytes */
    page = query(&rig, fd, "rows 2 2", (struct limits){100, 19, 100});
    assert_int_equal(page.rows.len, 19);
    page = query(&rig, fd, "rows 2 100", (struct limits){100, 1, 100});
    assert_int_equal(page.row_count, 1);
    page = query(&rig, fd, "rows 0", wide);
    assert_str(page.rows, "[]");
    assert_int_equal(page.total_rows, 0);
    page = query(&rig, fd, "rows 100001", (struct limits){1, 1000, 10});
    assert_int_equal(page.total_rows, 100001);
    page = query(&rig, fd, "rows 200000", (struct limits){1, 1000, 10});
    assert_int_equal(page.total_rows, -1);
    assert_int_equal(page.truncated, 1);
    /* A first row larger than any page is cut until it fits. */
    page = query(&rig, fd, "rows 2 3000000", (struct limits){9, 1000, 3000000});
    assert_int_equal(page.row_count, 1);
    assert_str(page.cuts, "[[0,1,3000000]]");
    assert_int_equal(page.rows.len, 1500000 + 8);
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_errors(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    struct answer_error error = query_error(&rig, fd, "error no such thing");
    assert_int_equal(error.code, WIRE_E_SQL);
    assert_str(error.message, "no such thing");
    assert_str(error.sqlstate, "42000");
    assert_int_equal(error.vendor_code, 1003);
    assert_int_equal(error.usable, 1);
    error = query_error(&rig, fd, "refuse"); /* would abort if executed */
    assert_str(error.message, "refused");
    exec_send(&rig, fd, "adbc.connection.catalog", "SALES", "context", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    assert_str(page_read(&rig, fd).rows, "[[\"SALES\",\"\"]]");
    exec_send(&rig, fd, "no.such.option", "x", "context", wide);
    error = error_read(&rig, fd); /* and no STARTED */
    assert_int_equal(error.code, WIRE_E_CONTEXT);
    assert_int_equal(error.usable, 1);
    error = query_error(&rig, fd, "lost");
    assert_int_equal(error.code, WIRE_E_LOST);
    assert_int_equal(error.usable, 0);
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_cancel(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 4);
    int other = attach(&rig, 5);
    uint64_t call = exec_send(&rig, fd, NULL, NULL, "sleep 8000", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    cancel(&rig, 4, call + 1); /* neither another call nor another connection */
    cancel(&rig, 5, call);
    assert_false(wait_readable(fd, 50));
    uint64_t start = clock_boot_ns();
    cancel(&rig, 4, call);
    struct answer_error error = error_read(&rig, fd);
    assert_int_equal(error.code, WIRE_E_CANCELLED);
    assert_int_equal(error.usable, 1);
    assert_true(clock_boot_ns() - start < NS_PER_S);
    assert_str(query(&rig, fd, "sleep 1", wide).rows, "[[\"slept\"]]");
    /* A cancel may overtake its call. */
    cancel(&rig, 4, rig.calls + 1);
    ping(&rig);
    exec_send(&rig, fd, NULL, NULL, "sleep 8000", wide);
    assert_int_equal(error_read(&rig, fd).code, WIRE_E_CANCELLED);
    /* A late answer to a cancelled call is still one answer. */
    call = exec_send(&rig, fd, NULL, NULL, "late 300", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    cancel(&rig, 4, call);
    assert_int_equal(error_read(&rig, fd).code, WIRE_E_CANCELLED);
    assert_str(query(&rig, fd, "rows 1 1", wide).rows, "[[0,\"x\"]]");
    close(other);
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

/* Asks on @fd until the answer to @sql is no longer @rows. */
static void await_change(struct rig *rig, int fd, const char *sql, const char *rows)
{
    uint64_t end = clock_boot_ns() + WAIT_MS * NS_PER_S / 1000;
    while (str_eq(query(rig, fd, sql, wide).rows, str_of(rows))) {
        assert_true(clock_boot_ns() < end);
        poll(NULL, 0, 1);
    }
}

/* A daemon that closes the socket of a running call has it cancelled. */
static void fake_hang_up(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    int other = attach(&rig, 2);
    exec_send(&rig, fd, NULL, NULL, "sleep 100000", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    await_change(&rig, other, "waits", "[[0]]");
    close(fd);
    await_change(&rig, other, "cancels", "[[0]]");
    close(other);
    for (uint32_t i = 0; i < 200; i++) { /* slots come back */
        close(attach(&rig, i));
        poll(NULL, 0, 1);
    }
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_crash_and_hang(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    int other = attach(&rig, 2);
    uint64_t call = exec_send(&rig, fd, NULL, NULL, "hang", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    await_change(&rig, other, "waits", "[[0]]");
    cancel(&rig, 1, call);
    assert_false(wait_readable(fd, 250));
    ping(&rig); /* only that connection hangs */
    assert_str(query(&rig, other, "rows 1 1", wide).rows, "[[0,\"x\"]]");
    close(fd);
    close(other);
    assert_int_equal(rig_stop(&rig), 0); /* the control socket's end ends it */

    fake_start(&rig);
    fd = attach(&rig, 1);
    exec_send(&rig, fd, NULL, NULL, "crash", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    assert_int_equal(connection_read(&rig, fd), 0);
    assert_true(wait_readable(rig.control, WAIT_MS));
    close(fd);
    int status = rig_stop(&rig);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void failed_setups(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig);
    assert_int_equal(set_up(&rig, "/no/such/driver.so", "", NULL, NULL), WIRE_FAILED);
    assert_int_equal(rig_stop(&rig), 0);
    rig_start(&rig);
    const char *driver = getenv("SNOWMUX_FAKE_DRIVER");
    assert_int_equal(
        set_up(&rig, driver, "AdbcDriverFakeInit", "fail", NULL), WIRE_FAILED);
    struct wire_reader reader = wire_reader_of(&rig.frame);
    assert_str(wire_get_str(&reader), "a value");
    assert_int_equal(rig_stop(&rig), 0);
    rig_start(&rig);
    assert_int_equal(
        set_up(&rig, driver, "AdbcDriverFakeInit", NULL, "error bad init"), WIRE_FAILED);
    reader = wire_reader_of(&rig.frame);
    assert_str(wire_get_str(&reader), "bad init");
    assert_int_equal(rig_stop(&rig), 0);
    rig_start(&rig);
    assert_int_equal(send(rig.control, "garbage", 7, 0), 7);
    assert_true(wait_readable(rig.control, WAIT_MS));
    assert_int_equal(rig_stop(&rig), 0);
}

/* SQL, its rows, and the type of the only column. */
static const struct {
    const char *sql;
    const char *rows;
    const char *type;
} duck_values[] = {
    {"select seven from t", "[[7]]", "INTEGER"},
    {"select null", "[[null]]", "INTEGER"},
    {"select true", "[[true]]", "BOOLEAN"},
    {"select 9007199254740993::bigint", "[[\"9007199254740993\"]]", "BIGINT"},
    {"select -9007199254740991::bigint", "[[-9007199254740991]]", "BIGINT"},
    {"select 255::utinyint", "[[255]]", "UTINYINT"},
    {"select 170141183460469231731687303715884105727::hugeint // 10",
        "[[\"17014118346046923173168730371588410572\"]]", "DECIMAL(38,0)"},
    {"select 12.50::decimal(12,2)", "[[\"12.50\"]]", "DECIMAL(12,2)"},
    {"select -0.05::decimal(4,2)", "[[\"-0.05\"]]", "DECIMAL(4,2)"},
    {"select 0.1::double", "[[0.1]]", "DOUBLE"},
    {"select 'nan'::float", "[[\"NaN\"]]", "FLOAT"},
    {"select 'h\xc3\xa9'", "[[\"h\xc3\xa9\"]]", "VARCHAR"},
    {"select '\\x00\\xFF'::blob", "[[\"00ff\"]]", "BINARY"},
    {"select date '2024-02-29'", "[[\"2024-02-29\"]]", "DATE"},
    {"select time '01:02:03.045'", "[[\"01:02:03.045\"]]", "TIME"},
    {"select timestamp '1969-12-31 23:59:59.25'", "[[\"1969-12-31T23:59:59.25\"]]",
        "TIMESTAMP"},
    {"select timestamptz '2024-01-01 00:00:00+02'", "[[\"2023-12-31T22:00:00Z\"]]",
        "TIMESTAMP WITH TIME ZONE"},
    {"select timestamp_ns '2024-01-01 00:00:00.000000001'",
        "[[\"2024-01-01T00:00:00.000000001\"]]", "TIMESTAMP"},
    {"select interval '1 month 2 days 3 seconds'", "[[\"P1M2DT3S\"]]", "INTERVAL"},
    {"select [1, null, 3]", "[[\"[1,null,3]\"]]", "INTEGER[]"},
    {"select [1, 2]::integer[2]", "[[\"[1,2]\"]]", "INTEGER[2]"},
    {"select {'a': 1, 'b': ['x']}", "[[\"{\\\"a\\\":1,\\\"b\\\":[\\\"x\\\"]}\"]]",
        "STRUCT(a INTEGER, b VARCHAR[])"},
    {"select map {'k': 1.5}", "[[\"{\\\"k\\\":\\\"1.5\\\"}\"]]",
        "MAP(VARCHAR, DECIMAL(2,1))"},
    {"select map {1: 'a'}", "[[\"[[1,\\\"a\\\"]]\"]]", "MAP(INTEGER, VARCHAR)"},
    {"select union_value(num := 2)", "[[2]]", "UNION(num INTEGER)"},
    {"select 'happy'::enum('sad', 'happy')", "[[\"happy\"]]", "VARCHAR"},
    {"select uuid '00000000-0000-0000-0000-000000000001'",
        "[[\"00000000-0000-0000-0000-000000000001\"]]", "VARCHAR"},
    {"select * from (values ([1]), (null), ([2, 3]), ([]))",
        "[[\"[1]\"],[null],[\"[2,3]\"],[\"[]\"]]", "INTEGER[]"},
};

static void duck_types(void **state)
{
    (void)state;
    struct rig rig;
    duck_start(&rig);
    int fd = attach(&rig, 1);
    for (size_t i = 0; i < ARRAY_LEN(duck_values); i++) {
        struct page page = query(&rig, fd, duck_values[i].sql, wide);
        struct buf tail = BUF_INIT(256);
        buf_printf(&tail, "\"type\":\"%s\"}]", duck_values[i].type);
        assert_true(page.columns.len > tail.len);
        assert_str(str_from(page.columns, page.columns.len - tail.len), tail.ptr);
        assert_str(page.rows, duck_values[i].rows);
        buf_free(&tail);
    }
    struct page page =
        query(&rig, fd, "select '\xc3\xa9\xc3\xa9\xc3\xa9' a, [1,2,3], 'abcd'::blob",
            (struct limits){10, 1000, 2});
    assert_str(page.rows, "[[\"\xc3\xa9\xc3\xa9\",\"[1\",\"61\"]]");
    assert_str(page.cuts, "[[0,0,6],[0,1,7],[0,2,8]]");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void duck_life(void **state)
{
    (void)state;
    struct rig rig;
    duck_start(&rig);
    int fd = attach(&rig, 1);
    struct answer_error error = query_error(&rig, fd, "select * from missing");
    assert_int_equal(error.code, WIRE_E_SQL);
    assert_int_equal(error.usable, 1);
    error = query_error(&rig, fd, "selec");
    assert_int_equal(error.code, WIRE_E_SQL);
    uint64_t call = exec_send(&rig, fd, NULL, NULL,
        "select sum(a.i * b.i) from range(1000000) a(i), range(1000000) b(i)", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    poll(NULL, 0, 200);
    uint64_t start = clock_boot_ns();
    cancel(&rig, 1, call);
    assert_int_equal(error_read(&rig, fd).code, WIRE_E_CANCELLED);
    assert_true(clock_boot_ns() - start < 2 * NS_PER_S);
    /* A cancel at the very start is not lost. */
    for (int i = 0; i < 20; i++) {
        call = exec_send(&rig, fd, NULL, NULL,
            "select sum(a.i * b.i) from range(1000000) a(i), range(1000000) b(i)", wide);
        cancel(&rig, 1, call);
        enum wire_kind kind = connection_read(&rig, fd);
        if (kind == WIRE_STARTED) {
            kind = connection_read(&rig, fd);
        }
        assert_int_equal(kind, WIRE_ERROR);
    }
    struct page page = query(
        &rig, fd, "select i from range(5000000) r(i)", (struct limits){3, 1000, 10});
    assert_str(page.rows, "[[0],[1],[2]]");
    assert_int_equal(page.total_rows, -1);
    assert_str(query(&rig, fd, "select seven from t", wide).rows, "[[7]]");
    exec_send(
        &rig, fd, "adbc.connection.db_schema", "main", "select current_schema()", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    assert_str(page_read(&rig, fd).rows, "[[\"main\"]]");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fake_types),
        cmocka_unit_test(fake_limits),
        cmocka_unit_test(fake_errors),
        cmocka_unit_test(fake_cancel),
        cmocka_unit_test(fake_hang_up),
        cmocka_unit_test(fake_crash_and_hang),
        cmocka_unit_test(failed_setups),
        cmocka_unit_test(duck_types),
        cmocka_unit_test(duck_life),
    };
    if (!getenv("SNOWMUX_WORKER") || !getenv("SNOWMUX_FAKE_DRIVER") ||
        !getenv("SNOWMUX_DUCKDB")) {
        fprintf(
            stderr, "SNOWMUX_WORKER, SNOWMUX_FAKE_DRIVER, SNOWMUX_DUCKDB are not set\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
