// SPDX-License-Identifier: Apache-2.0
#include "sql/dialect.h"

#include "base/assert.h"
#include "sql/dialect_names.h"
#include "sql/lexer.h"

#define WRITES "the statement changes data"
#define DEFINES "the statement changes the schema"
#define SESSION "the statement changes the session"
#define TRANSACTION "the statement begins or ends a transaction"
#define ENGINE "the statement changes the engine or reaches outside the database"
#define RUNS "the statement runs a procedure or prepared statement"
#define USES "the session's context is set through its own tool"
#define CURSORS "cursors and channels outlive the statement"
#define LOCKS "the statement locks a table"

#define W(word)                                                                          \
    {                                                                                    \
        "" word, sizeof(word) - 1                                                        \
    }
#define END                                                                              \
    {                                                                                    \
        {NULL, 0}, GUARD_UNKNOWN, NULL                                                   \
    }

/* Words every engine here shares; what they mean in detail is told by their heads. */
#define COMMON_LEADS                                                                     \
    {W("select"), GUARD_SELECT, NULL}, {W("with"), GUARD_SELECT, NULL},                  \
        {W("values"), GUARD_SELECT, NULL}, {W("explain"), GUARD_EXPLAIN, NULL},          \
        {W("insert"), GUARD_DML, WRITES}, {W("update"), GUARD_DML, WRITES},              \
        {W("delete"), GUARD_DML, WRITES}, {W("merge"), GUARD_DML, WRITES},               \
        {W("replace"), GUARD_DML, WRITES}, {W("truncate"), GUARD_DML, WRITES},           \
        {W("create"), GUARD_DDL, DEFINES}, {W("drop"), GUARD_DDL, DEFINES},              \
        {W("alter"), GUARD_DDL, DEFINES}, {W("comment"), GUARD_DDL, DEFINES},            \
        {W("grant"), GUARD_ADMIN, ENGINE}, {W("revoke"), GUARD_ADMIN, ENGINE},           \
        {W("copy"), GUARD_ADMIN, ENGINE}, {W("attach"), GUARD_ADMIN, ENGINE},            \
        {W("detach"), GUARD_ADMIN, ENGINE}, {W("vacuum"), GUARD_ADMIN, ENGINE},          \
        {W("analyze"), GUARD_ADMIN, ENGINE}, {W("set"), GUARD_SESSION, SESSION},         \
        {W("begin"), GUARD_TRANSACTION, TRANSACTION},                                    \
        {W("start"), GUARD_TRANSACTION, TRANSACTION},                                    \
        {W("commit"), GUARD_TRANSACTION, TRANSACTION},                                   \
        {W("end"), GUARD_TRANSACTION, TRANSACTION},                                      \
        {W("rollback"), GUARD_TRANSACTION, TRANSACTION},                                 \
        {W("savepoint"), GUARD_TRANSACTION, TRANSACTION},                                \
        {W("release"), GUARD_TRANSACTION, TRANSACTION},                                  \
        {W("abort"), GUARD_TRANSACTION, TRANSACTION}, {W("call"), GUARD_CALL, RUNS},     \
        {W("execute"), GUARD_CALL, RUNS}, {W("prepare"), GUARD_SESSION, SESSION},        \
        {W("deallocate"), GUARD_SESSION, SESSION},                                       \
    {                                                                                    \
        W("use"), GUARD_USE, USES                                                        \
    }

static const struct sql_lead DUCKDB_LEADS[] = {
    COMMON_LEADS,
    {W("from"), GUARD_SELECT, NULL},
    {W("table"), GUARD_SELECT, NULL},
    {W("pivot"), GUARD_SELECT, NULL},
    {W("pivot_wider"), GUARD_SELECT, NULL},
    {W("pivot_longer"), GUARD_SELECT, NULL},
    {W("unpivot"), GUARD_SELECT, NULL},
    {W("show"), GUARD_SHOW, NULL},
    {W("describe"), GUARD_DESCRIBE, NULL},
    {W("desc"), GUARD_DESCRIBE, NULL},
    {W("summarize"), GUARD_DESCRIBE, NULL},
    {W("analyse"), GUARD_ADMIN, ENGINE},
    {W("checkpoint"), GUARD_ADMIN, ENGINE},
    {W("force"), GUARD_ADMIN, ENGINE},
    {W("export"), GUARD_ADMIN, ENGINE},
    {W("import"), GUARD_ADMIN, ENGINE},
    {W("install"), GUARD_ADMIN, ENGINE},
    {W("load"), GUARD_ADMIN, ENGINE},
    {W("pragma"), GUARD_ADMIN, ENGINE},
    {W("reset"), GUARD_SESSION, SESSION},
    END,
};

static const struct sql_lead SNOWFLAKE_LEADS[] = {
    COMMON_LEADS,
    {W("show"), GUARD_SHOW, NULL},
    {W("describe"), GUARD_DESCRIBE, NULL},
    {W("desc"), GUARD_DESCRIBE, NULL},
    {W("list"), GUARD_SHOW, NULL},
    {W("ls"), GUARD_SHOW, NULL},
    {W("undrop"), GUARD_DDL, DEFINES},
    {W("put"), GUARD_ADMIN, ENGINE},
    {W("get"), GUARD_ADMIN, ENGINE},
    {W("remove"), GUARD_ADMIN, ENGINE},
    {W("rm"), GUARD_ADMIN, ENGINE},
    {W("unset"), GUARD_SESSION, SESSION},
    {W("declare"), GUARD_CALL, RUNS},
    {W("let"), GUARD_CALL, RUNS},
    {W("async"), GUARD_CALL, RUNS},
    END,
};

