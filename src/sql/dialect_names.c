// SPDX-License-Identifier: Apache-2.0
#include "sql/dialect_names.h"

#define FILES "the function reaches files or the network"
#define STATE "the function changes state"
#define SECRETS "it shows secrets, paths or other clients' work"
#define TEXTS "the function runs SQL the guard does not see"
#define WAITS "the function holds the connection"
#define CREDITS "the function spends credits on a model"
#define ADVANCES "the sequence would be advanced"
#define OTHERS "it tells what another client did: connections are shared among clients"

#define NAME(name)                                                                       \
    {                                                                                    \
        "" name, sizeof(name) - 1                                                        \
    }
#define BAD(name, reason)                                                                \
    {                                                                                    \
        NAME(name), reason, GUARD_ADMIN                                                  \
    }
#define DRAW(name)                                                                       \
    {                                                                                    \
        NAME(name), ADVANCES, GUARD_DML                                                  \
    }
#define SPEND(name)                                                                      \
    {                                                                                    \
        NAME(name), CREDITS, GUARD_AI                                                    \
    }
#define OK(name)                                                                         \
    {                                                                                    \
        NAME(name), NULL, GUARD_SELECT                                                   \
    }
#define END                                                                              \
    {                                                                                    \
        {NULL, 0}, NULL, GUARD_SELECT                                                    \
    }

const struct sql_name duckdb_functions[] = {BAD("read_*", FILES), BAD("glob", FILES),
    BAD("parquet_*", FILES), BAD("sniff_csv", FILES), BAD("sqlite_*", FILES),
    BAD("postgres_*", FILES), BAD("mysql_*", FILES), BAD("odbc_*", FILES),
    BAD("iceberg_*", FILES), BAD("delta_*", FILES), BAD("ducklake_*", FILES),
    BAD("http_*", FILES), BAD("st_read*", FILES), BAD("st_drivers", FILES),
    BAD("arrow_scan*", FILES), BAD("pandas_scan", FILES),
    BAD("python_map_function", FILES), BAD("seq_scan", FILES),
    BAD("scan_arrow_ipc", FILES), BAD("substrait*", TEXTS), BAD("from_substrait*", TEXTS),
    BAD("add_parquet_key", SECRETS), BAD("load_aws_credentials", SECRETS),
    BAD("getenv", SECRETS), BAD("duckdb_secrets", SECRETS), BAD("which_secret", SECRETS),
    BAD("duckdb_databases", SECRETS), BAD("pragma_database_list", SECRETS),
    BAD("duckdb_logs*", SECRETS), BAD("duckdb_log_contexts", SECRETS),
    BAD("duckdb_temporary_files", SECRETS), BAD("duckdb_external_file_cache", SECRETS),
    BAD("duckdb_extensions", SECRETS), BAD("duckdb_prepared_statements", SECRETS),
    BAD("query", TEXTS), BAD("query_table", TEXTS),
    BAD("json_execute_serialized_sql", TEXTS), DRAW("nextval"), DRAW("setval"),
    BAD("setseed", STATE), BAD("write_log", STATE), BAD("checkpoint", STATE),
    BAD("force_checkpoint", STATE), BAD("enable_*", STATE), BAD("disable_*", STATE),
    BAD("check_peg_parser", STATE), BAD("truncate_duckdb_logs", STATE),
    BAD("pg_read_*", FILES), BAD("pg_ls_*", FILES), BAD("pg_stat_file", FILES),
    BAD("lo_*", FILES), BAD("sleep_ms", WAITS), BAD("pg_sleep*", WAITS), END};

/* Views of the same names, and PRAGMA results DuckDB lets FROM name without brackets. */
const struct sql_name duckdb_relations[] = {BAD("duckdb_secrets", SECRETS),
    BAD("duckdb_databases", SECRETS), BAD("pragma_database_list", SECRETS),
    BAD("duckdb_logs*", SECRETS), BAD("duckdb_log_contexts", SECRETS),
    BAD("duckdb_extensions", SECRETS), BAD("duckdb_temporary_files", SECRETS),
    BAD("duckdb_prepared_statements", SECRETS), END};

