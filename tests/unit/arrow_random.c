// SPDX-License-Identifier: Apache-2.0
#include "arrow_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    COLUMNS_MAX = 6,
    JSON_MAX = 4 * 1024 * 1024,
    ENTRIES = 5, /* of a dictionary */
};

static struct rng *rng;

static uint64_t below(uint64_t max)
{
    return rng_below(rng, max);
}

/* ---- values, each with its JSON ---- */

static int64_t whole(int bits)
{
    uint64_t value = rng_next(rng) >> (64 - bits) >> below((uint64_t)bits);
    switch (below(8)) {
    case 0:
        value = UINT64_MAX >> (64 - bits);
        break;
    case 1:
        value = bits > 53 ? (UINT64_C(1) << 53) - below(2) : 0;
        break;
    default:
        break;
    }
    return (int64_t)value;
}

static void want_integer(struct buf *want, bool is_negative, uint64_t size)
{
    const char *quote = size >= UINT64_C(1) << 53 ? "\"" : "";
    buf_printf(want, "%s%s%" PRIu64 "%s", quote, is_negative ? "-" : "", size, quote);
}

static void add_integer(struct ArrowArray *array, enum ArrowType type, struct buf *want)
{
    static const int bits[] = {[NANOARROW_TYPE_INT8] = 7,
        [NANOARROW_TYPE_UINT8] = 8,
        [NANOARROW_TYPE_INT16] = 15,
        [NANOARROW_TYPE_UINT16] = 16,
        [NANOARROW_TYPE_INT32] = 31,
        [NANOARROW_TYPE_UINT32] = 32,
        [NANOARROW_TYPE_INT64] = 63,
        [NANOARROW_TYPE_UINT64] = 64};
    int64_t value = whole(bits[type]);
    if (bits[type] % 8 == 0) {
        OK(ArrowArrayAppendUInt(array, (uint64_t)value));
        want_integer(want, false, (uint64_t)value);
        return;
    }
    bool is_negative = below(2) == 0 && value != 0;
    if (is_negative && below(4) == 0) { /* the least of all */
        value = (int64_t)(UINT64_MAX << bits[type]);
        want_integer(want, true, 0 - (uint64_t)value);
    } else {
        want_integer(want, is_negative, (uint64_t)value);
        value = is_negative ? -value : value;
    }
    OK(ArrowArrayAppendInt(array, value));
}

