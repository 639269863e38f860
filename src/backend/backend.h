// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The daemon's side of workers (see wire/wire.h): processes, their control sockets, one
 * socket per backend connection, all on one libuv loop. Workers and connections are named
 * by the core's indexes and generations; whatever an earlier generation still says is
 * dropped here, and the core drops what slips through.
 *
 * Functions never call the handler; news comes from the loop. A function that cannot do
 * its work (no memory, no descriptor, a dead process) makes the loss of that worker or
 * connection the news. Strings in arguments are copied, strings in news live during the
 * call.
 */
#include <uv.h>

#include "base/assert.h"
#include "base/str.h"
#include "wire/wire.h"

struct backend;

enum {
    BACKEND_WORKERS_MAX = 64,
    BACKEND_CONNS_MAX = 512,
    BACKEND_CALLS_MAX = 64, /* under way on one connection */
};

struct backend_option {
    struct str key;
    struct str value;
};

/* How a worker starts. An empty driver: the reader of spools. */
struct backend_setup {
    struct str driver;
    struct str entrypoint;
    const struct backend_option *options; /* may be secrets: wiped after they were sent */
    const enum wire_source *sources;      /* of the options' values; NULL: all are here */
    uint32_t option_count;
    const struct str *init; /* statements */
    uint32_t init_count;
    uint32_t confine; /* of enum wire_confine; 0: not confined, and the daemon's environment */
    const struct str *read_paths; /* at most WIRE_PATHS_MAX */
    uint32_t read_path_count;
    const struct str *write_paths; /* the same */
    uint32_t write_path_count;
    struct str home; /* HOME and TMPDIR of a confined one */
    struct str bin;  /* the first of its PATH, with a final NUL, made here; empty: none */
};

struct backend_exec {
    uint64_t call;                        /* comes back in the news */
    /* To set first: options of the connection, or where the key is empty a statement. */
    const struct backend_option *options;
    uint32_t option_count;
    const struct backend_option *own_options; /* of the statement, and of those in options; with
                                               * an empty key a text that stands behind each */
    uint32_t own_option_count;
    struct str sql;
    uint32_t rows_max;
    uint32_t page_bytes;
    uint32_t cell_chars;
    struct str spool_path; /* empty: nothing is kept beyond the page */
    uint64_t spool_rows_max;
    uint64_t spool_bytes_max;
};

struct backend_fetch {
    uint64_t call;
    struct str spool_path;
    uint64_t offset;
    uint32_t rows_max;
    uint32_t page_bytes;
    uint32_t cell_chars;
};

struct backend_cell {
    uint64_t call;
    struct str spool_path;
    uint64_t row;
    uint32_t column;
    uint64_t offset;
    uint32_t bytes_max;
};

struct backend_export {
    uint64_t call;
    struct str spool_path;
    struct str out_path; /* absolute; nothing may be there yet */
    enum wire_format format;
};

struct backend_page {
    struct str columns; /* JSON, as wire.h says */
    struct str rows;
    struct str cuts;
    uint32_t row_count;
    int64_t total_rows; /* -1: unknown */
    bool truncated;
    uint64_t elapsed_ns;
    uint64_t spooled_rows;
    uint64_t spool_bytes;
    enum wire_cap spool_cap;
    int spool_errno; /* of WIRE_CAP_DISK */
};

struct backend_error {
    enum wire_error_code code;
    struct str message;
    struct str sqlstate;
    int64_t vendor_code;
    bool usable; /* the connection may serve on */
};

struct backend_handler {
    void *ctx;
    void (*worker_up)(void *ctx, uint32_t worker, uint32_t generation);
    /*
     * Exited, or could not start: exactly once a spawn, unless backend_kill came first.
     * The conn_lost of its connections follow at once.
     */
    void (*worker_lost)(void *ctx, uint32_t worker, uint32_t generation, struct str why);
    void (*conn_up)(void *ctx, uint32_t conn, uint32_t generation);
    /* Before that: somebody has to sign in at @url, which the driver said and nobody checked. */
    void (*sign_in)(void *ctx, uint32_t conn, uint32_t generation, struct str url);
    /*
     * Exactly once a connect, unless backend_disconnect came first. @refused: the engine
     * said no (login, network), in contrast to a socket or worker that went away.
     */
    void (*conn_lost)(
        void *ctx, uint32_t conn, uint32_t generation, bool refused, struct str why);
    void (*started)(void *ctx, uint32_t conn, uint32_t generation, uint64_t call);
    /* Read so far of a started statement. */
    void (*rows)(
        void *ctx, uint32_t conn, uint32_t generation, uint64_t call, uint64_t rows);
    /* One of these ends a call, unless conn_lost does. */
    void (*page)(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
        const struct backend_page *page);
    void (*text)(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
        struct str text, uint64_t bytes_total);
    void (*exported)(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
        uint64_t rows, uint64_t bytes);
    void (*error)(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
        const struct backend_error *error);
};

/* @program: path of snowmux-worker. NULL: no memory. */
struct backend *backend_new(
    uv_loop_t *loop, const char *program, const struct backend_handler *handler);

void backend_spawn(struct backend *b, uint32_t worker, uint32_t generation,
    const struct backend_setup *setup);

/* Instead of a spawn that cannot be: its loss, with this reason, becomes the news. */
void backend_refuse(
    struct backend *b, uint32_t worker, uint32_t generation, struct str why);

/* SIGKILL; its connections are forgotten without news. */
void backend_kill(struct backend *b, uint32_t worker, uint32_t generation);

void backend_connect(
    struct backend *b, uint32_t conn, uint32_t generation, uint32_t worker);
void backend_disconnect(struct backend *b, uint32_t conn, uint32_t generation);

/* A connection takes calls one after the other; BACKEND_CALLS_MAX may be under way. */
void backend_exec(struct backend *b, uint32_t conn, uint32_t generation,
    const struct backend_exec *exec);
void backend_fetch(struct backend *b, uint32_t conn, uint32_t generation,
    const struct backend_fetch *fetch);
void backend_cell(struct backend *b, uint32_t conn, uint32_t generation,
    const struct backend_cell *cell);
void backend_export(struct backend *b, uint32_t conn, uint32_t generation,
    const struct backend_export *export);
void backend_cancel(struct backend *b, uint32_t conn, uint32_t generation, uint64_t call);

/* How a worker that is up is confined, in words; empty: it is not. */
struct str backend_confinement(const struct backend *b, uint32_t worker);
/* What the driver of a worker with a connection calls itself; "" where it does not say. */
struct str backend_driver_name(const struct backend *b, uint32_t worker);
struct str backend_driver_version(const struct backend *b, uint32_t worker);

/* The process of a worker, for whoever measures; 0: none. */
int backend_pid(const struct backend *b, uint32_t worker);

/*
 * Kills all workers, reaps them, frees itself; then @closed is called from the loop,
 * which then holds no handle of this room. After the call there is no news, and no spawn
 * or connect.
 */
void backend_close(struct backend *b, void (*closed)(void *ctx), void *ctx);
