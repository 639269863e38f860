// SPDX-License-Identifier: Apache-2.0
#include "sql/guard.h"

#include "base/assert.h"
#include "sql/walk.h"

#define READS                                                                            \
    (GUARD_BIT(GUARD_SELECT) | GUARD_BIT(GUARD_SHOW) | GUARD_BIT(GUARD_DESCRIBE) |       \
        GUARD_BIT(GUARD_EXPLAIN))
#define STATES (READS | GUARD_BIT(GUARD_SESSION) | GUARD_BIT(GUARD_TRANSACTION))

#define NEVER                                                                            \
    (GUARD_BIT(GUARD_MULTIPLE) | GUARD_BIT(GUARD_UNKNOWN) | GUARD_BIT(GUARD_EMPTY))

const uint32_t guard_read_only = READS;
const uint32_t guard_session_state = STATES;
const uint32_t guard_read_write = STATES | GUARD_BIT(GUARD_DML) | GUARD_BIT(GUARD_DDL);

static int gravity(enum guard_class cls)
{
    switch (cls) {
    case GUARD_UNKNOWN:
    case GUARD_EMPTY:
        return 4;
    case GUARD_MULTIPLE:
        return 3;
    case GUARD_ADMIN:
    case GUARD_CALL:
        return 2;
    case GUARD_USE:
    case GUARD_DML:
    case GUARD_DDL:
    case GUARD_SESSION:
    case GUARD_TRANSACTION:
    case GUARD_AI:
        return 1;
    case GUARD_SELECT:
    case GUARD_SHOW:
    case GUARD_DESCRIBE:
    case GUARD_EXPLAIN:
        break;
    }
    return 0;
}

bool ahead_take(struct walk_ahead *ahead, const char *word)
{
    bool found = ahead->token.kind == SQL_TOKEN_WORD &&
                 str_eq_nocase(ahead->token.text, str_of(word));
    if (found) {
        ahead_step(ahead);
    }
    return found;
}

void walk_note(struct walk *walk, const struct sql_token *token, enum guard_class cls,
    const char *reason)
{
    struct guard_verdict *verdict = &walk->verdict;
    if (!walk->known || gravity(cls) > gravity(walk->cls)) {
        walk->cls = cls;
        walk->known = true;
    }
    bool allowed = (walk->classes & GUARD_BIT(cls)) != 0;
    if (allowed || (walk->refused && gravity(cls) <= gravity(verdict->cls))) {
        return;
    }
    walk->refused = true;
    verdict->cls = cls;
    verdict->reason = reason;
    verdict->found = token->text;
    verdict->offset = token->offset;
}

void walk_give_up(struct walk *walk, const char *reason)
{
    walk_note(walk, &walk->token, GUARD_UNKNOWN, reason);
    walk->stop = true;
}

void walk_push(struct walk *walk, struct walk_frame frame)
{
    if (walk->depth + 1 >= WALK_DEPTH) {
        walk_give_up(walk, "brackets are nested too deeply");
        return;
    }
    char open = walk->token.text.ptr[0];
    frame.close = open == '(' ? ')' : open == '[' ? ']' : '}';
    walk->frames[++walk->depth] = frame;
}

static bool is_whole(enum walk_place place)
{
    return place == PLACE_BODY || place == PLACE_WRITE || place == PLACE_EXPR ||
           place == PLACE_SOFT;
}

static void pop(struct walk *walk)
{
    struct walk_frame *frame = walk_top(walk);
    if (frame->close != walk->token.text.ptr[0]) {
        walk_give_up(walk, "closing bracket without its opening one");
        return;
    }
    if (!is_whole(frame->place)) {
        walk_give_up(walk, "a query is missing or incomplete");
        return;
    }
    walk->identifier = frame->identifier;
    walk->depth--;
}

static void step(struct walk *walk)
{
    const struct sql_token *token = &walk->token;
    if (sql_token_is(token, ")") || sql_token_is(token, "]") ||
        sql_token_is(token, "}")) {
        pop(walk);
        return;
    }
    switch (walk_top(walk)->place) {
    case PLACE_START:
        walk_start(walk);
        break;
    case PLACE_SOFT:
        walk_soft(walk);
        break;
    case PLACE_EXPLAIN:
        walk_explain(walk);
        break;
    case PLACE_PREPARE:
        if (sql_token_is(token, "(")) {
            walk_push(walk, (struct walk_frame){.place = PLACE_EXPR});
        } else if (sql_token_is(token, "as")) {
            walk_top(walk)->place = PLACE_START;
        }
        break;
    case PLACE_WITH_NAME:
    case PLACE_WITH_HEAD:
    case PLACE_WITH_BODY:
    case PLACE_WITH_NEXT:
    case PLACE_WITH_TAIL:
        walk_with(walk);
        break;
    case PLACE_BODY:
    case PLACE_WRITE:
    case PLACE_EXPR:
        walk_body(walk);
        break;
    }
    walk->identifier = false;
}

