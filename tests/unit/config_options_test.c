// SPDX-License-Identifier: Apache-2.0
/* Options of drivers, where their values are kept, parameters of a session. */
#include "config_fixture.h"

#define SNOWFLAKE "[profile.s]\ndriver = 'snowflake'\n"

static const struct config_option *option_at(uint32_t i)
{
    assert_true(i < config.profile[0].options.len);
    return &config.profile[0].options.at[i];
}

static void a_value_may_be_kept_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/home/me", 1), 0);
    parse(
        "[profile.x]\ndriver = 'other'\n[profile.x.options]\n"
        "a = {env = 'MY_VAR1'}\nb.c = {file = '/etc/secret'}\n"
        "d = {file = '~/token'}\ne = {command = ['vault', 'read', '']}\nf.file.g = 'x'\n");
    assert_int_equal(config.profile[0].options.len, 5);
    assert_string_equal(option_at(4)->key, "f.file.g");
    assert_int_equal(option_at(0)->source, CONFIG_FROM_ENV);
    assert_string_equal(option_at(0)->value, "MY_VAR1");
    assert_int_equal(option_at(1)->source, CONFIG_FROM_FILE);
    assert_string_equal(option_at(1)->key, "b.c");
    assert_string_equal(option_at(1)->value, "/etc/secret");
    assert_string_equal(option_at(2)->value, "/home/me/token");
    assert_int_equal(option_at(3)->source, CONFIG_FROM_COMMAND);
    assert_int_equal(option_at(3)->value_len, 11);
    assert_memory_equal(option_at(3)->value, "vault\0read\0", 12);
}

