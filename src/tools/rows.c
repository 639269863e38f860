// SPDX-License-Identifier: Apache-2.0
/* The rows of a page as the session wants them: arrays, objects or CSV. */
#include <stdlib.h>

#include "base/map.h"
#include "tools/calls.h"

enum {
    SHAPED_BYTES_MAX = TOOL_OUT_MAX / 2
};

struct column {
    struct str name; /* unique in objects */
    char *made;      /* owned; where the name is not the engine's */
    uint32_t last;   /* of a name that others have, too: the last number given */
};

struct shape {
    yyjson_doc *columns;
    yyjson_doc *rows;
    struct column *column;
    size_t count;
};

static void shape_free(struct shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        free(shape->column[i].made);
    }
    free(shape->column);
    yyjson_doc_free(shape->columns);
    yyjson_doc_free(shape->rows);
}

/* Digits stay as they are written. */
static yyjson_doc *parse(struct str text)
{
    if (text.len == 0) {
        text = STR("[]");
    }
    yyjson_doc *doc = yyjson_read(text.ptr, text.len, YYJSON_READ_NUMBER_AS_RAW);
    if (!yyjson_is_arr(yyjson_doc_get_root(doc))) {
        yyjson_doc_free(doc);
        return NULL;
    }
    return doc;
}

static bool shape_read(const struct tool_page *page, struct shape *ret)
{
    yyjson_val *column;
    yyjson_arr_iter it;
    *ret = (struct shape){.columns = parse(page->columns), .rows = parse(page->rows)};
    if (!ret->columns || !ret->rows) {
        return false;
    }
    yyjson_val *columns = yyjson_doc_get_root(ret->columns);
    size_t count = yyjson_arr_size(columns);
    ret->column = calloc(count > 0 ? count : 1, sizeof(*ret->column));
    if (!ret->column) {
        return false;
    }
    yyjson_arr_iter_init(columns, &it);
    while ((column = yyjson_arr_iter_next(&it))) {
        yyjson_val *name = yyjson_obj_get(column, "name");
        struct str text = {yyjson_get_str(name), yyjson_get_len(name)};
        ret->column[ret->count++].name = text.ptr ? text : STR("");
    }
    return true;
}

/* The next free name after @first's: NAME_2, NAME_3, ... */
static bool make_name(struct map *names, struct column *first, struct column *column)
{
    do {
        struct buf made = BUF_INIT(1 << 20);
        buf_printf(&made, STR_FMT "_%u", STR_ARG(first->name), ++first->last);
        size_t len = made.len;
        buf_putc(&made, '\0');
        free(column->made);
        column->made = buf_take(&made);
        if (!column->made) {
            return false;
        }
        column->name = (struct str){column->made, len};
    } while (map_get(names, column->name));
    return map_put(names, column->name, column);
}

/* The engine's own names come first: a name that is made keeps clear of all of them. */
static bool make_unique(struct shape *shape)
{
    struct map names = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < shape->count; i++) {
        struct column *column = &shape->column[i];
        column->last = 1;
        ok = map_get(&names, column->name) || map_put(&names, column->name, column);
    }
    for (size_t i = 0; ok && i < shape->count; i++) {
        struct column *first = map_get(&names, shape->column[i].name);
        ok = first == &shape->column[i] || make_name(&names, first, &shape->column[i]);
    }
    map_free(&names);
    return ok;
}

static void put_json(struct buf *out, yyjson_val *value)
{
    size_t len = 0;
    char *text = yyjson_val_write(value, 0, &len);
    if (text) {
        buf_put(out, text, len);
    } else {
        out->failed = true;
    }
    free(text);
}

