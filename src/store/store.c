// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/writer.h"

/* Half of the second that is promised, so that the commit has time too. */
#define LINGER_NS (NS_PER_S / 2)

struct store {
    /* The loop thread's. */
    uv_async_t async;
    uv_thread_t thread;
    uint32_t jobs_max;
    uint32_t jobs; /* accepted and not yet answered, wherever they are */
    uint64_t write_failures;
    bool is_failing; /* a write failed, and none was done since */
    bool has_asked;
    bool is_closing;
    void (*closed)(void *ctx);
    void *closed_ctx;

    /* The writer thread's, once a job waits. */
    struct writer *writer;

    /* Of both, under the lock. */
    uv_mutex_t lock;
    uv_cond_t wake; /* of the writer thread */
    struct job_queue waiting;
    struct job_queue finished;
    uint64_t due_ns; /* uv_hrtime() by which `waiting` is to be taken */
    bool is_urgent;  /* take it now */
    bool is_ending;  /* take what waits, then end */
    bool is_clean;   /* as a clean stop */
    bool has_ended;
};

/* ---- the writer thread ---- */

/* Sleeps until there is something to do; an empty group is the end. */
static struct job_queue take_group(struct store *store)
{
    uv_mutex_lock(&store->lock);
    while (!store->is_urgent && !store->is_ending) {
        uint64_t now_ns = uv_hrtime();
        if (!store->waiting.first) {
            uv_cond_wait(&store->wake, &store->lock);
        } else if (now_ns < store->due_ns) {
            (void)uv_cond_timedwait(&store->wake, &store->lock, store->due_ns - now_ns);
        } else {
            break;
        }
    }
    struct job_queue group = store->waiting;
    store->waiting = (struct job_queue){0};
    store->is_urgent = false;
    uv_mutex_unlock(&store->lock);
    return group;
}

static void finish(struct store *store, struct job_queue *run)
{
    uv_mutex_lock(&store->lock);
    job_queue_append(&store->finished, run);
    uv_mutex_unlock(&store->lock);
    uv_async_send(&store->async);
}

static void serve(void *arg)
{
    struct store *store = arg;
    struct job_queue group;
    pthread_setname_np(pthread_self(), "store");
    while ((group = take_group(store)).first) {
        /* A read sees what was committed: what it answers is not taken back. */
        while (group.first) {
            struct job_queue run = job_queue_take_run(&group);
            writer_do(store->writer, &run);
            finish(store, &run);
        }
    }
    writer_stop(store->writer, store->is_clean); /* nobody changes it any more */
    writer_close(store->writer);
    uv_mutex_lock(&store->lock);
    store->has_ended = true;
    uv_mutex_unlock(&store->lock);
    uv_async_send(&store->async);
}

/* ---- the loop thread ---- */

static void free_store(struct store *store)
{
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->lock);
    free(store);
}

static void on_async_closed(uv_handle_t *handle)
{
    struct store *store = handle->data;
    void (*closed)(void *) = store->closed;
    void *ctx = store->closed_ctx;
    free_store(store);
    if (closed) {
        closed(ctx);
    }
}

static void note(struct store *store, const struct job *job)
{
    bool has_failed = !job_is_read(job) && !job->ok;
    store->write_failures += has_failed;
    store->is_failing = has_failed || (store->is_failing && !job->is_proof);
}

static void on_async(uv_async_t *async)
{
    struct store *store = async->data;
    struct job *job;
    uv_mutex_lock(&store->lock);
    struct job_queue finished = store->finished;
    bool has_ended = store->has_ended;
    store->finished = (struct job_queue){0};
    uv_mutex_unlock(&store->lock);
    while ((job = job_queue_pop(&finished))) {
        store->jobs--;
        note(store, job);
        job_answer(job);
    }
    if (has_ended) {
        ASSERT(store->jobs == 0);
        uv_thread_join(&store->thread);
        uv_close((uv_handle_t *)&store->async, on_async_closed);
    }
}

/* Takes @job, which is NULL where memory was short. */
static bool push(struct store *store, struct job *job)
{
    if (!job) {
        return false;
    }
    store->jobs++;
    store->has_asked = true;
    uv_mutex_lock(&store->lock);
    bool was_empty = !store->waiting.first;
    bool was_urgent = store->is_urgent;
    job_queue_push(&store->waiting, job);
    if (was_empty) {
        store->due_ns = uv_hrtime() + LINGER_NS;
    }
    /* What may linger must not fill the queue for what may not. */
    if (job_is_awaited(job) || store->waiting.len > store->jobs_max / 2) {
        store->is_urgent = true;
    }
    if (was_empty || store->is_urgent != was_urgent) {
        uv_cond_signal(&store->wake);
    }
    uv_mutex_unlock(&store->lock);
    return true;
}

static bool has_room(const struct store *store)
{
    return store->jobs < store->jobs_max && !store->is_closing;
}

bool store_put_session(struct store *store, const struct store_session *session,
    store_done_fn done, void *ctx)
{
    return has_room(store) && push(store, job_put_session(session, done, ctx));
}

