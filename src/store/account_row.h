// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What an account used, as a row: one order of columns for binding and reading.
 */
#include <sqlite3.h>

#include "store/store.h"

#define ACCOUNT_ROW_COLUMNS                                                                \
    "principal, is_principal, client, day, calls_used, rows_used, bytes_used, "          \
    "engine_ms_used, microcredits_used, calls_spent_ns, catalog_spent_ns, "               \
    "written_wall_ns, written_boot_ns, boot"
#define ACCOUNT_ROW_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

/* What both strings of @account take together. */
size_t account_row_bytes(const struct store_account *account);

/* A copy whose strings lie in @bytes, which must hold account_row_bytes(). */
struct store_account account_row_copy(const struct store_account *account, char *bytes);

/* Returns SQLite's code. The strings must live until @stmt was stepped. */
int account_row_bind(sqlite3_stmt *stmt, const struct store_account *account);

/* Strings are borrowed until the next step of @stmt. False: no memory. */
MUST_USE bool account_row_read(sqlite3_stmt *stmt, struct store_account *ret);
