// SPDX-License-Identifier: Apache-2.0
#include "worker/export.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "worker/answer.h"
#include "worker/arrow_value.h"
#include "worker/export_file.h"
#include "worker/spool_format.h"
#include "worker/spool_reader.h"

enum {
    KEYS_MAX = SPOOL_SCHEMA_MAX,
    PART_MAX = 8 * ARROW_STEP, /* of one value, between two drains */
};

struct export
{
    struct spool_reader *reader;
    const struct ArrowSchema *schema;
    enum wire_format format;
    struct export_file file;
    struct arrow_column *columns;
    struct buf part;  /* of a nested value */
    struct buf keys;  /* "name":"name": of JSON Lines */
    size_t *key_ends; /* of each column's key in @keys */
    bool (*is_cancelled)(void *ctx);
    void *ctx;
    bool was_cancelled;
};

/* ---- JSON Lines ---- */

/* Is @name free, and taken from now on? The map borrows it from @names. */
static bool take_name(struct map *taken, struct str name)
{
    static char present;
    return !map_get(taken, name) && map_put(taken, name, &present);
}

/* A key for each column: its name, or the name with the next free number. */
static bool make_keys(struct export *export)
{
    const struct ArrowSchema *schema = export->schema;
    struct map taken = {0};
    size_t count = (size_t)schema->n_children;
    export->key_ends = calloc(count + 1, sizeof(*export->key_ends));
    char **names = calloc(count + 1, sizeof(*names));
    bool ok = export->key_ends && names;
    bool *is_first = ok ? calloc(count + 1, sizeof(*is_first)) : NULL;
    ok = ok && is_first;
    for (size_t i = 0; i < count && ok; i++) {
        is_first[i] = take_name(&taken, str_of(schema->children[i]->name));
    }
    for (size_t i = 0; i < count && ok; i++) {
        const char *name = schema->children[i]->name ? schema->children[i]->name : "";
        for (int number = 2; !is_first[i] && ok; number++) {
            free(names[i]);
            ok = asprintf(&names[i], "%s_%d", name, number) > 0;
            names[i] = ok ? names[i] : NULL;
            if (ok && take_name(&taken, str_of(names[i]))) {
                break;
            }
        }
        buf_puts(&export->keys, i > 0 ? "," : "");
        buf_put_json(&export->keys, str_of(is_first[i] ? name : names[i]));
        buf_putc(&export->keys, ':');
        export->key_ends[i] = export->keys.len;
    }
    for (size_t i = 0; names && i < count; i++) {
        free(names[i]);
    }
    free(names);
    free(is_first);
    map_free(&taken);
    return ok && buf_ok(&export->keys);
}

/* A part of a nested value's JSON, inside of a string. */
static void drain_into_string(void *ctx, struct buf *part)
{
    struct export *export = ctx;
    struct buf *out = &export->file.out;
    size_t at = out->len;
    buf_put_json(out, buf_str(part));
    if (buf_ok(out)) { /* without its quotes */
        memmove(out->ptr + at, out->ptr + at + 1, out->len - at - 1);
        out->len -= 2;
    }
    buf_clear(part);
    export_file_flow(&export->file);
}

static void drain_file(void *ctx, struct buf *out)
{
    struct export *export = ctx;
    (void)out;
    export_file_flow(&export->file);
}

static void put_json(struct export *export, const struct arrow_cell *cell)
{
    struct arrow_window window = {
        .out = &export->file.out, .max = SIZE_MAX, .drain = drain_file, .ctx = export};
    enum arrow_kind kind = cell->type.kind;
    bool is_nested = kind == ARROW_LIST || kind == ARROW_STRUCT || kind == ARROW_MAP;
    if (!is_nested || cell->is_null) {
        arrow_put_cell(&window, cell, 0);
        return;
    }
    window.out = &export->part;
    window.drain = drain_into_string;
    buf_clear(&export->part);
    buf_putc(&export->file.out, '"');
    arrow_put_cell(&window, cell, 0);
    drain_into_string(export, &export->part);
    buf_putc(&export->file.out, '"');
}

static void put_object(struct export *export, const struct ArrowArray *batch, int64_t row)
{
    struct buf *out = &export->file.out;
    size_t key = 0;
    buf_putc(out, '{');
    for (int64_t i = 0; i < export->schema->n_children; i++) {
        struct arrow_cell cell = arrow_column_cell(
            &export->columns[i], batch->children[i], row + batch->offset);
        buf_put(out, export->keys.ptr + key, export->key_ends[i] - key);
        key = export->key_ends[i];
        put_json(export, &cell);
    }
    buf_put(out, "}\n", 2);
}

