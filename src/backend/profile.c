// SPDX-License-Identifier: Apache-2.0
#include "backend/profile.h"

#include <errno.h>
#include <unistd.h>

#include "backend/setup.h"
#include "base/log.h"
#include "config/profile.h"
#include "sql/catalog.h"
#include "sql/dialect.h"
#include "sql/quote.h"

enum { TEXT_MAX = 1024 * 1024 };

/* Adds @s to the profile's text; strings are made of (offset, length) once all is there. */
struct slice {
    size_t at;
    size_t len;
};

struct builder {
    struct buf *text;
    struct slice option_key[PROFILE_OPTIONS_MAX];
    struct slice option_value[PROFILE_OPTIONS_MAX];
    uint32_t option_count;
    bool has_browser;
    struct slice init[PROFILE_INIT_MAX];
    uint32_t init_count;
    struct slice driver;
    struct slice role;
    struct slice warehouse;
    struct slice database;
    struct slice schema;
};

static struct slice put(struct builder *b, struct str s)
{
    struct slice slice = {b->text->len, s.len};
    buf_put_str(b->text, s);
    return slice;
}

static void put_option(struct builder *b, const char *key, const char *value)
{
    ASSERT(b->option_count < PROFILE_OPTIONS_MAX);
    b->option_key[b->option_count] = put(b, str_of(key));
    b->option_value[b->option_count++] = put(b, str_of(value));
}

static void put_init(struct builder *b, const struct buf *sql)
{
    ASSERT(b->init_count < PROFILE_INIT_MAX);
    b->init[b->init_count++] = put(b, buf_str(sql));
}

/* The name DuckDB gives a file's database: its last part without the ending. */
static struct str stem_of(const char *path)
{
    struct str name = str_of(path);
    for (ptrdiff_t slash; (slash = str_find(name, '/')) >= 0;) {
        name = str_from(name, (size_t)slash + 1);
    }
    ptrdiff_t dot = str_find(name, '.');
    return dot > 0 ? (struct str){name.ptr, (size_t)dot} : name;
}

static bool stem_is_taken(const struct config_profile *config, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (str_eq_nocase(stem_of(config->files.at[i]), stem_of(config->files.at[index]))) {
            return true;
        }
    }
    return false;
}

static bool files_readable(const struct config_profile *config, struct buf *err)
{
    for (uint32_t i = 0; i < config->files.len; i++) {
        if (access(config->files.at[i], R_OK) < 0) {
            buf_printf(err, "profile %s: cannot read %s: %s", config->name, config->files.at[i],
                strerror(errno));
            return false;
        }
    }
    return true;
}

/*
 * One database a worker: the first file read-only, the others attached read-only, then no
 * way outside, then no way to change that.
 */
static void lock_down(struct builder *b, const struct config_profile *config, const char *state_dir)
{
    struct buf sql = BUF_INIT(TEXT_MAX);
    char number[32];
    char spill_dir[CONFIG_PATH_SIZE + CONFIG_NAME_SIZE + 16];
    snprintf(spill_dir, sizeof(spill_dir), "%s/" REACH_SPILL "/%s", state_dir, config->name);
    put_option(b, "path", config->files.at[0]);
    put_option(b, "access_mode", "READ_ONLY");
    snprintf(number, sizeof(number), "%lldMB", (long long)config->memory_mb);
    put_option(b, "memory_limit", number);
    if (config->threads > 0) {
        snprintf(number, sizeof(number), "%lld", (long long)config->threads);
        put_option(b, "threads", number);
    }
    for (uint32_t i = 1; i < config->files.len; i++) {
        struct str stem = stem_of(config->files.at[i]);
        char name[CONFIG_PATH_SIZE];
        snprintf(name, sizeof(name), STR_FMT "_%u", STR_ARG(stem), i + 1);
        buf_clear(&sql);
        buf_puts(&sql, "ATTACH ");
        quote_literal(&sql, str_of(config->files.at[i]));
        buf_puts(&sql, " AS ");
        quote_identifier(&sql, stem_is_taken(config, i) ? str_of(name) : stem);
        buf_puts(&sql, " (READ_ONLY)");
        put_init(b, &sql);
    }
    /* Without the first, uhugeint wraps, and times with a zone and bits lose what they are. */
    static const char *const last[] = {"SET GLOBAL arrow_lossless_conversion = true",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false", "SET enable_external_access = false",
        "SET lock_configuration = true"};
    buf_clear(&sql);
    buf_puts(&sql, "SET temp_directory = ");
    quote_literal(&sql, str_of(spill_dir));
    put_init(b, &sql);
    for (size_t i = 0; i < ARRAY_LEN(last); i++) {
        buf_clear(&sql);
        buf_puts(&sql, last[i]);
        put_init(b, &sql);
    }
    b->text->failed = b->text->failed || !buf_ok(&sql);
    buf_free(&sql);
}

