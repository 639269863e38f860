// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The client's requests that no answer came to, and its `initialize` even after that:
 * what a new daemon has to be told. Ids are JSON text, as message.h writes it.
 */
#include "base/assert.h"
#include "base/list.h"
#include "base/str.h"

enum {
    PENDING_KEPT_MAX = 1024 * 1024, /* a request beyond is not kept, its id is */
    PENDING_BYTES_MAX =
        PENDING_KEPT_MAX + 256 * 1024, /* with those ids; see pending_has_room */
    PENDING_OFFERS_MAX = 3,
};

struct pending_request {
    struct list all;  /* in order of arrival; an answered `initialize` is not linked */
    uint64_t end;     /* where its line ends in the stream to the daemon */
    const char *lost; /* why it must be answered with an error, else NULL */
    uint32_t offers;  /* how often it was sent again */
    bool must_offer;
    bool must_swallow; /* the client had the answer that will come */
    size_t id_len;
    size_t text_len; /* 0: not kept */
    char bytes[];    /* id, text */
};

struct pending {
    struct list requests;
    struct pending_request *initialize; /* the last one, or NULL */
    size_t bytes;                       /* held, records and ids too */
};

void pending_init(struct pending *pending);
void pending_free(struct pending *pending);

/* False: nothing more should be read from the client until answers come. */
static inline bool pending_has_room(const struct pending *pending)
{
    return pending->bytes < PENDING_BYTES_MAX;
}

/* @end as in queue_written_end(). NULL when there is no memory. */
MUST_USE struct pending_request *pending_add(struct pending *pending, struct str id,
    struct str text, bool is_initialize, uint64_t end);

/* False: the client must not see this answer. */
MUST_USE bool pending_answered(struct pending *pending, struct str id);

/* The request will not be offered again; `initialize` cannot be cancelled. */
void pending_cancelled(struct pending *pending, struct str id);

/* The connection broke after @written_end: marks as lost what cannot be offered again. */
void pending_broken(struct pending *pending, uint64_t written_end);

/* All are lost. @why must outlive them. */
void pending_give_up(struct pending *pending, const char *why);

/*
 * A daemon is there again: marks what was sent before for pending_next_offer(), with
 * @resumed false also an `initialize` that was answered.
 */
void pending_offer(struct pending *pending, uint64_t written_end, bool resumed);

/* The next request to be sent again, `initialize` first; NULL: no more. */
struct pending_request *pending_next_offer(struct pending *pending);

/* The next request marked as lost, or NULL. Answer and pending_remove() it. */
struct pending_request *pending_next_lost(struct pending *pending);
void pending_remove(struct pending *pending, struct pending_request *request);

static inline struct str pending_id(const struct pending_request *request)
{
    return (struct str){request->bytes, request->id_len};
}

static inline struct str pending_text(const struct pending_request *request)
{
    return (struct str){request->bytes + request->id_len, request->text_len};
}
