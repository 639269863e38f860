// SPDX-License-Identifier: Apache-2.0
#include "config/snowflake_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/profile_options.h"
#include "config/reader.h"
#include "config/secret.h"
#include "config/snowflake_keys.h"

enum {
    FILE_BYTES_MAX = 1024 * 1024,
    REASON_SIZE = 256,
    NAMES_MAX = 64,
    VARIABLE_SIZE = 256,
    IGNORED_MAX = 1024
};

/* One file of Snowflake's tools, or a variable in its place. */
struct source {
    char name[CONFIG_PATH_SIZE]; /* for messages */
    struct buf text;             /* never moves: wiped at the end */
    struct toml_doc *doc;        /* NULL: it is not there */
    bool is_readable;            /* by others */
};

struct sources {
    struct source connections; /* connections.toml */
    struct source config;      /* config.toml */
};

static void source_close(struct source *source)
{
    toml_free(source->doc);
    if (source->text.ptr) {
        explicit_bzero(source->text.ptr, source->text.cap);
    }
    buf_free(&source->text);
}

static bool source_parse(struct source *source, struct str text, struct buf *err)
{
    char reason[REASON_SIZE];
    uint32_t line = 0;
    source->doc = toml_parse(text, &line, reason, sizeof(reason));
    if (!source->doc) {
        /* The reason may quote what stands there. */
        buf_printf(err, "%s:%u: not readable as TOML", source->name, (unsigned)line);
    }
    return source->doc != NULL;
}

/* All of a regular file into the source's text; 0 or an errno. */
static int read_all(struct source *source, int fd)
{
    ssize_t len = -1;
    struct buf *text = &source->text;
    *text = BUF_INIT(FILE_BYTES_MAX + 1);
    text->ptr = malloc(text->max);
    text->cap = text->ptr ? text->max : 0;
    while (text->ptr && text->len < text->cap && len != 0) {
        len = read(fd, text->ptr + text->len, text->cap - text->len);
        if (len < 0 && errno != EINTR) {
            return errno;
        }
        text->len += len > 0 ? (size_t)len : 0;
    }
    return !text->ptr ? ENOMEM : text->len > FILE_BYTES_MAX ? EFBIG : 0;
}

