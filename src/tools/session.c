// SPDX-License-Identifier: Apache-2.0
#include "sql/catalog.h"
#include "sql/quote.h"
#include "tools/calls.h"

/* call->index of a call that opens a session. */
enum {
    OPENS = 1
};

enum tool_move session_apply(struct tool_call *call)
{
    buf_clear(&call->sql);
    if (!catalog_put_context(&call->sql, call->dialect)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0,
            "Profile %s has a dialect that does not say its context.",
            call->context.part[TOOL_PROFILE]);
    }
    call->stage = STAGE_VERIFY;
    return tool_run(call, 1, false);
}

/* A name of USE into a part of the context; false: answered. */
static bool take_use(struct tool_call *call, enum tool_part part, struct str raw)
{
    struct name_parts parts;
    struct buf scratch = BUF_INIT(TOOL_SQL_MAX);
    buf_put_str(&scratch, raw);
    bool ok = buf_ok(&scratch) && name_split(raw, scratch.ptr, scratch.len, &parts) &&
              parts.count == 1 &&
              str_copy(parts.part[0], call->context.part[part], TOOL_NAME_SIZE);
    buf_free(&scratch);
    if (!ok) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0, "\"" STR_FMT "\" is no name for USE.",
            STR_ARG(tool_shown(raw)));
    }
    return ok;
}

enum tool_move session_use(struct tool_call *call, struct str catalog, struct str schema)
{
    struct tool_context before = call->context;
    if ((catalog.len > 0 && !take_use(call, TOOL_DATABASE, catalog)) ||
        (schema.len > 0 && !take_use(call, TOOL_SCHEMA, schema))) {
        return TOOL_ANSWER;
    }
    if (schema.len > 0) {
        return session_apply(call);
    }
    memcpy(call->name[0], call->context.part[TOOL_DATABASE], TOOL_NAME_SIZE);
    call->context = before;
    buf_clear(&call->sql);
    struct catalog_query query = {
        .kind = CATALOG_DATABASES, .near = str_of(call->name[0]), .limit = 20};
    if (!catalog_put_list(&call->sql, call->dialect, &query)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0, "The dialect lists no databases.");
    }
    call->stage = STAGE_USE_WHICH;
    return tool_run(call, query.limit, false);
}

/* The name is a database's, or else a schema's in the database at hand. */
static enum tool_move use_found(struct tool_call *call, const struct tool_page *page)
{
    yyjson_doc *doc = page_parse(page);
    struct str found = reply_resolve(str_of(call->name[0]), yyjson_doc_get_root(doc));
    if (!found.ptr) {
        memcpy(call->context.part[TOOL_SCHEMA], call->name[0], TOOL_NAME_SIZE);
    } else if (str_copy(found, call->context.part[TOOL_DATABASE], TOOL_NAME_SIZE)) {
        struct str schema = catalog_default_schema(call->dialect);
        bool fits = str_copy(schema, call->context.part[TOOL_SCHEMA], TOOL_NAME_SIZE);
        ASSERT(fits);
    }
    yyjson_doc_free(doc);
    return session_apply(call);
}

bool session_names_context(const struct tool_call *call)
{
    static const char *const PARTS[] = {
        "profile", "role", "warehouse", "database", "schema"};
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        yyjson_val *value = yyjson_obj_get(call->args, PARTS[i]);
        bool is_nothing = yyjson_is_null(value) && (!call->sets_preferences || i == 0);
        if (value && !is_nothing && !yyjson_equals_str(value, "")) {
            return true;
        }
    }
    return false;
}

/* The host keeps the context, in the call's session or in a new one. */
static enum tool_move store(struct tool_call *call)
{
    struct tool_session_set set = {.context = &call->context};
    if (!tool_arg_str(call, "label", true, &set.label)) {
        return TOOL_ANSWER;
    }
    /* Again: others of them may have been changed while the context was verified. */
    if (call->sets_preferences && !tool_preferences_take(call)) {
        return TOOL_ANSWER;
    }
    set.preferences = call->sets_preferences ? &call->preferences : NULL;
    call->stage = STAGE_STORE;
    if (!tool_is_set(call->session)) {
        call->index = OPENS;
        call->host->session_open(call, &set);
        return TOOL_WAIT;
    }
    if (call->sets_preferences && !session_names_context(call)) {
        set.context = NULL;
    }
    call->host->session_set(call, str_of(call->session), &set);
    return TOOL_WAIT;
}

enum tool_move session_take(struct tool_call *call)
{
    return session_names_context(call) ? session_apply(call) : store(call);
}

/* Names as the engine reports them; what it does not know stays as asked for. */
static enum tool_move verified(struct tool_call *call, const struct tool_page *page)
{
    yyjson_doc *doc = page_parse(page);
    yyjson_val *row = yyjson_arr_get_first(yyjson_doc_get_root(doc));
    bool fits = true;
    for (size_t i = 0; i < TOOL_PARTS - TOOL_ROLE; i++) {
        struct str name = page_cell(row, i);
        if (name.len > 0) {
            fits =
                str_copy(name, call->context.part[TOOL_ROLE + i], TOOL_NAME_SIZE) && fits;
        }
    }
    yyjson_doc_free(doc);
    if (!row || !fits) {
        return tool_fail(
            call, TOOL_E_INTERNAL, 0, "The engine does not say its context.");
    }
    return store(call);
}

