// SPDX-License-Identifier: Apache-2.0
/*
 * Random tables of all types of DuckDB through the real worker, each value compared with
 * DuckDB's own text of it. ARROW_SEED plays one seed again.
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

#include "arrow_duck_sql.h"
#include "spool_rig.h"

enum {
    SEEDS = 150,
    COLUMNS_MAX = 8,
    SQL_MAX = 1024 * 1024,
    TYPE_MAX = 4096,
};

static struct rng rng;
static uint64_t seed;

/* ---- what DuckDB says, in our forms ---- */

static void put_iso_day(struct buf *out, const char *year, size_t year_len, bool is_bc,
    const char *rest, size_t rest_len)
{
    long number = strtol(year, NULL, 10);
    number = is_bc ? 1 - number : number;
    if (number < 0 || number > 9999) {
        buf_printf(out, "%+07ld", number);
    } else {
        buf_put(out, is_bc ? "0000" : year, is_bc ? 4 : year_len);
    }
    buf_put(out, rest, rest_len);
}

/* 0044-03-15 (BC) 01:02:03+00 and the like. */
static void put_iso_moment(struct buf *out, const char *text, bool has_zone)
{
    const char *dash = strchr(text + 1, '-');
    if (strstr(text, "infinity")) {
        buf_puts(out, text);
        return;
    }
    assert_non_null(dash);
    bool is_bc = strstr(text, "(BC)") != NULL;
    put_iso_day(out, text, (size_t)(dash - text), is_bc, dash, 6);
    const char *time = strchr(text, ':');
    if (time) {
        buf_putc(out, 'T');
        size_t len = strspn(time - 2, "0123456789:.");
        buf_put(out, time - 2, len);
    }
    buf_puts(out, has_zone ? "Z" : "");
}

/* 1 year 2 months -3 days 00:00:01.5 */
static void put_iso_interval(struct buf *out, const char *text)
{
    long months = 0;
    long days = 0;
    const char *at = text;
    const char *clock = NULL;
    while (*at) {
        char *end;
        long number = strtol(at, &end, 10);
        if (*end == ':') {
            clock = at;
            break;
        }
        months += strncmp(end, " year", 5) == 0 ? 12 * number : 0;
        months += strncmp(end, " month", 6) == 0 ? number : 0;
        days += strncmp(end, " day", 4) == 0 ? number : 0;
        at = end + 1 + strcspn(end + 1, " ");
        at += *at == ' ';
    }
    buf_putc(out, 'P');
    if (months != 0) {
        buf_printf(out, "%ldM", months);
    }
    if (days != 0) {
        buf_printf(out, "%ldD", days);
    }
    if (clock) {
        bool is_negative = *clock == '-';
        char *end;
        long hours = strtol(clock + is_negative, &end, 10);
        long minutes = strtol(end + 1, &end, 10);
        long seconds = strtol(end + 1, &end, 10);
        buf_printf(out, "T%s%ld%sS", is_negative ? "-" : "",
            hours * 3600 + minutes * 60 + seconds, end);
    } else if (months == 0 && days == 0) {
        buf_puts(out, "T0S");
    }
}

/* \x00 and plain characters. */
static void put_hex(struct buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        unsigned byte = (unsigned char)*c;
        if (*c == '\\') {
            assert_int_equal(sscanf(c, "\\x%2x", &byte), 1);
            c += 3;
        }
        buf_printf(out, "%02x", byte);
    }
}

/* 01:02:03+02 or -01:30:15 */
static void put_zoned(struct buf *out, const char *text)
{
    const char *zone = strpbrk(text, "+-");
    buf_puts(out, text);
    assert_non_null(zone);
    if (strlen(zone) == 3) {
        buf_puts(out, ":00");
    }
}

static struct str expected_text(enum leaf leaf, const char *text, struct buf *out)
{
    buf_clear(out);
    if (leaf == DATE || leaf == MOMENT || leaf == MOMENT_ZONED) {
        put_iso_moment(out, text, leaf == MOMENT_ZONED && !strstr(text, "infinity"));
    } else if (leaf == INTERVAL) {
        put_iso_interval(out, text);
    } else if (leaf == BLOB) {
        put_hex(out, text);
    } else if (leaf == TIME_ZONED) {
        put_zoned(out, text);
    } else if (leaf == SCALED && text[*text == '-'] == '.') {
        buf_printf(out, "%s0%s", *text == '-' ? "-" : "", text + (*text == '-'));
    } else {
        buf_puts(out, text);
    }
    return buf_str(out);
}

