// SPDX-License-Identifier: Apache-2.0
#include "spool_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "worker/fetch.h"
#include "worker/spool.h"

char spool_path[64];
static char dir[] = "/tmp/snowmux-spool-XXXXXX";

struct ArrowSchema *table_schema(struct table *table, int64_t columns)
{
    ArrowSchemaInit(&table->schema);
    OK(ArrowSchemaSetTypeStruct(&table->schema, columns));
    return &table->schema;
}

struct ArrowArray *table_open(struct table *table)
{
    OK(ArrowArrayInitFromSchema(&table->batch, &table->schema, NULL));
    OK(ArrowArrayStartAppending(&table->batch));
    return &table->batch;
}

void table_close(struct table *table, int64_t rows)
{
    table->batch.length = rows;
    OK(ArrowArrayFinishBuilding(&table->batch, NANOARROW_VALIDATION_LEVEL_DEFAULT, NULL));
}

static void append_text(struct ArrowArray *array, const char *text)
{
    OK(ArrowArrayAppendString(array, ArrowCharView(text)));
}

/* Answers one FETCH or CELL; the frame stays in @out. */
static struct wire_frame answer(struct buf *request, struct buf *out)
{
    struct wire_frame frame;
    assert_true(wire_parse(buf_str(request), &frame) > 0);
    buf_clear(out);
    assert_true(fetch_answer(&frame, out));
    assert_int_equal(wire_parse(buf_str(out), &frame), out->len);
    buf_free(request);
    return frame;
}

struct wire_frame spool_fetch(uint64_t row, uint32_t rows, struct buf *out)
{
    struct buf request = BUF_INIT(4096);
    struct wire_writer writer = wire_begin(&request, WIRE_FETCH, 1);
    wire_str(&writer, str_of(spool_path));
    wire_u64(&writer, row);
    wire_u32(&writer, rows);
    wire_u32(&writer, PAGE_BYTES);
    wire_u32(&writer, CHARS);
    assert_true(wire_end(&writer));
    return answer(&request, out);
}

struct wire_frame spool_cell(uint64_t row, uint32_t column, struct buf *out)
{
    struct buf request = BUF_INIT(4096);
    struct wire_writer writer = wire_begin(&request, WIRE_CELL, 1);
    wire_str(&writer, str_of(spool_path));
    wire_u64(&writer, row);
    wire_u32(&writer, column);
    wire_u64(&writer, 0);
    wire_u32(&writer, 1000);
    assert_true(wire_end(&writer));
    return answer(&request, out);
}

void assert_page(const struct wire_frame *frame, struct str columns, struct str rows)
{
    struct wire_reader reader = wire_reader_of(frame);
    assert_int_equal(frame->kind, WIRE_PAGE);
    struct str got_columns = wire_get_str(&reader);
    struct str got_rows = wire_get_str(&reader);
    if (!str_eq(got_columns, columns) || !str_eq(got_rows, rows)) {
        print_error("live  " STR_FMT "\n      " STR_FMT "\nspool " STR_FMT
                    "\n      " STR_FMT "\n",
            STR_ARG(columns), STR_ARG(rows), STR_ARG(got_columns), STR_ARG(got_rows));
        fail();
    }
}

void live_page(
    const struct table *table, int64_t start, int64_t count, struct arrow_page *page)
{
    struct ArrowArray part = table->batch;
    part.offset += start;
    part.length = count;
    arrow_page_init(page, (uint32_t)count, PAGE_BYTES, CHARS);
    assert_true(arrow_page_add(page, &table->schema, &part));
    assert_true(arrow_page_end(page));
    assert_int_equal(page->row_count, count);
}

/* Lent, not given: the table releases its batch itself. */
static void lent_release(struct ArrowArray *array)
{
    array->release = NULL;
}

void spool_write(const struct table *table, int copies)
{
    unlink(spool_path);
    uint64_t bytes;
    struct spool *spool = spool_new(str_of(spool_path), 1000000, 1 << 30);
    assert_non_null(spool);
    for (int i = 0; i < copies; i++) {
        struct ArrowArray batch = table->batch;
        batch.release = lent_release;
        assert_true(spool_add(spool, &table->schema, &batch, true));
    }
    assert_true(spool_end(spool, &bytes));
    spool_keep(spool);
    spool_free(spool);
}