enum tool_move session_page(struct tool_call *call, const struct tool_page *page)
{
    if (call->stage == STAGE_USE_WHICH) {
        return use_found(call, page);
    }
    return lookup_wants(call, NULL) ? lookup_page(call, page, session_apply)
                                    : verified(call, page);
}

enum tool_move session_refused(struct tool_call *call, const struct tool_failure *failure)
{
    if (call->stage == STAGE_USE_WHICH) {
        return reply_refused(call, failure);
    }
    return lookup_wants(call, failure) ? lookup_refused(call, failure)
                                       : reply_refused(call, failure);
}

enum tool_move session_done(struct tool_call *call, const struct tool_done *done)
{
    if (tool_host_failed(call, done)) {
        return TOOL_ANSWER;
    }
    struct buf *out = &call->out;
    reply_begin(call, "done");
    reply_put_member(out, "session", done->session);
    if (call->index == OPENS) {
        buf_printf(out, ",\"notice\":\"Pass session=" STR_FMT " from now on.\"",
            STR_ARG(done->session));
    }
    return reply_end(call);
}

/* Labels are names, too. */
static bool check_label(struct tool_call *call)
{
    struct str label;
    if (!tool_arg_str(call, "label", true, &label)) {
        return false;
    }
    if (label.len < TOOL_NAME_SIZE) {
        return true;
    }
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "Argument \"label\" of %s is %zu bytes long; at most %d are allowed.",
        call->tool->name, label.len, TOOL_NAME_SIZE - 1);
    return false;
}

enum tool_move use_context_start(struct tool_call *call)
{
    if (!tool_args_known(call) || !check_label(call) || !tool_context_resolve(call)) {
        return TOOL_ANSWER;
    }
    return session_apply(call);
}

/* A session in the default context needs no warehouse yet. */
enum tool_move open_session_start(struct tool_call *call)
{
    call->session[0] = '\0';
    if (!tool_args_known(call) || !check_label(call)) {
        return TOOL_ANSWER;
    }
    bool named = session_names_context(call);
    if ((named || call->host->profile_count(call) > 0) && !tool_context_resolve(call)) {
        return TOOL_ANSWER;
    }
    return session_take(call);
}

enum tool_move close_session_start(struct tool_call *call)
{
    struct str handle;
    struct tool_session session;
    if (!tool_args_known(call) ||
        !tool_arg_handle(call, "session", HANDLE_SESSION, &handle)) {
        return TOOL_ANSWER;
    }
    if (!handle.ptr) {
        handle = str_of(call->session);
    }
    if (handle.len == 0) {
        tool_arg_missing(call, "session");
        return TOOL_ANSWER;
    }
    if (!call->host->session_find(call, handle, &session)) {
        return tool_fail(call, TOOL_E_SESSION_NOT_FOUND, 0,
            "There is no session " STR_FMT ".", STR_ARG(handle));
    }
    bool fits = str_copy(handle, call->name[0], TOOL_NAME_SIZE);
    ASSERT(fits);
    call->host->session_close(call, str_of(call->name[0]));
    return TOOL_WAIT;
}

enum tool_move close_session_done(struct tool_call *call, const struct tool_done *done)
{
    if (tool_host_failed(call, done)) {
        return TOOL_ANSWER;
    }
    reply_begin(call, "closed");
    reply_put_member(&call->out, "session", str_of(call->name[0]));
    return reply_end(call);
}

static void put_session(void *arg, const struct tool_session *session)
{
    struct tool_call *call = arg;
    struct buf *out = &call->out;
    buf_puts(out, call->index++ > 0 ? ",{\"session\":" : "{\"session\":");
    buf_put_json(out, session->handle);
    buf_puts(out, str_eq(session->handle, str_of(call->session)) ? ",\"own\":true"
                                                                 : ",\"own\":false");
    tool_put_session_facts(out, session);
    buf_puts(out, ",\"last_seen\":");
    reply_put_time(out, session->last_seen_wall_ns);
    const struct tool_counts *counts = &session->counts;
    buf_printf(out,
        ",\"calls\":{\"active\":%u,\"total\":%llu,\"ok\":%llu,\"failed\":%llu,"
        "\"refused\":%llu},",
        session->calls_active, (unsigned long long)counts->calls_total,
        (unsigned long long)counts->calls_ok, (unsigned long long)counts->calls_failed,
        (unsigned long long)counts->calls_refused);
    reply_put_parts(out, session->context);
    buf_putc(out, '}');
}

enum tool_move list_sessions_start(struct tool_call *call)
{
    if (!tool_args_known(call)) {
        return TOOL_ANSWER;
    }
    reply_begin(call, "done");
    buf_puts(&call->out, ",\"sessions\":[");
    call->host->session_each(call, put_session, call);
    buf_putc(&call->out, ']');
    return reply_end(call);
}
