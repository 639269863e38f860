// SPDX-License-Identifier: Apache-2.0
/*
 * One tool call's life. It begins with its asker's request and ends with its answer, which
 * may come earlier (the grace time) or to nobody (the asker went). In between its tool
 * decides: answer, run SQL on a lease, or wait for the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inside.h"
#include "sql/catalog.h"

void call_free(struct call *call)
{
    struct daemon *d = call->daemon;
    ASSERT(call->ticket == CORE_NONE && !call->query);
    grant_settle(call, 0, 0);
    resource_forget(call);
    list_remove(&call->all);
    list_remove(&call->of_session);
    list_remove(&call->ready);
    list_remove(&call->waiting);
    list_remove(&call->told);
    list_remove(&call->granting);
    if (call->waiter) {
        call->waiter->call = NULL;
    }
    for (int i = 0; i < CORE_PARTS; i++) {
        symbol_release(d->symbols, call->context[i]);
    }
    symbol_release(d->symbols, call->principal);
    symbol_release(d->symbols, call->client);
    tool_call_free(&call->tool);
    yyjson_doc_free(call->document);
    free(call);
}

void call_tell(struct call *call)
{
    struct mcp_request *asker = call->asker;
    call->asker = NULL;
    if (asker && call->resource.ptr) {
        resource_answer(call, asker);
    } else if (asker) {
        mcp_answer_tool(asker, buf_str(&call->tool.out), call->tool.is_error);
    }
}

/* Whoever asked gets the answer, the record keeps it. */
static void answer(struct call *call)
{
    ASSERT(call->ticket == CORE_NONE);
    if (call->record_failed && !call->tool.is_error) {
        records_warn(&call->tool.out);
    }
    session_count(call);
    metrics_call(call);
    if (call->tool.told_resumed && call->asker && call->session) {
        call->session->resumed_wall_ns = 0;
        sessions_told(call->session);
    }
    call_tell(call);
    if (call->query) {
        struct query *query = call->query;
        call->query = NULL;
        query->call = NULL;
        query_end(query, call);
    }
    call_free(call);
}

static bool is_withheld(const struct call *call)
{
    const struct daemon *d = call->daemon;
    return call->bound > d->bounds.ended || call->record > d->records.ended;
}

/* The call is over, but its answer may have to wait for the store. */
static void finish(struct call *call)
{
    struct daemon *d = call->daemon;
    bool is_counted = call->query || call->is_charged || call->ask.result.text[0] != '\0';
    call->has_answer = true;
    if (!buf_ok(&call->tool.out) || call->tool.out.len == 0) {
        buf_clear(&call->tool.out);
        tool_fail(&call->tool, TOOL_E_INTERNAL, 0, "The answer is too large.");
    }
    call->bound = is_counted || call->shows_quotas ? d->bounds.issued : 0;
    records_end(call);
    if (is_withheld(call)) {
        list_remove(&call->waiting);
        list_push_back(&d->withheld, &call->waiting);
    } else {
        answer(call);
    }
}

void calls_release(struct daemon *d)
{
    LIST_FOR(node, &d->withheld) {
        struct call *call = CONTAINER_OF(node, struct call, waiting);
        if (!is_withheld(call)) {
            list_remove(node);
            answer(call);
        }
    }
}

/* ---- the way to a lease ---- */

static void take_context(struct call *call)
{
    struct daemon *d = call->daemon;
    bool has_roles = catalog_has_roles(call->tool.dialect);
    for (int part = TOOL_ROLE; !has_roles && part <= TOOL_WAREHOUSE; part++) {
        call->tool.context.part[part][0] = '\0'; /* the engine knows none: not shown either */
    }
    for (int i = 0; i < CORE_PARTS; i++) {
        uint32_t next = symbol_acquire(d->symbols, str_of(call->tool.context.part[TOOL_ROLE + i]));
        symbol_release(d->symbols, call->context[i]);
        call->context[i] = next;
    }
}