void numbers_make(struct table *table)
{
    static const enum ArrowType types[] = {NANOARROW_TYPE_BOOL, NANOARROW_TYPE_INT8,
        NANOARROW_TYPE_UINT16, NANOARROW_TYPE_INT64, NANOARROW_TYPE_DOUBLE};
    struct ArrowSchema *schema = table_schema(table, ARRAY_LEN(types) + 3);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        OK(ArrowSchemaSetType(schema->children[i], types[i]));
    }
    OK(ArrowSchemaSetTypeDecimal(schema->children[5], NANOARROW_TYPE_DECIMAL32, 7, 2));
    OK(ArrowSchemaSetTypeDecimal(schema->children[6], NANOARROW_TYPE_DECIMAL256, 70, 3));
    OK(ArrowSchemaSetTypeFixedSize(
        schema->children[7], NANOARROW_TYPE_FIXED_SIZE_BINARY, 3));
    struct ArrowArray *batch = table_open(table);
    for (int64_t row = 0; row < TABLE_ROWS; row++) {
        for (int64_t i = 0; i < batch->n_children; i++) {
            struct ArrowArray *child = batch->children[i];
            struct ArrowDecimal decimal;
            ArrowDecimalInit(&decimal, i == 5 ? 32 : 256, 7, 2);
            ArrowDecimalSetInt(&decimal, 100 - row * 17);
            if ((row + i) % 5 == 4) {
                OK(ArrowArrayAppendNull(child, 1));
            } else if (i == 5 || i == 6) {
                OK(ArrowArrayAppendDecimal(child, &decimal));
            } else if (i == 7) {
                OK(ArrowArrayAppendBytes(child,
                    (struct ArrowBufferView){{"abcdefghijklmnopqrstuvwxyz" + row}, 3}));
            } else {
                OK(ArrowArrayAppendInt(child, i == 0 ? row % 3 == 0 : row * 5));
            }
        }
    }
    table_close(table, TABLE_ROWS);
}

static const enum ArrowType text_types[] = {NANOARROW_TYPE_STRING,
    NANOARROW_TYPE_LARGE_STRING, NANOARROW_TYPE_STRING_VIEW, NANOARROW_TYPE_BINARY,
    NANOARROW_TYPE_LARGE_BINARY, NANOARROW_TYPE_BINARY_VIEW};

void texts_make(struct table *table)
{
    struct ArrowSchema *schema = table_schema(table, ARRAY_LEN(text_types));
    for (size_t i = 0; i < ARRAY_LEN(text_types); i++) {
        OK(ArrowSchemaSetType(schema->children[i], text_types[i]));
    }
    struct ArrowArray *batch = table_open(table);
    for (int64_t row = 0; row < TABLE_ROWS; row++) {
        for (int64_t i = 0; i < batch->n_children; i++) {
            char text[64];
            snprintf(text, sizeof(text), "%.*s", (int)row * 2,
                "0123456789012345678901234567890123456789");
            if ((row + i) % 5 == 4) {
                OK(ArrowArrayAppendNull(batch->children[i], 1));
            } else if (i < 3) {
                append_text(batch->children[i], text);
            } else {
                OK(ArrowArrayAppendBytes(batch->children[i],
                    (struct ArrowBufferView){{text}, (int64_t)strlen(text)}));
            }
        }
    }
    table_close(table, TABLE_ROWS);
}

