// SPDX-License-Identifier: Apache-2.0
#include "tools/opaque.h"

#include <yyjson.h>

enum {
    SHOWN_MAX = 8,
    NAME_MAX_SHOWN = 64,
};

static void put_part(struct buf *text, yyjson_val *column, const char *key)
{
    yyjson_val *value = yyjson_obj_get(column, key);
    struct str whole = {yyjson_get_str(value), yyjson_get_len(value)};
    buf_put_str(text, str_utf8_prefix(whole, NAME_MAX_SHOWN));
}

static void put_names(struct buf *text, yyjson_val *columns)
{
    size_t at;
    size_t max;
    size_t count = 0;
    yyjson_val *column;
    yyjson_arr_foreach(columns, at, max, column)
    {
        if (!yyjson_is_true(yyjson_obj_get(column, "opaque"))) {
            continue;
        }
        count++;
        if (count <= SHOWN_MAX) {
            buf_puts(text, count > 1 ? ", " : "");
            put_part(text, column, "name");
            buf_puts(text, " (");
            put_part(text, column, "type");
            buf_putc(text, ')');
        }
    }
    if (count > SHOWN_MAX) {
        buf_printf(text, " and %zu more", count - SHOWN_MAX);
    }
}

void opaque_put_notice(struct buf *text, struct str columns_json)
{
    struct str mark = STR("\"opaque\":true");
    if (columns_json.len == 0 || !memmem(columns_json.ptr, columns_json.len, mark.ptr, mark.len)) {
        return;
    }
    yyjson_doc *doc = yyjson_read(columns_json.ptr, columns_json.len, 0);
    if (doc) {
        buf_puts(text, text->len > 0 ? " " : "");
        buf_puts(
            text, "Shown as bytes in base 16, which the engine's driver cannot read: ");
        put_names(text, yyjson_doc_get_root(doc));
        buf_puts(text,
            ". Cast such a column to text in the statement (column::text) to see "
            "its values.");
    }
    yyjson_doc_free(doc);
}
