// SPDX-License-Identifier: Apache-2.0
/*
 * A worker that does what the variable BACKEND_PEER says, mostly what no worker should.
 * Every script ends with the control socket, at the latest.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wire/wire.h"

enum {
    CONTROL_FD = 3,
    OVERLONG = WIRE_PACKET_MAX + 1000,
    JOINED = 4, /* calls answered at once by `joined` */
};

static char packet[WIRE_PACKET_MAX];
static struct buf out = {.max = WIRE_PAYLOAD_MAX};
static const char *script;

static bool is(const char *name)
{
    return strcmp(script, name) == 0;
}

static void send_out(int fd)
{
    for (size_t at = 0; at < out.len;) {
        ssize_t sent = send(fd, out.ptr + at, out.len - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            _exit(0); /* the daemon has enough of it */
        }
        at += (size_t)sent;
    }
    buf_clear(&out);
}

/* One byte at a time, each read before the next is sent. */
static void trickle_out(int fd)
{
    for (size_t at = 0; at < out.len; at++) {
        int unread = 1;
        if (send(fd, out.ptr + at, 1, MSG_NOSIGNAL) != 1) {
            _exit(0);
        }
        while (ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0) {
            sched_yield();
        }
    }
    buf_clear(&out);
}

static void put_empty(enum wire_kind kind, uint64_t call)
{
    struct wire_writer writer = wire_begin(&out, kind, call);
    (void)!wire_end(&writer);
}

static void put_strings(enum wire_kind kind, const char *one, const char *two)
{
    struct wire_writer writer = wire_begin(&out, kind, 0);
    wire_str(&writer, str_of(one));
    if (two) {
        wire_str(&writer, str_of(two));
    }
    (void)!wire_end(&writer);
}

static void put_ready(void)
{
    struct wire_writer writer = wire_begin(&out, WIRE_READY, 0);
    wire_str(&writer, STR("in words"));
    (void)!wire_end(&writer);
}

/* A page whose every field has a value of its own. */
static void put_page(uint64_t call, bool is_short)
{
    struct wire_writer writer = wire_begin(&out, WIRE_PAGE, call);
    wire_str(&writer, STR("[columns]"));
    wire_str(&writer, STR("[rows]"));
    wire_u32(&writer, 11);
    wire_i64(&writer, -1);
    wire_u32(&writer, 1);
    wire_str(&writer, STR("[cuts]"));
    wire_u64(&writer, 12);
    wire_u64(&writer, 13);
    wire_u64(&writer, 1ull << 40);
    wire_u32(&writer, WIRE_CAP_DISK);
    if (!is_short) {
        wire_u32(&writer, 28);
    }
    (void)!wire_end(&writer);
}

static void put_rows(uint64_t call, bool is_long)
{
    struct wire_writer writer = wire_begin(&out, WIRE_ROWS, call);
    wire_u64(&writer, 1ull << 42);
    if (is_long) {
        wire_u32(&writer, 1);
    }
    (void)!wire_end(&writer);
}

static void put_text(uint64_t call)
{
    struct wire_writer writer = wire_begin(&out, WIRE_TEXT, call);
    wire_str(&writer, STR("some text"));
    wire_u64(&writer, 1ull << 41);
    (void)!wire_end(&writer);
}

static void put_exported(uint64_t call)
{
    struct wire_writer writer = wire_begin(&out, WIRE_EXPORTED, call);
    wire_u64(&writer, 1ull << 35);
    wire_u64(&writer, 1ull << 36);
    (void)!wire_end(&writer);
}

static void put_error(enum wire_kind kind, uint64_t call, uint32_t code)
{
    struct wire_writer writer = wire_begin(&out, kind, call);
    wire_u32(&writer, code);
    wire_str(&writer, STR("a reason"));
    wire_str(&writer, STR("08001"));
    wire_i64(&writer, -5);
    wire_u32(&writer, 0);
    (void)!wire_end(&writer);
}

/* The next control packet is in @packet; its descriptor, or -1. Ends with the socket. */
/* The connection of the last ATTACH. */
static uint32_t attached;

