// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_type.h"

#include "worker/arrow_postgres.h"

enum {
    DEPTH_MAX = 32
};

/* A kind, and what else is not 0. */
#define SIMPLE(...)                                                                      \
    {                                                                                    \
        .tail = "", .kind = __VA_ARGS__                                                  \
    }

/* Formats of one character, by that character. */
static const struct arrow_type letters[128] = {
    ['n'] = SIMPLE(ARROW_NULL),
    ['b'] = SIMPLE(ARROW_BOOL),
    ['c'] = SIMPLE(ARROW_INT, .width = 1),
    ['C'] = SIMPLE(ARROW_UINT, .width = 1),
    ['s'] = SIMPLE(ARROW_INT, .width = 2),
    ['S'] = SIMPLE(ARROW_UINT, .width = 2),
    ['i'] = SIMPLE(ARROW_INT, .width = 4),
    ['I'] = SIMPLE(ARROW_UINT, .width = 4),
    ['l'] = SIMPLE(ARROW_INT, .width = 8),
    ['L'] = SIMPLE(ARROW_UINT, .width = 8),
    ['e'] = SIMPLE(ARROW_FLOAT, .width = 2),
    ['f'] = SIMPLE(ARROW_FLOAT, .width = 4),
    ['g'] = SIMPLE(ARROW_FLOAT, .width = 8),
    ['u'] = SIMPLE(ARROW_TEXT, .layout = ARROW_OFFSETS_32),
    ['U'] = SIMPLE(ARROW_TEXT, .layout = ARROW_OFFSETS_64),
    ['z'] = SIMPLE(ARROW_BINARY, .layout = ARROW_OFFSETS_32),
    ['Z'] = SIMPLE(ARROW_BINARY, .layout = ARROW_OFFSETS_64),
};

static const struct {
    const char *format;
    struct arrow_type type;
} words[] = {
    {"vu", SIMPLE(ARROW_TEXT, .layout = ARROW_VIEW_32)},
    {"vz", SIMPLE(ARROW_BINARY, .layout = ARROW_VIEW_32)},
    {"tdD", SIMPLE(ARROW_DATE, .width = 4, .per_unit = 0)},
    {"tdm", SIMPLE(ARROW_DATE, .width = 8, .per_unit = 1000)},
    {"tts", SIMPLE(ARROW_TIME, .width = 4, .per_unit = 1)},
    {"ttm", SIMPLE(ARROW_TIME, .width = 4, .per_unit = 1000)},
    {"ttu", SIMPLE(ARROW_TIME, .width = 8, .per_unit = 1000000)},
    {"ttn", SIMPLE(ARROW_TIME, .width = 8, .per_unit = 1000000000)},
    {"tDs", SIMPLE(ARROW_DURATION, .width = 8, .per_unit = 1)},
    {"tDm", SIMPLE(ARROW_DURATION, .width = 8, .per_unit = 1000)},
    {"tDu", SIMPLE(ARROW_DURATION, .width = 8, .per_unit = 1000000)},
    {"tDn", SIMPLE(ARROW_DURATION, .width = 8, .per_unit = 1000000000)},
    {"tiM", SIMPLE(ARROW_INTERVAL_MONTHS, .width = 4)},
    {"tiD", SIMPLE(ARROW_INTERVAL_DAYS, .width = 8)},
    {"tin", SIMPLE(ARROW_INTERVAL_FULL, .width = 16)},
    {"+s", SIMPLE(ARROW_STRUCT)},
    {"+l", SIMPLE(ARROW_LIST, .layout = ARROW_OFFSETS_32)},
    {"+L", SIMPLE(ARROW_LIST, .layout = ARROW_OFFSETS_64)},
    {"+vl", SIMPLE(ARROW_LIST, .layout = ARROW_VIEW_32)},
    {"+vL", SIMPLE(ARROW_LIST, .layout = ARROW_VIEW_64)},
    {"+m", SIMPLE(ARROW_MAP, .layout = ARROW_OFFSETS_32)},
    {"+r", SIMPLE(ARROW_RUNS)},
};

static const struct arrow_type unknown_type = SIMPLE(ARROW_UNKNOWN);

/* A number of at most nine digits; moves *at behind it. False: there is none. */
static bool take_number(const char **at, int *ret)
{
    const char *start = *at;
    bool is_negative = **at == '-';
    int value = 0;
    *at += is_negative;
    const char *digits = *at;
    for (; **at >= '0' && **at <= '9' && *at - digits < 9; (*at)++) {
        value = value * 10 + (**at - '0');
    }
    *ret = is_negative ? -value : value;
    if (*at == digits) {
        *at = start;
        return false;
    }
    return true;
}

