// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Says whether a text is exactly one statement that only reads. The whole text is
 * looked at and whatever is not understood is refused. This is the first line only:
 * behind it stand the engine's own rights and modes.
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
    GUARD_DML,
    GUARD_DDL,
    GUARD_SESSION,
    GUARD_TRANSACTION,
    GUARD_CALL,
    GUARD_ADMIN,    /* files, extensions, secrets, the engine itself */
    GUARD_MULTIPLE, /* more than one statement */
    GUARD_UNKNOWN,  /* not understood */
    GUARD_EMPTY,
};

/*
 * When several things speak against a text the gravest is told: not understood, then
 * a second statement, then admin and call, then the others; the first of equals. So a
 * lone INSERT is GUARD_DML only if it is the whole text and calls nothing forbidden,
 * and a policy may allow it by its class.
 */
struct guard_verdict {
    bool allowed;
    enum guard_class cls;
    const char *reason; /* static text; NULL when allowed */
    struct str found;   /* offending word, points into the text; may be empty */
    uint32_t line;      /* from 1, of the offending word; 0 when allowed */
    uint32_t column;    /* characters, from 1 */
    uint32_t offset;    /* bytes, from 0 */
    bool volatile_or_stateful; /* the answer depends on more than the stored data */
    struct str use_catalog; /* raw names of a lone USE x.y or USE x (x here, as the */
    struct str use_schema;  /* engine decides what it names); else empty */
};

struct guard_verdict guard_check(enum sql_dialect_id id, struct str sql);

/* A stable name: "select", "dml", … */
const char *guard_class_name(enum guard_class cls);
