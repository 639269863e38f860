// SPDX-License-Identifier: Apache-2.0
#include "sql/dialect.h"

#include "base/assert.h"
#include "sql/lexer.h"

#define WRITES "the statement changes data"
#define DEFINES "the statement changes the schema"
#define SESSION "the statement changes the session"
#define TRANSACTION "transactions belong to snowmux"
#define ENGINE "the statement changes the engine or reaches outside the database"
#define RUNS "the statement runs a procedure or prepared statement"
#define USES "the session's context is set through its own tool"
#define FILES "the function reaches files or the network"
#define STATE "the function changes state"
#define SECRETS "the function shows secrets, paths or other clients' work"
#define TEXTS "the function runs SQL the guard does not see"
#define WAITS "the function holds the connection"

/* Words every engine here shares; MUST stay before the terminator of each table. */
#define COMMON_LEADS \
    {"select", GUARD_SELECT, NULL}, {"with", GUARD_SELECT, NULL}, \
    {"values", GUARD_SELECT, NULL}, {"explain", GUARD_EXPLAIN, NULL}, \
    {"insert", GUARD_DML, WRITES}, {"update", GUARD_DML, WRITES}, \
    {"delete", GUARD_DML, WRITES}, {"merge", GUARD_DML, WRITES}, \
    {"replace", GUARD_DML, WRITES}, {"truncate", GUARD_DML, WRITES}, \
    {"create", GUARD_DDL, DEFINES}, {"drop", GUARD_DDL, DEFINES}, \
    {"alter", GUARD_DDL, DEFINES}, {"comment", GUARD_DDL, DEFINES}, \
    {"grant", GUARD_ADMIN, ENGINE}, {"revoke", GUARD_ADMIN, ENGINE}, \
    {"copy", GUARD_ADMIN, ENGINE}, {"attach", GUARD_ADMIN, ENGINE}, \
    {"detach", GUARD_ADMIN, ENGINE}, {"vacuum", GUARD_ADMIN, ENGINE}, \
    {"analyze", GUARD_ADMIN, ENGINE}, {"set", GUARD_SESSION, SESSION}, \
    {"begin", GUARD_TRANSACTION, TRANSACTION}, {"start", GUARD_TRANSACTION, TRANSACTION}, \
    {"commit", GUARD_TRANSACTION, TRANSACTION}, {"end", GUARD_TRANSACTION, TRANSACTION}, \
    {"rollback", GUARD_TRANSACTION, TRANSACTION}, \
    {"savepoint", GUARD_TRANSACTION, TRANSACTION}, \
    {"release", GUARD_TRANSACTION, TRANSACTION}, \
    {"abort", GUARD_TRANSACTION, TRANSACTION}, {"call", GUARD_CALL, RUNS}, \
    {"execute", GUARD_CALL, RUNS}, {"prepare", GUARD_SESSION, SESSION}, \
    {"deallocate", GUARD_SESSION, SESSION}, {"use", GUARD_USE, USES}

static const struct sql_lead DUCKDB_LEADS[] = {
    COMMON_LEADS,
    {"from", GUARD_SELECT, NULL},
    {"table", GUARD_SELECT, NULL},
    {"pivot", GUARD_SELECT, NULL},
    {"pivot_wider", GUARD_SELECT, NULL},
    {"pivot_longer", GUARD_SELECT, NULL},
    {"unpivot", GUARD_SELECT, NULL},
    {"show", GUARD_SHOW, NULL},
    {"describe", GUARD_DESCRIBE, NULL},
    {"desc", GUARD_DESCRIBE, NULL},
    {"summarize", GUARD_DESCRIBE, NULL},
    {"analyse", GUARD_ADMIN, ENGINE},
    {"checkpoint", GUARD_ADMIN, ENGINE},
    {"force", GUARD_ADMIN, ENGINE},
    {"export", GUARD_ADMIN, ENGINE},
    {"import", GUARD_ADMIN, ENGINE},
    {"install", GUARD_ADMIN, ENGINE},
    {"load", GUARD_ADMIN, ENGINE},
    {"pragma", GUARD_SESSION, SESSION},
    {"reset", GUARD_SESSION, SESSION},
    {NULL, GUARD_UNKNOWN, NULL},
};

