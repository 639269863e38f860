// SPDX-License-Identifier: Apache-2.0
#include "backend/probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "sql/catalog.h"
#include "sql/quote.h"

enum {
    WORKER = 0,
    CONN = 0,
    GENERATION = 1,
    PAGE_BYTES_MAX = 1024 * 1024,
    SQL_MAX = 64 * 1024
};

/* What the present step waits for. */
enum step {
    STEP_NONE,
    STEP_WORKER,
    STEP_CONN,
    STEP_CALL
};

struct probe {
    uv_loop_t loop;
    uv_timer_t limit;
    struct backend *backend;
    const struct backend_profile *profile;
    const struct backend_login *login;
    enum step step;
    bool is_ok; /* of a step that is over */
    bool is_closed;
    uint64_t call;
    struct probe_page *page; /* of the present call */
    struct probe_failure *failure;
};

/* The present step is over. */
static void end_step(struct probe *p, bool is_ok, struct str message, int64_t vendor_code)
{
    if (p->step == STEP_NONE) {
        return;
    }
    p->step = STEP_NONE;
    p->is_ok = is_ok;
    if (!is_ok) {
        message = str_utf8_prefix(message, PROBE_MESSAGE_SIZE - 1);
        (void)str_copy(message, p->failure->message, PROBE_MESSAGE_SIZE);
        p->failure->vendor_code = vendor_code;
    }
}

static void on_worker_up(void *ctx, uint32_t worker, uint32_t generation)
{
    struct probe *p = ctx;
    (void)worker;
    (void)generation;
    if (p->step == STEP_WORKER) {
        end_step(p, true, STR(""), 0);
    }
}

static void on_worker_lost(
    void *ctx, uint32_t worker, uint32_t generation, struct str why)
{
    (void)worker;
    (void)generation;
    end_step(ctx, false, why, 0);
}

static void on_conn_up(void *ctx, uint32_t conn, uint32_t generation)
{
    struct probe *p = ctx;
    (void)conn;
    (void)generation;
    if (p->step == STEP_CONN) {
        end_step(p, true, STR(""), 0);
    }
}

/* The login goes on; whoever asked for the check sees a window, or the address. */
static void on_sign_in(void *ctx, uint32_t conn, uint32_t generation, struct str url)
{
    (void)ctx;
    (void)conn;
    (void)generation;
    if (backend_login_is_address(url)) {
        fprintf(stderr, "sign in at " STR_FMT "\n", STR_ARG(url));
    } else {
        fputs("the driver waits for somebody to sign in, but gave no address that can be shown\n",
            stderr);
    }
}

static void on_conn_lost(
    void *ctx, uint32_t conn, uint32_t generation, bool refused, struct str why)
{
    (void)conn;
    (void)generation;
    (void)refused;
    end_step(ctx, false, why, 0);
}

static void on_started(void *ctx, uint32_t conn, uint32_t generation, uint64_t call)
{
    (void)ctx;
    (void)conn;
    (void)generation;
    (void)call;
}

static void on_rows(
    void *ctx, uint32_t conn, uint32_t generation, uint64_t call, uint64_t rows)
{
    (void)rows;
    on_started(ctx, conn, generation, call);
}

static void on_page(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
    const struct backend_page *page)
{
    struct probe *p = ctx;
    (void)conn;
    (void)generation;
    if (p->step != STEP_CALL || call != p->call) {
        return;
    }
    buf_put_str(&p->page->columns, page->columns);
    buf_put_str(&p->page->rows, page->rows);
    p->page->is_cut = page->truncated;
    bool ok = buf_ok(&p->page->columns) && buf_ok(&p->page->rows);
    end_step(p, ok, STR("the answer is too large"), 0);
}

static void on_text(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
    struct str text, uint64_t bytes_total)
{
    (void)text;
    (void)bytes_total;
    on_started(ctx, conn, generation, call);
}

