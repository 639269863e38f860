// SPDX-License-Identifier: Apache-2.0
/* Who logs in at a profile: its identity, and what a principal's credential may say. */
#include "config_fixture.h"

#include <sys/stat.h>

#include "config/credential.h"
#include "config/driver_options.h"
#include "config/profile.h"
#include "config/profile_options.h"

#define SNOWFLAKE                                                                        \
    "[profile.s]\ndriver = 'snowflake'\nidentity = 'per_principal'\n"                    \
    "options.\"adbc.snowflake.sql.account\" = 'a'\n"
#define FLIGHTSQL "[profile.p]\ndriver = 'flightsql'\nidentity = 'per_principal'\n"
#define OTHER "[profile.o]\ndriver = '/x/other.so'\nidentity = 'per_principal'\n"

static struct credential credential;

/* What a credential of the profile that was parsed last says; to be freed. */
static void taken(const char *toml)
{
    struct buf err = BUF_INIT(ERR_SIZE);
    if (!credential_parse(
            &credential, &config.profile[0], str_of(toml), "c.toml", "/c", &err)) {
        fail_msg(STR_FMT, STR_ARG(buf_str(&err)));
    }
    assert_int_equal(err.len, 0);
    buf_free(&err);
}

static void not_taken_str(struct str toml, const char *expected)
{
    struct buf err = BUF_INIT(ERR_SIZE);
    assert_false(
        credential_parse(&credential, &config.profile[0], toml, "c.toml", "/c", &err));
    assert_int_equal(credential.options.len, 0);
    assert_int_equal(credential.connection[0], '\0');
    assert_text(&err, expected);
}

static void not_taken(const char *toml, const char *expected)
{
    not_taken_str(str_of(toml), expected);
}

static void a_profile_logs_in_itself_unless_it_says_otherwise(void **state)
{
    (void)state;
    parse("[profile.a]\ndriver = 'postgresql'\n[profile.b]\ndriver = 'postgresql'\n"
          "identity = 'per_principal'\nworkers = 32\n");
    assert_false(profile_is_per_principal(&config.profile[0]));
    assert_string_equal(config.profile[0].identity, "service");
    assert_int_equal(config.profile[0].workers, 8);
    assert_true(profile_is_per_principal(&config.profile[1]));
    assert_int_equal(config.profile[1].workers, 32);
    refused("[profile.a]\nidentity = 'user'",
        "t.toml:2: profile.a.identity must be \"service\" or \"per_principal\", got "
        "\"user\"");
    refused("[profile.a]\nworkers = 33",
        "t.toml:2: profile.a.workers must be an integer from 1 to 32, got 33");
    refused("[profile.a]\nworkers = 0",
        "t.toml:2: profile.a.workers must be an integer from 1 to 32, got 0");
}

static void a_driver_without_a_login_has_no_principals(void **state)
{
    (void)state;
#define WITHOUT(driver)                                                                  \
    "t.toml:1: [profile.d] has identity = \"per_principal\" and the driver \"" driver    \
    "\", which has no login"
    refused("[profile.d]\nidentity = 'per_principal'\nfiles = ['f']", WITHOUT("duckdb"));
    refused(
        "[profile.d]\nidentity = 'per_principal'\ndriver = 'sqlite'", WITHOUT("sqlite"));
    refused("[profile.d]\nidentity = 'per_principal'\n"
            "driver = '/x/libadbc_driver_sqlite.so'",
        WITHOUT("/x/libadbc_driver_sqlite.so"));
    refused("[profile.d]\nidentity = 'per_principal'\ndriver = '/x/libduckdb.so'",
        WITHOUT("/x/libduckdb.so"));
}

