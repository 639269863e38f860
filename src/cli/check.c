// SPDX-License-Identifier: Apache-2.0
/* `snowmux check`: reads what serve would read, starts nothing. */
#include <stdio.h>

#include "backend/profile.h"
#include "cli/commands.h"

static bool check_profile(const struct config_profile *profile)
{
    struct buf err = BUF_INIT(4096);
    struct backend_profile rules;
    bool ok = backend_profile_init(&rules, profile, &(struct backend_drivers){"duckdb", ""}, "", &err);
    if (ok) {
        printf("profile %s: %s, policy %s, %lld slots, database " STR_FMT "\n", profile->name,
            profile->driver, profile->policy, (long long)profile->slots,
            STR_ARG(rules.database.len > 0 ? rules.database : STR("-")));
        backend_profile_free(&rules);
    } else {
        fprintf(stderr, "snowmux: " STR_FMT "\n", STR_ARG(buf_str(&err)));
    }
    buf_free(&err);
    return ok;
}

int command_check(const struct options *options)
{
    static struct config config;
    static struct paths paths;
    if (!options_load(options, &config, &paths)) {
        return 1;
    }
    bool ok = true;
    printf("state   %s\nsocket  %s\nconfig  %s\nhttp    %s\n", paths.state, paths.socket,
        paths.config, config.listen_http[0] != '\0' ? config.listen_http : "off");
    for (uint32_t i = 0; i < config.profile_count; i++) {
        ok = check_profile(&config.profile[i]) && ok;
    }
    if (config.profile_count == 0) {
        printf("no profile: add a [profile.NAME] section, or start with --duckdb FILE\n");
    }
    printf(ok ? "ok\n" : "not ok\n");
    config_free(&config);
    return ok ? 0 : 1;
}
