// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the guard must know of an engine's SQL, as tables. */
#include "sql/guard.h"

enum sql_dialect_flag {
    SQL_FILE_RELATIONS = 1 << 0, /* FROM 'file' and FROM "file.csv" read files */
    SQL_STAGES = 1 << 1,         /* @stage is a place for files */
    SQL_PIPES = 1 << 2,          /* ->> chains whole statements */
    SQL_TABLE_CALLS = 1 << 3,    /* FROM f() may run a procedure: known ones only */
    SQL_DOT_NEXTVAL = 1 << 4,    /* seq.NEXTVAL draws from a sequence */
    SQL_ROW_LOCKS = 1 << 5,      /* SELECT … FOR UPDATE */
    SQL_PATHS = 1 << 6,          /* a:b and a!b: what follows is no keyword, no operand */
    SQL_STRING_NAMES = 1 << 7,   /* FROM 'name' is FROM "name" */
    SQL_TEMP_SCHEMA = 1 << 8,    /* temp.x (or pg_temp.x) can only be temporary */
    SQL_TEMP_CATALOG = 1 << 9,   /* temp.schema.x can only be temporary */
    SQL_INTO_TEMP = 1 << 10,     /* SELECT … INTO TEMP x */
    SQL_REPLACE_ANY = 1 << 11,   /* OR REPLACE TEMP might replace a lasting object */
    SQL_BLOCKS = 1 << 12,        /* BEGIN also opens a block of statements */
    SQL_VARIABLES = 1 << 13,     /* SET a = 1 sets a variable, not a setting */
    SQL_DOTTED_VARIABLES = 1 << 14, /* SET a.b = 1 does */
    SQL_DOT_CALLS = 1 << 15,        /* (x).f is f(x) */
};

/* A statement's first word; @reason is NULL for reads. */
struct sql_lead {
    struct str word;
    enum guard_class cls;
    const char *reason;
};

/* @name may end in '*'; the first match counts and a NULL reason there allows. */
struct sql_name {
    struct str name;
    const char *reason;
    enum guard_class cls;
};

/* Tables end with an entry without a name, and may be NULL. */
struct sql_dialect {
    const char *name;
    unsigned lex_flags; /* enum sql_lex_flag */
    unsigned flags;     /* enum sql_dialect_flag */
    const struct sql_lead *leads;
    const struct sql_name *functions;      /* forbidden when called */
    const struct sql_name *owners;         /* schemas whose functions are forbidden */
    const struct sql_name *relations;      /* forbidden after FROM */
    const struct sql_name *bare_relations; /* without a schema before them */
    const struct sql_name *usage_owners;   /* behind these schemas, */
    const struct sql_name *usage;          /* these are */
    const struct sql_name *table_calls;    /* allowed in FROM f() and TABLE(f()) */
    const struct sql_name *catalog_calls;  /* those of INFORMATION_SCHEMA */
    const struct sql_name *volatile_names; /* differ from call to call or by session */
    const struct sql_name *pragmas;        /* that only read */
};

const struct sql_dialect *sql_dialect(enum sql_dialect_id id);

/* The entry for @word or NULL. */
const struct sql_lead *sql_find_lead(const struct sql_lead *leads, struct str word);

/* The entry for @name (any case) or NULL; @names may be NULL. */
const struct sql_name *sql_find_name(const struct sql_name *names, struct str name);
