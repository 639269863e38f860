// SPDX-License-Identifier: Apache-2.0
#include "config/reader.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/names.h"
#include "config/numbers.h"

enum {
    VALUE_SHOWN_MAX = 64,
    NEAREST_SHOWN_MAX = 3,
    DISTANCE_MAX = 3,
    ADDRESS_SIZE = 64,
    ZONE_PATH_SIZE = CONFIG_STRING_SIZE + 32,
    PORT_MAX = 65535
};

#define LOOPBACK "localhost, 127.0.0.0/8 or [::1]"

struct buf *reader_blame(struct reader *reader, const struct toml_node *node)
{
    buf_printf(reader->err, "%s:%u: ", reader->name, (unsigned)node->line);
    return reader->err;
}

const char *reader_dot(const struct reader *reader)
{
    return reader->section[0] != '\0' ? "." : "";
}

struct buf *reader_must(
    struct reader *reader, const struct toml_node *node, const char *key)
{
    struct buf *err = reader_blame(reader, node);
    buf_printf(err, "%s%s%s must be ", reader->section, reader_dot(reader), key);
    return err;
}

bool reader_got(struct reader *reader, const struct toml_node *node)
{
    struct buf *err = reader->err;
    struct str shown = str_utf8_prefix(node->text, VALUE_SHOWN_MAX);
    buf_puts(err, ", got ");
    switch (node->kind) {
    case TOML_TABLE:
        buf_puts(err, "a table");
        break;
    case TOML_ARRAY:
        buf_puts(err, "an array");
        break;
    case TOML_STRING:
        buf_put_json(err, shown);
        buf_puts(err, shown.len < node->text.len ? "..." : "");
        break;
    case TOML_INT:
        buf_put_i64(err, node->integer);
        break;
    case TOML_BOOL:
        buf_puts(err, node->integer ? "true" : "false");
        break;
    case TOML_FLOAT:
        buf_puts(err, "a number with a fraction");
        break;
    case TOML_TIME:
        buf_puts(err, "a date or time");
        break;
    }
    return false;
}

static void put_list(
    struct buf *out, const char *const *words, size_t len, const char *last)
{
    for (size_t i = 0; i < len; i++) {
        buf_puts(out, i == 0 ? "" : i + 1 < len ? ", " : last);
        buf_put_json(out, str_of(words[i]));
    }
}

bool reader_nearest(
    struct reader *reader, struct str word, const char *const *known, size_t known_len)
{
    const char *nearest[NEAREST_SHOWN_MAX];
    size_t len = 0;
    /* In short words a few edits make anything of anything. */
    unsigned best = word.len / 2 < DISTANCE_MAX ? (unsigned)word.len / 2 : DISTANCE_MAX;
    for (size_t i = 0; i < known_len; i++) {
        unsigned distance = str_distance(word, str_of(known[i]), DISTANCE_MAX + 1);
        if (distance < best) {
            best = distance;
            len = 0;
        }
        if (distance == best && len < NEAREST_SHOWN_MAX) {
            nearest[len++] = known[i];
        }
    }
    buf_puts(reader->err, len > 0 ? "; did you mean " : "; known are ");
    if (len > 0) {
        put_list(reader->err, nearest, len, " or ");
    } else {
        put_list(reader->err, known, known_len, " and ");
    }
    buf_puts(reader->err, len > 0 ? "?" : "");
    return false;
}

static bool set_int(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, int64_t *ret_value)
{
    if (node->kind == TOML_INT && node->integer >= setting->min &&
        node->integer <= setting->max) {
        *ret_value = node->integer;
        return true;
    }
    struct buf *err = reader_must(reader, node, setting->key);
    buf_printf(
        err, "an integer from %" PRId64 " to %" PRId64, setting->min, setting->max);
    return reader_got(reader, node);
}