const struct sql_name duckdb_volatile[] = {OK("random"), OK("uuid*"),
    OK("gen_random_uuid"), OK("now"), OK("today"), OK("current_*"), OK("localtime"),
    OK("localtimestamp"), OK("get_current_*"), OK("transaction_timestamp"),
    OK("txid_current"), OK("currval"), OK("user"), OK("session_user"), OK("getvariable"),
    OK("in_search_path"), OK("error"), OK("tablesample"), OK("sample"), OK("duckdb_*"),
    OK("pragma_*"), OK("pg_backend_pid"), OK("stats"), OK("age"), OK("version"), END};

const struct sql_name duckdb_pragmas[] = {OK("table_info"), OK("show_tables"),
    OK("show_tables_expanded"), OK("show_databases"), OK("version"), OK("platform"),
    OK("database_size"), OK("storage_info"), OK("functions"), OK("collations"),
    OK("metadata_info"), OK("user_agent"), END};

const struct sql_name snowflake_functions[] = {OK("system$typeof"),
    OK("system$clustering_*"), BAD("system$estimate_query_acceleration", SECRETS),
    OK("system$estimate_*"), OK("system$get_tag*"), OK("system$last_change_commit_time"),
    OK("system$stream_has_data"), OK("system$stream_get_table_timestamp"),
    OK("system$pipe_status"), BAD("system$wait*", WAITS), BAD("system$explain*", TEXTS),
    BAD("system$*", STATE), BAD("result_scan", SECRETS), BAD("last_query_id", SECRETS),
    BAD("query_history*", SECRETS), BAD("login_history*", SECRETS),
    BAD("get_query_operator_stats", SECRETS), BAD("query_acceleration_*", SECRETS),
    BAD("get_presigned_url", FILES), BAD("build_scoped_file_url", FILES),
    BAD("build_stage_file_url", FILES), BAD("get_stage_location", FILES),
    BAD("get_relative_path", FILES), BAD("get_absolute_path", FILES),
    BAD("to_file", FILES), BAD("infer_schema", FILES), BAD("directory", FILES),
    BAD("to_query", TEXTS), BAD("cancel_query", STATE), DRAW("getnextval"), SPEND("ai_*"),
    SPEND("complete"), SPEND("try_complete"), SPEND("cortex*"), SPEND("embed_text_*"),
    SPEND("embed_image_*"), SPEND("extract_answer"), SPEND("classify_text"),
    SPEND("entity_sentiment"), SPEND("parse_document"), SPEND("sentiment"),
    SPEND("summarize"), SPEND("search_preview"), BAD("finetune", STATE), END};

const struct sql_name snowflake_owners[] = {SPEND("cortex"), END};

const struct sql_name snowflake_table_calls[] = {OK("flatten"), OK("generator"),
    OK("split_to_table"), OK("strtok_split_to_table"), OK("semantic_view"),
    OK("identifier"), OK("getnextval"), END};

/* Functions of INFORMATION_SCHEMA that show no statements of others. */
const struct sql_name snowflake_catalog_calls[] = {OK("automatic_clustering_history"),
    OK("auto_refresh_registration_history"), OK("copy_history"),
    OK("data_transfer_history"), OK("database_refresh_*"),
    OK("database_replication_usage_history"), OK("database_storage_usage_history"),
    OK("dynamic_table_graph_history"), OK("dynamic_table_refresh_history"),
    OK("dynamic_tables"), OK("external_table_files"),
    OK("external_table_file_registration_history"),
    OK("materialized_view_refresh_history"), OK("pipe_usage_history"),
    OK("policy_references"), OK("replication_usage_history"),
    OK("search_optimization_history"), OK("serverless_task_history"),
    OK("stage_directory_file_registration_history"), OK("stage_storage_usage_history"),
    OK("tag_references*"), OK("warehouse_load_history"), OK("warehouse_metering_history"),
    END};

/* Schemas whose relations tell of everybody's work. */
const struct sql_name snowflake_usage_owners[] = {OK("account_usage"), OK("organization_usage"),
    OK("reader_account_usage"), END};

/* Of those the ones that show statements or logins. */
const struct sql_name snowflake_usage[] = {BAD("query_*", SECRETS), BAD("access_history", SECRETS),
    BAD("login_history", SECRETS), BAD("sessions", SECRETS), BAD("aggregate_*", SECRETS),
    BAD("task_history", SECRETS), BAD("complete_task_graphs", SECRETS),
    BAD("alert_history", SECRETS), BAD("lock_wait_history", SECRETS), BAD("cortex_*", SECRETS), END};