static bool find_profile(struct call *call)
{
    struct daemon *d = call->daemon;
    for (uint32_t i = 0; i < d->profile_count; i++) {
        if (strcmp(call->tool.context.part[TOOL_PROFILE], d->profile[i].config->name) == 0) {
            call->profile = i;
            return true;
        }
    }
    return false;
}

/* A session that was named for this call only is the one it runs in. */
static void find_session(struct call *call)
{
    struct session *s = sessions_find(call->daemon, str_of(call->tool.session));
    if (s != call->session) {
        list_remove(&call->of_session);
        call->session = s && s->is_durable ? s : NULL;
        if (call->session) {
            list_push_back(&call->session->calls, &call->of_session);
        }
    }
}

static void submit(struct call *call)
{
    struct daemon *d = call->daemon;
    static const struct tool_preferences none;
    find_session(call);
    const struct tool_preferences *wanted = call->session ? &call->session->preferences : &none;
    if (call->tool.timeout_s == 0) {
        call->tool.timeout_s =
            wanted->timeout_s > 0 ? wanted->timeout_s : d->config->query_timeout_s;
    }
    call->submitted_ns = clock_boot_ns();
    call->query = call->query ? call->query : query_new(call);
    if (call->tool.session[0] != '\0' && !sessions_find(d, str_of(call->tool.session))) {
        tool_fail(&call->tool, TOOL_E_SESSION_NOT_FOUND, 0, "The session has ended.");
        finish(call);
        return;
    }
    if (!limits_are_kept(d) && !call->tool.tool->catalog) {
        tool_fail(&call->tool, TOOL_E_STORE_FAILED, 1000,
            "What is used of the day's quotas cannot be written to the store; nothing was run.");
        finish(call);
        return;
    }
    if (!find_profile(call) || !call->query || d->free_ticket_len == 0) {
        tool_fail(&call->tool, TOOL_E_QUEUE_FULL, 1000, "There is no room for another call.");
        finish(call);
        return;
    }
    call->state = CALL_TICKET;
    call->ticket = d->free_tickets[--d->free_ticket_len];
    d->tickets[call->ticket] = call;
    struct core_event event = {
        .kind = CORE_SUBMIT,
        .ticket = call->ticket,
        .session = call->session ? call->session->number : CORE_NONE,
        .user = call->session ? call->session->life : 0,
        .principal = call->principal,
        .client = call->client,
        .profile = call->profile,
        .timeout_ns = (uint64_t)call->tool.timeout_s * NS_PER_S,
        .priority = call->tool.tool->catalog ? CORE_HIGH
                    : wanted->is_low         ? CORE_LOW
                                             : CORE_NORMAL,
        .is_catalog = call->tool.tool->catalog,
        .is_charged = call->is_charged,
        .is_stateful = call->tool.effects != 0,
        .rows_max = call->tool.rows_max,
        .principal_weight = limits_weight(
            &d->config->weight_principal, symbol_str(d->symbols, call->principal)),
        .client_weight = limits_weight(&d->config->weight_client, str_of(call->client_name)),
        .credit_rate = limits_credit_rate(call),
    };
    memcpy(event.context.part, call->context, sizeof(event.context.part));
    call->is_charged = false; /* once */
    put_event(d, &event);
}

/* The lease goes back; the ticket ends with the event that tells so. */
static void release_lease(struct call *call)
{
    if (call->conn != CORE_NONE) {
        core_event_for_call(call->daemon, CORE_DONE, call, CORE_OK);
    }
}

void call_run(struct call *call)
{
    if (call->conn != CORE_NONE) {
        lease_run(call);
    } else {
        submit(call);
    }
}

/*
 * What a session held is gone, and it has not heard of it: what may rest on that, such as the COMMIT
 * of a transaction that was rolled back, or its next INSERT, is not run. This tells it.
 */
static bool refuse_after_loss(struct call *call)
{
    find_session(call);
    const struct session *s = call->session;
    if (!s || !s->lost_text || !call->tool.changes_catalog) {
        return false;
    }
    tool_fail(&call->tool, TOOL_E_STATE_LOST, 0, "%s Nothing was run.", s->lost_text);
    call->tool.told_resumed = true;
    return true;
}

