// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What outlives the daemon: SQLite (WAL) behind one writer thread. The loop thread asks,
 * the writer thread writes in groups (one transaction for all writes that wait in a row)
 * and reads between them, and the answers come back on the loop thread, in the order of
 * asking. Two durability classes: a write with a `done` is committed before `done` is
 * called; one without is committed within a second.
 *
 * A failing store (full disk, I/O error) answers `done` with false and goes on: the next
 * write is tried anew, and what was committed before can still be read.
 */
#include <uv.h>

#include "base/assert.h"
#include "base/handle.h"
#include "base/str.h"

enum {
    STORE_CONTEXT_PARTS = 5, /* profile, role, warehouse, database, schema */
    STORE_QUOTA_KINDS = 5,   /* calls, rows, bytes, engine_ms, microcredits */
    STORE_CELLS = 2,         /* of rates: calls, catalogue calls */
};

/*
 * A session as it is kept. All strings are borrowed, for the call only. Numbers above
 * INT64_MAX are kept as INT64_MAX.
 */
struct store_session {
    struct str handle;
    struct str principal;
    struct str client_name;
    struct str client_version;
    struct str instance; /* tells clients of one name apart; may be empty */
    struct str label;    /* may be empty */
    struct str revision; /* of MCP, as negotiated; empty: made by open_session */
    struct str context[STORE_CONTEXT_PARTS];
    struct str response_times; /* a histogram's text */
    struct str held; /* profile where something is open, or was and it is to be told; or empty */
    uint64_t created_wall_ns;
    uint64_t last_seen_wall_ns;
    uint64_t calls_total;
    uint64_t calls_ok;
    uint64_t calls_failed;
    uint64_t calls_refused;
    uint64_t rows_total;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t response_ns; /* of all calls together, */
    uint64_t queue_ns;    /* and what of it they waited for a connection */
    uint64_t connections_total;
    uint64_t limit_rows; /* preferences, 0 = the setting */
    uint64_t timeout_s;
    uint64_t format;
    uint64_t priority;
};

/*
 * What a principal or a client key used: of its quotas on a day, and of its rates when the
 * row was written. Strings and numbers as in a session.
 */
struct store_account {
    uint32_t day;      /* YYYYMMDD in the quota's zone */
    bool is_principal; /* of a principal, not of one of its client keys */
    struct str principal;
    struct str client; /* the client key: bytes, may hold NUL; empty: a principal's
                          further names, or is_principal */
    uint64_t used[STORE_QUOTA_KINDS];
    uint64_t spent_ns[STORE_CELLS]; /* until each rate is whole again */
    uint64_t written_wall_ns;       /* the clocks at that moment, */
    uint64_t written_boot_ns;
    uint64_t boot; /* and which boot it was */
};

/* The record of a query. Strings and numbers as in a session. */
struct store_query {
    struct str handle;
    struct str principal;
    struct str session; /* handle; may be empty, and so may all that follow but status */
    struct str profile;
    struct str tool;
    struct str sql;    /* its beginning */
    struct str status; /* a word of the writer's */
    struct str code;   /* of the error that is its answer; empty: it is none */
    struct str result; /* handle */
    struct str answer;
    uint64_t started_wall_ns;
    uint64_t ended_wall_ns; /* 0: it had not ended when this was written, */
    uint64_t elapsed_ms;    /* and was under way for so long */
};

/* A kept result, whose file lies elsewhere. Strings and numbers as in a session. */
struct store_result {
    struct str handle;
    struct str principal;
    struct str session; /* handle; may be empty, */
    struct str profile; /* and so may this */
    uint64_t rows;
    uint64_t bytes;  /* of the file */
    uint64_t capped; /* 0 or 1 */
    uint64_t expires_wall_ns;
};

/* How the daemon that had this store before ended. */
enum store_stop {
    STORE_CRASHED,
    STORE_STOPPED_CLEANLY,
    STORE_NEVER_RAN,
};

struct store;

