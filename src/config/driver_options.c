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

static const char *const SNOWFLAKE_AUTH[] = {"auth_snowflake", "auth_oauth", "auth_ext_browser",
    "auth_okta", "auth_jwt", "auth_mfa", "auth_pat", "auth_wif", NULL};

/* Of a session, as documented; the server may know more. */
static const char *const SNOWFLAKE_PARAMETERS[] = {
    "ABORT_DETACHED_QUERY", "AUTOCOMMIT", "BINARY_INPUT_FORMAT", "BINARY_OUTPUT_FORMAT",
    "CLIENT_MEMORY_LIMIT", "CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX",
    "CLIENT_METADATA_USE_SESSION_DATABASE", "CLIENT_PREFETCH_THREADS",
    "CLIENT_RESULT_CHUNK_SIZE", "CLIENT_RESULT_COLUMN_CASE_INSENSITIVE",
    "CLIENT_SESSION_KEEP_ALIVE", "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY",
    "CLIENT_TIMESTAMP_TYPE_MAPPING", "DATE_INPUT_FORMAT", "DATE_OUTPUT_FORMAT",
    "DEFAULT_NULL_ORDERING", "ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION",
    "ERROR_ON_NONDETERMINISTIC_MERGE", "ERROR_ON_NONDETERMINISTIC_UPDATE",
    "GEOGRAPHY_OUTPUT_FORMAT", "GEOMETRY_OUTPUT_FORMAT", "JSON_INDENT", "LOCK_TIMEOUT",
    "LOG_LEVEL", "METRIC_LEVEL", "MULTI_STATEMENT_COUNT", "PREVENT_UNLOAD_TO_INLINE_URL",
    "QUERY_TAG", "QUOTED_IDENTIFIERS_IGNORE_CASE", "ROWS_PER_RESULTSET",
    "S3_STAGE_VPCE_DNS_NAME", "SEARCH_PATH", "SIMULATED_DATA_SHARING_CONSUMER",
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS", "STATEMENT_TIMEOUT_IN_SECONDS",
    "STRICT_JSON_OUTPUT", "TIMESTAMP_DAY_IS_ALWAYS_24H", "TIMESTAMP_INPUT_FORMAT",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT", "TIMESTAMP_NTZ_OUTPUT_FORMAT",
    "TIMESTAMP_OUTPUT_FORMAT", "TIMESTAMP_TYPE_MAPPING", "TIMESTAMP_TZ_OUTPUT_FORMAT",
    "TIMEZONE", "TIME_INPUT_FORMAT", "TIME_OUTPUT_FORMAT", "TRACE_LEVEL",
    "TRANSACTION_ABORT_ON_ERROR", "TRANSACTION_DEFAULT_ISOLATION_LEVEL",
    "TWO_DIGIT_CENTURY_START", "UNSUPPORTED_DDL_ACTION", "USE_CACHED_RESULT",
    "WEEK_OF_YEAR_POLICY", "WEEK_START",
    NULL};

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

const char *const *driver_options_words(const struct driver_options *options, struct str key)
{
    return options->has_parameters && str_eq(key, STR(SQL "auth_type")) ? SNOWFLAKE_AUTH : NULL;
}

const char *driver_options_parameter_near(const struct driver_options *options, struct str name)
{
    enum { EDITS_MAX = 2 };
    const char *nearest = NULL;
    unsigned best = EDITS_MAX + 1;
    for (const char *const *at = SNOWFLAKE_PARAMETERS; *at && options->has_parameters; at++) {
        unsigned distance = str_distance(name, str_of(*at), EDITS_MAX + 1);
        nearest = distance < best ? *at : nearest;
        best = distance < best ? distance : best;
    }
    return best > 0 ? nearest : NULL;
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