/* And in a context that may be there, those that nobody calls a table of his own. */
const struct sql_name snowflake_bare_relations[] = {BAD("query_history", SECRETS),
    BAD("query_attribution_history", SECRETS), BAD("query_acceleration_eligible", SECRETS),
    BAD("access_history", SECRETS), BAD("login_history", SECRETS),
    BAD("aggregate_query_history", SECRETS), BAD("aggregate_access_history", SECRETS), END};

const struct sql_name snowflake_volatile[] = {OK("random"), OK("randstr"), OK("uniform"),
    OK("normal"), OK("zipf"), OK("uuid_string"), OK("seq1"), OK("seq2"), OK("seq4"),
    OK("seq8"), OK("current_*"), OK("localtime"), OK("localtimestamp"), OK("sysdate"),
    OK("getdate"), OK("systimestamp"), OK("getvariable"), OK("sample"), OK("tablesample"),
    OK("is_role_in_session"), OK("system$*"), OK("ai_*"), OK("identifier"), END};

const struct sql_name postgresql_functions[] = {DRAW("nextval"), DRAW("setval"),
    BAD("lastval", OTHERS), BAD("currval", OTHERS), BAD("setseed", STATE),
    BAD("set_config", STATE), BAD("pg_read_*", FILES), BAD("pg_ls_*", FILES),
    BAD("pg_stat_file", FILES), BAD("lo_*", FILES), BAD("loread", FILES),
    BAD("lowrite", FILES), BAD("pg_file_*", FILES), BAD("pg_logdir_ls", FILES),
    BAD("pg_current_logfile", FILES), BAD("dblink*", FILES), BAD("postgres_fdw_*", FILES),
    BAD("http", FILES), BAD("http_*", FILES), BAD("pg_hba_file_rules", SECRETS),
    BAD("pg_show_all_file_settings", SECRETS), BAD("pg_ident_file_mappings", SECRETS),
    BAD("pg_stat_get_activity", SECRETS), BAD("pg_stat_get_backend_*", SECRETS),
    BAD("pg_stat_statements_reset", STATE), BAD("pg_stat_statements*", SECRETS),
    BAD("pg_prepared_statement", SECRETS), BAD("pg_cursor", SECRETS),
    BAD("pg_sleep*", WAITS), BAD("pg_advisory*", WAITS), BAD("pg_try_advisory*", WAITS),
    BAD("pg_prewarm", WAITS), BAD("pg_terminate_backend", STATE),
    BAD("pg_cancel_backend", STATE), BAD("pg_reload_conf", STATE),
    BAD("pg_rotate_logfile*", STATE), BAD("pg_notify", STATE), BAD("pg_switch_*", STATE),
    BAD("pg_create_*", STATE), BAD("pg_drop_*", STATE), BAD("pg_copy_*", STATE),
    BAD("pg_sync_*", STATE), BAD("pg_replication_*", STATE), BAD("pg_logical_*", STATE),
    BAD("pg_promote", STATE), BAD("pg_wal_replay_pause", STATE),
    BAD("pg_wal_replay_resume", STATE), BAD("pg_stat_reset*", STATE),
    BAD("pg_stat_clear_snapshot", STATE), BAD("pg_stat_force_next_flush", STATE),
    BAD("pg_export_snapshot", STATE), BAD("pg_backup_*", STATE),
    BAD("pg_start_backup", STATE), BAD("pg_stop_backup", STATE),
    BAD("pg_import_*", STATE), BAD("pg_nextoid", STATE), BAD("pg_log_*", STATE),
    BAD("pg_extension_config_dump", STATE), BAD("pg_restore_*", STATE),
    BAD("pg_clear_*", STATE), BAD("brin_summarize_*", STATE),
    BAD("brin_desummarize_*", STATE), BAD("gin_clean_pending_list", STATE),
    BAD("binary_upgrade_*", STATE), BAD("query_to_xml*", TEXTS),
    BAD("table_to_xml*", TEXTS), BAD("schema_to_xml*", TEXTS),
    BAD("database_to_xml*", TEXTS), BAD("cursor_to_xml*", TEXTS), BAD("ts_stat", TEXTS),
    BAD("crosstab*", TEXTS), BAD("ts_rewrite", TEXTS), BAD("xpath_table", TEXTS),
    BAD("connectby", TEXTS), END};

