// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/gcra.h"

enum { BURST = 5, INTERVAL_NS = 1000 };

/* Calls that pass at @now_ns, one after the other. */
static uint32_t take_all(uint64_t *tat_ns, uint64_t now_ns)
{
    uint32_t count = 0;
    while (count <= 2 * BURST && gcra_wait_ns(*tat_ns, BURST, INTERVAL_NS, now_ns) == 0) {
        gcra_charge(tat_ns, BURST, INTERVAL_NS, now_ns);
        count++;
    }
    return count;
}

static void a_burst_passes_and_not_one_more(void **state)
{
    (void)state;
    uint64_t tat_ns = 0;
    assert_int_equal(take_all(&tat_ns, 100), BURST);
    assert_int_equal(gcra_wait_ns(tat_ns, BURST, INTERVAL_NS, 100), INTERVAL_NS);
}

static void whoever_waits_as_long_as_told_passes_once(void **state)
{
    (void)state;
    uint64_t tat_ns = 0;
    (void)take_all(&tat_ns, 0);
    assert_int_equal(gcra_wait_ns(tat_ns, BURST, INTERVAL_NS, INTERVAL_NS - 1), 1);
    assert_int_equal(take_all(&tat_ns, INTERVAL_NS), 1);
    assert_int_equal(take_all(&tat_ns, 4 * INTERVAL_NS), 3);
}

static void a_long_silence_saves_up_one_burst_only(void **state)
{
    (void)state;
    uint64_t tat_ns = 0;
    (void)take_all(&tat_ns, 0);
    assert_int_equal(take_all(&tat_ns, 1000000 * (uint64_t)INTERVAL_NS), BURST);
}

/* Else asking again and again would never succeed. */
static void a_refusal_costs_nothing(void **state)
{
    (void)state;
    uint64_t tat_ns = 0;
    (void)take_all(&tat_ns, 0);
    uint64_t before_ns = tat_ns;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take_all(&tat_ns, INTERVAL_NS - 1), 0);
    }
    assert_int_equal(tat_ns, before_ns);
}

static void a_burst_of_none_is_no_limit(void **state)
{
    (void)state;
    uint64_t tat_ns = UINT64_MAX;
    assert_int_equal(gcra_wait_ns(tat_ns, 0, 1, 0), 0);
    gcra_charge(&tat_ns, 0, 1, 0);
    assert_int_equal(tat_ns, UINT64_MAX);
}

/* The largest that settings allow: a million at once, one in a thousand seconds. */
static void the_largest_rates_do_not_overflow(void **state)
{
    (void)state;
    const uint32_t burst = 1000000;
    const uint64_t interval_ns = UINT64_C(1000000000000);
    const uint64_t now_ns = UINT64_C(3153600000000000000); /* up for a hundred years */
    uint64_t tat_ns = 0;
    for (uint32_t i = 0; i < burst; i++) {
        assert_int_equal(gcra_wait_ns(tat_ns, burst, interval_ns, now_ns), 0);
        gcra_charge(&tat_ns, burst, interval_ns, now_ns);
    }
    assert_int_equal(gcra_wait_ns(tat_ns, burst, interval_ns, now_ns), interval_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_passes_and_not_one_more),
        cmocka_unit_test(whoever_waits_as_long_as_told_passes_once),
        cmocka_unit_test(a_long_silence_saves_up_one_burst_only),
        cmocka_unit_test(a_refusal_costs_nothing),
        cmocka_unit_test(a_burst_of_none_is_no_limit),
        cmocka_unit_test(the_largest_rates_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
