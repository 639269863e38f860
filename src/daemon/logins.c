// SPDX-License-Identifier: Apache-2.0
/*
 * Who logs in at a profile: its own user, or each principal with a credential of its own. What is
 * remembered of a login (what its connections are set to by themselves, why it failed, where
 * somebody has to sign in) is shown to nobody else.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "config/credential.h"
#include "daemon/inside.h"

static void init(struct login *login, uint32_t profile, uint32_t principal)
{
    *login = (struct login){.profile = profile, .principal = principal};
    (void)str_copy(STR("it has not been reached yet"), login->why, sizeof(login->why));
    list_init(&login->node);
}

void logins_init(struct daemon *d, uint32_t profile)
{
    init(&d->profile[profile].own, profile, 0);
    list_init(&d->profile[profile].logins);
}

void logins_free(struct daemon *d, uint32_t profile)
{
    struct list *node;
    while ((node = list_first(&d->profile[profile].logins))) {
        struct login *login = CONTAINER_OF(node, struct login, node);
        list_remove(node);
        symbol_release(d->symbols, login->principal);
        free(login->url);
        free(login);
    }
    free(d->profile[profile].own.url);
}

static struct login *find(struct daemon *d, uint32_t profile, uint32_t principal)
{
    LIST_FOR(node, &d->profile[profile].logins) {
        struct login *login = CONTAINER_OF(node, struct login, node);
        if (login->principal == principal) {
            return login;
        }
    }
    return NULL;
}

const struct login *logins_seen_by(struct daemon *d, uint32_t profile, uint32_t principal)
{
    static const struct login none;
    const struct profile *p = &d->profile[profile];
    const struct login *own = p->rules.per_principal ? find(d, profile, principal) : &p->own;
    return own ? own : &none;
}

/* One for each credential that was ever used; only the operator makes those. */
struct login *logins_get(struct daemon *d, uint32_t profile, uint32_t principal)
{
    struct profile *p = &d->profile[profile];
    if (principal == 0) {
        return &p->own;
    }
    struct login *login = find(d, profile, principal);
    if (!login && (login = malloc(sizeof(*login)))) {
        init(login, profile, symbol_hold(d->symbols, principal));
        list_push_back(&p->logins, &login->node);
    }
    return login;
}

/* ---- credentials ---- */

bool logins_has_credential(struct daemon *d, uint32_t profile, uint32_t principal)
{
    char path[CONFIG_PATH_SIZE];
    const struct profile *p = &d->profile[profile];
    return !p->rules.per_principal ||
           (credential_path(path, sizeof(path), d->options->paths->state, p->config->name,
                symbol_str(d->symbols, principal)) &&
               access(path, F_OK) == 0);
}

/* As one word of a shell. */
static void put_word(struct buf *out, struct str word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:@._-+/";
    bool is_plain = word.len > 0;
    for (size_t i = 0; i < word.len; i++) {
        is_plain = is_plain && word.ptr[i] != '\0' && strchr(plain, word.ptr[i]);
    }
    buf_puts(out, is_plain ? "" : "'");
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\'') {
            buf_puts(out, "'\\''");
        } else {
            buf_putc(out, word.ptr[i]);
        }
    }
    buf_puts(out, is_plain ? "" : "'");
}

static void refuse(struct call *call)
{
    struct daemon *d = call->daemon;
    const char *profile = d->profile[call->profile].config->name;
    struct str principal = symbol_str(d->symbols, call->principal);
    struct buf message = BUF_INIT(TOOL_MESSAGE_MAX);
    struct buf hint = BUF_INIT(TOOL_MESSAGE_MAX);
    buf_printf(&message,
        "On profile %s each principal logs in by itself, and " STR_FMT
        " has no credential there. Nothing was run.",
        profile, STR_ARG(principal));
    buf_printf(&hint, "Tell the user: whoever runs snowmux adds it with: snowmux credential add %s ",
        profile);
    put_word(&hint, principal);
    tool_fail_more(&call->tool, TOOL_E_NO_CREDENTIAL, 0, buf_str(&message), buf_str(&hint),
        (struct str){NULL, 0});
    buf_free(&message);
    buf_free(&hint);
}

bool logins_admits(struct call *call)
{
    struct daemon *d = call->daemon;
    const struct profile *p = &d->profile[call->profile];
    if (!p->rules.per_principal) {
        return true;
    }
    if (!logins_has_credential(d, call->profile, call->principal)) {
        refuse(call);
        return false;
    }
    if (!logins_get(d, call->profile, call->principal)) {
        tool_fail(&call->tool, TOOL_E_INTERNAL, 0, "There is no memory.");
        return false;
    }
    return true;
}

void logins_changed(struct daemon *d, struct str profile, struct str principal)
{
    for (uint32_t i = 0; i < d->profile_count; i++) {
        uint32_t symbol = symbol_find(d->symbols, principal);
        if (str_eq(profile, str_of(d->profile[i].config->name)) && symbol > 0) {
            put_event(d, &(struct core_event){
                             .kind = CORE_LOGIN_CHANGED, .profile = i, .principal = symbol});
        }
    }
    if (d->known) {
        catalog_cache_drop(d->known, profile);
    }
    log_event(LOG_INFO, "credential_changed", "profile=%s principal=%s", log_quote(profile),
        log_quote(principal));
    work(d);
}

