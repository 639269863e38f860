// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_json.h"

#include "worker/arrow_scalar.h"

enum {
    DEPTH_MAX = 32,
    ROWS_MAX =
        3 * 512 * 1024, /* rows and cuts of a page fit one frame with its columns */
    CUTS_MAX = 128 * 1024,
    SCRATCH_MAX = 16 * 1024 * 1024,
};

/* One value: the array that really holds it and its place in there (offset included). */
struct cell {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    int64_t at;
    struct arrow_type type;
    bool is_null;
};

static const char *bytes_of(const struct ArrowArray *array, int64_t buffer)
{
    return buffer < array->n_buffers ? array->buffers[buffer] : NULL;
}

static bool is_valid(const struct ArrowArray *array, int64_t at)
{
    const char *bits = bytes_of(array, 0);
    return !bits || ((unsigned char)bits[at / 8] >> (at % 8) & 1);
}

/* Where the run that covers row @at ends: a binary search over the run ends. */
static int64_t find_run(
    const struct ArrowSchema *ends_schema, const struct ArrowArray *ends, int64_t at)
{
    int width = arrow_type_parse(ends_schema->format).width;
    const char *values = bytes_of(ends, 1);
    int64_t low = 0;
    int64_t high = ends->length;
    while (values && low < high) {
        int64_t mid = low + (high - low) / 2;
        if (arrow_load_int(values + (ends->offset + mid) * width, width) <= at) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* The child of a union that carries type id @id, or -1. */
static int64_t union_child(const char *ids, int id)
{
    int64_t child = 0;
    int value = 0;
    for (const char *c = ids;; c++) {
        if (*c >= '0' && *c <= '9') {
            value = value * 10 + (*c - '0');
        } else if (value == id) {
            return child;
        } else if (*c == 0) {
            return -1;
        } else {
            value = 0;
            child++;
        }
    }
}

static void enter(struct cell *cell, const struct ArrowSchema *schema,
    const struct ArrowArray *array, int64_t row)
{
    *cell = (struct cell){.schema = schema, .array = array, .at = row + array->offset};
    cell->type = arrow_type_parse(schema->format);
    bool has_bits = cell->type.kind != ARROW_NULL && cell->type.kind != ARROW_UNION &&
                    cell->type.kind != ARROW_RUNS;
    cell->is_null =
        cell->type.kind == ARROW_NULL || (has_bits && !is_valid(array, cell->at));
}

/* Through dictionaries, runs and unions to the value itself. */
static struct cell resolve(
    const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row)
{
    struct cell cell;
    enter(&cell, schema, array, row);
    for (int depth = 0; depth < DEPTH_MAX && !cell.is_null; depth++) {
        schema = cell.schema;
        array = cell.array;
        if (schema->dictionary && array->dictionary) {
            const char *value = bytes_of(array, 1) + cell.at * cell.type.width;
            int64_t index = arrow_load_int(value, cell.type.width);
            if (cell.type.kind == ARROW_UINT && cell.type.width < 8) {
                index &= (INT64_C(1) << (8 * cell.type.width)) - 1;
            }
            enter(&cell, schema->dictionary, array->dictionary, index);
        } else if (cell.type.kind == ARROW_RUNS && array->n_children == 2) {
            int64_t run = find_run(schema->children[0], array->children[0], cell.at);
            enter(&cell, schema->children[1], array->children[1], run);
        } else if (cell.type.kind == ARROW_UNION) {
            /* Old producers put a validity bitmap in front. */
            int64_t ids = array->n_buffers > (cell.type.layout == ARROW_DENSE ? 2 : 1);
            int64_t child = union_child(cell.type.tail, bytes_of(array, ids)[cell.at]);
            if (child < 0 || child >= array->n_children) {
                cell.is_null = true;
                break;
            }
            int64_t at = cell.at;
            if (cell.type.layout == ARROW_DENSE) {
                at = arrow_load_int(bytes_of(array, ids + 1) + cell.at * 4, 4);
            }
            enter(&cell, schema->children[child], array->children[child], at);
        } else {
            break;
        }
    }
    return cell;
}

/* The bytes of a text or binary value. */
static struct str cell_bytes(const struct cell *cell)
{
    const struct ArrowArray *array = cell->array;
    const char *data = bytes_of(array, 2);
    const char *first = bytes_of(array, 1);
    if (!first) {
        return STR("");
    }
    int64_t start;
    int64_t len;
    switch (cell->type.layout) {
    case ARROW_FIXED:
        data = first;
        len = cell->type.width;
        start = cell->at * len;
        break;
    case ARROW_VIEW_32:
    case ARROW_VIEW_64:
        first += cell->at * 16;
        len = arrow_load_int(first, 4);
        start = len <= 12 ? 4 : arrow_load_int(first + 12, 4);
        data = len <= 12 ? first : bytes_of(array, 2 + arrow_load_int(first + 8, 4));
        break;
    case ARROW_OFFSETS_32:
    case ARROW_OFFSETS_64:
    case ARROW_SPARSE:
    case ARROW_DENSE:
    default: {
        int width = cell->type.layout == ARROW_OFFSETS_64 ? 8 : 4;
        start = arrow_load_int(first + cell->at * width, width);
        len = arrow_load_int(first + (cell->at + 1) * width, width) - start;
    }
    }
    return data && len > 0 ? (struct str){data + start, (size_t)len} : STR("");
}

static void put_hex(struct buf *out, struct str bytes)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len && buf_ok(out); i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        buf_put(out, (char[]){hex[c >> 4], hex[c & 15]}, 2);
    }
}

