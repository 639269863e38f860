// SPDX-License-Identifier: Apache-2.0
/* `snowmux check`: reads what serve would read, and starts nothing that stays. */
#include <stdio.h>

#include "backend/profile.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/credential_list.h"
#include "cli/line.h"
#include "config/credential.h"
#include "config/profile.h"

enum {
    LINE_MAX_BYTES = 64 * 1024
};

struct check {
    const struct options *options;
    const struct config *config;
    const char *worker;
    const char *state; /* the directory */
    struct backend_drivers drivers;
    char spill[PATHS_SIZE + 16];
    struct buf line;
};

/* The credentials of one profile. */
struct credentials {
    struct check *check;
    const struct config_profile *profile;
    const struct backend_profile *rules;
    uint32_t count;
    bool ok;
};

/* @principal is empty for the profile's own login, also below. */
static void put_who(
    struct buf *line, const struct config_profile *profile, struct str principal)
{
    buf_printf(line, "profile %s", profile->name);
    if (principal.len > 0) {
        buf_puts(line, ", principal ");
        line_put_text(line, principal);
    }
}

static void say_wrong(struct check *check, const struct config_profile *profile,
    struct str principal, const char *wrong, struct str why)
{
    struct buf *line = &check->line;
    if (check->options->json) {
        line_put_pair(line, "profile", str_of(profile->name));
        if (principal.len > 0) {
            line_put_pair(line, "principal", principal);
        }
        buf_puts(line, ",\"ok\":false");
        line_put_pair(line, "wrong", str_of(wrong));
        line_put_pair(line, "message", why);
        buf_puts(line, "}");
    } else {
        put_who(line, profile, principal);
        buf_printf(line, ": not ok, %s: ", wrong);
        line_put_text(line, str_trim(why));
    }
    line_flush(&check->line);
}

static void put_warnings(struct check *check, const struct finding *finding)
{
    buf_puts(&check->line, ",\"warnings\":[");
    for (uint32_t i = 0; i < finding->warning_count; i++) {
        buf_puts(&check->line, i > 0 ? "," : "");
        buf_put_json(&check->line, str_of(finding->warning[i]));
    }
    buf_puts(&check->line, "]}");
}

static void say_connected(struct check *check, const struct config_profile *profile,
    struct str principal, const struct finding *finding)
{
    static const char *const parts[PART_COUNT] = {
        "role", "warehouse", "database", "schema"};
    struct buf *line = &check->line;
    if (check->options->json) {
        line_put_pair(line, "profile", str_of(profile->name));
        if (principal.len > 0) {
            line_put_pair(line, "principal", principal);
        }
        buf_puts(line, ",\"ok\":true");
        line_put_pair(line, "driver", str_of(finding->driver));
        line_put_pair(line, "version", str_of(finding->version));
        for (int part = 0; part < PART_COUNT; part++) {
            line_put_pair(line, parts[part], str_of(finding->context[part]));
        }
        put_warnings(check, finding);
        line_flush(&check->line);
        return;
    }
    put_who(line, profile, principal);
    buf_printf(line, ": ok, %s %s",
        finding->driver[0] ? finding->driver : profile->driver, finding->version);
    for (int part = 0; part < PART_COUNT; part++) {
        if (finding->context[part][0] != '\0') {
            buf_printf(line, ", %s %s", parts[part], finding->context[part]);
        }
    }
    line_flush(&check->line);
    for (uint32_t i = 0; i < finding->warning_count; i++) {
        put_who(line, profile, principal);
        buf_printf(line, ": warning, %s", finding->warning[i]);
        line_flush(&check->line);
    }
}

static bool connect_to(struct check *check, const struct config_profile *profile,
    const struct backend_profile *rules, const struct backend_login *login_or_null,
    struct str principal)
{
    static struct finding finding;
    connect_profile(check->worker, rules, login_or_null, &finding);
    if (finding.is_ok) {
        say_connected(check, profile, principal, &finding);
    } else {
        say_wrong(check, profile, principal, finding.wrong, str_of(finding.message));
    }
    return finding.is_ok;
}

static bool connect_as(struct credentials *all, struct str principal)
{
    struct check *check = all->check;
    struct backend_login login;
    struct buf err = BUF_INIT(LINE_MAX_BYTES);
    bool ok = backend_login_init(&login, check->state, all->profile->name, principal, &err);
    if (ok) {
        ok = connect_to(check, all->profile, all->rules, &login, principal);
    } else {
        say_wrong(check, all->profile, principal, "credentials", buf_str(&err));
    }
    buf_free(&err);
    return ok;
}