static void add_float(struct ArrowArray *array, enum ArrowType type, struct buf *want)
{
    static const double odd[] = {0, -0.0, 1, 1e15, 1e16, 0.1, 65504, 5e-324, 1e-5, 123.25,
        6.103515625e-05, 5.9604644775390625e-08};
    double value = odd[below(ARRAY_LEN(odd))];
    uint64_t bits = rng_next(rng);
    if (type == NANOARROW_TYPE_DOUBLE && below(2) == 0) {
        memcpy(&value, &bits, sizeof(value));
    } else if (below(4) == 0) {
        value = (double)(int64_t)(bits % 4096) - 2048;
    }
    OK(ArrowArrayAppendDouble(array, value));
    if (type == NANOARROW_TYPE_HALF_FLOAT) {
        uint16_t half;
        memcpy(&half, ArrowArrayBuffer(array, 1)->data + 2 * (array->length - 1), 2);
        value = (double)ArrowHalfFloatToFloat(half);
    } else if (type == NANOARROW_TYPE_FLOAT) {
        value = (double)(float)value;
    }
    if (value != value) {
        buf_puts(want, "\"NaN\"");
    } else if (value - value != 0) {
        buf_puts(want, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    } else {
        buf_printf(want, value == 0 ? "%.1f" : "%.17g", value);
    }
}

static void add_decimal(
    struct ArrowArray *array, const struct ArrowSchemaView *view, struct buf *want)
{
    char digits[80];
    struct ArrowDecimal decimal;
    int count = 1 + (int)below((uint64_t)view->decimal_precision);
    for (int i = 0; i < count; i++) {
        digits[i] = (char)('0' + (i == 0 ? 1 + below(9) : below(10)));
    }
    if (below(5) == 0) {
        digits[0] = '0';
        count = 1;
    }
    bool is_negative = below(2) == 0 && digits[0] != '0';
    ArrowDecimalInit(&decimal, view->decimal_bitwidth, view->decimal_precision, 0);
    OK(ArrowDecimalSetDigits(
        &decimal, (struct ArrowStringView){.data = digits, .size_bytes = count}));
    if (is_negative) {
        ArrowDecimalNegate(&decimal);
    }
    OK(ArrowArrayAppendDecimal(array, &decimal));
    int scale = view->decimal_scale;
    const char *sign = is_negative ? "-" : "";
    if (scale > 0) {
        char padded[200];
        int zeros = count <= scale ? scale - count + 1 : 0;
        memset(padded, '0', (size_t)zeros);
        memcpy(padded + zeros, digits, (size_t)count);
        int whole_count = zeros + count - scale;
        buf_printf(want, "\"%s%.*s.%.*s\"", sign, whole_count, padded, scale,
            padded + whole_count);
        return;
    }
    digits[count] = '\0';
    bool is_number =
        (scale == 0 && count < 17 && strtoll(digits, NULL, 10) < 1LL << 53) ||
        digits[0] == '0';
    buf_printf(want, "%s%s%s%.*s%s", is_number ? "" : "\"", sign, digits,
        digits[0] == '0' ? 0 : -scale, "000", is_number ? "" : "\"");
}

static void random_text(struct buf *text)
{
    static const char *const parts[] = {"a", "\"", "\\", "\n", "\t", "\x01", "\x7f", "/",
        "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa6\x86", "long enough for a view"};
    for (uint64_t i = below(8); i > 0; i--) {
        buf_puts(text, parts[below(ARRAY_LEN(parts))]);
    }
    if (below(8) == 0) {
        buf_putc(text, '\0');
    }
}

/* By hand: the escapes that JSON asks for, and no more. */
static void want_text(struct buf *want, struct str text)
{
    buf_putc(want, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            buf_printf(want, "\\u%04x", c);
        } else {
            buf_putc(want, (char)c);
        }
    }
    buf_putc(want, '"');
}

static void add_bytes(struct ArrowArray *array, const struct ArrowSchemaView *view,
    bool is_text, struct buf *want)
{
    struct buf bytes = BUF_INIT(4096);
    random_text(&bytes);
    while (view->type == NANOARROW_TYPE_FIXED_SIZE_BINARY &&
           bytes.len < (size_t)view->fixed_size) {
        buf_putc(&bytes, (char)below(256));
    }
    if (view->type == NANOARROW_TYPE_FIXED_SIZE_BINARY) {
        bytes.len = (size_t)view->fixed_size;
    }
    struct str text = buf_str(&bytes);
    OK(ArrowArrayAppendBytes(
        array, (struct ArrowBufferView){{text.ptr}, (int64_t)text.len}));
    if (is_text) {
        want_text(want, text);
    } else {
        buf_putc(want, '"');
        for (size_t i = 0; i < text.len; i++) {
            buf_printf(want, "%02x", (unsigned)(unsigned char)text.ptr[i]);
        }
        buf_putc(want, '"');
    }
    buf_free(&bytes);
}

static int64_t per_second(enum ArrowTimeUnit unit)
{
    return unit == NANOARROW_TIME_UNIT_SECOND  ? 1
           : unit == NANOARROW_TIME_UNIT_MILLI ? 1000
           : unit == NANOARROW_TIME_UNIT_MICRO ? 1000000
                                               : 1000000000;
}

