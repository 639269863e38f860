// SPDX-License-Identifier: Apache-2.0
/* Exports of spools by the real worker, read back by DuckDB and by nanoarrow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "spool_rig.h"
#include "worker/arrow_json.h"

static const struct limits page_of_one = {1, 1024 * 1024, 100000};

static char out_path[PATH_SIZE + 8];

static void export_send(struct pair *pair, const char *path, uint32_t format)
{
    struct buf out = BUF_INIT(FRAME_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_EXPORT, ++pair->reader.calls);
    wire_str(&writer, str_of(pair->path));
    wire_str(&writer, str_of(path));
    wire_u32(&writer, format);
    assert_true(wire_end(&writer));
    assert_int_equal(send(pair->reader_fd, out.ptr, out.len, MSG_NOSIGNAL), out.len);
    buf_free(&out);
}

/* Exports to out_path; returns the rows. */
static uint64_t export_to(struct pair *pair, uint32_t format, uint64_t *ret_bytes)
{
    struct stat status;
    unlink(out_path);
    export_send(pair, out_path, format);
    enum wire_kind kind = connection_read(&pair->reader, pair->reader_fd);
    struct wire_reader fields = wire_reader_of(&pair->reader.frame);
    if (kind == WIRE_ERROR) {
        wire_get_u32(&fields);
        struct str message = wire_get_str(&fields);
        print_error("error: " STR_FMT "\n", STR_ARG(message));
    }
    assert_int_equal(kind, WIRE_EXPORTED);
    uint64_t rows = wire_get_u64(&fields);
    *ret_bytes = wire_get_u64(&fields);
    assert_true(wire_reader_done(&fields));
    assert_int_equal(stat(out_path, &status), 0);
    assert_int_equal(status.st_size, *ret_bytes);
    assert_int_equal(status.st_mode & 07777, 0600);
    return rows;
}

static void export_start(struct pair *pair, void (*start)(struct rig *rig))
{
    pair_start(pair, start);
    snprintf(out_path, sizeof(out_path), "%s/out", pair->dir);
}

/* Fails also when a part of an export was left. */
static void export_stop(struct pair *pair)
{
    unlink(out_path);
    pair_stop(pair);
}

