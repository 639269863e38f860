// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Splits SQL into tokens the way the engine does; comments and blanks vanish. Copying
 * a lexer copies its position, which is how callers look ahead. Forms the engine would
 * not end, NUL, words that are not UTF-8 and characters engines disagree on are errors,
 * so that a text is never read here in another way than there.
 */
#include "base/str.h"

enum sql_lex_flag {
    SQL_LEX_NESTED_COMMENTS = 1 << 0, /* block comments nest */
    SQL_LEX_SLASH_COMMENTS = 1 << 1,  /* two slashes start a line comment */
    SQL_LEX_BACKSLASH = 1 << 2,       /* backslash escapes in every 'string' */
    SQL_LEX_E_STRINGS = 1 << 3,   /* backslash escapes in E'string'; U&"x" is refused */
    SQL_LEX_DOLLAR = 1 << 4,      /* $$text$$ */
    SQL_LEX_DOLLAR_TAGS = 1 << 5, /* $tag$text$tag$ */
    SQL_LEX_UNICODE_SPACES = 1 << 6, /* no-break space and its like are blanks */
    SQL_LEX_ASCII_WORDS = 1 << 7,    /* beyond ASCII only inside quotes */
    SQL_LEX_BRACKETS = 1 << 8,       /* [name] and `name` are quoted names */
    SQL_LEX_ONE_COMMENT = 1 << 9,    /* no comment in a comment, no $$ in a name */
    SQL_LEX_TWO_SLASHES = 1 << 10,   /* two slashes are one operator */
    SQL_LEX_SIGIL_PARAMS = 1 << 11,  /* :a, @a, $a and #a are parameters */
    SQL_LEX_U_STRINGS = 1 << 12,     /* U&'x' is a string; else refused */
};

enum sql_token_kind {
    SQL_TOKEN_END,
    SQL_TOKEN_ERROR,  /* see lexer.error; the lexer stays there */
    SQL_TOKEN_WORD,   /* keyword or bare name */
    SQL_TOKEN_QUOTED, /* quoted name, text with its quotes */
    SQL_TOKEN_STRING, /* string of any form, text with its quotes */
    SQL_TOKEN_NUMBER,
    SQL_TOKEN_PARAM,    /* $1, $name, ? */
    SQL_TOKEN_OPERATOR, /* text up to three bytes: ->> -> :: ( ) , . ; … */
};

struct sql_token {
    enum sql_token_kind kind;
    uint32_t offset; /* bytes from the start */
    struct str text;
    uint64_t
        key; /* first bytes of a word, in lower case, or an operator; see sql_key() */
};

enum {
    SQL_TEXT_MAX = 1 << 28
};

struct sql_lexer {
    struct str sql;
    unsigned flags;
    size_t at;
    const char *error; /* static text, set with SQL_TOKEN_ERROR */
};

/* @sql must outlive the lexer and its tokens. */
void sql_lexer_init(struct sql_lexer *lexer, struct str sql, unsigned flags);
void sql_lexer_next(struct sql_lexer *lexer, struct sql_token *ret_token);

/* Where the byte @offset of @sql is: line from 1, character of it from 1. */
void sql_position(
    struct str sql, size_t offset, uint32_t *ret_line, uint32_t *ret_column);

/* A byte of @text at its place in the key. */
#define SQL_KEY_BYTE(text, len, i)                                                       \
    ((len) > (i) ? (uint64_t)(unsigned char)(text)[i] << (8 * (i)) : 0)

/* Folds into a number where @text is a literal, so that words are compared as numbers. */
__attribute__((always_inline)) static inline uint64_t sql_key(
    const char *text, size_t len)
{
    return SQL_KEY_BYTE(text, len, 0) | SQL_KEY_BYTE(text, len, 1) |
           SQL_KEY_BYTE(text, len, 2) | SQL_KEY_BYTE(text, len, 3) |
           SQL_KEY_BYTE(text, len, 4) | SQL_KEY_BYTE(text, len, 5) |
           SQL_KEY_BYTE(text, len, 6) | SQL_KEY_BYTE(text, len, 7);
}

/* Is @token this bare word (any case, @text is in lower case), or this operator? */
__attribute__((always_inline)) static inline bool sql_token_is(
    const struct sql_token *token, const char *text)
{
    size_t len = strlen(text);
    return token->key == sql_key(text, len) &&
           (len < sizeof(token->key) ||
               str_eq_nocase(token->text, (struct str){text, len}));
}

/* A word, or the inside of a quoted name or string (doubled quotes stay doubled). */
struct str sql_token_name(const struct sql_token *token);
