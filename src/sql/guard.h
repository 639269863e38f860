// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Says what a text would do, and whether it is exactly one statement of an allowed class.
 * The whole text is looked at and whatever is not understood is refused. This is the
 * first line only: behind it stand the engine's own rights and modes. docs/guard.md says
 * more.
 */
#include "base/str.h"

enum sql_dialect_id {
    SQL_DUCKDB,
    SQL_SNOWFLAKE,
    SQL_POSTGRESQL,
    SQL_SQLITE,
};

enum guard_class {
    GUARD_SELECT,
    GUARD_SHOW,
    GUARD_DESCRIBE,
    GUARD_EXPLAIN,
    GUARD_USE,
    GUARD_DML, /* also locks, and what readies a transaction for writing */
    GUARD_DDL,
    GUARD_SESSION, /* temporary tables and views, variables, prepared statements */
    GUARD_TRANSACTION,
    GUARD_CALL,
    GUARD_AI,       /* a read whose functions spend credits on a model */
    GUARD_ADMIN,    /* files, extensions, secrets, settings, the engine itself */
    GUARD_MULTIPLE, /* more than one statement */
    GUARD_UNKNOWN,  /* not understood */
    GUARD_EMPTY,
};

#define GUARD_BIT(cls) (1u << (cls))

/* Sets of classes. None has GUARD_USE, GUARD_CALL, GUARD_AI or those behind it. */
extern const uint32_t guard_read_only;     /* reads */
extern const uint32_t guard_session_state; /* and GUARD_SESSION, GUARD_TRANSACTION */
extern const uint32_t guard_read_write;    /* and GUARD_DML, GUARD_DDL */

/* What a statement leaves on its connection. */
enum guard_effect {
    GUARD_BEGINS = 1, /* a transaction */
    GUARD_ENDS = 2,   /* a transaction is over; both: the next one has begun */
    GUARD_TEMPORARY = 4,
    GUARD_VARIABLE = 8,
    GUARD_PREPARES = 16,
};

/*
 * A text is allowed when everything in it is of allowed classes. When several things
 * speak against it the gravest is told: not understood, then a second statement, then
 * admin and call, then the others; the first of equals. An allowed text has the gravest
 * class of what is in it.
 */
struct guard_verdict {
    bool allowed;
    enum guard_class cls;
    const char *reason; /* static text; NULL when allowed */
    struct str found;   /* offending word, points into the text; may be empty */
    uint32_t line;      /* from 1, of the offending word; 0 when allowed */
    uint32_t column;    /* characters, from 1 */
    uint32_t offset;    /* bytes, from 0 */
    uint32_t end;       /* bytes of the statement, without a semicolon and what follows it */
    unsigned effects;   /* enum guard_effect; also where only the class is refused */
    bool volatile_or_stateful; /* the answer depends on more than the stored data */
    struct str use_catalog;    /* raw names of a lone USE x.y or USE x (x here, as the */
    struct str use_schema;     /* engine decides what it names); else empty */
};

/* @classes: bits of those that may pass; the last three of them never do. */
struct guard_verdict guard_check(
    enum sql_dialect_id id, uint32_t classes, struct str sql);

/* A stable name: "select", "dml", … */
const char *guard_class_name(enum guard_class cls);

/* "read_only", "session_state", "read_write", each also with "+ai"; false for other names. */
bool guard_policy_find(struct str name, uint32_t *ret_classes);
