// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The database as the writer thread sees it: open, do jobs, close. Blocks, and
 * belongs to one thread at a time.
 */
#include "store/job.h"

struct writer;

/* See store_open() and the loads of the store. */
MUST_USE bool writer_open(
    struct writer **ret, const char *path, char *err, size_t err_size);
MUST_USE bool writer_load_sessions(
    struct writer *writer, store_session_fn each, void *ctx, char *err, size_t err_size);
MUST_USE bool writer_load_accounts(struct writer *writer, uint32_t first_day,
    store_account_fn each, void *ctx, char *err, size_t err_size);
MUST_USE bool writer_load_queries(
    struct writer *writer, store_query_fn each, void *ctx, char *err, size_t err_size);
MUST_USE bool writer_load_results(
    struct writer *writer, store_result_fn each, void *ctx, char *err, size_t err_size);
MUST_USE bool writer_load_stop(
    struct writer *writer, enum store_stop *ret, char *err, size_t err_size);

/*
 * Does all of @run, which is of one sort (see job_queue_take_run()), in its order, and
 * keeps the outcome in each job. Writes are one transaction: all are written or none. The
 * reason of a failure is logged, unless that happened a moment ago.
 */
void writer_do(struct writer *writer, const struct job_queue *run);

/* @clean: the stop was; it is recorded unless a write failed. */
void writer_stop(struct writer *writer, bool clean);

/* Moves the log into the file, closes, frees. */
void writer_close(struct writer *writer);
