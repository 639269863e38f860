// SPDX-License-Identifier: Apache-2.0
/* The heads of statements that are no reads: their class, and what they leave behind. */
#include "base/assert.h"
#include "sql/walk.h"

#define TEMPORARY "the statement changes temporary objects"
#define STRANGE "the statement changes an object of a kind the guard does not know"
#define SETTING "the statement changes a setting"
#define WRITER "the transaction is for writing"

enum {
    MODIFIERS_MAX = 8
};

static bool is_end(const struct sql_token *token)
{
    return token->kind == SQL_TOKEN_END || token->kind == SQL_TOKEN_ERROR ||
           sql_token_is(token, ";");
}

/* The kind of object at @ahead, which is stepped over it. */
enum object_kind {
    OBJECT_RELATION, /* a table or view */
    OBJECT_OTHER,    /* of the schema, too */
    OBJECT_STRANGE,
};

static bool is_modifier(const struct sql_token *token)
{
    return sql_token_is(token, "transient") || sql_token_is(token, "unlogged") ||
           sql_token_is(token, "secure") || sql_token_is(token, "recursive") ||
           sql_token_is(token, "dynamic") || sql_token_is(token, "materialized") ||
           sql_token_is(token, "unique") || sql_token_is(token, "hybrid") ||
           sql_token_is(token, "iceberg") || sql_token_is(token, "local") ||
           sql_token_is(token, "global");
}

static enum object_kind take_kind(const struct walk *walk, struct walk_ahead *ahead)
{
    struct sql_token kind = ahead->token;
    bool macros = walk_has(walk, SQL_TEMP_CATALOG);
    ahead_step(ahead);
    if (sql_token_is(&kind, "table") || sql_token_is(&kind, "view")) {
        return OBJECT_RELATION;
    }
    bool known =
        sql_token_is(&kind, "index") || sql_token_is(&kind, "sequence") ||
        sql_token_is(&kind, "schema") || sql_token_is(&kind, "type") ||
        (macros && (sql_token_is(&kind, "macro") || sql_token_is(&kind, "function")));
    return known ? OBJECT_OTHER : OBJECT_STRANGE;
}

/* Is the name at @ahead in a place for temporary objects only? Steps over the name. */
static bool take_temporary_name(const struct walk *walk, struct walk_ahead *ahead)
{
    struct str first = sql_token_name(&ahead->token);
    size_t parts = 0;
    bool temp = str_eq_nocase(first, STR("temp")) || str_eq_nocase(first, STR("pg_temp"));
    while (walk_is_name(&ahead->token)) {
        parts++;
        ahead_step(ahead);
        if (!sql_token_is(&ahead->token, ".")) {
            break;
        }
        ahead_step(ahead);
    }
    return temp && ((parts == 2 && walk_has(walk, SQL_TEMP_SCHEMA)) ||
                       (parts == 3 && walk_has(walk, SQL_TEMP_CATALOG)));
}

static void note_temporary(struct walk *walk)
{
    walk->verdict.effects |= GUARD_TEMPORARY;
    walk_note(walk, &walk->token, GUARD_SESSION, TEMPORARY);
}

static void take_create(struct walk *walk, const struct sql_lead *lead)
{
    struct walk_ahead ahead = walk_ahead(walk);
    bool temp = false;
    bool replace = ahead_take(&ahead, "or");
    if (replace) {
        ahead_step(&ahead);
    }
    for (int i = 0; i < MODIFIERS_MAX; i++) {
        const struct sql_token *token = &ahead.token;
        bool is_temp = sql_token_is(token, "temp") || sql_token_is(token, "temporary") ||
                       (sql_token_is(token, "volatile") && walk_has(walk, SQL_STAGES));
        temp = temp || is_temp;
        if (!is_temp && !is_modifier(token)) {
            break;
        }
        ahead_step(&ahead);
    }
    enum object_kind kind = take_kind(walk, &ahead);
    if (ahead_take(&ahead, "if")) {
        ahead_step(&ahead);
        ahead_step(&ahead);
    }
    bool hidden = kind == OBJECT_RELATION && take_temporary_name(walk, &ahead);
    if (temp) {
        walk->verdict.effects |= GUARD_TEMPORARY;
    }
    if (kind == OBJECT_STRANGE) {
        walk_note(walk, &walk->token, GUARD_ADMIN, STRANGE);
    } else if (kind == OBJECT_RELATION && (temp || hidden) &&
               !(replace && walk_has(walk, SQL_REPLACE_ANY))) {
        note_temporary(walk);
    } else {
        walk_note(walk, &walk->token, lead->cls, lead->reason);
    }
}

