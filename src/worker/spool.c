// SPDX-License-Identifier: Apache-2.0
#include "worker/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "worker/arrow_copy.h"
#include "worker/spool_format.h"

enum {
    /* What the message of a piece takes beside its rows: at most, each field of it. */
    PIECE_OVERHEAD = 512,
    FIELD_OVERHEAD = 128,
    STEP_ROWS = 16 * 1024, /* measured at once: some types are measured row by row */
};

_Static_assert(
    (int)ARROW_BORROW_MIN >= (int)SPOOL_PIECE_MAX, "what borrows is written at once");

struct spool {
    char *path;
    uint64_t rows_max;
    uint64_t bytes_max;
    enum wire_cap cap;
    int error; /* errno of the last write that failed */
    bool is_kept;

    struct ArrowArray *held;
    size_t held_count;
    size_t held_cap;

    /* From the first write on. */
    int fd; /* -1: none open */
    bool has_file;
    const struct ArrowSchema *schema;
    struct ArrowSchema plain;
    struct ArrowArrayView view;
    struct ArrowIpcEncoder encoder;
    struct ArrowBuffer message;
    struct ArrowBuffer body;
    struct buf index;
    struct spool_trailer trailer;
    uint64_t bytes;
    int64_t overhead; /* bytes of a piece without its rows, at most */

    struct ArrowArray piece; /* rows not yet written */
    int64_t piece_bytes;
};

struct spool *spool_new(struct str path, uint64_t rows_max, uint64_t bytes_max)
{
    if (path.len == 0 || memchr(path.ptr, 0, path.len) || rows_max == 0 ||
        bytes_max == 0) {
        return NULL;
    }
    struct spool *spool = calloc(1, sizeof(*spool));
    char *copy = strndup(path.ptr, path.len);
    if (!spool || !copy) {
        free(spool);
        free(copy);
        return NULL;
    }
    spool->path = copy;
    spool->rows_max = rows_max;
    spool->bytes_max = bytes_max < INT64_MAX ? bytes_max : INT64_MAX;
    spool->fd = -1;
    spool->index = BUF_INIT(SPOOL_INDEX_MAX);
    ArrowArrayViewInitFromType(&spool->view, NANOARROW_TYPE_UNINITIALIZED);
    ArrowBufferInit(&spool->message);
    ArrowBufferInit(&spool->body);
    return spool;
}

static void release_held(struct spool *spool)
{
    for (size_t i = 0; i < spool->held_count; i++) {
        if (spool->held[i].release) {
            spool->held[i].release(&spool->held[i]);
        }
    }
    free(spool->held);
    spool->held = NULL;
    spool->held_count = 0;
    spool->held_cap = 0;
}

void spool_free(struct spool *spool)
{
    if (!spool) {
        return;
    }
    release_held(spool);
    if (spool->fd >= 0) {
        close(spool->fd);
    }
    if (spool->has_file && !spool->is_kept) {
        unlink(spool->path);
    }
    if (spool->piece.release) {
        ArrowArrayRelease(&spool->piece);
    }
    if (spool->plain.release) {
        ArrowSchemaRelease(&spool->plain);
    }
    if (spool->encoder.private_data) {
        ArrowIpcEncoderReset(&spool->encoder);
    }
    ArrowArrayViewReset(&spool->view);
    ArrowBufferReset(&spool->message);
    ArrowBufferReset(&spool->body);
    buf_free(&spool->index);
    free(spool->path);
    free(spool);
}

static bool write_all(struct spool *spool, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t done = write(spool->fd, at, len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            spool->error = done < 0 ? errno : ENOSPC;
            return false;
        }
        at += done;
        len -= (size_t)done;
        spool->bytes += (uint64_t)done;
    }
    return true;
}

/* Writes what the encoder holds and the body; *ret_sum is of both. */
static bool write_message(struct spool *spool, uint64_t *ret_sum)
{
    struct ArrowBuffer *message = &spool->message;
    struct ArrowBuffer *body = &spool->body;
    message->size_bytes = 0;
    if (ArrowIpcEncoderFinalizeBuffer(&spool->encoder, 1, message) != 0) {
        return false;
    }
    size_t message_size = (size_t)message->size_bytes;
    size_t body_size = (size_t)body->size_bytes;
    *ret_sum =
        spool_sum(spool_sum(0, message->data, message_size), body->data, body_size);
    return write_all(spool, message->data, message_size) &&
           write_all(spool, body->data, body_size);
}

