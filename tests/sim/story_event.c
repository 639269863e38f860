// SPDX-License-Identifier: Apache-2.0
/* Events as the words of a story: what story_parse_event() reads, written. */
#include "story.h"

#include <inttypes.h>

static const char *const words[] = {
    [CORE_TICK] = "tick",
    [CORE_SESSION_OPEN] = "open",
    [CORE_SESSION_LOAD] = "load",
    [CORE_SESSION_BODY] = "body",
    [CORE_SESSION_DURABLE] = "durable",
    [CORE_SESSION_ATTACH] = "attach",
    [CORE_SESSION_DETACH] = "detach",
    [CORE_SESSION_TOUCH] = "touch",
    [CORE_SESSION_SEEN] = "seen",
    [CORE_SESSION_CONTEXT] = "context",
    [CORE_SESSION_CLOSE] = "close",
    [CORE_SUBMIT] = "submit",
    [CORE_CANCEL] = "cancel",
    [CORE_WORKER_UP] = "up",
    [CORE_WORKER_LOST] = "lost",
    [CORE_CONN_UP] = "up",
    [CORE_CONN_LOST] = "lost",
    [CORE_STARTED] = "started",
    [CORE_DONE] = "done",
    [CORE_CONN_PENDING] = "pending",
    [CORE_LOGIN_CHANGED] = "changed",
    [CORE_FETCH] = "fetch",
    [CORE_FETCHED] = "fetched",
    [CORE_QUOTA_DAY] = "day",
    [CORE_RESTARTED] = "restarted",
    [CORE_ACCOUNT_LOAD] = "account",
    [CORE_DRAIN] = "drain",
};

static void put_context(
    const struct story *s, const struct core_context *context, struct buf *out)
{
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        if (context->part[i] > 0) {
            ASSERT(context->part[i] < STORY_NAMES_MAX);
            buf_printf(out, " %s=%s", story_parts[i], s->names[context->part[i]]);
        }
    }
}

static void put_who(const struct story *s, const struct core_event *e, struct buf *out)
{
    ASSERT(e->principal < STORY_NAMES_MAX && e->client < STORY_NAMES_MAX);
    buf_printf(out, " %s/%s", s->names[e->principal], s->names[e->client]);
}

static void put_count(const char *word, uint64_t count, struct buf *out)
{
    if (count > 0) {
        buf_printf(out, " %s=%" PRIu64, word, count);
    }
}

static void put_duration(const char *word, uint64_t ns, struct buf *out)
{
    if (ns > 0) {
        buf_printf(out, " %s=", word);
        story_print_time((int64_t)ns, out);
    }
}

/* Before @wall_ns, or with a minus sign after it. */
static void put_since(const char *word, uint64_t at_ns, uint64_t wall_ns, struct buf *out)
{
    if (at_ns != wall_ns) {
        buf_printf(out, " %s=", word);
        story_print_time((int64_t)(wall_ns - at_ns), out);
    }
}

static void put_owner(char letter, uint32_t index, uint32_t generation,
    const uint32_t *generations, struct buf *out)
{
    buf_printf(out, " %c%" PRIu32, letter, index);
    if (generation == 0 || generation != generations[index]) {
        buf_printf(out, "@%" PRIu32, generation);
    }
}

/* What the line would mean without it is left out. */
static void put_call(const struct story *s, const struct core_event *e, struct buf *out)
{
    static const struct core_context empty;
    struct core_session_view view = {.context = empty};
    bool known = e->session != CORE_NONE && core_session_view(s->core, e->session, &view);
    buf_printf(out, " #%" PRIu32, e->ticket);
    if (e->session != CORE_NONE) {
        buf_printf(out, " s%" PRIu32, e->session);
    }
    if (!known || view.principal != e->principal || view.client != e->client) {
        put_who(s, e, out);
    }
    if (memcmp(&view.context, &e->context, sizeof(e->context)) != 0) {
        buf_puts(out, memcmp(&e->context, &empty, sizeof(empty)) == 0 ? " default" : "");
        put_context(s, &e->context, out);
    }
    if (e->profile > 0) {
        buf_printf(out, " p%" PRIu32, e->profile);
    }
    if (e->priority != CORE_NORMAL) {
        buf_puts(out, e->priority == CORE_HIGH ? " high" : " low");
    }
    buf_puts(out, e->is_catalog ? " catalog" : "");
    buf_puts(out, e->is_charged ? " charged" : "");
    buf_puts(out, e->is_stateful ? " stateful" : "");
    put_duration("timeout", e->timeout_ns, out);
    put_count("rows", e->rows_max, out);
    put_count("credits", e->credit_rate, out);
    if (e->principal_weight > 0 || e->client_weight > 0) {
        buf_printf(
            out, " weight=%" PRIu32 "/%" PRIu32, e->principal_weight, e->client_weight);
    }
}

