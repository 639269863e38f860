// SPDX-License-Identifier: Apache-2.0
#include "worker/failure.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "wire/wire.h"

void failure_set(struct failure *failure, const char *message)
{
    *failure = (struct failure){.status = ADBC_STATUS_INTERNAL};
    snprintf(failure->message, sizeof(failure->message), "%s", message);
}

struct failure failure_copy(const struct AdbcError *error, AdbcStatusCode status)
{
    struct failure failure = {.status = status};
    struct str message =
        str_of(error->message ? error->message : "the driver gave no reason");
    /* PostgreSQL's driver repeats the statement: not for the log, nor for whoever is told why. */
    const char *statement = strstr(message.ptr, "\n\nQuery was:");
    message.len = statement ? (size_t)(statement - message.ptr) : message.len;
    message = str_utf8_prefix(message, sizeof(failure.message) - 1);
    memcpy(failure.message, message.ptr, message.len);
    memcpy(failure.sqlstate, error->sqlstate, 5);
    bool has_code = error->vendor_code != ADBC_ERROR_VENDOR_CODE_PRIVATE_DATA;
    failure.vendor_code = has_code ? error->vendor_code : 0;
    return failure;
}

struct failure failure_take(struct AdbcError *error, AdbcStatusCode status)
{
    struct failure failure = failure_copy(error, status);
    if (error->release) {
        error->release(error);
    }
    struct AdbcError fresh = ADBC_ERROR_INIT;
    *error = fresh;
    return failure;
}

bool failure_is_refused(const struct failure *failure)
{
    /* PostgreSQL's driver has nothing but words, of the server and of its library. */
    static const char *const postgresql[] = {"authentication failed",
        "no password supplied", "no pg_hba.conf entry", "is not permitted to log in"};
    struct str message = str_of(failure->message);
    bool is_snowflake = failure->vendor_code / 1000 == 390;
    for (size_t i = 0; i < ARRAY_LEN(postgresql); i++) {
        if (str_starts(message, STR("[libpq]")) &&
            strstr(failure->message, postgresql[i])) {
            return true;
        }
    }
    return failure->status == ADBC_STATUS_UNAUTHENTICATED ||
           failure->status == ADBC_STATUS_UNAUTHORIZED ||
           (is_snowflake && strcmp(failure->sqlstate, "08004") == 0);
}

void failure_say_refused(struct failure *failure)
{
    char words[sizeof(failure->message)];
    struct str kept = str_utf8_prefix(
        str_of(failure->message), sizeof(words) - sizeof(WIRE_LOGIN_REFUSED));
    memcpy(words, kept.ptr, kept.len);
    snprintf(failure->message, sizeof(failure->message), WIRE_LOGIN_REFUSED "%.*s",
        (int)kept.len, words);
}

/* Drivers whose status is IO whatever a running statement or its rows met. */
static bool is_of_statement(struct str message)
{
    static const char *const words[] = {
        "Failed to step query: ", /* SQLite has no server that it could lose */
        "[libpq] ReadRecord failed ",
        "[libpq] ReadHeader() failed: ", "[libpq] Failed to build result array: "};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_starts(message, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

bool failure_is_lost(const struct failure *failure)
{
    static const int64_t snowflake_codes[] = {390104, 390111, 390114, 261000};
    for (size_t i = 0; i < ARRAY_LEN(snowflake_codes); i++) {
        if (failure->vendor_code == snowflake_codes[i]) {
            return true;
        }
    }
    struct str state = str_of(failure->sqlstate);
    /* PostgreSQL, which has no codes, ends connections with 57P0x; to Snowflake 57P03 is a statement
     * without a warehouse. */
    if (state.len > 0) {
        return str_starts(state, STR("08")) ||
               (failure->vendor_code == 0 && str_starts(state, STR("57P0")));
    }
    /* Go's words for a request without an answer; Snowflake's driver calls it INTERNAL. */
    struct str message = str_of(failure->message);
    bool has_no_answer = failure->vendor_code == 0 &&
                         (str_starts(message, STR("Post \"http")) ||
                             str_starts(message, STR("Get \"http")));
    bool is_io = failure->status == ADBC_STATUS_IO && !is_of_statement(message);
    return has_no_answer || is_io || failure->status == ADBC_STATUS_UNAUTHENTICATED;
}
