// SPDX-License-Identifier: Apache-2.0
/* The daemon's side of the real worker, with the scripted driver and with DuckDB. */
#include <dirent.h>
#include <limits.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend_rig.h"

enum {
    HUGE_CHARS = 2200000,
};

static void a_call_is_answered_by_a_page(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    assert_true(backend_pid(rig->backend, 1) > 0);
    assert_int_equal(backend_pid(rig->backend, 2), 0);
    connect_up(rig, 511);
    const struct news *news = query(rig, 511, 1ull << 60, "rows 3 101");
    assert_string_equal(news->columns,
        "[{\"name\":\"id\",\"type\":\"BIGINT\"},{\"name\":\"text\",\"type\":\"VARCHAR\"}]");
    assert_string_equal(news->cuts, "[[0,1,101],[1,1,101],[2,1,101]]");
    assert_int_equal(news->page.row_count, 3);
    assert_int_equal(news->page.total_rows, 3);
    assert_true(news->page.truncated);
    assert_true(news->page.elapsed_ns > 0);
    assert_int_equal(news->page.spooled_rows, 0);
    assert_int_equal(news->page.spool_cap, WIRE_CAP_NONE);
    rig_stop(rig);
}

static void options_are_set_before_the_statement(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    struct backend_option options[] = {
        {STR("adbc.connection.catalog"), STR("SALES")},
        {STR("adbc.connection.db_schema"), STR("EU")},
    };
    struct backend_exec exec = exec_of(1, "context");
    exec.options = options;
    exec.option_count = ARRAY_LEN(options);
    backend_exec(rig->backend, 0, 1, &exec);
    await(rig, STARTED, 0);
    assert_string_equal(await(rig, PAGE, 0)->text, "[[\"SALES\",\"EU\"]]");
    options[0].key = STR("no.such.option");
    exec.call = 2;
    backend_exec(rig->backend, 0, 1, &exec);
    const struct news *news = await(rig, ERROR, 0); /* and no STARTED */
    assert_true(news->call == 2);
    assert_int_equal(news->error.code, WIRE_E_CONTEXT);
    assert_true(news->error.usable);
    rig_stop(rig);
}

static void an_error_tells_all_the_engine_said(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    exec(rig, 0, 1, "error no such thing");
    await(rig, STARTED, 0);
    const struct news *news = await(rig, ERROR, 0);
    assert_int_equal(news->error.code, WIRE_E_SQL);
    assert_string_equal(news->text, "no such thing");
    assert_string_equal(news->columns, "42000");
    assert_int_equal(news->error.vendor_code, 1003);
    assert_true(news->error.usable);
    exec(rig, 0, 2, "lost");
    await(rig, STARTED, 0);
    news = await(rig, ERROR, 0);
    assert_int_equal(news->error.code, WIRE_E_LOST);
    assert_false(news->error.usable);
    rig_stop(rig);
}

static void a_cancel_ends_the_call_it_names(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 4);
    connect_up(rig, 5);
    exec(rig, 4, 1, "sleep 10000");
    exec(rig, 5, 2, "sleep 10000");
    const struct news *first = await_any(rig);
    const struct news *second = await_any(rig);
    assert_true(first->kind == STARTED && second->kind == STARTED);
    backend_cancel(rig->backend, 4, 1, 2); /* another connection's call */
    backend_cancel(rig->backend, 5, 1, 2);
    const struct news *news = await(rig, ERROR, 5);
    assert_int_equal(news->error.code, WIRE_E_CANCELLED);
    assert_true(news->error.usable);
    backend_cancel(rig->backend, 5, 1, 2); /* it has ended */
    round_trip(rig, 5, 3);
    backend_cancel(rig->backend, 4, 1, 1);
    assert_int_equal(await(rig, ERROR, 4)->error.code, WIRE_E_CANCELLED);
    rig_stop(rig);
}