static const struct sql_lead SNOWFLAKE_LEADS[] = {
    COMMON_LEADS,
    {"show", GUARD_SHOW, NULL},
    {"describe", GUARD_DESCRIBE, NULL},
    {"desc", GUARD_DESCRIBE, NULL},
    {"undrop", GUARD_DDL, DEFINES},
    {"put", GUARD_ADMIN, ENGINE},
    {"get", GUARD_ADMIN, ENGINE},
    {"list", GUARD_ADMIN, ENGINE},
    {"ls", GUARD_ADMIN, ENGINE},
    {"remove", GUARD_ADMIN, ENGINE},
    {"rm", GUARD_ADMIN, ENGINE},
    {"unset", GUARD_SESSION, SESSION},
    {"declare", GUARD_CALL, RUNS},
    {"let", GUARD_CALL, RUNS},
    {"async", GUARD_CALL, RUNS},
    {NULL, GUARD_UNKNOWN, NULL},
};

static const struct sql_lead POSTGRESQL_LEADS[] = {
    COMMON_LEADS,
    {"table", GUARD_SELECT, NULL},
    {"show", GUARD_SHOW, NULL},
    {"do", GUARD_CALL, RUNS},
    {"lock", GUARD_TRANSACTION, TRANSACTION},
    {"listen", GUARD_SESSION, SESSION},
    {"unlisten", GUARD_SESSION, SESSION},
    {"notify", GUARD_SESSION, SESSION},
    {"discard", GUARD_SESSION, SESSION},
    {"reset", GUARD_SESSION, SESSION},
    {"declare", GUARD_SESSION, SESSION},
    {"fetch", GUARD_SESSION, SESSION},
    {"move", GUARD_SESSION, SESSION},
    {"close", GUARD_SESSION, SESSION},
    {"load", GUARD_ADMIN, ENGINE},
    {"checkpoint", GUARD_ADMIN, ENGINE},
    {"cluster", GUARD_ADMIN, ENGINE},
    {"reindex", GUARD_ADMIN, ENGINE},
    {"refresh", GUARD_DML, WRITES},
    {"import", GUARD_ADMIN, ENGINE},
    {"reassign", GUARD_ADMIN, ENGINE},
    {"security", GUARD_ADMIN, ENGINE},
    {NULL, GUARD_UNKNOWN, NULL},
};

static const struct sql_lead SQLITE_LEADS[] = {
    COMMON_LEADS,
    {"pragma", GUARD_SESSION, SESSION},
    {"reindex", GUARD_ADMIN, ENGINE},
    {NULL, GUARD_UNKNOWN, NULL},
};

static const struct sql_name DUCKDB_FUNCTIONS[] = {
    {"read_*", FILES}, {"glob", FILES}, {"parquet_*", FILES}, {"sniff_csv", FILES},
    {"sqlite_*", FILES}, {"postgres_*", FILES}, {"mysql_*", FILES}, {"odbc_*", FILES},
    {"iceberg_*", FILES}, {"delta_*", FILES}, {"ducklake_*", FILES}, {"http_*", FILES},
    {"st_read*", FILES}, {"st_drivers", FILES}, {"arrow_scan*", FILES},
    {"pandas_scan", FILES}, {"python_map_function", FILES}, {"seq_scan", FILES},
    {"scan_arrow_ipc", FILES}, {"substrait*", TEXTS}, {"from_substrait*", TEXTS},
    {"add_parquet_key", SECRETS}, {"load_aws_credentials", SECRETS},
    {"getenv", SECRETS}, {"duckdb_secrets", SECRETS}, {"which_secret", SECRETS},
    {"duckdb_databases", SECRETS}, {"pragma_database_list", SECRETS},
    {"duckdb_logs*", SECRETS}, {"duckdb_log_contexts", SECRETS},
    {"duckdb_temporary_files", SECRETS}, {"duckdb_external_file_cache", SECRETS},
    {"duckdb_extensions", SECRETS}, {"duckdb_prepared_statements", SECRETS},
    {"query", TEXTS}, {"query_table", TEXTS}, {"json_execute_serialized_sql", TEXTS},
    {"nextval", STATE}, {"setseed", STATE}, {"setval", STATE}, {"write_log", STATE},
    {"checkpoint", STATE}, {"force_checkpoint", STATE}, {"enable_*", STATE},
    {"disable_*", STATE}, {"check_peg_parser", STATE}, {"truncate_duckdb_logs", STATE},
    {"pg_read_*", FILES}, {"pg_ls_*", FILES}, {"pg_stat_file", FILES},
    {"lo_*", FILES}, {"sleep_ms", WAITS}, {"pg_sleep*", WAITS},
    {NULL, NULL},
};