static void relative_paths_begin_at_the_configuration(void **state)
{
    char path[PATH_SIZE + 16];
    char want[PATH_SIZE + 16];
    struct buf err = BUF_INIT(ERR_SIZE);
    (void)state;
    snprintf(path, sizeof(path), "%s/c.toml", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("[profile.x]\ndriver = 'other'\n[profile.x.options]\na = {file = 'token'}\n"
          "b = {command = ['bin/vault']}\nc = {command = ['vault', 'x/y']}\n",
        file);
    fclose(file);
    assert_true(config_read(&config, path, &err));
    snprintf(want, sizeof(want), "%s/token", dir);
    assert_string_equal(option_at(0)->value, want);
    snprintf(want, sizeof(want), "%s/bin/vault", dir);
    assert_string_equal(option_at(1)->value, want);
    assert_memory_equal(option_at(2)->value, "vault\0x/y", 10);
    buf_free(&err);
}

static void a_place_of_a_value_is_checked(void **state)
{
#define PLACE "[profile.x]\ndriver = 'other'\n[profile.x.options]\npassword = "
#define SHAPE                                                                            \
    "t.toml:4: profile.x.\"password\" must have exactly one of {env = \"VARIABLE\"}, "   \
    "{file = \"PATH\"} or {command = [\"PROGRAM\", \"ARGUMENT\"]}"
    (void)state;
    refused(PLACE "{env = 'A', file = 'b'}", SHAPE);
    refused(PLACE "{file = 'b', value = 'secret'}", SHAPE);
    refused(PLACE "{env = 'a b'}",
        "t.toml:4: profile.x.\"password\" must name an environment variable: letters, digits "
        "and \"_\"");
    refused(PLACE "{env = ''}",
        "t.toml:4: profile.x.\"password\" must name an environment variable: letters, digits "
        "and \"_\"");
    refused(PLACE "{file = ''}", "t.toml:4: profile.x.\"password\" must name a file");
#define COMMAND                                                                          \
    "t.toml:4: profile.x.\"password\" must be an array of a program and at most 15 "     \
    "arguments, strings without NUL"
    refused(PLACE "{command = []}", COMMAND);
    refused(PLACE "{command = ['']}", COMMAND);
    refused(PLACE "{command = 'vault'}", COMMAND);
    refused(PLACE "{command = ['vault', 1]}", COMMAND);
    refused(PLACE
        "{command = ['a','1','2','3','4','5','6','7','8','9','10','11','12','13',"
        "'14','15','16']}",
        COMMAND);
    parse(PLACE "{command = ['a','1','2','3','4','5','6','7','8','9','10','11','12','13',"
                "'14','15']}");
}

static void unknown_options_of_known_drivers_are_refused(void **state)
{
    (void)state;
#define UNKNOWN(key)                                                                     \
    "t.toml:4: unknown option \"" key "\" of the driver snowflake in [profile.s.options]"
    refused(SNOWFLAKE "[profile.s.options]\naccount = 'a'",
        UNKNOWN("account") "; did you mean \"adbc.snowflake.sql.account\"?");
    refused(SNOWFLAKE "[profile.s.options]\nadbc.snowflake.sql.acount = 'a'",
        UNKNOWN(
            "adbc.snowflake.sql.acount") "; did you mean \"adbc.snowflake.sql.account\"?");
    refused(SNOWFLAKE "[profile.s.options]\nuser = 'a'",
        UNKNOWN("user") "; did you mean \"username\"?");
    refused(SNOWFLAKE "[profile.s.options]\npasswort = 'secret'",
        UNKNOWN("passwort") "; did you mean \"password\"?");
    refused(SNOWFLAKE "[profile.s.options]\nTIMEZONE = 'UTC'",
        UNKNOWN("TIMEZONE") "; a parameter of the session belongs under "
                            "[profile.s.parameters]");
    /* The order of keys within a profile does not matter. */
    refused(
        "[profile.s]\noptions.TIMEZONE = 'UTC'\ndriver = '/x/libadbc_driver_sqlite.so'",
        "t.toml:2: unknown option \"TIMEZONE\" of the driver sqlite in [profile.s.options]; "
        "known are \"uri\", \"adbc.sqlite.load_extension.enabled\", "
        "\"adbc.sqlite.load_extension.entrypoint\" and "
        "\"adbc.sqlite.load_extension.path\"");
    refused("[profile.s]\ndriver = 'postgresql'\noptions.url = 'x'",
        "t.toml:3: unknown option \"url\" of the driver postgresql in [profile.s.options]; "
        "did you mean \"uri\"?");
    parse("[profile.s]\ndriver = 'flightsql'\n"
          "options.adbc.flight.sql.rpc.call_header.x-tenant = 'a'");
    parse("[profile.t]\ndriver = '/x/libadbc_driver_unheard.so'\noptions.whatever = 'a'");
}

static void a_way_to_log_in_is_a_known_one(void **state)
{
    (void)state;
#define AUTH "[profile.s.options]\nadbc.snowflake.sql.auth_type = "
    static const char must[] =
        "t.toml:4: profile.s.options.\"adbc.snowflake.sql.auth_type\" must be \"auth_snowflake\", "
        "\"auth_oauth\", \"auth_ext_browser\", \"auth_okta\", \"auth_jwt\", \"auth_mfa\", "
        "\"auth_pat\" or \"auth_wif\"";
    parse(SNOWFLAKE AUTH "'auth_pat'");
    parse(SNOWFLAKE AUTH "{env = 'HOW'}");
    refused(SNOWFLAKE AUTH "'auth_browser'", must);
    refused(SNOWFLAKE AUTH "'externalbrowser'", must);
    refused(SNOWFLAKE AUTH "''", must);
    parse("[profile.x]\ndriver = '/x/libadbc_driver_unheard.so'\n"
          "options.adbc.snowflake.sql.auth_type = 'any'");
}

static void parameters_of_a_session_are_named(void **state)
{
    (void)state;
    parse(SNOWFLAKE "[profile.s.parameters]\nTIMEZONE = 'UTC'\nWEEK_START = 1\n");
    const struct config_options *parameters = &config.profile[0].parameters;
    assert_int_equal(parameters->len, 2);
    assert_string_equal(parameters->at[1].key, "WEEK_START");
    assert_string_equal(parameters->at[1].value, "1");
    refused(SNOWFLAKE "[profile.s.parameters]\n'a-b' = 1",
        "t.toml:4: the name \"a-b\" in [profile.s.parameters] must be 1 to 255 letters, "
        "digits and \"_\"");
    refused(SNOWFLAKE "[profile.s.parameters]\npassword = 'secret'",
        "t.toml:4: \"password\" is an option of the driver: it belongs under "
        "[profile.s.options]");
    refused(SNOWFLAKE "[profile.s.parameters]\nTIMEZON = 'UTC'",
        "t.toml:4: unknown parameter \"TIMEZON\" in [profile.s.parameters]; did you mean "
        "\"TIMEZONE\"?");
    /* The server may know more than is documented. */
    parse(SNOWFLAKE "[profile.s.parameters]\ntimezone = 'UTC'\nFEATURE_OF_TOMORROW = 1\n");
    refused(SNOWFLAKE "[profile.s.parameters]\na.b = 1",
        "t.toml:4: profile.s.parameters.\"a\" must be a string without NUL, an integer or a "
        "boolean, got a table");
    refused("[profile.d]\nfiles = ['f']\nparameters.TIMEZONE = 'UTC'",
        "t.toml:3: [profile.d.parameters] are Snowflake's, and the driver is \"duckdb\"");
    refused("[profile.d]\ndriver = 'sqlite'\nparameters = {}",
        "t.toml:3: [profile.d.parameters] are Snowflake's, and the driver is \"sqlite\"");
}

static void a_connection_means_snowflake(void **state)
{
    (void)state;
    parse("[profile.c]\nconnection = 'dev'\n");
    assert_string_equal(config.profile[0].driver, "snowflake");
    parse("[profile.p]\nconnection = 'dev'\ndriver = '/x/libadbc_driver_snowflake.so'\n");
    refused("[profile.d]\nconnection = 'dev'\ndriver = 'sqlite'",
        "t.toml:1: [profile.d] has a connection, which is Snowflake's, and the driver "
        "\"sqlite\"");
    refused("[profile.d]\nconnection = 'dev'\nfiles = ['f']",
        "t.toml:1: [profile.d] has a connection, which is Snowflake's, and the driver "
        "\"duckdb\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_value_may_be_kept_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            relative_paths_begin_at_the_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_place_of_a_value_is_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            unknown_options_of_known_drivers_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            parameters_of_a_session_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_way_to_log_in_is_a_known_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_means_snowflake, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