/* The worker finds connections by their number on the wire. */
static void a_cancel_finds_the_newest_connection_of_an_index(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 4);
    exec(rig, 4, 1, "hang");
    await(rig, STARTED, 4);
    backend_disconnect(rig->backend, 4, 1);
    backend_connect(rig->backend, 4, 2, 1);
    await(rig, CONN_UP, 4);
    struct backend_exec exec = exec_of(2, "sleep 10000");
    backend_exec(rig->backend, 4, 2, &exec);
    await(rig, STARTED, 4);
    backend_cancel(rig->backend, 4, 2, 2);
    assert_int_equal(await(rig, ERROR, 4)->error.code, WIRE_E_CANCELLED);
    rig_stop(rig);
}

static void a_crash_is_told_once_for_the_worker_and_each_connection(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    connect_up(rig, 1);
    exec(rig, 0, 1, "sleep 10000");
    await(rig, STARTED, 0);
    exec(rig, 1, 2, "crash");
    await(rig, STARTED, 1);
    await_why(rig, WORKER_LOST, 1, "worker ended by signal 6");
    const char *why = "worker ended by signal 6";
    await_why(rig, CONN_LOST, 0, why);
    await_why(rig, CONN_LOST, 1, why);
    assert_int_equal(backend_pid(rig->backend, 1), 0);
    backend_kill(rig->backend, 1, 10);
    backend_disconnect(rig->backend, 0, 1);
    exec(rig, 1, 3, "rows 1");
    spawn(rig, 1, 11); /* the place is free */
    assert_int_equal(await(rig, WORKER_UP, 1)->generation, 11);
    connect_up(rig, 1);
    round_trip(rig, 1, 4);
    rig_stop(rig);
}

static void a_killed_worker_is_reaped_without_news(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    exec(rig, 0, 1, "hang");
    await(rig, STARTED, 0);
    int pid = backend_pid(rig->backend, 1);
    backend_kill(rig->backend, 1, 10);
    assert_int_equal(backend_pid(rig->backend, 1), 0);
    await_reaped(rig, pid);
    rig_stop(rig); /* checks that there was none */
}

static void a_worker_killed_by_others_is_lost(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    kill(backend_pid(rig->backend, 1), SIGTERM);
    await_why(rig, WORKER_LOST, 1, "worker ended by signal 15");
    await_why(rig, CONN_LOST, 0, "worker ended by signal 15");
    rig_stop(rig);
}

static void a_failed_setup_says_why(void **state)
{
    (void)state;
    struct rig *rig = rig_start(getenv("SNOWMUX_WORKER"));
    struct backend_setup setup = {.driver = STR("/no/such/driver.so")};
    backend_spawn(rig->backend, 1, 1, &setup);
    backend_connect(rig->backend, 0, 1, 1); /* early, and in vain */
    assert_non_null(strstr(await(rig, WORKER_LOST, 1)->text, "/no/such/driver.so"));
    assert_false(await(rig, CONN_LOST, 0)->refused);
    setup = fake_setup();
    struct backend_option option = {STR("fail"), STR("a wrong password")};
    setup.options = &option;
    setup.option_count = 1;
    backend_spawn(rig->backend, 1, 2, &setup);
    await_why(rig, WORKER_LOST, 1, "a wrong password");
    option = (struct backend_option){STR("refuse"), STR("no such user")};
    backend_spawn(rig->backend, 1, 3, &setup);
    await_why(rig, WORKER_LOST, 1, WIRE_LOGIN_REFUSED "no such user");
    setup = fake_setup();
    struct str init[] = {STR("rows 1"), STR("error bad init")};
    setup.init = init;
    setup.init_count = ARRAY_LEN(init);
    backend_spawn(rig->backend, 1, 4, &setup);
    await_why(rig, WORKER_LOST, 1, "bad init");
    char long_value[WIRE_PACKET_MAX] = {0};
    option = (struct backend_option){STR("x"), {long_value, sizeof(long_value)}};
    setup.options = &option;
    setup.option_count = 1;
    backend_spawn(rig->backend, 1, 4, &setup);
    assert_int_equal(rig->read, rig->count); /* not from within the call */
    await_why(rig, WORKER_LOST, 1,
        "the worker's options, init statements and paths take more than 64 KiB");
    rig_stop(rig);
}

