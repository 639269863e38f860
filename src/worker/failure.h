// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Why a call failed, in bounded memory of our own. */
#include <arrow-adbc/adbc.h>

#include "base/str.h"

struct failure {
    int status;
    char message[2048];
    char sqlstate[6];
    int64_t vendor_code; /* 0: none */
};

/* A failure of our own, ADBC_STATUS_INTERNAL. */
void failure_set(struct failure *failure, const char *message);

/* Copies what @error says. */
struct failure failure_copy(const struct AdbcError *error, AdbcStatusCode status);

/* The same, then releases @error and makes it ready for use again. */
struct failure failure_take(struct AdbcError *error, AdbcStatusCode status);

/* Of a login that failed: did the warehouse refuse who logs in? */
bool failure_is_refused(const struct failure *failure);

/* Says so before the engine's words, as wire.h has it. */
void failure_say_refused(struct failure *failure);

/* Is the session at the warehouse gone? The status alone is too coarse: SQLite's and
 * PostgreSQL's drivers have one for a lost connection and for what a row met. */
bool failure_is_lost(const struct failure *failure);