/* A file that is not there is no fault. */
static bool source_read(struct source *source, struct buf *err)
{
    struct stat status;
    int fd = open(source->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return true;
    }
    int error = fd < 0 || fstat(fd, &status) < 0 ? errno : 0;
    const char *why = NULL;
    if (error == 0 && !S_ISREG(status.st_mode)) {
        why = "is not a regular file";
    } else if (error == 0 && status.st_mode & (S_IWGRP | S_IWOTH)) {
        why = "can be written by others than its owner; take that away: chmod 0600";
    } else if (error == 0) {
        error = read_all(source, fd);
        source->is_readable = (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (error != 0 || why) {
        buf_printf(err, "%s %s%s", source->name,
            why ? why : "cannot be read: ", why ? "" : strerror(error));
        return false;
    }
    return source_parse(source, buf_str(&source->text), err);
}

/* ---- where the files are ---- */

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* False: there is no home to look in. */
static bool find_directory(char ret_dir[CONFIG_PATH_SIZE])
{
    const char *named = getenv("SNOWFLAKE_HOME");
    const char *xdg = getenv("XDG_CONFIG_HOME");
    struct buf dir = BUF_INIT(CONFIG_PATH_SIZE - 1);
    bool ok = secret_put_home(&dir, str_of(named && named[0] ? named : "~/.snowflake"));
    ok = ok && str_copy(buf_str(&dir), ret_dir, CONFIG_PATH_SIZE) && buf_ok(&dir);
    if (!ok || !is_there(ret_dir)) {
        buf_clear(&dir);
        ok = xdg && xdg[0] == '/';
        if (ok) {
            buf_puts(&dir, xdg);
        } else {
            ok = secret_put_home(&dir, STR("~/.config"));
        }
        buf_puts(&dir, "/snowflake");
        ok = ok && buf_ok(&dir) && str_copy(buf_str(&dir), ret_dir, CONFIG_PATH_SIZE);
    }
    buf_free(&dir);
    return ok;
}

static bool name_source(struct source *source, const char *dir, const char *file)
{
    int len = snprintf(source->name, sizeof(source->name), "%s/%s", dir, file);
    return len > 0 && (size_t)len < sizeof(source->name);
}

static bool sources_open(struct sources *sources, struct buf *err)
{
    char dir[CONFIG_PATH_SIZE];
    const char *text = getenv("SNOWFLAKE_CONNECTIONS");
    if (!find_directory(dir) ||
        !name_source(&sources->connections, dir, "connections.toml") ||
        !name_source(&sources->config, dir, "config.toml")) {
        buf_puts(err, "there is no directory of Snowflake's files: HOME is not set");
        return false;
    }
    if (!source_read(&sources->config, err)) {
        return false;
    }
    if (!text || text[0] == '\0') {
        return source_read(&sources->connections, err);
    }
    (void)str_copy(STR("$SNOWFLAKE_CONNECTIONS"), sources->connections.name,
        sizeof(sources->connections.name));
    return source_parse(&sources->connections, str_of(text), err);
}

static void sources_close(struct sources *sources)
{
    source_close(&sources->connections);
    source_close(&sources->config);
}

/* ---- the section ---- */

static const struct toml_node *child(const struct toml_node *table, struct str key)
{
    for (const struct toml_node *it = table ? table->child : NULL; it; it = it->next) {
        if (str_eq(it->key, key)) {
            return it;
        }
    }
    return NULL;
}

/* The table of connections; NULL: there is none. */
static const struct toml_node *table_of(
    const struct sources *sources, const struct source **ret_source)
{
    if (sources->connections.doc) {
        *ret_source = &sources->connections;
        return toml_root(sources->connections.doc);
    }
    *ret_source = &sources->config;
    return sources->config.doc ? child(toml_root(sources->config.doc), STR("connections"))
                               : NULL;
}

static struct str default_name(const struct sources *sources)
{
    const char *variable = getenv("SNOWFLAKE_DEFAULT_CONNECTION_NAME");
    if (variable && variable[0] != '\0') {
        return str_of(variable);
    }
    const struct toml_node *node =
        sources->config.doc
            ? child(toml_root(sources->config.doc), STR("default_connection_name"))
            : NULL;
    return node && node->kind == TOML_STRING ? node->text : STR("default");
}

/* Ends a message with the sections there are. */
static bool no_section(struct buf *err, const struct source *source,
    const struct toml_node *table, struct str name)
{
    bool is_first = true;
    buf_printf(err, "%s has no connection ", source->name);
    buf_put_json(err, name);
    for (const struct toml_node *it = table ? table->child : NULL; it; it = it->next) {
        if (it->kind == TOML_TABLE) {
            buf_puts(err, is_first ? "; there are " : ", ");
            buf_put_json(err, it->key);
            is_first = false;
        }
    }
    return false;
}

static const struct toml_node *find_section(const struct sources *sources,
    struct str *name, const struct source **ret_source, struct buf *err)
{
    const struct toml_node *table = table_of(sources, ret_source);
    const struct toml_node *section = child(table, *name);
    if (!sources->connections.doc && !sources->config.doc) {
        buf_printf(err, "there is neither %s nor %s", sources->connections.name,
            sources->config.name);
        return NULL;
    }
    if (!section && str_eq(*name, STR("default"))) {
        *name = default_name(sources);
        section = child(table, *name);
    }
    if (!section || section->kind != TOML_TABLE) {
        (void)no_section(err, *ret_source, table, *name);
        return NULL;
    }
    return section;
}

/* A key's value as text, in place of what was there. */
static bool take(
    struct snowflake_section *section, enum snowflake_key key, struct str value)
{
    char *copy = strndup(value.ptr, value.len);
    if (section->value[key]) {
        explicit_bzero(section->value[key], strlen(section->value[key]));
    }
    free(section->value[key]);
    section->value[key] = copy;
    return copy != NULL;
}

static bool take_node(struct reader *reader, struct snowflake_section *section,
    enum snowflake_key key, const struct toml_node *node)
{
    char number[32];
    struct str value = node->text;
    if (node->kind == TOML_INT) {
        snprintf(number, sizeof(number), "%lld", (long long)node->integer);
        value = str_of(number);
    } else if (node->kind == TOML_BOOL) {
        value = node->integer ? STR("true") : STR("false");
    } else if (node->kind != TOML_STRING || str_find(value, '\0') >= 0) {
        buf_printf(reader_blame(reader, node),
            "%s must be a string without NUL, an integer or a boolean",
            snowflake_key_names[key]);
        return false;
    }
    return take(section, key, value);
}

static int key_of(struct str name)
{
    for (int key = 0; key < KEY_COUNT; key++) {
        if (str_eq(name, str_of(snowflake_key_names[key]))) {
            return key;
        }
    }
    return -1;
}

static bool read_section(struct reader *reader, const struct toml_node *node,
    struct snowflake_section *section, struct snowflake_connection *ret)
{
    for (const struct toml_node *it = node->child; it; it = it->next) {
        int key = key_of(it->key);
        if (key >= 0) {
            if (!take_node(reader, section, (enum snowflake_key)key, it)) {
                return false;
            }
        } else if (str_eq(it->key, STR("session_parameters"))) {
            if (!parameters_read(reader, STR("snowflake"), it, &ret->options)) {
                return false;
            }
        } else if (snowflake_key_is_idle(it->key)) {
            buf_puts(&ret->ignored, ret->ignored.len > 0 ? ", " : "");
            buf_put_str(&ret->ignored, it->key);
        } else {
            buf_puts(reader_blame(reader, it), "unknown key ");
            buf_put_json(reader->err, it->key);
            buf_printf(reader->err, " in [%s]", reader->section);
            return reader_nearest(reader, it->key, snowflake_key_names, KEY_COUNT);
        }
    }
    return true;
}

/* ---- the environment ---- */

/* PREFIX + NAME_ + KEY in capitals, as Snowflake's tools spell it; NULL: not set. */
static const char *variable(const char *prefix, struct str name, const char *key)
{
    char text[VARIABLE_SIZE];
    int len = snprintf(text, sizeof(text), "%s" STR_FMT "%s%s", prefix, STR_ARG(name),
        name.len > 0 ? "_" : "", key);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        return NULL;
    }
    for (char *c = text; *c; c++) {
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    const char *value = getenv(text);
    return value && value[0] != '\0' ? value : NULL;
}

/* Keys of the same meaning: a variable for one of them does not meet the other's value.
 */
static bool has_twin(const struct snowflake_section *section, enum snowflake_key key)
{
    return section->value[key] ||
           (key == KEY_PRIVATE_KEY_FILE && section->value[KEY_PRIVATE_KEY_PATH]) ||
           (key == KEY_PRIVATE_KEY_PATH && section->value[KEY_PRIVATE_KEY_FILE]);
}

static bool read_variables(struct snowflake_section *section, struct str name)
{
    bool ok = true;
    for (int key = 0; key < KEY_COUNT && ok; key++) {
        const char *value =
            variable("SNOWFLAKE_CONNECTIONS_", name, snowflake_key_names[key]);
        if (value) {
            ok = take(section, (enum snowflake_key)key, str_of(value));
        }
    }
    for (int key = 0; key < KEY_COUNT && ok; key++) {
        bool is_open = snowflake_key_is_generic((enum snowflake_key)key) &&
                       !has_twin(section, (enum snowflake_key)key);
        const char *value =
            is_open ? variable("SNOWFLAKE_", STR(""), snowflake_key_names[key]) : NULL;
        if (value) {
            ok = take(section, (enum snowflake_key)key, str_of(value));
        }
    }
    return ok;
}

/* ---- all of it ---- */

static bool read_from(struct sources *sources, struct snowflake_connection *ret,
    struct str name, struct buf *err)
{
    char title[CONFIG_STRING_SIZE + 16];
    struct snowflake_section section = {0};
    const struct source *source = NULL;
    const struct toml_node *node = find_section(sources, &name, &source, err);
    if (!node) {
        return false;
    }
    snprintf(title, sizeof(title), STR_FMT,
        STR_ARG(str_utf8_prefix(name, CONFIG_STRING_SIZE)));
    struct reader reader = {
        .name = source->name, .section = title, .dir = "", .err = err};
    bool ok = read_section(&reader, node, &section, ret);
    if (ok && !read_variables(&section, name)) {
        buf_puts(err, "out of memory");
        ok = false;
    }
    if (ok) {
        size_t before = err->len;
        buf_printf(err, "%s: the connection [%s]: ", source->name, title);
        ok = snowflake_section_map(&section, ret, err);
        err->len = ok ? before : err->len;
    }
    ret->is_readable = source->is_readable;
    (void)str_copy(str_of(source->name), ret->file, sizeof(ret->file));
    snowflake_section_free(&section);
    return ok;
}

bool snowflake_connection_read(
    struct snowflake_connection *ret, const char *name, struct buf *err)
{
    struct sources *sources = calloc(1, sizeof(*sources));
    *ret = (struct snowflake_connection){.ignored = BUF_INIT(IGNORED_MAX)};
    if (!sources) {
        buf_puts(err, "out of memory");
        return false;
    }
    bool ok = sources_open(sources, err) && read_from(sources, ret, str_of(name), err);
    sources_close(sources);
    free(sources);
    return ok;
}

void snowflake_connection_free(struct snowflake_connection *connection)
{
    options_free(&connection->options);
    buf_free(&connection->ignored);
}
