// SPDX-License-Identifier: Apache-2.0
/* What SHOW says of names, where no database is set whose catalogue could be asked. */
#include <stdlib.h>

#include "tools/calls.h"

enum {
    SHOW_ROWS_MAX = 10000, /* as many as the engine shows */
    SHOW_PAGE_BYTES = 1024 * 1024,
    PHRASE_MAX = 512,
};

struct shown {
    struct str name;
    struct str kind; /* ptr NULL: none said */
    struct str database;
    struct str schema;
    struct str comment;
    struct str relation;
    yyjson_val *rows;
    int rank;
};

static struct str login_part(struct tool_call *call, enum tool_part part)
{
    struct tool_profile profile;
    bool found =
        tool_profile_find(call, str_of(call->context.part[TOOL_PROFILE]), &profile);
    return found && profile.base[part].len > 0 ? profile.base[part] : STR("");
}

struct str show_database(struct tool_call *call)
{
    struct str database = str_of(call->context.part[TOOL_DATABASE]);
    return database.len > 0 ? database : login_part(call, TOOL_DATABASE);
}

static bool has_none(struct tool_call *call)
{
    return catalog_is_by_database(call->dialect) && show_database(call).len == 0;
}

/* A login has a role; who it is is not known before the first connection. */
bool show_is_needed(struct tool_call *call)
{
    call->shows = call->shows || (has_none(call) && login_part(call, TOOL_ROLE).len > 0);
    return call->shows;
}

bool show_helps(struct tool_call *call)
{
    bool helps = !call->shows && has_none(call);
    call->shows = call->shows || helps;
    return helps;
}

enum tool_move show_run(
    struct tool_call *call, enum catalog_wanted wanted, struct str like)
{
    buf_clear(&call->sql);
    catalog_put_show(&call->sql, call->dialect, wanted, like);
    call->page_bytes = SHOW_PAGE_BYTES;
    return tool_run_catalog(call, SHOW_ROWS_MAX);
}

/* Where the column called @name is; -1: nowhere. */
static int column_of(yyjson_val *columns, const char *name)
{
    size_t index;
    size_t count;
    yyjson_val *each;
    yyjson_arr_foreach(columns, index, count, each)
    {
        if (yyjson_equals_str(yyjson_obj_get(each, "name"), name)) {
            return (int)index;
        }
    }
    return -1;
}

enum {
    AT_NAME,
    AT_KIND,
    AT_DATABASE,
    AT_SCHEMA,
    AT_COMMENT,
    AT_ROWS,
    AT_RELATION,
    AT_COUNT
};

static bool find_columns(
    const struct tool_page *page, enum catalog_wanted wanted, int ret[AT_COUNT])
{
    static const char *const NAMES[AT_COUNT] = {
        "name", "kind", "database_name", "schema_name", "comment", "rows", "table_name"};
    yyjson_doc *doc = yyjson_read(page->columns.ptr, page->columns.len, 0);
    for (int i = 0; i < AT_COUNT; i++) {
        bool is_column = i == AT_NAME && wanted == CATALOG_A_COLUMN;
        ret[i] =
            column_of(yyjson_doc_get_root(doc), is_column ? "column_name" : NAMES[i]);
    }
    yyjson_doc_free(doc);
    return ret[AT_NAME] >= 0;
}

static struct str cell(yyjson_val *row, int at)
{
    return at >= 0 ? page_cell(row, (size_t)at) : (struct str){NULL, 0};
}

static struct str kind_of(struct str said, enum catalog_wanted wanted)
{
    static const char *const KINDS[] = {
        "", "table", "view", "column", "schema", "database", "semantic_view"};
    if (wanted != CATALOG_ANY) {
        return str_of(KINDS[wanted]);
    }
    bool is_view =
        said.len >= 4 && str_eq_nocase(str_from(said, said.len - 4), STR("VIEW"));
    return is_view ? STR("view") : STR("table");
}

static bool has_part(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (str_starts_nocase(str_from(text, i), part)) {
            return true;
        }
    }
    return false;
}

/* -1: it has not all words. */
static int rank_of(
    const struct shown *shown, const struct catalog_words *words, struct str phrase)
{
    bool in_name = true;
    for (uint32_t i = 0; i < words->count; i++) {
        bool is_part = has_part(shown->name, words->word[i]);
        if (!is_part && !has_part(shown->schema, words->word[i]) &&
            !has_part(shown->comment, words->word[i])) {
            return -1;
        }
        in_name = in_name && is_part;
    }
    if (words->count == 0 || !in_name) {
        return RANK_COMMENT;
    }
    return str_eq_nocase(shown->name, phrase)       ? RANK_EXACT
           : str_starts_nocase(shown->name, phrase) ? RANK_PREFIX
                                                    : RANK_PART;
}

