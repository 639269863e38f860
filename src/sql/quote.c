// SPDX-License-Identifier: Apache-2.0
#include "sql/quote.h"

/* No engine takes a NUL, and some end the text there: nothing may be written after it. */
static void put_quoted(struct buf *buf, struct str text, char quote, bool backslash)
{
    if (str_find(text, '\0') >= 0) {
        buf->failed = true;
        return;
    }
    buf_putc(buf, quote);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == quote || (backslash && c == '\\')) {
            buf_putc(buf, c);
        }
        buf_putc(buf, c);
    }
    buf_putc(buf, quote);
}

void quote_identifier(struct buf *buf, struct str name)
{
    put_quoted(buf, name, '"', false);
}

void quote_literal(struct buf *buf, struct str text)
{
    put_quoted(buf, text, '\'', false);
}

void quote_literal_backslash(struct buf *buf, struct str text)
{
    put_quoted(buf, text, '\'', true);
}

/* From after the opening quote over the closing one; the index after it, or 0. */
static size_t take_quoted(struct str text, size_t at, char *dst, size_t *ret_len)
{
    size_t len = 0;
    for (; at < text.len; at++) {
        if (text.ptr[at] == '"') {
            if (at + 1 >= text.len || text.ptr[at + 1] != '"') {
                *ret_len = len;
                return at + 1;
            }
            at++;
        }
        dst[len++] = text.ptr[at];
    }
    return 0;
}

static size_t take_bare(struct str text, size_t at, char *dst, size_t *ret_len)
{
    size_t len = 0;
    for (; at < text.len && text.ptr[at] != '.'; at++) {
        unsigned char c = (unsigned char)text.ptr[at];
        if (c <= ' ' || c == 0x7F || strchr("\"'`;,()", c)) {
            return 0;
        }
        dst[len++] = text.ptr[at];
    }
    *ret_len = len;
    return at;
}

bool name_split(struct str text, char *scratch, size_t scratch_size,
                struct name_parts *ret_parts)
{
    struct name_parts parts = {.count = 0};
    char *dst = scratch;
    *ret_parts = parts;
    if (text.len == 0 || text.len > scratch_size || str_find(text, '\0') >= 0) {
        return false;
    }
    for (size_t at = 0;; at++) {
        if (parts.count == NAME_PARTS_MAX || at >= text.len) {
            return false;
        }
        size_t len = 0;
        bool quoted = text.ptr[at] == '"';
        at = quoted ? take_quoted(text, at + 1, dst, &len) : take_bare(text, at, dst, &len);
        if (at == 0 || len == 0 || (at < text.len && text.ptr[at] != '.')) {
            return false;
        }
        parts.quoted[parts.count] = quoted;
        parts.part[parts.count++] = (struct str){dst, len};
        dst += len;
        if (at == text.len) {
            *ret_parts = parts;
            return true;
        }
    }
}
