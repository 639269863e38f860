// SPDX-License-Identifier: Apache-2.0
/* A session's context, label and preferences change: answered after the row was committed. */
#include <stdlib.h>
#include <string.h>

#include "daemon/inside.h"

static void swap(struct waiter *a, struct waiter *b)
{
    struct tool_preferences preferences = a->old_preferences;
    char *label = a->old_label;
    a->old_preferences = b->old_preferences;
    a->old_label = b->old_label;
    b->old_preferences = preferences;
    b->old_label = label;
    for (int i = 0; i < TOOL_PARTS; i++) {
        uint32_t part = a->old_context[i];
        a->old_context[i] = b->old_context[i];
        b->old_context[i] = part;
    }
}

/*
 * As it was before. Where a later change is under way, its row has this one in it: that one
 * decides, and goes back as far as this one would have.
 */
static void go_back(struct session *s, struct waiter *waiter)
{
    if (waiter->node.next != &s->setters) {
        swap(waiter, CONTAINER_OF(waiter->node.next, struct waiter, node));
        return;
    }
    session_release_context(s->daemon, s->context);
    memcpy(s->context, waiter->old_context, sizeof(s->context));
    memset(waiter->old_context, 0, sizeof(waiter->old_context));
    free(s->label);
    s->label = waiter->old_label;
    waiter->old_label = NULL;
    s->preferences = waiter->old_preferences;
    struct core_event event = session_context_event(s);
    put_event(s->daemon, &event);
}

static void end(struct waiter *waiter, bool ok)
{
    struct session *s = waiter->session;
    if (!ok && !s->has_ended) {
        go_back(s, waiter);
    }
    session_release_context(s->daemon, waiter->old_context);
    waiter_end(waiter, ok, TOOL_E_STORE_FAILED, "The session could not be written to the store.");
}

static void on_written(void *ctx, bool ok)
{
    struct waiter *waiter = ctx;
    struct session *s = waiter->session;
    struct daemon *d = s->daemon;
    end(waiter, ok);
    session_written(s);
    work(d);
}

void sessions_set(
    struct session *session, const struct tool_session_set *set, struct waiter *waiter)
{
    struct daemon *d = session->daemon;
    struct str label = set->label.ptr ? set->label : str_of(session->label);
    char *copy = strndup(label.ptr ? label.ptr : "", label.len);
    waiter->session = session;
    list_push_back(&session->setters, &waiter->node);
    for (int i = 0; i < TOOL_PARTS; i++) {
        waiter->old_context[i] = symbol_hold(d->symbols, session->context[i]);
    }
    waiter->old_label = session->label;
    waiter->old_preferences = session->preferences;
    session->label = copy;
    if (set->context) {
        session_put_context(session, set->context);
    }
    if (set->preferences) {
        session->preferences = *set->preferences;
    }
    struct core_event event = session_context_event(session);
    put_event(d, &event);
    if (!copy || !sessions_put(session, on_written, waiter)) {
        end(waiter, false);
    }
}
