// SPDX-License-Identifier: Apache-2.0
/* The demonstration databases, opened as a worker opens them, and the loader of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arrow-adbc/adbc.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yyjson.h>

#include "worker/arrow_json.h"

enum {
    ROWS_MAX = 1000,
    PAGE_BYTES = 256 * 1024,
    CELL_CHARS = 2000,
    LINE_SIZE = 64 * 1024,
    PATH_SIZE = 4096,
    FACTS_MIN = 25,
};

struct demo {
    struct AdbcDatabase database;
    struct AdbcConnection connection;
    struct arrow_page page;
};

/* DIRECTORY/name in one of four buffers. */
static char *path_in(const char *variable, const char *name)
{
    static char paths[4][PATH_SIZE];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];
    assert_true(snprintf(path, PATH_SIZE, "%s/%s", getenv(variable), name) < PATH_SIZE);
    return path;
}

static void must(AdbcStatusCode status, struct AdbcError *error, const char *what)
{
    if (status != ADBC_STATUS_OK) {
        print_error("%s: %s\n", what, error->message ? error->message : "no reason");
        fail();
    }
}

/* Runs @sql and leaves its rows in the page; false when the engine refuses it. */
static bool query(struct demo *demo, const char *sql)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    struct AdbcStatement statement = {0};
    struct ArrowArrayStream stream = {0};
    struct ArrowSchema schema = {0};
    arrow_page_free(&demo->page);
    arrow_page_init(&demo->page, ROWS_MAX, PAGE_BYTES, CELL_CHARS);
    must(AdbcStatementNew(&demo->connection, &statement, &error), &error, sql);
    bool ok =
        AdbcStatementSetSqlQuery(&statement, sql, &error) == ADBC_STATUS_OK &&
        AdbcStatementExecuteQuery(&statement, &stream, NULL, &error) == ADBC_STATUS_OK &&
        stream.get_schema(&stream, &schema) == 0;
    while (ok) {
        struct ArrowArray batch = {0};
        ok = stream.get_next(&stream, &batch) == 0;
        if (!batch.release) {
            break;
        }
        assert_true(arrow_page_add(&demo->page, &schema, &batch));
        batch.release(&batch);
    }
    assert_true(arrow_page_end(&demo->page));
    if (schema.release) {
        schema.release(&schema);
    }
    if (stream.release) {
        stream.release(&stream);
    }
    AdbcStatementRelease(&statement, &error);
    if (error.release) {
        error.release(&error);
    }
    return ok;
}

/* Does @sql answer exactly @rows? Says both when not. */
static bool answers(struct demo *demo, const char *sql, struct str rows)
{
    bool is_run = query(demo, sql);
    struct str actual = is_run ? buf_str(&demo->page.rows) : STR("(refused)");
    if (str_eq(actual, rows)) {
        return true;
    }
    print_error("%s\nactual   " STR_FMT "\nexpected " STR_FMT "\n", sql, STR_ARG(actual),
        STR_ARG(rows));
    return false;
}

static void open_file(struct demo *demo, const char *path, bool is_read_only)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    struct AdbcDatabase *database = &demo->database;
    *demo = (struct demo){0};
    must(AdbcDatabaseNew(database, &error), &error, "new");
    must(AdbcDatabaseSetOption(database, "driver", getenv("SNOWMUX_DUCKDB"), &error),
        &error, "driver");
    must(AdbcDatabaseSetOption(database, "entrypoint", "duckdb_adbc_init", &error),
        &error, "entrypoint");
    must(AdbcDatabaseSetOption(database, "path", path, &error), &error, path);
    if (is_read_only) {
        must(AdbcDatabaseSetOption(database, "access_mode", "READ_ONLY", &error), &error,
            "access_mode");
    }
    must(AdbcDatabaseInit(database, &error), &error, path);
    must(AdbcConnectionNew(&demo->connection, &error), &error, "connection");
    must(AdbcConnectionInit(&demo->connection, database, &error), &error, "connection");
}

