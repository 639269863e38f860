// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Values of any kind as JSON text, all of it or the part inside of a window. */
#include "worker/arrow_cell.h"

enum {
    ARROW_STEP = 32 * 1024 /* bytes of a value that are written between two looks */
};

/*
 * What is written to @out is moved into the window by arrow_window_slide(): the first
 * @skip bytes are left out, and what passes @max bytes in @out. @total counts all. Or,
 * with @drain, @out is emptied into something else whenever it holds ARROW_STEP bytes.
 */
struct arrow_window {
    void (*drain)(void *ctx, struct buf *out);
    void *ctx;
    struct buf *out;
    size_t start; /* of the window's bytes in @out */
    size_t max;   /* SIZE_MAX: no end, and without @drain no window at all */
    uint64_t skip;
    uint64_t total;
    size_t seen; /* bytes of @out that were looked at */
};

struct arrow_window arrow_window_of(struct buf *out, uint64_t skip, size_t max);
void arrow_window_slide(struct arrow_window *window);

/* The value of a resolved cell; nested ones inline. */
void arrow_put_cell(
    struct arrow_window *window, const struct arrow_cell *cell, int depth);

/* Is the value a string of bytes in hex, or of bits? Those may be long. */
bool arrow_is_stretched(struct arrow_type type);

/* The characters such a value has, */
uint64_t arrow_stretched_len(const struct arrow_cell *cell);

/* and of them those from @start on, without quotes. */
void arrow_put_stretched(
    struct buf *out, const struct arrow_cell *cell, uint64_t start, uint64_t count);
