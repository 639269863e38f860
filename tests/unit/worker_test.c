// SPDX-License-Identifier: Apache-2.0
/* Runs the real worker, over real sockets, with the scripted driver and with DuckDB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker_rig.h"

static void fake_types(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    struct page page = query(&rig, fd, "types", wide);
    assert_str(page.rows,
        "[[null,true,-5,251,-5,65531,-5,4294967291,9007199254740991,\"9007199254740992\","
        "\"-9223372036854775808\",\"18446744073709551615\",1.5,0.1,0.1,-1.5e+300,\"NaN\","
        "\"-Infinity\",\"-123.45\",\"0.005\",-12345,"
        "\"99999999999999999999999999999999999999\",\"-1.2345\",\"a\\\"\xc3\xa9\\n\","
        "\"00ff10\",\"deadbeef\",\"2024-01-01\",\"1969-12-31\",\"2000-02-29\","
        "\"12:00:00.5\",\"2024-01-02T03:04:05.123456789\",\"1969-12-31T23:59:59.999\","
        "\"2024-01-02T03:04:05Z\",\"2024-01-02T08:34:05.12+05:30\",\"PT-0.001S\",\"P14M\","
        "\"P-2DT1.5S\",\"P14M3DT1S\"],"
        "[null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
        "null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
        "null,null,null,null,null,null]]");
    assert_int_equal(page.row_count, 2);
    assert_int_equal(page.total_rows, 2);
    assert_int_equal(page.truncated, 0);
    assert_str(page.cuts, "[]");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_limits(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    struct page page = query(&rig, fd, "rows 3 2", (struct limits){2, 1000, 2});
    assert_str(page.columns,
        "[{\"name\":\"id\",\"type\":\"BIGINT\"},{\"name\":\"text\",\"type\":\"VARCHAR\"}]");
    assert_str(page.rows, "[[0,\"xx\"],[1,\"xx\"]]");
    assert_int_equal(page.total_rows, 3);
    assert_int_equal(page.truncated, 1);
    page = query(&rig, fd, "rows 2 5", (struct limits){2, 1000, 3});
    assert_str(page.rows, "[[0,\"xxx\"],[1,\"xxx\"]]");
    assert_str(page.cuts, "[[0,1,5],[1,1,5]]");
    assert_int_equal(page.total_rows, 2);
    assert_int_equal(page.truncated, 1);
    page = query(&rig, fd, "rows 2 2", (struct limits){100, 17, 100});
    assert_str(page.rows, "[[0,\"xx\"]]"); /* both would be 19 bytes */
    page = query(&rig, fd, "rows 2 2", (struct limits){100, 19, 100});
    assert_int_equal(page.rows.len, 19);
    page = query(&rig, fd, "rows 2 100", (struct limits){100, 1, 100});
    assert_int_equal(page.row_count, 1);
    page = query(&rig, fd, "rows 0", wide);
    assert_str(page.rows, "[]");
    assert_int_equal(page.total_rows, 0);
    page = query(&rig, fd, "rows 100001", (struct limits){1, 1000, 10});
    assert_int_equal(page.total_rows, 100001);
    page = query(&rig, fd, "rows 200000", (struct limits){1, 1000, 10});
    assert_int_equal(page.total_rows, -1);
    assert_int_equal(page.truncated, 1);
    /* A first row larger than any page is cut until it fits. */
    page = query(&rig, fd, "rows 2 3000000", (struct limits){9, 1000, 3000000});
    assert_int_equal(page.row_count, 1);
    assert_str(page.cuts, "[[0,1,3000000]]");
    assert_int_equal(page.rows.len, 750000 + 8);
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_errors(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    struct answer_error error = query_error(&rig, fd, "error no such thing");
    assert_int_equal(error.code, WIRE_E_SQL);
    assert_str(error.message, "no such thing");
    assert_str(error.sqlstate, "42000");
    assert_int_equal(error.vendor_code, 1003);
    assert_int_equal(error.usable, 1);
    error = query_error(&rig, fd, "refuse"); /* would abort if executed */
    assert_str(error.message, "refused");
    exec_send(&rig, fd, "adbc.connection.catalog", "SALES", "context", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    assert_str(page_read(&rig, fd).rows, "[[\"SALES\",\"\"]]");
    exec_send(&rig, fd, "no.such.option", "x", "context", wide);
    error = error_read(&rig, fd); /* and no STARTED */
    assert_int_equal(error.code, WIRE_E_CONTEXT);
    assert_int_equal(error.usable, 1);
    error = query_error(&rig, fd, "lost");
    assert_int_equal(error.code, WIRE_E_LOST);
    assert_int_equal(error.usable, 0);
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_refusals(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    struct answer_error error = query_error(&rig, fd, "odd");
    assert_int_equal(error.code, WIRE_E_SQL);
    assert_str(error.message,
        "column 1 (odd) has a type that cannot be shown: Arrow format \"odd\"; cast it to "
        "text in the statement, or leave it out");
    assert_int_equal(error.usable, 1);
    error = query_error(&rig, fd, "holes");
    assert_int_equal(error.code, WIRE_E_SQL);
    assert_str(error.message,
        "the driver's rows do not fit the type of column 1 (holes), "
        "Arrow format \"U\"");
    assert_str(query(&rig, fd, "rows 1 1", wide).rows, "[[0,\"x\"]]");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_cancel(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 4);
    int other = attach(&rig, 5);
    uint64_t call = exec_send(&rig, fd, NULL, NULL, "sleep 8000", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    cancel(&rig, 4, call + 1); /* neither another call nor another connection */
    cancel(&rig, 5, call);
    assert_false(wait_readable(fd, 50));
    uint64_t start = clock_boot_ns();
    cancel(&rig, 4, call);
    struct answer_error error = error_read(&rig, fd);
    assert_int_equal(error.code, WIRE_E_CANCELLED);
    assert_int_equal(error.usable, 1);
    assert_true(clock_boot_ns() - start < NS_PER_S);
    assert_str(query(&rig, fd, "sleep 1", wide).rows, "[[\"slept\"]]");
    /* A cancel may overtake its call. */
    cancel(&rig, 4, rig.calls + 1);
    ping(&rig);
    exec_send(&rig, fd, NULL, NULL, "sleep 8000", wide);
    assert_int_equal(error_read(&rig, fd).code, WIRE_E_CANCELLED);
    /* A late answer to a cancelled call is still one answer. */
    call = exec_send(&rig, fd, NULL, NULL, "late 300", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    cancel(&rig, 4, call);
    assert_int_equal(error_read(&rig, fd).code, WIRE_E_CANCELLED);
    assert_str(query(&rig, fd, "rows 1 1", wide).rows, "[[0,\"x\"]]");
    close(other);
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

/* Rows so far are told while batches come: not before a second, nor more often. */
static void fake_rows_so_far(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    uint64_t start = clock_boot_ns();
    struct page page = query(&rig, fd, "slow 6 400", wide);
    uint64_t seconds = (clock_boot_ns() - start) / NS_PER_S;
    assert_int_equal(page.total_rows, 6000);
    assert_in_range(rig.told_count, 1, seconds);
    assert_true(rig.told_rows % 1000 == 0 && rig.told_rows < 6000 + 1);
    uint64_t call = exec_send(&rig, fd, NULL, NULL, "slow 1000 100", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    cancel(&rig, 1, call);
    assert_int_equal(error_read(&rig, fd).code, WIRE_E_CANCELLED);
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

/* Asks on @fd until the answer to @sql is no longer @rows. */
static void await_change(struct rig *rig, int fd, const char *sql, const char *rows)
{
    uint64_t end = clock_boot_ns() + WAIT_MS * NS_PER_S / 1000;
    while (str_eq(query(rig, fd, sql, wide).rows, str_of(rows))) {
        assert_true(clock_boot_ns() < end);
        poll(NULL, 0, 1);
    }
}

/* A daemon that closes the socket of a running call has it cancelled. */
static void fake_hang_up(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    int other = attach(&rig, 2);
    exec_send(&rig, fd, NULL, NULL, "sleep 100000", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    await_change(&rig, other, "waits", "[[0]]");
    close(fd);
    await_change(&rig, other, "cancels", "[[0]]");
    close(other);
    for (uint32_t i = 0; i < 200; i++) { /* slots come back */
        close(attach(&rig, i));
        poll(NULL, 0, 1);
    }
    assert_int_equal(rig_stop(&rig), 0);
}

static void fake_crash_and_hang(void **state)
{
    (void)state;
    struct rig rig;
    fake_start(&rig);
    int fd = attach(&rig, 1);
    int other = attach(&rig, 2);
    uint64_t call = exec_send(&rig, fd, NULL, NULL, "hang", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    await_change(&rig, other, "waits", "[[0]]");
    cancel(&rig, 1, call);
    assert_false(wait_readable(fd, 250));
    ping(&rig); /* only that connection hangs */
    assert_str(query(&rig, other, "rows 1 1", wide).rows, "[[0,\"x\"]]");
    close(fd);
    close(other);
    assert_int_equal(rig_stop(&rig), 0); /* the control socket's end ends it */

    fake_start(&rig);
    fd = attach(&rig, 1);
    exec_send(&rig, fd, NULL, NULL, "crash", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    assert_int_equal(connection_read(&rig, fd), 0);
    assert_true(wait_readable(rig.control, WAIT_MS));
    close(fd);
    int status = rig_stop(&rig);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void failed_setups(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig);
    assert_int_equal(set_up(&rig, "/no/such/driver.so", "", NULL, NULL), WIRE_FAILED);
    assert_int_equal(rig_stop(&rig), 0);
    rig_start(&rig);
    const char *driver = getenv("SNOWMUX_FAKE_DRIVER");
    assert_int_equal(
        set_up(&rig, driver, "AdbcDriverFakeInit", "fail", NULL), WIRE_FAILED);
    struct wire_reader reader = wire_reader_of(&rig.frame);
    assert_str(wire_get_str(&reader), "a value");
    assert_int_equal(rig_stop(&rig), 0);
    rig_start(&rig);
    assert_int_equal(
        set_up(&rig, driver, "AdbcDriverFakeInit", NULL, "error bad init"), WIRE_FAILED);
    reader = wire_reader_of(&rig.frame);
    assert_str(wire_get_str(&reader), "bad init");
    assert_int_equal(rig_stop(&rig), 0);
    rig_start(&rig);
    assert_int_equal(send(rig.control, "garbage", 7, 0), 7);
    assert_true(wait_readable(rig.control, WAIT_MS));
    assert_int_equal(rig_stop(&rig), 0);
}

/* SQL, its rows, and the type of the only column. */
static const struct {
    const char *sql;
    const char *rows;
    const char *type;
} duck_values[] = {
    {"select seven from t", "[[7]]", "INTEGER"},
    {"select null", "[[null]]", "INTEGER"},
    {"select true", "[[true]]", "BOOLEAN"},
    {"select 9007199254740993::bigint", "[[\"9007199254740993\"]]", "BIGINT"},
    {"select -9007199254740991::bigint", "[[-9007199254740991]]", "BIGINT"},
    {"select 255::utinyint", "[[255]]", "UTINYINT"},
    {"select 170141183460469231731687303715884105727::hugeint // 10",
        "[[\"17014118346046923173168730371588410572\"]]", "DECIMAL(38,0)"},
    {"select 12.50::decimal(12,2)", "[[\"12.50\"]]", "DECIMAL(12,2)"},
    {"select -0.05::decimal(4,2)", "[[\"-0.05\"]]", "DECIMAL(4,2)"},
    {"select 0.1::double", "[[0.1]]", "DOUBLE"},
    {"select 'nan'::float", "[[\"NaN\"]]", "FLOAT"},
    {"select 'h\xc3\xa9'", "[[\"h\xc3\xa9\"]]", "VARCHAR"},
    {"select '\\x00\\xFF'::blob", "[[\"00ff\"]]", "BINARY"},
    {"select date '2024-02-29'", "[[\"2024-02-29\"]]", "DATE"},
    {"select time '01:02:03.045'", "[[\"01:02:03.045\"]]", "TIME"},
    {"select timestamp '1969-12-31 23:59:59.25'", "[[\"1969-12-31T23:59:59.25\"]]",
        "TIMESTAMP"},
    {"select timestamptz '2024-01-01 00:00:00+02'", "[[\"2023-12-31T22:00:00Z\"]]",
        "TIMESTAMP WITH TIME ZONE"},
    {"select timestamp_ns '2024-01-01 00:00:00.000000001'",
        "[[\"2024-01-01T00:00:00.000000001\"]]", "TIMESTAMP"},
    {"select interval '1 month 2 days 3 seconds'", "[[\"P1M2DT3S\"]]", "INTERVAL"},
    {"select [1, null, 3]", "[[\"[1,null,3]\"]]", "INTEGER[]"},
    {"select [1, 2]::integer[2]", "[[\"[1,2]\"]]", "INTEGER[2]"},
    {"select {'a': 1, 'b': ['x']}", "[[\"{\\\"a\\\":1,\\\"b\\\":[\\\"x\\\"]}\"]]",
        "STRUCT(a INTEGER, b VARCHAR[])"},
    {"select map {'k': 1.5}", "[[\"{\\\"k\\\":\\\"1.5\\\"}\"]]",
        "MAP(VARCHAR, DECIMAL(2,1))"},
    {"select map {1: 'a'}", "[[\"[[1,\\\"a\\\"]]\"]]", "MAP(INTEGER, VARCHAR)"},
    {"select union_value(num := 2)", "[[2]]", "UNION(num INTEGER)"},
    {"select 'happy'::enum('sad', 'happy')", "[[\"happy\"]]", "VARCHAR"},
    {"select uuid '00000000-0000-0000-0000-000000000001'",
        "[[\"00000000-0000-0000-0000-000000000001\"]]", "VARCHAR"},
    {"select * from (values ([1]), (null), ([2, 3]), ([]))",
        "[[\"[1]\"],[null],[\"[2,3]\"],[\"[]\"]]", "INTEGER[]"},
};

static void duck_types(void **state)
{
    (void)state;
    struct rig rig;
    duck_start(&rig);
    int fd = attach(&rig, 1);
    for (size_t i = 0; i < ARRAY_LEN(duck_values); i++) {
        struct page page = query(&rig, fd, duck_values[i].sql, wide);
        struct buf tail = BUF_INIT(256);
        buf_printf(&tail, "\"type\":\"%s\"}]", duck_values[i].type);
        assert_true(page.columns.len > tail.len);
        assert_str(str_from(page.columns, page.columns.len - tail.len), tail.ptr);
        assert_str(page.rows, duck_values[i].rows);
        buf_free(&tail);
    }
    struct page page =
        query(&rig, fd, "select '\xc3\xa9\xc3\xa9\xc3\xa9' a, [1,2,3], 'abcd'::blob",
            (struct limits){10, 1000, 2});
    assert_str(page.rows, "[[\"\xc3\xa9\xc3\xa9\",\"[1\",\"61\"]]");
    assert_str(page.cuts, "[[0,0,6],[0,1,7],[0,2,8]]");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void duck_life(void **state)
{
    (void)state;
    struct rig rig;
    duck_start(&rig);
    int fd = attach(&rig, 1);
    struct answer_error error = query_error(&rig, fd, "select * from missing");
    assert_int_equal(error.code, WIRE_E_SQL);
    assert_int_equal(error.usable, 1);
    error = query_error(&rig, fd, "selec");
    assert_int_equal(error.code, WIRE_E_SQL);
    uint64_t call = exec_send(&rig, fd, NULL, NULL,
        "select sum(a.i * b.i) from range(1000000) a(i), range(1000000) b(i)", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    poll(NULL, 0, 200);
    uint64_t start = clock_boot_ns();
    cancel(&rig, 1, call);
    assert_int_equal(error_read(&rig, fd).code, WIRE_E_CANCELLED);
    assert_true(clock_boot_ns() - start < 2 * NS_PER_S);
    /* A cancel at the very start is not lost. */
    for (int i = 0; i < 20; i++) {
        call = exec_send(&rig, fd, NULL, NULL,
            "select sum(a.i * b.i) from range(1000000) a(i), range(1000000) b(i)", wide);
        cancel(&rig, 1, call);
        enum wire_kind kind = connection_read(&rig, fd);
        if (kind == WIRE_STARTED) {
            kind = connection_read(&rig, fd);
        }
        assert_int_equal(kind, WIRE_ERROR);
    }
    struct page page = query(
        &rig, fd, "select i from range(5000000) r(i)", (struct limits){3, 1000, 10});
    assert_str(page.rows, "[[0],[1],[2]]");
    assert_int_equal(page.total_rows, -1);
    assert_str(query(&rig, fd, "select seven from t", wide).rows, "[[7]]");
    exec_send(
        &rig, fd, "adbc.connection.db_schema", "main", "select current_schema()", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    assert_str(page_read(&rig, fd).rows, "[[\"main\"]]");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void a_setting_without_a_name_is_a_statement(void **state)
{
    struct rig rig;
    (void)state;
    duck_start(&rig);
    int fd = attach(&rig, 1);
    (void)query(&rig, fd, "create schema plain", wide);
    exec_send(&rig, fd, "", "USE \"plain\"", "select current_schema()", wide);
    assert_int_equal(connection_read(&rig, fd), WIRE_STARTED);
    assert_str(page_read(&rig, fd).rows, "[[\"plain\"]]");
    exec_send(&rig, fd, "", "USE nowhere", "select 1", wide);
    struct answer_error error = error_read(&rig, fd);
    assert_int_equal(error.code, WIRE_E_CONTEXT);
    assert_int_equal(error.usable, 1);
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fake_types),
        cmocka_unit_test(fake_limits),
        cmocka_unit_test(fake_errors),
        cmocka_unit_test(fake_refusals),
        cmocka_unit_test(fake_cancel),
        cmocka_unit_test(fake_rows_so_far),
        cmocka_unit_test(fake_hang_up),
        cmocka_unit_test(fake_crash_and_hang),
        cmocka_unit_test(failed_setups),
        cmocka_unit_test(duck_types),
        cmocka_unit_test(duck_life),
        cmocka_unit_test(a_setting_without_a_name_is_a_statement),
    };
    if (!getenv("SNOWMUX_WORKER") || !getenv("SNOWMUX_FAKE_DRIVER") ||
        !getenv("SNOWMUX_DUCKDB")) {
        fprintf(
            stderr, "SNOWMUX_WORKER, SNOWMUX_FAKE_DRIVER, SNOWMUX_DUCKDB are not set\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
