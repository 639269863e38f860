// SPDX-License-Identifier: Apache-2.0
#include "backend/setup.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/credential.h"
#include "config/driver_options.h"
#include "config/profile_options.h"

enum {
    DEFAULTS_MAX = 16,
    OPTIONS_MAX = PROFILE_OPTIONS_MAX + 5 * CONFIG_OPTIONS_MAX + DEFAULTS_MAX
};

#define SQL "adbc.snowflake.sql."
#define CLIENT SQL "client_option."

/* ---- drivers ---- */

/* DIR/libadbc_driver_NAME.so, if it can be read; else it is noted as looked for. */
static bool try_driver(struct buf *ret, const char *dir, const char *between,
    const char *name, struct buf *tried)
{
    buf_clear(ret);
    buf_printf(ret, "%s%s/libadbc_driver_%s.so", dir, between, name);
    buf_putc(ret, '\0');
    bool is_there = buf_ok(ret) && access(ret->ptr, R_OK) == 0;
    ret->len -= ret->len > 0;
    if (!is_there) {
        buf_printf(tried, "%s%s%s", tried->len > 0 ? ", " : "", dir, between);
    }
    return is_there;
}

/* The directory of this program; "" where that cannot be told. */
static void own_dir(char dir[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", dir, PATH_MAX - 1);
    dir[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash) {
        *slash = '\0';
    }
}

bool driver_find(struct buf *ret, const struct config_profile *config,
    const struct backend_drivers *drivers, struct buf *err)
{
    char dir[PATH_MAX];
    struct buf tried = BUF_INIT(3 * PATH_MAX);
    if (!driver_is_word(str_of(config->driver))) {
        bool is_embedded = strcmp(config->driver, "duckdb") == 0;
        buf_puts(ret, is_embedded ? drivers->duckdb : config->driver);
        return true;
    }
    own_dir(dir);
    bool ok = (drivers->dir[0] != '\0' &&
                  try_driver(ret, drivers->dir, "", config->driver, &tried)) ||
              try_driver(ret, dir, "/../lib/snowmux", config->driver, &tried) ||
              try_driver(ret, SNOWMUX_DRIVERS_DIR, "", config->driver, &tried);
    if (!ok) {
        buf_printf(err,
            "profile %s: there is no libadbc_driver_%s.so in " STR_FMT
            "; name its directory under [drivers] dir, or its path as the driver",
            config->name, config->driver, STR_ARG(buf_str(&tried)));
    }
    buf_free(&tried);
    return ok;
}

/* ---- interactive logins ---- */

static bool has_display(void)
{
    static const char *const variables[] = {"DISPLAY", "WAYLAND_DISPLAY"};
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const char *value = getenv(variables[i]);
        if (value && value[0] != '\0') {
            return true;
        }
    }
    return false;
}

bool setup_needs_browser(
    const struct config_options *options, const struct snowflake_connection *connection)
{
    struct str key = STR(SQL "auth_type");
    bool is_said = options_find(options, key) != NULL;
    return backend_reach_needs_browser(options) ||
           (!is_said && backend_reach_needs_browser(&connection->options));
}

bool setup_is_possible(const char *name, const struct config_options *options,
    const struct snowflake_connection *connection, struct buf *err)
{
    if (!setup_needs_browser(options, connection) || has_display()) {
        return true;
    }
    buf_printf(err,
        "profile %s: its login opens a browser, and there is no display (DISPLAY and "
        "WAYLAND_DISPLAY are not set); log in with a key pair (auth_jwt), a programmatic "
        "access token (auth_pat) or an OAuth token (auth_oauth) instead",
        name);
    return false;
}

/* ---- what a worker is told ---- */

struct assembly {
    const struct backend_profile *profile;
    struct snowflake_connection connection; /* of the profile, */
    struct snowflake_connection personal;   /* and of the credential */
    struct credential credential;
    struct backend_reach reach; /* of a principal */
    struct backend_option option[OPTIONS_MAX];
    enum wire_source source[OPTIONS_MAX];
    uint32_t count;
};

/* Who comes first is the one that counts. */
static void put(
    struct assembly *a, struct str key, struct str value, enum wire_source source)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (str_eq(a->option[i].key, key)) {
            return;
        }
    }
    ASSERT(a->count < OPTIONS_MAX);
    a->option[a->count] = (struct backend_option){.key = key, .value = value};
    a->source[a->count++] = source;
}

static bool put_variable(
    struct assembly *a, const struct config_option *option, struct buf *err)
{
    const char *value = getenv(option->value);
    if (value && value[0] != '\0') {
        put(a, str_of(option->key), str_of(value), WIRE_SECRET);
        return true;
    }
    buf_printf(err, "option %s: the environment variable %s is %s", option->key,
        option->value, value ? "empty" : "not set");
    return false;
}

/* @plain: what the values are that stand there themselves. */
static bool put_all(struct assembly *a, const struct config_options *options,
    enum wire_source plain, struct buf *err)
{
    bool ok = true;
    for (uint32_t i = 0; i < options->len && ok; i++) {
        const struct config_option *option = &options->at[i];
        struct str key = str_of(option->key);
        struct str value = {option->value, option->value_len};
        switch (option->source) {
        case CONFIG_VALUE:
            /* The driver would read the file itself, and open none that is encrypted. */
            if (str_eq(key, STR(CLIENT "jwt_private_key"))) {
                put(a, STR(CLIENT "jwt_private_key_pkcs8_value"), value, WIRE_FILE);
            } else {
                put(a, key, value, plain);
            }
            break;
        case CONFIG_FROM_FILE:
            put(a, key, value, WIRE_FILE);
            break;
        case CONFIG_FROM_COMMAND:
            put(a, key, value, WIRE_COMMAND);
            break;
        case CONFIG_FROM_ENV:
            ok = put_variable(a, option, err);
            break;
        }
    }
    return ok;
}