void call_move(struct call *call, enum tool_move move)
{
    switch (move) {
    case TOOL_ANSWER:
        call->has_answer = true;
        if (call->ticket == CORE_NONE) {
            finish(call);
        } else {
            release_lease(call);
        }
        break;
    case TOOL_RUN:
        take_context(call);
        if (refuse_after_loss(call)) {
            call_move(call, TOOL_ANSWER);
        } else if (call->conn == CORE_NONE && find_profile(call) && !logins_admits(call)) {
            call_move(call, TOOL_ANSWER);
        } else if (!known_ask(call)) {
            call_run(call);
        }
        break;
    case TOOL_WAIT:
        call->state = CALL_WAITING;
        release_lease(call);
        break;
    }
}

/* ---- what tools are told; events wait until they have decided ---- */

void call_page(struct call *call, const struct tool_page *page)
{
    struct daemon *d = call->daemon;
    bool was_working = d->is_working;
    d->is_working = true;
    call_move(call, call->tool.tool->page(&call->tool, page));
    d->is_working = was_working;
}

void call_refused(struct call *call, const struct tool_failure *failure)
{
    struct daemon *d = call->daemon;
    bool was_working = d->is_working;
    d->is_working = true;
    call_move(call, call->tool.tool->refused(&call->tool, failure));
    d->is_working = was_working;
}

void call_done(struct call *call, bool ok, enum tool_code code, struct str message)
{
    str_copy(str_utf8_prefix(message, WHY_SIZE - 1), call->done_text, WHY_SIZE);
    call->done = (struct tool_done){.ok = ok,
        .code = code,
        .message = str_of(call->done_text),
        .session = str_of(call->done_session)};
    call->wait_until_ns = 0;
    call->waits_for = NULL;
    list_remove(&call->waiting);
    list_remove(&call->ready);
    list_push_back(&call->daemon->ready, &call->ready);
}

static struct call *call_alloc(struct daemon *d, struct mcp_request *r, const struct mcp_call *wanted)
{
    struct call *call = calloc(1, sizeof(*call));
    if (!call) {
        return NULL;
    }
    call->kind = USER_CALL;
    call->daemon = d;
    list_init(&call->all);
    list_init(&call->of_session);
    list_init(&call->ready);
    list_init(&call->waiting);
    list_init(&call->told);
    list_init(&call->granting);
    list_push_back(&d->calls, &call->all);
    call->asker = r;
    call->ticket = call->conn = CORE_NONE;
    call->arrived_ns = clock_boot_ns();
    call->bytes_in = wanted->bytes;
    call->tool.host = &host_tools;
    call->tool.args = wanted->arguments;
    call->tool.sql = BUF_INIT(TOOL_SQL_MAX);
    str_copy(str_utf8_prefix(wanted->trace, TRACE_SIZE - 1), call->trace, TRACE_SIZE);
    call->tool.out = BUF_INIT(TOOL_OUT_MAX);
    call->tool.scratch = BUF_INIT(TOOL_OUT_MAX);
    call->tool.failure = BUF_INIT(64 * 1024);
    mcp_set_user(r, call);
    return call;
}

/* Whose call it is: a session's client, else whom the request says it is. */
static void set_client(struct call *call, const struct mcp_call *wanted)
{
    struct daemon *d = call->daemon;
    struct session *s = sessions_find(d, wanted->session);
    struct mcp_client client = wanted->client;
    call->principal = symbol_acquire(d->symbols, wanted->principal);
    if (s) {
        call->session = s;
        list_push_back(&s->calls, &call->of_session);
        str_copy(wanted->session, call->tool.session, HANDLE_SIZE);
        client = (struct mcp_client){.name = client_name(d, s),
            .version = str_of(s->body ? s->body->client_version : ""),
            .instance = client_instance(d, s)};
        call->client = symbol_hold(d->symbols, s->client);
    } else {
        call->client = client_key(d, wanted->principal, &client);
    }
    str_copy(str_utf8_prefix(client.name, sizeof(call->client_name) - 1), call->client_name,
        sizeof(call->client_name));
    str_copy(str_utf8_prefix(client.version, sizeof(call->client_version) - 1),
        call->client_version, sizeof(call->client_version));
    str_copy(str_utf8_prefix(client.instance, sizeof(call->instance) - 1), call->instance,
        sizeof(call->instance));
}

