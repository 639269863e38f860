// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Arrow arrays to JSON text, in bounded memory. Exact: decimals and 64-bit integers never
 * pass through a double. The forms:
 *   integers, decimals of scale 0  numbers within +-(2^53-1), by value, else strings
 *   decimals with a scale          strings, always with all their digits
 *   floats                         shortest digits that read back the same; "NaN",
 *                                  "Infinity", "-Infinity"
 *   dates, times, timestamps       ISO 8601 without trailing zeros of the fraction; a
 * type with a zone is shown at its fixed offset, or in UTC (Z) when the zone is a name;
 * "infinity", "-infinity" where engines keep the last number of a unit for that
 *   intervals, durations           ISO 8601 durations
 *   binary                         lower-case hex
 *   list, struct, map              a string of JSON text; a map is an object, or pairs
 * when its keys are not text; a struct without names is an array; a union is its present
 * member
 *   arrow.uuid, bool8, json        as UUID, BOOLEAN and text
 *   DuckDB's own types             hugeint, uhugeint, bignum as integers, bit as zeros
 * and ones, time_tz as a time with its offset
 *   PostgreSQL's own types         bit, timetz, inet and xml as texts; others that its
 * driver hands over as they came are binary
 *
 * What cannot be shown is refused by arrow_check_schema() (see arrow_check.h) before.
 */
#include <arrow-adbc/adbc.h>

#include "base/buf.h"

enum {
    ARROW_PAGE_BYTES_MAX = 1024 * 1024,
    /* These three fit one frame; some 75 bytes for each of 10,000 columns. */
    ARROW_COLUMNS_MAX = 768 * 1024,
    ARROW_ROWS_MAX = 1120 * 1024,
    ARROW_CUTS_MAX = 128 * 1024,
};

struct arrow_column;

struct arrow_page {
    uint32_t rows_max;
    uint32_t page_bytes;
    uint32_t cell_chars;
    struct buf rows;              /* [[..],..] after arrow_page_end() */
    struct buf cuts;              /* [[row,column,bytes],..] of the whole texts */
    struct buf scratch;           /* one nested cell */
    struct arrow_column *columns; /* of the first batch's schema */
    uint32_t row_count;
    bool full;    /* takes no more rows */
    bool has_cut; /* some cell was cut */
};

/* Zero limits mean one row, no bytes beyond it, and cells without text. */
void arrow_page_init(
    struct arrow_page *page, uint32_t rows_max, uint32_t page_bytes, uint32_t cell_chars);
void arrow_page_free(struct arrow_page *page);

/*
 * Takes rows of a record batch until the page is full; all batches have one schema.
 * False: no memory, or the first row does not fit into any page, however short its cells
 * are cut.
 */
bool arrow_page_add(struct arrow_page *page, const struct ArrowSchema *schema,
    const struct ArrowArray *batch) MUST_USE;
bool arrow_page_has_cuts(const struct arrow_page *page); /* so far */
bool arrow_page_end(struct arrow_page *page) MUST_USE;

/* [{"name":..,"type":..},..]; types as SQL engines call them; and "opaque":true where the
 * values are bytes of a type that only the engine can read. */
void arrow_put_columns(struct buf *out, const struct ArrowSchema *schema);

/* One value as JSON; nested values inline, nothing is cut. */
void arrow_put_value(struct buf *out, const struct ArrowSchema *schema,
    const struct ArrowArray *array, int64_t row);

/*
 * At most @bytes_max bytes of that JSON from byte @skip on, in memory for those and
 * little more; returns the size of all of it.
 */
uint64_t arrow_put_part(struct buf *out, const struct ArrowSchema *schema,
    const struct ArrowArray *array, int64_t row, uint64_t skip, size_t bytes_max);

/* The text of a string value (through dictionaries, unions, runs); false when not text.
 */
bool arrow_text(const struct ArrowSchema *schema, const struct ArrowArray *array,
    int64_t row, struct str *ret_text);
