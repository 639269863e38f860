// SPDX-License-Identifier: Apache-2.0
/* session_stats: what one session did, or all of one's own. */
#include "base/clock.h"
#include "tools/calls.h"

/* Milliseconds with three decimals, from which a reader can tell 0.1 from none. */
static void put_ms(struct buf *out, const char *name, uint64_t ns)
{
    buf_printf(out, ",\"%s\":%llu.%03llu", name, (unsigned long long)(ns / NS_PER_MS),
        (unsigned long long)(ns % NS_PER_MS / 1000));
}

static void put_count(struct buf *out, const char *name, uint64_t count)
{
    buf_printf(out, ",\"%s\":%llu", name, (unsigned long long)count);
}

static uint64_t mean(uint64_t sum, uint64_t count)
{
    return count > 0 ? sum / count : 0;
}

static void put_counts(struct buf *out, const struct tool_counts *c)
{
    put_count(out, "total_requests", c->calls_total);
    put_count(out, "successful_requests", c->calls_ok);
    put_count(out, "failed_requests", c->calls_failed);
    put_count(out, "refused_requests", c->calls_refused);
    put_count(out, "rows", c->rows);
    put_count(out, "bytes_received", c->bytes_received);
    put_count(out, "bytes_sent", c->bytes_sent);
    put_count(out, "connection_count", c->connections);
    put_ms(out, "avg_response_time_ms", mean(c->response_ns, c->calls_timed));
    put_ms(out, "avg_queue_time_ms", mean(c->queue_ns, c->calls_timed));
}

/* null: longer than all bounds. */
static void put_times(struct buf *out, const struct histogram *times)
{
    static const uint32_t permille[] = {500, 950, 990};
    buf_puts(out, ",\"response_ms_below\":{\"of\":[50,95,99],\"ms\":[");
    for (size_t i = 0; i < ARRAY_LEN(permille); i++) {
        uint64_t ns = histogram_below_ns(times, permille[i]);
        buf_puts(out, i > 0 ? "," : "");
        if (ns == UINT64_MAX) {
            buf_puts(out, "null");
        } else {
            buf_printf(out, "%llu.%03llu", (unsigned long long)(ns / NS_PER_MS),
                (unsigned long long)(ns % NS_PER_MS / 1000));
        }
    }
    buf_puts(out, "]");
    put_count(out, "calls", histogram_count(times));
    buf_putc(out, '}');
}

static void put_tallies(
    struct buf *out, const char *name, const struct tool_tally *list, uint32_t count)
{
    buf_printf(out, ",\"%s\":{", name);
    for (uint32_t i = 0; i < count; i++) {
        buf_puts(out, i > 0 ? "," : "");
        buf_put_json(out, list[i].name);
        buf_printf(out, ":%u", list[i].count);
    }
    buf_putc(out, '}');
}

void tool_put_stats(struct buf *out, const struct tool_stats *stats)
{
    buf_printf(out, "\"total_sessions\":%u,\"active_sessions\":%u,\"unique_clients\":%u",
        stats->sessions, stats->active, stats->clients);
    put_tallies(out, "client_types", stats->type, stats->type_count);
    put_tallies(out, "by_state", stats->state, stats->state_count);
    put_count(out, "active_requests", stats->calls_active);
    put_counts(out, &stats->counts);
    put_times(out, &stats->response_times);
}

void tool_put_session_counts(struct buf *out, const struct tool_session *session)
{
    put_count(out, "active_requests", session->calls_active);
    put_counts(out, &session->counts);
    if (!session->response_times) {
        return; /* it sleeps, and with it how its times are spread */
    }
    put_times(out, session->response_times);
}

void tool_put_session_facts(struct buf *out, const struct tool_session *session)
{
    reply_put_member(out, "label", session->label);
    reply_put_member(out, "client", session->client);
    reply_put_member(out, "client_type", session->client_type);
    reply_put_member(out, "state", session->state);
    buf_puts(out, ",\"created\":");
    reply_put_time(out, session->created_wall_ns);
}

static void put_session(struct tool_call *call, const struct tool_session *session)
{
    struct buf *out = &call->out;
    reply_put_member(out, "session", session->handle);
    tool_put_session_facts(out, session);
    buf_puts(out, ",\"last_activity\":");
    reply_put_time(out, session->last_seen_wall_ns);
    tool_put_session_counts(out, session);
    buf_putc(out, ',');
    tool_put_preferences(out, &session->preferences);
}

enum tool_move session_stats_start(struct tool_call *call)
{
    struct str handle;
    struct tool_session session;
    struct tool_stats stats;
    if (!tool_args_known(call) ||
        !tool_arg_handle(call, "session", HANDLE_SESSION, &handle)) {
        return TOOL_ANSWER;
    }
    if (!handle.ptr) {
        call->host->session_stats(call, &stats);
        reply_begin(call, "done");
        buf_putc(&call->out, ',');
        tool_put_stats(&call->out, &stats);
        return reply_end(call);
    }
    if (!call->host->session_find(call, handle, &session)) {
        return tool_fail(call, TOOL_E_SESSION_NOT_FOUND, 0,
            "There is no session " STR_FMT ".", STR_ARG(handle));
    }
    reply_begin(call, "done");
    put_session(call, &session);
    return reply_end(call);
}