static void a_login_of_the_profile_itself_would_stand_in_for_a_missing_one(void **state)
{
    (void)state;
#define LOGIN(name, key)                                                                 \
    "t.toml:1: [profile." name "] has identity = \"per_principal\" and \"" key           \
    "\", which says who logs in; that belongs into a credential: snowmux credential "    \
    "add " name " PRINCIPAL"
    refused(SNOWFLAKE "options.username = 'service'", LOGIN("s", "username"));
    refused("[profile.p]\ndriver = 'postgresql'\nidentity = 'per_principal'\n"
            "options.uri = 'postgresql://service@host/db'",
        LOGIN("p", "uri"));
    refused(OTHER "options.password = {env = 'P'}", LOGIN("o", "password"));
    refused("[profile.s]\ndriver = 'snowflake'\nidentity = 'per_principal'\n"
            "connection = 'service'",
        LOGIN("s", "connection"));
    /* In two files, whichever comes first. */
    parse("[profile.q]\ndriver = 'flightsql'\noptions.username = 'service'\n");
    refused("[profile.q]\nidentity = 'per_principal'", LOGIN("q", "username"));
    parse(SNOWFLAKE);
    parse(OTHER "options.user = 'not known to be one'\n");
}

static void each_driver_has_keys_that_say_who_logs_in(void **state)
{
    static const struct {
        const char *driver;
        const char *key;
        bool is_login;
    } rows[] = {
        {"snowflake", "username", true},
        {"snowflake", "password", true},
        {"snowflake", "uri", true},
        {"snowflake", "adbc.snowflake.sql.auth_type", true},
        {"snowflake", "adbc.snowflake.sql.client_option.auth_token", true},
        {"snowflake", "adbc.snowflake.sql.client_option.identity_provider", true},
        {"snowflake", "adbc.snowflake.sql.client_option.jwt_private_key", true},
        {"snowflake", "adbc.snowflake.sql.client_option.jwt_private_key_pkcs8_value",
            true},
        {"snowflake", "adbc.snowflake.sql.client_option.jwt_expire_timeout", false},
        {"snowflake", "adbc.snowflake.sql.client_option.okta_url", true},
        {"snowflake", "adbc.snowflake.sql.account", false},
        {"snowflake", "adbc.snowflake.sql.uri.host", false},
        {"snowflake", "adbc.snowflake.sql.role", false},
        {"postgresql", "uri", true},
        {"postgresql", "username", false},
        {"postgresql", "adbc.postgresql.type_resolver_mode", false},
        {"flightsql", "uri", false},
        {"flightsql", "username", true},
        {"flightsql", "password", true},
        {"flightsql", "adbc.flight.sql.authorization_header", true},
        {"flightsql", "adbc.flight.sql.oauth.client_secret", true},
        {"flightsql", "adbc.flight.sql.client_option.mtls_private_key", true},
        {"flightsql", "adbc.flight.sql.client_option.tls_root_certs", false},
        {"flightsql", "adbc.flight.sql.rpc.call_header.x-api-key", true},
        {"flightsql", "adbc.flight.sql.session.option.a", false},
        {"sqlite", "uri", false},
        {"unheard", "uri", true},
        {"unheard", "username", true},
        {"unheard", "password", true},
        {"unheard", "usernames", false},
        {"unheard", "", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct driver_options *known = driver_options_of(str_of(rows[i].driver));
        if (driver_options_is_login(known, str_of(rows[i].key)) != rows[i].is_login) {
            fail_msg("%s %s", rows[i].driver, rows[i].key);
        }
    }
}

/* Every key and start of one is a key that the driver has. */
static void keys_of_a_login_are_keys_of_the_driver(void **state)
{
    static const char *const drivers[] = {"snowflake", "postgresql", "flightsql"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
        const struct driver_options *known = driver_options_of(str_of(drivers[i]));
        const char *const *login = driver_options_logins(known);
        for (; *login; login++) {
            struct str word = str_of(*login);
            bool is_start = word.ptr[word.len - 1] == '*';
            bool found = driver_options_know(known, is_start ? STR("") : word);
            word.len -= is_start ? 1 : 0;
            for (uint32_t k = 0; is_start && k < known->key_count; k++) {
                found = found || str_starts(str_of(known->keys[k]), word);
            }
            for (uint32_t k = 0; is_start && known->prefixes[k]; k++) {
                found = found || str_starts(str_of(known->prefixes[k]), word);
            }
            if (!found) {
                fail_msg("%s %s", drivers[i], *login);
            }
        }
    }
}

static void a_principal_has_a_file_of_its_own(void **state)
{
    static const struct {
        const char *principal;
        const char *name;
    } rows[] = {
        {"uid:1000", "uid%3A1000"},
        {"Ada_B-2.c", "Ada_B-2.c"},
        {".", "%2E"},
        {"..", "%2E."},
        {"a/../b", "a%2F..%2Fb"},
        {"%2E", "%252E"},
        {"a b\n", "a%20b%0A"},
        {"\xc3\xa4@x", "%C3%A4%40x"},
    };
    char text[PATH_SIZE];
    char path[PATH_SIZE];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str principal = str_of(rows[i].principal);
        assert_true(credential_name(text, sizeof(text), principal));
        assert_string_equal(text, rows[i].name);
        snprintf(path, sizeof(path), "/s/credentials/p/%s.toml", rows[i].name);
        assert_true(credential_path(text, sizeof(text), "/s", "p", principal));
        assert_string_equal(text, path);
        assert_true(credential_path(text, strlen(path) + 1, "/s", "p", principal));
        assert_false(credential_path(text, strlen(path), "/s", "p", principal));
        assert_string_equal(text, "");
    }
    assert_true(credential_name(text, sizeof(text), (struct str){"a\0b", 3}));
    assert_string_equal(text, "a%00b");
}

