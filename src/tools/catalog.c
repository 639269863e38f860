// SPDX-License-Identifier: Apache-2.0
#include "sql/catalog.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/calls.h"

static enum catalog_kind kind_of(const struct tool_call *call)
{
    static const struct {
        const char *tool;
        enum catalog_kind kind;
    } KINDS[] = {
        {"list_databases", CATALOG_DATABASES},
        {"list_schemas", CATALOG_SCHEMAS},
        {"list_tables", CATALOG_TABLES},
        {"list_views", CATALOG_VIEWS},
    };
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (strcmp(call->tool->name, KINDS[i].tool) == 0) {
            return KINDS[i].kind;
        }
    }
    UNREACHABLE();
}

static enum tool_move run_list(struct tool_call *call)
{
    struct str like;
    struct catalog_query query = {.kind = kind_of(call),
        .database = str_of(call->context.part[TOOL_DATABASE]),
        .schema = str_of(call->context.part[TOOL_SCHEMA]),
        .offset = call->offset,
        .limit = call->limit + 1};
    if (!tool_arg_str(call, "like", true, &like)) {
        return TOOL_ANSWER;
    }
    query.like = like.ptr ? like : STR("");
    if (query.kind == CATALOG_DATABASES && show_is_needed(call)) {
        return show_run(call, CATALOG_A_DATABASE, query.like);
    }
    query.semantic = query.kind == CATALOG_VIEWS && !call->no_semantic_views;
    buf_clear(&call->sql);
    if (!catalog_put_list(&call->sql, call->dialect, &query)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0,
            "Profile %s has a dialect without catalogue statements.",
            call->context.part[TOOL_PROFILE]);
    }
    return tool_run_catalog(call, call->limit);
}

enum tool_move list_start(struct tool_call *call)
{
    struct tool_self self;
    int64_t limit;
    int64_t cursor;
    call->host->self(call, &self);
    if (!tool_args_known(call) || !tool_arg_bool(call, "refresh", false, &call->refresh) ||
        !tool_arg_int(call, "limit", 1, self.limit_rows_max, self.limit_rows, &limit) ||
        !tool_arg_int(call, "cursor", 0, INT32_MAX, 0, &cursor) ||
        !tool_context_resolve(call)) {
        return TOOL_ANSWER;
    }
    call->limit = (uint32_t)limit;
    call->offset = (uint64_t)cursor;
    return run_list(call);
}

void reply_put_again(struct tool_call *call, struct str cursor, struct buf *out)
{
    size_t index;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    buf_printf(out, "{\"tool\":\"%s\",\"arguments\":{", call->tool->name);
    yyjson_obj_foreach(call->args, index, count, key, value)
    {
        size_t len = 0;
        char *json = NULL;
        if (yyjson_equals_str(key, "cursor") || yyjson_is_null(value)) {
            continue;
        }
        json = yyjson_val_write(value, 0, &len);
        if (!json) {
            out->failed = true;
            return;
        }
        buf_put_json(out, (struct str){yyjson_get_str(key), yyjson_get_len(key)});
        buf_putc(out, ':');
        buf_put(out, json, len);
        buf_putc(out, ',');
        free(json);
    }
    buf_puts(out, "\"cursor\":");
    buf_put_json(out, cursor);
    buf_puts(out, "}}");
}

static void put_next(struct tool_call *call, uint64_t end, struct buf *out)
{
    char cursor[24];
    snprintf(cursor, sizeof(cursor), "%llu", (unsigned long long)end);
    reply_put_again(call, str_of(cursor), out);
}

static enum tool_move take_list(struct tool_call *call, const struct tool_page *page)
{
    struct tool_page shown = *page;
    struct buf next = BUF_INIT(TOOL_OUT_MAX);
    bool more = page->total_rows >= 0 ? page->total_rows > (int64_t)page->row_count
                                      : page->truncated;
    uint64_t end = call->offset + page->row_count;
    if (more && page->row_count > 0) {
        put_next(call, end, &next);
    }
    /* What the statement yields is not what there is. */
    shown.total_rows = more ? -1 : (int64_t)end;
    shown.truncated = more;
    shown.capped = false;
    shown.result = STR("");
    enum tool_move move = buf_ok(&next)
                              ? reply_rows(call, &shown, buf_str(&next))
                              : tool_fail(call, TOOL_E_INTERNAL, 0, "No memory.");
    buf_free(&next);
    return move;
}