static bool set_uids(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, struct config_uids *ret_uids)
{
    struct config_uids uids = {0};
    const struct toml_node *wrong = node->kind == TOML_ARRAY ? NULL : node;
    for (const struct toml_node *it = node->child; it && !wrong; it = it->next) {
        /* The largest id means "none" to the kernel. */
        bool ok = it->kind == TOML_INT && it->integer >= 0 && it->integer < UINT32_MAX;
        if (!ok) {
            wrong = it;
        } else if (uids.len == CONFIG_UIDS_MAX) {
            wrong = node;
        } else {
            uids.at[uids.len++] = (uint32_t)it->integer;
        }
    }
    if (!wrong) {
        *ret_uids = uids;
        return true;
    }
    struct buf *err = reader_must(reader, wrong, setting->key);
    buf_printf(err, "an array of at most %d integers from 0 to %u", CONFIG_UIDS_MAX,
        (unsigned)UINT32_MAX - 1);
    if (wrong == node && node->kind == TOML_ARRAY) {
        buf_puts(err, ", got more");
        return false;
    }
    return reader_got(reader, wrong);
}

static bool is_loopback(struct str host)
{
    char text[ADDRESS_SIZE];
    unsigned char address[4];
    return str_eq(host, STR("localhost")) || str_eq(host, STR("[::1]")) ||
           (str_copy(host, text, sizeof(text)) &&
               inet_pton(AF_INET, text, address) == 1 && address[0] == 127);
}

/* "" or HOST:PORT where no other machine can reach it. */
static bool check_http(
    struct reader *reader, const struct setting *setting, const struct toml_node *node)
{
    struct str text = node->text;
    if (text.len == 0) {
        return true;
    }
    size_t host_len = text.len;
    while (host_len > 0 && text.ptr[host_len - 1] != ':') {
        host_len--;
    }
    uint64_t port = 0;
    if (host_len == 0 || !str_to_u64(str_from(text, host_len), PORT_MAX, &port)) {
        struct buf *err = reader_must(reader, node, setting->key);
        buf_puts(
            err, "\"\" or HOST:PORT with HOST " LOOPBACK " and PORT from 0 to 65535");
        return reader_got(reader, node);
    }
    if (!is_loopback((struct str){text.ptr, host_len - 1})) {
        struct buf *err = reader_must(reader, node, setting->key);
        buf_puts(err, "on a loopback address (" LOOPBACK
                      "): authentication of remote clients is not available yet");
        return reader_got(reader, node);
    }
    return true;
}

/* Every zone file begins so (RFC 9636); the database has lists and other files, too. */
#define ZONE_MAGIC "TZif"
#define ZONES "/usr/share/zoneinfo"

static bool is_zone_file(const char *path)
{
    char magic[sizeof(ZONE_MAGIC) - 1];
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    bool ok = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
              read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
              memcmp(magic, ZONE_MAGIC, sizeof(magic)) == 0;
    close(fd);
    return ok;
}

/* @name has no NUL. */
static bool is_zone(struct str name)
{
    char path[ZONE_PATH_SIZE];
    if (str_eq(name, STR("local")) || str_eq(name, STR("UTC"))) {
        return true;
    }
    int len = snprintf(path, sizeof(path), ZONES "/" STR_FMT, STR_ARG(name));
    return name.len > 0 && name.ptr[0] != '/' && len > 0 && len < ZONE_PATH_SIZE &&
           !strstr(path, "..") && is_zone_file(path);
}

static bool check_zone(
    struct reader *reader, const struct setting *setting, const struct toml_node *node)
{
    if (is_zone(node->text)) {
        return true;
    }
    buf_puts(reader_must(reader, node, setting->key),
        "\"local\", \"UTC\" or a name of the zone database in " ZONES
        " such as \"Europe/Berlin\"");
    return reader_got(reader, node);
}

