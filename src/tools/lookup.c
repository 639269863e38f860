// SPDX-License-Identifier: Apache-2.0
#include "sql/catalog.h"
#include "sql/quote.h"
#include "tools/calls.h"

enum {
    LOOKUP_OFF,
    LOOKUP_DATABASE,
    LOOKUP_SCHEMA,
    LOOKUP_OVER
};
enum {
    CANDIDATES_MAX = 50,
    CANDIDATE_CHARS = 255
};

static struct str wanted(const struct tool_call *call, enum tool_part part)
{
    return str_of(call->wanted.part[part]);
}

static bool is_active(const struct tool_call *call)
{
    return call->lookup == LOOKUP_DATABASE || call->lookup == LOOKUP_SCHEMA;
}

bool lookup_wants(const struct tool_call *call, const struct tool_failure *failure)
{
    return is_active(call) || (failure && failure->kind == TOOL_FAILED_CONTEXT);
}

static enum tool_move give_up(struct tool_call *call)
{
    call->lookup = LOOKUP_OVER;
    call->context = call->wanted;
    return tool_fail_more(call, TOOL_E_CONTEXT_FAILED, 0, buf_str(&call->failure),
        (struct str){NULL, 0}, (struct str){NULL, 0});
}

static enum tool_move ask(struct tool_call *call, const struct catalog_query *query)
{
    buf_clear(&call->sql);
    if (!catalog_put_list(&call->sql, call->dialect, query)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0,
            "Profile %s has a dialect without catalogue statements.",
            call->context.part[TOOL_PROFILE]);
    }
    call->cell_chars = CANDIDATE_CHARS;
    return tool_run(call, CANDIDATES_MAX, false); /* what is not there may be there by now */
}

static enum tool_move ask_context(struct tool_call *call, int step)
{
    call->lookup = step;
    if (step == LOOKUP_DATABASE) {
        return ask(call, &(struct catalog_query){.kind = CATALOG_DATABASES,
                             .near = wanted(call, TOOL_DATABASE),
                             .limit = CANDIDATES_MAX});
    }
    return ask(call, &(struct catalog_query){.kind = CATALOG_SCHEMAS,
                         .database = wanted(call, TOOL_DATABASE),
                         .near = wanted(call, TOOL_SCHEMA),
                         .limit = CANDIDATES_MAX});
}

enum tool_move lookup_refused(struct tool_call *call, const struct tool_failure *failure)
{
    struct tool_profile profile;
    if (call->lookup == LOOKUP_OVER) {
        return reply_refused(call, failure);
    }
    if (is_active(call)) {
        return give_up(call);
    }
    buf_clear(&call->failure);
    buf_put_str(&call->failure, str_utf8_prefix(failure->message, TOOL_MESSAGE_MAX));
    call->wanted = call->context;
    if (!tool_profile_find(call, str_of(call->context.part[TOOL_PROFILE]), &profile)) {
        return give_up(call);
    }
    struct str database = profile.defaults[TOOL_DATABASE];
    struct str schema = profile.defaults[TOOL_SCHEMA];
    bool same_database = str_eq(wanted(call, TOOL_DATABASE), database);
    if ((same_database && str_eq(wanted(call, TOOL_SCHEMA), schema)) ||
        !str_copy(database, call->context.part[TOOL_DATABASE], TOOL_NAME_SIZE) ||
        !str_copy(schema, call->context.part[TOOL_SCHEMA], TOOL_NAME_SIZE)) {
        return give_up(call);
    }
    bool has_database = !same_database && wanted(call, TOOL_DATABASE).len > 0;
    if (!has_database && wanted(call, TOOL_SCHEMA).len == 0) {
        return give_up(call);
    }
    return ask_context(call, has_database ? LOOKUP_DATABASE : LOOKUP_SCHEMA);
}

/* Puts the name that is meant into the wanted context; false: answered. */
static bool take(struct tool_call *call, enum tool_part part, yyjson_val *candidates)
{
    struct str found = reply_resolve(wanted(call, part), candidates);
    if (!found.ptr) {
        bool schema = part == TOOL_SCHEMA;
        reply_not_found(call, schema ? "schema" : "database", wanted(call, part),
            schema ? wanted(call, TOOL_DATABASE) : STR(""), candidates);
        return false;
    }
    if (!str_eq(found, wanted(call, part))) {
        buf_clear(&call->failure);
    }
    if (!str_copy(found, call->wanted.part[part], TOOL_NAME_SIZE)) {
        give_up(call);
        return false;
    }
    return true;
}

enum tool_move lookup_page(struct tool_call *call, const struct tool_page *page,
    enum tool_move (*again)(struct tool_call *call))
{
    yyjson_doc *doc = page_parse(page);
    enum tool_part part = call->lookup == LOOKUP_DATABASE ? TOOL_DATABASE : TOOL_SCHEMA;
    if (!doc) {
        return give_up(call);
    }
    bool found = take(call, part, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    if (!found) {
        return TOOL_ANSWER;
    }
    if (part == TOOL_DATABASE && wanted(call, TOOL_SCHEMA).len > 0) {
        return ask_context(call, LOOKUP_SCHEMA);
    }
    /* All names were right as they were: the engine's reason stands. */
    if (call->failure.len > 0) {
        return give_up(call);
    }
    call->lookup = LOOKUP_OVER;
    call->context = call->wanted;
    call->cell_chars = 0;
    return again(call);
}

/*
 * What stands before a name is what the engine makes of it, or where nothing is found so, what it
 * is exactly; the name itself is looked up.
 */
static bool put_relation_part(struct tool_call *call, struct str part, bool folds, char *dst)
{
    if (str_copy(part, dst, TOOL_NAME_SIZE)) {
        if (folds) {
            catalog_fold(call->dialect, dst);
        }
        return true;
    }
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0, "A name is longer than %d bytes.",
        TOOL_NAME_SIZE - 1);
    return false;
}

