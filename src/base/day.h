// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Calendar days of the process's time zone. A day has 23 or 25 hours where clocks change. */
#include <stdbool.h>
#include <stdint.h>

struct day {
    uint32_t number; /* YYYYMMDD */
    uint32_t before; /* of the day before */
    int64_t begin_s; /* its first second, since 1970, */
    int64_t end_s;   /* and the next day's */
    char end[32];    /* that, RFC 3339 with the offset of the zone then */
};

/* The day that @at_s lies in. */
void day_of(int64_t at_s, struct day *ret);

static inline bool day_has(const struct day *day, int64_t at_s)
{
    return at_s >= day->begin_s && at_s < day->end_s;
}
