// SPDX-License-Identifier: Apache-2.0
#include "config/profile.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/driver_options.h"
#include "config/profile_options.h"

enum {
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

void profile_free(struct config_profile *profile)
{
    free_files(profile);
    options_free(&profile->options);
    options_free(&profile->parameters);
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

bool profile_copy(struct config_profile *ret_copy, const struct config_profile *profile)
{
    bool ok = true;
    *ret_copy = *profile;
    ret_copy->files.len = 0;
    ret_copy->options.len = 0;
    ret_copy->parameters.len = 0;
    for (uint32_t i = 0; i < profile->files.len && ok; i++) {
        ok = profile_add_file(ret_copy, str_of(profile->files.at[i]));
    }
    ok = ok && options_copy(&ret_copy->options, &profile->options) &&
         options_copy(&ret_copy->parameters, &profile->parameters);
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

bool profile_is_per_principal(const struct config_profile *profile)
{
    return strcmp(profile->identity, "per_principal") == 0;
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
            buf_puts(reader_blame(reader, it), "out of memory");
            return false;
        }
    }
    return true;
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
    if (setting->kind == SETTING_OPTIONS) {
        return options_read(reader, str_of(profile->driver), node, &profile->options);
    }
    if (setting->kind == SETTING_PARAMETERS) {
        return parameters_read(
            reader, str_of(profile->driver), node, &profile->parameters);
    }
    return reader_set(reader, setting, node, profile);
}

/* The key that says who logs in; NULL: none does. */
static const char *login_of(const struct config_profile *profile)
{
    const struct driver_options *known = driver_options_of(str_of(profile->driver));
    for (uint32_t i = 0; i < profile->options.len; i++) {
        if (driver_options_is_login(known, str_of(profile->options.at[i].key))) {
            return profile->options.at[i].key;
        }
    }
    return profile->connection[0] != '\0' ? "connection" : NULL;
}

/* A login of the profile's own could stand in for that of a principal who has none. */
static bool check_identity(struct reader *reader, const struct config_profile *profile,
    const struct toml_node *node)
{
    struct str word = driver_word(str_of(profile->driver));
    const char *login = login_of(profile);
    bool has_none = str_eq(word, STR("duckdb")) || str_eq(word, STR("sqlite"));
    if (!profile_is_per_principal(profile) || (!has_none && !login)) {
        return true;
    }
    struct buf *err = reader_blame(reader, node);
    buf_printf(err, "[%s] has identity = \"per_principal\" and ", reader->section);
    if (has_none) {
        buf_printf(err, "the driver \"%s\", which has no login", profile->driver);
        return false;
    }
    buf_put_json(err, str_of(login));
    buf_printf(err,
        ", which says who logs in; that belongs into a credential: snowmux credential add "
        "%s PRINCIPAL",
        profile->name);
    return false;
}

/*
 * What the keys of a profile say together. A connection is Snowflake's: a profile that names
 * one and no driver needs no other word for it.
 */
static bool check_profile(struct reader *reader, const struct config_profile *profile,
    const struct toml_node *node)
{
    const struct driver_options *known = driver_options_of(str_of(profile->driver));
    if (profile->connection[0] != '\0' && !(known && known->has_parameters)) {
        buf_printf(reader_blame(reader, node),
            "[%s] has a connection, which is Snowflake's, and the driver \"%s\"",
            reader->section, profile->driver);
        return false;
    }
    if (strcmp(profile->driver, "duckdb") == 0 && profile->files.len == 0) {
        buf_printf(reader_blame(reader, node),
            "[%s] has the driver \"duckdb\" and no files; name at least one: "
            "files = [\"PATH\"]",
            reader->section);
        return false;
    }
    return check_identity(reader, profile, node);
}

static void imply_driver(struct config_profile *profile, const struct toml_node *node)
{
    bool has_connection = false;
    bool has_driver = false;
    for (const struct toml_node *it = node->child; it; it = it->next) {
        has_driver = has_driver || str_eq(it->key, STR("driver"));
        has_connection = has_connection || str_eq(it->key, STR("connection"));
    }
    if (has_connection && !has_driver && strcmp(profile->driver, "duckdb") == 0 &&
        profile->files.len == 0) {
        (void)str_copy(STR("snowflake"), profile->driver, sizeof(profile->driver));
    }
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
    /* Which options there are depends on the driver: tables come after plain keys. */
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            imply_driver(profile, node);
        }
        for (const struct toml_node *it = node->child; it && ok; it = it->next) {
            ok = (it->kind == TOML_TABLE) != (pass == 1) || read_key(reader, profile, it);
        }
    }
    ok = ok && check_profile(reader, profile, node);
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
