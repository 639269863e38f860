// SPDX-License-Identifier: Apache-2.0
/* What large results cost the real worker beyond what the driver hands over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "spool_rig.h"

enum {
    SKIPPED = 77
};

/* Most memory @pid ever had, in kilobytes. */
static long peak_kb(pid_t pid)
{
    char line[256];
    long kb = -1;
    snprintf(line, sizeof(line), "/proc/%d/status", (int)pid);
    FILE *file = fopen(line, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        sscanf(line, "VmHWM: %ld", &kb);
    }
    fclose(file);
    return kb;
}

static long bytes_mb(long kb_before, long kb_after)
{
    return (kb_after - kb_before) / 1024;
}

static void memory_does_not_grow_with_the_result(void **state)
{
    (void)state;
    struct limits page_of_100 = {100, 32768, 2000};
    struct pair pair;
    pair_start(&pair, fake_start);
    struct page page = run(&pair, "rows 400000 100", page_of_100);
    assert_int_equal(page.spooled_rows, 400000);
    assert_true(page.spool_bytes > 40 * 1000 * 1000);
    (void)fetch(&pair, 399000, wide);
    print_message("peak: writer %ld KB, reader %ld KB\n", peak_kb(pair.writer.pid),
        peak_kb(pair.reader.pid));
    assert_true(peak_kb(pair.writer.pid) < 20 * 1024);
    assert_true(peak_kb(pair.reader.pid) < 20 * 1024);
    pair_stop(&pair);
}

/* Of 64 MB each of the two may take beyond what the driver hands over, here 76 MB. */
static void a_large_row_is_held_once(void **state)
{
    (void)state;
    enum {
        CELL = 40 * 1000 * 1000,
        BATCH_MB = 2 * CELL / 1024 / 1024
    };
    uint64_t total;
    struct pair pair;
    pair_start(&pair, fake_start);
    long writer_kb = peak_kb(pair.writer.pid);
    long reader_kb = peak_kb(pair.reader.pid);
    struct page page = run(&pair, "rows 2 40000000", (struct limits){100, 32768, 2000});
    assert_int_equal(page.spooled_rows, 2);
    assert_str(page.cuts, "[[0,1,40000000],[1,1,40000000]]");
    struct str text = cell(&pair, 1, 1, CELL - 10, 100, &total);
    assert_str(text, "xxxxxxxxxx");
    assert_int_equal(total, CELL);
    long writer_mb = bytes_mb(writer_kb, peak_kb(pair.writer.pid)) - BATCH_MB;
    long reader_mb = bytes_mb(reader_kb, peak_kb(pair.reader.pid));
    print_message("own: writer %ld MB, reader %ld MB\n", writer_mb, reader_mb);
    assert_true(writer_mb < 64 && reader_mb < 64);
    remove_file(&pair);
    /* What is larger is shown, cut, but not kept. */
    page = run(&pair, "rows 1 100000000", (struct limits){100, 32768, 2000});
    assert_str(page.cuts, "[[0,1,100000000]]");
    assert_int_equal(page.spooled_rows, 0);
    assert_int_equal(page.spool_cap, WIRE_CAP_ROW);
    assert_int_equal(page.truncated, 1);
    pair_stop(&pair);
}

/* Answers of a megabyte each, which nobody reads. */
static void a_stuck_reader_costs_its_pages_only(void **state)
{
    (void)state;
    enum {
        STUCK = 8
    };
    struct rig rig;
    int fds[STUCK];
    fake_start(&rig);
    for (uint32_t i = 0; i < STUCK; i++) {
        fds[i] = attach(&rig, i + 1);
    }
    long before_kb = peak_kb(rig.pid);
    for (uint32_t i = 0; i < STUCK; i++) {
        exec_send(&rig, fds[i], NULL, NULL, "rows 100000 1000",
            (struct limits){2000, 1024 * 1024, 2000});
        assert_int_equal(connection_read(&rig, fds[i]), WIRE_STARTED);
    }
    for (uint32_t i = 0; i < STUCK; i++) {
        assert_true(wait_readable(fds[i], WAIT_MS)); /* the page is on its way */
    }
    ping(&rig);
    long own_mb = bytes_mb(before_kb, peak_kb(rig.pid));
    print_message("own: %ld MB for %d stuck readers\n", own_mb, STUCK);
    assert_true(own_mb < 64);
    for (uint32_t i = 0; i < STUCK; i++) {
        close(fds[i]);
    }
    assert_int_equal(rig_stop(&rig), 0);
}

static void ten_thousand_columns_are_shown_and_kept(void **state)
{
    (void)state;
    struct buf sql = BUF_INIT(1024 * 1024);
    struct pair pair;
    pair_start(&pair, duck_start);
    buf_puts(&sql, "select ");
    for (int i = 0; i < 10000; i++) {
        buf_printf(&sql, "%si * %d as a_name_of_column_%d", i > 0 ? ", " : "", i, i);
    }
    buf_puts(&sql, " from range(20) r(i)");
    buf_putc(&sql, '\0');
    long reader_kb = peak_kb(pair.reader.pid);
    struct page page = run(&pair, sql.ptr, (struct limits){100, 32768, 2000});
    assert_int_equal(page.row_count, 1); /* larger than a page, but the first */
    assert_int_equal(page.total_rows, 20);
    assert_int_equal(page.spooled_rows, 20);
    page = fetch(&pair, 19, wide);
    assert_int_equal(page.row_count, 1);
    assert_true(page.rows.len > 20000);
    long reader_mb = bytes_mb(reader_kb, peak_kb(pair.reader.pid));
    print_message("own: reader %ld MB\n", reader_mb);
    assert_true(reader_mb < 64);
    buf_free(&sql);
    pair_stop(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_does_not_grow_with_the_result),
        cmocka_unit_test(a_large_row_is_held_once),
        cmocka_unit_test(a_stuck_reader_costs_its_pages_only),
        cmocka_unit_test(ten_thousand_columns_are_shown_and_kept),
    };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return ARRAY_LEN(tests) > 0 ? SKIPPED : 0; /* they keep what was freed */
#else
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
