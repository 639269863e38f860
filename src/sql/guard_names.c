// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "sql/walk.h"

#define FILE_RELATION "a file or address in place of a table"

static const char *const FILE_ENDINGS[] = {"csv", "tsv", "txt", "parquet", "json",
    "jsonl", "ndjson", "gz", "zst", "xlsx", "arrow", "arrows", "avro", "db", "duckdb",
    "sqlite", "shp", "gpkg", "geojson", "fgb", "vortex"};

static bool is_file_ending(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(FILE_ENDINGS); i++) {
        if (str_eq_nocase(name, str_of(FILE_ENDINGS[i]))) {
            return true;
        }
    }
    return false;
}

/* DuckDB takes a quoted name for a file if it ends like one or looks like a path. */
static bool looks_like_file(struct str name)
{
    size_t dot = name.len;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '/' || c == '\\' || c == '*' || c == '?') {
            return true;
        }
        dot = c == '.' ? i : dot;
    }
    return dot < name.len && is_file_ending(str_from(name, dot + 1));
}

static void note_found(
    struct walk *walk, const struct sql_token *token, const struct sql_name *found)
{
    if (found && found->reason) {
        walk_note(walk, token, found->cls, found->reason);
    }
}

/* FROM f(), TABLE(f()): not only known functions could stand there, but procedures. */
static void check_table_call(
    struct walk *walk, const struct sql_token *name, struct str owner)
{
    const struct sql_name *known = walk->dialect->table_calls;
    if (owner.len > 0) {
        known = str_eq_nocase(owner, STR("information_schema"))
                    ? walk->dialect->catalog_calls
                    : NULL;
    }
    if (!sql_find_name(known, sql_token_name(name))) {
        walk_note(walk, name, GUARD_CALL,
            "the table function is not known and may be a procedure");
    }
}

void walk_check_call(struct walk *walk)
{
    const struct sql_dialect *dialect = walk->dialect;
    const struct sql_token *token = &walk->token;
    struct str name = sql_token_name(token);
    bool dot = sql_token_is(&walk->prev, ".");
    bool called = sql_token_is(&walk->next, "(");
    bool attribute = dot && !called && walk_has(walk, SQL_DOT_CALLS);
    bool bare = token->kind == SQL_TOKEN_WORD && !dot;
    if ((called || bare || attribute) && sql_find_name(dialect->volatile_names, name)) {
        walk->verdict.volatile_or_stateful = true;
    }
    if (dot && walk_has(walk, SQL_DOT_NEXTVAL) && str_eq_nocase(name, STR("nextval"))) {
        walk_note(walk, token, GUARD_DML, "the sequence would be advanced");
    }
    if (called || attribute) {
        note_found(walk, token, sql_find_name(dialect->functions, name));
    }
    if (!called) {
        return;
    }
    struct str owner = dot ? sql_token_name(&walk->prev2) : STR("");
    note_found(walk, token, sql_find_name(dialect->owners, owner));
    if (walk_top(walk)->table_call) {
        check_table_call(walk, token, owner);
    }
}

static void check_relation_name(
    struct walk *walk, const struct sql_token *at, struct str owner, struct str name)
{
    const struct sql_dialect *dialect = walk->dialect;
    note_found(walk, at, sql_find_name(dialect->relations, name));
    if (owner.len == 0) {
        note_found(walk, at, sql_find_name(dialect->bare_relations, name));
    } else if (sql_find_name(dialect->usage_owners, owner)) {
        note_found(walk, at, sql_find_name(dialect->usage, name));
    }
}

/* A chain like a.b.c from the current token on, without moving. */
static void check_name_chain(struct walk *walk)
{
    struct walk_ahead ahead = walk_ahead(walk);
    struct sql_token last = walk->token;
    struct str owner = STR("");
    bool file = last.kind == SQL_TOKEN_QUOTED && looks_like_file(sql_token_name(&last));
    while (sql_token_is(&ahead.token, ".")) {
        ahead_step(&ahead);
        if (!walk_is_name(&ahead.token)) {
            break;
        }
        owner = sql_token_name(&last);
        last = ahead.token;
        file = file ||
               (last.kind == SQL_TOKEN_QUOTED && looks_like_file(sql_token_name(&last)));
        ahead_step(&ahead);
    }
    bool called = sql_token_is(&ahead.token, "(");
    if (called) {
        if (walk_has(walk, SQL_TABLE_CALLS) && !sql_token_is(&last, "values")) {
            check_table_call(walk, &last, owner);
        }
        return;
    }
    file = file || (owner.len > 0 && is_file_ending(sql_token_name(&last)));
    if (file && walk_has(walk, SQL_FILE_RELATIONS)) {
        walk_note(walk, &walk->token, GUARD_ADMIN, FILE_RELATION);
    }
    check_relation_name(walk, &last, owner, sql_token_name(&last));
}

