// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_json.h"

#include <stdlib.h>

#include "worker/arrow_extension.h"
#include "worker/arrow_value.h"

enum {
    NESTED_MAX = 1024 * 1024, /* characters of one nested cell in a page */
    SCRATCH_MAX = 4 * NESTED_MAX + 8 * ARROW_STEP,
};

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
        buf_puts(out, arrow_is_opaque(schema->children[i]) ? ",\"opaque\":true}" : "}");
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
        .rows = BUF_INIT(ARROW_ROWS_MAX),
        .cuts = BUF_INIT(ARROW_CUTS_MAX),
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
    free(page->columns);
    page->columns = NULL;
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

static void note_cut(struct arrow_page *page, int64_t column, uint64_t bytes)
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

/* Of the JSON of a nested value only what is shown is ever held. */
static void put_nested(struct arrow_page *page, const struct arrow_cell *cell,
    int64_t column, uint32_t chars)
{
    struct buf *scratch = &page->scratch;
    size_t bytes_max = (size_t)(chars < NESTED_MAX ? chars : NESTED_MAX) * 4 + 4;
    struct arrow_window window = arrow_window_of(scratch, 0, bytes_max);
    buf_clear(scratch);
    window.start = window.seen = 0;
    arrow_put_cell(&window, cell, 0);
    struct str shown = first_chars(buf_str(scratch), chars);
    buf_put_json(&page->rows, shown);
    page->rows.failed = page->rows.failed || !buf_ok(scratch);
    if (shown.len < window.total) {
        note_cut(page, column, window.total);
    }
}

static void put_stretched(struct arrow_page *page, const struct arrow_cell *cell,
    int64_t column, uint32_t chars)
{
    uint64_t len = arrow_stretched_len(cell);
    uint64_t shown = len;
    if (len > chars) {
        shown = arrow_is_bits(cell->type.extension) ? chars : chars / 2 * 2;
    }
    buf_putc(&page->rows, '"');
    arrow_put_stretched(
        &page->rows, cell, 0, shown < ARROW_ROWS_MAX ? shown : (uint64_t)ARROW_ROWS_MAX);
    buf_putc(&page->rows, '"');
    if (shown < len) {
        note_cut(page, column, len);
    }
}

static void put_column(struct arrow_page *page, const struct arrow_cell *cell,
    int64_t column, uint32_t chars)
{
    enum arrow_kind kind = cell->type.kind;
    if (cell->is_null) {
        buf_put(&page->rows, "null", 4);
    } else if (kind == ARROW_TEXT) {
        put_text(page, column, arrow_cell_bytes(cell), chars);
    } else if (arrow_is_stretched(cell->type)) {
        put_stretched(page, cell, column, chars);
    } else if (kind == ARROW_LIST || kind == ARROW_STRUCT || kind == ARROW_MAP) {
        put_nested(page, cell, column, chars);
    } else {
        struct arrow_window whole = arrow_window_of(&page->rows, 0, SIZE_MAX);
        arrow_put_cell(&whole, cell, 0);
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
            struct arrow_cell cell = arrow_column_cell(
                &page->columns[i], batch->children[i], row + batch->offset);
            if (i > 0) {
                buf_putc(&page->rows, ',');
            }
            put_column(page, &cell, i, chars);
        }
        buf_putc(&page->rows, ']');
        bool fits = buf_ok(&page->rows) && buf_ok(&page->cuts) &&
                    page->rows.len < ARROW_ROWS_MAX && page->cuts.len < ARROW_CUTS_MAX;
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
    if (!page->columns) {
        page->columns = arrow_columns_new(schema);
    }
    if (!page->columns) {
        return false;
    }
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
