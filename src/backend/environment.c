// SPDX-License-Identifier: Apache-2.0
/* What a confined worker sees of the daemon's environment. */
#include <stdlib.h>
#include <unistd.h>

#include "backend/state.h"

static const char *const always[] = {"PATH", "LANG", "LANGUAGE", "TZ", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS",
    "SF_DISABLE_MINICORE", "SNOWFLAKE_DISABLE_PLATFORM_DETECTION"};
static const char *const prefixes[] = {"LC_", "SNOWMUX_"};
static const char *const network[] = {
    "http_proxy", "https_proxy", "all_proxy", "no_proxy"};

/* For a program that shows a page to whoever sits here. */
static const char *const desktop[] = {"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
    "XDG_RUNTIME_DIR", "XDG_CURRENT_DESKTOP", "XDG_DATA_DIRS", "DBUS_SESSION_BUS_ADDRESS",
    "BROWSER"};

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

/* Proxies are named in either case. */
static bool is_proxy(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(network); i++) {
        if (str_eq_nocase(name, str_of(network[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const char *variable, uint32_t confine)
{
    struct str name = str_of(variable);
    ptrdiff_t equals = str_find(name, '=');
    name.len = equals < 0 ? name.len : (size_t)equals;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (str_starts(name, str_of(prefixes[i]))) {
            return true;
        }
    }
    return is_one_of(name, always, ARRAY_LEN(always)) ||
           (confine & WIRE_HAS_NETWORK && is_proxy(name)) ||
           (confine & WIRE_MAY_RUN && is_one_of(name, desktop, ARRAY_LEN(desktop)));
}

static char *pair(const char *name, struct str value)
{
    struct buf buf = BUF_INIT(64 * 1024);
    buf_puts(&buf, name);
    buf_put_str(&buf, value);
    buf_putc(&buf, '\0');
    if (!buf_ok(&buf)) {
        buf_free(&buf);
        return NULL;
    }
    return buf_take(&buf);
}

/* The array and the first two strings are ours, the others the process's own. */
char **environment_new(const struct backend_setup *setup)
{
    size_t count = 0;
    while (environ && environ[count]) {
        count++;
    }
    char **env = calloc(count + 3, sizeof(*env));
    if (!env) {
        return NULL;
    }
    env[0] = pair("HOME=", setup->home);
    env[1] = pair("TMPDIR=", setup->home);
    if (!env[0] || !env[1]) {
        environment_free(env);
        return NULL;
    }
    size_t len = 2;
    for (size_t i = 0; i < count; i++) {
        if (is_wanted(environ[i], setup->confine)) {
            env[len++] = environ[i];
        }
    }
    return env;
}

void environment_free(char **environment)
{
    if (environment) {
        free(environment[0]);
        free(environment[1]);
    }
    free(environment);
}
