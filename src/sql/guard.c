// SPDX-License-Identifier: Apache-2.0
#include "sql/guard.h"

#include "base/assert.h"
#include "sql/walk.h"

static bool is_any(const struct sql_token *token, const char *const *words)
{
    for (; *words; words++) {
        if (sql_token_is_word(token, *words)) {
            return true;
        }
    }
    return false;
}

static int gravity(enum guard_class cls)
{
    switch (cls) {
    case GUARD_UNKNOWN:
    case GUARD_EMPTY:
        return 3;
    case GUARD_MULTIPLE:
        return 2;
    case GUARD_ADMIN:
    case GUARD_CALL:
        return 1;
    case GUARD_SELECT:
    case GUARD_SHOW:
    case GUARD_DESCRIBE:
    case GUARD_EXPLAIN:
    case GUARD_USE:
    case GUARD_DML:
    case GUARD_DDL:
    case GUARD_SESSION:
    case GUARD_TRANSACTION:
        break;
    }
    return 0;
}

void walk_refuse(struct walk *walk, const struct sql_token *token, enum guard_class cls,
                 const char *reason)
{
    struct guard_verdict *verdict = &walk->verdict;
    if (walk->refused && gravity(cls) <= gravity(verdict->cls)) {
        return;
    }
    walk->refused = true;
    verdict->cls = cls;
    verdict->reason = reason;
    verdict->found = token->text;
    verdict->line = token->line;
    verdict->column = token->column;
    verdict->offset = token->offset;
}

static void give_up(struct walk *walk, const char *reason)
{
    walk_refuse(walk, &walk->token, GUARD_UNKNOWN, reason);
    walk->stop = true;
}

static struct walk_frame *top(struct walk *walk)
{
    return &walk->frames[walk->depth];
}

static void push(struct walk *walk, struct walk_frame frame)
{
    if (walk->depth + 1 >= WALK_DEPTH) {
        give_up(walk, "brackets are nested too deeply");
        return;
    }
    char open = walk->token.text.ptr[0];
    frame.close = open == '(' ? ')' : open == '[' ? ']' : '}';
    walk->frames[++walk->depth] = frame;
}

static void pop(struct walk *walk)
{
    struct walk_frame *frame = top(walk);
    if (frame->close != walk->token.text.ptr[0]) {
        give_up(walk, "closing bracket without its opening one");
        return;
    }
    if (frame->place != PLACE_BODY && frame->place != PLACE_EXPR &&
        frame->place != PLACE_SOFT) {
        give_up(walk, "a query is missing or incomplete");
        return;
    }
    walk->depth--;
}

/* The current token is the first word of a statement of class @cls in this frame. */
static void enter_read(struct walk *walk, enum guard_class cls)
{
    static const char *const RELATION_NEXT[] = {"table", "pivot", "pivot_wider",
        "pivot_longer", "unpivot", "from", NULL};
    static const char *const UNPIVOT[] = {"unpivot", "pivot_longer", NULL};
    struct walk_frame *frame = top(walk);
    const struct sql_token *token = &walk->token;
    frame->from = sql_token_is_word(token, "from");
    frame->relation = is_any(token, RELATION_NEXT);
    frame->unpivot = is_any(token, UNPIVOT);
    frame->place = PLACE_BODY;
    if (sql_token_is_word(token, "with")) {
        frame->place = PLACE_WITH_NAME;
    } else if (cls == GUARD_EXPLAIN) {
        if (walk->depth > 0 || walk->explain) {
            walk_refuse(walk, token, GUARD_UNKNOWN, "EXPLAIN is not expected here");
        }
        walk->explain = true;
        frame->place = PLACE_EXPLAIN;
    } else if (cls == GUARD_SHOW || cls == GUARD_DESCRIBE) {
        frame->place = PLACE_SOFT;
        frame->relation = true;
        walk->verdict.volatile_or_stateful = true;
    }
}

static void on_start(struct walk *walk)
{
    struct walk_frame *frame = top(walk);
    const struct sql_token *token = &walk->token;
    frame->place = PLACE_BODY;
    if (sql_token_is_op(token, "(")) {
        push(walk, (struct walk_frame){.place = PLACE_START});
        return;
    }
    const struct sql_lead *lead = NULL;
    if (token->kind == SQL_TOKEN_WORD) {
        lead = sql_find_lead(walk->dialect->leads, token->text);
    }
    if (!lead) {
        walk_refuse(walk, token, GUARD_UNKNOWN, "no known statement begins like this");
        return;
    }
    bool outermost = walk->depth == 0 && !walk->explain && !walk->refused;
    if (lead->reason) {
        walk_refuse(walk, token, lead->cls, lead->reason);
        if (outermost && lead->cls == GUARD_USE &&
            !sql_token_is_op(&walk->prev, ")")) {
            walk_take_use(walk);
        }
        return;
    }
    /* WITH … SELECT: the class of the main statement is that of its WITH. */
    if (outermost) {
        walk->verdict.cls = lead->cls;
    }
    enter_read(walk, lead->cls);
}

