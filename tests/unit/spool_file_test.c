// SPDX-License-Identifier: Apache-2.0
/* Arrays as no driver here makes them: their spools give the same pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "spool_table.h"
#include "worker/spool.h"
#include "worker/spool_format.h"

/* Writes the batch three times over and compares it from every row on. Releases it. */
static void check(struct table *table)
{
    int64_t rows = table->batch.length;
    struct buf columns = BUF_INIT(PAGE_BYTES);
    struct buf out = BUF_INIT(FRAME_MAX);
    arrow_put_columns(&columns, &table->schema);
    spool_write(table, 3);
    for (int64_t i = 0; i < rows; i++) {
        struct arrow_page page;
        live_page(table, i, rows - i, &page);
        for (int copy = 0; copy < 3; copy++) {
            uint64_t row = (uint64_t)(copy * rows + i);
            struct wire_frame frame = spool_fetch(row, (uint32_t)(rows - i), &out);
            assert_page(&frame, buf_str(&columns), buf_str(&page.rows));
        }
        arrow_page_free(&page);
    }
    buf_free(&columns);
    buf_free(&out);
    ArrowArrayRelease(&table->batch);
    ArrowSchemaRelease(&table->schema);
}

/* As check(), but of a slice, and with each column sliced on its own. */
static void check_sliced(struct table *table)
{
    int64_t rows = table->batch.length;
    for (int64_t i = 0; i < table->batch.n_children; i++) {
        table->batch.children[i]->offset = 1 + i % 2;
        table->batch.children[i]->length = rows - 1 - i % 2;
    }
    table->batch.offset = 3;
    table->batch.length = rows - 5;
    check(table);
}

static void numbers_and_bits_of_slices(void **state)
{
    (void)state;
    struct table table;
    numbers_make(&table);
    check(&table);
    numbers_make(&table);
    check_sliced(&table);
}

static void texts_large_ones_and_views(void **state)
{
    (void)state;
    struct table table;
    texts_make(&table);
    check(&table);
    texts_make(&table);
    check_sliced(&table);
}

static void lists_of_every_layout(void **state)
{
    (void)state;
    struct table table;
    lists_make(&table);
    check(&table);
    lists_make(&table);
    check_sliced(&table);
    many_make(&table);
    check(&table);
    many_make(&table);
    check_sliced(&table);
}

static void dictionaries_are_written_out(void **state)
{
    (void)state;
    struct table table;
    dictionaries_make(&table);
    check(&table);
    dictionaries_make(&table);
    check_sliced(&table);
}

static void runs_are_written_out(void **state)
{
    (void)state;
    struct table table;
    runs_make(&table);
    check(&table);
    runs_make(&table);
    check_sliced(&table);
}

static void unions_dense_and_sparse(void **state)
{
    (void)state;
    struct table table;
    unions_make(&table, NANOARROW_TYPE_DENSE_UNION);
    check(&table);
    unions_make(&table, NANOARROW_TYPE_DENSE_UNION);
    check_sliced(&table);
    unions_make(&table, NANOARROW_TYPE_SPARSE_UNION);
    check(&table);
    unions_make(&table, NANOARROW_TYPE_SPARSE_UNION);
    check_sliced(&table);
}

/* 2,000 rows of 2,000 bytes, with one of 3 MB among them. */
static void large_make(struct table *table, enum ArrowType type)
{
    enum {
        ROWS = 2000,
        HUGE_ROW = 1000,
        HUGE_LEN = 3 * 1024 * 1024,
    };
    struct ArrowSchema *schema = table_schema(table, 1);
    OK(ArrowSchemaSetType(schema->children[0], type));
    struct ArrowArray *batch = table_open(table);
    char *text = malloc(HUGE_LEN);
    assert_non_null(text);
    memset(text, 'x', HUGE_LEN);
    for (int i = 0; i < ROWS; i++) {
        struct ArrowStringView view = {text, i == HUGE_ROW ? HUGE_LEN : 2000};
        OK(ArrowArrayAppendString(batch->children[0], view));
    }
    free(text);
    table_close(table, ROWS);
}

static void check_pieces(enum ArrowType type)
{
    struct table table;
    large_make(&table, type);
    spool_write(&table, 1);
    ArrowArrayRelease(&table.batch);
    ArrowSchemaRelease(&table.schema);
    struct spool_trailer trailer;
    FILE *file = fopen(spool_path, "r");
    assert_non_null(file);
    fseek(file, -(long)sizeof(trailer), SEEK_END);
    assert_int_equal(fread(&trailer, sizeof(trailer), 1, file), 1);
    assert_int_equal(trailer.rows, 2000);
    fseek(file, (long)trailer.index_offset, SEEK_SET);
    struct spool_entry entry;
    struct spool_entry next;
    uint64_t large = 0;
    assert_int_equal(fread(&entry, sizeof(entry), 1, file), 1);
    for (uint64_t i = 1; i < trailer.pieces; i++) {
        assert_int_equal(fread(&next, sizeof(next), 1, file), 1);
        if (next.offset - entry.offset > SPOOL_PIECE_MAX + 4096) {
            assert_int_equal(next.first_row - entry.first_row, 1);
            large++;
        }
        entry = next;
    }
    assert_int_equal(large, 1);
    assert_true(trailer.pieces >= 5 && trailer.pieces < 10); /* and they are full */
    fclose(file);
}

static void pieces_are_of_a_megabyte_or_one_row(void **state)
{
    (void)state;
    check_pieces(NANOARROW_TYPE_STRING);
    check_pieces(NANOARROW_TYPE_STRING_VIEW);
}

static void an_unknown_type_gives_no_spool(void **state)
{
    (void)state;
    struct table table;
    struct ArrowSchema *schema = table_schema(&table, 1);
    OK(ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_INT32));
    struct ArrowArray *batch = table_open(&table);
    OK(ArrowArrayAppendInt(batch->children[0], 1));
    table_close(&table, 1);
    OK(ArrowSchemaSetFormat(schema->children[0], "?"));
    unlink(spool_path);
    struct spool *spool = spool_new(str_of(spool_path), 10, 1 << 20);
    assert_false(spool_add(spool, schema, &table.batch, true));
    spool_free(spool);
    assert_int_equal(access(spool_path, F_OK), -1);
    ArrowSchemaRelease(schema);
    assert_null(spool_new(STR(""), 10, 10));
    assert_null(spool_new(STR("a\0b"), 10, 10));
    assert_null(spool_new(STR("/tmp/x"), 0, 10));
    assert_null(spool_new(STR("/tmp/x"), 10, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_bits_of_slices),
        cmocka_unit_test(texts_large_ones_and_views),
        cmocka_unit_test(lists_of_every_layout),
        cmocka_unit_test(dictionaries_are_written_out),
        cmocka_unit_test(runs_are_written_out),
        cmocka_unit_test(unions_dense_and_sparse),
        cmocka_unit_test(pieces_are_of_a_megabyte_or_one_row),
        cmocka_unit_test(an_unknown_type_gives_no_spool),
    };
    return cmocka_run_group_tests(tests, spool_set_up, spool_tear_down);
}
