// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The rows of config.def and profile.def as data, for reader, defaults and documentation.
 */
#include "config/config.h"

enum setting_kind {
    SETTING_INT,    /* int64_t */
    SETTING_STRING, /* char[size] */
    SETTING_UIDS,   /* struct config_uids */
    SETTING_RATE,   /* struct config_rate; this and the next three: numbers.h */
    SETTING_AMOUNTS,
    SETTING_SHARES,
    SETTING_BOUNDS,
    SETTING_WEIGHTS, /* struct config_names; this and the next three: names.h */
    SETTING_CREDITS,
    SETTING_TYPES,
    SETTING_POLICIES,
    SETTING_FILES,     /* read by profile.c */
    SETTING_OPTIONS,   /* read by profile_options.c, like the next */
    SETTING_PARAMETERS
};

struct setting {
    const char *section; /* "profile" for all rows of profile.def */
    const char *key;
    enum setting_kind kind;
    size_t offset; /* in struct config, of a profile's rows in struct config_profile */
    size_t size;
    int64_t value; /* the default of SETTING_INT */
    int64_t min;
    int64_t max;
    const char *text;    /* the default of SETTING_STRING */
    const void *initial; /* the default of a table of numbers, @size bytes; else NULL */
    const char *help;
};

struct setting_table {
    const struct setting *rows;
    size_t len;
};

enum {
    SETTING_KEYS_MAX = 64
};

struct setting_table setting_table_config(void);
struct setting_table setting_table_profile(void);

/* Writes the defaults to @base, which is zeroed. */
void setting_put_defaults(struct setting_table table, void *base);

/* NULL when there is none. */
const struct setting *setting_find(
    struct setting_table table, struct str section, struct str key);

/* The sections in their order, each once; returns how many, at most SETTING_KEYS_MAX. */
size_t setting_sections(struct setting_table table, const char **ret_sections);

/* A section's keys in their order; returns how many, at most SETTING_KEYS_MAX. */
size_t setting_keys(
    struct setting_table table, struct str section, const char **ret_keys);

/* The values a string may have, closed by NULL; NULL where any text is allowed. */
const char *const *setting_choices(const struct setting *setting);
