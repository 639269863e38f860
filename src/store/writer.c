// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/account_row.h"
#include "store/query_row.h"
#include "store/result_row.h"
#include "store/schema.h"
#include "store/session_row.h"

#define LOG_PAUSE_NS (10 * NS_PER_S)

/* The statements that frame a group; those of the jobs come before them. */
enum {
    BEGIN = JOB_KINDS,
    COMMIT,
    ROLLBACK,
    STATEMENTS,
};

/* What the log knows of the failures of one sort of jobs. */
struct trouble {
    uint64_t logged_ns; /* when one was last logged, 0: never */
    uint64_t unlogged;  /* how many since */
    bool is_known_bad;  /* the last line of the log says that it fails */
};

struct writer {
    sqlite3 *db;
    sqlite3_stmt *stmts[STATEMENTS];
    struct trouble reads;
    struct trouble writes;
    bool has_failed; /* some write did */
};

static const char *sql_of(int i)
{
    static const char *const frame[] = {"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"};
    return i < JOB_KINDS ? job_sql((enum job_kind)i) : frame[i - JOB_KINDS];
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

static int run_stmt(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Runs @sql with its one number. */
static int run_with(struct writer *writer, const char *sql, int64_t number)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(writer->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, 1, number);
    }
    if (rc == SQLITE_OK) {
        rc = run_stmt(stmt);
    }
    sqlite3_finalize(stmt);
    return rc;
}

