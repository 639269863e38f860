// SPDX-License-Identifier: Apache-2.0
/* The catalogue of kept results: how long, how much, whose go, what a restart finds. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "results/results.h"

enum {
    A = 1,
    B = 2,
    C = 3,
};

#define KEEP_NS (100 * NS_PER_S)
#define WALL_NS (5000 * NS_PER_S)

struct fixture {
    char dir[64];
    char spool[96];
    uv_loop_t loop;
    struct results *results;
    struct results_settings settings;
    struct buf dropped; /* "rows " of each, in order */
};

static void on_dropped(void *ctx, const struct result *r)
{
    struct fixture *f = ctx;
    buf_put_u64(&f->dropped, r->rows);
    buf_putc(&f->dropped, ' ');
}

static void open_results(struct fixture *f)
{
    char err[256] = "";
    bool ok = results_open(
        &f->results, &f->loop, &f->settings, on_dropped, f, err, sizeof(err));
    assert_string_equal(ok ? "" : err, "");
}

static struct fixture *start(
    uint64_t bytes_max, uint64_t principal_bytes_max, uint32_t count)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->dropped = BUF_INIT(4096);
    snprintf(f->dir, sizeof(f->dir), "/tmp/snowmux-results-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->spool, sizeof(f->spool), "%s/spool", f->dir);
    f->settings = (struct results_settings){.dir = f->spool,
        .keep_ns = KEEP_NS,
        .bytes_max = bytes_max,
        .principal_bytes_max = principal_bytes_max,
        .count_max = count};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    open_results(f);
    return f;
}

static void close_results(struct fixture *f)
{
    results_close(f->results);
    uv_run(&f->loop, UV_RUN_DEFAULT); /* files on their way out */
    buf_clear(&f->dropped);
}

/* Counts the files, and removes them if asked to. */
static unsigned files(struct fixture *f, bool remove)
{
    unsigned count = 0;
    DIR *dir = opendir(f->spool);
    assert_non_null(dir);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.') {
            count++;
            (void)(remove && unlinkat(dirfd(dir), entry->d_name, 0));
        }
    }
    closedir(dir);
    return count;
}

static void stop(struct fixture *f)
{
    close_results(f);
    files(f, true);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    assert_int_equal(rmdir(f->spool), 0);
    assert_int_equal(rmdir(f->dir), 0);
    buf_free(&f->dropped);
    free(f);
}

static void expect_dropped(struct fixture *f, const char *rows)
{
    buf_putc(&f->dropped, '\0');
    assert_string_equal(f->dropped.ptr, rows);
    buf_clear(&f->dropped);
}

/* A result with its file; @rows is its name for these tests. */
static struct result make(
    struct fixture *f, uint32_t principal, uint64_t rows, uint64_t bytes)
{
    char path[RESULT_PATH_SIZE];
    struct result r = {.handle = handle_new(HANDLE_RESULT),
        .principal = principal,
        .rows = rows,
        .bytes = bytes};
    results_path(f->results, handle_str(&r.handle), path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(truncate(path, (off_t)bytes), 0);
    return r;
}

static struct result add(
    struct fixture *f, uint32_t principal, uint64_t rows, uint64_t bytes)
{
    struct result r = make(f, principal, rows, bytes);
    assert_true(results_add(f->results, &r, NS_PER_S, WALL_NS));
    return r;
}

static bool has(struct fixture *f, const struct result *r, uint64_t now_ns)
{
    return results_find(f->results, handle_str(&r->handle), now_ns) != NULL;
}

/* ---- time ---- */

static void a_result_and_its_file_go_when_it_expires(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    struct result first = add(f, A, 1, 10);
    assert_int_equal(first.expires_ns, NS_PER_S + KEEP_NS);
    assert_int_equal(first.expires_wall_ns, WALL_NS + KEEP_NS);
    assert_true(has(f, &first, first.expires_ns - 1));
    assert_false(has(f, &first, first.expires_ns));
    assert_int_equal(files(f, false), 1);
    results_expire(f->results, first.expires_ns);
    expect_dropped(f, "1 ");
    assert_int_equal(files(f, false), 0);
    stop(f);
}

/* ---- budgets ---- */

static void who_exceeds_its_own_budget_loses_its_own_oldest(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 100, 10);
    add(f, B, 1, 100);
    add(f, A, 2, 60);
    add(f, A, 3, 40);
    add(f, A, 4, 50);
    expect_dropped(f, "2 ");
    add(f, A, 5, 100);
    expect_dropped(f, "3 4 ");
    assert_int_equal(files(f, false), 2);
    stop(f);
}