/* The disk refused what begins at @offset: the file ends there. */
static bool cut_back(struct spool *spool, uint64_t offset)
{
    spool->cap = WIRE_CAP_DISK;
    spool->bytes = offset;
    return ftruncate(spool->fd, (off_t)offset) == 0 &&
           lseek(spool->fd, (off_t)offset, SEEK_SET) == (off_t)offset;
}

static bool new_piece(struct spool *spool)
{
    spool->piece_bytes = 0;
    return ArrowArrayInitFromSchema(&spool->piece, &spool->plain, NULL) == 0 &&
           ArrowArrayStartAppending(&spool->piece) == 0;
}

/* False: not, see spool->error; or it could not be made. */
static bool encode_piece(struct spool *spool, uint64_t *ret_sum)
{
    spool->body.size_bytes = 0;
    return ArrowArrayFinishBuilding(
               &spool->piece, NANOARROW_VALIDATION_LEVEL_DEFAULT, NULL) == 0 &&
           ArrowArrayViewSetArray(&spool->view, &spool->piece, NULL) == 0 &&
           ArrowIpcEncoderEncodeSimpleRecordBatch(
               &spool->encoder, &spool->view, &spool->body, NULL) == 0 &&
           write_message(spool, ret_sum);
}

/* One that the disk has no room for is left out, and caps the spool. */
static bool write_piece(struct spool *spool)
{
    struct spool_entry entry = {.offset = spool->bytes, .first_row = spool->trailer.rows};
    if (spool->piece.length == 0) {
        return true;
    }
    if (encode_piece(spool, &entry.sum)) {
        buf_put(&spool->index, &entry, sizeof(entry));
        spool->trailer.rows += (uint64_t)spool->piece.length;
        spool->trailer.pieces++;
    } else if (spool->error == 0 || !cut_back(spool, entry.offset)) {
        return false;
    }
    ArrowArrayRelease(&spool->piece);
    return buf_ok(&spool->index) && new_piece(spool);
}

static int64_t count_fields(const struct ArrowSchema *schema)
{
    int64_t count = 1;
    for (int64_t i = 0; i < schema->n_children; i++) {
        count += count_fields(schema->children[i]);
    }
    return count;
}

