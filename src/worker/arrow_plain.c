// SPDX-License-Identifier: Apache-2.0
/* The schemas that spools have. */
#include <nanoarrow/nanoarrow.h>

#include "worker/arrow_cell.h"
#include "worker/arrow_copy.h"

enum {
    FORMAT_SIZE = 512,
    UNION_MEMBERS_MAX = 127,
};

static bool plain_format(
    const struct ArrowSchema *schema, struct arrow_type type, char format[FORMAT_SIZE])
{
    struct buf out = BUF_INIT(FORMAT_SIZE - 1);
    if (type.kind == ARROW_TEXT) {
        buf_putc(&out, 'u');
    } else if (type.kind == ARROW_BINARY && type.layout != ARROW_FIXED) {
        buf_putc(&out, 'z');
    } else if (type.kind == ARROW_LIST && type.layout != ARROW_FIXED) {
        buf_puts(&out, "+l");
    } else if (type.kind == ARROW_UNION) {
        buf_puts(&out, "+us:");
        for (int64_t i = 0; i < schema->n_children && buf_ok(&out); i++) {
            buf_printf(&out, i > 0 ? ",%d" : "%d", (int)i);
        }
    } else {
        buf_puts(&out, schema->format);
    }
    bool ok = buf_ok(&out) && str_copy(buf_str(&out), format, FORMAT_SIZE);
    buf_free(&out);
    return ok;
}

static bool has_right_children(const struct ArrowSchema *schema, struct arrow_type type)
{
    switch (type.kind) {
    case ARROW_UNKNOWN:
    case ARROW_RUNS:
        return false;
    case ARROW_LIST:
        return schema->n_children == 1;
    case ARROW_MAP:
        return schema->n_children == 1 && schema->children[0]->n_children == 2;
    case ARROW_STRUCT:
        return true;
    case ARROW_UNION:
        return schema->n_children > 0 && schema->n_children <= UNION_MEMBERS_MAX;
    case ARROW_NULL:
    case ARROW_BOOL:
    case ARROW_INT:
    case ARROW_UINT:
    case ARROW_FLOAT:
    case ARROW_DECIMAL:
    case ARROW_TEXT:
    case ARROW_BINARY:
    case ARROW_DATE:
    case ARROW_TIME:
    case ARROW_TIMESTAMP:
    case ARROW_DURATION:
    case ARROW_INTERVAL_MONTHS:
    case ARROW_INTERVAL_DAYS:
    case ARROW_INTERVAL_FULL:
        return schema->n_children == 0;
    }
    return false;
}

static bool plain_field(
    const struct ArrowSchema *schema, struct ArrowSchema *ret, int depth)
{
    const struct ArrowSchema *value = schema;
    while (depth++ < ARROW_DEPTH_MAX) {
        bool has_runs = strcmp(value->format, "+r") == 0 && value->n_children == 2;
        if (!value->dictionary && !has_runs) {
            break;
        }
        value = value->dictionary ? value->dictionary : value->children[1];
    }
    struct arrow_type type = arrow_type_parse(value->format);
    char format[FORMAT_SIZE];
    if (depth > ARROW_DEPTH_MAX || value->dictionary ||
        !has_right_children(value, type) || !plain_format(value, type, format) ||
        ArrowSchemaSetFormat(ret, format) != 0 ||
        ArrowSchemaSetName(ret, schema->name ? schema->name : "") != 0 ||
        ArrowSchemaSetMetadata(ret, schema->metadata) != 0 ||
        ArrowSchemaAllocateChildren(ret, value->n_children) != 0) {
        return false;
    }
    bool is_nullable = value != schema || schema->flags & ARROW_FLAG_NULLABLE;
    ret->flags = (value->flags & ARROW_FLAG_MAP_KEYS_SORTED) |
                 (is_nullable ? ARROW_FLAG_NULLABLE : 0);
    for (int64_t i = 0; i < value->n_children; i++) {
        ArrowSchemaInit(ret->children[i]);
        if (!plain_field(value->children[i], ret->children[i], depth)) {
            return false;
        }
    }
    return true;
}

bool arrow_plain_schema(const struct ArrowSchema *schema, struct ArrowSchema *ret_schema)
{
    struct ArrowSchema plain;
    ArrowSchemaInit(&plain);
    if (strcmp(schema->format, "+s") != 0 || !plain_field(schema, &plain, 0)) {
        plain.release(&plain);
        return false;
    }
    *ret_schema = plain;
    return true;
}
