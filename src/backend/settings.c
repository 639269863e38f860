// SPDX-License-Identifier: Apache-2.0
/* What is set on a connection and on a statement, in the way of each engine. */
#include "backend/setup.h"
#include "config/driver_options.h"
#include "sql/quote.h"

/* One hour and a minute more than the longest time limit a caller may ask for. */
#define BACKSTOP_S "3660"
#define BACKSTOP_MS BACKSTOP_S "000"

/*
 * In one statement, since it is sent again whenever a connection passes to another session. A
 * statement whose worker died ends with its connection, not with its result: release 14 has the
 * setting for that, and a server on another system may refuse it.
 */
#define PG_OPENING(more)                                                                     \
    "SELECT pg_catalog.set_config(s.name, s.value, false) FROM (VALUES "                     \
    "('statement_timeout', '" BACKSTOP_MS "'), ('application_name', 'snowmux')" more ") s "   \
    "(name, value) UNION ALL SELECT pg_catalog.set_config(name, '2s', false) FROM "          \
    "pg_catalog.pg_settings WHERE name = 'client_connection_check_interval' AND "            \
    "pg_catalog.version() LIKE '%linux%'"

enum { PLACE = 1 << PART_DATABASE | 1 << PART_SCHEMA };

static const struct {
    const char *opening[PROFILE_OPENING_MAX];
    const char *opening_read_only[PROFILE_OPENING_MAX]; /* NULL: no such mode, or by other means */
    const char *cleaning;   /* before those; NULL: nothing that is allowed leaves anything */
    uint32_t settable;      /* bit per part */
    const char *tag_option; /* of a statement */
    bool has_tag_comment;
} engines[] = {
    [SQL_DUCKDB] = {.settable = PLACE}, /* the database is read-only, and locked down */
    [SQL_SNOWFLAKE] =
        {
            .opening = {"ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = " BACKSTOP_S,
                "ALTER SESSION SET STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = " BACKSTOP_S},
            .settable = PLACE | 1 << PART_ROLE | 1 << PART_WAREHOUSE,
            .tag_option = "adbc.snowflake.statement.query_tag",
        },
    [SQL_POSTGRESQL] =
        {
            .opening = {PG_OPENING("")},
            .opening_read_only = {PG_OPENING(", ('default_transaction_read_only', 'on')")},
            .cleaning = "DISCARD ALL",
            .settable = 1 << PART_SCHEMA,
            .has_tag_comment = true,
        },
    [SQL_SQLITE] = {.opening_read_only = {"PRAGMA query_only = ON"}},
};

#define FLIGHT_LIMIT "adbc.flight.sql.rpc.timeout_seconds."

/*
 * Flight SQL's driver waits for ever where it is not told otherwise. A statement runs under
 * query or under fetch, as the server likes; under update it moves and closes sessions, and
 * would run updates, of which we send none.
 */
static const struct setup_limit flight_limits[] = {{FLIGHT_LIMIT "connect", "20"},
    {FLIGHT_LIMIT "query", BACKSTOP_S}, {FLIGHT_LIMIT "fetch", BACKSTOP_S},
    {FLIGHT_LIMIT "update", "60"}};

uint32_t setup_limits(const char *driver, const struct setup_limit **ret)
{
    const struct driver_options *known = driver_options_of(str_of(driver));
    *ret = flight_limits;
    return known && strcmp(known->name, "flightsql") == 0 ? ARRAY_LEN(flight_limits) : 0;
}

uint32_t backend_profile_settable(const struct backend_profile *profile)
{
    return engines[profile->dialect].settable;
}

uint32_t backend_profile_opening(
    const struct backend_profile *profile, struct backend_option ret[PROFILE_OPENING_MAX])
{
    const char *const *opening = engines[profile->dialect].opening;
    const char *const *read_only = engines[profile->dialect].opening_read_only;
    uint32_t count = 0;
    /* A temporary table is no read for an engine: this mode is for reading only. */
    bool reads_only = !config_has_policy(profile->config, "session_state") &&
                      !config_has_policy(profile->config, "read_write");
    opening = reads_only && read_only[0] ? read_only : opening;
    for (; count < PROFILE_OPENING_MAX && opening[count]; count++) {
        ret[count] = (struct backend_option){STR(""), str_of(opening[count])};
    }
    return count;
}

uint32_t backend_profile_cleaning(
    const struct backend_profile *profile, struct backend_option ret[PROFILE_CLEANING_MAX])
{
    const char *cleaning = engines[profile->dialect].cleaning;
    if (!cleaning) {
        return 0;
    }
    ret[0] = (struct backend_option){STR(""), str_of(cleaning)};
    return 1 + backend_profile_opening(profile, &ret[1]);
}

/* Where statements are sent instead: the driver has no option for a role or a warehouse. */
static struct str put_use(struct buf *out, const char *what, struct str name)
{
    size_t start = out->len;
    buf_printf(out, "USE %s ", what);
    quote_identifier(out, name);
    return (struct str){NULL, out->len - start};
}

static uint32_t replay_by_use(uint32_t replay, const struct str context[PART_COUNT],
    struct buf *scratch, struct backend_option ret[PART_COUNT])
{
    static const char *const what[PART_COUNT] = {
        [PART_ROLE] = "ROLE",
        [PART_WAREHOUSE] = "WAREHOUSE",
        [PART_DATABASE] = "DATABASE",
        [PART_SCHEMA] = "SCHEMA",
    };
    uint32_t count = 0;
    for (int part = 0; part < PART_COUNT; part++) {
        if (replay & 1u << part && context[part].len > 0) {
            ret[count++] = (struct backend_option){STR(""), put_use(scratch, what[part], context[part])};
        }
    }
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) { /* the buffer has moved while it grew */
        ret[i].value.ptr = scratch->ptr + at;
        at += ret[i].value.len;
    }
    return count;
}

