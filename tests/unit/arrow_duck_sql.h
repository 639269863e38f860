// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Random tables of DuckDB's types, as SQL. */
#include "base/buf.h"
#include "base/rng.h"

enum {
    DUCK_ROWS = 12
};

enum leaf {
    BOOL,
    INTEGER, /* shown as numbers or strings, by value */
    SCALED,
    FLOAT,
    DOUBLE,
    TEXT,
    BLOB,
    BITS,
    DATE,
    TIME,
    TIME_ZONED,
    MOMENT,
    MOMENT_ZONED,
    INTERVAL,
    UNION,
};

struct leaf_type {
    const char *name;
    enum leaf leaf;
    bool needs_lossless; /* else the driver loses a part of the value */
};

enum nest {
    NEST_NONE,
    NEST_LIST,
    NEST_ARRAY,
    NEST_STRUCT,
    NEST_MAP,
};

struct type {
    enum nest nest;
    const struct leaf_type *leaf;
    struct type *children[2];
};

/* Of DuckDB's types, nested ones too; without @is_lossless those that its driver keeps
 * whole. */
struct type *duck_type(struct rng *rng, bool is_lossless);
void duck_type_free(struct type *type);

/* The type's name; @is_text: that of the same nest of texts. */
void duck_put_type(struct buf *sql, const struct type *type, bool is_text);

/*
 * A statement of DUCK_ROWS rows that has each column twice: as it is, and as DuckDB's
 * text of it; of nested types the text is JSON of texts.
 */
void duck_put_select(
    struct buf *sql, struct type *const types[], uint64_t count, struct rng *rng);
