// SPDX-License-Identifier: Apache-2.0
#include "config/snowflake_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/profile_options.h"
#include "config/secret.h"

#define SQL "adbc.snowflake.sql."
#define CLIENT SQL "client_option."
#define DOMAIN ".snowflakecomputing.com"

const char *const snowflake_key_names[KEY_COUNT] = {
    [KEY_ACCOUNT] = "account",
    [KEY_USER] = "user",
    [KEY_PASSWORD] = "password",
    [KEY_AUTHENTICATOR] = "authenticator",
    [KEY_HOST] = "host",
    [KEY_PORT] = "port",
    [KEY_PROTOCOL] = "protocol",
    [KEY_REGION] = "region",
    [KEY_ROLE] = "role",
    [KEY_WAREHOUSE] = "warehouse",
    [KEY_DATABASE] = "database",
    [KEY_SCHEMA] = "schema",
    [KEY_PRIVATE_KEY_FILE] = "private_key_file",
    [KEY_PRIVATE_KEY_PATH] = "private_key_path",
    [KEY_PRIVATE_KEY] = "private_key",
    [KEY_PRIVATE_KEY_RAW] = "private_key_raw",
    [KEY_PRIVATE_KEY_FILE_PWD] = "private_key_file_pwd",
    [KEY_PRIVATE_KEY_PASSPHRASE] = "private_key_passphrase",
    [KEY_TOKEN] = "token",
    [KEY_TOKEN_FILE_PATH] = "token_file_path",
    [KEY_WORKLOAD_IDENTITY_PROVIDER] = "workload_identity_provider",
    [KEY_APPLICATION] = "application",
    [KEY_LOGIN_TIMEOUT] = "login_timeout",
    [KEY_NETWORK_TIMEOUT] = "network_timeout",
    [KEY_CLIENT_STORE_TEMPORARY_CREDENTIAL] = "client_store_temporary_credential",
    [KEY_CLIENT_REQUEST_MFA_TOKEN] = "client_request_mfa_token",
    [KEY_SERVER_SESSION_KEEP_ALIVE] = "server_session_keep_alive",
    [KEY_OCSP_FAIL_OPEN] = "ocsp_fail_open",
    [KEY_TIMEZONE] = "timezone",
};

/* Known to Snowflake's tools; an ending '*' stands for all that begin so. */
static const char *const IDLE[] = {"allow_certificates_without_crl_url",
    "arrow_number_to_decimal", "autocommit", "backoff_policy",
    "cert_revocation_check_mode", "check_arrow_conversion_error_on_every_column",
    "client_fetch_*", "client_prefetch_threads", "client_session_keep_alive*",
    "connection_diag_*", "consent_cache_id_token", "converter_class", "crl_*",
    "debug_arrow_chunk", "disable_*", "enable_*", "external_browser_timeout",
    "external_session_id", "inject_client_pause", "insecure_mode",
    "interpolate_empty_sequences", "internal_application_*", "iobound_tpe_limit",
    "json_result_force_utf8_decoding", "log_*", "no_proxy", "numpy", "oauth_*",
    "ocsp_response_cache_filename", "ocsp_root_certs_*", "paramstyle", "passcode",
    "platform_detection_timeout_seconds", "probe_connection", "proxy_*", "reuse_results",
    "secondary_roles", "service_name", "socket_timeout", "support_negative_year",
    "unsafe_*", "use_openssl_only", "validate_default_parameters", "workload_identity_*"};

/* As Snowflake's tools write them, in any case, and as the driver does. */
static const struct {
    const char *word;
    const char *type;
} AUTHENTICATORS[] = {
    {"snowflake", "auth_snowflake"},
    {"externalbrowser", "auth_ext_browser"},
    {"snowflake_jwt", "auth_jwt"},
    {"oauth", "auth_oauth"},
    {"programmatic_access_token", "auth_pat"},
    {"username_password_mfa", "auth_mfa"},
    {"workload_identity", "auth_wif"},
};

bool snowflake_key_is_generic(enum snowflake_key key)
{
    switch (key) {
    case KEY_ACCOUNT:
    case KEY_USER:
    case KEY_PASSWORD:
    case KEY_AUTHENTICATOR:
    case KEY_ROLE:
    case KEY_WAREHOUSE:
    case KEY_DATABASE:
    case KEY_SCHEMA:
    case KEY_PRIVATE_KEY_FILE:
    case KEY_PRIVATE_KEY_PATH:
    case KEY_PRIVATE_KEY_RAW:
    case KEY_TOKEN:
    case KEY_TOKEN_FILE_PATH:
    case KEY_WORKLOAD_IDENTITY_PROVIDER:
    case KEY_CLIENT_STORE_TEMPORARY_CREDENTIAL:
        return true;
    default:
        return false;
    }
}

