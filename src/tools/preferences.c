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

/* One of @names, as its index; absent: stays. False: answered. */
static bool take_choice(struct tool_call *call, const char *arg, const char *const *names,
    int count, int *at)
{
    struct str value;
    if (!tool_arg_str(call, arg, true, &value)) {
        return false;
    }
    if (value.len == 0) {
        return true;
    }
    struct buf list = BUF_INIT(256);
    for (int i = 0; i < count; i++) {
        if (str_eq(value, str_of(names[i]))) {
            *at = i;
            buf_free(&list);
            return true;
        }
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    struct str all = buf_str(&list);
    tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
        "Argument \"%s\" of %s is \"" STR_FMT "\"; allowed are: " STR_FMT ".", arg,
        call->tool->name, STR_ARG(tool_shown(value)), STR_ARG(all));
    buf_free(&list);
    return false;
}

/* The session's own, with what the call changes. */
static bool take(struct tool_call *call, struct tool_preferences *p)
{
    static const char *const priorities[] = {"normal", "low"};
    struct tool_self self;
    int format;
    int priority;
    int64_t limit;
    int64_t timeout_s;
    call->host->self(call, &self);
    tool_preferences(call, p);
    format = p->format;
    priority = p->is_low;
    if (!tool_arg_int(call, "limit", 0, self.limit_rows_max, p->limit_rows, &limit) ||
        !tool_arg_int(call, "timeout_s", 0, self.timeout_s_max, p->timeout_s, &timeout_s) ||
        !take_choice(call, "format", format_names, TOOL_FORMATS, &format) ||
        !take_choice(call, "priority", priorities, ARRAY_LEN(priorities), &priority)) {
        return false;
    }
    *p = (struct tool_preferences){(uint32_t)limit, (uint32_t)timeout_s, (uint8_t)format,
        priority != 0};
    return true;
}

enum tool_move set_preferences_start(struct tool_call *call)
{
    if (!tool_args_known(call) ||
        (call->host->profile_count(call) > 0 && !tool_context_resolve(call)) ||
        !take(call, &call->preferences)) {
        return TOOL_ANSWER;
    }
    call->sets_preferences = true;
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