const struct sql_name postgresql_owners[] = {BAD("cron", STATE), BAD("aws_s3", FILES),
    BAD("aws_lambda", FILES), BAD("aws_commons", FILES), BAD("net", FILES), END};

const struct sql_name postgresql_relations[] = {BAD("pg_stat_activity", SECRETS),
    BAD("pg_stat_statements*", SECRETS), BAD("pg_prepared_statements", SECRETS),
    BAD("pg_prepared_xacts", SECRETS), BAD("pg_cursors", SECRETS),
    BAD("pg_shadow", SECRETS), BAD("pg_authid", SECRETS), BAD("pg_user_mapping", SECRETS),
    BAD("pg_user_mappings", SECRETS), BAD("pg_hba_file_rules", SECRETS),
    BAD("pg_ident_file_mappings", SECRETS), BAD("pg_file_settings", SECRETS),
    BAD("pg_subscription", SECRETS), BAD("pg_stat_replication", SECRETS),
    BAD("pg_stat_wal_receiver", SECRETS), BAD("pg_largeobject", SECRETS), END};

const struct sql_name postgresql_volatile[] = {OK("random"), OK("gen_random_uuid"),
    OK("uuid_generate_*"), OK("uuidv4"), OK("uuidv7"), OK("now"), OK("current_*"),
    OK("localtime"), OK("localtimestamp"), OK("transaction_timestamp"),
    OK("statement_timestamp"), OK("clock_timestamp"), OK("timeofday"), OK("txid_*"),
    OK("pg_current_*"), OK("user"), OK("session_user"), OK("system_user"),
    OK("tablesample"), OK("pg_backend_pid"), OK("age"), OK("version"), OK("inet_*"),
    OK("has_*"), OK("pg_is_in_recovery"), OK("pg_last_*"), OK("pg_postmaster_*"),
    OK("pg_stat_*"), OK("pg_locks"), OK("pg_settings"), OK("pg_conf_load_time"), END};

const struct sql_name sqlite_functions[] = {BAD("last_insert_rowid", OTHERS),
    BAD("changes", OTHERS), BAD("total_changes", OTHERS), BAD("load_extension", FILES),
    BAD("readfile", FILES), BAD("writefile", FILES), BAD("edit", FILES),
    BAD("fsdir", FILES), BAD("lsdir", FILES), BAD("zipfile*", FILES), BAD("csv", FILES),
    BAD("fts3_tokenizer", STATE), BAD("eval", TEXTS), BAD("bytecode", TEXTS),
    BAD("tables_used", TEXTS), BAD("sha1_query", TEXTS), BAD("sha3_query", TEXTS),
    OK("pragma_table_info"), OK("pragma_table_xinfo"), OK("pragma_table_list"),
    OK("pragma_index_*"), OK("pragma_foreign_key_list"), OK("pragma_function_list"),
    OK("pragma_module_list"), OK("pragma_pragma_list"), OK("pragma_collation_list"),
    OK("pragma_compile_options"), BAD("pragma_database_list", SECRETS),
    BAD("pragma_*", STATE), END};

/* Every table function can also be named without brackets. */
const struct sql_name sqlite_relations[] = {OK("pragma_table_list"),
    OK("pragma_function_list"), OK("pragma_module_list"), OK("pragma_pragma_list"),
    OK("pragma_collation_list"), OK("pragma_compile_options"),
    BAD("pragma_database_list", SECRETS), BAD("pragma_*", STATE),
    BAD("sqlite_stmt", SECRETS), BAD("sqlite_dbpage", STATE), BAD("fsdir", FILES),
    BAD("lsdir", FILES), END};

const struct sql_name sqlite_volatile[] = {OK("random"), OK("randomblob"),
    OK("current_*"), OK("date"), OK("time"), OK("datetime"), OK("julianday"),
    OK("unixepoch"), OK("strftime"), OK("timediff"), OK("pragma_*"), OK("sqlite_*"), END};

const struct sql_name sqlite_pragmas[] = {OK("table_info"), OK("table_xinfo"),
    OK("table_list"), OK("index_list"), OK("index_info"), OK("index_xinfo"),
    OK("foreign_key_list"), OK("function_list"), OK("module_list"), OK("pragma_list"),
    OK("collation_list"), OK("compile_options"), END};
