// SPDX-License-Identifier: Apache-2.0
#include "config/driver_options.h"

#define SQL "adbc.snowflake.sql."
#define CLIENT SQL "client_option."
#define FLIGHT "adbc.flight.sql."

/* Of release 1.11.0. */
static const char *const SNOWFLAKE[] = {"uri", "username", "password", SQL "account",
    SQL "auth_type", SQL "db", SQL "region", SQL "role", SQL "schema", SQL "warehouse",
    SQL "uri.host", SQL "uri.port", SQL "uri.protocol", CLIENT "app_name",
    CLIENT "auth_token", CLIENT "cache_mfa_token", CLIENT "client_timeout",
    CLIENT "config_file", CLIENT "disable_telemetry", CLIENT "identity_provider",
    CLIENT "jwt_expire_timeout", CLIENT "jwt_private_key",
    CLIENT "jwt_private_key_pkcs8_password", CLIENT "jwt_private_key_pkcs8_value",
    CLIENT "keep_session_alive", CLIENT "login_timeout", CLIENT "max_timestamp_precision",
    CLIENT "ocsp_fail_open_mode", CLIENT "okta_url", CLIENT "request_timeout",
    CLIENT "store_temp_creds", CLIENT "tls_skip_verify", CLIENT "tracing",
    CLIENT "use_high_precision"};

/* Of release 1.13.0, like the others below. */
static const char *const POSTGRESQL[] = {"uri",
    "adbc.postgresql.type_resolver_mode", "adbc.postgresql.disable_decimal_fast_path"};

static const char *const SQLITE[] = {"uri", "adbc.sqlite.load_extension.enabled",
    "adbc.sqlite.load_extension.entrypoint", "adbc.sqlite.load_extension.path"};

static const char *const FLIGHTSQL[] = {"uri", "username", "password",
    FLIGHT "authorization_header", FLIGHT "client_option.authority",
    FLIGHT "client_option.mtls_cert_chain", FLIGHT "client_option.mtls_private_key",
    FLIGHT "client_option.tls_override_hostname", FLIGHT "client_option.tls_root_certs",
    FLIGHT "client_option.tls_skip_verify", FLIGHT "client_option.with_block",
    FLIGHT "client_option.with_max_msg_size", FLIGHT "rpc.timeout_seconds.connect",
    FLIGHT "rpc.timeout_seconds.fetch", FLIGHT "rpc.timeout_seconds.query",
    FLIGHT "rpc.timeout_seconds.update", FLIGHT "rpc.with_cookie_middleware",
    FLIGHT "oauth.flow", FLIGHT "oauth.auth_uri", FLIGHT "oauth.token_uri",
    FLIGHT "oauth.redirect_uri", FLIGHT "oauth.scope", FLIGHT "oauth.client_id",
    FLIGHT "oauth.client_secret", FLIGHT "oauth.exchange.subject_token",
    FLIGHT "oauth.exchange.subject_token_type",
    FLIGHT "oauth.exchange.requested_token_type", FLIGHT "oauth.exchange.actor_token",
    FLIGHT "oauth.exchange.actor_token_type", FLIGHT "oauth.exchange.scope",
    FLIGHT "oauth.exchange.aud", FLIGHT "oauth.exchange.resource"};

static const char *const NO_PREFIX[] = {NULL};
static const char *const FLIGHTSQL_PREFIX[] = {FLIGHT "rpc.call_header.",
    FLIGHT "session.option.", FLIGHT "session.optionbool.",
    FLIGHT "session.optionstringlist.", NULL};

/* A uri may hold a user; Flight SQL's holds none. */
static const char *const ANY_LOGIN[] = {"uri", "username", "password", NULL};
static const char *const NO_LOGIN[] = {NULL};
static const char *const POSTGRESQL_LOGIN[] = {"uri", NULL};
static const char *const SNOWFLAKE_LOGIN[] = {"uri", "username", "password",
    SQL "auth_type", CLIENT "auth_token", CLIENT "identity_provider",
    CLIENT "jwt_private_key*", CLIENT "okta_url", NULL};
static const char *const FLIGHTSQL_LOGIN[] = {"username", "password",
    FLIGHT "authorization_header", FLIGHT "client_option.mtls_*", FLIGHT "oauth.*",
    FLIGHT "rpc.call_header.*", NULL};

static const struct driver_options DRIVERS[] = {
    {"snowflake", SNOWFLAKE, ARRAY_LEN(SNOWFLAKE), NO_PREFIX, SNOWFLAKE_LOGIN, true},
    {"postgresql", POSTGRESQL, ARRAY_LEN(POSTGRESQL), NO_PREFIX, POSTGRESQL_LOGIN, false},
    {"sqlite", SQLITE, ARRAY_LEN(SQLITE), NO_PREFIX, NO_LOGIN, false},
    {"flightsql", FLIGHTSQL, ARRAY_LEN(FLIGHTSQL), FLIGHTSQL_PREFIX, FLIGHTSQL_LOGIN,
        false},
};

_Static_assert(ARRAY_LEN(SNOWFLAKE) <= DRIVER_KEYS_MAX, "raise DRIVER_KEYS_MAX");
_Static_assert(ARRAY_LEN(FLIGHTSQL) <= DRIVER_KEYS_MAX, "raise DRIVER_KEYS_MAX");

/* The last part of a path, without "lib" and "adbc_driver_" before and ".so" after it. */
struct str driver_word(struct str driver)
{
    for (ptrdiff_t slash; (slash = str_find(driver, '/')) >= 0;) {
        driver = str_from(driver, (size_t)slash + 1);
    }
    if (str_starts(driver, STR("lib"))) {
        driver = str_from(driver, 3);
    }
    if (str_starts(driver, STR("adbc_driver_"))) {
        driver = str_from(driver, 12);
    }
    ptrdiff_t dot = str_find(driver, '.');
    return dot >= 0 ? (struct str){driver.ptr, (size_t)dot} : driver;
}

const struct driver_options *driver_options_of(struct str driver)
{
    struct str word = driver_word(driver);
    for (size_t i = 0; i < ARRAY_LEN(DRIVERS); i++) {
        if (str_eq(word, str_of(DRIVERS[i].name))) {
            return &DRIVERS[i];
        }
    }
    return NULL;
}

bool driver_options_know(const struct driver_options *options, struct str key)
{
    for (uint32_t i = 0; i < options->key_count; i++) {
        if (str_eq(key, str_of(options->keys[i]))) {
            return true;
        }
    }
    for (const char *const *prefix = options->prefixes; *prefix; prefix++) {
        if (str_starts(key, str_of(*prefix))) {
            return true;
        }
    }
    return false;
}

const char *const *driver_options_logins(const struct driver_options *options_or_null)
{
    return options_or_null ? options_or_null->logins : ANY_LOGIN;
}

bool driver_options_is_login(const struct driver_options *options_or_null, struct str key)
{
    for (const char *const *at = driver_options_logins(options_or_null); *at; at++) {
        struct str login = str_of(*at);
        bool is_start = login.ptr[login.len - 1] == '*';
        if (is_start ? str_starts(key, (struct str){login.ptr, login.len - 1})
                     : str_eq(key, login)) {
            return true;
        }
    }
    return false;
}

bool driver_is_word(struct str driver)
{
    for (size_t i = 0; i < ARRAY_LEN(DRIVERS); i++) {
        if (str_eq(driver, str_of(DRIVERS[i].name))) {
            return true;
        }
    }
    return false;
}
