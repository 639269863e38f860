// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A view of bytes: pointer and length, never NUL-terminated by promise. NUL-terminated
 * strings exist only at the edges (system calls, library options).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str str_of(const char *cstr)
{
    return cstr ? (struct str){cstr, strlen(cstr)} : (struct str){"", 0};
}

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
struct str str_from(struct str s, size_t start); /* the rest from @start on */
struct str str_trim(struct str s);               /* without blanks, tabs, line ends around it */
ptrdiff_t str_find(struct str s, char c);        /* index or -1 */

/* Strict decimal: digits only, no sign, no overflow, at most @max. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret_value);

/* Bytes of the well-formed UTF-8 sequence @s starts with (Unicode, table 3-7), else 0. */
size_t str_utf8_sequence(struct str s);

/* Well-formed UTF-8 (no surrogates, no overlong forms)? */
bool str_is_utf8(struct str s);

/* The longest prefix of at most @max bytes that does not cut a UTF-8 sequence. */
struct str str_utf8_prefix(struct str s, size_t max);

/* Copies into @dst of @cap bytes with a final NUL; false and "" when it does not fit. */
bool str_copy(struct str s, char *dst, size_t cap);

/* Edit distance with a ceiling, for "did you mean": ASCII case is ignored. */
unsigned str_distance(struct str a, struct str b, unsigned ceiling);
