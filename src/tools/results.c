// SPDX-License-Identifier: Apache-2.0
/* What outlives the call that made it: results to read on in, queries to wait for. */
#include "tools/calls.h"

enum {
    WAIT_S_MAX = 25
};
enum {
    FETCH_PAGE,
    FETCH_CELL
};

static bool find_result(struct tool_call *call, struct tool_result *result)
{
    if (call->host->result_find(call, str_of(call->name[0]), result)) {
        return true;
    }
    tool_fail(call, TOOL_E_RESULT_NOT_FOUND, 0,
        "There is no result %s: it expired, or is not yours.", call->name[0]);
    return false;
}

/* A required handle, kept in call->name[0]; false: answered. */
static bool take_handle(struct tool_call *call, const char *name, enum handle_kind kind)
{
    struct str handle;
    if (!tool_arg_handle(call, name, kind, &handle)) {
        return false;
    }
    if (!handle.ptr) {
        return tool_arg_missing(call, name);
    }
    bool fits = str_copy(handle, call->name[0], TOOL_NAME_SIZE);
    ASSERT(fits);
    return true;
}

static bool fail_range(
    struct tool_call *call, const char *name, uint64_t value, uint64_t rows)
{
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "Argument \"%s\" of fetch_result is %llu; the result has %llu rows, counted from 0.",
        name, (unsigned long long)value, (unsigned long long)rows);
    return false;
}

static bool take_page(struct tool_call *call, const struct tool_result *result)
{
    if (!tool_take_limits(call)) {
        return false;
    }
    return call->offset < result->rows || call->offset == 0 ||
           fail_range(call, "offset", call->offset, result->rows);
}

/* -1 for what is not given. */
static bool take_cell(struct tool_call *call, int64_t *ret_row, int64_t *ret_column)
{
    return tool_arg_int(call, "row", 0, INT64_MAX, -1, ret_row) &&
           tool_arg_int(call, "column", 0, INT32_MAX, -1, ret_column);
}

enum tool_move fetch_result_start(struct tool_call *call)
{
    struct tool_result result;
    struct tool_session session;
    bool found;
    int64_t offset;
    int64_t row;
    int64_t column;
    if (!tool_args_known(call) || !tool_session_find(call, &found, &session) ||
        !take_handle(call, "result", HANDLE_RESULT) ||
        !tool_arg_int(call, "offset", 0, INT64_MAX, 0, &offset) ||
        !take_cell(call, &row, &column) || !find_result(call, &result)) {
        return TOOL_ANSWER;
    }
    call->offset = (uint64_t)offset;
    call->keeps_result = true;
    if (row < 0 && column < 0) {
        if (!take_page(call, &result)) {
            return TOOL_ANSWER;
        }
        call->stage = FETCH_PAGE;
        call->host->result_fetch(call, str_of(call->name[0]), call->offset, call->limit);
        return TOOL_WAIT;
    }
    if (row < 0 || column < 0) {
        tool_arg_missing(call, row < 0 ? "row" : "column");
        return TOOL_ANSWER;
    }
    if ((uint64_t)row >= result.rows) {
        fail_range(call, "row", (uint64_t)row, result.rows);
        return TOOL_ANSWER;
    }
    call->stage = FETCH_CELL;
    call->host->result_cell(call, str_of(call->name[0]), (uint64_t)row, (uint32_t)column,
        call->offset, TOOL_CELL_STEP);
    return TOOL_WAIT;
}

static enum tool_move answer_cell(struct tool_call *call, const struct tool_page *page)
{
    struct buf *out = &call->out;
    int64_t row;
    int64_t column;
    if (!take_cell(call, &row, &column)) {
        return TOOL_ANSWER;
    }
    uint64_t end = call->offset + page->row_count;
    bool more =
        page->row_count > 0 && page->total_rows > 0 && end < (uint64_t)page->total_rows;
    reply_begin(call, "done");
    buf_printf(out,
        ",\"result\":\"%s\",\"row\":%lld,\"column\":%lld,\"text\":", call->name[0],
        (long long)row, (long long)column);
    buf_put_str(out, page->rows.len > 0 ? page->rows : STR("\"\""));
    buf_printf(out, ",\"offset\":%llu,\"bytes_total\":%lld",
        (unsigned long long)call->offset, (long long)page->total_rows);
    buf_puts(out, more ? ",\"truncated\":true" : ",\"truncated\":false");
    if (more) {
        buf_printf(out,
            ",\"next\":{\"tool\":\"fetch_result\",\"arguments\":{\"result\":\"%s\","
            "\"row\":%lld,\"column\":%lld,\"offset\":%llu}}",
            call->name[0], (long long)row, (long long)column, (unsigned long long)end);
    } else {
        buf_puts(out, ",\"next\":null");
    }
    return reply_end(call);
}

enum tool_move fetch_result_page(struct tool_call *call, const struct tool_page *page)
{
    struct tool_page shown = *page;
    struct tool_result result;
    if (call->stage == FETCH_CELL) {
        return answer_cell(call, page);
    }
    if (call->host->result_find(call, str_of(call->name[0]), &result)) {
        shown.result = str_of(call->name[0]);
        shown.total_rows = (int64_t)result.rows;
        shown.capped = result.capped;
        shown.expires_wall_ns = result.expires_wall_ns;
    }
    return reply_rows(call, &shown, STR(""));
}

