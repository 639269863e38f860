// SPDX-License-Identifier: Apache-2.0
/*
 * The guard and the quoting, in all dialects. Oracles: verdicts are whole and point into
 * the text; what is allowed is refused with a second statement behind it, and allowed
 * with a semicolon and a comment; other blanks, comments and cases of words change no
 * verdict; a wider policy refuses no more; quoted text is one token; names split into the
 * parts they were put together from.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "fuzz.h"
#include "sql/dialect.h"
#include "sql/guard.h"
#include "sql/lexer.h"
#include "sql/quote.h"

enum {
    LEN_MAX = 2048
};

static void check_position(const struct guard_verdict *v, struct str sql)
{
    uint32_t line = 1;
    uint32_t column = 1;
    ASSERT(v->offset <= sql.len && v->found.len <= sql.len - v->offset);
    for (size_t i = 0; i < v->offset; i++) {
        unsigned char c = (unsigned char)sql.ptr[i];
        line += c == '\n';
        column = c == '\n' ? 1 : column + ((c & 0xC0) != 0x80);
    }
    ASSERT(v->line == line && v->column == column);
    ASSERT(v->found.ptr == sql.ptr + v->offset);
}

static void check_second(enum sql_dialect_id id, uint32_t classes, struct str sql)
{
    struct buf two = BUF_INIT(LEN_MAX + 64);
    buf_put_str(&two, sql);
    buf_puts(&two, "\n;\ndrop table t");
    ASSERT(buf_ok(&two));
    struct guard_verdict v = guard_check(id, classes, buf_str(&two));
    ASSERT(!v.allowed && v.cls == GUARD_MULTIPLE);
    buf_free(&two);
}

static void check_end(enum sql_dialect_id id, uint32_t classes, struct str sql)
{
    static const char *const ENDS[] = {"\n;", "\n; -- x", "\n/* ; drop table t */ ; --"};
    for (size_t i = 0; i < ARRAY_LEN(ENDS); i++) {
        struct buf text = BUF_INIT(LEN_MAX + 64);
        buf_put_str(&text, sql);
        buf_puts(&text, ENDS[i]);
        ASSERT(buf_ok(&text) && guard_check(id, classes, buf_str(&text)).allowed);
        buf_free(&text);
    }
}

/* A word in another case; strings, names and what is not ASCII stay. */
static void put_token(struct buf *out, const struct sql_token *token, bool upper)
{
    for (size_t i = 0; i < token->text.len; i++) {
        char c = token->text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool word = token->kind == SQL_TOKEN_WORD;
        buf_putc(out, letter && word ? (char)(upper ? c & ~0x20 : c | 0x20) : c);
    }
}

/* @ret has the tokens of @sql and nothing else in common with it. */
static bool rewrite(enum sql_dialect_id id, struct str sql, struct buf *ret)
{
    static const char *const BETWEEN[] = {"\n", " /* ' \" ; */ ", "\t-- ' $$ ;\n", "  "};
    struct sql_lexer lexer;
    struct sql_token token;
    sql_lexer_init(&lexer, sql, sql_dialect(id)->lex_flags);
    for (size_t i = 0;; i++) {
        sql_lexer_next(&lexer, &token);
        buf_puts(ret, BETWEEN[(i + sql.len) % ARRAY_LEN(BETWEEN)]);
        if (token.kind == SQL_TOKEN_END || token.kind == SQL_TOKEN_ERROR) {
            return token.kind == SQL_TOKEN_END && buf_ok(ret);
        }
        put_token(ret, &token, i % 3 == 0);
    }
}

