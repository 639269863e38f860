// SPDX-License-Identifier: Apache-2.0
/*
 * A scripted ADBC driver for tests. The SQL text is the script, as it is or, where a guard
 * stands before it, as SELECT 'SCRIPT':
 *   rows N [WIDTH]  N rows of an integer and a text of WIDTH characters (8)
 *   broken N [WIDTH] the same, but instead of an end the stream has an error
 *   slow N MS       N times 1000 rows as of `rows`, each after MS; a cancel ends it
 *   sleep MS        one row after MS, a cancel ends it
 *   hang            never comes back and ignores cancel
 *   late MS         one row after MS, whatever cancel says
 *   crash           abort()
 *   error TEXT      fails with TEXT, sqlstate 42000, vendor code 1003
 *   lost            fails as a broken connection does, sqlstate 08006
 *   types           one row with a value of every type it can make, then one of nulls
 *   odd             a column of a type that nobody knows
 *   holes           a column whose array lacks a buffer
 *   context         the connection's catalog and schema options
 *   cancels         how many cancels this process was sent
 *   SET, PRAGMA, ALTER SESSION ...  done, whatever it is
 *   waits           how many sleeps, lates and hangs this process has begun
 * and the words of worker/fake_try.h.
 */
#include <arrow-adbc/adbc.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "worker/fake_arrow.h"
#include "worker/fake_try.h"

enum {
    BATCH_ROWS = 1000,
    COLUMNS_MAX = 40,
    NAME_SIZE = 64
};

AdbcStatusCode AdbcDriverFakeInit(int version, void *raw_driver, struct AdbcError *error);

struct fake_connection {
    char catalog[NAME_SIZE];
    char schema[NAME_SIZE];
};

struct fake_statement {
    struct fake_connection *connection;
    char *sql;
    atomic_bool is_cancelled;
};

/* A column of a result: one value, repeated by the caller if it needs more rows. */
struct column {
    const char *name;
    const char *format;
    const void *value; /* NULL: null */
    size_t size;       /* of a fixed-width value, or of the text */
};

struct fake_stream {
    struct fake_statement *statement;
    struct column columns[COLUMNS_MAX];
    int column_count;
    int64_t rows;  /* still to come */
    int64_t first; /* number of the next row */
    long pace_ms;  /* before each batch */
    int64_t width; /* of `rows`; -1: the columns' own values */
    bool has_nulls;
    bool is_broken; /* ends with an error */
    char text[2 * NAME_SIZE];
    char tried[FAKE_TRY_SIZE];
    int64_t number;
};

static atomic_int cancels;
static atomic_int waits;
static atomic_int logins;
static char page[NAME_SIZE]; /* of the option sign_in: where each login waits for ever; "": none */

static void error_release(struct AdbcError *error)
{
    free(error->message);
    error->message = NULL;
    error->release = NULL;
}

static AdbcStatusCode fail(struct AdbcError *error, AdbcStatusCode status,
    const char *sqlstate, int vendor_code, const char *message)
{
    if (error) {
        error->message = strdup(message);
        memcpy(error->sqlstate, sqlstate, 5);
        error->vendor_code = vendor_code;
        error->release = error_release;
    }
    return status;
}

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *ret)
{
    struct fake_stream *stream = self->private_data;
    fake_schema_init(ret, "+s", "", stream->column_count);
    for (int i = 0; i < stream->column_count; i++) {
        fake_schema_init(
            ret->children[i], stream->columns[i].format, stream->columns[i].name, 0);
    }
    return 0;
}

/* The rows of `rows`: their number, then text. */
static void fill_rows(struct fake_stream *stream, struct ArrowArray *ret, int64_t count)
{
    size_t rows = (size_t)count;
    size_t width = (size_t)stream->width;
    int64_t *ids = calloc(rows, sizeof(*ids));
    int64_t *offsets = calloc(rows + 1, sizeof(*offsets));
    char *text = malloc(rows * width + 1);
    for (size_t i = 0; i < rows; i++) {
        ids[i] = stream->first + (int64_t)i;
        offsets[i + 1] = (int64_t)((i + 1) * width);
    }
    memset(text, 'x', rows * width);
    fake_array_init(ret->children[0], count, 2, 0);
    ret->children[0]->buffers[1] = ids;
    fake_array_init(ret->children[1], count, 3, 0);
    ret->children[1]->buffers[1] = offsets;
    ret->children[1]->buffers[2] = text;
}