static void put_objects(struct buf *out, const struct shape *shape)
{
    yyjson_val *row;
    yyjson_val *cell;
    yyjson_arr_iter rows;
    yyjson_arr_iter cells;
    buf_puts(out, ",\"rows\":[");
    yyjson_arr_iter_init(yyjson_doc_get_root(shape->rows), &rows);
    for (size_t r = 0; (row = yyjson_arr_iter_next(&rows)); r++) {
        buf_puts(out, r > 0 ? ",{" : "{");
        yyjson_arr_iter_init(row, &cells);
        for (size_t c = 0; c < shape->count && (cell = yyjson_arr_iter_next(&cells));
             c++) {
            buf_puts(out, c > 0 ? "," : "");
            buf_put_json(out, shape->column[c].name);
            buf_putc(out, ':');
            put_json(out, cell);
        }
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

/* An empty text is "", so that it is not taken for NULL. */
static void put_field(struct buf *csv, struct str text)
{
    bool quoted = text.len == 0;
    for (size_t i = 0; !quoted && i < text.len; i++) {
        quoted = text.ptr[i] == '"' || text.ptr[i] == ',' || text.ptr[i] == '\r' ||
                 text.ptr[i] == '\n';
    }
    if (!quoted) {
        buf_put_str(csv, text);
        return;
    }
    buf_putc(csv, '"');
    for (ptrdiff_t at; (at = str_find(text, '"')) >= 0;) {
        buf_put_str(csv, (struct str){text.ptr, (size_t)at});
        buf_puts(csv, "\"\"");
        text = str_from(text, (size_t)at + 1);
    }
    buf_put_str(csv, text);
    buf_putc(csv, '"');
}

/* NULL is nothing at all; lists and structs are their JSON. */
static void put_cell(struct buf *csv, yyjson_val *cell)
{
    if (yyjson_is_str(cell)) {
        put_field(csv, (struct str){yyjson_get_str(cell), yyjson_get_len(cell)});
    } else if (!yyjson_is_null(cell)) {
        struct buf json = BUF_INIT(csv->max);
        put_json(&json, cell);
        put_field(csv, buf_str(&json));
        csv->failed = csv->failed || json.failed;
        buf_free(&json);
    }
}

static void put_csv(struct buf *out, const struct shape *shape)
{
    yyjson_val *row;
    yyjson_val *cell;
    yyjson_arr_iter rows;
    yyjson_arr_iter cells;
    struct buf csv = BUF_INIT(TOOL_OUT_MAX);
    for (size_t c = 0; c < shape->count; c++) {
        buf_puts(&csv, c > 0 ? "," : "");
        put_field(&csv, shape->column[c].name);
    }
    buf_puts(&csv, "\r\n");
    yyjson_arr_iter_init(yyjson_doc_get_root(shape->rows), &rows);
    while ((row = yyjson_arr_iter_next(&rows))) {
        yyjson_arr_iter_init(row, &cells);
        for (size_t c = 0; (cell = yyjson_arr_iter_next(&cells)); c++) {
            buf_puts(&csv, c > 0 ? "," : "");
            put_cell(&csv, cell);
        }
        buf_puts(&csv, "\r\n");
    }
    buf_puts(out, ",\"csv\":");
    buf_put_json(out, buf_str(&csv));
    out->failed = out->failed || csv.failed;
    buf_free(&csv);
}

static bool put_shaped(
    struct buf *out, enum tool_format format, const struct tool_page *page)
{
    struct shape shape;
    struct buf text = BUF_INIT(SHAPED_BYTES_MAX);
    bool ok = shape_read(page, &shape) && (format == TOOL_CSV || make_unique(&shape));
    if (ok && format == TOOL_CSV) {
        put_csv(&text, &shape);
    } else if (ok) {
        put_objects(&text, &shape);
    }
    ok = ok && buf_ok(&text);
    if (ok) {
        buf_put_str(out, buf_str(&text));
    }
    buf_free(&text);
    shape_free(&shape);
    return ok;
}

void rows_put(struct tool_call *call, const struct tool_page *page)
{
    struct buf *out = &call->out;
    if (call->format != TOOL_ARRAYS && put_shaped(out, call->format, page)) {
        return;
    }
    call->format = TOOL_ARRAYS;
    buf_puts(out, ",\"rows\":");
    buf_put_str(out, page->rows.len > 0 ? page->rows : STR("[]"));
}
