// SPDX-License-Identifier: Apache-2.0
#include "base/day.h"

#include <stdio.h>
#include <time.h>

enum { HALF_DAY_S = 12 * 3600, LONGEST_S = 49 * 3600 };

static struct tm local(int64_t at_s)
{
    time_t at = (time_t)at_s;
    struct tm tm;
    localtime_r(&at, &tm);
    return tm;
}

static uint32_t number_of(int64_t at_s)
{
    struct tm tm = local(at_s);
    return (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
}

/*
 * The second between @low and @high in which a later day begins. It is looked for, not made of
 * 0:00, which some zones skip when their clocks change.
 */
static int64_t find_begin(int64_t low, int64_t high)
{
    uint32_t number = number_of(low);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (number_of(middle) == number) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

static void put_end(struct day *day)
{
    struct tm tm = local(day->end_s);
    char zone[8] = "+0000";
    size_t len = strftime(day->end, sizeof(day->end), "%Y-%m-%dT%H:%M:%S", &tm);
    strftime(zone, sizeof(zone), "%z", &tm);
    snprintf(day->end + len, sizeof(day->end) - len, "%.3s:%.2s", zone, zone + 3);
}

void day_of(int64_t at_s, struct day *ret)
{
    uint32_t number = number_of(at_s);
    int64_t earlier_s = at_s;
    int64_t later_s = at_s;
    while (number_of(earlier_s) == number && at_s - earlier_s < LONGEST_S) {
        earlier_s -= HALF_DAY_S;
    }
    while (number_of(later_s) == number && later_s - at_s < LONGEST_S) {
        later_s += HALF_DAY_S;
    }
    *ret = (struct day){.number = number,
        .before = number_of(earlier_s),
        .begin_s = find_begin(earlier_s, at_s),
        .end_s = find_begin(at_s, later_s)};
    put_end(ret);
}
