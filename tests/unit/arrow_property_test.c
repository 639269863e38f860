// SPDX-License-Identifier: Apache-2.0
/*
 * Random arrays of every Arrow type, layout and nest, built by nanoarrow beside the JSON
 * that they have to give; whole, in slices, and through a spool. ARROW_SEED plays one
 * seed again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "arrow_random.h"
#include "worker/arrow_check.h"

enum {
    SEEDS = 1000,
    JSON_MAX = 4 * 1024 * 1024,
};

static struct rng rng;
static uint64_t seed;

/* ---- one table ---- */

static bool is_same_number(yyjson_val *own, yyjson_val *want)
{
    double a = yyjson_get_num(own);
    double b = yyjson_get_num(want);
    float single_a = (float)a;
    float single_b = (float)b;
    if (yyjson_is_int(own) && yyjson_is_int(want)) {
        return yyjson_get_sint(own) == yyjson_get_sint(want);
    }
    /* A single has fewer digits; one that is no double's text is near it all the same. */
    return memcmp(&a, &b, sizeof(a)) == 0 ||
           (memcmp(&single_a, &single_b, sizeof(single_a)) == 0 && (double)single_b == b);
}

/* Strings that are JSON of nested values are looked into. */
static bool is_same(yyjson_val *own, yyjson_val *want)
{
    if (yyjson_is_num(want)) {
        return yyjson_is_num(own) && is_same_number(own, want);
    }
    if (yyjson_is_ctn(want) && yyjson_is_str(own)) {
        yyjson_doc *doc = yyjson_read(yyjson_get_str(own), yyjson_get_len(own), 0);
        bool is_right = doc && is_same(yyjson_doc_get_root(doc), want);
        yyjson_doc_free(doc);
        return is_right;
    }
    if (yyjson_get_type(own) != yyjson_get_type(want) ||
        (yyjson_is_ctn(want) &&
            unsafe_yyjson_get_len(own) != unsafe_yyjson_get_len(want))) {
        return false;
    }
    size_t at;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    bool is_right = yyjson_is_ctn(want) || yyjson_equals(own, want);
    yyjson_arr_foreach(want, at, max, value)
    {
        is_right = is_right && is_same(yyjson_arr_get(own, at), value);
    }
    yyjson_obj_foreach(want, at, max, key, value)
    {
        is_right = is_right &&
                   is_same(yyjson_obj_getn(own, yyjson_get_str(key), yyjson_get_len(key)),
                       value);
    }
    return is_right;
}

/* Compares rows of JSON with those of @wants from @start on. */
static void check_rows(
    struct str json, const struct buf *wants, size_t start, size_t count)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *rows = yyjson_doc_get_root(doc);
    if (!doc || yyjson_arr_size(rows) != count) {
        print_error("ARROW_SEED=%" PRIu64 "\n" STR_FMT "\n", seed, STR_ARG(json));
        fail();
    }
    for (size_t i = 0; i < count; i++) {
        const struct buf *want = &wants[start + i];
        yyjson_doc *wanted = yyjson_read(want->ptr, want->len, 0);
        yyjson_val *own = yyjson_arr_get(rows, i);
        if (!wanted || !is_same(own, yyjson_doc_get_root(wanted))) {
            print_error("ARROW_SEED=%" PRIu64 ", row %zu\nown  %s\nwant " STR_FMT "\n",
                seed, start + i, yyjson_val_write(own, 0, NULL), STR_ARG(buf_str(want)));
            fail();
        }
        yyjson_doc_free(wanted);
    }
    yyjson_doc_free(doc);
}

static void check_spool(
    const struct table *table, const struct arrow_page *page, size_t rows)
{
    struct buf out = BUF_INIT(FRAME_MAX);
    struct buf columns = BUF_INIT(JSON_MAX);
    spool_write(table, 1);
    struct wire_frame frame = spool_fetch(0, (uint32_t)rows, &out);
    arrow_put_columns(&columns, &table->schema);
    assert_page(&frame, buf_str(&columns), buf_str(&page->rows));
    buf_free(&columns);
    buf_free(&out);
}