/* ---- CSV ---- */

/* Bytes inside of a quoted field. */
static void put_doubled(struct export *export, struct str text)
{
    while (text.len > 0 && export_file_ok(&export->file)) {
        const char *quote = memchr(text.ptr, '"', text.len);
        size_t len = quote ? (size_t)(quote - text.ptr) + 1 : text.len;
        len = len < PART_MAX ? len : PART_MAX;
        buf_put(&export->file.out, text.ptr, len);
        if (text.ptr[len - 1] == '"') {
            buf_putc(&export->file.out, '"');
        }
        export_file_flow(&export->file);
        text = str_from(text, len);
    }
}

static void put_text_field(struct export *export, struct str text)
{
    bool is_plain = text.len > 0;
    for (size_t i = 0; i < text.len && is_plain; i++) {
        char c = text.ptr[i];
        is_plain = c != '"' && c != ',' && c != '\n' && c != '\r';
    }
    if (is_plain && text.len <= ARROW_STEP) {
        buf_put_str(&export->file.out, text);
        return;
    }
    buf_putc(&export->file.out, '"');
    put_doubled(export, text);
    buf_putc(&export->file.out, '"');
}

static void drain_into_field(void *ctx, struct buf *part)
{
    put_doubled(ctx, buf_str(part));
    buf_clear(part);
}

static void put_nested_field(struct export *export, const struct arrow_cell *cell)
{
    struct arrow_window window = {
        .out = &export->part, .max = SIZE_MAX, .drain = drain_into_field, .ctx = export};
    buf_clear(&export->part);
    buf_putc(&export->file.out, '"');
    arrow_put_cell(&window, cell, 0);
    drain_into_field(export, &export->part);
    buf_putc(&export->file.out, '"');
}

/* Numbers, times, bytes: their JSON without its quotes, which has nothing to be escaped.
 */
static void put_bare_field(struct export *export, const struct arrow_cell *cell)
{
    struct buf *out = &export->file.out;
    struct arrow_window window = {.out = out, .max = SIZE_MAX};
    size_t at = out->len;
    if (arrow_is_stretched(cell->type)) {
        uint64_t count = arrow_stretched_len(cell);
        if (count == 0) {
            buf_put(out, "\"\"", 2);
        }
        for (uint64_t from = 0; from < count; from += ARROW_STEP) {
            uint64_t left = count - from;
            arrow_put_stretched(out, cell, from, left < ARROW_STEP ? left : ARROW_STEP);
            export_file_flow(&export->file);
        }
        return;
    }
    arrow_put_cell(&window, cell, 0);
    if (buf_ok(out) && out->ptr[at] == '"') {
        memmove(out->ptr + at, out->ptr + at + 1, out->len - at - 1);
        out->len -= 2;
    }
}

static void put_record(struct export *export, const struct ArrowArray *batch, int64_t row)
{
    struct buf *out = &export->file.out;
    for (int64_t i = 0; i < export->schema->n_children; i++) {
        struct arrow_cell cell = arrow_column_cell(
            &export->columns[i], batch->children[i], row + batch->offset);
        enum arrow_kind kind = cell.type.kind;
        if (i > 0) {
            buf_putc(out, ',');
        }
        if (cell.is_null) {
            continue;
        }
        if (kind == ARROW_TEXT) {
            put_text_field(export, arrow_cell_bytes(&cell));
        } else if (kind == ARROW_LIST || kind == ARROW_STRUCT || kind == ARROW_MAP) {
            put_nested_field(export, &cell);
        } else {
            put_bare_field(export, &cell);
        }
        export_file_flow(&export->file);
    }
    buf_put(out, "\r\n", 2);
}

static void put_header(struct export *export)
{
    for (int64_t i = 0; i < export->schema->n_children; i++) {
        buf_puts(&export->file.out, i > 0 ? "," : "");
        put_text_field(export, str_of(export->schema->children[i]->name));
        export_file_flow(&export->file);
    }
    buf_puts(&export->file.out, "\r\n");
}

/* ---- all of them ---- */

static bool is_stopped(struct export *export)
{
    export->was_cancelled = export->was_cancelled || export->is_cancelled(export->ctx);
    return export->was_cancelled || !export_file_ok(&export->file);
}

