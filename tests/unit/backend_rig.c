// SPDX-License-Identifier: Apache-2.0
#include "backend_rig.h"

#include <dirent.h>
#include <errno.h>
#include <linux/close_range.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    GUARD_MS = 60000,
};

static char *copy(struct str s)
{
    char *text = strndup(s.ptr, s.len);
    assert_non_null(text);
    return text;
}

static struct news *add(void *ctx, enum kind kind, uint32_t index, uint32_t generation)
{
    struct rig *rig = ctx;
    assert_true(rig->count < NEWS_MAX);
    struct news *news = &rig->news[rig->count++];
    *news = (struct news){.kind = kind, .index = index, .generation = generation};
    return news;
}

static void run_hook(void *ctx, const struct news *news)
{
    struct rig *rig = ctx;
    if (rig->hook) {
        rig->hook(rig, news);
    }
}

static void on_worker_up(void *ctx, uint32_t worker, uint32_t generation)
{
    run_hook(ctx, add(ctx, WORKER_UP, worker, generation));
}

static void on_worker_lost(
    void *ctx, uint32_t worker, uint32_t generation, struct str why)
{
    struct news *news = add(ctx, WORKER_LOST, worker, generation);
    news->text = copy(why);
    run_hook(ctx, news);
}

static void on_conn_up(void *ctx, uint32_t conn, uint32_t generation)
{
    run_hook(ctx, add(ctx, CONN_UP, conn, generation));
}

static void on_sign_in(void *ctx, uint32_t conn, uint32_t generation, struct str url)
{
    struct news *news = add(ctx, SIGN_IN, conn, generation);
    news->text = copy(url);
    run_hook(ctx, news);
}

static void on_conn_lost(
    void *ctx, uint32_t conn, uint32_t generation, bool refused, struct str why)
{
    struct news *news = add(ctx, CONN_LOST, conn, generation);
    news->refused = refused;
    news->text = copy(why);
    run_hook(ctx, news);
}

static void on_rows(
    void *ctx, uint32_t conn, uint32_t generation, uint64_t call, uint64_t rows)
{
    struct rig *rig = ctx;
    (void)conn;
    (void)generation;
    (void)call;
    rig->rows = rows;
}

static void on_started(void *ctx, uint32_t conn, uint32_t generation, uint64_t call)
{
    struct news *news = add(ctx, STARTED, conn, generation);
    news->call = call;
    run_hook(ctx, news);
}

static void on_page(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
    const struct backend_page *page)
{
    struct news *news = add(ctx, PAGE, conn, generation);
    news->call = call;
    news->page = *page;
    news->text = copy(page->rows);
    news->columns = copy(page->columns);
    news->cuts = copy(page->cuts);
    run_hook(ctx, news);
}

static void on_text(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
    struct str text, uint64_t bytes_total)
{
    struct news *news = add(ctx, TEXT, conn, generation);
    news->call = call;
    news->text = copy(text);
    news->bytes_total = bytes_total;
    run_hook(ctx, news);
}

static void on_exported(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
    uint64_t rows, uint64_t bytes)
{
    struct news *news = add(ctx, EXPORTED, conn, generation);
    news->call = call;
    news->rows_total = rows;
    news->bytes_total = bytes;
    run_hook(ctx, news);
}

static void on_error(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
    const struct backend_error *error)
{
    struct news *news = add(ctx, ERROR, conn, generation);
    news->call = call;
    news->error = *error;
    news->text = copy(error->message);
    news->columns = copy(error->sqlstate);
    run_hook(ctx, news);
}

static void on_closed(void *ctx)
{
    struct rig *rig = ctx;
    assert_false(rig->is_closed);
    rig->is_closed = true;
    uv_close((uv_handle_t *)&rig->guard, NULL);
}

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("nothing happened for too long");
}

static int count_fds(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

struct rig *rig_start(const char *program)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->fds_before = count_fds();
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    uv_timer_init(&rig->loop, &rig->guard);
    uv_timer_start(&rig->guard, on_guard, GUARD_MS, 0);
    const struct backend_handler handler = {.ctx = rig,
        .worker_up = on_worker_up,
        .worker_lost = on_worker_lost,
        .conn_up = on_conn_up,
        .sign_in = on_sign_in,
        .conn_lost = on_conn_lost,
        .started = on_started,
        .rows = on_rows,
        .page = on_page,
        .text = on_text,
        .exported = on_exported,
        .error = on_error};
    rig->backend = backend_new(&rig->loop, program, &handler);
    assert_non_null(rig->backend);
    return rig;
}

