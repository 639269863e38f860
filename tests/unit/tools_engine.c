// SPDX-License-Identifier: Apache-2.0
/* A DuckDB in this process that runs what tools run. */
#include "tools_rig.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The few names of DuckDB's C interface that are needed. */
struct duck_result {
    uint64_t unused[3];
    void *columns;
    char *message;
    void *data;
};

static struct {
    void *library;
    void *database;
    void *connection;
    int (*open)(const char *path, void **database);
    int (*connect)(void *database, void **connection);
    int (*query)(void *connection, const char *sql, struct duck_result *result);
    void (*destroy_result)(struct duck_result *result);
    void (*disconnect)(void **connection);
    void (*close)(void **database);
    const char *(*error)(struct duck_result *result);
    uint64_t (*column_count)(struct duck_result *result);
    uint64_t (*row_count)(struct duck_result *result);
    const char *(*column_name)(struct duck_result *result, uint64_t column);
    int (*column_type)(struct duck_result *result, uint64_t column);
    char *(*varchar)(struct duck_result *result, uint64_t column, uint64_t row);
    void (*free)(void *ptr);
} duck;

static const char *const ENGINE_DATA[] = {
    "attach ':memory:' as \"SALES\"",
    "attach ':memory:' as \"my db\"",
    "create table \"SALES\".main.\"Orders\" (id integer not null default 3, amount "
    "decimal(10,2), note varchar)",
    "insert into \"SALES\".main.\"Orders\" select i, i / 4, 'n' || i from range(250) r(i)",
    "comment on table \"SALES\".main.\"Orders\" is 'all \"orders\"'",
    "comment on column \"SALES\".main.\"Orders\".id is 'the id'",
    "create view \"SALES\".main.\"ORDERS_V\" as select * from \"SALES\".main.\"Orders\"",
    "create view \"SALES\".main.\"ORDER_LINES_V\" as select 1 as one",
    "create table \"SALES\".main.gone (a integer)",
    "create view \"SALES\".main.broken as select a from \"SALES\".main.gone",
    "drop table \"SALES\".main.gone",
    "create table \"SALES\".main.twin (a integer)",
    "create table \"SALES\".main.\"a.b \"\"c\"\"\" (x integer)",
    "create schema \"SALES\".\"Raw\"",
    "create table \"SALES\".\"Raw\".events (seen timestamp)",
    "create table \"SALES\".\"Raw\".twin (b integer)",
    "create table \"my db\".main.\"Orders\" (other integer)",
    "use \"SALES\".main",
};

static bool engine_load(const char *path)
{
    static const struct {
        const char *name;
        void *at;
    } SYMBOLS[] = {
        {"duckdb_open", &duck.open},
        {"duckdb_connect", &duck.connect},
        {"duckdb_query", &duck.query},
        {"duckdb_destroy_result", &duck.destroy_result},
        {"duckdb_disconnect", &duck.disconnect},
        {"duckdb_close", &duck.close},
        {"duckdb_result_error", &duck.error},
        {"duckdb_column_count", &duck.column_count},
        {"duckdb_row_count", &duck.row_count},
        {"duckdb_column_name", &duck.column_name},
        {"duckdb_column_type", &duck.column_type},
        {"duckdb_value_varchar", &duck.varchar},
        {"duckdb_free", &duck.free},
    };
    duck.library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; duck.library && i < ARRAY_LEN(SYMBOLS); i++) {
        void *symbol = dlsym(duck.library, SYMBOLS[i].name);
        if (!symbol) {
            fprintf(stderr, "%s is not there\n", SYMBOLS[i].name);
            return false;
        }
        memcpy(SYMBOLS[i].at, &symbol, sizeof(symbol));
    }
    if (!duck.library) {
        fprintf(stderr, "%s\n", dlerror());
    }
    return duck.library != NULL;
}

bool rig_engine_start(void)
{
    const char *path = getenv("SNOWMUX_DUCKDB");
    struct duck_result result;
    if (!path || !path[0] || !engine_load(path) || duck.open(NULL, &duck.database) != 0 ||
        duck.connect(duck.database, &duck.connection) != 0) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(ENGINE_DATA); i++) {
        if (duck.query(duck.connection, ENGINE_DATA[i], &result) != 0) {
            fprintf(stderr, "%s: %s\n", ENGINE_DATA[i], duck.error(&result));
            return false;
        }
        duck.destroy_result(&result);
    }
    return true;
}

