// SPDX-License-Identifier: Apache-2.0
#include "sql/catalog.h"
#include "sql/quote.h"
#include "tools/calls.h"

bool tool_profile_find(struct tool_call *call, struct str name, struct tool_profile *ret)
{
    uint32_t count = call->host->profile_count(call);
    for (uint32_t i = 0; i < count; i++) {
        call->host->profile_at(call, i, ret);
        if (str_eq(ret->name, name)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        call->host->profile_at(call, i, ret);
        if (str_eq_nocase(ret->name, name)) {
            return true;
        }
    }
    return false;
}

static bool fail_profile(struct tool_call *call, struct str name)
{
    struct buf list = BUF_INIT(2048);
    struct tool_profile profile;
    for (uint32_t i = 0; i < call->host->profile_count(call); i++) {
        call->host->profile_at(call, i, &profile);
        buf_puts(&list, i > 0 ? ", " : "");
        buf_put_str(&list, profile.name);
    }
    tool_fail(call, TOOL_E_UNKNOWN_PROFILE, 0,
        "There is no profile \"" STR_FMT "\". Profiles: " STR_FMT ".",
        STR_ARG(tool_shown(name)), STR_ARG(buf_str(&list)));
    buf_free(&list);
    return false;
}

bool tool_session_find(
    struct tool_call *call, bool *ret_found, struct tool_session *ret_session)
{
    struct str handle;
    *ret_found = false;
    if (!tool_arg_handle(call, "session", HANDLE_SESSION, &handle)) {
        return false;
    }
    if (handle.len > 0) {
        bool fits = str_copy(handle, call->session, sizeof(call->session));
        ASSERT(fits);
    }
    if (!tool_is_set(call->session)) {
        return true;
    }
    if (!call->host->session_find(call, str_of(call->session), ret_session)) {
        tool_fail(
            call, TOOL_E_SESSION_NOT_FOUND, 0, "There is no session %s.", call->session);
        return false;
    }
    *ret_found = true;
    return true;
}

static bool set_parts(struct tool_call *call, const struct str parts[TOOL_PARTS])
{
    for (int i = 0; i < TOOL_PARTS; i++) {
        if (!str_copy(parts[i], call->context.part[i], TOOL_NAME_SIZE)) {
            tool_fail(call, TOOL_E_INTERNAL, 0, "A name of the context is too long.");
            return false;
        }
    }
    return true;
}

/* The parts before the call's own arguments; @profile is the one in force. */
static bool set_base(struct tool_call *call, struct tool_profile *profile)
{
    struct tool_session session;
    struct str wanted;
    bool found;
    if (!tool_session_find(call, &found, &session) ||
        !tool_arg_str(call, "profile", true, &wanted)) {
        return false;
    }
    bool has_context = found && session.context[TOOL_PROFILE].len > 0;
    call->host->profile_at(call, 0, profile);
    struct str base = has_context ? session.context[TOOL_PROFILE] : profile->name;
    struct str name = wanted.len > 0 ? wanted : base;
    if (!tool_profile_find(call, name, profile)) {
        return fail_profile(call, name);
    }
    call->dialect = profile->dialect;
    bool own = has_context && str_eq(profile->name, base);
    return set_parts(call, own ? session.context : profile->defaults) &&
           (own ||
               str_copy(profile->name, call->context.part[TOOL_PROFILE], TOOL_NAME_SIZE));
}

/* The inside of a wholly "quoted" name, else the text as it is. */
static struct str unquote(struct str text, char *scratch, size_t size)
{
    struct name_parts parts;
    bool quoted = str_starts(text, STR("\"")) &&
                  name_split(text, scratch, size, &parts) && parts.count == 1;
    return quoted ? parts.part[0] : text;
}

static bool put_bare(
    struct tool_call *call, enum tool_part part, const char *arg, struct str name)
{
    if (str_copy(name, call->context.part[part], TOOL_NAME_SIZE)) {
        return true;
    }
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "Argument \"%s\" of %s is %zu bytes long; at most %d are allowed.", arg,
        call->tool->name, name.len, TOOL_NAME_SIZE - 1);
    return false;
}

static bool put_part(
    struct tool_call *call, enum tool_part part, const char *arg, struct str text)
{
    char scratch[TOOL_NAME_SIZE * 2];
    return put_bare(call, part, arg, unquote(text, scratch, sizeof(scratch)));
}

/* Of what has no catalogue to be looked up in: a bare name is what the engine makes of it. */
static bool put_folded(
    struct tool_call *call, enum tool_part part, const char *arg, struct str text)
{
    if (!put_part(call, part, arg, text)) {
        return false;
    }
    if (!str_starts(text, STR("\""))) {
        catalog_fold(call->dialect, call->context.part[part]);
    }
    return true;
}

