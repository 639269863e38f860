// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Inside of the catalogue statements: what differs between engines, and their common
 * parts. */
#include "sql/catalog.h"

/*
 * Relations that yield "name", "kind", "database", "schema", "comment" and "rows" as far
 * as their kind has them. '@' stands for the database and a dot, where one is given.
 */
struct catalog_dialect {
    const char *databases;
    const char *schemas;
    const char *tables;
    const char *views;
    const char *semantic_views; /* like views; NULL: the engine has none */
    /* "database", "schema", "relation", "at", "column", "type", "nullable", "comment",
     * "default"; NULL where the dialect is not known here */
    const char *columns;
    const char *current_database;
    const char *current_schema; /* NULL: schemas are no part of names */
    const char *context;
    const char *explain;  /* before a SELECT */
    bool has_roles; /* that a session takes on; and warehouses */
    bool explains_bytes;
    const char *default_schema;
    const char *like;
    const char *distance; /* of lower-case names, as a function; NULL: by length */
    bool backslash;       /* in literals */
    bool folds;           /* names that differ in case alone name the same */
    const char *has;      /* a function of a text and a part of it: a place or a truth */
    bool has_place;       /* the first: 0 is nowhere */
    char plain_from;      /* names of letters from here on, digits and _ need no quotes */
    char plain_to;
};

const struct catalog_dialect *catalog_dialect_of(enum sql_dialect_id id);

void catalog_put_literal(
    struct buf *out, const struct catalog_dialect *dialect, struct str text);

/* A bracketed source, its '@' replaced. */
void catalog_put_source(struct buf *out, const char *source, struct str database);

/* All of those that are there, one after the other, bracketed. */
void catalog_put_sources(
    struct buf *out, const char *const *sources, size_t count, struct str database);

/* Tables and views. */
void catalog_put_relations(
    struct buf *out, const struct catalog_dialect *dialect, struct str database);

/* The column is this value, in any case where the engine does not tell it. */
void catalog_put_equal(struct buf *out, const struct catalog_dialect *dialect,
    const char *column, struct str value);

/* Equal in any case first, then by the engine's distance. With a comma behind it. */
void catalog_put_nearness(
    struct buf *out, const struct catalog_dialect *dialect, struct str near);
