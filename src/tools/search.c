// SPDX-License-Identifier: Apache-2.0
/* search_objects: names by their parts; when there is none, the nearest. */
#include <stdio.h>

#include "tools/search.h"

enum {
    COLUMN_ROWS_MAX = 5000,
    FULL_LIMIT = 10,
    FULL_BYTES = 128 * 1024,
    CANDIDATES_MAX = 50,
    CURSOR_SIZE = 48,
};

enum detail {
    DETAIL_NAMES,
    DETAIL_SUMMARY,
    DETAIL_FULL
};

static const char *const kinds[] = {
    "", "table", "view", "column", "schema", "database", "semantic_view"};
static const char *const details[] = {"names", "summary", "full"};

bool search_is_given(const struct tool_call *call, const char *arg)
{
    yyjson_val *value = yyjson_obj_get(call->args, arg);
    return value && !yyjson_is_null(value) && !yyjson_equals_str(value, "");
}

static bool read_pattern(struct tool_call *call, struct search *ret)
{
    if (!tool_arg_required(call, "pattern", &ret->pattern)) {
        return false;
    }
    if (ret->pattern.len <= PATTERN_MAX &&
        catalog_words(ret->pattern, &ret->query.words)) {
        return true;
    }
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "Argument \"pattern\" of %s may have %d bytes and %d words: parts of one name.",
        call->tool->name, PATTERN_MAX, CATALOG_WORDS_MAX);
    return false;
}

static bool read_search(struct tool_call *call, struct search *ret)
{
    int kind = 0;
    *ret = (struct search){.detail = DETAIL_SUMMARY};
    if (!read_pattern(call, ret) ||
        !tool_arg_choice(call, "kind", kinds, ARRAY_LEN(kinds), &kind) ||
        !tool_arg_choice(call, "detail", details, ARRAY_LEN(details), &ret->detail) ||
        !tool_arg_str(call, "cursor", true, &ret->cursor)) {
        return false;
    }
    bool in_schema = search_is_given(call, "schema");
    bool in_database = in_schema || search_is_given(call, "database") ||
                       catalog_is_by_database(call->dialect);
    ret->query.wanted = (enum catalog_wanted)kind;
    ret->query.database = str_of(in_database ? call->context.part[TOOL_DATABASE] : "");
    ret->query.schema = str_of(in_schema ? call->context.part[TOOL_SCHEMA] : "");
    ret->query.semantic =
        !call->no_semantic_views && catalog_has_semantic_views(call->dialect);
    ret->query.columns = ret->detail == DETAIL_FULL;
    return true;
}

/* ---- cursors: which search it is of, and how far ---- */

static void hash(uint64_t *sum, struct str text)
{
    for (size_t i = 0; i <= text.len; i++) {
        *sum ^= i < text.len ? (unsigned char)text.ptr[i] : 0x100;
        *sum *= UINT64_C(0x100000001b3);
    }
}

static uint64_t hash_of(const struct tool_call *call, const struct search *search)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    hash(&sum, search->pattern);
    hash(&sum, str_of(kinds[search->query.wanted]));
    hash(&sum, search->query.database);
    hash(&sum, search->query.schema);
    hash(&sum, str_of(call->context.part[TOOL_PROFILE]));
    hash(&sum, str_of(call->context.part[TOOL_ROLE]));
    return sum;
}

static void put_cursor(
    const struct tool_call *call, const struct search *search, uint64_t offset, char *out)
{
    snprintf(out, CURSOR_SIZE, "%016llx.%llu", (unsigned long long)hash_of(call, search),
        (unsigned long long)offset);
}

static bool take_cursor(struct tool_call *call, const struct search *search)
{
    char same[CURSOR_SIZE];
    if (search->cursor.len == 0) {
        return true;
    }
    ptrdiff_t dot = str_find(search->cursor, '.');
    put_cursor(call, search, 0, same);
    same[strlen(same) - 1] = '\0';
    bool is_same = dot > 0 && str_starts(search->cursor, str_of(same));
    if (is_same &&
        str_to_u64(str_from(search->cursor, (size_t)dot + 1), INT32_MAX, &call->offset)) {
        return true;
    }
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "\"cursor\" of %s is not of this search: it goes with the pattern, kind, database, "
        "schema, profile and role it was given for. Leave it out to begin anew.",
        call->tool->name);
    return false;
}

