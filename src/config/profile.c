// SPDX-License-Identifier: Apache-2.0
#include "config/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPTION_KEY_MAX = 255,
    SECTION_SIZE = CONFIG_NAME_SIZE + 16
};

void profile_init(struct config_profile *profile)
{
    *profile = (struct config_profile){0};
    setting_put_defaults(setting_table_profile(), profile);
}

static void free_files(struct config_profile *profile)
{
    for (uint32_t i = 0; i < profile->files.len; i++) {
        free(profile->files.at[i]);
    }
    profile->files.len = 0;
}

static void free_options(struct config_profile *profile)
{
    for (uint32_t i = 0; i < profile->option_count; i++) {
        struct config_option *option = &profile->option[i];
        free(option->key);
        explicit_bzero(option->value, strlen(option->value)); /* may be a secret */
        free(option->value);
    }
    profile->option_count = 0;
}

void profile_free(struct config_profile *profile)
{
    free_files(profile);
    free_options(profile);
}

bool profile_add_file(struct config_profile *profile, struct str path)
{
    ASSERT(profile->files.len < CONFIG_FILES_MAX);
    char *copy = strndup(path.ptr, path.len);
    if (copy) {
        profile->files.at[profile->files.len++] = copy;
    }
    return copy != NULL;
}

static bool add_option(struct config_profile *profile, struct str key, struct str value)
{
    ASSERT(profile->option_count < CONFIG_OPTIONS_MAX);
    struct config_option option = {
        strndup(key.ptr, key.len), strndup(value.ptr, value.len)};
    if (!option.key || !option.value) {
        free(option.key);
        free(option.value);
        return false;
    }
    profile->option[profile->option_count++] = option;
    return true;
}

bool profile_copy(struct config_profile *ret_copy, const struct config_profile *profile)
{
    bool ok = true;
    *ret_copy = *profile;
    ret_copy->files.len = 0;
    ret_copy->option_count = 0;
    for (uint32_t i = 0; i < profile->files.len && ok; i++) {
        ok = profile_add_file(ret_copy, str_of(profile->files.at[i]));
    }
    for (uint32_t i = 0; i < profile->option_count && ok; i++) {
        const struct config_option *option = &profile->option[i];
        ok = add_option(ret_copy, str_of(option->key), str_of(option->value));
    }
    if (!ok) {
        profile_free(ret_copy);
    }
    return ok;
}

bool profile_is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!ok) {
            return false;
        }
    }
    return name.len > 0 && name.len < CONFIG_NAME_SIZE;
}

struct config_profile *profile_find(struct config *config, struct str name)
{
    for (uint32_t i = 0; i < config->profile_count; i++) {
        if (str_eq(str_of(config->profile[i].name), name)) {
            return &config->profile[i];
        }
    }
    return NULL;
}

static bool no_memory(struct reader *reader, const struct toml_node *node)
{
    buf_puts(reader_blame(reader, node), "out of memory");
    return false;
}

static bool read_files(
    struct reader *reader, struct config_profile *profile, const struct toml_node *node)
{
    uint32_t len = 0;
    for (const struct toml_node *it = node->child; it; it = it->next) {
        len++;
    }
    if (node->kind != TOML_ARRAY || len == 0 || len > CONFIG_FILES_MAX) {
        struct buf *err = reader_must(reader, node, "files");
        buf_printf(err, "an array of 1 to %d paths", CONFIG_FILES_MAX);
        if (node->kind != TOML_ARRAY) {
            return reader_got(reader, node);
        }
        buf_printf(err, ", got %u", (unsigned)len);
        return false;
    }
    free_files(profile);
    for (const struct toml_node *it = node->child; it; it = it->next) {
        char path[CONFIG_PATH_SIZE];
        if (!reader_path(reader, "files[]", it, path, sizeof(path))) {
            return false;
        }
        if (!profile_add_file(profile, str_of(path))) {
            return no_memory(reader, it);
        }
    }
    return true;
}

/* One option's value as text. @key is not the node's: it may be a dotted one. */
static bool read_option(struct reader *reader, struct config_profile *profile,
    struct str key, const struct toml_node *node)
{
    char number[32];
    struct str value = node->text;
    struct buf *err;
    if (node->kind == TOML_INT) {
        snprintf(number, sizeof(number), "%" PRId64, node->integer);
        value = str_of(number);
    } else if (node->kind == TOML_BOOL) {
        value = node->integer ? STR("true") : STR("false");
    } else if (node->kind != TOML_STRING || str_find(value, '\0') >= 0) {
        err = reader_blame(reader, node);
        buf_printf(err, "%s.options.", reader->section);
        buf_put_json(err, key);
        buf_puts(err, " must be a string without NUL, an integer or a boolean");
        return node->kind == TOML_STRING ? false : reader_got(reader, node);
    }
    if (profile->option_count == CONFIG_OPTIONS_MAX) {
        err = reader_must(reader, node, "options");
        buf_printf(err, "a table of at most %d keys, got more", CONFIG_OPTIONS_MAX);
        return false;
    }
    return add_option(profile, key, value) || no_memory(reader, node);
}