/* Views of the same names, and PRAGMA results DuckDB lets FROM name without brackets. */
static const struct sql_name DUCKDB_RELATIONS[] = {
    {"duckdb_secrets", SECRETS}, {"duckdb_databases", SECRETS},
    {"pragma_database_list", SECRETS}, {"duckdb_logs*", SECRETS},
    {"duckdb_log_contexts", SECRETS}, {"duckdb_extensions", SECRETS},
    {"duckdb_temporary_files", SECRETS}, {"duckdb_prepared_statements", SECRETS},
    {NULL, NULL},
};

static const struct sql_name DUCKDB_VOLATILE[] = {
    {"random", ""}, {"uuid*", ""}, {"gen_random_uuid", ""}, {"now", ""}, {"today", ""},
    {"current_*", ""}, {"localtime", ""}, {"localtimestamp", ""}, {"get_current_*", ""},
    {"transaction_timestamp", ""}, {"txid_current", ""}, {"currval", ""}, {"user", ""},
    {"session_user", ""}, {"getvariable", ""}, {"in_search_path", ""}, {"error", ""},
    {"tablesample", ""}, {"sample", ""}, {"duckdb_*", ""}, {"pragma_*", ""},
    {"pg_backend_pid", ""}, {"stats", ""}, {"age", ""}, {"version", ""},
    {NULL, NULL},
};

static const struct sql_name SNOWFLAKE_FUNCTIONS[] = {
    {"system$typeof", NULL}, {"system$*", STATE}, {"result_scan", SECRETS},
    {"last_query_id", SECRETS}, {"query_history*", SECRETS}, {"login_history*", SECRETS},
    {"get_presigned_url", FILES}, {"build_scoped_file_url", FILES},
    {"build_stage_file_url", FILES}, {"to_file", FILES}, {"infer_schema", FILES},
    {"identifier", TEXTS}, {"ai_*", "the function spends credits on a model"},
    {"complete", "the function spends credits on a model"},
    {"cortex*", "the function spends credits on a model"}, {"cancel_query", STATE},
    {NULL, NULL},
};

static const struct sql_name SNOWFLAKE_TABLE_CALLS[] = {
    {"flatten", ""}, {"generator", ""}, {"split_to_table", ""},
    {"strtok_split_to_table", ""}, {NULL, NULL},
};

static const struct sql_name SNOWFLAKE_VOLATILE[] = {
    {"random", ""}, {"randstr", ""}, {"uniform", ""}, {"normal", ""}, {"zipf", ""},
    {"uuid_string", ""}, {"seq1", ""}, {"seq2", ""}, {"seq4", ""}, {"seq8", ""},
    {"current_*", ""}, {"localtime", ""}, {"localtimestamp", ""}, {"sysdate", ""},
    {"getdate", ""}, {"systimestamp", ""}, {"getvariable", ""}, {"sample", ""},
    {"tablesample", ""}, {"is_role_in_session", ""}, {NULL, NULL},
};

static const struct sql_name POSTGRESQL_FUNCTIONS[] = {
    {"nextval", STATE}, {"setval", STATE}, {"setseed", STATE}, {"set_config", STATE},
    {"pg_read_*", FILES}, {"pg_ls_*", FILES}, {"pg_stat_file", FILES}, {"lo_*", FILES},
    {"pg_file_*", FILES}, {"pg_logdir_ls", FILES}, {"pg_current_logfile", FILES},
    {"dblink*", FILES}, {"pg_sleep*", WAITS}, {"pg_advisory*", WAITS},
    {"pg_try_advisory*", WAITS}, {"pg_terminate_backend", STATE},
    {"pg_cancel_backend", STATE}, {"pg_reload_conf", STATE}, {"pg_rotate_logfile", STATE},
    {"pg_notify", STATE}, {"pg_switch_wal", STATE}, {"pg_create_*", STATE},
    {"pg_drop_*", STATE}, {"pg_replication_*", STATE}, {"pg_logical_*", STATE},
    {"pg_promote", STATE}, {"pg_stat_reset*", STATE}, {"pg_export_snapshot", STATE},
    {"pg_backup_*", STATE}, {"pg_import_*", STATE}, {"query_to_xml*", TEXTS},
    {"cursor_to_xml*", TEXTS}, {"ts_stat", TEXTS}, {"crosstab*", TEXTS},
    {"ts_rewrite", TEXTS}, {"xpath_table", TEXTS}, {"connectby", TEXTS},
    {"current_setting", SECRETS},
    {NULL, NULL},
};