bool store_drop_session(
    struct store *store, struct str handle, store_done_fn done, void *ctx)
{
    return has_room(store) && push(store, job_drop(JOB_DROP_SESSION, handle, done, ctx));
}

bool store_get_session(
    struct store *store, struct str handle, store_session_fn got, void *ctx)
{
    ASSERT(got);
    return has_room(store) && push(store, job_get_session(handle, got, ctx));
}

bool store_put_account(
    struct store *store, const struct store_account *account, store_done_fn done, void *ctx)
{
    return has_room(store) && push(store, job_put_account(account, done, ctx));
}

bool store_put_query(
    struct store *store, const struct store_query *query, store_done_fn done, void *ctx)
{
    return has_room(store) && push(store, job_put_query(query, done, ctx));
}

bool store_drop_query(
    struct store *store, struct str handle, store_done_fn done, void *ctx)
{
    return has_room(store) && push(store, job_drop(JOB_DROP_QUERY, handle, done, ctx));
}

bool store_put_result(
    struct store *store, const struct store_result *result, store_done_fn done, void *ctx)
{
    return has_room(store) && push(store, job_put_result(result, done, ctx));
}

bool store_drop_result(
    struct store *store, struct str handle, store_done_fn done, void *ctx)
{
    return has_room(store) && push(store, job_drop(JOB_DROP_RESULT, handle, done, ctx));
}

bool store_load_sessions(
    struct store *store, store_session_fn each, void *ctx, char *err, size_t err_size)
{
    ASSERT(!store->has_asked && !store->is_closing);
    return writer_load_sessions(store->writer, each, ctx, err, err_size);
}

bool store_load_accounts(struct store *store, uint32_t first_day, store_account_fn each,
    void *ctx, char *err, size_t err_size)
{
    ASSERT(!store->has_asked && !store->is_closing);
    return writer_load_accounts(store->writer, first_day, each, ctx, err, err_size);
}

bool store_load_queries(
    struct store *store, store_query_fn each, void *ctx, char *err, size_t err_size)
{
    ASSERT(!store->has_asked && !store->is_closing);
    return writer_load_queries(store->writer, each, ctx, err, err_size);
}

bool store_load_results(
    struct store *store, store_result_fn each, void *ctx, char *err, size_t err_size)
{
    ASSERT(!store->has_asked && !store->is_closing);
    return writer_load_results(store->writer, each, ctx, err, err_size);
}

bool store_load_stop(
    struct store *store, enum store_stop *ret, char *err, size_t err_size)
{
    ASSERT(!store->has_asked && !store->is_closing);
    return writer_load_stop(store->writer, ret, err, err_size);
}

uint32_t store_jobs(const struct store *store)
{
    return store->jobs;
}

uint64_t store_write_failures(const struct store *store)
{
    return store->write_failures;
}

bool store_is_failing(const struct store *store)
{
    return store->is_failing;
}

void store_try(struct store *store)
{
    (void)!(has_room(store) && push(store, job_try())); /* no room: others are tried */
}

void store_set_clean(struct store *store)
{
    ASSERT(!store->is_closing);
    uv_mutex_lock(&store->lock);
    store->is_clean = true;
    uv_mutex_unlock(&store->lock);
}

void store_close(struct store *store, void (*closed)(void *ctx), void *ctx)
{
    ASSERT(!store->is_closing);
    store->is_closing = true;
    store->closed = closed;
    store->closed_ctx = ctx;
    uv_mutex_lock(&store->lock);
    store->is_ending = true;
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->lock);
}

static struct store *new_store(uint32_t jobs_max)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store && uv_mutex_init(&store->lock) < 0) {
        free(store);
        return NULL;
    }
    if (store && uv_cond_init(&store->wake) < 0) {
        uv_mutex_destroy(&store->lock);
        free(store);
        return NULL;
    }
    if (store) {
        store->jobs_max = jobs_max;
    }
    return store;
}

bool store_open(struct store **ret, uv_loop_t *loop, const char *path, uint32_t jobs_max,
    char *err, size_t err_size)
{
    ASSERT(jobs_max > 0);
    struct store *store = new_store(jobs_max);
    if (!store) {
        snprintf(err, err_size, "no memory for the store");
        return false;
    }
    if (!writer_open(&store->writer, path, err, err_size)) {
        free_store(store);
        return false;
    }
    int rc = uv_async_init(loop, &store->async, on_async);
    if (rc < 0) {
        snprintf(err, err_size, "cannot start the store: %s", uv_strerror(rc));
        writer_close(store->writer);
        free_store(store);
        return false;
    }
    store->async.data = store;
    rc = uv_thread_create(&store->thread, serve, store);
    if (rc < 0) {
        snprintf(err, err_size, "cannot start the store's thread: %s", uv_strerror(rc));
        writer_close(store->writer);
        uv_close((uv_handle_t *)&store->async, on_async_closed);
        return false;
    }
    *ret = store;
    return true;
}
