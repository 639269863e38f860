// SPDX-License-Identifier: Apache-2.0
/* `snowmux check`: reads what serve would read, and starts nothing that stays. */
#include <stdio.h>

#include "backend/profile.h"
#include "cli/commands.h"
#include "cli/connect.h"

enum {
    LINE_MAX_BYTES = 64 * 1024
};

struct check {
    const struct options *options;
    const struct config *config;
    const char *worker;
    struct backend_drivers drivers;
    char spill[PATHS_SIZE + 16];
    struct buf line;
};

static void put_pair(struct buf *line, const char *key, struct str value)
{
    buf_putc(line, line->len > 0 ? ',' : '{');
    buf_put_json(line, str_of(key));
    buf_putc(line, ':');
    buf_put_json(line, value);
}

/* Prints what was put, and empties it. */
static void flush(struct check *check)
{
    buf_puts(&check->line, "\n");
    printf(STR_FMT, STR_ARG(buf_str(&check->line)));
    fflush(stdout);
    buf_clear(&check->line);
}

/* Engines explain themselves in several lines. */
static void put_line(struct buf *line, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        buf_putc(line, (unsigned char)text.ptr[i] < ' ' ? ' ' : text.ptr[i]);
    }
}

static void say_wrong(struct check *check, const struct config_profile *profile,
    const char *wrong, struct str why)
{
    struct buf *line = &check->line;
    if (check->options->json) {
        put_pair(line, "profile", str_of(profile->name));
        buf_puts(line, ",\"ok\":false");
        put_pair(line, "wrong", str_of(wrong));
        put_pair(line, "message", why);
        buf_puts(line, "}");
    } else {
        buf_printf(line, "profile %s: not ok, %s: ", profile->name, wrong);
        put_line(line, str_trim(why));
    }
    flush(check);
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
    const struct finding *finding)
{
    static const char *const parts[PART_COUNT] = {
        "role", "warehouse", "database", "schema"};
    struct buf *line = &check->line;
    if (check->options->json) {
        put_pair(line, "profile", str_of(profile->name));
        buf_puts(line, ",\"ok\":true");
        put_pair(line, "driver", str_of(finding->driver));
        put_pair(line, "version", str_of(finding->version));
        for (int part = 0; part < PART_COUNT; part++) {
            put_pair(line, parts[part], str_of(finding->context[part]));
        }
        put_warnings(check, finding);
        flush(check);
        return;
    }
    buf_printf(line, "profile %s: ok, %s %s", profile->name,
        finding->driver[0] ? finding->driver : profile->driver, finding->version);
    for (int part = 0; part < PART_COUNT; part++) {
        if (finding->context[part][0] != '\0') {
            buf_printf(line, ", %s %s", parts[part], finding->context[part]);
        }
    }
    flush(check);
    for (uint32_t i = 0; i < finding->warning_count; i++) {
        buf_printf(line, "profile %s: warning, %s", profile->name, finding->warning[i]);
        flush(check);
    }
}

static bool connect_to(struct check *check, const struct config_profile *profile,
    const struct backend_profile *rules)
{
    static struct finding finding;
    connect_profile(check->worker, rules, &finding);
    if (finding.is_ok) {
        say_connected(check, profile, &finding);
    } else {
        say_wrong(check, profile, finding.wrong, str_of(finding.message));
    }
    return finding.is_ok;
}

static void say_read(struct check *check, const struct config_profile *profile,
    const struct backend_profile *rules)
{
    struct buf *line = &check->line;
    if (check->options->json) {
        put_pair(line, "profile", str_of(profile->name));
        buf_puts(line, ",\"ok\":true");
        put_pair(line, "driver", str_of(profile->driver));
        put_pair(line, "policy", str_of(profile->policy));
        buf_printf(line, ",\"slots\":%lld", (long long)profile->slots);
        put_pair(line, "database", rules->database);
        buf_puts(line, "}");
    } else {
        buf_printf(line, "profile %s: %s, policy %s, %lld slots, database " STR_FMT,
            profile->name, profile->driver, profile->policy, (long long)profile->slots,
            STR_ARG(rules->database.len > 0 ? rules->database : STR("-")));
    }
    flush(check);
}

static bool check_profile(struct check *check, const struct config_profile *profile)
{
    static struct backend_profile rules;
    struct buf err = BUF_INIT(LINE_MAX_BYTES);
    bool ok = backend_profile_init(&rules, profile, &check->drivers, check->spill, &err);
    if (!ok) {
        say_wrong(check, profile, "configuration", buf_str(&err));
    } else if (check->options->connect) {
        ok = connect_to(check, profile, &rules);
    } else {
        say_read(check, profile, &rules);
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
        put_pair(line, "state", str_of(paths->state));
        put_pair(line, "socket", str_of(paths->socket));
        put_pair(line, "config", str_of(paths->config));
        put_pair(line, "http", str_of(http[0] != '\0' ? http : "off"));
        buf_puts(line, "}");
    } else {
        buf_printf(line, "state   %s\nsocket  %s\nconfig  %s\nhttp    %s", paths->state,
            paths->socket, paths->config, http[0] != '\0' ? http : "off");
    }
    flush(check);
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
