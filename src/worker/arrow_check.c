// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_check.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    UNION_MEMBERS_MAX = 127,
    NAME_MAX_SHOWN = 128,
    FORMAT_MAX_SHOWN = 64,
};

/* ---- types ---- */

static bool is_integer(const struct ArrowSchema *schema)
{
    struct arrow_type type = arrow_type_parse(schema->format);
    return type.kind == ARROW_INT || type.kind == ARROW_UINT;
}

static int64_t children_of(const struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (!schema->children || !schema->children[i] || !schema->children[i]->format) {
            return -1;
        }
    }
    return schema->n_children;
}

/* Has it the children that its type needs, but for what they are? */
static bool has_children(const struct ArrowSchema *schema, enum arrow_kind kind)
{
    int64_t count = children_of(schema);
    if (kind == ARROW_STRUCT) {
        return count >= 0;
    }
    if (kind == ARROW_LIST) {
        return count == 1;
    }
    if (kind == ARROW_UNION) {
        return count > 0 && count <= UNION_MEMBERS_MAX;
    }
    if (kind == ARROW_RUNS) {
        return count == 2 && is_integer(schema->children[0]);
    }
    if (kind == ARROW_MAP) {
        return count == 1 && strcmp(schema->children[0]->format, "+s") == 0 &&
               children_of(schema->children[0]) == 2;
    }
    return count == 0;
}

/* The first part of the type that cannot be shown, or NULL. */
static const struct ArrowSchema *find_unknown(const struct ArrowSchema *schema, int depth)
{
    struct arrow_type type = arrow_type_parse(schema->format);
    if (depth >= ARROW_DEPTH_MAX || type.kind == ARROW_UNKNOWN ||
        !has_children(schema, type.kind)) {
        return schema;
    }
    if (schema->dictionary) {
        bool is_sound = is_integer(schema) && schema->dictionary->format;
        return is_sound ? find_unknown(schema->dictionary, depth + 1) : schema;
    }
    const struct ArrowSchema *unknown = NULL;
    for (int64_t i = 0; i < schema->n_children && !unknown; i++) {
        unknown = find_unknown(schema->children[i], depth + 1);
    }
    return unknown;
}

bool arrow_check_schema(const struct ArrowSchema *schema, char ret_why[ARROW_WHY_SIZE])
{
    if (!schema->format || strcmp(schema->format, "+s") != 0 || children_of(schema) < 0) {
        snprintf(ret_why, ARROW_WHY_SIZE, "the driver's answer is no table");
        return false;
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *column = schema->children[i];
        const struct ArrowSchema *unknown = find_unknown(column, 1);
        if (unknown) {
            snprintf(ret_why, ARROW_WHY_SIZE,
                "column %" PRId64
                " (%.*s) has a type that cannot be shown: Arrow format \"%.*s\"%s; cast "
                "it to text in the statement, or leave it out",
                i + 1, NAME_MAX_SHOWN, column->name ? column->name : "", FORMAT_MAX_SHOWN,
                unknown->format, unknown == column ? "" : " inside of it");
            return false;
        }
    }
    return true;
}

/* ---- arrays ---- */

static int64_t buffers_of(struct arrow_type type)
{
    bool has_data = type.kind == ARROW_TEXT || type.kind == ARROW_BINARY;
    bool is_view = type.layout == ARROW_VIEW_32 || type.layout == ARROW_VIEW_64;
    if (type.kind == ARROW_NULL || type.kind == ARROW_RUNS) {
        return 0;
    }
    if (type.kind == ARROW_STRUCT ||
        (type.kind == ARROW_LIST && type.layout == ARROW_FIXED)) {
        return 1;
    }
    if (type.kind == ARROW_UNION) {
        return type.layout == ARROW_DENSE ? 2 : 1;
    }
    if (has_data && type.layout != ARROW_FIXED) {
        return is_view ? 2 : 3;
    }
    return type.kind == ARROW_LIST && is_view ? 3 : 2;
}

/* Values without nulls need a buffer that is there. */
static bool has_values(const struct ArrowArray *array, struct arrow_type type)
{
    int64_t count = buffers_of(type);
    bool is_fixed_list = type.kind == ARROW_LIST && type.layout == ARROW_FIXED;
    if (array->length < 0 || array->offset < 0 || array->n_buffers < count ||
        (count > 0 && !array->buffers)) {
        return false;
    }
    if (type.kind == ARROW_UNION) {
        return array->length == 0 || array->buffers[count - 1];
    }
    if (array->length == 0 || count < 2 || is_fixed_list ||
        (type.layout == ARROW_FIXED && type.width == 0)) {
        return true;
    }
    return array->buffers[1] || array->buffers[0];
}

static bool is_sound(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int depth)
{
    struct arrow_type type = arrow_type_parse(schema->format);
    if (depth >= ARROW_DEPTH_MAX || array->n_children != schema->n_children ||
        (array->n_children > 0 && !array->children) || !has_values(array, type)) {
        return false;
    }
    if (schema->dictionary) {
        return array->dictionary &&
               is_sound(schema->dictionary, array->dictionary, depth + 1);
    }
    bool is_struct = type.kind == ARROW_STRUCT;
    for (int64_t i = 0; i < array->n_children; i++) {
        const struct ArrowArray *child = array->children[i];
        if (!child || (is_struct && child->length < array->length + array->offset) ||
            !is_sound(schema->children[i], child, depth + 1)) {
            return false;
        }
    }
    return true;
}

bool arrow_check_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
    char ret_why[ARROW_WHY_SIZE])
{
    if (is_sound(schema, batch, 0)) {
        return true;
    }
    for (int64_t i = 0; batch->children && i < batch->n_children; i++) {
        bool is_there = i < schema->n_children && batch->children[i];
        if (is_there && !is_sound(schema->children[i], batch->children[i], 1)) {
            const char *name = schema->children[i]->name;
            snprintf(ret_why, ARROW_WHY_SIZE,
                "the driver's rows do not fit the type of column %" PRId64
                " (%.*s), Arrow format \"%.*s\"",
                i + 1, NAME_MAX_SHOWN, name ? name : "", FORMAT_MAX_SHOWN,
                schema->children[i]->format);
            return false;
        }
    }
    snprintf(ret_why, ARROW_WHY_SIZE, "the driver's rows do not fit its columns");
    return false;
}
