// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_copy.h"

#include <nanoarrow/nanoarrow.h>

#include "worker/arrow_cell.h"
#include "worker/arrow_scalar.h"

enum {
    FORMAT_SIZE = 512,
    UNION_MEMBERS_MAX = 127,
    NULL_BYTES = 16, /* at least what a null costs that stands alone */
};

/* Rows of one array, without its offset. */
struct rows {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    int64_t start;
    int64_t count;
};

static struct rows child_rows(
    const struct rows *rows, int64_t child, int64_t start, int64_t count)
{
    return (struct rows){
        rows->schema->children[child], rows->array->children[child], start, count};
}

static struct rows cell_rows(const struct arrow_cell *cell)
{
    return (struct rows){cell->schema, cell->array, cell->at - cell->array->offset, 1};
}

static bool has_view(struct arrow_type type)
{
    return (type.kind == ARROW_TEXT || type.kind == ARROW_BINARY ||
               type.kind == ARROW_LIST) &&
           (type.layout == ARROW_VIEW_32 || type.layout == ARROW_VIEW_64);
}

/* Can these rows only be copied one by one? */
static bool is_scattered(const struct ArrowSchema *schema, struct arrow_type type)
{
    return schema->dictionary || type.kind == ARROW_RUNS || type.kind == ARROW_UNION ||
           has_view(type);
}

static struct arrow_cell value_at(const struct rows *rows, int64_t row)
{
    struct arrow_cell cell = arrow_cell_at(rows->schema, rows->array, row);
    for (int depth = 0; depth < ARROW_DEPTH_MAX && arrow_cell_unwrap(&cell); depth++) {
    }
    return cell;
}

/* The offset at @at of a list, text or binary that has two buffers of them at most. */
static int64_t offset_at(const struct rows *rows, struct arrow_type type, int64_t at)
{
    int width = type.layout == ARROW_OFFSETS_64 ? 8 : 4;
    const char *offsets = arrow_bytes(rows->array, 1);
    return offsets ? arrow_load_int(offsets + at * width, width) : 0;
}

/* ---- the schema ---- */

static bool plain_format(
    const struct ArrowSchema *schema, struct arrow_type type, char format[FORMAT_SIZE])
{
    struct buf out = BUF_INIT(FORMAT_SIZE - 1);
    if (type.kind == ARROW_TEXT) {
        buf_putc(&out, 'u');
    } else if (type.kind == ARROW_BINARY && type.layout != ARROW_FIXED) {
        buf_putc(&out, 'z');
    } else if (type.kind == ARROW_LIST && type.layout != ARROW_FIXED) {
        buf_puts(&out, "+l");
    } else if (type.kind == ARROW_UNION) {
        buf_puts(&out, "+us:");
        for (int64_t i = 0; i < schema->n_children && buf_ok(&out); i++) {
            buf_printf(&out, i > 0 ? ",%d" : "%d", (int)i);
        }
    } else {
        buf_puts(&out, schema->format);
    }
    bool ok = buf_ok(&out) && str_copy(buf_str(&out), format, FORMAT_SIZE);
    buf_free(&out);
    return ok;
}

static bool has_right_children(const struct ArrowSchema *schema, struct arrow_type type)
{
    switch (type.kind) {
    case ARROW_UNKNOWN:
    case ARROW_RUNS:
        return false;
    case ARROW_LIST:
        return schema->n_children == 1;
    case ARROW_MAP:
        return schema->n_children == 1 && schema->children[0]->n_children == 2;
    case ARROW_STRUCT:
        return true;
    case ARROW_UNION:
        return schema->n_children > 0 && schema->n_children <= UNION_MEMBERS_MAX;
    case ARROW_NULL:
    case ARROW_BOOL:
    case ARROW_INT:
    case ARROW_UINT:
    case ARROW_FLOAT:
    case ARROW_DECIMAL:
    case ARROW_TEXT:
    case ARROW_BINARY:
    case ARROW_DATE:
    case ARROW_TIME:
    case ARROW_TIMESTAMP:
    case ARROW_DURATION:
    case ARROW_INTERVAL_MONTHS:
    case ARROW_INTERVAL_DAYS:
    case ARROW_INTERVAL_FULL:
        return schema->n_children == 0;
    }
    return false;
}

