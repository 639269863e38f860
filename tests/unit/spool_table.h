// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Odd Arrow tables, and a spool file they are written to and read from in-process. */
#include <nanoarrow/nanoarrow.h>

#include "wire/wire.h"
#include "worker/arrow_json.h"

enum {
    FRAME_MAX = WIRE_PAYLOAD_MAX + WIRE_HEADER_SIZE,
    PAGE_BYTES = 1024 * 1024,
    CHARS = 100000,
    TABLE_ROWS = 21,
};

#define OK(expr) assert_int_equal((expr), NANOARROW_OK)

struct table {
    struct ArrowSchema schema;
    struct ArrowArray batch;
};

extern char spool_path[];

struct ArrowSchema *table_schema(struct table *table, int64_t columns);
struct ArrowArray *table_open(struct table *table);
void table_close(struct table *table, int64_t rows);

/* One FETCH or CELL for that file; the frame stays in @out. */
struct wire_frame spool_fetch(uint64_t row, uint32_t rows, struct buf *out);
struct wire_frame spool_cell(uint64_t row, uint32_t column, struct buf *out);

/* @frame is a PAGE with these. */
void assert_page(const struct wire_frame *frame, struct str columns, struct str rows);

/* The page of @count rows from @start on, as a running statement would show it. */
void live_page(
    const struct table *table, int64_t start, int64_t count, struct arrow_page *page);

/* Spools the batch @copies times over. */
void spool_write(const struct table *table, int copies);

/* Tables of 21 rows with nulls, and at least ten ways to store them. */
void numbers_make(struct table *table);
void texts_make(struct table *table);
void lists_make(struct table *table);
/* A struct of those lists, a zoned timestamp with metadata, decimals, unions, maps. */
void many_make(struct table *table);
void dictionaries_make(struct table *table);
void runs_make(struct table *table);
void unions_make(struct table *table, enum ArrowType type);

/* For the group: makes the directory of spool_path, and removes it. */
int spool_set_up(void **state);
int spool_tear_down(void **state);