typedef void (*store_done_fn)(void *ctx, bool ok);
typedef void (*store_session_fn)(void *ctx, const struct store_session *session);
typedef void (*store_account_fn)(void *ctx, const struct store_account *account);
typedef void (*store_query_fn)(void *ctx, const struct store_query *query);
typedef void (*store_result_fn)(void *ctx, const struct store_result *result);

/*
 * Opens (creates, migrates) @path with mode 0600, before the loop runs. False with a
 * sentence in @err; a file of a newer schema than ours is refused, never touched.
 * @jobs_max bounds the queue: all writes and reads that are not answered yet.
 */
MUST_USE bool store_open(struct store **ret, uv_loop_t *loop, const char *path,
    uint32_t jobs_max, char *err, size_t err_size);

/*
 * All sessions, synchronously, oldest last_seen first. Only before the
 * first write or read.
 */
MUST_USE bool store_load_sessions(
    struct store *store, store_session_fn each, void *ctx, char *err, size_t err_size);

/*
 * The accounts, synchronously, by principal and client; first those of days before
 * @first_day are deleted. Where that fails, @each is not called. Only before the first
 * write or read.
 */
MUST_USE bool store_load_accounts(struct store *store, uint32_t first_day,
    store_account_fn each, void *ctx, char *err, size_t err_size);

/*
 * The queries, synchronously: in the order of their ends, then those that had not ended.
 * The results by the time they expire. Only before the first write or read.
 */
MUST_USE bool store_load_queries(
    struct store *store, store_query_fn each, void *ctx, char *err, size_t err_size);
MUST_USE bool store_load_results(
    struct store *store, store_result_fn each, void *ctx, char *err, size_t err_size);

/* How it ended the last time; from now on, and until store_set_clean(), as a crash. */
MUST_USE bool store_load_stop(
    struct store *store, enum store_stop *ret, char *err, size_t err_size);

/* All was asked for that a clean stop writes: recorded at the close if all was written. */
void store_set_clean(struct store *store);

/*
 * Inserts or replaces the session of that handle. @done may be NULL (within a second).
 * Writes of one handle take effect in order. False: the queue is full (or memory short,
 * or the store closing), nothing happens and @done is not called.
 */
MUST_USE bool store_put_session(struct store *store, const struct store_session *session,
    store_done_fn done, void *ctx);
MUST_USE bool store_drop_session(
    struct store *store, struct str handle, store_done_fn done, void *ctx);

/*
 * Reads the session of that handle, after all writes put before it and before all put
 * later. @got is called with its row, or with NULL: there is none, or it could not be
 * read (which was logged). False: as above, and @got is not called.
 */
MUST_USE bool store_get_session(
    struct store *store, struct str handle, store_session_fn got, void *ctx);

/*
 * Inserts or replaces the row of that principal and client, of whichever day it was. The
 * principal's own row (is_principal) is another than that of its further names.
 * Otherwise as store_put_session().
 */
MUST_USE bool store_put_account(
    struct store *store, const struct store_account *account, store_done_fn done, void *ctx);

/* Inserts or replaces by the handle. Otherwise as store_put_session(). */
MUST_USE bool store_put_query(
    struct store *store, const struct store_query *query, store_done_fn done, void *ctx);
MUST_USE bool store_drop_query(
    struct store *store, struct str handle, store_done_fn done, void *ctx);
MUST_USE bool store_put_result(
    struct store *store, const struct store_result *result, store_done_fn done, void *ctx);
MUST_USE bool store_drop_result(
    struct store *store, struct str handle, store_done_fn done, void *ctx);

/* Writes and reads that are not answered yet. */
uint32_t store_jobs(const struct store *store);

/* Writes that failed since it was opened, tries included. */
uint64_t store_write_failures(const struct store *store);

/* Did a write fail, and was none done since? */
bool store_is_failing(const struct store *store);

/*
 * Within a second writes what means nothing, to learn whether writes succeed again. Not
 * before store_load_stop(): how the last daemon ended is then lost.
 */
void store_try(struct store *store);

/* Does what waits, ends the thread, closes; then @closed (or NULL) runs on the loop. */
void store_close(struct store *store, void (*closed)(void *ctx), void *ctx);
