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

/*
 * A message of the file as it stands there, checked: @row 0 to spool_reader_rows() lie in
 * pieces, *ret_next is the first row of the next one. The caller frees it; NULL: as
 * above.
 */
char *spool_reader_piece(
    struct spool_reader *reader, uint64_t row, size_t *ret_len, uint64_t *ret_next);
char *spool_reader_head(struct spool_reader *reader, size_t *ret_len); /* the schema */

/* A sentence; of the last failure. */
const char *spool_reader_error(const struct spool_reader *reader);
