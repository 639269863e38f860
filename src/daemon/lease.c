// SPDX-License-Identifier: Apache-2.0
/* Workers and leases: what the core asks of them, and what they answer. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inside.h"

/* NULL: the connection is closed. */
static void set_context(struct daemon *d, struct lease *lease, const uint32_t *context)
{
    for (int i = 0; i < CORE_PARTS && !context; i++) {
        symbol_release(d->symbols, lease->base[i]);
        lease->base[i] = 0;
    }
    for (int i = 0; i < CORE_PARTS; i++) {
        uint32_t old = lease->context[i];
        lease->context[i] = context ? symbol_hold(d->symbols, context[i]) : 0;
        symbol_release(d->symbols, old);
    }
}

void lease_spawn(struct daemon *d, const struct core_action *a)
{
    if (d->is_closing) {
        return; /* the store's last news can still move the core */
    }
    d->worker_login[a->worker] = logins_get(d, a->profile, a->principal);
    ASSERT(d->worker_login[a->worker]); /* it was there before its first call */
    log_event(LOG_INFO, "worker_starting", "worker=%u generation=%u profile=%s principal=%s",
        a->worker, a->generation, d->profile[a->profile].config->name,
        log_quote(symbol_str(d->symbols, a->principal)));
    logins_spawn(d, a);
}

void lease_connect(struct daemon *d, const struct core_action *a)
{
    struct lease *lease = &d->leases[a->conn];
    if (d->is_closing) {
        return;
    }
    if (lease->call) {
        lease_forget(lease->call); /* it waits again: its connection went */
    }
    lease->generation = a->generation;
    lease->profile = a->profile;
    lease->login = d->worker_login[a->worker];
    lease->base_exec = 0;
    lease->holds = 0;
    lease->moved_inside = lease->is_used = false;
    lease->is_clean = true;
    set_context(d, lease, NULL);
    backend_connect(d->backend, a->conn, a->generation, a->worker);
}

void lease_disconnect(struct daemon *d, const struct core_action *a)
{
    set_context(d, &d->leases[a->conn], NULL);
    backend_disconnect(d->backend, a->conn, a->generation);
}

/* The call has no lease any more; a spool nobody will claim is removed. */
void lease_forget(struct call *call)
{
    struct daemon *d = call->daemon;
    if (call->conn != CORE_NONE && d->leases[call->conn].call == call) {
        d->leases[call->conn].call = NULL;
    }
    if (call->spool.text[0] != '\0') {
        results_discard(d->results, handle_str(&call->spool));
        call->spool.text[0] = '\0';
    }
    if (call->conn != CORE_NONE) {
        known_changed(call);
    }
    call->conn = CORE_NONE;
    call->exec = 0;
}

static struct str user_of(const struct call *call)
{
    return str_of(call->tool.session[0] != '\0' ? call->tool.session : call->tool.query);
}

/*
 * What must be sent before another session's statement; the lease then is set to what it was when it
 * was opened. Until the statement starts it is nobody's.
 */
static uint32_t clean(struct call *call, struct backend_option ret[PROFILE_CLEANING_MAX])
{
    struct daemon *d = call->daemon;
    struct lease *lease = &d->leases[call->conn];
    struct str user = user_of(call);
    uint32_t count = 0;
    if (!lease->is_clean && (user.len == 0 || !str_eq(user, str_of(lease->user)))) {
        count = backend_profile_cleaning(&d->profile[call->profile].rules, ret);
    }
    if (count > 0) {
        set_context(d, lease, lease->base);
        lease->user[0] = '\0';
    }
    return count;
}

/* Which parts of the lease differ from what the call wants now; -1: one cannot be unset. */
static int64_t differences(struct call *call, uint32_t ret_wanted[CORE_PARTS])
{
    const struct lease *lease = &call->daemon->leases[call->conn];
    uint32_t settable = backend_profile_settable(&call->daemon->profile[call->profile].rules);
    int64_t replay = 0;
    for (int i = 0; i < CORE_PARTS; i++) {
        ret_wanted[i] = call->context[i] > 0 ? call->context[i] : lease->base[i];
        bool is_fixed = !(settable & 1u << i) && ret_wanted[i] == lease->base[i];
        if (!is_fixed && (call->context_unknown || lease->context[i] != ret_wanted[i])) {
            if (ret_wanted[i] == 0 && lease->context[i] != 0) {
                return -1;
            }
            replay |= 1 << i;
        }
    }
    return replay;
}

void lease_refuse_unset(struct call *call)
{
    tool_fail(&call->tool, TOOL_E_CONTEXT_FAILED, 0,
        "The connection that this call has was set to a database or schema, and by itself has none; "
        "name a database and a schema. Nothing was run.");
}

