// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A spool file (see spool_format.h) opened for reading rows at any place. What the file
 * says is checked: a damaged or foreign one gives an error, whatever it holds.
 */
#include <arrow-adbc/adbc.h>

#include "base/assert.h"
#include "base/str.h"

struct spool_reader;

/* NULL: no memory. */
struct spool_reader *spool_reader_new(void);
void spool_reader_free(struct spool_reader *reader); /* NULL is fine */

/* Once. Only regular files are opened. False: spool_reader_error() says why. */
bool spool_reader_open(struct spool_reader *reader, struct str path) MUST_USE;

/* Of an open reader; the schema lives as long as the reader. */
uint64_t spool_reader_rows(const struct spool_reader *reader);
const struct ArrowSchema *spool_reader_schema(const struct spool_reader *reader);

/*
 * Some rows from @row (below spool_reader_rows()) on; the caller releases the batch.
 * False: spool_reader_error() says why.
 */
bool spool_reader_load(
    struct spool_reader *reader, uint64_t row, struct ArrowArray *ret_batch) MUST_USE;

/* A sentence; of the last failure. */
const char *spool_reader_error(const struct spool_reader *reader);