static bool plain_field(
    const struct ArrowSchema *schema, struct ArrowSchema *ret, int depth)
{
    const struct ArrowSchema *value = schema;
    while (depth++ < ARROW_DEPTH_MAX) {
        bool has_runs = strcmp(value->format, "+r") == 0 && value->n_children == 2;
        if (!value->dictionary && !has_runs) {
            break;
        }
        value = value->dictionary ? value->dictionary : value->children[1];
    }
    struct arrow_type type = arrow_type_parse(value->format);
    char format[FORMAT_SIZE];
    if (depth > ARROW_DEPTH_MAX || value->dictionary ||
        !has_right_children(value, type) || !plain_format(value, type, format) ||
        ArrowSchemaSetFormat(ret, format) != 0 ||
        ArrowSchemaSetName(ret, schema->name ? schema->name : "") != 0 ||
        ArrowSchemaSetMetadata(ret, schema->metadata) != 0 ||
        ArrowSchemaAllocateChildren(ret, value->n_children) != 0) {
        return false;
    }
    bool is_nullable = value != schema || schema->flags & ARROW_FLAG_NULLABLE;
    ret->flags = (value->flags & ARROW_FLAG_MAP_KEYS_SORTED) |
                 (is_nullable ? ARROW_FLAG_NULLABLE : 0);
    for (int64_t i = 0; i < value->n_children; i++) {
        ArrowSchemaInit(ret->children[i]);
        if (!plain_field(value->children[i], ret->children[i], depth)) {
            return false;
        }
    }
    return true;
}

bool arrow_plain_schema(const struct ArrowSchema *schema, struct ArrowSchema *ret_schema)
{
    struct ArrowSchema plain;
    ArrowSchemaInit(&plain);
    if (strcmp(schema->format, "+s") != 0 || !plain_field(schema, &plain, 0)) {
        plain.release(&plain);
        return false;
    }
    *ret_schema = plain;
    return true;
}

/* ---- sizes ---- */

static int64_t rows_bytes(struct rows rows, int depth);

static int64_t value_bytes(const struct arrow_cell *cell, int depth)
{
    int64_t start;
    if (cell->is_null) {
        return cell->type.width > NULL_BYTES ? cell->type.width : NULL_BYTES;
    }
    if (cell->type.kind == ARROW_TEXT || cell->type.kind == ARROW_BINARY) {
        return 5 + (int64_t)arrow_cell_bytes(cell).len;
    }
    if (cell->type.kind == ARROW_LIST && cell->type.layout != ARROW_FIXED) {
        int64_t count = arrow_cell_range(cell, &start);
        struct rows list = cell_rows(cell);
        return 5 + rows_bytes(child_rows(&list, 0, start, count), depth);
    }
    if (cell->type.kind == ARROW_UNION) {
        struct arrow_cell member = *cell;
        int64_t others = NULL_BYTES * cell->array->n_children;
        bool is_there = arrow_cell_enter_member(&member);
        return others + (is_there ? rows_bytes(cell_rows(&member), depth) : 0);
    }
    return rows_bytes(cell_rows(cell), depth);
}

static int64_t bulk_bytes(struct rows rows, struct arrow_type type, int depth)
{
    int64_t at = rows.start + rows.array->offset;
    int64_t bytes = rows.count / 8 + 1;
    if (type.kind == ARROW_NULL || type.kind == ARROW_BOOL) {
        bytes += rows.count / 8 + 1;
    } else if (type.kind == ARROW_STRUCT) {
        for (int64_t i = 0; i < rows.array->n_children; i++) {
            bytes += rows_bytes(child_rows(&rows, i, at, rows.count), depth);
        }
    } else if (type.kind == ARROW_LIST && type.layout == ARROW_FIXED) {
        bytes += rows_bytes(
            child_rows(&rows, 0, at * type.width, rows.count * type.width), depth);
    } else if (type.layout != ARROW_FIXED && type.width == 0) {
        int64_t first = offset_at(&rows, type, at);
        int64_t size = offset_at(&rows, type, at + rows.count) - first;
        bool has_child = type.kind == ARROW_LIST || type.kind == ARROW_MAP;
        bytes += 4 * rows.count + 4;
        bytes += has_child ? rows_bytes(child_rows(&rows, 0, first, size), depth) : size;
    } else {
        bytes += rows.count * type.width;
    }
    return bytes;
}

static int64_t rows_bytes(struct rows rows, int depth)
{
    struct arrow_type type = arrow_type_parse(rows.schema->format);
    if (rows.count == 0 || depth > ARROW_DEPTH_MAX) {
        return 0; /* no such schema has a plain form */
    }
    if (!is_scattered(rows.schema, type)) {
        return bulk_bytes(rows, type, depth + 1);
    }
    int64_t bytes = 0;
    for (int64_t i = 0; i < rows.count; i++) {
        struct arrow_cell cell = value_at(&rows, rows.start + i);
        bytes += value_bytes(&cell, depth + 1);
    }
    return bytes;
}

int64_t arrow_plain_bytes(const struct ArrowSchema *schema,
    const struct ArrowArray *array, int64_t start, int64_t count)
{
    return rows_bytes((struct rows){schema, array, start, count}, 0);
}

/* ---- copying ---- */