/* Whether every name of the list is in a place for temporary objects only. */
static bool take_temporary_names(const struct walk *walk, struct walk_ahead *ahead)
{
    bool all = true;
    if (ahead_take(ahead, "if")) {
        ahead_step(ahead);
    }
    for (;;) {
        all = take_temporary_name(walk, ahead) && all;
        if (!sql_token_is(&ahead->token, ",")) {
            break;
        }
        ahead_step(ahead);
    }
    return all;
}

static void take_drop(struct walk *walk, const struct sql_lead *lead)
{
    struct walk_ahead ahead = walk_ahead(walk);
    bool temp = ahead_take(&ahead, "temporary") || ahead_take(&ahead, "temp");
    for (int i = 0; i < MODIFIERS_MAX && is_modifier(&ahead.token); i++) {
        ahead_step(&ahead);
    }
    enum object_kind kind = take_kind(walk, &ahead);
    if (kind == OBJECT_STRANGE) {
        walk_note(walk, &walk->token, GUARD_ADMIN, STRANGE);
    } else if (kind == OBJECT_RELATION && (temp || take_temporary_names(walk, &ahead))) {
        note_temporary(walk);
    } else {
        walk_note(walk, &walk->token, lead->cls, lead->reason);
    }
}

static void take_alter(struct walk *walk, const struct sql_lead *lead)
{
    struct walk_ahead ahead = walk_ahead(walk);
    if (sql_token_is(&walk->next, "session")) {
        walk_note(walk, &walk->token, GUARD_ADMIN, SETTING);
        return;
    }
    while (is_modifier(&ahead.token)) {
        ahead_step(&ahead);
    }
    bool strange = take_kind(walk, &ahead) == OBJECT_STRANGE;
    walk_note(walk, &walk->token, strange ? GUARD_ADMIN : lead->cls,
        strange ? STRANGE : lead->reason);
}

/* READ WRITE would lift what the engine holds against writes. No mode has brackets. */
static bool wants_writing(struct walk_ahead ahead)
{
    struct sql_token before = {.kind = SQL_TOKEN_END};
    for (; !is_end(&ahead.token) && !sql_token_is(&ahead.token, "(") &&
           !sql_token_is(&ahead.token, ")");
         ahead_step(&ahead)) {
        if ((sql_token_is(&before, "read") && sql_token_is(&ahead.token, "write")) ||
            sql_token_is(&ahead.token, "immediate") ||
            sql_token_is(&ahead.token, "exclusive")) {
            return true;
        }
        before = ahead.token;
    }
    return false;
}

static void note_transaction(
    struct walk *walk, const struct sql_lead *lead, struct walk_ahead ahead)
{
    if (wants_writing(ahead)) {
        walk_note(walk, &walk->token, GUARD_DML, WRITER);
    }
    walk_note(walk, &walk->token, GUARD_TRANSACTION, lead->reason);
}

/* BEGIN, then anything: in some engines a block of statements. */
static bool opens_block(const struct walk *walk)
{
    const struct sql_token *next = &walk->next;
    return walk_has(walk, SQL_BLOCKS) && !is_end(next) && !sql_token_is(next, "work") &&
           !sql_token_is(next, "transaction") && !sql_token_is(next, "name");
}

static void take_begin(struct walk *walk, const struct sql_lead *lead)
{
    if (opens_block(walk)) {
        walk_note(walk, &walk->token, GUARD_CALL, "a block of statements");
        return;
    }
    walk->verdict.effects |= GUARD_BEGINS;
    note_transaction(walk, lead, walk_ahead(walk));
}

