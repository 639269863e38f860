// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The rows of one result on their way into a file (see spool_format.h) in bounded memory:
 * the batches of the first page, one batch more and one piece. The file exists from the
 * first write on, mode 0600, and only if nothing was at its path before.
 */
#include <arrow-adbc/adbc.h>

#include "base/assert.h"
#include "base/str.h"
#include "wire/wire.h"

struct spool;

/* NULL: no memory, a NUL in @path, or nothing may be spooled (a limit or @path is empty).
 */
struct spool *spool_new(struct str path, uint64_t rows_max, uint64_t bytes_max);

/* Removes the file, unless spool_keep() was called. NULL is fine. */
void spool_free(struct spool *spool);

/*
 * Takes @batch over. Batches are held until one comes with @is_needed, from then on all
 * are written. False: no spool can be had (a type that IPC cannot hold, a file that cannot
 * be made, no memory), see spool_cap(); free it. A disk that is full later caps it. @schema
 * is borrowed until the last call.
 */
bool spool_add(struct spool *spool, const struct ArrowSchema *schema,
    struct ArrowArray *batch, bool is_needed) MUST_USE;

/* Rows taken for the file; fewer than were added once a limit was reached. */
uint64_t spool_rows(const struct spool *spool);
enum wire_cap spool_cap(const struct spool *spool);
int spool_errno(const struct spool *spool); /* of WIRE_CAP_DISK */

/*
 * Completes the file; where the disk has no room for that, with fewer rows. False as above.
 * *ret_bytes is the file's size, 0 without a file, since no batch was needed or no row
 * fits.
 */
bool spool_end(struct spool *spool, uint64_t *ret_bytes) MUST_USE;
void spool_keep(struct spool *spool);
