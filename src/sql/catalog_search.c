// SPDX-License-Identifier: Apache-2.0
/*
 * Names by their parts, in one statement: `o` is everything there is with the text that
 * is searched, `h` what is found, ranked.
 */
#include "sql/catalog_dialect.h"

enum {
    PHRASE_MAX = 1024
};

static bool is_gap(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '%' || c == '*';
}

bool catalog_words(struct str pattern, struct catalog_words *ret)
{
    size_t at = 0;
    ret->count = 0;
    while (at < pattern.len) {
        size_t start = at;
        while (at < pattern.len && !is_gap(pattern.ptr[at])) {
            at++;
        }
        if (at > start && ret->count == CATALOG_WORDS_MAX) {
            return false;
        }
        if (at > start) {
            ret->word[ret->count++] = (struct str){pattern.ptr + start, at - start};
        }
        at++;
    }
    return true;
}

static void put_lower(
    struct buf *out, const struct catalog_dialect *dialect, struct str text)
{
    buf_puts(out, "lower(");
    catalog_put_literal(out, dialect, text);
    buf_putc(out, ')');
}

void catalog_put_phrase(struct buf *out, const struct catalog_words *words)
{
    for (uint32_t i = 0; i < words->count; i++) {
        buf_puts(out, i > 0 ? "_" : "");
        buf_put_str(out, words->word[i]);
    }
}

static void put_phrase(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_words *words)
{
    struct buf phrase = BUF_INIT(PHRASE_MAX);
    catalog_put_phrase(&phrase, words);
    out->failed = out->failed || phrase.failed;
    put_lower(out, dialect, buf_str(&phrase));
    buf_free(&phrase);
}

static void put_nearness(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_words *words)
{
    struct buf phrase = BUF_INIT(PHRASE_MAX);
    catalog_put_phrase(&phrase, words);
    out->failed = out->failed || phrase.failed;
    catalog_put_nearness(out, dialect, buf_str(&phrase));
    buf_free(&phrase);
}

/* The text @column has all words. */
static void put_match(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_words *words, const char *column)
{
    buf_putc(out, '(');
    for (uint32_t i = 0; i < words->count; i++) {
        buf_printf(out, "%s%s(%s, ", i > 0 ? " AND " : "", dialect->has, column);
        put_lower(out, dialect, words->word[i]);
        buf_puts(out, dialect->has_place ? ") > 0" : ")");
    }
    buf_puts(out, words->count > 0 ? ")" : "1 = 1)");
}

/* Ranks that go by the name; the text begins with the name in its schema. */
static void put_rank(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_words *words)
{
    if (words->count == 0) {
        buf_printf(out, "%d", RANK_COMMENT);
        return;
    }
    buf_puts(out, "CASE WHEN lower(o.\"name\") = ");
    put_phrase(out, dialect, words);
    buf_puts(out, " OR substr(o.\"text\", 1, length(");
    put_phrase(out, dialect, words);
    buf_puts(out, ") + 1) = ");
    put_phrase(out, dialect, words);
    buf_printf(
        out, " || ' ' THEN %d WHEN substr(lower(o.\"name\"), 1, length(", RANK_EXACT);
    put_phrase(out, dialect, words);
    buf_puts(out, ")) = ");
    put_phrase(out, dialect, words);
    buf_printf(out, " THEN %d WHEN ", RANK_PREFIX);
    put_match(out, dialect, words, "lower(o.\"name\")");
    buf_printf(out, " THEN %d ELSE %d END", RANK_PART, RANK_COMMENT);
}

static bool is_relation(enum catalog_wanted wanted)
{
    return wanted == CATALOG_ANY || wanted == CATALOG_A_TABLE ||
           wanted == CATALOG_A_VIEW || wanted == CATALOG_A_SEMANTIC_VIEW;
}

