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
const char *arrow_bytes(const struct ArrowArray *array, int64_t buffer);

/* @at includes the array's offset. */
bool arrow_is_valid(const struct ArrowArray *array, int64_t at);

/* The cell of @row as it stands in the array itself. */
struct arrow_cell arrow_cell_at(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row);

/* One step through a dictionary or a run; false: it is neither, or null. */
bool arrow_cell_unwrap(struct arrow_cell *cell);

/* One step into the present member of a union; false: it is none, or null then. */
bool arrow_cell_enter_member(struct arrow_cell *cell);

/* The union's child that holds the value, or -1. */
int64_t arrow_cell_member(const struct arrow_cell *cell);

/* Through dictionaries, runs and unions to the value itself. */
struct arrow_cell arrow_cell_resolve(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row);

/* The bytes of a text or binary value. */
struct str arrow_cell_bytes(const struct arrow_cell *cell);

/* The elements of a list or map: where they start in the child, and how many. */
int64_t arrow_cell_range(const struct arrow_cell *cell, int64_t *ret_start);
