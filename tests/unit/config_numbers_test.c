// SPDX-License-Identifier: Apache-2.0
/* Settings whose value is a table of numbers, and the time zone of the quotas. */
#include "config_fixture.h"

static void assert_rate(struct config_rate rate, int64_t burst, int64_t per_1000_s)
{
    assert_int_equal(rate.burst, burst);
    assert_int_equal(rate.per_1000_s, per_1000_s);
}

static void tables_of_numbers_are_read_inline_and_as_sections(void **state)
{
    (void)state;
    parse(
        "[rate]\nglobal.burst = 9\nglobal.per_s = 1\nprincipal = {burst = 1_000, per_s = 2.5}\nclient.per_s = 3\n"
        "[rate.session]\nburst = 7\nper_s = 0.5\n"
        "[quota.client]\ncalls = 1\nrows = 2\nbytes = 3\nengine_s = 4\ncredits = 5.25\n"
        "[priority.floor]\nhigh = 0\nnormal = 0.9\nlow = 0.0\n"
        "[concurrency]\nclient = {run = 0, queue = 1}\nreserved_slots = 0\n");
    assert_rate(config.rate_global, 9, 1000);
    assert_rate(config.rate_principal, 1000, 2500);
    assert_rate(config.rate_client, 120, 3000);
    assert_rate(config.rate_session, 7, 500);
    const struct config_amounts *quota = &config.quota_client;
    assert_int_equal(quota->calls, 1);
    assert_int_equal(quota->rows, 2);
    assert_int_equal(quota->bytes, 3);
    assert_int_equal(quota->engine_s, 4);
    assert_int_equal(quota->microcredits, 5250000);
    assert_int_equal(config.quota_principal.calls, 0);
    assert_int_equal(config.priority_floor.high, 0);
    assert_int_equal(config.priority_floor.normal, 900);
    assert_int_equal(config.priority_floor.low, 0);
    assert_int_equal(config.concurrency_client.run, 0);
    assert_int_equal(config.concurrency_client.queue, 1);
    assert_int_equal(config.concurrency_principal.queue, 64);
    assert_int_equal(config.concurrency_reserved_slots, 0);
}

static void members_that_are_not_named_stay(void **state)
{
    (void)state;
    parse("rate.client = {}\n[rate.principal]\n");
    assert_rate(config.rate_client, 120, 2000);
    assert_rate(config.rate_principal, 300, 5000);
    parse("rate.client = {burst = 5}");
    assert_rate(config.rate_client, 5, 2000);
    parse("rate.client = {per_s = 5}");
    assert_rate(config.rate_client, 5, 5000);
    parse("concurrency.client.run = 9");
    assert_int_equal(config.concurrency_client.run, 9);
    assert_int_equal(config.concurrency_client.queue, 32);
}

static void fractions_are_rounded_to_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *per_s;
        int64_t per_1000_s;
    } cases[] = {
        {"0.001", 1},
        {"0.0014", 1},
        {"0.0016", 2},
        {"0.167", 167},
        {"0.1666666666", 167},
        {"1e-3", 1},
        {"2.0", 2000},
        {"1_000_000", 1000000000},
        {"1000000.0", 1000000000},
        {"999999.9996", 1000000000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char toml[64];
        snprintf(toml, sizeof(toml), "rate.client.per_s = %s", cases[i].per_s);
        parse(toml);
        assert_rate(config.rate_client, 120, cases[i].per_1000_s);
    }
    parse("quota.client.credits = 0.000001");
    assert_int_equal(config.quota_client.microcredits, 1);
    parse("quota.client.credits = 1_000_000_000_000");
    assert_int_equal(config.quota_client.microcredits, 1000000000000000000);
    parse("quota.client.credits = 0.0");
    assert_int_equal(config.quota_client.microcredits, 0);
    parse("priority.floor.high = 0.2346");
    assert_int_equal(config.priority_floor.high, 235);
}

