// SPDX-License-Identifier: Apache-2.0
/* What a worker sees of the daemon's environment, and what is its own. */
#include <stdlib.h>
#include <unistd.h>

#include "backend/state.h"

static const char *const always[] = {"PATH", "LANG", "LANGUAGE", "TZ", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};
static const char *const prefixes[] = {"LC_", "SNOWMUX_"};
static const char *const network[] = {
    "http_proxy", "https_proxy", "all_proxy", "no_proxy"};

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
           (confine & WIRE_HAS_NETWORK && is_proxy(name));
}

enum {
    TEXT_MAX = 64 * 1024
};

static void put_own(struct environment *env, const char *name, struct str value)
{
    buf_printf(&env->text, "%s=" STR_FMT, name, STR_ARG(value));
    buf_putc(&env->text, '\0');
    env->own_count++;
}

/* Where the program is that tells where to sign in, before all others. */
static void put_path(struct environment *env, struct str bin)
{
    const char *path = getenv("PATH");
    buf_printf(&env->text, "PATH=" STR_FMT "%s%s", STR_ARG(bin), path ? ":" : "", path ? path : "");
    buf_putc(&env->text, '\0');
    env->own_count++;
}

/* For programs that print secrets: what a driver may write is no place to look for them. */
static void put_daemons(struct environment *env)
{
    static const char *const names[] = {"HOME", "PATH", "TMPDIR"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        buf_printf(&env->text, WIRE_DAEMONS "%s=%s", names[i], value ? value : "");
        buf_putc(&env->text, '\0');
        env->own_count++;
    }
}

/*
 * What is set by us. Go's runtime keeps the environment in which the process began, so what its
 * drivers are to know stands here: left alone, Snowflake's would write a helper library and probe
 * cloud metadata.
 */
static void put_all_own(struct environment *env, const struct backend_setup *setup)
{
    put_own(env, "SF_DISABLE_MINICORE", STR("true"));
    put_own(env, "SNOWFLAKE_DISABLE_PLATFORM_DETECTION", STR("true"));
    if (setup->confine & WIRE_CONFINED) {
        put_own(env, "HOME", setup->home);
        put_own(env, "TMPDIR", setup->home);
        put_daemons(env);
    }
    if (setup->confine & WIRE_CONFINED && setup->bin.len > 0) {
        put_path(env, setup->bin);
    }
}

static bool is_own(const struct environment *env, const char *variable)
{
    size_t name_len = strcspn(variable, "=") + 1;
    for (uint32_t i = 0; i < env->own_count; i++) {
        if (strncmp(env->variables[i], variable, name_len) == 0) {
            return true;
        }
    }
    return false;
}

bool environment_init(struct environment *ret, const struct backend_setup *setup)
{
    size_t count = 0;
    while (environ && environ[count]) {
        count++;
    }
    *ret = (struct environment){.text = BUF_INIT(TEXT_MAX)};
    put_all_own(ret, setup);
    ret->variables = calloc(count + ret->own_count + 1, sizeof(*ret->variables));
    if (!ret->variables || !buf_ok(&ret->text)) {
        environment_free(ret);
        return false;
    }
    size_t len = 0;
    for (char *at = ret->text.ptr; len < ret->own_count; at += strlen(at) + 1) {
        ret->variables[len++] = at;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_whole = !(setup->confine & WIRE_CONFINED);
        if (!is_own(ret, environ[i]) && (is_whole || is_wanted(environ[i], setup->confine))) {
            ret->variables[len++] = environ[i];
        }
    }
    return true;
}

void environment_free(struct environment *environment)
{
    buf_free(&environment->text);
    free(environment->variables);
    environment->variables = NULL;
}