static void on_explain(struct walk *walk)
{
    static const char *const OPTIONS[] = {"analyze", "analyse", "verbose", "query", "plan",
        "using", "tabular", "json", "text", NULL};
    static const char *const QUERY[] = {"select", "with", "from", "values", "table", "pivot",
        "unpivot", NULL};
    struct sql_token next = sql_lexer_peek(&walk->lexer);
    if (is_any(&walk->token, OPTIONS)) {
        return;
    }
    bool options = sql_token_is_op(&walk->token, "(") && !sql_token_is_op(&next, "(") &&
                   !is_any(&next, QUERY);
    if (options && !sql_token_is_op(&walk->prev, ")")) {
        push(walk, (struct walk_frame){.place = PLACE_EXPR});
        return;
    }
    on_start(walk);
}

static void on_with(struct walk *walk)
{
    struct walk_frame *frame = top(walk);
    const struct sql_token *token = &walk->token;
    struct sql_token next = sql_lexer_peek(&walk->lexer);
    bool name = token->kind == SQL_TOKEN_WORD || token->kind == SQL_TOKEN_QUOTED;
    if (frame->place == PLACE_WITH_NEXT) {
        if (sql_token_is_op(token, ",")) {
            frame->place = PLACE_WITH_NAME;
        } else {
            on_start(walk);
        }
    } else if (frame->place == PLACE_WITH_NAME && name) {
        bool recursive = sql_token_is_word(token, "recursive") &&
                         sql_token_is_word(&walk->prev, "with") &&
                         !sql_token_is_word(&next, "as") && !sql_token_is_op(&next, "(");
        frame->place = recursive ? PLACE_WITH_NAME : PLACE_WITH_HEAD;
    } else if (frame->place == PLACE_WITH_HEAD && sql_token_is_op(token, "(")) {
        push(walk, (struct walk_frame){.place = PLACE_EXPR});
    } else if (frame->place == PLACE_WITH_HEAD &&
               (sql_token_is_word(token, "using") || sql_token_is_word(token, "key"))) {
        return; /* DuckDB: WITH RECURSIVE t(a) USING KEY (a) AS … */
    } else if (frame->place == PLACE_WITH_HEAD && sql_token_is_word(token, "as")) {
        frame->place = PLACE_WITH_BODY;
    } else if (frame->place == PLACE_WITH_BODY && sql_token_is_op(token, "(")) {
        frame->place = PLACE_WITH_NEXT;
        push(walk, (struct walk_frame){.place = PLACE_START});
    } else if (frame->place == PLACE_WITH_BODY && sql_token_is_word(token, "procedure")) {
        walk_refuse(walk, token, GUARD_CALL, "an anonymous procedure");
        frame->place = PLACE_BODY;
    } else if (frame->place != PLACE_WITH_BODY || (!sql_token_is_word(token, "not") &&
                                                      !sql_token_is_word(token, "materialized"))) {
        give_up(walk, "this WITH is not understood");
    }
}

static void open_bracket(struct walk *walk)
{
    /* Words before a bracket that do not make it a call. */
    static const char *const NO_CALL[] = {"as", "in", "exists", "any", "all", "some", "from",
        "join", "lateral", "on", "and", "or", "not", "union", "except", "intersect",
        "distinct", "select", "where", "by", "having", "when", "then", "else", "case", "like",
        "name", "using", NULL};
    static const char *const FROM_ARG[] = {"extract", "trim", "ltrim", "rtrim", "substring",
        "overlay", "position", NULL};
    struct walk_frame *frame = top(walk);
    bool name = walk->prev.kind == SQL_TOKEN_QUOTED || walk->prev.kind == SQL_TOKEN_WORD;
    bool call = name && !is_any(&walk->prev, NO_CALL) && !frame->relation;
    bool table = (walk->dialect->flags & SQL_TABLE_CALLS) &&
                 sql_token_is_word(&walk->prev, "table");
    bool round = sql_token_is_op(&walk->token, "(");
    struct walk_frame inner = {
        .place = round ? PLACE_SOFT : PLACE_EXPR,
        .from = round && frame->relation && !call && !table,
        .from_arg = call && is_any(&walk->prev, FROM_ARG),
        .table_call = round && table,
    };
    inner.relation = inner.from;
    frame->relation = false;
    push(walk, inner);
}

