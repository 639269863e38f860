// SPDX-License-Identifier: Apache-2.0
#include "tools/reply.h"

#include <time.h>

#include "base/clock.h"
#include "tools/calls.h"
#include "tools/opaque.h"

static const char *const part_names[TOOL_PARTS] = {
    "profile", "role", "warehouse", "database", "schema"};

void reply_put_member(struct buf *out, const char *name, struct str value)
{
    if (value.len > 0) {
        buf_printf(out, ",\"%s\":", name);
        buf_put_json(out, value);
    }
}

void reply_put_parts(struct buf *out, const struct str parts[TOOL_PARTS])
{
    buf_puts(out, "\"context\":{");
    const char *comma = "";
    for (int i = 0; i < TOOL_PARTS; i++) {
        if (parts[i].len > 0) {
            buf_printf(out, "%s\"%s\":", comma, part_names[i]);
            buf_put_json(out, parts[i]);
            comma = ",";
        }
    }
    buf_putc(out, '}');
}

void reply_put_context(struct tool_call *call)
{
    struct str parts[TOOL_PARTS];
    struct tool_profile profile;
    bool has_base = tool_profile_find(call, str_of(call->context.part[TOOL_PROFILE]), &profile);
    for (int i = 0; i < TOOL_PARTS; i++) {
        parts[i] = str_of(call->context.part[i]);
        /* The schema that a login brings belongs to the database that it brings. */
        bool is_elsewhere = i == TOOL_SCHEMA && !str_eq(parts[TOOL_DATABASE], profile.base[TOOL_DATABASE]);
        if (parts[i].len == 0 && has_base && !is_elsewhere) {
            parts[i] = profile.base[i];
        }
    }
    reply_put_parts(&call->out, parts);
}

static struct tm time_of(uint64_t wall_ns)
{
    struct tm tm = {0};
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    gmtime_r(&seconds, &tm);
    return tm;
}