static void check_table(void)
{
    struct table table;
    struct buf wants[RANDOM_ROWS_MAX];
    char why[ARROW_WHY_SIZE];
    size_t rows = random_table(&rng, &table, wants);
    assert_true(arrow_check_schema(&table.schema, why));
    assert_true(arrow_check_batch(&table.schema, &table.batch, why));
    struct arrow_page page;
    live_page(&table, 0, (int64_t)rows, &page);
    check_rows(buf_str(&page.rows), wants, 0, rows);
    check_spool(&table, &page, rows);
    arrow_page_free(&page);
    size_t start = rng_below(&rng, rows);
    size_t count = 1 + rng_below(&rng, rows - start);
    live_page(&table, (int64_t)start, (int64_t)count, &page);
    check_rows(buf_str(&page.rows), wants, start, count);
    arrow_page_free(&page);
    for (size_t row = 0; row < rows; row++) {
        buf_free(&wants[row]);
    }
    ArrowArrayRelease(&table.batch);
    ArrowSchemaRelease(&table.schema);
}

static void every_array_gives_the_json_it_was_made_with(void **state)
{
    (void)state;
    const char *wish = getenv("ARROW_SEED");
    uint64_t first = wish ? strtoull(wish, NULL, 10) : 1;
    for (seed = first; seed < first + (wish ? 1 : SEEDS); seed++) {
        rng = (struct rng){seed};
        check_table();
    }
}

static void what_cannot_be_shown_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const formats[] = {"?", "", "q", "tt", "ttx", "ts", "tsu",
        "tsx:", "d:", "d:5", "d:0,0", "d:77,0", "d:5,2,16", "d:5,2,", "d:5,101",
        "w:", "w:-1", "w:x", "+w:2", "+l", "+vl", "+m", "+r", "+ud:0", "+us:", "+x", "vx",
        "+"};
    char why[ARROW_WHY_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct table table;
        struct ArrowSchema *schema = table_schema(&table, 2);
        OK(ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_INT32));
        OK(ArrowSchemaSetType(schema->children[1], NANOARROW_TYPE_INT32));
        OK(ArrowSchemaSetName(schema->children[1], "place"));
        assert_true(arrow_check_schema(schema, why));
        OK(ArrowSchemaSetFormat(schema->children[1], formats[i]));
        assert_false(arrow_check_schema(schema, why));
        char wanted[128];
        snprintf(wanted, sizeof(wanted),
            "column 2 (place) has a type that cannot be shown: Arrow format \"%s\";",
            formats[i]);
        if (!strstr(why, wanted)) {
            print_error("%s\n", why);
            fail();
        }
        ArrowSchemaRelease(schema);
    }
}

static void arrays_without_their_parts_are_refused(void **state)
{
    (void)state;
    struct table table;
    char why[ARROW_WHY_SIZE];
    many_make(&table);
    struct ArrowArray *batch = &table.batch;
    assert_true(arrow_check_batch(&table.schema, batch, why));
    const void **buffers = batch->children[1]->buffers;
    const void *values = buffers[1];
    buffers[1] = NULL;
    assert_false(arrow_check_batch(&table.schema, batch, why));
    assert_non_null(strstr(why, "column 2 ()"));
    buffers[1] = values;
    batch->children[1]->n_buffers = 1;
    assert_false(arrow_check_batch(&table.schema, batch, why));
    batch->children[1]->n_buffers = 2;
    batch->children[2]->length--;
    assert_false(arrow_check_batch(&table.schema, batch, why));
    batch->children[2]->length++;
    batch->n_children--;
    assert_false(arrow_check_batch(&table.schema, batch, why));
    batch->n_children++;
    batch->children[4]->n_children = 0;
    assert_false(arrow_check_batch(&table.schema, batch, why));
    assert_non_null(strstr(why, "column 5 ()"));
    batch->children[4]->n_children = 1;
    assert_true(arrow_check_batch(&table.schema, batch, why));
    ArrowArrayRelease(&table.batch);
    ArrowSchemaRelease(&table.schema);
}

