// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Statements that ask an engine for its catalogue, one table per dialect. They name
 * everything in full, so they run in any context. Values are quoted here, never joined in.
 * False: the dialect has no such statement yet.
 */
#include "base/buf.h"
#include "sql/guard.h"

enum catalog_kind {
    CATALOG_DATABASES, /* name, comment */
    CATALOG_SCHEMAS,   /* name, database, comment */
    CATALOG_TABLES,    /* name, database, schema, comment, rows (an estimate) */
    CATALOG_VIEWS,     /* name, database, schema, comment */
    CATALOG_RELATIONS, /* name, kind, database, schema, comment: tables and views */
};

struct catalog_query {
    enum catalog_kind kind;
    struct str database; /* "" all, where the engine can */
    struct str schema;   /* "" all, where the engine can */
    struct str like;     /* a LIKE pattern, any case; "" all */
    struct str near;     /* "", or a name: the most alike come first */
    uint64_t offset;
    uint32_t limit; /* 0: none */
};

MUST_USE bool catalog_put_list(
    struct buf *out, enum sql_dialect_id dialect, const struct catalog_query *query);

/*
 * Columns of relations by exact names: relation, database, schema, kind, relation's comment,
 * column, type, nullable, comment, default; in order of relation and position. "" is the
 * engine's current database or schema. The first @offset rows are left out.
 */
MUST_USE bool catalog_put_columns(struct buf *out, enum sql_dialect_id dialect,
    struct str database, struct str schema, const struct str *names, uint32_t name_count,
    uint64_t offset);

/* "database"."schema"."name", leaving out what is "". */
void catalog_put_name(struct buf *out, enum sql_dialect_id dialect, struct str database,
    struct str schema, struct str name);

/* A statement whose one row is the context: role, warehouse, database, schema (or null). */
MUST_USE bool catalog_put_context(struct buf *out, enum sql_dialect_id dialect);

/* The schema a database is entered with: main, PUBLIC, public; "" for none. */
struct str catalog_default_schema(enum sql_dialect_id dialect);
