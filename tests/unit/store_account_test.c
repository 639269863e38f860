// SPDX-License-Identifier: Apache-2.0
/* What accounts used of quotas and rates: written while it runs, loaded at its start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "store_fixture.h"

enum {
    TODAY = 20260102,
    YESTERDAY = 20260101,
    TOMORROW = 20260103,
};

/* ---- rows ---- */

static const struct store_account full = {
    .day = TODAY,
    .principal = {"key:\xc3\xa9'; --", 11},
    .client = {"\0one\0\xff", 6},
    .used = {1, 22, 333, INT64_MAX, UINT64_MAX /* kept as INT64_MAX */},
    .spent_ns = {4444, 55555},
    .written_wall_ns = 6,
    .written_boot_ns = 7,
    .boot = 0xFFFFFFFFFFFF,
};

static void on_full(void *ctx, const struct store_account *quota)
{
    struct fixture *f = ctx;
    assert_int_equal(quota->day, full.day);
    assert_false(quota->is_principal);
    assert_true(str_eq(quota->principal, full.principal));
    assert_true(str_eq(quota->client, full.client));
    for (int i = 0; i < STORE_QUOTA_KINDS - 1; i++) {
        assert_int_equal(quota->used[i], full.used[i]);
    }
    assert_int_equal(quota->used[STORE_QUOTA_KINDS - 1], INT64_MAX);
    assert_memory_equal(quota->spent_ns, full.spent_ns, sizeof(full.spent_ns));
    assert_int_equal(quota->written_wall_ns, full.written_wall_ns);
    assert_int_equal(quota->written_boot_ns, full.written_boot_ns);
    assert_int_equal(quota->boot, full.boot);
    f->answers++;
}

static void every_field_of_a_quota_comes_back(void **state)
{
    (void)state;
    struct fixture *f = start();
    assert_true(store_put_account(f->store, &full, NULL, NULL));
    close_store(f);
    open_store(f, JOBS_MAX);
    assert_true(store_load_accounts(f->store, TODAY, on_full, f, f->err, sizeof(f->err)));
    assert_int_equal(f->answers, 1);
    /* Each column of the table holds what its name says. */
    static const char *const truths[] = {"principal LIKE 'key:%--'", "is_principal = 0",
        "client = x'006f6e6500ff'", "day = 20260102", "calls_used = 1", "rows_used = 22",
        "bytes_used = 333", "engine_ms_used = 9223372036854775807",
        "microcredits_used = 9223372036854775807", "calls_spent_ns = 4444",
        "catalog_spent_ns = 55555", "written_wall_ns = 6", "written_boot_ns = 7",
        "boot = 281474976710655"};
    for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "SELECT %s FROM account", truths[i]);
        if (ask(f, sql) != 1) {
            fail_msg("not so: %s", truths[i]);
        }
    }
    stop(f);
}

static void put_row(struct fixture *f, struct store_account quota)
{
    assert_true(store_put_account(f->store, &quota, NULL, NULL));
}

/* "client=calls", "client=calls!" if it is the principal's own; every NUL as a dot. */
static void on_row(void *ctx, const struct store_account *quota)
{
    struct fixture *f = ctx;
    assert_non_null(quota->client.ptr);
    for (size_t i = 0; i < quota->client.len; i++) {
        buf_putc(&f->seen, quota->client.ptr[i] ? quota->client.ptr[i] : '.');
    }
    buf_printf(&f->seen, "=%llu%s ", (unsigned long long)quota->used[0],
        quota->is_principal ? "!" : "");
}

static void keys_that_differ_behind_a_nul_are_two(void **state)
{
    (void)state;
    struct fixture *f = start();
    static const struct str keys[] = {
        {"a", 1}, {"a\0", 2}, {"a\0b", 3}, {"a\0c", 3}, {"\0", 1}};
    for (size_t i = 0; i < 2 * ARRAY_LEN(keys); i++) {
        put_row(f, (struct store_account){.day = TODAY,
                       .principal = STR("p"),
                       .client = keys[i % ARRAY_LEN(keys)],
                       .used = {i}});
    }
    close_store(f);
    open_store(f, JOBS_MAX);
    assert_true(store_load_accounts(f->store, TODAY, on_row, f, f->err, sizeof(f->err)));
    expect_seen(f, ".=9 a=5 a.=6 a.b=7 a.c=8 ");
    stop(f);
}