bool writer_load_accounts(struct writer *writer, uint32_t first_day, store_account_fn each,
    void *ctx, char *err, size_t err_size)
{
    struct store_account account;
    sqlite3_stmt *stmt = NULL;
    int rc = run_with(writer, "DELETE FROM account WHERE day < ?", first_day);
    if (rc == SQLITE_OK) {
        rc = sqlite3_prepare_v2(writer->db,
            "SELECT " ACCOUNT_ROW_COLUMNS
            " FROM account ORDER BY day DESC, calls_used + rows_used + bytes_used + engine_ms_used"
            " + microcredits_used = 0, principal, is_principal, client",
            -1, &stmt, NULL);
    }
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rc = account_row_read(stmt, &account) ? SQLITE_OK : SQLITE_NOMEM;
        if (rc == SQLITE_OK) {
            each(ctx, &account);
        }
    }
    if (rc != SQLITE_DONE) {
        snprintf(
            err, err_size, "cannot load the accounts of the store: %s", sqlite3_errstr(rc));
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

bool writer_load_queries(
    struct writer *writer, store_query_fn each, void *ctx, char *err, size_t err_size)
{
    struct store_query query;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(writer->db,
        "SELECT " QUERY_ROW_COLUMNS
        " FROM query ORDER BY ended_wall_ns = 0, ended_wall_ns, started_wall_ns, handle",
        -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rc = row_read(&query_row, stmt, &query) ? SQLITE_OK : SQLITE_NOMEM;
        if (rc == SQLITE_OK) {
            each(ctx, &query);
        }
    }
    if (rc != SQLITE_DONE) {
        snprintf(
            err, err_size, "cannot read the queries of the store: %s", sqlite3_errstr(rc));
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

bool writer_load_results(
    struct writer *writer, store_result_fn each, void *ctx, char *err, size_t err_size)
{
    struct store_result result;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(writer->db,
        "SELECT " RESULT_ROW_COLUMNS " FROM result ORDER BY expires_wall_ns, handle", -1,
        &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rc = row_read(&result_row, stmt, &result) ? SQLITE_OK : SQLITE_NOMEM;
        if (rc == SQLITE_OK) {
            each(ctx, &result);
        }
    }
    if (rc != SQLITE_DONE) {
        snprintf(
            err, err_size, "cannot read the results of the store: %s", sqlite3_errstr(rc));
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

static int write_stop(struct writer *writer, enum store_stop how)
{
    return run_with(writer, "UPDATE stop SET how = ?", how);
}

bool writer_load_stop(
    struct writer *writer, enum store_stop *ret, char *err, size_t err_size)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(writer->db, "SELECT how FROM stop", -1, &stmt, NULL);
    rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
    if (rc == SQLITE_ROW) {
        int64_t how = sqlite3_column_int64(stmt, 0);
        *ret = how == STORE_STOPPED_CLEANLY || how == STORE_NEVER_RAN ? (enum store_stop)how
                                                                      : STORE_CRASHED;
        sqlite3_reset(stmt);
        rc = write_stop(writer, STORE_CRASHED);
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK) {
        snprintf(err, err_size, "cannot read how the store was left: %s", sqlite3_errstr(rc));
    }
    return rc == SQLITE_OK;
}

/* Two lines in LOG_PAUSE_NS at most, however often it fails and recovers. */
static void note_failure(struct writer *writer, struct trouble *trouble,
    const char *event, int rc, uint32_t jobs)
{
    uint64_t now_ns = clock_boot_ns();
    if (trouble->logged_ns != 0 && now_ns - trouble->logged_ns < LOG_PAUSE_NS) {
        trouble->unlogged++;
        return;
    }
    bool is_io = (rc & 0xff) == SQLITE_IOERR;
    log_event(LOG_ERROR, event, "error=\"%s\" code=%d errno=%d jobs=%u unlogged=%llu",
        sqlite3_errstr(rc), rc, is_io ? sqlite3_system_errno(writer->db) : 0, jobs,
        (unsigned long long)trouble->unlogged);
    trouble->logged_ns = now_ns;
    trouble->unlogged = 0;
    trouble->is_known_bad = true;
}

static void note_success(struct trouble *trouble, const char *event)
{
    if (trouble->is_known_bad) {
        log_event(
            LOG_WARN, event, "unlogged=%llu", (unsigned long long)trouble->unlogged);
        trouble->is_known_bad = false;
    }
}

static int run_transaction(struct writer *writer, const struct job_queue *run)
{
    int rc = run_stmt(writer->stmts[BEGIN]);
    for (const struct job *job = run->first; rc == SQLITE_OK && job; job = job->next) {
        sqlite3_stmt *stmt = writer->stmts[job->kind];
        rc = job_bind(job, stmt);
        if (rc == SQLITE_OK) {
            rc = run_stmt(stmt);
        }
    }
    return rc == SQLITE_OK ? run_stmt(writer->stmts[COMMIT]) : rc;
}

static void do_writes(struct writer *writer, const struct job_queue *run)
{
    int before = sqlite3_total_changes(writer->db);
    int rc = run_transaction(writer, run);
    /* Dropping what is not there succeeds on a full disk, too. */
    bool is_proof = rc == SQLITE_OK && sqlite3_total_changes(writer->db) != before;
    if (is_proof) {
        note_success(&writer->writes, "store_write_recovered");
    } else if (rc != SQLITE_OK) {
        note_failure(writer, &writer->writes, "store_write_failed", rc, run->len);
        writer->has_failed = true;
    }
    /* Some errors have rolled back already. */
    if (!sqlite3_get_autocommit(writer->db)) {
        (void)run_stmt(writer->stmts[ROLLBACK]);
    }
    for (struct job *job = run->first; job; job = job->next) {
        job->ok = rc == SQLITE_OK;
        job->is_proof = is_proof;
    }
}

static void do_read(struct writer *writer, struct job *job)
{
    struct store_session session;
    sqlite3_stmt *stmt = writer->stmts[job->kind];
    int rc = job_bind(job, stmt);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc == SQLITE_ROW) {
        if (session_row_read(stmt, &session)) {
            job->row = session_row_clone(&session);
        }
        rc = job->row ? SQLITE_DONE : SQLITE_NOMEM;
    }
    if (rc == SQLITE_DONE) {
        note_success(&writer->reads, "store_read_recovered");
    } else {
        note_failure(writer, &writer->reads, "store_read_failed", rc, 1);
    }
    sqlite3_reset(stmt);
}

void writer_do(struct writer *writer, const struct job_queue *run)
{
    if (!job_is_read(run->first)) {
        do_writes(writer, run);
        return;
    }
    for (struct job *job = run->first; job; job = job->next) {
        do_read(writer, job);
    }
}

void writer_stop(struct writer *writer, bool clean)
{
    if (clean && !writer->has_failed) {
        int rc = write_stop(writer, STORE_STOPPED_CLEANLY);
        if (rc != SQLITE_OK) {
            note_failure(writer, &writer->writes, "store_write_failed", rc, 1);
        }
    }
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