static bool is_row_lock(struct walk *walk)
{
    static const char *const MODES[] = {"update", "share", "no", "key", NULL};
    struct sql_lexer ahead = walk->lexer;
    struct sql_token next;
    sql_lexer_next(&ahead, &next);
    struct sql_token after = sql_lexer_peek(&ahead);
    return (walk->dialect->flags & SQL_ROW_LOCKS) && is_any(&next, MODES) &&
           !sql_token_is_word(&after, "in");
}

static const char *const SET_OPERATORS[] = {"union", "except", "intersect", NULL};
static const char *const FROM_ENDS[] = {"select", "where", "group", "having", "order",
    "limit", "offset", "fetch", "qualify", "window", "union", "except", "intersect", NULL};

/* Words that open or end clauses, in the body of a statement. */
static void body_word(struct walk *walk)
{
    struct walk_frame *frame = top(walk);
    const struct sql_token *token = &walk->token;
    struct sql_token next = sql_lexer_peek(&walk->lexer);
    if (is_any(token, SET_OPERATORS)) {
        frame->place = PLACE_BODY; /* ((SELECT …) UNION FROM … */
    }
    bool body = frame->place == PLACE_BODY;
    if (sql_token_is_word(token, "join") || (body && sql_token_is_word(token, "table"))) {
        frame->relation = true;
        frame->from = frame->from || sql_token_is_word(token, "join");
    } else if (!body) {
        return;
    } else if (sql_token_is_word(token, "from")) {
        bool compare = sql_token_is_word(&walk->prev, "distinct") &&
                       (sql_token_is_word(&walk->prev2, "is") ||
                           sql_token_is_word(&walk->prev2, "not"));
        frame->from = frame->from || !compare;
        frame->relation = !compare;
    } else if (is_any(token, FROM_ENDS)) {
        frame->from = false;
    } else if (sql_token_is_word(token, "into")) {
        if (!frame->unpivot || !sql_token_is_word(&next, "name")) {
            walk_refuse(walk, token, GUARD_DDL, "SELECT INTO creates a table");
        }
    } else if (sql_token_is_word(token, "unpivot")) {
        frame->unpivot = true;
    } else if (sql_token_is_word(token, "for") && is_row_lock(walk)) {
        walk_refuse(walk, token, GUARD_TRANSACTION, "the statement locks rows");
    }
}

static void on_body(struct walk *walk)
{
    struct walk_frame *frame = top(walk);
    const struct sql_token *token = &walk->token;
    bool name = token->kind == SQL_TOKEN_WORD || token->kind == SQL_TOKEN_QUOTED;
    if (name) {
        walk_check_call(walk);
    }
    if (sql_token_is_op(token, "(") || sql_token_is_op(token, "[") ||
        sql_token_is_op(token, "{")) {
        open_bracket(walk);
        return;
    }
    if ((walk->dialect->flags & SQL_PIPES) && sql_token_is_op(token, "->>")) {
        walk_refuse(walk, token, GUARD_MULTIPLE, "->> chains another statement");
    }
    if (sql_token_is_op(token, ",")) {
        frame->relation = frame->from;
        return;
    }
    if (frame->relation) {
        /* DuckDB lets a comma trail: FROM a, WHERE … */
        bool clause = sql_token_is_word(token, "from") || is_any(token, FROM_ENDS);
        walk_check_relation(walk);
        if (!clause) {
            return;
        }
    }
    if (token->kind == SQL_TOKEN_WORD && !sql_token_is_op(&walk->prev, ".")) {
        body_word(walk);
    }
}

static bool is_write_start(struct walk *walk)
{
    static const char *const FIRST[] = {"insert", "update", "delete", "merge", "replace",
        "truncate", "create", "drop", "alter", "copy", "call", "execute", NULL};
    static const char *const OPERATORS[] = {"is", "in", "and", "or", "not", "like", "ilike",
        "between", "as", "asc", "desc", "order", "collate", "similar", "glob", "isnull",
        "notnull", "filter", "over", "nulls", "for", "on", "join", NULL};
    struct sql_token next = sql_lexer_peek(&walk->lexer);
    return is_any(&walk->token, FIRST) && !is_any(&next, OPERATORS) &&
           (next.kind == SQL_TOKEN_WORD || next.kind == SQL_TOKEN_QUOTED) &&
           sql_find_lead(walk->dialect->leads, walk->token.text);
}

