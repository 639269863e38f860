// SPDX-License-Identifier: Apache-2.0
/* A host of a few sessions, queries and one result. */
#include "tools_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rig *rig_of(const struct tool_call *call)
{
    return (struct rig *)(uintptr_t)call; /* the call is its first member */
}

static void host_self(struct tool_call *call, struct tool_self *ret)
{
    (void)call;
    *ret = (struct tool_self){.principal = STR("uid:1000"),
        .client = STR("claude-code"),
        .client_type = STR("claude_code"),
        .version = STR("0.1.0"),
        .limit_rows = 100,
        .limit_rows_max = 10000,
        .page_bytes = 32768,
        .cell_chars = 2000,
        .grace_s = 25,
        .timeout_s = 300,
        .timeout_s_max = 3600,
        .queue_s = 120,
        .queue_principal = 64,
        .queue_client = 32,
        .sessions_max = 200};
}

static uint64_t host_elapsed(const struct tool_call *call)
{
    (void)call;
    return 412;
}

static uint64_t host_credit_rate(const struct tool_call *call)
{
    return rig_of(call)->credit_rate;
}

static uint32_t host_profile_count(struct tool_call *call)
{
    return rig_of(call)->profile_count;
}

static void host_profile_at(
    struct tool_call *call, uint32_t index, struct tool_profile *ret)
{
    assert_true(index < rig_of(call)->profile_count);
    *ret = rig_of(call)->profiles[index];
}

static struct rig_session *find_session(struct rig *rig, struct str handle)
{
    for (size_t i = 0; i < RIG_SESSIONS; i++) {
        struct rig_session *session = &rig->sessions[i];
        if (session->open && str_eq(handle, str_of(session->handle))) {
            return session;
        }
    }
    return NULL;
}

static const struct histogram times = {{0, 2, 0, 0, 0, 1}};

static void put_session(struct rig_session *from, struct tool_session *to)
{
    *to = (struct tool_session){.handle = str_of(from->handle),
        .label = str_of(from->label),
        .client = STR("claude-code"),
        .client_type = STR("claude_code"),
        .state = STR("active"),
        .created_wall_ns = 1700000000000000000u,
        .last_seen_wall_ns = 1700000001000000000u,
        .counts = {.calls_total = 3,
            .calls_ok = 2,
            .calls_failed = 1,
            .rows = 40,
            .calls_timed = 3,
            .response_ns = 4500000},
        .response_times = &times,
        .preferences = from->preferences};
    for (int i = 0; i < TOOL_PARTS; i++) {
        to->context[i] = str_of(from->context.part[i]);
    }
}

static bool host_session_find(
    struct tool_call *call, struct str handle, struct tool_session *ret)
{
    struct rig_session *session = find_session(rig_of(call), handle);
    if (session) {
        put_session(session, ret);
    }
    return session != NULL;
}

static void host_session_each(struct tool_call *call,
    void (*each)(void *arg, const struct tool_session *session), void *arg)
{
    struct tool_session session;
    for (size_t i = 0; i < RIG_SESSIONS; i++) {
        if (rig_of(call)->sessions[i].open) {
            put_session(&rig_of(call)->sessions[i], &session);
            each(arg, &session);
        }
    }
}

static void keep(
    struct rig *rig, struct rig_session *session, const struct tool_session_set *set)
{
    session->open = true;
    session->context = set->context ? *set->context : session->context;
    session->preferences = set->preferences ? *set->preferences : session->preferences;
    if (set->label.ptr) {
        assert_true(str_copy(set->label, session->label, sizeof(session->label)));
    }
    rig->pending = RIG_DONE;
    rig->done = (struct tool_done){.ok = true, .session = str_of(session->handle)};
}

static void host_session_open(struct tool_call *call, const struct tool_session_set *set)
{
    for (size_t i = 0; i < RIG_SESSIONS; i++) {
        if (!rig_of(call)->sessions[i].open) {
            keep(rig_of(call), &rig_of(call)->sessions[i], set);
            return;
        }
    }
    rig_of(call)->pending = RIG_DONE;
    rig_of(call)->done = (struct tool_done){
        .code = TOOL_E_TOO_MANY_SESSIONS, .message = STR("4 sessions are open.")};
}

static void host_session_set(
    struct tool_call *call, struct str handle, const struct tool_session_set *set)
{
    struct rig_session *session = find_session(rig_of(call), handle);
    assert_non_null(session);
    keep(rig_of(call), session, set);
}