/* ---- statements ---- */

static enum tool_move run(struct tool_call *call, const struct catalog_search *query)
{
    buf_clear(&call->sql);
    call->page_bytes = query->columns ? FULL_BYTES : 0;
    if (!catalog_put_search(&call->sql, call->dialect, query)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0,
            "Profile %s has a dialect without catalogue statements.",
            call->context.part[TOOL_PROFILE]);
    }
    return tool_run_catalog(call, query->nearest   ? CANDIDATES_MAX
                                  : query->columns ? COLUMN_ROWS_MAX
                                                   : query->limit - 1);
}

static enum tool_move answer_none(struct tool_call *call, struct str notice)
{
    reply_begin(call, "done");
    buf_puts(
        &call->out, ",\"objects\":[],\"row_count\":0,\"truncated\":false,\"next\":null");
    reply_put_notice(call, notice);
    return reply_end(call);
}

/* The longest word: the others are looked for in what comes. */
static enum tool_move run_show(struct tool_call *call, const struct search *search)
{
    struct buf like = BUF_INIT(PATTERN_MAX * 2);
    const struct catalog_words *words = &search->query.words;
    struct str longest = STR("");
    for (uint32_t i = 0; call->stage == STAGE_FIRST && i < words->count; i++) {
        longest = words->word[i].len > longest.len ? words->word[i] : longest;
    }
    if (longest.len > 0) {
        buf_putc(&like, '%');
        buf_put_str(&like, longest);
        buf_putc(&like, '%');
    }
    enum tool_move move = show_run(call, search->query.wanted, buf_str(&like));
    buf_free(&like);
    return move;
}

static enum tool_move run_search(struct tool_call *call)
{
    struct search search;
    call->stage = STAGE_FIRST;
    if (!read_search(call, &search) || !take_cursor(call, &search)) {
        return TOOL_ANSWER;
    }
    if (search.query.wanted == CATALOG_A_SEMANTIC_VIEW && !search.query.semantic) {
        return answer_none(call, STR("There are no semantic views here."));
    }
    if (show_is_needed(call)) {
        return run_show(call, &search);
    }
    search.query.offset = call->offset;
    search.query.limit = call->limit + 1; /* one more tells whether there are others */
    return run(call, &search.query);
}

static enum tool_move run_nearest(struct tool_call *call, struct search *search)
{
    call->stage = STAGE_RELATION;
    if (call->shows) {
        return run_show(call, search);
    }
    search->query.nearest = true;
    search->query.columns = false;
    search->query.limit = CANDIDATES_MAX;
    return run(call, &search->query);
}

enum tool_move search_start(struct tool_call *call)
{
    struct search search;
    struct tool_self self;
    int64_t limit;
    call->host->self(call, &self);
    if (!tool_args_known(call) || !tool_context_resolve(call) ||
        !read_search(call, &search) ||
        !tool_arg_bool(call, "refresh", false, &call->refresh) ||
        !tool_arg_int(call, "limit", 1, self.limit_rows_max,
            search.query.columns ? FULL_LIMIT : self.limit_rows, &limit)) {
        return TOOL_ANSWER;
    }
    call->limit = (uint32_t)limit;
    return run_search(call);
}

/* ---- answers ---- */

/* DB.SCHEMA.NAME, of columns with their name behind it. */
static void put_full_name(const struct tool_call *call, yyjson_val *row, struct buf *out)
{
    struct str kind = page_cell(row, FOUND_KIND);
    struct str database = page_cell(row, FOUND_DATABASE);
    struct str schema = page_cell(row, FOUND_SCHEMA);
    struct str name = page_cell(row, FOUND_NAME);
    if (str_eq(kind, STR("column"))) {
        catalog_put_shown(out, call->dialect, database, schema, page_cell(row, FOUND_AT));
        buf_putc(out, '.');
        database = schema = STR("");
    } else if (str_eq(kind, STR("database"))) {
        database = schema = STR("");
    } else if (str_eq(kind, STR("schema"))) {
        schema = STR("");
    }
    catalog_put_shown(out, call->dialect, database, schema, name);
}

