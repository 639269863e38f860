// SPDX-License-Identifier: Apache-2.0
#include "sql/catalog.h"
#include "tools/calls.h"

bool tool_take_limits(struct tool_call *call)
{
    struct tool_self self;
    struct tool_preferences wanted;
    int64_t limit;
    call->host->self(call, &self);
    tool_preferences(call, &wanted);
    uint32_t limit_rows = wanted.limit_rows > 0 ? wanted.limit_rows : self.limit_rows;
    uint32_t timeout_s = wanted.timeout_s > 0 ? wanted.timeout_s : self.timeout_s;
    if (!tool_arg_int(call, "limit", 1, self.limit_rows_max, limit_rows, &limit) ||
        !tool_arg_int(
            call, "timeout_s", 1, self.timeout_s_max, timeout_s, &call->timeout_s)) {
        return false;
    }
    call->limit = (uint32_t)limit;
    call->format = (enum tool_format)wanted.format;
    return true;
}

/* Where, what and why; for a second statement where it starts. */
static void put_refusal(struct tool_call *call, const struct guard_verdict *verdict,
    struct str policy, struct str sql, struct buf *text)
{
    const char *profile = call->context.part[TOOL_PROFILE];
    if (verdict->cls == GUARD_EMPTY) {
        buf_puts(text, "Refused: there is no statement in \"query\". Nothing was run.");
        return;
    }
    if (verdict->cls == GUARD_MULTIPLE) {
        struct str second = str_utf8_prefix(str_from(sql, verdict->offset), 40);
        buf_printf(text,
            "Refused: a second statement starts at line %u, column %u: " STR_FMT
            "; send one statement a call. Nothing was run.",
            verdict->line, verdict->column, STR_ARG(second));
        return;
    }
    buf_puts(text, "Refused: ");
    buf_put_str(
        text, verdict->found.len > 0 ? tool_shown(verdict->found) : STR("the text"));
    buf_printf(text, " at line %u, column %u: %s", verdict->line, verdict->column,
        verdict->reason);
    if (verdict->cls == GUARD_UNKNOWN) {
        buf_puts(text, ". Nothing was run.");
        return;
    }
    buf_printf(text, "; profile %s is " STR_FMT ". Nothing was run.", profile, STR_ARG(policy));
}

enum tool_move query_refuse(struct tool_call *call, const struct guard_verdict *verdict,
    struct str policy, struct str sql)
{
    struct buf text = BUF_INIT(2048);
    struct buf more = BUF_INIT(256);
    struct str hint = {NULL, 0};
    put_refusal(call, verdict, policy, sql, &text);
    buf_printf(&more, ",\"class\":\"%s\",\"position\":{\"line\":%u,\"column\":%u}",
        guard_class_name(verdict->cls), verdict->line, verdict->column);
    if (verdict->cls == GUARD_USE) {
        hint =
            STR("Call use_context instead, or pass database and schema with each call.");
    } else if (verdict->cls == GUARD_MULTIPLE) {
        hint = STR("Send each statement in a call of its own.");
    } else if (verdict->cls == GUARD_EMPTY) {
        hint = STR("Put one SELECT, SHOW, DESCRIBE or EXPLAIN into query.");
    } else if (verdict->cls == GUARD_UNKNOWN) {
        hint =
            STR("Use SELECT, SHOW, DESCRIBE or EXPLAIN, and check quotes and brackets.");
    }
    enum tool_move move = tool_fail_more(
        call, TOOL_E_STATEMENT_REFUSED, 0, buf_str(&text), hint, buf_str(&more));
    buf_free(&text);
    buf_free(&more);
    return move;
}

const char *query_why_not(const struct tool_call *call, struct str sql)
{
    return guard_check(call->dialect, guard_read_only, sql).reason;
}

/* What is to be run: a driver may put it into brackets, where no semicolon may be. */
static bool take_statement(struct tool_call *call, struct str *ret)
{
    if (!tool_arg_required(call, "query", ret)) {
        return false;
    }
    ret->len = call->query_len;
    return true;
}

static enum tool_move run_query(struct tool_call *call)
{
    struct str sql;
    if (!take_statement(call, &sql)) {
        return TOOL_ANSWER;
    }
    buf_clear(&call->sql);
    buf_put_str(&call->sql, sql);
    call->stage = STAGE_FIRST;
    call->cell_chars = call->page_bytes = 0;
    return tool_run(call, call->limit, true);
}

