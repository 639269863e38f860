// SPDX-License-Identifier: Apache-2.0
/* explain_query, and the bound of what queries and query_view may scan. */
#include <inttypes.h>

#include "sql/catalog.h"
#include "tools/calls.h"

enum {
    PLAN_ROWS_MAX = 500, /* of engines that answer a row an operation */
    PLAN_CELL_CHARS = 1000 * 1000,
    PLAN_PAGE_BYTES = 1024 * 1024,
    PLAN_TEXT_MAX = 16 * 1024,
};

enum tool_move explain_run(struct tool_call *call, struct str sql)
{
    buf_clear(&call->sql);
    if (!catalog_put_explain(&call->sql, call->dialect, sql)) {
        return tool_fail(call, TOOL_E_INTERNAL, 0, "Profile %s has no EXPLAIN.",
            call->context.part[TOOL_PROFILE]);
    }
    struct guard_verdict verdict = guard_check(call->dialect, guard_read_only, buf_str(&call->sql));
    if (buf_ok(&call->sql) && !verdict.allowed) {
        return query_refuse(call, &verdict, STR("read_only"), sql);
    }
    call->is_command = true;
    call->cell_chars = PLAN_CELL_CHARS;
    call->page_bytes = PLAN_PAGE_BYTES;
    return tool_run(call, PLAN_ROWS_MAX, false);
}

static int64_t scan_bytes_max(struct tool_call *call)
{
    struct tool_profile profile;
    bool found =
        tool_profile_find(call, str_of(call->context.part[TOOL_PROFILE]), &profile);
    return found ? profile.scan_bytes_max : 0;
}

bool explain_is_bounded(struct tool_call *call)
{
    return scan_bytes_max(call) > 0;
}

/* A plan without an estimate is no reason to refuse. */
bool explain_allows(struct tool_call *call, const struct tool_page *page)
{
    struct buf none = BUF_INIT(1); /* only the figures count */
    struct buf text = BUF_INIT(512);
    struct buf more = BUF_INIT(128);
    struct plan plan;
    int64_t max = scan_bytes_max(call);
    plan_read(call->dialect, page, &none, &plan);
    buf_free(&none);
    if (plan.bytes <= max) {
        return true;
    }
    buf_printf(&text,
        "It would scan %" PRId64
        " bytes by the engine's estimate; profile %s allows %" PRId64
        ". Nothing was run.",
        plan.bytes, call->context.part[TOOL_PROFILE], max);
    buf_printf(&more, ",\"scan_bytes\":%" PRId64 ",\"scan_bytes_max\":%" PRId64,
        plan.bytes, max);
    tool_fail_more(call, TOOL_E_SCAN_TOO_LARGE, 0, buf_str(&text), (struct str){NULL, 0},
        buf_str(&more));
    buf_free(&text);
    buf_free(&more);
    return false;
}

static enum tool_move explain_query(struct tool_call *call)
{
    struct str sql;
    return tool_arg_required(call, "query", &sql) ? explain_run(call, sql) : TOOL_ANSWER;
}

enum tool_move explain_query_start(struct tool_call *call)
{
    struct str sql;
    if (!tool_args_known(call) || !tool_arg_required(call, "query", &sql) ||
        !tool_context_resolve(call)) {
        return TOOL_ANSWER;
    }
    struct guard_verdict verdict = guard_check(call->dialect, guard_read_only, sql);
    if (!verdict.allowed) {
        return query_refuse(call, &verdict, STR("read_only"), sql);
    }
    if (verdict.cls != GUARD_SELECT) {
        return tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "explain_query takes a SELECT; this is a statement of class %s, which "
            "execute_query runs. Nothing was run.",
            guard_class_name(verdict.cls));
    }
    return explain_query(call);
}

static void put_number(struct buf *out, const char *name, int64_t value)
{
    if (value >= 0) {
        buf_printf(out, ",\"%s\":%" PRId64, name, value);
    }
}

/* The credits, or the sentence why they are not known. */
static const char *put_credits(struct tool_call *call, const struct plan *plan)
{
    struct tool_profile profile = {.scan_mb_per_s = 0};
    uint64_t rate = call->host->credit_rate(call);
    bool found =
        tool_profile_find(call, str_of(call->context.part[TOOL_PROFILE]), &profile);
    if (plan->bytes >= 0 && rate > 0 && found && profile.scan_mb_per_s > 0) {
        double seconds = (double)plan->bytes / ((double)profile.scan_mb_per_s * 1e6);
        buf_printf(
            &call->out, ",\"estimated_credits\":%.6f", seconds * (double)rate / 1e6);
        return NULL;
    }
    buf_puts(&call->out, ",\"estimated_credits\":null");
    return plan->bytes < 0
               ? "Credits cannot be estimated: the engine does not say what it would scan."
           : rate == 0
               ? "Credits cannot be estimated: the profile has no rate of credits."
               : "Credits cannot be estimated: the operator did not say how fast it scans.";
}

enum tool_move explain_query_page(struct tool_call *call, const struct tool_page *page)
{
    struct buf text = BUF_INIT(PLAN_TEXT_MAX);
    struct buf *out = &call->out;
    struct plan plan;
    if (lookup_wants(call, NULL)) {
        return lookup_page(call, page, explain_query);
    }
    plan_read(call->dialect, page, &text, &plan);
    reply_begin(call, "done");
    buf_puts(out, ",\"plan\":");
    buf_put_json(out, buf_str(&text));
    put_number(out, "estimated_rows", plan.rows);
    put_number(out, "scan_bytes", plan.bytes);
    if (plan.partitions >= 0) {
        buf_printf(out,
            ",\"partitions\":{\"assigned\":%" PRId64 ",\"total\":%" PRId64 "}",
            plan.partitions, plan.partitions_total);
    }
    const char *why = put_credits(call, &plan);
    buf_puts(out, ",\"next\":null");
    reply_put_notice(call,
        buf_ok(&text) ? str_of(why) : STR("The plan is longer; this is its beginning."));
    buf_free(&text);
    return reply_end(call);
}

enum tool_move explain_query_refused(
    struct tool_call *call, const struct tool_failure *failure)
{
    return lookup_wants(call, failure) ? lookup_refused(call, failure)
                                       : reply_refused(call, failure);
}
