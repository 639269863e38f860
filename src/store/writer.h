// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The database as the writer thread sees it: open, do jobs, close. Blocks, and
 * belongs to one thread at a time.
 */
#include "store/job.h"

struct writer;

/* See store_open(), store_load_sessions() and store_load_quotas(). */
MUST_USE bool writer_open(
    struct writer **ret, const char *path, char *err, size_t err_size);
MUST_USE bool writer_load_sessions(
    struct writer *writer, store_session_fn each, void *ctx, char *err, size_t err_size);
MUST_USE bool writer_load_quotas(struct writer *writer, uint32_t day, store_quota_fn each,
    void *ctx, char *err, size_t err_size);

/*
 * Does all of @run, which is of one sort (see job_queue_take_run()), in its order, and
 * keeps the outcome in each job. Writes are one transaction: all are written or none. The
 * reason of a failure is logged, unless that happened a moment ago.
 */
void writer_do(struct writer *writer, const struct job_queue *run);

/* Moves the log into the file, closes, frees. */
void writer_close(struct writer *writer);
