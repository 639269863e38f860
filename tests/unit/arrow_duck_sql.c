// SPDX-License-Identifier: Apache-2.0
#include "arrow_duck_sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DEPTH_MAX = 3
};

static const struct leaf_type leaf_types[] = {
    {"boolean", BOOL, false},
    {"tinyint", INTEGER, false},
    {"smallint", INTEGER, false},
    {"integer", INTEGER, false},
    {"bigint", INTEGER, false},
    {"hugeint", INTEGER, false},
    {"utinyint", INTEGER, false},
    {"usmallint", INTEGER, false},
    {"uinteger", INTEGER, false},
    {"ubigint", INTEGER, false},
    {"uhugeint", INTEGER, true},
    {"bignum", INTEGER, false},
    {"decimal(4,1)", SCALED, false},
    {"decimal(9,9)", SCALED, false},
    {"decimal(18,4)", SCALED, false},
    {"decimal(38,20)", SCALED, false},
    {"decimal(30,0)", INTEGER, false},
    {"float", FLOAT, false},
    {"double", DOUBLE, false},
    {"varchar", TEXT, false},
    {"json", TEXT, false},
    {"uuid", TEXT, false},
    {"enum('sad', 'ok', 'happy')", TEXT, false},
    {"blob", BLOB, false},
    {"bit", BITS, true},
    {"date", DATE, false},
    {"time", TIME, false},
    {"time_ns", TIME, false},
    {"timetz", TIME_ZONED, true},
    {"timestamp", MOMENT, false},
    {"timestamp_s", MOMENT, false},
    {"timestamp_ms", MOMENT, false},
    {"timestamp_ns", MOMENT, false},
    {"timestamptz", MOMENT_ZONED, false},
    {"interval", INTERVAL, false},
    {"union(n integer, t varchar)", UNION, false},
};

static struct rng *rng;
static bool is_lossless;

static uint64_t below(uint64_t max)
{
    return rng_below(rng, max);
}

static int64_t whole(void) /* any, but small ones and the edges often */
{
    int64_t value = (int64_t)(rng_next(rng) >> (1 + below(63)));
    return below(2) == 0 ? value : -value;
}

/* ---- types ---- */

static struct type *make_type(int depth)
{
    struct type *type = calloc(1, sizeof(*type));
    assert_non_null(type);
    type->nest = depth < DEPTH_MAX && below(3) == 0 ? 1 + (enum nest)below(4) : NEST_NONE;
    if (type->nest == NEST_NONE) {
        do {
            type->leaf = &leaf_types[below(ARRAY_LEN(leaf_types))];
        } while (type->leaf->needs_lossless && !is_lossless);
        return type;
    }
    type->children[0] = make_type(type->nest == NEST_MAP ? DEPTH_MAX : depth + 1);
    if (type->nest == NEST_STRUCT || type->nest == NEST_MAP) {
        type->children[1] = make_type(depth + 1);
    }
    if (type->nest == NEST_MAP) { /* keys without odd texts: they name members */
        type->children[0]->leaf = &leaf_types[below(2) == 0 ? 3 : 21];
    }
    return type;
}

struct type *duck_type(struct rng *from, bool all)
{
    rng = from;
    is_lossless = all;
    return make_type(0);
}

void duck_type_free(struct type *type)
{
    for (int i = 0; i < 2 && type->children[i]; i++) {
        duck_type_free(type->children[i]);
    }
    free(type);
}

/* The type, or the same nest of texts. */
void duck_put_type(struct buf *sql, const struct type *type, bool is_text)
{
    switch (type->nest) {
    case NEST_NONE:
        buf_puts(sql, is_text ? "varchar" : type->leaf->name);
        break;
    case NEST_LIST:
    case NEST_ARRAY:
        duck_put_type(sql, type->children[0], is_text);
        buf_puts(sql, type->nest == NEST_LIST ? "[]" : "[2]");
        break;
    case NEST_STRUCT:
        buf_puts(sql, "struct(\"a \"\"quoted\"\" name\" ");
        duck_put_type(sql, type->children[0], is_text);
        buf_puts(sql, ", b ");
        duck_put_type(sql, type->children[1], is_text);
        buf_putc(sql, ')');
        break;
    case NEST_MAP:
        buf_puts(sql, "map(");
        duck_put_type(sql, type->children[0], is_text);
        buf_puts(sql, ", ");
        duck_put_type(sql, type->children[1], is_text);
        buf_putc(sql, ')');
        break;
    }
}

