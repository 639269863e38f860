// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions: the records behind the core's stubs, how they begin and end. Both are answered
 * after the row was committed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inside.h"

struct waiter *waiter_new(struct mcp_request *r, struct call *call)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter));
    if (!waiter) {
        return NULL;
    }
    waiter->kind = USER_WAITER;
    waiter->r = r;
    waiter->call = call;
    list_init(&waiter->node);
    if (r) {
        mcp_set_user(r, waiter);
    } else if (call) {
        call->waiter = waiter;
    }
    return waiter;
}

/* Tells whoever still waits, and frees. @code is for tools, @message for all. */
void waiter_end(struct waiter *waiter, bool ok, enum tool_code code, const char *message)
{
    struct session *session = waiter->session;
    list_remove(&waiter->node);
    if (waiter->call) {
        waiter->call->waiter = NULL;
        str_copy(session ? handle_str(&session->handle) : STR(""), waiter->call->done_session,
            HANDLE_SIZE);
        call_done(waiter->call, ok, code, str_of(message));
    } else if (waiter->r && !ok) {
        mcp_answer_error(waiter->r, message);
    }
    free(waiter->old_label);
    free(waiter);
}

void session_release_context(struct daemon *d, uint32_t context[TOOL_PARTS])
{
    for (int i = 0; i < TOOL_PARTS; i++) {
        symbol_release(d->symbols, context[i]);
        context[i] = 0;
    }
}

void session_free(struct session *s)
{
    struct daemon *d = s->daemon;
    ASSERT(list_is_empty(&s->calls) && list_is_empty(&s->openers) && list_is_empty(&s->enders));
    ASSERT(list_is_empty(&s->sleepers));
    list_remove(&s->dirty);
    session_release_context(d, s->context);
    symbol_release(d->symbols, s->principal);
    symbol_release(d->symbols, s->client);
    body_free(s);
    symbol_release(d->symbols, s->held);
    free(s->lost_text);
    free(s->label);
    free(s);
}

static char *copy(struct str s)
{
    return strndup(s.ptr ? s.ptr : "", s.len);
}

struct session *session_new(
    struct daemon *d, struct str principal, const struct mcp_client *client, struct str label)
{
    struct session *s = calloc(1, sizeof(*s));
    if (!s) {
        return NULL;
    }
    s->daemon = d;
    s->life = ++d->lives;
    list_init(&s->dirty);
    list_init(&s->calls);
    list_init(&s->sleepers);
    list_init(&s->openers);
    list_init(&s->setters);
    list_init(&s->enders);
    s->principal = symbol_acquire(d->symbols, principal);
    s->client = client_key(d, principal, client);
    s->label = label.len > 0 ? copy(label) : NULL;
    str_copy(client->revision, s->revision, sizeof(s->revision));
    if (s->principal == 0 || s->client == 0 || (label.len > 0 && !s->label)) {
        session_free(s);
        return NULL;
    }
    return s;
}

struct session *sessions_find(struct daemon *d, struct str handle)
{
    return map_get(&d->by_handle, handle);
}

void session_put_context(struct session *s, const struct tool_context *context)
{
    uint32_t next[TOOL_PARTS];
    for (int i = 0; i < TOOL_PARTS; i++) {
        next[i] = symbol_acquire(s->daemon->symbols, str_of(context->part[i]));
    }
    session_release_context(s->daemon, s->context);
    memcpy(s->context, next, sizeof(next));
}

struct core_event session_context_event(const struct session *s)
{
    struct core_event event = {
        .kind = CORE_SESSION_CONTEXT, .session = s->number, .user = s->life};
    for (int i = 0; i < CORE_PARTS; i++) {
        event.context.part[i] = s->context[TOOL_ROLE + i];
    }
    return event;
}

void sessions_event(struct session *session, enum core_event_kind kind)
{
    put_event(session->daemon, &(struct core_event){
                                   .kind = kind, .session = session->number, .user = session->life});
}

/* A write of the store ended; true: the session is still there. */
bool session_written(struct session *s)
{
    ASSERT(s->writes > 0);
    s->writes--;
    if (s->has_ended && s->writes == 0) {
        session_free(s);
        return false;
    }
    return !s->has_ended;
}

/* ---- opening ---- */

