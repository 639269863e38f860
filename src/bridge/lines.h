// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Lines out of a stream of bytes, and lines on their way into one. Both hold memory only
 * while a line is under way.
 */
#include "base/assert.h"
#include "base/buf.h"
#include "base/str.h"

enum {
    LINES_LINE_MAX = 1024 * 1024 + 64 * 1024
};

struct line_handler {
    void *ctx;
    /* @line is without its '\n' and lives during the call. False: no further lines. */
    bool (*line)(void *ctx, struct str line);
    /* A line was longer than LINES_LINE_MAX and is skipped. The same answer. */
    bool (*too_long)(void *ctx);
};

struct line_reader {
    struct buf part; /* of a line that has not ended yet */
    bool is_skipping;
};

#define LINE_READER_INIT ((struct line_reader){.part = BUF_INIT(LINES_LINE_MAX)})

/* Hands on each line that @bytes complete; false as soon as the handler said so. */
MUST_USE bool lines_read(
    struct line_reader *reader, struct str bytes, const struct line_handler *handler);

/* Forgets the line under way. */
void lines_reset(struct line_reader *reader);

/*
 * Lines to be written. One stays here until its last byte was written, so that after the
 * loss of a connection it can be sent again as a whole.
 */
struct line_queue {
    struct buf bytes;
    size_t written; /* of the first line */
    uint64_t end;   /* position in the stream, ever growing, after the last line put */
};

#define LINE_QUEUE_INIT(limit) ((struct line_queue){.bytes = BUF_INIT(limit)})

void queue_put(struct line_queue *queue, struct str line); /* see buf_ok(&queue->bytes) */
struct str queue_unwritten(const struct line_queue *queue);
void queue_wrote(struct line_queue *queue, size_t len);
void queue_rewind(
    struct line_queue *queue); /* a line begun will be written from its start */
void queue_clear(struct line_queue *queue);

/* Every line that ends here or before was written as a whole. */
static inline uint64_t queue_written_end(const struct line_queue *queue)
{
    return queue->end - queue->bytes.len;
}