/* Only a failure ends a fetch without its page. */
enum tool_move fetch_result_done(struct tool_call *call, const struct tool_done *done)
{
    if (tool_host_failed(call, done)) {
        return TOOL_ANSWER;
    }
    return tool_fail(call, TOOL_E_INTERNAL, 0, "The result's page did not come.");
}

static bool find_query(struct tool_call *call, struct tool_query *query)
{
    if (call->host->query_find(call, str_of(call->name[0]), query)) {
        return true;
    }
    tool_fail(call, TOOL_E_QUERY_NOT_FOUND, 0,
        "There is no query %s: it is forgotten, or not yours.", call->name[0]);
    return false;
}

static bool is_unfinished(const struct tool_query *query)
{
    return str_eq(query->status, STR("queued")) || str_eq(query->status, STR("running"));
}

/* An ended query whose answer is not kept any more. */
static enum tool_move answer_ended(
    struct tool_call *call, const struct tool_query *query, const char *notice)
{
    char status[16];
    bool fits = str_copy(query->status, status, sizeof(status));
    reply_begin(call, fits ? status : "done");
    reply_put_member(&call->out, "result", query->result);
    reply_put_notice(call, str_of(notice));
    return reply_end_of(call, query->handle, query->elapsed_ms);
}

static enum tool_move answer_query(struct tool_call *call)
{
    struct tool_query query;
    if (!find_query(call, &query)) {
        return TOOL_ANSWER;
    }
    if (is_unfinished(&query)) {
        struct buf figures = BUF_INIT(1024);
        reply_put_figures(&figures, &query);
        tool_answer_unfinished(call, &query, buf_str(&figures));
        buf_free(&figures);
        return TOOL_ANSWER;
    }
    if (query.answer.len > 0) {
        buf_clear(&call->out);
        buf_put_str(&call->out, query.answer);
        call->is_error = query.answer_is_error;
        call->code = query.answer_code;
        call->is_relayed = query.answer_is_error;
        return buf_ok(&call->out)
                   ? TOOL_ANSWER
                   : tool_fail(call, TOOL_E_INTERNAL, 0, "No memory for the answer.");
    }
    bool is_interrupted = str_eq(query.status, STR("interrupted"));
    return answer_ended(call, &query,
        is_interrupted ? "The daemon ended before the query did, which did not survive. The "
                         "call may be sent again."
                       : "Its answer is not kept any more.");
}

static void put_query(void *arg, const struct tool_query *query)
{
    struct tool_call *call = arg;
    struct buf *out = &call->out;
    buf_puts(out, call->index++ > 0 ? ",{\"query\":" : "{\"query\":");
    buf_put_json(out, query->handle);
    reply_put_member(out, "status", query->status);
    reply_put_member(out, "tool", query->tool);
    reply_put_member(out, "sql", query->sql);
    reply_put_member(out, "session", query->session);
    buf_puts(out, ",\"started\":");
    reply_put_time(out, query->started_wall_ns);
    buf_puts(out, ",\"elapsed_ms\":");
    buf_put_u64(out, query->elapsed_ms);
    if (query->position > 0) {
        buf_printf(out, ",\"position\":%u", query->position);
    }
    reply_put_figures(out, query);
    reply_put_member(out, "result", query->result);
    buf_putc(out, '}');
}

static enum tool_move list_queries(struct tool_call *call)
{
    reply_begin(call, "done");
    buf_puts(&call->out, ",\"queries\":[");
    call->host->query_each(call, put_query, call);
    buf_putc(&call->out, ']');
    return reply_end(call);
}

enum tool_move query_status_start(struct tool_call *call)
{
    struct tool_query query;
    struct str handle;
    int64_t wait_s;
    if (!tool_args_known(call) ||
        !tool_arg_handle(call, "query", HANDLE_QUERY, &handle) ||
        !tool_arg_int(call, "wait_s", 0, WAIT_S_MAX, WAIT_S_MAX, &wait_s)) {
        return TOOL_ANSWER;
    }
    if (!handle.ptr) {
        return list_queries(call);
    }
    if (!take_handle(call, "query", HANDLE_QUERY) || !find_query(call, &query)) {
        return TOOL_ANSWER;
    }
    if (!is_unfinished(&query) || wait_s == 0) {
        return answer_query(call);
    }
    call->host->query_wait(call, str_of(call->name[0]), (uint32_t)wait_s);
    return TOOL_WAIT;
}

enum tool_move query_status_done(struct tool_call *call, const struct tool_done *done)
{
    return tool_host_failed(call, done) ? TOOL_ANSWER : answer_query(call);
}

enum tool_move cancel_query_start(struct tool_call *call)
{
    struct tool_query query;
    if (!tool_args_known(call) || !take_handle(call, "query", HANDLE_QUERY) ||
        !find_query(call, &query)) {
        return TOOL_ANSWER;
    }
    if (!is_unfinished(&query)) {
        return answer_ended(call, &query, "It had ended before.");
    }
    call->host->query_cancel(call, str_of(call->name[0]));
    return TOOL_WAIT;
}

enum tool_move cancel_query_done(struct tool_call *call, const struct tool_done *done)
{
    struct tool_query query;
    if (tool_host_failed(call, done) || !find_query(call, &query)) {
        return TOOL_ANSWER;
    }
    return answer_ended(call, &query, "");
}
