// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A write: a copied row, what to do with it, whom to tell. Another kind of row needs a
 * step in schema.c, a kind and a member here, and in write.c a constructor and a line of
 * the table of kinds.
 */
#include <sqlite3.h>

#include "store/store.h"

enum write_kind {
    WRITE_PUT_SESSION,
    WRITE_DROP_SESSION,
    WRITE_KINDS,
};

struct write {
    struct write *next;
    store_done_fn done; /* or NULL */
    void *ctx;
    bool ok; /* committed */
    enum write_kind kind;
    union {
        struct store_session session; /* PUT_SESSION */
        struct str handle;            /* DROP_SESSION */
    };
    char bytes[]; /* of all its strings */
};

/* One allocation each, freed by free(). NULL: no memory. */
struct write *write_put_session(const struct store_session *session);
struct write *write_drop_session(struct str handle);

/* The statement of @kind, with marks that write_bind() fills; returns SQLite's code. */
const char *write_sql(enum write_kind kind);
int write_bind(const struct write *write, sqlite3_stmt *stmt);

/* First in, first out. */
struct write_queue {
    struct write *first;
    struct write *last;
    uint32_t len;
};

static inline void write_queue_push(struct write_queue *queue, struct write *write)
{
    ASSERT(!write->next);
    if (queue->first) {
        queue->last->next = write;
    } else {
        queue->first = write;
    }
    queue->last = write;
    queue->len++;
}

static inline struct write *write_queue_pop(struct write_queue *queue)
{
    struct write *write = queue->first;
    if (write) {
        queue->first = write->next;
        queue->len--;
        write->next = NULL;
    }
    return write;
}

/* Moves all of @from behind @queue. */
static inline void write_queue_append(struct write_queue *queue, struct write_queue *from)
{
    if (from->first) {
        if (queue->first) {
            queue->last->next = from->first;
        } else {
            queue->first = from->first;
        }
        queue->last = from->last;
        queue->len += from->len;
        *from = (struct write_queue){0};
    }
}