/* The lease is as it was: nothing was sent. */
static void refuse_part(struct call *call, int part, uint32_t wanted)
{
    static const char *const names[] = {"role", "warehouse", "database", "schema"};
    struct daemon *d = call->daemon;
    struct str base = symbol_str(d->symbols, d->leases[call->conn].base[part]);
    tool_fail(&call->tool, TOOL_E_CONTEXT_FAILED, 0,
        "This engine cannot change the %s of a connection: profile %s %s" STR_FMT ", not " STR_FMT
        ". Leave it away, or use a profile that begins there. Nothing was run.",
        names[part], d->profile[call->profile].config->name, base.len > 0 ? "has " : "has none",
        STR_ARG(base), STR_ARG(symbol_str(d->symbols, wanted)));
    call->context_moved = true; /* the core took it for set */
    call_move(call, TOOL_ANSWER);
}

/* Not so the rows in which a name is looked up, or that say what a context now is. */
static bool is_shown(const struct call *call)
{
    return call->tool.keeps_result || call->tool.tool->catalog;
}

/* Whose statement it is, for the engine's own history. */
static bool put_tag(struct call *call, struct buf *scratch, struct backend_option *ret)
{
    struct daemon *d = call->daemon;
    struct backend_tag tag = {.principal = symbol_str(d->symbols, call->principal),
        .client = str_of(call->client_name),
        .session = str_of(call->tool.session),
        .query = str_of(call->tool.query),
        .trace = str_of(call->trace)};
    return backend_profile_tag(&d->profile[call->profile].rules, &tag, scratch, ret);
}

/* A result that exceeds what its principal may keep is capped there. */
static uint64_t spool_bytes_max(const struct call *call)
{
    const struct daemon *d = call->daemon;
    uint64_t bytes_max = (uint64_t)d->config->results_spool_mb << 20;
    uint64_t budget = results_bytes_max(d->results, call->principal);
    return bytes_max < budget ? bytes_max : budget;
}

void lease_run(struct call *call)
{
    struct daemon *d = call->daemon;
    const struct config *config = d->config;
    struct lease *lease = &d->leases[call->conn];
    struct str context[CORE_PARTS];
    struct backend_option options[PROFILE_CLEANING_MAX + CORE_PARTS];
    struct backend_option own[2];
    struct buf scratch = BUF_INIT(SCRATCH_MAX);
    struct buf mark = BUF_INIT(SCRATCH_MAX);
    struct buf sql = BUF_INIT(TOOL_SQL_MAX + SCRATCH_MAX);
    const struct backend_profile *rules = &d->profile[call->profile].rules;
    char path[RESULT_PATH_SIZE] = "";
    uint32_t wanted[CORE_PARTS];
    uint32_t option_count = clean(call, options);
    int64_t replay = differences(call, wanted);
    if (replay < 0) {
        call->context_moved = true; /* nothing was sent: it is as it was, which the core does not know */
        lease_refuse_unset(call);
        call_move(call, TOOL_ANSWER);
        return;
    }
    for (int i = 0; i < CORE_PARTS; i++) {
        if (replay & 1 << i && wanted[i] > 0 && !(backend_profile_settable(rules) & 1u << i)) {
            refuse_part(call, i, wanted[i]);
            return;
        }
    }
    buf_put_str(&sql, buf_str(&call->tool.sql));
    call->context_moved = call->context_moved || replay != 0;
    lease->moved_inside = lease->moved_inside || (replay != 0 && lease->holds & GUARD_BEGINS);
    set_context(d, lease, wanted);
    for (int i = 0; i < CORE_PARTS; i++) {
        context[i] = symbol_str(d->symbols, wanted[i]);
    }
    if (call->tool.keeps_result) {
        call->spool = handle_new(HANDLE_RESULT);
        results_path(d->results, handle_str(&call->spool), path);
    }
    known_begin(call);
    call->exec = ++d->exec_last;
    lease->is_clean = false;
    option_count += backend_profile_replay(
        rules, (uint32_t)replay, context, &scratch, &options[option_count]);
    d->profile[call->profile].statements++;
    d->profile[call->profile].context_statements += option_count;
    uint32_t own_count = put_tag(call, &mark, &own[0]);
    own_count += call->tool.is_command && backend_profile_command(rules, &own[own_count]);
    struct backend_exec exec = {
        .call = call->exec,
        .options = options,
        .option_count = option_count,
        .own_options = own,
        .own_option_count = own_count,
        .sql = buf_str(&sql),
        .rows_max = is_shown(call) && call->rows_max < call->tool.rows_max ? call->rows_max
                                                                           : call->tool.rows_max,
        .page_bytes = call->tool.page_bytes > 0 ? call->tool.page_bytes
                                                : (uint32_t)config->query_page_bytes,
        .cell_chars = call->tool.cell_chars > 0 ? call->tool.cell_chars
                                                : (uint32_t)config->query_cell_chars,
        .spool_path = str_of(path),
        .spool_rows_max = (uint64_t)config->results_spool_rows,
        .spool_bytes_max = spool_bytes_max(call),
    };
    backend_exec(d->backend, call->conn, lease->generation, &exec);
    buf_free(&scratch);
    buf_free(&mark);
    buf_free(&sql);
}

