// SPDX-License-Identifier: Apache-2.0
/* The store with a full disk, a damaged file, or a process that is killed. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

enum {
    LOG_MAX = 1 << 20
};

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
    open_store(f, JOBS_MAX);
    expect_loaded(f, "s_after= s_before= ");
    buf_free(&log);
    stop(f);
}

static void it_is_known_to_fail_until_something_was_written(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf log = BUF_INIT(LOG_MAX);
    int log_end;
    int old = catch_log(&log_end);
    put_done(f, "s_before", "");
    await_answers(f, 1);
    assert_false(store_is_failing(f->store));
    signal(SIGXFSZ, SIG_IGN);
    limit_files(512);
    put_done(f, "s_lost", "");
    await_answers(f, 2);
    assert_true(store_is_failing(f->store));
    assert_int_equal(store_write_failures(f->store), 1);
    drop(f, "s_nobody"); /* nothing to write: succeeds, and proves nothing */
    get(f, "s_before");
    await_answers(f, 3);
    assert_int_equal(f->failures, 1);
    assert_true(store_is_failing(f->store));
    store_try(f->store);
    get(f, "s_before");
    await_answers(f, 4);
    assert_int_equal(store_write_failures(f->store), 2);
    assert_true(store_is_failing(f->store));
    limit_files(RLIM_INFINITY);
    for (int i = 0; i < 2; i++) { /* as often as one likes */
        store_try(f->store);
        get(f, "s_before");
        await_answers(f, 5 + i);
        assert_false(store_is_failing(f->store));
    }
    assert_int_equal(store_write_failures(f->store), 2);
    release_log(old, log_end, &log);
    assert_int_equal(count_of(&log, "event=store_write_recovered"), 1);
    expect_seen(f, "s_before= s_before= s_before= s_before= ");
    close_store(f);
    open_store(f, JOBS_MAX);
    enum store_stop how = STORE_STOPPED_CLEANLY;
    assert_int_equal(ask(f, "SELECT how FROM stop"), 3);
    assert_true(store_load_stop(f->store, &how, f->err, sizeof(f->err)));
    assert_int_equal(how, STORE_CRASHED);
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
    get(f, "s_lost");
    close_store(f);
    limit_files(RLIM_INFINITY);
    release_log(old, log_end, &log);
    assert_int_equal(f->answers, 2);
    assert_int_equal(f->failures, 1);
    expect_seen(f, "none ");
    open_store(f, JOBS_MAX);
    expect_loaded(f, "");
    buf_free(&log);
    stop(f);
}

/* A commit that fails takes back what it wrote, so nobody may have read it. */
static void a_read_answers_what_was_committed_while_writes_fail(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf log = BUF_INIT(LOG_MAX);
    int log_end;
    put_done(f, "s_a", "kept");
    await_answers(f, 1);
    int old = catch_log(&log_end);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(512);
    put(f, "s_a", "lost");
    put(f, "s_b", "lost");
    get(f, "s_a");
    get(f, "s_b");
    put_done(f, "s_a", "lost");
    get(f, "s_a");
    await_answers(f, 5);
    limit_files(RLIM_INFINITY);
    release_log(old, log_end, &log);
    assert_int_equal(f->failures, 1);
    expect_seen(f, "s_a=kept none s_a=kept ");
    assert_int_equal(count_of(&log, "event=store_read_failed"), 0);
    buf_free(&log);
    stop(f);
}

static void a_read_that_fails_is_answered_with_none_and_logged(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf log = BUF_INIT(LOG_MAX);
    int log_end;
    put_done(f, "s_a", "kept");
    await_answers(f, 1);
    int old = catch_log(&log_end);
    change(f, "ALTER TABLE session RENAME TO away");
    get(f, "s_a");
    get(f, "s_a");
    await_answers(f, 3);
    change(f, "ALTER TABLE away RENAME TO session");
    get(f, "s_unknown");
    get(f, "s_a");
    await_answers(f, 5);
    release_log(old, log_end, &log);
    expect_seen(f, "none none none s_a=kept ");
    assert_int_equal(count_of(&log, "level=error event=store_read_failed"), 1);
    assert_int_equal(count_of(&log, "event=store_read_recovered"), 1);
    assert_int_equal(count_of(&log, "event=store_write"), 0);
    buf_free(&log);
    stop(f);
}

static void on_no_quota(void *ctx, const struct store_account *quota)
{
    (void)ctx;
    (void)quota;
    fail_msg("a quota was loaded");
}

static void a_full_disk_keeps_quotas_as_they_were(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf log = BUF_INIT(LOG_MAX);
    int log_end;
    put_quota_done(f, 20260101, "key", 1);
    await_answers(f, 1);
    int old = catch_log(&log_end);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(512);
    put_quota_done(f, 20260101, "key", 2);
    await_answers(f, 2);
    limit_files(RLIM_INFINITY);
    release_log(old, log_end, &log);
    assert_int_equal(f->failures, 1);
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_quotas(f, 20260101, "uid:1000/key=1 ");
    buf_free(&log);
    stop(f);
}

