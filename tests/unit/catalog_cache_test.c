// SPDX-License-Identifier: Apache-2.0
/* Kept answers about names: whole, bounded, no older than asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/catalog_cache.h"

enum {
    BYTES_MAX = 8192,
    KEEP_NS = 100,
};

static struct tool_page page_of(struct str rows)
{
    return (struct tool_page){.columns = STR("[c]"),
        .rows = rows,
        .cuts = STR("[]"),
        .row_count = 3,
        .total_rows = 7,
        .truncated = true,
        .result = STR("r_of another's")};
}

static bool has(struct catalog_cache *cache, struct str key, uint64_t now_ns)
{
    struct tool_page page;
    uint64_t wall_ns;
    return catalog_cache_get(cache, key, now_ns, &page, &wall_ns);
}

static void a_page_comes_back_whole_and_names_no_result(void **state)
{
    (void)state;
    struct catalog_cache *cache = catalog_cache_new(BYTES_MAX, KEEP_NS);
    struct tool_page page = page_of(STR("[[1]]"));
    struct tool_page got;
    uint64_t wall_ns;
    catalog_cache_put(cache, STR("p\0k"), &page, 5000, 10);
    assert_true(catalog_cache_get(cache, STR("p\0k"), 10, &got, &wall_ns));
    assert_true(str_eq(got.columns, page.columns) && str_eq(got.rows, page.rows) &&
                str_eq(got.cuts, page.cuts));
    assert_int_equal(got.row_count, 3);
    assert_int_equal(got.total_rows, 7);
    assert_true(got.truncated);
    assert_int_equal(got.result.len, 0);
    assert_int_equal(wall_ns, 5000);
    page.rows = STR("[[2]]");
    catalog_cache_put(cache, STR("p\0k"), &page, 6000, 20);
    assert_true(catalog_cache_get(cache, STR("p\0k"), 20, &got, &wall_ns));
    assert_true(str_eq(got.rows, STR("[[2]]")));
    assert_false(has(cache, STR("p\0K"), 20));
    catalog_cache_free(cache);
}

static void a_page_is_too_old_after_its_time(void **state)
{
    (void)state;
    struct catalog_cache *cache = catalog_cache_new(BYTES_MAX, KEEP_NS);
    struct tool_page page = page_of(STR("[[1]]"));
    catalog_cache_put(cache, STR("p\0k"), &page, 0, 10);
    assert_true(has(cache, STR("p\0k"), 10 + KEEP_NS - 1));
    assert_false(has(cache, STR("p\0k"), 10 + KEEP_NS));
    assert_int_equal(catalog_cache_bytes(cache), 0);
    catalog_cache_free(cache);
}

static void the_one_not_asked_for_longest_goes_first(void **state)
{
    (void)state;
    struct catalog_cache *cache = catalog_cache_new(BYTES_MAX, KEEP_NS);
    char text[1500];
    memset(text, 'x', sizeof(text));
    struct tool_page page = page_of((struct str){text, sizeof(text)});
    char key[] = "p\0"
                 "0";
    for (char i = '0'; i < '4'; i++) {
        key[2] = i;
        catalog_cache_put(cache, (struct str){key, 3}, &page, 0, 0);
    }
    assert_true(has(cache,
        STR("p\0"
            "0"),
        0));
    catalog_cache_put(cache,
        STR("p\0"
            "4"),
        &page, 0, 0);
    catalog_cache_put(cache,
        STR("p\0"
            "5"),
        &page, 0, 0);
    assert_true(has(cache,
        STR("p\0"
            "0"),
        0));
    assert_false(has(cache,
        STR("p\0"
            "1"),
        0));
    assert_true(has(cache,
        STR("p\0"
            "5"),
        0));
    assert_in_range(catalog_cache_bytes(cache), 3 * sizeof(text), BYTES_MAX);
    catalog_cache_free(cache);
}

static void what_is_too_large_is_not_kept(void **state)
{
    (void)state;
    struct catalog_cache *cache = catalog_cache_new(BYTES_MAX, KEEP_NS);
    char text[BYTES_MAX / 4];
    memset(text, 'x', sizeof(text));
    struct tool_page small = page_of(STR("[]"));
    struct tool_page large = page_of((struct str){text, sizeof(text)});
    catalog_cache_put(cache, STR("p\0k"), &small, 0, 0);
    catalog_cache_put(cache, STR("p\0k"), &large, 0, 0);
    assert_false(has(cache, STR("p\0k"), 0));
    assert_int_equal(catalog_cache_bytes(cache), 0);
    catalog_cache_free(cache);
}

static void a_profile_is_forgotten_and_not_the_one_it_begins_like(void **state)
{
    (void)state;
    struct catalog_cache *cache = catalog_cache_new(BYTES_MAX, KEEP_NS);
    struct tool_page page = page_of(STR("[[1]]"));
    catalog_cache_put(cache, STR("prod\0k"), &page, 0, 0);
    catalog_cache_put(cache, STR("prod2\0k"), &page, 0, 0);
    uint64_t drops = catalog_cache_drops(cache);
    catalog_cache_drop(cache, STR("prod"));
    assert_int_equal(catalog_cache_drops(cache), drops + 1);
    assert_false(has(cache, STR("prod\0k"), 0));
    assert_true(has(cache, STR("prod2\0k"), 0));
    catalog_cache_free(cache);
    catalog_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_comes_back_whole_and_names_no_result),
        cmocka_unit_test(a_page_is_too_old_after_its_time),
        cmocka_unit_test(the_one_not_asked_for_longest_goes_first),
        cmocka_unit_test(what_is_too_large_is_not_kept),
        cmocka_unit_test(a_profile_is_forgotten_and_not_the_one_it_begins_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