void call_hold(struct call *call, struct session *s)
{
    call->state = CALL_HELD;
    list_push_back(&s->sleepers, &call->waiting);
    sessions_event(s, CORE_SESSION_TOUCH);
}

bool call_new(struct daemon *d, struct mcp_request *r, const struct mcp_call *wanted)
{
    const struct tool *tool = wanted->resource.ptr ? &resource_tool : tool_find(wanted->tool);
    if (!tool) {
        return false;
    }
    struct call *call = call_alloc(d, r, wanted);
    if (!call) {
        mcp_answer_error(r, "no memory for the call");
        return true;
    }
    call->tool.tool = tool;
    call->tool.is_again = wanted->again;
    call->resource = wanted->resource;
    call->answer_max = wanted->answer_max;
    set_client(call, wanted);
    progress_begin(call, wanted->again);
    if (call->session) {
        sessions_event(call->session, CORE_SESSION_SEEN);
    }
    if (call->session && !call->session->body) {
        call_hold(call, call->session);
    } else {
        call_begin(call);
    }
    work(d);
    return true;
}

/* A session that inherited its context says so once. */
static void set_resumed(struct call *call)
{
    const struct session *s = call->session;
    struct tm tm;
    if (s && s->lost_text) {
        str_copy(str_of(s->lost_text), call->resumed_text, sizeof(call->resumed_text));
        call->tool.resumed = call->resumed_text;
    }
    if (!s || s->resumed_wall_ns == 0 || s->lost_text) {
        return;
    }
    time_t seconds = (time_t)(s->resumed_wall_ns / NS_PER_S);
    gmtime_r(&seconds, &tm);
    struct str database = symbol_str(call->daemon->symbols, s->context[TOOL_DATABASE]);
    struct str schema = symbol_str(call->daemon->symbols, s->context[TOOL_SCHEMA]);
    snprintf(call->resumed_text, sizeof(call->resumed_text),
        "context resumed from %02d:%02dZ: " STR_FMT "." STR_FMT, tm.tm_hour, tm.tm_min,
        STR_ARG(database), STR_ARG(schema));
    call->tool.resumed = call->resumed_text;
}

void call_begin(struct call *call)
{
    struct daemon *d = call->daemon;
    bool was_working = d->is_working;
    call->state = CALL_STARTED;
    set_resumed(call);
    d->is_working = true;
    call_move(call, call->tool.tool->start(&call->tool));
    d->is_working = was_working;
}

/* ---- how tickets end ---- */

/* The core has no more to say than that its connection went, and that it does not run again. */
static void fail_lost(struct call *call)
{
    const struct profile *p = &call->daemon->profile[call->profile];
    const char *why = logins_seen_by(call->daemon, call->profile, call->principal)->why;
    if (!call->is_lost) {
        tool_fail(&call->tool, TOOL_E_WORKER_DIED, 0,
            "The process that ran the statement ended (%s). Its outcome is unknown.", why);
    } else if (call->tool.runs_once) {
        tool_fail(&call->tool, TOOL_E_OUTCOME_UNKNOWN, 0,
            "Profile %s lost the connection while the statement ran (%s). Whether it took effect "
            "is not known.", p->config->name, why);
    } else {
        tool_fail(&call->tool, TOOL_E_UNAVAILABLE, 1000,
            "Profile %s cannot be reached: it lost the connection while the statement ran (%s). "
            "There is no answer.", p->config->name, why);
    }
}