static const struct sql_name SQLITE_FUNCTIONS[] = {
    {"load_extension", FILES}, {"readfile", FILES}, {"writefile", FILES},
    {"edit", FILES}, {"fsdir", FILES}, {"lsdir", FILES}, {"fts3_tokenizer", STATE},
    {"eval", TEXTS}, {"pragma_*", STATE}, {NULL, NULL},
};

static const struct sql_name SQLITE_VOLATILE[] = {
    {"random", ""}, {"randomblob", ""}, {"current_*", ""}, {"changes", ""},
    {"total_changes", ""}, {"last_insert_rowid", ""}, {"date", ""}, {"time", ""},
    {"datetime", ""}, {"julianday", ""}, {"unixepoch", ""}, {"strftime", ""},
    {NULL, NULL},
};

static const struct sql_dialect DIALECTS[] = {
    [SQL_DUCKDB] = {"duckdb",
        SQL_LEX_NESTED_COMMENTS | SQL_LEX_E_STRINGS | SQL_LEX_DOLLAR | SQL_LEX_DOLLAR_TAGS |
            SQL_LEX_UNICODE_SPACES,
        SQL_FILE_RELATIONS | SQL_ROW_LOCKS, DUCKDB_LEADS, DUCKDB_FUNCTIONS,
        DUCKDB_RELATIONS, NULL, DUCKDB_VOLATILE},
    [SQL_SNOWFLAKE] = {"snowflake",
        SQL_LEX_SLASH_COMMENTS | SQL_LEX_BACKSLASH | SQL_LEX_DOLLAR | SQL_LEX_ASCII_WORDS,
        SQL_STAGES | SQL_PIPES | SQL_TABLE_CALLS | SQL_DOT_NEXTVAL | SQL_ROW_LOCKS,
        SNOWFLAKE_LEADS, SNOWFLAKE_FUNCTIONS, NULL, SNOWFLAKE_TABLE_CALLS,
        SNOWFLAKE_VOLATILE},
    [SQL_POSTGRESQL] = {"postgresql",
        SQL_LEX_NESTED_COMMENTS | SQL_LEX_E_STRINGS | SQL_LEX_DOLLAR | SQL_LEX_DOLLAR_TAGS,
        SQL_ROW_LOCKS, POSTGRESQL_LEADS, POSTGRESQL_FUNCTIONS, NULL, NULL,
        DUCKDB_VOLATILE},
    [SQL_SQLITE] = {"sqlite", SQL_LEX_BRACKETS, 0, SQLITE_LEADS, SQLITE_FUNCTIONS, NULL,
        NULL, SQLITE_VOLATILE},
};

const struct sql_dialect *sql_dialect(enum sql_dialect_id id)
{
    ASSERT((size_t)id < ARRAY_LEN(DIALECTS));
    return &DIALECTS[id];
}

const struct sql_lead *sql_find_lead(const struct sql_lead *leads, struct str word)
{
    for (; leads->word; leads++) {
        if (str_eq_nocase(word, str_of(leads->word))) {
            return leads;
        }
    }
    return NULL;
}

const struct sql_name *sql_find_name(const struct sql_name *names, struct str name)
{
    for (; names && names->name; names++) {
        struct str pattern = str_of(names->name);
        bool prefix = pattern.ptr[pattern.len - 1] == '*';
        pattern.len -= prefix;
        if (prefix ? str_starts_nocase(name, pattern) : str_eq_nocase(name, pattern)) {
            return names;
        }
    }
    return NULL;
}
