// SPDX-License-Identifier: Apache-2.0
/*
 * demo-load DRIVER DATA_DIRECTORY SQL_FILE DATABASE
 *
 * Makes a new DuckDB file by running the statements of SQL_FILE, which find their inputs
 * in DATA_DIRECTORY. The file is written as DATABASE.tmp and gets its name when it is
 * complete, so DATABASE is never half of one. One at a time for a DATABASE.
 */
#include <arrow-adbc/adbc.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "sql/dialect.h"
#include "sql/lexer.h"

enum {
    SQL_FILE_MAX = 1024 * 1024,
    PATH_SIZE = PATH_MAX,
};

struct loader {
    const char *driver;
    const char *data;
    const char *sql_file;
    const char *target;
    char partial[PATH_SIZE];
    char log[PATH_SIZE]; /* the engine's write-ahead log beside @partial */
    struct AdbcDatabase database;
    struct AdbcConnection connection;
};

/* Says what failed and why; always false. */
static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "demo-load: %s: %s\n", what, why);
    return false;
}

/* Is @status good? Else says so for @what; empties @error. */
static bool check(AdbcStatusCode status, struct AdbcError *error, const char *what)
{
    bool ok = status == ADBC_STATUS_OK;
    if (!ok) {
        complain(what, error->message ? error->message : "the driver gave no reason");
    }
    if (error->release) {
        error->release(error);
    }
    struct AdbcError fresh = ADBC_ERROR_INIT;
    *error = fresh;
    return ok;
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        return complain(path, strerror(errno));
    }
    char chunk[4096];
    size_t got;
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_put(out, chunk, got);
    }
    bool ok = !ferror(file) || complain(path, "cannot be read");
    fclose(file);
    return ok && (buf_ok(out) || complain(path, "is larger than 1 MB"));
}

static bool database_option(struct loader *loader, const char *key, const char *value)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    return check(
        AdbcDatabaseSetOption(&loader->database, key, value, &error), &error, key);
}

static bool open_database(struct loader *loader)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    return check(AdbcDatabaseNew(&loader->database, &error), &error, "database") &&
           database_option(loader, "driver", loader->driver) &&
           database_option(loader, "entrypoint", "duckdb_adbc_init") &&
           database_option(loader, "path", loader->partial) &&
           check(AdbcDatabaseInit(&loader->database, &error), &error, loader->partial) &&
           check(AdbcConnectionNew(&loader->connection, &error), &error, "connection") &&
           check(AdbcConnectionInit(&loader->connection, &loader->database, &error),
               &error, "connection");
}

/* Ends what open_database() began, however far it came; true when all closed cleanly. */
static bool close_database(struct loader *loader)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    bool ok = true;
    if (loader->connection.private_data) {
        ok = check(AdbcConnectionRelease(&loader->connection, &error), &error, "close");
    }
    if (loader->database.private_data) {
        ok = check(AdbcDatabaseRelease(&loader->database, &error), &error, "close") && ok;
    }
    return ok;
}

static bool drain(struct ArrowArrayStream *stream, const char *what)
{
    for (;;) {
        struct ArrowArray batch = {0};
        int code = stream->get_next(stream, &batch);
        if (code != 0) {
            const char *words = stream->get_last_error(stream);
            return complain(what, words ? words : strerror(code));
        }
        if (!batch.release) {
            return true;
        }
        batch.release(&batch);
    }
}

/* @what names the statement in complaints. */
static bool run(struct loader *loader, const char *sql, const char *what)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    struct AdbcStatement statement = {0};
    struct ArrowArrayStream stream = {0};
    if (!check(AdbcStatementNew(&loader->connection, &statement, &error), &error, what)) {
        return false;
    }
    bool ok =
        check(AdbcStatementSetSqlQuery(&statement, sql, &error), &error, what) &&
        check(AdbcStatementExecuteQuery(&statement, &stream, NULL, &error), &error, what);
    if (stream.release) {
        ok = ok && drain(&stream, what);
        stream.release(&stream);
    }
    return check(AdbcStatementRelease(&statement, &error), &error, what) && ok;
}

