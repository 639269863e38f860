// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The bridge as a process of its own between two ends that a test holds: it is the client
 * on the bridge's standard streams and the daemon on a Unix socket. A test's program is
 * all three: called with "stdio" it is the bridge, with "serve" the daemon that a bridge
 * starts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/buf.h"
#include "bridge/lines.h"
#include "config/paths.h"

enum {
    WAIT_MS = 20000,
    STALL_MS = 100,
    TEXT_MAX = 64 * 1024 * 1024,
    MB = 1024 * 1024,
};

#define HELLO_FIRST                                                                      \
    "{\"snowmux\":\"hello\",\"version\":1,\"instance\":\"desk\",\"session\":null}"
#define HELLO_SESSION                                                                    \
    "{\"snowmux\":\"hello\",\"version\":1,\"instance\":\"desk\",\"session\":\"s_one\"}"
#define NEW "{\"snowmux\":\"hello\",\"version\":1,\"resumed\":false}"
#define RESUMED "{\"snowmux\":\"hello\",\"version\":1,\"resumed\":true}"
#define SESSION "{\"snowmux\":\"session\",\"session\":\"s_one\"}"
#define BYE "{\"snowmux\":\"bye\"}"
#define AGAIN(message) "{\"snowmux\":\"again\",\"message\":" message "}"
#define CALL(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\"}"
#define RESULT(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define PROGRESS(token, number)                                                          \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"                \
    "\"progressToken\":" token ",\"progress\":" number ",\"message\":\"queued\"}}"
#define INITIALIZE                                                                       \
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{}}"
#define CANCEL(id)                                                                              \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id \
    "}}"

struct end {
    int fd;
    struct buf in;
};

struct rig {
    char dir[64];
    char socket[PATHS_SOCKET_SIZE];
    int listener;
    pid_t pid;
    int to; /* the bridge's standard input */
    struct end from;
    struct end errors;
    struct end daemon; /* the accepted connection */
};

/* Called first by main: true when it was not called as a test, with the exit status. */
bool rig_is_other_program(int argc, char **argv, int *ret_status);

void rig_make_dir(struct rig *rig); /* and nothing else: no daemon, no bridge */
void rig_listen(struct rig *rig);
void rig_listen_no_more(struct rig *rig);

/* @option and @value: where the daemon is; @speed: of the bridge's clock. */
void rig_start_bridge(
    struct rig *rig, const char *option, const char *value, const char *speed);
void rig_accept(struct rig *rig, const char *hello, const char *answer_or_null);
void rig_break_off(struct rig *rig);

void rig_start(struct rig *rig); /* all of that: connected, with a new session */

/* The client closes its input: a silent bridge that says good-bye and leaves well. */
void rig_stop(struct rig *rig);
int rig_status(struct rig *rig); /* waits for the bridge's end */
void rig_free(struct rig *rig);

void write_all(int fd, struct str bytes);
void write_line(int fd, const char *line);
bool read_some(struct end *end);  /* false at the end of the stream */
char *read_line(struct end *end); /* the caller frees it */
void expect(struct end *end, const char *line);
void expect_in(struct end *end, const char *part);
void expect_end(struct end *end); /* nothing more comes before it */

/* A request of at least @size bytes; the caller frees it. */
char *large_call(int id, size_t size);
