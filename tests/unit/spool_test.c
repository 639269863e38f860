// SPDX-License-Identifier: Apache-2.0
/* Spools: written by a worker with a driver, read back by a worker without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "spool_rig.h"

static void a_result_within_the_page_leaves_no_file(void **state)
{
    (void)state;
    struct pair pair;
    pair_start(&pair, fake_start);
    struct page page = run(&pair, "rows 1000 1", wide);
    assert_int_equal(page.total_rows, 1000);
    assert_int_equal(page.truncated, 0);
    assert_int_equal(page.spooled_rows, 0);
    assert_int_equal(page.spool_bytes, 0);
    assert_false(has_file(&pair));
    page = run(&pair, "rows 0", wide);
    assert_int_equal(page.spooled_rows, 0);
    page = run(&pair, "types", wide);
    assert_int_equal(page.truncated, 0);
    assert_false(has_file(&pair));
    pair_stop(&pair);
}

static void a_longer_result_is_read_at_any_offset(void **state)
{
    (void)state;
    enum {
        TOTAL = 250000
    };
    struct pair pair;
    pair_start(&pair, fake_start);
    struct page page = run(&pair, "rows 250000 20", (struct limits){100, 32768, 100});
    assert_int_equal(page.row_count, 100);
    assert_int_equal(page.total_rows, TOTAL);
    assert_int_equal(page.truncated, 1);
    assert_int_equal(page.spooled_rows, TOTAL);
    assert_int_equal(page.spool_cap, WIRE_CAP_NONE);
    struct stat status;
    assert_int_equal(stat(pair.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, page.spool_bytes);
    struct kept live = keep(&page);
    page = fetch(&pair, 0, (struct limits){100, 32768, 100});
    assert_same(&page, &live);
    kept_free(&live);
    assert_int_equal(page.total_rows, TOTAL);
    assert_int_equal(page.truncated, 0); /* all that was asked for */
    struct rng rng = {.state = 7};
    for (int i = 0; i < 200; i++) {
        uint64_t offset = rng_below(&rng, TOTAL);
        uint64_t left = TOTAL - offset;
        struct buf first = BUF_INIT(64);
        page = fetch(&pair, offset, (struct limits){5000, 1024 * 1024, 100});
        assert_int_equal(page.row_count, left < 5000 ? left : 5000);
        assert_int_equal(page.truncated, 0);
        buf_printf(&first, "[[%d,\"xxxxxxxxxxxxxxxxxxxx\"]", (int)offset);
        assert_true(str_starts(page.rows, buf_str(&first)));
        buf_clear(&first);
        buf_printf(
            &first, "[%d,\"xxxxxxxxxxxxxxxxxxxx\"]]", (int)(offset + page.row_count - 1));
        assert_true(
            str_eq(str_from(page.rows, page.rows.len - first.len), buf_str(&first)));
        buf_free(&first);
    }
    page = fetch(&pair, 5, (struct limits){100, 60, 100});
    assert_str(page.rows, "[[5,\"xxxxxxxxxxxxxxxxxxxx\"],[6,\"xxxxxxxxxxxxxxxxxxxx\"]]");
    assert_int_equal(page.truncated, 1);
    pair_stop(&pair);
}

static void cut_cells_cause_a_spool_and_are_read_in_steps(void **state)
{
    (void)state;
    struct pair pair;
    pair_start(&pair, duck_start);
    const char *sql = "select 1 as n, repeat('\xc3\xa9\xe2\x82\xac', 1000) as t, "
                      "range(500) as l, repeat('ab', 900)::blob as b, null as z, "
                      "1.50::decimal(9,2) as d, timestamp '2024-01-01 10:00:00' as s";
    struct limits narrow = {100, 32768, 20};
    struct page page = run(&pair, sql, narrow);
    assert_int_equal(page.row_count, 1);
    assert_int_equal(page.total_rows, 1);
    assert_int_equal(page.truncated, 1);
    assert_int_equal(page.spooled_rows, 1);
    assert_str(page.cuts, "[[0,1,5000],[0,2,1891],[0,3,3600]]");
    struct kept live = keep(&page);
    page = fetch(&pair, 0, narrow);
    assert_same(&page, &live);
    assert_int_equal(page.truncated, 1);
    kept_free(&live);

    struct buf text = BUF_INIT(8000);
    uint64_t total = 1;
    while (text.len < total) {
        struct str part = cell(&pair, 0, 1, text.len, 64, &total);
        assert_true(part.len > 0 && part.len <= 64 && str_is_utf8(part));
        buf_put_str(&text, part);
    }
    assert_int_equal(total, 5000);
    assert_true(str_starts(buf_str(&text), STR("\xc3\xa9\xe2\x82\xac\xc3\xa9")));
    buf_free(&text);
    assert_int_equal(cell(&pair, 0, 1, 0, 1, &total).len, 2); /* one character at least */
    assert_str(cell(&pair, 0, 1, 5000, 100, &total), "");
    pair_stop(&pair);
}