static void a_program_that_does_not_start_is_a_lost_worker(void **state)
{
    (void)state;
    struct rig *rig = rig_start("/no/such/worker");
    spawn(rig, 63, 1);
    assert_int_equal(rig->count, 0);
    await_why(
        rig, WORKER_LOST, 63, "cannot start /no/such/worker: no such file or directory");
    spawn(rig, 63, 2);
    backend_kill(rig->backend, 63, 2); /* also takes back what was still to be told */
    spawn(rig, 62, 1);
    await(rig, WORKER_LOST, 62);
    rig_stop(rig);
}

static void a_connection_to_no_worker_is_lost(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    backend_connect(rig->backend, 0, 7, 2);
    assert_int_equal(rig->read, rig->count);
    const struct news *news = await(rig, CONN_LOST, 0);
    assert_string_equal(news->text, "the worker does not run");
    assert_int_equal(news->generation, 7);
    assert_false(news->refused);
    backend_kill(rig->backend, 1, 10);
    backend_connect(rig->backend, 0, 8, 1);
    backend_connect(rig->backend, 1, 8, 1);
    backend_disconnect(rig->backend, 0, 8);
    await_why(rig, CONN_LOST, 1, "the worker does not run");
    rig_stop(rig);
}

static void many_connections_serve_at_once(void **state)
{
    (void)state;
    enum {
        COUNT = 64
    };
    struct rig *rig = fake_start();
    int started = 0;
    int answered = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        backend_connect(rig->backend, i, 1, 1);
        exec(rig, i, i, "rows 2 50"); /* without waiting for its opening */
    }
    for (int up = 0; up + started + answered < 3 * COUNT;) {
        const struct news *news = await_any(rig);
        up += news->kind == CONN_UP;
        started += news->kind == STARTED;
        answered += news->kind == PAGE && news->page.row_count == 2;
        assert_true(news->kind == CONN_UP || news->call == news->index);
    }
    assert_int_equal(answered, COUNT);
    backend_connect(rig->backend, COUNT, 1, 1); /* more than a worker takes */
    await_why(rig, CONN_LOST, COUNT, "the worker did not take the connection");
    rig_stop(rig);
}

static void calls_of_one_connection_are_answered_in_order(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    for (uint64_t call = 0; call < BACKEND_CALLS_MAX; call++) {
        exec(rig, 0, call, call % 2 ? "error odd" : "rows 1");
    }
    for (uint64_t call = 0; call < BACKEND_CALLS_MAX; call++) {
        assert_true(await(rig, STARTED, 0)->call == call);
        assert_true(await(rig, call % 2 ? ERROR : PAGE, 0)->call == call);
    }
    for (uint64_t call = 0; call <= BACKEND_CALLS_MAX; call++) {
        exec(rig, 0, call, "sleep 10000");
    }
    await_why(rig, CONN_LOST, 0, "more calls under way than a connection takes");
    rig_stop(rig);
}

static void a_late_generation_is_silent(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    exec(rig, 0, 1, "sleep 10000");
    await(rig, STARTED, 0);
    backend_disconnect(rig->backend, 0, 1);
    backend_connect(rig->backend, 0, 2, 1);
    assert_int_equal(await(rig, CONN_UP, 0)->generation, 2);
    exec(rig, 0, 2, "rows 1");              /* of generation 1: nothing */
    backend_disconnect(rig->backend, 0, 1); /* as little */
    backend_kill(rig->backend, 1, 9);
    struct backend_exec call = exec_of(3, "sleep 10000");
    backend_exec(rig->backend, 0, 2, &call);
    assert_true(await(rig, STARTED, 0)->call == 3);
    backend_cancel(rig->backend, 0, 1, 3);
    connect_up(rig, 1);
    round_trip(rig, 1, 4);
    backend_cancel(rig->backend, 0, 2, 3);
    assert_int_equal(await(rig, ERROR, 0)->generation, 2);
    /* An index connected anew forgets the old one without news. */
    backend_connect(rig->backend, 0, 3, 1);
    assert_int_equal(await(rig, CONN_UP, 0)->generation, 3);
    spawn(rig, 1, 11);
    assert_int_equal(await(rig, WORKER_UP, 1)->generation, 11);
    rig_stop(rig);
}

