// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The real worker in a process of its own, and the daemon's end of its sockets. */
#include <sys/types.h>

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
    uint32_t told_count; /* ROWS frames of the last EXEC, */
    uint64_t told_rows;  /* and what the last one told */

    /* For the EXECs to come; no path: no spool. */
    const char *spool_path;
    uint64_t spool_rows_max;
    uint64_t spool_bytes_max;
};

struct page {
    struct str columns;
    struct str rows;
    uint32_t row_count;
    int64_t total_rows;
    uint32_t truncated;
    struct str cuts;
    uint64_t spooled_rows;
    uint64_t spool_bytes;
    uint32_t spool_cap;
    uint32_t spool_errno;
};

struct answer_error {
    uint32_t code;
    struct str message;
    struct str sqlstate;
    int64_t vendor_code;
    uint32_t usable;
};

struct limits {
    uint32_t rows;
    uint32_t bytes;
    uint32_t chars;
};

extern const struct limits wide; /* a page for any test result */

void assert_str(struct str actual, const char *expected);
void rig_start(struct rig *rig);

/* The same; @before runs in the new process before it becomes the worker. */
void rig_start_after(struct rig *rig, void (*before)(void));

/* Closes the control socket and returns how the process ended. */
int rig_stop(struct rig *rig);
bool wait_readable(int fd, int ms);
void control_send(struct rig *rig, struct buf *out, struct wire_writer *writer, int fd);
enum wire_kind control_read(struct rig *rig);

/* SETUP with one option and one statement, or NULL for none. */
enum wire_kind set_up(struct rig *rig, const char *driver, const char *entrypoint,
    const char *option, const char *init);

/* Reads one frame of a connection exactly; a ROWS is counted and passed over. 0 at the end of the socket. */
enum wire_kind connection_read(struct rig *rig, int fd);
int attach(struct rig *rig, uint32_t id);

/* The same without waiting for the login. */
int attach_begin(struct rig *rig, uint32_t id);
uint64_t exec_send(struct rig *rig, int fd, const char *key, const char *value,
    const char *sql, struct limits limits);

/* Views of the last frame. */
struct page page_read(struct rig *rig, int fd);
struct page query(struct rig *rig, int fd, const char *sql, struct limits limits);
struct answer_error error_read(struct rig *rig, int fd);
struct answer_error query_error(struct rig *rig, int fd, const char *sql);
void cancel(struct rig *rig, uint32_t id, uint64_t call);
void ping(struct rig *rig);
void fake_start(struct rig *rig);

/* Skips the test where DuckDB is not to be used. */
void duck_start(struct rig *rig);
