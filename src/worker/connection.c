// SPDX-License-Identifier: Apache-2.0
#include "worker/connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/wire.h"
#include "worker/answer.h"
#include "worker/driver_info.h"
#include "worker/export.h"
#include "worker/fetch.h"
#include "worker/late.h"
#include "worker/money.h"
#include "worker/result.h"
#include "worker/run.h"

enum {
    READ_SIZE = 64 * 1024,
};


/* One EXEC. */
struct exec {
    uint64_t call;
    char *sql;
    struct run_options own; /* of the statement, and of those before it */
    struct result result;
    uint64_t started_ns;
    uint64_t rows;    /* read so far, */
    uint64_t told_ns; /* told then */
    struct failure failure;
    enum wire_error_code code;
};

static bool send_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return false;
        }
        bytes = str_from(bytes, (size_t)sent);
    }
    return true;
}

static bool send_empty(const struct connection *conn, enum wire_kind kind, uint64_t call)
{
    struct buf out = BUF_INIT(WIRE_HEADER_SIZE);
    struct wire_writer writer = wire_begin(&out, kind, call);
    bool ok = wire_end(&writer) && send_all(conn->fd, buf_str(&out));
    buf_free(&out);
    return ok;
}

static bool send_failure(const struct connection *conn, enum wire_kind kind,
    uint64_t call, enum wire_error_code code, const struct failure *failure)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    bool ok = answer_put_failure(&out, kind, call, code, failure) &&
              send_all(conn->fd, buf_str(&out));
    buf_free(&out);
    return ok;
}

static bool send_page(const struct connection *conn, struct exec *exec)
{
    struct buf out = BUF_INIT(WIRE_PAYLOAD_MAX + WIRE_HEADER_SIZE);
    bool ok = result_put(&exec->result, exec->call, exec->started_ns, &out) &&
              send_all(conn->fd, buf_str(&out));
    buf_free(&out);
    if (ok) {
        result_keep(&exec->result);
    }
    return ok;
}

/* Once a second, between batches; false: the daemon does not listen any more. */
static bool tell_rows(const struct connection *conn, struct exec *exec, int64_t rows)
{
    uint64_t now_ns = clock_boot_ns();
    exec->rows += rows > 0 ? (uint64_t)rows : 0;
    if (now_ns - exec->told_ns < NS_PER_S) {
        return true;
    }
    exec->told_ns = now_ns;
    struct buf out = BUF_INIT(WIRE_HEADER_SIZE + 8);
    struct wire_writer writer = wire_begin(&out, WIRE_ROWS, exec->call);
    wire_u64(&writer, exec->rows);
    bool ok = wire_end(&writer) && send_all(conn->fd, buf_str(&out));
    buf_free(&out);
    return ok;
}

static bool is_cancelled(struct connection *conn)
{
    pthread_mutex_lock(&conn->mutex);
    bool answer =
        conn->is_hung_up || (conn->has_cancel && conn->cancel_call == conn->call);
    pthread_mutex_unlock(&conn->mutex);
    return answer;
}

static void cancel_statement(struct connection *conn)
{
    if (conn->is_running && conn->statement) {
        struct AdbcError error = ADBC_ERROR_INIT;
        (void)failure_take(&error, AdbcStatementCancel(conn->statement, &error));
    }
}

void connection_cancel(struct connection *conn, uint64_t call)
{
    pthread_mutex_lock(&conn->mutex);
    conn->has_cancel = true;
    conn->cancel_call = call;
    if (conn->is_running && conn->call == call) {
        cancel_statement(conn);
    }
    pthread_mutex_unlock(&conn->mutex);
}

void connection_hang_up(struct connection *conn)
{
    pthread_mutex_lock(&conn->mutex);
    conn->is_hung_up = true;
    cancel_statement(conn);
    pthread_mutex_unlock(&conn->mutex);
}

bool connection_insist(struct connection *conn)
{
    pthread_mutex_lock(&conn->mutex);
    bool is_due =
        conn->is_running &&
        (conn->is_hung_up || (conn->has_cancel && conn->cancel_call == conn->call));
    if (is_due) {
        cancel_statement(conn);
    }
    pthread_mutex_unlock(&conn->mutex);
    return is_due;
}

static void publish(struct connection *conn, struct AdbcStatement *statement)
{
    pthread_mutex_lock(&conn->mutex);
    conn->statement = statement;
    pthread_mutex_unlock(&conn->mutex);
}

static bool exec_fail(struct exec *exec, enum wire_error_code code, const char *message)
{
    failure_set(&exec->failure, message);
    exec->code = code;
    return false;
}