static int control_read(void)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {packet, sizeof(packet)};
    struct msghdr message = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control)};
    ssize_t len = recvmsg(CONTROL_FD, &message, 0);
    if (len <= 0) {
        _exit(0);
    }
    struct wire_frame frame;
    if (wire_parse((struct str){packet, (size_t)len}, &frame) > 0 && frame.kind == WIRE_ATTACH) {
        struct wire_reader reader = wire_reader_of(&frame);
        attached = wire_get_u32(&reader);
    }
    int fd = -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header) {
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    }
    return fd;
}

static void read_exactly(int fd, char *dst, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t got = recv(fd, dst + at, len - at, 0);
        if (got <= 0) {
            _exit(0);
        }
        at += (size_t)got;
    }
}

/* Reads one call; its payload must fit the packet. */
static struct wire_frame call_read(int fd)
{
    struct wire_frame frame = {0};
    read_exactly(fd, packet, WIRE_HEADER_SIZE);
    uint32_t len;
    memcpy(&len, packet, sizeof(len));
    read_exactly(fd, packet + WIRE_HEADER_SIZE, len);
    if (wire_parse((struct str){packet, WIRE_HEADER_SIZE + len}, &frame) <= 0) {
        _exit(2);
    }
    return frame;
}

/* Answers a call as a good worker does; checks what it was asked. */
static void put_answer(const struct wire_frame *frame)
{
    struct wire_reader reader = wire_reader_of(frame);
    bool ok = true;
    if (frame->kind == WIRE_EXEC) {
        put_empty(WIRE_STARTED, frame->call);
        put_rows(frame->call, false);
        put_page(frame->call, false);
        return;
    }
    ok = str_eq(wire_get_str(&reader), STR("/spool/file")) && ok;
    if (frame->kind == WIRE_EXPORT) {
        ok = str_eq(wire_get_str(&reader), STR("/out/file")) && ok;
        ok = wire_get_u32(&reader) == WIRE_FORMAT_ARROW && ok;
        put_exported(frame->call);
        if (!ok || !wire_reader_done(&reader)) {
            _exit(2);
        }
        return;
    }
    ok = wire_get_u64(&reader) == 1ull << 33 && ok; /* offset, or row */
    ok = wire_get_u32(&reader) == 3 && ok;          /* rows_max, or column */
    if (frame->kind == WIRE_FETCH) {
        ok = wire_get_u32(&reader) == 4 && wire_get_u32(&reader) == 5 && ok;
        put_page(frame->call, false);
    } else {
        ok = wire_get_u64(&reader) == 1ull << 34 && wire_get_u32(&reader) == 6 && ok;
        put_text(frame->call);
    }
    if (!ok || !wire_reader_done(&reader)) {
        _exit(2);
    }
}

static void answer_calls(int fd)
{
    for (int i = 1;; i++) {
        struct wire_frame frame = call_read(fd);
        put_answer(&frame);
        if (is("trickle")) {
            trickle_out(fd);
        } else if (i % JOINED == 0) {
            send_out(fd);
        }
    }
}

static void put_sign_in(uint32_t conn)
{
    struct wire_writer writer = wire_begin(&out, WIRE_SIGN_IN, 0);
    wire_u32(&writer, conn);
    wire_str(&writer, STR("https://sign-in.invalid/"));
    (void)!wire_end(&writer);
}