static void put_account(
    const struct story *s, const struct core_event *e, struct buf *out)
{
    static const char *const used[] = {
        "calls", "rows", "bytes", "engine_ms", "microcredits"};
    _Static_assert(ARRAY_LEN(used) == CORE_QUOTAS, "one name a quota");
    put_who(s, e, out);
    buf_puts(out, e->is_principal ? " principal" : "");
    for (size_t i = 0; i < CORE_QUOTAS; i++) {
        put_count(used[i], e->used[i], out);
    }
    put_duration("spent", e->spent_ns[CORE_CELL_CALLS], out);
    put_duration("catalog", e->spent_ns[CORE_CELL_CATALOG], out);
}

static void put_session(
    const struct story *s, const struct core_event *e, struct buf *out)
{
    buf_printf(out, " s%" PRIu32, e->session);
    if (e->kind == CORE_SESSION_CONTEXT) {
        put_context(s, &e->context, out);
    } else if (e->kind == CORE_SESSION_BODY && e->reason != CORE_OK) {
        buf_printf(out, " %s", core_reason_name(e->reason));
    }
}

static void put_request(
    const struct story *s, const struct core_event *e, struct buf *out)
{
    buf_printf(out, " r%" PRIu64, e->user);
    put_who(s, e, out);
    put_context(s, &e->context, out);
    if (e->kind == CORE_FETCH) {
        buf_puts(out, e->is_call ? " call" : "");
        buf_puts(out, e->is_catalog ? " catalog" : "");
        if (e->session != CORE_NONE) {
            buf_printf(out, " s%" PRIu32, e->session);
        }
        put_count("rows", e->rows_max, out);
    } else if (e->kind == CORE_SESSION_LOAD) {
        put_since("age", e->created_wall_ns, e->wall_ns, out);
        put_since("away", e->last_seen_wall_ns, e->wall_ns, out);
    }
}

static void put_conn(const struct story *s, const struct core_event *e, struct buf *out)
{
    put_owner('L', e->conn, e->generation, s->conn_generation, out);
    if (e->kind == CORE_CONN_UP) {
        put_context(s, &e->context, out);
    }
    buf_puts(out, e->repeats ? " repeats" : "");
    if (e->kind == CORE_DONE) {
        buf_puts(out, e->clean ? "" : " dirty");
        buf_puts(out, e->pins ? " pins" : "");
        buf_puts(out, e->moved ? " moved" : "");
        if (e->moved) {
            put_context(s, &e->context, out);
        }
        put_count("rows", e->rows, out);
        put_count("bytes", e->bytes, out);
    }
}

void story_print_event(const struct story *s, const struct core_event *e, struct buf *out)
{
    buf_puts(out, words[e->kind]);
    if (e->kind == CORE_SESSION_OPEN || e->kind == CORE_SESSION_LOAD ||
        e->kind == CORE_FETCH) {
        put_request(s, e, out);
    } else if (e->kind >= CORE_SESSION_BODY && e->kind <= CORE_SESSION_CLOSE) {
        put_session(s, e, out);
    } else if (e->kind == CORE_SUBMIT) {
        put_call(s, e, out);
    } else if (e->kind == CORE_CANCEL) {
        buf_printf(out, " #%" PRIu32 "%s%s", e->ticket,
            e->reason != CORE_CANCELLED ? " " : "",
            e->reason != CORE_CANCELLED ? core_reason_name(e->reason) : "");
    } else if (e->kind == CORE_WORKER_UP || e->kind == CORE_WORKER_LOST) {
        put_owner('W', e->worker, e->generation, s->worker_generation, out);
    } else if (e->kind >= CORE_CONN_UP && e->kind <= CORE_CONN_PENDING) {
        put_conn(s, e, out);
    } else if (e->kind == CORE_LOGIN_CHANGED) {
        put_who(s, e, out);
        buf_printf(out, " p%" PRIu32, e->profile);
    } else if (e->kind == CORE_FETCHED) {
        put_who(s, e, out);
        put_count("rows", e->rows, out);
        put_count("bytes", e->bytes, out);
        put_count("day", e->generation, out);
        buf_printf(out, " granted=%" PRIu32, e->rows_max);
    } else if (e->kind == CORE_ACCOUNT_LOAD) {
        put_account(s, e, out);
    } else if (e->kind == CORE_RESTARTED) {
        buf_puts(out, e->clean ? "" : " dirty");
    }
}