static bool exec_refused(struct exec *exec, struct failure failure)
{
    exec->failure = failure;
    exec->code = failure_is_lost(&failure) ? WIRE_E_LOST : WIRE_E_SQL;
    if (failure.status == ADBC_STATUS_UNAUTHENTICATED) {
        failure_say_refused(&exec->failure);
    }
    return false;
}

static bool read_batches(struct connection *conn, struct exec *exec,
    struct ArrowArrayStream *stream, const struct ArrowSchema *schema)
{
    for (;;) {
        if (is_cancelled(conn)) {
            return exec_fail(exec, WIRE_E_CANCELLED, "cancelled");
        }
        struct ArrowArray batch = {0};
        int code = stream->get_next(stream, &batch);
        if (code != 0) {
            return exec_refused(exec, run_stream_failure(stream, code));
        }
        if (!batch.release) {
            return true;
        }
        if (conn->is_postgresql &&
            arrow_check_batch(schema, &batch, exec->result.trouble) &&
            !late_check(schema, &batch, exec->result.trouble)) {
            batch.release(&batch);
            return exec_fail(exec, WIRE_E_SQL, exec->result.trouble);
        }
        int64_t rows = batch.length;
        enum result_fate fate = result_add(&exec->result, schema, &batch);
        if (!tell_rows(conn, exec, rows)) {
            return exec_fail(exec, WIRE_E_CANCELLED, "nobody listens");
        }
        if (fate == RESULT_REFUSED) {
            return exec_fail(exec, WIRE_E_SQL, exec->result.trouble);
        }
        if (fate == RESULT_ENOUGH) {
            return true;
        }
    }
}

static bool read_stream(
    struct connection *conn, struct exec *exec, struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema = {0};
    int code = stream->get_schema(stream, &schema);
    if (code != 0) {
        return exec_refused(exec, run_stream_failure(stream, code));
    }
    bool may_have_money =
        conn->is_postgresql && (conn->has_money || money_is_named(str_of(exec->sql)));
    bool ok = !may_have_money || money_mark(&schema) ||
              exec_fail(exec, WIRE_E_INTERNAL, "no memory for the columns");
    if (ok) {
        ok = result_begin(&exec->result, &schema)
                 ? read_batches(conn, exec, stream, &schema)
                 : exec_fail(exec, WIRE_E_SQL, exec->result.trouble);
    }
    if (ok && !result_end(&exec->result)) {
        ok = exec_fail(exec, WIRE_E_INTERNAL, "no memory for the page");
    }
    if (!ok) {
        result_drop_spool(&exec->result); /* before the daemon hears of the failure */
    }
    schema.release(&schema);
    return ok;
}

static bool run_statement(
    struct connection *conn, struct exec *exec, struct AdbcStatement *statement)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    AdbcStatusCode status = run_prepare(statement, &exec->own, exec->sql, &error);
    if (status != ADBC_STATUS_OK) {
        /* No ExecuteQuery now: DuckDB 1.5 would abort the process. */
        return exec_refused(exec, failure_take(&error, status));
    }
    if (is_cancelled(conn)) {
        return exec_fail(exec, WIRE_E_CANCELLED, "cancelled");
    }
    struct ArrowArrayStream stream = {0};
    int64_t rows_affected = -1;
    status = AdbcStatementExecuteQuery(statement, &stream, &rows_affected, &error);
    if (status != ADBC_STATUS_OK) {
        return exec_refused(exec, failure_take(&error, status));
    }
    if (!stream.release) {
        buf_puts(&exec->result.columns, "[]");
        bool is_ended = result_end(&exec->result);
        if (is_ended && rows_affected >= 0) {
            result_tell_affected(&exec->result, rows_affected);
        }
        return is_ended;
    }
    bool ok = read_stream(conn, exec, &stream);
    int64_t read = exec->result.total_rows;
    bool has_columns = !str_eq(buf_str(&exec->result.columns), STR("[]"));
    if (ok && !has_columns && rows_affected >= 0) {
        result_tell_affected(&exec->result, rows_affected);
    } else if (ok && has_columns && read >= 0 && rows_affected > read) { /* a stream that was cut ends like a whole one */
        ok = exec_fail(exec, WIRE_E_INTERNAL, "the driver's result ended before its last row");
    }
    if (!ok || exec->result.total_rows < 0) {
        (void)failure_take(&error, AdbcStatementCancel(statement, &error));
    }
    stream.release(&stream);
    return ok;
}

