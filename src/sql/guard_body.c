// SPDX-License-Identifier: Apache-2.0
/* The body of a statement: brackets, clauses, and statements where none may be. */
#include "base/assert.h"
#include "sql/walk.h"

static void open_bracket(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *prev = &walk->prev;
    bool table = walk_has(walk, SQL_TABLE_CALLS) && sql_token_is(prev, "table");
    bool round = sql_token_is(&walk->token, "(");
    if (round && walk->identifier) {
        walk_note(walk, &walk->token, GUARD_ADMIN, "the function called is not seen");
    }
    struct walk_frame inner = {
        .place = round ? PLACE_SOFT : PLACE_EXPR,
        .from = round && frame->relation && !table,
        .from_arg = sql_token_is(prev, "trim"), /* trim(from x) */
        .table_call = round && table,
        .identifier = round && walk_has(walk, SQL_TABLE_CALLS) && walk_is_name(prev) &&
                      str_eq_nocase(sql_token_name(prev), STR("identifier")),
    };
    inner.relation = inner.from;
    frame->relation = false;
    walk_push(walk, inner);
}

static bool is_row_lock(const struct walk *walk)
{
    const struct sql_token *next = &walk->next;
    return walk_has(walk, SQL_ROW_LOCKS) &&
           (sql_token_is(next, "update") || sql_token_is(next, "share") ||
               sql_token_is(next, "no") || sql_token_is(next, "key"));
}

static bool is_set_operator(const struct sql_token *token)
{
    return sql_token_is(token, "union") || sql_token_is(token, "except") ||
           sql_token_is(token, "intersect") || sql_token_is(token, "minus");
}

static bool ends_from(const struct sql_token *token)
{
    return sql_token_is(token, "select") || sql_token_is(token, "where") ||
           sql_token_is(token, "group") || sql_token_is(token, "having") ||
           sql_token_is(token, "order") || sql_token_is(token, "limit") ||
           sql_token_is(token, "offset") || sql_token_is(token, "fetch") ||
           sql_token_is(token, "qualify") || sql_token_is(token, "window") ||
           is_set_operator(token);
}

static void on_into(struct walk *walk)
{
    const struct sql_token *next = &walk->next;
    bool temp = walk_has(walk, SQL_INTO_TEMP) &&
                (sql_token_is(next, "temp") || sql_token_is(next, "temporary"));
    if (walk_top(walk)->unpivot && sql_token_is(next, "name")) {
        return;
    }
    if (temp) {
        walk->verdict.effects |= GUARD_TEMPORARY;
    }
    walk_note(walk, &walk->token, temp ? GUARD_SESSION : GUARD_DDL,
        "SELECT INTO creates a table");
}

/* IS [NOT] DISTINCT FROM compares. */
static bool compares(const struct walk *walk)
{
    return sql_token_is(&walk->prev, "distinct") &&
           (sql_token_is(&walk->prev2, "is") || sql_token_is(&walk->prev2, "not"));
}

/* nth_value(a, 2) FROM FIRST OVER (…) counts. */
static bool counts(const struct walk *walk)
{
    const struct sql_token *next = &walk->next;
    if (!sql_token_is(next, "first") && !sql_token_is(next, "last")) {
        return false;
    }
    struct walk_ahead ahead = walk_ahead(walk);
    ahead_step(&ahead);
    return sql_token_is(&walk->prev, ")") &&
           (sql_token_is(&ahead.token, "over") || sql_token_is(&ahead.token, "ignore") ||
               sql_token_is(&ahead.token, "respect"));
}

/* CREATE … AS, then a statement. */
static bool brings_statement(struct walk *walk)
{
    const struct sql_token *next = &walk->next;
    if (!sql_token_is(&walk->token, "as") || walk_top(walk)->place != PLACE_WRITE ||
        walk->depth > 0) {
        return false;
    }
    return sql_token_is(next, "select") || sql_token_is(next, "with") ||
           sql_token_is(next, "from") || sql_token_is(next, "values") ||
           sql_token_is(next, "table") || sql_token_is(next, "pivot") ||
           sql_token_is(next, "unpivot") || sql_token_is(next, "execute");
}

/* Words that open or end clauses. */
static void clause_word(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *token = &walk->token;
    if (is_set_operator(token) || sql_token_is(token, "select")) {
        frame->place = PLACE_BODY; /* ((SELECT …) UNION FROM … */
    }
    bool body = frame->place == PLACE_BODY || frame->place == PLACE_WRITE;
    bool table = frame->place == PLACE_BODY ||
                 (frame->place == PLACE_WRITE && !walk_has(walk, SQL_TABLE_CALLS));
    if (sql_token_is(token, "join") || (table && sql_token_is(token, "table"))) {
        frame->relation = true;
        frame->from = frame->from || sql_token_is(token, "join");
    } else if (!body) {
        return;
    } else if (sql_token_is(token, "from")) {
        bool compare = compares(walk) || counts(walk);
        frame->from = frame->from || !compare;
        frame->relation = !compare;
    } else if (ends_from(token)) {
        frame->from = false;
    } else if (sql_token_is(token, "into")) {
        if (frame->place == PLACE_BODY) {
            on_into(walk);
        }
    } else if (sql_token_is(token, "unpivot")) {
        frame->unpivot = true;
    } else if (sql_token_is(token, "for")) {
        if (is_row_lock(walk)) {
            walk_note(walk, token, GUARD_DML, "the statement locks rows");
        }
    } else if (brings_statement(walk)) {
        frame->place = PLACE_START;
        frame->from = frame->relation = false;
    }
}

