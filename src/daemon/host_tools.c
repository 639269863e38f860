// SPDX-License-Identifier: Apache-2.0
/* What tools ask of the daemon, with the rights of the call's principal. */
#include <stdlib.h>

#include "base/clock.h"
#include "daemon/inside.h"

static struct call *call_of(struct tool_call *tool)
{
    return CONTAINER_OF(tool, struct call, tool);
}

static void self(struct tool_call *tool, struct tool_self *ret)
{
    struct call *call = call_of(tool);
    struct daemon *d = call->daemon;
    const struct config *config = d->config;
    *ret = (struct tool_self){
        .principal = symbol_str(d->symbols, call->principal),
        .client = str_of(call->client_name),
        .client_type = str_of(client_type(d, str_of(call->client_name), call->session)),
        .version = STR(SNOWMUX_VERSION),
        .limit_rows = (uint32_t)config->query_limit_rows,
        .limit_rows_max = 10000,
        .page_bytes = (uint32_t)config->query_page_bytes,
        .cell_chars = (uint32_t)config->query_cell_chars,
        .grace_s = (uint32_t)config->query_grace_s,
        .timeout_s = (uint32_t)config->query_timeout_s,
        .timeout_s_max = 3600,
        .queue_s = (uint32_t)config->query_queue_s,
        .queue_principal = (uint32_t)config->concurrency_principal.queue,
        .queue_client = (uint32_t)config->concurrency_client.queue,
        .sessions_max = (uint32_t)config->session_max_per_principal,
    };
    limits_show(call, ret);
}

static uint64_t elapsed_ms(const struct tool_call *tool)
{
    const struct call *call =
        (const struct call *)(const void *)((const char *)tool - offsetof(struct call, tool));
    return (clock_boot_ns() - call->arrived_ns) / NS_PER_MS;
}

static uint64_t credit_rate(const struct tool_call *tool)
{
    return limits_credit_rate(
        (const struct call *)(const void *)((const char *)tool - offsetof(struct call, tool)));
}

static uint32_t profile_count(struct tool_call *tool)
{
    return call_of(tool)->daemon->profile_count;
}

static void profile_at(struct tool_call *tool, uint32_t index, struct tool_profile *ret)
{
    const struct daemon *d = call_of(tool)->daemon;
    const struct profile *p = &d->profile[index];
    const char *policy =
        config_policy_of(p->config, symbol_str(d->symbols, call_of(tool)->principal));
    *ret = (struct tool_profile){
        .name = str_of(p->config->name),
        .dialect = p->rules.dialect,
        .policy = str_of(policy),
        .slots = (uint32_t)p->config->slots,
        .scan_bytes_max = p->config->scan_bytes_max,
        .scan_mb_per_s = p->config->scan_mb_per_s,
        .per_principal = p->rules.per_principal,
        .has_credential = logins_has_credential(
            call_of(tool)->daemon, index, call_of(tool)->principal),
    };
    const struct call *call = call_of(tool);
    const struct login *login = logins_seen_by(call->daemon, index, call->principal);
    bool is_policy = guard_policy_find(ret->policy, &ret->classes);
    ASSERT(is_policy); /* the configuration is checked */
    memcpy(ret->defaults, p->defaults, sizeof(ret->defaults));
    for (int i = 0; i < TOOL_PARTS; i++) {
        ret->base[i] = str_of(login->base[i]);
    }
}

/* ---- sessions ---- */

static struct session *own_session(struct call *call, struct str handle)
{
    struct session *s = sessions_find(call->daemon, handle);
    return s && s->is_durable && s->principal == call->principal ? s : NULL;
}

static bool find_session(struct tool_call *tool, struct str handle, struct tool_session *ret)
{
    struct call *call = call_of(tool);
    struct session *s = own_session(call, handle);
    if (s) {
        sessions_view(call->daemon, s, ret);
    }
    return s != NULL;
}

static int newest_first(const void *a, const void *b)
{
    const struct session *x = *(struct session *const *)a;
    const struct session *y = *(struct session *const *)b;
    return (x->last_seen_wall_ns < y->last_seen_wall_ns) - (x->last_seen_wall_ns > y->last_seen_wall_ns);
}

