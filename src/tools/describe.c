// SPDX-License-Identifier: Apache-2.0
/*
 * Columns of up to 20 relations, one statement for those of one schema; names that are
 * not there are looked up one by one; then rows of each relation. The scratch buffer
 * holds a line of JSON a relation (an object still open), then a line a sample.
 */
#include "sql/catalog.h"
#include "tools/calls.h"

enum {
    SAMPLE_ROWS_MAX = 20,
    SAMPLE_CELL_CHARS = 200,
    COLUMN_ROWS_MAX = 5000,
    DESCRIBE_BYTES_MAX = 96 * 1024,
};

static enum tool_move next_group(struct tool_call *call);
static enum tool_move next_sample(struct tool_call *call);

static bool has(uint32_t mask, uint32_t index)
{
    return mask >> index & 1;
}

/* Line @index of the scratch buffer, without its end; ptr NULL behind the last. */
static struct str line_at(const struct tool_call *call, size_t index)
{
    struct str rest = buf_str(&call->scratch);
    for (;; index--) {
        ptrdiff_t end = str_find(rest, '\n');
        if (end < 0) {
            return (struct str){NULL, 0};
        }
        if (index == 0) {
            return (struct str){rest.ptr, (size_t)end};
        }
        rest = str_from(rest, (size_t)end + 1);
    }
}

static size_t relation_count(const struct tool_call *call)
{
    size_t count = 0;
    struct str line;
    while ((line = line_at(call, count)).ptr && str_starts(line, STR("{\"name\":"))) {
        count++;
    }
    return count;
}

static enum tool_move finish(struct tool_call *call, bool truncated)
{
    struct buf *out = &call->out;
    size_t count = relation_count(call);
    if (!buf_ok(&call->scratch)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0, "No memory for the answer.");
    }
    reply_begin(call, "done");
    buf_puts(out, ",\"relations\":[");
    for (size_t i = 0; i < count; i++) {
        struct str sample = line_at(call, count + i);
        buf_puts(out, i > 0 ? "," : "");
        buf_put_str(out, line_at(call, i));
        if (sample.ptr) {
            buf_puts(out, ",\"sample\":");
            buf_put_str(out, sample);
        }
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    if (truncated) {
        buf_puts(out,
            ",\"truncated\":true,\"notice\":\"Too much for one answer: describe "
            "fewer names a call.\"");
    }
    return reply_end(call);
}

/* A relation without rows to show is described all the same. */
static enum tool_move skip_sample(struct tool_call *call, struct str why)
{
    buf_puts(&call->scratch, "{\"error\":");
    buf_put_json(&call->scratch, str_utf8_prefix(why, TOOL_MESSAGE_MAX / 4));
    buf_puts(&call->scratch, "}\n");
    call->index++;
    return next_sample(call);
}

static enum tool_move run_sample(struct tool_call *call)
{
    struct str line = line_at(call, call->index);
    struct buf json = BUF_INIT(TOOL_OUT_MAX);
    buf_put_str(&json, line);
    buf_putc(&json, '}');
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    buf_clear(&call->sql);
    buf_puts(&call->sql, "SELECT * FROM ");
    catalog_put_name(&call->sql, call->dialect,
        str_of(yyjson_get_str(yyjson_obj_get(root, "database"))),
        str_of(yyjson_get_str(yyjson_obj_get(root, "schema"))),
        str_of(yyjson_get_str(yyjson_obj_get(root, "name"))));
    buf_printf(&call->sql, " LIMIT %u", call->limit);
    yyjson_doc_free(doc);
    buf_free(&json);
    const char *reason = query_why_not(call, buf_str(&call->sql));
    if (!reason && explain_is_bounded(call)) {
        reason = "scan_bytes_max is set, and a sample is not estimated first; use query_view or "
                 "execute_query";
    }
    if (reason) {
        return skip_sample(call, str_of(reason));
    }
    call->stage = STAGE_SAMPLE;
    call->cell_chars = SAMPLE_CELL_CHARS;
    return tool_run(call, call->limit, false);
}