static const struct sql_lead POSTGRESQL_LEADS[] = {
    COMMON_LEADS,
    {W("table"), GUARD_SELECT, NULL},
    {W("show"), GUARD_SHOW, NULL},
    {W("do"), GUARD_CALL, RUNS},
    {W("lock"), GUARD_DML, LOCKS},
    {W("refresh"), GUARD_DML, WRITES},
    {W("listen"), GUARD_ADMIN, CURSORS},
    {W("unlisten"), GUARD_ADMIN, CURSORS},
    {W("notify"), GUARD_ADMIN, CURSORS},
    {W("declare"), GUARD_ADMIN, CURSORS},
    {W("fetch"), GUARD_ADMIN, CURSORS},
    {W("move"), GUARD_ADMIN, CURSORS},
    {W("close"), GUARD_ADMIN, CURSORS},
    {W("discard"), GUARD_ADMIN, ENGINE},
    {W("reset"), GUARD_SESSION, SESSION},
    {W("analyse"), GUARD_ADMIN, ENGINE},
    {W("load"), GUARD_ADMIN, ENGINE},
    {W("checkpoint"), GUARD_ADMIN, ENGINE},
    {W("cluster"), GUARD_ADMIN, ENGINE},
    {W("reindex"), GUARD_ADMIN, ENGINE},
    {W("import"), GUARD_ADMIN, ENGINE},
    {W("reassign"), GUARD_ADMIN, ENGINE},
    {W("security"), GUARD_ADMIN, ENGINE},
    END,
};

static const struct sql_lead SQLITE_LEADS[] = {
    COMMON_LEADS,
    {W("pragma"), GUARD_ADMIN, ENGINE},
    {W("reindex"), GUARD_ADMIN, ENGINE},
    END,
};

static const struct sql_dialect DIALECTS[] = {
    [SQL_DUCKDB] = {.name = "duckdb",
        .lex_flags = SQL_LEX_NESTED_COMMENTS | SQL_LEX_E_STRINGS | SQL_LEX_DOLLAR |
                     SQL_LEX_DOLLAR_TAGS | SQL_LEX_UNICODE_SPACES | SQL_LEX_TWO_SLASHES,
        .flags = SQL_FILE_RELATIONS | SQL_ROW_LOCKS | SQL_TEMP_CATALOG,
        .leads = DUCKDB_LEADS,
        .functions = duckdb_functions,
        .relations = duckdb_relations,
        .volatile_names = duckdb_volatile,
        .pragmas = duckdb_pragmas},
    [SQL_SNOWFLAKE] = {.name = "snowflake",
        .lex_flags = SQL_LEX_SLASH_COMMENTS | SQL_LEX_BACKSLASH | SQL_LEX_DOLLAR |
                     SQL_LEX_ASCII_WORDS | SQL_LEX_ONE_COMMENT,
        .flags = SQL_STAGES | SQL_PIPES | SQL_TABLE_CALLS | SQL_DOT_NEXTVAL |
                 SQL_ROW_LOCKS | SQL_PATHS | SQL_REPLACE_ANY | SQL_BLOCKS | SQL_VARIABLES,
        .leads = SNOWFLAKE_LEADS,
        .functions = snowflake_functions,
        .owners = snowflake_owners,
        .bare_relations = snowflake_bare_relations,
        .usage_owners = snowflake_usage_owners,
        .usage = snowflake_usage,
        .table_calls = snowflake_table_calls,
        .catalog_calls = snowflake_catalog_calls,
        .volatile_names = snowflake_volatile},
    [SQL_POSTGRESQL] = {.name = "postgresql",
        .lex_flags = SQL_LEX_NESTED_COMMENTS | SQL_LEX_E_STRINGS | SQL_LEX_DOLLAR |
                     SQL_LEX_DOLLAR_TAGS | SQL_LEX_U_STRINGS,
        .flags = SQL_ROW_LOCKS | SQL_TEMP_SCHEMA | SQL_INTO_TEMP | SQL_DOTTED_VARIABLES |
                 SQL_DOT_CALLS,
        .leads = POSTGRESQL_LEADS,
        .functions = postgresql_functions,
        .owners = postgresql_owners,
        .relations = postgresql_relations,
        .volatile_names = postgresql_volatile},
    [SQL_SQLITE] = {.name = "sqlite",
        .lex_flags = SQL_LEX_BRACKETS | SQL_LEX_SIGIL_PARAMS,
        .flags = SQL_STRING_NAMES | SQL_TEMP_SCHEMA,
        .leads = SQLITE_LEADS,
        .functions = sqlite_functions,
        .relations = sqlite_relations,
        .volatile_names = sqlite_volatile,
        .pragmas = sqlite_pragmas},
};

const struct sql_dialect *sql_dialect(enum sql_dialect_id id)
{
    ASSERT((size_t)id < ARRAY_LEN(DIALECTS));
    return &DIALECTS[id];
}

const struct sql_lead *sql_find_lead(const struct sql_lead *leads, struct str word)
{
    for (; leads->word.len > 0; leads++) {
        if (str_eq_nocase(word, leads->word)) {
            return leads;
        }
    }
    return NULL;
}

const struct sql_name *sql_find_name(const struct sql_name *names, struct str name)
{
    char first = name.len > 0 ? (char)(name.ptr[0] | 0x20) : 0;
    for (; names && names->name.len > 0; names++) {
        struct str pattern = names->name;
        if ((pattern.ptr[0] | 0x20) != first) {
            continue;
        }
        bool prefix = pattern.ptr[pattern.len - 1] == '*';
        pattern.len -= prefix;
        if (prefix ? str_starts_nocase(name, pattern) : str_eq_nocase(name, pattern)) {
            return names;
        }
    }
    return NULL;
}
