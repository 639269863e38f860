// SPDX-License-Identifier: Apache-2.0
#include "bridge/lines.h"

static bool take_line(
    struct line_reader *reader, struct str piece, const struct line_handler *handler)
{
    if (reader->is_skipping) {
        reader->is_skipping = false;
        return true;
    }
    if (reader->part.len == 0 && piece.len <= LINES_LINE_MAX) {
        return handler->line(handler->ctx, piece);
    }
    buf_put_str(&reader->part, piece);
    bool goes_on = buf_ok(&reader->part)
                       ? handler->line(handler->ctx, buf_str(&reader->part))
                       : handler->too_long(handler->ctx);
    buf_free(&reader->part);
    return goes_on;
}

bool lines_read(
    struct line_reader *reader, struct str bytes, const struct line_handler *handler)
{
    ptrdiff_t end;
    while ((end = str_find(bytes, '\n')) >= 0) {
        if (!take_line(reader, (struct str){bytes.ptr, (size_t)end}, handler)) {
            return false;
        }
        bytes = str_from(bytes, (size_t)end + 1);
    }
    if (reader->is_skipping) {
        return true;
    }
    buf_put_str(&reader->part, bytes);
    if (!buf_ok(&reader->part)) {
        buf_free(&reader->part);
        reader->is_skipping = true;
        return handler->too_long(handler->ctx);
    }
    return true;
}

void lines_reset(struct line_reader *reader)
{
    buf_free(&reader->part);
    reader->is_skipping = false;
}

void queue_put(struct line_queue *queue, struct str line)
{
    size_t before = queue->bytes.len;
    ASSERT(!memchr(line.ptr, '\n', line.len));
    buf_put_str(&queue->bytes, line);
    buf_putc(&queue->bytes, '\n');
    queue->end += queue->bytes.len - before;
}

struct str queue_unwritten(const struct line_queue *queue)
{
    return str_from(buf_str(&queue->bytes), queue->written);
}

void queue_wrote(struct line_queue *queue, size_t len)
{
    struct str written = queue_unwritten(queue);
    ASSERT(len <= written.len);
    written.len = len;
    queue->written += len;
    const char *last = len > 0 ? memrchr(written.ptr, '\n', len) : NULL;
    if (last) {
        size_t whole = (size_t)(last + 1 - queue->bytes.ptr);
        buf_consume(&queue->bytes, whole);
        queue->written -= whole;
    }
    if (queue->bytes.len == 0) {
        buf_free(&queue->bytes);
    }
}

void queue_rewind(struct line_queue *queue)
{
    queue->written = 0;
}

void queue_clear(struct line_queue *queue)
{
    queue->written = 0;
    buf_free(&queue->bytes);
}
