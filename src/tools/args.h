// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Reading arguments. All of these return false after they made the call's answer an error
 * that names the argument, what came and what is allowed. JSON null counts as absent.
 */
#include "tools/tool.h"

/* Only arguments the tool's schema declares; the error names the nearest ones. */
MUST_USE bool tool_args_known(struct tool_call *call);

/* Absent: ptr is NULL. Empty strings are refused unless @may_be_empty. */
MUST_USE bool tool_arg_str(
    struct tool_call *call, const char *name, bool may_be_empty, struct str *ret);
MUST_USE bool tool_arg_required(struct tool_call *call, const char *name, struct str *ret);

/* Also a number with a zero fraction and a string of digits, which models send. */
MUST_USE bool tool_arg_int(struct tool_call *call, const char *name, int64_t min, int64_t max,
    int64_t absent, int64_t *ret);
MUST_USE bool tool_arg_bool(struct tool_call *call, const char *name, bool absent, bool *ret);

/* One of @names, as its index; absent or empty: *@at stays. */
MUST_USE bool tool_arg_choice(struct tool_call *call, const char *name,
    const char *const *names, int count, int *at);

/* A string or an array of at most TOOL_NAMES_MAX strings, into call->name. */
MUST_USE bool tool_arg_names(struct tool_call *call, const char *name);

/* A handle of @kind; another kind's error names the argument and tool that take it. */
MUST_USE bool tool_arg_handle(
    struct tool_call *call, const char *name, enum handle_kind kind, struct str *ret);

/*
 * The effective session and context: the asker's session or the one named by `session`,
 * else the default profile's defaults; over it profile, role, warehouse, database, schema.
 * Another profile starts from that profile's defaults; another database without a schema
 * gets the dialect's default schema; schema takes DB.SCHEMA; "quoted" names are unquoted.
 * Fills call->session, call->context and call->dialect. While call->sets_preferences, null
 * for role, warehouse, database or schema is the profile's default.
 */
MUST_USE bool tool_context_resolve(struct tool_call *call);