static void cells_have_the_text_that_pages_show(void **state)
{
    (void)state;
    struct pair pair;
    pair_start(&pair, duck_start);
    uint64_t total;
    (void)run(&pair,
        "select 7 as n, 'h\xc3\xa9' as t, [1, 2] as l, 'ab'::blob as b, null as z, "
        "1.50::decimal(9,2) as d, true as o, repeat('x', 99) as x",
        (struct limits){100, 32768, 20});
    assert_str(cell(&pair, 0, 0, 0, 100, &total), "7");
    assert_str(cell(&pair, 0, 1, 0, 100, &total), "h\xc3\xa9");
    assert_int_equal(total, 3);
    assert_str(cell(&pair, 0, 1, 3, 100, &total), "");
    assert_str(cell(&pair, 0, 2, 0, 100, &total), "[1,2]");
    assert_str(cell(&pair, 0, 3, 1, 2, &total), "162");
    assert_int_equal(total, 4);
    assert_str(cell(&pair, 0, 4, 0, 100, &total), "");
    assert_int_equal(total, 0);
    assert_str(cell(&pair, 0, 5, 0, 100, &total), "1.50");
    assert_str(cell(&pair, 0, 6, 0, 100, &total), "true");
    cell_send(&pair, 0, 1, 2, 100);
    assert_wrong(&pair, "inside a character");
    cell_send(&pair, 0, 1, 4, 100);
    assert_wrong(&pair, "the cell's text has 3 bytes");
    cell_send(&pair, 1, 0, 0, 100);
    assert_wrong(&pair, "no row 1: the stored result has rows 0 to 0");
    cell_send(&pair, 0, 8, 0, 100);
    assert_wrong(&pair, "no column 8: the stored result has columns 0 to 7");
    pair_stop(&pair);
}

/* Runs with a page of one row, then compares all rows. */
static void check_whole(struct pair *pair, const char *sql)
{
    pair->writer.spool_path = NULL;
    struct page page = run(pair, sql, wide);
    struct kept live = keep(&page);
    pair->writer.spool_path = pair->path;
    page = run(pair, sql, (struct limits){1, 1024 * 1024, 100000});
    if (live.row_count > 1) {
        if (page.spooled_rows != live.row_count) {
            print_error("no spool of: %s\n", sql);
        }
        assert_int_equal(page.spooled_rows, live.row_count);
        page = fetch(pair, 0, wide);
        assert_same(&page, &live);
        page = fetch(pair, live.row_count - 1, wide);
        assert_int_equal(page.row_count, 1);
    }
    kept_free(&live);
    remove_file(pair);
}

static void all_types_of_the_scripted_driver_survive(void **state)
{
    (void)state;
    struct pair pair;
    pair_start(&pair, fake_start);
    check_whole(&pair, "types");
    check_whole(&pair, "rows 300 0");
    pair_stop(&pair);
}

