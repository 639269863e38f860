// SPDX-License-Identifier: Apache-2.0
#include "tools_rig.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The few names of DuckDB's C interface that are needed, as its documentation has them.
 */
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

static enum tool_move refuse(
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

static enum tool_move run_engine(struct rig *rig)
{
    struct duck_result result;
    struct tool_page page = {.total_rows = -1};
    struct buf columns = BUF_INIT(1 << 20);
    struct buf rows = BUF_INIT(1 << 24);
    enum tool_move move;
    if (!enter_context(&rig->call.context)) {
        return refuse(rig, TOOL_FAILED_CONTEXT, "no such catalog or schema");
    }
    buf_putc(&rig->call.sql, '\0');
    if (duck.query(duck.connection, rig->call.sql.ptr, &result) != 0) {
        move = refuse(rig, TOOL_FAILED_SQL, duck.error(&result));
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

static enum tool_move run(struct rig *rig)
{
    rig->run_count++;
    snprintf(
        rig->last_sql, sizeof(rig->last_sql), STR_FMT, STR_ARG(buf_str(&rig->call.sql)));
    memcpy(rig->call.query, rig->queries[RIG_CALL_QUERY].handle, HANDLE_SIZE);
    if (rig->refusal) {
        const char *message = rig->refusal;
        rig->refusal = NULL;
        return refuse(rig, rig->refusal_kind, message);
    }
    if (rig->scripted.rows.len > 0) {
        struct tool_page page = rig->scripted;
        rig->scripted = (struct tool_page){0};
        return rig->call.tool->page(&rig->call, &page);
    }
    return run_engine(rig);
}

static enum tool_move wait(struct rig *rig)
{
    int pending = rig->pending;
    rig->pending = RIG_NOTHING;
    assert_true(pending != RIG_NOTHING);
    if (pending == RIG_PAGE) {
        struct tool_page page = rig->scripted;
        rig->scripted = (struct tool_page){0};
        return rig->call.tool->page(&rig->call, &page);
    }
    struct tool_done done = rig->done;
    if (rig->fails) {
        done =
            (struct tool_done){.code = TOOL_E_STORE_FAILED, .message = STR("disk full")};
    }
    return rig->call.tool->done(&rig->call, &done);
}

static struct rig *rig_of(const struct tool_call *call)
{
    return (struct rig *)(uintptr_t)call; /* the call is its first member */
}

static void host_self(struct tool_call *call, struct tool_self *ret)
{
    (void)call;
    *ret = (struct tool_self){.principal = STR("uid:1000"),
        .client = STR("claude-code"),
        .client_type = STR("claude_code"),
        .version = STR("0.1.0"),
        .limit_rows = 100,
        .limit_rows_max = 10000,
        .page_bytes = 32768,
        .cell_chars = 2000,
        .grace_s = 25,
        .timeout_s = 300,
        .timeout_s_max = 3600,
        .queue_s = 120,
        .queue_principal = 64,
        .queue_client = 32,
        .sessions_max = 200};
}

static uint64_t host_elapsed(const struct tool_call *call)
{
    (void)call;
    return 412;
}

static uint32_t host_profile_count(struct tool_call *call)
{
    return rig_of(call)->profile_count;
}

static void host_profile_at(
    struct tool_call *call, uint32_t index, struct tool_profile *ret)
{
    assert_true(index < rig_of(call)->profile_count);
    *ret = rig_of(call)->profiles[index];
}

static struct rig_session *find_session(struct rig *rig, struct str handle)
{
    for (size_t i = 0; i < RIG_SESSIONS; i++) {
        struct rig_session *session = &rig->sessions[i];
        if (session->open && str_eq(handle, str_of(session->handle))) {
            return session;
        }
    }
    return NULL;
}

static void put_session(struct rig_session *from, struct tool_session *to)
{
    *to = (struct tool_session){.handle = str_of(from->handle),
        .label = str_of(from->label),
        .client = STR("claude-code"),
        .client_type = STR("claude_code"),
        .state = STR("active"),
        .created_wall_ns = 1700000000000000000u,
        .last_seen_wall_ns = 1700000001000000000u,
        .calls_total = 3,
        .calls_ok = 2,
        .calls_failed = 1};
    for (int i = 0; i < TOOL_PARTS; i++) {
        to->context[i] = str_of(from->context.part[i]);
    }
}

static bool host_session_find(
    struct tool_call *call, struct str handle, struct tool_session *ret)
{
    struct rig_session *session = find_session(rig_of(call), handle);
    if (session) {
        put_session(session, ret);
    }
    return session != NULL;
}

static void host_session_each(struct tool_call *call,
    void (*each)(void *arg, const struct tool_session *session), void *arg)
{
    struct tool_session session;
    for (size_t i = 0; i < RIG_SESSIONS; i++) {
        if (rig_of(call)->sessions[i].open) {
            put_session(&rig_of(call)->sessions[i], &session);
            each(arg, &session);
        }
    }
}

static void keep(struct rig *rig, struct rig_session *session,
    const struct tool_context *context, struct str label)
{
    session->open = true;
    session->context = *context;
    if (label.ptr) {
        assert_true(str_copy(label, session->label, sizeof(session->label)));
    }
    rig->pending = RIG_DONE;
    rig->done = (struct tool_done){.ok = true, .session = str_of(session->handle)};
}

static void host_session_open(
    struct tool_call *call, const struct tool_context *context, struct str label)
{
    for (size_t i = 0; i < RIG_SESSIONS; i++) {
        if (!rig_of(call)->sessions[i].open) {
            keep(rig_of(call), &rig_of(call)->sessions[i], context, label);
            return;
        }
    }
    rig_of(call)->pending = RIG_DONE;
    rig_of(call)->done = (struct tool_done){
        .code = TOOL_E_TOO_MANY_SESSIONS, .message = STR("4 sessions are open.")};
}

static void host_session_set(struct tool_call *call, struct str handle,
    const struct tool_context *context, struct str label)
{
    struct rig_session *session = find_session(rig_of(call), handle);
    assert_non_null(session);
    keep(rig_of(call), session, context, label);
}

static void host_session_close(struct tool_call *call, struct str handle)
{
    struct rig_session *session = find_session(rig_of(call), handle);
    assert_non_null(session);
    session->open = false;
    rig_of(call)->pending = RIG_DONE;
    rig_of(call)->done = (struct tool_done){.ok = true};
}

static void put_query(const struct rig_query *from, struct tool_query *to)
{
    *to = (struct tool_query){.handle = str_of(from->handle),
        .tool = STR("execute_query"),
        .sql = STR("select 1"),
        .status = str_of(from->status),
        .elapsed_ms = 25003,
        .position = strcmp(from->status, "queued") == 0 ? 3 : 0,
        .started_wall_ns = 1700000000000000000u,
        .answer = str_of(from->answer),
        .answer_is_error = from->is_error};
}

static bool host_query_find(
    struct tool_call *call, struct str handle, struct tool_query *ret)
{
    for (size_t i = 0; i < RIG_QUERIES; i++) {
        const struct rig_query *query = &rig_of(call)->queries[i];
        if (query->status && str_eq(handle, str_of(query->handle))) {
            put_query(query, ret);
            return true;
        }
    }
    return false;
}

static void host_query_each(struct tool_call *call,
    void (*each)(void *arg, const struct tool_query *query), void *arg)
{
    struct tool_query query;
    for (size_t i = 0; i < RIG_QUERIES; i++) {
        if (rig_of(call)->queries[i].status) {
            put_query(&rig_of(call)->queries[i], &query);
            each(arg, &query);
        }
    }
}

static void end_query(struct rig *rig)
{
    if (rig->status_after) {
        rig->queries[0].status = rig->status_after;
    }
    rig->pending = RIG_DONE;
    rig->done = (struct tool_done){.ok = true};
}

static void host_query_wait(struct tool_call *call, struct str handle, uint32_t wait_s)
{
    (void)handle;
    rig_of(call)->wait_s = wait_s;
    end_query(rig_of(call));
}

static void host_query_cancel(struct tool_call *call, struct str handle)
{
    (void)handle;
    end_query(rig_of(call));
}

static bool host_query_same(struct tool_call *call, struct str sql, struct handle *ret)
{
    assert_true(sql.len > 0);
    memcpy(ret->text, rig_of(call)->queries[0].handle, HANDLE_SIZE);
    return rig_of(call)->has_same;
}

static bool host_result_find(
    struct tool_call *call, struct str handle, struct tool_result *ret)
{
    *ret = rig_of(call)->result;
    return str_eq(handle, ret->handle);
}

static void host_result_fetch(
    struct tool_call *call, struct str handle, uint64_t offset, uint32_t rows_max)
{
    (void)handle;
    rig_of(call)->fetch_offset = offset;
    rig_of(call)->fetch_rows = rows_max;
    rig_of(call)->pending = rig_of(call)->fails ? RIG_DONE : RIG_PAGE;
}

static void host_result_cell(struct tool_call *call, struct str handle, uint64_t row,
    uint32_t column, uint64_t offset, uint32_t bytes_max)
{
    (void)handle;
    assert_int_equal(bytes_max, 32 * 1024);
    rig_of(call)->cell_row = row;
    rig_of(call)->cell_column = column;
    rig_of(call)->fetch_offset = offset;
    rig_of(call)->pending = RIG_PAGE;
}

static const struct tool_host rig_host = {
    .self = host_self,
    .elapsed_ms = host_elapsed,
    .profile_count = host_profile_count,
    .profile_at = host_profile_at,
    .session_find = host_session_find,
    .session_each = host_session_each,
    .session_open = host_session_open,
    .session_set = host_session_set,
    .session_close = host_session_close,
    .query_find = host_query_find,
    .query_each = host_query_each,
    .query_wait = host_query_wait,
    .query_cancel = host_query_cancel,
    .query_same = host_query_same,
    .result_find = host_result_find,
    .result_fetch = host_result_fetch,
    .result_cell = host_result_cell,
};

void rig_open(struct rig *rig)
{
    struct buf list = BUF_INIT(1 << 20);
    memset(rig, 0, sizeof(*rig));
    rig->host = rig_host;
    tool_list_put(&list);
    rig->list = yyjson_read(list.ptr, list.len, 0);
    assert_non_null(rig->list);
    buf_free(&list);
    rig->profile_count = RIG_PROFILES;
    rig->profiles[0] = (struct tool_profile){.name = STR("prod"),
        .policy = STR("read_only"),
        .slots = 8,
        .defaults = {STR("prod"), STR(""), STR(""), STR("SALES"), STR("main")}};
    rig->profiles[1] = (struct tool_profile){.name = STR("snow"),
        .dialect = SQL_SNOWFLAKE,
        .policy = STR("read_only"),
        .slots = 8,
        .defaults = {
            STR("snow"), STR("ANALYST"), STR("WH_S"), STR("SALES"), STR("PUBLIC")}};
    for (size_t i = 0; i < RIG_SESSIONS; i++) {
        memcpy(rig->sessions[i].handle, handle_new(HANDLE_SESSION).text, HANDLE_SIZE);
    }
    for (size_t i = 0; i < RIG_QUERIES; i++) {
        memcpy(rig->queries[i].handle, handle_new(HANDLE_QUERY).text, HANDLE_SIZE);
    }
    rig->sessions[0].open = true;
    rig->queries[0].status = "running";
    rig->result = (struct tool_result){.handle = STR("r_aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        .rows = 250,
        .expires_wall_ns = 1700000000000000000u};
}

static void end_call(struct rig *rig)
{
    tool_call_free(&rig->call);
    yyjson_doc_free(rig->args);
    yyjson_doc_free(rig->answer);
    rig->args = rig->answer = NULL;
}

void rig_close(struct rig *rig)
{
    end_call(rig);
    yyjson_doc_free(rig->list);
}

static yyjson_val *tool_entry(struct rig *rig, const char *name)
{
    size_t i;
    size_t count;
    yyjson_val *tool;
    yyjson_arr_foreach(yyjson_doc_get_root(rig->list), i, count, tool)
    {
        if (yyjson_equals_str(yyjson_obj_get(tool, "name"), name)) {
            return tool;
        }
    }
    return NULL;
}

static bool has_type(yyjson_val *value, yyjson_val *type)
{
    size_t i;
    size_t count;
    yyjson_val *each;
    const char *name = yyjson_get_type_desc(value);
    if (yyjson_is_int(value)) {
        name = "integer";
    } else if (yyjson_is_bool(value)) {
        name = "boolean";
    }
    yyjson_arr_foreach(type, i, count, each)
    {
        if (yyjson_equals_str(each, name)) {
            return true;
        }
    }
    return yyjson_equals_str(type, name);
}

/* Every member of the answer is declared, with its type. */
static void check_answer(struct rig *rig, yyjson_val *answer)
{
    yyjson_val *schema =
        yyjson_ptr_get(tool_entry(rig, rig->call.tool->name), "/outputSchema/properties");
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    assert_true(yyjson_is_obj(answer));
    yyjson_obj_foreach(answer, i, count, key, value)
    {
        yyjson_val *declared = yyjson_obj_get(schema, yyjson_get_str(key));
        if (!has_type(value, yyjson_obj_get(declared, "type"))) {
            fail_msg("%s answers %s as %s", rig->call.tool->name, yyjson_get_str(key),
                yyjson_get_type_desc(value));
        }
    }
    assert_int_equal(rig->call.is_error, yyjson_obj_get(answer, "error") != NULL);
    if (rig->call.is_error) {
        rig_check_words(rig, rig_str(answer, "/error/hint"));
    }
    rig_check_words(rig, rig_str(answer, "/notice"));
}

yyjson_val *rig_call_bytes(struct rig *rig, const char *tool, struct str args)
{
    end_call(rig);
    memset(&rig->call, 0, sizeof(rig->call));
    rig->args = yyjson_read(args.ptr, args.len, 0);
    assert_true(rig->args || args.len == 0);
    rig->call.tool = tool_find(str_of(tool));
    assert_non_null(rig->call.tool);
    rig->call.host = &rig->host;
    rig->call.args = yyjson_doc_get_root(rig->args);
    memcpy(rig->call.session, rig->own, HANDLE_SIZE);
    rig->run_count = 0;
    enum tool_move move = rig->call.tool->start(&rig->call);
    for (int steps = 0; move != TOOL_ANSWER; steps++) {
        assert_true(steps < 100);
        move = move == TOOL_RUN ? run(rig) : wait(rig);
    }
    struct str out = buf_str(&rig->call.out);
    rig->answer = yyjson_read(out.ptr, out.len, 0);
    if (!rig->answer) {
        fail_msg("no JSON: " STR_FMT, STR_ARG(out));
    }
    check_answer(rig, yyjson_doc_get_root(rig->answer));
    return yyjson_doc_get_root(rig->answer);
}

yyjson_val *rig_call(struct rig *rig, const char *tool, const char *args)
{
    return rig_call_bytes(rig, tool, str_of(args));
}

const char *rig_str(yyjson_val *answer, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_ptr_get(answer, pointer));
    return text ? text : "";
}

int64_t rig_int(yyjson_val *answer, const char *pointer)
{
    yyjson_val *value = yyjson_ptr_get(answer, pointer);
    return yyjson_is_int(value) ? yyjson_get_sint(value) : -1;
}

void rig_assert_error(yyjson_val *answer, const char *code, const char *part)
{
    assert_string_equal(rig_str(answer, "/error/code"), code);
    if (!strstr(rig_str(answer, "/error/message"), part)) {
        fail_msg("\"%s\" lacks \"%s\"", rig_str(answer, "/error/message"), part);
    }
}

static bool is_known_word(struct rig *rig, const char *word)
{
    static const char *const OTHERS[] = {"read_only", "cut_cells", "result", "profile"};
    size_t i;
    size_t count;
    yyjson_val *tool;
    for (size_t w = 0; w < ARRAY_LEN(OTHERS); w++) {
        if (strcmp(word, OTHERS[w]) == 0) {
            return true;
        }
    }
    yyjson_arr_foreach(yyjson_doc_get_root(rig->list), i, count, tool)
    {
        yyjson_val *properties = yyjson_ptr_get(tool, "/inputSchema/properties");
        if (yyjson_equals_str(yyjson_obj_get(tool, "name"), word) ||
            yyjson_obj_get(properties, word)) {
            return true;
        }
    }
    return false;
}

void rig_check_words(struct rig *rig, const char *text)
{
    char word[64];
    while (*text) {
        size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
        bool named = text[len] == '=';
        snprintf(word, sizeof(word), "%.*s", (int)len, text);
        /* Handles' beginnings (s_) are no names. */
        bool joined = len > 2 && strchr(word, '_') && word[1] != '_';
        if ((joined || (named && len > 0)) && !is_known_word(rig, word)) {
            fail_msg("there is no \"%s\"", word);
        }
        text += len > 0 ? len : 1;
    }
}
