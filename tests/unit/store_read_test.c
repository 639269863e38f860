// SPDX-License-Identifier: Apache-2.0
/* What comes back from the store: all at its start, one while it runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "store_fixture.h"

enum {
    ROUNDS = 500,
    SESSIONS = 100,
    READS = 20000,
};

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
    .response_times = {"0 1 20", 6},
    .held = {"prod", 4},
    .bytes_in = 11,
    .bytes_out = 12,
    .response_ns = 13,
    .queue_ns = 14,
    .connections_total = 15,
    .limit_rows = 16,
    .timeout_s = 17,
    .format = 2,
    .priority = 1,
    .rows_total = UINT64_MAX, /* kept as INT64_MAX */
};

static bool same_str(struct str a, struct str b)
{
    return a.ptr && str_eq(a, b);
}

static void on_full(void *ctx, const struct store_session *s)
{
    struct fixture *f = ctx;
    assert_non_null(s);
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
    assert_true(str_eq(s->response_times, full.response_times));
    assert_true(str_eq(s->held, full.held));
    assert_int_equal(s->bytes_in, full.bytes_in);
    assert_int_equal(s->bytes_out, full.bytes_out);
    assert_int_equal(s->response_ns, full.response_ns);
    assert_int_equal(s->queue_ns, full.queue_ns);
    assert_int_equal(s->connections_total, full.connections_total);
    assert_int_equal(s->limit_rows, full.limit_rows);
    assert_int_equal(s->timeout_s, full.timeout_s);
    assert_int_equal(s->format, full.format);
    assert_int_equal(s->priority, full.priority);
    f->answers++;
}

static void on_full_stub(void *ctx, const struct store_session *s)
{
    struct fixture *f = ctx;
    assert_true(same_str(s->handle, full.handle));
    assert_true(same_str(s->principal, full.principal));
    assert_true(same_str(s->client_name, full.client_name));
    assert_true(same_str(s->instance, full.instance));
    assert_true(same_str(s->revision, full.revision));
    for (int i = 0; i < STORE_CONTEXT_PARTS; i++) {
        assert_true(same_str(s->context[i], full.context[i]));
    }
    assert_int_equal(s->created_wall_ns, full.created_wall_ns);
    assert_int_equal(s->last_seen_wall_ns, full.last_seen_wall_ns);
    f->answers++;
}

static void every_field_comes_back(void **state)
{
    (void)state;
    struct fixture *f = start();
    assert_true(store_put_session(f->store, &full, NULL, NULL));
    close_store(f);
    open_store(f, JOBS_MAX);
    assert_true(store_load_sessions(f->store, on_full, f, f->err, sizeof(f->err)));
    assert_int_equal(f->answers, 1);
    assert_true(store_load_sessions(f->store, on_full_stub, f, f->err, sizeof(f->err)));
    assert_int_equal(f->answers, 2);
    assert_true(store_get_session(f->store, full.handle, on_full, f));
    await_answers(f, 3);
    /* Each column of the table holds what its name says. */
    static const char *const truths[] = {"handle = 's_full'", "principal = 'key:analyst'",
        "client_name LIKE 'claude-code%'", "client_version = '1.2.3'",
        "length(CAST(instance AS BLOB)) = 9", "label LIKE '%DROP TABLE%'",
        "revision = '2025-11-25'", "profile = 'prod'", "role = 'ANALYST'",
        "warehouse = 'WH \"x\"'", "database LIKE 'not%'", "schema = 'PUBLIC'",
        "created_wall_ns = 1", "last_seen_wall_ns = 1764547200123456789",
        "calls_total = 10", "calls_ok = 6", "calls_failed = 3",
        "calls_refused = 9223372036854775807", "rows_total = 9223372036854775807",
        "response_times = '0 1 20'", "held = 'prod'", "bytes_in = 11", "bytes_out = 12", "response_ns = 13",
        "queue_ns = 14", "connections_total = 15", "limit_rows = 16", "timeout_s = 17",
        "format = 2", "priority = 1"};
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
    open_store(f, JOBS_MAX);
    expect_loaded(f, "= ");
    get(f, "");
    await_answers(f, 1);
    expect_seen(f, "= ");
    stop(f);
}

static void on_stub(void *ctx, const struct store_session *stub)
{
    struct fixture *f = ctx;
    buf_put_str(&f->seen, stub->handle);
    buf_putc(&f->seen, ' ');
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
    open_store(f, JOBS_MAX);
    expect_loaded(f, "s_old= s_mid= s_new= ");
    assert_true(store_load_sessions(f->store, on_stub, f, f->err, sizeof(f->err)));
    expect_seen(f, "s_old s_mid s_new ");
    stop(f);
}

static void a_new_file_holds_no_session(void **state)
{
    (void)state;
    struct fixture *f = start();
    expect_loaded(f, "");
    assert_true(store_load_sessions(f->store, on_stub, f, f->err, sizeof(f->err)));
    expect_seen(f, "");
    get(f, "s_a");
    await_answers(f, 1);
    expect_seen(f, "none ");
    stop(f);
}

/* ---- while it runs ---- */

