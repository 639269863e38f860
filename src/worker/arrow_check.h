// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a driver hands over, checked before it is read: types that can be shown, and
 * arrays that have the parts their types need. What stands in the parts is believed.
 */
#include "worker/arrow_cell.h"

enum {
    ARROW_WHY_SIZE = 512
};

/* False: @ret_why is a sentence that names the column, its type and what to do. */
bool arrow_check_schema(
    const struct ArrowSchema *schema, char ret_why[ARROW_WHY_SIZE]) MUST_USE;

/* The same for rows of a checked schema. */
bool arrow_check_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
    char ret_why[ARROW_WHY_SIZE]) MUST_USE;
