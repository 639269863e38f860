// SPDX-License-Identifier: Apache-2.0
#include "worker/fetch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "worker/answer.h"
#include "worker/arrow_value.h"
#include "worker/spool_reader.h"

enum {
    CHARACTER_MAX = 4,
    TEXT_BYTES_MAX = 1024 * 1024,
    PART_MAX = TEXT_BYTES_MAX + 4 * CHARACTER_MAX,
    SCRATCH_MAX = PART_MAX + 8 * ARROW_STEP,
};

struct cell_request {
    uint64_t row;
    uint32_t column;
    uint64_t offset;
    uint32_t bytes_max;
};

PRINTF_LIKE(4, 5)
static bool put_refusal(
    struct buf *out, uint64_t call, enum wire_error_code code, const char *format, ...)
{
    struct failure failure = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(failure.message, sizeof(failure.message), format, args);
    va_end(args);
    return answer_put_failure(out, WIRE_ERROR, call, code, &failure);
}

/* Fills @page from @row on; a sentence when that failed, else NULL. */
static const char *fill_page(
    struct spool_reader *reader, uint64_t row, uint64_t rows, struct arrow_page *page)
{
    while (!page->full && page->row_count < rows) {
        struct ArrowArray batch;
        if (!spool_reader_load(reader, row + page->row_count, &batch)) {
            return spool_reader_error(reader);
        }
        bool ok = arrow_page_add(page, spool_reader_schema(reader), &batch);
        batch.release(&batch);
        if (!ok) {
            return "a row is too large for a page; ask for its cells one by one";
        }
    }
    return NULL;
}

static bool put_page(struct spool_reader *reader, uint64_t row, struct arrow_page *page,
    uint64_t call, struct buf *out)
{
    uint64_t started_ns = clock_boot_ns();
    uint64_t left = spool_reader_rows(reader) - row;
    uint64_t rows = left < page->rows_max ? left : page->rows_max;
    const char *trouble = fill_page(reader, row, rows, page);
    if (trouble) {
        return put_refusal(out, call, WIRE_E_SQL, "%s", trouble);
    }
    struct buf columns = BUF_INIT(ARROW_COLUMNS_MAX);
    arrow_put_columns(&columns, spool_reader_schema(reader));
    bool ok = arrow_page_end(page) && buf_ok(&columns);
    struct answer_page answer = {.columns = buf_str(&columns),
        .page = page,
        .total_rows = (int64_t)spool_reader_rows(reader),
        .is_truncated = page->has_cut || page->row_count < rows,
        .started_ns = started_ns};
    ok = ok && answer_put_page(out, call, &answer);
    buf_free(&columns);
    return ok;
}

static bool answer_fetch(struct spool_reader *reader, uint64_t row,
    struct arrow_page *page, uint64_t call, struct buf *out)
{
    uint64_t rows = spool_reader_rows(reader);
    if (row >= rows) {
        return put_refusal(out, call, WIRE_E_ARGUMENT,
            "offset %" PRIu64 " is beyond the end: the stored result has %" PRIu64
            " rows, offsets 0 to %" PRIu64,
            row, rows, rows - 1);
    }
    return put_page(reader, row, page, call, out);
}

/* Some of a cell's text, around what is asked for. */
struct part {
    struct str text;
    uint64_t start;
    uint64_t total; /* bytes of all of it */
};

/* Of nested values their JSON, of others what a page shows. */
static struct part cell_part(
    const struct arrow_cell *cell, uint64_t offset, struct buf *scratch)
{
    enum arrow_kind kind = cell->type.kind;
    struct part part = {.text = STR("")};
    uint64_t start = offset > CHARACTER_MAX ? offset - CHARACTER_MAX : 0;
    struct arrow_window window = arrow_window_of(scratch, 0, SIZE_MAX);
    if (cell->is_null) {
        return part;
    }
    if (kind == ARROW_TEXT) {
        part.text = arrow_cell_bytes(cell);
        part.total = part.text.len;
        return part;
    }
    if (arrow_is_stretched(cell->type)) {
        part.total = arrow_stretched_len(cell);
        part.start = start < part.total ? start : part.total;
        uint64_t left = part.total - part.start;
        arrow_put_stretched(
            scratch, cell, part.start, left < PART_MAX ? left : (uint64_t)PART_MAX);
        part.text = buf_str(scratch);
        return part;
    }
    if (kind == ARROW_LIST || kind == ARROW_STRUCT || kind == ARROW_MAP) {
        window = arrow_window_of(scratch, start, PART_MAX);
        arrow_put_cell(&window, cell, 0);
        part.text = buf_str(scratch);
        part.start = start < window.total ? start : window.total;
        part.total = window.total;
        return part;
    }
    arrow_put_cell(&window, cell, 0);
    part.text = buf_str(scratch);
    if (part.text.len >= 2 && part.text.ptr[0] == '"') { /* never with escapes */
        part.text = (struct str){part.text.ptr + 1, part.text.len - 2};
    }
    part.total = part.text.len;
    return part;
}