/*
 * The option of PostgreSQL's driver takes schemas that are not there, and would cut a role's own
 * path short: it is kept where its first schema is the one that is wanted. Looking for a relation
 * is what tells of a schema that may not be used.
 */
static uint32_t replay_by_path(
    struct str schema, struct buf *scratch, struct backend_option ret[PART_COUNT])
{
    struct buf name = BUF_INIT(2 * CONFIG_PATH_SIZE);
    size_t start = scratch->len;
    quote_identifier(&name, schema);
    buf_puts(scratch, "SELECT pg_catalog.set_config('search_path', ");
    quote_literal(scratch, buf_str(&name));
    buf_puts(&name, "._");
    buf_puts(scratch, "::pg_catalog.regnamespace::pg_catalog.text, false), pg_catalog.to_regclass(");
    quote_literal(scratch, buf_str(&name));
    buf_puts(scratch, ") WHERE pg_catalog.current_schema() IS DISTINCT FROM ");
    quote_literal(scratch, schema);
    ret[0] = (struct backend_option){STR(""), STR("RESET search_path")};
    ret[1] = (struct backend_option){
        STR(""), {scratch->ptr + start, scratch->len - start}};
    buf_free(&name);
    return 2;
}

uint32_t backend_profile_replay(const struct backend_profile *profile, uint32_t replay,
    const struct str context[PART_COUNT], struct buf *scratch,
    struct backend_option ret[PART_COUNT])
{
    static const struct str keys[PART_COUNT] = {
        [PART_DATABASE] = {"adbc.connection.catalog", 23},
        [PART_SCHEMA] = {"adbc.connection.db_schema", 25},
    };
    uint32_t count = 0;
    if (replay & 1u << PART_DATABASE) {
        replay |= 1u << PART_SCHEMA;
    }
    if (profile->dialect == SQL_SNOWFLAKE) {
        return replay_by_use(replay, context, scratch, ret);
    }
    if (profile->dialect == SQL_POSTGRESQL) {
        bool has_schema = replay & 1u << PART_SCHEMA && context[PART_SCHEMA].len > 0;
        return has_schema ? replay_by_path(context[PART_SCHEMA], scratch, ret) : 0;
    }
    for (int part = PART_DATABASE; part < PART_COUNT; part++) {
        if (replay & 1u << part && context[part].len > 0) {
            ret[count++] = (struct backend_option){keys[part], context[part]};
        }
    }
    return count;
}

static void put_tag_json(struct buf *out, const struct backend_tag *tag)
{
    buf_puts(out, "{\"app\":\"snowmux\",\"principal\":");
    buf_put_json(out, tag->principal);
    buf_puts(out, ",\"client\":");
    buf_put_json(out, tag->client);
    buf_puts(out, ",\"session\":");
    buf_put_json(out, tag->session);
    buf_puts(out, ",\"query\":");
    buf_put_json(out, tag->query);
    if (tag->trace.len > 0) {
        buf_puts(out, ",\"trace\":");
        buf_put_json(out, tag->trace);
    }
    buf_putc(out, '}');
}

/* Nothing that ends a comment, begins a placeholder or is not plain text comes through. */
static void put_comment_value(struct buf *out, const char *key, struct str text)
{
    if (text.len == 0) {
        return;
    }
    buf_printf(out, ",%s='", key);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
        buf_printf(out, is_plain ? "%c" : "%%%02X", c);
    }
    buf_putc(out, '\'');
}

bool backend_profile_tag(const struct backend_profile *profile, const struct backend_tag *tag,
    struct buf *scratch, struct backend_option *ret)
{
    const char *option = engines[profile->dialect].tag_option;
    size_t start = scratch->len;
    if (option) {
        put_tag_json(scratch, tag);
    } else if (engines[profile->dialect].has_tag_comment) {
        buf_puts(scratch, "\n/*application='snowmux'"); /* a statement may end in a line's comment */
        put_comment_value(scratch, "principal", tag->principal);
        put_comment_value(scratch, "client", tag->client);
        put_comment_value(scratch, "session", tag->session);
        put_comment_value(scratch, "query", tag->query);
        put_comment_value(scratch, "traceparent", tag->trace);
        buf_puts(scratch, "*/");
    } else {
        return false;
    }
    *ret = (struct backend_option){
        str_of(option ? option : ""), {scratch->ptr + start, scratch->len - start}};
    return true;
}

/* Index of @word, or -1. */
static ptrdiff_t find_word(struct str s, struct str word)
{
    const char *at = s.ptr ? memmem(s.ptr, s.len, word.ptr, word.len) : NULL;
    return at ? at - s.ptr : -1;
}

struct str backend_profile_message(const struct backend_profile *profile, struct str message)
{
    if (profile->dialect != SQL_POSTGRESQL) {
        return message;
    }
    ptrdiff_t statement = find_word(message, STR("\n\nQuery was:")); /* with our mark in it */
    message.len = statement >= 0 ? (size_t)statement : message.len;
    ptrdiff_t words = find_word(message, STR("ERROR: "));
    return words >= 0 ? str_trim(str_from(message, (size_t)words + 7)) : message;
}
