// SPDX-License-Identifier: Apache-2.0
#include "config/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/driver_options.h"
#include "config/profile_options.h"

enum {
    REASON_SIZE = 256
};

/* ---- names ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.';
}

bool credential_name(char *ret, size_t cap, struct str principal)
{
    char name[3 * CREDENTIAL_PRINCIPAL_MAX + 1];
    size_t len = 0;
    ASSERT(cap > 0);
    ret[0] = '\0';
    if (principal.len == 0 || principal.len > CREDENTIAL_PRINCIPAL_MAX) {
        return false;
    }
    for (size_t i = 0; i < principal.len; i++) {
        char c = principal.ptr[i];
        if (is_plain(c) && (i > 0 || c != '.')) {
            name[len++] = c;
        } else {
            len += (size_t)snprintf(name + len, 4, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
    return len <= CREDENTIAL_NAME_MAX && str_copy((struct str){name, len}, ret, cap);
}

bool credential_path(char *ret, size_t cap, const char *state_dir, const char *profile,
    struct str principal)
{
    char name[CREDENTIAL_NAME_MAX + 1];
    ASSERT(cap > 0);
    ret[0] = '\0';
    if (!credential_name(name, sizeof(name), principal)) {
        return false;
    }
    int len = snprintf(ret, cap, "%s/credentials/%s/%s.toml", state_dir, profile, name);
    bool fits = len > 0 && (size_t)len < cap;
    if (!fits) {
        ret[0] = '\0';
    }
    return fits;
}

/* ---- what a file says ---- */

static bool is_snowflake(const struct config_profile *profile)
{
    const struct driver_options *known = driver_options_of(str_of(profile->driver));
    return known && known->has_parameters;
}

static bool unknown_key(struct reader *reader, const struct config_profile *profile,
    const struct toml_node *node)
{
    static const char *const keys[] = {"options", "connection"};
    const struct driver_options *known = driver_options_of(str_of(profile->driver));
    struct buf *err = reader_blame(reader, node);
    buf_puts(err, "unknown key ");
    buf_put_json(err, node->key);
    if (driver_options_is_login(known, node->key) ||
        (known && driver_options_know(known, node->key))) {
        buf_puts(err, "; it belongs under [options]");
        return false;
    }
    return reader_nearest(reader, node->key, keys, is_snowflake(profile) ? 2 : 1);
}

/* What is wrong is said without the value: it may be a secret in the wrong place. */
static bool read_connection(struct reader *reader, const struct config_profile *profile,
    const struct toml_node *node, struct credential *ret)
{
    if (!is_snowflake(profile)) {
        buf_printf(reader_blame(reader, node),
            "connection is Snowflake's, and the driver is \"%s\"", profile->driver);
        return false;
    }
    if (node->kind != TOML_STRING || node->text.len == 0 ||
        str_find(node->text, '\0') >= 0 ||
        !str_copy(node->text, ret->connection, sizeof(ret->connection))) {
        buf_printf(reader_must(reader, node, "connection"),
            "a string of 1 to %d bytes without NUL", CONFIG_PATH_SIZE - 1);
        return false;
    }
    return true;
}

static bool read_key(struct reader *reader, const struct config_profile *profile,
    const struct toml_node *node, struct credential *ret)
{
    if (str_eq(node->key, STR("connection"))) {
        return read_connection(reader, profile, node, ret);
    }
    if (!str_eq(node->key, STR("options"))) {
        return unknown_key(reader, profile, node);
    }
    if (node->kind != TOML_TABLE) {
        buf_puts(reader_must(reader, node, "options"), "a table");
        return false;
    }
    return options_read(reader, str_of(profile->driver), node, &ret->options);
}

/* A driver may take the user that is missing from its environment. */
static bool says_who(const struct driver_options *known, struct str key)
{
    return driver_options_is_login(known, key) && !str_eq(key, STR("password")) &&
           !str_eq(key, STR("adbc.snowflake.sql.auth_type"));
}

