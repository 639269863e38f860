// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/profile.h"

enum {
    FILE_BYTES_MAX = 1024 * 1024,
    REASON_SIZE = 256
};

void config_init(struct config *config)
{
    *config = (struct config){0};
    setting_put_defaults(setting_table_config(), config);
}

void config_free(struct config *config)
{
    for (uint32_t i = 0; i < config->profile_count; i++) {
        profile_free(&config->profile[i]);
    }
    *config = (struct config){0};
}

/* NULL when there is no memory. */
static struct config *copy_of(const struct config *config)
{
    struct config *copy = malloc(sizeof(*copy));
    if (!copy) {
        return NULL;
    }
    *copy = *config;
    copy->profile_count = 0;
    for (uint32_t i = 0; i < config->profile_count; i++) {
        if (!profile_copy(&copy->profile[i], &config->profile[i])) {
            config_free(copy);
            free(copy);
            return NULL;
        }
        copy->profile_count++;
    }
    return copy;
}

/* The sections that know @key, at most SETTING_KEYS_MAX; returns how many. */
static size_t sections_with(struct str key, const char **ret_sections)
{
    struct setting_table table = setting_table_config();
    size_t found = 0;
    size_t len = setting_sections(table, ret_sections);
    for (size_t i = 0; i < len; i++) {
        if (setting_find(table, str_of(ret_sections[i]), key)) {
            ret_sections[found++] = ret_sections[i];
        }
    }
    return found;
}

/* Ends a message. Returns false. */
static bool belongs_under(struct reader *reader, const char *const *sections, size_t len)
{
    buf_puts(reader->err, "; it belongs under ");
    for (size_t i = 0; i < len; i++) {
        const char *between = i == 0 ? "" : i + 1 < len ? ", " : " or ";
        buf_printf(reader->err, "%s[%s]", between, sections[i]);
    }
    return false;
}

/* An unknown key may be known elsewhere: then say where. */
static bool unknown_key(
    struct reader *reader, const struct toml_node *section, const struct toml_node *node)
{
    struct setting_table table = setting_table_config();
    const char *names[SETTING_KEYS_MAX];
    size_t len = sections_with(node->key, names);
    buf_puts(reader_blame(reader, node), "unknown key ");
    buf_put_json(reader->err, node->key);
    buf_printf(reader->err, " in [" STR_FMT "]", STR_ARG(section->key));
    if (len > 0) {
        return belongs_under(reader, names, len);
    }
    len = setting_keys(table, section->key, names);
    return reader_nearest(reader, node->key, names, len);
}

/* @node is a key of the document that names no section, or is none. */
static bool not_a_section(struct reader *reader, const struct toml_node *node)
{
    struct setting_table table = setting_table_config();
    const char *sections[SETTING_KEYS_MAX + 1];
    size_t len = setting_sections(table, sections);
    sections[len++] = "profile";
    struct buf *err = reader_blame(reader, node);
    for (size_t i = 0; i < len; i++) {
        if (str_eq(node->key, str_of(sections[i]))) {
            buf_printf(err, "%s must be a section, [%s]", sections[i], sections[i]);
            return reader_got(reader, node);
        }
    }
    const char *known[SETTING_KEYS_MAX];
    size_t known_len = sections_with(node->key, known);
    if (known_len > 0) {
        buf_put_json(err, node->key);
        buf_puts(err, " stands outside a section");
        return belongs_under(reader, known, known_len);
    }
    buf_puts(err, "unknown section ");
    buf_put_json(err, node->key);
    return reader_nearest(reader, node->key, sections, len);
}

static bool read_section(
    struct reader *reader, struct config *config, const struct toml_node *node)
{
    struct setting_table table = setting_table_config();
    const char *keys[SETTING_KEYS_MAX];
    if (node->kind != TOML_TABLE) {
        return not_a_section(reader, node);
    }
    if (str_eq(node->key, STR("profile"))) {
        return profile_read_all(reader, config, node);
    }
    if (setting_keys(table, node->key, keys) == 0) {
        return not_a_section(reader, node);
    }
    for (const struct toml_node *it = node->child; it; it = it->next) {
        const struct setting *setting = setting_find(table, node->key, it->key);
        if (!setting) {
            return unknown_key(reader, node, it);
        }
        reader->section = setting->section;
        if (!reader_set(reader, setting, it, config)) {
            return false;
        }
    }
    return true;
}

