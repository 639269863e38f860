// SPDX-License-Identifier: Apache-2.0
#include "backend/reach.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/uri.h"
#include "config/profile_options.h"

enum {
    TEXT_MAX = 1024 * 1024
};

/* What a driver's file name tells about it; only these two never need the network. */
enum engine {
    DUCKDB,
    SQLITE,
    OTHER
};

/*
 * Certificates and names of machines. Resolvers that replace their file do it in a
 * directory of their own, which is why some of those stand here.
 */
static const char *const network[] = {"/etc/ssl", "/etc/pki", "/etc/ca-certificates",
    "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/etc/resolv.conf",
    "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf",
    "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
    "/etc/services", "/etc/protocols", "/etc/passwd", "/etc/group", "/etc/krb5.conf",
    "/etc/gss", "/proc/sys/net/core/somaxconn"};

static const char *const certificates[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};

static void put_read(struct backend_reach *reach, struct str path)
{
    buf_put_str(&reach->text, path);
    buf_putc(&reach->text, '\0');
    reach->read_count++;
}

static void put_write(struct backend_reach *reach, struct str path)
{
    ASSERT(reach->read_count == 0);
    buf_put_str(&reach->text, path);
    buf_putc(&reach->text, '\0');
    reach->write_count++;
}

static void put_reads(struct backend_reach *reach, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_read(reach, str_of(paths[i]));
    }
}

static void put_with_ending(
    struct backend_reach *reach, struct str path, const char *ending)
{
    buf_put_str(&reach->text, path);
    put_read(reach, str_of(ending));
}

/* A directory of the daemon's, or of that the part of one profile. */
static void put_state(struct buf *text, const char *state_dir, const char *name,
    const struct config_profile *config_or_null)
{
    buf_printf(text, "%s/%s%s%s", state_dir, name, config_or_null ? "/" : "",
        config_or_null ? config_or_null->name : "");
    buf_putc(text, '\0');
}

/*
 * Results have names that nobody guesses: whoever can only write there finds none but its
 * own, while a home is read as well.
 */
static void put_writes(struct backend_reach *reach, const char *state_dir,
    const char *home, const struct config_profile *config_or_null)
{
    ASSERT(reach->read_count == 0);
    put_state(&reach->text, state_dir, REACH_SPOOL, NULL);
    put_state(&reach->text, state_dir, home, config_or_null);
    put_state(&reach->text, state_dir, home, config_or_null);
    reach->write_count += 2;
    reach->read_count = 1;
}

static enum engine engine_of(const char *driver)
{
    const char *slash = strrchr(driver, '/');
    const char *name = slash ? slash + 1 : driver;
    if (strstr(name, "duckdb")) {
        return DUCKDB;
    }
    return strstr(name, "sqlite") ? SQLITE : OTHER;
}

static bool is_file(const char *path)
{
    struct stat info;
    return path[0] == '/' && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Without quotes around it and %XX in it; false: it is no path. */
static bool decode_path(struct str s, char ret[CONFIG_PATH_SIZE])
{
    if (s.len > 1 && s.ptr[0] == '\'') {
        s = (struct str){s.ptr + 1, s.len - 1 - (s.ptr[s.len - 1] == '\'')};
    }
    bool fits = s.len < CONFIG_PATH_SIZE;
    ret[fits ? uri_decode(s, ret) : 0] = '\0';
    return ret[0] == '/';
}

/* Files named in the parts of a URI or a connection string: sslkey=/path. */
static void put_named_parts(struct backend_reach *reach, const char *value)
{
    char path[CONFIG_PATH_SIZE];
    const char *at = value;
    while ((at = strchr(at, '=')) != NULL) {
        at++;
        if (decode_path((struct str){at, strcspn(at, "& \t\r\n")}, path) &&
            is_file(path)) {
            put_read(reach, str_of(path));
        }
    }
    explicit_bzero(path, sizeof(path)); /* it may have been a secret */
}

/*
 * Key files, tokens, certificates: whatever file an option names by an absolute path.
 * Values that are kept elsewhere were read before the worker is confined.
 */
static void put_named(struct backend_reach *reach, const struct config_options *options)
{
    for (uint32_t i = 0; i < options->len; i++) {
        const char *value = options->at[i].value;
        if (options->at[i].source != CONFIG_VALUE) {
            continue;
        }
        if (is_file(value)) {
            put_read(reach, str_of(value));
        } else {
            put_named_parts(reach, value);
        }
    }
}

/* SQLite's file; "" where no option names one. */
static struct str sqlite_file(const struct config_profile *config)
{
    struct str path = STR("");
    for (uint32_t i = 0; i < config->options.len; i++) {
        if (strcmp(config->options.at[i].key, "uri") == 0) {
            path = str_of(config->options.at[i].value);
        }
    }
    path = str_starts(path, STR("file:")) ? str_from(path, 5) : path;
    path = str_starts(path, STR("//")) ? str_from(path, 2) : path;
    path.len = strcspn(path.ptr, "?#");
    return path;
}

static void put_sqlite(struct backend_reach *reach, const struct config_profile *config)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    struct str path = sqlite_file(config);
    for (size_t j = 0; j < ARRAY_LEN(endings) && path.len > 0; j++) {
        put_with_ending(reach, path, endings[j]);
    }
}

