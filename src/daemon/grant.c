// SPDX-License-Identifier: Apache-2.0
/*
 * What is shown without a ticket, pages of kept results and other calls' answers, has to be
 * granted by the core first: its rows are reserved, then settled by what was shown.
 */
#include "daemon/inside.h"

static struct core_event event_of(const struct call *call, enum core_event_kind kind)
{
    return (struct core_event){.kind = kind,
        .session = CORE_NONE,
        .principal = call->principal,
        .client = call->client};
}

void grant_ask(struct call *call, uint32_t rows_max, const struct session *s)
{
    struct daemon *d = call->daemon;
    struct core_event event = event_of(call, CORE_FETCH);
    call->grant = (struct grant){.number = ++d->grant_last};
    list_push_back(&d->granting, &call->granting);
    event.user = call->grant.number;
    event.rows_max = rows_max;
    event.is_call = s != NULL;
    event.session = s ? s->number : CORE_NONE;
    put_event(d, &event);
}

void grant_ask_rate(struct call *call)
{
    struct daemon *d = call->daemon;
    struct core_event event = event_of(call, CORE_FETCH);
    call->grant = (struct grant){.number = ++d->grant_last};
    list_push_back(&d->granting, &call->granting);
    event.user = call->grant.number;
    event.is_call = event.is_catalog = true;
    put_event(d, &event);
}

void grant_given(struct daemon *d, const struct core_action *a)
{
    LIST_FOR(node, &d->granting) {
        struct call *call = CONTAINER_OF(node, struct call, granting);
        if (call->grant.number != a->user) {
            continue;
        }
        list_remove(node);
        if (call->tool.is_catalog) { /* nothing is reserved */
            known_granted(call, a);
            return;
        }
        call->grant.is_given = a->reason == CORE_OK;
        call->grant.day = a->generation;
        call->grant.rows_max = a->rows_max;
        if (call->ask.result.text[0] != '\0') {
            reader_granted(call, a);
        } else {
            attach_granted(call, a);
        }
        return;
    }
}

void grant_settle(struct call *call, uint64_t rows, uint64_t bytes)
{
    struct core_event event = event_of(call, CORE_FETCHED);
    if (call->grant.is_given) {
        call->grant.is_given = false;
        event.generation = call->grant.day;
        event.rows_max = call->grant.rows_max;
        event.rows = rows;
        event.bytes = bytes;
        put_event(call->daemon, &event);
    }
}
