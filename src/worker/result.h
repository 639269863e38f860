// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is kept of a statement's rows: the first page, their number and, when it is wanted
 * and the page does not hold everything, a spool.
 */
#include "wire/wire.h"
#include "worker/arrow_check.h"
#include "worker/arrow_json.h"

struct spool;

struct result {
    struct buf columns;
    struct arrow_page page;
    int64_t total_rows;  /* -1: unknown */
    struct spool *spool; /* NULL: none is wanted, or none can be had */
    uint64_t spool_bytes;
    enum wire_cap spool_cap; /* of one that was dropped */
    int spool_errno;
    char trouble[ARROW_WHY_SIZE]; /* a sentence, after a refusal */
};

enum result_fate {
    RESULT_MORE,
    RESULT_ENOUGH,  /* nothing beyond is wanted: cancel the statement */
    RESULT_REFUSED, /* see trouble */
};

/* @limits stands before the EXEC's rows_max; reads to the EXEC's end. */
void result_init(struct result *result, struct wire_reader *limits);

/* Removes the spool's file, unless result_keep() was called. */
void result_free(struct result *result);

/* Removes the spool's file; why it was capped is kept. */
void result_drop_spool(struct result *result);

/* False: columns that cannot be shown, see trouble. */
bool result_begin(struct result *result, const struct ArrowSchema *schema) MUST_USE;

/* Takes @batch over. @schema is borrowed until result_end(). */
enum result_fate result_add(struct result *result, const struct ArrowSchema *schema,
    struct ArrowArray *batch) MUST_USE;

/* False: no memory for the page. */
bool result_end(struct result *result) MUST_USE;

/* After result_end(): a statement without columns tells how many rows it changed instead. */
void result_tell_affected(struct result *result, int64_t rows);

/* Appends the PAGE; false: it does not fit. */
bool result_put(const struct result *result, uint64_t call, uint64_t started_ns,
    struct buf *out) MUST_USE;

/* The PAGE was sent: its spool belongs to the daemon. */
void result_keep(struct result *result);