static void assert_file(const char *expected)
{
    char bytes[4096];
    int fd = open(out_path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t len = read(fd, bytes, sizeof(bytes));
    close(fd);
    assert_str((struct str){bytes, (size_t)len}, expected);
}

/* The statement's rows and a null one, so that there is a spool. */
static void spool_sql(struct pair *pair, const char *sql)
{
    remove_file(pair);
    assert_true(run(pair, sql, page_of_one).spooled_rows > 1);
}

static const char small_sql[] =
    "select a n, b s, c s, d e, f \"b,c\", g l, h s_2 from (values (1, 'a', 1.50, '', null, [1, null], 'x'), "
    "(null, 'say \"hi\",\r\nthere', 2.25, null, true, [], ' ')) v(a, b, c, d, f, g, h)";

static void csv_is_as_the_standard_says(void **state)
{
    (void)state;
    struct pair pair;
    uint64_t bytes;
    export_start(&pair, duck_start);
    spool_sql(&pair, small_sql);
    assert_int_equal(export_to(&pair, WIRE_FORMAT_CSV, &bytes), 2);
    assert_file("n,s,s,e,\"b,c\",l,s_2\r\n"
                "1,a,1.50,\"\",,\"[1,null]\",x\r\n"
                ",\"say \"\"hi\"\",\r\nthere\",2.25,,true,\"[]\", \r\n");
    export_stop(&pair);
}

static void json_lines_have_a_name_for_each_column(void **state)
{
    (void)state;
    struct pair pair;
    uint64_t bytes;
    export_start(&pair, duck_start);
    spool_sql(&pair, small_sql);
    assert_int_equal(export_to(&pair, WIRE_FORMAT_JSON_LINES, &bytes), 2);
    assert_file("{\"n\":1,\"s\":\"a\",\"s_3\":\"1.50\",\"e\":\"\",\"b,c\":null,"
                "\"l\":\"[1,null]\",\"s_2\":\"x\"}\n"
                "{\"n\":null,\"s\":\"say \\\"hi\\\",\\r\\nthere\",\"s_3\":\"2.25\","
                "\"e\":null,\"b,c\":true,\"l\":\"[]\",\"s_2\":\" \"}\n");
    export_stop(&pair);
}

/* Texts of every kind, long ones too; i makes rows unlike each other. */
static const char mixed_sql[] =
    "select i, i * 1000000007 big, (i / 8)::decimal(18, 3) price, i / 7 ratio, "
    "case when i % 5 = 0 then null when i % 5 = 1 then '' "
    "when i % 5 = 2 then '\"quoted\", ' || i when i % 5 = 3 then "
    "repeat('l\xc3\xb6ng\n\"', i::int) else 'plain' || i end txt, "
    "timestamp '1999-12-31 23:59:59' + to_seconds(i * 86401) moment, "
    "i % 3 = 0 as yes, date '2024-02-27' + i::int as d from range(3000) r(i)";

static void assert_rows(struct pair *pair, const char *sql, const char *rows)
{
    pair->writer.spool_path = NULL;
    assert_str(run(pair, sql, wide).rows, rows);
    pair->writer.spool_path = pair->path;
}

/* Exports; what @reader makes of the file has to be the same rows, no more and no less.
 */
static void check_read_back(uint32_t format, const char *reader, const char *options)
{
    struct pair pair;
    uint64_t bytes;
    char sql[4096];
    export_start(&pair, duck_start);
    spool_sql(&pair, mixed_sql);
    assert_int_equal(export_to(&pair, format, &bytes), 3000);
    snprintf(sql, sizeof(sql),
        "with back as (from %s('%s', %s, columns = {i: 'bigint', big: 'bigint', "
        "price: 'decimal(18, 3)', ratio: 'double', txt: 'varchar', moment: 'timestamp', "
        "yes: 'boolean', d: 'date'})), own as (%s) select (select count(*) from back), "
        "(select count(*) from (from back except all from own)), "
        "(select count(*) from (from own except all from back))",
        reader, out_path, options, mixed_sql);
    assert_rows(&pair, sql, "[[3000,0,0]]");
    export_stop(&pair);
}

static void duckdb_reads_csv_back(void **state)
{
    (void)state;
    check_read_back(
        WIRE_FORMAT_CSV, "read_csv", "header = true, allow_quoted_nulls = false");
}

static void duckdb_reads_json_lines_back(void **state)
{
    (void)state;
    check_read_back(WIRE_FORMAT_JSON_LINES, "read_json", "format = 'newline_delimited'");
}

static void arrow_is_a_stream_of_the_same_rows(void **state)
{
    (void)state;
    struct pair pair;
    uint64_t bytes;
    export_start(&pair, duck_start);
    spool_sql(&pair, mixed_sql);
    assert_int_equal(export_to(&pair, WIRE_FORMAT_ARROW, &bytes), 3000);
    struct page page = fetch(&pair, 0, (struct limits){3000, 1024 * 1024, 1000000});
    struct kept kept = keep(&page);
    FILE *file = fopen(out_path, "rb");
    struct ArrowIpcInputStream input;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct arrow_page read;
    assert_non_null(file);
    assert_int_equal(ArrowIpcInputStreamInitFile(&input, file, 1), 0);
    assert_int_equal(ArrowIpcArrayStreamReaderInit(&stream, &input, NULL), 0);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    arrow_page_init(&read, kept.row_count, 1024 * 1024, 1000000);
    int64_t rows = 0;
    for (;;) {
        struct ArrowArray batch;
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        if (!batch.release) {
            break;
        }
        rows += batch.length;
        assert_true(read.full || arrow_page_add(&read, &schema, &batch));
        batch.release(&batch);
    }
    assert_int_equal(rows, 3000);
    assert_true(arrow_page_end(&read));
    assert_true(kept.row_count > 100);
    assert_true(str_eq(buf_str(&read.rows), buf_str(&kept.rows)));
    arrow_page_free(&read);
    kept_free(&kept);
    ArrowSchemaRelease(&schema);
    ArrowArrayStreamRelease(&stream);
    export_stop(&pair);
}

/* A large value is written in parts, whose joints must not show. */
static void no_cell_is_cut(void **state)
{
    (void)state;
    struct pair pair;
    uint64_t bytes;
    char sql[1024];
    export_start(&pair, duck_start);
    spool_sql(&pair, "select i, repeat('\xc3\xa9\"\n', 100000) t, range(50000) l, "
                     "[repeat('\xe2\x82\xac\"', 40000)] n from range(2) r(i)");
    assert_int_equal(export_to(&pair, WIRE_FORMAT_JSON_LINES, &bytes), 2);
    const char *fields = "count(*), sum((t = repeat('\xc3\xa9\"\n', 100000))::int), "
                         "sum((l::bigint[] = range(50000))::int), "
                         "sum((n::json->>0 = repeat('\xe2\x82\xac\"', 40000))::int)";
    snprintf(sql, sizeof(sql),
        "select %s from read_json('%s', format = 'newline_delimited', "
        "maximum_object_size = 4000000, columns = {i: 'int', t: 'varchar', l: 'varchar', "
        "n: 'varchar'})",
        fields, out_path);
    assert_rows(&pair, sql, "[[2,2,2,2]]");
    assert_int_equal(export_to(&pair, WIRE_FORMAT_CSV, &bytes), 2);
    snprintf(sql, sizeof(sql),
        "select %s from read_csv('%s', header = true, max_line_size = 4000000, "
        "columns = {i: 'int', t: 'varchar', l: 'varchar', n: 'varchar'})",
        fields, out_path);
    assert_rows(&pair, sql, "[[2,2,2,2]]");
    export_stop(&pair);
}

static void what_cannot_be_written_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    struct pair pair;
    uint64_t bytes;
    export_start(&pair, fake_start);
    (void)run(&pair, "rows 300 100", page_of_one);
    assert_int_equal(export_to(&pair, WIRE_FORMAT_CSV, &bytes), 300);
    export_send(&pair, out_path, WIRE_FORMAT_CSV);
    assert_wrong(&pair, "there is already a file");
    assert_int_equal(unlink(out_path), 0);
    assert_int_equal(symlink("nowhere", out_path), 0);
    export_send(&pair, out_path, WIRE_FORMAT_CSV);
    assert_wrong(&pair, "there is already a file");
    export_send(&pair, "/no/such/directory/out", WIRE_FORMAT_CSV);
    assert_wrong(&pair, "No such file or directory");
    export_send(&pair, "relative", WIRE_FORMAT_CSV);
    assert_wrong(&pair, "absolute path");
    export_send(&pair, "", WIRE_FORMAT_CSV);
    assert_wrong(&pair, "absolute path");
    export_send(&pair, out_path, 4);
    assert_wrong(&pair, "no such format");
    assert_int_equal(unlink(out_path), 0);
    for (uint32_t format = WIRE_FORMAT_CSV; format <= WIRE_FORMAT_ARROW; format++) {
        int fd = open(pair.path, O_RDWR);
        assert_int_equal(pwrite(fd, "damage", 6, 3000), 6);
        close(fd);
        export_send(&pair, out_path, format);
        assert_refused(&pair, "is damaged");
        assert_int_equal(access(out_path, F_OK), -1);
    }
    remove_file(&pair);
    export_send(&pair, out_path, WIRE_FORMAT_CSV);
    assert_refused(&pair, "is gone");
    export_stop(&pair);
}

