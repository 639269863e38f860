// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One value inside Arrow arrays: where it really stands, behind the offsets of slices,
 * dictionaries, runs and unions. The arrays are believed, as a driver's must be.
 */
#include "worker/arrow_type.h"

enum {
    ARROW_DEPTH_MAX = 32 /* of nested types */
};

struct arrow_cell {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    int64_t at; /* in the array's buffers: its offset is included */
    struct arrow_type type;
    bool is_null;
};

/* A buffer's bytes; NULL when it is not there. */
static inline const char *arrow_bytes(const struct ArrowArray *array, int64_t buffer)
{
    return buffer < array->n_buffers ? (const char *)array->buffers[buffer] : NULL;
}

/* @at includes the array's offset. */
static inline bool arrow_is_valid(const struct ArrowArray *array, int64_t at)
{
    const char *bits = arrow_bytes(array, 0);
    return !bits || ((unsigned char)bits[at / 8] >> (at % 8) & 1);
}

/* The cell of @row as it stands in the array itself. */
struct arrow_cell arrow_cell_at(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row);

/* One step through a dictionary or a run; false: it is neither, or null. */
bool arrow_cell_unwrap(struct arrow_cell *cell);

/* One step into the present member of a union; false: it is none, or null then. */
bool arrow_cell_enter_member(struct arrow_cell *cell);

/* The union's child that holds the value, or -1. */
int64_t arrow_cell_member(const struct arrow_cell *cell);

enum {
    ARROW_UNION_IDS = 128
};

/* The child of each type id that a union's format names, -1 of others. */
void arrow_union_children(const char *ids, int8_t ret_children[ARROW_UNION_IDS]);

/* Through dictionaries, runs and unions to the value itself. */
struct arrow_cell arrow_cell_resolve(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row);

/* A column of a table, parsed once for all its rows. */
struct arrow_column {
    const struct ArrowSchema *schema;
    struct arrow_type type;
    bool is_direct; /* neither a dictionary, nor runs, nor a union */
};

/* One for each child of @schema, for free(). NULL: no memory. */
struct arrow_column *arrow_columns_new(const struct ArrowSchema *schema);

/* As arrow_cell_resolve(). */
static inline struct arrow_cell arrow_column_cell(
    const struct arrow_column *column, const struct ArrowArray *array, int64_t row)
{
    if (!column->is_direct) {
        return arrow_cell_resolve(column->schema, array, row);
    }
    int64_t at = row + array->offset;
    return (struct arrow_cell){.schema = column->schema,
        .array = array,
        .at = at,
        .type = column->type,
        .is_null = column->type.kind == ARROW_NULL || !arrow_is_valid(array, at)};
}

/* The bytes of a text or binary value. */
struct str arrow_cell_bytes(const struct arrow_cell *cell);

/* The elements of a list or map: where they start in the child, and how many. */
int64_t arrow_cell_range(const struct arrow_cell *cell, int64_t *ret_start);