static void check_same_verdict(enum sql_dialect_id id, uint32_t classes, struct str sql)
{
    struct buf other = BUF_INIT(16 * LEN_MAX);
    if (rewrite(id, sql, &other)) {
        struct guard_verdict a = guard_check(id, classes, sql);
        struct guard_verdict b = guard_check(id, classes, buf_str(&other));
        ASSERT(a.allowed == b.allowed && a.cls == b.cls && a.reason == b.reason);
        ASSERT(
            a.effects == b.effects && a.volatile_or_stateful == b.volatile_or_stateful);
        ASSERT(str_eq_nocase(a.found, b.found));
        ASSERT(str_eq_nocase(a.use_catalog, b.use_catalog));
        ASSERT(str_eq_nocase(a.use_schema, b.use_schema));
    }
    buf_free(&other);
}

static bool check_policy(enum sql_dialect_id id, uint32_t classes, struct str sql)
{
    struct guard_verdict v = guard_check(id, classes, sql);
    ASSERT(guard_class_name(v.cls)[0]);
    check_same_verdict(id, classes, sql);
    if (v.allowed) {
        ASSERT(!v.reason && v.line == 0 && (classes & GUARD_BIT(v.cls)));
        check_second(id, classes, sql);
        check_end(id, classes, sql);
        return true;
    }
    ASSERT(v.reason && v.reason[0] && !(classes & GUARD_BIT(v.cls)));
    check_position(&v, sql);
    ASSERT(v.cls == GUARD_USE || (v.use_catalog.len == 0 && v.use_schema.len == 0));
    return false;
}

static void check_guard(enum sql_dialect_id id, struct str sql)
{
    bool reads = check_policy(id, guard_read_only, sql);
    bool states = check_policy(id, guard_session_state, sql);
    bool writes = check_policy(id, guard_read_write, sql);
    ASSERT((!reads || states) && (!states || writes));
    ASSERT(!reads || guard_check(id, guard_read_only, sql).effects == 0);
}

/* Tokens come in order and do not overlap; the lexer ends. */
static void check_tokens(enum sql_dialect_id id, struct str sql)
{
    struct sql_lexer lexer;
    struct sql_token token;
    size_t end = 0;
    sql_lexer_init(&lexer, sql, sql_dialect(id)->lex_flags);
    do {
        sql_lexer_next(&lexer, &token);
        ASSERT(token.offset >= end || token.kind == SQL_TOKEN_ERROR);
        end = token.offset + token.text.len;
        ASSERT(end <= sql.len && (token.text.len > 0 || end == sql.len));
    } while (token.kind != SQL_TOKEN_END && token.kind != SQL_TOKEN_ERROR);
}

/* @quoted is the one token of @kind that it should be, or is refused as a whole. */
static void check_one_token(
    enum sql_dialect_id id, struct buf *quoted, enum sql_token_kind kind)
{
    struct sql_lexer lexer;
    struct sql_token token;
    if (buf_ok(quoted)) {
        sql_lexer_init(&lexer, buf_str(quoted), sql_dialect(id)->lex_flags);
        sql_lexer_next(&lexer, &token);
        ASSERT(token.kind == kind && str_eq(token.text, buf_str(quoted)));
        sql_lexer_next(&lexer, &token);
        ASSERT(token.kind == SQL_TOKEN_END);
    }
    buf_clear(quoted);
}

static void check_quotes(enum sql_dialect_id id, struct str text)
{
    struct buf quoted = BUF_INIT(2 * LEN_MAX + 2);
    quote_identifier(&quoted, text);
    ASSERT(buf_ok(&quoted) == (str_find(text, '\0') < 0));
    check_one_token(id, &quoted, SQL_TOKEN_QUOTED);
    if (id == SQL_SNOWFLAKE) {
        quote_literal_backslash(&quoted, text);
    } else {
        quote_literal(&quoted, text);
    }
    check_one_token(id, &quoted, SQL_TOKEN_STRING);
    buf_free(&quoted);
}

static void check_same(const struct name_parts *a, const struct name_parts *b)
{
    ASSERT(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        ASSERT(str_eq(a->part[i], b->part[i]));
    }
}

