// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Single values of fixed width as JSON, from the bytes of an Arrow buffer. */
#include "worker/arrow_type.h"

/* A number when it is within +-(2^53-1), else a string. */
void arrow_put_int(struct buf *out, int64_t value);
void arrow_put_uint(struct buf *out, uint64_t value);

/* The integer of @width bytes at @bytes. */
int64_t arrow_load_int(const char *bytes, int width);

/* @bytes points at type.width bytes; any kind of fixed width but ARROW_BOOL,
 * ARROW_BINARY. */
void arrow_put_scalar(struct buf *out, struct arrow_type type, const char *bytes);