static void integers_of_a_table_have_their_range(void **state)
{
    (void)state;
#define BURST "t.toml:1: rate.client.burst must be an integer from 0 to 1000000, got "
    refused("rate.client.burst = 'x'", BURST "\"x\"");
    refused("rate.client.burst = -1", BURST "-1");
    refused("rate.client.burst = 1000001", BURST "1000001");
    refused("rate.client.burst = 1.0", BURST "a number with a fraction");
    refused("rate.client.burst = {}", BURST "a table");
    refused("[concurrency.client]\nqueue = 0",
        "t.toml:2: concurrency.client.queue must be an integer from 1 to 65536, got 0");
    refused("[concurrency]\nprincipal = {queue = 65537}",
        "t.toml:2: concurrency.principal.queue must be an integer from 1 to 65536, got 65537");
    refused("concurrency.client.run = -1",
        "t.toml:1: concurrency.client.run must be an integer from 0 to 65536, got -1");
    refused("quota.client.engine_s = 1_000_000_001",
        "t.toml:1: quota.client.engine_s must be an integer from 0 to 1000000000, got "
        "1000000001");
    refused("quota.client.bytes = 1_000_000_000_000_000_001",
        "t.toml:1: quota.client.bytes must be an integer from 0 to 1000000000000000000, got "
        "1000000000000000001");
    parse(
        "rate.client.burst = 1_000_000\nconcurrency.client = {run = 65_536, queue = 65_536}\n"
        "quota.client = {rows = 1_000_000_000_000_000_000, engine_s = 1_000_000_000}\n");
    assert_int_equal(config.rate_client.burst, 1000000);
    assert_int_equal(config.concurrency_client.run, 65536);
    assert_int_equal(config.concurrency_client.queue, 65536);
    assert_int_equal(config.quota_client.rows, 1000000000000000000);
    assert_int_equal(config.quota_client.engine_s, 1000000000);
}

static void fractions_of_a_table_have_their_range(void **state)
{
    (void)state;
#define PER_S                                                                            \
    "t.toml:1: rate.client.per_s must be 0 or a number from 0.001 to 1000000, got "
    refused("rate.client.per_s = 'x'", PER_S "\"x\"");
    refused("rate.client.per_s = true", PER_S "true");
    refused("rate.client.per_s = -1", PER_S "-1");
    refused("rate.client.per_s = -0.5", PER_S "-0.5");
    refused("rate.client.per_s = 1000001", PER_S "1000001");
    refused("rate.client.per_s = 1000000.5", PER_S "1000000.5");
    refused("rate.client.per_s = 9223372036854775807", PER_S "9223372036854775807");
    refused("rate.client.per_s = 1e300", PER_S "1e+300");
    refused("rate.client.per_s = inf", PER_S "inf");
    refused("rate.client.per_s = nan", PER_S "nan");
    /* What would round to 0 would turn the limit off. */
    refused("rate.client = {burst = 0, per_s = 0.0009}", PER_S "0.0009");
    refused("quota.client.credits = 1e-7",
        "t.toml:1: quota.client.credits must be 0 or a number from 0.000001 to 1000000000000, "
        "got 1e-07");
    refused("priority.floor = {high = 1.5}",
        "t.toml:1: priority.floor.high must be 0 or a number from 0.001 to 1, got 1.5");
    refused("priority.floor = {high = 2}",
        "t.toml:1: priority.floor.high must be 0 or a number from 0.001 to 1, got 2");
}

static void a_burst_must_come_back(void **state)
{
    (void)state;
#define NO_REFILL                                                                        \
    "rate.session.per_s must be at least 0.001 where burst is above 0, got 0"
    refused("[rate]\nsession = {burst = 1}", "t.toml:2: " NO_REFILL);
    refused("[rate.session]\nper_s = 0.0\nburst = 1\n", "t.toml:2: " NO_REFILL);
    refused("[rate.client]\nburst = 1\nper_s = 0\n",
        "t.toml:3: rate.client.per_s must be at least 0.001 where burst is above 0, got 0");
    parse("rate.client = {per_s = 0, burst = 0}");
    assert_rate(config.rate_client, 0, 0);
}

