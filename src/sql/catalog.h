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
    CATALOG_VIEWS,     /* name, database, schema, comment, kind: view or semantic_view */
    CATALOG_RELATIONS, /* name, kind, database, schema, comment: tables and views */
};

struct catalog_query {
    enum catalog_kind kind;
    struct str database; /* "" all, where the engine can */
    struct str schema;   /* "" all, where the engine can */
    struct str like;     /* a LIKE pattern, any case; "" all */
    struct str near;     /* "", or a name: the most alike come first */
    bool semantic;       /* VIEWS: with semantic views, where the engine may have them */
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

/* What a search is for. */
enum catalog_wanted {
    CATALOG_ANY, /* tables, views and semantic views */
    CATALOG_A_TABLE,
    CATALOG_A_VIEW,
    CATALOG_A_COLUMN,
    CATALOG_A_SCHEMA,
    CATALOG_A_DATABASE,
    CATALOG_A_SEMANTIC_VIEW,
};

enum { CATALOG_WORDS_MAX = 8 };

struct catalog_words {
    struct str word[CATALOG_WORDS_MAX];
    uint32_t count; /* 0: everything */
};

/*
 * The words of a pattern: what blanks, '%' and '*' leave. False: they are more than
 * CATALOG_WORDS_MAX.
 */
MUST_USE bool catalog_words(struct str pattern, struct catalog_words *ret);

/* As one name would have them: joined by _. */
void catalog_put_phrase(struct buf *out, const struct catalog_words *words);

struct catalog_search {
    enum catalog_wanted wanted;
    struct str database; /* "" all, where the engine can */
    struct str schema;   /* "" all */
    struct catalog_words words;
    bool semantic; /* with semantic views, where the engine may have them */
    bool nearest;  /* the most alike names instead of those that match */
    bool columns;  /* a row for each column of what is found: a table or view */
    uint64_t offset;
    uint32_t limit;
};

/* Columns of a search's rows. "rank" is the rule that found it, enum catalog_rank. */
enum catalog_found {
    FOUND_NAME,
    FOUND_KIND,
    FOUND_DATABASE,
    FOUND_SCHEMA,
    FOUND_COMMENT,
    FOUND_ROWS,
    FOUND_AT, /* of a column: its relation; of a relation: the column that matched, or "" */
    FOUND_RANK,
    FOUND_COLUMN, /* and the next two: with `columns` */
    FOUND_COLUMN_TYPE,
    FOUND_COLUMN_COMMENT,
};

enum catalog_rank {
    RANK_EXACT,   /* the words are the name, joined by _ */
    RANK_PREFIX,  /* or its beginning */
    RANK_PART,    /* each is a part of it */
    RANK_COMMENT, /* each is a part of name, schema or comment */
    RANK_COLUMN,  /* each is a part of a column, its comment or its relation's name */
    RANK_NEAREST,
};

/*
 * Everything whose name, schema or comment has all the words, in any case; of relations also
 * those with a column that has them. The best first: by rank, then the shortest name.
 */
MUST_USE bool catalog_put_search(
    struct buf *out, enum sql_dialect_id dialect, const struct catalog_search *search);

/* Does the engine have a catalogue in each database only, so that one has to be named? */
bool catalog_is_by_database(enum sql_dialect_id dialect);
/*
 * Of such an engine what can be asked without a database: everything of the account whose name
 * is LIKE @like, or with "" all of it. Rows are the engine's own: name, database_name,
 * schema_name, kind, comment, rows; of columns column_name and table_name.
 */
void catalog_put_show(struct buf *out, enum sql_dialect_id dialect, enum catalog_wanted wanted,
    struct str like);

bool catalog_has_semantic_views(enum sql_dialect_id dialect);

/* A name for reading: quoted only where it has to be, "" for a part leaves it out. */
void catalog_put_shown(struct buf *out, enum sql_dialect_id dialect, struct str database,
    struct str schema, struct str name);

/* "database"."schema"."name", leaving out what is "". */
void catalog_put_name(struct buf *out, enum sql_dialect_id dialect, struct str database,
    struct str schema, struct str name);

/* The engine's EXPLAIN of @sql, which is one SELECT. */
MUST_USE bool catalog_put_explain(struct buf *out, enum sql_dialect_id dialect, struct str sql);

/* Does it say how many bytes would be scanned? */
bool catalog_explains_bytes(enum sql_dialect_id dialect);

/* Are a role and a warehouse parts of a context here? */
bool catalog_has_roles(enum sql_dialect_id dialect);

/* A statement whose one row is the context: role, warehouse, database, schema (or null). */
MUST_USE bool catalog_put_context(struct buf *out, enum sql_dialect_id dialect);

/* As the engine takes a @name without quotes, in place; what needs quotes stays as it is. */
void catalog_fold(enum sql_dialect_id dialect, char *name);

/* The schema a database is entered with: main, PUBLIC, public; "" for none. */
struct str catalog_default_schema(enum sql_dialect_id dialect);
