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

#include "base/rng.h"
#include "spool_rig.h"

enum {
    SEEDS = 150,
    COLUMNS_MAX = 8,
    TABLE_ROWS = 12,
    DEPTH_MAX = 3,
    SQL_MAX = 1024 * 1024,
    TYPE_MAX = 4096,
};

enum leaf {
    BOOL,
    INTEGER, /* shown as numbers or strings, by value */
    SCALED,
    FLOAT,
    DOUBLE,
    TEXT,
    BLOB,
    BITS,
    DATE,
    TIME,
    TIME_ZONED,
    MOMENT,
    MOMENT_ZONED,
    INTERVAL,
    UNION,
};

static const struct leaf_type {
    const char *name;
    enum leaf leaf;
    bool needs_lossless; /* else the driver loses a part of the value */
} leaf_types[] = {
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

enum nest {
    NEST_NONE,
    NEST_LIST,
    NEST_ARRAY,
    NEST_STRUCT,
    NEST_MAP,
};

struct type {
    enum nest nest;
    const struct leaf_type *leaf;
    struct type *children[2];
};

static struct rng rng;
static bool is_lossless;
static uint64_t seed;

static uint64_t below(uint64_t max)
{
    return rng_below(&rng, max);
}

static int64_t whole(void) /* any, but small ones and the edges often */
{
    int64_t value = (int64_t)(rng_next(&rng) >> (1 + below(63)));
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

static void free_type(struct type *type)
{
    for (int i = 0; i < 2 && type->children[i]; i++) {
        free_type(type->children[i]);
    }
    free(type);
}

/* The type, or the same nest of texts. */
static void put_type(struct buf *sql, const struct type *type, bool is_text)
{
    switch (type->nest) {
    case NEST_NONE:
        buf_puts(sql, is_text ? "varchar" : type->leaf->name);
        break;
    case NEST_LIST:
    case NEST_ARRAY:
        put_type(sql, type->children[0], is_text);
        buf_puts(sql, type->nest == NEST_LIST ? "[]" : "[2]");
        break;
    case NEST_STRUCT:
        buf_puts(sql, "struct(\"a \"\"quoted\"\" name\" ");
        put_type(sql, type->children[0], is_text);
        buf_puts(sql, ", b ");
        put_type(sql, type->children[1], is_text);
        buf_putc(sql, ')');
        break;
    case NEST_MAP:
        buf_puts(sql, "map(");
        put_type(sql, type->children[0], is_text);
        buf_puts(sql, ", ");
        put_type(sql, type->children[1], is_text);
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
    uint64_t bits = rng_next(&rng);
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
    uint64_t high = rng_next(&rng);
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
    put_type(sql, type, false);
}

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

static void put_select(struct buf *sql, struct type *const types[], uint64_t count)
{
    buf_puts(sql, "select ");
    for (uint64_t i = 0; i < count; i++) {
        bool is_nested = types[i]->nest != NEST_NONE;
        buf_printf(sql, "%sc%d, %sc%d::", i > 0 ? ", " : "", (int)i,
            is_nested ? "to_json(" : "", (int)i);
        put_type(sql, types[i], true);
        buf_puts(sql, is_nested ? ")::varchar" : "");
    }
    buf_puts(sql, " from (values ");
    for (int row = 0; row < TABLE_ROWS; row++) {
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

static void check_rows(struct str json, struct type *const types[], uint64_t count)
{
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *rows = yyjson_doc_get_root(doc);
    assert_int_equal(yyjson_arr_size(rows), TABLE_ROWS);
    for (size_t row = 0; row < TABLE_ROWS; row++) {
        yyjson_val *cells = yyjson_arr_get(rows, row);
        assert_int_equal(yyjson_arr_size(cells), 2 * count);
        for (size_t i = 0; i < count; i++) {
            yyjson_val *ours = yyjson_arr_get(cells, 2 * i);
            yyjson_val *theirs = yyjson_arr_get(cells, 2 * i + 1);
            if (!is_same_cell(types[i], ours, theirs)) {
                struct buf name = BUF_INIT(TYPE_MAX);
                put_type(&name, types[i], false);
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
static void check_table(struct pair *pair)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    struct type *types[COLUMNS_MAX];
    uint64_t count = 1 + below(COLUMNS_MAX);
    for (uint64_t i = 0; i < count; i++) {
        types[i] = make_type(0);
    }
    put_select(&sql, types, count);
    buf_putc(&sql, '\0');
    assert_true(buf_ok(&sql));
    pair->writer.spool_path = NULL;
    struct page page = run(pair, sql.ptr, wide);
    check_rows(page.rows, types, count);
    struct kept live = keep(&page);
    pair->writer.spool_path = pair->path;
    page = run(pair, sql.ptr, (struct limits){1, 1024 * 1024, 100000});
    assert_int_equal(page.spooled_rows, TABLE_ROWS);
    page = fetch(pair, 0, wide);
    assert_same(&page, &live);
    kept_free(&live);
    remove_file(pair);
    for (uint64_t i = 0; i < count; i++) {
        free_type(types[i]);
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
        is_lossless = seed % 2 == 0;
        pair.writer.spool_path = NULL;
        (void)run(&pair,
            is_lossless ? "set arrow_lossless_conversion = true"
                        : "set arrow_lossless_conversion = false",
            wide);
        rng = (struct rng){seed};
        check_table(&pair);
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
