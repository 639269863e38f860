// SPDX-License-Identifier: Apache-2.0
/*
 * Plans of the engines. DuckDB and PostgreSQL nest JSON objects, Snowflake lists
 * operations that name their parents, SQLite answers a row an operation.
 */
#include "tools/calls.h"

enum {
    DEPTH_MAX = 64,
    OPERATIONS_MAX = 1024,
    DETAIL_BYTES_MAX = 200,
};

static void put_indent(struct buf *text, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++) {
        buf_puts(text, "  ");
    }
}

static int64_t number_of(yyjson_val *value)
{
    uint64_t digits;
    if (yyjson_is_int(value)) {
        return yyjson_get_sint(value);
    }
    if (yyjson_is_real(value) && yyjson_get_real(value) >= 0 &&
        yyjson_get_real(value) < 9e18) {
        return (int64_t)yyjson_get_real(value);
    }
    struct str text = {yyjson_get_str(value), yyjson_get_len(value)};
    return text.ptr && str_to_u64(text, INT64_MAX, &digits) ? (int64_t)digits : -1;
}

/* On one line, and not too long. */
static void put_short(struct buf *text, struct str value)
{
    struct str shown = str_utf8_prefix(value, DETAIL_BYTES_MAX);
    for (size_t i = 0; i < shown.len; i++) {
        buf_putc(text, shown.ptr[i] == '\n' || shown.ptr[i] == '\r' ? ' ' : shown.ptr[i]);
    }
    buf_puts(text, shown.len < value.len ? "..." : "");
}

static void put_value(struct buf *text, yyjson_val *value)
{
    yyjson_arr_iter it;
    yyjson_val *each;
    const char *comma = "";
    if (yyjson_is_str(value)) {
        put_short(text, (struct str){yyjson_get_str(value), yyjson_get_len(value)});
    } else if (yyjson_is_int(value)) {
        buf_put_i64(text, yyjson_get_sint(value));
    } else if (yyjson_is_real(value)) {
        buf_printf(text, "%g", yyjson_get_real(value));
    } else if (yyjson_is_bool(value)) {
        buf_puts(text, yyjson_is_true(value) ? "true" : "false");
    }
    yyjson_arr_iter_init(value, &it);
    while ((each = yyjson_arr_iter_next(&it))) {
        buf_puts(text, comma);
        if (!yyjson_is_arr(each) && !yyjson_is_obj(each)) {
            put_value(text, each);
        }
        comma = ", ";
    }
}

static bool is_any(yyjson_val *key, const char *const *names)
{
    for (; *names; names++) {
        if (yyjson_equals_str(key, *names)) {
            return true;
        }
    }
    return false;
}

/* What else an operation says: "key: value; key: value". */
static void put_details(struct buf *text, yyjson_val *object, const char *const *less)
{
    yyjson_obj_iter it;
    yyjson_val *key;
    const char *joint = ": ";
    yyjson_obj_iter_init(object, &it);
    while ((key = yyjson_obj_iter_next(&it))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        bool is_empty = yyjson_is_obj(value) || yyjson_is_null(value) ||
                        yyjson_equals_str(value, "") ||
                        (yyjson_is_arr(value) && yyjson_arr_size(value) == 0);
        if (!is_empty && !is_any(key, less)) {
            buf_puts(text, joint);
            put_short(text, (struct str){yyjson_get_str(key), yyjson_get_len(key)});
            buf_putc(text, ' ');
            put_value(text, value);
            joint = "; ";
        }
    }
}

static void put_rows(struct buf *text, int64_t rows)
{
    if (rows >= 0) {
        buf_printf(text, " (about %lld rows)", (long long)rows);
    }
}

/* Where an engine that answers a tree keeps what an operation's line tells. */
struct tree {
    const char *name;
    const char *details; /* the object with them; NULL: the operation itself */
    const char *rows;    /* one of them */
    const char *children;
    const char *less[10]; /* details that are not shown; ends with NULL */
};

static const struct tree duckdb_tree = {.name = "name",
    .details = "extra_info",
    .rows = "Estimated Cardinality",
    .children = "children",
    .less = {"Estimated Cardinality"}};

static const struct tree postgresql_tree = {.name = "Node Type",
    .rows = "Plan Rows",
    .children = "Plans",
    .less = {"Node Type", "Plans", "Plan Rows", "Plan Width", "Startup Cost", "Parallel Aware",
        "Async Capable", "Parent Relationship"}};

static yyjson_val *details_of(const struct tree *tree, yyjson_val *node)
{
    return tree->details ? yyjson_obj_get(node, tree->details) : node;
}

static int64_t rows_of(const struct tree *tree, yyjson_val *node)
{
    return number_of(yyjson_obj_get(details_of(tree, node), tree->rows));
}

static void put_tree(
    struct buf *text, const struct tree *tree, yyjson_val *node, uint32_t depth)
{
    yyjson_arr_iter it;
    yyjson_val *child;
    put_indent(text, depth);
    put_value(text, yyjson_obj_get(node, tree->name));
    put_rows(text, rows_of(tree, node));
    put_details(text, details_of(tree, node), tree->less);
    buf_putc(text, '\n');
    yyjson_arr_iter_init(yyjson_obj_get(node, tree->children), &it);
    while (depth < DEPTH_MAX && (child = yyjson_arr_iter_next(&it))) {
        put_tree(text, tree, child, depth + 1);
    }
}