static void floors_leave_a_tenth(void **state)
{
    (void)state;
#define FLOOR "t.toml:1: priority.floor must be shares of at most 0.9 together, got "
    refused("priority.floor = {high = 0.3, normal = 0.3, low = 0.301}", FLOOR "0.901");
    refused("priority.floor.low = 0.55", FLOOR "0.95");
    refused("priority.floor = {high = 1, normal = 1, low = 1}", FLOOR "3.0");
    parse("priority.floor = {high = 0.3, normal = 0.3, low = 0.3}");
    assert_int_equal(config.priority_floor.high, 300);
    assert_int_equal(config.priority_floor.low, 300);
}

static void unknown_members_come_with_the_known(void **state)
{
    (void)state;
    refused("[rate]\nclient = {brst = 1}",
        "t.toml:2: unknown key \"brst\" in [rate.client]; did you mean \"burst\"?");
    refused("[rate.client]\nburst = 1\nper_minute = 10",
        "t.toml:3: unknown key \"per_minute\" in [rate.client]; known are \"burst\" and "
        "\"per_s\"");
    refused("quota.client.x = 1",
        "t.toml:1: unknown key \"x\" in [quota.client]; known are \"calls\", \"rows\", "
        "\"bytes\", \"engine_s\" and \"credits\"");
    refused("[quota]\nuser = {}", "t.toml:2: unknown key \"user\" in [quota]; known are "
                                  "\"timezone\", \"principal\" and \"client\"");
    refused("[rate]\nburst = 1",
        "t.toml:2: unknown key \"burst\" in [rate]; known are \"principal\", \"client\", "
        "\"session\", \"global\", \"catalog\" and \"http\"");
}

static void what_is_no_table_is_shown_one(void **state)
{
    (void)state;
    refused("rate.client = 5",
        "t.toml:1: rate.client must be a table such as {burst = 120, "
        "per_s = 2.0}, got 5");
    refused("[[rate.client]]",
        "t.toml:1: rate.client must be a table such as {burst = 120, "
        "per_s = 2.0}, got an array");
    refused("[priority]\nfloor = 0.2",
        "t.toml:2: priority.floor must be a table such as {high = 0.2, normal = 0.2, low = "
        "0.05}, got a number with a fraction");
    refused("quota.client = true",
        "t.toml:1: quota.client must be a table such as {calls = 0, rows = 0, bytes = 0, "
        "engine_s = 0, credits = 0.0}, got true");
    refused("concurrency.client = 'x'",
        "t.toml:1: concurrency.client must be a table such as {run = 4, queue = 32}, got "
        "\"x\"");
}

static void time_zones_exist(void **state)
{
    (void)state;
#define ZONE                                                                                 \
    "t.toml:1: quota.timezone must be \"local\", \"UTC\" or a name of the zone database in " \
    "/usr/share/zoneinfo such as \"Europe/Berlin\", got "
    static const char *const wrong[] = {"", "Mars", "Europe", "/etc/passwd",
        "/Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", "Europe/../Europe/Berlin",
        "../../../etc/passwd", "Europe/Berlin/", "utc ", "tzdata.zi", "zone.tab"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char toml[128];
        char expected[512];
        snprintf(toml, sizeof(toml), "quota.timezone = '%s'", wrong[i]);
        snprintf(expected, sizeof(expected), ZONE "\"%s\"", wrong[i]);
        refused(toml, expected);
    }
    refused("quota.timezone = 1", "t.toml:1: quota.timezone must be a string, got 1");
    parse("quota.timezone = 'UTC'");
    assert_string_equal(config.quota_timezone, "UTC");
    parse("quota.timezone = 'local'");
    assert_string_equal(config.quota_timezone, "local");
}

static void zones_of_the_database_are_known(void **state)
{
    (void)state;
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) {
        skip();
    }
    parse("quota.timezone = 'Europe/Berlin'");
    assert_string_equal(config.quota_timezone, "Europe/Berlin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tables_of_numbers_are_read_inline_and_as_sections),
        TEST(members_that_are_not_named_stay),
        TEST(fractions_are_rounded_to_the_nearest),
        TEST(integers_of_a_table_have_their_range),
        TEST(fractions_of_a_table_have_their_range),
        TEST(a_burst_must_come_back),
        TEST(floors_leave_a_tenth),
        TEST(unknown_members_come_with_the_known),
        TEST(what_is_no_table_is_shown_one),
        TEST(time_zones_exist),
        TEST(zones_of_the_database_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
