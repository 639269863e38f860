// SPDX-License-Identifier: Apache-2.0
#include "store_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

void open_store(struct fixture *f, uint32_t jobs_max)
{
    bool ok = store_open(&f->store, &f->loop, f->path, jobs_max, f->err, sizeof(f->err));
    assert_string_equal(ok ? "" : f->err, "");
    f->closed = false;
}

struct fixture *start_without(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->seen = BUF_INIT(1 << 20);
    snprintf(f->dir, sizeof(f->dir), "/tmp/snowmux-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/state.db", f->dir);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    return f;
}

struct fixture *start(void)
{
    struct fixture *f = start_without();
    open_store(f, JOBS_MAX);
    return f;
}

void on_closed(void *ctx)
{
    struct fixture *f = ctx;
    f->closed = true;
}

void close_store(struct fixture *f)
{
    store_close(f->store, on_closed, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    f->store = NULL;
}

void stop(struct fixture *f)
{
    char name[512];
    if (f->store) {
        close_store(f);
    }
    assert_int_equal(uv_loop_close(&f->loop), 0);
    DIR *dir = opendir(f->dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        snprintf(name, sizeof(name), "%s/%s", f->dir, entry->d_name);
        (void)unlink(name);
    }
    closedir(dir);
    assert_int_equal(rmdir(f->dir), 0);
    buf_free(&f->seen);
    free(f);
}

struct store_session session_of(const char *handle, const char *label)
{
    return (struct store_session){
        .handle = str_of(handle), .principal = STR("uid:1000"), .label = str_of(label)};
}

void put(struct fixture *f, const char *handle, const char *label)
{
    struct store_session session = session_of(handle, label);
    assert_true(store_put_session(f->store, &session, NULL, NULL));
}

void on_done(void *ctx, bool ok)
{
    struct fixture *f = ctx;
    f->answers++;
    f->failures += ok ? 0 : 1;
}

void put_done(struct fixture *f, const char *handle, const char *label)
{
    struct store_session session = session_of(handle, label);
    assert_true(store_put_session(f->store, &session, on_done, f));
}

void await_answers(struct fixture *f, int answers)
{
    while (f->answers < answers) {
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    assert_int_equal(f->answers, answers);
}

int64_t ask(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(
        sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    int64_t value = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    sqlite3_close(db);
    return value;
}

int64_t has_session(struct fixture *f, const char *handle, const char *label)
{
    char sql[256];
    snprintf(sql, sizeof(sql),
        "SELECT count(*) FROM session WHERE handle = '%s' AND label = '%s'", handle,
        label);
    return ask(f, sql);
}

void change(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

void drop(struct fixture *f, const char *handle)
{
    assert_true(store_drop_session(f->store, str_of(handle), NULL, NULL));
}

static void on_loaded(void *ctx, const struct store_session *session)
{
    struct fixture *f = ctx;
    buf_put_str(&f->seen, session->handle);
    buf_putc(&f->seen, '=');
    buf_put_str(&f->seen, session->label);
    buf_putc(&f->seen, ' ');
}

void on_got(void *ctx, const struct store_session *session)
{
    struct fixture *f = ctx;
    assert_false(f->closed);
    f->answers++;
    if (session) {
        on_loaded(f, session);
    } else {
        buf_puts(&f->seen, "none ");
    }
}

void get(struct fixture *f, const char *handle)
{
    assert_true(store_get_session(f->store, str_of(handle), on_got, f));
}

void expect_seen(struct fixture *f, const char *expected)
{
    buf_putc(&f->seen, '\0');
    assert_true(buf_ok(&f->seen));
    assert_string_equal(f->seen.ptr, expected);
    buf_clear(&f->seen);
}

void expect_loaded(struct fixture *f, const char *expected)
{
    assert_true(store_load_sessions(f->store, on_loaded, f, f->err, sizeof(f->err)));
    expect_seen(f, expected);
}

struct store_account quota_of(
    uint32_t day, const char *principal, const char *client, uint64_t calls)
{
    return (struct store_account){.day = day,
        .is_principal = client[0] == '\0',
        .principal = str_of(principal),
        .client = str_of(client),
        .used = {calls}};
}

void put_quota_done(struct fixture *f, uint32_t day, const char *client, uint64_t calls)
{
    struct store_account quota = quota_of(day, "uid:1000", client, calls);
    assert_true(store_put_account(f->store, &quota, on_done, f));
}

static void on_quota(void *ctx, const struct store_account *quota)
{
    struct fixture *f = ctx;
    buf_put_str(&f->seen, quota->principal);
    buf_putc(&f->seen, '/');
    buf_put_str(&f->seen, quota->client);
    buf_putc(&f->seen, '=');
    buf_put_u64(&f->seen, quota->used[0]);
    buf_putc(&f->seen, ' ');
}

void expect_quotas(struct fixture *f, uint32_t day, const char *expected)
{
    bool ok = store_load_accounts(f->store, day, on_quota, f, f->err, sizeof(f->err));
    assert_string_equal(ok ? "" : f->err, "");
    expect_seen(f, expected);
}

sqlite3 *hold_writer(struct fixture *f)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

void release_writer(sqlite3 *db)
{
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}
