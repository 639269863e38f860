// SPDX-License-Identifier: Apache-2.0
#include "worker/run.h"

#include <string.h>

struct failure run_stream_failure(struct ArrowArrayStream *stream, int code)
{
    AdbcStatusCode status = ADBC_STATUS_INTERNAL;
    const struct AdbcError *error = AdbcErrorFromArrayStream(stream, &status);
    if (error && error->message) {
        return failure_copy(error, status);
    }
    const char *words = stream->get_last_error(stream);
    struct failure failure;
    failure_set(&failure, words ? words : strerror(code));
    return failure;
}

bool run_aside(struct AdbcConnection *adbc, const char *sql,
    int64_t *ret_rows_or_null, struct failure *ret)
{
    struct AdbcStatement statement = {0};
    struct AdbcError error = ADBC_ERROR_INIT;
    struct ArrowArrayStream stream = {0};
    AdbcStatusCode status = AdbcStatementNew(adbc, &statement, &error);
    if (status != ADBC_STATUS_OK) {
        *ret = failure_take(&error, status);
        return false;
    }
    status = AdbcStatementSetSqlQuery(&statement, sql, &error);
    if (status == ADBC_STATUS_OK) {
        status = AdbcStatementExecuteQuery(&statement, &stream, NULL, &error);
    }
    bool ok = status == ADBC_STATUS_OK;
    if (!ok) {
        *ret = failure_take(&error, status);
    }
    for (bool more = ok && stream.release; more;) {
        struct ArrowArray batch = {0};
        int code = stream.get_next(&stream, &batch);
        if (code != 0) {
            *ret = run_stream_failure(&stream, code);
            ok = false;
        }
        more = code == 0 && batch.release;
        if (more && ret_rows_or_null) {
            *ret_rows_or_null += batch.length;
        }
        if (more) {
            batch.release(&batch);
        }
    }
    if (stream.release) {
        stream.release(&stream);
    }
    (void)failure_take(&error, AdbcStatementRelease(&statement, &error));
    return ok;
}