bool snowflake_key_is_idle(struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(IDLE); i++) {
        struct str name = str_of(IDLE[i]);
        bool is_open = name.ptr[name.len - 1] == '*';
        name.len -= is_open;
        if (is_open ? str_starts(key, name) : str_eq(key, name)) {
            return true;
        }
    }
    return false;
}

void snowflake_section_free(struct snowflake_section *section)
{
    for (int key = 0; key < KEY_COUNT; key++) {
        if (section->value[key]) {
            explicit_bzero(section->value[key], strlen(section->value[key]));
        }
        free(section->value[key]);
        section->value[key] = NULL;
    }
}

/* ---- one section being mapped ---- */

struct mapping {
    const char *const *value; /* by key */
    struct snowflake_connection *ret;
    struct buf *err;
    const char *type; /* of authentication, as the driver names it */
};

static bool add(
    struct mapping *m, const char *option, struct str value, enum config_source source)
{
    if (m->ret->options.len == CONFIG_OPTIONS_MAX) {
        buf_printf(m->err, "more than %d of its keys are set", CONFIG_OPTIONS_MAX);
        return false;
    }
    if (!options_add(&m->ret->options, str_of(option), value, source)) {
        buf_puts(m->err, "out of memory");
        return false;
    }
    return true;
}

static const char *first_of(
    const struct mapping *m, enum snowflake_key key, enum snowflake_key other)
{
    return m->value[key] ? m->value[key] : m->value[other];
}

/* A value as it is; none: nothing. */
static bool add_value(struct mapping *m, enum snowflake_key key, const char *option)
{
    return !m->value[key] || add(m, option, str_of(m->value[key]), CONFIG_VALUE);
}

static bool add_bool(struct mapping *m, enum snowflake_key key, const char *option)
{
    if (!m->value[key]) {
        return true;
    }
    struct str text = str_of(m->value[key]);
    bool is_true = str_eq_nocase(text, STR("true")) || str_eq(text, STR("1"));
    if (!is_true && !str_eq_nocase(text, STR("false")) && !str_eq(text, STR("0"))) {
        buf_printf(m->err, "%s must be true or false", snowflake_key_names[key]);
        return false;
    }
    return add(m, option, is_true ? STR("true") : STR("false"), CONFIG_VALUE);
}

static bool add_seconds(struct mapping *m, enum snowflake_key key, const char *option)
{
    char text[32];
    uint64_t seconds = 0;
    if (!m->value[key]) {
        return true;
    }
    if (!str_to_u64(str_of(m->value[key]), 86400, &seconds) || seconds == 0) {
        buf_printf(m->err, "%s must be a number of seconds from 1 to 86400",
            snowflake_key_names[key]);
        return false;
    }
    snprintf(text, sizeof(text), "%us", (unsigned)seconds);
    return add(m, option, str_of(text), CONFIG_VALUE);
}

/* The daemon has no directory of its own that a relative path could begin at. */
static bool add_file(
    struct mapping *m, const char *path, const char *key, const char *option)
{
    struct buf full = BUF_INIT(CONFIG_PATH_SIZE);
    bool ok = (path[0] == '/' || str_starts(str_of(path), STR("~/"))) &&
              secret_put_home(&full, str_of(path)) && buf_ok(&full);
    if (!ok) {
        buf_printf(m->err, "%s must be an absolute path or begin with ~/", key);
    }
    ok = ok && add(m, option, buf_str(&full), CONFIG_FROM_FILE);
    buf_free(&full);
    return ok;
}

/* ---- who logs in where ---- */

/* The account alone: people paste addresses, too. */
static bool add_account(struct mapping *m)
{
    struct str account = str_trim(str_of(m->value[KEY_ACCOUNT]));
    if (str_starts_nocase(account, STR("https://"))) {
        account = str_from(account, 8);
    }
    while (account.len > 0 && account.ptr[account.len - 1] == '/') {
        account.len--;
    }
    size_t end = sizeof(DOMAIN) - 1;
    if (account.len > end &&
        str_eq_nocase(str_from(account, account.len - end), STR(DOMAIN))) {
        account.len -= end;
    }
    if (account.len == 0) {
        buf_puts(m->err, "account is missing");
        return false;
    }
    for (size_t i = 0; i < account.len; i++) {
        char c = account.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!ok) {
            buf_puts(
                m->err, "account must be an account's identifier, such as \"org-name\"");
            return false;
        }
    }
    return add(m, SQL "account", account, CONFIG_VALUE);
}