void reply_put_time(struct buf *out, uint64_t wall_ns)
{
    struct tm tm = time_of(wall_ns);
    buf_printf(out, "\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", tm.tm_year + 1900,
        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void reply_begin(struct tool_call *call, const char *status)
{
    tool_call_init(call);
    buf_clear(&call->out);
    call->is_error = false;
    buf_printf(&call->out, "{\"status\":\"%s\"", status);
}

enum tool_move reply_end(struct tool_call *call)
{
    return reply_end_of(call, str_of(call->query), call->host->elapsed_ms(call));
}

void reply_put_notice(struct tool_call *call, struct str text)
{
    reply_put_member(&call->out, "notice", text);
    call->has_notice = call->has_notice || text.len > 0;
}

enum tool_move reply_end_of(struct tool_call *call, struct str query, uint64_t elapsed_ms)
{
    struct buf *out = &call->out;
    if (call->resumed && !call->has_notice) {
        reply_put_notice(call, str_of(call->resumed));
        call->told_resumed = true;
    }
    if (call->as_of_wall_ns > 0) {
        buf_puts(out, ",\"as_of\":");
        reply_put_time(out, call->as_of_wall_ns);
    }
    reply_put_member(out, "query", query);
    buf_puts(out, ",\"elapsed_ms\":");
    buf_put_u64(out, elapsed_ms);
    if (tool_is_set(call->context.part[TOOL_PROFILE])) {
        buf_putc(out, ',');
        reply_put_context(call);
    }
    buf_putc(out, '}');
    if (!buf_ok(out)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0, "The answer is larger than %d bytes.",
            TOOL_OUT_MAX);
    }
    return TOOL_ANSWER;
}

void reply_put_figures(struct buf *out, const struct tool_query *query)
{
    if (query->position > 0) {
        buf_printf(out, ",\"queue_length\":%u,\"wait_ms\":%llu", query->queue_length,
            (unsigned long long)query->wait_ms);
    }
    if (str_eq(query->status, STR("running"))) {
        buf_printf(out, ",\"rows_so_far\":%llu", (unsigned long long)query->rows_so_far);
    }
}

void tool_answer_unfinished(
    struct tool_call *call, const struct tool_query *query, struct str figures)
{
    tool_call_init(call);
    struct buf *out = &call->out;
    buf_clear(out);
    call->is_error = false;
    buf_puts(out, "{\"status\":");
    buf_put_json(out, query->status);
    reply_put_member(out, "query", query->handle);
    buf_printf(out, ",\"elapsed_ms\":%llu", (unsigned long long)query->elapsed_ms);
    if (query->position > 0) {
        buf_printf(out, ",\"position\":%u", query->position);
    }
    buf_put_str(out, figures);
    buf_puts(out, ",\"next\":{\"tool\":\"query_status\",\"arguments\":{\"query\":");
    buf_put_json(out, query->handle);
    buf_puts(out, ",\"wait_s\":25}},\"notice\":\"Do not send the SQL again.\"");
    if (tool_is_set(call->context.part[TOOL_PROFILE])) {
        buf_putc(out, ',');
        reply_put_context(call);
    }
    buf_putc(out, '}');
}

/* 2984113 as 2,984,113. */
static void put_grouped(struct buf *out, uint64_t value)
{
    if (value >= 1000) {
        put_grouped(out, value / 1000);
        buf_printf(out, ",%03u", (unsigned)(value % 1000));
        return;
    }
    buf_put_u64(out, value);
}

struct leftover {
    bool rows;  /* there are rows behind this page */
    bool cells; /* some cells are cut */
};

static struct leftover leftover_of(
    const struct tool_call *call, const struct tool_page *page)
{
    struct leftover left = {.cells = page->cuts.len > 2};
    if (page->total_rows >= 0) {
        left.rows = call->offset + page->row_count < (uint64_t)page->total_rows;
        left.rows = left.rows || page->capped;
    } else {
        left.rows = page->truncated;
    }
    return left;
}

static void put_rows_notice(
    struct tool_call *call, const struct tool_page *page, struct buf *text)
{
    if (call->offset == 0) {
        buf_puts(text, "First ");
        put_grouped(text, page->row_count);
    } else {
        buf_puts(text, "Rows ");
        put_grouped(text, call->offset + 1);
        buf_puts(text, " to ");
        put_grouped(text, call->offset + page->row_count);
    }
    if (page->total_rows >= 0) {
        buf_puts(text, " of ");
        put_grouped(text, (uint64_t)page->total_rows);
        buf_puts(text, page->capped ? " kept rows; the engine had more." : " rows.");
    } else {
        buf_puts(text, " rows; there are more.");
    }
    buf_puts(text, " Prefer GROUP BY or WHERE; read on only if you need single rows.");
}

/* What is neither here nor kept, and why. */
static void put_why_not_kept(
    const struct tool_page *page, struct leftover left, struct buf *text)
{
    if (page->why_not_kept.len == 0 || !(left.rows || left.cells)) {
        return;
    }
    buf_puts(text, text->len > 0 ? " " : "");
    if (page->result.len == 0) {
        buf_puts(text, "Nothing is kept of it, so the rest cannot be read: ");
    } else if (page->kept_rows > 0) {
        buf_puts(text, "Of the result only the first ");
        put_grouped(text, page->kept_rows);
        buf_puts(text, page->kept_rows > 1 ? " rows are kept: " : " row is kept: ");
    } else {
        buf_puts(text, "More is not kept: ");
    }
    buf_put_str(text, page->why_not_kept);
    buf_putc(text, '.');
}

/* What a reader should know of what is not here. */
static void put_notice(struct tool_call *call, const struct tool_page *page,
    struct leftover left, bool as_wanted)
{
    struct buf text = BUF_INIT(4096);
    if (!as_wanted) {
        buf_puts(&text, "They do not fit in the preferred format: rows are arrays.");
    }
    if (left.rows && call->keeps_result) {
        buf_puts(&text, text.len > 0 ? " " : "");
        put_rows_notice(call, page, &text);
    }
    if (left.cells && page->result.len > 0) {
        buf_puts(&text, text.len > 0 ? " " : "");
        buf_puts(&text,
            "Cells in cut_cells [row, column, bytes] are cut; fetch_result with "
            "result, row and column reads one");
        if (call->offset > 0) {
            buf_printf(&text, " (its row: %llu more than in cut_cells)",
                (unsigned long long)call->offset);
        }
        buf_putc(&text, '.');
    }
    put_why_not_kept(page, left, &text);
    if (text.len > 0 && page->result.len > 0 && page->expires_wall_ns > 0) {
        struct tm tm = time_of(page->expires_wall_ns);
        buf_printf(&text, " Kept until %02d:%02dZ.", tm.tm_hour, tm.tm_min);
    }
    opaque_put_notice(&text, page->columns);
    reply_put_notice(call, buf_str(&text));
    buf_free(&text);
}

static void put_next(struct tool_call *call, const struct tool_page *page,
    struct leftover left, struct str next_json)
{
    struct buf *out = &call->out;
    buf_puts(out, ",\"next\":");
    uint64_t next = call->offset + page->row_count;
    bool kept = page->result.len > 0 && page->kept_rows == 0 &&
                (page->total_rows < 0 || next < (uint64_t)page->total_rows);
    if (next_json.len > 0) {
        buf_put_str(out, next_json);
    } else if (left.rows && kept && page->row_count > 0) {
        buf_puts(out, "{\"tool\":\"fetch_result\",\"arguments\":{\"result\":");
        buf_put_json(out, page->result);
        buf_printf(out, ",\"offset\":%llu,\"limit\":%u", (unsigned long long)next,
            call->limit > 0 ? call->limit : page->row_count);
        if (call->format != TOOL_ARRAYS) { /* the session knows in which format to go on */
            yyjson_val *session = yyjson_obj_get(call->args, "session");
            reply_put_member(out, "session",
                (struct str){yyjson_get_str(session), yyjson_get_len(session)});
        }
        buf_puts(out, "}}");
    } else {
        buf_puts(out, "null");
    }
}

static void put_or(struct buf *out, struct str json, const char *otherwise)
{
    buf_put_str(out, json.len > 0 ? json : str_of(otherwise));
}

enum tool_move reply_rows(
    struct tool_call *call, const struct tool_page *page, struct str next_json)
{
    struct leftover left = leftover_of(call, page);
    struct buf *out = &call->out;
    reply_begin(call, "done");
    buf_puts(out, ",\"columns\":");
    put_or(out, page->columns, "[]");
    enum tool_format wanted = call->format;
    rows_put(call, page);
    buf_printf(out, ",\"row_count\":%u,\"total_rows\":", page->row_count);
    if (page->total_rows >= 0 && !page->capped) {
        buf_put_i64(out, page->total_rows);
    } else {
        buf_puts(out, "null");
    }
    if (call->offset > 0) {
        buf_printf(out, ",\"offset\":%llu", (unsigned long long)call->offset);
    }
    buf_puts(out, left.rows || left.cells || next_json.len > 0 ? ",\"truncated\":true"
                                                               : ",\"truncated\":false");
    put_next(call, page, left, next_json);
    buf_puts(out, ",\"result\":");
    if (page->result.len > 0) {
        buf_put_json(out, page->result);
    } else {
        buf_puts(out, "null");
    }
    if (left.cells) {
        buf_puts(out, ",\"cut_cells\":");
        buf_put_str(out, page->cuts);
    }
    put_notice(call, page, left, call->format == wanted);
    return reply_end(call);
}

enum tool_move reply_refused(struct tool_call *call, const struct tool_failure *failure)
{
    struct buf more = BUF_INIT(256);
    reply_put_member(&more, "sqlstate", failure->sqlstate);
    if (failure->vendor_code != 0) {
        buf_puts(&more, ",\"vendor_code\":");
        buf_put_i64(&more, failure->vendor_code);
    }
    enum tool_move move = tool_fail_more(call,
        failure->kind == TOOL_FAILED_CONTEXT ? TOOL_E_CONTEXT_FAILED : TOOL_E_SQL_ERROR,
        0, failure->message, (struct str){NULL, 0}, buf_str(&more));
    buf_free(&more);
    return move;
}

yyjson_doc *page_parse(const struct tool_page *page)
{
    yyjson_doc *doc = yyjson_read(page->rows.ptr, page->rows.len, 0);
    if (doc && !yyjson_is_arr(yyjson_doc_get_root(doc))) {
        yyjson_doc_free(doc);
        return NULL;
    }
    return doc;
}

struct str page_cell(yyjson_val *row, size_t column)
{
    yyjson_val *cell = yyjson_arr_get(row, column);
    return (struct str){yyjson_get_str(cell), yyjson_get_len(cell)};
}

enum {
    NEAREST_MAX = 3,
    DISTANCE_MAX = 64
};

struct nearest {
    yyjson_val *row[NEAREST_MAX];
    unsigned distance[NEAREST_MAX];
    size_t count;
};

/* Keeps the list in order; the first of equals stays in front. */
static void nearest_add(struct nearest *nearest, yyjson_val *row, unsigned distance)
{
    size_t at = nearest->count;
    while (at > 0 && nearest->distance[at - 1] > distance) {
        at--;
    }
    if (at == NEAREST_MAX) {
        return;
    }
    if (nearest->count < NEAREST_MAX) {
        nearest->count++;
    }
    for (size_t i = nearest->count - 1; i > at; i--) {
        nearest->row[i] = nearest->row[i - 1];
        nearest->distance[i] = nearest->distance[i - 1];
    }
    nearest->row[at] = row;
    nearest->distance[at] = distance;
}

/* Rows of relations say their schema: it belongs to the name when none was asked for. */
static void put_candidate(struct buf *out, yyjson_val *row, bool qualified)
{
    struct str name = page_cell(row, 0);
    struct str schema = page_cell(row, 3);
    struct buf full = BUF_INIT(1024);
    if (qualified && schema.len > 0) {
        buf_put_str(&full, schema);
        buf_putc(&full, '.');
    }
    buf_put_str(&full, name);
    buf_put_json(out, buf_str(&full));
    buf_free(&full);
}

enum tool_move reply_not_found(struct tool_call *call, const char *kind, struct str name,
    struct str where, yyjson_val *candidates)
{
    struct nearest nearest = {.count = 0};
    struct buf more = BUF_INIT(4096);
    struct buf text = BUF_INIT(2048);
    yyjson_arr_iter it;
    yyjson_val *row;
    yyjson_arr_iter_init(candidates, &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        struct str candidate = page_cell(row, 0);
        if (candidate.len > 0) {
            nearest_add(&nearest, row, str_distance(candidate, name, DISTANCE_MAX));
        }
    }
    buf_puts(&more, ",\"nearest\":[");
    for (size_t i = 0; i < nearest.count; i++) {
        buf_puts(&more, i > 0 ? "," : "");
        put_candidate(&more, nearest.row[i], where.len == 0);
    }
    buf_putc(&more, ']');
    buf_printf(&text, "No %s " STR_FMT, kind, STR_ARG(name));
    if (where.len > 0) {
        buf_printf(&text, " in " STR_FMT, STR_ARG(where));
    }
    buf_putc(&text, '.');
    enum tool_move move = tool_fail_more(call, TOOL_E_OBJECT_NOT_FOUND, 0, buf_str(&text),
        (struct str){NULL, 0}, buf_str(&more));
    buf_free(&more);
    buf_free(&text);
    return move;
}

struct str reply_resolve(struct str name, yyjson_val *candidates)
{
    struct str only = {NULL, 0};
    unsigned count = 0;
    yyjson_arr_iter it;
    yyjson_val *row;
    yyjson_arr_iter_init(candidates, &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        struct str candidate = page_cell(row, 0);
        if (candidate.ptr && str_eq(candidate, name)) {
            return candidate;
        }
        if (candidate.ptr && str_eq_nocase(candidate, name)) {
            only = candidate;
            count++;
        }
    }
    return count == 1 ? only : (struct str){NULL, 0};
}
