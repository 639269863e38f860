// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_type.h"

#include <stdlib.h>

enum {
    DEPTH_MAX = 32
};

static const struct {
    const char *format;
    struct arrow_type type;
} simple_types[] = {
    {"n", {.kind = ARROW_NULL}},
    {"b", {.kind = ARROW_BOOL}},
    {"c", {.kind = ARROW_INT, .width = 1}},
    {"C", {.kind = ARROW_UINT, .width = 1}},
    {"s", {.kind = ARROW_INT, .width = 2}},
    {"S", {.kind = ARROW_UINT, .width = 2}},
    {"i", {.kind = ARROW_INT, .width = 4}},
    {"I", {.kind = ARROW_UINT, .width = 4}},
    {"l", {.kind = ARROW_INT, .width = 8}},
    {"L", {.kind = ARROW_UINT, .width = 8}},
    {"e", {.kind = ARROW_FLOAT, .width = 2}},
    {"f", {.kind = ARROW_FLOAT, .width = 4}},
    {"g", {.kind = ARROW_FLOAT, .width = 8}},
    {"u", {.kind = ARROW_TEXT, .layout = ARROW_OFFSETS_32}},
    {"U", {.kind = ARROW_TEXT, .layout = ARROW_OFFSETS_64}},
    {"vu", {.kind = ARROW_TEXT, .layout = ARROW_VIEW_32}},
    {"z", {.kind = ARROW_BINARY, .layout = ARROW_OFFSETS_32}},
    {"Z", {.kind = ARROW_BINARY, .layout = ARROW_OFFSETS_64}},
    {"vz", {.kind = ARROW_BINARY, .layout = ARROW_VIEW_32}},
    {"tdD", {.kind = ARROW_DATE, .width = 4, .per_unit = 0}},
    {"tdm", {.kind = ARROW_DATE, .width = 8, .per_unit = 1000}},
    {"tts", {.kind = ARROW_TIME, .width = 4, .per_unit = 1}},
    {"ttm", {.kind = ARROW_TIME, .width = 4, .per_unit = 1000}},
    {"ttu", {.kind = ARROW_TIME, .width = 8, .per_unit = 1000000}},
    {"ttn", {.kind = ARROW_TIME, .width = 8, .per_unit = 1000000000}},
    {"tDs", {.kind = ARROW_DURATION, .width = 8, .per_unit = 1}},
    {"tDm", {.kind = ARROW_DURATION, .width = 8, .per_unit = 1000}},
    {"tDu", {.kind = ARROW_DURATION, .width = 8, .per_unit = 1000000}},
    {"tDn", {.kind = ARROW_DURATION, .width = 8, .per_unit = 1000000000}},
    {"tiM", {.kind = ARROW_INTERVAL_MONTHS, .width = 4}},
    {"tiD", {.kind = ARROW_INTERVAL_DAYS, .width = 8}},
    {"tin", {.kind = ARROW_INTERVAL_FULL, .width = 16}},
    {"+l", {.kind = ARROW_LIST, .layout = ARROW_OFFSETS_32}},
    {"+L", {.kind = ARROW_LIST, .layout = ARROW_OFFSETS_64}},
    {"+vl", {.kind = ARROW_LIST, .layout = ARROW_VIEW_32}},
    {"+vL", {.kind = ARROW_LIST, .layout = ARROW_VIEW_64}},
    {"+s", {.kind = ARROW_STRUCT}},
    {"+m", {.kind = ARROW_MAP, .layout = ARROW_OFFSETS_32}},
    {"+r", {.kind = ARROW_RUNS}},
};

/* The rest of @s when it starts with @prefix. */
static const char *after(const char *s, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(s, prefix, len) == 0 ? s + len : NULL;
}

/* d:precision,scale[,bits] */
static struct arrow_type parse_decimal(const char *tail)
{
    char *end = NULL;
    long precision = strtol(tail, &end, 10);
    long scale = *end == ',' ? strtol(end + 1, &end, 10) : 0;
    long bits = *end == ',' ? strtol(end + 1, &end, 10) : 128;
    bool is_known = bits == 32 || bits == 64 || bits == 128 || bits == 256;
    if (!is_known || precision < 1 || precision > 76 || scale < -100 || scale > 100) {
        return (struct arrow_type){.kind = ARROW_UNKNOWN, .tail = ""};
    }
    return (struct arrow_type){.kind = ARROW_DECIMAL,
        .width = (int)bits / 8,
        .precision = (int)precision,
        .scale = (int)scale,
        .tail = ""};
}

static struct arrow_type parse_timestamp(const char *format)
{
    static const char units[] = "smun";
    static const int64_t per_unit[] = {1, 1000, 1000000, 1000000000};
    const char *unit = format[2] ? strchr(units, format[2]) : NULL;
    if (!unit || format[3] != ':') {
        return (struct arrow_type){.kind = ARROW_UNKNOWN, .tail = ""};
    }
    return (struct arrow_type){.kind = ARROW_TIMESTAMP,
        .width = 8,
        .per_unit = per_unit[unit - units],
        .tail = format + 4};
}

struct arrow_type arrow_type_parse(const char *format)
{
    for (size_t i = 0; i < ARRAY_LEN(simple_types); i++) {
        if (*format == *simple_types[i].format &&
            strcmp(format, simple_types[i].format) == 0) {
            struct arrow_type type = simple_types[i].type;
            type.tail = "";
            return type;
        }
    }
    const char *tail;
    if ((tail = after(format, "d:"))) {
        return parse_decimal(tail);
    }
    if (after(format, "ts")) {
        return parse_timestamp(format);
    }
    struct arrow_type type = {.kind = ARROW_UNKNOWN, .tail = ""};
    if ((tail = after(format, "w:"))) {
        type.kind = ARROW_BINARY;
    } else if ((tail = after(format, "+w:"))) {
        type.kind = ARROW_LIST;
    } else if ((tail = after(format, "+us:")) || (tail = after(format, "+ud:"))) {
        type.kind = ARROW_UNION;
        type.layout = format[2] == 's' ? ARROW_SPARSE : ARROW_DENSE;
        type.tail = tail;
        return type;
    } else {
        return type;
    }
    long width = strtol(tail, NULL, 10);
    type.layout = ARROW_FIXED;
    type.width = width >= 0 && width < 0x7fffffff ? (int)width : 0;
    return type;
}

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
    struct arrow_type type = arrow_type_parse(schema->format);
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
