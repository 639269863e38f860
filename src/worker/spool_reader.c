// SPDX-License-Identifier: Apache-2.0
#include "worker/spool_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <nanoarrow/ipc/flatcc_generated.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/arrow_cell.h"
#include "worker/spool_format.h"

enum {
    ERROR_SIZE = 256,
    PREFIX_SIZE = 8, /* of a message: a mark and the length of its head */
    /* A piece of one huge row, and what stands around it. */
    MESSAGE_MAX = SPOOL_ROW_MAX + 32 * 1024 * 1024,
};

struct spool_reader {
    int fd;
    uint64_t file_size;
    struct spool_trailer trailer;
    struct spool_entry *entries; /* trailer.pieces of them */
    struct ArrowSchema schema;
    struct ArrowIpcDecoder decoder;
    char error[ERROR_SIZE];
};

struct spool_reader *spool_reader_new(void)
{
    struct spool_reader *reader = calloc(1, sizeof(*reader));
    if (reader) {
        reader->fd = -1;
    }
    return reader;
}

void spool_reader_free(struct spool_reader *reader)
{
    if (!reader) {
        return;
    }
    if (reader->fd >= 0) {
        close(reader->fd);
    }
    if (reader->schema.release) {
        ArrowSchemaRelease(&reader->schema);
    }
    if (reader->decoder.private_data) {
        ArrowIpcDecoderReset(&reader->decoder);
    }
    free(reader->entries);
    free(reader);
}

uint64_t spool_reader_rows(const struct spool_reader *reader)
{
    return reader->trailer.rows;
}

const struct ArrowSchema *spool_reader_schema(const struct spool_reader *reader)
{
    return &reader->schema;
}

const char *spool_reader_error(const struct spool_reader *reader)
{
    return reader->error;
}

PRINTF_LIKE(2, 3)
static bool fail(struct spool_reader *reader, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reader->error, sizeof(reader->error), format, args);
    va_end(args);
    return false;
}

static bool fail_damaged(struct spool_reader *reader, const char *part)
{
    return fail(reader,
        "the stored result is damaged (%s); run the statement again to get its rows",
        part);
}

