// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/schema.h"
#include "store/session_row.h"

#define LOG_PAUSE_NS (10 * NS_PER_S)

/* The statements that frame a group; those of the writes come before them. */
enum {
    BEGIN = WRITE_KINDS,
    COMMIT,
    ROLLBACK,
    STATEMENTS,
};

struct writer {
    sqlite3 *db;
    sqlite3_stmt *stmts[STATEMENTS];
    uint64_t logged_ns; /* when a failure was last logged, 0: never */
    uint64_t unlogged;  /* failed groups since */
    bool is_known_bad;  /* the last line of the log says that it fails */
};

static const char *sql_of(int i)
{
    static const char *const frame[] = {"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"};
    return i < WRITE_KINDS ? write_sql((enum write_kind)i) : frame[i - WRITE_KINDS];
}

static bool prepare(struct writer *writer, const char *path, char *err, size_t err_size)
{
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(writer->db, sql_of(i), -1, SQLITE_PREPARE_PERSISTENT,
                &writer->stmts[i], NULL) != SQLITE_OK) {
            snprintf(err, err_size, "cannot use the store %s: %s", path,
                sqlite3_errmsg(writer->db));
            return false;
        }
    }
    return true;
}

bool writer_open(struct writer **ret, const char *path, char *err, size_t err_size)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (!writer) {
        snprintf(err, err_size, "no memory for the store");
        return false;
    }
    if (!schema_open(&writer->db, path, err, err_size) ||
        !prepare(writer, path, err, err_size)) {
        writer_close(writer);
        return false;
    }
    *ret = writer;
    return true;
}

bool writer_load_sessions(
    struct writer *writer, store_session_fn each, void *ctx, char *err, size_t err_size)
{
    struct store_session session;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(writer->db,
        "SELECT " SESSION_ROW_COLUMNS " FROM session ORDER BY last_seen_wall_ns, handle",
        -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rc = session_row_read(stmt, &session) ? SQLITE_OK : SQLITE_NOMEM;
        if (rc == SQLITE_OK) {
            each(ctx, &session);
        }
    }
    if (rc != SQLITE_DONE) {
        snprintf(err, err_size, "cannot read the sessions of the store: %s",
            sqlite3_errstr(rc));
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

static int run(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run_group(struct writer *writer, const struct write_queue *group)
{
    int rc = run(writer->stmts[BEGIN]);
    for (const struct write *write = group->first; rc == SQLITE_OK && write;
         write = write->next) {
        sqlite3_stmt *stmt = writer->stmts[write->kind];
        rc = write_bind(write, stmt);
        if (rc == SQLITE_OK) {
            rc = run(stmt);
        }
    }
    return rc == SQLITE_OK ? run(writer->stmts[COMMIT]) : rc;
}

/* Two lines in LOG_PAUSE_NS at most, however often it fails and recovers. */
static void log_failure(struct writer *writer, int rc, int os_error, uint32_t writes)
{
    uint64_t now_ns = clock_boot_ns();
    if (writer->logged_ns != 0 && now_ns - writer->logged_ns < LOG_PAUSE_NS) {
        writer->unlogged++;
        return;
    }
    log_event(LOG_ERROR, "store_write_failed",
        "error=\"%s\" code=%d errno=%d writes=%u unlogged=%llu", sqlite3_errstr(rc), rc,
        os_error, writes, (unsigned long long)writer->unlogged);
    writer->logged_ns = now_ns;
    writer->unlogged = 0;
    writer->is_known_bad = true;
}

bool writer_commit(struct writer *writer, const struct write_queue *group)
{
    int rc = run_group(writer, group);
    if (rc == SQLITE_OK) {
        if (writer->is_known_bad) {
            log_event(LOG_WARN, "store_write_recovered", "unlogged=%llu",
                (unsigned long long)writer->unlogged);
            writer->is_known_bad = false;
        }
        return true;
    }
    bool is_io = (rc & 0xff) == SQLITE_IOERR;
    int os_error = is_io ? sqlite3_system_errno(writer->db) : 0;
    /* Some errors have rolled back already. */
    if (!sqlite3_get_autocommit(writer->db)) {
        (void)run(writer->stmts[ROLLBACK]);
    }
    log_failure(writer, rc, os_error, group->len);
    return false;
}

void writer_close(struct writer *writer)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(writer->stmts[i]);
    }
    if (writer->db) {
        /* Closing does it too, but not while somebody else has the file open. */
        int rc = sqlite3_wal_checkpoint_v2(
            writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        if (rc != SQLITE_OK) {
            log_event(LOG_WARN, "store_checkpoint_failed", "error=\"%s\" code=%d",
                sqlite3_errstr(rc), rc);
        }
        rc = sqlite3_close(writer->db);
        ASSERT(rc == SQLITE_OK);
    }
    free(writer);
}
