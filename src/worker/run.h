// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Statements that are nobody's call: context, opening, questions of our own. */
#include <arrow-adbc/adbc.h>

#include "worker/failure.h"

/* Runs a statement and throws its rows away; adds their number to @ret_rows_or_null. */
bool run_aside(struct AdbcConnection *adbc, const char *sql, int64_t *ret_rows_or_null,
    struct failure *ret);

/* Why a stream ended: what the driver attached to it, or its own last words. */
struct failure run_stream_failure(struct ArrowArrayStream *stream, int code);
