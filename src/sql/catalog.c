// SPDX-License-Identifier: Apache-2.0
#include "sql/catalog.h"

#include "sql/catalog_dialect.h"
#include "sql/quote.h"

void catalog_put_literal(
    struct buf *out, const struct catalog_dialect *dialect, struct str text)
{
    if (dialect->backslash) {
        quote_literal_backslash(out, text);
    } else {
        quote_literal(out, text);
    }
}

void catalog_put_source(struct buf *out, const char *source, struct str database)
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
        [CATALOG_VIEWS] = "\"name\", \"database\", \"schema\", \"comment\", \"kind\"",
        [CATALOG_RELATIONS] = "\"name\", \"kind\", \"database\", \"schema\", \"comment\"",
    };
    ASSERT((size_t)kind < ARRAY_LEN(COLUMNS));
    return COLUMNS[kind];
}

void catalog_put_sources(
    struct buf *out, const char *const *sources, size_t count, struct str database)
{
    const char *joint = "(SELECT * FROM ";
    for (size_t i = 0; i < count; i++) {
        if (sources[i]) {
            buf_puts(out, joint);
            catalog_put_source(out, sources[i], database);
            buf_printf(out, " AS u%zu", i);
            joint = " UNION ALL SELECT * FROM ";
        }
    }
    buf_putc(out, ')');
}

void catalog_put_relations(
    struct buf *out, const struct catalog_dialect *dialect, struct str database)
{
    const char *const sources[] = {dialect->tables, dialect->views};
    catalog_put_sources(out, sources, ARRAY_LEN(sources), database);
}

static void put_views(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_query *query)
{
    const char *const sources[] = {
        dialect->views, query->semantic ? dialect->semantic_views : NULL};
    catalog_put_sources(out, sources, ARRAY_LEN(sources), query->database);
}

static void put_from(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_query *query)
{
    switch (query->kind) {
    case CATALOG_DATABASES:
        /* Seen from any database: none has to be named. */
        catalog_put_source(out, dialect->databases, STR(""));
        break;
    case CATALOG_SCHEMAS:
        catalog_put_source(out, dialect->schemas, query->database);
        break;
    case CATALOG_TABLES:
        catalog_put_source(out, dialect->tables, query->database);
        break;
    case CATALOG_VIEWS:
        put_views(out, dialect, query);
        break;
    case CATALOG_RELATIONS:
        catalog_put_relations(out, dialect, query->database);
        break;
    }
}

static void put_condition(struct buf *out, const struct catalog_dialect *dialect,
    const char *column, const char *operator, struct str value, const char **word)
{
    if (value.len > 0) {
        buf_printf(out, " %s \"%s\" %s ", *word, column, operator);
        catalog_put_literal(out, dialect, value);
        *word = "AND";
    }
}

void catalog_put_equal(struct buf *out, const struct catalog_dialect *dialect,
    const char *column, struct str value)
{
    buf_printf(out, dialect->folds ? "lower(%s) = lower(" : "%s = (", column);
    catalog_put_literal(out, dialect, value);
    buf_putc(out, ')');
}

static void put_where(struct buf *out, const struct catalog_dialect *dialect,
    const char *column, struct str value, const char **word)
{
    if (value.len > 0) {
        buf_printf(out, " %s ", *word);
        catalog_put_equal(out, dialect, column, value);
        *word = "AND";
    }
}

void catalog_put_nearness(
    struct buf *out, const struct catalog_dialect *dialect, struct str near)
{
    buf_puts(out, "CASE WHEN lower(\"name\") = lower(");
    catalog_put_literal(out, dialect, near);
    buf_puts(out, ") THEN 0 ELSE 1 END, ");
    if (dialect->distance) {
        buf_printf(out, "%s(lower(\"name\"), lower(", dialect->distance);
        catalog_put_literal(out, dialect, near);
        buf_puts(out, ")), ");
    } else {
        buf_puts(out, "abs(length(\"name\") - length(");
        catalog_put_literal(out, dialect, near);
        buf_puts(out, ")), ");
    }
}

