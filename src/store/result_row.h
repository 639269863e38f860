// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A kept result as a row. */
#include "store/row.h"
#include "store/store.h"

#define RESULT_ROW_COLUMNS                                                               \
    "handle, principal, session, profile, rows, bytes, capped, expires_wall_ns"
#define RESULT_ROW_MARKS "?, ?, ?, ?, ?, ?, ?, ?"

extern const struct row_shape result_row; /* of struct store_result */
