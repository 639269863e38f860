// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the worker of a profile may reach: which files, and whether the network and other
 * programs. One table of rules per driver; see worker/confine.h for how they are kept.
 */
#include "backend/backend.h"
#include "config/config.h"
#include "sql/guard.h"

enum {
    REACH_WRITES_MAX = 3
};

/* Where a daemon keeps what workers write. */
#define REACH_SPOOL "spool" /* results */
#define REACH_SPILL "spill" /* what DuckDB has no memory for, by the profile's name */
#define REACH_HOMES "home"  /* other drivers' homes, likewise */
#define REACH_BIN "bin" /* what they may run and none may write: the program that tells where to sign in */
#define REACH_LOGINS "logins" /* homes of principals that log in by themselves: profile, principal */

struct backend_reach {
    uint32_t confine; /* of enum wire_confine; 0: all that the daemon may */
    struct str home;  /* one of those below, with a final NUL */
    struct str bin;   /* where those that sign in find what to run, with a final NUL */
    struct str write[REACH_WRITES_MAX];
    uint32_t write_count;
    struct str read[WIRE_PATHS_MAX];
    uint32_t read_count;
    struct buf text; /* all the strings above */
};

/*
 * @driver is a path, or a name to look up; @has_browser: Snowflake's own file says that the
 * login opens one; @state_dir is the daemon's. False, with a
 * sentence in @err: there are too many paths.
 */
MUST_USE bool backend_reach_init(struct backend_reach *ret,
    const struct config_profile *config, enum sql_dialect_id dialect, const char *driver,
    bool has_browser, const char *state_dir, struct buf *err);

/*
 * The same for a principal that logs in by itself: as @profile, but for its own @home and with what
 * its @options name.
 */
MUST_USE bool backend_reach_init_login(struct backend_reach *ret,
    const struct backend_reach *profile, const struct config_options *options,
    enum sql_dialect_id dialect, bool has_browser, const char *home, struct buf *err);

/* The same for the reader of spools; false: no memory. */
MUST_USE bool backend_reach_init_reader(struct backend_reach *ret, const char *state_dir);

/* Do the options say that Snowflake's login opens a browser? A uri that is kept elsewhere does not tell. */
bool backend_reach_needs_browser(const struct config_options *options);

void backend_reach_free(struct backend_reach *reach);

/* Borrows the strings. */
void backend_reach_put(const struct backend_reach *reach, struct backend_setup *setup);