static bool is_inside_character(struct str text, uint64_t offset)
{
    for (uint64_t back = 1; back < CHARACTER_MAX && back <= offset; back++) {
        if (str_utf8_sequence(str_from(text, offset - back)) > back) {
            return true;
        }
    }
    return false;
}

/* At most @max bytes, at least one character, no character in part. */
static struct str whole_characters(struct str text, uint64_t max)
{
    max = max < CHARACTER_MAX ? CHARACTER_MAX : max;
    max = max < TEXT_BYTES_MAX ? max : TEXT_BYTES_MAX;
    while (max < text.len && is_inside_character(text, max)) {
        max--;
    }
    return max < text.len ? (struct str){text.ptr, max} : text;
}

static bool put_text(const struct part *part, const struct cell_request *request,
    uint64_t call, struct buf *out)
{
    if (request->offset > part->total) {
        return put_refusal(out, call, WIRE_E_ARGUMENT,
            "offset %" PRIu64 " is beyond the end: the cell's text has %" PRIu64 " bytes",
            request->offset, part->total);
    }
    size_t offset = (size_t)(request->offset - part->start);
    if (is_inside_character(part->text, offset)) {
        return put_refusal(out, call, WIRE_E_ARGUMENT,
            "offset %" PRIu64 " is inside a character: go on where the last part ended",
            request->offset);
    }
    struct str rest = str_from(part->text, offset);
    struct wire_writer writer = wire_begin(out, WIRE_TEXT, call);
    wire_str(&writer, whole_characters(rest, request->bytes_max));
    wire_u64(&writer, part->total);
    return wire_end(&writer);
}

static bool answer_cell(struct spool_reader *reader, const struct cell_request *request,
    uint64_t call, struct buf *out)
{
    const struct ArrowSchema *schema = spool_reader_schema(reader);
    uint64_t rows = spool_reader_rows(reader);
    if (request->row >= rows) {
        return put_refusal(out, call, WIRE_E_ARGUMENT,
            "no row %" PRIu64 ": the stored result has rows 0 to %" PRIu64, request->row,
            rows - 1);
    }
    if (request->column >= schema->n_children) {
        return put_refusal(out, call, WIRE_E_ARGUMENT,
            "no column %" PRIu32 ": the stored result has columns 0 to %" PRId64,
            request->column, schema->n_children - 1);
    }
    struct ArrowArray batch;
    if (!spool_reader_load(reader, request->row, &batch)) {
        return put_refusal(out, call, WIRE_E_SQL, "%s", spool_reader_error(reader));
    }
    struct buf scratch = BUF_INIT(SCRATCH_MAX);
    struct arrow_cell cell = arrow_cell_resolve(
        schema->children[request->column], batch.children[request->column], batch.offset);
    struct part part = cell_part(&cell, request->offset, &scratch);
    bool ok = buf_ok(&scratch) ? put_text(&part, request, call, out)
                               : put_refusal(out, call, WIRE_E_SQL,
                                     "the cell is too large to be shown as text");
    buf_free(&scratch);
    batch.release(&batch);
    return ok;
}

bool fetch_answer(const struct wire_frame *frame, struct buf *out)
{
    struct wire_reader fields = wire_reader_of(frame);
    struct str path = wire_get_str(&fields);
    struct cell_request cell = {.row = wire_get_u64(&fields)};
    struct arrow_page page = {0};
    if (frame->kind == WIRE_FETCH) {
        uint32_t rows_max = wire_get_u32(&fields);
        uint32_t page_bytes = wire_get_u32(&fields);
        arrow_page_init(&page, rows_max, page_bytes, wire_get_u32(&fields));
    } else if (frame->kind == WIRE_CELL) {
        cell.column = wire_get_u32(&fields);
        cell.offset = wire_get_u64(&fields);
        cell.bytes_max = wire_get_u32(&fields);
    }
    bool is_ours = frame->kind == WIRE_FETCH || frame->kind == WIRE_CELL;
    struct spool_reader *reader = spool_reader_new();
    bool ok = reader && is_ours && wire_reader_done(&fields);
    if (ok && !spool_reader_open(reader, path)) {
        ok = put_refusal(out, frame->call, WIRE_E_SQL, "%s", spool_reader_error(reader));
    } else if (ok && frame->kind == WIRE_FETCH) {
        ok = answer_fetch(reader, cell.row, &page, frame->call, out);
    } else if (ok) {
        ok = answer_cell(reader, &cell, frame->call, out);
    }
    spool_reader_free(reader);
    arrow_page_free(&page);
    return ok;
}