static bool open_file(struct spool *spool)
{
    if (!arrow_plain_schema(spool->schema, &spool->plain) ||
        ArrowArrayViewInitFromSchema(&spool->view, &spool->plain, NULL) != 0 ||
        ArrowIpcEncoderInit(&spool->encoder) != 0 ||
        ArrowIpcEncoderEncodeSchema(&spool->encoder, &spool->plain, NULL) != 0 ||
        !new_piece(spool)) {
        return false;
    }
    spool->overhead = PIECE_OVERHEAD + FIELD_OVERHEAD * count_fields(&spool->plain);
    spool->fd =
        open(spool->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    spool->has_file = spool->fd >= 0;
    spool->error = spool->has_file ? 0 : errno;
    if (!spool->has_file || !write_message(spool, &spool->trailer.schema_sum)) {
        spool->cap = spool->error != 0 ? WIRE_CAP_DISK : WIRE_CAP_NONE;
        return false;
    }
    spool->trailer.schema_size = spool->bytes;
    return spool->bytes <= SPOOL_SCHEMA_MAX;
}

/* How many bytes the rows of the current piece may still take. */
static int64_t room(const struct spool *spool)
{
    uint64_t end = spool->bytes + spool->index.len + sizeof(struct spool_entry) +
                   SPOOL_END_MARK_SIZE + sizeof(struct spool_trailer) +
                   (uint64_t)spool->overhead;
    int64_t left = end < spool->bytes_max ? (int64_t)(spool->bytes_max - end) : 0;
    int64_t most = spool->piece.length > 0 ? SPOOL_PIECE_MAX : SPOOL_ROW_MAX;
    return (left < most ? left : most) - spool->piece_bytes;
}

/* Why not even row @at may be added to an empty piece. */
static enum wire_cap cap_of(
    const struct spool *spool, const struct ArrowArray *batch, int64_t at)
{
    return spool_rows(spool) >= spool->rows_max ? WIRE_CAP_ROWS
           : arrow_plain_bytes(spool->schema, batch, at, 1) > SPOOL_ROW_MAX
               ? WIRE_CAP_ROW
               : WIRE_CAP_BYTES;
}

/* Of @count rows, how many go into the current piece; it grows by their *ret_bytes. */
static int64_t fit(struct spool *spool, const struct ArrowArray *batch, int64_t start,
    int64_t count, int64_t *ret_bytes)
{
    int64_t most = room(spool);
    for (; count > 0; count /= 2) {
        int64_t bytes = arrow_plain_bytes(spool->schema, batch, start, count);
        if (bytes <= most && (bytes <= SPOOL_PIECE_MAX || count == 1)) {
            *ret_bytes = bytes;
            break;
        }
    }
    return count;
}

static bool write_rows(struct spool *spool, const struct ArrowArray *batch)
{
    for (int64_t at = 0; at < batch->length && spool->cap == WIRE_CAP_NONE;) {
        uint64_t left = spool->rows_max - spool_rows(spool);
        int64_t count = batch->length - at;
        int64_t bytes = 0;
        count = count < STEP_ROWS ? count : STEP_ROWS;
        count = (uint64_t)count < left ? count : (int64_t)left;
        count = fit(spool, batch, at, count, &bytes);
        if (count == 0 && left > 0 && spool->piece.length > 0) {
            if (!write_piece(spool)) {
                return false;
            }
            continue;
        }
        if (count == 0) {
            spool->cap = cap_of(spool, batch, at);
            return true;
        }
        if (!arrow_plain_append(spool->schema, batch, at, count, &spool->piece)) {
            return false;
        }
        spool->piece_bytes += bytes;
        at += count;
        /* It borrows from the batch. */
        if (spool->piece_bytes > SPOOL_PIECE_MAX && !write_piece(spool)) {
            return false;
        }
    }
    return true;
}

static bool hold(struct spool *spool, struct ArrowArray *batch)
{
    if (spool->held_count == spool->held_cap) {
        size_t cap = spool->held_cap > 0 ? 2 * spool->held_cap : 4;
        struct ArrowArray *held = realloc(spool->held, cap * sizeof(*held));
        if (!held) {
            batch->release(batch);
            return false;
        }
        spool->held = held;
        spool->held_cap = cap;
    }
    ArrowArrayMove(batch, &spool->held[spool->held_count++]);
    return true;
}

bool spool_add(struct spool *spool, const struct ArrowSchema *schema,
    struct ArrowArray *batch, bool is_needed)
{
    spool->schema = schema;
    if (!hold(spool, batch)) {
        return false;
    }
    if (spool->fd < 0 && !is_needed) {
        return true;
    }
    bool ok = spool->fd >= 0 || open_file(spool);
    for (size_t i = 0; i < spool->held_count && ok; i++) {
        ok = write_rows(spool, &spool->held[i]);
        spool->held[i].release(&spool->held[i]);
    }
    release_held(spool);
    return ok;
}

uint64_t spool_rows(const struct spool *spool)
{
    return spool->trailer.rows + (uint64_t)spool->piece.length;
}

enum wire_cap spool_cap(const struct spool *spool)
{
    return spool->cap;
}

int spool_errno(const struct spool *spool)
{
    return spool->cap == WIRE_CAP_DISK ? spool->error : 0;
}

/* Its room is for the end. */
static bool drop_last_piece(struct spool *spool)
{
    struct spool_entry entry;
    if (spool->error == 0 || spool->trailer.pieces == 0) {
        return false;
    }
    spool->index.len -= sizeof(entry);
    memcpy(&entry, spool->index.ptr + spool->index.len, sizeof(entry));
    spool->trailer.rows = entry.first_row;
    spool->trailer.pieces--;
    return cut_back(spool, entry.offset);
}

static bool write_end(struct spool *spool)
{
    static const int32_t end_mark[2] = {-1, 0};
    struct spool_trailer *trailer = &spool->trailer;
    if (!write_all(spool, end_mark, sizeof(end_mark))) {
        return false;
    }
    memcpy(trailer->magic, SPOOL_MAGIC, sizeof(trailer->magic));
    trailer->index_offset = spool->bytes;
    trailer->index_sum = spool_sum(0, spool->index.ptr, spool->index.len);
    trailer->sum = spool_sum(0, trailer, offsetof(struct spool_trailer, sum));
    return write_all(spool, spool->index.ptr, spool->index.len) &&
           write_all(spool, trailer, sizeof(*trailer));
}

bool spool_end(struct spool *spool, uint64_t *ret_bytes)
{
    *ret_bytes = 0;
    if (spool->fd < 0) {
        return true;
    }
    if (!write_piece(spool)) {
        return false;
    }
    while (spool->trailer.pieces > 0 && !write_end(spool)) {
        if (!drop_last_piece(spool)) {
            return false;
        }
    }
    int fd = spool->fd;
    spool->fd = -1;
    if (close(fd) != 0) {
        spool->cap = WIRE_CAP_DISK;
        spool->error = errno;
        return false;
    }
    *ret_bytes = spool->trailer.pieces > 0 ? spool->bytes : 0;
    return true;
}

void spool_keep(struct spool *spool)
{
    spool->is_kept = true;
}
