// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_copy.h"

#include <nanoarrow/nanoarrow.h>

#include "worker/arrow_cell.h"
#include "worker/arrow_scalar.h"

enum {
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
    bool is_dense = type.kind == ARROW_UNION && type.layout == ARROW_DENSE;
    return schema->dictionary || type.kind == ARROW_RUNS || is_dense || has_view(type);
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

/* ---- dictionaries of texts or binaries, which enums are ---- */

struct words {
    const struct rows *rows;
    struct arrow_type index;
    struct arrow_cell word; /* of which only `at` changes */
};

static bool words_init(
    struct words *words, const struct rows *rows, struct arrow_type index)
{
    const struct ArrowSchema *schema = rows->schema->dictionary;
    if (!schema || schema->dictionary) {
        return false;
    }
    *words = (struct words){.rows = rows, .index = index};
    words->word = (struct arrow_cell){.schema = schema,
        .array = rows->array->dictionary,
        .type = arrow_type_parse(schema->format)};
    enum arrow_kind kind = words->word.type.kind;
    enum arrow_layout layout = words->word.type.layout;
    return (kind == ARROW_TEXT || kind == ARROW_BINARY) &&
           (layout == ARROW_OFFSETS_32 || layout == ARROW_OFFSETS_64);
}

/* The word of @row, or false: it is null. */
static bool words_at(struct words *words, int64_t row, struct str *ret)
{
    const struct ArrowArray *array = words->rows->array;
    int width = words->index.width;
    int64_t at = row + array->offset;
    if (!arrow_is_valid(array, at)) {
        return false;
    }
    int64_t index = arrow_load_int(arrow_bytes(array, 1) + at * width, width);
    if (words->index.kind == ARROW_UINT && width < 8) {
        index &= (INT64_C(1) << (8 * width)) - 1;
    }
    words->word.at = index + words->word.array->offset;
    if (!arrow_is_valid(words->word.array, words->word.at)) {
        return false;
    }
    *ret = arrow_cell_bytes(&words->word);
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
    } else if (type.kind == ARROW_STRUCT || type.kind == ARROW_UNION) {
        bytes += type.kind == ARROW_UNION ? rows.count : 0;
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
    struct words words;
    if (words_init(&words, &rows, type)) {
        for (int64_t i = 0; i < rows.count; i++) {
            struct str word = STR("");
            bool is_there = words_at(&words, rows.start + i, &word);
            bytes += is_there ? 5 + (int64_t)word.len : NULL_BYTES;
        }
        return bytes;
    }
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

/* A sparse one: what its children have where another is present is copied with them. */
static bool append_union(
    const struct rows *rows, struct arrow_type type, struct ArrowArray *ret, int depth)
{
    int8_t children[ARROW_UNION_IDS];
    int64_t at = rows->start + rows->array->offset;
    /* Old producers put a validity bitmap in front of the ids. */
    const char *ids = arrow_bytes(rows->array, rows->array->n_buffers > 1);
    struct ArrowBuffer *buffer = ArrowArrayBuffer(ret, 0);
    arrow_union_children(type.tail, children);
    bool ok = ArrowBufferReserve(buffer, rows->count) == 0;
    for (int64_t i = 0; i < rows->count && ok; i++) {
        unsigned id = (unsigned char)ids[at + i];
        ok = id < ARROW_UNION_IDS && children[id] >= 0 &&
             children[id] < rows->array->n_children;
        if (ok) {
            ArrowBufferAppendUnsafe(buffer, &children[id], 1);
        }
    }
    for (int64_t i = 0; i < rows->array->n_children && ok; i++) {
        ok = append_rows(child_rows(rows, i, at, rows->count), ret->children[i], depth);
    }
    return ok;
}

static bool append_bulk(
    struct rows rows, struct arrow_type type, struct ArrowArray *ret, int depth)
{
    int64_t at = rows.start + rows.array->offset;
    bool ok = true;
    if (type.kind == ARROW_NULL) {
        ret->null_count += rows.count;
    } else if (type.kind == ARROW_UNION) {
        ok = append_union(&rows, type, ret, depth);
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

static bool append_words(struct words *words, struct ArrowArray *ret)
{
    struct ArrowBuffer *data = ArrowArrayBuffer(ret, 2);
    struct ArrowBuffer *ends = ArrowArrayBuffer(ret, 1);
    struct ArrowBitmap *valid = ArrowArrayValidityBitmap(ret);
    bool ok = true;
    for (int64_t i = 0; i < words->rows->count && ok; i++) {
        struct str word;
        if (!words_at(words, words->rows->start + i, &word)) {
            ok = ArrowArrayAppendNull(ret, 1) == 0;
            continue;
        }
        ok = append_bytes(data, word.ptr, (int64_t)word.len) &&
             (!valid->buffer.data || ArrowBitmapAppend(valid, 1, 1) == 0) &&
             ArrowBufferAppendInt32(ends, (int32_t)data->size_bytes) == 0;
        ret->length++;
    }
    return ok;
}

static bool append_rows(struct rows rows, struct ArrowArray *ret, int depth)
{
    struct arrow_type type = arrow_type_parse(rows.schema->format);
    struct words words;
    if (depth > ARROW_DEPTH_MAX) {
        return false;
    }
    if (!is_scattered(rows.schema, type)) {
        return append_bulk(rows, type, ret, depth + 1);
    }
    if (words_init(&words, &rows, type)) {
        return append_words(&words, ret);
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