/* Another database is entered with its default schema. */
static bool put_database(struct tool_call *call, const char *arg, struct str name)
{
    struct str before = str_of(call->context.part[TOOL_DATABASE]);
    if (str_eq(name, before)) {
        return true;
    }
    return put_bare(call, TOOL_DATABASE, arg, name) &&
           put_bare(call, TOOL_SCHEMA, arg, catalog_default_schema(call->dialect));
}

static bool put_schema(struct tool_call *call, bool has_database, struct str text)
{
    char scratch[TOOL_NAME_SIZE * 2];
    struct name_parts parts;
    if (!name_split(text, scratch, sizeof(scratch), &parts) || parts.count != 2) {
        return put_part(call, TOOL_SCHEMA, "schema", text);
    }
    if (!has_database && !put_database(call, "schema", parts.part[0])) {
        return false;
    }
    if (has_database &&
        !str_eq_nocase(parts.part[0], str_of(call->context.part[TOOL_DATABASE]))) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "\"schema\" names the database " STR_FMT ", \"database\" names %s; give one.",
            STR_ARG(tool_shown(parts.part[0])), call->context.part[TOOL_DATABASE]);
        return false;
    }
    return put_bare(call, TOOL_SCHEMA, "schema", parts.part[1]);
}

/* Does the call take @name back to its default? */
static bool resets(const struct tool_call *call, const char *name)
{
    return call->sets_preferences && yyjson_is_null(yyjson_obj_get(call->args, name));
}

static void reset_part(struct tool_call *call, enum tool_part part, struct str name)
{
    bool fits = str_copy(name, call->context.part[part], TOOL_NAME_SIZE);
    ASSERT(fits); /* the configuration is checked */
}

static bool put_engine(struct tool_call *call, const struct tool_profile *profile)
{
    struct str role;
    struct str warehouse;
    if (!tool_arg_str(call, "role", true, &role) ||
        !tool_arg_str(call, "warehouse", true, &warehouse)) {
        return false;
    }
    if (resets(call, "role")) {
        reset_part(call, TOOL_ROLE, profile->defaults[TOOL_ROLE]);
    }
    if (resets(call, "warehouse")) {
        reset_part(call, TOOL_WAREHOUSE, profile->defaults[TOOL_WAREHOUSE]);
    }
    /* An empty text is what some models send for nothing. */
    if ((role.len > 0 || warehouse.len > 0) && !catalog_has_roles(profile->dialect)) {
        tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "\"%s\" is of no use here: profile " STR_FMT
            " is of an engine without roles and warehouses that a call could name. Leave it "
            "away. Nothing was run.",
            role.len > 0 ? "role" : "warehouse", STR_ARG(profile->name));
        return false;
    }
    return (role.len == 0 || put_folded(call, TOOL_ROLE, "role", role)) &&
           (warehouse.len == 0 || put_folded(call, TOOL_WAREHOUSE, "warehouse", warehouse));
}

/* Another database comes before its schema, also where both go back to their defaults. */
static bool put_place(struct tool_call *call, const struct tool_profile *profile)
{
    char scratch[TOOL_NAME_SIZE * 2];
    struct str own = profile->defaults[TOOL_DATABASE];
    struct str database;
    struct str schema;
    if (!tool_arg_str(call, "database", true, &database) ||
        !tool_arg_str(call, "schema", true, &schema)) {
        return false;
    }
    if (resets(call, "database")) {
        reset_part(call, TOOL_DATABASE, own);
        reset_part(call, TOOL_SCHEMA, profile->defaults[TOOL_SCHEMA]);
    }
    if (database.len > 0 &&
        !put_database(call, "database", unquote(database, scratch, sizeof(scratch)))) {
        return false;
    }
    if (resets(call, "schema")) {
        reset_part(call, TOOL_SCHEMA,
            str_eq(str_of(call->context.part[TOOL_DATABASE]), own)
                ? profile->defaults[TOOL_SCHEMA]
                : catalog_default_schema(call->dialect));
    }
    return schema.len == 0 || put_schema(call, database.len > 0, schema);
}

bool tool_context_resolve(struct tool_call *call)
{
    struct tool_profile profile;
    if (call->host->profile_count(call) == 0) {
        tool_fail(call, TOOL_E_NO_PROFILE, 0, "No warehouse is configured.");
        return false;
    }
    return set_base(call, &profile) && put_engine(call, &profile) &&
           put_place(call, &profile);
}
