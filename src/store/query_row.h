// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The record of a query as a row. */
#include "store/row.h"
#include "store/store.h"

#define QUERY_ROW_COLUMNS                                                                \
    "handle, principal, session, profile, tool, sql, status, code, result, answer, "     \
    "started_wall_ns, ended_wall_ns, elapsed_ms"
#define QUERY_ROW_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

extern const struct row_shape query_row; /* of struct store_query */
