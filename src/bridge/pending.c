// SPDX-License-Identifier: Apache-2.0
#include "bridge/pending.h"

#include <stdlib.h>

static const char LOST_TOO_LARGE[] =
    "The snowmux daemon went away before it answered, and this request was too large to be "
    "kept for another try. It may have run or not: check before you repeat it.";
static const char LOST_TOO_OFTEN[] =
    "The snowmux daemon went away each time it was given this request. It may have run or "
    "not: check before you repeat it, and see the daemon's log.";

static struct pending_request *request_of(struct list *node)
{
    return CONTAINER_OF(node, struct pending_request, all);
}

static size_t size_of(const struct pending_request *request)
{
    return sizeof(*request) + request->id_len + request->text_len;
}

static bool is_answered(const struct pending_request *request)
{
    return list_is_empty(&request->all);
}

void pending_init(struct pending *pending)
{
    *pending = (struct pending){0};
    list_init(&pending->requests);
}

void pending_remove(struct pending *pending, struct pending_request *request)
{
    if (pending->initialize == request) {
        pending->initialize = NULL;
    }
    ASSERT(pending->bytes >= size_of(request));
    pending->bytes -= size_of(request);
    list_remove(&request->all);
    free(request);
}

void pending_free(struct pending *pending)
{
    LIST_FOR(node, &pending->requests)
    {
        pending_remove(pending, request_of(node));
    }
    if (pending->initialize) {
        pending_remove(pending, pending->initialize);
    }
    ASSERT(pending->bytes == 0);
}

struct pending_request *pending_add(struct pending *pending, struct str id,
    struct str text, bool is_initialize, uint64_t end)
{
    size_t size = sizeof(struct pending_request) + id.len;
    if (text.len > PENDING_KEPT_MAX ||
        pending->bytes + size + text.len > PENDING_KEPT_MAX) {
        text.len = 0;
    }
    struct pending_request *request = malloc(size + text.len);
    if (!request) {
        return NULL;
    }
    *request =
        (struct pending_request){.end = end, .id_len = id.len, .text_len = text.len};
    memcpy(request->bytes, id.ptr, id.len);
    if (text.len > 0) {
        memcpy(request->bytes + id.len, text.ptr, text.len);
    }
    list_init(&request->all);
    list_push_back(&pending->requests, &request->all);
    pending->bytes += size_of(request);
    if (is_initialize) {
        if (pending->initialize && is_answered(pending->initialize)) {
            pending_remove(pending, pending->initialize);
        }
        pending->initialize = request;
    }
    return request;
}

static struct pending_request *find(struct pending *pending, struct str id)
{
    LIST_FOR(node, &pending->requests)
    {
        if (str_eq(pending_id(request_of(node)), id)) {
            return request_of(node);
        }
    }
    return NULL;
}

bool pending_answered(struct pending *pending, struct str id)
{
    struct pending_request *first = pending->initialize;
    if (first && first->must_swallow && str_eq(pending_id(first), id)) {
        first->must_swallow = false;
        return false;
    }
    struct pending_request *request = find(pending, id);
    if (request && request == pending->initialize) {
        list_remove(&request->all);
        request->must_offer = false;
    } else if (request) {
        pending_remove(pending, request);
    }
    return true;
}

void pending_cancelled(struct pending *pending, struct str id)
{
    struct pending_request *request = find(pending, id);
    if (request && request != pending->initialize) {
        pending_remove(pending, request);
    }
}

void pending_broken(struct pending *pending, uint64_t written_end)
{
    LIST_FOR(node, &pending->requests)
    {
        struct pending_request *request = request_of(node);
        if (request->end > written_end || request->lost) {
            continue;
        }
        if (request->text_len == 0) {
            request->lost = LOST_TOO_LARGE;
        } else if (request->offers >= PENDING_OFFERS_MAX) {
            request->lost = LOST_TOO_OFTEN;
        }
    }
}

void pending_give_up(struct pending *pending, const char *why)
{
    LIST_FOR(node, &pending->requests)
    {
        struct pending_request *request = request_of(node);
        request->lost = request->lost ? request->lost : why;
    }
}

void pending_offer(struct pending *pending, uint64_t written_end, bool resumed)
{
    struct pending_request *first = pending->initialize;
    LIST_FOR(node, &pending->requests)
    {
        struct pending_request *request = request_of(node);
        request->must_offer =
            request->end <= written_end && request->text_len > 0 && !request->lost;
    }
    if (first && is_answered(first)) {
        first->must_offer = !resumed && first->text_len > 0;
        first->must_swallow = first->must_offer;
    }
}

static struct pending_request *take_offer(struct pending_request *request)
{
    request->must_offer = false;
    request->offers++;
    return request;
}

struct pending_request *pending_next_offer(struct pending *pending)
{
    if (pending->initialize && pending->initialize->must_offer) {
        return take_offer(pending->initialize);
    }
    LIST_FOR(node, &pending->requests)
    {
        if (request_of(node)->must_offer) {
            return take_offer(request_of(node));
        }
    }
    return NULL;
}

struct pending_request *pending_next_lost(struct pending *pending)
{
    LIST_FOR(node, &pending->requests)
    {
        if (request_of(node)->lost) {
            return request_of(node);
        }
    }
    return NULL;
}
