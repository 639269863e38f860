// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the tests of the store share: a directory, a loop, a store, and what it answered.
 * What it wrote is looked at through a second connection.
 */
#include <sqlite3.h>

#include "base/buf.h"
#include "store/store.h"

enum {
    JOBS_MAX = 64,
};

struct fixture {
    char dir[64];
    char path[96];
    char err[512];
    uv_loop_t loop;
    struct store *store;
    /* What was loaded or read: "HANDLE=LABEL " or "none ", "PRINCIPAL/CLIENT=CALLS ". */
    struct buf seen;
    int answers;
    int failures;
    bool closed;
};

struct fixture *start_without(void); /* with no store yet */
struct fixture *start(void);

/* Closes the store if it is open; nothing is left. */
void stop(struct fixture *f);

void open_store(struct fixture *f, uint32_t jobs_max);
void close_store(struct fixture *f);
void on_closed(void *ctx);

struct store_session session_of(const char *handle, const char *label);
void put(struct fixture *f, const char *handle, const char *label);
void put_done(struct fixture *f, const char *handle, const char *label);
void drop(struct fixture *f, const char *handle);
void get(struct fixture *f, const char *handle);

/* Of @calls; with "" as @client the principal's own. */
struct store_account quota_of(
    uint32_t day, const char *principal, const char *client, uint64_t calls);
void put_quota_done(struct fixture *f, uint32_t day, const char *client, uint64_t calls);

/* These count in `answers`; the first counts failures too, the second tells `seen`. */
void on_done(void *ctx, bool ok);
void on_got(void *ctx, const struct store_session *session);

/* Runs the loop until there were @answers in all. */
void await_answers(struct fixture *f, int answers);

/* Compares and empties `seen`. */
void expect_seen(struct fixture *f, const char *expected);
void expect_loaded(struct fixture *f, const char *expected);
void expect_quotas(struct fixture *f, uint32_t day, const char *expected);

/* The first column of the first row of @sql in the file, -1: no row. */
int64_t ask(struct fixture *f, const char *sql);
int64_t has_session(struct fixture *f, const char *handle, const char *label);

/* Changes the file behind the store's back. */
void change(struct fixture *f, const char *sql);

/* Between these no write is committed: the writer thread stands still at the next one. */
sqlite3 *hold_writer(struct fixture *f);
void release_writer(sqlite3 *db);
