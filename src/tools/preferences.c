// SPDX-License-Identifier: Apache-2.0
/* set_preferences: what a session wants where its calls say nothing. */
#include "tools/calls.h"

static const char *const format_names[TOOL_FORMATS] = {"arrays", "objects", "csv"};

void tool_put_preferences(struct buf *out, const struct tool_preferences *preferences)
{
    buf_puts(out, "\"preferences\":{");
    if (preferences->limit_rows > 0) {
        buf_printf(out, "\"limit\":%u,", preferences->limit_rows);
    }
    if (preferences->timeout_s > 0) {
        buf_printf(out, "\"timeout_s\":%u,", preferences->timeout_s);
    }
    buf_printf(out, "\"format\":\"%s\",\"priority\":\"%s\"}",
        format_names[preferences->format], preferences->is_low ? "low" : "normal");
}

void tool_preferences(struct tool_call *call, struct tool_preferences *ret)
{
    struct tool_session session;
    *ret = (struct tool_preferences){0};
    if (tool_is_set(call->session) &&
        call->host->session_find(call, str_of(call->session), &session)) {
        *ret = session.preferences;
    }
}

static bool is_null(const struct tool_call *call, const char *arg)
{
    return yyjson_is_null(yyjson_obj_get(call->args, arg));
}

/* Absent: stays; null: the first. */
static bool take_choice(
    struct tool_call *call, const char *arg, const char *const *names, int count, int *at)
{
    *at = is_null(call, arg) ? 0 : *at;
    return tool_arg_choice(call, arg, names, count, at);
}

/* Absent: stays; null and 0: the setting. */
static bool take_number(
    struct tool_call *call, const char *arg, uint32_t max, uint32_t *number)
{
    int64_t value;
    if (!tool_arg_int(call, arg, 0, max, is_null(call, arg) ? 0 : *number, &value)) {
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

bool tool_preferences_take(struct tool_call *call)
{
    static const char *const priorities[] = {"normal", "low"};
    struct tool_preferences *p = &call->preferences;
    struct tool_self self;
    call->host->self(call, &self);
    tool_preferences(call, p);
    int format = p->format;
    int priority = p->is_low;
    if (!take_number(call, "limit", self.limit_rows_max, &p->limit_rows) ||
        !take_number(call, "timeout_s", self.timeout_s_max, &p->timeout_s) ||
        !take_choice(call, "format", format_names, TOOL_FORMATS, &format) ||
        !take_choice(call, "priority", priorities, ARRAY_LEN(priorities), &priority)) {
        return false;
    }
    p->format = (uint8_t)format;
    p->is_low = priority != 0;
    return true;
}

static bool names_preferences(const struct tool_call *call)
{
    static const char *const names[] = {"limit", "timeout_s", "format", "priority"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (yyjson_obj_get(call->args, names[i])) {
            return true;
        }
    }
    return false;
}

enum tool_move set_preferences_start(struct tool_call *call)
{
    struct tool_session session;
    bool found;
    call->sets_preferences = true;
    if (!tool_args_known(call) || !tool_session_find(call, &found, &session)) {
        return TOOL_ANSWER;
    }
    bool moves = session_names_context(call);
    if (!moves && !names_preferences(call)) {
        return tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "set_preferences sets nothing: give limit, timeout_s, format, priority or a "
            "part of the context; null takes one back.");
    }
    if (moves && (!tool_context_resolve(call) || !tool_preferences_take(call))) {
        return TOOL_ANSWER;
    }
    /* Else the context is only shown, and where its profile is gone there is none. */
    bool has_profile = call->host->profile_count(call) > 0;
    if (!moves && (!has_profile || !tool_context_resolve(call))) {
        call->context = (struct tool_context){0};
    }
    return session_take(call);
}

enum tool_move set_preferences_done(struct tool_call *call, const struct tool_done *done)
{
    struct tool_preferences now;
    if (tool_host_failed(call, done)) {
        return TOOL_ANSWER;
    }
    bool has_opened = !tool_is_set(call->session);
    bool fits = str_copy(done->session, call->session, HANDLE_SIZE);
    ASSERT(fits);
    tool_preferences(call, &now);
    reply_begin(call, "done");
    reply_put_member(&call->out, "session", done->session);
    buf_putc(&call->out, ',');
    tool_put_preferences(&call->out, &now);
    if (has_opened) {
        buf_printf(&call->out, ",\"notice\":\"Pass session=" STR_FMT " from now on.\"",
            STR_ARG(done->session));
    }
    return reply_end(call);
}
