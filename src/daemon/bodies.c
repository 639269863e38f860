// SPDX-License-Identifier: Apache-2.0
/* What of a session is in memory only while its client is about: let go, and read again. */
#include <stdlib.h>

#include "base/log.h"
#include "daemon/inside.h"

bool body_new(struct session *s, struct str client_version)
{
    s->body = calloc(1, sizeof(*s->body));
    if (s->body) {
        const char *text = client_version.ptr ? client_version.ptr : "";
        s->body->client_version = strndup(text, client_version.len);
    }
    return s->body && s->body->client_version;
}

void body_free(struct session *s)
{
    if (s->body) {
        free(s->body->client_version);
        free(s->body);
        s->body = NULL;
    }
}

/* The store's answer may come when the session is gone, or another one has its handle. */
struct fetch {
    struct daemon *d;
    struct handle handle;
};

static bool take_body(struct session *s, const struct store_session *row)
{
    if (!body_new(s, row->client_version)) {
        body_free(s);
        return false;
    }
    /* Times that cannot be read are none, as they were when the stub was loaded. */
    bool readable = histogram_parse(&s->body->response_times, row->response_times);
    (void)readable;
    return true;
}

void session_end_sleepers(struct session *s, enum tool_code code, const char *why)
{
    struct list *node;
    while ((node = list_first(&s->sleepers))) {
        struct call *call = CONTAINER_OF(node, struct call, waiting);
        list_remove(node);
        tool_fail(&call->tool, code, 0, "%s", why);
        call_move(call, TOOL_ANSWER);
    }
}

/*
 * Tells the core; the calls that waited begin, or are told. A row that cannot be read costs
 * the spread of response times, not the session.
 */
static void woken(struct session *s)
{
    struct list *node;
    bool ok = s->body || body_new(s, STR(""));
    if (!ok) {
        body_free(s);
    }
    put_event(s->daemon, &(struct core_event){.kind = CORE_SESSION_BODY,
                             .session = s->number,
                             .user = s->life,
                             .reason = ok ? CORE_OK : CORE_NO_SESSION});
    if (!ok) {
        session_end_sleepers(s, TOOL_E_INTERNAL, "There is no memory for the session.");
    }
    while ((node = list_first(&s->sleepers))) {
        list_remove(node);
        call_begin(CONTAINER_OF(node, struct call, waiting));
    }
}

static void on_fetched(void *ctx, const struct store_session *row)
{
    struct fetch *fetch = ctx;
    struct daemon *d = fetch->d;
    struct session *s = sessions_find(d, handle_str(&fetch->handle));
    free(fetch);
    if (s && !s->body) {
        if (!row || !take_body(s, row)) {
            log_event(LOG_ERROR, "session_not_read", "session=%s", s->handle.text);
        }
        woken(s);
        work(d);
    }
}

void sessions_wake(struct session *session)
{
    struct daemon *d = session->daemon;
    struct fetch *fetch = session->body ? NULL : malloc(sizeof(*fetch));
    if (session->body) {
        woken(session); /* it could not be written when it should have slept */
        return;
    }
    if (fetch) {
        *fetch = (struct fetch){d, session->handle};
    }
    if (!fetch || !store_get_session(d->store, handle_str(&session->handle), on_fetched, fetch)) {
        free(fetch);
        log_event(LOG_ERROR, "session_not_read", "session=%s", session->handle.text);
        woken(session);
    }
}

void sessions_sleep(struct session *session)
{
    if (list_is_empty(&session->dirty) || sessions_save(session)) {
        body_free(session);
    }
}
