// SPDX-License-Identifier: Apache-2.0
/* Settings: defaults, values, and a sentence for everything that is wrong. */
#include "config_fixture.h"

static void defaults_are_those_of_the_table(void **state)
{
    (void)state;
#define CONFIG_INT(section, key, value, min, max, text)                                  \
    assert_int_equal(config.section##_##key, value);
#define CONFIG_STRING(section, key, value, text)                                         \
    assert_string_equal(config.section##_##key, value);
#define CONFIG_UIDS(section, key, text) assert_int_equal(config.section##_##key.len, 0);
#define CONFIG_RATE(section, key, burst_value, per_value, text)                          \
    assert_int_equal(config.section##_##key.burst, burst_value);                         \
    assert_int_equal(config.section##_##key.per_1000_s, per_value);
#define CONFIG_AMOUNTS(section, key, text)                                               \
    assert_memory_equal(                                                                 \
        &config.section##_##key, &(struct config_amounts){0}, sizeof(struct config_amounts));
#define CONFIG_SHARES(section, key, high_value, normal_value, low_value, text)           \
    assert_int_equal(config.section##_##key.high, high_value);                           \
    assert_int_equal(config.section##_##key.normal, normal_value);                       \
    assert_int_equal(config.section##_##key.low, low_value);
#define CONFIG_BOUNDS(section, key, run_value, queue_value, text)                        \
    assert_int_equal(config.section##_##key.run, run_value);                             \
    assert_int_equal(config.section##_##key.queue, queue_value);
#define CONFIG_WEIGHTS(section, key, text)                                               \
    assert_int_equal(config.section##_##key.len, 0);
#define CONFIG_TYPES(section, key, text)                                                 \
    assert_int_equal(config.section##_##key.len, 0);
#include "config/config.def"
    assert_int_equal(config.profile_count, 0);
    parse("[profile.x]\nfiles = ['a']\n");
    assert_int_equal(config.profile_count, 1);
    assert_int_equal(config.profile[0].options.len, 0);
#define PROFILE_INT(key, value, min, max, text)                                          \
    assert_int_equal(config.profile[0].key, value);
#define PROFILE_STRING(key, value, text)                                                 \
    assert_string_equal(config.profile[0].key, value);
#define PROFILE_CREDITS(key, text) assert_int_equal(config.profile[0].key.len, 0);
#define PROFILE_POLICIES(key, text) assert_int_equal(config.profile[0].key.len, 0);
#include "config/profile.def"
#undef CONFIG_INT
#undef CONFIG_STRING
#undef CONFIG_UIDS
#undef CONFIG_RATE
#undef CONFIG_AMOUNTS
#undef CONFIG_SHARES
#undef CONFIG_BOUNDS
#undef CONFIG_WEIGHTS
#undef CONFIG_TYPES
#undef PROFILE_CREDITS
#undef PROFILE_POLICIES
#undef PROFILE_INT
#undef PROFILE_STRING
}

static void an_empty_file_changes_nothing(void **state)
{
    (void)state;
    memcpy(&before, &config, sizeof(config));
    parse("");
    parse("# only a comment\n[query]\n[profile]\n");
    assert_memory_equal(&before, &config, sizeof(config));
}

static void all_kinds_of_values_are_read(void **state)
{
    (void)state;
    parse("daemon.log_level = 'warn'\n"
          "[listen]\nhttp = '[::1]:0'\nsocket = 'run/s.sock'\nuids = [0, 4_294_967_294]\n"
          "[query]\ngrace_s = 300\nlimit_rows = 10_000\n"
          "[profile.a-B_9]\ndriver = 'other'\ndialect = 'snowflake'\nslots = 1\n"
          "[profile.a-B_9.options]\nuser = 'u'\nport = -8_443\ntls = true\nlax = false\n"
          "adbc.snowflake.sql.account = 'one'\n'adbc.snowflake.sql.db' = ''\n");
    assert_string_equal(config.daemon_log_level, "warn");
    assert_string_equal(config.listen_http, "[::1]:0");
    assert_string_equal(config.listen_socket, "run/s.sock");
    assert_int_equal(config.listen_uids.len, 2);
    assert_int_equal(config.listen_uids.at[0], 0);
    assert_true(config.listen_uids.at[1] == 4294967294);
    assert_int_equal(config.query_grace_s, 300);
    assert_int_equal(config.query_limit_rows, 10000);
    const struct config_profile *profile = &config.profile[0];
    assert_string_equal(profile->name, "a-B_9");
    assert_string_equal(profile->driver, "other");
    assert_int_equal(profile->slots, 1);
    static const char *const options[][2] = {{"user", "u"}, {"port", "-8443"},
        {"tls", "true"}, {"lax", "false"}, {"adbc.snowflake.sql.account", "one"},
        {"adbc.snowflake.sql.db", ""}};
    assert_int_equal(profile->options.len, ARRAY_LEN(options));
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        assert_string_equal(profile->options.at[i].key, options[i][0]);
        assert_string_equal(profile->options.at[i].value, options[i][1]);
    }
}

static void a_later_file_goes_over_an_earlier_one(void **state)
{
    (void)state;
    parse("query.grace_s = 7\n[profile.a]\nfiles = ['1', '2']\nslots = 3\n"
          "[profile.a.options]\nx = 1\ny = 2\n[profile.b]\nfiles = ['b']\n");
    parse("query.timeout_s = 9\n[profile.a]\nfiles = ['3']\nthreads = 2\n"
          "[profile.a.options]\nz = 3\n");
    assert_int_equal(config.query_grace_s, 7);
    assert_int_equal(config.query_timeout_s, 9);
    assert_int_equal(config.profile_count, 2);
    const struct config_profile *a = &config.profile[0];
    assert_int_equal(a->slots, 3);
    assert_int_equal(a->threads, 2);
    assert_int_equal(a->files.len, 1);
    assert_string_equal(a->files.at[0], "3");
    assert_int_equal(a->options.len, 1);
    assert_string_equal(a->options.at[0].key, "z");
    assert_string_equal(config.profile[1].files.at[0], "b");
}

static void a_refused_file_changes_nothing_at_all(void **state)
{
    (void)state;
    parse("query.grace_s = 7\n[profile.a]\nfiles = ['1']\noptions = {x = 'secret'}\n");
    /* What precedes the error is good, and would replace files and options. */
    refused("[query]\ngrace_s = 8\n[profile.a]\nfiles = ['2']\noptions = {}\n"
            "[profile.b]\nfiles = ['3']\n[daemon]\nlog_level = 'loud'\n",
        "t.toml:9: daemon.log_level must be \"debug\", \"info\", \"warn\" or \"error\", "
        "got \"loud\"");
    assert_string_equal(config.profile[0].files.at[0], "1");
    assert_string_equal(config.profile[0].options.at[0].value, "secret");
}

static void unknown_names_come_with_the_nearest_known(void **state)
{
    (void)state;
    refused("[query]\n\ngrce_s = 1\n",
        "t.toml:3: unknown key \"grce_s\" in [query]; did you mean \"grace_s\"?");
    refused("[concurrency]\nqueue_totl = 1\n",
        "t.toml:2: unknown key \"queue_totl\" in "
        "[concurrency]; did you mean \"queue_total\"?");
    refused("[daemon]\nx_s = 1\n", "t.toml:2: unknown key \"x_s\" in [daemon]; known are "
                                   "\"linger_s\", \"drain_s\" and \"log_level\"");
    refused("[session]\nabc = 1\n",
        "t.toml:2: unknown key \"abc\" in [session]; known are \"max\", "
        "\"max_per_principal\", \"idle_s\", \"pin_idle_s\", \"resume_s\" and \"age_s\"");
    refused("\nquerry.x = 1\n",
        "t.toml:2: unknown section \"querry\"; did you mean \"query\"?");
    refused("[session]\ngrace_s = 1\n",
        "t.toml:2: unknown key \"grace_s\" in [session]; it belongs under [query]");
    refused("grace_s = 1\n",
        "t.toml:1: \"grace_s\" stands outside a section; it belongs under [query]");
    refused("[session]\nclient = {}\n", "t.toml:2: unknown key \"client\" in [session]; it "
                                         "belongs under [rate], [weight], [concurrency] or [quota]");
    refused("[principal]\n", "t.toml:1: \"principal\" stands outside a section; it belongs "
                             "under [rate], [weight], [concurrency] or [quota]");
    refused("[querry]\ngrace_s = 1\n",
        "t.toml:1: unknown section \"querry\"; did you mean \"query\"?");
    refused("\n[snowflake]\n",
        "t.toml:2: unknown section \"snowflake\"; known are \"listen\", \"session\", "
        "\"query\", \"rate\", \"priority\", \"weight\", \"client\", \"concurrency\", \"quota\", \"catalog\", \"http\", \"daemon\", \"drivers\", "
        "\"results\" and \"profile\"");
    refused("query = 1\n", "t.toml:1: query must be a section, [query], got 1");
    refused("[[query]]\n", "t.toml:1: query must be a section, [query], got an array");
    refused(
        "profile = 'x'\n", "t.toml:1: profile must be a section, [profile], got \"x\"");
    refused("[profile.x]\ndialekt = 'duckdb'\n",
        "t.toml:2: unknown key \"dialekt\" in [profile.x]; did you mean \"dialect\"?");
    refused("[daemon]\n\"a\\nb\" = 1\n",
        "t.toml:2: unknown key \"a\\nb\" in [daemon]; known are "
        "\"linger_s\", \"drain_s\" and \"log_level\"");
}

static void errors_name_the_first_line_that_is_wrong(void **state)
{
    (void)state;
    refused("[query]\nzebra = 1\napple = 2\n[concurrency]\nx = 1\n",
        "t.toml:2: unknown key \"zebra\" in [query]; known are \"limit_rows\", \"page_bytes\", "
        "\"cell_chars\", \"grace_s\", \"timeout_s\" and \"queue_s\"");
}

static void integers_have_their_range(void **state)
{
    (void)state;
#define GRACE "t.toml:1: query.grace_s must be an integer from 1 to 300, got "
    refused("query.grace_s = 'x'", GRACE "\"x\"");
    refused("query.grace_s = 0", GRACE "0");
    refused("query.grace_s = 301", GRACE "301");
    refused("query.grace_s = -1", GRACE "-1");
    refused("query.grace_s = 1.5", GRACE "a number with a fraction");
    refused("query.grace_s = true", GRACE "true");
    refused("query.grace_s = [1]", GRACE "an array");
    refused("query.grace_s = {}", GRACE "a table");
    refused("query.grace_s = 1979-05-27", GRACE "a date or time");
    refused("[profile.p]\nslots = 65",
        "t.toml:2: profile.p.slots must be an integer from 1 to 64, got 65");
    parse("query.grace_s = 1");
    assert_int_equal(config.query_grace_s, 1);
}

/* Both ends of every row are taken, one beyond them is not. */
static void assert_range(const char *section, const char *key, int64_t min, int64_t max)
{
    char toml[256];
    char expected[512];
    const int64_t outside[] = {min - 1, max + 1};
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        snprintf(
            toml, sizeof(toml), "[%s]\n%s = %lld", section, key, (long long)outside[i]);
        snprintf(expected, sizeof(expected),
            "t.toml:2: %s.%s must be an integer from %lld to %lld, got %lld", section,
            key, (long long)min, (long long)max, (long long)outside[i]);
        refused(toml, expected);
    }
    snprintf(toml, sizeof(toml), "[%s]\n%s = %lld", section, key, (long long)min);
    parse(toml);
    snprintf(toml, sizeof(toml), "[%s]\n%s = %lld", section, key, (long long)max);
    parse(toml);
}

static void every_row_has_its_own_range(void **state)
{
    (void)state;
    parse("[profile.p]\nfiles = ['a']");
#define CONFIG_INT(section, key, value, min, max, text)                                  \
    assert_range(#section, #key, min, max);                                              \
    assert_int_equal(config.section##_##key, max);
#define CONFIG_STRING(section, key, value, text)
#define CONFIG_UIDS(section, key, text)
#define CONFIG_RATE(section, key, burst, per_1000_s, text)
#define CONFIG_AMOUNTS(section, key, text)
#define CONFIG_SHARES(section, key, high, normal, low, text)
#define CONFIG_BOUNDS(section, key, run, queue, text)
#define CONFIG_WEIGHTS(section, key, text)
#define CONFIG_TYPES(section, key, text)
#define PROFILE_CREDITS(key, text)
#define PROFILE_POLICIES(key, text)
#define PROFILE_INT(key, value, min, max, text)                                          \
    assert_range("profile.p", #key, min, max);                                           \
    assert_int_equal(config.profile[0].key, max);
#define PROFILE_STRING(key, value, text)
#include "config/config.def"
#include "config/profile.def"
#undef CONFIG_INT
#undef CONFIG_STRING
#undef CONFIG_UIDS
#undef CONFIG_RATE
#undef CONFIG_AMOUNTS
#undef CONFIG_SHARES
#undef CONFIG_BOUNDS
#undef CONFIG_WEIGHTS
#undef CONFIG_TYPES
#undef PROFILE_CREDITS
#undef PROFILE_POLICIES
#undef PROFILE_INT
#undef PROFILE_STRING
}

static void strings_are_checked(void **state)
{
    (void)state;
    char toml[8192];
    refused("listen.socket = 1", "t.toml:1: listen.socket must be a string, got 1");
    refused("listen.socket = ''", "t.toml:1: listen.socket must be a path, got \"\"");
    refused("listen.socket = \"a\\u0000b\"",
        "t.toml:1: listen.socket must be a string without NUL, got \"a\\u0000b\"");
    snprintf(toml, sizeof(toml), "listen.socket = '%0255d'", 7);
    parse(toml);
    assert_int_equal(strlen(config.listen_socket), 255);
    snprintf(toml, sizeof(toml), "listen.socket = '%0256d'", 7);
    refused(toml,
        "t.toml:1: listen.socket must be a string of at most 255 bytes, got 256 bytes");
    refused("[daemon]\nlog_level = ''",
        "t.toml:2: daemon.log_level must be \"debug\", \"info\", \"warn\" or \"error\", "
        "got \"\"");
    refused("[profile.p]\npolicy = 'anything'",
        "t.toml:2: profile.p.policy must be \"read_only\", \"session_state\", \"read_write\", "
        "\"read_only+ai\", \"session_state+ai\" or \"read_write+ai\", got \"anything\"");
    refused("[profile.p]\ndialect = 'DuckDB'",
        "t.toml:2: profile.p.dialect must be \"\", \"duckdb\", \"snowflake\", "
        "\"postgresql\" or \"sqlite\", got \"DuckDB\"");
    refused("[profile.p]\ndriver = ''",
        "t.toml:2: profile.p.driver must be a path, got \"\"");
    refused("[profile.p]\npolicy = "
            "'0123456789012345678901234567890123456789012345678901234567890123456789'",
        "t.toml:2: profile.p.policy must be \"read_only\", \"session_state\", \"read_write\", "
        "\"read_only+ai\", \"session_state+ai\" or \"read_write+ai\", got "
        "\"0123456789012345678901234567890123456789012345678901234567890123\"...");
}

static void http_stays_on_loopback(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "127.0.0.1:8850", "127.255.1.2:65535", "localhost:0", "[::1]:8850"};
    static const char *const remote[] = {"0.0.0.0:8850", ":8850", "[::]:8850",
        "192.168.1.2:80", "128.0.0.1:80", "example.com:80", "127.0.0.1.example.com:80",
        "::1:8850", "[::ffff:127.0.0.1]:80", "127.1:80", "0127.0.0.1:80",
        "localhost :80"};
    static const char *const malformed[] = {"8850", "127.0.0.1", "localhost:", "[::1]",
        "localhost:65536", "localhost:-1", "localhost:http", "http://localhost:80/"};
    char toml[256];
    char expected[512];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        snprintf(toml, sizeof(toml), "listen.http = '%s'", good[i]);
        parse(toml);
        assert_string_equal(config.listen_http, good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(remote); i++) {
        snprintf(toml, sizeof(toml), "listen.http = '%s'", remote[i]);
        snprintf(expected, sizeof(expected),
            "t.toml:1: listen.http must be on a loopback address (localhost, 127.0.0.0/8 or "
            "[::1]): authentication of remote clients is not available yet, got \"%s\"",
            remote[i]);
        refused(toml, expected);
    }
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        snprintf(toml, sizeof(toml), "listen.http = '%s'", malformed[i]);
        snprintf(expected, sizeof(expected),
            "t.toml:1: listen.http must be \"\" or HOST:PORT with HOST localhost, "
            "127.0.0.0/8 or [::1] and PORT from 0 to 65535, got \"%s\"",
            malformed[i]);
        refused(toml, expected);
    }
}

static void uids_are_checked(void **state)
{
    (void)state;
#define UIDS                                                                             \
    "listen.uids must be an array of at most 32 integers from 0 to 4294967294, got "
    refused("listen.uids = 1000", "t.toml:1: " UIDS "1000");
    refused("[listen]\nuids = [\n1,\n'root']", "t.toml:4: " UIDS "\"root\"");
    refused("listen.uids = [-1]", "t.toml:1: " UIDS "-1");
    refused("listen.uids = [4294967295]", "t.toml:1: " UIDS "4294967295");
    struct buf toml = BUF_INIT(1024);
    buf_puts(&toml, "listen.uids = [0");
    for (int i = 1; i < CONFIG_UIDS_MAX; i++) {
        buf_printf(&toml, ",%d", i);
    }
    buf_puts(&toml, "]\n");
    buf_putc(&toml, '\0');
    parse(toml.ptr);
    assert_int_equal(config.listen_uids.len, CONFIG_UIDS_MAX);
    toml.len -= 3;
    buf_puts(&toml, ",99]");
    assert_refused(buf_str(&toml), "t.toml:1: " UIDS "more");
    buf_free(&toml);
    parse("listen.uids = []");
    assert_int_equal(config.listen_uids.len, 0);
}

static void what_is_not_toml_is_refused_with_its_line(void **state)
{
    (void)state;
    struct buf err = BUF_INIT(ERR_SIZE);
    static const struct {
        const char *toml;
        const char *start;
    } cases[] = {
        {"[query]\ngrace_s = \n", "t.toml:2: not readable as TOML: "},
        {"[query]\ngrace_s = 1\ngrace_s = 2\n", "t.toml:3: not readable as TOML: "},
        {"\n\n[query\n", "t.toml:3: not readable as TOML: "},
        {"a = 1\n [ \n[query]\n", "t.toml:2: not readable as TOML: "},
        {"[[\n", "t.toml:1: not readable as TOML: "},
        {"a = \"\xff\"", "t.toml:1: not readable as TOML: "},
        {"a = 99999999999999999999", "t.toml:1: not readable as TOML: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(config_parse(&config, str_of(cases[i].toml), "t.toml", &err));
        assert_true(str_starts(buf_str(&err), str_of(cases[i].start)));
        assert_true(err.len > strlen(cases[i].start) + 10);
        buf_clear(&err);
    }
    buf_free(&err);
    assert_refused(STR("a = 1\0"),
        "t.toml:1: not readable as TOML: Error while parsing decimal integer: expected "
        "digit, saw '\\u0000'");
}

static void deep_keys_do_not_exhaust_the_stack(void **state)
{
    (void)state;
    struct buf toml = BUF_INIT(TEXT_MAX);
    buf_puts(&toml, "[query]\na");
    for (int i = 0; i < 300000; i++) {
        buf_puts(&toml, ".a");
    }
    buf_puts(&toml, " = 1\n");
    assert_refused(buf_str(&toml),
        "t.toml:2: not readable as TOML: a line may hold at most 512 dots");
    buf_free(&toml);
    refused("a = [[[[[[[[[[[[[[[[[[[[",
        "t.toml:1: not readable as TOML: Error while parsing value: exceeded maximum nested "
        "value depth of 16 (TOML_MAX_NESTED_VALUES)");
    refused("[profile.x.options]\na.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1",
        "t.toml:2: not readable as TOML: tables and arrays may be nested at most 16 deep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_those_of_the_table),
        TEST(an_empty_file_changes_nothing),
        TEST(all_kinds_of_values_are_read),
        TEST(a_later_file_goes_over_an_earlier_one),
        TEST(a_refused_file_changes_nothing_at_all),
        TEST(unknown_names_come_with_the_nearest_known),
        TEST(errors_name_the_first_line_that_is_wrong),
        TEST(integers_have_their_range),
        TEST(every_row_has_its_own_range),
        TEST(strings_are_checked),
        TEST(http_stays_on_loopback),
        TEST(uids_are_checked),
        TEST(what_is_not_toml_is_refused_with_its_line),
        TEST(deep_keys_do_not_exhaust_the_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