static void check_names(struct str text)
{
    struct name_parts parts;
    struct name_parts again;
    struct buf joined = BUF_INIT(4 * LEN_MAX);
    char *scratch = malloc(text.len + !text.len);
    char scratch_again[4 * LEN_MAX];
    ASSERT(scratch);
    bool ok = name_split(text, scratch, text.len, &parts);
    ASSERT(ok ? parts.count > 0 && parts.count <= NAME_PARTS_MAX : parts.count == 0);
    for (size_t i = 0; i < parts.count; i++) {
        struct str part = parts.part[i];
        ASSERT(part.len > 0 && part.ptr >= scratch &&
               part.ptr + part.len <= scratch + text.len);
        buf_puts(&joined, i > 0 ? "." : "");
        quote_identifier(&joined, part);
    }
    ASSERT(buf_ok(&joined));
    if (ok) {
        ASSERT(
            name_split(buf_str(&joined), scratch_again, sizeof(scratch_again), &again));
        check_same(&parts, &again);
    }
    free(scratch);
    buf_free(&joined);
}

static void run(struct str input)
{
    for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
        check_guard((enum sql_dialect_id)id, input);
        check_tokens((enum sql_dialect_id)id, input);
        check_quotes((enum sql_dialect_id)id, input);
    }
    check_names(input);
}

int main(int argc, char **argv)
{
    static const struct str words[] = {FUZZ_WORD(" select "), FUZZ_WORD(" from "),
        FUZZ_WORD(" with x as ("), FUZZ_WORD(" union all "), FUZZ_WORD(" explain "),
        FUZZ_WORD(" use "), FUZZ_WORD(" insert into t "), FUZZ_WORD(" delete from t "),
        FUZZ_WORD(" into "), FUZZ_WORD(" for update "), FUZZ_WORD(" table("),
        FUZZ_WORD(" pivot "), FUZZ_WORD(" unpivot "), FUZZ_WORD(" values (1) "),
        FUZZ_WORD("extract(year from x)"), FUZZ_WORD(" create temp table "),
        FUZZ_WORD(" as "), FUZZ_WORD(" set "), FUZZ_WORD(" prepare p as "),
        FUZZ_WORD(" begin "), FUZZ_WORD(" commit "), FUZZ_WORD(" drop table "),
        FUZZ_WORD(" temp."), FUZZ_WORD(" cycle "), FUZZ_WORD(" search "),
        FUZZ_WORD("identifier("), FUZZ_WORD(" procedure "), FUZZ_WORD(" show "),
        FUZZ_WORD(" execute "), FUZZ_WORD(" pragma "), FUZZ_WORD("!"), FUZZ_WORD(":a"),
        FUZZ_WORD("//*"), FUZZ_WORD(" lateral "), FUZZ_WORD("'x'"), FUZZ_WORD("''"),
        FUZZ_WORD("'"), FUZZ_WORD("\""), FUZZ_WORD("`"), FUZZ_WORD("["),
        FUZZ_WORD("e'\\'"), FUZZ_WORD("U&'"), FUZZ_WORD("$$"), FUZZ_WORD("$a$"),
        FUZZ_WORD("$1"), FUZZ_WORD("--"), FUZZ_WORD("//"), FUZZ_WORD("/*"),
        FUZZ_WORD("*/"), FUZZ_WORD("->>"), FUZZ_WORD("::"), FUZZ_WORD(";"),
        FUZZ_WORD("\n"), FUZZ_WORD("\r"), FUZZ_WORD("("), FUZZ_WORD(")"), FUZZ_WORD(","),
        FUZZ_WORD("."), FUZZ_WORD("@stage"), FUZZ_WORD("\xc2\xa0"),
        FUZZ_WORD("\xe2\x80\x8b"), FUZZ_WORD("\xe2\x80\xa8"), FUZZ_WORD("\xef\xbb\xbf"),
        FUZZ_WORD("\xc3\xa9"), FUZZ_WORD("\xff")};
    static const struct fuzz_target target = {
        "sql", LEN_MAX, words, ARRAY_LEN(words), run};
    return fuzz_main(argc, argv, &target);
}
