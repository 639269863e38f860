// SPDX-License-Identifier: Apache-2.0
#include "base/handle.h"

#include <sys/random.h>

#include "base/assert.h"

static const char handle_alphabet[32] = "abcdefghijklmnopqrstuvwxyz234567";

void random_bytes(void *dst, size_t len)
{
    char *at = dst;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        ASSERT(got > 0 || got == -1); /* -1 can only be EINTR for these sizes */
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

struct handle handle_new(enum handle_kind kind)
{
    unsigned char bits[HANDLE_LEN - 2];
    struct handle handle = {{(char)kind, '_'}};
    random_bytes(bits, sizeof(bits));
    for (size_t i = 0; i < sizeof(bits); i++) {
        handle.text[i + 2] = handle_alphabet[bits[i] & 31];
    }
    return handle;
}

char handle_kind_of(struct str s)
{
    if (s.len != HANDLE_LEN || s.ptr[1] != '_' || !memchr("sqr", s.ptr[0], 3)) {
        return 0;
    }
    for (size_t i = 2; i < s.len; i++) {
        if (!memchr(handle_alphabet, s.ptr[i], sizeof(handle_alphabet))) {
            return 0;
        }
    }
    return s.ptr[0];
}