static bool append_rows(struct rows rows, struct ArrowArray *ret, int depth);

/* The bits at @at; the bitmap is made when the first null comes. */
static bool append_validity(const struct rows *rows, int64_t at, struct ArrowArray *ret)
{
    const uint8_t *bits = (const uint8_t *)arrow_bytes(rows->array, 0);
    int64_t nulls = bits ? rows->count - ArrowBitCountSet(bits, at, rows->count) : 0;
    struct ArrowBitmap *bitmap = ArrowArrayValidityBitmap(ret);
    if (nulls == 0 && !bitmap->buffer.data) {
        return true;
    }
    if (ArrowBitmapReserve(bitmap, ret->length - bitmap->size_bits + rows->count) != 0) {
        return false;
    }
    ArrowBitmapAppendUnsafe(bitmap, 1, ret->length - bitmap->size_bits);
    if (nulls == 0) {
        ArrowBitmapAppendUnsafe(bitmap, 1, rows->count);
        return true;
    }
    for (int64_t i = 0; i < rows->count; i++) {
        ArrowBitmapAppendUnsafe(bitmap, (uint8_t)ArrowBitGet(bits, at + i), 1);
    }
    ret->null_count += nulls;
    return true;
}

static void leave(struct ArrowBufferAllocator *allocator, uint8_t *bytes, int64_t size)
{
    (void)allocator;
    (void)bytes;
    (void)size;
}

/* What comes behind borrowed bytes needs a buffer of our own. */
static bool make_own(struct ArrowBuffer *buffer, int64_t more)
{
    struct ArrowBuffer own;
    if (buffer->allocator.free != leave) {
        return true;
    }
    ArrowBufferInit(&own);
    if (ArrowBufferReserve(&own, buffer->size_bytes + more) != 0) {
        return false;
    }
    ArrowBufferAppendUnsafe(&own, buffer->data, buffer->size_bytes);
    ArrowBufferReset(buffer);
    ArrowBufferMove(&own, buffer);
    return true;
}

static bool append_bytes(struct ArrowBuffer *buffer, const char *bytes, int64_t len)
{
    if (!make_own(buffer, len)) {
        return false;
    }
    if (!bytes) {
        return ArrowBufferAppendFill(buffer, 0, len) == 0;
    }
    if (len > ARROW_BORROW_MIN && buffer->size_bytes == 0) {
        ArrowBufferReset(buffer);
        buffer->allocator = ArrowBufferDeallocator(leave, NULL);
        buffer->data = (uint8_t *)(uintptr_t)bytes;
        buffer->size_bytes = len;
        buffer->capacity_bytes = len;
        return true;
    }
    return ArrowBufferAppend(buffer, bytes, len) == 0;
}

static bool append_bits(const struct rows *rows, int64_t at, struct ArrowArray *ret)
{
    const uint8_t *bits = (const uint8_t *)arrow_bytes(rows->array, 1);
    struct ArrowBuffer *buffer = ArrowArrayBuffer(ret, 1);
    int64_t bytes = (ret->length + rows->count + 7) / 8;
    if (ArrowBufferAppendFill(buffer, 0, bytes - buffer->size_bytes) != 0) {
        return false;
    }
    for (int64_t i = 0; bits && i < rows->count; i++) {
        ArrowBitSetTo(buffer->data, ret->length + i, (uint8_t)ArrowBitGet(bits, at + i));
    }
    return true;
}

/* The end offset of what was last appended to a list, text or binary. */
static int64_t last_offset(struct ArrowArray *ret)
{
    struct ArrowBuffer *offsets = ArrowArrayBuffer(ret, 1);
    return arrow_load_int(
        (const char *)offsets->data + offsets->size_bytes - sizeof(int32_t), 4);
}

static bool append_offsets(
    const struct rows *rows, struct arrow_type type, int64_t at, struct ArrowArray *ret)
{
    struct ArrowBuffer *offsets = ArrowArrayBuffer(ret, 1);
    int64_t shift = last_offset(ret) - offset_at(rows, type, at);
    if (ArrowBufferReserve(offsets, 4 * rows->count) != 0) {
        return false;
    }
    for (int64_t i = 1; i <= rows->count; i++) {
        int32_t offset = (int32_t)(offset_at(rows, type, at + i) + shift);
        ArrowBufferAppendUnsafe(offsets, &offset, sizeof(offset));
    }
    return true;
}

static bool append_ranges(
    const struct rows *rows, struct arrow_type type, struct ArrowArray *ret, int depth)
{
    int64_t at = rows->start + rows->array->offset;
    int64_t first = offset_at(rows, type, at);
    int64_t size = offset_at(rows, type, at + rows->count) - first;
    if (!append_offsets(rows, type, at, ret)) {
        return false;
    }
    if (type.kind == ARROW_LIST || type.kind == ARROW_MAP) {
        return append_rows(child_rows(rows, 0, first, size), ret->children[0], depth);
    }
    const char *data = arrow_bytes(rows->array, 2);
    return append_bytes(ArrowArrayBuffer(ret, 2), data ? data + first : NULL, size);
}

