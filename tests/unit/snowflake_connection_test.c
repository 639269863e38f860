// SPDX-License-Identifier: Apache-2.0
/* Connections of Snowflake's own tools: where they are, what they mean to the driver. */
#include <sys/stat.h>

#include "config/profile_options.h"
#include "config/snowflake_connection.h"
#include "config_fixture.h"

#define SQL "adbc.snowflake.sql."
#define CLIENT SQL "client_option."

static struct snowflake_connection connection;
static char home[PATH_SIZE + 32];

static void clear_variables(void)
{
    static const char *const more[] = {"PRIVATE_KEY_PASSPHRASE", "XDG_CONFIG_HOME"};
    for (size_t i = 0; environ[i];) {
        char name[256] = "";
        (void)str_copy(
            (struct str){environ[i], strcspn(environ[i], "=")}, name, sizeof(name));
        if (str_starts(str_of(name), STR("SNOWFLAKE_"))) {
            unsetenv(name);
        } else {
            i++;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        unsetenv(more[i]);
    }
}

static int begin(void **state)
{
    int rc = set_up(state);
    clear_variables();
    snprintf(home, sizeof(home), "%s/.snowflake", dir);
    return rc || setenv("HOME", dir, 1) || mkdir(home, 0700);
}

static int end(void **state)
{
    snowflake_connection_free(&connection);
    return tear_down(state);
}

static void put_file(
    const char *directory, const char *name, const char *text, mode_t mode)
{
    char path[2 * PATH_SIZE];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    write_file(path, str_of(text));
    assert_int_equal(chmod(path, mode), 0);
}

static void read_named(const char *name)
{
    struct buf err = BUF_INIT(ERR_SIZE);
    snowflake_connection_free(&connection);
    if (!snowflake_connection_read(&connection, name, &err)) {
        fail_msg(STR_FMT, STR_ARG(buf_str(&err)));
    }
    assert_int_equal(err.len, 0);
    buf_free(&err);
}

/* @text is all of connections.toml. */
static void read_text(const char *text)
{
    put_file(home, "connections.toml", text, 0600);
    read_named("c");
}

/* In @want "%" is the directory of the files. */
static void refuse_named(const char *name, const char *want)
{
    struct buf err = BUF_INIT(ERR_SIZE);
    struct buf full = BUF_INIT(ERR_SIZE);
    snowflake_connection_free(&connection);
    assert_false(snowflake_connection_read(&connection, name, &err));
    for (const char *c = want; *c; c++) {
        if (*c == '%') {
            buf_puts(&full, home);
        } else {
            buf_putc(&full, *c);
        }
    }
    buf_putc(&full, '\0');
    assert_text(&err, full.ptr);
    buf_free(&full);
}

static void refuse_text(const char *text, const char *want)
{
    put_file(home, "connections.toml", text, 0600);
    refuse_named("c", want);
}

static void assert_option(const char *key, enum config_source source, const char *value)
{
    const struct config_option *option = options_find(&connection.options, str_of(key));
    if (!option) {
        fail_msg("there is no %s", key);
    }
    assert_int_equal(option->source, source);
    assert_string_equal(option->value, value);
}

static void assert_value(const char *key, const char *value)
{
    assert_option(key, CONFIG_VALUE, value);
}

static void a_password_logs_in(void **state)
{
    (void)state;
    read_text("[c]\naccount = 'org-acct'\nuser = 'me'\npassword = 'hunter2'\n"
              "role = 'R'\nwarehouse = 'W'\ndatabase = 'D'\nschema = 'S'\nport = 8080\n"
              "host = 'localhost'\nprotocol = 'http'\nregion = 'eu'\nlogin_timeout = 7\n"
              "client_store_temporary_credential = true\nocsp_fail_open = 'FALSE'\n"
              "session_parameters = {QUERY_TAG = 'x', WEEK_START = 1}\n");
    assert_value(SQL "account", "org-acct");
    assert_value("username", "me");
    assert_value("password", "hunter2");
    assert_value(SQL "auth_type", "auth_snowflake");
    assert_value(SQL "uri.host", "localhost");
    assert_value(SQL "uri.port", "8080");
    assert_value(SQL "uri.protocol", "http");
    assert_value(SQL "region", "eu");
    assert_value(CLIENT "login_timeout", "7s");
    assert_value(CLIENT "store_temp_creds", "true");
    assert_value(CLIENT "ocsp_fail_open_mode", "false");
    assert_value("QUERY_TAG", "x");
    assert_value("WEEK_START", "1");
    assert_int_equal(connection.options.len, 13);
    assert_string_equal(connection.role, "R");
    assert_string_equal(connection.warehouse, "W");
    assert_string_equal(connection.database, "D");
    assert_string_equal(connection.schema, "S");
}

static void every_way_to_log_in_has_its_type(void **state)
{
#define WHO "[c]\naccount = 'a'\nuser = 'u'\n"
    (void)state;
    read_text(WHO "authenticator = 'ExternalBrowser'");
    assert_value(SQL "auth_type", "auth_ext_browser");
    read_text(WHO "authenticator = 'USERNAME_PASSWORD_MFA'\npassword = 'p'");
    assert_value(SQL "auth_type", "auth_mfa");
    read_text(WHO "authenticator = 'https://dev-1.okta.com'\npassword = 'p'");
    assert_value(SQL "auth_type", "auth_okta");
    assert_value(CLIENT "okta_url", "https://dev-1.okta.com");
    read_text("[c]\naccount = 'a'\nauthenticator = 'oauth'\ntoken = 't'");
    assert_value(SQL "auth_type", "auth_oauth");
    assert_value(CLIENT "auth_token", "t");
    read_text("[c]\naccount = 'a'\nauthenticator = 'PROGRAMMATIC_ACCESS_TOKEN'\n"
              "token_file_path = '/run/token'");
    assert_value(SQL "auth_type", "auth_pat");
    assert_option(CLIENT "auth_token", CONFIG_FROM_FILE, "/run/token");
    read_text("[c]\naccount = 'a'\nauthenticator = 'WORKLOAD_IDENTITY'\n"
              "workload_identity_provider = 'AWS'");
    assert_value(SQL "auth_type", "auth_wif");
    assert_value(CLIENT "identity_provider", "AWS");
}

static void only_what_a_login_needs_goes_to_the_driver(void **state)
{
    (void)state;
    read_text(WHO "password = 'p'\ntoken = 't'");
    assert_null(options_find(&connection.options, STR(CLIENT "auth_token")));
    read_text(WHO "password = 'p'\ntoken = 't'\nauthenticator = 'oauth'");
    assert_null(options_find(&connection.options, STR("password")));
    read_text(WHO "password = 'p'\nprivate_key_file = '/k.p8'");
    assert_null(options_find(&connection.options, STR("password")));
}

static void a_private_key_may_be_a_file_or_a_text(void **state)
{
    char path[2 * PATH_SIZE];
    (void)state;
    /* As Snowflake's connector: a key decides how to log in. */
    read_text(WHO "private_key_file = '~/k.p8'\nprivate_key_file_pwd = 'open'");
    snprintf(path, sizeof(path), "%s/k.p8", dir);
    assert_value(SQL "auth_type", "auth_jwt");
    assert_option(CLIENT "jwt_private_key_pkcs8_value", CONFIG_FROM_FILE, path);
    assert_value(CLIENT "jwt_private_key_pkcs8_password", "open");
    assert_int_equal(setenv("PRIVATE_KEY_PASSPHRASE", "sesame", 1), 0);
    read_text(WHO "private_key_path = '/k.p8'\nauthenticator = 'SNOWFLAKE_JWT'");
    assert_option(CLIENT "jwt_private_key_pkcs8_value", CONFIG_FROM_FILE, "/k.p8");
    assert_option(CLIENT "jwt_private_key_pkcs8_password", CONFIG_FROM_ENV,
        "PRIVATE_KEY_PASSPHRASE");
    unsetenv("PRIVATE_KEY_PASSPHRASE");
    read_text(WHO "private_key = 'AAAA'");
    assert_value(CLIENT "jwt_private_key_pkcs8_value",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    read_text(WHO "private_key_raw = '''-----BEGIN PRIVATE KEY-----\nBBBB\n'''");
    assert_value(
        CLIENT "jwt_private_key_pkcs8_value", "-----BEGIN PRIVATE KEY-----\nBBBB\n");
    assert_null(
        options_find(&connection.options, STR(CLIENT "jwt_private_key_pkcs8_password")));
}

static void an_account_is_taken_out_of_its_address(void **state)
{
    static const char *const spelled[][2] = {{"a", "a"}, {"org-a_b", "org-a_b"},
        {"xy1.eu-central-1", "xy1.eu-central-1"},
        {"xy1.eu-central-1.snowflakecomputing.com", "xy1.eu-central-1"},
        {"https://Org-A.SnowflakeComputing.com/", "Org-A"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(spelled); i++) {
        char text[256];
        snprintf(text, sizeof(text), "[c]\naccount = '%s'\nuser = 'u'\npassword = 'p'",
            spelled[i][0]);
        read_text(text);
        assert_value(SQL "account", spelled[i][1]);
    }
}

static void what_is_missing_or_wrong_is_named(void **state)
{
#define AT "%/connections.toml: the connection [c]: "
    (void)state;
    refuse_text("[c]\nuser = 'u'", AT "account is missing");
    refuse_text("[c]\naccount = 'a b'",
        AT "account must be an account's identifier, such as \"org-name\"");
    refuse_text(WHO, AT "password is missing, which auth_snowflake needs");
    refuse_text("[c]\naccount = 'a'\npassword = 'p'",
        AT "user is missing, which auth_snowflake needs");
    refuse_text(WHO "authenticator = 'snowflake_jwt'",
        AT "private_key_file is missing, which auth_jwt needs");
    refuse_text(WHO "authenticator = 'oauth'",
        AT "token or token_file_path is missing, which auth_oauth needs");
    refuse_text(WHO "authenticator = 'oauth_authorization_code'", AT
        "the driver has no authenticator \"oauth_authorization_code\"; it knows snowflake, "
        "externalbrowser, snowflake_jwt, oauth, programmatic_access_token, "
        "username_password_mfa, workload_identity, and the https:// address of an Okta");
    refuse_text(WHO "private_key_file = 'k.p8'",
        AT "private_key_file must be an absolute path or begin with ~/");
    refuse_text(WHO "password = 'p'\nlogin_timeout = 'soon'",
        AT "login_timeout must be a number of seconds from 1 to 86400");
    refuse_text(WHO "password = 'p'\nocsp_fail_open = 'maybe'",
        AT "ocsp_fail_open must be true or false");
    refuse_text(WHO "pasword = 'hunter2'",
        "%/connections.toml:4: unknown key \"pasword\" in [c]; did you mean \"password\"?");
    refuse_text(WHO "password = ['hunter2']",
        "%/connections.toml:4: password must be a string without NUL, an integer or a boolean");
    refuse_text("[c]\npassword = 'hunter2", "%/connections.toml:2: not readable as TOML");
}

static void keys_of_other_tools_are_left_out(void **state)
{
    (void)state;
    read_text(WHO "password = 'p'\nparamstyle = 'qmark'\nproxy_host = 'x'\n"
                  "crl_cache_dir = '/x'\n");
    assert_text(&connection.ignored, "paramstyle, proxy_host, crl_cache_dir");
    assert_int_equal(connection.options.len, 4);
}

static void connections_toml_stands_in_for_those_of_config_toml(void **state)
{
    (void)state;
    put_file(home, "config.toml",
        "default_connection_name = 'd'\n[cli]\nx = 1\n"
        "[connections.c]\naccount = 'old'\nuser = 'u'\npassword = 'p'\n"
        "[connections.d]\naccount = 'dee'\nuser = 'u'\npassword = 'p'\n",
        0600);
    read_named("c");
    assert_value(SQL "account", "old");
    read_named("default");
    assert_value(SQL "account", "dee");
    assert_int_equal(setenv("SNOWFLAKE_DEFAULT_CONNECTION_NAME", "c", 1), 0);
    read_named("default");
    assert_value(SQL "account", "old");
    read_text("[c]\naccount = 'new'\nuser = 'u'\npassword = 'p'\n[e]\n[default]\n"
              "account = 'def'\nuser = 'u'\npassword = 'p'\n");
    assert_value(SQL "account", "new");
    read_named("default");
    assert_value(SQL "account", "def");
    refuse_named("d",
        "%/connections.toml has no connection \"d\"; there are \"c\", \"e\", \"default\"");
    assert_int_equal(setenv("SNOWFLAKE_CONNECTIONS",
                         "[c]\naccount = 'env'\nuser = 'u'\npassword = 'p'\n", 1),
        0);
    read_named("c");
    assert_value(SQL "account", "env");
}

static void the_directory_is_where_snowflake_looks(void **state)
{
    char other[PATH_SIZE + 64];
    (void)state;
    refuse_named("c", "there is neither %/connections.toml nor %/config.toml");
    put_file(home, "connections.toml", WHO "password = 'home'", 0600);
    snprintf(other, sizeof(other), "%s/elsewhere", dir);
    assert_int_equal(mkdir(other, 0700), 0);
    put_file(other, "connections.toml", WHO "password = 'elsewhere'", 0600);
    read_named("c");
    assert_value("password", "home");
    assert_int_equal(setenv("SNOWFLAKE_HOME", "~/elsewhere", 1), 0);
    read_named("c");
    assert_value("password", "elsewhere");
    /* A home that is not there is as good as none. */
    assert_int_equal(setenv("SNOWFLAKE_HOME", "/no/such/home", 1), 0);
    snprintf(other, sizeof(other), "%s/.config", dir);
    assert_int_equal(mkdir(other, 0700), 0);
    snprintf(other, sizeof(other), "%s/.config/snowflake", dir);
    assert_int_equal(mkdir(other, 0700), 0);
    put_file(other, "connections.toml", WHO "password = 'dot config'", 0600);
    read_named("c");
    assert_value("password", "dot config");
    snprintf(other, sizeof(other), "%s/snowflake", dir);
    assert_int_equal(mkdir(other, 0700), 0);
    put_file(other, "connections.toml", WHO "password = 'xdg'", 0600);
    assert_int_equal(setenv("XDG_CONFIG_HOME", dir, 1), 0);
    read_named("c");
    assert_value("password", "xdg");
}

static void the_environment_goes_over_and_under_the_file(void **state)
{
    (void)state;
    assert_int_equal(setenv("SNOWFLAKE_CONNECTIONS_C_PASSWORD", "over", 1), 0);
    assert_int_equal(setenv("SNOWFLAKE_CONNECTIONS_OTHER_USER", "not me", 1), 0);
    assert_int_equal(setenv("SNOWFLAKE_PASSWORD", "under", 1), 0);
    assert_int_equal(setenv("SNOWFLAKE_USER", "under", 1), 0);
    assert_int_equal(setenv("SNOWFLAKE_ROLE", "UNDER", 1), 0);
    assert_int_equal(setenv("SNOWFLAKE_HOST", "not.generic", 1), 0);
    assert_int_equal(setenv("SNOWFLAKE_WAREHOUSE", "", 1), 0);
    read_text(WHO "password = 'file'");
    assert_value("password", "over");
    assert_value("username", "u");
    assert_string_equal(connection.role, "UNDER");
    assert_string_equal(connection.warehouse, "");
    assert_null(options_find(&connection.options, STR(SQL "uri.host")));
    /* One word for a key keeps the other's variable out. */
    assert_int_equal(setenv("SNOWFLAKE_PRIVATE_KEY_FILE", "/under.p8", 1), 0);
    read_text(WHO "private_key_path = '/file.p8'");
    assert_option(CLIENT "jwt_private_key_pkcs8_value", CONFIG_FROM_FILE, "/file.p8");
}

static void a_file_that_others_can_write_is_refused(void **state)
{
    (void)state;
    put_file(home, "connections.toml", WHO "password = 'p'", 0600);
    read_named("c");
    assert_false(connection.is_readable);
    put_file(home, "connections.toml", WHO "password = 'p'", 0640);
    read_named("c");
    assert_true(connection.is_readable);
    put_file(home, "connections.toml", WHO "password = 'p'", 0620);
    refuse_named("c",
        "%/connections.toml can be written by others than its owner; take that away: chmod "
        "0600");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_password_logs_in, begin, end),
        cmocka_unit_test_setup_teardown(
            only_what_a_login_needs_goes_to_the_driver, begin, end),
        cmocka_unit_test_setup_teardown(every_way_to_log_in_has_its_type, begin, end),
        cmocka_unit_test_setup_teardown(
            a_private_key_may_be_a_file_or_a_text, begin, end),
        cmocka_unit_test_setup_teardown(
            an_account_is_taken_out_of_its_address, begin, end),
        cmocka_unit_test_setup_teardown(what_is_missing_or_wrong_is_named, begin, end),
        cmocka_unit_test_setup_teardown(keys_of_other_tools_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(
            connections_toml_stands_in_for_those_of_config_toml, begin, end),
        cmocka_unit_test_setup_teardown(
            the_directory_is_where_snowflake_looks, begin, end),
        cmocka_unit_test_setup_teardown(
            the_environment_goes_over_and_under_the_file, begin, end),
        cmocka_unit_test_setup_teardown(
            a_file_that_others_can_write_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
