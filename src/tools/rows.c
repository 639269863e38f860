// SPDX-License-Identifier: Apache-2.0
/* The rows of a page as the session wants them: arrays, objects or CSV. */
#include <stdlib.h>

#include "tools/calls.h"

static struct str text_of(yyjson_val *val)
{
    return (struct str){yyjson_get_str(val), yyjson_get_len(val)};
}

static struct str column_name(yyjson_val *columns, size_t index)
{
    return text_of(yyjson_obj_get(yyjson_arr_get(columns, index), "name"));
}

/* Which of the columns of this name it is, from 1. */
static unsigned ordinal(yyjson_val *columns, size_t index)
{
    unsigned same = 1;
    for (size_t i = 0; i < index; i++) {
        same += str_eq(column_name(columns, i), column_name(columns, index));
    }
    return same;
}

static void put_key(struct buf *out, yyjson_val *columns, size_t index)
{
    struct buf key = BUF_INIT(TOOL_OUT_MAX);
    unsigned same = ordinal(columns, index);
    buf_put_str(&key, column_name(columns, index));
    if (same > 1) {
        buf_printf(&key, "_%u", same);
    }
    buf_put_json(out, buf_str(&key));
    buf_free(&key);
}

static void put_value(struct buf *out, yyjson_val *val)
{
    size_t len = 0;
    char *json = yyjson_val_write(val, 0, &len);
    buf_put_str(out, json ? (struct str){json, len} : STR("null"));
    free(json);
}

static void put_objects(struct buf *out, yyjson_val *columns, yyjson_val *rows)
{
    size_t at;
    size_t count;
    yyjson_val *row;
    buf_puts(out, ",\"rows\":[");
    yyjson_arr_foreach(rows, at, count, row)
    {
        size_t column;
        size_t width;
        yyjson_val *cell;
        buf_puts(out, at > 0 ? ",{" : "{");
        yyjson_arr_foreach(row, column, width, cell)
        {
            buf_puts(out, column > 0 ? "," : "");
            put_key(out, columns, column);
            buf_putc(out, ':');
            put_value(out, cell);
        }
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

/* RFC 4180. NULL is an empty field, an empty text is quoted. */
static void put_field(struct buf *csv, struct str text)
{
    bool plain = text.len > 0;
    for (size_t i = 0; plain && i < text.len; i++) {
        char c = text.ptr[i];
        plain = c != ',' && c != '"' && c != '\n' && c != '\r';
    }
    if (plain) {
        buf_put_str(csv, text);
        return;
    }
    buf_putc(csv, '"');
    for (size_t i = 0; i < text.len; i++) {
        buf_puts(csv, text.ptr[i] == '"' ? "\"" : "");
        buf_putc(csv, text.ptr[i]);
    }
    buf_putc(csv, '"');
}

static void put_cell(struct buf *csv, yyjson_val *cell)
{
    if (yyjson_is_str(cell)) {
        put_field(csv, text_of(cell));
    } else if (cell && !yyjson_is_null(cell)) {
        struct buf json = BUF_INIT(TOOL_OUT_MAX);
        put_value(&json, cell);
        put_field(csv, buf_str(&json));
        buf_free(&json);
    }
}

static void put_csv(struct buf *out, yyjson_val *columns, yyjson_val *rows)
{
    struct buf csv = BUF_INIT(TOOL_OUT_MAX);
    size_t width = yyjson_arr_size(columns);
    for (size_t i = 0; i < width; i++) {
        buf_puts(&csv, i > 0 ? "," : "");
        put_field(&csv, column_name(columns, i));
    }
    buf_puts(&csv, "\r\n");
    size_t at;
    size_t count;
    yyjson_val *row;
    yyjson_arr_foreach(rows, at, count, row)
    {
        for (size_t i = 0; i < width; i++) {
            buf_puts(&csv, i > 0 ? "," : "");
            put_cell(&csv, yyjson_arr_get(row, i));
        }
        buf_puts(&csv, "\r\n");
    }
    buf_puts(out, ",\"csv\":");
    buf_put_json(out, buf_str(&csv));
    buf_free(&csv);
}

bool rows_put(struct tool_call *call, const struct tool_page *page)
{
    struct buf *out = &call->out;
    if (call->format == TOOL_ARRAYS || page->rows.len == 0) {
        buf_puts(out, ",\"rows\":");
        buf_put_str(out, page->rows.len > 0 ? page->rows : STR("[]"));
        return true;
    }
    yyjson_doc *columns = yyjson_read(page->columns.ptr, page->columns.len, 0);
    yyjson_doc *rows = yyjson_read(page->rows.ptr, page->rows.len, 0);
    bool ok = columns && rows;
    if (ok && call->format == TOOL_OBJECTS) {
        put_objects(out, yyjson_doc_get_root(columns), yyjson_doc_get_root(rows));
    } else if (ok) {
        put_csv(out, yyjson_doc_get_root(columns), yyjson_doc_get_root(rows));
    }
    yyjson_doc_free(columns);
    yyjson_doc_free(rows);
    return ok;
}
