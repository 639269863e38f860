// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The database as the writer thread sees it: open, commit a group, close. Blocks, and
 * belongs to one thread at a time.
 */
#include "store/write.h"

struct writer;

/* See store_open() and store_load_sessions(). */
MUST_USE bool writer_open(
    struct writer **ret, const char *path, char *err, size_t err_size);
MUST_USE bool writer_load_sessions(
    struct writer *writer, store_session_fn each, void *ctx, char *err, size_t err_size);

/*
 * All of @group in its order, as one transaction. False: nothing of it was written; the
 * reason was logged, unless that happened a moment ago.
 */
MUST_USE bool writer_commit(struct writer *writer, const struct write_queue *group);

/* Moves the log into the file, closes, frees. */
void writer_close(struct writer *writer);
