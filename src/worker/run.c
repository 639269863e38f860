// SPDX-License-Identifier: Apache-2.0
#include "worker/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

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

static char *c_string(struct str s)
{
    return memchr(s.ptr, 0, s.len) ? NULL : strndup(s.ptr, s.len);
}

void run_options_take(struct run_options *ret, struct wire_reader *reader)
{
    uint32_t count = wire_get_count(reader, 8);
    for (uint32_t i = 0; i < count; i++) {
        struct str key = wire_get_str(reader);
        struct str value = wire_get_str(reader);
        if (i < RUN_OPTIONS_MAX) {
            ret->key[i] = c_string(key);
            ret->value[i] = c_string(value);
            ret->count = i + 1;
        } else {
            reader->bad = true;
        }
    }
}

void run_options_free(struct run_options *options)
{
    for (uint32_t i = 0; i < options->count; i++) {
        free(options->key[i]);
        free(options->value[i]);
    }
    options->count = 0;
}

AdbcStatusCode run_prepare(struct AdbcStatement *statement, const struct run_options *options,
    const char *sql, struct AdbcError *error)
{
    struct buf text = BUF_INIT(WIRE_PAYLOAD_MAX);
    AdbcStatusCode status = ADBC_STATUS_OK;
    buf_puts(&text, sql);
    for (uint32_t i = 0; i < options->count && status == ADBC_STATUS_OK; i++) {
        if (!options->key[i] || !options->value[i]) {
            status = ADBC_STATUS_INVALID_ARGUMENT;
        } else if (options->key[i][0] == '\0') {
            buf_puts(&text, options->value[i]);
        } else {
            status = AdbcStatementSetOption(statement, options->key[i], options->value[i], error);
        }
    }
    buf_putc(&text, '\0');
    if (status == ADBC_STATUS_OK) {
        status = buf_ok(&text) ? AdbcStatementSetSqlQuery(statement, text.ptr, error)
                               : ADBC_STATUS_INVALID_ARGUMENT;
    }
    buf_free(&text);
    return status;
}

bool run_aside(struct AdbcConnection *adbc, const struct run_options *options, const char *sql,
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
    status = run_prepare(&statement, options, sql, &error);
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
