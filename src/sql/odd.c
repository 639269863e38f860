// SPDX-License-Identifier: Apache-2.0
#include "sql/odd.h"

#include "base/assert.h"

static unsigned char byte_at(struct str text, size_t i)
{
    return i < text.len ? (unsigned char)text.ptr[i] : 0;
}

size_t sql_odd_space(struct str text, bool *ret_blank)
{
    unsigned char a = byte_at(text, 0);
    unsigned char b = byte_at(text, 1);
    unsigned char c = byte_at(text, 2);
    *ret_blank = false;
    if (a == 0xC2 && (b <= 0xA0 || b == 0xAD)) {
        *ret_blank = b == 0xA0;
        return 2;
    }
    if (a == 0xE2 && b == 0x80 && (c <= 0x8F || (c >= 0xA8 && c <= 0xAF))) {
        *ret_blank = c <= 0x8A || c == 0xAF;
        return 3;
    }
    if (a == 0xE2 && b == 0x81 && c >= 0x9F && c <= 0xAF) {
        *ret_blank = c <= 0xA0;
        return 3;
    }
    if ((a == 0xE3 && b == 0x80 && c == 0x80) || (a == 0xEF && b == 0xBB && c == 0xBF)) {
        *ret_blank = true;
        return 3;
    }
    return a == 0xE1 && ((b == 0x9A && c == 0x80) || (b == 0xA0 && c == 0x8E)) ? 3 : 0;
}

bool sql_is_like_semicolon(struct str text)
{
    /* Full-width, small, vertical, reversed, turned, Arabic, and the Greek question mark.
     */
    static const char *const LIKE[] = {"\xEF\xBC\x9B", "\xEF\xB9\x94", "\xEF\xB8\x94",
        "\xE2\x81\x8F", "\xE2\xB8\xB5", "\xD8\x9B", "\xCD\xBE"};
    for (size_t i = 0; i < ARRAY_LEN(LIKE); i++) {
        if (str_starts(text, str_of(LIKE[i]))) {
            return true;
        }
    }
    return false;
}
