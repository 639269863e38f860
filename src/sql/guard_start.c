// SPDX-License-Identifier: Apache-2.0
/* Where statements begin: their first words, EXPLAIN and WITH. */
#include "base/assert.h"
#include "sql/walk.h"

/* PRAGMA with a known name and no value only reads. */
static bool is_reading_pragma(const struct walk *walk)
{
    struct walk_ahead ahead = walk_ahead(walk);
    struct str name = ahead.token.text;
    if (!sql_token_is(&walk->token, "pragma") || ahead.token.kind != SQL_TOKEN_WORD) {
        return false;
    }
    ahead_step(&ahead);
    if (sql_token_is(&ahead.token, ".")) {
        ahead_step(&ahead);
        name = ahead.token.text;
        ahead_step(&ahead);
    }
    bool value = ahead.token.kind != SQL_TOKEN_END && !sql_token_is(&ahead.token, "(") &&
                 !sql_token_is(&ahead.token, ";");
    return !value && sql_find_name(walk->dialect->pragmas, name);
}

static void enter_show(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *token = &walk->token;
    bool describe = sql_token_is(token, "desc") || sql_token_is(token, "describe");
    walk->verdict.volatile_or_stateful = true;
    if (!walk_has(walk, SQL_STAGES)) {
        frame->relation = !sql_token_is(token, "pragma");
        frame->place = frame->relation ? PLACE_SOFT : PLACE_BODY;
        return;
    }
    walk->list = sql_token_is(token, "list") || sql_token_is(token, "ls");
    if (describe && sql_token_is(&walk->next, "result")) {
        walk_note(walk, &walk->next, GUARD_ADMIN, "another client's result");
    }
}

/* The current token is the first word of a reading statement of class @cls. */
void walk_enter_read(struct walk *walk, enum guard_class cls)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *token = &walk->token;
    bool from = sql_token_is(token, "from");
    frame->unpivot =
        sql_token_is(token, "unpivot") || sql_token_is(token, "pivot_longer");
    frame->from = from;
    frame->relation = from || frame->unpivot || sql_token_is(token, "table") ||
                      sql_token_is(token, "pivot") || sql_token_is(token, "pivot_wider");
    frame->place = PLACE_BODY;
    if (sql_token_is(token, "with")) {
        frame->place = PLACE_WITH_NAME;
    } else if (cls == GUARD_EXPLAIN) {
        if (walk->depth > 0 || walk->explain) {
            walk_note(walk, token, GUARD_UNKNOWN, "EXPLAIN is not expected here");
        }
        walk->explain = true;
        frame->place = PLACE_EXPLAIN;
    } else if (cls == GUARD_SHOW || cls == GUARD_DESCRIBE) {
        enter_show(walk);
    }
}

void walk_start(struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    const struct sql_lead *lead = NULL;
    bool alone = !sql_token_is(&walk->prev, ")");
    walk_top(walk)->place = PLACE_BODY;
    if (sql_token_is(token, "(")) {
        walk_push(walk, (struct walk_frame){.place = PLACE_START});
        return;
    }
    if (token->kind == SQL_TOKEN_WORD) {
        lead = sql_find_lead(walk->dialect->leads, token->text);
    }
    if (!lead) {
        walk_note(walk, token, GUARD_UNKNOWN, "no known statement begins like this");
        return;
    }
    bool pragma = lead->reason && is_reading_pragma(walk);
    if (!lead->reason || pragma) {
        enum guard_class cls = pragma ? GUARD_SHOW : lead->cls;
        /* WITH … SELECT: the class of the main statement is that of its WITH. */
        walk_note(walk, token, cls, "the statement reads");
        walk_enter_read(walk, cls);
        return;
    }
    bool outermost = walk->depth == 0 && !walk->known;
    walk_top(walk)->place = PLACE_WRITE;
    walk_write_head(walk, lead);
    if (outermost && alone && lead->cls == GUARD_USE) {
        walk_take_use(walk);
    }
}