void lease_start(struct daemon *d, const struct core_action *a)
{
    struct call *call = d->tickets[a->ticket];
    struct lease *lease = &d->leases[a->conn];
    ASSERT(call && lease->generation == a->generation);
    lease_forget(call); /* it runs again: its connection went */
    lease->call = call;
    d->profile[call->profile].leases[lease->is_used]++;
    lease->is_used = true;
    call->conn = a->conn;
    call->leased_ns = clock_boot_ns();
    call->has_queued = true;
    call->queue_ns += call->leased_ns - call->submitted_ns;
    call->rows_so_far = 0;
    call->is_lost = false;
    call->rows_max = call->tool.tool->catalog ? UINT32_MAX : a->rows_max;
    if (call->query) {
        call->query->status = "running";
    }
    lease_run(call);
    call->context_moved = false; /* the core knows of what it asked for itself */
}

/* ---- what workers say ---- */

static void remember_why(struct login *login, struct str why)
{
    str_copy(str_utf8_prefix(why, WHY_SIZE - 1), login->why, WHY_SIZE);
}

static void on_worker_up(void *ctx, uint32_t worker, uint32_t generation)
{
    struct daemon *d = ctx;
    struct str how = backend_confinement(d->backend, worker);
    log_event(LOG_INFO, "worker_up", "worker=%u generation=%u confined=%s", worker, generation,
        log_quote(how.len > 0 ? how : STR("no")));
    if (worker == READER_WORKER) {
        reader_up(d);
        return;
    }
    put_event(d, &(struct core_event){
                     .kind = CORE_WORKER_UP, .worker = worker, .generation = generation});
    work(d);
}

static void on_worker_lost(void *ctx, uint32_t worker, uint32_t generation, struct str why)
{
    struct daemon *d = ctx;
    log_event(LOG_WARN, "worker_lost", "worker=%u generation=%u why=%s", worker, generation,
        log_quote(why));
    if (worker == READER_WORKER) {
        reader_lost(d, why);
        return;
    }
    remember_why(d->worker_login[worker], why);
    put_event(d, &(struct core_event){
                     .kind = CORE_WORKER_LOST, .worker = worker, .generation = generation});
    work(d);
}

static void on_conn_up(void *ctx, uint32_t conn, uint32_t generation)
{
    struct daemon *d = ctx;
    if (conn == READER_CONN) {
        reader_opened(d);
        return;
    }
    if (d->leases[conn].generation == generation) {
        base_context_ask(d, conn);
        work(d);
    }
}

static void on_conn_lost(
    void *ctx, uint32_t conn, uint32_t generation, bool refused, struct str why)
{
    struct daemon *d = ctx;
    if (conn == READER_CONN) {
        reader_lost(d, why);
        return;
    }
    log_event(LOG_WARN, "connection_lost", "conn=%u generation=%u refused=%d why=%s", conn,
        generation, refused, log_quote(why));
    if (refused) {
        remember_why(d->leases[conn].login, why);
    }
    put_event(d, &(struct core_event){
                     .kind = CORE_CONN_LOST, .conn = conn, .generation = generation});
    work(d);
}

/* The call that has @exec running on this connection, or NULL: late. */
static struct call *call_of(
    struct daemon *d, uint32_t conn, uint32_t generation, uint64_t exec)
{
    if (conn >= CORE_CONNS_MAX || d->leases[conn].generation != generation) {
        return NULL;
    }
    struct call *call = d->leases[conn].call;
    return call && call->exec == exec ? call : NULL;
}

static void on_started(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec)
{
    struct daemon *d = ctx;
    struct call *call = call_of(d, conn, generation, exec);
    if (call) {
        str_copy(user_of(call), d->leases[conn].user, HANDLE_SIZE);
        core_event_for_call(d, CORE_STARTED, call, CORE_OK);
        work(d);
    }
}