/*
 * ADBC options have dots in their names; unquoted, TOML makes tables of them, which are
 * put together again here. The depth is bounded by toml_parse().
 */
static bool read_options(struct reader *reader, struct config_profile *profile,
    struct str prefix, const struct toml_node *table)
{
    bool ok = true;
    for (const struct toml_node *it = table->child; it && ok; it = it->next) {
        char text[OPTION_KEY_MAX + 1];
        int len = snprintf(text, sizeof(text), STR_FMT "%s" STR_FMT, STR_ARG(prefix),
            prefix.len > 0 ? "." : "", STR_ARG(it->key));
        struct str key = {text, (size_t)len};
        if (len <= 0 || len > OPTION_KEY_MAX || str_find(it->key, '\0') >= 0) {
            buf_printf(reader_blame(reader, it),
                "a key of %s.options must have 1 to %d bytes and no NUL", reader->section,
                OPTION_KEY_MAX);
            return false;
        }
        ok = it->kind == TOML_TABLE ? read_options(reader, profile, key, it)
                                    : read_option(reader, profile, key, it);
    }
    return ok;
}

static bool read_key(
    struct reader *reader, struct config_profile *profile, const struct toml_node *node)
{
    struct setting_table table = setting_table_profile();
    const struct setting *setting = setting_find(table, STR("profile"), node->key);
    if (!setting) {
        const char *keys[SETTING_KEYS_MAX];
        size_t len = setting_keys(table, STR("profile"), keys);
        buf_puts(reader_blame(reader, node), "unknown key ");
        buf_put_json(reader->err, node->key);
        buf_printf(reader->err, " in [%s]", reader->section);
        return reader_nearest(reader, node->key, keys, len);
    }
    if (setting->kind == SETTING_FILES) {
        return read_files(reader, profile, node);
    }
    if (setting->kind != SETTING_OPTIONS) {
        return reader_set(reader, setting, node, profile);
    }
    if (node->kind != TOML_TABLE) {
        buf_puts(reader_must(reader, node, "options"), "a table");
        return reader_got(reader, node);
    }
    free_options(profile);
    return read_options(reader, profile, STR(""), node);
}

/* The profile of the name, new ones with their defaults; NULL when that cannot be. */
static struct config_profile *profile_for(
    struct reader *reader, struct config *config, const struct toml_node *node)
{
    struct config_profile *profile = profile_find(config, node->key);
    if (profile) {
        return profile;
    }
    if (!profile_is_name(node->key)) {
        buf_puts(reader_blame(reader, node), "the profile name ");
        buf_put_json(reader->err, node->key);
        buf_printf(reader->err, " must be 1 to %d letters, digits, \"_\" and \"-\"",
            CONFIG_NAME_SIZE - 1);
        return NULL;
    }
    if (config->profile_count == CONFIG_PROFILES_MAX) {
        buf_printf(reader_blame(reader, node),
            "[profile." STR_FMT "] is one too many: at most %d", STR_ARG(node->key),
            CONFIG_PROFILES_MAX);
        buf_puts(reader->err, " profiles are possible");
        return NULL;
    }
    profile = &config->profile[config->profile_count++];
    profile_init(profile);
    bool fits = str_copy(node->key, profile->name, sizeof(profile->name));
    ASSERT(fits);
    return profile;
}

static bool read_profile(
    struct reader *reader, struct config *config, const struct toml_node *node)
{
    if (node->kind != TOML_TABLE) {
        buf_puts(reader_blame(reader, node), "[profile] holds sections [profile.NAME]; ");
        buf_put_json(reader->err, node->key);
        buf_puts(reader->err, " must be one");
        return reader_got(reader, node);
    }
    struct config_profile *profile = profile_for(reader, config, node);
    if (!profile) {
        return false;
    }
    char section[SECTION_SIZE];
    snprintf(section, sizeof(section), "profile.%s", profile->name);
    reader->section = section;
    bool ok = true;
    for (const struct toml_node *it = node->child; it && ok; it = it->next) {
        ok = read_key(reader, profile, it);
    }
    if (ok && strcmp(profile->driver, "duckdb") == 0 && profile->files.len == 0) {
        buf_printf(reader_blame(reader, node),
            "[%s] has the driver \"duckdb\" and no files; name at least one: "
            "files = [\"PATH\"]",
            section);
        ok = false;
    }
    reader->section = NULL;
    return ok;
}

bool profile_read_all(
    struct reader *reader, struct config *config, const struct toml_node *node)
{
    bool ok = true;
    for (const struct toml_node *it = node->child; it && ok; it = it->next) {
        ok = read_profile(reader, config, it);
    }
    return ok;
}
