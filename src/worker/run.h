// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Statements that are nobody's call: context, opening, questions of our own. */
#include <arrow-adbc/adbc.h>

#include "wire/wire.h"
#include "worker/failure.h"

enum { RUN_OPTIONS_MAX = 4 };

/* Options of statements, and a text that stands behind each. Zeroed: none. */
struct run_options {
    uint32_t count;
    char *key[RUN_OPTIONS_MAX]; /* owned, like the values; NULL: it contained a NUL */
    char *value[RUN_OPTIONS_MAX];
};

/* As they stand in EXEC; too many make @reader bad. */
void run_options_take(struct run_options *ret, struct wire_reader *reader);
void run_options_free(struct run_options *options);

/* Sets them and @sql on @statement. */
AdbcStatusCode run_prepare(struct AdbcStatement *statement, const struct run_options *options,
    const char *sql, struct AdbcError *error);

/* Runs a statement and throws its rows away; adds their number to @ret_rows_or_null. */
bool run_aside(struct AdbcConnection *adbc, const struct run_options *options, const char *sql,
    int64_t *ret_rows_or_null, struct failure *ret);

/* Why a stream ended: what the driver attached to it, or its own last words. */
struct failure run_stream_failure(struct ArrowArrayStream *stream, int code);
