// SPDX-License-Identifier: Apache-2.0
/* The store with a real file; what it wrote is looked at through a second connection. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "store/store.h"

enum {
    WRITES_MAX = 64,
    ROUNDS = 500,
    LOG_MAX = 1 << 20
};

struct fixture {
    char dir[64];
    char path[96];
    char err[512];
    uv_loop_t loop;
    struct store *store;
    struct buf seen; /* what was loaded or answered, in order */
    int answers;
    int failures;
    bool closed;
};

static void open_store(struct fixture *f, uint32_t writes_max)
{
    bool ok =
        store_open(&f->store, &f->loop, f->path, writes_max, f->err, sizeof(f->err));
    assert_string_equal(ok ? "" : f->err, "");
    f->closed = false;
}

static struct fixture *start_without(void)
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

static struct fixture *start(void)
{
    struct fixture *f = start_without();
    open_store(f, WRITES_MAX);
    return f;
}

static void on_closed(void *ctx)
{
    struct fixture *f = ctx;
    f->closed = true;
}

static void close_store(struct fixture *f)
{
    store_close(f->store, on_closed, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    f->store = NULL;
}

static void stop(struct fixture *f)
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

static struct store_session session_of(const char *handle, const char *label)
{
    return (struct store_session){
        .handle = str_of(handle), .principal = STR("uid:1000"), .label = str_of(label)};
}

static void put(struct fixture *f, const char *handle, const char *label)
{
    struct store_session session = session_of(handle, label);
    assert_true(store_put_session(f->store, &session, NULL, NULL));
}

static void on_done(void *ctx, bool ok)
{
    struct fixture *f = ctx;
    f->answers++;
    f->failures += ok ? 0 : 1;
}

static void put_done(struct fixture *f, const char *handle, const char *label)
{
    struct store_session session = session_of(handle, label);
    assert_true(store_put_session(f->store, &session, on_done, f));
}

static void await_answers(struct fixture *f, int answers)
{
    while (f->answers < answers) {
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    assert_int_equal(f->answers, answers);
}

/* The first column of the first row of @sql in the file, -1: no row. */
static int64_t ask(struct fixture *f, const char *sql)
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

static int64_t has_session(struct fixture *f, const char *handle, const char *label)
{
    char sql[256];
    snprintf(sql, sizeof(sql),
        "SELECT count(*) FROM session WHERE handle = '%s' AND label = '%s'", handle,
        label);
    return ask(f, sql);
}

/* Changes the file behind the store's back. */
static void change(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void on_loaded(void *ctx, const struct store_session *session)
{
    struct fixture *f = ctx;
    buf_put_str(&f->seen, session->handle);
    buf_putc(&f->seen, '=');
    buf_put_str(&f->seen, session->label);
    buf_putc(&f->seen, ' ');
}

static void expect_loaded(struct fixture *f, const char *expected)
{
    buf_clear(&f->seen);
    assert_true(store_load_sessions(f->store, on_loaded, f, f->err, sizeof(f->err)));
    buf_putc(&f->seen, '\0');
    assert_string_equal(f->seen.ptr, expected);
}

/* ---- rows ---- */

static const struct store_session full = {
    .handle = {"s_full", 6},
    .principal = {"key:analyst", 11},
    .client_name = {"claude-code \xc3\xa9 \xf0\x9f\x90\x8b", 19},
    .client_version = {"1.2.3", 5},
    .instance = {"with\0zero", 9},
    .label = {"'; DROP TABLE session; --", 25},
    .revision = {"2025-11-25", 10},
    .context = {{"prod", 4}, {"ANALYST", 7}, {"WH \"x\"", 6}, {"not\xffutf8", 8},
        {"PUBLIC", 6}},
    .created_wall_ns = 1,
    .last_seen_wall_ns = 1764547200123456789,
    .calls_total = 10,
    .calls_ok = 6,
    .calls_failed = 3,
    .calls_refused = INT64_MAX,
    .rows_total = UINT64_MAX, /* kept as INT64_MAX */
};

static bool same_str(struct str a, struct str b)
{
    return a.ptr && str_eq(a, b);
}

static void on_full(void *ctx, const struct store_session *s)
{
    struct fixture *f = ctx;
    assert_true(same_str(s->handle, full.handle));
    assert_true(same_str(s->principal, full.principal));
    assert_true(same_str(s->client_name, full.client_name));
    assert_true(same_str(s->client_version, full.client_version));
    assert_true(same_str(s->instance, full.instance));
    assert_true(same_str(s->label, full.label));
    assert_true(same_str(s->revision, full.revision));
    for (int i = 0; i < STORE_CONTEXT_PARTS; i++) {
        assert_true(same_str(s->context[i], full.context[i]));
    }
    assert_int_equal(s->created_wall_ns, full.created_wall_ns);
    assert_int_equal(s->last_seen_wall_ns, full.last_seen_wall_ns);
    assert_int_equal(s->calls_total, full.calls_total);
    assert_int_equal(s->calls_ok, full.calls_ok);
    assert_int_equal(s->calls_failed, full.calls_failed);
    assert_int_equal(s->calls_refused, full.calls_refused);
    assert_int_equal(s->rows_total, INT64_MAX);
    f->answers++;
}

static void every_field_comes_back(void **state)
{
    (void)state;
    struct fixture *f = start();
    assert_true(store_put_session(f->store, &full, NULL, NULL));
    close_store(f);
    open_store(f, WRITES_MAX);
    assert_true(store_load_sessions(f->store, on_full, f, f->err, sizeof(f->err)));
    assert_int_equal(f->answers, 1);
    /* Each column of the table holds what its name says. */
    static const char *const truths[] = {"handle = 's_full'", "principal = 'key:analyst'",
        "client_name LIKE 'claude-code%'", "client_version = '1.2.3'",
        "length(CAST(instance AS BLOB)) = 9", "label LIKE '%DROP TABLE%'",
        "revision = '2025-11-25'", "profile = 'prod'", "role = 'ANALYST'",
        "warehouse = 'WH \"x\"'", "database LIKE 'not%'", "schema = 'PUBLIC'",
        "created_wall_ns = 1", "last_seen_wall_ns = 1764547200123456789",
        "calls_total = 10", "calls_ok = 6", "calls_failed = 3",
        "calls_refused = 9223372036854775807", "rows_total = 9223372036854775807"};
    for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "SELECT %s FROM session", truths[i]);
        if (ask(f, sql) != 1) {
            fail_msg("not so: %s", truths[i]);
        }
    }
    stop(f);
}

static void empty_strings_come_back_empty(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct store_session none = {0};
    assert_true(store_put_session(f->store, &none, NULL, NULL));
    close_store(f);
    open_store(f, WRITES_MAX);
    expect_loaded(f, "= ");
    stop(f);
}

static void the_oldest_is_loaded_first(void **state)
{
    (void)state;
    struct fixture *f = start();
    static const struct {
        const char *handle;
        uint64_t seen;
    } rows[] = {{"s_new", 300}, {"s_old", 100}, {"s_mid", 200}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct store_session session = session_of(rows[i].handle, "");
        session.last_seen_wall_ns = rows[i].seen;
        assert_true(store_put_session(f->store, &session, NULL, NULL));
    }
    close_store(f);
    open_store(f, WRITES_MAX);
    expect_loaded(f, "s_old= s_mid= s_new= ");
    stop(f);
}

static void a_new_file_holds_no_session(void **state)
{
    (void)state;
    struct fixture *f = start();
    expect_loaded(f, "");
    stop(f);
}

static void writes_of_one_handle_keep_their_order(void **state)
{
    (void)state;
    struct fixture *f = start();
    put(f, "s_a", "first");
    put(f, "s_a", "second");
    put(f, "s_b", "gone");
    assert_true(store_drop_session(f->store, STR("s_b"), NULL, NULL));
    put(f, "s_c", "gone");
    assert_true(store_drop_session(f->store, STR("s_c"), NULL, NULL));
    put(f, "s_c", "again");
    assert_true(store_drop_session(f->store, STR("s_unknown"), on_done, f));
    await_answers(f, 1);
    assert_int_equal(f->failures, 0);
    close_store(f);
    open_store(f, WRITES_MAX);
    expect_loaded(f, "s_a=second s_c=again ");
    stop(f);
}

static void the_strings_of_a_write_are_copied(void **state)
{
    (void)state;
    struct fixture *f = start();
    char handle[] = "s_mine";
    char dropped[] = "s_drop";
    put(f, "s_drop", "");
    put(f, handle, handle);
    assert_true(store_drop_session(f->store, str_of(dropped), NULL, NULL));
    memset(handle, 'x', sizeof(handle) - 1);
    memset(dropped, 'x', sizeof(dropped) - 1);
    close_store(f);
    open_store(f, WRITES_MAX);
    expect_loaded(f, "s_mine=s_mine ");
    stop(f);
}

/* ---- answers ---- */

static void on_done_look(void *ctx, bool ok)
{
    struct fixture *f = ctx;
    assert_true(ok);
    assert_int_equal(has_session(f, "s_a", "lazy"), 1);
    assert_int_equal(has_session(f, "s_b", "asked"), 1);
    f->answers++;
}

static void done_is_called_after_the_commit(void **state)
{
    (void)state;
    struct fixture *f = start();
    put(f, "s_a", "lazy"); /* rides along */
    struct store_session session = session_of("s_b", "asked");
    assert_true(store_put_session(f->store, &session, on_done_look, f));
    assert_int_equal(f->answers, 0); /* by the loop only */
    await_answers(f, 1);
    stop(f);
}

struct numbered {
    struct fixture *f;
    char number;
};

static void on_done_number(void *ctx, bool ok)
{
    struct numbered *numbered = ctx;
    assert_true(ok);
    buf_putc(&numbered->f->seen, numbered->number);
    numbered->f->answers++;
}

static void answers_come_in_order(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct numbered numbered[26];
    for (int i = 0; i < 26; i++) {
        struct store_session session = session_of(i % 2 ? "s_odd" : "s_even", "");
        numbered[i] = (struct numbered){f, (char)('a' + i)};
        assert_true(store_put_session(f->store, &session, on_done_number, &numbered[i]));
        uv_run(&f->loop, UV_RUN_NOWAIT); /* some groups are answered on the way */
    }
    await_answers(f, 26);
    assert_true(str_eq(buf_str(&f->seen), STR("abcdefghijklmnopqrstuvwxyz")));
    stop(f);
}

static void a_write_without_done_needs_nobody_to_ask(void **state)
{
    (void)state;
    struct fixture *f = start();
    put(f, "s_lazy", "kept");
    /* The one thing that can wake the loop is the writer's report. */
    uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(has_session(f, "s_lazy", "kept"), 1);
    stop(f);
}

/* Were each of these to wait for its group's time, the test would not end in its own. */
static void a_write_with_done_does_not_linger(void **state)
{
    (void)state;
    struct fixture *f = start();
    for (int i = 0; i < ROUNDS; i++) {
        put_done(f, "s_a", "");
        await_answers(f, i + 1);
    }
    assert_int_equal(f->failures, 0);
    stop(f);
}

static void many_writes_without_done_do_not_linger(void **state)
{
    (void)state;
    struct fixture *f = start_without();
    open_store(f, 4);
    for (int i = 0; i < 4 * ROUNDS; i++) {
        struct store_session session = session_of("s_a", i % 2 ? "odd" : "even");
        while (!store_put_session(f->store, &session, NULL, NULL)) {
            uv_run(&f->loop, UV_RUN_ONCE);
        }
    }
    close_store(f);
    open_store(f, 4);
    expect_loaded(f, "s_a=odd ");
    stop(f);
}

static void closing_writes_what_waits(void **state)
{
    (void)state;
    struct fixture *f = start();
    put(f, "s_a", "lazy");
    put_done(f, "s_b", "asked");
    put(f, "s_c", "lazy");
    store_close(f->store, on_closed, f);
    struct store_session late = session_of("s_d", "late");
    assert_false(store_put_session(f->store, &late, on_done, f));
    assert_false(store_drop_session(f->store, STR("s_a"), on_done, f));
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->failures, 0);
    open_store(f, WRITES_MAX);
    expect_loaded(f, "s_a=lazy s_b=asked s_c=lazy ");
    stop(f);
}