/* d:precision,scale[,bits] */
static struct arrow_type parse_decimal(const char *at)
{
    struct arrow_type type = SIMPLE(ARROW_DECIMAL);
    int bits = 128;
    bool ok = take_number(&at, &type.precision) && *at++ == ',' &&
              take_number(&at, &type.scale) &&
              (*at == 0 || (*at++ == ',' && take_number(&at, &bits) && *at == 0));
    bool is_known = bits == 32 || bits == 64 || bits == 128 || bits == 256;
    if (!ok || !is_known || type.precision < 1 || type.precision > 76 ||
        type.scale < -100 || type.scale > 100) {
        return unknown_type;
    }
    type.width = bits / 8;
    return type;
}

static struct arrow_type parse_timestamp(const char *format)
{
    struct arrow_type type = SIMPLE(ARROW_TIMESTAMP, .width = 8);
    type.per_unit = format[2] == 's'   ? 1
                    : format[2] == 'm' ? 1000
                    : format[2] == 'u' ? 1000000
                    : format[2] == 'n' ? 1000000000
                                       : 0;
    if (type.per_unit == 0 || format[3] != ':') {
        return unknown_type;
    }
    type.tail = format + 4;
    return type;
}

static struct arrow_type parse_fixed(enum arrow_kind kind, const char *at)
{
    struct arrow_type type = SIMPLE(kind, .layout = ARROW_FIXED);
    bool ok = take_number(&at, &type.width) && *at == 0 && type.width >= 0;
    return ok ? type : unknown_type;
}

struct arrow_type arrow_type_parse(const char *format)
{
    unsigned char first = (unsigned char)format[0];
    if (first == 0 || format[1] == 0) {
        bool is_known = first < ARRAY_LEN(letters) && letters[first].tail;
        return is_known ? letters[first] : unknown_type;
    }
    if (first == 'd' && format[1] == ':') {
        return parse_decimal(format + 2);
    }
    if (first == 't' && format[1] == 's' && format[2] != 0) {
        return parse_timestamp(format);
    }
    if (first == 'w' && format[1] == ':') {
        return parse_fixed(ARROW_BINARY, format + 2);
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(format, words[i].format) == 0) {
            return words[i].type;
        }
    }
    if (strncmp(format, "+w:", 3) == 0) {
        return parse_fixed(ARROW_LIST, format + 3);
    }
    if (strncmp(format, "+us:", 4) == 0 || strncmp(format, "+ud:", 4) == 0) {
        struct arrow_type type = {.kind = ARROW_UNION, .tail = format + 4};
        type.layout = format[2] == 's' ? ARROW_SPARSE : ARROW_DENSE;
        return type;
    }
    return unknown_type;
}

/* ---- metadata ---- */

static struct str take_text(const char **at)
{
    int32_t len;
    memcpy(&len, *at, sizeof(len));
    struct str text = {*at + sizeof(len), len > 0 ? (size_t)len : 0};
    *at = text.ptr + text.len;
    return text;
}

struct str arrow_metadata(const struct ArrowSchema *schema, struct str key)
{
    const char *at = schema->metadata;
    int32_t count = 0;
    if (at) {
        memcpy(&count, at, sizeof(count));
        at += sizeof(count);
    }
    for (int32_t i = 0; i < count; i++) {
        struct str name = take_text(&at);
        struct str value = take_text(&at);
        if (str_eq(name, key)) {
            return value;
        }
    }
    return STR("");
}

/* The string under @key of {"type_name":"bit","vendor_name":"DuckDB"}. */
static struct str opaque_part(const struct ArrowSchema *schema, struct str key)
{
    struct str all = arrow_metadata(schema, STR("ARROW:extension:metadata"));
    const char *at = memmem(all.ptr, all.len, key.ptr, key.len);
    struct str rest = at ? str_from(all, (size_t)(at - all.ptr) + key.len) : STR("");
    while (rest.len > 0 && (*rest.ptr == ' ' || *rest.ptr == ':')) {
        rest = str_from(rest, 1);
    }
    rest = rest.len > 0 && *rest.ptr == '"' ? str_from(rest, 1) : STR("");
    ptrdiff_t end = str_find(rest, '"');
    return end > 0 ? (struct str){rest.ptr, (size_t)end} : STR("");
}

static struct str opaque_name(const struct ArrowSchema *schema)
{
    return opaque_part(schema, STR("\"type_name\""));
}

