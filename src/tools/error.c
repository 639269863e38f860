// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "tools/calls.h"

static const struct {
    const char *code;
    bool retryable;
    const char *hint;
} errors[TOOL_CODES] = {
#define TOOL_ERROR(name, code, retryable, hint, text) {code, retryable, hint},
#include "tools/error.def"
#undef TOOL_ERROR
};

const char *tool_code_name(enum tool_code code)
{
    ASSERT(code < TOOL_CODES);
    return errors[code].code;
}

enum tool_move tool_fail_more(struct tool_call *call, enum tool_code code,
    uint64_t retry_after_ms, struct str message, struct str hint, struct str more)
{
    ASSERT(code < TOOL_CODES);
    tool_call_init(call);
    struct buf *out = &call->out;
    buf_clear(out);
    buf_printf(out, "{\"error\":{\"code\":\"%s\",\"message\":", errors[code].code);
    buf_put_json(out, str_utf8_prefix(message, TOOL_MESSAGE_MAX));
    buf_puts(out, ",\"hint\":");
    buf_put_json(out, hint.ptr ? hint : str_of(errors[code].hint));
    buf_puts(
        out, errors[code].retryable ? ",\"retryable\":true" : ",\"retryable\":false");
    if (retry_after_ms > 0) {
        buf_puts(out, ",\"retry_after_ms\":");
        buf_put_u64(out, retry_after_ms);
    }
    if (tool_is_set(call->query)) {
        reply_put_member(out, "query", str_of(call->query));
    }
    if (more.ptr) {
        buf_put_str(out, more);
    }
    buf_puts(out, "}}");
    call->is_error = true;
    call->code = code;
    return TOOL_ANSWER;
}

enum tool_move tool_fail(struct tool_call *call, enum tool_code code,
    uint64_t retry_after_ms, const char *format, ...)
{
    char text[TOOL_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ASSERT(len >= 0);
    return tool_fail_more(call, code, retry_after_ms, str_of(text), (struct str){NULL, 0},
        (struct str){NULL, 0});
}

void tool_put_limit(struct buf *out, const struct tool_limit *limit)
{
    buf_printf(out, "{\"name\":\"%s\",\"max\":%llu,\"remaining\":%llu", limit->name,
        (unsigned long long)limit->max, (unsigned long long)limit->remaining);
    if (limit->reserved > 0) {
        buf_printf(out, ",\"reserved\":%llu", (unsigned long long)limit->reserved);
    }
    if (limit->reset_ms > 0) {
        buf_printf(out, ",\"reset_ms\":%llu", (unsigned long long)limit->reset_ms);
    }
    if (limit->reset_at.len > 0) {
        reply_put_member(out, "reset_at", limit->reset_at);
    }
    buf_putc(out, '}');
}

enum tool_move tool_fail_limit(struct tool_call *call, enum tool_code code,
    uint64_t retry_after_ms, const struct tool_limit *limit, const char *format, ...)
{
    char text[TOOL_MESSAGE_MAX];
    struct buf more = BUF_INIT(4096);
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ASSERT(len >= 0);
    if (limit->reset_at.len > 0) {
        reply_put_member(&more, "reset_at", limit->reset_at);
    }
    buf_puts(&more, ",\"limit\":");
    tool_put_limit(&more, limit);
    tool_fail_more(
        call, code, retry_after_ms, str_of(text), (struct str){NULL, 0}, buf_str(&more));
    buf_free(&more);
    return TOOL_ANSWER;
}

bool tool_host_failed(struct tool_call *call, const struct tool_done *done)
{
    if (done->ok) {
        return false;
    }
    tool_fail_more(
        call, done->code, 0, done->message, (struct str){NULL, 0}, (struct str){NULL, 0});
    return true;
}
