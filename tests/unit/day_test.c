// SPDX-License-Identifier: Apache-2.0
/* Days of zones whose clocks change. Needs the zone database, which a host always has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/day.h"

static void set_zone(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

/* Checks the day of @at_s, and the last second of it. */
static void expect(int64_t at_s, uint32_t number, uint32_t before, int hours, const char *end)
{
    struct day day;
    struct day again;
    day_of(at_s, &day);
    assert_int_equal(day.number, number);
    assert_int_equal(day.before, before);
    assert_int_equal(day.end_s - day.begin_s, hours * 3600);
    assert_string_equal(day.end, end);
    assert_true(day_has(&day, at_s) && !day_has(&day, day.end_s) && !day_has(&day, day.begin_s - 1));
    day_of(day.end_s - 1, &again);
    assert_memory_equal(&day, &again, sizeof(day));
    day_of(day.begin_s, &again);
    assert_memory_equal(&day, &again, sizeof(day));
}

static void a_day_has_24_hours_or_one_more_or_less(void **state)
{
    (void)state;
    set_zone("Europe/Berlin");
    expect(1774224000, 20260323, 20260322, 24, "2026-03-24T00:00:00+01:00");
    expect(1774778400, 20260329, 20260328, 23, "2026-03-30T00:00:00+02:00");
    expect(1792918800, 20261025, 20261024, 25, "2026-10-26T00:00:00+01:00");
    set_zone("UTC");
    expect(1774224000, 20260323, 20260322, 24, "2026-03-24T00:00:00+00:00");
    expect(0, 19700101, 19691231, 24, "1970-01-02T00:00:00+00:00");
}

static void where_midnight_is_skipped_the_day_begins_later(void **state)
{
    (void)state;
    set_zone("Africa/Cairo"); /* 2026-04-24 begins at 1:00 */
    expect(1776934800, 20260423, 20260422, 24, "2026-04-24T01:00:00+03:00");
    expect(1777021200, 20260424, 20260423, 23, "2026-04-25T00:00:00+03:00");
}

static void where_midnight_comes_twice_the_day_ends_with_the_second(void **state)
{
    (void)state;
    set_zone("Africa/Cairo"); /* 2026-10-29, 24:00 is 23:00 again */
    expect(1793250000, 20261029, 20261028, 25, "2026-10-30T00:00:00+02:00");
}

static void a_day_may_be_missing(void **state)
{
    (void)state;
    set_zone("Pacific/Apia"); /* there was no 2011-12-30 */
    expect(1325152800, 20111229, 20111228, 24, "2011-12-31T00:00:00+14:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_has_24_hours_or_one_more_or_less),
        cmocka_unit_test(where_midnight_is_skipped_the_day_begins_later),
        cmocka_unit_test(where_midnight_comes_twice_the_day_ends_with_the_second),
        cmocka_unit_test(a_day_may_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
