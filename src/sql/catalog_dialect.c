// SPDX-License-Identifier: Apache-2.0
#include "sql/catalog_dialect.h"

#define DUCK_HIDDEN "database_name NOT IN ('system', 'temp')"
#define DUCK_HIDDEN_SCHEMAS                                                              \
    DUCK_HIDDEN                                                                          \
    " AND schema_name NOT IN ('information_schema', 'pg_catalog')"
#define PG_HIDDEN "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"

static const struct catalog_dialect DIALECTS[] = {
    [SQL_DUCKDB] =
        {
            .databases = "SELECT database_name AS \"name\", comment AS \"comment\" FROM "
                         "duckdb_databases() WHERE NOT internal",
            .schemas =
                "SELECT schema_name AS \"name\", database_name AS \"database\", comment "
                "AS \"comment\" FROM duckdb_schemas() WHERE " DUCK_HIDDEN_SCHEMAS,
            .tables =
                "SELECT table_name AS \"name\", 'table' AS \"kind\", database_name AS "
                "\"database\", schema_name AS \"schema\", comment AS \"comment\", "
                "estimated_size AS \"rows\" FROM duckdb_tables() WHERE NOT internal "
                "AND " DUCK_HIDDEN_SCHEMAS,
            .views =
                "SELECT view_name AS \"name\", 'view' AS \"kind\", database_name AS "
                "\"database\", schema_name AS \"schema\", comment AS \"comment\", NULL AS "
                "\"rows\" FROM duckdb_views() WHERE NOT internal AND " DUCK_HIDDEN_SCHEMAS,
            .columns =
                "SELECT database_name AS \"database\", schema_name AS \"schema\", "
                "table_name AS \"relation\", column_index AS \"at\", column_name AS "
                "\"column\", data_type AS \"type\", is_nullable AS \"nullable\", comment "
                "AS \"comment\", column_default AS \"default\" FROM duckdb_columns()",
            .current_database = "current_database()",
            .current_schema = "current_schema()",
            .context =
                "SELECT NULL AS \"role\", NULL AS \"warehouse\", coalesce((SELECT "
                "min(database_name) FROM duckdb_databases() WHERE lower(database_name) = "
                "lower(current_database())), current_database()) AS \"database\", "
                "coalesce((SELECT min(schema_name) FROM duckdb_schemas() WHERE "
                "lower(database_name) = lower(current_database()) AND lower(schema_name) = "
                "lower(current_schema())), current_schema()) AS \"schema\"",
            .explain = "EXPLAIN (FORMAT JSON) ",
            .default_schema = "main",
            .like = "ILIKE",
            .distance = "levenshtein",
            .folds = true,
            .has = "instr",
            .has_place = true,
        },
    [SQL_SNOWFLAKE] =
        {
            .databases = "SELECT DATABASE_NAME AS \"name\", COMMENT AS \"comment\" FROM "
                         "@INFORMATION_SCHEMA.DATABASES",
            .schemas =
                "SELECT SCHEMA_NAME AS \"name\", CATALOG_NAME AS \"database\", COMMENT AS "
                "\"comment\" FROM @INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME <> "
                "'INFORMATION_SCHEMA'",
            .tables =
                "SELECT TABLE_NAME AS \"name\", 'table' AS \"kind\", TABLE_CATALOG AS "
                "\"database\", TABLE_SCHEMA AS \"schema\", COMMENT AS \"comment\", ROW_COUNT "
                "AS \"rows\" FROM @INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE NOT LIKE "
                "'%VIEW' AND TABLE_SCHEMA <> 'INFORMATION_SCHEMA'",
            .views =
                "SELECT TABLE_NAME AS \"name\", 'view' AS \"kind\", TABLE_CATALOG AS "
                "\"database\", TABLE_SCHEMA AS \"schema\", COMMENT AS \"comment\", NULL AS "
                "\"rows\" FROM @INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE LIKE '%VIEW' AND "
                "TABLE_SCHEMA <> 'INFORMATION_SCHEMA'",
            .semantic_views =
                "SELECT \"NAME\" AS \"name\", 'semantic_view' AS \"kind\", \"CATALOG\" AS "
                "\"database\", \"SCHEMA\" AS \"schema\", \"COMMENT\" AS \"comment\", NULL AS "
                "\"rows\" FROM @INFORMATION_SCHEMA.SEMANTIC_VIEWS",
            .columns =
                "SELECT TABLE_CATALOG AS \"database\", TABLE_SCHEMA AS \"schema\", "
                "TABLE_NAME AS \"relation\", ORDINAL_POSITION AS \"at\", COLUMN_NAME AS "
                "\"column\", DATA_TYPE AS \"type\", IS_NULLABLE = 'YES' AS \"nullable\", "
                "COMMENT AS \"comment\", COLUMN_DEFAULT AS \"default\" FROM "
                "@INFORMATION_SCHEMA.COLUMNS",
            .current_database = "CURRENT_DATABASE()",
            .current_schema = "CURRENT_SCHEMA()",
            .context =
                "SELECT CURRENT_ROLE() AS \"role\", CURRENT_WAREHOUSE() AS \"warehouse\", "
                "CURRENT_DATABASE() AS \"database\", CURRENT_SCHEMA() AS \"schema\"",
            .explain = "EXPLAIN USING JSON ",
            .has_roles = true,
            .explains_bytes = true,
            .default_schema = "PUBLIC",
            .like = "ILIKE",
            .distance = "EDITDISTANCE",
            .backslash = true,
            .has = "CONTAINS",
            .plain_from = 'A',
            .plain_to = 'Z',
        },
    [SQL_POSTGRESQL] =
        {
            .databases =
                "SELECT datname AS \"name\", shobj_description(oid, 'pg_database') AS "
                "\"comment\" FROM pg_catalog.pg_database WHERE NOT datistemplate",
            .schemas =
                "SELECT n.nspname AS \"name\", current_database() AS \"database\", "
                "obj_description(n.oid, 'pg_namespace') AS \"comment\" FROM "
                "pg_catalog.pg_namespace n WHERE " PG_HIDDEN,
            .tables =
                "SELECT c.relname AS \"name\", 'table' AS \"kind\", current_database() AS "
                "\"database\", n.nspname AS \"schema\", obj_description(c.oid, 'pg_class') "
                "AS \"comment\", CAST(NULLIF(c.reltuples, -1) AS bigint) AS \"rows\" FROM "
                "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                "c.relnamespace WHERE c.relkind IN ('r', 'p', 'f') AND " PG_HIDDEN,
            .views =
                "SELECT c.relname AS \"name\", 'view' AS \"kind\", current_database() AS "
                "\"database\", n.nspname AS \"schema\", obj_description(c.oid, 'pg_class') AS "
                "\"comment\", CAST(NULL AS bigint) AS \"rows\" FROM pg_catalog.pg_class c "
                "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN "
                "('v', 'm') AND " PG_HIDDEN,
            .columns =
                "SELECT current_database() AS \"database\", n.nspname AS \"schema\", "
                "c.relname AS \"relation\", a.attnum AS \"at\", a.attname AS \"column\", "
                "format_type(a.atttypid, a.atttypmod) AS \"type\", NOT a.attnotnull AS "
                "\"nullable\", col_description(c.oid, a.attnum) AS \"comment\", "
                "pg_get_expr(d.adbin, d.adrelid) AS \"default\" FROM "
                "pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = "
                "a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT "
                "JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
                "WHERE a.attnum > 0 AND NOT a.attisdropped",
            .current_database = "current_database()",
            .current_schema = "current_schema()",
            .context =
                "SELECT current_user AS \"role\", NULL AS \"warehouse\", "
                "current_database() AS \"database\", current_schema() AS \"schema\"",
            .explain = "EXPLAIN (FORMAT JSON) ",
            .default_schema = "public",
            .like = "ILIKE",
            .has = "strpos",
            .has_place = true,
            .plain_from = 'a',
            .plain_to = 'z',
        },
    [SQL_SQLITE] =
        {
            .databases = "SELECT name AS \"name\", NULL AS \"comment\" FROM "
                         "pragma_database_list WHERE name <> 'temp'",
            .schemas =
                "SELECT '' AS \"name\", '' AS \"database\", NULL AS \"comment\" WHERE 0",
            .tables =
                "SELECT name AS \"name\", 'table' AS \"kind\", schema AS \"database\", '' AS "
                "\"schema\", NULL AS \"comment\", NULL AS \"rows\" FROM pragma_table_list "
                "WHERE type IN ('table', 'virtual') AND schema <> 'temp' AND name NOT LIKE "
                "'sqlite\\_%' ESCAPE '\\'",
            .views =
                "SELECT name AS \"name\", 'view' AS \"kind\", schema AS \"database\", '' AS "
                "\"schema\", NULL AS \"comment\", NULL AS \"rows\" FROM pragma_table_list "
                "WHERE type = 'view' AND schema <> 'temp'",
            .columns =
                "SELECT l.schema AS \"database\", '' AS \"schema\", l.name AS \"relation\", "
                "c.cid AS \"at\", c.name AS \"column\", c.type AS \"type\", NOT "
                "c.\"notnull\" AS \"nullable\", NULL AS \"comment\", c.dflt_value AS "
                "\"default\" FROM pragma_table_list l JOIN pragma_table_info(l.name, "
                "l.schema) c",
            .current_database = "'main'",
            .context =
                "SELECT NULL AS \"role\", NULL AS \"warehouse\", 'main' AS \"database\", "
                "NULL AS \"schema\"",
            .explain = "EXPLAIN QUERY PLAN ",
            .default_schema = "",
            .like = "LIKE",
            .folds = true,
            .has = "instr",
            .has_place = true,
        },
};

const struct catalog_dialect *catalog_dialect_of(enum sql_dialect_id id)
{
    ASSERT((size_t)id < ARRAY_LEN(DIALECTS));
    return &DIALECTS[id];
}
