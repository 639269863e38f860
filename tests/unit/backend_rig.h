// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the tests of the backend share: a loop, a backend, and the news it told. A test
 * reads the news in order; rig_stop() finds whatever it did not read.
 */
#include "backend/backend.h"

enum {
    NEWS_MAX = 1024
};

enum kind {
    WORKER_UP,
    WORKER_LOST,
    CONN_UP,
    SIGN_IN,
    CONN_LOST,
    STARTED,
    PAGE,
    TEXT,
    EXPORTED,
    ERROR,
};

/* What the handler was told; strings are copies. */
struct news {
    enum kind kind;
    uint32_t index;
    uint32_t generation;
    uint64_t call;
    bool refused;
    char *text; /* why, rows, text, or message */
    char *columns;
    char *cuts;
    uint64_t bytes_total;
    uint64_t rows_total;
    struct backend_page page;
    struct backend_error error;
};

struct rig {
    uv_loop_t loop;
    uv_timer_t guard;
    struct backend *backend;
    struct news news[NEWS_MAX];
    size_t count;
    size_t read;
    void (*hook)(struct rig *rig, const struct news *news); /* called in the handler */
    int fds_before;
    uint64_t rows; /* read so far, as told last */
    bool is_closed;
};

/* Call it before all else; false: the tests cannot run here. */
bool rig_prepare(void);

struct rig *rig_start(const char *program);

/* For a handler; rig_stop() is still to be called. */
void rig_close(struct rig *rig);

/* Whatever happened before: all news was read, no handle, child or descriptor is left. */
void rig_stop(struct rig *rig);

/* The next news; it must be as named. */
const struct news *await_any(struct rig *rig);
const struct news *await(struct rig *rig, enum kind kind, uint32_t index);
void await_why(struct rig *rig, enum kind kind, uint32_t index, const char *why);

/* Waits without the loop until the process has exited; the loop can still reap it. */
void wait_exited(int pid);

/* Waits until the process is no more, not even a zombie. */
void await_reaped(struct rig *rig, int pid);

struct backend_setup fake_setup(void);
void spawn(struct rig *rig, uint32_t worker, uint32_t generation);

/* A rig with worker 1, of generation 10, and the scripted driver. */
struct rig *fake_start(void);

/* The same with backend_peer, which is about to follow @script. */
struct rig *peer_start(const char *script);

/* Connection @conn of generation 1, on worker 1. */
void connect_up(struct rig *rig, uint32_t conn);

/* Calls with small limits, on a connection of generation 1. */
struct backend_exec exec_of(uint64_t call, const char *sql);
void exec(struct rig *rig, uint32_t conn, uint64_t call, const char *sql);
const struct news *query(struct rig *rig, uint32_t conn, uint64_t call, const char *sql);

/* What else was to come of @conn has come by now. */
void round_trip(struct rig *rig, uint32_t conn, uint64_t call);