static bool check_login(const struct reader *reader, const struct config_profile *profile,
    const struct credential *credential)
{
    const struct driver_options *known = driver_options_of(str_of(profile->driver));
    if (credential->connection[0] != '\0') {
        return true;
    }
    for (uint32_t i = 0; i < credential->options.len; i++) {
        if (says_who(known, str_of(credential->options.at[i].key))) {
            return true;
        }
    }
    buf_printf(reader->err, "%s: nothing here says who logs in: it needs ", reader->name);
    if (is_snowflake(profile)) {
        buf_puts(reader->err, "connection = \"NAME\", or ");
    }
    buf_puts(reader->err, "under [options] one of ");
    const char *between = "";
    for (const char *const *key = driver_options_logins(known); *key; key++) {
        if (says_who(known, str_of(*key))) {
            buf_printf(reader->err, "%s\"%s\"", between, *key);
            between = ", ";
        }
    }
    return false;
}

bool credential_parse(struct credential *ret, const struct config_profile *profile,
    struct str toml, const char *name, const char *dir, struct buf *err)
{
    char reason[REASON_SIZE];
    uint32_t line = 0;
    *ret = (struct credential){0};
    if (toml.len > CREDENTIAL_BYTES_MAX) {
        buf_printf(err, "%s: a credential has at most %d bytes, this is longer", name,
            CREDENTIAL_BYTES_MAX);
        return false;
    }
    struct toml_doc *doc = toml_parse(toml, &line, reason, sizeof(reason));
    if (!doc) {
        /* The reason may quote what stands there. */
        buf_printf(err, "%s:%u: not readable as TOML", name, (unsigned)line);
        return false;
    }
    struct reader reader = {.name = name, .section = "", .dir = dir, .err = err};
    bool ok = true;
    for (const struct toml_node *it = toml_root(doc)->child; it && ok; it = it->next) {
        ok = read_key(&reader, profile, it, ret);
    }
    ok = ok && check_login(&reader, profile, ret);
    explicit_bzero(reason, sizeof(reason));
    toml_free(doc);
    if (!ok) {
        credential_free(ret);
    }
    return ok;
}

void credential_free(struct credential *credential)
{
    options_free(&credential->options);
    *credential = (struct credential){0};
}

/* ---- the file ---- */

/* At most @cap bytes of a regular file; 0 or an errno, EINVAL for another kind. */
static int read_file(const char *path, char *text, size_t cap, size_t *ret_len)
{
    struct stat status;
    ssize_t got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error = fd < 0 || fstat(fd, &status) < 0 ? errno : 0;
    if (error == 0 && !S_ISREG(status.st_mode)) {
        error = EINVAL;
    }
    while (error == 0 && got != 0 && *ret_len < cap) {
        got = read(fd, text + *ret_len, cap - *ret_len);
        error = got < 0 && errno != EINTR ? errno : 0;
        *ret_len += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

bool credential_read(struct credential *ret, const struct config_profile *profile,
    const char *path, struct buf *err)
{
    const size_t cap = CREDENTIAL_BYTES_MAX + 1; /* one more shows that it is too long */
    char dir[CONFIG_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    struct str before = slash ? (struct str){path, (size_t)(slash - path)} : STR(".");
    char *text = malloc(cap);
    size_t len = 0;
    bool ok = false;
    *ret = (struct credential){0};
    int error = text ? read_file(path, text, cap, &len) : ENOMEM;
    if (error == ENOENT) {
        buf_printf(err, "%s: there is no such credential", path);
    } else if (error == EINVAL) {
        buf_printf(err, "%s: a credential must be a regular file", path);
    } else if (error != 0 || !str_copy(before, dir, sizeof(dir))) {
        buf_printf(err, "%s: cannot read the credential: %s", path,
            strerror(error != 0 ? error : ENAMETOOLONG));
    } else {
        ok = credential_parse(ret, profile, (struct str){text, len}, path, dir, err);
    }
    if (text) {
        explicit_bzero(text, cap);
    }
    free(text);
    return ok;
}