static void close_file(struct demo *demo)
{
    struct AdbcError error = ADBC_ERROR_INIT;
    arrow_page_free(&demo->page);
    must(AdbcConnectionRelease(&demo->connection, &error), &error, "close");
    must(AdbcDatabaseRelease(&demo->database, &error), &error, "close");
}

static int open_both(void **state)
{
    static struct demo demo;
    char attach[PATH_SIZE + 64];
    open_file(&demo, path_in("SNOWMUX_DEMO", "travel.duckdb"), true);
    snprintf(attach, sizeof(attach), "ATTACH '%s' AS nature (READ_ONLY)",
        path_in("SNOWMUX_DEMO", "nature.duckdb"));
    const char *const locks[] = {
        attach, "SET enable_external_access = false", "SET lock_configuration = true"};
    for (size_t i = 0; i < ARRAY_LEN(locks); i++) {
        assert_true(query(&demo, locks[i]));
    }
    *state = &demo;
    return 0;
}

static int close_both(void **state)
{
    close_file(*state);
    return 0;
}

/* One line of the facts: {"sql":"...","rows":[...]}; the rows are compared as text. */
static bool fact_holds(struct demo *demo, struct str line)
{
    yyjson_doc *doc = yyjson_read(line.ptr, line.len, 0);
    const char *sql = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "sql"));
    const char *rows = strstr(line.ptr, "\"rows\":");
    assert_true(sql && rows);
    struct str expected = str_from(line, (size_t)(rows - line.ptr) + strlen("\"rows\":"));
    expected.len--; /* the object's end */
    bool ok = answers(demo, sql, expected);
    yyjson_doc_free(doc);
    return ok;
}

static void every_fact_of_the_published_files_is_answered(void **state)
{
    static char line[LINE_SIZE];
    FILE *file = fopen(path_in("SNOWMUX_DEMO", "facts.jsonl"), "r");
    assert_non_null(file);
    unsigned facts = 0;
    unsigned wrong = 0;
    while (fgets(line, sizeof(line), file)) {
        facts++;
        wrong += !fact_holds(*state, str_trim(str_of(line)));
    }
    fclose(file);
    assert_true(facts >= FACTS_MIN);
    assert_int_equal(wrong, 0);
}

static void every_schema_has_a_summary_of_its_own(void **state)
{
    assert_true(answers(*state,
        "SELECT database_name, count(*) FROM duckdb_tables()"
        " WHERE table_name = 'summary' GROUP BY 1 ORDER BY 1",
        STR("[[\"nature\",6],[\"travel\",5]]")));
    assert_true(answers(*state,
        "SELECT s.database_name, s.schema_name FROM duckdb_schemas() s"
        " ANTI JOIN duckdb_tables() t ON t.database_name = s.database_name"
        " AND t.schema_name = s.schema_name AND t.table_name = 'summary'"
        " WHERE NOT s.internal AND s.database_name IN ('travel', 'nature')",
        STR("[]")));
}

static void every_table_and_view_is_commented_and_listed(void **state)
{
    static const char *const databases[] = {"travel", "nature"};
    char sql[512];
    for (size_t i = 0; i < ARRAY_LEN(databases); i++) {
        snprintf(sql, sizeof(sql),
            "(SELECT schema_name, table_name, comment FROM duckdb_tables()"
            " WHERE database_name = '%s' UNION ALL"
            " SELECT schema_name, view_name, comment FROM duckdb_views()"
            " WHERE database_name = '%s' AND NOT internal)"
            " EXCEPT SELECT schema_name, relation, comment FROM %s.main.overview"
            " WHERE comment IS NOT NULL",
            databases[i], databases[i], databases[i]);
        assert_true(answers(*state, sql, STR("[]")));
    }
}

static void locked_databases_stay_as_they_are(void **state)
{
    static const char *const refused[] = {
        "CREATE TABLE travel.main.more (i INTEGER)",
        "DELETE FROM nature.world.region",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SET enable_external_access = true",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_false(query(*state, refused[i]));
    }
}