static void each_session(struct tool_call *tool,
    void (*each)(void *arg, const struct tool_session *session), void *arg)
{
    struct call *call = call_of(tool);
    struct daemon *d = call->daemon;
    uint32_t count = 0;
    struct session **own = calloc(d->limits.principal_sessions + 1, sizeof(struct session *));
    for (uint32_t i = 0; own && i < d->limits.sessions; i++) {
        struct session *s = d->sessions[i];
        if (s && s->principal == call->principal && count < d->limits.principal_sessions) {
            own[count++] = s;
        }
    }
    if (count > 0) {
        qsort(own, count, sizeof(struct session *), newest_first);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tool_session view;
        sessions_view(d, own[i], &view);
        each(arg, &view);
    }
    free(own);
}

static void no_memory(struct call *call)
{
    call_done(call, false, TOOL_E_INTERNAL, STR("There is no memory."));
}

/* The drain waits for the store on behalf of those who came before it. */
bool call_is_too_late(struct call *call)
{
    const struct daemon *d = call->daemon;
    return d->is_draining && call->arrived_ns >= d->drain_from_ns;
}

/* True: answered. */
static bool is_too_late(struct call *call)
{
    bool is_late = call_is_too_late(call);
    if (is_late) {
        call_done(
            call, false, TOOL_E_DRAINING, STR("The daemon is stopping. The call was not run."));
    }
    return is_late;
}

static void open_session(struct tool_call *tool, const struct tool_session_set *set)
{
    struct call *call = call_of(tool);
    struct daemon *d = call->daemon;
    struct waiter *waiter = waiter_new(NULL, call);
    struct mcp_client client = {.name = str_of(call->client_name),
        .version = str_of(call->client_version),
        .instance = str_of(call->instance),
        .revision = STR("")};
    if (waiter) {
        sessions_open(
            d, symbol_str(d->symbols, call->principal), &client, set, false, waiter);
    } else {
        no_memory(call);
    }
}

static void set_session(
    struct tool_call *tool, struct str handle, const struct tool_session_set *set)
{
    struct call *call = call_of(tool);
    struct session *s = own_session(call, handle);
    if (is_too_late(call)) {
        return;
    }
    if (s && !s->body) {
        call_hold(call, s); /* another session than its own: it begins again */
        return;
    }
    struct waiter *waiter = s ? waiter_new(NULL, call) : NULL;
    if (waiter) {
        sessions_set(s, set, waiter);
    } else if (s) {
        no_memory(call);
    } else {
        call_done(call, false, TOOL_E_SESSION_NOT_FOUND, STR("The session has ended."));
    }
}

static void close_session(struct tool_call *tool, struct str handle)
{
    struct call *call = call_of(tool);
    struct session *s = own_session(call, handle);
    if (is_too_late(call)) {
        return;
    }
    struct waiter *waiter = s ? waiter_new(NULL, call) : NULL;
    if (waiter) {
        sessions_close(s, waiter);
    } else if (s) {
        no_memory(call);
    } else {
        call_done(call, false, TOOL_E_SESSION_NOT_FOUND, STR("The session has ended."));
    }
}

static void stats(struct tool_call *tool, struct tool_stats *ret)
{
    struct call *call = call_of(tool);
    sessions_stats(call->daemon, call->principal, ret);
}

/* ---- queries ---- */

static bool find_query(struct tool_call *tool, struct str handle, struct tool_query *ret)
{
    struct call *call = call_of(tool);
    struct query *query = query_find(call->daemon, call->principal, handle);
    if (query) {
        query_view(call->daemon, query, ret);
        records_promise(query, call);
    }
    return query != NULL;
}

/* What a daemon's end interrupted is listed in every session: its asker may have another now. */
static bool is_listed(const struct call *call, const struct query *query)
{
    return query->principal == call->principal &&
           (call->tool.session[0] == '\0' || strcmp(call->tool.session, query->session) == 0 ||
               strcmp(query->status, "interrupted") == 0);
}