static void on_rows(
    void *ctx, uint32_t conn, uint32_t generation, uint64_t exec, uint64_t rows)
{
    struct call *call = call_of(ctx, conn, generation, exec);
    if (call) {
        call->rows_so_far = rows;
    }
}

static void on_page(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec,
    const struct backend_page *from)
{
    struct daemon *d = ctx;
    struct result result;
    char why[WHY_SIZE];
    if (base_context_is(d, conn, generation, exec)) {
        base_context_page(d, conn, from->rows);
        work(d);
        return;
    }
    struct call *call = conn == READER_CONN ? reader_take(d, exec)
                                            : call_of(d, conn, generation, exec);
    if (!call) {
        return;
    }
    struct tool_page page = {
        .columns = from->columns,
        .rows = from->rows,
        .cuts = from->cuts,
        .row_count = from->row_count,
        .total_rows = from->total_rows,
        .truncated = from->truncated,
    };
    call->exec = 0;
    if (conn == READER_CONN) {
        grant_settle(call, from->row_count, from->rows.len);
        work(d); /* bounds are raised before the answer */
    } else {
        kept_take(call, from, &page, &result, why);
        known_keep(call, &page);
        call->context_unknown = false;
        holds_note(call);
    }
    call->rows += conn == READER_CONN || is_shown(call) ? from->row_count : 0;
    call_page(call, &page);
    work(d);
}

static void sql_failed(struct call *call, const struct backend_error *error)
{
    struct tool_failure failure = {
        .kind = error->code == WIRE_E_CONTEXT ? TOOL_FAILED_CONTEXT : TOOL_FAILED_SQL,
        .message = backend_profile_message(
            &call->daemon->profile[call->profile].rules, error->message),
        .sqlstate = error->sqlstate,
        .vendor_code = error->vendor_code,
    };
    if (error->code == WIRE_E_SQL || error->code == WIRE_E_CONTEXT) {
        call_refused(call, &failure);
        return;
    }
    if (error->code != WIRE_E_CANCELLED) {
        tool_fail(&call->tool, TOOL_E_INTERNAL, 0, STR_FMT, STR_ARG(error->message));
    }
    call_move(call, TOOL_ANSWER); /* of a cancelled call the ticket's end tells the reason */
}

/* The warehouse is not there any more; the worker is. */
static void lost(struct daemon *d, uint32_t conn, uint32_t generation,
    const struct backend_error *error, struct call *call_or_null)
{
    struct core_event event = {.kind = CORE_CONN_LOST, .conn = conn, .generation = generation};
    log_event(LOG_WARN, "warehouse_lost", "conn=%u why=%s", conn, log_quote(error->message));
    remember_why(d->leases[conn].login, error->message);
    backend_disconnect(d->backend, conn, generation);
    if (call_or_null) {
        event.repeats = !call_or_null->tool.runs_once;
        call_or_null->is_lost = true;
        call_or_null->submitted_ns = clock_boot_ns(); /* if it waits again, then from now */
    }
    put_event(d, &event);
}

static void on_error(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec,
    const struct backend_error *error)
{
    struct daemon *d = ctx;
    if (conn == READER_CONN) {
        reader_failed(d, exec, error);
        work(d);
        return;
    }
    bool is_base = base_context_is(d, conn, generation, exec);
    if (is_base && error->code == WIRE_E_SQL) {
        base_context_error(d, conn, error);
        work(d);
        return;
    }
    struct call *call = call_of(d, conn, generation, exec);
    if (!call && !is_base) {
        return;
    }
    if (!call) {
        lost(d, conn, generation, error, NULL);
        work(d);
        return;
    }
    call->exec = 0;
    if (call->spool.text[0] != '\0') {
        results_discard(d->results, handle_str(&call->spool));
        call->spool.text[0] = '\0';
    }
    if (error->code == WIRE_E_LOST) {
        lost(d, conn, generation, error, call);
    } else {
        /* Nobody knows whether a transaction has ended that could not be ended. */
        bool is_open = call->tool.keeps_result && call->tool.effects & GUARD_ENDS;
        call->context_unknown = error->code == WIRE_E_CONTEXT || !error->usable || is_open;
        sql_failed(call, error);
    }
    work(d);
}

struct backend_handler lease_handler(struct daemon *d)
{
    return (struct backend_handler){
        .ctx = d,
        .worker_up = on_worker_up,
        .worker_lost = on_worker_lost,
        .conn_up = on_conn_up,
        .sign_in = logins_sign_in,
        .conn_lost = on_conn_lost,
        .started = on_started,
        .rows = on_rows,
        .page = on_page,
        .text = reader_text,
        .exported = reader_exported,
        .error = on_error,
    };
}
