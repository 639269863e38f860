// SPDX-License-Identifier: Apache-2.0
#include "sql/catalog.h"

#include "sql/dialect.h"
#include "sql/quote.h"

/*
 * Relations that yield "name", "kind", "database", "schema", "comment" and "rows" as far
 * as their kind has them. '@' stands for the database and a dot, where one is given.
 */
struct catalog_dialect {
    const char *databases;
    const char *schemas;
    const char *tables;
    const char *views;
    /* "database", "schema", "relation", "at", "column", "type", "nullable", "comment",
     * "default"; NULL where the dialect is not known here */
    const char *columns;
    const char *current_database;
    const char *current_schema; /* NULL: schemas are no part of names */
    const char *context;
    const char *default_schema;
    const char *like;
    const char *distance; /* of lower-case names, as a function; NULL: by length */
    bool backslash;       /* in literals */
    bool folds;           /* names that differ in case alone name the same */
};

#define DUCK_HIDDEN "database_name NOT IN ('system', 'temp')"
#define DUCK_HIDDEN_SCHEMAS                                                              \
    DUCK_HIDDEN                                                                          \
    " AND schema_name NOT IN ('information_schema', 'pg_catalog')"
#define PG_HIDDEN "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"

static const struct catalog_dialect dialects[] = {
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
            .default_schema = "main",
            .like = "ILIKE",
            .distance = "levenshtein",
            .folds = true,
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
            .default_schema = "PUBLIC",
            .like = "ILIKE",
            .distance = "EDITDISTANCE",
            .backslash = true,
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
            .default_schema = "public",
            .like = "ILIKE",
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
            .default_schema = "",
            .like = "LIKE",
            .folds = true,
        },
};

static const struct catalog_dialect *dialect_of(enum sql_dialect_id id)
{
    ASSERT((size_t)id < ARRAY_LEN(dialects));
    return &dialects[id];
}

static void put_literal(
    struct buf *out, const struct catalog_dialect *dialect, struct str text)
{
    if (dialect->backslash) {
        quote_literal_backslash(out, text);
    } else {
        quote_literal(out, text);
    }
}

/* A bracketed source, its '@' replaced. */
static void put_source(struct buf *out, const char *source, struct str database)
{
    buf_putc(out, '(');
    for (const char *at = source; *at; at++) {
        if (*at != '@') {
            buf_putc(out, *at);
        } else if (database.len > 0) {
            quote_identifier(out, database);
            buf_putc(out, '.');
        }
    }
    buf_putc(out, ')');
}

static const char *shown_columns(enum catalog_kind kind)
{
    static const char *const COLUMNS[] = {
        [CATALOG_DATABASES] = "\"name\", \"comment\"",
        [CATALOG_SCHEMAS] = "\"name\", \"database\", \"comment\"",
        [CATALOG_TABLES] = "\"name\", \"database\", \"schema\", \"comment\", \"rows\"",
        [CATALOG_VIEWS] = "\"name\", \"database\", \"schema\", \"comment\"",
        [CATALOG_RELATIONS] = "\"name\", \"kind\", \"database\", \"schema\", \"comment\"",
    };
    ASSERT((size_t)kind < ARRAY_LEN(COLUMNS));
    return COLUMNS[kind];
}

static void put_relations(
    struct buf *out, const struct catalog_dialect *dialect, struct str database)
{
    buf_puts(out, "(SELECT * FROM ");
    put_source(out, dialect->tables, database);
    buf_puts(out, " AS t UNION ALL SELECT * FROM ");
    put_source(out, dialect->views, database);
    buf_puts(out, " AS v)");
}

static void put_from(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_query *query)
{
    switch (query->kind) {
    case CATALOG_DATABASES:
        /* Seen from any database: none has to be named. */
        put_source(out, dialect->databases, STR(""));
        break;
    case CATALOG_SCHEMAS:
        put_source(out, dialect->schemas, query->database);
        break;
    case CATALOG_TABLES:
        put_source(out, dialect->tables, query->database);
        break;
    case CATALOG_VIEWS:
        put_source(out, dialect->views, query->database);
        break;
    case CATALOG_RELATIONS:
        put_relations(out, dialect, query->database);
        break;
    }
}

static void put_condition(struct buf *out, const struct catalog_dialect *dialect,
    const char *column, const char *operator, struct str value, const char **word)
{
    if (value.len > 0) {
        buf_printf(out, " %s \"%s\" %s ", *word, column, operator);
        put_literal(out, dialect, value);
        *word = "AND";
    }
}

static void put_equal(struct buf *out, const struct catalog_dialect *dialect,
    const char *column, struct str value)
{
    buf_printf(out, dialect->folds ? "lower(%s) = lower(" : "%s = (", column);
    put_literal(out, dialect, value);
    buf_putc(out, ')');
}

