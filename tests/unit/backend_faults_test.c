// SPDX-License-Identifier: Apache-2.0
/* The daemon's side of workers that speak garbage, and handlers that act within news. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend_rig.h"

/* ---- handlers that act ---- */

static void disconnect_on_started(struct rig *rig, const struct news *news)
{
    if (news->kind == STARTED) {
        backend_disconnect(rig->backend, news->index, news->generation);
    }
}

static void kill_on_page(struct rig *rig, const struct news *news)
{
    if (news->kind == PAGE) {
        backend_kill(rig->backend, 1, 10);
    }
}

static void call_on_page(struct rig *rig, const struct news *news)
{
    if (news->kind == PAGE && news->call < 200) {
        exec(rig, news->index, news->call + 1, "rows 1");
    }
}

static void kill_on_lost(struct rig *rig, const struct news *news)
{
    if (news->kind == WORKER_LOST) {
        backend_kill(rig->backend, news->index, news->generation);
    }
}

static void replace_on_lost(struct rig *rig, const struct news *news)
{
    if (news->kind == WORKER_LOST) {
        backend_connect(rig->backend, 3, 5, news->index); /* too early */
        spawn(rig, news->index, news->generation + 1);
        backend_connect(rig->backend, 1, 2, news->index);
        backend_cancel(rig->backend, 2, 1, 2);
    }
}

static void close_on_any(struct rig *rig, const struct news *news)
{
    (void)news;
    rig_close(rig);
    rig->hook = NULL;
}

static void a_handler_may_take_away_what_it_hears_of(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    connect_up(rig, 1);
    rig->hook = disconnect_on_started;
    exec(rig, 0, 1, "rows 1");
    await(rig, STARTED, 0);
    rig->hook = call_on_page;
    exec(rig, 1, 100, "rows 1");
    for (uint64_t call = 100; call <= 200; call++) {
        assert_true(await(rig, STARTED, 1)->call == call);
        assert_true(await(rig, PAGE, 1)->call == call);
    }
    rig->hook = kill_on_page;
    exec(rig, 1, 1, "rows 1");
    exec(rig, 1, 2, "rows 1");
    await(rig, STARTED, 1);
    await(rig, PAGE, 1);
    rig_stop(rig);
}

static void a_handler_may_act_on_a_loss(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    rig->hook = kill_on_lost;
    exec(rig, 0, 1, "crash");
    await(rig, STARTED, 0);
    await(rig, WORKER_LOST, 1); /* and no CONN_LOST: the kill took it */
    spawn(rig, 1, 11);
    await(rig, WORKER_UP, 1);
    for (uint32_t i = 0; i < 3; i++) {
        connect_up(rig, i);
    }
    exec(rig, 2, 2, "sleep 10000");
    await(rig, STARTED, 2);
    rig->hook = replace_on_lost;
    exec(rig, 0, 1, "crash");
    await(rig, STARTED, 0);
    await(rig, WORKER_LOST, 1);
    await(rig, CONN_LOST, 0);
    await(rig, CONN_LOST, 2);
    await_why(rig, CONN_LOST, 3, "the worker does not run");
    assert_int_equal(await(rig, WORKER_UP, 1)->generation, 12);
    assert_int_equal(await(rig, CONN_UP, 1)->generation, 2);
    exec(rig, 1, 1, "crash"); /* of generation 1: nothing */
    struct backend_exec crash = exec_of(1, "crash");
    backend_exec(rig->backend, 1, 2, &crash);
    await(rig, STARTED, 1);
    rig->hook = close_on_any;
    await(rig, WORKER_LOST, 1);
    rig_stop(rig);
}

/* ---- scripted peers ---- */

static const struct {
    const char *script;
    const char *why;
} bad_workers[] = {
    {"exit", "worker ended with exit status 3"},
    {"close", "worker ended by signal 9"},
    {"packet_garbage", "the worker sent a packet that is no frame"},
    {"packet_overlong", "the worker sent a packet that is no frame"},
    {"packet_two", "the worker sent a packet that is no frame"},
    {"ready_short", "the worker sent a malformed READY on its control socket"},
    {"page", "the worker sent an unexpected PAGE on its control socket"},
    {"sign_in_early", "the worker sent an unexpected SIGN_IN on its control socket"},
};