static void put_limits(struct builder *b, const struct config_profile *config)
{
    const struct setup_limit *limits;
    uint32_t count = setup_limits(config->driver, &limits);
    for (uint32_t i = 0; i < count; i++) {
        put_option(b, limits[i].key, limits[i].value);
    }
}

static struct str str_at(const struct backend_profile *profile, struct slice slice)
{
    return (struct str){profile->text.ptr + slice.at, slice.len};
}

static bool contains(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

static bool find_dialect(
    const struct config_profile *config, enum sql_dialect_id *ret, struct buf *err)
{
    const char *wanted = config->dialect[0] != '\0' ? config->dialect : config->driver;
    for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
        if (contains(wanted, sql_dialect((enum sql_dialect_id)id)->name)) {
            *ret = (enum sql_dialect_id)id;
            return true;
        }
    }
    buf_printf(err,
        "profile %s: the driver's name does not tell its dialect; add dialect = \"duckdb\", "
        "\"snowflake\", \"postgresql\" or \"sqlite\"",
        config->name);
    return false;
}

static void resolve(struct backend_profile *profile, const struct builder *b)
{
    for (uint32_t i = 0; i < b->option_count; i++) {
        profile->option[i] = (struct backend_option){
            str_at(profile, b->option_key[i]), str_at(profile, b->option_value[i])};
    }
    for (uint32_t i = 0; i < b->init_count; i++) {
        profile->init[i] = str_at(profile, b->init[i]);
    }
    profile->setup.driver = str_at(profile, b->driver);
    profile->setup.options = profile->option;
    profile->setup.option_count = b->option_count;
    profile->setup.init = profile->init;
    profile->setup.init_count = b->init_count;
    profile->role = str_at(profile, b->role);
    profile->warehouse = str_at(profile, b->warehouse);
    profile->database = str_at(profile, b->database);
    profile->schema = str_at(profile, b->schema);
}

static void warn(
    const struct config_profile *config, const struct snowflake_connection *connection)
{
    if (connection->ignored.len > 0) {
        log_event(LOG_WARN, "connection_keys_ignored", "profile=%s keys=%s", config->name,
            log_quote(buf_str(&connection->ignored)));
    }
    if (connection->is_readable) {
        log_event(LOG_WARN, "secret_file_readable", "profile=%s file=%s", config->name,
            log_quote(str_of(connection->file)));
    }
}

/*
 * A name as Snowflake reads it where a user writes it: in capitals, unless it is in quotes or
 * could not do without. Names of calls are the engine's own and stay as they are.
 */
static struct slice put_name(
    struct builder *b, enum sql_dialect_id dialect, const char *own, const char *other)
{
    struct str name = str_of(own[0] ? own : other);
    bool is_quoted =
        name.len > 2 && name.ptr[0] == '"' && name.ptr[name.len - 1] == '"';
    if (dialect != SQL_SNOWFLAKE || name.len == 0) {
        return put(b, name);
    }
    struct slice slice = {b->text->len, 0};
    struct str rest = is_quoted ? (struct str){name.ptr + 1, name.len - 2} : name;
    bool is_bare = !is_quoted && !(name.ptr[0] >= '0' && name.ptr[0] <= '9');
    for (size_t i = 0; i < rest.len && is_bare; i++) {
        char c = rest.ptr[i];
        is_bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '$';
    }
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.ptr[i];
        buf_putc(b->text, is_bare && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
        i += is_quoted && c == '"'; /* an inner quote is doubled */
    }
    slice.len = b->text->len - slice.at;
    return slice;
}

/* What the profile does not say, Snowflake's own file may. */
static bool put_context(struct builder *b, enum sql_dialect_id dialect,
    const struct config_profile *config, struct buf *err)
{
    struct snowflake_connection connection = {0};
    bool ok = true;
    if (config->connection[0] != '\0') {
        size_t before = err->len;
        buf_printf(err, "profile %s: ", config->name);
        ok = snowflake_connection_read(&connection, config->connection, err);
        err->len = ok ? before : err->len;
    }
    if (ok) {
        b->role = put_name(b, dialect, config->role, connection.role);
        b->warehouse = put_name(b, dialect, config->warehouse, connection.warehouse);
        b->database = put_name(b, dialect, config->database, connection.database);
        b->schema = put_name(b, dialect, config->schema, connection.schema);
    }
    if (!profile_is_per_principal(config)) { /* there the credentials say how to log in */
        b->has_browser = setup_needs_browser(&config->options, &connection);
        ok = ok && setup_is_possible(config->name, &config->options, &connection, err);
    }
    warn(config, &connection);
    snowflake_connection_free(&connection);
    return ok;
}

