// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Single values of fixed width as JSON, from the bytes of an Arrow buffer. */
#include "worker/arrow_type.h"

/* The integer of @width bytes at @bytes. */
static inline int64_t arrow_load_int(const char *bytes, int width)
{
    int64_t value64;
    int32_t value32;
    int16_t value16;
    switch (width) {
    case 1:
        return (signed char)bytes[0];
    case 2:
        memcpy(&value16, bytes, sizeof(value16));
        return value16;
    case 4:
        memcpy(&value32, bytes, sizeof(value32));
        return value32;
    default:
        memcpy(&value64, bytes, sizeof(value64));
        return value64;
    }
}

/* @bytes points at type.width bytes; any kind of fixed width but ARROW_BOOL,
 * ARROW_BINARY. */
void arrow_put_scalar(struct buf *out, struct arrow_type type, const char *bytes);

/* A time of the day with the offset of its zone, in seconds. */
void arrow_put_zoned_time(struct buf *out, int64_t value, int64_t per_unit, int offset);