static bool find_type(struct mapping *m)
{
    struct str word = str_of(m->value[KEY_AUTHENTICATOR]);
    m->type = NULL;
    if (first_of(m, KEY_PRIVATE_KEY_FILE, KEY_PRIVATE_KEY_PATH) ||
        first_of(m, KEY_PRIVATE_KEY, KEY_PRIVATE_KEY_RAW)) {
        m->type = "auth_jwt"; /* as Snowflake's connector: whatever else is said */
    } else if (word.len == 0) {
        m->type = "auth_snowflake";
    } else if (str_starts_nocase(word, STR("https://"))) {
        m->type = "auth_okta";
        if (!add(m, CLIENT "okta_url", word, CONFIG_VALUE)) {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(AUTHENTICATORS) && !m->type; i++) {
        if (str_eq_nocase(word, str_of(AUTHENTICATORS[i].word))) {
            m->type = AUTHENTICATORS[i].type;
        }
    }
    if (m->type) {
        return add(m, SQL "auth_type", str_of(m->type), CONFIG_VALUE);
    }
    buf_puts(m->err, "the driver has no authenticator ");
    buf_put_json(m->err, word);
    buf_puts(m->err, "; it knows ");
    for (size_t i = 0; i < ARRAY_LEN(AUTHENTICATORS); i++) {
        buf_printf(m->err, "%s, ", AUTHENTICATORS[i].word);
    }
    buf_puts(m->err, "and the https:// address of an Okta");
    return false;
}

static bool uses_password(const char *type)
{
    return strcmp(type, "auth_snowflake") == 0 || strcmp(type, "auth_okta") == 0 ||
           strcmp(type, "auth_mfa") == 0;
}

static bool uses_token(const char *type)
{
    return strcmp(type, "auth_oauth") == 0 || strcmp(type, "auth_pat") == 0;
}

/* A key's text: PEM, or its base64 without the lines around it. */
static bool add_key_text(struct mapping *m, const char *text)
{
    struct buf pem = BUF_INIT(64 * 1024);
    pem.ptr = malloc(pem.max); /* at once: it shall not move */
    pem.cap = pem.ptr ? pem.max : 0;
    bool is_pem = strstr(text, "-----BEGIN") != NULL;
    buf_puts(&pem, is_pem ? "" : "-----BEGIN PRIVATE KEY-----\n");
    buf_puts(&pem, text);
    buf_puts(&pem, is_pem ? "" : "\n-----END PRIVATE KEY-----\n");
    bool ok = buf_ok(&pem);
    if (!ok) {
        buf_puts(m->err, "private_key has more than 64 KiB");
    }
    ok = ok && add(m, CLIENT "jwt_private_key_pkcs8_value", buf_str(&pem), CONFIG_VALUE);
    if (pem.ptr) {
        explicit_bzero(pem.ptr, pem.cap);
    }
    buf_free(&pem);
    return ok;
}

static bool add_key(struct mapping *m)
{
    const char *path = first_of(m, KEY_PRIVATE_KEY_FILE, KEY_PRIVATE_KEY_PATH);
    const char *text = first_of(m, KEY_PRIVATE_KEY, KEY_PRIVATE_KEY_RAW);
    const char *phrase =
        first_of(m, KEY_PRIVATE_KEY_PASSPHRASE, KEY_PRIVATE_KEY_FILE_PWD);
    const char *option = CLIENT "jwt_private_key_pkcs8_password";
    if (!path && !text) {
        return true;
    }
    if (path
            ? !add_file(m, path, "private_key_file", CLIENT "jwt_private_key_pkcs8_value")
            : !add_key_text(m, text)) {
        return false;
    }
    if (phrase) {
        return add(m, option, str_of(phrase), CONFIG_VALUE);
    }
    const char *variable = getenv("PRIVATE_KEY_PASSPHRASE");
    return !variable || variable[0] == '\0' ||
           add(m, option, STR("PRIVATE_KEY_PASSPHRASE"), CONFIG_FROM_ENV);
}

/* What a way to log in has no use for stays here. */
static bool add_password(struct mapping *m)
{
    return !uses_password(m->type) || add_value(m, KEY_PASSWORD, "password");
}

static bool add_token(struct mapping *m)
{
    const char *path = m->value[KEY_TOKEN_FILE_PATH];
    if (!uses_token(m->type) && strcmp(m->type, "auth_wif") != 0) {
        return true;
    }
    return path ? add_file(m, path, "token_file_path", CLIENT "auth_token")
                : add_value(m, KEY_TOKEN, CLIENT "auth_token");
}

/* What a way to log in cannot do without. */
static bool is_complete(struct mapping *m)
{
    const char *type = m->type;
    bool is_token = uses_token(type);
    bool is_wif = strcmp(type, "auth_wif") == 0;
    bool is_key = strcmp(type, "auth_jwt") == 0;
    const char *missing = NULL;
    if (!is_token && !is_wif && !m->value[KEY_USER]) {
        missing = "user";
    } else if (uses_password(type) && !m->value[KEY_PASSWORD]) {
        missing = "password";
    } else if (is_token && !first_of(m, KEY_TOKEN, KEY_TOKEN_FILE_PATH)) {
        missing = "token or token_file_path";
    } else if (is_wif && !m->value[KEY_WORKLOAD_IDENTITY_PROVIDER]) {
        missing = "workload_identity_provider";
    } else if (is_key && !first_of(m, KEY_PRIVATE_KEY_FILE, KEY_PRIVATE_KEY_PATH) &&
               !first_of(m, KEY_PRIVATE_KEY, KEY_PRIVATE_KEY_RAW)) {
        missing = "private_key_file";
    }
    if (missing) {
        buf_printf(m->err, "%s is missing, which %s needs", missing, type);
    }
    return missing == NULL;
}

static bool put_context(struct mapping *m, enum snowflake_key key, char *ret_text)
{
    if (!str_copy(str_of(m->value[key]), ret_text, CONFIG_STRING_SIZE)) {
        buf_printf(m->err, "%s must have at most %d bytes", snowflake_key_names[key],
            CONFIG_STRING_SIZE - 1);
        return false;
    }
    return true;
}

bool snowflake_section_map(const struct snowflake_section *section,
    struct snowflake_connection *ret, struct buf *err)
{
    const char *value[KEY_COUNT];
    struct mapping m = {.value = value, .ret = ret, .err = err};
    for (int key = 0; key < KEY_COUNT; key++) {
        const char *text = section->value[key];
        value[key] = text && text[0] != '\0' ? text : NULL;
    }
    return add_account(&m) && find_type(&m) && is_complete(&m) && add_key(&m) &&
           add_token(&m) && add_password(&m) && add_value(&m, KEY_USER, "username") &&
           add_value(&m, KEY_HOST, SQL "uri.host") &&
           add_value(&m, KEY_PORT, SQL "uri.port") &&
           add_value(&m, KEY_PROTOCOL, SQL "uri.protocol") &&
           add_value(&m, KEY_REGION, SQL "region") &&
           add_value(&m, KEY_WORKLOAD_IDENTITY_PROVIDER, CLIENT "identity_provider") &&
           add_value(&m, KEY_APPLICATION, CLIENT "app_name") &&
           add_value(&m, KEY_TIMEZONE, "TIMEZONE") &&
           add_seconds(&m, KEY_LOGIN_TIMEOUT, CLIENT "login_timeout") &&
           add_seconds(&m, KEY_NETWORK_TIMEOUT, CLIENT "request_timeout") &&
           add_bool(
               &m, KEY_CLIENT_STORE_TEMPORARY_CREDENTIAL, CLIENT "store_temp_creds") &&
           add_bool(&m, KEY_CLIENT_REQUEST_MFA_TOKEN, CLIENT "cache_mfa_token") &&
           add_bool(&m, KEY_SERVER_SESSION_KEEP_ALIVE, CLIENT "keep_session_alive") &&
           add_bool(&m, KEY_OCSP_FAIL_OPEN, CLIENT "ocsp_fail_open_mode") &&
           put_context(&m, KEY_ROLE, ret->role) &&
           put_context(&m, KEY_WAREHOUSE, ret->warehouse) &&
           put_context(&m, KEY_DATABASE, ret->database) &&
           put_context(&m, KEY_SCHEMA, ret->schema);
}