static void a_worker_that_speaks_garbage_is_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_workers); i++) {
        struct rig *rig = peer_start(bad_workers[i].script);
        backend_connect(rig->backend, 0, 1, 1);
        await_why(rig, WORKER_LOST, 1, bad_workers[i].why);
        await_why(rig, CONN_LOST, 0, bad_workers[i].why);
        rig_stop(rig);
    }
    static const char *const scripts[] = {"ready_twice", "failed_late", "sign_in_short"};
    static const char *const whys[] = {
        "the worker sent an unexpected READY on its control socket", "on second thought",
        "the worker sent a malformed SIGN_IN on its control socket"};
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct rig *rig = peer_start(scripts[i]);
        await(rig, WORKER_UP, 1);
        await_why(rig, WORKER_LOST, 1, whys[i]);
        rig_stop(rig);
    }
}

static const struct {
    const char *script;
    const char *why;
    int news_before; /* STARTED or PAGE */
    bool is_opened;
} bad_conns[] = {
    {"not_taken", "the worker did not take the connection", 0, false},
    {"page_first", "the worker sent an unexpected PAGE", 0, false},
    {"opened_twice", "the worker sent an unexpected OPENED", 0, true},
    {"setup", "the worker sent an unexpected SETUP", 0, true},
    {"hang_up", "the worker closed the connection", 0, true},
    {"half", "the worker closed the connection", 0, true},
    {"garbage", "the worker sent bytes that are no frame", 0, true},
    {"unasked", "the worker sent an unexpected STARTED", 0, true},
    {"short_page", "the worker sent a malformed PAGE", 0, true},
    {"text_for_page", "the worker sent an unexpected TEXT", 0, true},
    {"exported_for_page", "the worker sent an unexpected EXPORTED", 0, true},
    {"bad_code", "the worker sent a malformed ERROR", 0, true},
    {"started_twice", "the worker sent an unexpected STARTED", 1, true},
    {"rows_first", "the worker sent an unexpected ROWS", 0, true},
    {"rows_long", "the worker sent a malformed ROWS", 1, true},
    {"rows_late", "the worker sent an unexpected ROWS", 2, true},
    {"answered_twice", "the worker sent an unexpected PAGE", 1, true},
};

static void a_connection_that_speaks_garbage_is_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_conns); i++) {
        struct rig *rig = peer_start(bad_conns[i].script);
        await(rig, WORKER_UP, 1);
        backend_connect(rig->backend, 0, 1, 1);
        exec(rig, 0, 5, "whatever");
        if (bad_conns[i].is_opened) {
            await(rig, CONN_UP, 0);
        }
        for (int n = 0; n < bad_conns[i].news_before; n++) {
            await_any(rig);
        }
        const struct news *news = await(rig, CONN_LOST, 0);
        assert_string_equal(news->text, bad_conns[i].why);
        assert_false(news->refused);
        assert_true(backend_pid(rig->backend, 1) > 0); /* the worker itself serves on */
        rig_stop(rig);
    }
}

/* Before it is open, and only for a connection that there is. */
static void where_to_sign_in_is_told_of_its_connection(void **state)
{
    (void)state;
    struct rig *rig = peer_start("sign_in");
    await(rig, WORKER_UP, 1);
    backend_connect(rig->backend, 3, 1, 1);
    const struct news *news = await(rig, SIGN_IN, 3);
    assert_string_equal(news->text, "https://sign-in.invalid/");
    assert_int_equal(news->generation, 1);
    exec(rig, 3, 5, "whatever");
    backend_cancel(rig->backend, 3, 1, 5); /* the peer goes on with it */
    await(rig, CONN_UP, 3);
    rig_stop(rig);
}

static void an_engine_that_refuses_is_told_apart(void **state)
{
    (void)state;
    struct rig *rig = peer_start("refuse");
    await(rig, WORKER_UP, 1);
    backend_connect(rig->backend, 0, 1, 1);
    const struct news *news = await(rig, CONN_LOST, 0);
    assert_true(news->refused);
    assert_string_equal(news->text, "a reason");
    rig_stop(rig);
}