/* Each is spooled alone, with nulls among its values. */
static const char *const duck_columns[] = {
    "i % 2 = 0",
    "(i - 5)::tinyint",
    "(i * 1000000007)::bigint",
    "i::utinyint",
    "i::uhugeint",
    "(i * 100000000000000007)::hugeint",
    "(i / 8)::decimal(4,2)",
    "(i / 8)::decimal(9,4)",
    "(i / 8)::decimal(18,4)",
    "(i / 8)::decimal(38,10)",
    "(i / 7)::float",
    "(i / 7)::double",
    "repeat('\xc3\xa9', i::int)",
    "repeat('ab', i::int)::blob",
    "i::int::bit",
    "date '2024-01-30' + i::int",
    "time '01:02:03.045' + to_seconds(i)",
    "timetz '01:02:03+02'",
    "timestamp '1969-12-31 23:59:59.25' + to_seconds(i)",
    "timestamptz '2024-01-01 00:00:00+02' + to_seconds(i)",
    "(timestamp '2024-01-01' + to_seconds(i))::timestamp_s",
    "(timestamp '2024-01-01' + to_seconds(i))::timestamp_ms",
    "(timestamp '2024-01-01' + to_seconds(i))::timestamp_ns",
    "interval '1 month 2 days 3 seconds' * i",
    "[i, null, i + 1]",
    "case when i % 2 = 0 then []::int[] else range(i) end",
    "[i, 2]::integer[2]",
    "[[i], null, []]",
    "{'a': i, 'b': ['x' || i, null]}",
    "{'a': {'b': null, 'c': i}}",
    "map {'k' || i: 1.5, 'l': null}",
    "map {i: ['a', 'b']}",
    "union_value(num := i)",
    "case when i % 2 = 0 then (i::int)::union(n int, t varchar) else 't' || i end",
    "(case when i % 2 = 0 then 'sad' else 'happy' end)::enum('sad', 'happy')",
    "[(case when i % 2 = 0 then 'sad' else 'happy' end)::enum('sad', 'happy')]",
    "md5(i::varchar)::uuid",
    "json_object('a', i)",
    "null",
};

static void all_types_of_duckdb_survive(void **state)
{
    (void)state;
    struct pair pair;
    pair_start(&pair, duck_start);
    static const char *const settings[] = {"select 1",
        "set arrow_large_buffer_size = true", "set produce_arrow_string_view = true",
        "set arrow_output_list_view = true", "set arrow_lossless_conversion = true"};
    for (size_t s = 0; s < ARRAY_LEN(settings); s++) {
        (void)run(&pair, settings[s], wide);
        for (size_t i = 0; i < ARRAY_LEN(duck_columns); i++) {
            char sql[512];
            snprintf(sql, sizeof(sql),
                "select i, v from range(20) r(i) left join (select i, %s as v "
                "from range(20) s(i) where i %% 3 <> 1) using (i) order by i",
                duck_columns[i]);
            check_whole(&pair, sql);
        }
    }
    pair_stop(&pair);
}

static void limits_cap_the_spool(void **state)
{
    (void)state;
    struct limits ten = {10, 32768, 100};
    struct pair pair;
    pair_start(&pair, fake_start);
    pair.writer.spool_rows_max = 1500;
    struct page page = run(&pair, "rows 100000000 20", ten);
    assert_int_equal(page.spooled_rows, 1500);
    assert_int_equal(page.spool_cap, WIRE_CAP_ROWS);
    assert_int_equal(page.total_rows, -1);
    page = fetch(&pair, 1490, wide);
    assert_int_equal(page.row_count, 10);
    assert_int_equal(page.total_rows, 1500);
    fetch_send(&pair, pair.path, 1500, wide);
    assert_wrong(&pair, "offset 1500 is beyond the end: the stored result has 1500");
    remove_file(&pair);
    page = run(&pair, "rows 1500 20", ten); /* just as much is no more */
    assert_int_equal(page.spooled_rows, 1500);
    assert_int_equal(page.spool_cap, WIRE_CAP_NONE);
    assert_int_equal(page.total_rows, 1500);
    remove_file(&pair);

    pair.writer.spool_rows_max = ROWS_MAX;
    pair.writer.spool_bytes_max = 3 * 1024 * 1024;
    page = run(&pair, "rows 100000000 2000", ten);
    assert_int_equal(page.spool_cap, WIRE_CAP_BYTES);
    assert_int_equal(page.total_rows, -1);
    assert_true(page.spool_bytes <= pair.writer.spool_bytes_max);
    assert_true(page.spool_bytes > pair.writer.spool_bytes_max - 8 * 2048);
    page = fetch(&pair, page.spooled_rows - 1, wide);
    assert_int_equal(page.row_count, 1);
    remove_file(&pair);
    /* Without a row in the spool, rows are counted as without a spool. */
    pair.writer.spool_bytes_max = 2048;
    page = run(&pair, "rows 50000 2000", ten);
    assert_int_equal(page.spooled_rows, 0);
    assert_int_equal(page.spool_cap, WIRE_CAP_BYTES);
    assert_int_equal(page.total_rows, 50000);
    assert_false(has_file(&pair));
    pair.writer.spool_bytes_max = BYTES_MAX;
    pair.writer.spool_rows_max = 4; /* and a cut cell among the first of its rows */
    page = run(&pair, "rows 3000 200", (struct limits){2000, 1000000, 100});
    assert_int_equal(page.row_count, 2000);
    assert_int_equal(page.spooled_rows, 4); /* what fits is kept, though the page has more */
    assert_int_equal(page.spool_cap, WIRE_CAP_ROWS);
    assert_int_equal(page.total_rows, -1);
    assert_int_equal(fetch(&pair, 0, wide).row_count, 4);
    pair_stop(&pair);
}