/* ---- workers ---- */

void logins_spawn(struct daemon *d, const struct core_action *a)
{
    struct profile *p = &d->profile[a->profile];
    struct backend_login login;
    struct buf err = BUF_INIT(WHY_SIZE);
    if (a->principal == 0) {
        backend_profile_spawn(d->backend, a->worker, a->generation, &p->rules, NULL);
    } else if (backend_login_init(&login, d->options->paths->state, p->config->name,
                   symbol_str(d->symbols, a->principal), &err)) {
        backend_profile_spawn(d->backend, a->worker, a->generation, &p->rules, &login);
    } else {
        backend_refuse(d->backend, a->worker, a->generation, buf_str(&err));
    }
    buf_free(&err);
}

/* ---- signing in ---- */

void logins_sign_in(void *ctx, uint32_t conn, uint32_t generation, struct str url)
{
    struct daemon *d = ctx;
    struct login *login = conn < CORE_CONNS_MAX ? d->leases[conn].login : NULL;
    if (!login || d->leases[conn].generation != generation) {
        return;
    }
    free(login->url);
    login->url = backend_login_is_address(url) ? strndup(url.ptr, url.len) : NULL;
    log_event(LOG_INFO, "sign_in", "conn=%u profile=%s principal=%s address=%d", conn,
        d->profile[login->profile].config->name,
        log_quote(symbol_str(d->symbols, login->principal)), login->url != NULL);
    put_event(d, &(struct core_event){
                     .kind = CORE_CONN_PENDING, .conn = conn, .generation = generation});
    work(d);
}

static void on_browser_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_browser_exit(uv_process_t *process, int64_t status, int term_signal)
{
    if (status != 0 || term_signal != 0) {
        log_event(LOG_WARN, "no_browser", "status=%d signal=%d", (int)status, term_signal);
    }
    uv_close((uv_handle_t *)process, on_browser_closed);
}

/* What a desktop's programs go by, and none of the daemon's other variables: some are secrets. */
static bool is_of_desktop(struct str name)
{
    static const char *const names[] = {"HOME", "PATH", "LANG", "LANGUAGE", "TZ", "USER",
        "LOGNAME", "SHELL", "TMPDIR", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
        "DBUS_SESSION_BUS_ADDRESS", "BROWSER", "DESKTOP_SESSION", "KDE_FULL_SESSION",
        "KDE_SESSION_VERSION", "GNOME_DESKTOP_SESSION_ID", "WSL_DISTRO_NAME", "WSL_INTEROP"};
    bool is_one = str_starts(name, STR("LC_")) || str_starts(name, STR("XDG_"));
    for (size_t i = 0; i < ARRAY_LEN(names) && !is_one; i++) {
        is_one = str_eq(name, str_of(names[i]));
    }
    return is_one;
}

/* The caller frees the array, not what it names; NULL: no memory. */
static char **desktop_environment(void)
{
    size_t count = 0;
    size_t len = 0;
    while (environ && environ[count]) {
        count++;
    }
    char **ret = calloc(count + 1, sizeof(*ret));
    for (size_t i = 0; i < count && ret; i++) {
        if (is_of_desktop((struct str){environ[i], strcspn(environ[i], "=")})) {
            ret[len++] = environ[i];
        }
    }
    return ret;
}

void logins_open_browser(struct daemon *d, const struct core_action *a)
{
    const struct login *login = d->leases[a->conn].login;
    char program[] = "xdg-open";
    uv_process_t *process = login->url ? calloc(1, sizeof(*process)) : NULL;
    char **variables = process ? desktop_environment() : NULL;
    if (!variables || d->is_closing) {
        free(variables);
        free(process);
        return;
    }
    char *args[] = {program, login->url, NULL};
    uv_process_options_t options = {.exit_cb = on_browser_exit,
        .file = program,
        .args = args,
        .env = variables,
        .flags = UV_PROCESS_DETACHED};
    int rc = uv_spawn(&d->loop, process, &options);
    free(variables);
    if (rc < 0) {
        log_event(LOG_WARN, "no_browser", "why=%s", uv_strerror(rc));
        uv_close((uv_handle_t *)process, on_browser_closed);
        return;
    }
    uv_unref((uv_handle_t *)process); /* a window may stay longer than the daemon */
}

void logins_fail_pending(struct call *call, uint64_t retry_ms)
{
    struct daemon *d = call->daemon;
    const struct login *login = logins_seen_by(d, call->profile, call->principal);
    const char *profile = d->profile[call->profile].config->name;
    struct buf more = BUF_INIT(2 * BACKEND_ADDRESS_SIZE);
    struct buf message = BUF_INIT(TOOL_MESSAGE_MAX);
    buf_printf(&message, "Profile %s waits for somebody to sign in%s. Nothing was run.", profile,
        login->url ? ", in the browser window that was opened where snowmux runs, or at the url"
                   : ", but what the driver gave is no address that can be shown, so no browser "
                     "window was opened");
    if (login->url) {
        buf_puts(&more, ",\"url\":");
        buf_put_json(&more, str_of(login->url));
    }
    tool_fail_more(&call->tool, TOOL_E_WAITING_FOR_LOGIN, retry_ms, buf_str(&message),
        (struct str){NULL, 0}, login->url ? buf_str(&more) : (struct str){NULL, 0});
    buf_free(&more);
    buf_free(&message);
}