static void a_full_disk_loads_quotas_where_none_is_to_be_deleted(void **state)
{
    (void)state;
    struct fixture *f = start();
    put_quota_done(f, 20260101, "key", 1);
    close_store(f);
    open_store(f, JOBS_MAX);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(512);
    bool fails =
        !store_load_accounts(f->store, 20260102, on_no_quota, NULL, f->err, sizeof(f->err));
    expect_quotas(f, 20260101, "uid:1000/key=1 ");
    limit_files(RLIM_INFINITY);
    assert_true(fails);
    expect_quotas(f, 20260102, "");
    stop(f);
}

static void quotas_that_cannot_be_loaded_are_named(void **state)
{
    (void)state;
    struct fixture *f = start();
    change(f, "ALTER TABLE account RENAME TO away");
    assert_false(
        store_load_accounts(f->store, 20260101, on_no_quota, NULL, f->err, sizeof(f->err)));
    assert_string_equal(f->err, "cannot load the accounts of the store: SQL logic error");
    stop(f);
}

/* Wherever the writer thread cuts, no group is without a session. */
static void a_quota_falls_with_the_session_of_its_group(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct buf log = BUF_INIT(LOG_MAX);
    int log_end;
    int old = catch_log(&log_end);
    sqlite3 *db = hold_writer(f);
    put_done(f, "s_a", "");
    put_quota_done(f, 20260101, "key", 1);
    put_done(f, "s_b", "");
    int rc = sqlite3_exec(
        db, "ALTER TABLE session RENAME TO away; COMMIT; BEGIN", NULL, NULL, NULL);
    assert_int_equal(rc, SQLITE_OK);
    release_writer(db);
    await_answers(f, 3);
    put_quota_done(f, 20260101, "other", 2);
    await_answers(f, 4);
    release_log(old, log_end, &log);
    assert_int_equal(f->failures, 3);
    change(f, "ALTER TABLE away RENAME TO session");
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_quotas(f, 20260101, "uid:1000/other=2 ");
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

static bool put_session_and_die(struct fixture *f)
{
    struct store_session session = session_of("s_kept", "before the kill");
    return store_put_session(f->store, &session, on_done_die, NULL);
}

static bool put_quota_and_die(struct fixture *f)
{
    struct store_account quota = quota_of(20260101, "uid:1000", "key", 7);
    return store_put_account(f->store, &quota, on_done_die, NULL);
}

/* Another process writes, and is gone as soon as it has its answer. */
static void write_and_die(struct fixture *f, bool (*write)(struct fixture *f))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (uv_loop_init(&f->loop) == 0 &&
            store_open(&f->store, &f->loop, f->path, 8, f->err, sizeof(f->err)) &&
            write(f)) {
            uv_run(&f->loop, UV_RUN_DEFAULT);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void what_was_answered_survives_sigkill(void **state)
{
    (void)state;
    struct fixture *f = start_without();
    write_and_die(f, put_session_and_die);
    write_and_die(f, put_quota_and_die);
    open_store(f, JOBS_MAX);
    expect_loaded(f, "s_kept=before the kill ");
    expect_quotas(f, 20260101, "uid:1000/key=7 ");
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

static void on_stub(void *ctx, const struct store_session *stub)
{
    struct fixture *f = ctx;
    (void)stub;
    f->answers++;
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
    open_store(f, JOBS_MAX);
    f->err[0] = '\0';
    assert_false(store_load_sessions(f->store, on_stub, f, f->err, sizeof(f->err)));
    assert_int_equal(f->answers, 0);
    assert_non_null(strstr(f->err, "cannot read the sessions of the store: "));
    assert_non_null(strstr(f->err, "malformed"));
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_answers_false_until_there_is_room),
        cmocka_unit_test(it_is_known_to_fail_until_something_was_written),
        cmocka_unit_test(a_missing_table_answers_false_until_it_is_back),
        cmocka_unit_test(a_store_that_fails_to_the_end_still_closes),
        cmocka_unit_test(a_read_answers_what_was_committed_while_writes_fail),
        cmocka_unit_test(a_read_that_fails_is_answered_with_none_and_logged),
        cmocka_unit_test(a_full_disk_keeps_quotas_as_they_were),
        cmocka_unit_test(a_full_disk_loads_quotas_where_none_is_to_be_deleted),
        cmocka_unit_test(quotas_that_cannot_be_loaded_are_named),
        cmocka_unit_test(a_quota_falls_with_the_session_of_its_group),
        cmocka_unit_test(what_was_answered_survives_sigkill),
        cmocka_unit_test(a_refused_file_starts_nothing),
        cmocka_unit_test(damage_behind_the_tables_is_named_when_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
