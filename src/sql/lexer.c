// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.h"

#include "base/assert.h"
#include "sql/odd.h"

enum byte_class {
    BYTE_WORD_START = 1, /* a letter, _, or not ASCII */
    BYTE_DIGIT = 2,
    BYTE_DOLLAR = 4,
    BYTE_BLANK = 8,
    BYTE_WORD = BYTE_WORD_START | BYTE_DIGIT | BYTE_DOLLAR,
};

#define W BYTE_WORD_START
#define D BYTE_DIGIT
#define S BYTE_DOLLAR
#define B BYTE_BLANK
/* clang-format off */
static const unsigned char CLASSES[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, B, B, B, B, B, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    B, 0, 0, 0, S, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    D, D, D, D, D, D, D, D, D, D, 0, 0, 0, 0, 0, 0,
    0, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, 0, W,
    0, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, 0, 0,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
};
/* clang-format on */
#undef W
#undef D
#undef S
#undef B

void sql_lexer_init(struct sql_lexer *lexer, struct str sql, unsigned flags)
{
    *lexer = (struct sql_lexer){.sql = sql, .flags = flags};
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

static void advance(struct sql_lexer *lexer, size_t count)
{
    size_t left = lexer->sql.len - lexer->at;
    lexer->at += count < left ? count : left;
}

static bool is_blank(unsigned char c)
{
    return CLASSES[c] & BYTE_BLANK;
}

static bool is_digit(unsigned char c)
{
    return CLASSES[c] & BYTE_DIGIT;
}

static bool is_word_start(unsigned char c)
{
    return CLASSES[c] & BYTE_WORD_START;
}

static bool is_word(unsigned char c)
{
    return CLASSES[c] & BYTE_WORD;
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
        } else if (c == '/' && d == '*' && (lexer->flags & SQL_LEX_ONE_COMMENT)) {
            return fail(lexer, "a comment within a comment");
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
        bool blank = false;
        size_t odd = c >= 0x80 ? sql_odd_space(str_from(lexer->sql, lexer->at), &blank) : 0;
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
        if (c == quote && (quote == ']' || peek_at(lexer, 1) != quote)) {
            advance(lexer, 1);
            return true;
        }
        bool pair = c == quote || (backslash && c == '\\');
        advance(lexer, pair && peek_at(lexer, 1) != 0 ? 2 : 1);
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

/* A character beyond ASCII in a word: its bytes; 0 where the word ends, or fails. */
static size_t word_wide(struct sql_lexer *lexer)
{
    bool blank;
    size_t len = str_utf8_sequence(str_from(lexer->sql, lexer->at));
    if (len == 0) {
        fail(lexer, "bytes that are not UTF-8");
    } else if (sql_odd_space(str_from(lexer->sql, lexer->at), &blank) > 0) {
        if (!blank || !(lexer->flags & SQL_LEX_UNICODE_SPACES)) {
            fail(lexer, "invisible character outside quotes");
        }
        len = 0;
    } else if (lexer->flags & SQL_LEX_ASCII_WORDS) {
        fail(lexer, "character beyond ASCII outside quotes");
        len = 0;
    } else if (sql_is_like_semicolon(str_from(lexer->sql, lexer->at))) {
        fail(lexer, "character like a semicolon outside quotes");
        len = 0;
    }
    return len;
}

static bool skip_word(struct sql_lexer *lexer)
{
    const char *text = lexer->sql.ptr;
    while (!at_end(lexer) && is_word((unsigned char)text[lexer->at])) {
        if (text[lexer->at] == '$' && peek_at(lexer, 1) == '$' &&
            (lexer->flags & SQL_LEX_ONE_COMMENT)) {
            return fail(lexer, "$$ within a name");
        }
        size_t len = (unsigned char)text[lexer->at] < 0x80 ? 1 : word_wide(lexer);
        if (len == 0) {
            return !lexer->error;
        }
        lexer->at += len;
    }
    return true;
}

/* What of an operator is one token: enough that none hides the start of a comment. */
static size_t operator_len(const struct sql_lexer *lexer)
{
    unsigned char c = peek_at(lexer, 0);
    unsigned char d = peek_at(lexer, 1);
    unsigned char e = peek_at(lexer, 2);
    switch (c) {
    case '-':
        return d == '>' ? (e == '>' ? 3 : 2) : 1;
    case ':':
        return d == ':' || d == '=' ? 2 : 1;
    case '=':
        return d == '>' || d == '=' ? 2 : 1;
    case '<':
        return d == '=' || d == '>' ? 2 : 1;
    case '>':
    case '!':
        return d == '=' ? 2 : 1;
    case '|':
    case '*':
        return d == c ? 2 : 1;
    case '/':
        return d == '/' && e != '*' && (lexer->flags & SQL_LEX_TWO_SLASHES) ? 2 : 1;
    default:
        return 1;
    }
}

static bool skip_operator(struct sql_lexer *lexer)
{
    unsigned char c = peek_at(lexer, 0);
    if (c == 0 || !strchr("()[]{},.;:+-*/%<>=!~@#^&|?\\", c)) {
        return fail(lexer, c == 0 ? "NUL in the text" : "unexpected character");
    }
    advance(lexer, operator_len(lexer));
    return true;
}

/* The name of a parameter, behind its sign. */
static bool skip_param_name(struct sql_lexer *lexer)
{
    size_t start = lexer->at;
    return skip_word(lexer) && (lexer->at > start || fail(lexer, "unexpected character"));
}

/* A variable may go on in brackets, up to a blank or the closing one: nobody writes that.
 */
static bool scan_sigil(struct sql_lexer *lexer)
{
    advance(lexer, 1);
    if (!skip_param_name(lexer)) {
        return false;
    }
    bool tail = peek_at(lexer, 0) == '(' ||
                (peek_at(lexer, 0) == ':' && peek_at(lexer, 1) == ':');
    return !tail || fail(lexer, "brackets or :: behind a parameter");
}

static bool scan_dollar(struct sql_lexer *lexer, enum sql_token_kind *ret_kind)
{
    size_t tag = dollar_tag(lexer);
    *ret_kind = tag > 0 ? SQL_TOKEN_STRING : SQL_TOKEN_PARAM;
    if (tag > 0) {
        return skip_dollar_string(lexer, tag);
    }
    if (lexer->flags & SQL_LEX_SIGIL_PARAMS) {
        return scan_sigil(lexer);
    }
    advance(lexer, 1);
    if (!is_digit(peek_at(lexer, 0))) {
        return peek_at(lexer, 0) == '$' ? fail(lexer, "unexpected character")
                                        : skip_param_name(lexer);
    }
    while (is_digit(peek_at(lexer, 0))) {
        advance(lexer, 1);
    }
    return true;
}

/* E'x', U&'x' and U&"x". */
static bool is_prefixed(const struct sql_lexer *lexer)
{
    unsigned char c = peek_at(lexer, 0) | 0x20;
    unsigned char d = peek_at(lexer, 1);
    unsigned char e = peek_at(lexer, 2);
    return (lexer->flags & SQL_LEX_E_STRINGS) &&
           ((c == 'e' && d == '\'') || (c == 'u' && d == '&' && (e == '\'' || e == '"')));
}

static bool scan_prefixed(struct sql_lexer *lexer, enum sql_token_kind *ret_kind)
{
    *ret_kind = SQL_TOKEN_STRING;
    if ((peek_at(lexer, 0) | 0x20) == 'e') {
        return skip_e_string(lexer);
    }
    if (peek_at(lexer, 2) == '\'' && (lexer->flags & SQL_LEX_U_STRINGS)) {
        return skip_quoted(lexer, 2, '\'', false, "string without end");
    }
    return fail(lexer, lexer->flags & SQL_LEX_U_STRINGS
                           ? "U& names are not understood"
                           : "U& strings and names are not understood");
}

static bool scan(struct sql_lexer *lexer, enum sql_token_kind *ret_kind)
{
    unsigned char c = peek_at(lexer, 0);
    unsigned char d = peek_at(lexer, 1);
    if (is_word_start(c)) {
        if (is_prefixed(lexer)) {
            return scan_prefixed(lexer, ret_kind);
        }
        *ret_kind = SQL_TOKEN_WORD;
        return skip_word(lexer);
    }
    if (c == '\'') {
        *ret_kind = SQL_TOKEN_STRING;
        return skip_quoted(
            lexer, 0, c, lexer->flags & SQL_LEX_BACKSLASH, "string without end");
    }
    if (c == '"' || ((lexer->flags & SQL_LEX_BRACKETS) && (c == '`' || c == '['))) {
        *ret_kind = SQL_TOKEN_QUOTED;
        return skip_quoted(
            lexer, 0, c == '[' ? ']' : c, false, "quoted name without end");
    }
    if (is_digit(c) || (c == '.' && is_digit(d))) {
        *ret_kind = SQL_TOKEN_NUMBER;
        skip_number(lexer);
        return true;
    }
    if (c == '$') {
        return scan_dollar(lexer, ret_kind);
    }
    if ((lexer->flags & SQL_LEX_SIGIL_PARAMS) && is_word(d) &&
        (c == ':' || c == '@' || c == '#')) {
        *ret_kind = SQL_TOKEN_PARAM;
        return scan_sigil(lexer);
    }
    *ret_kind = c == '?' ? SQL_TOKEN_PARAM : SQL_TOKEN_OPERATOR;
    return skip_operator(lexer);
}

static uint64_t key_of(enum sql_token_kind kind, struct str text)
{
    uint64_t key = 0;
    if (kind != SQL_TOKEN_WORD && kind != SQL_TOKEN_OPERATOR) {
        return 0;
    }
    for (size_t i = 0; i < text.len && i < sizeof(key); i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        c = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        key |= (uint64_t)c << (8 * i);
    }
    return key;
}

void sql_lexer_next(struct sql_lexer *lexer, struct sql_token *ret_token)
{
    bool good = !lexer->error && skip_blanks(lexer);
    size_t start = lexer->at;
    enum sql_token_kind kind = SQL_TOKEN_END;
    if (good && !at_end(lexer)) {
        good = scan(lexer, &kind);
    }
    size_t len = lexer->at - start;
    if (!good) { /* the place of the error: the form's start when it has no end */
        kind = SQL_TOKEN_ERROR;
        start = lexer->at;
        len = str_utf8_sequence(str_from(lexer->sql, start));
        len = len == 0 && !at_end(lexer) ? 1 : len;
    }
    struct str text = {lexer->sql.ptr + start, len};
    *ret_token = (struct sql_token){kind, (uint32_t)start, text, key_of(kind, text)};
}