/* One row of the columns' values, or of nulls. */
static void fill_values(
    const struct fake_stream *stream, struct ArrowArray *ret, bool is_null)
{
    for (int i = 0; i < stream->column_count; i++) {
        const struct column *column = &stream->columns[i];
        struct ArrowArray *child = ret->children[i];
        bool is_text = strchr("uz", column->format[0]) && column->format[1] == 0;
        if (column->format[0] == 'n') {
            fake_array_init(child, 1, 0, 0);
            child->null_count = 1;
            continue;
        }
        fake_array_init(child, 1, is_text ? 3 : 2, 0);
        child->buffers[0] = fake_copy(is_null ? "\0" : "\1", 1);
        child->null_count = is_null;
        if (is_text) {
            int32_t offsets[2] = {0, (int32_t)column->size};
            child->buffers[1] = fake_copy(offsets, sizeof(offsets));
            child->buffers[2] = fake_copy(column->value, column->size);
        } else {
            child->buffers[1] = fake_copy(column->value, column->size);
        }
    }
}

/* Waits; false when a cancel came first (and is heeded). */
static bool nap(struct fake_statement *statement, long ms, bool heeds_cancel)
{
    struct timespec millisecond = {.tv_nsec = 1000000};
    for (long i = 0; i < ms; i++) {
        if (heeds_cancel && atomic_load(&statement->is_cancelled)) {
            return false;
        }
        nanosleep(&millisecond, NULL);
    }
    return true;
}

static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *ret)
{
    struct fake_stream *stream = self->private_data;
    *ret = (struct ArrowArray){0};
    bool has_more = stream->rows > 0;
    if (!nap(stream->statement, has_more ? stream->pace_ms : 0, true) ||
        atomic_load(&stream->statement->is_cancelled)) {
        return ECANCELED;
    }
    if (!has_more) {
        return stream->is_broken ? EIO : 0;
    }
    int64_t count = stream->rows < BATCH_ROWS ? stream->rows : BATCH_ROWS;
    count = stream->width < 0 ? 1 : count;
    fake_array_init(ret, count, 1, stream->column_count);
    if (stream->width < 0) {
        fill_values(stream, ret, stream->has_nulls && stream->rows == 1);
    } else {
        fill_rows(stream, ret, count);
    }
    stream->rows -= count;
    stream->first += count;
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *self)
{
    (void)self;
    return "the read was cancelled";
}

static void stream_release(struct ArrowArrayStream *self)
{
    free(self->private_data);
    self->release = NULL;
}

static void add(struct fake_stream *stream, const char *name, const char *format,
    const void *value, size_t size)
{
    stream->columns[stream->column_count++] =
        (struct column){.name = name, .format = format, .value = value, .size = size};
}