/* What is no read: it may not be run twice, and what it leaves has to be somebody's. */
static bool may_run(struct tool_call *call, const struct guard_verdict *verdict)
{
    call->runs_once = !(guard_read_only & GUARD_BIT(verdict->cls));
    if (call->runs_once && call->is_again) {
        tool_fail(call, TOOL_E_OUTCOME_UNKNOWN, 0,
            "The daemon ended while this statement may have been running. It was not run again.");
        return false;
    }
    if (verdict->effects != 0 && !tool_is_set(call->session)) {
        tool_fail_more(call, TOOL_E_STATEMENT_REFUSED, 0,
            STR("Refused: a transaction, a temporary object or a variable belongs to a session, "
                "and this call has none. Nothing was run."),
            STR("Call open_session, and pass its session with each call."), (struct str){NULL, 0});
        return false;
    }
    return true;
}

/* Where what it scans is bounded, its plan comes before it. */
static enum tool_move run_checked(struct tool_call *call)
{
    struct str sql;
    if (!call->is_bounded) {
        return run_query(call);
    }
    call->stage = STAGE_EXPLAIN;
    return take_statement(call, &sql) ? explain_run(call, sql) : TOOL_ANSWER;
}

enum tool_move execute_query_start(struct tool_call *call)
{
    struct handle same;
    struct str sql;
    if (!tool_args_known(call) || !tool_arg_required(call, "query", &sql) ||
        !tool_context_resolve(call) || !tool_take_limits(call)) {
        return TOOL_ANSWER;
    }
    struct tool_profile profile;
    if (!tool_profile_find(call, str_of(call->context.part[TOOL_PROFILE]), &profile)) {
        return tool_fail(call, TOOL_E_UNKNOWN_PROFILE, 0, "The profile is gone.");
    }
    struct guard_verdict verdict = guard_check(call->dialect, profile.classes, sql);
    bool names = verdict.use_catalog.len > 0 || verdict.use_schema.len > 0;
    if (!verdict.allowed && verdict.cls == GUARD_USE && names &&
        tool_is_set(call->session)) {
        return session_use(call, verdict.use_catalog, verdict.use_schema);
    }
    if (!verdict.allowed) {
        return query_refuse(call, &verdict, profile.policy, sql);
    }
    if (!may_run(call, &verdict)) {
        return TOOL_ANSWER;
    }
    call->query_len = verdict.end;
    call->effects = verdict.effects;
    call->is_command = verdict.cls != GUARD_SELECT && verdict.cls != GUARD_AI;
    call->changes_catalog = verdict.cls > GUARD_EXPLAIN && verdict.cls != GUARD_AI;
    call->is_bounded = !call->is_command && explain_is_bounded(call);
    enum tool_move move = run_query(call);
    struct tool_self self;
    call->host->self(call, &self);
    if (move == TOOL_RUN && tool_is_set(call->session) && verdict.cls == GUARD_SELECT &&
        !verdict.volatile_or_stateful &&
        call->host->query_attach(call, sql, self.grace_s, &same)) {
        call->stage = STAGE_ATTACHED;
        memcpy(call->name[0], same.text, sizeof(same.text));
        return TOOL_WAIT;
    }
    return move == TOOL_RUN ? run_checked(call) : move;
}

enum tool_move execute_query_page(struct tool_call *call, const struct tool_page *page)
{
    if (call->stage >= STAGE_USE_WHICH) {
        return session_page(call, page);
    }
    if (lookup_wants(call, NULL)) {
        return lookup_page(call, page, run_checked);
    }
    if (call->stage == STAGE_EXPLAIN) {
        call->is_command = false;
        return explain_allows(call, page) ? run_query(call) : TOOL_ANSWER;
    }
    return reply_rows(call, page, STR(""));
}

enum tool_move execute_query_refused(
    struct tool_call *call, const struct tool_failure *failure)
{
    if (call->stage >= STAGE_USE_WHICH) {
        return session_refused(call, failure);
    }
    return lookup_wants(call, failure) ? lookup_refused(call, failure)
                                       : reply_refused(call, failure);
}

/* The other call's answer is this one's; one that brought none is not waited for again.
 */