/* The parent comes before its children, in this step's list. */
static void put_step(struct buf *text, yyjson_val *step)
{
    static const char *const LESS[] = {"id", "parentOperators", "operation", NULL};
    uint8_t depth_of[OPERATIONS_MAX] = {0};
    yyjson_arr_iter it;
    yyjson_val *operation;
    yyjson_arr_iter_init(step, &it);
    while ((operation = yyjson_arr_iter_next(&it))) {
        int64_t id = number_of(yyjson_obj_get(operation, "id"));
        int64_t parent =
            number_of(yyjson_arr_get_first(yyjson_obj_get(operation, "parentOperators")));
        uint8_t depth = 0;
        if (parent >= 0 && parent < OPERATIONS_MAX && depth_of[parent] < DEPTH_MAX) {
            depth = (uint8_t)(depth_of[parent] + 1);
        }
        if (id >= 0 && id < OPERATIONS_MAX) {
            depth_of[id] = depth;
        }
        put_indent(text, depth);
        put_value(text, yyjson_obj_get(operation, "operation"));
        put_details(text, operation, LESS);
        buf_putc(text, '\n');
    }
}

static void put_snowflake(struct buf *text, yyjson_val *root, struct plan *ret)
{
    yyjson_val *stats = yyjson_obj_get(root, "GlobalStats");
    yyjson_arr_iter it;
    yyjson_val *step;
    ret->bytes = number_of(yyjson_obj_get(stats, "bytesAssigned"));
    ret->partitions = number_of(yyjson_obj_get(stats, "partitionsAssigned"));
    ret->partitions_total = number_of(yyjson_obj_get(stats, "partitionsTotal"));
    yyjson_arr_iter_init(yyjson_obj_get(root, "Operations"), &it);
    while ((step = yyjson_arr_iter_next(&it))) {
        put_step(text, step);
    }
}

static void put_sqlite(struct buf *text, yyjson_val *rows)
{
    int64_t id_at[DEPTH_MAX];
    uint32_t depth = 0;
    yyjson_arr_iter it;
    yyjson_val *row;
    yyjson_arr_iter_init(rows, &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        int64_t parent = number_of(yyjson_arr_get(row, 1));
        while (depth > 0 && id_at[depth - 1] != parent) {
            depth--;
        }
        put_indent(text, depth);
        put_short(text, page_cell(row, 3));
        buf_putc(text, '\n');
        if (depth < DEPTH_MAX) {
            id_at[depth++] = number_of(yyjson_arr_get(row, 0));
        }
    }
}

/* As it is: all texts, a row a line. */
static void put_cells(struct buf *text, yyjson_val *rows)
{
    yyjson_arr_iter it;
    yyjson_val *row;
    yyjson_arr_iter_init(rows, &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        const char *blank = "";
        for (size_t i = 0; i < yyjson_arr_size(row); i++) {
            if (!yyjson_is_null(yyjson_arr_get(row, i))) {
                buf_puts(text, blank);
                put_value(text, yyjson_arr_get(row, i));
                blank = " ";
            }
        }
        buf_putc(text, '\n');
    }
}

/* The JSON of a plan: the last text of the first row. */
static yyjson_doc *json_of(yyjson_val *rows)
{
    yyjson_val *row = yyjson_arr_get_first(rows);
    struct str text =
        page_cell(row, yyjson_arr_size(row) > 0 ? yyjson_arr_size(row) - 1 : 0);
    return text.ptr ? yyjson_read(text.ptr, text.len, 0) : NULL;
}

static bool put_json(
    enum sql_dialect_id dialect, yyjson_val *rows, struct buf *text, struct plan *ret)
{
    yyjson_doc *doc = json_of(rows);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *first = yyjson_is_arr(root) ? yyjson_arr_get_first(root) : root;
    if (dialect == SQL_SNOWFLAKE && yyjson_obj_get(root, "GlobalStats")) {
        put_snowflake(text, root, ret);
    } else if (dialect == SQL_POSTGRESQL && yyjson_obj_get(first, "Plan")) {
        yyjson_val *plan = yyjson_obj_get(first, "Plan");
        ret->rows = rows_of(&postgresql_tree, plan);
        put_tree(text, &postgresql_tree, plan, 0);
    } else if (dialect == SQL_DUCKDB && yyjson_obj_get(first, "name")) {
        ret->rows = rows_of(&duckdb_tree, first);
        put_tree(text, &duckdb_tree, first, 0);
    } else {
        yyjson_doc_free(doc);
        return false;
    }
    yyjson_doc_free(doc);
    return true;
}

void plan_read(enum sql_dialect_id dialect, const struct tool_page *page,
    struct buf *text, struct plan *ret)
{
    yyjson_doc *doc = page_parse(page);
    yyjson_val *rows = yyjson_doc_get_root(doc);
    *ret =
        (struct plan){.rows = -1, .bytes = -1, .partitions = -1, .partitions_total = -1};
    if (dialect == SQL_SQLITE) {
        put_sqlite(text, rows);
    } else if (!put_json(dialect, rows, text, ret)) {
        put_cells(text, rows);
    }
    yyjson_doc_free(doc);
}
