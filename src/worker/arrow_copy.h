// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Rows of any Arrow array, copied into the plain form that spools have: no offsets of
 * slices, no dictionaries, runs, views or dense unions; texts, binaries and lists with
 * 32-bit offsets. Arrow IPC can encode that form, and both give the same JSON.
 */
#include "worker/arrow_type.h"

/*
 * The plain form of @schema; the caller releases it. False: no memory, or a type that has
 * none (unknown, malformed, or nested deeper than ARROW_DEPTH_MAX).
 */
bool arrow_plain_schema(
    const struct ArrowSchema *schema, struct ArrowSchema *ret_schema) MUST_USE;

/* About how many bytes @count rows from @start on have in plain form; never much less. */
int64_t arrow_plain_bytes(const struct ArrowSchema *schema,
    const struct ArrowArray *array, int64_t start, int64_t count);

enum {
    ARROW_BORROW_MIN = 1024 * 1024
};

/*
 * Appends @count rows from @start on to @ret_array, which nanoarrow made for the plain
 * form of @schema and which is open for appending. False leaves it fit for release only.
 * Values of more than ARROW_BORROW_MIN bytes together may stay where they are in @array,
 * which then has to live as long.
 */
bool arrow_plain_append(const struct ArrowSchema *schema, const struct ArrowArray *array,
    int64_t start, int64_t count, struct ArrowArray *ret_array) MUST_USE;
