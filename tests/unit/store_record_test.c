// SPDX-License-Identifier: Apache-2.0
/* Records of queries and kept results: written while they live, loaded at a start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "store_fixture.h"

static const struct store_query full_query = {
    .handle = {"q_a", 3},
    .principal = {"uid:1\xc3\xa9'; --", 12},
    .session = {"s_a", 3},
    .profile = {"sales", 5},
    .tool = {"execute_query", 13},
    .sql = {"SELECT 1", 8},
    .status = {"failed", 6},
    .code = {"timeout", 7},
    .result = {"r_a", 3},
    .answer = {"{\"rows\":[]}", 11},
    .started_wall_ns = 1,
    .ended_wall_ns = 22,
    .elapsed_ms = UINT64_MAX, /* kept as INT64_MAX */
};

static const struct store_result full_result = {
    .handle = {"r_a", 3},
    .principal = {"uid:1", 5},
    .session = {"s_a", 3},
    .profile = {"post", 4},
    .rows = 1,
    .bytes = 22,
    .capped = 1,
    .expires_wall_ns = 4444,
};

static void check_str(struct str is, struct str should)
{
    assert_true(str_eq(is, should));
}

static void on_full_query(void *ctx, const struct store_query *q)
{
    struct fixture *f = ctx;
    check_str(q->handle, full_query.handle);
    check_str(q->principal, full_query.principal);
    check_str(q->session, full_query.session);
    check_str(q->profile, full_query.profile);
    check_str(q->tool, full_query.tool);
    check_str(q->sql, full_query.sql);
    check_str(q->status, full_query.status);
    check_str(q->code, full_query.code);
    check_str(q->result, full_query.result);
    check_str(q->answer, full_query.answer);
    assert_int_equal(q->started_wall_ns, 1);
    assert_int_equal(q->ended_wall_ns, 22);
    assert_int_equal(q->elapsed_ms, INT64_MAX);
    f->answers++;
}

static void on_full_result(void *ctx, const struct store_result *r)
{
    struct fixture *f = ctx;
    check_str(r->handle, full_result.handle);
    check_str(r->principal, full_result.principal);
    check_str(r->session, full_result.session);
    check_str(r->profile, full_result.profile);
    assert_int_equal(r->rows, 1);
    assert_int_equal(r->bytes, 22);
    assert_int_equal(r->capped, 1);
    assert_int_equal(r->expires_wall_ns, 4444);
    f->answers++;
}

static void load_queries(struct fixture *f, store_query_fn each)
{
    bool ok = store_load_queries(f->store, each, f, f->err, sizeof(f->err));
    assert_string_equal(ok ? "" : f->err, "");
}

static void load_results(struct fixture *f, store_result_fn each)
{
    bool ok = store_load_results(f->store, each, f, f->err, sizeof(f->err));
    assert_string_equal(ok ? "" : f->err, "");
}

static void every_field_comes_back(void **state)
{
    (void)state;
    struct fixture *f = start();
    assert_true(store_put_query(f->store, &full_query, NULL, NULL));
    assert_true(store_put_result(f->store, &full_result, NULL, NULL));
    close_store(f);
    open_store(f, JOBS_MAX);
    load_queries(f, on_full_query);
    load_results(f, on_full_result);
    assert_int_equal(f->answers, 2);
    /* Each column of the tables holds what its name says. */
    static const char *const truths[] = {"query WHERE handle = 'q_a'",
        "query WHERE principal LIKE 'uid:1%--'", "query WHERE session = 's_a'", "query WHERE profile = 'sales'",
        "result WHERE profile = 'post'",
        "query WHERE tool = 'execute_query'", "query WHERE sql = 'SELECT 1'",
        "query WHERE status = 'failed'", "query WHERE code = 'timeout'",
        "query WHERE result = 'r_a'", "query WHERE answer = '{\"rows\":[]}'",
        "query WHERE started_wall_ns = 1", "query WHERE ended_wall_ns = 22",
        "query WHERE elapsed_ms = 9223372036854775807", "result WHERE handle = 'r_a'",
        "result WHERE principal = 'uid:1'", "result WHERE session = 's_a'",
        "result WHERE rows = 1", "result WHERE bytes = 22", "result WHERE capped = 1",
        "result WHERE expires_wall_ns = 4444"};
    for (size_t i = 0; i < ARRAY_LEN(truths); i++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", truths[i]);
        if (ask(f, sql) != 1) {
            fail_msg("not so: %s", truths[i]);
        }
    }
    stop(f);
}

static void put_query(struct fixture *f, const char *handle, uint64_t ended_wall_ns)
{
    struct store_query query = {.handle = str_of(handle),
        .principal = STR("uid:1"),
        .status = STR("done"),
        .ended_wall_ns = ended_wall_ns};
    assert_true(store_put_query(f->store, &query, NULL, NULL));
}

static void put_result(struct fixture *f, const char *handle, uint64_t expires_wall_ns)
{
    struct store_result result = {.handle = str_of(handle),
        .principal = STR("uid:1"),
        .expires_wall_ns = expires_wall_ns};
    assert_true(store_put_result(f->store, &result, NULL, NULL));
}

static void on_query(void *ctx, const struct store_query *query)
{
    struct fixture *f = ctx;
    buf_put_str(&f->seen, query->handle);
    buf_putc(&f->seen, ' ');
}

static void on_result(void *ctx, const struct store_result *result)
{
    struct fixture *f = ctx;
    buf_put_str(&f->seen, result->handle);
    buf_putc(&f->seen, ' ');
}

static void they_come_in_the_order_in_which_they_will_go(void **state)
{
    (void)state;
    struct fixture *f = start();
    put_query(f, "q_runs", 0);
    put_query(f, "q_late", 9);
    put_query(f, "q_early", 3);
    put_result(f, "r_late", 8);
    put_result(f, "r_early", 2);
    close_store(f);
    open_store(f, JOBS_MAX);
    load_queries(f, on_query);
    expect_seen(f, "q_early q_late q_runs ");
    load_results(f, on_result);
    expect_seen(f, "r_early r_late ");
    stop(f);
}

static void the_last_row_of_a_handle_counts_and_a_dropped_one_is_gone(void **state)
{
    (void)state;
    struct fixture *f = start();
    put_query(f, "q_a", 0);
    put_query(f, "q_b", 1);
    put_query(f, "q_a", 7);
    put_result(f, "r_a", 1);
    put_result(f, "r_b", 2);
    assert_true(store_drop_query(f->store, STR("q_b"), on_done, f));
    assert_true(store_drop_result(f->store, STR("r_a"), on_done, f));
    await_answers(f, 2);
    assert_int_equal(f->failures, 0);
    assert_int_equal(ask(f, "SELECT ended_wall_ns FROM query"), 7);
    assert_int_equal(ask(f, "SELECT count(*) FROM query"), 1);
    assert_int_equal(ask(f, "SELECT expires_wall_ns FROM result"), 2);
    stop(f);
}

static void who_waits_is_answered_when_it_is_committed(void **state)
{
    (void)state;
    struct fixture *f = start();
    assert_true(store_put_result(f->store, &full_result, NULL, NULL));
    assert_true(store_put_query(f->store, &full_query, on_done, f));
    await_answers(f, 1);
    assert_int_equal(f->failures, 0);
    assert_int_equal(ask(f, "SELECT count(*) FROM query, result"), 1);
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(they_come_in_the_order_in_which_they_will_go),
        cmocka_unit_test(the_last_row_of_a_handle_counts_and_a_dropped_one_is_gone),
        cmocka_unit_test(who_waits_is_answered_when_it_is_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