static void put_relations(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_search *search)
{
    bool any = search->wanted == CATALOG_ANY;
    bool views = any || search->wanted == CATALOG_A_VIEW;
    bool semantic =
        search->semantic && (views || search->wanted == CATALOG_A_SEMANTIC_VIEW);
    const char *const sources[] = {
        any || search->wanted == CATALOG_A_TABLE ? dialect->tables : NULL,
        views ? dialect->views : NULL, semantic ? dialect->semantic_views : NULL};
    const char *holder = dialect->current_schema ? "schema" : "database";
    buf_printf(out,
        "SELECT \"name\", \"kind\", \"database\", \"schema\", \"comment\", \"rows\", '' AS "
        "\"at\", lower(coalesce(\"%s\", '') || '.' || \"name\" || ' ' || "
        "coalesce(\"comment\", '')) AS \"text\" FROM ",
        holder);
    catalog_put_sources(out, sources, ARRAY_LEN(sources), search->database);
    buf_puts(out, " AS s");
}

#define COLUMN_TEXT                                                                        \
    "lower(c.\"relation\" || '.' || c.\"column\" || ' ' || coalesce(c.\"schema\", '') || " \
    "' ' || coalesce(c.\"comment\", ''))"

static void put_columns(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_search *search)
{
    buf_puts(out,
        "SELECT c.\"column\" AS \"name\", 'column' AS \"kind\", c.\"database\" AS "
        "\"database\", c.\"schema\" AS \"schema\", c.\"comment\" AS \"comment\", NULL AS "
        "\"rows\", c.\"relation\" AS \"at\", " COLUMN_TEXT " AS \"text\" FROM ");
    catalog_put_source(out, dialect->columns, search->database);
    buf_puts(out, " AS c JOIN ");
    catalog_put_relations(out, dialect, search->database);
    buf_puts(out,
        " AS s ON s.\"database\" = c.\"database\" AND s.\"schema\" = c.\"schema\" AND "
        "s.\"name\" = c.\"relation\"");
}

/* What holds others has a name and perhaps a comment. */
static void put_holders(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_search *search)
{
    bool schemas = search->wanted == CATALOG_A_SCHEMA;
    buf_printf(out,
        "SELECT \"name\", '%s' AS \"kind\", \"%s\" AS \"database\", \"name\" AS "
        "\"schema\", \"comment\", NULL AS \"rows\", '' AS \"at\", lower(\"name\" || ' ' || "
        "coalesce(\"comment\", '')) AS \"text\" FROM ",
        schemas ? "schema" : "database", schemas ? "database" : "name");
    if (schemas) {
        catalog_put_source(out, dialect->schemas, search->database);
    } else {
        catalog_put_source(out, dialect->databases, STR(""));
    }
    buf_puts(out, " AS s");
}

static void put_everything(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_search *search)
{
    const char *word = " WHERE ";
    buf_puts(out, "SELECT * FROM (");
    if (is_relation(search->wanted)) {
        put_relations(out, dialect, search);
    } else if (search->wanted == CATALOG_A_COLUMN) {
        put_columns(out, dialect, search);
    } else {
        put_holders(out, dialect, search);
    }
    buf_puts(out, ") AS e");
    if (search->database.len > 0) {
        buf_puts(out, word);
        catalog_put_equal(out, dialect, "\"database\"", search->database);
        word = " AND ";
    }
    if (search->schema.len > 0 && dialect->current_schema &&
        search->wanted != CATALOG_A_DATABASE) {
        buf_puts(out, word);
        catalog_put_equal(out, dialect, "\"schema\"", search->schema);
    }
}

#define FOUND                                                                            \
    "o.\"name\", o.\"kind\", o.\"database\", o.\"schema\", o.\"comment\", o.\"rows\", "

