// SPDX-License-Identifier: Apache-2.0
#include "answer.h"

static struct str line_of(struct str s)
{
    const char *end = memmem(s.ptr, s.len, "\r\n", 2);
    return end ? (struct str){s.ptr, (size_t)(end - s.ptr)} : (struct str){NULL, 0};
}

static bool hex_to_size(struct str s, size_t *ret)
{
    size_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        unsigned digit = c <= '9' ? c - (unsigned)'0' : (c | 0x20u) - 'a' + 10u;
        if (digit > 15 || value > SIZE_MAX >> 8) {
            return false;
        }
        value = value * 16 + digit;
    }
    *ret = value;
    return s.len > 0;
}

/* The length of a chunked body without trailers; 0: more must come; -1: it is none. */
static ptrdiff_t chunks_len(struct str s)
{
    size_t at = 0;
    for (;;) {
        struct str line = line_of(str_from(s, at));
        size_t size;
        if (!line.ptr) {
            return 0;
        }
        if (!hex_to_size(line, &size)) {
            return -1;
        }
        at += line.len + 2 + size + 2;
        if (at > s.len) {
            return 0;
        }
        if (size == 0) {
            return (ptrdiff_t)at;
        }
    }
}

/* The value of @line when it is the header @name, which ends with ':'. */
static bool header_is(struct str line, struct str name, struct str *ret)
{
    if (!str_starts_nocase(line, name)) {
        return false;
    }
    *ret = str_trim(str_from(line, name.len));
    return true;
}

ptrdiff_t answer_parse(struct str bytes, struct answer *ret)
{
    const char *end = memmem(bytes.ptr, bytes.len, "\r\n\r\n", 4);
    if (!end) {
        return 0;
    }
    struct str head = {bytes.ptr, (size_t)(end - bytes.ptr) + 2};
    struct str rest = str_from(bytes, head.len + 2);
    struct str line = line_of(head);
    struct str value;
    uint64_t status;
    uint64_t len = 0;
    bool is_chunked = false;
    *ret = (struct answer){.body = rest};
    if (line.len < 12 || !str_starts(line, STR("HTTP/1.1 ")) ||
        !str_to_u64((struct str){line.ptr + 9, 3}, 999, &status)) {
        return -1;
    }
    ret->status = (int)status;
    for (size_t at = line.len + 2; at < head.len; at += line.len + 2) {
        line = line_of(str_from(head, at));
        if (header_is(line, STR("content-length:"), &value)) {
            if (!str_to_u64(value, 1u << 30, &len)) {
                return -1;
            }
        } else if (header_is(line, STR("transfer-encoding:"), &value)) {
            is_chunked = true;
        } else if (header_is(line, STR("content-type:"), &value)) {
            ret->is_stream = str_starts_nocase(value, STR("text/event-stream"));
        } else if (header_is(line, STR("mcp-session-id:"), &value)) {
            ret->session = value;
        }
    }
    ptrdiff_t used = is_chunked ? chunks_len(rest) : len <= rest.len ? (ptrdiff_t)len : 0;
    if (used < 0 || (used == 0 && (is_chunked || len > rest.len))) {
        return used;
    }
    ret->body.len = (size_t)used;
    return (ptrdiff_t)(head.len + 2) + used;
}