static void check_credential(
    void *ctx, const char *name, struct str principal, const char *path)
{
    struct credentials *all = ctx;
    struct credential credential;
    struct buf err = BUF_INIT(LINE_MAX_BYTES);
    (void)name;
    if (!credential_read(&credential, all->profile, path, &err)) {
        say_wrong(all->check, all->profile, principal, "credentials", buf_str(&err));
        all->ok = false;
    } else if (all->check->options->connect) {
        all->ok = connect_as(all, principal) && all->ok;
    }
    all->count++;
    credential_free(&credential);
    buf_free(&err);
}

static bool check_credentials(struct check *check, const struct config_profile *profile,
    const struct backend_profile *rules, uint32_t *ret_count)
{
    struct credentials all = {.check = check, .profile = profile, .rules = rules, .ok = true};
    struct buf err = BUF_INIT(LINE_MAX_BYTES);
    bool ok = credential_list(check->state, profile->name, check_credential, &all, &err);
    if (!ok) {
        say_wrong(check, profile, STR(""), "credentials", buf_str(&err));
    }
    buf_free(&err);
    *ret_count = all.count;
    return ok && all.ok;
}

/* @credentials counts where each principal has its own. */
static void say_read(struct check *check, const struct config_profile *profile,
    const struct backend_profile *rules, uint32_t credentials)
{
    bool is_per_principal = profile_is_per_principal(profile);
    struct buf *line = &check->line;
    if (check->options->json) {
        line_put_pair(line, "profile", str_of(profile->name));
        buf_puts(line, ",\"ok\":true");
        line_put_pair(line, "driver", str_of(profile->driver));
        line_put_pair(line, "policy", str_of(profile->policy));
        buf_printf(line, ",\"slots\":%lld", (long long)profile->slots);
        line_put_pair(line, "database", rules->database);
        if (is_per_principal) {
            line_put_pair(line, "identity", str_of(profile->identity));
            buf_printf(line, ",\"credentials\":%u", (unsigned)credentials);
        }
        buf_puts(line, "}");
    } else {
        buf_printf(line, "profile %s: %s, policy %s, %lld slots, database " STR_FMT,
            profile->name, profile->driver, profile->policy, (long long)profile->slots,
            STR_ARG(rules->database.len > 0 ? rules->database : STR("-")));
        if (is_per_principal) {
            buf_printf(line, ", identity per_principal, %u credential%s",
                (unsigned)credentials, credentials == 1 ? "" : "s");
        }
    }
    line_flush(&check->line);
}

static bool check_profile(struct check *check, const struct config_profile *profile)
{
    static struct backend_profile rules;
    struct buf err = BUF_INIT(LINE_MAX_BYTES);
    bool ok = backend_profile_init(&rules, profile, &check->drivers, check->spill, &err);
    if (!ok) {
        say_wrong(check, profile, STR(""), "configuration", buf_str(&err));
    } else if (profile_is_per_principal(profile)) {
        uint32_t count = 0;
        ok = check_credentials(check, profile, &rules, &count);
        if (ok && !check->options->connect) {
            say_read(check, profile, &rules, count);
        }
    } else if (check->options->connect) {
        ok = connect_to(check, profile, &rules, NULL, STR(""));
    } else {
        say_read(check, profile, &rules, 0);
    }
    backend_profile_free(&rules);
    buf_free(&err);
    return ok;
}

static void say_paths(struct check *check, const struct paths *paths)
{
    const char *http = check->config->listen_http;
    struct buf *line = &check->line;
    if (check->options->json) {
        line_put_pair(line, "state", str_of(paths->state));
        line_put_pair(line, "socket", str_of(paths->socket));
        line_put_pair(line, "config", str_of(paths->config));
        line_put_pair(line, "http", str_of(http[0] != '\0' ? http : "off"));
        buf_puts(line, "}");
    } else {
        buf_printf(line, "state   %s\nsocket  %s\nconfig  %s\nhttp    %s", paths->state,
            paths->socket, paths->config, http[0] != '\0' ? http : "off");
    }
    line_flush(&check->line);
}

int command_check(const struct options *options, const char *worker, const char *duckdb)
{
    static struct config config;
    static struct paths paths;
    if (!options_load(options, &config, &paths)) {
        return 1;
    }
    struct check check = {.options = options,
        .config = &config,
        .worker = worker,
        .state = paths.state,
        .drivers = {duckdb, config.drivers_dir},
        .line = BUF_INIT(LINE_MAX_BYTES)};
    snprintf(check.spill, sizeof(check.spill), "%s/spill", paths.state);
    bool ok = true;
    say_paths(&check, &paths);
    for (uint32_t i = 0; i < config.profile_count; i++) {
        ok = check_profile(&check, &config.profile[i]) && ok;
    }
    if (config.profile_count == 0) {
        fprintf(options->json ? stderr : stdout,
            "no profile: add a [profile.NAME] section, or start with --duckdb FILE\n");
    }
    if (!options->json) {
        printf(ok ? "ok\n" : "not ok\n");
    }
    buf_free(&check.line);
    config_free(&config);
    return ok ? 0 : 1;
}
