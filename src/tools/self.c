// SPDX-License-Identifier: Apache-2.0
/* whoami: who asks, where, and within which bounds. */
#include "sql/dialect.h"
#include "tools/calls.h"

static void put_profiles(struct tool_call *call)
{
    struct buf *out = &call->out;
    struct tool_profile profile;
    buf_puts(out, ",\"profiles\":[");
    for (uint32_t i = 0; i < call->host->profile_count(call); i++) {
        call->host->profile_at(call, i, &profile);
        buf_puts(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        buf_put_json(out, profile.name);
        reply_put_member(out, "dialect", str_of(sql_dialect(profile.dialect)->name));
        reply_put_member(out, "policy", profile.policy);
        if (profile.per_principal) {
            buf_printf(out, ",\"identity\":\"per_principal\",\"credential\":%s",
                profile.has_credential ? "true" : "false");
        }
        buf_printf(out, ",\"slots\":%u,", profile.slots);
        reply_put_parts(out, profile.defaults);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_limits(struct buf *out, const struct tool_self *self)
{
    buf_printf(out,
        ",\"limits\":{\"limit_rows\":%u,\"limit_rows_max\":%u,\"page_bytes\":%u,"
        "\"cell_chars\":%u,\"grace_s\":%u,\"timeout_s\":%u,\"timeout_s_max\":%u,"
        "\"queue_s\":%u,\"queue_principal\":%u,\"queue_client\":%u,\"sessions_max\":%u",
        self->limit_rows, self->limit_rows_max, self->page_bytes, self->cell_chars,
        self->grace_s, self->timeout_s, self->timeout_s_max, self->queue_s,
        self->queue_principal, self->queue_client, self->sessions_max);
    buf_puts(out, ",\"rates_and_quotas\":[");
    for (uint32_t i = 0; i < self->limit_count; i++) {
        buf_puts(out, i > 0 ? "," : "");
        tool_put_limit(out, &self->limit[i]);
    }
    buf_puts(out, "]}");
}

enum tool_move whoami_start(struct tool_call *call)
{
    struct tool_self self;
    struct tool_profile profile;
    struct buf *out = &call->out;
    if (!tool_args_known(call)) {
        return TOOL_ANSWER;
    }
    bool has_profile = call->host->profile_count(call) > 0;
    bool has_context = has_profile && tool_context_resolve(call);
    if (!has_context) {
        call->context = (struct tool_context){0};
    }
    call->host->self(call, &self);
    reply_begin(call, "done");
    reply_put_member(out, "principal", self.principal);
    reply_put_member(out, "client", self.client);
    reply_put_member(out, "client_type", self.client_type);
    reply_put_member(out, "session", str_of(call->session));
    if (tool_is_set(call->session)) {
        struct tool_preferences preferences;
        tool_preferences(call, &preferences);
        buf_putc(out, ',');
        tool_put_preferences(out, &preferences);
    }
    if (has_context &&
        tool_profile_find(call, str_of(call->context.part[TOOL_PROFILE]), &profile)) {
        reply_put_member(out, "policy", profile.policy);
    }
    put_profiles(call);
    put_limits(out, &self);
    reply_put_member(out, "version", self.version);
    if (has_profile && !has_context) {
        reply_put_notice(call,
            STR("The session's profile is gone: call use_context with another profile."));
    }
    if (!has_profile) {
        reply_put_notice(call,
            STR("No warehouse is configured: write a [profile.NAME] section into "
                "snowmux.toml, or start snowmux serve --duckdb FILE."));
    }
    return reply_end(call);
}