/* The statement from its @first token up to the end at @end. */
static bool run_part(struct loader *loader, struct str sql, struct sql_token first,
    const struct sql_token *end)
{
    char what[PATH_SIZE];
    uint32_t line;
    uint32_t column;
    sql_position(sql, first.offset, &line, &column);
    snprintf(what, sizeof(what), "%s:%u", loader->sql_file, line);
    struct str part = str_from(sql, first.offset);
    part.len = end->offset - first.offset;
    char *text = strndup(part.ptr, part.len);
    bool ok = text ? run(loader, text, what) : complain(what, "no memory");
    free(text);
    return ok;
}

/* Statement by statement, so that a complaint names the line. */
static bool run_file(struct loader *loader, struct str sql)
{
    struct sql_lexer lexer;
    struct sql_token first = {0};
    struct sql_token token;
    bool is_inside = false;
    sql_lexer_init(&lexer, sql, sql_dialect(SQL_DUCKDB)->lex_flags);
    for (;;) {
        sql_lexer_next(&lexer, &token);
        if (token.kind == SQL_TOKEN_ERROR) {
            return complain(loader->sql_file, lexer.error);
        }
        bool is_end = token.kind == SQL_TOKEN_END;
        bool is_stop = is_end || sql_token_is(&token, ";");
        if (is_stop && is_inside && !run_part(loader, sql, first, &token)) {
            return false;
        }
        if (!is_stop && !is_inside) {
            first = token;
        }
        is_inside = !is_stop;
        if (is_end) {
            return true;
        }
    }
}

/* Inputs by their bare names; nothing is fetched from anywhere. */
static bool prepare(struct loader *loader)
{
    struct buf sql = BUF_INIT(4 * PATH_SIZE);
    buf_puts(&sql, "SET file_search_path = '");
    for (const char *at = loader->data; *at; at++) {
        buf_puts(&sql, *at == '\'' ? "'" : "");
        buf_putc(&sql, *at);
    }
    buf_putc(&sql, '\'');
    buf_putc(&sql, '\0');
    bool ok = buf_ok(&sql) ? run(loader, sql.ptr, loader->data)
                           : complain(loader->data, "is too long a path");
    buf_free(&sql);
    return ok && run(loader, "SET autoinstall_known_extensions = false", "settings") &&
           run(loader, "SET autoload_known_extensions = false", "settings");
}

static bool fill(struct loader *loader)
{
    struct buf sql = BUF_INIT(SQL_FILE_MAX);
    bool ok = read_file(loader->sql_file, &sql) && open_database(loader) &&
              prepare(loader) && run_file(loader, buf_str(&sql)) &&
              run(loader, "CHECKPOINT", "checkpoint");
    ok = close_database(loader) && ok;
    buf_free(&sql);
    return ok;
}

static bool discard(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT || complain(path, strerror(errno));
}

/* The complete file takes the place of an old one, once its bytes are on the disk. */
static bool publish(struct loader *loader)
{
    int fd = open(loader->partial, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return complain(loader->partial, strerror(errno));
    }
    bool ok = fsync(fd) == 0 && rename(loader->partial, loader->target) == 0;
    ok = ok || complain(loader->target, strerror(errno));
    close(fd);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: demo-load DRIVER DATA_DIRECTORY SQL_FILE DATABASE\n");
        return 2;
    }
    struct loader loader = {
        .driver = argv[1], .data = argv[2], .sql_file = argv[3], .target = argv[4]};
    if (snprintf(loader.partial, PATH_SIZE, "%s.tmp", argv[4]) >= PATH_SIZE - 4) {
        complain(argv[4], "is too long a path");
        return 1;
    }
    snprintf(loader.log, PATH_SIZE, "%.*s.wal", PATH_SIZE - 5, loader.partial);
    bool ok = discard(loader.partial) && discard(loader.log);
    if (ok && !(fill(&loader) && publish(&loader))) {
        ok = false;
        (void)(discard(loader.partial) && discard(loader.log));
    }
    return ok ? 0 : 1;
}
