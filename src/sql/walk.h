// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Inside of the guard: one walk over the tokens with a frame per open bracket. */
#include "sql/dialect.h"
#include "sql/lexer.h"

enum {
    WALK_DEPTH = 200
};

enum walk_place {
    PLACE_START,     /* a statement must begin here */
    PLACE_SOFT,      /* one may begin here, or anything else */
    PLACE_EXPLAIN,   /* after EXPLAIN: options, then a statement */
    PLACE_PREPARE,   /* after PREPARE: up to AS, then a statement */
    PLACE_WITH_NAME, /* name of a common table expression */
    PLACE_WITH_HEAD, /* its columns, up to AS */
    PLACE_WITH_BODY, /* its bracket */
    PLACE_WITH_NEXT, /* a comma, SEARCH, CYCLE, or the main statement */
    PLACE_WITH_TAIL, /* in SEARCH or CYCLE, up to frame.tail and a name */
    PLACE_BODY,      /* inside a reading statement */
    PLACE_WRITE,     /* inside another one */
    PLACE_EXPR,      /* inside a bracket that holds no statement */
};

struct walk_frame {
    enum walk_place place;
    char close;      /* the closing bracket, 0 at the outermost */
    bool from;       /* in a FROM clause: a comma brings the next relation */
    bool relation;   /* the next token names a relation */
    bool unpivot;    /* INTO belongs to UNPIVOT */
    bool from_arg;   /* FROM is part of a call: trim(from x) */
    bool table_call; /* in TABLE( … ) */
    bool identifier; /* in IDENTIFIER( … ) */
    bool cycle;      /* PLACE_WITH_TAIL ends at USING, not at SET */
};

struct walk {
    const struct sql_dialect *dialect;
    struct sql_lexer lexer; /* behind @next */
    struct sql_token token;
    struct sql_token next;
    struct sql_token prev;
    struct sql_token prev2;
    struct walk_frame frames[WALK_DEPTH];
    size_t depth; /* index of the innermost frame */
    uint32_t classes;
    enum guard_class cls; /* of all so far, once @known */
    bool known;
    bool refused;
    bool seen;  /* the statement has begun */
    bool ended; /* its semicolon was read, */
    uint32_t end; /* which was here */
    bool explain;
    bool list;       /* LIST @stage */
    bool label;      /* the token follows AS: a name, whatever it says */
    bool identifier; /* IDENTIFIER( … ) was closed just before */
    bool stop;       /* nothing more can be learned */
    struct guard_verdict verdict;
};

static inline struct walk_frame *walk_top(struct walk *walk)
{
    return &walk->frames[walk->depth];
}

static inline bool walk_has(const struct walk *walk, enum sql_dialect_flag flag)
{
    return (walk->dialect->flags & (unsigned)flag) != 0;
}

static inline bool walk_is_name(const struct sql_token *token)
{
    return token->kind == SQL_TOKEN_WORD || token->kind == SQL_TOKEN_QUOTED;
}

/* Tokens from the current one on, without moving the walk. */
struct walk_ahead {
    struct sql_lexer lexer;
    struct sql_token token;
};

static inline struct walk_ahead walk_ahead(const struct walk *walk)
{
    return (struct walk_ahead){walk->lexer, walk->next};
}

static inline void ahead_step(struct walk_ahead *ahead)
{
    sql_lexer_next(&ahead->lexer, &ahead->token);
}

/* Steps over the word, and says whether it was there. */
bool ahead_take(struct walk_ahead *ahead, const char *word);

/* Records a class the text has; if it is not allowed, the gravest and first one stays. */
void walk_note(struct walk *walk, const struct sql_token *token, enum guard_class cls,
    const char *reason);
void walk_give_up(struct walk *walk, const char *reason);
void walk_push(struct walk *walk, struct walk_frame frame);

/* The token is the first of a statement (guard_start.c), or in its WITH. */
void walk_start(struct walk *walk);
void walk_enter_read(struct walk *walk, enum guard_class cls);
void walk_explain(struct walk *walk);
void walk_with(struct walk *walk);

/* The token is @lead's, of a statement that is no read (guard_write.c). */
void walk_write_head(struct walk *walk, const struct sql_lead *lead);

/* The token is in the body of a statement (guard_body.c). */
void walk_soft(struct walk *walk);
void walk_body(struct walk *walk);

/* The names the current token begins or takes part in (guard_names.c). */
void walk_check_call(struct walk *walk);     /* a name: called, volatile, NEXTVAL */
void walk_check_relation(struct walk *walk); /* a token at a relation's place */
void walk_check_name_text(struct walk *walk); /* a string that names a table */
void walk_take_use(struct walk *walk);       /* after USE */