static void a_page_sent_before_a_crash_counts(void **state)
{
    (void)state;
    struct rig *rig = peer_start("crash_after_page");
    await(rig, WORKER_UP, 1);
    connect_up(rig, 0);
    assert_string_equal(query(rig, 0, 1, "whatever")->text, "[rows]");
    await_why(rig, WORKER_LOST, 1, "worker ended by signal 6");
    await_why(rig, CONN_LOST, 0, "worker ended by signal 6");
    rig_stop(rig);
}

/*
 * Runs between a turn's poll and its signals: what exits meanwhile is reaped in this
 * turn, but its sockets were not seen.
 */
static void speak_and_exit(uv_poll_t *poll, int status, int events)
{
    struct rig *rig = poll->data;
    (void)status;
    (void)events;
    exec(rig, 0, 1, "whatever");
    wait_exited(backend_pid(rig->backend, 1));
    setenv("BACKEND_PEER", "failed_late", 1);
    spawn(rig, 3, 1);
    wait_exited(backend_pid(rig->backend, 3));
    uv_close((uv_handle_t *)poll, NULL);
}

static void what_a_worker_said_comes_before_its_exit(void **state)
{
    (void)state;
    struct rig *rig = peer_start("crash_after_page");
    await(rig, WORKER_UP, 1);
    connect_up(rig, 0);
    spawn(rig, 2, 1);
    await(rig, WORKER_UP, 2);
    int ends[2];
    uv_poll_t poll = {.data = rig};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    uv_poll_init(&rig->loop, &poll, ends[0]);
    uv_poll_start(&poll, UV_READABLE, speak_and_exit);
    int pid = backend_pid(rig->backend, 2);
    kill(pid, SIGKILL);
    wait_exited(pid);
    await(rig, STARTED, 0);
    await(rig, PAGE, 0);
    for (int lost = 0; lost < 4;) { /* the order of the workers is libuv's */
        const struct news *news = await_any(rig);
        lost += news->kind == WORKER_LOST || news->kind == CONN_LOST;
        if (news->kind == WORKER_LOST && news->index == 3) {
            assert_string_equal(news->text, "on second thought");
        }
    }
    close(ends[0]);
    close(ends[1]);
    rig_stop(rig);
}

static void frames_may_be_split_and_joined_anywhere(void **state)
{
    (void)state;
    static const char *const scripts[] = {"trickle", "joined"};
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct rig *rig = peer_start(scripts[i]);
        await(rig, WORKER_UP, 1);
        connect_up(rig, 0);
        exec(rig, 0, 1, "whatever");
        struct backend_fetch fetch = {.call = 2,
            .spool_path = STR("/spool/file"),
            .offset = 1ull << 33,
            .rows_max = 3,
            .page_bytes = 4,
            .cell_chars = 5};
        backend_fetch(rig->backend, 0, 1, &fetch);
        struct backend_cell cell = {.call = 3,
            .spool_path = STR("/spool/file"),
            .row = 1ull << 33,
            .column = 3,
            .offset = 1ull << 34,
            .bytes_max = 6};
        backend_cell(rig->backend, 0, 1, &cell);
        struct backend_export export = {.call = 4,
            .spool_path = STR("/spool/file"),
            .out_path = STR("/out/file"),
            .format = WIRE_FORMAT_ARROW};
        backend_export(rig->backend, 0, 1, &export);
        assert_true(await(rig, STARTED, 0)->call == 1);
        for (uint64_t call = 1; call <= 2; call++) {
            const struct news *news = await(rig, PAGE, 0);
            assert_true(rig->rows == 1ull << 42);
            assert_true(news->call == call);
            assert_string_equal(news->columns, "[columns]");
            assert_string_equal(news->text, "[rows]");
            assert_string_equal(news->cuts, "[cuts]");
            assert_int_equal(news->page.row_count, 11);
            assert_int_equal(news->page.total_rows, -1);
            assert_int_equal(news->page.elapsed_ns, 12);
            assert_int_equal(news->page.spooled_rows, 13);
            assert_true(news->page.spool_bytes == 1ull << 40);
            assert_true(news->page.truncated);
            assert_int_equal(news->page.spool_cap, WIRE_CAP_DISK);
            assert_int_equal(news->page.spool_errno, 28);
        }
        const struct news *news = await(rig, TEXT, 0);
        assert_string_equal(news->text, "some text");
        assert_true(news->call == 3 && news->bytes_total == 1ull << 41);
        news = await(rig, EXPORTED, 0);
        assert_true(news->call == 4 && news->rows_total == 1ull << 35);
        assert_true(news->bytes_total == 1ull << 36);
        rig_stop(rig);
    }
}