/* Waits for the spool of a running call. */
static void await_file(const struct pair *pair)
{
    uint64_t end = clock_boot_ns() + WAIT_MS * NS_PER_S / 1000;
    while (!has_file(pair)) {
        assert_true(clock_boot_ns() < end);
        poll(NULL, 0, 1);
    }
}

static void what_fails_or_is_cancelled_leaves_no_file(void **state)
{
    (void)state;
    struct limits ten = {10, 32768, 100};
    struct pair pair;
    pair_start(&pair, fake_start);
    pair.writer.spool_rows_max = UINT64_MAX;
    pair.writer.spool_bytes_max = UINT64_MAX;
    uint64_t call =
        exec_send(&pair.writer, pair.writer_fd, NULL, NULL, "rows 1000000000000 0", ten);
    assert_int_equal(connection_read(&pair.writer, pair.writer_fd), WIRE_STARTED);
    await_file(&pair);
    cancel(&pair.writer, 1, call);
    assert_int_equal(error_read(&pair.writer, pair.writer_fd).code, WIRE_E_CANCELLED);
    assert_false(has_file(&pair));
    exec_send(&pair.writer, pair.writer_fd, NULL, NULL, "broken 5000 100", ten);
    assert_int_equal(connection_read(&pair.writer, pair.writer_fd), WIRE_STARTED);
    assert_int_equal(error_read(&pair.writer, pair.writer_fd).code, WIRE_E_SQL);
    assert_false(has_file(&pair));
    /* A daemon that is gone gets no page, so nothing is left for it. */
    exec_send(&pair.writer, pair.writer_fd, NULL, NULL, "rows 1000000000000 0", ten);
    await_file(&pair);
    close(pair.writer_fd);
    uint64_t end = clock_boot_ns() + WAIT_MS * NS_PER_S / 1000;
    while (has_file(&pair)) {
        assert_true(clock_boot_ns() < end);
        poll(NULL, 0, 1);
    }
    pair.writer_fd = attach(&pair.writer, 2);
    pair_stop(&pair);
}

/* Whoever starts a worker so gives it a disk of @bytes. */
static void small_start(struct rig *rig, rlim_t bytes)
{
    struct rlimit old;
    struct rlimit small = {bytes, bytes};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN); /* the worker inherits both */
    setrlimit(RLIMIT_FSIZE, &small);
    fake_start(rig);
    setrlimit(RLIMIT_FSIZE, &old);
}

static void full_start(struct rig *rig)
{
    small_start(rig, 64 * 1024);
}

static void smaller_start(struct rig *rig)
{
    small_start(rig, 2560 * 1024);
}

static void a_full_disk_keeps_what_fits(void **state)
{
    (void)state;
    struct limits ten = {10, 32768, 100};
    struct pair pair;
    pair_start(&pair, smaller_start);
    struct page page = run(&pair, "rows 50000 1000", ten);
    assert_int_equal(page.spool_cap, WIRE_CAP_DISK);
    assert_int_equal(page.spool_errno, EFBIG);
    assert_int_equal(page.total_rows, -1);
    assert_true(page.spooled_rows > 1500 && page.spooled_rows < 2560);
    assert_true(page.spool_bytes <= 2560 * 1024);
    assert_int_equal(fetch(&pair, page.spooled_rows - 1, wide).row_count, 1);
    assert_int_equal(fetch(&pair, 0, wide).total_rows, page.spooled_rows);
    remove_file(&pair);
    /* All rows fit, but not the end. */
    for (uint32_t rows = 2400; rows < 2600; rows += 2) {
        char sql[64];
        snprintf(sql, sizeof(sql), "rows %u 1000", rows);
        page = run(&pair, sql, ten);
        assert_int_equal(fetch(&pair, page.spooled_rows - 1, wide).row_count, 1);
        assert_int_equal(
            page.spool_cap, page.spooled_rows < rows ? WIRE_CAP_DISK : WIRE_CAP_NONE);
        remove_file(&pair);
    }
    pair_stop(&pair);
}

