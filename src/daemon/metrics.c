// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics.h"

#include "base/clock.h"
#include "daemon/inside.h"

void metrics_call(struct call *call)
{
    struct metrics *m = &call->daemon->metrics;
    uint64_t response_ns = call_response_ns(call);
    bool has_failed = call_has_failed(call);
    enum metrics_outcome outcome = !has_failed              ? METRICS_OK
                                   : call_was_refused(call) ? METRICS_REFUSED
                                                            : METRICS_FAILED;
    /* A resource is a result that is read on. */
    const struct tool *tool = call->resource.ptr ? tool_find(STR("fetch_result")) : call->tool.tool;
    m->calls[tool_number(tool)][outcome]++;
    m->errors[call->tool.code] += has_failed;
    m->rows += call->rows;
    m->bytes_received += call->bytes_in;
    m->bytes_sent += call_answer_len(call);
    m->response_ns += response_ns;
    histogram_add(&m->response_times, response_ns);
    if (call->has_queued) {
        m->queue_ns += call->queue_ns;
        m->queued++;
        histogram_add(&m->queue_times, call->queue_ns);
    }
}

/* ---- the page ---- */

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP snowmux_%s %s\n# TYPE snowmux_%s %s\n", name, help, name, type);
}

static void put_value(struct buf *out, const char *name, const char *labels, uint64_t value)
{
    buf_printf(out, "snowmux_%s%s %llu\n", name, labels, (unsigned long long)value);
}

static void put_one(
    struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    put_head(out, name, type, help);
    put_value(out, name, "", value);
}

/* NAME{label="value"} */
static void put_labelled(
    struct buf *out, const char *name, const char *label, struct str value, uint64_t count)
{
    buf_printf(out, "snowmux_%s{%s=\"" STR_FMT "\"} %llu\n", name, label, STR_ARG(value),
        (unsigned long long)count);
}

static void put_histogram(struct buf *out, const char *name, const char *help,
    const struct histogram *h, uint64_t sum_ns)
{
    uint64_t total = 0;
    put_head(out, name, "histogram", help);
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += h->count[i];
        if (i + 1 < HISTOGRAM_BUCKETS) {
            buf_printf(out, "snowmux_%s_bucket{le=\"%.6g\"} %llu\n", name,
                (double)histogram_bound_ns(i) / NS_PER_S, (unsigned long long)total);
        }
    }
    buf_printf(out, "snowmux_%s_bucket{le=\"+Inf\"} %llu\nsnowmux_%s_sum %.6f\nsnowmux_%s_count %llu\n",
        name, (unsigned long long)total, name, (double)sum_ns / NS_PER_S, name,
        (unsigned long long)total);
}

static void put_tallies(struct buf *out, const char *name, const char *label, const char *help,
    const struct tool_tally *list, uint32_t count)
{
    put_head(out, name, "gauge", help);
    for (uint32_t i = 0; i < count; i++) {
        put_labelled(out, name, label, list[i].name, list[i].count);
    }
}

/* With many sessions that takes milliseconds, which nobody is to have for each request. */
static const struct tool_stats *recent_stats(struct daemon *d)
{
    struct metrics *m = &d->metrics;
    uint64_t now_ns = clock_boot_ns();
    if (m->stats_ns == 0 || now_ns - m->stats_ns >= NS_PER_S) {
        sessions_stats(d, 0, &m->stats);
        holds_count(d, m->holds);
        m->stats_ns = now_ns;
    }
    return &m->stats;
}

/* The six figures of session_stats, over all sessions that there are. */
static void put_stats(struct daemon *d, struct buf *out)
{
    const struct tool_stats *stats = recent_stats(d);
    uint64_t timed = stats->counts.calls_timed;
    put_one(out, "total_sessions", "gauge", "Sessions, sleeping ones too.", stats->sessions);
    put_one(out, "active_sessions", "gauge", "Sessions with a connection.", stats->active);
    put_one(out, "unique_clients", "gauge", "Client keys that have a session.", stats->clients);
    put_tallies(out, "client_types", "type", "Sessions by type of client.", stats->type,
        stats->type_count);
    put_tallies(out, "sessions", "state", "Sessions by state.", stats->state, stats->state_count);
    put_one(out, "total_requests", "gauge", "Calls of these sessions in their lives.",
        stats->counts.calls_total);
    put_head(out, "avg_response_time_ms", "gauge", "Mean over those calls that were timed.");
    buf_printf(out, "snowmux_avg_response_time_ms %.3f\n",
        timed > 0 ? (double)stats->counts.response_ns / (double)timed / NS_PER_MS : 0.0);
}