static void a_worker_that_reads_no_calls_loses_the_connection(void **state)
{
    (void)state;
    struct rig *rig = peer_start("deaf");
    await(rig, WORKER_UP, 1);
    connect_up(rig, 0);
    char *sql = malloc(WIRE_PAYLOAD_MAX);
    assert_non_null(sql);
    memset(sql, 'x', WIRE_PAYLOAD_MAX);
    struct backend_exec exec = exec_of(1, "");
    exec.sql = (struct str){sql, WIRE_PAYLOAD_MAX - 100};
    for (exec.call = 1; exec.call < 5; exec.call++) {
        backend_exec(rig->backend, 0, 1, &exec);
    }
    free(sql);
    await_why(rig, CONN_LOST, 0, "the worker does not read its calls");
    rig_stop(rig);
}

static void a_worker_may_die_unseen(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    exec(rig, 0, 1, "sleep 10000");
    await(rig, STARTED, 0);
    int pid = backend_pid(rig->backend, 1);
    kill(pid, SIGKILL);
    wait_exited(pid);
    exec(rig, 0, 2, "rows 1"); /* nobody holds the other ends any more */
    backend_cancel(rig->backend, 0, 1, 1);
    backend_connect(rig->backend, 1, 1, 1);
    exec(rig, 1, 3, "rows 1");
    await_why(rig, WORKER_LOST, 1, "worker ended by signal 9");
    await_why(rig, CONN_LOST, 0, "worker ended by signal 9");
    await_why(rig, CONN_LOST, 1, "worker ended by signal 9");
    rig_stop(rig);
}

/* Packets that a stopped worker does not take wait, in order, up to a bound. */
static void a_full_control_socket_is_waited_for(void **state)
{
    (void)state;
    struct rig *rig = fake_start();
    connect_up(rig, 0);
    exec(rig, 0, 1, "sleep 10000");
    await(rig, STARTED, 0);
    int pid = backend_pid(rig->backend, 1);
    kill(pid, SIGSTOP);
    for (int i = 0; i < 1000; i++) {
        backend_cancel(rig->backend, 0, 1, 1);
    }
    backend_connect(rig->backend, 1, 1, 1);
    exec(rig, 1, 2, "rows 1");
    kill(pid, SIGCONT);
    int up = 0;
    int answers = 0;
    while (up + answers < 3) {
        const struct news *news = await_any(rig);
        up += news->kind == CONN_UP;
        answers += news->kind == ERROR || news->kind == PAGE;
    }
    assert_int_equal(up, 1);
    kill(pid, SIGSTOP);
    exec(rig, 0, 3, "sleep 10000");
    backend_connect(rig->backend, 2, 1, 1);
    for (int i = 0; i < 4000; i++) {
        backend_cancel(rig->backend, 0, 1, 3);
    }
    backend_connect(rig->backend, 3, 1, 1);
    await_why(
        rig, WORKER_LOST, 1, "the worker takes no cancel: no buffer space available");
    for (uint32_t i = 0; i < 4; i++) {
        await(rig, CONN_LOST, i);
    }
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_may_take_away_what_it_hears_of),
        cmocka_unit_test(a_handler_may_act_on_a_loss),
        cmocka_unit_test(a_worker_that_speaks_garbage_is_lost),
        cmocka_unit_test(a_connection_that_speaks_garbage_is_lost),
        cmocka_unit_test(where_to_sign_in_is_told_of_its_connection),
        cmocka_unit_test(an_engine_that_refuses_is_told_apart),
        cmocka_unit_test(a_page_sent_before_a_crash_counts),
        cmocka_unit_test(what_a_worker_said_comes_before_its_exit),
        cmocka_unit_test(frames_may_be_split_and_joined_anywhere),
        cmocka_unit_test(a_worker_that_reads_no_calls_loses_the_connection),
        cmocka_unit_test(a_worker_may_die_unseen),
        cmocka_unit_test(a_full_control_socket_is_waited_for),
    };
    return rig_prepare() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