static enum arrow_extension opaque_extension(
    const struct ArrowSchema *schema, struct arrow_type type)
{
    struct str name = opaque_name(schema);
    struct str vendor = opaque_part(schema, STR("\"vendor_name\""));
    bool is_fixed = type.layout == ARROW_FIXED;
    if (type.kind == ARROW_BINARY && str_eq(vendor, STR("PostgreSQL"))) {
        return is_fixed ? ARROW_PLAIN : arrow_postgres_extension(name);
    }
    if (type.kind != ARROW_BINARY || !str_eq(vendor, STR("DuckDB"))) {
        return ARROW_PLAIN;
    }
    if (is_fixed && type.width == 16) {
        return str_eq(name, STR("hugeint"))    ? ARROW_HUGEINT
               : str_eq(name, STR("uhugeint")) ? ARROW_UHUGEINT
                                               : ARROW_PLAIN;
    }
    if (is_fixed) {
        bool is_time = type.width == 8 && str_eq(name, STR("time_tz"));
        return is_time ? ARROW_ZONED_TIME : ARROW_PLAIN;
    }
    return str_eq(name, STR("bit"))      ? ARROW_BITS
           : str_eq(name, STR("bignum")) ? ARROW_BIGNUM
                                         : ARROW_PLAIN;
}

static enum arrow_extension find_extension(
    const struct ArrowSchema *schema, struct arrow_type type)
{
    struct str name = arrow_metadata(schema, STR("ARROW:extension:name"));
    if (name.len == 0) {
        return ARROW_PLAIN;
    }
    if (type.kind == ARROW_TEXT && str_eq(name, STR("arrow.json"))) {
        return ARROW_JSON;
    }
    if (type.kind == ARROW_INT && type.width == 1 && str_eq(name, STR("arrow.bool8"))) {
        return ARROW_BOOL8;
    }
    if (type.kind == ARROW_BINARY && type.width == 16 &&
        str_eq(name, STR("arrow.uuid"))) {
        return ARROW_UUID;
    }
    return str_eq(name, STR("arrow.opaque")) ? opaque_extension(schema, type)
                                             : ARROW_PLAIN;
}

struct arrow_type arrow_type_of(const struct ArrowSchema *schema)
{
    struct arrow_type type = arrow_type_parse(schema->format);
    if (schema->metadata && (type.kind == ARROW_BINARY || type.kind == ARROW_TEXT ||
                                (type.kind == ARROW_INT && type.width == 1))) {
        type.extension = find_extension(schema, type);
        type.kind = type.extension == ARROW_XML ? ARROW_TEXT : type.kind;
    }
    return type;
}

bool arrow_is_opaque(const struct ArrowSchema *schema)
{
    struct arrow_type type = arrow_type_of(schema);
    bool is_opaque = type.kind == ARROW_BINARY && type.extension == ARROW_PLAIN &&
                     opaque_name(schema).len > 0;
    for (int64_t i = 0; i < schema->n_children && !is_opaque; i++) {
        is_opaque = arrow_is_opaque(schema->children[i]);
    }
    return is_opaque;
}

/* ---- names ---- */

static void put_name(struct buf *out, const struct ArrowSchema *schema, int depth);

static void put_members(struct buf *out, const struct ArrowSchema *schema, int depth)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        buf_puts(out, schema->children[i]->name ? schema->children[i]->name : "");
        buf_putc(out, ' ');
        put_name(out, schema->children[i], depth + 1);
    }
}

static void put_nested_name(
    struct buf *out, const struct ArrowSchema *schema, struct arrow_type type, int depth)
{
    if (depth >= DEPTH_MAX || schema->n_children < 1) {
        buf_puts(out, type.kind == ARROW_STRUCT ? "STRUCT()" : "UNKNOWN");
    } else if (type.kind == ARROW_LIST) {
        put_name(out, schema->children[0], depth + 1);
        if (type.layout == ARROW_FIXED) {
            buf_printf(out, "[%d]", type.width);
        } else {
            buf_puts(out, "[]");
        }
    } else if (type.kind == ARROW_RUNS) {
        put_name(out, schema->children[schema->n_children - 1], depth + 1);
    } else if (type.kind == ARROW_MAP && schema->children[0]->n_children == 2) {
        buf_puts(out, "MAP(");
        put_name(out, schema->children[0]->children[0], depth + 1);
        buf_puts(out, ", ");
        put_name(out, schema->children[0]->children[1], depth + 1);
        buf_putc(out, ')');
    } else {
        buf_puts(out, type.kind == ARROW_UNION ? "UNION(" : "STRUCT(");
        put_members(out, schema, depth);
        buf_putc(out, ')');
    }
}