void rig_engine_stop(void)
{
    duck.disconnect(&duck.connection);
    duck.close(&duck.database);
}

static void put_cell(
    struct buf *out, struct duck_result *result, uint64_t column, uint64_t row)
{
    enum {
        LAST_PLAIN_TYPE = 11
    }; /* booleans, integers, floats */
    char *text = duck.varchar(result, column, row);
    if (!text) {
        buf_puts(out, "null");
    } else if (duck.column_type(result, column) <= LAST_PLAIN_TYPE) {
        buf_puts(out, text);
    } else {
        buf_put_json(out, str_of(text));
    }
    duck.free(text);
}

static void put_rows(struct rig *rig, struct duck_result *result, struct buf *columns,
    struct buf *rows, struct tool_page *page)
{
    uint64_t count = duck.row_count(result);
    uint64_t shown = count < rig->call.rows_max ? count : rig->call.rows_max;
    shown = rig->page_rows > 0 && shown > rig->page_rows ? rig->page_rows : shown;
    buf_putc(columns, '[');
    for (uint64_t c = 0; c < duck.column_count(result); c++) {
        buf_puts(columns, c > 0 ? ",{\"name\":" : "{\"name\":");
        buf_put_json(columns, str_of(duck.column_name(result, c)));
        buf_puts(columns, ",\"type\":\"T\"}");
    }
    buf_putc(columns, ']');
    buf_putc(rows, '[');
    for (uint64_t r = 0; r < shown; r++) {
        buf_puts(rows, r > 0 ? ",[" : "[");
        for (uint64_t c = 0; c < duck.column_count(result); c++) {
            buf_puts(rows, c > 0 ? "," : "");
            put_cell(rows, result, c, r);
        }
        buf_putc(rows, ']');
    }
    buf_putc(rows, ']');
    page->row_count = (uint32_t)shown;
    page->total_rows = rig->unknown_total && shown < count ? -1 : (int64_t)count;
    page->truncated = shown < count;
}

enum tool_move rig_refuse(
    struct rig *rig, enum tool_failure_kind kind, const char *message)
{
    struct tool_failure failure = {.kind = kind,
        .message = str_of(message),
        .sqlstate = STR("42000"),
        .vendor_code = 7};
    return rig->call.tool->refused(&rig->call, &failure);
}

static bool enter_context(const struct tool_context *context)
{
    struct duck_result result;
    struct buf sql = BUF_INIT(4096);
    const char *database = context->part[TOOL_DATABASE];
    const char *schema = context->part[TOOL_SCHEMA];
    buf_printf(&sql, "use \"%s\".\"%s\"", database[0] ? database : "SALES",
        schema[0] ? schema : "main");
    buf_putc(&sql, '\0');
    bool ok = duck.query(duck.connection, sql.ptr, &result) == 0;
    duck.destroy_result(&result);
    buf_free(&sql);
    return ok;
}

enum tool_move rig_engine_run(struct rig *rig)
{
    struct duck_result result;
    struct tool_page page = {.total_rows = -1};
    struct buf columns = BUF_INIT(1 << 20);
    struct buf rows = BUF_INIT(1 << 24);
    enum tool_move move;
    if (!enter_context(&rig->call.context)) {
        return rig_refuse(rig, TOOL_FAILED_CONTEXT, "no such catalog or schema");
    }
    buf_putc(&rig->call.sql, '\0');
    if (duck.query(duck.connection, rig->call.sql.ptr, &result) != 0) {
        move = rig_refuse(rig, TOOL_FAILED_SQL, duck.error(&result));
    } else {
        put_rows(rig, &result, &columns, &rows, &page);
        page.columns = buf_str(&columns);
        page.rows = buf_str(&rows);
        if (page.truncated && rig->call.keeps_result) {
            page.result = rig->result.handle;
            page.expires_wall_ns = rig->result.expires_wall_ns;
        }
        move = rig->call.tool->page(&rig->call, &page);
    }
    duck.destroy_result(&result);
    buf_free(&columns);
    buf_free(&rows);
    return move;
}