static void a_principal_is_not_its_further_names(void **state)
{
    (void)state;
    struct fixture *f = start();
    static const struct str nothing; /* not even an address */
    put_row(f, (struct store_account){.day = TODAY, .client = nothing, .used = {1}});
    put_row(f, (struct store_account){
                   .day = TODAY, .is_principal = true, .client = nothing, .used = {2}});
    put_row(f, (struct store_account){
                   .day = TODAY, .is_principal = true, .client = STR(""), .used = {3}});
    close_store(f);
    open_store(f, JOBS_MAX);
    assert_true(store_load_accounts(f->store, TODAY, on_row, f, f->err, sizeof(f->err)));
    expect_seen(f, "=1 =3! ");
    stop(f);
}

static void the_strings_of_a_quota_are_copied(void **state)
{
    (void)state;
    struct fixture *f = start();
    char principal[] = "uid:1";
    char client[] = "key";
    put_row(f, quota_of(TODAY, principal, client, 1));
    memset(principal, 'x', sizeof(principal) - 1);
    memset(client, 'x', sizeof(client) - 1);
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_quotas(f, TODAY, "uid:1/key=1 ");
    stop(f);
}

static void the_last_of_a_row_stays(void **state)
{
    (void)state;
    struct fixture *f = start();
    put_row(f, quota_of(TODAY, "uid:1", "key", 5));
    put_row(f, quota_of(TODAY, "uid:2", "key", 6));
    put_row(f, quota_of(TODAY, "uid:1", "other", 7));
    put_row(f, quota_of(TODAY, "uid:1", "key", 4)); /* less is taken too */
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_quotas(f, TODAY, "uid:1/key=4 uid:1/other=7 uid:2/key=6 ");
    /* Loading it once more finds the same. */
    expect_quotas(f, TODAY, "uid:1/key=4 uid:1/other=7 uid:2/key=6 ");
    stop(f);
}

static void less_than_nothing_is_nothing(void **state)
{
    (void)state;
    struct fixture *f = start();
    change(f, "INSERT INTO account VALUES ('uid:1',0,x'6b',20260102,-1,0,0,0,0,-1,0,0,0,0)");
    expect_quotas(f, TODAY, "uid:1/k=0 ");
    stop(f);
}

/* ---- days ---- */

static void rows_of_days_long_past_vanish(void **state)
{
    (void)state;
    struct fixture *f = start();
    put_row(f, quota_of(YESTERDAY, "uid:1", "old", 1));
    put_row(f, quota_of(TODAY, "uid:1", "new", 2));
    put_row(f, quota_of(TOMORROW, "uid:1", "of a clock that went back", 3));
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_quotas(f, YESTERDAY, "uid:1/of a clock that went back=3 uid:1/new=2 uid:1/old=1 ");
    expect_quotas(f, TODAY, "uid:1/of a clock that went back=3 uid:1/new=2 ");
    assert_int_equal(ask(f, "SELECT count(*) FROM account"), 2);
    stop(f);
}

static void a_row_of_a_new_day_takes_the_place_of_the_old(void **state)
{
    (void)state;
    struct fixture *f = start();
    put_row(f, quota_of(YESTERDAY, "uid:1", "key", 100));
    put_row(f, quota_of(TODAY, "uid:1", "key", 1));
    close_store(f);
    open_store(f, JOBS_MAX);
    assert_int_equal(ask(f, "SELECT count(*) FROM account"), 1);
    expect_quotas(f, TODAY, "uid:1/key=1 ");
    stop(f);
}

static void days_do_not_touch_sessions(void **state)
{
    (void)state;
    struct fixture *f = start();
    put(f, "s_a", "kept");
    put_row(f, quota_of(YESTERDAY, "uid:1000", "key", 1));
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_quotas(f, TODAY, "");
    expect_loaded(f, "s_a=kept ");
    stop(f);
}

/* ---- how it ended ---- */