static void a_name_that_no_file_can_have_is_refused(void **state)
{
    char principal[CREDENTIAL_PRINCIPAL_MAX + 1];
    char text[PATH_SIZE];
    (void)state;
    memset(principal, 'a', sizeof(principal));
    assert_false(credential_name(text, sizeof(text), STR("")));
    assert_false(credential_path(text, sizeof(text), "/s", "p", STR("")));
    assert_true(credential_name(
        text, sizeof(text), (struct str){principal, CREDENTIAL_NAME_MAX}));
    assert_int_equal(strlen(text), CREDENTIAL_NAME_MAX);
    assert_false(credential_name(
        text, sizeof(text), (struct str){principal, CREDENTIAL_NAME_MAX + 1}));
    assert_string_equal(text, "");
    assert_false(
        credential_name(text, sizeof(text), (struct str){principal, sizeof(principal)}));
    memset(principal, '/', sizeof(principal));
    assert_true(credential_name(text, sizeof(text), (struct str){principal, 81}));
    assert_false(credential_name(text, sizeof(text), (struct str){principal, 82}));
    assert_false(credential_name(
        text, sizeof(text), (struct str){principal, CREDENTIAL_PRINCIPAL_MAX}));
}

static void a_credential_says_who_logs_in(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/home/me", 1), 0);
    parse(SNOWFLAKE);
    taken("[options]\nusername = 'ada'\npassword = {file = 'secret'}\n"
          "adbc.snowflake.sql.client_option.auth_token = {command = ['x/y', 'z']}\n"
          "adbc.snowflake.sql.client_option.jwt_private_key = {file = '~/key'}\n"
          "adbc.snowflake.sql.role = {env = 'ROLE'}\n");
    const struct config_options *options = &credential.options;
    assert_int_equal(options->len, 5);
    assert_string_equal(options_find(options, STR("username"))->value, "ada");
    assert_string_equal(options_find(options, STR("password"))->value, "/c/secret");
    assert_int_equal(options_find(options, STR("password"))->source, CONFIG_FROM_FILE);
    assert_memory_equal(options->at[2].value, "/c/x/y\0z", 9);
    assert_string_equal(options->at[3].value, "/home/me/key");
    assert_string_equal(credential.connection, "");
    credential_free(&credential);
    assert_int_equal(credential.options.len, 0);
    taken("connection = 'ada'\n");
    assert_string_equal(credential.connection, "ada");
    credential_free(&credential);
    assert_string_equal(credential.connection, "");
    taken("connection = 'ada'\n[options]\nadbc.snowflake.sql.role = 'R'\n");
    credential_free(&credential);
}