/* SHOW … ->> SELECT … FROM $1: a chain of reads is a read. */
static void on_pipe(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_lead *lead = sql_find_lead(walk->dialect->leads, walk->next.text);
    bool read = sql_token_is(&walk->next, "(") ||
                (walk->next.kind == SQL_TOKEN_WORD && lead && !lead->reason &&
                    lead->cls != GUARD_EXPLAIN);
    if (!read || walk->depth > 0 || walk->cls >= GUARD_EXPLAIN) {
        walk_note(walk, &walk->token, GUARD_MULTIPLE, "->> chains another statement");
        return;
    }
    *frame = (struct walk_frame){.place = PLACE_START};
    walk->list = false;
}

static void on_operator(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *token = &walk->token;
    if (sql_token_is(token, "->>") && walk_has(walk, SQL_PIPES)) {
        on_pipe(walk);
    } else if (sql_token_is(token, ",")) {
        frame->relation = frame->from;
        return;
    } else if (sql_token_is(token, "@") && walk_has(walk, SQL_STAGES) && !walk->list) {
        walk_note(walk, token, GUARD_ADMIN, "a stage in place of a table");
    } else if (sql_token_is(token, "!") && walk_has(walk, SQL_PATHS)) {
        walk_note(walk, token, GUARD_CALL, "a method of an object");
    }
    if (frame->relation) {
        walk_check_relation(walk);
    }
}

void walk_body(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_token *token = &walk->token;
    if (walk_is_name(token)) {
        walk_check_call(walk);
    } else if (token->kind == SQL_TOKEN_OPERATOR) {
        if (sql_token_is(token, "(") || sql_token_is(token, "[") ||
            sql_token_is(token, "{")) {
            open_bracket(walk);
        } else {
            on_operator(walk);
        }
        return;
    }
    if (frame->relation) {
        /* DuckDB lets a comma trail: FROM a, WHERE … */
        bool clause = sql_token_is(token, "from") || ends_from(token);
        walk_check_relation(walk);
        if (!clause) {
            return;
        }
    }
    if (token->kind == SQL_TOKEN_STRING && (frame->identifier || frame->table_call)) {
        walk_check_name_text(walk);
    }
    bool part = sql_token_is(&walk->prev, ".") ||
                (sql_token_is(&walk->prev, ":") && walk_has(walk, SQL_PATHS));
    if (token->kind == SQL_TOKEN_WORD && !part && !walk->label) {
        clause_word(walk);
    }
}

static bool is_operand(const struct sql_token *next)
{
    return sql_token_is(next, "is") || sql_token_is(next, "in") ||
           sql_token_is(next, "and") || sql_token_is(next, "or") ||
           sql_token_is(next, "not") || sql_token_is(next, "like") ||
           sql_token_is(next, "ilike") || sql_token_is(next, "between") ||
           sql_token_is(next, "as") || sql_token_is(next, "asc") ||
           sql_token_is(next, "desc") || sql_token_is(next, "order") ||
           sql_token_is(next, "collate") || sql_token_is(next, "similar") ||
           sql_token_is(next, "glob") || sql_token_is(next, "isnull") ||
           sql_token_is(next, "notnull") || sql_token_is(next, "filter") ||
           sql_token_is(next, "over") || sql_token_is(next, "nulls") ||
           sql_token_is(next, "for") || sql_token_is(next, "on") ||
           sql_token_is(next, "join");
}

/* (DELETE FROM …: a column of that name would not be followed by a name. */
static bool is_write_start(const struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    bool write = sql_token_is(token, "insert") || sql_token_is(token, "update") ||
                 sql_token_is(token, "delete") || sql_token_is(token, "merge") ||
                 sql_token_is(token, "replace") || sql_token_is(token, "truncate") ||
                 sql_token_is(token, "create") || sql_token_is(token, "drop") ||
                 sql_token_is(token, "alter") || sql_token_is(token, "copy") ||
                 sql_token_is(token, "call") || sql_token_is(token, "execute");
    return write && walk_is_name(&walk->next) && !is_operand(&walk->next);
}

static bool is_query_start(const struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    const struct sql_token *next = &walk->next;
    bool query = sql_token_is(token, "select") || sql_token_is(token, "with") ||
                 sql_token_is(token, "from") || sql_token_is(token, "values") ||
                 sql_token_is(token, "table") || sql_token_is(token, "pivot") ||
                 sql_token_is(token, "pivot_wider") ||
                 sql_token_is(token, "pivot_longer") || sql_token_is(token, "unpivot") ||
                 sql_token_is(token, "show") || sql_token_is(token, "describe") ||
                 sql_token_is(token, "desc") || sql_token_is(token, "summarize");
    return query && !sql_token_is(next, ")") && !sql_token_is(next, ",");
}

void walk_soft(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    const struct sql_lead *lead = NULL;
    bool query = is_query_start(walk);
    bool inside = frame->from_arg || frame->table_call;
    if ((query && !inside) || (!frame->from_arg && is_write_start(walk))) {
        lead = sql_find_lead(walk->dialect->leads, walk->token.text);
    }
    if (lead && query) {
        walk_enter_read(walk, lead->cls);
        return;
    }
    if (lead) {
        walk_note(walk, &walk->token, lead->cls, lead->reason);
    }
    frame->place = frame->close ? PLACE_EXPR : PLACE_BODY;
    walk_body(walk);
}
