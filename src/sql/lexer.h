// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Splits SQL into tokens the way the engine does; comments and blanks vanish. Copying
 * a lexer copies its position, which is how callers look ahead. Forms the engine would
 * not end, NUL, broken UTF-8 and characters engines disagree on are errors, so that a
 * text is never read here in another way than there.
 */
#include "base/str.h"

enum sql_lex_flag {
    SQL_LEX_NESTED_COMMENTS = 1 << 0, /* block comments nest */
    SQL_LEX_SLASH_COMMENTS = 1 << 1,  /* two slashes start a line comment */
    SQL_LEX_BACKSLASH = 1 << 2,       /* backslash escapes in every 'string' */
    SQL_LEX_E_STRINGS = 1 << 3,       /* backslash escapes in E'string'; U& is refused */
    SQL_LEX_DOLLAR = 1 << 4,          /* $$text$$ */
    SQL_LEX_DOLLAR_TAGS = 1 << 5,     /* $tag$text$tag$ */
    SQL_LEX_UNICODE_SPACES = 1 << 6,  /* no-break space and its like are blanks */
    SQL_LEX_ASCII_WORDS = 1 << 7,     /* beyond ASCII only inside quotes */
    SQL_LEX_BRACKETS = 1 << 8,        /* [name] and `name` are quoted names */
};

enum sql_token_kind {
    SQL_TOKEN_END,
    SQL_TOKEN_ERROR,  /* see lexer.error; the lexer stays there */
    SQL_TOKEN_WORD,   /* keyword or bare name */
    SQL_TOKEN_QUOTED, /* quoted name, text with its quotes */
    SQL_TOKEN_STRING, /* string of any form, text with its quotes */
    SQL_TOKEN_NUMBER,
    SQL_TOKEN_PARAM, /* $1, $name, ? */
    SQL_TOKEN_OPERATOR, /* text up to three bytes: ->> -> :: ( ) , . ; … */
};

struct sql_token {
    enum sql_token_kind kind;
    struct str text;
    uint32_t offset; /* bytes from the start */
    uint32_t line;   /* from 1 */
    uint32_t column; /* characters from 1 */
};

enum { SQL_TEXT_MAX = 1 << 28 };

struct sql_lexer {
    struct str sql;
    unsigned flags;
    size_t at;
    uint32_t line;
    uint32_t column;
    const char *error; /* static text, set with SQL_TOKEN_ERROR */
};

/* @sql must outlive the lexer and its tokens. */
void sql_lexer_init(struct sql_lexer *lexer, struct str sql, unsigned flags);
void sql_lexer_next(struct sql_lexer *lexer, struct sql_token *ret_token);

/* The token after the current one, without moving. */
struct sql_token sql_lexer_peek(const struct sql_lexer *lexer);

/* Is @token this bare word (any case), or this operator? */
bool sql_token_is_word(const struct sql_token *token, const char *word);
bool sql_token_is_op(const struct sql_token *token, const char *op);

/* A word, or the inside of a quoted name (doubled quotes stay doubled). */
struct str sql_token_name(const struct sql_token *token);