bool catalog_without_semantic_views(struct tool_call *call, bool has)
{
    bool again =
        has && !call->no_semantic_views && catalog_has_semantic_views(call->dialect);
    call->no_semantic_views = call->no_semantic_views || again;
    return again;
}

/* The names and comments of what SHOW DATABASES says. */
static enum tool_move take_databases(struct tool_call *call, const struct tool_page *page)
{
    struct buf found = BUF_INIT(TOOL_OUT_MAX);
    struct buf rows = BUF_INIT(TOOL_OUT_MAX);
    struct tool_page shown = {
        .columns = STR("[{\"name\":\"name\",\"type\":\"VARCHAR\"},{\"name\":\"comment\","
                       "\"type\":\"VARCHAR\"}]"),
        .total_rows = -1};
    shown.row_count =
        show_read(call, page, CATALOG_A_DATABASE, NULL, false, &found, &shown.truncated);
    yyjson_doc *doc = yyjson_read(found.ptr, found.len, 0);
    yyjson_arr_iter it;
    yyjson_val *row;
    yyjson_arr_iter_init(yyjson_doc_get_root(doc), &it);
    buf_putc(&rows, '[');
    while ((row = yyjson_arr_iter_next(&it))) {
        struct str comment = page_cell(row, FOUND_COMMENT);
        buf_puts(&rows, rows.len > 1 ? ",[" : "[");
        buf_put_json(&rows, page_cell(row, FOUND_NAME));
        buf_putc(&rows, ',');
        if (comment.ptr) {
            buf_put_json(&rows, comment);
        } else {
            buf_puts(&rows, "null");
        }
        buf_putc(&rows, ']');
    }
    buf_putc(&rows, ']');
    shown.rows = buf_str(&rows);
    enum tool_move move =
        doc && buf_ok(&rows) ? take_list(call, &shown)
                             : tool_fail(call, TOOL_E_INTERNAL, 0, "No memory.");
    yyjson_doc_free(doc);
    buf_free(&found);
    buf_free(&rows);
    return move;
}

enum tool_move list_page(struct tool_call *call, const struct tool_page *page)
{
    if (lookup_wants(call, NULL)) {
        return lookup_page(call, page, run_list);
    }
    return call->shows
               ? take_databases(call, page)
               : take_list(call, page);
}

/* The list of databases helps most where the context does not work. */
static enum tool_move list_from_defaults(
    struct tool_call *call, const struct tool_failure *failure)
{
    struct tool_profile profile;
    bool found =
        tool_profile_find(call, str_of(call->context.part[TOOL_PROFILE]), &profile);
    if (call->stage != STAGE_FIRST || !found ||
        !str_copy(profile.defaults[TOOL_DATABASE], call->context.part[TOOL_DATABASE],
            TOOL_NAME_SIZE) ||
        !str_copy(profile.defaults[TOOL_SCHEMA], call->context.part[TOOL_SCHEMA],
            TOOL_NAME_SIZE)) {
        return reply_refused(call, failure);
    }
    call->stage = STAGE_AGAIN;
    return run_list(call);
}

enum tool_move list_refused(struct tool_call *call, const struct tool_failure *failure)
{
    if (!lookup_wants(call, failure)) {
        if (kind_of(call) == CATALOG_DATABASES && show_helps(call)) {
            return run_list(call);
        }
        return catalog_without_semantic_views(call, kind_of(call) == CATALOG_VIEWS)
                   ? run_list(call)
                   : reply_refused(call, failure);
    }
    if (kind_of(call) == CATALOG_DATABASES) {
        return list_from_defaults(call, failure);
    }
    return lookup_refused(call, failure);
}
