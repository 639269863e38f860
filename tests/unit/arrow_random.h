// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Random arrays of every Arrow type, and the JSON that each row has to give. */
#include "base/rng.h"
#include "spool_table.h"

enum {
    RANDOM_ROWS_MAX = 24
};

/* Any type, nested up to three deep. */
void random_type(struct rng *from, struct ArrowSchema *schema);

/*
 * Makes the table, which the caller releases, and for each row its JSON, for buf_free():
 * nested values stand in it inline. Returns the rows.
 */
size_t random_table(
    struct rng *from, struct table *table, struct buf wants[RANDOM_ROWS_MAX]);