/* To wait does not help where the warehouse refuses who logs in. */
static void fail_unreached(struct call *call, uint64_t retry_ms)
{
    const struct profile *p = &call->daemon->profile[call->profile];
    const char *why = logins_seen_by(call->daemon, call->profile, call->principal)->why;
    bool is_refused = str_starts(str_of(why), STR(WIRE_LOGIN_REFUSED));
    retry_ms = retry_ms > 0 ? retry_ms : 1000;
    tool_fail(&call->tool, is_refused ? TOOL_E_LOGIN_REFUSED : TOOL_E_UNAVAILABLE,
        is_refused ? 0 : retry_ms, "Profile %s cannot be reached: %s. %s", p->config->name,
        why, call->is_lost ? "There is no answer." : "The statement was not run.");
}

void call_fail_for(struct call *call, const struct core_action *a)
{
    struct daemon *d = call->daemon;
    struct tool_call *tool = &call->tool;
    uint64_t retry_ms = (a->retry_after_ns + NS_PER_MS - 1) / NS_PER_MS;
    switch (a->reason) {
    case CORE_TIMEOUT:
        tool_fail(tool, TOOL_E_TIMEOUT, 0, "The statement was cancelled after %lld s, its time limit.",
            (long long)tool->timeout_s);
        break;
    case CORE_QUEUE_TIMEOUT:
        tool_fail(tool, TOOL_E_QUEUE_TIMEOUT, retry_ms > 0 ? retry_ms : 1000,
            "No connection came free within %lld s. The statement was not run.",
            (long long)d->config->query_queue_s);
        break;
    case CORE_QUEUE_FULL:
        limits_refuse_queue(call, a, retry_ms);
        break;
    case CORE_RATE_LIMITED:
        limits_refuse_rate(call, a, retry_ms);
        break;
    case CORE_QUOTA_EXHAUSTED:
        limits_refuse_quota(call, a);
        break;
    case CORE_WORKER_DIED:
        fail_lost(call);
        break;
    case CORE_UNAVAILABLE:
        fail_unreached(call, retry_ms);
        break;
    case CORE_LOGIN_PENDING:
        logins_fail_pending(call, retry_ms);
        break;
    case CORE_DRAINING:
        tool_fail(tool, TOOL_E_DRAINING, 2000, "The daemon is stopping. The call was not run.");
        break;
    case CORE_ELSEWHERE:
        tool_fail(tool, TOOL_E_STATE_ELSEWHERE, 0,
            "The session holds a transaction, a temporary object or a variable where this call "
            "cannot run: in another profile, or on a connection that it would have to change. "
            "It was not run.");
        break;
    case CORE_UNSETTABLE:
        lease_refuse_unset(call);
        break;
    case CORE_NO_SESSION:
    case CORE_CLOSED:
    case CORE_IDLE_LIMIT:
    case CORE_AGE_LIMIT:
        tool_fail(tool, TOOL_E_SESSION_NOT_FOUND, 0, "The session has ended, and its calls with it.");
        break;
    case CORE_TOO_MANY:
        tool_fail(tool, TOOL_E_QUEUE_FULL, 1000,
            "There is no room for another client. The call was not run.");
        break;
    case CORE_OK:
    case CORE_CANCELLED:
    case CORE_REASONS:
        tool_fail(tool, TOOL_E_CANCELLED, 0, "The call was cancelled.");
        break;
    }
}

static bool has_waited_in_vain(enum core_reason reason)
{
    return reason == CORE_QUEUE_TIMEOUT || reason == CORE_CANCELLED || reason == CORE_CLOSED;
}

void call_ended(struct call *call, const struct core_action *a)
{
    struct daemon *d = call->daemon;
    d->tickets[call->ticket] = NULL;
    d->free_tickets[d->free_ticket_len++] = call->ticket;
    call->ticket = CORE_NONE;
    if (call->conn == CORE_NONE && has_waited_in_vain(a->reason)) {
        call->has_queued = true;
        call->queue_ns += clock_boot_ns() - call->submitted_ns;
    }
    lease_forget(call);
    if (a->reason == CORE_OK && !call->has_answer) {
        ASSERT(call->state == CALL_WAITING); /* the lease is back, the host is at work */
        return;
    }
    if (a->reason != CORE_OK || call->tool.out.len == 0) {
        call_fail_for(call, a);
    }
    finish(call);
}