void sessions_open(struct daemon *d, struct str principal, const struct mcp_client *client,
    const struct tool_session_set *set, bool stays, struct waiter *waiter)
{
    struct session *s = session_new(d, principal, client, set->label);
    if (s && !body_new(s, client->version)) {
        session_free(s);
        s = NULL;
    }
    if (!s) {
        waiter_end(waiter, false, TOOL_E_INTERNAL, "No memory for another session.");
        return;
    }
    s->handle = handle_new(HANDLE_SESSION);
    s->stays = stays;
    s->created_wall_ns = s->last_seen_wall_ns = clock_wall_ns();
    s->has_context = set->context != NULL;
    if (set->context) {
        session_put_context(s, set->context);
    }
    if (set->preferences) {
        s->preferences = *set->preferences;
    }
    waiter->session = s;
    list_push_back(&s->openers, &waiter->node);
    put_event(d, &(struct core_event){.kind = CORE_SESSION_OPEN,
                     .user = (uint64_t)(uintptr_t)s,
                     .principal = s->principal,
                     .client = s->client});
}

static void end_all(struct list *waiters, bool ok, enum tool_code code, const char *message)
{
    struct list *node;
    while ((node = list_first(waiters))) {
        waiter_end(CONTAINER_OF(node, struct waiter, node), ok, code, message);
    }
}

static void open_failed(struct session *s, enum tool_code code, const char *message)
{
    end_all(&s->openers, false, code, message);
}

static void opener_ready(struct session *s, struct waiter *waiter)
{
    struct mcp_request *r = waiter->r;
    if (!r) {
        waiter_end(waiter, true, TOOL_E_INTERNAL, "");
        return;
    }
    if (s->stays) {
        session_attached(s);
        sessions_event(s, CORE_SESSION_ATTACH);
    }
    waiter_end(waiter, true, TOOL_E_INTERNAL, "");
    mcp_answer_session(r, handle_str(&s->handle));
}

static void on_opened_written(void *ctx, bool ok)
{
    struct session *s = ctx;
    struct daemon *d = s->daemon;
    if (!ok) {
        open_failed(s, TOOL_E_STORE_FAILED, "The session could not be written to the store.");
    }
    if (!session_written(s)) {
        return;
    }
    if (ok) {
        struct list *node;
        s->is_durable = true;
        sessions_event(s, CORE_SESSION_DURABLE);
        while ((node = list_first(&s->openers))) {
            opener_ready(s, CONTAINER_OF(node, struct waiter, node));
        }
    } else {
        sessions_event(s, CORE_SESSION_CLOSE);
    }
    work(d);
}

static void set_default_context(struct session *s)
{
    struct daemon *d = s->daemon;
    struct tool_context context = {{{0}}};
    for (int i = 0; d->profile_count > 0 && i < TOOL_PARTS; i++) {
        str_copy(d->profile[0].defaults[i], context.part[i], TOOL_NAME_SIZE);
    }
    session_put_context(s, &context);
}

static void inherit(struct session *s, uint32_t from)
{
    const struct session *heir_of = from != CORE_NONE ? s->daemon->sessions[from] : NULL;
    if (!heir_of) {
        set_default_context(s);
        return;
    }
    for (int i = 0; i < TOOL_PARTS; i++) {
        s->context[i] = symbol_hold(s->daemon->symbols, heir_of->context[i]);
    }
    s->preferences = heir_of->preferences;
    s->resumed_wall_ns = heir_of->last_seen_wall_ns;
    log_event(LOG_INFO, "session_inherits", "session=%s from=%s", s->handle.text,
        heir_of->handle.text);
}

void sessions_opened(struct daemon *d, const struct core_action *a)
{
    struct session *s = (struct session *)(uintptr_t)a->user;
    s->number = a->session;
    d->sessions[s->number] = s;
    bool known = map_put(&d->by_handle, handle_str(&s->handle), s);
    ASSERT(known);
    if (s->is_durable) {
        return; /* loaded */
    }
    if (!s->has_context) {
        inherit(s, a->heir_of);
    }
    s->counts.connections = !s->stays; /* a stream counts when it attaches */
    struct core_event event = session_context_event(s);
    put_event(d, &event);
    if (!s->stays) {
        sessions_event(s, CORE_SESSION_TOUCH);
    }
    if (!sessions_put(s, on_opened_written, s)) {
        open_failed(s, TOOL_E_STORE_FAILED, "The store has too much to write; try again.");
        sessions_event(s, CORE_SESSION_CLOSE);
    }
    d->metrics.sessions_opened++;
    log_event(LOG_INFO, "session_opened", "session=%s principal=" STR_FMT " client=%s",
        s->handle.text, STR_ARG(symbol_str(d->symbols, s->principal)),
        log_quote(client_name(d, s)));
}