static const char *const outcomes[METRICS_OUTCOMES] = {"ok", "failed", "refused"};

static void put_tools(const struct metrics *m, struct buf *out)
{
    const struct tool *tool;
    uint64_t total[METRICS_OUTCOMES] = {0};
    put_head(out, "tool_calls_total", "counter", "Tool calls that ended, by tool and outcome.");
    for (uint32_t i = 0; (tool = tool_at(i)); i++) {
        for (int o = 0; o < METRICS_OUTCOMES; o++) {
            total[o] += m->calls[i][o];
            buf_printf(out, "snowmux_tool_calls_total{tool=\"%s\",outcome=\"%s\"} %llu\n",
                tool->name, outcomes[o], (unsigned long long)m->calls[i][o]);
        }
    }
    put_head(out, "calls_total", "counter", "Tool calls that ended, by outcome.");
    for (int o = 0; o < METRICS_OUTCOMES; o++) {
        put_labelled(out, "calls_total", "outcome", str_of(outcomes[o]), total[o]);
    }
}

static void put_calls(const struct metrics *m, struct buf *out)
{
    put_tools(m, out);
    put_head(out, "call_errors_total", "counter", "Tool calls that ended in an error, by code.");
    for (int i = 0; i < TOOL_CODES; i++) {
        put_labelled(out, "call_errors_total", "code",
            str_of(tool_code_name((enum tool_code)i)), m->errors[i]);
    }
    put_histogram(out, "call_seconds", "From a call's arrival to its answer.",
        &m->response_times, m->response_ns);
    put_histogram(out, "queue_seconds", "What calls waited for a connection.", &m->queue_times,
        m->queue_ns);
    put_one(out, "rows_total", "counter", "Rows shown.", m->rows);
    put_one(out, "bytes_received_total", "counter", "Bytes of calls.", m->bytes_received);
    put_one(out, "bytes_sent_total", "counter", "Bytes of answers.", m->bytes_sent);
}

static void put_refusals(const struct metrics *m, struct buf *out)
{
    static const char *const kinds[] = {"rate", "quota"};
    static const char *const scopes[] = {"session", "client", "principal", "global"};
    put_head(out, "limit_refusals_total", "counter", "Calls refused for a rate or a quota.");
    for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
        for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
            buf_printf(out, "snowmux_limit_refusals_total{limit=\"%s\",scope=\"%s\"} %llu\n",
                kinds[kind], scopes[i], (unsigned long long)m->refused[kind][i]);
        }
    }
    put_one(out, "http_floods_total", "counter", "HTTP requests answered by 429.", m->floods);
}

static void put_sessions(const struct metrics *m, struct buf *out)
{
    put_one(out, "sessions_opened_total", "counter", "Sessions opened.", m->sessions_opened);
    put_one(out, "sessions_refused_total", "counter", "Sessions not opened: too many, or stopping.",
        m->sessions_refused);
    put_head(out, "sessions_ended_total", "counter", "Sessions ended, by reason.");
    for (int i = 0; i < CORE_REASONS; i++) {
        put_labelled(out, "sessions_ended_total", "reason",
            str_of(core_reason_name((enum core_reason)i)), m->sessions_ended[i]);
    }
}

static void put_pins(struct daemon *d, struct buf *out)
{
    static const char *const kinds[HOLDS_KINDS] = {
        "transaction", "temporary", "variable", "prepared"};
    (void)recent_stats(d);
    put_head(out, "pinned", "gauge", "Sessions that hold a connection, by what is on it.");
    for (int i = 0; i < HOLDS_KINDS; i++) {
        put_labelled(out, "pinned", "reason", str_of(kinds[i]), d->metrics.holds[i]);
    }
    put_one(out, "pinned_idle", "gauge", "Connections that hold something of a session, and run nothing.",
        core_counts(d->core).conns_pinned);
    put_head(out, "pins_lost_total", "counter", "Pinned connections that were given up, by reason.");
    for (int i = 0; i < CORE_REASONS; i++) {
        put_labelled(out, "pins_lost_total", "reason",
            str_of(core_reason_name((enum core_reason)i)), d->metrics.pins_lost[i]);
    }
}