bool relation_parse(struct tool_call *call, struct str text, struct relation *ret)
{
    char scratch[TOOL_NAME_SIZE];
    struct name_parts parts;
    struct str database = str_of(call->context.part[TOOL_DATABASE]);
    struct str schema = str_of(call->context.part[TOOL_SCHEMA]);
    struct str name = text;
    bool folds[2] = {false, false};
    ret->quoted = false;
    /* What is no proper name is taken as it is: a catalogue may hold it. */
    if (name_split(text, scratch, sizeof(scratch), &parts)) {
        name = parts.part[parts.count - 1];
        ret->quoted = parts.quoted[parts.count - 1];
        schema = parts.count > 1 ? parts.part[parts.count - 2] : schema;
        database = parts.count > 2 ? parts.part[0] : database;
        folds[0] = parts.count > 2 && !parts.quoted[0] && !call->is_exact;
        folds[1] = parts.count > 1 && !parts.quoted[parts.count - 2] && !call->is_exact;
    }
    return put_relation_part(call, database, folds[0], ret->database) &&
           put_relation_part(call, schema, folds[1], ret->schema) &&
           put_relation_part(call, name, false, ret->name);
}

enum tool_move relation_ask(struct tool_call *call, const struct relation *relation)
{
    return ask(call, &(struct catalog_query){.kind = CATALOG_RELATIONS,
                         .database = str_of(relation->database),
                         .schema = str_of(relation->schema),
                         .near = str_of(relation->name),
                         .limit = CANDIDATES_MAX});
}

/* The row that is meant: the only exact one, else the only one that differs in case. */
static yyjson_val *resolve_row(const struct relation *relation, yyjson_val *candidates)
{
    struct str name = str_of(relation->name);
    yyjson_val *found[2] = {NULL, NULL};
    unsigned count[2] = {0, 0};
    yyjson_arr_iter it;
    yyjson_val *row;
    yyjson_arr_iter_init(candidates, &it);
    while ((row = yyjson_arr_iter_next(&it))) {
        struct str candidate = page_cell(row, 0);
        if (candidate.ptr && str_eq_nocase(candidate, name)) {
            bool other_case = !str_eq(candidate, name);
            found[other_case] = row;
            count[other_case]++;
        }
    }
    bool other_case = count[0] == 0 && !relation->quoted;
    return count[other_case] == 1 ? found[other_case] : NULL;
}

static void fail_relation(
    struct tool_call *call, const struct relation *relation, yyjson_val *candidates)
{
    struct buf where = BUF_INIT(1024);
    buf_puts(&where, relation->database);
    if (relation->schema[0] != '\0') {
        buf_puts(&where, where.len > 0 ? "." : "");
        buf_puts(&where, relation->schema);
    } else {
        buf_clear(&where);
    }
    reply_not_found(
        call, "table or view", str_of(relation->name), buf_str(&where), candidates);
    buf_free(&where);
}

static bool put_full_name(
    struct tool_call *call, const struct relation *relation, uint32_t index)
{
    struct buf full = BUF_INIT(TOOL_NAME_SIZE * 8);
    catalog_put_name(&full, call->dialect, str_of(relation->database),
        str_of(relation->schema), str_of(relation->name));
    bool fits =
        buf_ok(&full) && str_copy(buf_str(&full), call->name[index], TOOL_NAME_SIZE);
    buf_free(&full);
    if (!fits) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "The full name of %s is longer than %d bytes.", relation->name,
            TOOL_NAME_SIZE - 1);
    }
    return fits;
}

/* What stands before it means something else when it is taken exactly: that is tried, once. */
static bool ask_exactly(struct tool_call *call, uint32_t index, enum tool_move *ret)
{
    struct relation folded;
    struct relation exact;
    struct str text = str_of(call->name[index]);
    if (call->is_exact || !relation_parse(call, text, &folded)) {
        return false;
    }
    call->is_exact = true;
    if (!relation_parse(call, text, &exact) ||
        (strcmp(folded.database, exact.database) == 0 && strcmp(folded.schema, exact.schema) == 0)) {
        call->is_exact = false;
        return false;
    }
    *ret = relation_ask(call, &exact);
    return true;
}

bool relation_take(struct tool_call *call, const struct tool_page *page, uint32_t index,
    enum tool_move *ret)
{
    struct relation relation;
    *ret = TOOL_ANSWER;
    if (!relation_parse(call, str_of(call->name[index]), &relation)) {
        return false;
    }
    yyjson_doc *doc = page_parse(page);
    yyjson_val *rows = yyjson_doc_get_root(doc);
    yyjson_val *row = resolve_row(&relation, rows);
    call->cell_chars = 0;
    bool ok = row && str_copy(page_cell(row, 0), relation.name, TOOL_NAME_SIZE) &&
              str_copy(page_cell(row, 2), relation.database, TOOL_NAME_SIZE) &&
              str_copy(page_cell(row, 3), relation.schema, TOOL_NAME_SIZE);
    bool is_asked = !ok && ask_exactly(call, index, ret);
    if (!ok && !is_asked) {
        fail_relation(call, &relation, rows);
    }
    yyjson_doc_free(doc);
    call->is_exact = is_asked;
    return ok && put_full_name(call, &relation, index);
}