/* Snowflake says what a column is, whatever Arrow makes of it. */
static bool put_snowflake_name(
    struct buf *out, const struct ArrowSchema *schema, struct arrow_type type)
{
    struct str name = arrow_metadata(schema, STR("logicalType"));
    if (name.len == 0) {
        return false;
    }
    if (str_eq_nocase(name, STR("FIXED"))) {
        struct str precision = arrow_metadata(schema, STR("precision"));
        struct str scale = arrow_metadata(schema, STR("scale"));
        if (type.kind == ARROW_DECIMAL) {
            buf_printf(out, "NUMBER(%d,%d)", type.precision, type.scale);
        } else if (precision.len > 0 && scale.len > 0) {
            buf_printf(out, "NUMBER(" STR_FMT "," STR_FMT ")", STR_ARG(precision),
                STR_ARG(scale));
        } else {
            buf_puts(out, "NUMBER");
        }
    } else if (str_eq_nocase(name, STR("REAL"))) {
        buf_puts(out, "FLOAT");
    } else if (str_eq_nocase(name, STR("TEXT"))) {
        buf_puts(out, "VARCHAR");
    } else {
        for (size_t i = 0; i < name.len; i++) {
            bool is_lower = name.ptr[i] >= 'a' && name.ptr[i] <= 'z';
            buf_putc(out, (char)(name.ptr[i] - (is_lower ? 'a' - 'A' : 0)));
        }
    }
    return true;
}

/* The name that the metadata has; false: none. */
static bool put_own_name(
    struct buf *out, const struct ArrowSchema *schema, struct arrow_type type)
{
    static const char *const known[] = {[ARROW_BOOL8] = "BOOLEAN",
        [ARROW_UUID] = "UUID",
        [ARROW_HUGEINT] = "HUGEINT",
        [ARROW_UHUGEINT] = "UHUGEINT",
        [ARROW_BIGNUM] = "BIGNUM",
        [ARROW_BITS] = "BIT",
        [ARROW_ZONED_TIME] = "TIME WITH TIME ZONE",
        [ARROW_PG_BITS] = "BIT",
        [ARROW_PG_ZONED_TIME] = "TIME WITH TIME ZONE",
        [ARROW_PG_INET] = "INET",
        [ARROW_XML] = "XML",
        [ARROW_JSON] = "JSON"};
    if (type.extension < ARRAY_LEN(known) && known[type.extension]) {
        buf_puts(out, known[type.extension]);
        return true;
    }
    if (put_snowflake_name(out, schema, type)) {
        return true;
    }
    struct str extension = arrow_metadata(schema, STR("ARROW:extension:name"));
    struct str name = arrow_metadata(schema, STR("ADBC:postgresql:typname"));
    if (name.len == 0 && str_eq(extension, STR("arrow.opaque"))) {
        name = opaque_name(schema);
    } else if (str_eq(extension, STR("geoarrow.wkb"))) {
        name = STR("GEOMETRY");
    }
    buf_put_str(out, arrow_postgres_name(name));
    return name.len > 0;
}

static const char *number_name(struct arrow_type type)
{
    static const char *const names[3][4] = {
        {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"},
        {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"},
        {"FLOAT", "HALFFLOAT", "FLOAT", "DOUBLE"},
    };
    int size = type.width == 8 ? 3 : type.width == 4 ? 2 : type.width == 2 ? 1 : 0;
    return names[type.kind == ARROW_INT ? 0 : type.kind == ARROW_UINT ? 1 : 2][size];
}

static void put_name(struct buf *out, const struct ArrowSchema *schema, int depth)
{
    if (schema->dictionary && depth < DEPTH_MAX) {
        put_name(out, schema->dictionary, depth + 1);
        return;
    }
    struct arrow_type type = arrow_type_of(schema);
    if (schema->metadata && put_own_name(out, schema, type)) {
        return;
    }
    switch (type.kind) {
    case ARROW_UNKNOWN:
        buf_puts(out, "UNKNOWN");
        break;
    case ARROW_NULL:
        buf_puts(out, "NULL");
        break;
    case ARROW_BOOL:
        buf_puts(out, "BOOLEAN");
        break;
    case ARROW_INT:
    case ARROW_UINT:
    case ARROW_FLOAT:
        buf_puts(out, number_name(type));
        break;
    case ARROW_DECIMAL:
        buf_printf(out, "DECIMAL(%d,%d)", type.precision, type.scale);
        break;
    case ARROW_TEXT:
        buf_puts(out, "VARCHAR");
        break;
    case ARROW_BINARY:
        buf_puts(out, "BINARY");
        break;
    case ARROW_DATE:
        buf_puts(out, "DATE");
        break;
    case ARROW_TIME:
        buf_puts(out, "TIME");
        break;
    case ARROW_TIMESTAMP:
        buf_puts(out, *type.tail ? "TIMESTAMP WITH TIME ZONE" : "TIMESTAMP");
        break;
    case ARROW_DURATION:
    case ARROW_INTERVAL_MONTHS:
    case ARROW_INTERVAL_DAYS:
    case ARROW_INTERVAL_FULL:
        buf_puts(out, "INTERVAL");
        break;
    case ARROW_LIST:
    case ARROW_STRUCT:
    case ARROW_MAP:
    case ARROW_UNION:
    case ARROW_RUNS:
        put_nested_name(out, schema, type, depth);
        break;
    }
}

void arrow_put_type_name(struct buf *out, const struct ArrowSchema *schema)
{
    put_name(out, schema, 0);
}
