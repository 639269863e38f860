// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Growable bytes with a maximum. A write that would pass the maximum (or finds no
 * memory) writes nothing and marks the buffer as failed; writers need not check each
 * step, whoever uses the bytes asks buf_ok() once.
 */
#include "base/assert.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
};

#define BUF_INIT(limit) ((struct buf){.max = (limit)})

void buf_free(struct buf *buf);  /* back to empty, same maximum */
void buf_clear(struct buf *buf); /* keeps the memory, forgets the bytes and the failure */
void buf_put(struct buf *buf, const void *bytes, size_t len);
void buf_puts(struct buf *buf, const char *cstr);
void buf_putc(struct buf *buf, char c);
void buf_put_str(struct buf *buf, struct str s);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_put_u64(struct buf *buf, uint64_t value);
void buf_put_i64(struct buf *buf, int64_t value);

/* A JSON string with quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_put_json(struct buf *buf, struct str s);

/* Drops the first @len bytes. */
void buf_consume(struct buf *buf, size_t len);

/* Moves the bytes out: the caller owns and frees the pointer; @buf is empty again. */
char *buf_take(struct buf *buf);

static inline bool buf_ok(const struct buf *buf)
{
    return !buf->failed;
}

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->ptr ? buf->ptr : "", buf->len};
}
