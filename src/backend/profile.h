// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a profile means to a worker: the driver to load, how it is set up and locked down,
 * and how a connection is set to a context. One table of rules per engine.
 */
#include "backend/login.h"

/* Parts of a context, in the core's order. */
enum backend_part { PART_ROLE, PART_WAREHOUSE, PART_DATABASE, PART_SCHEMA, PART_COUNT };

enum {
    PROFILE_OPTIONS_MAX = 8, /* that the profile itself means */
    PROFILE_INIT_MAX = CONFIG_FILES_MAX + 8,
    PROFILE_OPENING_MAX = 2,
    PROFILE_CLEANING_MAX = PROFILE_OPENING_MAX + 1,
};

struct backend_profile {
    const struct config_profile *config;
    enum sql_dialect_id dialect;
    bool per_principal; /* each principal logs in by itself */
    bool cancels; /* a cancel reaches the driver: several connections may share a worker */
    struct str role; /* of calls that name none; these are owned by the strings below */
    struct str warehouse;
    struct str database;
    struct str schema;
    struct backend_setup setup; /* without what is read anew at each start */
    struct backend_option option[PROFILE_OPTIONS_MAX];
    struct str init[PROFILE_INIT_MAX];
    struct backend_reach reach;
    struct buf text; /* all other strings above */
};

/* Where drivers are that a configuration names by a word. */
struct backend_drivers {
    const char *duckdb; /* the path that stands for "duckdb" */
    const char *dir;    /* looked into first for the others; "": none */
};

/*
 * @config is kept: it lives as long. @state_dir is the daemon's, with the directories of
 * reach.h. False with a sentence in @err: a file or a driver is missing, there are too many
 * files, the driver's dialect is not known, Snowflake's connection is wrong, or its login
 * needs a browser where there is no display.
 */
MUST_USE bool backend_profile_init(struct backend_profile *ret,
    const struct config_profile *config, const struct backend_drivers *drivers,
    const char *state_dir, struct buf *err);
void backend_profile_free(struct backend_profile *profile);

/* The parts (bit per part) that a connection of the profile can be set to. */
uint32_t backend_profile_settable(const struct backend_profile *profile);

/*
 * Starts a worker of the profile, for a login where each principal has one, else for NULL.
 * Environment variables, the credential and Snowflake's files are read for it now and forgotten
 * again; what cannot be read is the worker's loss, as news.
 */
void backend_profile_spawn(struct backend *b, uint32_t worker, uint32_t generation,
    const struct backend_profile *profile, const struct backend_login *login_or_null);

/*
 * What sets the parts in @replay (bit per part) of @context, as backend_exec has it. Setting
 * a database resets the schema in every engine, so the schema follows it. At most
 * PART_COUNT; returns how many. Statements are written into @scratch, which must not be
 * written to before they were sent.
 */
uint32_t backend_profile_replay(const struct backend_profile *profile, uint32_t replay,
    const struct str context[PART_COUNT], struct buf *scratch,
    struct backend_option ret[PART_COUNT]);

/*
 * What every new connection of the profile is set to before anything else: the engine's own
 * read-only mode where it has one, and its own time limits, as a backstop behind ours. At most
 * PROFILE_OPENING_MAX.
 */
uint32_t backend_profile_opening(
    const struct backend_profile *profile, struct backend_option ret[PROFILE_OPENING_MAX]);

/*
 * What a connection is set to before it passes to another session: what a function called in a
 * SELECT may have left (variables, a role, temporary tables, locks), of which no guard knows, is
 * gone, and so is every part of a context. At most PROFILE_CLEANING_MAX; 0: functions leave nothing.
 */
uint32_t backend_profile_cleaning(
    const struct backend_profile *profile, struct backend_option ret[PROFILE_CLEANING_MAX]);

/* The engine's own words, without what its driver added to them. */
struct str backend_profile_message(const struct backend_profile *profile, struct str message);

/* For whom a statement runs, so that the engine's own history can tell. */
struct backend_tag {
    struct str principal;
    struct str client;
    struct str session; /* "" none */
    struct str query;
    struct str trace; /* the caller's own; "" none */
};

/*
 * Marks a statement and those that set its context: by an option of each where the engine has one,
 * or by a comment behind each (an option without a key), written into @scratch. False: not at all.
 */
bool backend_profile_tag(const struct backend_profile *profile, const struct backend_tag *tag,
    struct buf *scratch, struct backend_option *ret);

/*
 * For a statement that is no SELECT, such as EXPLAIN or SHOW: an option of it with which the
 * driver takes it. False: it needs none.
 */
bool backend_profile_command(const struct backend_profile *profile, struct backend_option *ret);
