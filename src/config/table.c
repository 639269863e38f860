// SPDX-License-Identifier: Apache-2.0
#include "config/table.h"

#include <stddef.h>

static const struct setting CONFIG_ROWS[] = {
#define CONFIG_INT(section, key, value, min, max, text)                                  \
    {#section, #key, SETTING_INT, offsetof(struct config, section##_##key),              \
        sizeof(int64_t), value, min, max, NULL, NULL, text},
#define CONFIG_STRING(section, key, value, text)                                         \
    {#section, #key, SETTING_STRING, offsetof(struct config, section##_##key),           \
        CONFIG_STRING_SIZE, 0, 0, 0, value, NULL, text},
#define CONFIG_UIDS(section, key, text)                                                  \
    {#section, #key, SETTING_UIDS, offsetof(struct config, section##_##key),             \
        sizeof(struct config_uids), 0, 0, 0, NULL, NULL, text},
#define NUMBERS(section, key, kind, type, text, ...)                                     \
    {#section, #key, kind, offsetof(struct config, section##_##key),                     \
        sizeof(struct type), 0, 0, 0, NULL, &(const struct type){__VA_ARGS__}, text},
#define CONFIG_RATE(section, key, burst, per_1000_s, text)                               \
    NUMBERS(section, key, SETTING_RATE, config_rate, text, burst, per_1000_s)
#define CONFIG_AMOUNTS(section, key, text)                                               \
    NUMBERS(section, key, SETTING_AMOUNTS, config_amounts, text, 0)
#define CONFIG_SHARES(section, key, high, normal, low, text)                             \
    NUMBERS(section, key, SETTING_SHARES, config_shares, text, high, normal, low)
#define CONFIG_BOUNDS(section, key, run, queue, text)                                    \
    NUMBERS(section, key, SETTING_BOUNDS, config_bounds, text, run, queue)
#define NAMES(section, key, kind, text)                                                  \
    {#section, #key, kind, offsetof(struct config, section##_##key),                     \
        sizeof(struct config_names), 0, 0, 0, NULL, NULL, text},
#define CONFIG_WEIGHTS(section, key, text) NAMES(section, key, SETTING_WEIGHTS, text)
#define CONFIG_TYPES(section, key, text) NAMES(section, key, SETTING_TYPES, text)
#include "config/config.def"
#undef CONFIG_INT
#undef CONFIG_STRING
#undef CONFIG_UIDS
#undef CONFIG_RATE
#undef CONFIG_AMOUNTS
#undef CONFIG_SHARES
#undef CONFIG_BOUNDS
#undef CONFIG_WEIGHTS
#undef CONFIG_TYPES
#undef NAMES
#undef NUMBERS
};

static const struct setting PROFILE_ROWS[] = {
#define PROFILE_INT(key, value, min, max, text)                                          \
    {"profile", #key, SETTING_INT, offsetof(struct config_profile, key),                 \
        sizeof(int64_t), value, min, max, NULL, NULL, text},
#define PROFILE_STRING(key, value, text)                                                 \
    {"profile", #key, SETTING_STRING, offsetof(struct config_profile, key),              \
        CONFIG_PATH_SIZE, 0, 0, 0, value, NULL, text},
#define PROFILE_CREDITS(key, text)                                                       \
    {"profile", #key, SETTING_CREDITS, offsetof(struct config_profile, key),             \
        sizeof(struct config_names), 0, 0, 0, NULL, NULL, text},
#define PROFILE_POLICIES(key, text)                                                      \
    {"profile", #key, SETTING_POLICIES, offsetof(struct config_profile, key),            \
        sizeof(struct config_names), 0, 0, 0, NULL, NULL, text},
#include "config/profile.def"
#undef PROFILE_INT
#undef PROFILE_STRING
#undef PROFILE_CREDITS
#undef PROFILE_POLICIES
    {"profile", "files", SETTING_FILES, 0, 0, 0, 1, CONFIG_FILES_MAX, NULL, NULL,
        "DuckDB: the database files; the first is the main one. Other drivers: files and directories they may read"},
    {"profile", "options", SETTING_OPTIONS, 0, 0, 0, 0, CONFIG_OPTIONS_MAX, NULL, NULL,
        "handed to the driver's database; a value, or where it is: see below"},
    {"profile", "parameters", SETTING_PARAMETERS, 0, 0, 0, 0, CONFIG_OPTIONS_MAX, NULL,
        NULL, "Snowflake: parameters of the session, such as TIMEZONE"},
};