static bool run_call(struct connection *conn, struct exec *exec)
{
    struct AdbcStatement statement = {0};
    struct AdbcError error = ADBC_ERROR_INIT;
    if (conn->is_postgresql && !conn->has_asked) {
        conn->has_asked = true;
        conn->has_money = money_is_stored(&conn->adbc);
    }
    AdbcStatusCode status = AdbcStatementNew(&conn->adbc, &statement, &error);
    if (status != ADBC_STATUS_OK) {
        return exec_refused(exec, failure_take(&error, status));
    }
    publish(conn, &statement);
    bool ok = is_cancelled(conn) ? exec_fail(exec, WIRE_E_CANCELLED, "cancelled")
                                 : run_statement(conn, exec, &statement);
    bool is_refused = exec->code == WIRE_E_SQL || exec->code == WIRE_E_LOST;
    if (!ok && is_refused && is_cancelled(conn)) {
        exec->code = WIRE_E_CANCELLED; /* drivers give a cancel many names */
    }
    publish(conn, NULL);
    (void)failure_take(&error, AdbcStatementRelease(&statement, &error));
    return ok;
}

static char *c_string(struct str s)
{
    return memchr(s.ptr, 0, s.len) ? NULL : strndup(s.ptr, s.len);
}

/* An option of the connection, or with an empty key a statement. */
static bool set_one(struct connection *conn, const struct run_options *own, const char *key,
    const char *value, struct failure *ret)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    if (key[0] == '\0') {
        return run_aside(&conn->adbc, own, value, NULL, ret);
    }
    AdbcStatusCode status = AdbcConnectionSetOption(&conn->adbc, key, value, &error);
    *ret = failure_take(&error, status);
    return status == ADBC_STATUS_OK;
}

/* False: exec->failure says why. */
static bool set_options(
    struct connection *conn, struct exec *exec, struct wire_reader *reader)
{
    uint32_t count = wire_get_count(reader, 8);
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        char *key = c_string(wire_get_str(reader));
        char *value = c_string(wire_get_str(reader));
        struct failure failure = {.message = "a setting contains a NUL"};
        if (ok && !(key && value && !reader->bad && set_one(conn, &exec->own, key, value, &failure))) {
            ok = exec_refused(exec, failure);
            exec->code = exec->code == WIRE_E_LOST ? WIRE_E_LOST : WIRE_E_CONTEXT;
        }
        free(key);
        free(value);
    }
    return ok;
}

/* Decodes and runs; false: the daemon sent no EXEC or does not listen any more. */
static bool serve_call(struct connection *conn, const struct wire_frame *frame)
{
    struct exec exec = {.call = frame->call};
    struct wire_reader reader = wire_reader_of(frame);
    run_options_take(&exec.own, &reader);
    bool has_context = set_options(conn, &exec, &reader);
    exec.sql = c_string(wire_get_str(&reader));
    result_init(&exec.result, &reader);
    bool ok = wire_reader_done(&reader);
    if (ok) {
        bool is_done = false;
        if (has_context && !exec.sql) {
            exec_fail(&exec, WIRE_E_SQL, "the statement contains a NUL");
        } else if (has_context && is_cancelled(conn)) {
            exec_fail(&exec, WIRE_E_CANCELLED, "cancelled");
        } else if (has_context) {
            exec.started_ns = exec.told_ns = clock_boot_ns();
            ok = send_empty(conn, WIRE_STARTED, exec.call);
            is_done = ok && run_call(conn, &exec);
        }
        ok = ok && (is_done ? send_page(conn, &exec)
                            : send_failure(
                                  conn, WIRE_ERROR, exec.call, exec.code, &exec.failure));
    }
    result_free(&exec.result);
    run_options_free(&exec.own);
    free(exec.sql);
    return ok;
}

static bool is_cancelled_of(void *cookie)
{
    return is_cancelled(cookie);
}

static bool serve_fetch(struct connection *conn, const struct wire_frame *frame)
{
    struct buf out = BUF_INIT(WIRE_PAYLOAD_MAX + WIRE_HEADER_SIZE);
    bool ok = frame->kind == WIRE_EXPORT
                  ? export_answer(frame, is_cancelled_of, conn, &out)
                  : fetch_answer(frame, &out);
    ok = ok && send_all(conn->fd, buf_str(&out));
    buf_free(&out);
    return ok;
}

static bool handle_frame(struct connection *conn, const struct wire_frame *frame)
{
    if (conn->database && frame->kind != WIRE_EXEC) {
        return false;
    }
    pthread_mutex_lock(&conn->mutex);
    conn->is_running = true;
    conn->call = frame->call;
    pthread_mutex_unlock(&conn->mutex);
    bool ok = conn->database ? serve_call(conn, frame) : serve_fetch(conn, frame);
    pthread_mutex_lock(&conn->mutex);
    conn->is_running = false;
    pthread_mutex_unlock(&conn->mutex);
    return ok;
}