static struct str without(struct str text, const char *ends)
{
    while (text.len > 0 && strchr(ends, text.ptr[0])) {
        text = str_from(text, 1);
    }
    while (text.len > 0 && strchr(ends, text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* The last part of a name like a."b".c is taken from @name. */
static struct str take_last_part(struct str *name)
{
    size_t dot = name->len;
    while (dot > 0 && name->ptr[dot - 1] != '.') {
        dot--;
    }
    struct str last = str_from(*name, dot);
    name->len = dot > 0 ? dot - 1 : 0;
    return without(last, "\" \t\r\n");
}

void walk_check_name_text(struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    struct str name = without(token->text, "'$");
    if (str_find(name, '\\') >= 0) {
        walk_note(walk, token, GUARD_ADMIN, "a name that is written with a backslash");
    } else if (str_starts(name, STR("@"))) {
        walk_note(walk, token, GUARD_ADMIN, "a stage in place of a table");
    } else {
        struct str last = take_last_part(&name);
        check_relation_name(walk, token, take_last_part(&name), last);
    }
}

static void check_string_relation(struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    bool stage = walk_has(walk, SQL_STAGES) && str_find(token->text, '@') == 1;
    if (stage || walk_has(walk, SQL_FILE_RELATIONS)) {
        walk_note(walk, token, GUARD_ADMIN, FILE_RELATION);
    } else if (walk_has(walk, SQL_STRING_NAMES)) {
        struct str name = sql_token_name(token);
        bool called = sql_token_is(&walk->next, "(");
        note_found(walk, token,
            sql_find_name(
                called ? walk->dialect->functions : walk->dialect->relations, name));
    }
}

void walk_check_relation(struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    struct walk_frame *frame = walk_top(walk);
    bool before = sql_token_is(token, "lateral") || sql_token_is(token, "only") ||
                  sql_token_is(token, "table");
    /* alias: relation */
    bool alias = sql_token_is(token, ":") ||
                 (walk_is_name(token) && sql_token_is(&walk->next, ":"));
    if (before || alias) {
        return;
    }
    frame->relation = false;
    if (token->kind == SQL_TOKEN_STRING) {
        check_string_relation(walk);
    } else if (walk_is_name(token)) {
        check_name_chain(walk);
    }
}

void walk_take_use(struct walk *walk)
{
    struct walk_ahead ahead = walk_ahead(walk);
    struct sql_token tokens[5];
    size_t n = 0;
    bool schema = false;
    size_t first = 0;
    while (n < ARRAY_LEN(tokens) && ahead.token.kind != SQL_TOKEN_END &&
           ahead.token.kind != SQL_TOKEN_ERROR && !sql_token_is(&ahead.token, ";")) {
        tokens[n++] = ahead.token;
        ahead_step(&ahead);
    }
    if (n > 1 && n < ARRAY_LEN(tokens) && walk_is_name(&tokens[1])) {
        schema = sql_token_is(&tokens[0], "schema");
        first = schema || sql_token_is(&tokens[0], "database");
    }
    size_t count = n - first;
    if (n == ARRAY_LEN(tokens) || (count != 1 && count != 3) ||
        !walk_is_name(&tokens[first]) || ahead.token.kind == SQL_TOKEN_ERROR) {
        return;
    }
    if (count == 1) {
        struct str *target =
            schema ? &walk->verdict.use_schema : &walk->verdict.use_catalog;
        *target = tokens[first].text;
    } else if (sql_token_is(&tokens[first + 1], ".") &&
               walk_is_name(&tokens[first + 2])) {
        walk->verdict.use_catalog = tokens[first].text;
        walk->verdict.use_schema = tokens[first + 2].text;
    }
}