/* Lists of every layout: of integers, of texts and of lists. */
void lists_make(struct table *table)
{
    static const enum ArrowType types[] = {NANOARROW_TYPE_LIST, NANOARROW_TYPE_LARGE_LIST,
        NANOARROW_TYPE_LIST_VIEW, NANOARROW_TYPE_LARGE_LIST_VIEW};
    struct ArrowSchema *schema = table_schema(table, 5);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        OK(ArrowSchemaSetType(schema->children[i], types[i]));
        OK(ArrowSchemaSetType(schema->children[i]->children[0], text_types[i]));
    }
    OK(ArrowSchemaSetTypeFixedSize(
        schema->children[4], NANOARROW_TYPE_FIXED_SIZE_LIST, 2));
    OK(ArrowSchemaSetType(schema->children[4]->children[0], NANOARROW_TYPE_STRING_VIEW));
    struct ArrowArray *batch = table_open(table);
    for (int64_t row = 0; row < TABLE_ROWS; row++) {
        for (int64_t i = 0; i < batch->n_children; i++) {
            struct ArrowArray *child = batch->children[i];
            if ((row + i) % 5 == 4) {
                OK(ArrowArrayAppendNull(child, 1));
                continue;
            }
            for (int64_t j = 0; j < (i == 4 ? 2 : row % 4); j++) {
                if (i == 3) {
                    OK(ArrowArrayAppendBytes(
                        child->children[0], (struct ArrowBufferView){{"bytes"}, 5}));
                } else {
                    append_text(child->children[0], j == 1 ? "x" : "longer than a view");
                }
            }
            OK(ArrowArrayFinishElement(child));
        }
    }
    table_close(table, TABLE_ROWS);
}

void many_make(struct table *table)
{
    struct table lists;
    lists_make(&lists);
    struct ArrowSchema *schema = table_schema(table, 5);
    struct ArrowBuffer metadata;
    OK(ArrowMetadataBuilderInit(&metadata, NULL));
    OK(ArrowMetadataBuilderAppend(&metadata, ArrowCharView("key"), ArrowCharView("v")));
    ArrowSchemaMove(&lists.schema, schema->children[0]);
    OK(ArrowSchemaSetName(schema->children[0], "struct"));
    OK(ArrowSchemaSetTypeDateTime(schema->children[1], NANOARROW_TYPE_TIMESTAMP,
        NANOARROW_TIME_UNIT_MICRO, "Europe/Berlin"));
    OK(ArrowSchemaSetMetadata(schema->children[1], (const char *)metadata.data));
    OK(ArrowSchemaSetTypeDecimal(schema->children[2], NANOARROW_TYPE_DECIMAL128, 9, 2));
    OK(ArrowSchemaSetTypeUnion(schema->children[3], NANOARROW_TYPE_SPARSE_UNION, 1));
    OK(ArrowSchemaSetType(schema->children[3]->children[0], NANOARROW_TYPE_INT32));
    OK(ArrowSchemaSetType(schema->children[4], NANOARROW_TYPE_MAP));
    OK(ArrowSchemaSetType(
        schema->children[4]->children[0]->children[0], NANOARROW_TYPE_STRING));
    OK(ArrowSchemaSetType(
        schema->children[4]->children[0]->children[1], NANOARROW_TYPE_DOUBLE));
    struct ArrowArray *batch = table_open(table);
    ArrowArrayRelease(batch->children[0]);
    for (int64_t row = 0; row < TABLE_ROWS; row++) {
        struct ArrowArray *map = batch->children[4];
        struct ArrowDecimal decimal;
        ArrowDecimalInit(&decimal, 128, 9, 2);
        ArrowDecimalSetInt(&decimal, row);
        OK(ArrowArrayAppendInt(batch->children[1], row));
        OK(ArrowArrayAppendDecimal(batch->children[2], &decimal));
        OK(ArrowArrayAppendInt(batch->children[3]->children[0], row));
        OK(ArrowArrayFinishUnionElement(batch->children[3], 0));
        append_text(map->children[0]->children[0], "key");
        OK(ArrowArrayAppendDouble(map->children[0]->children[1], (double)row));
        OK(ArrowArrayFinishElement(map->children[0]));
        OK(ArrowArrayFinishElement(map));
    }
    ArrowArrayMove(&lists.batch, batch->children[0]);
    ArrowBufferReset(&metadata);
    table_close(table, TABLE_ROWS);
}