/* COMMIT, END, ROLLBACK, ABORT, and those of two phases or to a savepoint. */
static void take_end(struct walk *walk, const struct sql_lead *lead)
{
    struct walk_ahead ahead = walk_ahead(walk);
    if (ahead_take(&ahead, "prepared")) {
        walk_note(walk, &walk->token, GUARD_ADMIN, "a transaction of another client");
        return;
    }
    if (!ahead_take(&ahead, "work")) {
        (void)ahead_take(&ahead, "transaction");
    }
    bool within = ahead_take(&ahead, "to");
    bool chain = ahead_take(&ahead, "and") && ahead_take(&ahead, "chain");
    walk->verdict.effects |= within ? 0 : chain ? GUARD_ENDS | GUARD_BEGINS : GUARD_ENDS;
    walk_note(walk, &walk->token, GUARD_TRANSACTION, lead->reason);
}

static bool is_variable(const struct walk *walk, struct walk_ahead *ahead)
{
    if (walk_has(walk, SQL_VARIABLES)) {
        return true;
    }
    if (!walk_has(walk, SQL_DOTTED_VARIABLES)) {
        return sql_token_is(&ahead->token, "variable");
    }
    if (!ahead_take(ahead, "local")) {
        (void)ahead_take(ahead, "session");
    }
    ahead_step(ahead);
    return sql_token_is(&ahead->token, ".");
}

static void take_set(struct walk *walk, const struct sql_lead *lead)
{
    struct walk_ahead ahead = walk_ahead(walk);
    bool transaction = sql_token_is(&walk->token, "set") &&
                       walk_has(walk, SQL_DOTTED_VARIABLES) &&
                       (sql_token_is(&ahead.token, "transaction") ||
                           sql_token_is(&ahead.token, "constraints"));
    if (transaction) {
        struct sql_lead inside = {.reason = "the statement changes the transaction"};
        note_transaction(walk, &inside, ahead);
    } else if (is_variable(walk, &ahead)) {
        walk->verdict.effects |= GUARD_VARIABLE;
        walk_note(walk, &walk->token, lead->cls, lead->reason);
    } else {
        walk_note(walk, &walk->token, GUARD_ADMIN, SETTING);
    }
}

static void take_prepare(struct walk *walk, const struct sql_lead *lead)
{
    if (sql_token_is(&walk->next, "transaction")) {
        walk_note(walk, &walk->token, GUARD_ADMIN,
            "the transaction would outlive the connection");
        return;
    }
    walk->verdict.effects |= GUARD_PREPARES;
    walk_note(walk, &walk->token, lead->cls, lead->reason);
    walk_top(walk)->place = PLACE_PREPARE;
}

static void take_deallocate(struct walk *walk, const struct sql_lead *lead)
{
    struct walk_ahead ahead = walk_ahead(walk);
    (void)ahead_take(&ahead, "prepare");
    bool all = sql_token_is(&ahead.token, "all");
    walk_note(walk, &walk->token, all ? GUARD_ADMIN : lead->cls,
        all ? "the statement drops what the driver prepared" : lead->reason);
}

void walk_write_head(struct walk *walk, const struct sql_lead *lead)
{
    const struct sql_token *token = &walk->token;
    if (sql_token_is(token, "create")) {
        take_create(walk, lead);
    } else if (sql_token_is(token, "drop")) {
        take_drop(walk, lead);
    } else if (sql_token_is(token, "alter")) {
        take_alter(walk, lead);
    } else if (sql_token_is(token, "begin") || sql_token_is(token, "start")) {
        take_begin(walk, lead);
    } else if (sql_token_is(token, "commit") || sql_token_is(token, "end") ||
               sql_token_is(token, "rollback") || sql_token_is(token, "abort")) {
        take_end(walk, lead);
    } else if (sql_token_is(token, "set") || sql_token_is(token, "unset") ||
               sql_token_is(token, "reset")) {
        take_set(walk, lead);
    } else if (sql_token_is(token, "prepare")) {
        take_prepare(walk, lead);
    } else if (sql_token_is(token, "deallocate")) {
        take_deallocate(walk, lead);
    } else {
        walk_note(walk, token, lead->cls, lead->reason);
    }
}
