// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A session as a row: one order of columns for copying, binding and reading.
 */
#include <sqlite3.h>

#include "store/store.h"

#define SESSION_ROW_COLUMNS                                                              \
    "handle, principal, client_name, client_version, instance, label, revision, "        \
    "profile, role, warehouse, database, schema, response_times, held, created_wall_ns, "      \
    "last_seen_wall_ns, calls_total, calls_ok, calls_failed, calls_refused, "            \
    "rows_total, bytes_in, bytes_out, response_ns, queue_ns, connections_total, "        \
    "limit_rows, timeout_s, format, priority"
#define SESSION_ROW_MARKS                                                                \
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "  \
    "?, ?, ?"

/* What all strings of @session take together. */
size_t session_row_bytes(const struct store_session *session);

/* A copy whose strings lie in @bytes, which must hold session_row_bytes(). */
struct store_session session_row_copy(const struct store_session *session, char *bytes);

/* The same in one allocation, freed by free(). NULL: no memory. */
struct store_session *session_row_clone(const struct store_session *session);

/* Returns SQLite's code. The strings must live until @stmt was stepped. */
int session_row_bind(sqlite3_stmt *stmt, const struct store_session *session);

/* Strings are borrowed until the next step of @stmt. False: no memory. */
MUST_USE bool session_row_read(sqlite3_stmt *stmt, struct store_session *ret);