static void a_closed_store_is_one_file(void **state)
{
    (void)state;
    struct fixture *f = start();
    char wal[128];
    put(f, "s_a", "kept");
    close_store(f);
    snprintf(wal, sizeof(wal), "%s-wal", f->path);
    assert_int_equal(access(wal, F_OK), -1);
    assert_int_equal(has_session(f, "s_a", "kept"), 1);
    stop(f);
}

static void on_done_again(void *ctx, bool ok)
{
    struct fixture *f = ctx;
    on_done(f, ok);
    if (f->answers < 5) {
        struct store_session session = session_of("s_chain", "");
        assert_true(store_put_session(f->store, &session, on_done_again, f));
    } else {
        store_close(f->store, on_closed, f);
    }
}

static void done_may_write_and_close(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct store_session session = session_of("s_chain", "");
    assert_true(store_put_session(f->store, &session, on_done_again, f));
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    f->store = NULL;
    assert_int_equal(f->answers, 5);
    stop(f);
}

/* ---- bounds and groups ---- */

static void a_full_queue_refuses(void **state)
{
    (void)state;
    struct fixture *f = start_without();
    open_store(f, 3);
    put(f, "s_a", "1");
    put_done(f, "s_b", "1");
    put_done(f, "s_c", "1");
    struct store_session session = session_of("s_d", "1");
    assert_false(store_put_session(f->store, &session, on_done, f));
    assert_false(store_drop_session(f->store, STR("s_a"), on_done, f));
    await_answers(f, 2);
    /* There is room again as soon as the loop has heard of the end of one. */
    put_done(f, "s_e", "1");
    await_answers(f, 3);
    close_store(f);
    assert_int_equal(f->answers, 3);
    open_store(f, 3);
    expect_loaded(f, "s_a=1 s_b=1 s_c=1 s_e=1 ");
    stop(f);
}