static bool is_number_text(const char *text)
{
    size_t digits = strspn(text + (*text == '-'), "0123456789");
    return text[(*text == '-') + digits] == '\0' && digits > 0 && digits < 17 &&
           llabs(strtoll(text, NULL, 10)) <= INT64_C(9007199254740991);
}

static bool is_same_float(yyjson_val *ours, const char *text, bool is_single)
{
    double value = strtod(text, NULL);
    if (strstr(text, "nan")) {
        return yyjson_equals_str(ours, "NaN");
    }
    if (strstr(text, "inf")) {
        return yyjson_equals_str(ours, *text == '-' ? "-Infinity" : "Infinity");
    }
    double own = yyjson_get_num(ours);
    if (is_single) {
        float a = (float)own;
        float b = (float)value;
        return yyjson_is_num(ours) && memcmp(&a, &b, sizeof(a)) == 0;
    }
    return yyjson_is_num(ours) && memcmp(&own, &value, sizeof(own)) == 0;
}

static bool is_same_leaf(enum leaf leaf, yyjson_val *ours, const char *text)
{
    struct buf out = BUF_INIT(64 * 1024);
    bool is_same;
    if (leaf == BOOL) {
        is_same = yyjson_is_bool(ours) && yyjson_get_bool(ours) == (*text == 't');
    } else if (leaf == FLOAT || leaf == DOUBLE) {
        is_same = is_same_float(ours, text, leaf == FLOAT);
    } else if ((leaf == INTEGER || leaf == UNION) && is_number_text(text)) {
        is_same = yyjson_is_int(ours) && yyjson_get_sint(ours) == strtoll(text, NULL, 10);
    } else {
        struct str wanted = expected_text(leaf, text, &out);
        is_same = yyjson_is_str(ours) && yyjson_get_len(ours) == wanted.len &&
                  memcmp(yyjson_get_str(ours), wanted.ptr, wanted.len) == 0;
        if (!is_same) {
            print_error("wanted " STR_FMT "\n", STR_ARG(wanted));
        }
    }
    buf_free(&out);
    return is_same;
}

static bool is_same_value(const struct type *type, yyjson_val *ours, yyjson_val *theirs);

/* Ours are pairs when the keys are no texts, theirs is always an object. */
static bool is_same_map(const struct type *type, yyjson_val *ours, yyjson_val *theirs)
{
    bool is_object = type->children[0]->leaf->leaf == TEXT;
    size_t count = yyjson_obj_size(theirs);
    if (!yyjson_is_obj(theirs) ||
        (is_object ? !yyjson_is_obj(ours) : !yyjson_is_arr(ours)) ||
        count != (is_object ? yyjson_obj_size(ours) : yyjson_arr_size(ours))) {
        return false;
    }
    size_t at;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(theirs, at, max, key, value)
    {
        yyjson_val *pair = is_object ? NULL : yyjson_arr_get(ours, at);
        yyjson_val *own =
            is_object ? yyjson_obj_getn(ours, yyjson_get_str(key), yyjson_get_len(key))
                      : yyjson_arr_get(pair, 1);
        if ((pair && !is_same_leaf(type->children[0]->leaf->leaf, yyjson_arr_get(pair, 0),
                         yyjson_get_str(key))) ||
            !is_same_value(type->children[1], own, value)) {
            return false;
        }
    }
    return true;
}

static bool is_same_value(const struct type *type, yyjson_val *ours, yyjson_val *theirs)
{
    if (yyjson_is_null(theirs)) {
        return yyjson_is_null(ours);
    }
    if (type->nest == NEST_NONE) {
        return is_same_leaf(type->leaf->leaf, ours, yyjson_get_str(theirs));
    }
    if (type->nest == NEST_MAP) {
        return is_same_map(type, ours, theirs);
    }
    if (type->nest == NEST_STRUCT) {
        static const char *const names[] = {"a \"quoted\" name", "b"};
        bool is_same = yyjson_obj_size(ours) == 2;
        for (int i = 0; i < 2 && is_same; i++) {
            is_same = is_same_value(type->children[i], yyjson_obj_get(ours, names[i]),
                yyjson_obj_get(theirs, names[i]));
        }
        return is_same;
    }
    bool is_same =
        yyjson_is_arr(ours) && yyjson_arr_size(ours) == yyjson_arr_size(theirs);
    for (size_t i = 0; i < yyjson_arr_size(theirs) && is_same; i++) {
        is_same = is_same_value(
            type->children[0], yyjson_arr_get(ours, i), yyjson_arr_get(theirs, i));
    }
    return is_same;
}

