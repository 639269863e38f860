// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/histogram.h"

static void each_duration_falls_below_its_bound(void **state)
{
    (void)state;
    for (int bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        struct histogram h = {{0}};
        uint64_t least = bucket > 0 ? histogram_bound_ns(bucket - 1) : 0;
        histogram_add(&h, least);
        histogram_add(&h, histogram_bound_ns(bucket) - 1);
        assert_int_equal(h.count[bucket], 2);
    }
    assert_int_equal(histogram_bound_ns(0), 125000);
    assert_int_equal(histogram_bound_ns(3), 1000000);
    assert_int_equal(histogram_bound_ns(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
}

static void a_count_does_not_run_over(void **state)
{
    (void)state;
    struct histogram h = {{UINT32_MAX}};
    histogram_add(&h, 0);
    assert_int_equal(h.count[0], UINT32_MAX);
}

static void shares_are_at_least_what_they_say(void **state)
{
    (void)state;
    struct histogram h = {{0}};
    assert_int_equal(histogram_below_ns(&h, 500), 0);
    for (int i = 0; i < 99; i++) {
        histogram_add(&h, 1);
    }
    histogram_add(&h, 1000000000);
    assert_int_equal(histogram_below_ns(&h, 500), 125000);
    assert_int_equal(histogram_below_ns(&h, 990), 125000);
    assert_true(histogram_below_ns(&h, 991) > 1000000000);
}

static void its_text_comes_back(void **state)
{
    (void)state;
    struct histogram h = {{0}};
    struct histogram again;
    struct buf text = BUF_INIT(512);
    histogram_put(&h, &text);
    assert_int_equal(text.len, 0);
    assert_true(histogram_parse(&again, buf_str(&text)));
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        h.count[i] = i % 3 == 0 ? UINT32_MAX : (uint32_t)i % 2;
    }
    histogram_put(&h, &text);
    assert_true(histogram_parse(&again, buf_str(&text)));
    assert_memory_equal(&h, &again, sizeof(h));
    buf_free(&text);
}

static void sums_hold_what_both_held(void **state)
{
    (void)state;
    struct histogram h = {{0}};
    struct histogram other = {{0}};
    histogram_add(&h, 1);
    histogram_add(&other, 1);
    histogram_add(&other, UINT64_MAX);
    other.count[1] = UINT32_MAX;
    h.count[1] = 2;
    histogram_merge(&h, &other);
    assert_int_equal(h.count[0], 2);
    assert_int_equal(h.count[1], UINT32_MAX);
    assert_int_equal(h.count[HISTOGRAM_BUCKETS - 1], 1);
    assert_int_equal(histogram_count(&h), 3 + (uint64_t)UINT32_MAX);
}

static void other_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"x", "1  2", "-1", "4294967296",
        "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"};
    struct histogram h;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(histogram_parse(&h, str_of(bad[i])));
        assert_int_equal(histogram_count(&h), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_duration_falls_below_its_bound),
        cmocka_unit_test(a_count_does_not_run_over),
        cmocka_unit_test(shares_are_at_least_what_they_say),
        cmocka_unit_test(its_text_comes_back),
        cmocka_unit_test(sums_hold_what_both_held),
        cmocka_unit_test(other_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