static void want_fraction(struct buf *want, int64_t parts, int64_t per_unit)
{
    char digits[16];
    int width = per_unit == 1 ? 0 : per_unit == 1000 ? 3 : per_unit == 1000000 ? 6 : 9;
    if (parts == 0) {
        return;
    }
    snprintf(digits, sizeof(digits), "%0*" PRId64, width, parts);
    while (width > 0 && digits[width - 1] == '0') {
        width--;
    }
    buf_printf(want, ".%.*s", width, digits);
}

static void want_day(struct buf *want, const struct tm *tm)
{
    long year = tm->tm_year + 1900L;
    buf_printf(want, year < 0 || year > 9999 ? "%+07ld-%02d-%02d" : "%04ld-%02d-%02d",
        year, tm->tm_mon + 1, tm->tm_mday);
}

static void add_moment(
    struct ArrowArray *array, const struct ArrowSchemaView *view, struct buf *want)
{
    int64_t per_unit = per_second(view->time_unit);
    int64_t seconds = (int64_t)(rng_next(rng) % UINT64_C(18000000000)) - 9000000000;
    if (per_unit < 1000000000 && below(3) == 0) {
        seconds = (int64_t)(rng_next(rng) % UINT64_C(18000000000000)) - 9000000000000;
    }
    int64_t parts = (int64_t)below((uint64_t)per_unit);
    OK(ArrowArrayAppendInt(array, seconds * per_unit + parts));
    const char *zone = view->timezone ? view->timezone : "";
    int minutes = strcmp(zone, "+05:30") == 0  ? 330
                  : strcmp(zone, "-0330") == 0 ? -210
                                               : 0;
    time_t shown = (time_t)(seconds + 60 * minutes);
    struct tm tm;
    assert_non_null(gmtime_r(&shown, &tm));
    buf_putc(want, '"');
    want_day(want, &tm);
    buf_printf(want, "T%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
    want_fraction(want, parts, per_unit);
    buf_puts(want, minutes == 330 ? "+05:30"
                   : minutes != 0 ? "-03:30"
                   : *zone        ? "Z"
                                  : "");
    buf_putc(want, '"');
}

static void add_date(struct ArrowArray *array, bool is_wide, struct buf *want)
{
    int64_t days = (int64_t)below(below(2) == 0 ? 20000 : 8000000);
    days = below(2) == 0 ? days : -days;
    time_t seconds = (time_t)(days * 86400);
    struct tm tm;
    assert_non_null(gmtime_r(&seconds, &tm));
    OK(ArrowArrayAppendInt(array, is_wide ? days * 86400000 : days));
    buf_putc(want, '"');
    want_day(want, &tm);
    buf_putc(want, '"');
}

static void add_clock(
    struct ArrowArray *array, const struct ArrowSchemaView *view, struct buf *want)
{
    int64_t per_unit = per_second(view->time_unit);
    int64_t seconds = (int64_t)below(86400);
    int64_t parts = (int64_t)below((uint64_t)per_unit);
    OK(ArrowArrayAppendInt(array, seconds * per_unit + parts));
    buf_printf(want, "\"%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
        (int)(seconds % 60));
    want_fraction(want, parts, per_unit);
    buf_putc(want, '"');
}

/* P..T.., of months, days and parts of a second. */
static void want_span(
    struct buf *want, int64_t months, int64_t days, int64_t parts, int64_t per_unit)
{
    buf_puts(want, "\"P");
    if (months != 0) {
        buf_printf(want, "%" PRId64 "M", months);
    }
    if (days != 0) {
        buf_printf(want, "%" PRId64 "D", days);
    }
    if (parts != 0 || (months == 0 && days == 0)) {
        buf_printf(want, "T%s%" PRId64, parts < 0 ? "-" : "", labs(parts) / per_unit);
        want_fraction(want, labs(parts) % per_unit, per_unit);
        buf_putc(want, 'S');
    }
    buf_putc(want, '"');
}

static void add_span(
    struct ArrowArray *array, const struct ArrowSchemaView *view, struct buf *want)
{
    struct ArrowInterval interval;
    int64_t value = below(6) == 0 ? 0 : whole(62) * (below(2) == 0 ? 1 : -1);
    if (view->type == NANOARROW_TYPE_DURATION) {
        OK(ArrowArrayAppendInt(array, value));
        want_span(want, 0, 0, value, per_second(view->time_unit));
        return;
    }
    ArrowIntervalInit(&interval, view->type);
    interval.months = (int32_t)value;
    interval.days = (int32_t)(value >> 20);
    interval.ms = (int32_t)(value >> 10);
    interval.ns = value;
    OK(ArrowArrayAppendInterval(array, &interval));
    if (view->type == NANOARROW_TYPE_INTERVAL_MONTHS) {
        want_span(want, interval.months, 0, 0, 1);
    } else if (view->type == NANOARROW_TYPE_INTERVAL_DAY_TIME) {
        want_span(want, 0, interval.days, interval.ms, 1000);
    } else {
        want_span(want, interval.months, interval.days, interval.ns, 1000000000);
    }
}

static void add_value(struct ArrowArray *array, const struct ArrowSchema *schema,
    bool may_be_null, struct buf *want);

static void add_map(
    struct ArrowArray *array, const struct ArrowSchema *schema, struct buf *want)
{
    const struct ArrowSchema *entries = schema->children[0];
    bool is_object = entries->children[0]->format[0] == 'u';
    uint64_t count = below(3);
    buf_putc(want, is_object ? '{' : '[');
    for (uint64_t i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", (int)i);
        buf_puts(want, i > 0 ? "," : "");
        if (is_object) {
            OK(ArrowArrayAppendString(
                array->children[0]->children[0], ArrowCharView(key)));
            buf_printf(want, "\"%s\":", key);
        } else {
            OK(ArrowArrayAppendInt(array->children[0]->children[0], (int64_t)i));
            buf_printf(want, "[%d,", (int)i);
        }
        add_value(array->children[0]->children[1], entries->children[1], true, want);
        OK(ArrowArrayFinishElement(array->children[0]));
        buf_puts(want, is_object ? "" : "]");
    }
    buf_putc(want, is_object ? '}' : ']');
    OK(ArrowArrayFinishElement(array));
}

static void add_nest(struct ArrowArray *array, const struct ArrowSchema *schema,
    const struct ArrowSchemaView *view, struct buf *want)
{
    if (view->type == NANOARROW_TYPE_MAP) {
        add_map(array, schema, want);
        return;
    }
    if (view->type == NANOARROW_TYPE_DENSE_UNION ||
        view->type == NANOARROW_TYPE_SPARSE_UNION) {
        int8_t member = (int8_t)below((uint64_t)schema->n_children);
        add_value(array->children[member], schema->children[member], true, want);
        OK(ArrowArrayFinishUnionElement(array, member));
        return;
    }
    bool is_struct = view->type == NANOARROW_TYPE_STRUCT;
    int64_t count = is_struct                                      ? schema->n_children
                    : view->type == NANOARROW_TYPE_FIXED_SIZE_LIST ? view->fixed_size
                                                                   : (int64_t)below(4);
    buf_putc(want, is_struct ? '{' : '[');
    for (int64_t i = 0; i < count; i++) {
        int64_t child = is_struct ? i : 0;
        buf_puts(want, i > 0 ? "," : "");
        if (is_struct) {
            want_text(want, str_of(schema->children[i]->name));
            buf_putc(want, ':');
        }
        add_value(array->children[child], schema->children[child], true, want);
    }
    buf_putc(want, is_struct ? '}' : ']');
    OK(ArrowArrayFinishElement(array));
}

/* Entry i of every dictionary: a text or a number. */
static void add_index(
    struct ArrowArray *array, const struct ArrowSchema *schema, struct buf *want)
{
    bool is_text = schema->dictionary->format[0] == 'u';
    int index = (int)below(ENTRIES);
    OK(ArrowArrayAppendInt(array, index));
    buf_printf(want, index == 0 ? "null" : is_text ? "\"entry %d\"" : "%d", index);
}

static void add_leaf(
    struct ArrowArray *array, const struct ArrowSchemaView *view, struct buf *want)
{
    switch ((int)view->type) {
    case NANOARROW_TYPE_BOOL: {
        int64_t value = (int64_t)below(2);
        OK(ArrowArrayAppendInt(array, value));
        buf_puts(want, value ? "true" : "false");
        break;
    }
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DOUBLE:
        add_float(array, view->type, want);
        break;
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL128:
    case NANOARROW_TYPE_DECIMAL256:
        add_decimal(array, view, want);
        break;
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_STRING_VIEW:
        add_bytes(array, view, true, want);
        break;
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
    case NANOARROW_TYPE_BINARY_VIEW:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
        add_bytes(array, view, false, want);
        break;
    case NANOARROW_TYPE_DATE32:
    case NANOARROW_TYPE_DATE64:
        add_date(array, view->type == NANOARROW_TYPE_DATE64, want);
        break;
    case NANOARROW_TYPE_TIME32:
    case NANOARROW_TYPE_TIME64:
        add_clock(array, view, want);
        break;
    case NANOARROW_TYPE_TIMESTAMP:
        add_moment(array, view, want);
        break;
    case NANOARROW_TYPE_DURATION:
    case NANOARROW_TYPE_INTERVAL_MONTHS:
    case NANOARROW_TYPE_INTERVAL_DAY_TIME:
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
        add_span(array, view, want);
        break;
    default:
        add_integer(array, view->type, want);
    }
}

static void add_value(struct ArrowArray *array, const struct ArrowSchema *schema,
    bool may_be_null, struct buf *want)
{
    struct ArrowSchemaView view;
    OK(ArrowSchemaViewInit(&view, schema, NULL));
    if (view.type == NANOARROW_TYPE_NA || (may_be_null && below(6) == 0)) {
        OK(ArrowArrayAppendNull(array, 1));
        buf_puts(want, "null");
    } else if (schema->dictionary) {
        add_index(array, schema, want);
    } else if (schema->n_children > 0) {
        add_nest(array, schema, &view, want);
    } else {
        add_leaf(array, &view, want);
    }
}

static void fill_dictionaries(struct ArrowArray *array, const struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        fill_dictionaries(array->children[i], schema->children[i]);
    }
    if (!schema->dictionary) {
        return;
    }
    OK(ArrowArrayAppendNull(array->dictionary, 1));
    for (int i = 1; i < ENTRIES; i++) {
        char text[16];
        snprintf(text, sizeof(text), "entry %d", i);
        if (schema->dictionary->format[0] == 'u') {
            OK(ArrowArrayAppendString(array->dictionary, ArrowCharView(text)));
        } else {
            OK(ArrowArrayAppendInt(array->dictionary, i));
        }
    }
}

size_t random_table(
    struct rng *from, struct table *table, struct buf wants[RANDOM_ROWS_MAX])
{
    rng = from;
    size_t rows = 1 + below(RANDOM_ROWS_MAX);
    struct ArrowSchema *schema = table_schema(table, 1 + (int64_t)below(COLUMNS_MAX));
    for (int64_t i = 0; i < schema->n_children; i++) {
        random_type(rng, schema->children[i]);
    }
    struct ArrowArray *batch = table_open(table);
    fill_dictionaries(batch, schema);
    for (size_t row = 0; row < rows; row++) {
        wants[row] = BUF_INIT(JSON_MAX);
        buf_putc(&wants[row], '[');
        for (int64_t i = 0; i < schema->n_children; i++) {
            buf_puts(&wants[row], i > 0 ? "," : "");
            add_value(batch->children[i], schema->children[i], true, &wants[row]);
        }
        buf_putc(&wants[row], ']');
    }
    table_close(table, (int64_t)rows);
    return rows;
}
