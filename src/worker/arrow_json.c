// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_json.h"

#include "worker/arrow_cell.h"
#include "worker/arrow_scalar.h"

enum {
    ROWS_MAX =
        3 * 512 * 1024, /* rows and cuts of a page fit one frame with its columns */
    CUTS_MAX = 128 * 1024,
    SCRATCH_MAX = 16 * 1024 * 1024,
};

static void put_hex(struct buf *out, struct str bytes)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len && buf_ok(out); i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        buf_put(out, (char[]){hex[c >> 4], hex[c & 15]}, 2);
    }
}

static void put_cell(struct buf *out, const struct arrow_cell *cell, int depth);

static void put_child(
    struct buf *out, const struct arrow_cell *cell, int64_t child, int64_t row, int depth)
{
    struct arrow_cell inner = arrow_cell_resolve(
        cell->schema->children[child], cell->array->children[child], row);
    put_cell(out, &inner, depth + 1);
}

static void put_list(struct buf *out, const struct arrow_cell *cell, int depth)
{
    int64_t start;
    int64_t count = arrow_cell_range(cell, &start);
    buf_putc(out, '[');
    for (int64_t i = 0; i < count && buf_ok(out); i++) {
        buf_puts(out, i > 0 ? "," : "");
        put_child(out, cell, 0, start + i, depth);
    }
    buf_putc(out, ']');
}

static void put_struct(struct buf *out, const struct arrow_cell *cell, int depth)
{
    buf_putc(out, '{');
    for (int64_t i = 0; i < cell->array->n_children && buf_ok(out); i++) {
        buf_puts(out, i > 0 ? "," : "");
        buf_put_json(out, str_of(cell->schema->children[i]->name));
        buf_putc(out, ':');
        put_child(out, cell, i, cell->at, depth);
    }
    buf_putc(out, '}');
}

static void put_map(struct buf *out, const struct arrow_cell *cell, int depth)
{
    int64_t start;
    int64_t count = arrow_cell_range(cell, &start);
    const struct ArrowSchema *schema = cell->schema->children[0];
    const struct ArrowArray *entries = cell->array->children[0];
    if (entries->n_children != 2) {
        buf_puts(out, "null");
        return;
    }
    bool is_object = arrow_type_parse(schema->children[0]->format).kind == ARROW_TEXT;
    buf_putc(out, is_object ? '{' : '[');
    for (int64_t i = 0; i < count && buf_ok(out); i++) {
        int64_t row = start + i + entries->offset;
        struct arrow_cell key =
            arrow_cell_resolve(schema->children[0], entries->children[0], row);
        struct arrow_cell value =
            arrow_cell_resolve(schema->children[1], entries->children[1], row);
        buf_puts(out, i > 0 ? "," : "");
        buf_puts(out, is_object ? "" : "[");
        put_cell(out, &key, depth + 1);
        buf_putc(out, is_object ? ':' : ',');
        put_cell(out, &value, depth + 1);
        buf_puts(out, is_object ? "" : "]");
    }
    buf_putc(out, is_object ? '}' : ']');
}

static void put_cell(struct buf *out, const struct arrow_cell *cell, int depth)
{
    if (cell->is_null || depth >= ARROW_DEPTH_MAX) {
        buf_puts(out, "null");
        return;
    }
    const char *values = arrow_bytes(cell->array, 1);
    switch (cell->type.kind) {
    case ARROW_UNKNOWN:
    case ARROW_NULL:
    case ARROW_UNION:
    case ARROW_RUNS:
        buf_puts(out, "null");
        break;
    case ARROW_BOOL:
        buf_puts(out, values[cell->at / 8] >> (cell->at % 8) & 1 ? "true" : "false");
        break;
    case ARROW_INT:
    case ARROW_UINT:
    case ARROW_FLOAT:
    case ARROW_DECIMAL:
    case ARROW_DATE:
    case ARROW_TIME:
    case ARROW_TIMESTAMP:
    case ARROW_DURATION:
    case ARROW_INTERVAL_MONTHS:
    case ARROW_INTERVAL_DAYS:
    case ARROW_INTERVAL_FULL:
        arrow_put_scalar(out, cell->type, values + cell->at * cell->type.width);
        break;
    case ARROW_TEXT:
        buf_put_json(out, arrow_cell_bytes(cell));
        break;
    case ARROW_BINARY:
        buf_putc(out, '"');
        put_hex(out, arrow_cell_bytes(cell));
        buf_putc(out, '"');
        break;
    case ARROW_LIST:
        put_list(out, cell, depth);
        break;
    case ARROW_STRUCT:
        put_struct(out, cell, depth);
        break;
    case ARROW_MAP:
        put_map(out, cell, depth);
        break;
    }
}

