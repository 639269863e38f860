// SPDX-License-Identifier: Apache-2.0
/* Actions and looks as the words of a story. */
#include "story.h"

#include <inttypes.h>

void story_print_time(int64_t ns, struct buf *out)
{
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    size_t i = 0;
    while (size % units[i].ns != 0) {
        i++;
    }
    buf_printf(
        out, "%s%" PRIu64 "%s", ns < 0 ? "-" : "", size / units[i].ns, units[i].unit);
}

static void print_context(
    const struct story *s, const struct core_context *context, struct buf *out)
{
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        if (context->part[i] > 0) {
            ASSERT(context->part[i] < STORY_NAMES_MAX);
            buf_printf(out, " %s=%s", story_parts[i], s->names[context->part[i]]);
        }
    }
}

static void print_session(const char *before, uint32_t session, struct buf *out)
{
    if (session != CORE_NONE) {
        buf_printf(out, "%ss%" PRIu32, before, session);
    }
}

/* A generation is shown where it begins, and where it is not the one that is expected. */
static void print_owner(
    char letter, uint32_t index, uint32_t generation, bool shown, struct buf *out)
{
    buf_printf(out, "%c%" PRIu32, letter, index);
    if (shown) {
        buf_printf(out, "@%" PRIu32, generation);
    }
}

static void print_worker(struct story *s, const struct core_action *a, struct buf *out)
{
    bool begins = a->kind == CORE_SPAWN;
    ASSERT(a->worker < CORE_WORKERS_MAX);
    buf_puts(out, begins ? "spawn " : "kill ");
    print_owner('W', a->worker, a->generation,
        begins || a->generation != s->worker_generation[a->worker], out);
    if (begins) {
        s->worker_generation[a->worker] = a->generation;
    }
}

static void print_conn(
    struct story *s, const struct core_action *a, const char *verb, struct buf *out)
{
    bool begins = a->kind == CORE_CONNECT;
    ASSERT(a->conn < CORE_CONNS_MAX);
    buf_puts(out, verb);
    print_owner('L', a->conn, a->generation,
        begins || a->generation != s->conn_generation[a->conn], out);
    if (begins) {
        s->conn_generation[a->conn] = a->generation;
        buf_printf(out, " on W%" PRIu32, a->worker);
    }
}

static void print_start(struct story *s, const struct core_action *a, struct buf *out)
{
    buf_printf(out, "start #%" PRIu32, a->ticket);
    print_conn(s, a, " on ", out);
    print_context(s, &a->context, out);
    for (uint32_t i = 0, set = 0; i < CORE_PARTS; i++) {
        if (a->replay & 1u << i) {
            buf_printf(out, "%s%s", set++ > 0 ? "," : " set ", story_parts[i]);
        }
    }
    if (a->rows_max > 0) {
        buf_printf(out, " rows=%" PRIu32, a->rows_max);
    }
}

static void print_retry(const struct core_action *a, struct buf *out)
{
    if (a->retry_after_ns > 0) {
        buf_puts(out, " retry=");
        story_print_time((int64_t)a->retry_after_ns, out);
    }
}

static void print_end(const struct core_action *a, struct buf *out)
{
    static const char *const scopes[] = {
        [CORE_SCOPE_SESSION] = "session",
        [CORE_SCOPE_CLIENT] = "client",
        [CORE_SCOPE_PRINCIPAL] = "principal",
        [CORE_SCOPE_ALL] = "all",
    };
    buf_printf(out, "end #%" PRIu32 " %s", a->ticket, core_reason_name(a->reason));
    if (a->reason == CORE_QUEUE_FULL || a->reason == CORE_RATE_LIMITED ||
        (a->reason == CORE_QUOTA_EXHAUSTED && a->limit_max > 0)) {
        buf_printf(out, " %s", scopes[a->scope]);
    }
    print_retry(a, out);
    print_session(" in ", a->session, out);
}

static void print_session_action(
    const struct story *s, const struct core_action *a, struct buf *out)
{
    if (a->kind == CORE_OPENED) {
        buf_printf(out, "opened r%" PRIu64, a->user);
        print_session(" ", a->session, out);
        print_session(" heir of ", a->heir_of, out);
        print_context(s, &a->context, out);
    } else if (a->kind == CORE_SAVE) {
        print_session("save ", a->session, out);
        buf_printf(out, " %s", core_session_state_name(a->state));
        print_context(s, &a->context, out);
    } else if (a->kind == CORE_LOAD) {
        print_session("load ", a->session, out);
    } else if (a->kind == CORE_UNLOAD) {
        print_session("unload ", a->session, out);
    } else if (a->kind == CORE_SESSION_END) {
        print_session("end ", a->session, out);
        buf_printf(out, " %s", core_reason_name(a->reason));
    } else {
        buf_printf(out, "refused r%" PRIu64 " %s", a->user, core_reason_name(a->reason));
    }
}