static void on_error(void *ctx, uint32_t conn, uint32_t generation, uint64_t call,
    const struct backend_error *error)
{
    struct probe *p = ctx;
    (void)conn;
    (void)generation;
    if (p->step == STEP_CALL && call == p->call) {
        end_step(p, false, error->message, error->vendor_code);
    }
}

static void on_limit(uv_timer_t *timer)
{
    end_step(timer->data, false, STR("there was no answer within 60 s"), 0);
}

static void on_closed(void *ctx)
{
    struct probe *p = ctx;
    p->is_closed = true;
}

/* Runs the loop until the step is over, at the latest after its limit. */
static bool wait_step(struct probe *p)
{
    uv_timer_start(&p->limit, on_limit, PROBE_STEP_MS_MAX, 0);
    while (p->step != STEP_NONE) {
        uv_run(&p->loop, UV_RUN_ONCE);
    }
    uv_timer_stop(&p->limit);
    return p->is_ok;
}

static void begin_step(struct probe *p, enum step step, struct probe_failure *failure)
{
    *failure = (struct probe_failure){0};
    p->step = step;
    p->failure = failure;
}

struct probe *probe_new(const char *worker_program, const struct backend_profile *profile,
    const struct backend_login *login_or_null)
{
    struct probe *p = calloc(1, sizeof(*p));
    if (!p) {
        return NULL;
    }
    const struct backend_handler handler = {.ctx = p,
        .worker_up = on_worker_up,
        .worker_lost = on_worker_lost,
        .conn_up = on_conn_up,
        .sign_in = on_sign_in,
        .conn_lost = on_conn_lost,
        .started = on_started,
        .rows = on_rows,
        .page = on_page,
        .text = on_text,
        .error = on_error};
    if (uv_loop_init(&p->loop) < 0) {
        free(p);
        return NULL;
    }
    uv_timer_init(&p->loop, &p->limit);
    p->limit.data = p;
    p->profile = profile;
    p->login = login_or_null;
    p->backend = backend_new(&p->loop, worker_program, &handler);
    if (!p->backend) {
        probe_free(p);
        return NULL;
    }
    return p;
}

void probe_free(struct probe *p)
{
    if (!p) {
        return;
    }
    p->step = STEP_NONE;
    p->is_closed = !p->backend;
    if (p->backend) {
        backend_close(p->backend, on_closed, p);
    }
    uv_close((uv_handle_t *)&p->limit, NULL);
    while (uv_run(&p->loop, UV_RUN_DEFAULT) || !p->is_closed) {
    }
    int rc = uv_loop_close(&p->loop);
    ASSERT(rc == 0);
    free(p);
}

bool probe_login(struct probe *p, struct probe_failure *ret_failure)
{
    begin_step(p, STEP_WORKER, ret_failure);
    backend_profile_spawn(p->backend, WORKER, GENERATION, p->profile, p->login);
    if (!wait_step(p)) {
        return false;
    }
    begin_step(p, STEP_CONN, ret_failure);
    backend_connect(p->backend, CONN, GENERATION, WORKER);
    return wait_step(p);
}

struct str probe_driver_name(const struct probe *p)
{
    return backend_driver_name(p->backend, WORKER);
}

struct str probe_driver_version(const struct probe *p)
{
    return backend_driver_version(p->backend, WORKER);
}

void probe_page_free(struct probe_page *page)
{
    buf_free(&page->columns);
    buf_free(&page->rows);
}

static bool run(struct probe *p, const struct backend_option *options,
    uint32_t option_count, const struct buf *sql, struct probe_page *ret,
    struct probe_failure *ret_failure)
{
    if (!buf_ok(sql)) {
        *ret_failure = (struct probe_failure){.message = "a name is too long, or has a NUL"};
        return false;
    }
    *ret = (struct probe_page){
        .columns = BUF_INIT(PAGE_BYTES_MAX), .rows = BUF_INIT(2 * PAGE_BYTES_MAX)};
    begin_step(p, STEP_CALL, ret_failure);
    p->page = ret;
    backend_exec(p->backend, CONN, GENERATION,
        &(struct backend_exec){.call = ++p->call,
            .options = options,
            .option_count = option_count,
            .sql = buf_str(sql),
            .rows_max = PROBE_ROWS_MAX,
            .page_bytes = PAGE_BYTES_MAX,
            .cell_chars = 1000,
            .spool_path = STR("")});
    return wait_step(p);
}