static void put_leases(const struct daemon *d, struct buf *out)
{
    static const char *const connections[] = {"new", "reused"};
    put_head(out, "leases_total", "counter", "Connections given to calls, by profile.");
    for (uint32_t i = 0; i < d->profile_count; i++) {
        for (size_t c = 0; c < ARRAY_LEN(connections); c++) {
            buf_printf(out, "snowmux_leases_total{profile=\"%s\",connection=\"%s\"} %llu\n",
                d->profile[i].config->name, connections[c],
                (unsigned long long)d->profile[i].leases[c]);
        }
    }
    put_head(out, "statements_total", "counter", "Statements sent for calls.");
    for (uint32_t i = 0; i < d->profile_count; i++) {
        put_labelled(out, "statements_total", "profile", str_of(d->profile[i].config->name),
            d->profile[i].statements);
    }
    put_head(out, "context_statements_total", "counter",
        "What was sent before them to set a context.");
    for (uint32_t i = 0; i < d->profile_count; i++) {
        put_labelled(out, "context_statements_total", "profile",
            str_of(d->profile[i].config->name), d->profile[i].context_statements);
    }
}

static void put_profile(const struct daemon *d, uint32_t i, struct buf *out)
{
    struct core_profile_view view = core_profile_view(d->core, i);
    const struct {
        const char *state;
        uint32_t count;
    } states[] = {{"busy", view.busy}, {"idle", view.idle}, {"connecting", view.connecting}};
    for (size_t s = 0; s < ARRAY_LEN(states); s++) {
        buf_printf(out, "snowmux_connections{profile=\"%s\",state=\"%s\"} %u\n",
            d->profile[i].config->name, states[s].state, states[s].count);
    }
}

static void put_pool(struct daemon *d, struct buf *out)
{
    struct core_counts counts = core_counts(d->core);
    put_head(out, "connections", "gauge", "Warehouse connections, by profile and state.");
    for (uint32_t i = 0; i < d->profile_count; i++) {
        put_profile(d, i, out);
    }
    put_head(out, "slots", "gauge", "Statements a profile runs at once at most.");
    for (uint32_t i = 0; i < d->profile_count; i++) {
        put_labelled(out, "slots", "profile", str_of(d->profile[i].config->name),
            core_profile_view(d->core, i).slots);
    }
    put_head(out, "queued", "gauge", "Calls that wait for a connection.");
    for (uint32_t i = 0; i < d->profile_count; i++) {
        put_labelled(out, "queued", "profile", str_of(d->profile[i].config->name),
            core_profile_view(d->core, i).queued);
    }
    put_one(out, "running", "gauge", "Calls that have a connection.", counts.running);
    put_one(out, "workers", "gauge", "Worker processes of warehouses.", counts.workers);
    put_one(out, "workers_started_total", "counter", "Worker processes started.",
        d->metrics.workers_started);
}

bool metrics_store_trouble(const struct daemon *d)
{
    return !limits_are_kept(d) || store_is_failing(d->store);
}

void metrics_put(struct daemon *d, struct buf *out)
{
    put_head(out, "build_info", "gauge", "The version that runs.");
    put_labelled(out, "build_info", "version", STR(SNOWMUX_VERSION), 1);
    put_one(out, "start_time_seconds", "gauge", "When the daemon started, since 1970.",
        d->started_wall_ns / NS_PER_S);
    put_stats(d, out);
    put_sessions(&d->metrics, out);
    put_calls(&d->metrics, out);
    put_refusals(&d->metrics, out);
    put_pool(d, out);
    put_leases(d, out);
    put_pins(d, out);
    put_one(out, "http_connections", "gauge", "Open HTTP connections.",
        d->http ? http_connections(d->http) : 0);
    put_one(out, "socket_connections", "gauge", "Open connections on the Unix socket.",
        d->pipe_conns);
    put_one(out, "store_jobs", "gauge", "Writes and reads that the store has not answered.",
        store_jobs(d->store));
    put_one(out, "store_write_failures_total", "counter", "Writes that the store failed to do.",
        store_write_failures(d->store));
    put_one(out, "store_trouble", "gauge", "1 while the store cannot be written.",
        metrics_store_trouble(d));
}