static void put_where(struct buf *out, const struct catalog_dialect *dialect,
    const char *column, struct str value, const char **word)
{
    if (value.len > 0) {
        buf_printf(out, " %s ", *word);
        put_equal(out, dialect, column, value);
        *word = "AND";
    }
}

/* Equal in any case first, then by the engine's distance, then by name. */
static void put_nearness(
    struct buf *out, const struct catalog_dialect *dialect, struct str near)
{
    buf_puts(out, "CASE WHEN lower(\"name\") = lower(");
    put_literal(out, dialect, near);
    buf_puts(out, ") THEN 0 ELSE 1 END, ");
    if (dialect->distance) {
        buf_printf(out, "%s(lower(\"name\"), lower(", dialect->distance);
        put_literal(out, dialect, near);
        buf_puts(out, ")), ");
    } else {
        buf_puts(out, "abs(length(\"name\") - length(");
        put_literal(out, dialect, near);
        buf_puts(out, ")), ");
    }
}

bool catalog_put_list(
    struct buf *out, enum sql_dialect_id id, const struct catalog_query *query)
{
    const struct catalog_dialect *dialect = dialect_of(id);
    bool has_database = query->kind != CATALOG_DATABASES;
    bool has_schema = has_database && query->kind != CATALOG_SCHEMAS;
    const char *word = "WHERE";
    buf_printf(out, "SELECT %s FROM ", shown_columns(query->kind));
    put_from(out, dialect, query);
    buf_puts(out, " AS o");
    if (has_database) {
        put_where(out, dialect, "\"database\"", query->database, &word);
    }
    if (has_schema && dialect->current_schema) {
        put_where(out, dialect, "\"schema\"", query->schema, &word);
    }
    put_condition(out, dialect, "name", dialect->like, query->like, &word);
    buf_puts(out, " ORDER BY ");
    if (query->near.len > 0) {
        put_nearness(out, dialect, query->near);
    }
    buf_puts(out, has_schema     ? "\"database\", \"schema\", \"name\""
                  : has_database ? "\"database\", \"name\""
                                 : "\"name\"");
    if (query->limit > 0) {
        buf_printf(out, " LIMIT %u", query->limit);
        buf_printf(out, " OFFSET %llu", (unsigned long long)query->offset);
    }
    return true;
}

bool catalog_put_columns(struct buf *out, enum sql_dialect_id id, struct str database,
    struct str schema, const struct str *names, uint32_t name_count, uint64_t offset)
{
    const struct catalog_dialect *dialect = dialect_of(id);
    buf_puts(out,
        "SELECT c.\"relation\", c.\"database\", c.\"schema\", r.\"kind\", "
        "r.\"comment\", c.\"column\", c.\"type\", c.\"nullable\", c.\"comment\", "
        "c.\"default\" FROM ");
    put_source(out, dialect->columns, database);
    buf_puts(out, " AS c JOIN ");
    put_relations(out, dialect, database);
    buf_puts(out,
        " AS r ON r.\"database\" = c.\"database\" AND r.\"schema\" = c.\"schema\" "
        "AND r.\"name\" = c.\"relation\" WHERE ");
    if (database.len > 0) {
        put_equal(out, dialect, "c.\"database\"", database);
    } else {
        buf_printf(out, "c.\"database\" = %s", dialect->current_database);
    }
    if (dialect->current_schema && schema.len > 0) {
        buf_puts(out, " AND ");
        put_equal(out, dialect, "c.\"schema\"", schema);
    } else if (dialect->current_schema) {
        buf_printf(out, " AND c.\"schema\" = %s", dialect->current_schema);
    }
    buf_puts(out, " AND c.\"relation\" IN (");
    for (uint32_t i = 0; i < name_count; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        put_literal(out, dialect, names[i]);
    }
    buf_puts(out, ") ORDER BY c.\"relation\", c.\"at\"");
    if (offset > 0) {
        /* A limit has to be there for some engines. */
        buf_printf(out, " LIMIT 1000000 OFFSET %llu", (unsigned long long)offset);
    }
    return true;
}

void catalog_put_name(struct buf *out, enum sql_dialect_id id, struct str database,
    struct str schema, struct str name)
{
    if (database.len > 0) {
        quote_identifier(out, database);
        buf_putc(out, '.');
        /* Two parts would be read as a schema and a name. */
        schema = schema.len > 0 ? schema : catalog_default_schema(id);
    }
    if (schema.len > 0) {
        quote_identifier(out, schema);
        buf_putc(out, '.');
    }
    quote_identifier(out, name);
}

bool catalog_put_context(struct buf *out, enum sql_dialect_id id)
{
    buf_puts(out, dialect_of(id)->context);
    return true;
}

struct str catalog_default_schema(enum sql_dialect_id id)
{
    return str_of(dialect_of(id)->default_schema);
}
