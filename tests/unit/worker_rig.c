// SPDX-License-Identifier: Apache-2.0
#include "worker_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

const struct limits wide = {1000, 1024 * 1024, 100000};

void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_of(expected))) {
        print_error("actual   " STR_FMT "\nexpected %s\n", STR_ARG(actual), expected);
        fail();
    }
}

void rig_start(struct rig *rig)
{
    rig_start_after(rig, NULL);
}

void rig_start_after(struct rig *rig, void (*before)(void))
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
        if (before) {
            before();
        }
        execl(getenv("SNOWMUX_WORKER"), "snowmux-worker", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    rig->control = ends[0];
}

int rig_stop(struct rig *rig)
{
    int status = -1;
    close(rig->control);
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    buf_free(&rig->in);
    buf_free(&rig->frame_in);
    return status;
}

bool wait_readable(int fd, int ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, ms) == 1;
}

void control_send(struct rig *rig, struct buf *out, struct wire_writer *writer, int fd)
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

enum wire_kind control_read(struct rig *rig)
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

enum wire_kind set_up(struct rig *rig, const char *driver, const char *entrypoint,
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
        wire_u32(&writer, WIRE_VALUE);
    }
    wire_u32(&writer, init != NULL);
    if (init) {
        wire_str(&writer, str_of(init));
    }
    for (int i = 0; i < 3; i++) {
        wire_u32(&writer, 0); /* not confined */
    }
    control_send(rig, &out, &writer, -1);
    return control_read(rig);
}

static enum wire_kind frame_read(struct rig *rig, int fd)
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

enum wire_kind connection_read(struct rig *rig, int fd)
{
    enum wire_kind kind;
    while ((kind = frame_read(rig, fd)) == WIRE_ROWS) {
        struct wire_reader reader = wire_reader_of(&rig->frame);
        uint64_t rows = wire_get_u64(&reader);
        assert_true(wire_reader_done(&reader));
        assert_true(rows > rig->told_rows);
        assert_true(rig->frame.call == rig->calls);
        rig->told_rows = rows;
        rig->told_count++;
    }
    return kind;
}

int attach_begin(struct rig *rig, uint32_t id)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_ATTACH, 0);
    wire_u32(&writer, id);
    control_send(rig, &out, &writer, ends[1]);
    close(ends[1]);
    return ends[0];
}

int attach(struct rig *rig, uint32_t id)
{
    int fd = attach_begin(rig, id);
    assert_int_equal(connection_read(rig, fd), WIRE_OPENED);
    return fd;
}

uint64_t exec_send(struct rig *rig, int fd, const char *key, const char *value,
    const char *sql, struct limits limits)
{
    struct buf out = BUF_INIT(FRAME_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_EXEC, ++rig->calls);
    wire_u32(&writer, 0);
    wire_u32(&writer, key != NULL);
    if (key) {
        wire_str(&writer, str_of(key));
        wire_str(&writer, str_of(value));
    }
    wire_str(&writer, str_of(sql));
    wire_u32(&writer, limits.rows);
    wire_u32(&writer, limits.bytes);
    wire_u32(&writer, limits.chars);
    wire_str(&writer, str_of(rig->spool_path));
    wire_u64(&writer, rig->spool_rows_max);
    wire_u64(&writer, rig->spool_bytes_max);
    assert_true(wire_end(&writer));
    assert_int_equal(send(fd, out.ptr, out.len, MSG_NOSIGNAL), out.len);
    buf_free(&out);
    rig->told_count = 0;
    rig->told_rows = 0;
    return rig->calls;
}

struct page page_read(struct rig *rig, int fd)
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
    page.spooled_rows = wire_get_u64(&reader);
    page.spool_bytes = wire_get_u64(&reader);
    page.spool_cap = wire_get_u32(&reader);
    page.spool_errno = wire_get_u32(&reader);
    assert_true(rig->spool_path || page.spooled_rows + page.spool_bytes == 0);
    assert_true(wire_reader_done(&reader));
    return page;
}

struct page query(struct rig *rig, int fd, const char *sql, struct limits limits)
{
    exec_send(rig, fd, NULL, NULL, sql, limits);
    assert_int_equal(connection_read(rig, fd), WIRE_STARTED);
    return page_read(rig, fd);
}

struct answer_error error_read(struct rig *rig, int fd)
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

struct answer_error query_error(struct rig *rig, int fd, const char *sql)
{
    exec_send(rig, fd, NULL, NULL, sql, wide);
    assert_int_equal(connection_read(rig, fd), WIRE_STARTED);
    return error_read(rig, fd);
}

void cancel(struct rig *rig, uint32_t id, uint64_t call)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_CANCEL, call);
    wire_u32(&writer, id);
    control_send(rig, &out, &writer, -1);
}

void ping(struct rig *rig)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_PING, 99);
    control_send(rig, &out, &writer, -1);
    assert_int_equal(control_read(rig), WIRE_PONG);
    assert_true(rig->frame.call == 99);
}

void fake_start(struct rig *rig)
{
    rig_start(rig);
    assert_int_equal(
        set_up(rig, getenv("SNOWMUX_FAKE_DRIVER"), "AdbcDriverFakeInit", NULL, "rows 1"),
        WIRE_READY);
}

void duck_start(struct rig *rig)
{
    if (*getenv("SNOWMUX_DUCKDB") == '\0') {
        skip();
    }
    rig_start(rig);
    assert_int_equal(set_up(rig, getenv("SNOWMUX_DUCKDB"), "duckdb_adbc_init", NULL,
                         "create table t as select 7 as seven"),
        WIRE_READY);
}