static void who_has_more_than_its_share_takes_nothing_from_others(void **state)
{
    (void)state;
    struct fixture *f = start(100, 100, 10);
    add(f, B, 1, 40);
    add(f, A, 2, 30);
    add(f, A, 3, 20);
    expect_dropped(f, "");
    add(f, A, 4, 30); /* with it A would have 80 of 100, its share is 50 */
    expect_dropped(f, "2 ");
    stop(f);
}

static void who_has_less_than_its_share_takes_it_from_who_has_most(void **state)
{
    (void)state;
    struct fixture *f = start(90, 90, 10);
    add(f, C, 1, 30);
    add(f, A, 2, 20);
    add(f, A, 3, 40);
    add(f, B, 4, 10);
    expect_dropped(f, "2 ");
    add(f, B, 5, 20);
    expect_dropped(f, "3 ");
    stop(f);
}

static void one_that_may_push_nobody_out_is_not_kept(void **state)
{
    (void)state;
    struct fixture *f = start(100, 80, 10);
    struct result large = make(f, A, 1, 81);
    assert_false(results_add(f->results, &large, NS_PER_S, WALL_NS));
    add(f, B, 2, 45);
    large = make(f, A, 3, 60); /* it would fit, but for B, and exceeds A's share */
    assert_false(results_add(f->results, &large, NS_PER_S, WALL_NS));
    expect_dropped(f, "");
    assert_int_equal(files(f, false), 1);
    stop(f);
}

static void what_one_more_may_have_is_a_share(void **state)
{
    (void)state;
    struct fixture *f = start(100, 80, 10);
    assert_int_equal(results_bytes_max(f->results, A), 80);
    add(f, A, 1, 10);
    assert_int_equal(results_bytes_max(f->results, A), 80);
    assert_int_equal(results_bytes_max(f->results, B), 50);
    add(f, B, 2, 50);
    expect_dropped(f, "");
    stop(f);
}

static void many_small_ones_push_nobody_out_either(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 4);
    add(f, B, 1, 1);
    for (uint64_t i = 2; i < 6; i++) {
        add(f, A, i, 1);
    }
    expect_dropped(f, "2 ");
    add(f, B, 6, 1);
    expect_dropped(f, "3 ");
    add(f, B, 7, 1);
    expect_dropped(f, "1 ");
    stop(f);
}

static void the_results_of_a_session_can_be_dropped(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    static const char *const sessions[] = {"s_one", "s_two", "", "s_one"};
    for (uint64_t i = 0; i < ARRAY_LEN(sessions); i++) {
        struct result r = make(f, A, i, 1);
        assert_true(str_copy(str_of(sessions[i]), r.session, sizeof(r.session)));
        assert_true(results_add(f->results, &r, NS_PER_S, WALL_NS));
    }
    assert_int_equal(results_drop_session(f->results, STR("s_one")), 2);
    expect_dropped(f, "0 3 ");
    assert_int_equal(results_drop_session(f->results, STR("")), 0);
    assert_int_equal(files(f, false), 2);
    stop(f);
}

static void ones_own_are_seen_the_newest_first(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    struct result first = add(f, A, 1, 1);
    struct result other = add(f, B, 2, 1);
    struct result second = add(f, A, 3, 1);
    const struct result *r = results_older(f->results, A, STR(""));
    assert_true(r && r->rows == 3);
    r = results_older(f->results, A, handle_str(&second.handle));
    assert_true(r && r->rows == 1);
    assert_null(results_older(f->results, A, handle_str(&first.handle)));
    assert_null(results_older(f->results, A, handle_str(&other.handle)));
    assert_null(results_older(f->results, A, STR("r_unknown")));
    assert_null(results_older(f->results, C, STR("")));
    stop(f);
}

/* ---- a restart ---- */

static bool restore(struct fixture *f, const struct result *r, uint64_t wall_ns)
{
    return results_restore(f->results, r, 7 * NS_PER_S, wall_ns);
}

static void a_result_is_kept_until_the_time_it_was_promised(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    struct result r = add(f, A, 1, 10);
    close_results(f);
    assert_int_equal(files(f, false), 1);
    open_results(f);
    assert_true(restore(f, &r, WALL_NS + 40 * NS_PER_S));
    assert_int_equal(results_sweep(f->results), 0);
    const struct result *found = results_find(f->results, handle_str(&r.handle), 0);
    assert_non_null(found);
    assert_int_equal(found->expires_ns, 67 * NS_PER_S);
    assert_int_equal(found->expires_wall_ns, r.expires_wall_ns);
    assert_int_equal(found->rows, 1);
    stop(f);
}