void search_put_name(const struct tool_call *call, yyjson_val *row, struct buf *out)
{
    struct buf name = BUF_INIT(TOOL_NAME_SIZE * 8);
    put_full_name(call, row, &name);
    out->failed = out->failed || name.failed;
    buf_put_json(out, buf_str(&name));
    buf_free(&name);
}

static void put_summary(const struct tool_call *call, yyjson_val *row, struct buf *out)
{
    yyjson_val *rows = yyjson_arr_get(row, FOUND_ROWS);
    buf_puts(out, "{\"kind\":");
    buf_put_json(out, page_cell(row, FOUND_KIND));
    buf_puts(out, ",\"name\":");
    search_put_name(call, row, out);
    if (yyjson_is_int(rows)) {
        buf_puts(out, ",\"rows\":");
        buf_put_i64(out, yyjson_get_sint(rows));
    }
    reply_put_member(out, "comment", page_cell(row, FOUND_COMMENT));
    if (!str_eq(page_cell(row, FOUND_KIND), STR("column"))) {
        reply_put_member(out, "matching_column", page_cell(row, FOUND_AT));
    }
}

static void put_column(yyjson_val *row, bool is_first, struct buf *out)
{
    struct str name = page_cell(row, FOUND_COLUMN);
    if (name.ptr) {
        buf_puts(out, is_first ? "{\"name\":" : ",{\"name\":");
        buf_put_json(out, name);
        reply_put_member(out, "type", page_cell(row, FOUND_COLUMN_TYPE));
        reply_put_member(out, "comment", page_cell(row, FOUND_COLUMN_COMMENT));
        buf_putc(out, '}');
    }
}

static bool is_same_object(yyjson_val *a, yyjson_val *b)
{
    static const enum catalog_found KEY[] = {
        FOUND_NAME, FOUND_KIND, FOUND_DATABASE, FOUND_SCHEMA, FOUND_AT};
    for (size_t i = 0; a && i < ARRAY_LEN(KEY); i++) {
        if (!yyjson_equals(yyjson_arr_get(a, KEY[i]), yyjson_arr_get(b, KEY[i]))) {
            return false;
        }
    }
    return a != NULL;
}

/* Objects in one array; those beyond the limit stay away. */
struct shown {
    uint32_t count;
    bool more;   /* there are others */
    bool is_cut; /* the only one is too large to be whole */
};

static void put_objects(struct tool_call *call, yyjson_val *rows, bool full, int detail,
    bool cut, struct shown *ret)
{
    struct buf *out = &call->out;
    size_t last_start = out->len;
    yyjson_val *previous = NULL;
    yyjson_arr_iter it;
    yyjson_val *row;
    yyjson_arr_iter_init(rows, &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        if (full && is_same_object(previous, row)) {
            put_column(row, false, out);
            continue;
        }
        buf_puts(out, full && previous ? "]}" : "");
        previous = NULL;
        if (ret->count == call->limit) {
            ret->more = true;
            break;
        }
        last_start = out->len;
        buf_puts(out, ret->count++ > 0 ? "," : "");
        if (detail == DETAIL_NAMES) {
            search_put_name(call, row, out);
            continue;
        }
        put_summary(call, row, out);
        buf_puts(out, full ? ",\"columns\":[" : "}");
        if (full) {
            put_column(row, true, out);
            previous = row;
        }
    }
    buf_puts(out, previous ? "]}" : "");
    ret->is_cut = full && cut && previous && ret->count == 1;
    if (full && cut && previous && ret->count > 1) { /* its last columns may be missing */
        out->len = last_start;
        ret->count--;
    }
    ret->more = ret->more || cut;
}

