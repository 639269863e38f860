// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What was used of a quota as a row: one order of columns for binding and reading.
 */
#include <sqlite3.h>

#include "store/store.h"

#define QUOTA_ROW_COLUMNS                                                                \
    "principal, is_principal, client, day, calls_used, rows_used, bytes_used, "          \
    "engine_ms_used, microcredits_used"
#define QUOTA_ROW_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?"

/* What both strings of @quota take together. */
size_t quota_row_bytes(const struct store_quota *quota);

/* A copy whose strings lie in @bytes, which must hold quota_row_bytes(). */
struct store_quota quota_row_copy(const struct store_quota *quota, char *bytes);

/* Returns SQLite's code. The strings must live until @stmt was stepped. */
int quota_row_bind(sqlite3_stmt *stmt, const struct store_quota *quota);

/* Strings are borrowed until the next step of @stmt. False: no memory. */
MUST_USE bool quota_row_read(sqlite3_stmt *stmt, struct store_quota *ret);
