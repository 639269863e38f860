// SPDX-License-Identifier: Apache-2.0
/* Tables from names to values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_fixture.h"

static int64_t find(const struct config_names *names, const char *text)
{
    int64_t value = -1;
    (void)!config_names_find(names, str_of(text), &value);
    return value;
}

static void names_are_found_in_any_case_and_by_their_beginning(void **state)
{
    (void)state;
    parse(
        "[weight]\nprincipal = {\"uid:1000\" = 3, \"uid:*\" = 2}\n"
        "[weight.client]\n\"Claude-Code\" = 100\n"
        "[client.types]\n\"my-agent*\" = \"codex\"\n\"*\" = \"unknown\"\n"
        "[profile.p]\nfiles = ['a']\nwarehouse_credits = {WH_XS = 1, wh_l = 8.5, free = 0}\n"
        "policies = {\"uid:1000\" = 'read_write', \"uid:1*\" = 'read_only+ai'}\n");
    assert_int_equal(find(&config.weight_principal, "uid:1000"), 3);
    assert_int_equal(find(&config.weight_principal, "uid:1001"), 2);
    assert_int_equal(find(&config.weight_principal, "key:x"), -1);
    assert_int_equal(find(&config.weight_client, "claude-code"), 100);
    assert_int_equal(find(&config.weight_client, "claude-code-2"), -1);
    assert_string_equal(
        config_client_types[find(&config.client_types, "MY-AGENT 2")], "codex");
    assert_string_equal(config_client_types[find(&config.client_types, "")], "unknown");
    assert_int_equal(find(&config.profile[0].warehouse_credits, "wh_xs"), 1000);
    assert_int_equal(find(&config.profile[0].warehouse_credits, "WH_L"), 8500);
    assert_int_equal(find(&config.profile[0].warehouse_credits, "FREE"), 0);
    const struct config_profile *p = &config.profile[0];
    assert_string_equal(config_policy_of(p, STR("uid:1000")), "read_write");
    assert_string_equal(config_policy_of(p, STR("uid:1001")), "read_only+ai");
    assert_string_equal(config_policy_of(p, STR("uid:0")), "read_only");
    assert_true(config_has_policy(p, "read_write"));
    assert_false(config_has_policy(p, "session_state"));
    parse("[weight]\nprincipal = {x = 4}\n"); /* replaced whole */
    assert_int_equal(find(&config.weight_principal, "uid:1000"), -1);
    assert_int_equal(find(&config.weight_client, "claude-code"), 100);
}

static void wrong_tables_are_refused(void **state)
{
    (void)state;
    refused("weight.principal = 3",
        "t.toml:1: weight.principal must be a table from names to values, got 3");
    refused("[weight.client]\na = 1\nb = 101",
        "t.toml:3: weight.client.\"b\" must be an integer from 1 to 100, got 101");
    refused("[weight.client]\n\"\" = 1",
        "t.toml:2: weight.client must be a table of names of 1 to 63 bytes without NUL, got 1");
    refused("[profile.p]\nfiles = ['a']\nwarehouse_credits = {x = -1}",
        "t.toml:3: profile.p.warehouse_credits.\"x\" must be a number from 0 to "
        "1000000, got -1");
    refused("[client.types]\nx = 'vs code'",
        "t.toml:2: client.types.\"x\" must be \"claude_desktop\", \"claude_code\", "
        "\"roo_code\", \"cursor\", \"vscode\", \"codex\", \"http_client\", "
        "\"websocket_client\" or \"unknown\", got \"vs code\"");
    refused("[profile.p]\nfiles = ['a']\npolicies = {x = 'write'}",
        "t.toml:3: profile.p.policies.\"x\" must be \"read_only\", \"session_state\", "
        "\"read_write\", \"read_only+ai\", \"session_state+ai\" or \"read_write+ai\", "
        "got \"write\"");
    struct buf toml = BUF_INIT(64 * 1024);
    buf_puts(&toml, "[weight.client]\n");
    for (int i = 0; i <= CONFIG_NAMES_MAX; i++) {
        buf_printf(&toml, "a%d = 1\n", i);
    }
    assert_refused(buf_str(&toml),
        "t.toml:1: weight.client must be a table of at most 64 names, got more");
    buf_free(&toml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_found_in_any_case_and_by_their_beginning),
        TEST(wrong_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