/* A sentence when the spool cannot be read, else NULL. */
static const char *put_rows(struct export *export)
{
    uint64_t rows = spool_reader_rows(export->reader);
    for (uint64_t row = 0; row < rows && !is_stopped(export);) {
        struct ArrowArray batch;
        if (!spool_reader_load(export->reader, row, &batch)) {
            return spool_reader_error(export->reader);
        }
        for (int64_t i = 0; i < batch.length && export_file_ok(&export->file); i++) {
            if (export->format == WIRE_FORMAT_CSV) {
                put_record(export, &batch, i);
            } else {
                put_object(export, &batch, i);
            }
            export_file_flow(&export->file);
        }
        row += (uint64_t)batch.length;
        batch.release(&batch);
    }
    return NULL;
}

static const char *put_messages(struct export *export)
{
    static const int32_t end_mark[2] = {-1, 0};
    uint64_t rows = spool_reader_rows(export->reader);
    size_t len;
    uint64_t next = 0;
    char *bytes = spool_reader_head(export->reader, &len);
    while (bytes) {
        export_file_put(&export->file, (struct str){bytes, len});
        free(bytes);
        if (next == rows || is_stopped(export)) {
            buf_put(&export->file.out, end_mark, sizeof(end_mark));
            return NULL;
        }
        bytes = spool_reader_piece(export->reader, next, &len, &next);
    }
    return spool_reader_error(export->reader);
}

static const char *put_all(struct export *export)
{
    if (export->format == WIRE_FORMAT_ARROW) {
        return put_messages(export);
    }
    export->columns = arrow_columns_new(export->schema);
    if (!export->columns ||
        (export->format == WIRE_FORMAT_JSON_LINES && !make_keys(export))) {
        return "no memory for the columns' names";
    }
    if (export->format == WIRE_FORMAT_CSV) {
        put_header(export);
    }
    return put_rows(export);
}

static bool put_error(
    struct buf *out, uint64_t call, enum wire_error_code code, const char *message)
{
    struct failure failure;
    failure_set(&failure, message);
    return answer_put_failure(out, WIRE_ERROR, call, code, &failure);
}

static bool answer(struct export *export, struct str path, uint64_t call, struct buf *out)
{
    struct export_file *file = &export->file;
    export->schema = spool_reader_schema(export->reader);
    if (!export_file_open(file, path)) {
        return put_error(out, call, WIRE_E_ARGUMENT, file->error);
    }
    const char *trouble = put_all(export);
    if (!trouble && !export->was_cancelled && export_file_finish(file)) {
        struct wire_writer writer = wire_begin(out, WIRE_EXPORTED, call);
        wire_u64(&writer, spool_reader_rows(export->reader));
        wire_u64(&writer, file->bytes);
        return wire_end(&writer);
    }
    char message[sizeof(file->error)];
    snprintf(message, sizeof(message), "%s", trouble ? trouble : file->error);
    export_file_free(file); /* before the daemon hears of the failure */
    return export->was_cancelled ? put_error(out, call, WIRE_E_CANCELLED, "cancelled")
                                 : put_error(out, call, WIRE_E_SQL, message);
}

bool export_answer(const struct wire_frame *frame, bool (*is_cancelled)(void *ctx),
    void *ctx, struct buf *out)
{
    struct wire_reader fields = wire_reader_of(frame);
    struct str spool_path = wire_get_str(&fields);
    struct str out_path = wire_get_str(&fields);
    uint32_t format = wire_get_u32(&fields);
    struct export export = {.reader = spool_reader_new(),
        .format = (enum wire_format)format,
        .file.fd = -1,
        .part = BUF_INIT(PART_MAX * 2),
        .keys = BUF_INIT(KEYS_MAX),
        .is_cancelled = is_cancelled,
        .ctx = ctx};
    bool ok = export.reader && frame->kind == WIRE_EXPORT && wire_reader_done(&fields);
    if (ok && (format < WIRE_FORMAT_CSV || format > WIRE_FORMAT_ARROW)) {
        ok = put_error(out, frame->call, WIRE_E_ARGUMENT,
            "no such format: 1 is CSV, 2 JSON Lines, 3 Arrow");
    } else if (ok && !spool_reader_open(export.reader, spool_path)) {
        ok = put_error(out, frame->call, WIRE_E_SQL, spool_reader_error(export.reader));
    } else if (ok) {
        ok = answer(&export, out_path, frame->call, out);
    }
    export_file_free(&export.file);
    spool_reader_free(export.reader);
    free(export.key_ends);
    free(export.columns);
    buf_free(&export.keys);
    buf_free(&export.part);
    return ok;
}