static void add_types(struct fake_stream *stream)
{
    static const int64_t numbers[] = {
        -5, 9007199254740991, 9007199254740992, INT64_MIN, -1};
    static const uint64_t wide[] = {UINT64_MAX};
    static const double doubles[] = {0.1, -1.5e300};
    static const float single[] = {0.1F};
    static const uint16_t half[] = {0x3e00};
    static const uint64_t nan_bits[] = {0x7ff8000000000000, 0xfff0000000000000};
    static const uint64_t decimal[] = {(uint64_t)-12345, UINT64_MAX};
    static const uint64_t decimal_small[] = {5, 0};
    static const uint64_t decimal_large[] = {0x098a223fffffffff, 0x4b3b4ca85a86c47a};
    static const int32_t days[] = {19723, -1, 11016};
    static const int64_t moments[] = {1704164645123456789, -1, 1704164645, 1704164645120};
    static const int64_t noon[] = {43200500000};
    static const int32_t interval[] = {14, 3, 0x3b9aca00, 0};
    static const int32_t day_time[] = {-2, 1500};
    add(stream, "n", "n", NULL, 0);
    add(stream, "b", "b", "\1", 1);
    add(stream, "i8", "c", numbers, 1);
    add(stream, "u8", "C", numbers, 1);
    add(stream, "i16", "s", numbers, 2);
    add(stream, "u16", "S", numbers, 2);
    add(stream, "i32", "i", numbers, 4);
    add(stream, "u32", "I", numbers, 4);
    add(stream, "i64", "l", &numbers[1], 8);
    add(stream, "i64_large", "l", &numbers[2], 8);
    add(stream, "i64_min", "l", &numbers[3], 8);
    add(stream, "u64", "L", wide, 8);
    add(stream, "f16", "e", half, 2);
    add(stream, "f32", "f", single, 4);
    add(stream, "f64", "g", doubles, 8);
    add(stream, "f64_large", "g", &doubles[1], 8);
    add(stream, "nan", "g", nan_bits, 8);
    add(stream, "inf", "g", &nan_bits[1], 8);
    add(stream, "dec", "d:10,2", decimal, 16);
    add(stream, "dec_small", "d:10,3", decimal_small, 16);
    add(stream, "dec_int", "d:38,0", decimal, 16);
    add(stream, "dec_large", "d:38,0", decimal_large, 16);
    add(stream, "dec64", "d:18,4,64", decimal, 8);
    add(stream, "text", "u", "a\"\xc3\xa9\n", 5);
    add(stream, "bin", "z", "\x00\xff\x10", 3);
    add(stream, "fixed", "w:4", "\xde\xad\xbe\xef", 4);
    add(stream, "date", "tdD", days, 4);
    add(stream, "date_old", "tdD", &days[1], 4);
    add(stream, "date_leap", "tdD", &days[2], 4);
    add(stream, "time", "ttu", noon, 8);
    add(stream, "ts_ns", "tsn:", moments, 8);
    add(stream, "ts_old", "tsm:", &moments[1], 8);
    add(stream, "ts_utc", "tss:UTC", &moments[2], 8);
    add(stream, "ts_zone", "tsm:+05:30", &moments[3], 8);
    add(stream, "dur", "tDm", &moments[1], 8);
    add(stream, "months", "tiM", interval, 4);
    add(stream, "day_time", "tiD", day_time, 8);
    add(stream, "interval", "tin", interval, 16);
    stream->rows = 2;
    stream->has_nulls = true;
}

static void answer_text(struct fake_stream *stream, const char *name, const char *text)
{
    add(stream, name, "u", text, strlen(text));
    stream->rows = 1;
}

static void answer_number(struct fake_stream *stream, const char *name, int64_t number)
{
    stream->number = number;
    add(stream, name, "l", &stream->number, 8);
    stream->rows = 1;
}

/* What we set a connection to, in the words of whichever engine it plays. */
static bool is_setting(const char *sql)
{
    static const char *const WORDS[] = {
        "SET ", "PRAGMA ", "ALTER SESSION ", "USE ", "RESET ", "SELECT pg_catalog.set_config("};
    bool is_one = false;
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        is_one = is_one || strncmp(sql, WORDS[i], strlen(WORDS[i])) == 0;
    }
    return is_one;
}

/* Does what the script says; the stream then holds the answer. */
static AdbcStatusCode play(
    struct fake_statement *statement, struct fake_stream *stream, struct AdbcError *error)
{
    const char *sql = statement->sql;
    long long count = 0;
    long long width = 8;
    bool is_wait = !strncmp(sql, "sleep ", 6) || !strncmp(sql, "late ", 5);
    atomic_fetch_add(&waits, is_wait || strcmp(sql, "hang") == 0);
    stream->is_broken = strncmp(sql, "broken ", 7) == 0;
    if (sscanf(sql, "rows %lld %lld", &count, &width) >= 1 ||
        sscanf(sql, "broken %lld %lld", &count, &width) >= 1) {
        add(stream, "id", "l", NULL, 0);
        add(stream, "text", "U", NULL, 0);
        stream->rows = count;
        stream->width = width;
    } else if (sscanf(sql, "slow %lld %ld", &count, &stream->pace_ms) == 2) {
        add(stream, "id", "l", NULL, 0);
        add(stream, "text", "U", NULL, 0);
        stream->rows = count * BATCH_ROWS;
        stream->width = width;
    } else if (sscanf(sql, "sleep %lld", &count) == 1) {
        if (!nap(statement, (long)count, true)) {
            return fail(
                error, ADBC_STATUS_CANCELLED, "57014", 604, "the sleep was cancelled");
        }
        answer_text(stream, "done", "slept");
    } else if (sscanf(sql, "late %lld", &count) == 1) {
        nap(statement, (long)count, false);
        atomic_store(&statement->is_cancelled, false);
        answer_text(stream, "done", "late");
    } else if (strcmp(sql, "hang") == 0) {
        for (;;) {
            pause();
        }
    } else if (strcmp(sql, "crash") == 0) {
        abort();
    } else if (strncmp(sql, "error ", 6) == 0) {
        return fail(error, ADBC_STATUS_INTERNAL, "42000", 1003, sql + 6);
    } else if (strcmp(sql, "lost") == 0) {
        return fail(error, ADBC_STATUS_IO, "08006", 261000, "the connection is gone");
    } else if (strcmp(sql, "types") == 0) {
        add_types(stream);
    } else if (strcmp(sql, "odd") == 0 || strcmp(sql, "holes") == 0) {
        add(stream, sql, strcmp(sql, "odd") == 0 ? "odd" : "U", "12345678", 8);
        stream->rows = 1;
    } else if (strcmp(sql, "context") == 0) {
        answer_text(stream, "catalog", statement->connection->catalog);
        answer_text(stream, "schema", statement->connection->schema);
    } else if (strcmp(sql, "cancels") == 0) {
        answer_number(stream, "cancels", atomic_load(&cancels));
    } else if (strcmp(sql, "waits") == 0) {
        answer_number(stream, "waits", atomic_load(&waits));
    } else if (is_setting(sql)) {
        answer_text(stream, "set", "done");
    } else if (fake_try(sql, stream->tried)) {
        answer_text(stream, "tried", stream->tried);
    } else {
        return fail(
            error, ADBC_STATUS_INVALID_ARGUMENT, "42601", 1003, "unknown command");
    }
    return ADBC_STATUS_OK;
}