static void a_full_disk_is_named_and_the_part_removed(void **state)
{
    (void)state;
    struct pair pair;
    struct rlimit old;
    struct rlimit small = {64 * 1024, 64 * 1024};
    signal(SIGXFSZ, SIG_IGN); /* the worker inherits it */
    export_start(&pair, fake_start);
    (void)run(&pair, "rows 5000 100", page_of_one);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    assert_int_equal(prlimit(pair.reader.pid, RLIMIT_FSIZE, &small, NULL), 0);
    export_send(&pair, out_path, WIRE_FORMAT_JSON_LINES);
    assert_refused(&pair, "the disk is full");
    assert_int_equal(access(out_path, F_OK), -1);
    export_stop(&pair);
}

/* The cancel comes before the call, so that no race decides. */
static void a_cancelled_export_leaves_nothing(void **state)
{
    (void)state;
    struct pair pair;
    uint64_t bytes;
    export_start(&pair, fake_start);
    (void)run(&pair, "rows 5000 100", page_of_one);
    for (uint32_t format = WIRE_FORMAT_CSV; format <= WIRE_FORMAT_ARROW; format++) {
        cancel(&pair.reader, 1, pair.reader.calls + 1);
        ping(&pair.reader);
        export_send(&pair, out_path, format);
        struct answer_error error = error_read(&pair.reader, pair.reader_fd);
        assert_int_equal(error.code, WIRE_E_CANCELLED);
        assert_int_equal(error.usable, 1);
        assert_int_equal(access(out_path, F_OK), -1);
    }
    assert_int_equal(export_to(&pair, WIRE_FORMAT_CSV, &bytes), 5000);
    export_stop(&pair);
}