static bool has(const struct assembly *a, const char *key, const char *value_or_null)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (str_eq(a->option[i].key, str_of(key))) {
            return !value_or_null || str_eq(a->option[i].value, str_of(value_or_null));
        }
    }
    return false;
}

static void put_if(struct assembly *a, const char *key, struct str value)
{
    if (value.len > 0) {
        put(a, str_of(key), value, WIRE_VALUE);
    }
}

/* A name for the login, which takes it as a user's; those that it would change are set later. */
static void put_name(struct assembly *a, const char *key, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!((c >= 'A' && c <= 'Z') || c == '_' || (is_digit && i > 0))) {
            return;
        }
    }
    put_if(a, key, name);
}

/*
 * Where neither the profile nor Snowflake's file says otherwise. Left alone the driver
 * tries to log in for minutes, and times beyond the range of nanoseconds come back as
 * others.
 */
static void put_snowflake_defaults(struct assembly *a)
{
    bool is_browser = has(a, SQL "auth_type", "auth_ext_browser");
    bool is_mfa = has(a, SQL "auth_type", "auth_mfa");
    if (has(a, "uri", NULL)) {
        return; /* it may say all of it */
    }
    put_name(a, SQL "role", a->profile->role);
    put_name(a, SQL "warehouse", a->profile->warehouse);
    put_name(a, SQL "db", a->profile->database);
    if (a->profile->database.len > 0) {
        put_name(a, SQL "schema", a->profile->schema);
    }
    /* Where the profile says nothing, a principal's own section may, as its user writes it. */
    put_if(a, SQL "role", str_of(a->personal.role));
    put_if(a, SQL "warehouse", str_of(a->personal.warehouse));
    if (a->profile->database.len == 0) {
        put_if(a, SQL "db", str_of(a->personal.database));
        put_if(a, SQL "schema", str_of(a->personal.schema));
    }
    put_if(a, CLIENT "login_timeout", is_browser || is_mfa ? STR("60s") : STR("20s"));
    put_if(a, CLIENT "client_timeout", STR("60s"));
    put_if(a, CLIENT "request_timeout", STR("60s"));
    put_if(a, CLIENT "disable_telemetry", STR("true"));
    put_if(a, CLIENT "keep_session_alive", STR("false"));
    put_if(a, CLIENT "use_high_precision", STR("true"));
    put_if(a, CLIENT "max_timestamp_precision", STR("microseconds"));
    put_if(a, CLIENT "app_name", STR("snowmux"));
    /* One login by hand, whose token the further connections use. */
    put_if(a, CLIENT "store_temp_creds", is_browser ? STR("true") : STR(""));
    put_if(a, CLIENT "cache_mfa_token", is_mfa ? STR("true") : STR(""));
}

static bool read_credential(
    struct assembly *a, const struct backend_login *login, struct buf *err)
{
    const struct backend_profile *profile = a->profile;
    const struct config_profile *config = profile->config;
    if (!credential_read(&a->credential, config, login->credential, err) ||
        (a->credential.connection[0] != '\0' &&
            !snowflake_connection_read(&a->personal, a->credential.connection, err)) ||
        !setup_is_possible(config->name, &a->credential.options, &a->personal, err)) {
        return false;
    }
    /* Nothing of a person's login is for others to see. */
    return put_all(a, &a->credential.options, WIRE_SECRET, err) &&
           put_all(a, &a->personal.options, WIRE_SECRET, err) &&
           backend_reach_init_login(&a->reach, &profile->reach, &a->credential.options,
               profile->dialect, setup_needs_browser(&a->credential.options, &a->personal),
               login->home, err);
}

static bool assemble(
    struct assembly *a, const struct backend_login *login_or_null, struct buf *err)
{
    const struct backend_profile *profile = a->profile;
    const struct config_profile *config = profile->config;
    const struct driver_options *driver = driver_options_of(str_of(config->driver));
    if (config->connection[0] != '\0' &&
        !snowflake_connection_read(&a->connection, config->connection, err)) {
        return false;
    }
    if (login_or_null && !read_credential(a, login_or_null, err)) {
        return false;
    }
    if (!put_all(a, &config->options, WIRE_VALUE, err) ||
        !put_all(a, &config->parameters, WIRE_VALUE, err) ||
        !put_all(a, &a->connection.options, WIRE_VALUE, err)) {
        return false;
    }
    for (uint32_t i = 0; i < profile->setup.option_count; i++) {
        put(a, profile->option[i].key, profile->option[i].value, WIRE_VALUE);
    }
    if (driver && driver->has_parameters) {
        put_snowflake_defaults(a);
    }
    return true;
}

void backend_profile_spawn(struct backend *b, uint32_t worker, uint32_t generation,
    const struct backend_profile *profile, const struct backend_login *login_or_null)
{
    struct assembly a = {.profile = profile};
    struct buf err = BUF_INIT(4096);
    ASSERT(profile->per_principal == (login_or_null != NULL));
    if (assemble(&a, login_or_null, &err)) {
        struct backend_setup setup = profile->setup;
        setup.options = a.option;
        setup.sources = a.source;
        setup.option_count = a.count;
        if (login_or_null) {
            backend_reach_put(&a.reach, &setup);
        }
        backend_spawn(b, worker, generation, &setup);
    } else {
        backend_refuse(b, worker, generation, buf_str(&err));
    }
    snowflake_connection_free(&a.connection);
    snowflake_connection_free(&a.personal);
    credential_free(&a.credential);
    backend_reach_free(&a.reach);
    buf_free(&err);
}