/* Runs the loader on @sql; its exit status. What it says goes to NAME.log. */
static int load(const char *name, const char *sql)
{
    char sql_file[64];
    char log[64];
    snprintf(sql_file, sizeof(sql_file), "%s.sql", name);
    snprintf(log, sizeof(log), "%s.log", name);
    FILE *file = fopen(path_in("SNOWMUX_SCRATCH", sql_file), "w");
    assert_non_null(file);
    assert_true(fputs(sql, file) >= 0);
    assert_int_equal(fclose(file), 0);
    char database[64];
    snprintf(database, sizeof(database), "%s.duckdb", name);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd =
            open(path_in("SNOWMUX_SCRATCH", log), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, STDERR_FILENO);
        execl(getenv("SNOWMUX_DEMO_LOAD"), "demo-load", getenv("SNOWMUX_DUCKDB"),
            getenv("SNOWMUX_SCRATCH"), path_in("SNOWMUX_SCRATCH", sql_file),
            path_in("SNOWMUX_SCRATCH", database), (char *)NULL);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool exists(const char *name)
{
    return access(path_in("SNOWMUX_SCRATCH", name), F_OK) == 0;
}

static void write_junk(const char *name)
{
    FILE *file = fopen(path_in("SNOWMUX_SCRATCH", name), "w");
    assert_non_null(file);
    assert_true(fputs("what an interrupted loader left", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool holds(const char *database, const char *sql, struct str rows)
{
    struct demo demo;
    open_file(&demo, path_in("SNOWMUX_SCRATCH", database), true);
    bool ok = answers(&demo, sql, rows);
    close_file(&demo);
    return ok;
}

static void the_loader_begins_anew_over_what_an_interrupted_one_left(void **state)
{
    (void)state;
    write_junk("anew.duckdb.tmp");
    write_junk("anew.duckdb.tmp.wal");
    assert_int_equal(
        load("anew",
            "-- a;b\nCREATE TABLE t AS SELECT 'x;y' AS v;;\nINSERT INTO t VALUES ('z')"),
        0);
    assert_false(exists("anew.duckdb.tmp"));
    assert_false(exists("anew.duckdb.tmp.wal"));
    assert_true(holds("anew.duckdb", "SELECT * FROM t", STR("[[\"x;y\"],[\"z\"]]")));
}

static void a_failed_load_names_the_line_and_keeps_the_old_file(void **state)
{
    (void)state;
    assert_int_equal(load("keep", "CREATE TABLE t AS SELECT 1 AS i"), 0);
    assert_int_equal(
        load("keep", "CREATE TABLE t AS SELECT 2 AS i;\n\nSELECT * FROM nowhere;"), 1);
    assert_false(exists("keep.duckdb.tmp"));
    assert_true(holds("keep.duckdb", "SELECT * FROM t", STR("[[1]]")));
    char said[LINE_SIZE] = "";
    FILE *log = fopen(path_in("SNOWMUX_SCRATCH", "keep.log"), "r");
    assert_non_null(log);
    size_t len = fread(said, 1, sizeof(said) - 1, log);
    said[len] = '\0';
    fclose(log);
    assert_non_null(strstr(said, "keep.sql:3: "));
    assert_non_null(strstr(said, "nowhere"));
}

int main(void)
{
    static const char *const needed[] = {
        "SNOWMUX_DUCKDB", "SNOWMUX_DEMO", "SNOWMUX_DEMO_LOAD", "SNOWMUX_SCRATCH"};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (!getenv(needed[i])) {
            fprintf(stderr, "%s is not set\n", needed[i]);
            return 2;
        }
    }
    const struct CMUnitTest databases[] = {
        cmocka_unit_test(every_fact_of_the_published_files_is_answered),
        cmocka_unit_test(every_schema_has_a_summary_of_its_own),
        cmocka_unit_test(every_table_and_view_is_commented_and_listed),
        cmocka_unit_test(locked_databases_stay_as_they_are),
    };
    const struct CMUnitTest loader[] = {
        cmocka_unit_test(the_loader_begins_anew_over_what_an_interrupted_one_left),
        cmocka_unit_test(a_failed_load_names_the_line_and_keeps_the_old_file),
    };
    int failed = cmocka_run_group_tests_name("demo", databases, open_both, close_both);
    return failed + cmocka_run_group_tests_name("demo_load", loader, NULL, NULL);
}