static void floats_have_the_fewest_digits(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *json;
    } doubles[] = {{5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"}, {0.1, "0.1"}, {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"}, {1e15, "1e+15"},
        {123456789012345680.0, "1.2345678901234568e+17"}, {100000, "100000"},
        {-1.5, "-1.5"}, {0.0001, "0.0001"}, {0.00001, "1e-05"}, {1e23, "1e+23"},
        {-0.0, "-0.0"}, {0, "0"}};
    for (size_t i = 0; i < ARRAY_LEN(doubles); i++) {
        struct table table;
        struct buf out = BUF_INIT(64);
        OK(ArrowSchemaSetType(
            table_schema(&table, 1)->children[0], NANOARROW_TYPE_DOUBLE));
        OK(ArrowArrayAppendDouble(table_open(&table)->children[0], doubles[i].value));
        table_close(&table, 1);
        arrow_put_value(&out, table.schema.children[0], table.batch.children[0], 0);
        buf_putc(&out, '\0');
        assert_string_equal(out.ptr, doubles[i].json);
        buf_free(&out);
        ArrowArrayRelease(&table.batch);
        ArrowSchemaRelease(&table.schema);
    }
}

static void metadata_names_the_type(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        const char *key;
        const char *value;
        const char *name;
    } types[] = {{"u", "logicalType", "VARIANT", "VARIANT"},
        {"u", "logicalType", "object", "OBJECT"},
        {"d:18,2", "logicalType", "FIXED", "NUMBER(18,2)"},
        {"l", "logicalType", "FIXED", "NUMBER"}, {"g", "logicalType", "REAL", "FLOAT"},
        {"u", "logicalType", "TEXT", "VARCHAR"},
        {"tsn:", "logicalType", "TIMESTAMP_NTZ", "TIMESTAMP_NTZ"},
        {"w:16", "ARROW:extension:name", "arrow.uuid", "UUID"},
        {"w:15", "ARROW:extension:name", "arrow.uuid", "BINARY"},
        {"c", "ARROW:extension:name", "arrow.bool8", "BOOLEAN"},
        {"u", "ARROW:extension:name", "arrow.json", "JSON"},
        {"z", "ARROW:extension:name", "geoarrow.wkb", "GEOMETRY"},
        {"u", "ADBC:postgresql:typname", "numeric", "numeric"},
        {"u", "other", "thing", "VARCHAR"}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct ArrowSchema schema;
        struct ArrowBuffer metadata;
        struct buf name = BUF_INIT(256);
        ArrowSchemaInit(&schema);
        OK(ArrowSchemaSetFormat(&schema, types[i].format));
        OK(ArrowMetadataBuilderInit(&metadata, NULL));
        OK(ArrowMetadataBuilderAppend(
            &metadata, ArrowCharView(types[i].key), ArrowCharView(types[i].value)));
        OK(ArrowSchemaSetMetadata(&schema, (const char *)metadata.data));
        arrow_put_type_name(&name, &schema);
        buf_putc(&name, '\0');
        assert_string_equal(name.ptr, types[i].name);
        buf_free(&name);
        ArrowBufferReset(&metadata);
        ArrowSchemaRelease(&schema);
    }
}

#define OPAQUE(vendor, type)                                                             \
    "{\"type_name\": \"" type "\", \"vendor_name\": \"" vendor "\"}"

