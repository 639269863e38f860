// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "sql/walk.h"

#define FILE_RELATION "a file or address in place of a table"

static const char *const FILE_ENDINGS[] = {"csv", "tsv", "txt", "parquet", "json", "jsonl",
    "ndjson", "gz", "zst", "xlsx", "arrow", "arrows", "avro", "db", "duckdb", "sqlite", "shp",
    "gpkg", "geojson", "fgb", "vortex"};

static bool is_name(const struct sql_token *token)
{
    return token->kind == SQL_TOKEN_WORD || token->kind == SQL_TOKEN_QUOTED;
}

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

void walk_check_call(struct walk *walk)
{
    const struct sql_dialect *dialect = walk->dialect;
    struct str name = sql_token_name(&walk->token);
    struct sql_token next = sql_lexer_peek(&walk->lexer);
    bool called = sql_token_is_op(&next, "(");
    bool bare = walk->token.kind == SQL_TOKEN_WORD && !sql_token_is_op(&walk->prev, ".");
    if ((called || bare) && sql_find_name(dialect->volatile_names, name)) {
        walk->verdict.volatile_or_stateful = true;
    }
    if ((dialect->flags & SQL_DOT_NEXTVAL) && sql_token_is_op(&walk->prev, ".") &&
        str_eq_nocase(name, STR("nextval"))) {
        walk_refuse(walk, &walk->token, GUARD_ADMIN, "the sequence would be advanced");
    }
    if (!called) {
        return;
    }
    const struct sql_name *found = sql_find_name(dialect->functions, name);
    if (found && found->reason) {
        walk_refuse(walk, &walk->token, GUARD_ADMIN, found->reason);
    } else if (walk->frames[walk->depth].table_call &&
               (sql_token_is_op(&walk->prev, ".") ||
                   !sql_find_name(dialect->table_calls, name))) {
        walk_refuse(walk, &walk->token, GUARD_CALL,
            "the table function is not known and may be a procedure");
    }
}

/* A chain like a.b.c from the current token on, without moving. */
static void check_name_chain(struct walk *walk)
{
    const struct sql_dialect *dialect = walk->dialect;
    struct sql_lexer ahead = walk->lexer;
    struct sql_token last = walk->token;
    struct sql_token next;
    size_t parts = 1;
    bool file = last.kind == SQL_TOKEN_QUOTED && looks_like_file(sql_token_name(&last));
    for (sql_lexer_next(&ahead, &next); sql_token_is_op(&next, ".");) {
        sql_lexer_next(&ahead, &next);
        if (!is_name(&next)) {
            break;
        }
        last = next;
        parts++;
        file = file || (last.kind == SQL_TOKEN_QUOTED &&
                           looks_like_file(sql_token_name(&last)));
        sql_lexer_next(&ahead, &next);
    }
    bool called = sql_token_is_op(&next, "(");
    file = file || (parts > 1 && is_file_ending(sql_token_name(&last)));
    if (file && !called && (dialect->flags & SQL_FILE_RELATIONS)) {
        walk_refuse(walk, &walk->token, GUARD_ADMIN, FILE_RELATION);
    }
    const struct sql_name *found = sql_find_name(dialect->relations, sql_token_name(&last));
    if (found && found->reason && !called) {
        walk_refuse(walk, &last, GUARD_ADMIN, found->reason);
    }
}

void walk_check_relation(struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    struct walk_frame *frame = &walk->frames[walk->depth];
    unsigned flags = walk->dialect->flags;
    static const char *const BEFORE[] = {"lateral", "only", "table"};
    if (token->kind == SQL_TOKEN_STRING) {
        bool stage = (flags & SQL_STAGES) && str_find(token->text, '@') == 1;
        if (stage || (flags & SQL_FILE_RELATIONS)) {
            walk_refuse(walk, token, GUARD_ADMIN, FILE_RELATION);
        }
    } else if (sql_token_is_op(token, "@") && (flags & SQL_STAGES)) {
        walk_refuse(walk, token, GUARD_ADMIN, "a stage in place of a table");
    } else if (is_name(token)) {
        for (size_t i = 0; i < ARRAY_LEN(BEFORE); i++) {
            if (sql_token_is_word(token, BEFORE[i])) {
                return;
            }
        }
        struct sql_token next = sql_lexer_peek(&walk->lexer);
        if (sql_token_is_op(&next, ":")) {
            return; /* alias: relation */
        }
        check_name_chain(walk);
    } else if (sql_token_is_op(token, ":")) {
        return;
    }
    frame->relation = false;
}

void walk_take_use(struct walk *walk)
{
    struct sql_lexer ahead = walk->lexer;
    struct sql_token tokens[5];
    size_t n = 0;
    size_t first = 0;
    bool schema = false;
    do {
        sql_lexer_next(&ahead, &tokens[n]);
    } while (tokens[n].kind != SQL_TOKEN_END && !sql_token_is_op(&tokens[n], ";") &&
             tokens[n].kind != SQL_TOKEN_ERROR && ++n < ARRAY_LEN(tokens));
    if (n > 1 && n < ARRAY_LEN(tokens) && is_name(&tokens[1])) {
        schema = sql_token_is_word(&tokens[0], "schema");
        first = schema || sql_token_is_word(&tokens[0], "database");
    }
    size_t count = n - first;
    if (n == ARRAY_LEN(tokens) || (count != 1 && count != 3) || !is_name(&tokens[first]) ||
        tokens[n].kind == SQL_TOKEN_ERROR) {
        return;
    }
    if (count == 1) {
        struct str *target = schema ? &walk->verdict.use_schema : &walk->verdict.use_catalog;
        *target = tokens[first].text;
    } else if (sql_token_is_op(&tokens[first + 1], ".") && is_name(&tokens[first + 2])) {
        walk->verdict.use_catalog = tokens[first].text;
        walk->verdict.use_schema = tokens[first + 2].text;
    }
}
