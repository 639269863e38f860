// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_cell.h"

#include <stdlib.h>

#include "worker/arrow_scalar.h"

/* Where the run that covers row @at ends: a binary search over the run ends. */
static int64_t find_run(
    const struct ArrowSchema *ends_schema, const struct ArrowArray *ends, int64_t at)
{
    int width = arrow_type_parse(ends_schema->format).width;
    const char *values = arrow_bytes(ends, 1);
    int64_t low = 0;
    int64_t high = ends->length;
    while (values && low < high) {
        int64_t mid = low + (high - low) / 2;
        if (arrow_load_int(values + (ends->offset + mid) * width, width) <= at) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* The child of a union that carries type id @id, or -1. */
static int64_t union_child(const char *ids, int id)
{
    int64_t child = 0;
    int value = 0;
    for (const char *c = ids;; c++) {
        if (*c >= '0' && *c <= '9') {
            value = value * 10 + (*c - '0');
        } else if (value == id) {
            return child;
        } else if (*c == 0) {
            return -1;
        } else {
            value = 0;
            child++;
        }
    }
}

void arrow_union_children(const char *ids, int8_t ret_children[ARROW_UNION_IDS])
{
    for (int id = 0; id < ARROW_UNION_IDS; id++) {
        ret_children[id] = (int8_t)union_child(ids, id);
    }
}

struct arrow_cell arrow_cell_at(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row)
{
    struct arrow_cell cell = {
        .schema = schema, .array = array, .at = row + array->offset};
    cell.type = arrow_type_of(schema);
    bool has_bits = cell.type.kind != ARROW_NULL && cell.type.kind != ARROW_UNION &&
                    cell.type.kind != ARROW_RUNS;
    cell.is_null =
        cell.type.kind == ARROW_NULL || (has_bits && !arrow_is_valid(array, cell.at));
    return cell;
}

bool arrow_cell_unwrap(struct arrow_cell *cell)
{
    const struct ArrowSchema *schema = cell->schema;
    const struct ArrowArray *array = cell->array;
    if (cell->is_null) {
        return false;
    }
    if (schema->dictionary && array->dictionary) {
        const char *value = arrow_bytes(array, 1) + cell->at * cell->type.width;
        int64_t index = arrow_load_int(value, cell->type.width);
        if (cell->type.kind == ARROW_UINT && cell->type.width < 8) {
            index &= (INT64_C(1) << (8 * cell->type.width)) - 1;
        }
        *cell = arrow_cell_at(schema->dictionary, array->dictionary, index);
        return true;
    }
    if (cell->type.kind == ARROW_RUNS && array->n_children == 2) {
        int64_t run = find_run(schema->children[0], array->children[0], cell->at);
        *cell = arrow_cell_at(schema->children[1], array->children[1], run);
        return true;
    }
    return false;
}

/* Old producers put a validity bitmap in front of a union's ids. */
static int64_t ids_buffer(const struct arrow_cell *cell)
{
    return cell->array->n_buffers > (cell->type.layout == ARROW_DENSE ? 2 : 1);
}

int64_t arrow_cell_member(const struct arrow_cell *cell)
{
    const char *ids = arrow_bytes(cell->array, ids_buffer(cell));
    int64_t child = union_child(cell->type.tail, ids[cell->at]);
    return child < cell->array->n_children ? child : -1;
}

bool arrow_cell_enter_member(struct arrow_cell *cell)
{
    if (cell->is_null || cell->type.kind != ARROW_UNION) {
        return false;
    }
    int64_t child = arrow_cell_member(cell);
    if (child < 0) {
        cell->is_null = true;
        return false;
    }
    int64_t at = cell->at;
    if (cell->type.layout == ARROW_DENSE) {
        at = arrow_load_int(arrow_bytes(cell->array, ids_buffer(cell) + 1) + at * 4, 4);
    }
    *cell =
        arrow_cell_at(cell->schema->children[child], cell->array->children[child], at);
    return true;
}

struct arrow_cell arrow_cell_resolve(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row)
{
    struct arrow_cell cell = arrow_cell_at(schema, array, row);
    for (int depth = 0; depth < ARROW_DEPTH_MAX; depth++) {
        if (!arrow_cell_unwrap(&cell) && !arrow_cell_enter_member(&cell)) {
            break;
        }
    }
    return cell;
}

struct arrow_column *arrow_columns_new(const struct ArrowSchema *schema)
{
    size_t count = (size_t)schema->n_children;
    struct arrow_column *columns = calloc(count > 0 ? count : 1, sizeof(*columns));
    for (size_t i = 0; columns && i < count; i++) {
        struct arrow_type type = arrow_type_of(schema->children[i]);
        columns[i] = (struct arrow_column){schema->children[i], type,
            !schema->children[i]->dictionary && type.kind != ARROW_RUNS &&
                type.kind != ARROW_UNION};
    }
    return columns;
}

struct str arrow_cell_bytes(const struct arrow_cell *cell)
{
    const struct ArrowArray *array = cell->array;
    const char *data = arrow_bytes(array, 2);
    const char *first = arrow_bytes(array, 1);
    if (!first) {
        return STR("");
    }
    int64_t start;
    int64_t len;
    switch (cell->type.layout) {
    case ARROW_FIXED:
        data = first;
        len = cell->type.width;
        start = cell->at * len;
        break;
    case ARROW_VIEW_32:
    case ARROW_VIEW_64:
        first += cell->at * 16;
        len = arrow_load_int(first, 4);
        start = len <= 12 ? 4 : arrow_load_int(first + 12, 4);
        data = len <= 12 ? first : arrow_bytes(array, 2 + arrow_load_int(first + 8, 4));
        break;
    case ARROW_OFFSETS_32:
    case ARROW_OFFSETS_64:
    case ARROW_SPARSE:
    case ARROW_DENSE:
    default: {
        int width = cell->type.layout == ARROW_OFFSETS_64 ? 8 : 4;
        start = arrow_load_int(first + cell->at * width, width);
        len = arrow_load_int(first + (cell->at + 1) * width, width) - start;
    }
    }
    return data && len > 0 ? (struct str){data + start, (size_t)len} : STR("");
}

int64_t arrow_cell_range(const struct arrow_cell *cell, int64_t *ret_start)
{
    const char *first = arrow_bytes(cell->array, 1);
    if (cell->type.layout == ARROW_FIXED) {
        *ret_start = cell->at * cell->type.width;
        return cell->type.width;
    }
    *ret_start = 0;
    if (!first) {
        return 0;
    }
    bool is_view =
        cell->type.layout == ARROW_VIEW_32 || cell->type.layout == ARROW_VIEW_64;
    bool is_wide =
        cell->type.layout == ARROW_OFFSETS_64 || cell->type.layout == ARROW_VIEW_64;
    int width = is_wide ? 8 : 4;
    *ret_start = arrow_load_int(first + cell->at * width, width);
    if (is_view) {
        return arrow_load_int(arrow_bytes(cell->array, 2) + cell->at * width, width);
    }
    return arrow_load_int(first + (cell->at + 1) * width, width) - *ret_start;
}