static int compare(struct str a, struct str b)
{
    int order =
        memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int best_first(const void *a, const void *b)
{
    const struct shown *x = a;
    const struct shown *y = b;
    if (x->rank != y->rank) {
        return x->rank - y->rank;
    }
    if (x->name.len != y->name.len) {
        return x->name.len < y->name.len ? -1 : 1;
    }
    int order = compare(x->database, y->database);
    order = order != 0 ? order : compare(x->schema, y->schema);
    order = order != 0 ? order : compare(x->name, y->name);
    return order != 0 ? order : compare(x->relation, y->relation);
}

static void put_text(struct buf *out, struct str text)
{
    if (text.len > 0) {
        buf_put_json(out, text);
    } else {
        buf_puts(out, "null");
    }
    buf_putc(out, ',');
}

static void put_row(struct buf *out, const struct shown *shown)
{
    buf_putc(out, '[');
    put_text(out, shown->name);
    put_text(out, shown->kind);
    put_text(out, shown->database);
    put_text(out, shown->schema);
    put_text(out, shown->comment);
    if (yyjson_is_int(shown->rows)) {
        buf_put_i64(out, yyjson_get_sint(shown->rows));
    } else {
        buf_puts(out, "null");
    }
    buf_putc(out, ',');
    put_text(out, shown->relation);
    buf_printf(out, "%d]", shown->rank);
}

static struct shown row_of(
    yyjson_val *row, const int at[AT_COUNT], enum catalog_wanted wanted)
{
    struct shown shown = {.name = cell(row, at[AT_NAME]),
        .kind = kind_of(cell(row, at[AT_KIND]), wanted),
        .database = cell(row, at[AT_DATABASE]),
        .schema = cell(row, at[AT_SCHEMA]),
        .comment = cell(row, at[AT_COMMENT]),
        .relation = cell(row, at[AT_RELATION]),
        .rows = at[AT_ROWS] >= 0 ? yyjson_arr_get(row, (size_t)at[AT_ROWS]) : NULL};
    if (wanted == CATALOG_A_SCHEMA) {
        shown.schema = shown.name;
    } else if (wanted == CATALOG_A_DATABASE) {
        shown.database = shown.schema = shown.name;
    }
    return shown;
}

static size_t collect(yyjson_val *rows, const int at[AT_COUNT],
    enum catalog_wanted wanted, const struct catalog_words *words, struct shown *ret)
{
    static const struct catalog_words none = {.count = 0};
    struct buf phrase = BUF_INIT(PHRASE_MAX);
    size_t count = 0;
    yyjson_arr_iter it;
    yyjson_val *row;
    words = words ? words : &none;
    catalog_put_phrase(&phrase, words);
    yyjson_arr_iter_init(rows, &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        struct shown shown = row_of(row, at, wanted);
        shown.rank = rank_of(&shown, words, buf_str(&phrase));
        if (shown.name.len > 0 && shown.rank >= 0 &&
            !str_eq_nocase(shown.schema, STR("INFORMATION_SCHEMA"))) {
            ret[count++] = shown;
        }
    }
    buf_free(&phrase);
    return count;
}

uint32_t show_read(const struct tool_call *call, const struct tool_page *page,
    enum catalog_wanted wanted, const struct catalog_words *words, bool all,
    struct buf *ret_rows, bool *ret_more)
{
    int at[AT_COUNT];
    size_t found = 0;
    uint32_t count = 0;
    yyjson_doc *doc = page_parse(page);
    yyjson_val *rows = yyjson_doc_get_root(doc);
    struct shown *shown = calloc(yyjson_arr_size(rows) + 1, sizeof(*shown));
    if (shown && find_columns(page, wanted, at)) {
        found = collect(rows, at, wanted, words, shown);
        qsort(shown, found, sizeof(*shown), best_first);
    }
    ret_rows->failed = ret_rows->failed || !shown;
    buf_putc(ret_rows, '[');
    for (size_t i = all ? 0 : call->offset; i < found && (all || count < call->limit);
         i++) {
        buf_puts(ret_rows, count++ > 0 ? "," : "");
        put_row(ret_rows, &shown[i]);
    }
    buf_putc(ret_rows, ']');
    *ret_more = page->truncated || (!all && call->offset + count < found);
    free(shown);
    yyjson_doc_free(doc);
    return count;
}
