// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A job of the writer thread: a write or a read of one row, and whom to tell. Another
 * kind of row needs a step in schema.c, a kind and a member here, and in job.c a
 * constructor and a line of the table of kinds.
 */
#include <sqlite3.h>

#include "store/store.h"

enum job_kind {
    JOB_PUT_SESSION,
    JOB_DROP_SESSION,
    JOB_GET_SESSION,
    JOB_PUT_ACCOUNT,
    JOB_PUT_QUERY,
    JOB_DROP_QUERY,
    JOB_PUT_RESULT,
    JOB_DROP_RESULT,
    JOB_TRY, /* a write of nothing, see store_try() */
    JOB_KINDS,
};

struct job {
    struct job *next;
    store_done_fn done;   /* of a write, or NULL */
    store_session_fn got; /* of a read */
    void *ctx;
    bool ok;                   /* a write: committed, */
    bool is_proof;             /* and its group changed the file: it can be written */
    struct store_session *row; /* a read: what was found, or NULL; freed with the job */
    enum job_kind kind;
    union {
        struct store_session session; /* PUT_SESSION */
        struct str handle;            /* DROP_.., GET_SESSION */
        struct store_account account; /* PUT_ACCOUNT */
        struct store_query query;     /* PUT_QUERY */
        struct store_result result;   /* PUT_RESULT */
    };
    char bytes[]; /* of all its strings */
};

/* Each ends with job_answer(). NULL: no memory. */
struct job *job_put_session(
    const struct store_session *session, store_done_fn done, void *ctx);
struct job *job_drop(
    enum job_kind kind, struct str handle, store_done_fn done, void *ctx);
struct job *job_get_session(struct str handle, store_session_fn got, void *ctx);
struct job *job_put_account(
    const struct store_account *account, store_done_fn done, void *ctx);
struct job *job_put_query(const struct store_query *query, store_done_fn done, void *ctx);
struct job *job_put_result(
    const struct store_result *result, store_done_fn done, void *ctx);
struct job *job_try(void);

/* Tells who waits for it, then frees. */
void job_answer(struct job *job);

static inline bool job_is_read(const struct job *job)
{
    return job->kind == JOB_GET_SESSION;
}

/* Does anybody wait for it? If not, it may linger. */
static inline bool job_is_awaited(const struct job *job)
{
    return job->done || job->got;
}

/* The statement of @kind, with marks that job_bind() fills; returns SQLite's code. */
const char *job_sql(enum job_kind kind);
int job_bind(const struct job *job, sqlite3_stmt *stmt);

/* First in, first out. */
struct job_queue {
    struct job *first;
    struct job *last;
    uint32_t len;
};

static inline void job_queue_push(struct job_queue *queue, struct job *job)
{
    ASSERT(!job->next);
    if (queue->first) {
        queue->last->next = job;
    } else {
        queue->first = job;
    }
    queue->last = job;
    queue->len++;
}

static inline struct job *job_queue_pop(struct job_queue *queue)
{
    struct job *job = queue->first;
    if (job) {
        queue->first = job->next;
        queue->len--;
        job->next = NULL;
    }
    return job;
}

/* Takes from the front what is of one sort, writes or reads; empty only if @queue is. */
static inline struct job_queue job_queue_take_run(struct job_queue *queue)
{
    struct job_queue run = {0};
    while (queue->first &&
           (!run.first || job_is_read(queue->first) == job_is_read(run.first))) {
        job_queue_push(&run, job_queue_pop(queue));
    }
    return run;
}

/* Moves all of @from behind @queue. */
static inline void job_queue_append(struct job_queue *queue, struct job_queue *from)
{
    if (from->first) {
        if (queue->first) {
            queue->last->next = from->first;
        } else {
            queue->first = from->first;
        }
        queue->last = from->last;
        queue->len += from->len;
        *from = (struct job_queue){0};
    }
}