/* A cell of a nested type is a string of JSON, ours and theirs. */
static bool is_same_cell(const struct type *type, yyjson_val *ours, yyjson_val *theirs)
{
    if (type->nest == NEST_NONE || yyjson_is_null(theirs)) {
        return is_same_value(type, ours, theirs);
    }
    yyjson_doc *own = yyjson_read(yyjson_get_str(ours), yyjson_get_len(ours), 0);
    yyjson_doc *other = yyjson_read(yyjson_get_str(theirs), yyjson_get_len(theirs), 0);
    bool is_same =
        own && other &&
        is_same_value(type, yyjson_doc_get_root(own), yyjson_doc_get_root(other));
    yyjson_doc_free(own);
    yyjson_doc_free(other);
    return is_same;
}

/* ---- one table ---- */

static void check_rows(struct str json, struct type *const types[], uint64_t count)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *rows = yyjson_doc_get_root(doc);
    assert_int_equal(yyjson_arr_size(rows), DUCK_ROWS);
    for (size_t row = 0; row < DUCK_ROWS; row++) {
        yyjson_val *cells = yyjson_arr_get(rows, row);
        assert_int_equal(yyjson_arr_size(cells), 2 * count);
        for (size_t i = 0; i < count; i++) {
            yyjson_val *ours = yyjson_arr_get(cells, 2 * i);
            yyjson_val *theirs = yyjson_arr_get(cells, 2 * i + 1);
            if (!is_same_cell(types[i], ours, theirs)) {
                struct buf name = BUF_INIT(TYPE_MAX);
                duck_put_type(&name, types[i], false);
                char *own = yyjson_val_write(ours, 0, NULL);
                char *other = yyjson_val_write(theirs, 0, NULL);
                print_error("ARROW_SEED=%" PRIu64 ", row %zu, " STR_FMT
                            "\nours   %s\nDuckDB %s\n",
                    seed, row, STR_ARG(buf_str(&name)), own, other);
                fail();
            }
        }
    }
    yyjson_doc_free(doc);
}

/* The page as it came, then the same rows out of a spool. */
static void check_table(struct pair *pair, bool is_lossless)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    struct type *types[COLUMNS_MAX];
    uint64_t count = 1 + rng_below(&rng, COLUMNS_MAX);
    for (uint64_t i = 0; i < count; i++) {
        types[i] = duck_type(&rng, is_lossless);
    }
    duck_put_select(&sql, types, count, &rng);
    buf_putc(&sql, '\0');
    assert_true(buf_ok(&sql));
    pair->writer.spool_path = NULL;
    struct page page = run(pair, sql.ptr, wide);
    check_rows(page.rows, types, count);
    struct kept live = keep(&page);
    pair->writer.spool_path = pair->path;
    page = run(pair, sql.ptr, (struct limits){1, 1024 * 1024, 100000});
    assert_int_equal(page.spooled_rows, DUCK_ROWS);
    page = fetch(pair, 0, wide);
    assert_same(&page, &live);
    kept_free(&live);
    remove_file(pair);
    for (uint64_t i = 0; i < count; i++) {
        duck_type_free(types[i]);
    }
    buf_free(&sql);
}

static void every_value_is_what_duckdb_says(void **state)
{
    (void)state;
    struct pair pair;
    const char *wish = getenv("ARROW_SEED");
    pair_start(&pair, duck_start);
    pair.writer.spool_path = NULL;
    (void)run(&pair, "set TimeZone = 'UTC'", wide);
    uint64_t first = wish ? strtoull(wish, NULL, 10) : 1;
    for (seed = first; seed < first + (wish ? 1 : SEEDS); seed++) {
        bool is_lossless = seed % 2 == 0;
        pair.writer.spool_path = NULL;
        (void)run(&pair,
            is_lossless ? "set arrow_lossless_conversion = true"
                        : "set arrow_lossless_conversion = false",
            wide);
        rng = (struct rng){seed};
        check_table(&pair, is_lossless);
    }
    pair_stop(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_what_duckdb_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