enum tool_move execute_query_done(struct tool_call *call, const struct tool_done *done)
{
    struct tool_query query;
    if (call->stage != STAGE_ATTACHED) {
        return session_done(call, done);
    }
    if (!done->ok || !call->host->query_find(call, str_of(call->name[0]), &query)) {
        return run_checked(call);
    }
    if (str_eq(query.status, STR("queued")) || str_eq(query.status, STR("running"))) {
        query.elapsed_ms = call->host->elapsed_ms(call);
        tool_answer_unfinished(call, &query, STR(""));
        return TOOL_ANSWER;
    }
    if (str_eq(query.status, STR("done")) && query.answer.len > 0) {
        buf_clear(&call->out);
        buf_put_str(&call->out, query.answer);
        call->is_error = query.answer_is_error;
        call->code = query.answer_code;
        return TOOL_ANSWER;
    }
    return run_checked(call);
}

static enum tool_move refuse_view(struct tool_call *call, const char *reason)
{
    struct buf text = BUF_INIT(2048);
    buf_printf(&text, "Refused: " STR_FMT ": %s. Nothing was run.",
        STR_ARG(tool_shown(str_of(call->name[0]))), reason);
    enum tool_move move = tool_fail_more(call, TOOL_E_STATEMENT_REFUSED, 0, buf_str(&text),
        STR("Name another relation."), STR(",\"class\":\"admin\""));
    buf_free(&text);
    return move;
}

/* One row more than is shown tells whether there are others. */
static enum tool_move run_view(struct tool_call *call)
{
    struct relation relation;
    if (!relation_parse(call, str_of(call->name[0]), &relation)) {
        return TOOL_ANSWER;
    }
    struct buf sql = BUF_INIT(TOOL_SQL_MAX);
    buf_puts(&sql, "SELECT * FROM ");
    catalog_put_name(&sql, call->dialect, str_of(relation.database), str_of(relation.schema),
        str_of(relation.name));
    buf_printf(&sql, " LIMIT %u", call->limit + 1);
    enum tool_move move;
    const char *reason = query_why_not(call, buf_str(&sql));
    if (reason) {
        move = refuse_view(call, reason);
    } else if (call->is_bounded) {
        call->is_bounded = false; /* its plan comes first */
        move = explain_run(call, buf_str(&sql));
    } else {
        call->cell_chars = call->page_bytes = 0;
        buf_clear(&call->sql);
        buf_put_str(&call->sql, buf_str(&sql));
        move = tool_run(call, call->limit, true);
    }
    buf_free(&sql);
    return move;
}

enum tool_move query_view_start(struct tool_call *call)
{
    if (!tool_args_known(call) || !tool_arg_names(call, "view_name") ||
        !tool_context_resolve(call) || !tool_take_limits(call)) {
        return TOOL_ANSWER;
    }
    if (call->name_count != 1) {
        return tool_fail(call, TOOL_E_INVALID_ARGUMENT, 0,
            "query_view reads one relation a call; \"view_name\" holds %u.",
            call->name_count);
    }
    call->is_bounded = explain_is_bounded(call);
    return run_view(call);
}

enum tool_move query_view_page(struct tool_call *call, const struct tool_page *page)
{
    struct tool_page shown = *page;
    enum tool_move move;
    if (lookup_wants(call, NULL)) {
        return lookup_page(call, page, run_view);
    }
    if (call->is_command) { /* the plan */
        call->is_command = false;
        return explain_allows(call, page) ? run_view(call) : TOOL_ANSWER;
    }
    if (call->stage == STAGE_RELATION) {
        if (!relation_take(call, page, 0, &move)) {
            return move;
        }
        call->stage = STAGE_AGAIN;
        return run_view(call);
    }
    /* The relation's own number of rows is not known. */
    if (shown.total_rows > (int64_t)call->limit) {
        shown.total_rows = -1;
        shown.truncated = true;
    }
    return reply_rows(call, &shown, STR(""));
}

enum tool_move query_view_refused(
    struct tool_call *call, const struct tool_failure *failure)
{
    struct relation relation;
    call->is_bounded = call->is_bounded || call->is_command; /* there is no plan yet */
    call->is_command = false;
    if (lookup_wants(call, failure)) {
        return lookup_refused(call, failure);
    }
    if (call->stage == STAGE_RELATION) {
        struct tool_failure first = {.message = buf_str(&call->failure)};
        return reply_refused(call, &first);
    }
    if (call->stage == STAGE_AGAIN) {
        return reply_refused(call, failure);
    }
    if (!relation_parse(call, str_of(call->name[0]), &relation)) {
        return TOOL_ANSWER;
    }
    buf_clear(&call->failure);
    buf_put_str(&call->failure, str_utf8_prefix(failure->message, TOOL_MESSAGE_MAX));
    call->stage = STAGE_RELATION;
    return relation_ask(call, &relation);
}