/* A bound that would hold nothing is no bound. */
static bool scan_is_known(
    const struct config_profile *config, enum sql_dialect_id dialect, struct buf *err)
{
    if (config->scan_bytes_max == 0 || catalog_explains_bytes(dialect)) {
        return true;
    }
    buf_printf(err,
        "profile %s: scan_bytes_max has no effect here, for the engine does not estimate what "
        "it scans; snowflake does. Leave the key out",
        config->name);
    return false;
}

/* A role that is not taken on would be a right that is not given up. */
static bool has_its_parts(
    const struct config_profile *config, enum sql_dialect_id dialect, struct buf *err)
{
    bool names_role = config->role[0] != '\0';
    if (catalog_has_roles(dialect) || (!names_role && config->warehouse[0] == '\0')) {
        return true;
    }
    buf_printf(err,
        "profile %s: %s has no effect here, for the engine has no roles and warehouses that a "
        "session takes on; snowflake has. Leave the key out%s",
        config->name, names_role ? "role" : "warehouse",
        names_role ? ", and log in as a user with the rights that are wanted" : "");
    return false;
}

bool backend_profile_init(struct backend_profile *ret, const struct config_profile *config,
    const struct backend_drivers *drivers, const char *state_dir, struct buf *err)
{
    bool is_embedded = strcmp(config->driver, "duckdb") == 0;
    struct buf driver = BUF_INIT(CONFIG_PATH_SIZE);
    struct builder b = {.text = &ret->text};
    *ret = (struct backend_profile){.config = config, .text = BUF_INIT(TEXT_MAX)};
    bool ok = find_dialect(config, &ret->dialect, err) && scan_is_known(config, ret->dialect, err) &&
              has_its_parts(config, ret->dialect, err) &&
              files_readable(config, err) &&
              driver_find(&driver, config, drivers, err) && put_context(&b, ret->dialect, config, err);
    if (!ok) {
        buf_free(&driver);
        backend_profile_free(ret);
        return false;
    }
    if (ret->dialect == SQL_DUCKDB && config_has_policy(config, "read_write")) {
        buf_printf(err,
            "profile %s: DuckDB's files are opened for reading; policy may be \"read_only\" or "
            "\"session_state\"",
            config->name);
        buf_free(&driver);
        backend_profile_free(ret);
        return false;
    }
    ret->per_principal = profile_is_per_principal(config);
    ret->cancels = ret->dialect != SQL_SQLITE;
    b.driver = put(&b, buf_str(&driver));
    buf_putc(&driver, '\0');
    ok = buf_ok(&driver) &&
         backend_reach_init(&ret->reach, config, ret->dialect, driver.ptr, b.has_browser, state_dir, err);
    buf_free(&driver);
    if (!ok) {
        backend_profile_free(ret);
        return false;
    }
    if (ret->dialect == SQL_DUCKDB && config->files.len > 0) {
        if (config->database[0] == '\0') {
            b.database = put(&b, stem_of(config->files.at[0]));
        }
        lock_down(&b, config, state_dir);
    }
    put_limits(&b, config);
    if (b.schema.len == 0 && ret->dialect == SQL_DUCKDB) { /* elsewhere the login says */
        b.schema = put(&b, catalog_default_schema(ret->dialect));
    }
    if (!buf_ok(&ret->text)) {
        buf_printf(err, "profile %s: its texts are too long", config->name);
        backend_profile_free(ret);
        return false;
    }
    resolve(ret, &b);
    backend_reach_put(&ret->reach, &ret->setup);
    ret->setup.entrypoint = is_embedded ? STR("duckdb_adbc_init") : str_of(config->entrypoint);
    return true;
}

void backend_profile_free(struct backend_profile *profile)
{
    buf_free(&profile->text);
    backend_reach_free(&profile->reach);
}

bool backend_profile_command(const struct backend_profile *profile, struct backend_option *ret)
{
    /* Else it reads through COPY (...), which takes a SELECT only. */
    *ret = (struct backend_option){STR("adbc.postgresql.use_copy"), STR("false")};
    return profile->dialect == SQL_POSTGRESQL;
}