/* Who writes to the file makes its journal beside it: the directory; "" for who only
 * reads. */
static struct str sqlite_journals(const struct config_profile *config)
{
    struct str path = sqlite_file(config);
    while (path.len > 0 && path.ptr[path.len - 1] != '/') {
        path.len--;
    }
    return config_has_policy(config, "read_write") ? path : STR("");
}

static void put_network(struct backend_reach *reach)
{
    put_reads(reach, network, ARRAY_LEN(network));
    for (size_t i = 0; i < ARRAY_LEN(certificates); i++) {
        const char *path = getenv(certificates[i]);
        if (path && path[0] == '/') {
            put_read(reach, str_of(path));
        }
    }
}

static bool says_browser(const struct config_option *option)
{
    bool is_uri = strcmp(option->key, "uri") == 0;
    const char *value = option->source == CONFIG_FROM_ENV ? getenv(option->value) : option->value;
    return value && (is_uri ? strcasestr(value, "authenticator=externalbrowser") != NULL
                            : strcmp(value, "auth_ext_browser") == 0);
}

bool backend_reach_needs_browser(const struct config_options *options)
{
    bool does = false;
    for (uint32_t i = 0; i < options->len && !does; i++) {
        does = says_browser(&options->at[i]);
    }
    return does;
}

/* Signing in by the browser is the one thing for which a driver runs a program. */
static bool needs_browser(const struct config_options *options, enum sql_dialect_id dialect)
{
    return dialect == SQL_SNOWFLAKE && backend_reach_needs_browser(options);
}

/*
 * PostgreSQL's client takes a host that is a path, or none, for a socket here. Others get
 * none of these sockets: behind some of them programs are started for whoever asks.
 */
static uint32_t unix_of(const struct config_options *options, enum sql_dialect_id dialect)
{
    const struct config_option *uri = options_find(options, STR("uri"));
    if (dialect != SQL_POSTGRESQL) {
        return 0;
    }
    if (uri && uri->source != CONFIG_VALUE) {
        return WIRE_HAS_UNIX_BY_URI; /* the worker reads it */
    }
    return !uri || uri_names_socket((struct str){uri->value, uri->value_len}) ? WIRE_HAS_UNIX
                                                                            : 0;
}

static void put_files(
    struct backend_reach *reach, const struct config_profile *config, enum engine engine)
{
    for (uint32_t i = 0; i < config->files.len; i++) {
        struct str path = str_of(config->files.at[i]);
        put_read(reach, path);
        if (engine == DUCKDB) {
            put_with_ending(reach, path, ".wal");
        }
    }
}

/* The strings lie behind each other in the text: those to write, those to read, the last. */
static void resolve(struct backend_reach *reach)
{
    const char *at = reach->text.ptr;
    for (uint32_t i = 0; i < reach->write_count; i++) {
        reach->write[i] = str_of(at);
        at += reach->write[i].len + 1;
    }
    for (uint32_t i = 0; i < reach->read_count; i++) {
        reach->read[i] = str_of(at);
        at += reach->read[i].len + 1;
    }
    reach->home = reach->write[reach->write_count - 1];
    reach->bin = str_of(at);
}