/* The end of the text, or of the statement: is it a whole one? */
static void finish(struct walk *walk)
{
    if (!walk->seen) {
        walk_note(walk, &walk->token, GUARD_EMPTY, "there is no statement");
    } else if (walk->depth > 0) {
        walk_give_up(walk, "a bracket is not closed");
    } else if (!is_whole(walk_top(walk)->place)) {
        walk_give_up(walk, "the statement is incomplete");
    }
}

static void on_token(struct walk *walk)
{
    if (walk->token.kind == SQL_TOKEN_ERROR) {
        walk_give_up(walk, walk->lexer.error);
    } else if (walk->token.kind == SQL_TOKEN_END) {
        finish(walk);
        walk->stop = true;
    } else if (sql_token_is(&walk->token, ";")) {
        if (walk->seen && !walk->ended) {
            finish(walk);
            walk->ended = true;
            walk->end = walk->token.offset;
        }
    } else if (walk->ended) {
        walk_note(walk, &walk->token, GUARD_MULTIPLE, "a second statement");
    } else {
        walk->seen = true;
        step(walk);
    }
}

/* Is the token the word AS, so that the next one is a name? */
static bool brings_label(const struct walk *walk)
{
    return sql_token_is(&walk->token, "as") && !walk->label &&
           !sql_token_is(&walk->prev, ".") &&
           !(sql_token_is(&walk->prev, ":") && walk_has(walk, SQL_PATHS));
}

static void run(struct walk *walk)
{
    sql_lexer_next(&walk->lexer, &walk->next);
    while (!walk->stop) {
        walk->token = walk->next;
        if (walk->token.kind != SQL_TOKEN_END) {
            sql_lexer_next(&walk->lexer, &walk->next);
        }
        on_token(walk);
        walk->label = brings_label(walk);
        walk->prev2 = walk->prev;
        walk->prev = walk->token;
    }
}

struct guard_verdict guard_check(enum sql_dialect_id id, uint32_t classes, struct str sql)
{
    const struct sql_token none = {.kind = SQL_TOKEN_END};
    struct walk walk;
    walk.dialect = sql_dialect(id);
    sql_lexer_init(&walk.lexer, sql, walk.dialect->lex_flags);
    walk.token = walk.next = walk.prev = walk.prev2 = none;
    walk.frames[0] = (struct walk_frame){.place = PLACE_START};
    walk.depth = 0;
    walk.classes = classes & ~NEVER;
    walk.cls = GUARD_SELECT;
    walk.known = walk.refused = walk.seen = walk.ended = walk.explain = false;
    walk.list = walk.label = walk.identifier = walk.stop = false;
    walk.verdict = (struct guard_verdict){.cls = GUARD_SELECT};
    walk.end = (uint32_t)sql.len;
    run(&walk);
    struct guard_verdict verdict = walk.verdict;
    verdict.end = walk.end;
    verdict.allowed = !walk.refused;
    if (walk.refused) {
        sql_position(walk.lexer.sql, verdict.offset, &verdict.line, &verdict.column);
    } else {
        verdict.cls = walk.cls;
    }
    if (verdict.cls != GUARD_USE) {
        verdict.use_catalog = verdict.use_schema = (struct str){"", 0};
    }
    return verdict;
}

const char *guard_class_name(enum guard_class cls)
{
    static const char *const NAMES[] = {"select", "show", "describe", "explain", "use",
        "dml", "ddl", "session", "transaction", "call", "ai", "admin", "multiple",
        "unknown", "empty"};
    ASSERT((size_t)cls < ARRAY_LEN(NAMES));
    return NAMES[cls];
}

bool guard_policy_find(struct str name, uint32_t *ret_classes)
{
    struct str ai = STR("+ai");
    bool has_ai = name.len > ai.len && str_eq(str_from(name, name.len - ai.len), ai);
    name.len -= has_ai ? ai.len : 0;
    if (str_eq(name, STR("read_only"))) {
        *ret_classes = guard_read_only;
    } else if (str_eq(name, STR("session_state"))) {
        *ret_classes = guard_session_state;
    } else if (str_eq(name, STR("read_write"))) {
        *ret_classes = guard_read_write;
    } else {
        return false;
    }
    *ret_classes |= has_ai ? GUARD_BIT(GUARD_AI) : 0;
    return true;
}