static AdbcStatusCode statement_execute(struct AdbcStatement *self,
    struct ArrowArrayStream *ret, int64_t *rows_affected, struct AdbcError *error)
{
    struct fake_statement *statement = self->private_data;
    if (!statement->sql) {
        abort(); /* as DuckDB does */
    }
    struct fake_stream *stream = calloc(1, sizeof(*stream));
    stream->statement = statement;
    stream->width = -1;
    AdbcStatusCode status = play(statement, stream, error);
    if (status != ADBC_STATUS_OK || !ret) {
        free(stream);
        return status;
    }
    if (rows_affected) {
        *rows_affected = -1;
    }
    *ret = (struct ArrowArrayStream){.get_schema = stream_schema,
        .get_next = stream_next,
        .get_last_error = stream_error,
        .release = stream_release,
        .private_data = stream};
    return ADBC_STATUS_OK;
}

/* The script itself, to be freed. */
static char *unwrap(const char *sql)
{
    size_t len = strlen(sql);
    const char *mark = strstr(sql, "\n/*"); /* our own, for PostgreSQL's history */
    len = mark ? (size_t)(mark - sql) : len;
    bool is_wrapped = strncmp(sql, "SELECT '", 8) == 0 && len > 9 && sql[len - 1] == '\'';
    return is_wrapped ? strndup(sql + 8, len - 9) : strdup(sql);
}

static AdbcStatusCode statement_sql(
    struct AdbcStatement *self, const char *sql, struct AdbcError *error)
{
    struct fake_statement *statement = self->private_data;
    free(statement->sql);
    statement->sql = NULL;
    if (strcmp(sql, "refuse") == 0) {
        return fail(error, ADBC_STATUS_INVALID_ARGUMENT, "42601", 1003, "refused");
    }
    statement->sql = unwrap(sql);
    return ADBC_STATUS_OK;
}

