// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the guard must know of an engine's SQL, as tables. DuckDB is complete (1.5);
 * Snowflake, PostgreSQL and SQLite refuse more than they need to.
 */
#include "sql/guard.h"

enum sql_dialect_flag {
    SQL_FILE_RELATIONS = 1 << 0, /* FROM 'file' and FROM "file.csv" read files */
    SQL_STAGES = 1 << 1,         /* FROM @stage */
    SQL_PIPES = 1 << 2,          /* ->> chains whole statements */
    SQL_TABLE_CALLS = 1 << 3,    /* TABLE(f()) may run a procedure: known ones only */
    SQL_DOT_NEXTVAL = 1 << 4,    /* seq.NEXTVAL draws from a sequence */
    SQL_ROW_LOCKS = 1 << 5,      /* SELECT … FOR UPDATE */
};

/* A statement's first word; @reason is NULL for reads. */
struct sql_lead {
    const char *word;
    enum guard_class cls;
    const char *reason;
};

/* @name may end in '*'; the first match counts and a NULL reason there allows. */
struct sql_name {
    const char *name;
    const char *reason;
};

struct sql_dialect {
    const char *name;
    unsigned lex_flags; /* enum sql_lex_flag */
    unsigned flags;     /* enum sql_dialect_flag */
    const struct sql_lead *leads;
    const struct sql_name *functions;  /* forbidden when called */
    const struct sql_name *relations;  /* forbidden after FROM */
    const struct sql_name *table_calls; /* allowed in TABLE(…) */
    const struct sql_name *volatile_names; /* differ from call to call or by session */
};

const struct sql_dialect *sql_dialect(enum sql_dialect_id id);

/* The entry for @word or NULL. */
const struct sql_lead *sql_find_lead(const struct sql_lead *leads, struct str word);

/* The entry for @name (any case) or NULL; @names may be NULL. */
const struct sql_name *sql_find_name(const struct sql_name *names, struct str name);
