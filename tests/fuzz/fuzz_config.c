// SPDX-License-Identifier: Apache-2.0
/*
 * Configurations, and connections of Snowflake's tools. Oracles: what is refused changes
 * nothing and says why; what is accepted is accepted again, and keeps its bounds; a
 * connection that is read has an account and a way to log in, a credential says who does.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "config/config.h"
#include "config/credential.h"
#include "config/profile_options.h"
#include "config/snowflake_connection.h"
#include "fuzz.h"

enum {
    ERR_MAX = 1024 * 1024
};

static struct config config;
static struct config before;

static void check_options(const struct config_options *options)
{
    ASSERT(options->len <= CONFIG_OPTIONS_MAX);
    for (uint32_t i = 0; i < options->len; i++) {
        const struct config_option *option = &options->at[i];
        ASSERT(option->key[0] != '\0' && option->value[option->value_len] == '\0');
        ASSERT(option->source == CONFIG_FROM_COMMAND ||
               strlen(option->value) == option->value_len);
        ASSERT(option->source == CONFIG_VALUE || option->value_len > 0);
    }
}

static void check_config(struct str input)
{
    struct buf err = BUF_INIT(ERR_MAX);
    config_init(&config);
    memcpy(&before, &config, sizeof(config));
    bool ok = config_parse(&config, input, "f", &err);
    ASSERT(ok == (err.len == 0));
    if (!ok) {
        ASSERT(memcmp(&before, &config, sizeof(config)) == 0);
        buf_free(&err);
        return;
    }
    for (uint32_t i = 0; i < config.profile_count; i++) {
        check_options(&config.profile[i].options);
        check_options(&config.profile[i].parameters);
    }
    ok = config_parse(&config, input, "f", &err);
    ASSERT(ok);
    config_free(&config);
    buf_free(&err);
}

static bool has(const struct snowflake_connection *connection, struct str key)
{
    return options_find(&connection->options, key) != NULL;
}

static void check_connection(struct str input)
{
    char text[4096];
    struct snowflake_connection connection;
    struct buf err = BUF_INIT(ERR_MAX);
    if (str_find(input, '\0') >= 0 || !str_copy(input, text, sizeof(text))) {
        return;
    }
    setenv("SNOWFLAKE_CONNECTIONS", text, 1);
    bool ok = snowflake_connection_read(&connection, "c", &err);
    ASSERT(ok == (err.len == 0));
    check_options(&connection.options);
    ASSERT(!ok || (has(&connection, STR("adbc.snowflake.sql.account")) &&
                      has(&connection, STR("adbc.snowflake.sql.auth_type"))));
    snowflake_connection_free(&connection);
    buf_free(&err);
}

static void check_credential(struct str input, const char *driver)
{
    static struct config_profile profile;
    struct credential credential;
    struct buf err = BUF_INIT(ERR_MAX);
    bool fits = str_copy(str_of(driver), profile.driver, sizeof(profile.driver));
    ASSERT(fits);
    bool ok = credential_parse(&credential, &profile, input, "f", "/d", &err);
    ASSERT(ok == (err.len == 0));
    ASSERT(ok == (credential.options.len > 0 || credential.connection[0] != '\0'));
    check_options(&credential.options);
    credential_free(&credential);
    buf_free(&err);
}

static void run(struct str input)
{
    check_config(input);
    check_credential(input, "snowflake");
    check_credential(input, "other");
    check_connection(input);
}

int main(int argc, char **argv)
{
    static const struct str words[] = {FUZZ_WORD("[profile.x]\n"),
        FUZZ_WORD("[profile.x.options]\n"), FUZZ_WORD("[options]\n"),
        FUZZ_WORD("identity = 'per_principal'\n"), FUZZ_WORD("[profile.x.parameters]\n"),
        FUZZ_WORD("driver = 'snowflake'\n"), FUZZ_WORD("driver = 'other'\n"),
        FUZZ_WORD("connection = 'c'\n"), FUZZ_WORD("password = "), FUZZ_WORD("username = 'u'\n"),
        FUZZ_WORD("{env = 'A'}\n"), FUZZ_WORD("{file = '~/a'}\n"),
        FUZZ_WORD("{command = ['a', 'b']}\n"),
        FUZZ_WORD("adbc.snowflake.sql.account = 'a'\n"), FUZZ_WORD("[c]\n"),
        FUZZ_WORD("account = 'a.snowflakecomputing.com'\n"), FUZZ_WORD("user = 'u'\n"),
        FUZZ_WORD("authenticator = 'oauth'\n"),
        FUZZ_WORD("authenticator = 'https://x'\n"), FUZZ_WORD("token = 't'\n"),
        FUZZ_WORD("private_key = 'k'\n"), FUZZ_WORD("private_key_file = '/k'\n"),
        FUZZ_WORD("session_parameters = {A = 1}\n"), FUZZ_WORD("login_timeout = 3\n"),
        FUZZ_WORD("\"\"\""), FUZZ_WORD("\\u0000")};
    static const struct fuzz_target target = {
        "config", 2048, words, ARRAY_LEN(words), run};
    setenv("HOME", "/nonexistent", 1);
    return fuzz_main(argc, argv, &target);
}