static void a_clock_that_was_set_back_keeps_nothing_longer(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    struct result r = add(f, A, 1, 10);
    close_results(f);
    open_results(f);
    assert_true(restore(f, &r, NS_PER_S));
    const struct result *found = results_find(f->results, handle_str(&r.handle), 0);
    assert_non_null(found);
    assert_int_equal(found->expires_ns, 7 * NS_PER_S + KEEP_NS);
    assert_int_equal(found->expires_wall_ns, NS_PER_S + KEEP_NS);
    stop(f);
}

static void what_is_gone_damaged_or_too_old_is_not_restored(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    char path[RESULT_PATH_SIZE];
    struct result old = add(f, A, 1, 10);
    struct result gone = add(f, A, 2, 10);
    struct result shorter = add(f, A, 3, 10);
    struct result link = add(f, A, 4, 10);
    close_results(f);
    open_results(f);
    results_path(f->results, handle_str(&gone.handle), path);
    assert_int_equal(unlink(path), 0);
    results_path(f->results, handle_str(&shorter.handle), path);
    assert_int_equal(truncate(path, 9), 0);
    results_path(f->results, handle_str(&link.handle), path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("0123456789", path), 0);
    assert_false(restore(f, &old, old.expires_wall_ns));
    assert_false(restore(f, &gone, WALL_NS));
    assert_false(restore(f, &shorter, WALL_NS));
    assert_false(restore(f, &link, WALL_NS));
    assert_int_equal(results_sweep(f->results), 3);
    assert_int_equal(files(f, false), 0);
    stop(f);
}

static void files_that_nobody_knows_are_swept_away(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    struct result known = add(f, A, 1, 10);
    char path[160];
    make(f, A, 2, 10);
    make(f, A, 3, 0);
    close_results(f);
    open_results(f);
    snprintf(path, sizeof(path), "%s/note", f->spool);
    FILE *note = fopen(path, "w");
    assert_non_null(note);
    assert_int_equal(fclose(note), 0);
    assert_true(restore(f, &known, WALL_NS));
    assert_int_equal(results_sweep(f->results), 2);
    assert_true(has(f, &known, 0));
    assert_int_equal(files(f, false), 2); /* what is no result is not ours to remove */
    stop(f);
}

static void budgets_that_became_smaller_are_kept_from_the_start(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    struct result all[] = {add(f, A, 1, 10), add(f, A, 2, 30), add(f, A, 3, 30),
        add(f, B, 4, 10), add(f, B, 5, 10), add(f, B, 6, 10)};
    close_results(f);
    f->settings.principal_bytes_max = 60;
    f->settings.bytes_max = 75;
    f->settings.count_max = 3;
    open_results(f);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_true(restore(f, &all[i], WALL_NS));
    }
    results_sweep(f->results);
    expect_dropped(f, "1 2 4 ");
    assert_int_equal(files(f, false), 3);
    stop(f);
}

static void nobody_else_may_look_into_the_directory(void **state)
{
    (void)state;
    struct fixture *f = start(1000, 1000, 10);
    struct stat st;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stat(f->spool, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        close_results(f);
        assert_int_equal(chmod(f->spool, 0755), 0);
        open_results(f);
    }
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_and_its_file_go_when_it_expires),
        cmocka_unit_test(who_exceeds_its_own_budget_loses_its_own_oldest),
        cmocka_unit_test(who_has_more_than_its_share_takes_nothing_from_others),
        cmocka_unit_test(who_has_less_than_its_share_takes_it_from_who_has_most),
        cmocka_unit_test(one_that_may_push_nobody_out_is_not_kept),
        cmocka_unit_test(what_one_more_may_have_is_a_share),
        cmocka_unit_test(many_small_ones_push_nobody_out_either),
        cmocka_unit_test(the_results_of_a_session_can_be_dropped),
        cmocka_unit_test(ones_own_are_seen_the_newest_first),
        cmocka_unit_test(a_result_is_kept_until_the_time_it_was_promised),
        cmocka_unit_test(a_clock_that_was_set_back_keeps_nothing_longer),
        cmocka_unit_test(what_is_gone_damaged_or_too_old_is_not_restored),
        cmocka_unit_test(files_that_nobody_knows_are_swept_away),
        cmocka_unit_test(budgets_that_became_smaller_are_kept_from_the_start),
        cmocka_unit_test(nobody_else_may_look_into_the_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