static void a_credential_without_a_login_is_refused(void **state)
{
    (void)state;
#define NOBODY(keys) "c.toml: nothing here says who logs in: it needs " keys
#define SNOWFLAKE_KEYS                                                                   \
    NOBODY("connection = \"NAME\", or under [options] one of \"uri\", \"username\", "    \
           "\"adbc.snowflake.sql.client_option.auth_token\", "                           \
           "\"adbc.snowflake.sql.client_option.identity_provider\", "                    \
           "\"adbc.snowflake.sql.client_option.jwt_private_key*\", "                     \
           "\"adbc.snowflake.sql.client_option.okta_url\"")
    parse(SNOWFLAKE);
    not_taken("", SNOWFLAKE_KEYS);
    not_taken("[options]", SNOWFLAKE_KEYS);
    not_taken("[options]\nadbc.snowflake.sql.role = 'R'", SNOWFLAKE_KEYS);
    not_taken("[options]\npassword = 'p'\nadbc.snowflake.sql.auth_type = 'auth_jwt'",
        SNOWFLAKE_KEYS);
    config_free(&config);
    parse(FLIGHTSQL);
    not_taken("options.password = 'p'",
        NOBODY("under [options] one of \"username\", \"adbc.flight.sql.authorization_header\", "
               "\"adbc.flight.sql.client_option.mtls_*\", \"adbc.flight.sql.oauth.*\", "
               "\"adbc.flight.sql.rpc.call_header.*\""));
    config_free(&config);
    parse(OTHER);
    not_taken(
        "options.user = 'p'", NOBODY("under [options] one of \"uri\", \"username\""));
    taken("options = {user = 'p', uri = 'u'}");
    credential_free(&credential);
}

static void what_nobody_knows_is_refused(void **state)
{
    (void)state;
    parse(SNOWFLAKE);
    not_taken("conection = 'ada'",
        "c.toml:1: unknown key \"conection\"; did you mean \"connection\"?");
    not_taken("[profile.s.options]\nusername = 'ada'",
        "c.toml:1: unknown key \"profile\"; known are \"options\" and \"connection\"");
    not_taken("\npassword = 'hunter2'",
        "c.toml:2: unknown key \"password\"; it belongs under [options]");
    not_taken("[options]\nusrname = 'ada'",
        "c.toml:2: unknown option \"usrname\" of the driver snowflake in [options]; did you "
        "mean \"username\"?");
    not_taken("[options]\nTIMEZONE = 'UTC'",
        "c.toml:2: unknown option \"TIMEZONE\" of the driver snowflake in [options]; a "
        "parameter of the session belongs under [profile.NAME.parameters]");
    config_free(&config);
    parse(FLIGHTSQL);
    not_taken("connection = 'ada'",
        "c.toml:1: connection is Snowflake's, and the driver is \"flightsql\"");
    not_taken(
        "option = 1", "c.toml:1: unknown key \"option\"; did you mean \"options\"?");
}

static void what_is_wrong_is_said_without_the_value(void **state)
{
    (void)state;
    parse(SNOWFLAKE);
    not_taken("hunter2", "c.toml:1: not readable as TOML");
    not_taken("[options]\nusername = 'a'\npassword = t-hunter2",
        "c.toml:3: not readable as TOML");
    not_taken("options = 'hunter2'", "c.toml:1: options must be a table");
    not_taken("connection = 4711",
        "c.toml:1: connection must be a string of 1 to 4095 bytes without NUL");
    not_taken("connection = ''",
        "c.toml:1: connection must be a string of 1 to 4095 bytes without NUL");
    not_taken("connection = 'a'\n[options]\nusername = ['hunter2']",
        "c.toml:3: options.\"username\" must be a string without NUL, an integer or a "
        "boolean, got an array");
    not_taken("[options]\npassword = {file = 'a', command = 'hunter2'}",
        "c.toml:2: \"password\" must have exactly one of {env = \"VARIABLE\"}, "
        "{file = \"PATH\"} or {command = [\"PROGRAM\", \"ARGUMENT\"]}");
    not_taken("[options]\n'' = 'hunter2'",
        "c.toml:2: a key of options must have 1 to 255 bytes and no NUL");
}

