// SPDX-License-Identifier: Apache-2.0
/* Writes: their order, their answers, their groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

enum {
    ROUNDS = 500
};

/* ---- order ---- */

static void writes_of_one_handle_keep_their_order(void **state)
{
    (void)state;
    struct fixture *f = start();
    put(f, "s_a", "first");
    put(f, "s_a", "second");
    put(f, "s_b", "gone");
    drop(f, "s_b");
    put(f, "s_c", "gone");
    drop(f, "s_c");
    put(f, "s_c", "again");
    assert_true(store_drop_session(f->store, STR("s_unknown"), on_done, f));
    await_answers(f, 1);
    assert_int_equal(f->failures, 0);
    close_store(f);
    open_store(f, JOBS_MAX);
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
    drop(f, dropped);
    memset(handle, 'x', sizeof(handle) - 1);
    memset(dropped, 'x', sizeof(dropped) - 1);
    close_store(f);
    open_store(f, JOBS_MAX);
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
    assert_false(store_get_session(f->store, STR("s_a"), on_got, f));
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->failures, 0);
    open_store(f, JOBS_MAX);
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
    assert_false(store_get_session(f->store, STR("s_a"), on_got, f));
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
    put_done(f, "s_a", "");
    await_answers(f, 1);
    int64_t before = wal_bytes(f);
    sqlite3 *db = hold_writer(f);
    for (int i = 0; i < 50; i++) {
        put_done(f, "s_a", "");
    }
    release_writer(db);
    await_answers(f, 51);
    assert_int_equal(f->failures, 0);
    /* One page for the group it stood with, one for all that came later. */
    int64_t frames = (wal_bytes(f) - before) / 4096;
    assert_in_range(frames, 1, 2);
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
