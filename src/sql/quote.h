// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Names and literals on their way into SQL and back. Standard quoting: right for names
 * everywhere, for literals where backslash is plain text (not Snowflake: see below).
 */
#include "base/buf.h"

enum { NAME_PARTS_MAX = 3 };

struct name_parts {
    struct str part[NAME_PARTS_MAX]; /* unescaped; point into the caller's buffer */
    bool quoted[NAME_PARTS_MAX];
    size_t count;
};

/* "name" with inner quotes doubled. A NUL inside marks @buf as failed. */
void quote_identifier(struct buf *buf, struct str name);

/* 'text' with inner quotes doubled, for DuckDB, PostgreSQL, SQLite. NUL as above. */
void quote_literal(struct buf *buf, struct str text);

/* The same for Snowflake, where backslashes escape and so are doubled. */
void quote_literal_backslash(struct buf *buf, struct str text);

/*
 * Splits a, a.b or a.b.c; "…" holds anything with "" for a quote. @scratch of at least
 * @text.len bytes receives the parts. False for empty parts, more than three, text after
 * a closing quote, quotes or blanks inside a bare part, NUL, or a small @scratch.
 */
bool name_split(struct str text, char *scratch, size_t scratch_size,
                struct name_parts *ret_parts);
