// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A struct of strings and numbers as a row: one order of columns for copying, binding and
 * reading, first the strings, then the numbers.
 */
#include <sqlite3.h>

#include "base/assert.h"
#include "base/str.h"

struct row_shape {
    const size_t *strings; /* offsets of struct str */
    size_t string_count;
    const size_t *numbers; /* offsets of uint64_t */
    size_t number_count;
};

/* What all strings of @row take together. */
size_t row_bytes(const struct row_shape *shape, const void *row);

/* Moves the strings of @row into @bytes, which must hold row_bytes(). */
void row_move_strings(const struct row_shape *shape, void *row, char *bytes);

/* Returns SQLite's code. The strings must live until @stmt was stepped. */
int row_bind(const struct row_shape *shape, sqlite3_stmt *stmt, const void *row);

/* Strings are borrowed until the next step of @stmt. False: no memory. */
MUST_USE bool row_read(const struct row_shape *shape, sqlite3_stmt *stmt, void *ret);
