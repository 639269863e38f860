// SPDX-License-Identifier: Apache-2.0
#include "store/job.h"

#include <stdlib.h>

#include "store/account_row.h"
#include "store/query_row.h"
#include "store/result_row.h"
#include "store/session_row.h"

static int bind_session(const struct job *job, sqlite3_stmt *stmt)
{
    return session_row_bind(stmt, &job->session);
}

static int bind_handle(const struct job *job, sqlite3_stmt *stmt)
{
    return sqlite3_bind_text64(
        stmt, 1, job->handle.ptr, job->handle.len, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_account(const struct job *job, sqlite3_stmt *stmt)
{
    return account_row_bind(stmt, &job->account);
}

static int bind_query(const struct job *job, sqlite3_stmt *stmt)
{
    return row_bind(&query_row, stmt, &job->query);
}

static int bind_result(const struct job *job, sqlite3_stmt *stmt)
{
    return row_bind(&result_row, stmt, &job->result);
}

static int bind_nothing(const struct job *job, sqlite3_stmt *stmt)
{
    (void)job;
    (void)stmt;
    return SQLITE_OK;
}

static const struct kind {
    const char *sql;
    int (*bind)(const struct job *job, sqlite3_stmt *stmt);
} kinds[] = {
    [JOB_PUT_SESSION] = {"REPLACE INTO session (" SESSION_ROW_COLUMNS
                         ") VALUES (" SESSION_ROW_MARKS ")",
        bind_session},
    [JOB_DROP_SESSION] = {"DELETE FROM session WHERE handle = ?", bind_handle},
    [JOB_GET_SESSION] = {"SELECT " SESSION_ROW_COLUMNS " FROM session WHERE handle = ?",
        bind_handle},
    [JOB_PUT_ACCOUNT] = {"REPLACE INTO account (" ACCOUNT_ROW_COLUMNS
                       ") VALUES (" ACCOUNT_ROW_MARKS ")",
        bind_account},
    [JOB_PUT_QUERY] = {"REPLACE INTO query (" QUERY_ROW_COLUMNS
                       ") VALUES (" QUERY_ROW_MARKS ")",
        bind_query},
    [JOB_DROP_QUERY] = {"DELETE FROM query WHERE handle = ?", bind_handle},
    [JOB_PUT_RESULT] = {"REPLACE INTO result (" RESULT_ROW_COLUMNS
                        ") VALUES (" RESULT_ROW_MARKS ")",
        bind_result},
    [JOB_DROP_RESULT] = {"DELETE FROM result WHERE handle = ?", bind_handle},
    /* Both are read as a crash; SQLite writes no row that stays the same. */
    [JOB_TRY] = {"UPDATE stop SET how = iif(how = 0, 3, 0)", bind_nothing},
};

_Static_assert(ARRAY_LEN(kinds) == JOB_KINDS, "a kind has no statement");

const char *job_sql(enum job_kind kind)
{
    return kinds[kind].sql;
}

int job_bind(const struct job *job, sqlite3_stmt *stmt)
{
    return kinds[job->kind].bind(job, stmt);
}

static struct job *new_job(enum job_kind kind, size_t bytes, void *ctx)
{
    struct job *job = calloc(1, sizeof(*job) + bytes);
    if (job) {
        job->kind = kind;
        job->ctx = ctx;
    }
    return job;
}

static struct job *new_handle_job(enum job_kind kind, struct str handle, void *ctx)
{
    struct job *job = new_job(kind, handle.len, ctx);
    if (job) {
        if (handle.len > 0) {
            memcpy(job->bytes, handle.ptr, handle.len);
        }
        job->handle = (struct str){job->bytes, handle.len};
    }
    return job;
}

struct job *job_put_session(
    const struct store_session *session, store_done_fn done, void *ctx)
{
    struct job *job = new_job(JOB_PUT_SESSION, session_row_bytes(session), ctx);
    if (job) {
        job->session = session_row_copy(session, job->bytes);
        job->done = done;
    }
    return job;
}

struct job *job_drop(enum job_kind kind, struct str handle, store_done_fn done, void *ctx)
{
    struct job *job = new_handle_job(kind, handle, ctx);
    if (job) {
        job->done = done;
    }
    return job;
}

struct job *job_get_session(struct str handle, store_session_fn got, void *ctx)
{
    struct job *job = new_handle_job(JOB_GET_SESSION, handle, ctx);
    if (job) {
        job->got = got;
    }
    return job;
}

struct job *job_put_account(const struct store_account *account, store_done_fn done, void *ctx)
{
    struct job *job = new_job(JOB_PUT_ACCOUNT, account_row_bytes(account), ctx);
    if (job) {
        job->account = account_row_copy(account, job->bytes);
        job->done = done;
    }
    return job;
}

struct job *job_put_query(const struct store_query *query, store_done_fn done, void *ctx)
{
    struct job *job = new_job(JOB_PUT_QUERY, row_bytes(&query_row, query), ctx);
    if (job) {
        job->query = *query;
        row_move_strings(&query_row, &job->query, job->bytes);
        job->done = done;
    }
    return job;
}

struct job *job_put_result(const struct store_result *result, store_done_fn done, void *ctx)
{
    struct job *job = new_job(JOB_PUT_RESULT, row_bytes(&result_row, result), ctx);
    if (job) {
        job->result = *result;
        row_move_strings(&result_row, &job->result, job->bytes);
        job->done = done;
    }
    return job;
}

struct job *job_try(void)
{
    return new_job(JOB_TRY, 0, NULL);
}

void job_answer(struct job *job)
{
    if (job_is_read(job)) {
        job->got(job->ctx, job->row);
    } else if (job->done) {
        job->done(job->ctx, job->ok);
    }
    free(job->row);
    free(job);
}