static void put_cell(struct buf *out, const struct cell *cell, int depth);

static void put_child(
    struct buf *out, const struct cell *cell, int64_t child, int64_t row, int depth)
{
    struct cell inner =
        resolve(cell->schema->children[child], cell->array->children[child], row);
    put_cell(out, &inner, depth + 1);
}

/* The elements of a list or map: where they start in the child, and how many. */
static int64_t list_range(const struct cell *cell, int64_t *ret_start)
{
    const char *first = bytes_of(cell->array, 1);
    if (cell->type.layout == ARROW_FIXED) {
        *ret_start = cell->at * cell->type.width;
        return cell->type.width;
    }
    *ret_start = 0;
    if (!first) {
        return 0;
    }
    bool is_view =
        cell->type.layout == ARROW_VIEW_32 || cell->type.layout == ARROW_VIEW_64;
    bool is_wide =
        cell->type.layout == ARROW_OFFSETS_64 || cell->type.layout == ARROW_VIEW_64;
    int width = is_wide ? 8 : 4;
    *ret_start = arrow_load_int(first + cell->at * width, width);
    if (is_view) {
        return arrow_load_int(bytes_of(cell->array, 2) + cell->at * width, width);
    }
    return arrow_load_int(first + (cell->at + 1) * width, width) - *ret_start;
}

static void put_list(struct buf *out, const struct cell *cell, int depth)
{
    int64_t start;
    int64_t count = list_range(cell, &start);
    buf_putc(out, '[');
    for (int64_t i = 0; i < count && buf_ok(out); i++) {
        buf_puts(out, i > 0 ? "," : "");
        put_child(out, cell, 0, start + i, depth);
    }
    buf_putc(out, ']');
}

static void put_struct(struct buf *out, const struct cell *cell, int depth)
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

static void put_map(struct buf *out, const struct cell *cell, int depth)
{
    int64_t start;
    int64_t count = list_range(cell, &start);
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
        struct cell key = resolve(schema->children[0], entries->children[0], row);
        struct cell value = resolve(schema->children[1], entries->children[1], row);
        buf_puts(out, i > 0 ? "," : "");
        buf_puts(out, is_object ? "" : "[");
        put_cell(out, &key, depth + 1);
        buf_putc(out, is_object ? ':' : ',');
        put_cell(out, &value, depth + 1);
        buf_puts(out, is_object ? "" : "]");
    }
    buf_putc(out, is_object ? '}' : ']');
}

static void put_cell(struct buf *out, const struct cell *cell, int depth)
{
    if (cell->is_null || depth >= DEPTH_MAX) {
        buf_puts(out, "null");
        return;
    }
    const char *values = bytes_of(cell->array, 1);
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
        buf_put_json(out, cell_bytes(cell));
        break;
    case ARROW_BINARY:
        buf_putc(out, '"');
        put_hex(out, cell_bytes(cell));
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
    struct cell cell = resolve(schema, array, row);
    put_cell(out, &cell, 0);
}

bool arrow_text(const struct ArrowSchema *schema, const struct ArrowArray *array,
    int64_t row, struct str *ret_text)
{
    struct cell cell = resolve(schema, array, row);
    if (cell.is_null || cell.type.kind != ARROW_TEXT) {
        return false;
    }
    *ret_text = cell_bytes(&cell);
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

static void put_column(
    struct arrow_page *page, const struct cell *cell, int64_t column, uint32_t chars)
{
    enum arrow_kind kind = cell->type.kind;
    if (cell->is_null) {
        buf_puts(&page->rows, "null");
    } else if (kind == ARROW_TEXT) {
        put_text(page, column, cell_bytes(cell), chars);
    } else if (kind == ARROW_BINARY) {
        struct str bytes = cell_bytes(cell);
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
            struct cell cell =
                resolve(schema->children[i], batch->children[i], row + batch->offset);
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

bool arrow_page_end(struct arrow_page *page)
{
    page->has_cut = page->cuts.len > 1;
    buf_putc(&page->rows, ']');
    buf_putc(&page->cuts, ']');
    return buf_ok(&page->rows) && buf_ok(&page->cuts);
}
