// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.h"

#include "base/assert.h"

static const char *const OPERATORS[] = {"->>", "::", ":=", "->", "=>", "<=", ">=", "<>",
    "!=", "==", "||", "//", "**"};

void sql_lexer_init(struct sql_lexer *lexer, struct str sql, unsigned flags)
{
    *lexer = (struct sql_lexer){.sql = sql, .flags = flags, .line = 1, .column = 1};
    lexer->sql.ptr = sql.ptr ? sql.ptr : "";
    if (sql.len > SQL_TEXT_MAX) {
        lexer->error = "the text is too long";
    }
}

static unsigned char peek_at(const struct sql_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->sql.len ? (unsigned char)lexer->sql.ptr[at] : 0;
}

static bool at_end(const struct sql_lexer *lexer)
{
    return lexer->at >= lexer->sql.len;
}

static bool fail(struct sql_lexer *lexer, const char *error)
{
    lexer->error = error;
    return false;
}

/* Keeps line and column; a character counts at its first byte. */
static void advance(struct sql_lexer *lexer, size_t count)
{
    for (size_t i = 0; i < count && !at_end(lexer); i++, lexer->at++) {
        unsigned char c = peek_at(lexer, 0);
        if (c == '\n') {
            lexer->line++;
            lexer->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            lexer->column++;
        }
    }
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_word(unsigned char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

/*
 * Bytes of the blank-like or invisible character here, 0 when it is none. @ret_blank:
 * one of those that DuckDB turns into a space before it parses. U+200B is refused though
 * it does the same to it: nobody sees it.
 */
static size_t odd_space(const struct sql_lexer *lexer, bool *ret_blank)
{
    unsigned char a = peek_at(lexer, 0);
    unsigned char b = peek_at(lexer, 1);
    unsigned char c = peek_at(lexer, 2);
    *ret_blank = false;
    if (a == 0xC2 && (b <= 0xA0 || b == 0xAD)) {
        *ret_blank = b == 0xA0;
        return 2;
    }
    if (a == 0xE2 && b == 0x80 && (c <= 0x8F || (c >= 0xA8 && c <= 0xAF))) {
        *ret_blank = c <= 0x8A || c == 0xAF;
        return 3;
    }
    if (a == 0xE2 && b == 0x81 && c >= 0x9F && c <= 0xAF) {
        *ret_blank = c <= 0xA0;
        return 3;
    }
    if ((a == 0xE3 && b == 0x80 && c == 0x80) || (a == 0xEF && b == 0xBB && c == 0xBF)) {
        *ret_blank = true;
        return 3;
    }
    return a == 0xE1 && ((b == 0x9A && c == 0x80) || (b == 0xA0 && c == 0x8E)) ? 3 : 0;
}

/* Engines end a line comment at LF, some also at a lone CR: that one is an error. */
static bool skip_line_comment(struct sql_lexer *lexer)
{
    while (!at_end(lexer) && peek_at(lexer, 0) != '\n') {
        if (peek_at(lexer, 0) == 0) {
            return fail(lexer, "NUL in the text");
        }
        if (peek_at(lexer, 0) == '\r' && peek_at(lexer, 1) != '\n' &&
            lexer->at + 1 < lexer->sql.len) {
            return fail(lexer, "carriage return without line feed in a comment");
        }
        advance(lexer, 1);
    }
    return true;
}

static bool skip_block_comment(struct sql_lexer *lexer)
{
    size_t depth = 1;
    struct sql_lexer start = *lexer;
    for (advance(lexer, 2); !at_end(lexer);) {
        unsigned char c = peek_at(lexer, 0);
        unsigned char d = peek_at(lexer, 1);
        if (c == 0) {
            return fail(lexer, "NUL in the text");
        }
        if (c == '*' && d == '/') {
            advance(lexer, 2);
            if (--depth == 0) {
                return true;
            }
        } else if (c == '/' && d == '*' && (lexer->flags & SQL_LEX_NESTED_COMMENTS)) {
            depth++;
            advance(lexer, 2);
        } else {
            advance(lexer, 1);
        }
    }
    *lexer = start;
    return fail(lexer, "comment without end");
}

static bool skip_blanks(struct sql_lexer *lexer)
{
    for (;;) {
        unsigned char c = peek_at(lexer, 0);
        unsigned char d = peek_at(lexer, 1);
        bool blank;
        size_t odd = c >= 0x80 ? odd_space(lexer, &blank) : 0;
        if (is_blank(c)) {
            advance(lexer, 1);
        } else if ((c == '-' && d == '-') ||
                   (c == '/' && d == '/' && (lexer->flags & SQL_LEX_SLASH_COMMENTS))) {
            if (!skip_line_comment(lexer)) {
                return false;
            }
        } else if (c == '/' && d == '*') {
            if (!skip_block_comment(lexer)) {
                return false;
            }
        } else if (odd > 0 && blank && (lexer->flags & SQL_LEX_UNICODE_SPACES)) {
            advance(lexer, odd);
        } else {
            return true;
        }
    }
}

/* From the @prefix bytes before the opening quote over the closing @quote; doubled ones
 * are content. */
static bool skip_quoted(struct sql_lexer *lexer, size_t prefix, unsigned char quote,
                        bool backslash, const char *error)
{
    struct sql_lexer start = *lexer;
    for (advance(lexer, prefix + 1); !at_end(lexer);) {
        unsigned char c = peek_at(lexer, 0);
        if (c == 0) {
            return fail(lexer, "NUL in the text");
        }
        if (c == quote && peek_at(lexer, 1) != quote) {
            advance(lexer, 1);
            return true;
        }
        advance(lexer, c == quote || (backslash && c == '\\') ? 2 : 1);
    }
    *lexer = start;
    return fail(lexer, error);
}

/* An E'string' may go on after a line end under the same escapes: not followed here. */
static bool skip_e_string(struct sql_lexer *lexer)
{
    if (!skip_quoted(lexer, 1, '\'', true, "string without end")) {
        return false;
    }
    struct sql_lexer ahead = *lexer;
    if (skip_blanks(&ahead) && peek_at(&ahead, 0) == '\'') {
        return fail(lexer, "string continued after E'…'");
    }
    return true;
}

/* Bytes of the $tag$ here, or 0. */
static size_t dollar_tag(const struct sql_lexer *lexer)
{
    if (!(lexer->flags & SQL_LEX_DOLLAR)) {
        return 0;
    }
    size_t len = 1;
    if ((lexer->flags & SQL_LEX_DOLLAR_TAGS) && is_word_start(peek_at(lexer, 1))) {
        while (is_word(peek_at(lexer, len)) && peek_at(lexer, len) != '$') {
            len++;
        }
    }
    return peek_at(lexer, len) == '$' ? len + 1 : 0;
}

static bool skip_dollar_string(struct sql_lexer *lexer, size_t tag)
{
    struct sql_lexer start = *lexer;
    const char *mark = lexer->sql.ptr + lexer->at;
    for (advance(lexer, tag); lexer->sql.len - lexer->at >= tag; advance(lexer, 1)) {
        if (peek_at(lexer, 0) == 0) {
            return fail(lexer, "NUL in the text");
        }
        if (memcmp(lexer->sql.ptr + lexer->at, mark, tag) == 0) {
            advance(lexer, tag);
            return true;
        }
    }
    *lexer = start;
    return fail(lexer, "dollar-quoted string without end");
}

static void skip_number(struct sql_lexer *lexer)
{
    unsigned char x = peek_at(lexer, 1) | 0x20;
    if (peek_at(lexer, 0) == '0' && (x == 'x' || x == 'b' || x == 'o')) {
        size_t len = 2;
        for (unsigned char c; c = peek_at(lexer, len) | 0x20,
                              is_digit(c) || (x == 'x' && c >= 'a' && c <= 'f');) {
            len++;
        }
        advance(lexer, len > 2 ? len : 1);
        return;
    }
    bool dot = false;
    while (is_digit(peek_at(lexer, 0)) || (!dot && peek_at(lexer, 0) == '.') ||
           (peek_at(lexer, 0) == '_' && is_digit(peek_at(lexer, 1)))) {
        dot = dot || peek_at(lexer, 0) == '.';
        advance(lexer, 1);
    }
    size_t sign = peek_at(lexer, 1) == '+' || peek_at(lexer, 1) == '-';
    if ((peek_at(lexer, 0) | 0x20) == 'e' && is_digit(peek_at(lexer, 1 + sign))) {
        advance(lexer, 1 + sign);
        while (is_digit(peek_at(lexer, 0))) {
            advance(lexer, 1);
        }
    }
}

static bool skip_word(struct sql_lexer *lexer)
{
    do {
        bool blank;
        if (peek_at(lexer, 0) >= 0x80) {
            if (odd_space(lexer, &blank) > 0) {
                if (blank && (lexer->flags & SQL_LEX_UNICODE_SPACES)) {
                    return true;
                }
                return fail(lexer, "invisible character outside quotes");
            }
            if (lexer->flags & SQL_LEX_ASCII_WORDS) {
                return fail(lexer, "character beyond ASCII outside quotes");
            }
        }
        advance(lexer, 1);
    } while (is_word(peek_at(lexer, 0)));
    return true;
}

static bool skip_operator(struct sql_lexer *lexer)
{
    struct str rest = str_from(lexer->sql, lexer->at);
    for (size_t i = 0; i < ARRAY_LEN(OPERATORS); i++) {
        if (str_starts(rest, str_of(OPERATORS[i]))) {
            advance(lexer, strlen(OPERATORS[i]));
            return true;
        }
    }
    unsigned char c = peek_at(lexer, 0);
    if (c == 0 || !strchr("()[]{},.;:+-*/%<>=!~@#^&|?\\", c)) {
        return fail(lexer, c == 0 ? "NUL in the text" : "unexpected character");
    }
    advance(lexer, 1);
    return true;
}

static bool scan_dollar(struct sql_lexer *lexer, enum sql_token_kind *ret_kind)
{
    size_t tag = dollar_tag(lexer);
    if (tag > 0) {
        *ret_kind = SQL_TOKEN_STRING;
        return skip_dollar_string(lexer, tag);
    }
    *ret_kind = SQL_TOKEN_PARAM;
    advance(lexer, 1);
    if (!is_word(peek_at(lexer, 0)) || peek_at(lexer, 0) == '$') {
        return fail(lexer, "unexpected character");
    }
    if (!is_digit(peek_at(lexer, 0))) {
        return skip_word(lexer);
    }
    while (is_digit(peek_at(lexer, 0))) {
        advance(lexer, 1);
    }
    return true;
}

static bool scan(struct sql_lexer *lexer, enum sql_token_kind *ret_kind)
{
    unsigned char c = peek_at(lexer, 0);
    unsigned char d = peek_at(lexer, 1);
    bool e_strings = lexer->flags & SQL_LEX_E_STRINGS;
    bool brackets = lexer->flags & SQL_LEX_BRACKETS;
    if (c == '\'') {
        *ret_kind = SQL_TOKEN_STRING;
        return skip_quoted(lexer, 0, c, lexer->flags & SQL_LEX_BACKSLASH,
            "string without end");
    }
    if (c == '"' || (brackets && (c == '`' || c == '['))) {
        *ret_kind = SQL_TOKEN_QUOTED;
        return skip_quoted(lexer, 0, c == '[' ? ']' : c, false, "quoted name without end");
    }
    if (e_strings && (c | 0x20) == 'e' && d == '\'') {
        *ret_kind = SQL_TOKEN_STRING;
        return skip_e_string(lexer);
    }
    if (e_strings && (c | 0x20) == 'u' && d == '&' &&
        (peek_at(lexer, 2) == '\'' || peek_at(lexer, 2) == '"')) {
        return fail(lexer, "U& strings and names are not understood");
    }
    if (is_digit(c) || (c == '.' && is_digit(d))) {
        *ret_kind = SQL_TOKEN_NUMBER;
        skip_number(lexer);
        return true;
    }
    if (c == '$') {
        return scan_dollar(lexer, ret_kind);
    }
    if (is_word_start(c)) {
        *ret_kind = SQL_TOKEN_WORD;
        return skip_word(lexer);
    }
    *ret_kind = c == '?' ? SQL_TOKEN_PARAM : SQL_TOKEN_OPERATOR;
    return skip_operator(lexer);
}

void sql_lexer_next(struct sql_lexer *lexer, struct sql_token *ret_token)
{
    bool good = !lexer->error && skip_blanks(lexer);
    struct sql_lexer start = *lexer;
    enum sql_token_kind kind = SQL_TOKEN_END;
    if (good && !at_end(lexer)) {
        good = scan(lexer, &kind);
    }
    size_t len = lexer->at - start.at;
    if (!good) { /* the place of the error: the form's start when it has no end */
        kind = SQL_TOKEN_ERROR;
        start = *lexer;
        len = str_utf8_sequence(str_from(lexer->sql, lexer->at));
        len = len == 0 && !at_end(lexer) ? 1 : len;
    }
    *ret_token = (struct sql_token){kind, {lexer->sql.ptr + start.at, len},
        (uint32_t)start.at, start.line, start.column};
}

struct sql_token sql_lexer_peek(const struct sql_lexer *lexer)
{
    struct sql_lexer ahead = *lexer;
    struct sql_token token;
    sql_lexer_next(&ahead, &token);
    return token;
}

bool sql_token_is_word(const struct sql_token *token, const char *word)
{
    return token->kind == SQL_TOKEN_WORD && str_eq_nocase(token->text, str_of(word));
}

bool sql_token_is_op(const struct sql_token *token, const char *op)
{
    return token->kind == SQL_TOKEN_OPERATOR && str_eq(token->text, str_of(op));
}

struct str sql_token_name(const struct sql_token *token)
{
    if (token->kind != SQL_TOKEN_QUOTED || token->text.len < 2) {
        return token->text;
    }
    return (struct str){token->text.ptr + 1, token->text.len - 2};
}