/* Waits as one group behind a write that cannot be committed yet. */
static void a_read_sees_the_writes_before_it_and_none_after(void **state)
{
    (void)state;
    struct fixture *f = start();
    sqlite3 *db = hold_writer(f);
    put_done(f, "s_other", "");
    get(f, "s_a");
    put(f, "s_a", "1");
    get(f, "s_a");
    put(f, "s_a", "2");
    put_done(f, "s_a", "3");
    get(f, "s_a");
    get(f, "s_a");
    drop(f, "s_a");
    get(f, "s_a");
    put(f, "s_a", "4");
    release_writer(db);
    await_answers(f, 7);
    assert_int_equal(f->failures, 0);
    expect_seen(f, "none s_a=1 s_a=3 s_a=3 none ");
    get(f, "s_a");
    await_answers(f, 8);
    expect_seen(f, "s_a=4 ");
    stop(f);
}

static void on_got_look(void *ctx, const struct store_session *session)
{
    struct fixture *f = ctx;
    on_got(f, session);
    assert_int_equal(has_session(f, "s_a", "lazy"), 1);
}

static void what_was_read_was_committed(void **state)
{
    (void)state;
    struct fixture *f = start();
    put(f, "s_a", "lazy");
    assert_true(store_get_session(f->store, STR("s_a"), on_got_look, f));
    assert_int_equal(f->answers, 0); /* by the loop only */
    await_answers(f, 1);
    expect_seen(f, "s_a=lazy ");
    stop(f);
}

static void the_handle_of_a_read_is_copied(void **state)
{
    (void)state;
    struct fixture *f = start();
    char handle[] = "s_mine";
    put(f, handle, "");
    get(f, handle);
    memset(handle, 'x', sizeof(handle) - 1);
    await_answers(f, 1);
    expect_seen(f, "s_mine= ");
    stop(f);
}

/* Were each of these to wait for its group's time, the test would not end in its own. */
static void a_read_does_not_linger(void **state)
{
    (void)state;
    struct fixture *f = start();
    for (int i = 0; i < ROUNDS; i++) {
        put(f, "s_a", "");
        get(f, "s_a");
        await_answers(f, i + 1);
    }
    stop(f);
}

/* `answers` tells which it must be. */
static void on_got_next(void *ctx, const struct store_session *session)
{
    struct fixture *f = ctx;
    assert_non_null(session);
    assert_int_equal(session->calls_total, f->answers % SESSIONS);
    f->answers++;
}

static void of_many_reads_each_gets_its_row_in_order(void **state)
{
    (void)state;
    struct fixture *f = start_without();
    char handle[16];
    open_store(f, SESSIONS);
    for (int i = 0; i < SESSIONS; i++) {
        snprintf(handle, sizeof(handle), "s_%d", i);
        struct store_session session = session_of(handle, "");
        session.calls_total = (uint64_t)i;
        assert_true(store_put_session(f->store, &session, NULL, NULL));
    }
    for (int i = 0; i < READS; i++) {
        snprintf(handle, sizeof(handle), "s_%d", i % SESSIONS);
        while (!store_get_session(f->store, str_of(handle), on_got_next, f)) {
            uv_run(&f->loop, UV_RUN_ONCE);
        }
    }
    await_answers(f, READS);
    stop(f);
}

static void closing_answers_the_reads_that_wait(void **state)
{
    (void)state;
    struct fixture *f = start();
    sqlite3 *db = hold_writer(f);
    put(f, "s_a", "lazy");
    get(f, "s_a");
    get(f, "s_unknown");
    put(f, "s_a", "last");
    get(f, "s_a");
    store_close(f->store, on_closed, f);
    release_writer(db);
    uv_run(&f->loop, UV_RUN_DEFAULT); /* none comes after the end, see on_got() */
    f->store = NULL;
    assert_true(f->closed);
    assert_int_equal(f->answers, 3);
    expect_seen(f, "s_a=lazy none s_a=last ");
    stop(f);
}

static void on_got_again(void *ctx, const struct store_session *session)
{
    struct fixture *f = ctx;
    on_got(f, session);
    if (f->answers < 5) {
        put(f, "s_chain", session ? "again" : "first");
        assert_true(store_get_session(f->store, STR("s_chain"), on_got_again, f));
    } else {
        store_close(f->store, on_closed, f);
    }
}

static void an_answer_may_write_read_and_close(void **state)
{
    (void)state;
    struct fixture *f = start();
    assert_true(store_get_session(f->store, STR("s_chain"), on_got_again, f));
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    f->store = NULL;
    expect_seen(f, "none s_chain=first s_chain=again s_chain=again s_chain=again ");
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(empty_strings_come_back_empty),
        cmocka_unit_test(the_oldest_is_loaded_first),
        cmocka_unit_test(a_new_file_holds_no_session),
        cmocka_unit_test(a_read_sees_the_writes_before_it_and_none_after),
        cmocka_unit_test(what_was_read_was_committed),
        cmocka_unit_test(the_handle_of_a_read_is_copied),
        cmocka_unit_test(a_read_does_not_linger),
        cmocka_unit_test(of_many_reads_each_gets_its_row_in_order),
        cmocka_unit_test(closing_answers_the_reads_that_wait),
        cmocka_unit_test(an_answer_may_write_read_and_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