static void misbehave(int fd)
{
    if (is("opened_twice")) {
        put_strings(WIRE_OPENED, "name", "version");
    } else if (is("setup")) {
        put_empty(WIRE_SETUP, 0);
    } else if (is("hang_up")) {
        close(fd);
    } else if (is("half")) {
        put_empty(WIRE_STARTED, 1);
        out.len = WIRE_HEADER_SIZE - 1;
        send_out(fd);
        close(fd);
    } else if (is("unasked")) {
        put_empty(WIRE_STARTED, 77);
    } else if (is("garbage")) {
        buf_puts(&out, "HTTP/1.1 400 Bad Request\r\n\r\n");
    } else {
        uint64_t call = call_read(fd).call;
        if (is("crash_after_page")) {
            put_empty(WIRE_STARTED, call);
            put_page(call, false);
            send_out(fd);
            abort();
        } else if (is("short_page")) {
            put_page(call, true);
        } else if (is("text_for_page")) {
            put_text(call);
        } else if (is("exported_for_page")) {
            put_exported(call);
        } else if (is("bad_code")) {
            put_error(WIRE_ERROR, call, 9);
        } else if (is("started_twice")) {
            put_empty(WIRE_STARTED, call);
            put_empty(WIRE_STARTED, call);
        } else if (is("rows_first")) {
            put_rows(call, false);
        } else if (is("rows_long")) {
            put_empty(WIRE_STARTED, call);
            put_rows(call, true);
        } else if (is("rows_late")) {
            put_empty(WIRE_STARTED, call);
            put_page(call, false);
            put_rows(call, false);
        } else if (is("answered_twice")) {
            put_page(call, false);
            put_page(call, false);
        }
    }
    send_out(fd);
}

static void serve(int fd)
{
    if (is("refuse")) {
        put_error(WIRE_FAILED, 0, WIRE_E_SQL);
        send_out(fd);
        return;
    }
    if (is("sign_in")) {
        put_sign_in(attached + 77); /* of nobody: passed over */
        send_out(CONTROL_FD);
        put_sign_in(attached);
        send_out(CONTROL_FD);
        control_read(); /* a cancel that the test sends when it has heard of it */
    }
    if (is("not_taken")) {
        close(fd);
        return;
    }
    if (is("page_first")) {
        put_page(1, false);
        send_out(fd);
        return;
    }
    put_strings(WIRE_OPENED, "name", "version");
    send_out(fd);
    if (is("trickle") || is("joined")) {
        answer_calls(fd);
    } else if (!is("deaf")) {
        misbehave(fd);
    }
}

/* A READY that would be good, were it not larger than a packet may be. */
static void put_overlong(void)
{
    static char version[OVERLONG];
    struct wire_writer writer = wire_begin(&out, WIRE_READY, 0);
    wire_str(&writer, (struct str){version, sizeof(version)});
    (void)!wire_end(&writer);
}

/* What is wrong on the control socket already; false: nothing. */
static bool misbehave_early(void)
{
    if (is("exit")) {
        _exit(3);
    } else if (is("close")) {
        close(CONTROL_FD);
        pause();
    } else if (is("packet_garbage")) {
        send(CONTROL_FD, "garbage", 7, 0);
    } else if (is("packet_overlong")) {
        put_overlong();
        send_out(CONTROL_FD);
    } else if (is("packet_two")) {
        put_ready();
        put_ready();
        send_out(CONTROL_FD);
    } else if (is("ready_twice")) {
        put_ready();
        send_out(CONTROL_FD);
        put_ready();
        send_out(CONTROL_FD);
    } else if (is("ready_short")) {
        put_empty(WIRE_READY, 0);
        send_out(CONTROL_FD);
    } else if (is("sign_in_early")) {
        put_empty(WIRE_SIGN_IN, 0);
        send_out(CONTROL_FD);
    } else if (is("sign_in_short")) {
        put_ready();
        send_out(CONTROL_FD);
        put_empty(WIRE_SIGN_IN, 0);
        send_out(CONTROL_FD);
    } else if (is("page")) {
        put_page(1, false);
        send_out(CONTROL_FD);
    } else if (is("failed_late")) {
        put_ready();
        send_out(CONTROL_FD);
        put_strings(WIRE_FAILED, "on second thought", NULL);
        send_out(CONTROL_FD);
        recv(CONTROL_FD, packet, sizeof(packet), MSG_PEEK);
        _exit(4); /* with SETUP unread, which the daemon sees as an error */
    } else {
        return false;
    }
    return true;
}

int main(void)
{
    script = getenv("BACKEND_PEER");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!script) {
        return 2;
    }
    if (!misbehave_early()) {
        control_read(); /* SETUP */
        put_ready();
        send_out(CONTROL_FD);
        for (;;) {
            int fd = control_read();
            if (fd >= 0) {
                serve(fd);
            }
        }
    }
    for (;;) {
        control_read();
    }
}