bool catalog_put_list(
    struct buf *out, enum sql_dialect_id id, const struct catalog_query *query)
{
    const struct catalog_dialect *dialect = catalog_dialect_of(id);
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
        catalog_put_nearness(out, dialect, query->near);
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
    const struct catalog_dialect *dialect = catalog_dialect_of(id);
    buf_puts(out,
        "SELECT c.\"relation\", c.\"database\", c.\"schema\", r.\"kind\", "
        "r.\"comment\", c.\"column\", c.\"type\", c.\"nullable\", c.\"comment\", "
        "c.\"default\" FROM ");
    catalog_put_source(out, dialect->columns, database);
    buf_puts(out, " AS c JOIN ");
    catalog_put_relations(out, dialect, database);
    buf_puts(out,
        " AS r ON r.\"database\" = c.\"database\" AND r.\"schema\" = c.\"schema\" "
        "AND r.\"name\" = c.\"relation\" WHERE ");
    if (database.len > 0) {
        catalog_put_equal(out, dialect, "c.\"database\"", database);
    } else {
        buf_printf(out, "c.\"database\" = %s", dialect->current_database);
    }
    if (dialect->current_schema && schema.len > 0) {
        buf_puts(out, " AND ");
        catalog_put_equal(out, dialect, "c.\"schema\"", schema);
    } else if (dialect->current_schema) {
        buf_printf(out, " AND c.\"schema\" = %s", dialect->current_schema);
    }
    buf_puts(out, " AND c.\"relation\" IN (");
    for (uint32_t i = 0; i < name_count; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        catalog_put_literal(out, dialect, names[i]);
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

bool catalog_put_explain(struct buf *out, enum sql_dialect_id id, struct str sql)
{
    buf_puts(out, catalog_dialect_of(id)->explain);
    buf_put_str(out, sql);
    return true;
}

bool catalog_has_roles(enum sql_dialect_id id)
{
    return catalog_dialect_of(id)->has_roles;
}

bool catalog_explains_bytes(enum sql_dialect_id id)
{
    return catalog_dialect_of(id)->explains_bytes;
}

bool catalog_has_semantic_views(enum sql_dialect_id id)
{
    return catalog_dialect_of(id)->semantic_views != NULL;
}

bool catalog_is_by_database(enum sql_dialect_id id)
{
    return strchr(catalog_dialect_of(id)->tables, '@') != NULL;
}

static bool is_plain(const struct catalog_dialect *dialect, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = dialect->folds
                             ? (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                             : c >= dialect->plain_from && c <= dialect->plain_to;
        if (!is_letter && c != '_' && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.len > 0;
}

void catalog_fold(enum sql_dialect_id id, char *name)
{
    const struct catalog_dialect *dialect = catalog_dialect_of(id);
    const struct catalog_dialect any = {.folds = true};
    if (dialect->folds || !is_plain(&any, str_of(name))) {
        return;
    }
    for (; *name != '\0'; name++) {
        bool is_lower = *name >= 'a' && *name <= 'z';
        bool is_upper = *name >= 'A' && *name <= 'Z';
        int shift = dialect->plain_from - (is_lower ? 'a' : 'A');
        *name = (char)(*name + (is_lower || is_upper ? shift : 0));
    }
}

void catalog_put_shown(struct buf *out, enum sql_dialect_id id, struct str database,
    struct str schema, struct str name)
{
    const struct str parts[] = {database, schema, name};
    const char *dot = "";
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].len == 0) {
            continue;
        }
        buf_puts(out, dot);
        if (is_plain(catalog_dialect_of(id), parts[i])) {
            buf_put_str(out, parts[i]);
        } else {
            quote_identifier(out, parts[i]);
        }
        dot = ".";
    }
}

bool catalog_put_context(struct buf *out, enum sql_dialect_id id)
{
    buf_puts(out, catalog_dialect_of(id)->context);
    return true;
}

struct str catalog_default_schema(enum sql_dialect_id id)
{
    return str_of(catalog_dialect_of(id)->default_schema);
}
