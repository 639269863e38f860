// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_value.h"

#include "worker/arrow_extension.h"
#include "worker/arrow_json.h"
#include "worker/arrow_scalar.h"

/* ---- the window ---- */

struct arrow_window arrow_window_of(struct buf *out, uint64_t skip, size_t max)
{
    return (struct arrow_window){
        .out = out, .start = out->len, .max = max, .skip = skip, .seen = out->len};
}

void arrow_window_slide(struct arrow_window *window)
{
    struct buf *out = window->out;
    if (window->drain) {
        if (out->len >= ARROW_STEP) {
            window->drain(window->ctx, out);
        }
        return;
    }
    size_t fresh = out->len - window->seen;
    window->total += fresh;
    if (window->skip > 0 && fresh > 0) {
        size_t gone = fresh < window->skip ? fresh : (size_t)window->skip;
        memmove(out->ptr + window->seen, out->ptr + window->seen + gone, fresh - gone);
        out->len -= gone;
        window->skip -= gone;
    }
    if (out->len - window->start > window->max) {
        out->len = window->start + window->max;
    }
    window->seen = out->len;
}

static bool is_whole(const struct arrow_window *window)
{
    return window->max == SIZE_MAX && !window->drain;
}

/* ---- long values ---- */

bool arrow_is_stretched(struct arrow_type type)
{
    return type.kind == ARROW_BINARY &&
           (type.extension == ARROW_PLAIN || arrow_is_bits(type.extension));
}

uint64_t arrow_stretched_len(const struct arrow_cell *cell)
{
    struct str bytes = arrow_cell_bytes(cell);
    return arrow_is_bits(cell->type.extension)
               ? arrow_bit_count(cell->type.extension, bytes)
               : 2 * (uint64_t)bytes.len;
}

void arrow_put_stretched(
    struct buf *out, const struct arrow_cell *cell, uint64_t start, uint64_t count)
{
    static const char hex[] = "0123456789abcdef";
    struct str bytes = arrow_cell_bytes(cell);
    enum arrow_extension extension = cell->type.extension;
    bool is_bits = arrow_is_bits(extension);
    char part[256];
    size_t len = 0;
    for (uint64_t at = start; at < start + count; at++) {
        if (is_bits) {
            part[len++] = arrow_bit_at(extension, bytes, at) ? '1' : '0';
        } else {
            unsigned char byte = (unsigned char)bytes.ptr[at / 2];
            part[len++] = hex[at % 2 == 0 ? byte >> 4 : byte & 15];
        }
        if (len == sizeof(part)) {
            buf_put(out, part, len);
            len = 0;
        }
    }
    buf_put(out, part, len);
}

static void put_stretched(struct arrow_window *window, const struct arrow_cell *cell)
{
    uint64_t count = arrow_stretched_len(cell);
    buf_putc(window->out, '"');
    for (uint64_t at = 0; at < count && buf_ok(window->out); at += ARROW_STEP) {
        uint64_t left = count - at;
        arrow_put_stretched(window->out, cell, at, left < ARROW_STEP ? left : ARROW_STEP);
        if (!is_whole(window)) {
            arrow_window_slide(window);
        }
    }
    buf_putc(window->out, '"');
}

/* Long texts in steps: each is a JSON string, whose quotes between them go. */
static void put_text(struct arrow_window *window, struct str text)
{
    struct buf *out = window->out;
    if (is_whole(window) || text.len <= ARROW_STEP) {
        buf_put_json(out, text);
        return;
    }
    buf_putc(out, '"');
    while (text.len > 0 && buf_ok(out)) {
        struct str step = str_utf8_prefix(text, ARROW_STEP);
        step.len = step.len > 0 ? step.len : 1; /* not UTF-8 */
        arrow_window_slide(window);
        size_t at = out->len;
        buf_put_json(out, step);
        if (buf_ok(out)) {
            memmove(out->ptr + at, out->ptr + at + 1, out->len - at - 1);
            out->len -= 2;
        }
        text = str_from(text, step.len);
    }
    arrow_window_slide(window);
    buf_putc(out, '"');
}

/* ---- nested values ---- */

static void put_child(struct arrow_window *window, const struct arrow_cell *cell,
    int64_t child, int64_t row, int depth)
{
    struct arrow_cell inner = arrow_cell_resolve(
        cell->schema->children[child], cell->array->children[child], row);
    arrow_put_cell(window, &inner, depth + 1);
}

static void put_list(
    struct arrow_window *window, const struct arrow_cell *cell, int depth)
{
    int64_t start;
    int64_t count = arrow_cell_range(cell, &start);
    buf_putc(window->out, '[');
    for (int64_t i = 0; i < count && buf_ok(window->out); i++) {
        if (i > 0) {
            buf_putc(window->out, ',');
        }
        put_child(window, cell, 0, start + i, depth);
    }
    buf_putc(window->out, ']');
}

/* DuckDB's row(1, 2): as an object it would lose all but one. */
static bool has_no_names(const struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (str_of(schema->children[i]->name).len > 0) {
            return false;
        }
    }
    return schema->n_children > 0;
}