/* Running ones first (the newest calls), then what has ended, newest first. */
static void each_query(struct tool_call *tool,
    void (*each)(void *arg, const struct tool_query *query), void *arg)
{
    struct call *call = call_of(tool);
    struct daemon *d = call->daemon;
    struct tool_query view;
    int count = 0;
    for (struct list *it = d->calls.prev; it != &d->calls && count < QUERIES_LISTED; it = it->prev) {
        struct query *query = CONTAINER_OF(it, struct call, all)->query;
        if (query && is_listed(call, query)) {
            query_view(d, query, &view);
            records_promise(query, call);
            each(arg, &view);
            count++;
        }
    }
    for (struct list *it = d->ended.prev; it != &d->ended && count < QUERIES_LISTED; it = it->prev) {
        const struct query *query = CONTAINER_OF(it, struct query, ended);
        if (is_listed(call, query)) {
            query_view(d, query, &view);
            each(arg, &view);
            count++;
        }
    }
}

static void wait_query(struct tool_call *tool, struct str handle, uint32_t wait_s)
{
    struct call *call = call_of(tool);
    struct query *query = query_find(call->daemon, call->principal, handle);
    attach_wait(call, query, clock_boot_ns() + wait_s * NS_PER_S);
}

static void cancel_query(struct tool_call *tool, struct str handle)
{
    struct call *call = call_of(tool);
    struct query *query = query_find(call->daemon, call->principal, handle);
    if (query && query->call && query->call->ticket != CORE_NONE) {
        core_event_for_call(call->daemon, CORE_CANCEL, query->call, CORE_CANCELLED);
    }
    attach_wait(call, query, 0);
}

static bool attach_query(
    struct tool_call *tool, struct str sql, uint32_t wait_s, struct handle *ret)
{
    struct call *call = call_of(tool);
    const struct session *s = own_session(call, str_of(tool->session));
    return s && attach_ask(call, s, sql, wait_s, ret);
}

/* ---- results ---- */

const struct result *result_of(struct call *call, struct str handle)
{
    const struct result *r = results_find(call->daemon->results, handle, clock_boot_ns());
    return r && r->principal == call->principal ? r : NULL;
}

static bool find_result(struct tool_call *tool, struct str handle, struct tool_result *ret)
{
    const struct result *r = result_of(call_of(tool), handle);
    if (r) {
        *ret = (struct tool_result){.handle = handle_str(&r->handle),
            .rows = r->rows,
            .capped = r->capped,
            .expires_wall_ns = r->expires_wall_ns};
    }
    return r != NULL;
}

static void ask_reader(struct call *call, struct str handle, struct reader_ask ask)
{
    const struct result *r = result_of(call, handle);
    if (is_too_late(call)) {
        return;
    }
    if (r) {
        ask.result = r->handle;
        reader_ask(call, &ask);
    } else {
        call_done(call, false, TOOL_E_RESULT_NOT_FOUND, STR("The result has expired."));
    }
}

static void fetch(struct tool_call *tool, struct str handle, uint64_t offset, uint32_t rows_max)
{
    ask_reader(call_of(tool), handle, (struct reader_ask){.offset = offset, .max = rows_max});
}

static void cell(struct tool_call *tool, struct str handle, uint64_t row, uint32_t column,
    uint64_t offset, uint32_t bytes_max)
{
    ask_reader(call_of(tool), handle,
        (struct reader_ask){
            .is_cell = true, .row = row, .column = column, .offset = offset, .max = bytes_max});
}

const struct tool_host host_tools = {
    .self = self,
    .elapsed_ms = elapsed_ms,
    .credit_rate = credit_rate,
    .profile_count = profile_count,
    .profile_at = profile_at,
    .session_find = find_session,
    .session_each = each_session,
    .session_open = open_session,
    .session_set = set_session,
    .session_close = close_session,
    .session_stats = stats,
    .query_find = find_query,
    .query_each = each_query,
    .query_wait = wait_query,
    .query_cancel = cancel_query,
    .query_attach = attach_query,
    .result_find = find_result,
    .result_fetch = fetch,
    .result_cell = cell,
};