/* Reads @len bytes at @offset whose checksum is @sum; the caller frees them. */
static char *read_checked(
    struct spool_reader *reader, uint64_t offset, uint64_t len, uint64_t sum)
{
    char *bytes = len <= MESSAGE_MAX ? malloc(len > 0 ? len : 1) : NULL;
    uint64_t done = 0;
    while (bytes && done < len) {
        ssize_t got = pread(reader->fd, bytes + done, len - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        done += (uint64_t)got;
    }
    if (bytes && done == len && spool_sum(0, bytes, len) == sum) {
        return bytes;
    }
    free(bytes);
    return NULL;
}

static bool open_file(struct spool_reader *reader, struct str path)
{
    struct stat status;
    char *path_z = memchr(path.ptr, 0, path.len) ? NULL : strndup(path.ptr, path.len);
    /* O_NONBLOCK: a FIFO must not hold the thread. */
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    reader->fd = path_z ? open(path_z, flags) : -1;
    int error = path_z ? errno : EINVAL;
    free(path_z);
    if (reader->fd < 0 && error == ENOENT) {
        return fail(reader, "the stored result is gone; run the statement again");
    }
    if (reader->fd < 0) {
        return fail(reader, "the stored result cannot be opened: %s", strerror(error));
    }
    if (fstat(reader->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return fail(reader, "the stored result is not a regular file");
    }
    reader->file_size = (uint64_t)status.st_size;
    return true;
}

static bool read_trailer(struct spool_reader *reader)
{
    struct spool_trailer *trailer = &reader->trailer;
    size_t size = sizeof(*trailer);
    ssize_t got = -1;
    if (reader->file_size >= size) {
        got = pread(reader->fd, trailer, size, (off_t)(reader->file_size - size));
    }
    if (got != (ssize_t)size || memcmp(trailer->magic, SPOOL_MAGIC, 8) != 0) {
        return fail(reader, "the file is no stored result, or it was cut off");
    }
    if (trailer->sum != spool_sum(0, trailer, offsetof(struct spool_trailer, sum))) {
        return fail_damaged(reader, "its end");
    }
    uint64_t left = reader->file_size - size;
    bool ok =
        trailer->pieces > 0 && trailer->rows >= trailer->pieces &&
        trailer->rows <= INT64_MAX &&
        trailer->pieces <= SPOOL_INDEX_MAX / sizeof(struct spool_entry) &&
        trailer->index_offset <= left &&
        trailer->pieces * sizeof(struct spool_entry) == left - trailer->index_offset &&
        trailer->schema_size <= SPOOL_SCHEMA_MAX &&
        trailer->schema_size + SPOOL_END_MARK_SIZE < trailer->index_offset;
    return ok || fail_damaged(reader, "its end");
}

static uint64_t piece_end(const struct spool_reader *reader, uint64_t piece)
{
    return piece + 1 < reader->trailer.pieces
               ? reader->entries[piece + 1].offset
               : reader->trailer.index_offset - SPOOL_END_MARK_SIZE;
}

static uint64_t piece_end_row(const struct spool_reader *reader, uint64_t piece)
{
    return piece + 1 < reader->trailer.pieces ? reader->entries[piece + 1].first_row
                                              : reader->trailer.rows;
}

static bool read_index(struct spool_reader *reader)
{
    const struct spool_trailer *trailer = &reader->trailer;
    uint64_t size = trailer->pieces * sizeof(struct spool_entry);
    reader->entries = (struct spool_entry *)(void *)read_checked(
        reader, trailer->index_offset, size, trailer->index_sum);
    if (!reader->entries) {
        return fail_damaged(reader, "its index");
    }
    bool ok = reader->entries[0].offset == trailer->schema_size &&
              reader->entries[0].first_row == 0;
    for (uint64_t i = 0; i < trailer->pieces && ok; i++) {
        ok = reader->entries[i].offset < piece_end(reader, i) &&
             reader->entries[i].first_row < piece_end_row(reader, i);
    }
    return ok || fail_damaged(reader, "its index");
}

/*
 * nanoarrow believes the numbers in a batch's head (negative lengths, crooked offsets)
 * when it goes on to the body, so they are checked before.
 */
static bool has_sound_numbers(
    org_apache_arrow_flatbuf_RecordBatch_table_t batch, int64_t body_len)
{
    org_apache_arrow_flatbuf_FieldNode_vec_t nodes =
        org_apache_arrow_flatbuf_RecordBatch_nodes(batch);
    org_apache_arrow_flatbuf_Buffer_vec_t buffers =
        org_apache_arrow_flatbuf_RecordBatch_buffers(batch);
    bool ok = true;
    for (size_t i = 0; ok && i < org_apache_arrow_flatbuf_FieldNode_vec_len(nodes); i++) {
        int64_t length = org_apache_arrow_flatbuf_FieldNode_length(&nodes[i]);
        int64_t nulls = org_apache_arrow_flatbuf_FieldNode_null_count(&nodes[i]);
        ok = length >= 0 && length <= INT32_MAX && nulls >= 0 && nulls <= length;
    }
    for (size_t i = 0; ok && i < org_apache_arrow_flatbuf_Buffer_vec_len(buffers); i++) {
        int64_t offset = org_apache_arrow_flatbuf_Buffer_offset(&buffers[i]);
        int64_t length = org_apache_arrow_flatbuf_Buffer_length(&buffers[i]);
        ok = offset >= 0 && offset % 8 == 0 && offset <= body_len && length >= 0 &&
             length <= body_len - offset;
    }
    return ok;
}

static bool has_sound_pairs(org_apache_arrow_flatbuf_KeyValue_vec_t pairs)
{
    bool ok = true;
    for (size_t i = 0; ok && i < org_apache_arrow_flatbuf_KeyValue_vec_len(pairs); i++) {
        org_apache_arrow_flatbuf_KeyValue_table_t pair =
            org_apache_arrow_flatbuf_KeyValue_vec_at(pairs, i);
        ok = org_apache_arrow_flatbuf_KeyValue_key(pair) &&
             org_apache_arrow_flatbuf_KeyValue_value(pair);
    }
    return ok;
}

/* In a schema it believes that every field has a type, and every pair both its halves. */
static bool has_sound_fields(org_apache_arrow_flatbuf_Field_vec_t fields, int depth)
{
    bool ok = depth <= ARROW_DEPTH_MAX;
    for (size_t i = 0; ok && i < org_apache_arrow_flatbuf_Field_vec_len(fields); i++) {
        org_apache_arrow_flatbuf_Field_table_t field =
            org_apache_arrow_flatbuf_Field_vec_at(fields, i);
        ok = org_apache_arrow_flatbuf_Field_type_get(field) &&
             !org_apache_arrow_flatbuf_Field_dictionary_is_present(field) &&
             has_sound_pairs(org_apache_arrow_flatbuf_Field_custom_metadata(field)) &&
             has_sound_fields(org_apache_arrow_flatbuf_Field_children(field), depth + 1);
    }
    return ok;
}

/* Decodes a message's head; its body's bytes are left in *ret_body. */
static bool decode_head(struct spool_reader *reader, const char *bytes, uint64_t len,
    enum ArrowIpcMessageType type, struct ArrowBufferView *ret_body)
{
    static const char prefix[4] = "\xff\xff\xff\xff";
    struct ArrowIpcDecoder *decoder = &reader->decoder;
    struct ArrowBufferView view = {{bytes}, (int64_t)len};
    if (len < PREFIX_SIZE || memcmp(bytes, prefix, sizeof(prefix)) != 0 ||
        ArrowIpcDecoderVerifyHeader(decoder, view, NULL) != 0) {
        return false;
    }
    const void *head = org_apache_arrow_flatbuf_Message_header_get(
        org_apache_arrow_flatbuf_Message_as_root(bytes + PREFIX_SIZE));
    if (!head || decoder->message_type != type ||
        (type == NANOARROW_IPC_MESSAGE_TYPE_SCHEMA &&
            (!has_sound_fields(org_apache_arrow_flatbuf_Schema_fields(head), 0) ||
                !has_sound_pairs(
                    org_apache_arrow_flatbuf_Schema_custom_metadata(head)))) ||
        ArrowIpcDecoderDecodeHeader(decoder, view, NULL) != 0 ||
        decoder->metadata_version != NANOARROW_IPC_METADATA_VERSION_V5) {
        return false;
    }
    int64_t body_len = (int64_t)len - decoder->header_size_bytes;
    *ret_body = (struct ArrowBufferView){{bytes + decoder->header_size_bytes}, body_len};
    return decoder->header_size_bytes % 8 == 0 && decoder->body_size_bytes == body_len &&
           (type != NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH ||
               has_sound_numbers(head, body_len));
}

/* Only what arrow_plain_schema() makes: nothing else is ever in a spool. */
static bool is_plain(const struct ArrowSchema *schema, int depth)
{
    struct arrow_type type = arrow_type_parse(schema->format);
    bool has_view = type.layout == ARROW_VIEW_32 || type.layout == ARROW_VIEW_64;
    if (depth > ARROW_DEPTH_MAX || schema->dictionary || has_view ||
        type.kind == ARROW_UNKNOWN || type.kind == ARROW_RUNS ||
        type.layout == ARROW_OFFSETS_64 || type.layout == ARROW_DENSE) {
        return false;
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (!is_plain(schema->children[i], depth + 1)) {
            return false;
        }
    }
    return true;
}

static bool read_schema(struct spool_reader *reader)
{
    struct ArrowIpcDecoder *decoder = &reader->decoder;
    struct ArrowBufferView body;
    uint64_t size = reader->trailer.schema_size;
    char *bytes = read_checked(reader, 0, size, reader->trailer.schema_sum);
    bool ok =
        bytes && ArrowIpcDecoderInit(decoder) == 0 &&
        decode_head(reader, bytes, size, NANOARROW_IPC_MESSAGE_TYPE_SCHEMA, &body) &&
        decoder->endianness == ArrowIpcSystemEndianness() &&
        ArrowIpcDecoderDecodeSchema(decoder, &reader->schema, NULL) == 0 &&
        is_plain(&reader->schema, 0) &&
        ArrowIpcDecoderSetSchema(decoder, &reader->schema, NULL) == 0;
    free(bytes);
    return ok || fail_damaged(reader, "its columns");
}

bool spool_reader_open(struct spool_reader *reader, struct str path)
{
    ASSERT(reader->fd < 0);
    return open_file(reader, path) && read_trailer(reader) && read_index(reader) &&
           read_schema(reader);
}

static void free_message(
    struct ArrowBufferAllocator *allocator, uint8_t *body, int64_t size)
{
    (void)body;
    (void)size;
    free(allocator->private_data);
}

/* Takes @bytes over: the array's buffers stay where they are in it. */
static bool decode_body(struct spool_reader *reader, char *bytes,
    struct ArrowBufferView body, struct ArrowArray *ret)
{
    struct ArrowBuffer shared;
    struct ArrowBuffer buffer = {.data = (uint8_t *)bytes + (body.data.as_char - bytes),
        .size_bytes = body.size_bytes,
        .capacity_bytes = body.size_bytes,
        .allocator = ArrowBufferDeallocator(free_message, bytes)};
    if (ArrowSharedBufferInit(&shared, &buffer) != 0) {
        ArrowBufferReset(&buffer);
        return false;
    }
    int rc = ArrowIpcDecoderDecodeArrayFromShared(
        &reader->decoder, &shared, -1, ret, NANOARROW_VALIDATION_LEVEL_FULL, NULL);
    ArrowBufferReset(&shared);
    return rc == 0;
}

/* Takes @bytes over. */
static bool decode_piece(struct spool_reader *reader, char *bytes, uint64_t len,
    int64_t rows, struct ArrowArray *ret)
{
    struct ArrowIpcDecoder *decoder = &reader->decoder;
    struct ArrowBufferView body;
    ret->release = NULL;
    if (!decode_head(
            reader, bytes, len, NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH, &body) ||
        decoder->codec != NANOARROW_IPC_COMPRESSION_TYPE_NONE) {
        free(bytes);
        return false;
    }
    /* After some failures the decoder returns 0 all the same, without an array. */
    if (!decode_body(reader, bytes, body, ret) || !ret->release) {
        return false;
    }
    if (ret->length != rows) {
        ArrowArrayRelease(ret);
        return false;
    }
    return true;
}

/* The piece @row is in: the last that starts at or before it. */
static uint64_t find_piece(const struct spool_reader *reader, uint64_t row)
{
    uint64_t low = 0;
    uint64_t high = reader->trailer.pieces;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (reader->entries[middle].first_row <= row) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

char *spool_reader_piece(
    struct spool_reader *reader, uint64_t row, size_t *ret_len, uint64_t *ret_next)
{
    ASSERT(row < reader->trailer.rows);
    uint64_t piece = find_piece(reader, row);
    const struct spool_entry *entry = &reader->entries[piece];
    uint64_t len = piece_end(reader, piece) - entry->offset;
    char *bytes = read_checked(reader, entry->offset, len, entry->sum);
    *ret_len = (size_t)len;
    *ret_next = piece_end_row(reader, piece);
    if (!bytes) {
        (void)fail_damaged(reader, "some of its rows");
    }
    return bytes;
}

char *spool_reader_head(struct spool_reader *reader, size_t *ret_len)
{
    *ret_len = (size_t)reader->trailer.schema_size;
    char *bytes =
        read_checked(reader, 0, reader->trailer.schema_size, reader->trailer.schema_sum);
    if (!bytes) {
        (void)fail_damaged(reader, "its columns");
    }
    return bytes;
}

bool spool_reader_load(
    struct spool_reader *reader, uint64_t row, struct ArrowArray *ret_batch)
{
    ASSERT(row < reader->trailer.rows);
    uint64_t piece = find_piece(reader, row);
    const struct spool_entry *entry = &reader->entries[piece];
    uint64_t len = piece_end(reader, piece) - entry->offset;
    int64_t rows = (int64_t)(piece_end_row(reader, piece) - entry->first_row);
    char *bytes = read_checked(reader, entry->offset, len, entry->sum);
    if (!bytes || !decode_piece(reader, bytes, len, rows, ret_batch)) {
        return fail_damaged(reader, "some of its rows");
    }
    int64_t skipped = (int64_t)(row - entry->first_row);
    ret_batch->offset += skipped;
    ret_batch->length -= skipped;
    return true;
}
