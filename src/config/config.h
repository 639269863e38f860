// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Settings: one table (config.def) gives name, type, default, range and a sentence; from
 * it come this struct, the reader, `snowmux help config` and docs/configuration.md.
 */
#include <stdint.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/str.h"

enum {
    CONFIG_STRING_SIZE = 256,
    CONFIG_UIDS_MAX = 32,
    CONFIG_PROFILES_MAX = 8,
    CONFIG_FILES_MAX = 64,
    CONFIG_NAMES_MAX = 64,
    CONFIG_OPTIONS_MAX = 32,
    CONFIG_NAME_SIZE = 64,
    CONFIG_PATH_SIZE = 4096,
    CONFIG_SHARES_SUM_MAX = 900 /* permille */
};

struct config_uids {
    uint32_t len;
    uint32_t at[CONFIG_UIDS_MAX];
};

struct config_name {
    char name[CONFIG_NAME_SIZE]; /* any case; "abc*" stands for all that begin so */
    int64_t value;
};

/* A table from names to values; the first that matches counts. */
struct config_names {
    uint32_t len;
    struct config_name at[CONFIG_NAMES_MAX];
};

struct config_files {
    uint32_t len;
    char *at[CONFIG_FILES_MAX]; /* owned */
};

/* A rate of calls; {burst, per_s} in TOML. */
struct config_rate {
    int64_t burst;      /* 0 = off */
    int64_t per_1000_s; /* come back in 1000 s; at least 1 where burst is not 0 */
};

/* Used in a day, each 0 = off; {calls, rows, bytes, engine_s, credits} in TOML. */
struct config_amounts {
    int64_t calls;
    int64_t rows;
    int64_t bytes;
    int64_t engine_s;
    int64_t microcredits;
};

/* Permille, together at most CONFIG_SHARES_SUM_MAX; fractions of 1 in TOML. */
struct config_shares {
    int64_t high;
    int64_t normal;
    int64_t low;
};

/* Calls at once. */
struct config_bounds {
    int64_t run;   /* 0 = off */
    int64_t queue; /* at least 1 */
};

/* Where an option's value is; the last three are read anew when a worker starts. */
enum config_source {
    CONFIG_VALUE,
    CONFIG_FROM_ENV,     /* in the environment variable of this name */
    CONFIG_FROM_FILE,    /* in the file of this path */
    CONFIG_FROM_COMMAND, /* with the program: its arguments, separated by NULs */
};

/* One key of [profile.NAME.options]: handed to the driver's database as it is. */
struct config_option {
    char *key;   /* owned */
    char *value; /* owned; strings, integers and booleans in TOML, text here; a NUL ends it */
    size_t value_len; /* without that NUL */
    enum config_source source;
};

struct config_options {
    uint32_t len;
    struct config_option at[CONFIG_OPTIONS_MAX];
};

/*
 * A [profile.NAME] section: its plain keys come from profile.def, like the settings above;
 * `files`, `options` and `parameters` are read by hand.
 */
struct config_profile {
    char name[CONFIG_NAME_SIZE]; /* letters, digits, '_' and '-' */
    struct config_files files;   /* DuckDB files, the first is the main one */
    struct config_options options;
    struct config_options parameters; /* of Snowflake's session; plain values */
#define PROFILE_INT(key, value, min, max, text) int64_t key;
#define PROFILE_STRING(key, value, text) char key[CONFIG_PATH_SIZE];
#define PROFILE_CREDITS(key, text) struct config_names key; /* thousandths an hour */
#define PROFILE_POLICIES(key, text) struct config_names key; /* places in config_policies */
#include "config/profile.def"
#undef PROFILE_INT
#undef PROFILE_STRING
#undef PROFILE_CREDITS
#undef PROFILE_POLICIES
};

struct config {
#define CONFIG_INT(section, key, value, min, max, text) int64_t section##_##key;
#define CONFIG_STRING(section, key, value, text) char section##_##key[CONFIG_STRING_SIZE];
#define CONFIG_UIDS(section, key, text) struct config_uids section##_##key;
#define CONFIG_RATE(section, key, burst, per_1000_s, text)                               \
    struct config_rate section##_##key;
#define CONFIG_AMOUNTS(section, key, text) struct config_amounts section##_##key;
#define CONFIG_SHARES(section, key, high, normal, low, text)                             \
    struct config_shares section##_##key;
#define CONFIG_BOUNDS(section, key, run, queue, text)                                    \
    struct config_bounds section##_##key;
#define CONFIG_WEIGHTS(section, key, text) struct config_names section##_##key;
#define CONFIG_TYPES(section, key, text) struct config_names section##_##key;
#include "config/config.def"
#undef CONFIG_WEIGHTS
#undef CONFIG_TYPES
#undef CONFIG_INT
#undef CONFIG_STRING
#undef CONFIG_UIDS
#undef CONFIG_RATE
#undef CONFIG_AMOUNTS
#undef CONFIG_SHARES
#undef CONFIG_BOUNDS
    uint32_t profile_count;
    struct config_profile profile[CONFIG_PROFILES_MAX];
};

/* All defaults, no profile. */
void config_init(struct config *config);
void config_free(struct config *config);

/*
 * Reads TOML over what @config holds. All or nothing: on an error false, @config is as
 * before and @err says file, line, what was wrong and what is allowed (an unknown key: the
 * nearest known ones). What is not named stays, members of a table of numbers too. @name
 * is for messages.
 */
MUST_USE bool config_parse(
    struct config *config, struct str toml, const char *name, struct buf *err);

/* The same from a file; a missing file is an error that says so. */
MUST_USE bool config_read(struct config *config, const char *path, struct buf *err);

/*
 * Adds a profile for these DuckDB files (`--duckdb FILE...`), with the defaults of
 * profile.def. False when there are too many, or a profile of that name already.
 */
MUST_USE bool config_add_duckdb(struct config *config, const char *name,
    const char *const *files, uint32_t file_count, struct buf *err);

/* The value of the first name that @text matches; false: none does. */
MUST_USE bool config_names_find(
    const struct config_names *names, struct str text, int64_t *ret);

/* What a value of `client.types` counts from. */
extern const char *const config_client_types[];
extern const uint32_t config_client_type_count;

/* What a policy may be, ended by NULL. */
extern const char *const config_policies[];

/* That of a principal; @profile's own where its table names no other. */
const char *config_policy_of(const struct config_profile *profile, struct str principal);

/* Does a policy of the profile begin with @word? */
bool config_has_policy(const struct config_profile *profile, const char *word);

/* The table as Markdown, for docs/configuration.md and `snowmux help config`. */
void config_describe(struct buf *out);
