// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Inside of the guard: one walk over the tokens with a frame per open bracket. */
#include "sql/dialect.h"
#include "sql/lexer.h"

enum { WALK_DEPTH = 200 };

enum walk_place {
    PLACE_START,     /* a reading statement must begin here */
    PLACE_SOFT,      /* one may begin here, or anything else */
    PLACE_EXPLAIN,   /* after EXPLAIN: options, then a statement */
    PLACE_WITH_NAME, /* name of a common table expression */
    PLACE_WITH_HEAD, /* its columns, up to AS */
    PLACE_WITH_BODY, /* its bracket */
    PLACE_WITH_NEXT, /* a comma or the main statement */
    PLACE_BODY,      /* inside a statement */
    PLACE_EXPR,      /* inside a bracket that holds no statement */
};

struct walk_frame {
    enum walk_place place;
    char close;    /* the closing bracket, 0 at the outermost */
    bool from;     /* in a FROM clause: a comma brings the next relation */
    bool relation; /* the next token names a relation */
    bool unpivot;  /* INTO belongs to UNPIVOT */
    bool from_arg; /* FROM is part of a call: extract(year from x) */
    bool table_call; /* in TABLE( … ) */
};

struct walk {
    const struct sql_dialect *dialect;
    struct sql_lexer lexer;
    struct sql_token token;
    struct sql_token prev;
    struct sql_token prev2;
    struct walk_frame frames[WALK_DEPTH];
    size_t depth; /* index of the innermost frame */
    bool seen;    /* the statement has begun */
    bool ended;   /* its semicolon was read */
    bool explain;
    bool stop; /* nothing more can be learned */
    bool refused;
    struct guard_verdict verdict;
};

/* Records what speaks against the text; the gravest and first one stays. */
void walk_refuse(struct walk *walk, const struct sql_token *token, enum guard_class cls,
                 const char *reason);

/* The names the current token begins or takes part in (guard_names.c). */
void walk_check_call(struct walk *walk);     /* a name: called, volatile, NEXTVAL */
void walk_check_relation(struct walk *walk); /* a token at a relation's place */
void walk_take_use(struct walk *walk);       /* after USE */