static int64_t wal_bytes(struct fixture *f)
{
    char name[128];
    struct stat st;
    snprintf(name, sizeof(name), "%s-wal", f->path);
    assert_int_equal(stat(name, &st), 0);
    return st.st_size;
}

static void what_waits_together_is_one_transaction(void **state)
{
    (void)state;
    struct fixture *f = start();
    sqlite3 *db;
    put_done(f, "s_a", "");
    await_answers(f, 1);
    int64_t before = wal_bytes(f);
    /* The writer stands still while another connection holds the write lock. */
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 50; i++) {
        put_done(f, "s_a", "");
    }
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    await_answers(f, 51);
    assert_int_equal(f->failures, 0);
    /* One page for the group it stood with, one for all that came later. */
    int64_t frames = (wal_bytes(f) - before) / 4096;
    assert_in_range(frames, 1, 2);
    sqlite3_close(db);
    stop(f);
}

/* ---- a failing store ---- */

/* Files cannot grow past @bytes; RLIM_INFINITY lifts it. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Standard error goes to a pipe from here on; returns what was there. */
static int catch_log(int *ret_read_end)
{
    int ends[2];
    int old = dup(STDERR_FILENO);
    assert_true(old >= 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    *ret_read_end = ends[0];
    return old;
}

static void release_log(int old, int read_end, struct buf *ret)
{
    char piece[1024];
    ssize_t len;
    assert_true(dup2(old, STDERR_FILENO) >= 0);
    close(old);
    while ((len = read(read_end, piece, sizeof(piece))) > 0) {
        buf_put(ret, piece, (size_t)len);
    }
    buf_putc(ret, '\0');
    close(read_end);
}

static int count_of(const struct buf *text, const char *word)
{
    int count = 0;
    for (const char *at = text->ptr; (at = strstr(at, word)); at++) {
        count++;
    }
    return count;
}

static void a_full_disk_answers_false_until_there_is_room(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf log = BUF_INIT(LOG_MAX);
    int log_end;
    put_done(f, "s_before", "");
    await_answers(f, 1);
    int old = catch_log(&log_end);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(512);
    for (int i = 0; i < 5; i++) {
        put(f, "s_lost", "");
        put_done(f, "s_lost", "");
        put_done(f, "s_lost", "");
        await_answers(f, f->answers + 2);
    }
    limit_files(RLIM_INFINITY);
    int failures = f->failures;
    put_done(f, "s_after", "");
    await_answers(f, f->answers + 1);
    release_log(old, log_end, &log);
    assert_int_equal(failures, 10);
    assert_int_equal(f->failures, 10);
    /* Five groups or more failed, the log says so once. */
    assert_int_equal(count_of(&log, "level=error event=store_write_failed"), 1);
    assert_int_equal(count_of(&log, "event=store_write_recovered"), 1);
    close_store(f);
    open_store(f, WRITES_MAX);
    expect_loaded(f, "s_after= s_before= ");
    buf_free(&log);
    stop(f);
}

/* Not every error ends the transaction by itself. */
static void a_missing_table_answers_false_until_it_is_back(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf log = BUF_INIT(LOG_MAX);
    int log_end;
    int old = catch_log(&log_end);
    change(f, "ALTER TABLE session RENAME TO away");
    put_done(f, "s_lost", "");
    await_answers(f, 1);
    change(f, "ALTER TABLE away RENAME TO session");
    put_done(f, "s_kept", "");
    await_answers(f, 2);
    release_log(old, log_end, &log);
    assert_int_equal(f->failures, 1);
    assert_int_equal(has_session(f, "s_lost", ""), 0);
    assert_int_equal(has_session(f, "s_kept", ""), 1);
    buf_free(&log);
    stop(f);
}

static void a_store_that_fails_to_the_end_still_closes(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf log = BUF_INIT(LOG_MAX);
    int log_end;
    int old = catch_log(&log_end);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(512);
    put_done(f, "s_lost", "");
    put(f, "s_lost", "");
    close_store(f);
    limit_files(RLIM_INFINITY);
    release_log(old, log_end, &log);
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->failures, 1);
    open_store(f, WRITES_MAX);
    expect_loaded(f, "");
    buf_free(&log);
    stop(f);
}

