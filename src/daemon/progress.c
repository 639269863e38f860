// SPDX-License-Identifier: Apache-2.0
/* What askers hear while their calls are queued and running. */
#include "base/clock.h"
#include "daemon/inside.h"

enum { FIRST_MS = 900 }; /* a call that is over within a tick says nothing */

/*
 * Progress is the seconds since the call came. The daemon before this one may have told of
 * a call that is offered again: it goes on above, whatever that was, by counting from the
 * machine's start.
 */
void progress_begin(struct call *call, bool again)
{
    call->told_since_ns = again ? 0 : call->arrived_ns;
    if (call->asker && mcp_wants_progress(call->asker)) {
        list_push_back(&call->daemon->told, &call->told);
    }
}

/* Seconds, rounded up: "about 0 s" would be no news. */
static unsigned long long seconds(uint64_t ns)
{
    return (ns + NS_PER_S - 1) / NS_PER_S;
}

static void put_queued(const struct core_queue_view *view, struct buf *out)
{
    buf_printf(out, "queued: position %u of %u, about %llu s; %u of %u connections busy",
        view->position, view->length, seconds(view->wait_ns), view->busy, view->slots);
}

static void put_running(const struct call *call, struct buf *out)
{
    const char *warehouse = call->tool.context.part[TOOL_WAREHOUSE];
    buf_printf(out, "running %llu s",
        (unsigned long long)((clock_boot_ns() - call->leased_ns) / NS_PER_S));
    if (warehouse[0] != '\0') {
        buf_printf(out, " on %s", warehouse);
    }
    buf_printf(out, ", %llu rows so far", (unsigned long long)call->rows_so_far);
}

/* Of the call itself, or of the one it waits for. */
static void put_state(const struct call *call, struct buf *out)
{
    struct core_queue_view view;
    const struct call *at =
        call->waits_for && call->waits_for->call ? call->waits_for->call : call;
    if (at->ticket == CORE_NONE) {
        buf_puts(out, "working");
    } else if (core_queue_view(at->daemon->core, at->ticket, &view)) {
        put_queued(&view, out);
    } else if (at->conn != CORE_NONE) {
        put_running(at, out);
    } else {
        buf_puts(out, "queued");
    }
}

void progress_tick(struct daemon *d)
{
    uint64_t now_ns = clock_boot_ns();
    LIST_FOR(node, &d->told) {
        struct call *call = CONTAINER_OF(node, struct call, told);
        uint64_t age_ns = now_ns - call->arrived_ns;
        if (!call->asker) {
            list_remove(node); /* it has its answer, or went */
        } else if (age_ns >= FIRST_MS * NS_PER_MS && !call->has_answer) {
            struct buf text = BUF_INIT(1024);
            put_state(call, &text);
            double progress = (double)(now_ns - call->told_since_ns) / NS_PER_S;
            mcp_progress(call->asker, progress, buf_str(&text));
            buf_free(&text);
        }
    }
}