static bool parse(struct config *config, struct str toml, const char *name,
    const char *dir, struct buf *err)
{
    char reason[REASON_SIZE];
    uint32_t line = 0;
    struct toml_doc *doc = toml_parse(toml, &line, reason, sizeof(reason));
    if (!doc) {
        buf_printf(err, "%s:%u: not readable as TOML: %s", name, (unsigned)line, reason);
        return false;
    }
    struct config *draft = copy_of(config);
    bool ok = draft != NULL;
    if (!ok) {
        buf_printf(err, "%s: out of memory", name);
    }
    struct reader reader = {.name = name, .dir = dir, .err = err};
    for (const struct toml_node *it = toml_root(doc)->child; it && ok; it = it->next) {
        ok = read_section(&reader, draft, it);
    }
    if (ok) {
        config_free(config);
        *config = *draft;
    } else if (draft) {
        config_free(draft);
    }
    free(draft);
    toml_free(doc);
    return ok;
}

bool config_parse(
    struct config *config, struct str toml, const char *name, struct buf *err)
{
    return parse(config, toml, name, "", err);
}

/* The whole file into @text, whose maximum bounds it; 0 or an errno. */
static int read_file(const char *path, struct buf *text)
{
    char chunk[16 * 1024];
    ssize_t len = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    do {
        len = read(fd, chunk, sizeof(chunk));
        if (len > 0) {
            buf_put(text, chunk, (size_t)len);
        }
    } while ((len > 0 && buf_ok(text)) || (len < 0 && errno == EINTR));
    int error = len < 0 ? errno : 0;
    close(fd);
    return error;
}

/* The directory of @path, absolute; NULL when it has none. The caller frees it. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return realpath(".", NULL);
    }
    char *dir = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    char *resolved = dir ? realpath(dir, NULL) : NULL;
    free(dir);
    return resolved;
}

bool config_read(struct config *config, const char *path, struct buf *err)
{
    struct buf text = BUF_INIT(FILE_BYTES_MAX);
    int error = read_file(path, &text);
    char *dir = error == 0 ? directory_of(path) : NULL;
    bool ok = false;
    if (error == ENOENT) {
        buf_printf(err, "%s: there is no such configuration file", path);
    } else if (error != 0) {
        buf_printf(err, "%s: cannot read the configuration: %s", path, strerror(error));
    } else if (!buf_ok(&text)) {
        buf_printf(err, "%s: a configuration has at most %d bytes, this is longer", path,
            FILE_BYTES_MAX);
    } else if (!dir) {
        buf_printf(err, "%s: cannot find its directory: %s", path, strerror(errno));
    } else {
        ok = parse(config, buf_str(&text), path, dir, err);
    }
    free(dir);
    buf_free(&text);
    return ok;
}

static bool add_files(struct config_profile *profile, const char *const *files,
    uint32_t file_count, struct buf *err)
{
    if (file_count == 0 || file_count > CONFIG_FILES_MAX) {
        buf_printf(err, "a DuckDB profile has 1 to %d files, got %u", CONFIG_FILES_MAX,
            (unsigned)file_count);
        return false;
    }
    for (uint32_t i = 0; i < file_count; i++) {
        struct str file = str_of(files[i]);
        if (file.len == 0 || file.len >= CONFIG_PATH_SIZE) {
            buf_printf(err, "a file's path has 1 to %d bytes, got %zu",
                CONFIG_PATH_SIZE - 1, file.len);
            return false;
        }
        if (!profile_add_file(profile, file)) {
            buf_puts(err, "out of memory");
            return false;
        }
    }
    return true;
}

bool config_add_duckdb(struct config *config, const char *name, const char *const *files,
    uint32_t file_count, struct buf *err)
{
    if (!profile_is_name(str_of(name))) {
        buf_puts(err, "the profile name ");
        buf_put_json(err, str_of(name));
        buf_printf(err, " must be 1 to %d letters, digits, \"_\" and \"-\"",
            CONFIG_NAME_SIZE - 1);
        return false;
    }
    if (profile_find(config, str_of(name))) {
        buf_printf(err, "there is a profile named \"%s\" already", name);
        return false;
    }
    if (config->profile_count == CONFIG_PROFILES_MAX) {
        buf_printf(err, "\"%s\" is one profile too many: at most %d are possible", name,
            CONFIG_PROFILES_MAX);
        return false;
    }
    struct config_profile *profile = &config->profile[config->profile_count];
    profile_init(profile);
    (void)str_copy(str_of(name), profile->name, sizeof(profile->name));
    bool ok = add_files(profile, files, file_count, err);
    if (ok) {
        config->profile_count++;
    } else {
        profile_free(profile);
    }
    return ok;
}