static void a_credential_has_a_bound(void **state)
{
    static char text[CREDENTIAL_BYTES_MAX + 2];
    static const char start[] = "options.username = 'ada'\n#";
    (void)state;
    parse(FLIGHTSQL);
    memset(text, 'x', sizeof(text));
    memcpy(text, start, sizeof(start) - 1);
    text[CREDENTIAL_BYTES_MAX] = '\0';
    taken(text);
    credential_free(&credential);
    text[CREDENTIAL_BYTES_MAX] = 'x';
    not_taken_str((struct str){text, CREDENTIAL_BYTES_MAX + 1},
        "c.toml: a credential has at most 65536 bytes, this is longer");
}

/* What credential_read() says of @path, which it does not take. */
static void not_read(const char *path, const char *expected)
{
    struct buf err = BUF_INIT(ERR_SIZE);
    char want[2 * PATH_SIZE];
    assert_false(credential_read(&credential, &config.profile[0], path, &err));
    assert_int_equal(credential.options.len, 0);
    snprintf(want, sizeof(want), "%s%s", path, expected);
    assert_text(&err, want);
}

static void a_file_is_read_with_its_directory(void **state)
{
    char path[PATH_SIZE + 16];
    char want[PATH_SIZE + 16];
    struct buf err = BUF_INIT(ERR_SIZE);
    (void)state;
    parse(FLIGHTSQL);
    snprintf(path, sizeof(path), "%s/ada.toml", dir);
    snprintf(want, sizeof(want), "%s/secret", dir);
    not_read(path, ": there is no such credential");
    write_file(path, STR("options.username = 'ada'\noptions.password.file = 'secret'\n"));
    assert_true(credential_read(&credential, &config.profile[0], path, &err));
    assert_string_equal(options_find(&credential.options, STR("password"))->value, want);
    credential_free(&credential);
    write_file(path, STR("options.username = 'ada'\noptions.user = 'secret'\n"));
    not_read(path,
        ":2: unknown option \"user\" of the driver flightsql in [options]; did "
        "you mean \"username\"?");
    not_read(dir, ": a credential must be a regular file");
    snprintf(path, sizeof(path), "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    not_read(path, ": a credential must be a regular file");
    buf_free(&err);
}

static void a_long_file_is_refused(void **state)
{
    static char text[CREDENTIAL_BYTES_MAX + 2];
    char path[PATH_SIZE + 16];
    (void)state;
    parse(FLIGHTSQL);
    memset(text, '\n', sizeof(text));
    snprintf(path, sizeof(path), "%s/ada.toml", dir);
    write_file(path, (struct str){text, sizeof(text)});
    not_read(path, ": a credential has at most 65536 bytes, this is longer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_profile_logs_in_itself_unless_it_says_otherwise),
        TEST(a_driver_without_a_login_has_no_principals),
        TEST(a_login_of_the_profile_itself_would_stand_in_for_a_missing_one),
        TEST(each_driver_has_keys_that_say_who_logs_in),
        TEST(keys_of_a_login_are_keys_of_the_driver),
        TEST(a_principal_has_a_file_of_its_own),
        TEST(a_name_that_no_file_can_have_is_refused),
        TEST(a_credential_says_who_logs_in),
        TEST(a_credential_without_a_login_is_refused),
        TEST(what_nobody_knows_is_refused),
        TEST(what_is_wrong_is_said_without_the_value),
        TEST(a_credential_has_a_bound),
        TEST(a_file_is_read_with_its_directory),
        TEST(a_long_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