/* The next relation's rows, or the answer. */
static enum tool_move next_sample(struct tool_call *call)
{
    if (call->scratch.len > DESCRIBE_BYTES_MAX) {
        return finish(call, true);
    }
    if (call->limit == 0 || call->index >= relation_count(call)) {
        return finish(call, false);
    }
    return run_sample(call);
}

static enum tool_move run_columns(struct tool_call *call)
{
    struct relation relation[TOOL_NAMES_MAX];
    struct str names[TOOL_NAMES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < call->name_count; i++) {
        if (!has(call->names_asked, i)) {
            continue;
        }
        if (!relation_parse(call, str_of(call->name[i]), &relation[count])) {
            return TOOL_ANSWER;
        }
        names[count] = str_of(relation[count].name);
        count++;
    }
    ASSERT(count > 0);
    buf_clear(&call->sql);
    if (!catalog_put_columns(&call->sql, call->dialect, str_of(relation[0].database),
            str_of(relation[0].schema), names, count, call->offset)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0,
            "Profile %s has a dialect without catalogue statements.",
            call->context.part[TOOL_PROFILE]);
    }
    call->stage = STAGE_FIRST;
    return tool_run_catalog(call, COLUMN_ROWS_MAX);
}

/* All names not yet found that are in the schema of the first of them. */
static enum tool_move next_group(struct tool_call *call)
{
    struct relation first;
    struct relation other;
    call->names_asked = 0;
    for (uint32_t i = 0; i < call->name_count; i++) {
        if (has(call->names_found, i)) {
            continue;
        }
        if (!relation_parse(
                call, str_of(call->name[i]), call->names_asked ? &other : &first)) {
            return TOOL_ANSWER;
        }
        if (!call->names_asked || (strcmp(first.database, other.database) == 0 &&
                                      strcmp(first.schema, other.schema) == 0)) {
            call->names_asked |= 1u << i;
        }
    }
    call->offset = 0;
    call->index = 0;
    return call->names_asked ? run_columns(call) : next_sample(call);
}

/* Looks up a name that is not there; all are there or replaced: on with the next group.
 */
static enum tool_move next_missing(struct tool_call *call)
{
    struct relation relation;
    for (uint32_t i = 0; i < call->name_count; i++) {
        bool missing = has(call->names_asked & ~call->names_found, i);
        if (!missing || (call->stage == STAGE_RELATION && has(call->names_resolved, i))) {
            continue;
        }
        if (!relation_parse(call, str_of(call->name[i]), &relation)) {
            return TOOL_ANSWER;
        }
        if (has(call->names_resolved, i)) {
            return reply_not_found(
                call, "columns of table or view", str_of(relation.name), STR(""), NULL);
        }
        call->index = i;
        call->stage = STAGE_RELATION;
        return relation_ask(call, &relation);
    }
    return next_group(call);
}

/* What tells one relation's line from the next. */
static void put_head(struct buf *out, yyjson_val *row)
{
    static const char *const NAMES[] = {"name", "database", "schema", "kind", "comment"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        struct str cell = page_cell(row, i);
        buf_printf(out, "%s\"%s\":", i > 0 ? "," : "{", NAMES[i]);
        if (cell.ptr) {
            buf_put_json(out, cell);
        } else {
            buf_puts(out, "null");
        }
    }
    buf_puts(out, ",\"columns\":[");
}

static void put_column(struct buf *out, yyjson_val *row)
{
    yyjson_val *nullable = yyjson_arr_get(row, 7);
    bool is_nullable = yyjson_is_bool(nullable) ? yyjson_get_bool(nullable)
                                                : yyjson_get_int(nullable) != 0;
    buf_puts(out, "{\"name\":");
    buf_put_json(out, page_cell(row, 5));
    buf_puts(out, ",\"type\":");
    buf_put_json(out, page_cell(row, 6));
    buf_puts(out, is_nullable ? ",\"nullable\":true" : ",\"nullable\":false");
    reply_put_member(out, "comment", page_cell(row, 8));
    reply_put_member(out, "default", page_cell(row, 9));
    buf_putc(out, '}');
}