void sessions_refused(struct daemon *d, const struct core_action *a)
{
    struct session *s = (struct session *)(uintptr_t)a->user;
    char why[WHY_SIZE] = "The daemon is stopping.";
    if (a->reason != CORE_DRAINING) {
        snprintf(why, sizeof(why),
            "There are %llu sessions %s, as many as may, and all of them are connected; close one first.",
            (unsigned long long)a->limit_max,
            a->scope == CORE_SCOPE_PRINCIPAL ? "of this principal" : "in all");
        log_event(LOG_WARN, "session_refused", "principal=" STR_FMT " client=%s limit=%llu",
            STR_ARG(symbol_str(d->symbols, s->principal)), log_quote(client_name(d, s)),
            (unsigned long long)a->limit_max);
    }
    d->metrics.sessions_refused++;
    open_failed(s, a->reason == CORE_DRAINING ? TOOL_E_DRAINING : TOOL_E_TOO_MANY_SESSIONS, why);
    session_free(s);
}

void sessions_hold(struct session *s, struct str profile)
{
    struct symbols *symbols = s->daemon->symbols;
    if (!str_eq(symbol_str(symbols, s->held), profile)) {
        symbol_release(symbols, s->held);
        s->held = symbol_acquire(symbols, profile);
        sessions_mark(s);
        bool queued = s->body && sessions_save(s); /* before the answer says it is open */
        (void)queued;                              /* else within a second */
    }
}

void sessions_lost(struct session *s, struct str profile, const char *reason)
{
    char why[WHY_SIZE];
    snprintf(why, sizeof(why),
        "What this session held open on profile " STR_FMT " is gone (%s): an open transaction was rolled "
        "back, temporary objects and variables are no more.",
        STR_ARG(profile), reason);
    free(s->lost_text);
    s->lost_text = strdup(why);
}

void sessions_told(struct session *s)
{
    struct core_session_view view;
    free(s->lost_text);
    s->lost_text = NULL;
    if (s->held && core_session_view(s->daemon->core, s->number, &view) && !view.is_pinned) {
        sessions_hold(s, STR(""));
    }
}

/* What was on its connection is gone: its next answer says so. */
void sessions_unpinned(struct daemon *d, const struct core_action *a)
{
    struct session *s = d->sessions[a->session];
    const char *name = d->profile[a->profile].config->name;
    d->metrics.pins_lost[a->reason]++;
    s->holds = 0;
    log_event(LOG_INFO, "session_unpinned", "session=%s profile=%s reason=%s", s->handle.text, name,
        core_reason_name(a->reason));
    sessions_lost(s, str_of(name),
        a->reason == CORE_WORKER_DIED ? "its connection is gone" : core_reason_name(a->reason));
}

/* ---- ending ---- */

void sessions_close(struct session *session, struct waiter *waiter)
{
    if (waiter) {
        waiter->session = session;
        list_push_back(&session->enders, &waiter->node);
    }
    if (!session->is_closed) {
        session->is_closed = true;
        records_revoke(session->daemon, session); /* before its row: who is told of the end knows of both */
    }
    sessions_event(session, CORE_SESSION_CLOSE);
}

static void on_dropped(void *ctx, bool ok)
{
    struct session *s = ctx;
    struct daemon *d = s->daemon;
    struct list *node;
    d->drops_open--;
    while ((node = list_first(&s->enders))) {
        struct waiter *waiter = CONTAINER_OF(node, struct waiter, node);
        struct mcp_request *r = ok ? waiter->r : NULL;
        waiter_end(waiter, ok, TOOL_E_STORE_FAILED, "The end could not be written to the store.");
        if (r) {
            mcp_answer_closed(r);
        }
    }
    session_written(s);
    work(d);
}

void sessions_ended(struct daemon *d, const struct core_action *a)
{
    struct session *s = d->sessions[a->session];
    struct list *node;
    log_event(LOG_INFO, "session_ended", "session=%s reason=%s", s->handle.text,
        core_reason_name(a->reason));
    d->metrics.sessions_ended[a->reason]++;
    map_remove(&d->by_handle, handle_str(&s->handle));
    d->sessions[a->session] = NULL;
    list_remove(&s->dirty);
    session_end_sleepers(s, TOOL_E_SESSION_NOT_FOUND, "The session has ended.");
    while ((node = list_first(&s->calls))) {
        CONTAINER_OF(node, struct call, of_session)->session = NULL;
        list_remove(node);
    }
    open_failed(s, TOOL_E_SESSION_NOT_FOUND, "The session was closed while it was opened.");
    s->has_ended = true;
    s->writes++;
    d->drops_open++;
    if (!store_drop_session(d->store, handle_str(&s->handle), on_dropped, s)) {
        on_dropped(s, false); /* its row expires by itself at the next start */
    }
}

void sessions_free(struct daemon *d)
{
    for (uint32_t i = 0; d->sessions && i < d->limits.sessions; i++) {
        if (d->sessions[i]) {
            session_free(d->sessions[i]);
        }
    }
    map_free(&d->by_handle);
    free(d->sessions);
}
