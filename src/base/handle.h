// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Handles: the random names under which sessions, queries and results travel.
 * A kind, '_' and 26 characters of lower-case base32 (130 bits from the kernel).
 */
#include "base/str.h"

enum { HANDLE_LEN = 28, HANDLE_SIZE = HANDLE_LEN + 1 };

enum handle_kind {
    HANDLE_SESSION = 's',
    HANDLE_QUERY = 'q',
    HANDLE_RESULT = 'r',
};

struct handle {
    char text[HANDLE_SIZE]; /* NUL-terminated */
};

struct handle handle_new(enum handle_kind kind);

/* Has @s the shape of a handle of any kind? Returns the kind, or 0. */
char handle_kind_of(struct str s);

static inline struct str handle_str(const struct handle *handle)
{
    return (struct str){handle->text, HANDLE_LEN};
}

/* Random bytes from the kernel; never fails. */
void random_bytes(void *dst, size_t len);
