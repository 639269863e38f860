// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_CAP_MIN = 256 };

void buf_free(struct buf *buf)
{
    free(buf->ptr);
    *buf = BUF_INIT(buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

/* Room for @len more bytes, or the buffer is marked as failed. */
static bool reserve(struct buf *buf, size_t len)
{
    ASSERT(buf->max > 0);
    if (buf->failed || len > buf->max - buf->len) {
        buf->failed = true;
        return false;
    }
    if (buf->len + len <= buf->cap) {
        return true;
    }
    size_t cap = buf->cap ? buf->cap : BUF_CAP_MIN;
    while (cap < buf->len + len) {
        cap *= 2;
    }
    char *ptr = realloc(buf->ptr, cap);
    if (!ptr) {
        buf->failed = true;
        return false;
    }
    buf->ptr = ptr;
    buf->cap = cap;
    return true;
}

void buf_put(struct buf *buf, const void *bytes, size_t len)
{
    if (len > 0 && reserve(buf, len)) {
        memcpy(buf->ptr + buf->len, bytes, len);
        buf->len += len;
    }
}

void buf_puts(struct buf *buf, const char *cstr)
{
    buf_put(buf, cstr, strlen(cstr));
}

void buf_putc(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

void buf_put_str(struct buf *buf, struct str s)
{
    buf_put(buf, s.ptr, s.len);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(len >= 0);
    /* One byte more than is kept: vsnprintf always writes a final NUL. */
    if (!reserve(buf, (size_t)len + 1)) {
        return;
    }
    va_start(args, format);
    vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

void buf_put_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_put(buf, digits + at, sizeof(digits) - at);
}

void buf_put_i64(struct buf *buf, int64_t value)
{
    if (value < 0) {
        buf_putc(buf, '-');
        buf_put_u64(buf, 0 - (uint64_t)value);
        return;
    }
    buf_put_u64(buf, (uint64_t)value);
}

static void put_escaped(struct buf *buf, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    switch (c) {
    case '"':
        buf_put(buf, "\\\"", 2);
        break;
    case '\\':
        buf_put(buf, "\\\\", 2);
        break;
    case '\n':
        buf_put(buf, "\\n", 2);
        break;
    case '\r':
        buf_put(buf, "\\r", 2);
        break;
    case '\t':
        buf_put(buf, "\\t", 2);
        break;
    default:
        buf_put(buf, escape, sizeof(escape));
    }
}

void buf_put_json(struct buf *buf, struct str s)
{
    size_t start = 0;
    buf_putc(buf, '"');
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t len = 1;
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            i++;
            continue;
        }
        if (c >= 0x80) {
            len = str_utf8_sequence(str_from(s, i));
            if (len > 0) {
                i += len;
                continue;
            }
        }
        buf_put(buf, s.ptr + start, i - start);
        if (c >= 0x80) {
            buf_puts(buf, "\xEF\xBF\xBD");
        } else {
            put_escaped(buf, c);
        }
        start = ++i;
    }
    buf_put(buf, s.ptr + start, s.len - start);
    buf_putc(buf, '"');
}

void buf_consume(struct buf *buf, size_t len)
{
    ASSERT(len <= buf->len);
    buf->len -= len;
    if (buf->len > 0 && len > 0) {
        memmove(buf->ptr, buf->ptr + len, buf->len);
    }
}

char *buf_take(struct buf *buf)
{
    char *ptr = buf->ptr;
    *buf = BUF_INIT(buf->max);
    return ptr;
}