static void expect_stop(struct fixture *f, enum store_stop how)
{
    enum store_stop stop;
    assert_true(store_load_stop(f->store, &stop, f->err, sizeof(f->err)));
    assert_int_equal(stop, how);
}

static void only_a_stop_that_says_so_is_clean(void **state)
{
    (void)state;
    struct fixture *f = start();
    expect_stop(f, STORE_NEVER_RAN);
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_stop(f, STORE_CRASHED);
    put_row(f, quota_of(TODAY, "uid:1", "key", 1));
    store_set_clean(f->store);
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_stop(f, STORE_STOPPED_CLEANLY);
    expect_stop(f, STORE_CRASHED); /* from then on */
    stop(f);
}

/* ---- in one queue with sessions ---- */

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

/* Waits as one group, behind a write that cannot be committed yet. */
static void quotas_and_sessions_of_a_group_keep_their_order(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct numbered numbered[8];
    sqlite3 *db = hold_writer(f);
    for (int i = 0; i < 8; i++) {
        struct store_session session = session_of("s_a", i < 6 ? "early" : "late");
        struct store_account quota = quota_of(TODAY, "uid:1000", "key", (uint64_t)i);
        numbered[i] = (struct numbered){f, (char)('a' + i)};
        assert_true(
            i % 2 ? store_put_account(f->store, &quota, on_done_number, &numbered[i])
                  : store_put_session(f->store, &session, on_done_number, &numbered[i]));
    }
    release_writer(db);
    await_answers(f, 8);
    expect_seen(f, "abcdefgh");
    close_store(f);
    open_store(f, JOBS_MAX);
    expect_loaded(f, "s_a=late ");
    expect_quotas(f, TODAY, "uid:1000/key=7 ");
    stop(f);
}

static void on_done_look(void *ctx, bool ok)
{
    struct fixture *f = ctx;
    assert_true(ok);
    assert_int_equal(ask(f, "SELECT calls_used FROM account"), 9);
    assert_int_equal(has_session(f, "s_a", "lazy"), 1);
    f->answers++;
}

static void done_of_a_quota_is_called_after_the_commit(void **state)
{
    (void)state;
    struct fixture *f = start();
    put(f, "s_a", "lazy"); /* rides along */
    struct store_account quota = quota_of(TODAY, "uid:1000", "key", 9);
    assert_true(store_put_account(f->store, &quota, on_done_look, f));
    assert_int_equal(f->answers, 0); /* by the loop only */
    await_answers(f, 1);
    stop(f);
}

static void a_full_or_closing_store_refuses_quotas(void **state)
{
    (void)state;
    struct fixture *f = start_without();
    struct store_account late = quota_of(TODAY, "uid:1000", "late", 1);
    open_store(f, 2);
    put_quota_done(f, TODAY, "a", 1);
    put_quota_done(f, TODAY, "b", 2);
    assert_false(store_put_account(f->store, &late, on_done, f));
    await_answers(f, 2);
    store_close(f->store, on_closed, f);
    assert_false(store_put_account(f->store, &late, on_done, f));
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(f->answers, 2);
    open_store(f, 2);
    expect_quotas(f, TODAY, "uid:1000/a=1 uid:1000/b=2 ");
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_quota_comes_back),
        cmocka_unit_test(keys_that_differ_behind_a_nul_are_two),
        cmocka_unit_test(a_principal_is_not_its_further_names),
        cmocka_unit_test(the_strings_of_a_quota_are_copied),
        cmocka_unit_test(the_last_of_a_row_stays),
        cmocka_unit_test(less_than_nothing_is_nothing),
        cmocka_unit_test(rows_of_days_long_past_vanish),
        cmocka_unit_test(a_row_of_a_new_day_takes_the_place_of_the_old),
        cmocka_unit_test(days_do_not_touch_sessions),
        cmocka_unit_test(only_a_stop_that_says_so_is_clean),
        cmocka_unit_test(quotas_and_sessions_of_a_group_keep_their_order),
        cmocka_unit_test(done_of_a_quota_is_called_after_the_commit),
        cmocka_unit_test(a_full_or_closing_store_refuses_quotas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