/* ---- values ---- */

static void put_digits(struct buf *sql, uint64_t count)
{
    buf_puts(sql, below(2) == 0 ? "-" : "");
    for (uint64_t i = 0; i < count; i++) {
        buf_putc(sql, (char)('0' + (i == 0 && count > 1 ? 1 + below(9) : below(10))));
    }
}

static void put_integer(struct buf *sql, const char *name)
{
    static const struct {
        const char *name;
        const char *edges[4];
        int64_t max;
    } ranges[] = {{"tinyint", {"-128", "127", "0", "-1"}, 127},
        {"smallint", {"-32768", "32767", "0", "-1"}, 32767},
        {"integer", {"-2147483648", "2147483647", "0", "-1"}, INT32_MAX},
        {"bigint",
            {"9007199254740991", "9007199254740992", "-9007199254740992",
                "-9223372036854775808"},
            INT64_MAX},
        {"utinyint", {"255", "0", "1", "127"}, -255},
        {"usmallint", {"65535", "0", "1", "2"}, -65535},
        {"uinteger", {"4294967295", "0", "1", "2"}, -4294967295},
        {"ubigint", {"18446744073709551615", "9007199254740991", "9007199254740992", "0"},
            -INT64_MAX},
        {"uhugeint",
            {"340282366920938463463374607431768211455",
                "170141183460469231731687303715884105728", "0", "9007199254740992"},
            -INT64_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (strcmp(name, ranges[i].name) == 0) {
            int64_t value = whole();
            bool is_unsigned = ranges[i].max < 0;
            value = is_unsigned && value < 0 ? -value : value;
            value %= is_unsigned ? -ranges[i].max : ranges[i].max;
            if (below(4) == 0) {
                buf_puts(sql, ranges[i].edges[below(4)]);
            } else {
                buf_printf(sql, "%" PRId64, value);
            }
            return;
        }
    }
    put_digits(sql, 1 + below(strcmp(name, "bignum") == 0 ? 300 : 30));
}

static void put_text(struct buf *sql)
{
    static const char *const parts[] = {"a", "''", "\"", "\\", "\n", "\r", "\t", "\x01",
        "\x7f", ",", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa6\x86", "null", "{",
        "]", "\xe2\x80\xa8", "/", "0"};
    for (uint64_t i = below(20); i > 0; i--) {
        buf_puts(sql, parts[below(ARRAY_LEN(parts))]);
    }
}

static void put_scaled(struct buf *sql, const char *name)
{
    int precision = 0;
    int scale = 0;
    assert_int_equal(sscanf(name, "decimal(%d,%d)", &precision, &scale), 2);
    put_digits(sql, precision == scale ? 1 : 1 + below((uint64_t)(precision - scale)));
    if (precision == scale) {
        sql->ptr[sql->len - 1] = '0';
    }
    buf_putc(sql, '.');
    for (uint64_t i = below((uint64_t)scale + 1); i > 0; i--) {
        buf_putc(sql, (char)('0' + below(10)));
    }
}

static void put_float(struct buf *sql, bool is_single)
{
    static const char *const odd[] = {"nan", "inf", "-inf", "0", "-0.0", "1e15", "1e16",
        "123456789", "0.0001", "0.00001", "1e-30", "3e38", "16777217"};
    uint64_t bits = rng_next(rng);
    double value;
    memcpy(&value, &bits, sizeof(value));
    if (below(3) == 0 || is_single) {
        value = (double)whole() / (double)(1 + below(10000));
    }
    bool is_finite = value - value < 1; /* no NaN, no infinity */
    if (below(3) == 0 || !is_finite) {
        buf_puts(sql, odd[below(ARRAY_LEN(odd))]);
    } else {
        buf_printf(sql, "%.17g", value);
    }
}

static void put_bytes(struct buf *sql)
{
    for (uint64_t i = below(40); i > 0; i--) {
        buf_printf(sql, "\\x%02X", (unsigned)below(256));
    }
}

static void put_bits(struct buf *sql)
{
    for (uint64_t i = 1 + below(70); i > 0; i--) {
        buf_putc(sql, below(2) == 0 ? '0' : '1');
    }
}

static void put_uuid(struct buf *sql)
{
    uint64_t high = rng_next(rng);
    buf_printf(sql, "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(high >> 32),
        (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff),
        (unsigned)below(65536), below(UINT64_C(1) << 48));
}

/* Time of a day, with parts of a second to @digits. */
static void put_clock(struct buf *sql, unsigned digits)
{
    buf_printf(sql, "%02u:%02u:%02u", (unsigned)below(24), (unsigned)below(60),
        (unsigned)below(60));
    if (digits > 0 && below(2) == 0) {
        buf_putc(sql, '.');
        for (uint64_t i = 1 + below(digits); i > 0; i--) {
            buf_putc(sql, (char)('0' + below(10)));
        }
    }
}

/* Also before 1970, before Christ, and after the year 9999. */
static void put_day(struct buf *sql, bool is_near)
{
    uint64_t which = below(4);
    unsigned year = is_near      ? 1678 + (unsigned)below(584)
                    : which == 0 ? 10000 + (unsigned)below(200000)
                    : which == 1 ? 1 + (unsigned)below(1969)
                    : which == 2 ? 1 + (unsigned)below(9999)
                                 : 1970 + (unsigned)below(200);
    buf_printf(
        sql, "%04u-%02u-%02u", year, 1 + (unsigned)below(12), 1 + (unsigned)below(28));
    if (!is_near && which == 2) {
        buf_puts(sql, " (BC)");
    }
}

static void put_moment(struct buf *sql, const char *name)
{
    bool is_nano = strcmp(name, "timestamp_ns") == 0;
    unsigned digits = is_nano                             ? 9
                      : strcmp(name, "timestamp_s") == 0  ? 0
                      : strcmp(name, "timestamp_ms") == 0 ? 3
                                                          : 6;
    if (!is_nano && below(10) == 0) {
        buf_puts(sql, below(2) == 0 ? "infinity" : "-infinity");
        return;
    }
    put_day(sql, is_nano);
    buf_putc(sql, ' ');
    put_clock(sql, digits);
}

static void put_interval(struct buf *sql)
{
    buf_printf(sql, "%d months %d days %" PRId64 " microseconds", (int)below(5000) - 2500,
        (int)below(5000) - 2500, whole() % INT64_C(100000000000000));
}

static void put_leaf(struct buf *sql, const struct leaf_type *type)
{
    static const char *const moods[] = {"sad", "ok", "happy"};
    static const char *const documents[] = {
        "{\"a\": [1, null, \"x\"]}", "null", "[]", "1.50"};
    buf_putc(sql, '\'');
    switch (type->leaf) {
    case BOOL:
        buf_puts(sql, below(2) == 0 ? "true" : "false");
        break;
    case INTEGER:
        put_integer(sql, type->name);
        break;
    case SCALED:
        put_scaled(sql, type->name);
        break;
    case FLOAT:
    case DOUBLE:
        put_float(sql, type->leaf == FLOAT);
        break;
    case TEXT:
        if (*type->name == 'v') {
            put_text(sql);
        } else if (*type->name == 'u') {
            put_uuid(sql);
        } else {
            buf_puts(sql, *type->name == 'j' ? documents[below(4)] : moods[below(3)]);
        }
        break;
    case BLOB:
        put_bytes(sql);
        break;
    case BITS:
        put_bits(sql);
        break;
    case DATE:
        if (below(10) == 0) {
            buf_puts(sql, below(2) == 0 ? "infinity" : "-infinity");
        } else {
            put_day(sql, false);
        }
        break;
    case TIME:
        put_clock(sql, type->name[4] == '_' ? 9 : 6);
        break;
    case TIME_ZONED:
        put_clock(sql, 6);
        buf_printf(sql, "%c%02u:", below(2) == 0 ? '-' : '+', (unsigned)below(16));
        if (below(3) > 0) {
            buf_printf(sql, "%02u", (unsigned)below(60));
        } else { /* DuckDB's text forgets minutes of 00 before seconds */
            buf_printf(sql, "%02u:%02u", 1 + (unsigned)below(59), (unsigned)below(60));
        }
        break;
    case MOMENT:
    case MOMENT_ZONED:
        put_moment(sql, type->name);
        buf_puts(sql,
            type->leaf == MOMENT_ZONED && sql->ptr[sql->len - 1] != 'y' ? "+05:30" : "");
        break;
    case INTERVAL:
        put_interval(sql);
        break;
    case UNION:
        buf_printf(sql, below(2) == 0 ? "%d" : "text %d", (int)below(1000));
        break;
    }
    buf_putc(sql, '\'');
}

static void put_value(struct buf *sql, const struct type *type, bool may_be_null)
{
    if (may_be_null && below(6) == 0) {
        buf_puts(sql, "null");
        return;
    }
    uint64_t count = type->nest == NEST_ARRAY ? 2 : below(4);
    switch (type->nest) {
    case NEST_NONE:
        if (type->leaf->leaf == UNION) {
            buf_printf(sql,
                below(2) == 0 ? "union_value(n := %d)::%s"
                              : "union_value(t := 'text %d')::%s",
                (int)below(1000), type->leaf->name);
            return;
        }
        put_leaf(sql, type->leaf);
        break;
    case NEST_LIST:
    case NEST_ARRAY:
        buf_putc(sql, '[');
        for (uint64_t i = 0; i < count; i++) {
            buf_puts(sql, i > 0 ? ", " : "");
            put_value(sql, type->children[0], true);
        }
        buf_putc(sql, ']');
        break;
    case NEST_STRUCT:
        buf_puts(sql, "{'a \"quoted\" name': ");
        put_value(sql, type->children[0], true);
        buf_puts(sql, ", 'b': ");
        put_value(sql, type->children[1], true);
        buf_putc(sql, '}');
        break;
    case NEST_MAP:
        buf_puts(sql, "map {");
        for (uint64_t i = 0; i < count; i++) {
            buf_puts(sql, i > 0 ? ", " : "");
            if (type->children[0]->leaf->leaf == INTEGER) { /* keys are unique */
                buf_printf(sql, "%d", (int)(1000 * i + below(1000)));
            } else {
                put_value(sql, type->children[0], false);
            }
            buf_puts(sql, ": ");
            put_value(sql, type->children[1], true);
        }
        buf_putc(sql, '}');
        break;
    }
    buf_puts(sql, "::");
    duck_put_type(sql, type, false);
}

void duck_put_select(
    struct buf *sql, struct type *const types[], uint64_t count, struct rng *from)
{
    rng = from;
    buf_puts(sql, "select ");
    for (uint64_t i = 0; i < count; i++) {
        bool is_nested = types[i]->nest != NEST_NONE;
        buf_printf(sql, "%sc%d, %sc%d::", i > 0 ? ", " : "", (int)i,
            is_nested ? "to_json(" : "", (int)i);
        duck_put_type(sql, types[i], true);
        buf_puts(sql, is_nested ? ")::varchar" : "");
    }
    buf_puts(sql, " from (values ");
    for (int row = 0; row < DUCK_ROWS; row++) {
        buf_puts(sql, row > 0 ? ", (" : "(");
        for (uint64_t i = 0; i < count; i++) {
            buf_puts(sql, i > 0 ? ", " : "");
            put_value(sql, types[i], row > 0);
        }
        buf_putc(sql, ')');
    }
    buf_puts(sql, ") v(");
    for (uint64_t i = 0; i < count; i++) {
        buf_printf(sql, i > 0 ? ", c%d" : "c%d", (int)i);
    }
    buf_putc(sql, ')');
}