void arrow_put_value(struct buf *out, const struct ArrowSchema *schema,
    const struct ArrowArray *array, int64_t row)
{
    struct arrow_cell cell = arrow_cell_resolve(schema, array, row);
    put_cell(out, &cell, 0);
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

void arrow_put_columns(struct buf *out, const struct ArrowSchema *schema)
{
    struct buf name = BUF_INIT(64 * 1024);
    buf_putc(out, '[');
    for (int64_t i = 0; i < schema->n_children; i++) {
        buf_puts(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        buf_put_json(out, str_of(schema->children[i]->name));
        buf_puts(out, ",\"type\":");
        buf_clear(&name);
        arrow_put_type_name(&name, schema->children[i]);
        buf_put_json(out, buf_str(&name));
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    buf_free(&name);
}

void arrow_page_init(
    struct arrow_page *page, uint32_t rows_max, uint32_t page_bytes, uint32_t cell_chars)
{
    *page = (struct arrow_page){
        .rows_max = rows_max > 0 ? rows_max : 1,
        .page_bytes =
            page_bytes < ARROW_PAGE_BYTES_MAX ? page_bytes : ARROW_PAGE_BYTES_MAX,
        .cell_chars = cell_chars,
        .rows = BUF_INIT(ROWS_MAX),
        .cuts = BUF_INIT(CUTS_MAX),
        .scratch = BUF_INIT(SCRATCH_MAX),
    };
    buf_putc(&page->rows, '[');
    buf_putc(&page->cuts, '[');
}

void arrow_page_free(struct arrow_page *page)
{
    buf_free(&page->rows);
    buf_free(&page->cuts);
    buf_free(&page->scratch);
}

/* The first @chars characters; a byte outside UTF-8 counts as one. */
static struct str first_chars(struct str s, uint32_t chars)
{
    size_t at = 0;
    for (uint32_t i = 0; i < chars && at < s.len; i++) {
        size_t len = str_utf8_sequence(str_from(s, at));
        at += len > 0 ? len : 1;
    }
    return (struct str){s.ptr, at};
}

static void note_cut(struct arrow_page *page, int64_t column, size_t bytes)
{
    if (page->cuts.len > 1) {
        buf_putc(&page->cuts, ',');
    }
    buf_putc(&page->cuts, '[');
    buf_put_u64(&page->cuts, page->row_count);
    buf_putc(&page->cuts, ',');
    buf_put_i64(&page->cuts, column);
    buf_putc(&page->cuts, ',');
    buf_put_u64(&page->cuts, bytes);
    buf_putc(&page->cuts, ']');
}

static void put_text(
    struct arrow_page *page, int64_t column, struct str text, uint32_t chars)
{
    struct str shown = text.len > chars ? first_chars(text, chars) : text;
    buf_put_json(&page->rows, shown);
    if (shown.len < text.len) {
        note_cut(page, column, text.len);
    }
}

static void put_column(struct arrow_page *page, const struct arrow_cell *cell,
    int64_t column, uint32_t chars)
{
    enum arrow_kind kind = cell->type.kind;
    if (cell->is_null) {
        buf_puts(&page->rows, "null");
    } else if (kind == ARROW_TEXT) {
        put_text(page, column, arrow_cell_bytes(cell), chars);
    } else if (kind == ARROW_BINARY) {
        struct str bytes = arrow_cell_bytes(cell);
        struct str shown = {bytes.ptr, bytes.len <= chars / 2 ? bytes.len : chars / 2};
        buf_putc(&page->rows, '"');
        put_hex(&page->rows, shown);
        buf_putc(&page->rows, '"');
        if (shown.len < bytes.len) {
            note_cut(page, column, 2 * bytes.len);
        }
    } else if (kind == ARROW_LIST || kind == ARROW_STRUCT || kind == ARROW_MAP) {
        buf_clear(&page->scratch);
        put_cell(&page->scratch, cell, 0);
        put_text(page, column, buf_str(&page->scratch), chars);
    } else {
        put_cell(&page->rows, cell, 0);
    }
}

enum row_fate {
    ROW_TAKEN,
    ROW_LEFT,
    ROW_IMPOSSIBLE
};

/* Puts one row, or leaves the page as it was. */
static enum row_fate put_row(struct arrow_page *page, const struct ArrowSchema *schema,
    const struct ArrowArray *batch, int64_t row)
{
    size_t rows_len = page->rows.len;
    size_t cuts_len = page->cuts.len;
    for (uint32_t chars = page->cell_chars;; chars /= 2) {
        buf_puts(&page->rows, page->row_count > 0 ? ",[" : "[");
        for (int64_t i = 0; i < schema->n_children && buf_ok(&page->rows); i++) {
            struct arrow_cell cell = arrow_cell_resolve(
                schema->children[i], batch->children[i], row + batch->offset);
            buf_puts(&page->rows, i > 0 ? "," : "");
            put_column(page, &cell, i, chars);
        }
        buf_putc(&page->rows, ']');
        bool fits = buf_ok(&page->rows) && buf_ok(&page->cuts) &&
                    page->rows.len < ROWS_MAX && page->cuts.len < CUTS_MAX;
        bool is_first = page->row_count == 0;
        if (fits && (is_first || page->rows.len < page->page_bytes)) {
            return ROW_TAKEN;
        }
        page->rows.len = rows_len;
        page->rows.failed = false;
        page->cuts.len = cuts_len;
        page->cuts.failed = false;
        if (!is_first) {
            return ROW_LEFT;
        }
        /* A page has at least one row: cut its cells shorter. */
        if (chars == 0) {
            return ROW_IMPOSSIBLE;
        }
    }
}

bool arrow_page_add(struct arrow_page *page, const struct ArrowSchema *schema,
    const struct ArrowArray *batch)
{
    for (int64_t row = 0; row < batch->length && !page->full; row++) {
        enum row_fate fate = ROW_LEFT;
        if (page->row_count < page->rows_max) {
            fate = put_row(page, schema, batch, row);
        }
        if (fate == ROW_IMPOSSIBLE) {
            return false;
        }
        page->full = fate == ROW_LEFT;
        page->row_count += fate == ROW_TAKEN;
    }
    return true;
}

bool arrow_page_has_cuts(const struct arrow_page *page)
{
    return page->cuts.len > 1;
}

bool arrow_page_end(struct arrow_page *page)
{
    page->has_cut = arrow_page_has_cuts(page);
    buf_putc(&page->rows, ']');
    buf_putc(&page->cuts, ']');
    return buf_ok(&page->rows) && buf_ok(&page->cuts);
}