static void on_done_die(void *ctx, bool ok)
{
    (void)ctx;
    if (ok) {
        kill(getpid(), SIGKILL);
    }
}

static void what_was_answered_survives_sigkill(void **state)
{
    (void)state;
    struct fixture *f = start_without();
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_session session = session_of("s_kept", "before the kill");
        if (uv_loop_init(&f->loop) == 0 &&
            store_open(&f->store, &f->loop, f->path, 8, f->err, sizeof(f->err)) &&
            store_put_session(f->store, &session, on_done_die, NULL)) {
            uv_run(&f->loop, UV_RUN_DEFAULT);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    open_store(f, WRITES_MAX);
    expect_loaded(f, "s_kept=before the kill ");
    stop(f);
}

/* ---- bad files ---- */

static void a_refused_file_starts_nothing(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct store *store = NULL;
    close_store(f);
    change(f, "PRAGMA user_version = 99");
    assert_false(store_open(&store, &f->loop, f->path, 8, f->err, sizeof(f->err)));
    assert_null(store);
    assert_non_null(strstr(f->err, "was written by a newer snowmux"));
    stop(f); /* with a loop that holds no handle */
}

static void damage_behind_the_tables_is_named_when_loading(void **state)
{
    (void)state;
    struct fixture *f = start();
    char junk[4096];
    put(f, "s_a", "");
    close_store(f);
    memset(junk, 0xff, sizeof(junk));
    int fd = open(f->path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096), sizeof(junk));
    close(fd);
    open_store(f, WRITES_MAX);
    f->err[0] = '\0';
    assert_false(store_load_sessions(f->store, on_loaded, f, f->err, sizeof(f->err)));
    assert_non_null(strstr(f->err, "cannot read the sessions of the store: "));
    assert_non_null(strstr(f->err, "malformed"));
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(empty_strings_come_back_empty),
        cmocka_unit_test(the_oldest_is_loaded_first),
        cmocka_unit_test(a_new_file_holds_no_session),
        cmocka_unit_test(writes_of_one_handle_keep_their_order),
        cmocka_unit_test(the_strings_of_a_write_are_copied),
        cmocka_unit_test(done_is_called_after_the_commit),
        cmocka_unit_test(answers_come_in_order),
        cmocka_unit_test(a_write_without_done_needs_nobody_to_ask),
        cmocka_unit_test(a_write_with_done_does_not_linger),
        cmocka_unit_test(many_writes_without_done_do_not_linger),
        cmocka_unit_test(closing_writes_what_waits),
        cmocka_unit_test(a_closed_store_is_one_file),
        cmocka_unit_test(done_may_write_and_close),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(what_waits_together_is_one_transaction),
        cmocka_unit_test(a_full_disk_answers_false_until_there_is_room),
        cmocka_unit_test(a_missing_table_answers_false_until_it_is_back),
        cmocka_unit_test(a_store_that_fails_to_the_end_still_closes),
        cmocka_unit_test(what_was_answered_survives_sigkill),
        cmocka_unit_test(a_refused_file_starts_nothing),
        cmocka_unit_test(damage_behind_the_tables_is_named_when_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
