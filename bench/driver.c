// SPDX-License-Identifier: Apache-2.0
/*
 * driver LIBRARY FILE SECONDS SQL: the same statement as through the daemon, but straight
 * through the ADBC driver manager, on one thread, up to the same page of JSON. Each line
 * on standard input begins a run, which ends with a line of JSON.
 *
 * driver LIBRARY FILE: makes an empty database.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "worker/arrow_json.h"

enum {
    ROWS_MAX = 100,
    PAGE_BYTES = 32 * 1024,
    CELL_CHARS = 2000,
    COLUMNS_MAX = 256 * 1024,
    SAMPLES_MAX = 1024 * 1024,
};

struct engine {
    struct AdbcDatabase database;
    struct AdbcConnection connection;
    uint64_t *samples; /* ns */
};

static void check(AdbcStatusCode status, const struct AdbcError *error, const char *what)
{
    if (status != ADBC_STATUS_OK) {
        fprintf(stderr, "driver: %s: %s\n", what,
            error->message ? error->message : "no reason");
        exit(1);
    }
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "driver: %s\n", what);
        exit(1);
    }
}

static void option(struct engine *engine, const char *key, const char *value)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    check(AdbcDatabaseSetOption(&engine->database, key, value, &error), &error, key);
}

static void open_engine(
    struct engine *engine, const char *library, const char *path, bool is_new)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    check(AdbcDatabaseNew(&engine->database, &error), &error, "database");
    option(engine, "driver", library);
    option(engine, "entrypoint", "duckdb_adbc_init");
    option(engine, "path", path);
    if (!is_new) {
        option(engine, "access_mode", "READ_ONLY");
        option(engine, "memory_limit", "1024MB");
        option(engine, "threads", "1");
    }
    check(AdbcDatabaseInit(&engine->database, &error), &error, path);
    check(AdbcConnectionNew(&engine->connection, &error), &error, "connection");
    check(
        AdbcConnectionInit(&engine->connection, &engine->database, &error), &error, path);
}

static void close_engine(struct engine *engine)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    check(AdbcConnectionRelease(&engine->connection, &error), &error, "connection");
    check(AdbcDatabaseRelease(&engine->database, &error), &error, "database");
}

/* What the worker does between a call and its page. */
static void read_page(struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema = {0};
    struct arrow_page page;
    struct buf columns = BUF_INIT(COLUMNS_MAX);
    arrow_page_init(&page, ROWS_MAX, PAGE_BYTES, CELL_CHARS);
    must(stream->get_schema(stream, &schema) == 0, "no schema");
    arrow_put_columns(&columns, &schema);
    for (;;) {
        struct ArrowArray batch = {0};
        must(stream->get_next(stream, &batch) == 0, "the stream failed");
        if (!batch.release) {
            break;
        }
        must(arrow_page_add(&page, &schema, &batch), "the row is too large");
        batch.release(&batch);
    }
    must(arrow_page_end(&page) && page.row_count == 1 && buf_ok(&columns), "not one row");
    schema.release(&schema);
    arrow_page_free(&page);
    buf_free(&columns);
}

static void run_once(struct engine *engine, const char *sql)
{
    struct AdbcStatement statement = {0};
    struct AdbcError error = ADBC_ERROR_INIT;
    struct ArrowArrayStream stream = {0};
    int64_t rows = -1;
    check(AdbcStatementNew(&engine->connection, &statement, &error), &error, "statement");
    check(AdbcStatementSetSqlQuery(&statement, sql, &error), &error, sql);
    check(AdbcStatementExecuteQuery(&statement, &stream, &rows, &error), &error, sql);
    read_page(&stream);
    stream.release(&stream);
    check(AdbcStatementRelease(&statement, &error), &error, "statement");
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* The moment of the next call; with @interval_ns it is waited for. */
static uint64_t next_ns(uint64_t due_ns, uint64_t interval_ns)
{
    struct timespec due = {
        .tv_sec = (time_t)(due_ns / NS_PER_S), .tv_nsec = (long)(due_ns % NS_PER_S)};
    if (interval_ns > 0) {
        while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &due, NULL) == EINTR) {
        }
    }
    return clock_boot_ns();
}

static void run(struct engine *engine, const char *sql, uint64_t run_ns, uint64_t rate)
{
    uint64_t begin_ns = clock_boot_ns();
    uint64_t interval_ns = rate > 0 ? NS_PER_S / rate : 0;
    uint64_t now_ns = begin_ns;
    size_t count = 0;
    while (now_ns < begin_ns + run_ns && count < SAMPLES_MAX) {
        uint64_t asked_ns = next_ns(begin_ns + count * interval_ns, interval_ns);
        run_once(engine, sql);
        now_ns = clock_boot_ns();
        engine->samples[count++] = now_ns - asked_ns;
    }
    qsort(engine->samples, count, sizeof(*engine->samples), compare);
    printf("{\"requests\":%zu,\"seconds\":%.6f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", count,
        (double)(now_ns - begin_ns) / 1e9, (double)engine->samples[count / 2] / 1e3,
        (double)engine->samples[count * 99 / 100] / 1e3);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct engine engine = {.samples = malloc(SAMPLES_MAX * sizeof(*engine.samples))};
    char line[16];
    if ((argc != 3 && argc != 5) || !engine.samples) {
        fprintf(stderr, "usage: driver LIBRARY FILE [SECONDS SQL]\n");
        return 2;
    }
    open_engine(&engine, argv[1], argv[2], argc == 3);
    if (argc == 5) {
        run_once(&engine, argv[4]);
        puts("ready");
        fflush(stdout);
        while (fgets(line, sizeof(line), stdin)) {
            run(&engine, argv[4], (uint64_t)(strtod(argv[3], NULL) * 1e9),
                strtoul(line, NULL, 10));
        }
    }
    close_engine(&engine);
    free(engine.samples);
    return 0;
}