static bool is_explain_option(const struct sql_token *token)
{
    return sql_token_is(token, "analyze") || sql_token_is(token, "analyse") ||
           sql_token_is(token, "verbose") || sql_token_is(token, "query") ||
           sql_token_is(token, "plan") || sql_token_is(token, "using") ||
           sql_token_is(token, "tabular") || sql_token_is(token, "json") ||
           sql_token_is(token, "text");
}

void walk_explain(struct walk *walk)
{
    const struct sql_token *next = &walk->next;
    if (is_explain_option(&walk->token)) {
        return;
    }
    bool query = sql_token_is(next, "select") || sql_token_is(next, "with") ||
                 sql_token_is(next, "from") || sql_token_is(next, "values") ||
                 sql_token_is(next, "table") || sql_token_is(next, "pivot") ||
                 sql_token_is(next, "unpivot") || sql_token_is(next, "(");
    if (sql_token_is(&walk->token, "(") && !query && !sql_token_is(&walk->prev, ")")) {
        walk_push(walk, (struct walk_frame){.place = PLACE_EXPR});
        return;
    }
    walk_start(walk);
}

static void with_next(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    bool cycle = sql_token_is(&walk->token, "cycle");
    if (sql_token_is(&walk->token, ",")) {
        frame->place = PLACE_WITH_NAME;
    } else if (cycle || sql_token_is(&walk->token, "search")) {
        frame->place = PLACE_WITH_TAIL;
        frame->cycle = cycle;
    } else {
        walk_start(walk);
    }
}

/* SEARCH DEPTH FIRST BY a, b SET c; CYCLE a SET b TO 1 DEFAULT 0 USING c. */
static void with_tail(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *token = &walk->token;
    bool before_last = sql_token_is(&walk->prev, frame->cycle ? "using" : "set");
    bool plain = token->kind == SQL_TOKEN_STRING || token->kind == SQL_TOKEN_NUMBER ||
                 sql_token_is(token, ",");
    if (!walk_is_name(token) && !plain) {
        walk_give_up(walk, "this WITH is not understood");
    } else if (before_last) {
        frame->place = PLACE_WITH_NEXT;
    }
}

static bool with_head(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *token = &walk->token;
    if (sql_token_is(token, "(")) {
        walk_push(walk, (struct walk_frame){.place = PLACE_EXPR});
    } else if (sql_token_is(token, "as")) {
        frame->place = PLACE_WITH_BODY;
    } else {
        /* DuckDB: WITH RECURSIVE t(a) USING KEY (a) AS … */
        return sql_token_is(token, "using") || sql_token_is(token, "key");
    }
    return true;
}

static bool with_body(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *token = &walk->token;
    if (sql_token_is(token, "(")) {
        frame->place = PLACE_WITH_NEXT;
        walk_push(walk, (struct walk_frame){.place = PLACE_START});
    } else if (sql_token_is(token, "procedure")) {
        walk_note(walk, token, GUARD_CALL, "an anonymous procedure");
        frame->place = PLACE_WRITE;
    } else {
        return sql_token_is(token, "not") || sql_token_is(token, "materialized");
    }
    return true;
}

static bool with_name(struct walk *walk)
{
    const struct sql_token *next = &walk->next;
    bool recursive = sql_token_is(&walk->token, "recursive") &&
                     sql_token_is(&walk->prev, "with") && !sql_token_is(next, "as") &&
                     !sql_token_is(next, "(");
    walk_top(walk)->place = recursive ? PLACE_WITH_NAME : PLACE_WITH_HEAD;
    return walk_is_name(&walk->token) ||
           (walk->token.kind == SQL_TOKEN_STRING && walk_has(walk, SQL_STRING_NAMES));
}

void walk_with(struct walk *walk)
{
    bool understood = true;
    switch (walk_top(walk)->place) {
    case PLACE_WITH_NEXT:
        with_next(walk);
        break;
    case PLACE_WITH_TAIL:
        with_tail(walk);
        break;
    case PLACE_WITH_NAME:
        understood = with_name(walk);
        break;
    case PLACE_WITH_HEAD:
        understood = with_head(walk);
        break;
    default:
        understood = with_body(walk);
        break;
    }
    if (!understood) {
        walk_give_up(walk, "this WITH is not understood");
    }
}