/* As DuckDB's and PostgreSQL's drivers sent them. */
static void opaque_bytes_are_shown_as_what_they_mean(void **state)
{
    (void)state;
    static const struct {
        const char *metadata;
        const char *bytes;
        int64_t len;
        const char *json;
        const char *type;
    } values[] = {
        {OPAQUE("DuckDB", "bit"), "\x03\xf5", 2, "\"10101\"", "BIT"},
        {OPAQUE("DuckDB", "bignum"), "\x80\x00\x01\x05", 4, "5", "BIGNUM"},
        {OPAQUE("DuckDB", "bignum"), "\x7f\xff\xfe\xfa", 4, "-5", "BIGNUM"},
        {OPAQUE("DuckDB", "new"), "\x01\x02", 2, "\"0102\"", "new"},
        {OPAQUE("PostgreSQL", "bit"), "\0\0\0\x03\xa0", 5, "\"101\"", "BIT"},
        {OPAQUE("PostgreSQL", "varbit"), "\0\0\x03\x03\xa0", 5, "\"10100000\"", "BIT"},
        {OPAQUE("PostgreSQL", "bit"), "\0\0", 2, "\"\"", "BIT"},
        {OPAQUE("PostgreSQL", "timetz"), "\0\0\0\0\xdd\xe8\x78\xc0\xff\xff\xb9\xb0", 12,
            "\"01:02:03+05:00\"", "TIME WITH TIME ZONE"},
        {OPAQUE("PostgreSQL", "timetz"), "", 0, "\"00:00:00+00:00\"",
            "TIME WITH TIME ZONE"},
        {OPAQUE("PostgreSQL", "inet"), "\x02\x20\0\x04\xc0\xa8\0\x01", 8,
            "\"192.168.0.1\"", "INET"},
        {OPAQUE("PostgreSQL", "cidr"), "\x02\x18\x01\x04\xc0\xa8\0\0", 8,
            "\"192.168.0.0/24\"", "INET"},
        {OPAQUE("PostgreSQL", "inet"),
            "\x03\x80\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 20,
            "\"2001:db8::1\"", "INET"},
        {OPAQUE("PostgreSQL", "inet"), "\x02", 1, "null", "INET"},
        {OPAQUE("PostgreSQL", "xml"), "<a b=\"c\"/>", 10, "\"<a b=\\\"c\\\"/>\"", "XML"},
        {OPAQUE("PostgreSQL", "point"), "\x3f\xf8\0\0\0\0\0\0\xff\xf0\0\0\0\0\0\0", 16,
            "\"(1.5,-Infinity)\"", "point"},
        {OPAQUE("PostgreSQL", "point"), "\x3f\xf0", 2, "null", "point"},
        {OPAQUE("PostgreSQL", "xid"), "\xff\xff\xff\xfe", 4, "4294967294", "xid"},
        {OPAQUE("PostgreSQL", "xid8"), "\0\x20\0\0\0\0\0\x01", 8, "\"9007199254740993\"",
            "xid8"},
        {OPAQUE("PostgreSQL", "regclass"), "\0\0\x40\x03", 4, "16387", "regclass"},
        {OPAQUE("PostgreSQL", "tid"), "\0\x01\0\0\0\x07", 6, "\"(65536,7)\"", "tid"},
        {OPAQUE("PostgreSQL", "pg_lsn"), "\0\0\0\x16\xb3\x74\xd8\x48", 8,
            "\"16/B374D848\"", "pg_lsn"},
        {OPAQUE("PostgreSQL", "macaddr"), "\x08\0+\x01\x02\x03", 6,
            "\"08:00:2b:01:02:03\"", "macaddr"},
        {OPAQUE("PostgreSQL", "unnamed<oid:3904>"), "\x01", 1, "\"01\"", "int4range"},
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct table table;
        struct ArrowBuffer metadata;
        struct buf out = BUF_INIT(1024);
        struct ArrowSchema *column = table_schema(&table, 1)->children[0];
        OK(ArrowSchemaSetType(column, NANOARROW_TYPE_BINARY));
        OK(ArrowMetadataBuilderInit(&metadata, NULL));
        OK(ArrowMetadataBuilderAppend(&metadata, ArrowCharView("ARROW:extension:name"),
            ArrowCharView("arrow.opaque")));
        OK(ArrowMetadataBuilderAppend(&metadata,
            ArrowCharView("ARROW:extension:metadata"),
            ArrowCharView(values[i].metadata)));
        OK(ArrowSchemaSetMetadata(column, (const char *)metadata.data));
        OK(ArrowArrayAppendBytes(table_open(&table)->children[0],
            (struct ArrowBufferView){{values[i].bytes}, values[i].len}));
        table_close(&table, 1);
        arrow_put_value(&out, column, table.batch.children[0], 0);
        buf_putc(&out, '\0');
        assert_string_equal(out.ptr, values[i].json);
        buf_clear(&out);
        arrow_put_type_name(&out, column);
        buf_putc(&out, '\0');
        assert_string_equal(out.ptr, values[i].type);
        bool is_new =
            strstr(values[i].metadata, "new") || strstr(values[i].metadata, "unnamed");
        assert_int_equal(arrow_is_opaque(column), is_new);
        buf_free(&out);
        ArrowBufferReset(&metadata);
        ArrowArrayRelease(&table.batch);
        ArrowSchemaRelease(&table.schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_array_gives_the_json_it_was_made_with),
        cmocka_unit_test(what_cannot_be_shown_is_refused_by_name),
        cmocka_unit_test(arrays_without_their_parts_are_refused),
        cmocka_unit_test(floats_have_the_fewest_digits),
        cmocka_unit_test(metadata_names_the_type),
        cmocka_unit_test(opaque_bytes_are_shown_as_what_they_mean),
    };
    return cmocka_run_group_tests(tests, spool_set_up, spool_tear_down);
}