/* A reader that may write into the directory of the pair, and nowhere else. */
static bool start_confined(struct rig *rig, const char *dir)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    rig_start(rig);
    struct wire_writer writer = wire_begin(&out, WIRE_SETUP, 0);
    wire_str(&writer, STR("")); /* no driver */
    wire_str(&writer, STR(""));
    wire_u32(&writer, 0);         /* options, */
    wire_u32(&writer, 0);         /* statements, */
    for (int i = 0; i < 2; i++) { /* paths to read, and to write */
        wire_u32(&writer, 1);
        wire_str(&writer, str_of(dir));
    }
    wire_u32(&writer, WIRE_CONFINED);
    control_send(rig, &out, &writer, -1);
    assert_int_equal(control_read(rig), WIRE_READY);
    struct wire_reader fields = wire_reader_of(&rig->frame);
    return wire_get_str(&fields).len > 0;
}

static void a_confined_reader_exports_where_it_may(void **state)
{
    (void)state;
    struct pair pair;
    struct rig plain;
    uint64_t bytes;
    char other[] = "/tmp/snowmux-export-XXXXXX";
    export_start(&pair, fake_start);
    (void)run(&pair, "rows 300 100", page_of_one);
    plain = pair.reader;
    close(pair.reader_fd);
    bool is_confined = start_confined(&pair.reader, pair.dir);
    pair.reader_fd = attach(&pair.reader, 1);
    for (uint32_t format = WIRE_FORMAT_CSV; format <= WIRE_FORMAT_ARROW; format++) {
        assert_int_equal(export_to(&pair, format, &bytes), 300);
    }
    if (is_confined) {
        char path[64];
        assert_non_null(mkdtemp(other));
        snprintf(path, sizeof(path), "%s/out", other);
        export_send(&pair, path, WIRE_FORMAT_CSV);
        assert_wrong(&pair, "cannot create");
        assert_int_equal(rmdir(other), 0);
    }
    assert_int_equal(rig_stop(&plain), 0);
    export_stop(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_as_the_standard_says),
        cmocka_unit_test(json_lines_have_a_name_for_each_column),
        cmocka_unit_test(duckdb_reads_csv_back),
        cmocka_unit_test(duckdb_reads_json_lines_back),
        cmocka_unit_test(arrow_is_a_stream_of_the_same_rows),
        cmocka_unit_test(no_cell_is_cut),
        cmocka_unit_test(what_cannot_be_written_says_why_and_leaves_nothing),
        cmocka_unit_test(a_full_disk_is_named_and_the_part_removed),
        cmocka_unit_test(a_cancelled_export_leaves_nothing),
        cmocka_unit_test(a_confined_reader_exports_where_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
