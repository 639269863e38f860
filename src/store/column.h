// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Counts and times as columns: SQLite's integers have a sign, ours have none. What is
 * above INT64_MAX is kept as INT64_MAX; what is below 0 in the file is read as 0.
 */
#include <sqlite3.h>
#include <stdint.h>

/* Returns SQLite's code. */
static inline int column_bind_u64(sqlite3_stmt *stmt, int column, uint64_t value)
{
    return sqlite3_bind_int64(
        stmt, column, value < INT64_MAX ? (int64_t)value : INT64_MAX);
}

static inline uint64_t column_u64(sqlite3_stmt *stmt, int column)
{
    int64_t value = sqlite3_column_int64(stmt, column);
    return value > 0 ? (uint64_t)value : 0;
}