static bool append_bulk(
    struct rows rows, struct arrow_type type, struct ArrowArray *ret, int depth)
{
    int64_t at = rows.start + rows.array->offset;
    bool ok = true;
    if (type.kind == ARROW_NULL) {
        ret->null_count += rows.count;
    } else if (!append_validity(&rows, at, ret)) {
        ok = false;
    } else if (type.kind == ARROW_BOOL) {
        ok = append_bits(&rows, at, ret);
    } else if (type.kind == ARROW_STRUCT) {
        for (int64_t i = 0; i < rows.array->n_children && ok; i++) {
            ok = append_rows(
                child_rows(&rows, i, at, rows.count), ret->children[i], depth);
        }
    } else if (type.kind == ARROW_LIST && type.layout == ARROW_FIXED) {
        ok = append_rows(child_rows(&rows, 0, at * type.width, rows.count * type.width),
            ret->children[0], depth);
    } else if (type.layout != ARROW_FIXED && type.width == 0) {
        ok = append_ranges(&rows, type, ret, depth);
    } else {
        const char *values = arrow_bytes(rows.array, 1);
        ok = append_bytes(ArrowArrayBuffer(ret, 1),
            values ? values + at * type.width : NULL, rows.count * type.width);
    }
    ret->length += rows.count;
    return ok;
}

/* A present value of its own, at the end of lists, texts and binaries. */
static bool close_value(struct ArrowArray *ret, int64_t end)
{
    struct rows one = {.array = &(struct ArrowArray){0}, .count = 1};
    bool ok = append_validity(&one, 0, ret) &&
              ArrowBufferAppendInt32(ArrowArrayBuffer(ret, 1), (int32_t)end) == 0;
    ret->length++;
    return ok;
}

static bool append_member(
    const struct arrow_cell *cell, struct ArrowArray *ret, int depth)
{
    int64_t present = arrow_cell_member(cell);
    struct arrow_cell member = *cell;
    (void)arrow_cell_enter_member(&member);
    for (int64_t i = 0; i < ret->n_children; i++) {
        bool ok = i == present ? append_rows(cell_rows(&member), ret->children[i], depth)
                               : ArrowArrayAppendNull(ret->children[i], 1) == 0;
        if (!ok) {
            return false;
        }
    }
    ret->length++;
    return ArrowBufferAppendInt8(
               ArrowArrayBuffer(ret, 0), (int8_t)(present < 0 ? 0 : present)) == 0;
}

static bool append_value(const struct arrow_cell *cell, struct ArrowArray *ret, int depth)
{
    if (cell->is_null) {
        return ArrowArrayAppendNull(ret, 1) == 0;
    }
    if (cell->type.kind == ARROW_UNION) {
        return append_member(cell, ret, depth);
    }
    if (cell->type.layout != ARROW_FIXED &&
        (cell->type.kind == ARROW_TEXT || cell->type.kind == ARROW_BINARY)) {
        struct str bytes = arrow_cell_bytes(cell);
        struct ArrowBuffer *data = ArrowArrayBuffer(ret, 2);
        return append_bytes(data, bytes.ptr, (int64_t)bytes.len) &&
               close_value(ret, data->size_bytes);
    }
    if (cell->type.kind == ARROW_LIST && cell->type.layout != ARROW_FIXED) {
        int64_t start;
        int64_t count = arrow_cell_range(cell, &start);
        struct rows list = cell_rows(cell);
        return append_rows(child_rows(&list, 0, start, count), ret->children[0], depth) &&
               close_value(ret, ret->children[0]->length);
    }
    return append_rows(cell_rows(cell), ret, depth);
}

static bool append_rows(struct rows rows, struct ArrowArray *ret, int depth)
{
    struct arrow_type type = arrow_type_parse(rows.schema->format);
    if (depth > ARROW_DEPTH_MAX) {
        return false;
    }
    if (!is_scattered(rows.schema, type)) {
        return append_bulk(rows, type, ret, depth + 1);
    }
    bool ok = true;
    for (int64_t i = 0; i < rows.count && ok; i++) {
        struct arrow_cell cell = value_at(&rows, rows.start + i);
        ok = append_value(&cell, ret, depth + 1);
    }
    return ok;
}

bool arrow_plain_append(const struct ArrowSchema *schema, const struct ArrowArray *array,
    int64_t start, int64_t count, struct ArrowArray *ret_array)
{
    return append_rows((struct rows){schema, array, start, count}, ret_array, 0);
}
