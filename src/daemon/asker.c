// SPDX-License-Identifier: Apache-2.0
/*
 * The asker's side of a call: it may get a handle before the answer, and it may go. What then
 * becomes of the call is the table of fates in ARCHITECTURE.
 */
#include "base/clock.h"
#include "daemon/inside.h"

enum { LEFT_QUEUED_MAX_S = 60 }; /* queued work of an asker who went is dropped then */

void call_hand_out(struct call *call)
{
    struct mcp_request *asker = call->asker;
    struct tool_call answer = {.tool = call->tool.tool,
        .host = call->tool.host,
        .out = BUF_INIT(TOOL_OUT_MAX)};
    struct tool_query query;
    call->is_handing_out = false;
    if (!asker || !call->query || call->has_answer) {
        return;
    }
    query_view(call->daemon, call->query, &query);
    tool_answer_unfinished(&answer, &query, STR(""));
    if (!call->query->is_durable) {
        records_warn(&answer.out);
    }
    call->document = mcp_take_document(asker);
    call->asker = NULL;
    call->answered_ns = clock_boot_ns();
    mcp_answer_tool(asker, buf_str(&answer.out), false);
    buf_free(&answer.out);
}

/* Mostly the record was written long ago: one that takes more than a second is. */
void call_grace(struct call *call)
{
    if (!call->asker || !call->query) {
        return;
    }
    call->is_handing_out = true;
    records_promise(call->query, NULL);
    if (call->query->is_durable || call->query->writes == 0) {
        call_hand_out(call);
    }
}

static bool is_awaited(const struct call *call)
{
    return call->query && !list_is_empty(&call->query->waiters);
}

/* The last who waited for a query, whose own asker had cancelled it, does not want it either. */
static void cancel_unwanted(struct daemon *d, const struct query *query)
{
    struct call *call = query ? query->call : NULL;
    if (call && call->is_unwanted && !is_awaited(call) && call->ticket != CORE_NONE) {
        core_event_for_call(d, CORE_CANCEL, call, CORE_CANCELLED);
        work(d);
    }
}

void call_gone(struct call *call, enum mcp_gone why)
{
    struct daemon *d = call->daemon;
    if (call->ticket == CORE_NONE && call->has_answer) {
        call->document = mcp_take_document(call->asker);
        call->asker = NULL; /* its answer waits for the store, and is kept */
        return;
    }
    if (call->ticket == CORE_NONE) {
        call->asker = NULL;
        if (call->query) {
            struct query *query = call->query;
            call->query = NULL;
            query->call = NULL;
            tool_fail(&call->tool, TOOL_E_CANCELLED, 0, "The call was cancelled.");
            query_end(query, call);
        }
        struct query *awaited = call->waits_for;
        call_free(call);
        if (why == MCP_CANCELLED) {
            cancel_unwanted(d, awaited);
        }
        return;
    }
    call->document = mcp_take_document(call->asker);
    call->asker = NULL;
    if (why == MCP_CANCELLED && !is_awaited(call)) {
        core_event_for_call(d, CORE_CANCEL, call, CORE_CANCELLED);
    } else {
        call->is_unwanted = why == MCP_CANCELLED;
        call->left_ns = clock_boot_ns();
    }
    work(d);
}

void call_drop_left(struct daemon *d)
{
    uint64_t now_ns = clock_boot_ns();
    LIST_FOR(node, &d->calls) {
        struct call *call = CONTAINER_OF(node, struct call, all);
        if (call->left_ns > 0 && now_ns - call->left_ns >= LEFT_QUEUED_MAX_S * NS_PER_S &&
            !is_awaited(call) && call->ticket != CORE_NONE && core_position(d->core, call->ticket) > 0) {
            core_event_for_call(d, CORE_CANCEL, call, CORE_CANCELLED);
        }
    }
}