/* The line that has no end yet; empty when there is none. */
static struct str open_line(const struct tool_call *call)
{
    struct str all = buf_str(&call->scratch);
    size_t start = all.len;
    while (start > 0 && all.ptr[start - 1] != '\n') {
        start--;
    }
    return str_from(all, start);
}

static void close_line(struct tool_call *call)
{
    if (open_line(call).len > 0) {
        buf_puts(&call->scratch, "]\n");
    }
}

static void mark_found(struct tool_call *call, struct str name)
{
    struct relation relation;
    for (uint32_t i = 0; i < call->name_count; i++) {
        if (has(call->names_asked, i) &&
            relation_parse(call, str_of(call->name[i]), &relation) &&
            str_eq(str_of(relation.name), name)) {
            call->names_found |= 1u << i;
        }
    }
}

static void add_row(struct tool_call *call, yyjson_val *row)
{
    struct buf head = BUF_INIT(TOOL_OUT_MAX);
    put_head(&head, row);
    if (!buf_ok(&head)) {
        call->scratch.failed = true;
    } else if (str_starts(open_line(call), buf_str(&head))) {
        buf_putc(&call->scratch, ',');
        put_column(&call->scratch, row);
    } else {
        close_line(call);
        buf_put_str(&call->scratch, buf_str(&head));
        put_column(&call->scratch, row);
        mark_found(call, page_cell(row, 0));
    }
    buf_free(&head);
}

static enum tool_move take_columns(struct tool_call *call, const struct tool_page *page)
{
    yyjson_doc *doc = page_parse(page);
    yyjson_arr_iter it;
    yyjson_val *row;
    yyjson_arr_iter_init(yyjson_doc_get_root(doc), &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        add_row(call, row);
    }
    yyjson_doc_free(doc);
    bool more = page->total_rows >= 0 ? page->total_rows > (int64_t)page->row_count
                                      : page->truncated;
    if (call->scratch.len > DESCRIBE_BYTES_MAX) {
        close_line(call);
        return finish(call, true);
    }
    if (more && page->row_count > 0) {
        call->offset += page->row_count;
        return run_columns(call);
    }
    close_line(call);
    return next_missing(call);
}

static enum tool_move take_sample(struct tool_call *call, const struct tool_page *page)
{
    struct buf *scratch = &call->scratch;
    buf_puts(scratch, "{\"columns\":");
    buf_put_str(scratch, page->columns.len > 0 ? page->columns : STR("[]"));
    buf_puts(scratch, ",\"rows\":");
    buf_put_str(scratch, page->rows.len > 0 ? page->rows : STR("[]"));
    buf_puts(scratch, "}\n");
    call->index++;
    return next_sample(call);
}

enum tool_move describe_start(struct tool_call *call)
{
    int64_t sample;
    const char *name =
        strcmp(call->tool->name, "describe_view") == 0 ? "view_name" : "table";
    if (!tool_args_known(call) || !tool_arg_names(call, name) ||
        !tool_arg_bool(call, "refresh", false, &call->refresh) ||
        !tool_arg_int(call, "sample", 0, SAMPLE_ROWS_MAX, 0, &sample) ||
        !tool_context_resolve(call)) {
        return TOOL_ANSWER;
    }
    call->limit = (uint32_t)sample;
    return next_group(call);
}

enum tool_move describe_page(struct tool_call *call, const struct tool_page *page)
{
    if (lookup_wants(call, NULL)) {
        return lookup_page(call, page, next_group);
    }
    if (call->stage == STAGE_SAMPLE) {
        return take_sample(call, page);
    }
    if (call->stage == STAGE_RELATION) {
        enum tool_move move;
        if (!relation_take(call, page, call->index, &move)) {
            return move;
        }
        call->names_resolved |= 1u << call->index;
        return next_missing(call);
    }
    return take_columns(call, page);
}

/* A view may be broken. */
enum tool_move describe_refused(
    struct tool_call *call, const struct tool_failure *failure)
{
    if (call->stage == STAGE_SAMPLE) {
        return skip_sample(call, failure->message);
    }
    return lookup_wants(call, failure) ? lookup_refused(call, failure)
                                       : reply_refused(call, failure);
}