/* What a reader should know of where was searched. */
static void put_notice(
    struct tool_call *call, const struct search *search, const struct shown *shown)
{
    struct buf text = BUF_INIT(1024);
    if (shown->is_cut) {
        buf_puts(&text, "Not all columns may be here: describe_table shows them.");
    } else if (call->shows && search->query.wanted != CATALOG_A_DATABASE) {
        buf_puts(&text,
            "No database is set: only names were searched, in all of them; give "
            "database to search comments and columns too.");
    } else if (catalog_is_by_database(call->dialect) &&
               !search_is_given(call, "database") && !search_is_given(call, "schema") &&
               search->query.wanted != CATALOG_A_DATABASE) {
        struct str database = show_database(call);
        buf_printf(&text, "Searched in database " STR_FMT "; give database for another.",
            STR_ARG(database));
    }
    reply_put_notice(call, buf_str(&text));
    buf_free(&text);
}

static enum tool_move reply_found(struct tool_call *call, const struct search *search,
    const struct tool_page *page, yyjson_val *rows)
{
    struct buf *out = &call->out;
    struct shown shown = {0};
    char cursor[CURSOR_SIZE];
    bool more = page->total_rows >= 0 ? page->total_rows > (int64_t)page->row_count
                                      : page->truncated;
    reply_begin(call, "done");
    buf_puts(out, ",\"objects\":[");
    put_objects(call, rows,
        search->query.columns && page->columns.len > 0 &&
            yyjson_arr_size(yyjson_arr_get_first(rows)) > FOUND_COLUMN,
        search->detail, more, &shown);
    buf_printf(out, "],\"row_count\":%u,\"truncated\":%s,\"next\":", shown.count,
        shown.more || shown.is_cut ? "true" : "false");
    if (shown.more && shown.count > 0) {
        put_cursor(call, search, call->offset + shown.count, cursor);
        reply_put_again(call, str_of(cursor), out);
    } else {
        buf_puts(out, "null");
    }
    put_notice(call, search, &shown);
    return reply_end(call);
}

static enum tool_move take_page(
    struct tool_call *call, struct search *search, const struct tool_page *page)
{
    enum tool_move move;
    yyjson_doc *doc = page_parse(page);
    yyjson_val *rows = yyjson_doc_get_root(doc);
    if (call->stage == STAGE_RELATION) {
        move = search_reply_none(call, search, rows);
    } else if (yyjson_arr_size(rows) == 0 && call->offset == 0) {
        move = run_nearest(call, search);
    } else {
        move = reply_found(call, search, page, rows);
    }
    yyjson_doc_free(doc);
    return move;
}

static enum tool_move take_show(
    struct tool_call *call, struct search *search, const struct tool_page *page)
{
    struct buf rows = BUF_INIT(TOOL_OUT_MAX);
    struct tool_page shown = {.total_rows = -1};
    bool is_nearest = call->stage == STAGE_RELATION;
    shown.row_count = show_read(call, page, search->query.wanted,
        is_nearest ? NULL : &search->query.words, is_nearest, &rows, &shown.truncated);
    shown.rows = buf_str(&rows);
    enum tool_move move =
        buf_ok(&rows) ? take_page(call, search, &shown)
                      : tool_fail(call, TOOL_E_INTERNAL, 0, "No memory for the answer.");
    buf_free(&rows);
    return move;
}

enum tool_move search_page(struct tool_call *call, const struct tool_page *page)
{
    struct search search;
    if (lookup_wants(call, NULL)) {
        return lookup_page(call, page, run_search);
    }
    if (!read_search(call, &search)) {
        return TOOL_ANSWER;
    }
    return call->shows ? take_show(call, &search, page) : take_page(call, &search, page);
}

enum tool_move search_refused(struct tool_call *call, const struct tool_failure *failure)
{
    struct search search;
    if (lookup_wants(call, failure)) {
        return lookup_refused(call, failure);
    }
    if (!read_search(call, &search)) {
        return TOOL_ANSWER;
    }
    if (show_helps(call)) {
        return run_search(call);
    }
    bool has = search.query.semantic &&
               (!call->shows || search.query.wanted == CATALOG_A_SEMANTIC_VIEW);
    if (catalog_without_semantic_views(call, has)) {
        return call->stage == STAGE_RELATION ? run_nearest(call, &search)
                                             : run_search(call);
    }
    return reply_refused(call, failure);
}