/* A dictionary with a null in it, and nulls that point into it. */
static void dictionary_fill(struct ArrowArray *array, int64_t rows)
{
    append_text(array->dictionary, "red");
    OK(ArrowArrayAppendNull(array->dictionary, 1));
    append_text(array->dictionary, "green");
    for (int64_t row = 0; row < rows; row++) {
        if (row % 5 == 4) {
            OK(ArrowArrayAppendNull(array, 1));
        } else {
            OK(ArrowArrayAppendInt(array, row % 3));
        }
    }
}

static void dictionary_schema(struct ArrowSchema *schema, enum ArrowType indices)
{
    OK(ArrowSchemaSetType(schema, indices));
    OK(ArrowSchemaAllocateDictionary(schema));
    OK(ArrowSchemaInitFromType(schema->dictionary, NANOARROW_TYPE_STRING));
}

void dictionaries_make(struct table *table)
{
    struct ArrowSchema *schema = table_schema(table, 3);
    dictionary_schema(schema->children[0], NANOARROW_TYPE_INT8);
    dictionary_schema(schema->children[1], NANOARROW_TYPE_UINT16);
    OK(ArrowSchemaSetType(schema->children[2], NANOARROW_TYPE_LIST));
    dictionary_schema(schema->children[2]->children[0], NANOARROW_TYPE_INT64);
    struct ArrowArray *batch = table_open(table);
    dictionary_fill(batch->children[0], TABLE_ROWS);
    dictionary_fill(batch->children[1], TABLE_ROWS);
    dictionary_fill(batch->children[2]->children[0], 42);
    for (int i = 0; i < TABLE_ROWS; i++) {
        batch->children[2]->length++;
        OK(ArrowBufferAppendInt32(ArrowArrayBuffer(batch->children[2], 1), 2 * i + 2));
    }
    table_close(table, TABLE_ROWS);
}

/* Runs of texts; every third run is of nulls. */
void runs_make(struct table *table)
{
    struct ArrowSchema *schema = table_schema(table, 1);
    OK(ArrowSchemaSetTypeRunEndEncoded(schema->children[0], NANOARROW_TYPE_INT32));
    OK(ArrowSchemaSetType(schema->children[0]->children[1], NANOARROW_TYPE_STRING));
    struct ArrowArray *batch = table_open(table);
    struct ArrowArray *runs = batch->children[0];
    for (int i = 1; i <= 7; i++) {
        OK(ArrowArrayAppendInt(runs->children[0], 3 * i));
        if (i % 3 == 0) {
            OK(ArrowArrayAppendNull(runs->children[1], 1));
        } else {
            append_text(runs->children[1], i % 2 == 0 ? "even" : "odd");
        }
    }
    runs->length = TABLE_ROWS;
    table_close(table, TABLE_ROWS);
}

void unions_make(struct table *table, enum ArrowType type)
{
    struct ArrowSchema *schema = table_schema(table, 1);
    OK(ArrowSchemaSetTypeUnion(schema->children[0], type, 2));
    OK(ArrowSchemaSetType(schema->children[0]->children[0], NANOARROW_TYPE_INT32));
    OK(ArrowSchemaSetName(schema->children[0]->children[0], "n"));
    OK(ArrowSchemaSetType(schema->children[0]->children[1], NANOARROW_TYPE_STRING));
    OK(ArrowSchemaSetName(schema->children[0]->children[1], "t"));
    struct ArrowArray *batch = table_open(table);
    struct ArrowArray *column = batch->children[0];
    for (int i = 0; i < TABLE_ROWS; i++) {
        int8_t member = i % 3 == 0;
        if (i % 5 == 4) {
            OK(ArrowArrayAppendNull(column->children[member], 1));
        } else if (member == 0) {
            OK(ArrowArrayAppendInt(column->children[0], i));
        } else {
            append_text(column->children[1], "text");
        }
        OK(ArrowArrayFinishUnionElement(column, member));
    }
    table_close(table, TABLE_ROWS);
}

int spool_set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(spool_path, sizeof(spool_path), "%s/spool", dir);
    return 0;
}

int spool_tear_down(void **state)
{
    (void)state;
    unlink(spool_path);
    return rmdir(dir);
}
