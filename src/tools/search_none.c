// SPDX-License-Identifier: Apache-2.0
/* search_objects: the answer when nothing is found. */
#include "tools/search.h"

enum {
    NEAREST_MAX = 3,
};

struct nearest {
    yyjson_val *row[NEAREST_MAX];
    unsigned distance[NEAREST_MAX];
    uint32_t count;
};

static void find_nearest(
    const struct search *search, yyjson_val *rows, struct nearest *ret)
{
    enum {
        DISTANCE_MAX = 64
    };
    struct buf phrase = BUF_INIT(PATTERN_MAX * 2);
    yyjson_arr_iter it;
    yyjson_val *row;
    catalog_put_phrase(&phrase, &search->query.words);
    yyjson_arr_iter_init(rows, &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        unsigned distance =
            str_distance(page_cell(row, FOUND_NAME), buf_str(&phrase), DISTANCE_MAX);
        uint32_t at = ret->count < NEAREST_MAX ? ret->count++ : NEAREST_MAX;
        for (; at > 0 && ret->distance[at - 1] > distance; at--) {
            if (at < NEAREST_MAX) {
                ret->row[at] = ret->row[at - 1];
                ret->distance[at] = ret->distance[at - 1];
            }
        }
        if (at < NEAREST_MAX) {
            ret->row[at] = row;
            ret->distance[at] = distance;
        }
    }
    buf_free(&phrase);
}

/* A call that goes on from what is nearest, or that shows what there is. */
static void put_next_of_none(
    struct tool_call *call, const struct search *search, const struct nearest *nearest)
{
    struct buf *out = &call->out;
    bool is_holder = search->query.wanted == CATALOG_A_SCHEMA ||
                     search->query.wanted == CATALOG_A_DATABASE;
    if (nearest->count == 0 || is_holder) {
        buf_printf(out, ",\"next\":{\"tool\":\"%s\",\"arguments\":{",
            search->query.wanted == CATALOG_A_SCHEMA ? "list_schemas" : "list_databases");
    } else {
        struct buf name = BUF_INIT(TOOL_NAME_SIZE * 8);
        yyjson_val *row = nearest->row[0];
        bool is_column = search->query.wanted == CATALOG_A_COLUMN;
        catalog_put_shown(&name, call->dialect, page_cell(row, FOUND_DATABASE),
            page_cell(row, FOUND_SCHEMA),
            page_cell(row, is_column ? FOUND_AT : FOUND_NAME));
        buf_puts(out, ",\"next\":{\"tool\":\"describe_table\",\"arguments\":{\"table\":");
        buf_put_json(out, buf_str(&name));
        out->failed = out->failed || name.failed;
        buf_free(&name);
        buf_putc(out, ',');
    }
    if (out->ptr[out->len - 1] == ',') {
        out->len--;
    }
    if (search_is_given(call, "profile")) {
        buf_puts(out, out->ptr[out->len - 1] == '{' ? "" : ",");
        buf_puts(out, "\"profile\":");
        buf_put_json(out, str_of(call->context.part[TOOL_PROFILE]));
    }
    buf_puts(out, "}}");
}

enum tool_move search_reply_none(
    struct tool_call *call, const struct search *search, yyjson_val *rows)
{
    struct buf *out = &call->out;
    struct buf text = BUF_INIT(4096);
    struct nearest nearest = {.count = 0};
    find_nearest(search, rows, &nearest);
    buf_puts(&text, "Nothing has \"");
    buf_put_str(&text, tool_shown(search->pattern));
    buf_puts(&text,
        call->shows ? "\" in its name" : "\" in its name, schema, comment or columns");
    if (search->query.database.len > 0 ||
        (catalog_is_by_database(call->dialect) && !call->shows)) {
        buf_puts(&text, " in database ");
        buf_put_str(&text, show_database(call));
    }
    buf_puts(&text, nearest.count > 0 ? "; nearest are the names it is most alike."
                                      : ", and there is nothing like it.");
    reply_begin(call, "done");
    buf_puts(out, ",\"objects\":[],\"row_count\":0,\"truncated\":false,\"nearest\":[");
    for (uint32_t i = 0; i < nearest.count; i++) {
        buf_puts(out, i > 0 ? "," : "");
        search_put_name(call, nearest.row[i], out);
    }
    buf_putc(out, ']');
    put_next_of_none(call, search, &nearest);
    reply_put_notice(call, buf_str(&text));
    buf_free(&text);
    return reply_end(call);
}