static void print_account(const struct story *s, const struct core_action *a, struct buf *out)
{
    static const char *const names[] = {"calls", "rows", "bytes", "engine_ms", "microcredits"};
    _Static_assert(ARRAY_LEN(names) == CORE_QUOTAS, "one name a quota");
    struct core_account_view view;
    bool known = core_account_view(s->core, a->account, &view);
    ASSERT(known && view.principal < STORY_NAMES_MAX && view.client < STORY_NAMES_MAX);
    buf_printf(out, "keep %s", s->names[view.principal]);
    if (!view.is_principal) {
        buf_printf(out, "/%s", s->names[view.client]);
    }
    for (int i = 0; i < CORE_QUOTAS; i++) {
        if (view.stored[i] > 0) {
            buf_printf(out, " %s=%" PRIu64, names[i], view.stored[i]);
        }
    }
    static const char *const cells[CORE_CELLS] = {" spent=", " catalog="};
    for (int i = 0; i < CORE_CELLS; i++) {
        if (view.stored_spent_ns[i] > 0) {
            buf_puts(out, cells[i]);
            story_print_time((int64_t)view.stored_spent_ns[i], out);
        }
    }
}

static void print_profile(
    const struct story *s, const struct core_action *a, struct buf *out)
{
    if (s->limits.profiles > 1) {
        buf_printf(out, " p%" PRIu32, a->profile);
    }
}

void story_print_action(struct story *s, const struct core_action *a, struct buf *out)
{
    switch (a->kind) {
    case CORE_OPENED:
    case CORE_REFUSED:
    case CORE_SESSION_END:
    case CORE_SAVE:
    case CORE_LOAD:
    case CORE_UNLOAD:
        print_session_action(s, a, out);
        break;
    case CORE_HOLD:
    case CORE_RELEASE:
        break;
    case CORE_SAVE_ACCOUNT:
        print_account(s, a, out);
        break;
    case CORE_SPAWN:
    case CORE_KILL:
        print_worker(s, a, out);
        print_profile(s, a, out);
        if (a->kind == CORE_SPAWN && a->principal > 0) {
            ASSERT(a->principal < STORY_NAMES_MAX);
            buf_printf(out, " as %s", s->names[a->principal]);
        }
        break;
    case CORE_CONNECT:
        print_conn(s, a, "connect ", out);
        print_profile(s, a, out);
        break;
    case CORE_DISCONNECT:
        print_conn(s, a, "disconnect ", out);
        break;
    case CORE_SIGN_IN:
        print_conn(s, a, "sign_in ", out);
        break;
    case CORE_START:
        print_start(s, a, out);
        break;
    case CORE_INTERRUPT:
        buf_printf(out, "interrupt #%" PRIu32, a->ticket);
        print_conn(s, a, " on ", out);
        break;
    case CORE_UNPIN:
        buf_puts(out, "unpin");
        print_session(" ", a->session, out);
        buf_printf(out, " %s", core_reason_name(a->reason));
        break;
    case CORE_GRANT:
        buf_printf(out, "grant r%" PRIu64 " %s rows=%" PRIu32, a->user,
            core_reason_name(a->reason), a->rows_max);
        print_retry(a, out);
        break;
    case CORE_GRACE:
        buf_printf(out, "grace #%" PRIu32, a->ticket);
        break;
    case CORE_END:
        print_end(a, out);
        break;
    }
}

static void print_view(const struct story *s, uint32_t session, struct buf *out)
{
    struct core_session_view view;
    if (!core_session_view(s->core, session, &view)) {
        buf_puts(out, "none");
        return;
    }
    ASSERT(view.principal < STORY_NAMES_MAX && view.client < STORY_NAMES_MAX);
    buf_printf(out, "%s %s/%s connections=%" PRIu32 " calls=%" PRIu32 " created=",
        core_session_state_name(view.state), s->names[view.principal],
        s->names[view.client], view.connections, view.calls);
    story_print_time((int64_t)(view.created_wall_ns - s->wall_ns), out);
    buf_puts(out, " seen=");
    story_print_time((int64_t)(view.last_seen_wall_ns - s->wall_ns), out);
    print_context(s, &view.context, out);
}

static void print_queue(const struct story *s, uint32_t ticket, struct buf *out)
{
    struct core_queue_view view;
    if (!core_queue_view(s->core, ticket, &view)) {
        buf_puts(out, "not queued");
        return;
    }
    buf_printf(out, "position %" PRIu32 " of %" PRIu32 " wait=", view.position, view.length);
    story_print_time((int64_t)view.wait_ns, out);
    buf_printf(out, " busy=%" PRIu32 "/%" PRIu32, view.busy, view.slots);
}

void story_print_look(
    const struct story *s, const struct story_line *line, struct buf *out)
{
    if (line->what == STORY_LOOK_SESSION) {
        print_view(s, line->event.session, out);
    } else if (line->what == STORY_LOOK_TICKET) {
        print_queue(s, line->event.ticket, out);
    } else {
        struct core_counts c = core_counts(s->core);
        buf_printf(out,
            "sessions=%" PRIu32 " queued=%" PRIu32 " running=%" PRIu32 " started=%" PRIu32
            " idle=%" PRIu32 " busy=%" PRIu32 " workers=%" PRIu32,
            c.sessions, c.queued, c.running, c.started, c.conns_idle, c.conns_busy,
            c.workers);
    }
}