bool probe_context(struct probe *p, enum backend_part part, struct str value,
    struct probe_page *ret, struct probe_failure *ret_failure)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    struct str context[PART_COUNT] = {{0}};
    struct buf scratch = BUF_INIT(SQL_MAX);
    struct backend_option options[PART_COUNT];
    context[part] = value;
    uint32_t count = backend_profile_replay(p->profile, 1u << part, context, &scratch, options);
    bool ok = catalog_put_context(&sql, p->profile->dialect) &&
              run(p, options, count, &sql, ret, ret_failure);
    buf_free(&scratch);
    buf_free(&sql);
    return ok;
}

bool probe_grants(struct probe *p, struct str role, struct probe_page *ret,
    struct probe_failure *ret_failure)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    buf_puts(&sql, "SHOW GRANTS TO ROLE ");
    quote_identifier(&sql, role);
    bool ok = run(p, NULL, 0, &sql, ret, ret_failure);
    buf_free(&sql);
    return ok;
}

/*
 * A superuser may do all, and a member of pg_write_all_data write everywhere: the tables are not
 * listed then. Roles that a release does not have are no rows of pg_roles.
 */
static const char rights_sql[] =
    "WITH me AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = current_user), "
    "memberships AS (SELECT r.rolname FROM pg_catalog.pg_roles r, me WHERE NOT me.rolsuper AND "
    "r.rolname IN ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files', "
    "'pg_read_server_files') AND pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER')), "
    "tables AS (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, "
    "pg_catalog.concat_ws(', ', "
    "CASE WHEN pg_catalog.has_any_column_privilege(c.oid, 'INSERT') THEN 'INSERT' END, "
    "CASE WHEN pg_catalog.has_any_column_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END, "
    "CASE WHEN pg_catalog.has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END, "
    "CASE WHEN pg_catalog.has_table_privilege(c.oid, 'TRUNCATE') THEN 'TRUNCATE' END) AS rights "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, me "
    "WHERE NOT me.rolsuper AND c.relkind IN ('r', 'p', 'v', 'f') AND c.relpersistence <> 't' AND "
    "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND NOT EXISTS "
    "(SELECT 1 FROM memberships WHERE rolname = 'pg_write_all_data')) "
    "SELECT what FROM (SELECT 1 AS n, 'is a superuser' AS what FROM me WHERE rolsuper UNION ALL "
    "SELECT 2, 'may create roles' FROM me WHERE rolcreaterole AND NOT rolsuper UNION ALL "
    "SELECT 3, 'may create databases' FROM me WHERE rolcreatedb AND NOT rolsuper UNION ALL "
    "SELECT 4, 'owns the database ' || d.datname FROM pg_catalog.pg_database d, me WHERE "
    "d.datname = pg_catalog.current_database() AND NOT me.rolsuper AND "
    "pg_catalog.pg_has_role(me.oid, d.datdba, 'MEMBER') UNION ALL "
    "SELECT 5, 'is a member of ' || rolname FROM memberships UNION ALL "
    "SELECT 6, 'has ' || rights || ' on the table ' || name FROM tables WHERE rights <> '') AS found "
    "ORDER BY n, what COLLATE \"C\"";

bool probe_rights(struct probe *p, struct probe_page *ret, struct probe_failure *ret_failure)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    buf_puts(&sql, rights_sql);
    bool ok = run(p, NULL, 0, &sql, ret, ret_failure);
    buf_free(&sql);
    return ok;
}