bool backend_reach_init(struct backend_reach *ret, const struct config_profile *config,
    enum sql_dialect_id dialect, const char *driver, bool has_browser,
    const char *state_dir, struct buf *err)
{
    enum engine engine = engine_of(config->driver);
    *ret = (struct backend_reach){.text = BUF_INIT(TEXT_MAX)};
    if (strcmp(config->confine, "off") == 0) {
        return true;
    }
    ret->confine = WIRE_CONFINED;
    struct str journals = engine == SQLITE ? sqlite_journals(config) : STR("");
    if (journals.len > 0) {
        put_write(ret, journals);
    }
    put_writes(ret, state_dir, engine == DUCKDB ? REACH_SPILL : REACH_HOMES, config);
    put_read(ret, str_of(driver));
    put_files(ret, config, engine);
    put_named(ret, &config->options);
    if (engine == SQLITE) {
        put_sqlite(ret, config);
    }
    if (journals.len > 0) {
        put_read(ret, journals);
    }
    if (engine == OTHER) {
        ret->confine |= WIRE_HAS_NETWORK;
        put_network(ret);
    }
    if (engine == OTHER && dialect != SQL_SNOWFLAKE && dialect != SQL_POSTGRESQL) {
        put_read(ret, STR("/usr"));
    }
    ret->confine |= engine == OTHER ? unix_of(&config->options, dialect) : 0;
    if (engine == OTHER && (has_browser || needs_browser(&config->options, dialect))) {
        ret->confine |= WIRE_SIGNS_IN;
    }
    put_state(&ret->text, state_dir, REACH_BIN, NULL);
    if (!buf_ok(&ret->text) || ret->read_count > WIRE_PATHS_MAX) {
        buf_printf(err,
            "profile %s: its files and options name more than its worker can be told: at most "
            "%d paths",
            config->name, WIRE_PATHS_MAX);
        backend_reach_free(ret);
        return false;
    }
    resolve(ret);
    return true;
}

bool backend_reach_init_login(struct backend_reach *ret,
    const struct backend_reach *profile, const struct config_options *options,
    enum sql_dialect_id dialect, bool has_browser, const char *home, struct buf *err)
{
    *ret =
        (struct backend_reach){.confine = profile->confine, .text = BUF_INIT(TEXT_MAX)};
    if (!(profile->confine & WIRE_CONFINED)) {
        return true;
    }
    /* A home of its own for the profile's, which is the last to write and the first to
     * read. */
    ASSERT(profile->write_count >= 2 && profile->read_count > 0);
    for (size_t i = 0; i <= profile->write_count; i++) {
        buf_put_str(
            &ret->text, i < profile->write_count - 1 ? profile->write[i] : str_of(home));
        buf_putc(&ret->text, '\0');
    }
    ret->write_count = profile->write_count;
    ret->read_count = 1;
    for (uint32_t i = 1; i < profile->read_count; i++) {
        put_read(ret, profile->read[i]);
    }
    put_named(ret, options);
    if (options_find(options, STR("uri"))) { /* what the profile lacks says nothing then */
        ret->confine &= ~(uint32_t)(WIRE_HAS_UNIX | WIRE_HAS_UNIX_BY_URI);
        ret->confine |= unix_of(options, dialect);
    }
    ret->confine &= ~(uint32_t)WIRE_SIGNS_IN;
    ret->confine |= has_browser || needs_browser(options, dialect) ? WIRE_SIGNS_IN : 0;
    buf_put_str(&ret->text, profile->bin);
    buf_putc(&ret->text, '\0');
    if (!buf_ok(&ret->text) || ret->read_count > WIRE_PATHS_MAX) {
        buf_printf(
            err, "a credential's options name more files than a worker can be told of");
        backend_reach_free(ret);
        return false;
    }
    resolve(ret);
    return true;
}

bool backend_reach_init_reader(struct backend_reach *ret, const char *state_dir)
{
    *ret = (struct backend_reach){.confine = WIRE_CONFINED, .text = BUF_INIT(TEXT_MAX)};
    put_writes(ret, state_dir, REACH_SPOOL, NULL);
    put_state(&ret->text, state_dir, REACH_BIN, NULL);
    if (!buf_ok(&ret->text)) {
        return false;
    }
    resolve(ret);
    return true;
}

void backend_reach_free(struct backend_reach *reach)
{
    buf_free(&reach->text);
}

void backend_reach_put(const struct backend_reach *reach, struct backend_setup *setup)
{
    setup->confine = reach->confine;
    setup->home = reach->home;
    setup->bin = reach->confine & WIRE_SIGNS_IN ? reach->bin : STR("");
    setup->read_paths = reach->read;
    setup->read_path_count = reach->read_count;
    setup->write_paths = reach->write;
    setup->write_path_count = reach->write_count;
}