static void on_soft(struct walk *walk)
{
    static const char *const QUERY[] = {"select", "with", "from", "values", "table", "pivot",
        "pivot_wider", "pivot_longer", "unpivot", "show", "describe", "desc", "summarize",
        NULL};
    struct walk_frame *frame = top(walk);
    struct sql_token next = sql_lexer_peek(&walk->lexer);
    bool query = is_any(&walk->token, QUERY) && !frame->from_arg && !frame->table_call &&
                 !sql_token_is_op(&next, ")") && !sql_token_is_op(&next, ",") &&
                 sql_find_lead(walk->dialect->leads, walk->token.text);
    if (query) {
        enter_read(walk, sql_find_lead(walk->dialect->leads, walk->token.text)->cls);
        return;
    }
    if (!frame->from_arg && is_write_start(walk)) {
        const struct sql_lead *lead = sql_find_lead(walk->dialect->leads, walk->token.text);
        walk_refuse(walk, &walk->token, lead->cls, lead->reason);
    }
    frame->place = frame->close ? PLACE_EXPR : PLACE_BODY;
    on_body(walk);
}

static void step(struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    if (sql_token_is_op(token, ")") || sql_token_is_op(token, "]") ||
        sql_token_is_op(token, "}")) {
        pop(walk);
        return;
    }
    switch (top(walk)->place) {
    case PLACE_START:
        on_start(walk);
        break;
    case PLACE_SOFT:
        on_soft(walk);
        break;
    case PLACE_EXPLAIN:
        on_explain(walk);
        break;
    case PLACE_WITH_NAME:
    case PLACE_WITH_HEAD:
    case PLACE_WITH_BODY:
    case PLACE_WITH_NEXT:
        on_with(walk);
        break;
    case PLACE_BODY:
    case PLACE_EXPR:
        on_body(walk);
        break;
    }
}

/* The end of the text, or of the statement: is it a whole one? */
static void finish(struct walk *walk)
{
    enum walk_place place = top(walk)->place;
    if (!walk->seen) {
        walk_refuse(walk, &walk->token, GUARD_EMPTY, "there is no statement");
    } else if (walk->depth > 0) {
        give_up(walk, "a bracket is not closed");
    } else if (place != PLACE_BODY && place != PLACE_SOFT) {
        give_up(walk, "the statement is incomplete");
    }
}

static void on_token(struct walk *walk)
{
    if (walk->token.kind == SQL_TOKEN_ERROR) {
        give_up(walk, walk->lexer.error);
    } else if (walk->token.kind == SQL_TOKEN_END) {
        finish(walk);
        walk->stop = true;
    } else if (sql_token_is_op(&walk->token, ";")) {
        if (walk->seen && !walk->ended) {
            finish(walk);
            walk->ended = true;
        }
    } else if (walk->ended) {
        walk_refuse(walk, &walk->token, GUARD_MULTIPLE, "a second statement");
    } else {
        walk->seen = true;
        step(walk);
    }
}

struct guard_verdict guard_check(enum sql_dialect_id id, struct str sql)
{
    struct walk walk;
    walk.dialect = sql_dialect(id);
    sql_lexer_init(&walk.lexer, sql, walk.dialect->lex_flags);
    walk.token = walk.prev = walk.prev2 = (struct sql_token){.kind = SQL_TOKEN_END};
    walk.frames[0] = (struct walk_frame){.place = PLACE_START};
    walk.depth = 0;
    walk.seen = walk.ended = walk.explain = walk.stop = walk.refused = false;
    walk.verdict = (struct guard_verdict){.cls = GUARD_SELECT};
    while (!walk.stop) {
        sql_lexer_next(&walk.lexer, &walk.token);
        on_token(&walk);
        walk.prev2 = walk.prev;
        walk.prev = walk.token;
    }
    if (walk.verdict.cls != GUARD_USE) {
        walk.verdict.use_catalog = walk.verdict.use_schema = (struct str){"", 0};
    }
    walk.verdict.allowed = !walk.refused;
    return walk.verdict;
}

const char *guard_class_name(enum guard_class cls)
{
    static const char *const NAMES[] = {"select", "show", "describe", "explain", "use", "dml",
        "ddl", "session", "transaction", "call", "admin", "multiple", "unknown", "empty"};
    ASSERT((size_t)cls < ARRAY_LEN(NAMES));
    return NAMES[cls];
}