static void put_struct(
    struct arrow_window *window, const struct arrow_cell *cell, int depth)
{
    bool is_list = has_no_names(cell->schema);
    buf_putc(window->out, is_list ? '[' : '{');
    for (int64_t i = 0; i < cell->array->n_children && buf_ok(window->out); i++) {
        if (i > 0) {
            buf_putc(window->out, ',');
        }
        if (!is_list) {
            buf_put_json(window->out, str_of(cell->schema->children[i]->name));
            buf_putc(window->out, ':');
        }
        put_child(window, cell, i, cell->at, depth);
    }
    buf_putc(window->out, is_list ? ']' : '}');
}

/* Behind dictionaries and runs, which spools have no more. */
static bool is_text(const struct ArrowSchema *schema)
{
    for (int depth = 0; depth < ARROW_DEPTH_MAX; depth++) {
        struct arrow_type type = arrow_type_of(schema);
        if (!schema->dictionary && type.kind != ARROW_RUNS) {
            return type.kind == ARROW_TEXT || type.extension == ARROW_UUID;
        }
        schema = schema->dictionary ? schema->dictionary : schema->children[1];
    }
    return false;
}

static void put_map(struct arrow_window *window, const struct arrow_cell *cell, int depth)
{
    struct buf *out = window->out;
    int64_t start;
    int64_t count = arrow_cell_range(cell, &start);
    const struct ArrowSchema *schema = cell->schema->children[0];
    const struct ArrowArray *entries = cell->array->children[0];
    struct arrow_cell entry = arrow_cell_at(schema, entries, start);
    bool is_object = is_text(schema->children[0]);
    buf_putc(out, is_object ? '{' : '[');
    for (int64_t i = 0; i < count && buf_ok(out); i++, entry.at++) {
        buf_puts(out, i == 0 ? "" : ",");
        buf_puts(out, is_object ? "" : "[");
        put_child(window, &entry, 0, entry.at, depth);
        buf_putc(out, is_object ? ':' : ',');
        put_child(window, &entry, 1, entry.at, depth);
        buf_puts(out, is_object ? "" : "]");
    }
    buf_putc(out, is_object ? '}' : ']');
}

/* ---- all of them ---- */

static void put_special(
    struct arrow_window *window, const struct arrow_cell *cell, int depth)
{
    switch ((int)cell->type.kind) {
    case ARROW_BOOL:
        buf_puts(window->out,
            arrow_bytes(cell->array, 1)[cell->at / 8] >> (cell->at % 8) & 1 ? "true"
                                                                            : "false");
        break;
    case ARROW_TEXT:
        put_text(window, arrow_cell_bytes(cell));
        break;
    case ARROW_BINARY:
        put_stretched(window, cell);
        break;
    case ARROW_LIST:
        put_list(window, cell, depth);
        break;
    case ARROW_STRUCT:
        put_struct(window, cell, depth);
        break;
    case ARROW_MAP:
        put_map(window, cell, depth);
        break;
    default: /* a union or a run without a value */
        buf_puts(window->out, "null");
    }
}

void arrow_put_cell(struct arrow_window *window, const struct arrow_cell *cell, int depth)
{
    enum arrow_kind kind = cell->type.kind;
    bool is_number = kind == ARROW_INT || kind == ARROW_UINT || kind == ARROW_FLOAT ||
                     kind == ARROW_DECIMAL;
    if (cell->is_null || depth >= ARROW_DEPTH_MAX) {
        buf_puts(window->out, "null");
    } else if (arrow_is_short(cell->type.extension)) {
        arrow_put_extension(window->out, cell);
    } else if (is_number || (kind >= ARROW_DATE && kind <= ARROW_INTERVAL_FULL)) {
        arrow_put_scalar(window->out, cell->type,
            arrow_bytes(cell->array, 1) + cell->at * cell->type.width);
    } else {
        put_special(window, cell, depth);
    }
    if (!is_whole(window)) {
        arrow_window_slide(window);
    }
}

void arrow_put_value(struct buf *out, const struct ArrowSchema *schema,
    const struct ArrowArray *array, int64_t row)
{
    struct arrow_cell cell = arrow_cell_resolve(schema, array, row);
    struct arrow_window window = arrow_window_of(out, 0, SIZE_MAX);
    arrow_put_cell(&window, &cell, 0);
}

uint64_t arrow_put_part(struct buf *out, const struct ArrowSchema *schema,
    const struct ArrowArray *array, int64_t row, uint64_t skip, size_t bytes_max)
{
    struct arrow_cell cell = arrow_cell_resolve(schema, array, row);
    struct arrow_window window = arrow_window_of(out, skip, bytes_max);
    arrow_put_cell(&window, &cell, 0);
    return window.total;
}

bool arrow_text(const struct ArrowSchema *schema, const struct ArrowArray *array,
    int64_t row, struct str *ret_text)
{
    struct arrow_cell cell = arrow_cell_resolve(schema, array, row);
    if (cell.is_null || cell.type.kind != ARROW_TEXT) {
        return false;
    }
    *ret_text = arrow_cell_bytes(&cell);
    return true;
}