static void without_a_file_the_page_is_answered_all_the_same(void **state)
{
    (void)state;
    struct limits ten = {10, 32768, 100};
    struct pair pair;
    pair_start(&pair, full_start);
    struct page page = run(&pair, "rows 50000 100", ten);
    assert_int_equal(page.row_count, 10);
    assert_int_equal(page.truncated, 1);
    assert_int_equal(page.total_rows, 50000);
    assert_int_equal(page.spooled_rows, 0);
    assert_int_equal(page.spool_bytes, 0);
    assert_int_equal(page.spool_cap, WIRE_CAP_DISK);
    assert_false(has_file(&pair));
    page = run(&pair, "rows 300 100", ten);
    assert_int_equal(page.spooled_rows, 300); /* that still fits */
    /* What is there already is left alone. */
    page = run(&pair, "rows 200 100", ten);
    assert_int_equal(page.spooled_rows, 0);
    assert_int_equal(fetch(&pair, 0, wide).total_rows, 300);
    remove_file(&pair);
    pair.writer.spool_path = "/no/such/directory/spool";
    page = run(&pair, "rows 200 100", ten);
    assert_int_equal(page.spooled_rows, 0);
    assert_int_equal(page.spool_cap, WIRE_CAP_DISK);
    assert_int_equal(page.spool_errno, ENOENT);
    assert_int_equal(page.total_rows, 200);
    pair_stop(&pair);
}

static void readers_refuse_what_is_no_spool(void **state)
{
    (void)state;
    struct pair pair;
    pair_start(&pair, fake_start);
    fetch_send(&pair, pair.path, 0, wide);
    assert_refused(&pair, "is gone");
    assert_int_equal(mkfifo(pair.path, 0600), 0);
    fetch_send(&pair, pair.path, 0, wide);
    assert_refused(&pair, "not a regular file");
    remove_file(&pair);
    assert_int_equal(symlink("/etc/passwd", pair.path), 0);
    fetch_send(&pair, pair.path, 0, wide);
    assert_refused(&pair, "cannot be opened");
    assert_int_equal(unlink(pair.path), 0);
    fetch_send(&pair, pair.dir, 0, wide);
    assert_refused(&pair, "not a regular file");
    fetch_send(&pair, "/etc/passwd", 0, wide);
    assert_refused(&pair, "no stored result");
    fetch_send(&pair, "", 0, wide);
    assert_refused(&pair, "is gone");
    pair_stop(&pair);
}

static void each_kind_of_worker_answers_its_own_frames(void **state)
{
    (void)state;
    struct pair pair;
    pair_start(&pair, fake_start);
    exec_send(&pair.reader, pair.reader_fd, NULL, NULL, "rows 1", wide);
    assert_int_equal(connection_read(&pair.reader, pair.reader_fd), 0);
    close(pair.reader_fd);
    pair.reader_fd = pair.writer_fd; /* FETCH goes to the driver's worker */
    fetch_send(&pair, pair.path, 0, wide);
    assert_int_equal(connection_read(&pair.writer, pair.writer_fd), 0);
    close(pair.writer_fd);
    pair.writer_fd = attach(&pair.writer, 2);
    pair.reader_fd = attach(&pair.reader, 2);
    struct rig rig;
    rig_start(&rig);
    assert_int_equal(set_up(&rig, "", "", "key", NULL), WIRE_FAILED);
    struct wire_reader fields = wire_reader_of(&rig.frame);
    assert_str(wire_get_str(&fields), "a reader of spools takes no options");
    assert_int_equal(rig_stop(&rig), 0);
    pair_stop(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_within_the_page_leaves_no_file),
        cmocka_unit_test(a_longer_result_is_read_at_any_offset),
        cmocka_unit_test(cut_cells_cause_a_spool_and_are_read_in_steps),
        cmocka_unit_test(cells_have_the_text_that_pages_show),
        cmocka_unit_test(all_types_of_the_scripted_driver_survive),
        cmocka_unit_test(all_types_of_duckdb_survive),
        cmocka_unit_test(limits_cap_the_spool),
        cmocka_unit_test(what_fails_or_is_cancelled_leaves_no_file),
        cmocka_unit_test(a_full_disk_keeps_what_fits),
        cmocka_unit_test(without_a_file_the_page_is_answered_all_the_same),
        cmocka_unit_test(readers_refuse_what_is_no_spool),
        cmocka_unit_test(each_kind_of_worker_answers_its_own_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