static void pages_and_statements_may_be_huge(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    struct backend_exec exec = exec_of(1, "rows 1 2200000");
    exec.cell_chars = HUGE_CHARS;
    backend_exec(rig->backend, 0, 1, &exec);
    await(rig, STARTED, 0);
    const struct news *news = await(rig, PAGE, 0);
    size_t len = strlen(news->text);
    assert_true(len > 1000000);
    assert_memory_equal(news->text, "[[0,\"", 5);
    assert_int_equal(strspn(news->text + 5, "x"), len - 8);
    assert_string_equal(news->text + len - 3, "\"]]");
    char *sql = malloc(2 * WIRE_PAYLOAD_MAX);
    assert_non_null(sql);
    memset(sql, ' ', 2 * WIRE_PAYLOAD_MAX);
    memcpy(sql, "rows 1 1", 8);
    exec.sql = (struct str){sql, WIRE_PAYLOAD_MAX - 100};
    for (exec.call = 2; exec.call < 4; exec.call++) {
        backend_exec(rig->backend, 0, 1, &exec);
    }
    for (uint64_t call = 2; call < 4; call++) {
        assert_true(await(rig, STARTED, 0)->call == call);
        assert_string_equal(await(rig, PAGE, 0)->text, "[[0,\"x\"]]");
    }
    exec.sql.len = WIRE_PAYLOAD_MAX;
    backend_exec(rig->backend, 0, 1, &exec);
    assert_int_equal(rig->read, rig->count);
    await_why(rig, CONN_LOST, 0, "a call of more than 2 MiB, or no memory for it");
    free(sql);
    rig_stop(rig);
}

static void closing_ends_whatever_is_under_way(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    exec(rig, 0, 1, "hang");
    await(rig, STARTED, 0);
    exec(rig, 0, 2, "rows 1");
    spawn(rig, 2, 1); /* not up yet */
    backend_connect(rig->backend, 1, 1, 2);
    backend_connect(rig->backend, 2, 1, 5); /* loss not told yet */
    rig_stop(rig);
}

static void a_worker_inherits_four_descriptors(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    int stray = dup(STDERR_FILENO); /* as one that the daemon was started with */
    spawn(rig, 2, 1);               /* while the other one's sockets are open */
    await(rig, WORKER_UP, 2);
    char path[PATH_MAX];
    char target[PATH_MAX] = {0};
    snprintf(path, sizeof(path), "/proc/%d/fd", backend_pid(rig->backend, 2));
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.') {
            assert_true(strlen(entry->d_name) == 1 && entry->d_name[0] <= '3');
        }
    }
    closedir(dir);
    int pid = backend_pid(rig->backend, 2);
    assert_int_equal(getsid(pid), pid); /* away from the terminal's signals */
    strcat(path, "/0");
    assert_true(readlink(path, target, sizeof(target) - 1) > 0);
    assert_string_equal(target, "/dev/null");
    close(stray);
    rig_stop(rig);
}

/* Counts @needle in this process's heap. */
static int count_in_heap(const char *needle, size_t len)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int count = 0;
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        uintptr_t from;
        uintptr_t to;
        if (!strstr(line, "[heap]") || sscanf(line, "%lx-%lx", &from, &to) != 2) {
            continue;
        }
        while (to - from >= len) {
            const char *at = memmem((const char *)from, to - from, needle, len); // NOLINT
            count += at != NULL;
            from = at ? (uintptr_t)at + len : to;
        }
    }
    fclose(maps);
    return count;
}