static void serve(struct connection *conn)
{
    struct buf in = BUF_INIT(WIRE_PAYLOAD_MAX + WIRE_HEADER_SIZE + READ_SIZE);
    char *chunk = malloc(READ_SIZE);
    for (bool ok = chunk != NULL; ok;) {
        struct wire_frame frame;
        int used = wire_parse(buf_str(&in), &frame);
        if (used > 0) {
            ok = handle_frame(conn, &frame);
            buf_consume(&in, (size_t)used);
            continue;
        }
        ssize_t got = used < 0 ? 0 : recv(conn->fd, chunk, READ_SIZE, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got > 0) {
            buf_put(&in, chunk, (size_t)got);
        }
        ok = got > 0 && buf_ok(&in);
    }
    free(chunk);
    buf_free(&in);
}

static bool open_connection(struct connection *conn, struct failure *ret)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    AdbcStatusCode status = AdbcConnectionNew(&conn->adbc, &error);
    if (status == ADBC_STATUS_OK) {
        status = AdbcConnectionInit(&conn->adbc, conn->database, &error);
    }
    if (status != ADBC_STATUS_OK) {
        *ret = failure_take(&error, status);
        secrets_hide(conn->secrets, ret->message);
    }
    pthread_mutex_lock(&conn->mutex);
    conn->is_opening = false;
    pthread_mutex_unlock(&conn->mutex);
    return status == ADBC_STATUS_OK;
}

static bool send_opened(struct connection *conn)
{
    char name[DRIVER_INFO_SIZE] = "";
    char version[DRIVER_INFO_SIZE] = "";
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    if (conn->database) {
        driver_info(&conn->adbc, name, version);
        conn->is_postgresql = str_eq(str_of(name), STR("ADBC PostgreSQL Driver"));
    }
    struct wire_writer writer = wire_begin(&out, WIRE_OPENED, 0);
    wire_str(&writer, str_of(name));
    wire_str(&writer, str_of(version));
    bool ok = wire_end(&writer) && send_all(conn->fd, buf_str(&out));
    buf_free(&out);
    return ok;
}

static void *connection_main(void *cookie)
{
    struct connection *conn = cookie;
    struct failure failure;
    if (conn->database && !open_connection(conn, &failure)) {
        if (failure_is_refused(&failure)) {
            failure_say_refused(&failure);
        }
        send_failure(conn, WIRE_FAILED, 0,
            failure_is_lost(&failure) ? WIRE_E_LOST : WIRE_E_SQL, &failure);
    } else if (send_opened(conn)) {
        serve(conn);
    }
    struct AdbcError error = ADBC_ERROR_INIT;
    if (conn->adbc.private_data || conn->adbc.private_driver) {
        (void)failure_take(&error, AdbcConnectionRelease(&conn->adbc, &error));
    }
    pthread_mutex_lock(&conn->mutex);
    shutdown(conn->fd, SHUT_RDWR); /* the main thread's poll would keep the socket open */
    close(conn->fd);
    conn->fd = -1; /* the slot may be used again from here on */
    pthread_mutex_unlock(&conn->mutex);
    return NULL;
}

void connection_init(struct connection *conn)
{
    *conn = (struct connection){.fd = -1};
    pthread_mutex_init(&conn->mutex, NULL);
}

bool connection_is_free(struct connection *conn)
{
    pthread_mutex_lock(&conn->mutex);
    bool is_free = conn->fd < 0;
    pthread_mutex_unlock(&conn->mutex);
    return is_free;
}

bool connection_is_opening(struct connection *conn)
{
    pthread_mutex_lock(&conn->mutex);
    bool is_opening = conn->fd >= 0 && conn->is_opening && !conn->is_hung_up;
    pthread_mutex_unlock(&conn->mutex);
    return is_opening;
}

bool connection_start(struct connection *conn, uint32_t id, int fd,
    struct AdbcDatabase *database, const struct secrets *secrets)
{
    ASSERT(connection_is_free(conn));
    pthread_mutex_lock(&conn->mutex);
    conn->id = id;
    conn->fd = fd;
    conn->database = database;
    conn->is_running = false;
    conn->is_hung_up = false;
    conn->has_cancel = false;
    conn->adbc = (struct AdbcConnection){0};
    conn->secrets = secrets;
    conn->is_postgresql = conn->has_asked = conn->has_money = false;
    conn->is_opening = database != NULL;
    pthread_mutex_unlock(&conn->mutex);
    pthread_t thread;
    if (pthread_create(&thread, NULL, connection_main, conn) != 0) {
        close(fd);
        conn->fd = -1;
        return false;
    }
    pthread_detach(thread);
    return true;
}