static bool check_choices(
    struct reader *reader, const struct setting *setting, const struct toml_node *node)
{
    const char *const *choices = setting_choices(setting);
    size_t len = 0;
    while (choices && choices[len]) {
        if (str_eq(node->text, str_of(choices[len]))) {
            return true;
        }
        len++;
    }
    if (!choices) {
        return true;
    }
    put_list(reader_must(reader, node, setting->key), choices, len, " or ");
    return reader_got(reader, node);
}

static bool check_text(
    struct reader *reader, const char *key, const struct toml_node *node, size_t cap)
{
    if (node->kind != TOML_STRING) {
        buf_puts(reader_must(reader, node, key), "a string");
        return reader_got(reader, node);
    }
    if (node->text.len >= cap) {
        buf_printf(reader_must(reader, node, key),
            "a string of at most %zu bytes, got %zu bytes", cap - 1, node->text.len);
        return false;
    }
    if (str_find(node->text, '\0') >= 0) {
        buf_puts(reader_must(reader, node, key), "a string without NUL");
        return reader_got(reader, node);
    }
    return true;
}

bool reader_path(struct reader *reader, const char *key, const struct toml_node *node,
    char *ret_path, size_t cap)
{
    if (!check_text(reader, key, node, cap)) {
        return false;
    }
    if (node->text.len == 0) {
        buf_puts(reader_must(reader, node, key), "a path");
        return reader_got(reader, node);
    }
    bool joined = node->text.ptr[0] != '/' && reader->dir[0] != '\0';
    int len = snprintf(ret_path, cap, "%s%s" STR_FMT, joined ? reader->dir : "",
        joined ? "/" : "", STR_ARG(node->text));
    if (len < 0 || (size_t)len >= cap) {
        buf_printf(reader_must(reader, node, key),
            "a path of at most %zu bytes, got %d bytes with the directory %s", cap - 1,
            len, reader->dir);
        return false;
    }
    return true;
}

static bool is_setting(
    const struct setting *setting, const char *section, const char *key)
{
    return strcmp(setting->section, section) == 0 && strcmp(setting->key, key) == 0;
}

/* A driver without a slash is a name, "auto" is none of a file. */
static bool is_path(const struct setting *setting, struct str text)
{
    if (is_setting(setting, "listen", "socket")) {
        return !str_eq(text, STR("auto"));
    }
    if (is_setting(setting, "drivers", "dir")) {
        return text.len > 0;
    }
    return is_setting(setting, "profile", "driver") &&
           (text.len == 0 || str_find(text, '/') >= 0);
}

static bool set_string(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, char *ret_text)
{
    bool is_http = is_setting(setting, "listen", "http");
    bool is_timezone = is_setting(setting, "quota", "timezone");
    if (!check_text(reader, setting->key, node, setting->size)) {
        return false;
    }
    if (is_path(setting, node->text)) {
        return reader_path(reader, setting->key, node, ret_text, setting->size);
    }
    return check_choices(reader, setting, node) &&
           (!is_http || check_http(reader, setting, node)) &&
           (!is_timezone || check_zone(reader, setting, node)) &&
           str_copy(node->text, ret_text, setting->size);
}

bool reader_set(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, void *base)
{
    void *at = (char *)base + setting->offset;
    switch (setting->kind) {
    case SETTING_INT:
        return set_int(reader, setting, node, at);
    case SETTING_STRING:
        return set_string(reader, setting, node, at);
    case SETTING_UIDS:
        return set_uids(reader, setting, node, at);
    case SETTING_RATE:
    case SETTING_AMOUNTS:
    case SETTING_SHARES:
    case SETTING_BOUNDS:
        return numbers_set(reader, setting, node, at);
    case SETTING_WEIGHTS:
    case SETTING_CREDITS:
    case SETTING_TYPES:
    case SETTING_POLICIES:
        return names_set(reader, setting, node, at);
    case SETTING_FILES:
    case SETTING_OPTIONS:
    case SETTING_PARAMETERS:
        break;
    }
    UNREACHABLE();
}