static AdbcStatusCode statement_new(struct AdbcConnection *connection,
    struct AdbcStatement *self, struct AdbcError *error)
{
    (void)error;
    struct fake_statement *statement = calloc(1, sizeof(*statement));
    statement->connection = connection->private_data;
    self->private_data = statement;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode statement_cancel(
    struct AdbcStatement *self, struct AdbcError *error)
{
    (void)error;
    struct fake_statement *statement = self->private_data;
    atomic_fetch_add(&cancels, 1);
    atomic_store(&statement->is_cancelled, true);
    return ADBC_STATUS_OK;
}

static AdbcStatusCode statement_release(
    struct AdbcStatement *self, struct AdbcError *error)
{
    (void)error;
    struct fake_statement *statement = self->private_data;
    free(statement->sql);
    free(statement);
    self->private_data = NULL;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode connection_new(struct AdbcConnection *self, struct AdbcError *error)
{
    (void)error;
    self->private_data = calloc(1, sizeof(struct fake_connection));
    return ADBC_STATUS_OK;
}

static AdbcStatusCode connection_open(
    struct AdbcConnection *self, struct AdbcDatabase *database, struct AdbcError *error)
{
    (void)self;
    (void)database;
    (void)error;
    int number = atomic_fetch_add(&logins, 1) + 1;
    if (page[0] != '\0') {
        printf("snowmux-sign-in %s%d\n", page, number); /* as the program that it would run does */
        fflush(stdout);
    }
    while (page[0] != '\0') {
        pause();
    }
    return ADBC_STATUS_OK;
}

static AdbcStatusCode statement_option(struct AdbcStatement *self, const char *key,
    const char *value, struct AdbcError *error)
{
    (void)self;
    (void)value;
    bool is_tag = strcmp(key, "adbc.snowflake.statement.query_tag") == 0;
    return is_tag ? ADBC_STATUS_OK
                  : fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000", 7, "unknown option");
}

static AdbcStatusCode connection_option(struct AdbcConnection *self, const char *key,
    const char *value, struct AdbcError *error)
{
    struct fake_connection *connection = self->private_data;
    bool is_catalog = strcmp(key, ADBC_CONNECTION_OPTION_CURRENT_CATALOG) == 0;
    bool is_schema = strcmp(key, ADBC_CONNECTION_OPTION_CURRENT_DB_SCHEMA) == 0;
    if (!is_catalog && !is_schema) {
        return fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000", 7, "unknown option");
    }
    snprintf(
        is_catalog ? connection->catalog : connection->schema, NAME_SIZE, "%s", value);
    return ADBC_STATUS_OK;
}

static AdbcStatusCode connection_release(
    struct AdbcConnection *self, struct AdbcError *error)
{
    (void)error;
    free(self->private_data);
    self->private_data = NULL;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode database_new(struct AdbcDatabase *self, struct AdbcError *error)
{
    (void)error;
    self->private_data = calloc(1, 1);
    return ADBC_STATUS_OK;
}

static AdbcStatusCode database_option(struct AdbcDatabase *self, const char *key,
    const char *value, struct AdbcError *error)
{
    (void)self;
    (void)value;
    if (strcmp(key, "fail") == 0) {
        return fail(error, ADBC_STATUS_INVALID_ARGUMENT, "28000", 390100, value);
    }
    if (strcmp(key, "sign_in") == 0) {
        snprintf(page, sizeof(page), "%s", value);
    }
    if (strcmp(key, "refuse") == 0) {
        return fail(error, ADBC_STATUS_UNAUTHENTICATED, "28000", 0, value);
    }
    /* A passphrase, and what needs one, shall not come as far as here. */
    if (strstr(key, "_pkcs8_password") || strstr(value, "ENCRYPTED PRIVATE KEY")) {
        return fail(error, ADBC_STATUS_INVALID_ARGUMENT, "28000", 0, "a passphrase");
    }
    return ADBC_STATUS_OK;
}

static AdbcStatusCode database_init(struct AdbcDatabase *self, struct AdbcError *error)
{
    (void)self;
    (void)error;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode database_release(struct AdbcDatabase *self, struct AdbcError *error)
{
    (void)error;
    free(self->private_data);
    self->private_data = NULL;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode driver_release(struct AdbcDriver *driver, struct AdbcError *error)
{
    (void)error;
    driver->private_data = NULL;
    return ADBC_STATUS_OK;
}

__attribute__((visibility("default"))) AdbcStatusCode AdbcDriverFakeInit(
    int version, void *raw_driver, struct AdbcError *error)
{
    if (version != ADBC_VERSION_1_1_0) {
        return fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000", 0, "only ADBC 1.1");
    }
    struct AdbcDriver *driver = raw_driver;
    memset(driver, 0, ADBC_DRIVER_1_1_0_SIZE);
    driver->release = driver_release;
    driver->DatabaseNew = database_new;
    driver->DatabaseSetOption = database_option;
    driver->DatabaseInit = database_init;
    driver->DatabaseRelease = database_release;
    driver->ConnectionNew = connection_new;
    driver->ConnectionSetOption = connection_option;
    driver->ConnectionInit = connection_open;
    driver->ConnectionRelease = connection_release;
    driver->StatementNew = statement_new;
    driver->StatementSetSqlQuery = statement_sql;
    driver->StatementSetOption = statement_option;
    driver->StatementExecuteQuery = statement_execute;
    driver->StatementCancel = statement_cancel;
    driver->StatementRelease = statement_release;
    return ADBC_STATUS_OK;
}