static void host_session_stats(struct tool_call *call, struct tool_stats *ret)
{
    (void)call;
    *ret = (struct tool_stats){.sessions = 3,
        .active = 2,
        .clients = 2,
        .type_count = 2,
        .type = {{STR("claude_code"), 2}, {STR("cursor"), 1}},
        .state_count = 1,
        .state = {{STR("idle"), 3}},
        /* Of the four calls one is from a store that timed none. */
        .counts = {
            .calls_total = 4, .calls_ok = 4, .calls_timed = 3, .response_ns = 7500000}};
    histogram_add(&ret->response_times, 3000000);
    histogram_add(&ret->response_times, UINT64_MAX);
}

static void host_session_close(struct tool_call *call, struct str handle)
{
    struct rig_session *session = find_session(rig_of(call), handle);
    assert_non_null(session);
    session->open = false;
    rig_of(call)->pending = RIG_DONE;
    rig_of(call)->done = (struct tool_done){.ok = true};
}

static void put_query(const struct rig_query *from, struct tool_query *to)
{
    *to = (struct tool_query){.handle = str_of(from->handle),
        .tool = STR("execute_query"),
        .sql = STR("select 1"),
        .status = str_of(from->status),
        .elapsed_ms = 25003,
        .position = strcmp(from->status, "queued") == 0 ? 3 : 0,
        .queue_length = 9,
        .wait_ms = 4000,
        .rows_so_far = 17,
        .started_wall_ns = 1700000000000000000u,
        .answer = str_of(from->answer),
        .answer_is_error = from->is_error};
}

static bool host_query_find(
    struct tool_call *call, struct str handle, struct tool_query *ret)
{
    for (size_t i = 0; i < RIG_QUERIES; i++) {
        const struct rig_query *query = &rig_of(call)->queries[i];
        if (query->status && str_eq(handle, str_of(query->handle))) {
            put_query(query, ret);
            return true;
        }
    }
    return false;
}

static void host_query_each(struct tool_call *call,
    void (*each)(void *arg, const struct tool_query *query), void *arg)
{
    struct tool_query query;
    for (size_t i = 0; i < RIG_QUERIES; i++) {
        if (rig_of(call)->queries[i].status) {
            put_query(&rig_of(call)->queries[i], &query);
            each(arg, &query);
        }
    }
}

static void end_query(struct rig *rig)
{
    if (rig->status_after) {
        rig->queries[0].status = rig->status_after;
    }
    rig->pending = RIG_DONE;
    rig->done = (struct tool_done){.ok = true};
}

static void host_query_wait(struct tool_call *call, struct str handle, uint32_t wait_s)
{
    (void)handle;
    rig_of(call)->wait_s = wait_s;
    end_query(rig_of(call));
}

static void host_query_cancel(struct tool_call *call, struct str handle)
{
    (void)handle;
    end_query(rig_of(call));
}

static bool host_query_attach(
    struct tool_call *call, struct str sql, uint32_t wait_s, struct handle *ret)
{
    assert_true(sql.len > 0);
    memcpy(ret->text, rig_of(call)->queries[0].handle, HANDLE_SIZE);
    if (rig_of(call)->has_same) {
        host_query_wait(call, handle_str(ret), wait_s);
    }
    return rig_of(call)->has_same;
}

static bool host_result_find(
    struct tool_call *call, struct str handle, struct tool_result *ret)
{
    *ret = rig_of(call)->result;
    return str_eq(handle, ret->handle);
}

static void host_result_fetch(
    struct tool_call *call, struct str handle, uint64_t offset, uint32_t rows_max)
{
    (void)handle;
    rig_of(call)->fetch_offset = offset;
    rig_of(call)->fetch_rows = rows_max;
    rig_of(call)->pending = rig_of(call)->fails ? RIG_DONE : RIG_PAGE;
}

static void host_result_cell(struct tool_call *call, struct str handle, uint64_t row,
    uint32_t column, uint64_t offset, uint32_t bytes_max)
{
    (void)handle;
    assert_int_equal(bytes_max, 32 * 1024);
    rig_of(call)->cell_row = row;
    rig_of(call)->cell_column = column;
    rig_of(call)->fetch_offset = offset;
    rig_of(call)->pending = RIG_PAGE;
}

static const struct tool_host functions = {
    .self = host_self,
    .elapsed_ms = host_elapsed,
    .credit_rate = host_credit_rate,
    .profile_count = host_profile_count,
    .profile_at = host_profile_at,
    .session_find = host_session_find,
    .session_each = host_session_each,
    .session_open = host_session_open,
    .session_set = host_session_set,
    .session_close = host_session_close,
    .session_stats = host_session_stats,
    .query_find = host_query_find,
    .query_each = host_query_each,
    .query_wait = host_query_wait,
    .query_cancel = host_query_cancel,
    .query_attach = host_query_attach,
    .result_find = host_result_find,
    .result_fetch = host_result_fetch,
    .result_cell = host_result_cell,
};

const struct tool_host *rig_host(void)
{
    return &functions;
}