/* Relations that have no word in their name, but a column that has them. */
static void put_by_column(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_search *search)
{
    buf_printf(out,
        " UNION ALL SELECT " FOUND "m.\"column\" AS \"at\", %d AS \"rank\" FROM o JOIN "
        "(SELECT c.\"database\", c.\"schema\", c.\"relation\", min(c.\"column\") AS "
        "\"column\" FROM ",
        RANK_COLUMN);
    catalog_put_source(out, dialect->columns, search->database);
    buf_puts(out, " AS c WHERE ");
    put_match(out, dialect, &search->words, COLUMN_TEXT);
    buf_puts(out,
        " GROUP BY c.\"database\", c.\"schema\", c.\"relation\") AS m ON m.\"database\" = "
        "o.\"database\" AND m.\"schema\" = o.\"schema\" AND m.\"relation\" = o.\"name\" WHERE "
        "NOT ");
    put_match(out, dialect, &search->words, "o.\"text\"");
}

static void put_found(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_search *search)
{
    buf_puts(out, "SELECT " FOUND "o.\"at\", ");
    if (search->nearest) {
        buf_printf(out, "%d AS \"rank\" FROM o", RANK_NEAREST);
        return;
    }
    put_rank(out, dialect, &search->words);
    buf_puts(out, " AS \"rank\" FROM o WHERE ");
    put_match(out, dialect, &search->words, "o.\"text\"");
    if (is_relation(search->wanted) && search->words.count > 0) {
        put_by_column(out, dialect, search);
    }
}

#define ORDER                                                                            \
    "\"rank\", length(h.\"name\"), length(h.\"at\"), h.\"database\", h.\"schema\", h.\"name\", h.\"at\""

static void put_with_columns(struct buf *out, const struct catalog_dialect *dialect,
    const struct catalog_search *search)
{
    buf_puts(out,
        ") SELECT h.\"name\", h.\"kind\", h.\"database\", h.\"schema\", h.\"comment\", "
        "h.\"rows\", h.\"at\", h.\"rank\", d.\"column\", d.\"type\", d.\"comment\" FROM h LEFT "
        "JOIN ");
    catalog_put_source(out, dialect->columns, search->database);
    buf_puts(out,
        " AS d ON d.\"database\" = h.\"database\" AND d.\"schema\" = h.\"schema\" AND "
        "d.\"relation\" = h.\"name\" ORDER BY h." ORDER ", d.\"at\"");
}

bool catalog_put_search(
    struct buf *out, enum sql_dialect_id id, const struct catalog_search *search)
{
    const struct catalog_dialect *dialect = catalog_dialect_of(id);
    bool columns = search->columns && is_relation(search->wanted);
    buf_puts(out, "WITH o AS (");
    put_everything(out, dialect, search);
    buf_puts(out, "), h AS (SELECT * FROM (");
    put_found(out, dialect, search);
    buf_puts(out, ") AS h ORDER BY ");
    if (search->nearest) {
        put_nearness(out, dialect, &search->words);
    }
    buf_puts(out, ORDER);
    buf_printf(
        out, " LIMIT %u OFFSET %llu", search->limit, (unsigned long long)search->offset);
    if (columns) {
        put_with_columns(out, dialect, search);
    } else {
        buf_puts(out, ") SELECT * FROM h");
        buf_puts(out, search->nearest ? "" : " ORDER BY h." ORDER);
    }
    return true;
}

void catalog_put_show(struct buf *out, enum sql_dialect_id id, enum catalog_wanted wanted,
    struct str like)
{
    static const char *const KINDS[] = {
        [CATALOG_ANY] = "OBJECTS",
        [CATALOG_A_TABLE] = "TABLES",
        [CATALOG_A_VIEW] = "VIEWS",
        [CATALOG_A_COLUMN] = "COLUMNS",
        [CATALOG_A_SCHEMA] = "SCHEMAS",
        [CATALOG_A_DATABASE] = "DATABASES",
        [CATALOG_A_SEMANTIC_VIEW] = "SEMANTIC VIEWS",
    };
    ASSERT(catalog_is_by_database(id) && (size_t)wanted < ARRAY_LEN(KINDS));
    buf_printf(out, "SHOW %s", KINDS[wanted]);
    if (like.len > 0) {
        buf_puts(out, " LIKE ");
        catalog_put_literal(out, catalog_dialect_of(id), like);
    }
    buf_puts(out, wanted == CATALOG_A_DATABASE ? "" : " IN ACCOUNT");
}
