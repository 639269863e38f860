// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * PostgreSQL's money. Its driver hands it over as a whole number of the smallest unit and
 * says no more than that of a bigint; so where there may be money, the name of that type
 * says both.
 */
#include <arrow-adbc/adbc.h>

#include "base/assert.h"
#include "base/str.h"

/* Has the database a column of it? One statement of its own; false also when it fails. */
bool money_is_stored(struct AdbcConnection *adbc);

/* Does a statement speak of it? */
bool money_is_named(struct str sql);

/* Replaces a sound @schema by one whose bigints say that they may be money; false: no
 * memory. */
bool money_mark(struct ArrowSchema *schema) MUST_USE;