#define CONFIG_INT(section, key, value, min, max, text)                                  \
    _Static_assert((min) <= (value) && (value) <= (max), #section "." #key);
#define CONFIG_STRING(section, key, value, text)                                         \
    _Static_assert(sizeof(value) <= CONFIG_STRING_SIZE, #section "." #key);
#define CONFIG_UIDS(section, key, text)
#define CONFIG_RATE(section, key, burst, per_1000_s, text)                               \
    _Static_assert((burst) == 0 || (per_1000_s) > 0, #section "." #key);
#define CONFIG_AMOUNTS(section, key, text)
#define CONFIG_SHARES(section, key, high, normal, low, text)                             \
    _Static_assert((high) + (normal) + (low) <= CONFIG_SHARES_SUM_MAX, #section "." #key);
#define CONFIG_BOUNDS(section, key, run, queue, text)                                    \
    _Static_assert((run) >= 0 && (queue) >= 1, #section "." #key);
#define PROFILE_INT(key, value, min, max, text)                                          \
    _Static_assert((min) <= (value) && (value) <= (max), "profile." #key);
#define PROFILE_STRING(key, value, text)                                                 \
    _Static_assert(sizeof(value) <= CONFIG_PATH_SIZE, "profile." #key);
#define CONFIG_WEIGHTS(section, key, text)
#define CONFIG_TYPES(section, key, text)
#define PROFILE_CREDITS(key, text)
#define PROFILE_POLICIES(key, text)
#include "config/config.def"
#include "config/profile.def"
#undef CONFIG_WEIGHTS
#undef CONFIG_TYPES
#undef PROFILE_CREDITS
#undef PROFILE_POLICIES
#undef CONFIG_INT
#undef CONFIG_STRING
#undef CONFIG_UIDS
#undef CONFIG_RATE
#undef CONFIG_AMOUNTS
#undef CONFIG_SHARES
#undef CONFIG_BOUNDS
#undef PROFILE_INT
#undef PROFILE_STRING
_Static_assert(ARRAY_LEN(CONFIG_ROWS) <= SETTING_KEYS_MAX, "raise SETTING_KEYS_MAX");
_Static_assert(ARRAY_LEN(PROFILE_ROWS) <= SETTING_KEYS_MAX, "raise SETTING_KEYS_MAX");

static const char *const LOG_LEVELS[] = {"debug", "info", "warn", "error", NULL};
static const char *const CONFINE[] = {"auto", "off", NULL};
static const char *const IDENTITIES[] = {"service", "per_principal", NULL};
static const char *const DIALECTS[] = {
    "", "duckdb", "snowflake", "postgresql", "sqlite", NULL};

static const struct {
    const char *section;
    const char *key;
    const char *const *values;
} CHOICES[] = {
    {"daemon", "log_level", LOG_LEVELS},
    {"profile", "policy", config_policies},
    {"profile", "confine", CONFINE},
    {"profile", "identity", IDENTITIES},
    {"profile", "dialect", DIALECTS},
};

struct setting_table setting_table_config(void)
{
    return (struct setting_table){CONFIG_ROWS, ARRAY_LEN(CONFIG_ROWS)};
}

struct setting_table setting_table_profile(void)
{
    return (struct setting_table){PROFILE_ROWS, ARRAY_LEN(PROFILE_ROWS)};
}

void setting_put_defaults(struct setting_table table, void *base)
{
    for (size_t i = 0; i < table.len; i++) {
        const struct setting *setting = &table.rows[i];
        char *at = (char *)base + setting->offset;
        if (setting->kind == SETTING_INT) {
            memcpy(at, &setting->value, sizeof(setting->value));
        } else if (setting->kind == SETTING_STRING) {
            bool fits = str_copy(str_of(setting->text), at, setting->size);
            ASSERT(fits);
        } else if (setting->initial) {
            memcpy(at, setting->initial, setting->size);
        }
    }
}

const struct setting *setting_find(
    struct setting_table table, struct str section, struct str key)
{
    for (size_t i = 0; i < table.len; i++) {
        if (str_eq(str_of(table.rows[i].section), section) &&
            str_eq(str_of(table.rows[i].key), key)) {
            return &table.rows[i];
        }
    }
    return NULL;
}

size_t setting_sections(struct setting_table table, const char **ret_sections)
{
    size_t len = 0;
    for (size_t i = 0; i < table.len; i++) {
        const char *section = table.rows[i].section;
        if (len == 0 || strcmp(ret_sections[len - 1], section) != 0) {
            ret_sections[len++] = section;
        }
    }
    return len;
}

size_t setting_keys(struct setting_table table, struct str section, const char **ret_keys)
{
    size_t len = 0;
    for (size_t i = 0; i < table.len; i++) {
        if (str_eq(str_of(table.rows[i].section), section)) {
            ret_keys[len++] = table.rows[i].key;
        }
    }
    return len;
}

const char *const *setting_choices(const struct setting *setting)
{
    for (size_t i = 0; i < ARRAY_LEN(CHOICES); i++) {
        if (strcmp(CHOICES[i].section, setting->section) == 0 &&
            strcmp(CHOICES[i].key, setting->key) == 0) {
            return CHOICES[i].values;
        }
    }
    return NULL;
}