static void secrets_do_not_stay_in_memory(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their heap is elsewhere */
#endif
    mallopt(M_PERTURB, 0); /* would wipe as well */
    char secret[32];
    for (size_t i = 0; i < sizeof(secret); i++) {
        secret[i] = (char)('A' + i); /* freed memory may be full of any one byte */
    }
    char *witness = malloc(sizeof(secret));
    assert_non_null(witness);
    memcpy(witness, secret, sizeof(secret));
    struct rig *rig = rig_start(getenv("SNOWMUX_WORKER"));
    struct backend_setup setup = fake_setup();
    struct backend_option option = {STR("password"), {secret, sizeof(secret)}};
    setup.options = &option;
    setup.option_count = 1;
    backend_spawn(rig->backend, 1, 1, &setup);
    await(rig, WORKER_UP, 1);
    assert_int_equal(count_in_heap(secret, sizeof(secret)), 1);
    free(witness);
    rig_stop(rig);
}

/* ---- DuckDB ---- */

static void duckdb_serves(void **state)
{
    (void)state;
    if (*getenv("SNOWMUX_DUCKDB") == '\0') {
        skip();
    }
    struct rig *rig = rig_start(getenv("SNOWMUX_WORKER"));
    struct str init[] = {STR("create table t as select 7 as seven")};
    struct backend_setup setup = {.driver = str_of(getenv("SNOWMUX_DUCKDB")),
        .entrypoint = STR("duckdb_adbc_init"),
        .init = init,
        .init_count = 1};
    backend_spawn(rig->backend, 1, 10, &setup);
    await(rig, WORKER_UP, 1);
    connect_up(rig, 0);
    assert_string_equal(query(rig, 0, 1, "select seven from t")->text, "[[7]]");
    exec(rig, 0, 2, "select * from missing");
    await(rig, STARTED, 0);
    assert_int_equal(await(rig, ERROR, 0)->error.code, WIRE_E_SQL);
    exec(
        rig, 0, 3, "select sum(a.i * b.i) from range(1000000) a(i), range(1000000) b(i)");
    await(rig, STARTED, 0);
    backend_cancel(rig->backend, 0, 1, 3);
    assert_int_equal(await(rig, ERROR, 0)->error.code, WIRE_E_CANCELLED);
    assert_string_equal(query(rig, 0, 4, "select seven from t")->text, "[[7]]");
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_answered_by_a_page),
        cmocka_unit_test(options_are_set_before_the_statement),
        cmocka_unit_test(an_error_tells_all_the_engine_said),
        cmocka_unit_test(a_cancel_ends_the_call_it_names),
        cmocka_unit_test(a_cancel_finds_the_newest_connection_of_an_index),
        cmocka_unit_test(a_crash_is_told_once_for_the_worker_and_each_connection),
        cmocka_unit_test(a_killed_worker_is_reaped_without_news),
        cmocka_unit_test(a_worker_killed_by_others_is_lost),
        cmocka_unit_test(a_failed_setup_says_why),
        cmocka_unit_test(a_program_that_does_not_start_is_a_lost_worker),
        cmocka_unit_test(a_connection_to_no_worker_is_lost),
        cmocka_unit_test(many_connections_serve_at_once),
        cmocka_unit_test(calls_of_one_connection_are_answered_in_order),
        cmocka_unit_test(a_late_generation_is_silent),
        cmocka_unit_test(pages_and_statements_may_be_huge),
        cmocka_unit_test(closing_ends_whatever_is_under_way),
        cmocka_unit_test(a_worker_inherits_four_descriptors),
        cmocka_unit_test(secrets_do_not_stay_in_memory),
        cmocka_unit_test(duckdb_serves),
    };
    return rig_prepare() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
