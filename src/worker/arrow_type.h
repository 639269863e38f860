// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What an Arrow format string and metadata say, and the names SQL engines have for it. */
#include <arrow-adbc/adbc.h>

#include "base/buf.h"

enum arrow_kind {
    ARROW_UNKNOWN,
    ARROW_NULL,
    ARROW_BOOL,
    ARROW_INT,
    ARROW_UINT,
    ARROW_FLOAT,
    ARROW_DECIMAL,
    ARROW_TEXT,
    ARROW_BINARY,
    ARROW_DATE,
    ARROW_TIME,
    ARROW_TIMESTAMP,
    ARROW_DURATION,
    ARROW_INTERVAL_MONTHS,
    ARROW_INTERVAL_DAYS,
    ARROW_INTERVAL_FULL,
    ARROW_LIST,
    ARROW_STRUCT,
    ARROW_MAP,
    ARROW_UNION,
    ARROW_RUNS,
};

enum arrow_layout {
    ARROW_OFFSETS_32,
    ARROW_OFFSETS_64,
    ARROW_VIEW_32, /* views: of text and binary, of lists with 32-bit offsets */
    ARROW_VIEW_64,
    ARROW_FIXED,  /* @width bytes or elements each */
    ARROW_SPARSE, /* unions */
    ARROW_DENSE,
};

/* What a value of that kind means to its engine, as the field's metadata says. */
enum arrow_extension {
    ARROW_PLAIN,
    ARROW_BOOL8,
    ARROW_UUID,
    ARROW_HUGEINT, /* these two: a decimal of scale 0 */
    ARROW_UHUGEINT,
    ARROW_BIGNUM, /* these three: of DuckDB */
    ARROW_BITS,
    ARROW_ZONED_TIME,
    ARROW_PG_BITS, /* these: of PostgreSQL, as its binary protocol has them */
    ARROW_PG_ZONED_TIME,
    ARROW_PG_INET,
    ARROW_PG_NUMBER,
    ARROW_PG_TID,
    ARROW_PG_LSN,
    ARROW_PG_MAC,
    ARROW_PG_POINT,
    ARROW_JSON, /* a text */
    ARROW_XML,  /* bytes of a text, whose kind is ARROW_TEXT */
};

struct arrow_type {
    enum arrow_kind kind;
    enum arrow_layout layout;
    enum arrow_extension extension;
    int width;        /* bytes of one value; elements of a fixed-size list */
    int precision;    /* decimals */
    int scale;        /* decimals */
    int64_t per_unit; /* times: parts of a second; 0 for days */
    const char *tail; /* zone of a timestamp, type ids of a union; else "" */
};

/* How values of @format are stored. */
struct arrow_type arrow_type_parse(const char *format);

/* The same, and what the metadata says about them. */
struct arrow_type arrow_type_of(const struct ArrowSchema *schema);

/* A value of the field's metadata; "" when there is none. */
struct str arrow_metadata(const struct ArrowSchema *schema, struct str key);

/* Has the field, or a part of it, a type whose values are shown as a driver's bytes? */
bool arrow_is_opaque(const struct ArrowSchema *schema);

/*
 * The engine's own name of a field's type where the metadata has it, else the SQL name:
 * BIGINT, DECIMAL(12,2), VARCHAR[], ...
 */
void arrow_put_type_name(struct buf *out, const struct ArrowSchema *schema);