void rig_close(struct rig *rig)
{
    backend_close(rig->backend, on_closed, rig);
    rig->backend = NULL;
}

void rig_stop(struct rig *rig)
{
    if (rig->backend) {
        rig_close(rig);
    }
    size_t count = rig->count;
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_true(rig->is_closed);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    assert_int_equal(rig->count, count);
    assert_int_equal(rig->count, rig->read);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(count_fds(), rig->fds_before);
    for (size_t i = 0; i < rig->count; i++) {
        free(rig->news[i].text);
        free(rig->news[i].columns);
        free(rig->news[i].cuts);
    }
    free(rig);
}

const struct news *await_any(struct rig *rig)
{
    while (rig->read == rig->count) {
        uv_run(&rig->loop, UV_RUN_ONCE);
    }
    return &rig->news[rig->read++];
}

const struct news *await(struct rig *rig, enum kind kind, uint32_t index)
{
    const struct news *news = await_any(rig);
    if (news->kind != kind || news->index != index) {
        print_error("news %d of %u: %s\n", (int)news->kind, news->index,
            news->text ? news->text : "");
    }
    assert_int_equal(news->kind, kind);
    assert_int_equal(news->index, index);
    return news;
}

void await_why(struct rig *rig, enum kind kind, uint32_t index, const char *why)
{
    assert_string_equal(await(rig, kind, index)->text, why);
}

struct backend_setup fake_setup(void)
{
    return (struct backend_setup){.driver = str_of(getenv("SNOWMUX_FAKE_DRIVER")),
        .entrypoint = STR("AdbcDriverFakeInit")};
}

void spawn(struct rig *rig, uint32_t worker, uint32_t generation)
{
    struct backend_setup setup = fake_setup();
    backend_spawn(rig->backend, worker, generation, &setup);
}

struct rig *fake_start(void)
{
    struct rig *rig = rig_start(getenv("SNOWMUX_WORKER"));
    spawn(rig, 1, 10);
    assert_int_equal(await(rig, WORKER_UP, 1)->generation, 10);
    return rig;
}

void connect_up(struct rig *rig, uint32_t conn)
{
    backend_connect(rig->backend, conn, 1, 1);
    assert_int_equal(await(rig, CONN_UP, conn)->generation, 1);
}

struct rig *peer_start(const char *script)
{
    setenv("BACKEND_PEER", script, 1);
    struct rig *rig = rig_start(getenv("SNOWMUX_BACKEND_PEER"));
    spawn(rig, 1, 10);
    return rig;
}

struct backend_exec exec_of(uint64_t call, const char *sql)
{
    return (struct backend_exec){.call = call,
        .sql = str_of(sql),
        .rows_max = 100,
        .page_bytes = 100000,
        .cell_chars = 100};
}

void exec(struct rig *rig, uint32_t conn, uint64_t call, const char *sql)
{
    struct backend_exec exec = exec_of(call, sql);
    backend_exec(rig->backend, conn, 1, &exec);
}

const struct news *query(struct rig *rig, uint32_t conn, uint64_t call, const char *sql)
{
    exec(rig, conn, call, sql);
    assert_true(await(rig, STARTED, conn)->call == call);
    const struct news *news = await(rig, PAGE, conn);
    assert_true(news->call == call);
    return news;
}

void round_trip(struct rig *rig, uint32_t conn, uint64_t call)
{
    assert_string_equal(query(rig, conn, call, "rows 1 1")->text, "[[0,\"x\"]]");
}

void wait_exited(int pid)
{
    siginfo_t info;
    assert_true(pid > 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

void await_reaped(struct rig *rig, int pid)
{
    assert_true(pid > 0);
    while (kill(pid, 0) == 0) {
        uv_run(&rig->loop, UV_RUN_ONCE);
    }
    assert_int_equal(errno, ESRCH);
}

bool rig_prepare(void)
{
    static const char *const names[] = {"SNOWMUX_WORKER", "SNOWMUX_FAKE_DRIVER",
        "SNOWMUX_DUCKDB", "SNOWMUX_BACKEND_PEER"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!getenv(names[i])) {
            fprintf(stderr, "%s is not set\n", names[i]);
            return false;
        }
    }
    /* libuv opens some descriptors for good with its first loop. */
    uv_loop_t loop;
    uv_loop_init(&loop);
    uv_loop_close(&loop);
    /* What came from whoever started the test is not at issue. */
    return close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}
