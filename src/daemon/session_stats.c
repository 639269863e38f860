// SPDX-License-Identifier: Apache-2.0
/* What sessions did: counted a call at a time, summed when somebody asks. */
#include <stdlib.h>

#include "base/clock.h"
#include "daemon/inside.h"

/* Did an engine see anything of a call that ended so? */
static bool was_run(enum tool_code code)
{
    switch (code) {
    case TOOL_E_OBJECT_NOT_FOUND:
    case TOOL_E_SQL_ERROR:
    case TOOL_E_CONTEXT_FAILED:
    case TOOL_E_TIMEOUT:
    case TOOL_E_CANCELLED:
    case TOOL_E_WORKER_DIED:
    case TOOL_E_STORE_FAILED:
    case TOOL_E_INTERNAL:
        return true;
    default:
        return false;
    }
}

bool call_has_failed(const struct call *call)
{
    return call->tool.is_error && !call->tool.is_relayed;
}

bool call_was_refused(const struct call *call)
{
    return call_has_failed(call) && !was_run(call->tool.code);
}

uint64_t call_response_ns(const struct call *call)
{
    return (call->answered_ns > 0 ? call->answered_ns : clock_boot_ns()) - call->arrived_ns;
}

void session_count(struct call *call)
{
    struct session *s = call->session;
    if (!s) {
        return;
    }
    uint64_t response_ns = call_response_ns(call);
    struct tool_counts *counts = &s->counts;
    counts->calls_total++;
    if (call_was_refused(call)) {
        counts->calls_refused++;
    } else if (call_has_failed(call)) {
        counts->calls_failed++;
    } else {
        counts->calls_ok++;
    }
    counts->rows += call->rows;
    counts->bytes_received += call->bytes_in;
    counts->bytes_sent += call_answer_len(call);
    counts->calls_timed++;
    counts->response_ns += response_ns;
    counts->queue_ns += call->queue_ns;
    if (s->body) {
        histogram_add(&s->body->response_times, response_ns);
    }
    s->last_seen_wall_ns = clock_wall_ns();
    sessions_mark(s);
}

/* One that was away is counted when the core says that it is back. */
void session_attached(struct session *s)
{
    if (!s->is_away) {
        s->counts.connections++;
        sessions_mark(s);
    }
}

void session_saved(struct session *s, enum core_session_state state)
{
    bool is_here = state == CORE_CONNECTED || state == CORE_ACTIVE || state == CORE_IDLE;
    s->counts.connections += s->is_away && is_here;
    s->is_away = state == CORE_DISCONNECTED || (s->is_away && !is_here);
    sessions_mark(s);
}

static void tally(struct tool_tally *list, uint32_t *count, uint32_t max, struct str name)
{
    uint32_t i = 0;
    while (i < *count && !str_eq(list[i].name, name)) {
        i++;
    }
    if (i == *count && i < max) {
        list[(*count)++] = (struct tool_tally){.name = name};
    }
    if (i < max) {
        list[i].count++;
    }
}

static void add_counts(struct tool_counts *sum, const struct tool_counts *one)
{
    sum->calls_total += one->calls_total;
    sum->calls_ok += one->calls_ok;
    sum->calls_failed += one->calls_failed;
    sum->calls_refused += one->calls_refused;
    sum->rows += one->rows;
    sum->bytes_received += one->bytes_received;
    sum->bytes_sent += one->bytes_sent;
    sum->calls_timed += one->calls_timed;
    sum->response_ns += one->response_ns;
    sum->queue_ns += one->queue_ns;
    sum->connections += one->connections;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t count_different(uint32_t *keys, uint32_t len)
{
    uint32_t different = 0;
    qsort(keys, len, sizeof(*keys), by_number);
    for (uint32_t i = 0; i < len; i++) {
        different += i == 0 || keys[i] != keys[i - 1];
    }
    return different;
}

void sessions_stats(struct daemon *d, uint32_t principal, struct tool_stats *ret)
{
    *ret = (struct tool_stats){0};
    uint32_t live = core_counts(d->core).sessions;
    uint32_t *keys = malloc((live + 1) * sizeof(*keys)); /* without: clients is 0 */
    for (uint32_t i = 0; i < d->limits.sessions; i++) {
        const struct session *s = d->sessions[i];
        struct core_session_view core;
        struct tool_session view;
        if (!s || (principal != 0 && s->principal != principal) ||
            !core_session_view(d->core, s->number, &core)) {
            continue;
        }
        sessions_view(d, s, &view);
        if (keys && ret->sessions < live) {
            keys[ret->sessions] = s->client;
        }
        ret->sessions++;
        ret->active += core.state == CORE_CONNECTED || core.state == CORE_ACTIVE ||
                       core.state == CORE_IDLE;
        ret->calls_active += core.calls;
        tally(ret->type, &ret->type_count, TOOL_TYPES_MAX, view.client_type);
        tally(ret->state, &ret->state_count, TOOL_STATES_MAX, view.state);
        add_counts(&ret->counts, &s->counts);
        if (s->body) {
            histogram_merge(&ret->response_times, &s->body->response_times);
        }
    }
    ret->clients = keys ? count_different(keys, ret->sessions < live ? ret->sessions : live) : 0;
    free(keys);
}
