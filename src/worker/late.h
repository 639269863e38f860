// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * PostgreSQL's timestamps end 30 years after those that its driver can count from 1970:
 * it wraps the later ones into years before Christ, where the server has none.
 */
#include "worker/arrow_check.h"

/* False: @ret_why names the column of a row with one. The batch is sound. */
bool late_check(const struct ArrowSchema *schema, const struct ArrowArray *batch,
    char ret_why[ARROW_WHY_SIZE]) MUST_USE;
