// SPDX-License-Identifier: Apache-2.0
/* Construction, the loop's own timers and signals, and the end. */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/inside.h"

enum {
    ARM_S_MAX = 60, /* after a sleep of the machine no deadline is later than this */
    STORE_WRITES_MAX = 65536,
    TICKETS_SPARE = 512,
};

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "snowmux: %s: %s\n", what, why);
    return false;
}

/* ---- timers ---- */

static void expire_waits(struct daemon *d)
{
    uint64_t now_ns = clock_boot_ns();
    if (d->wait_ns > now_ns) {
        return;
    }
    d->wait_ns = CORE_NEVER;
    LIST_FOR(node, &d->calls) {
        struct call *call = CONTAINER_OF(node, struct call, all);
        if (call->wait_until_ns > 0 && call->wait_until_ns <= now_ns) {
            call_done(call, true, TOOL_E_INTERNAL, STR(""));
        } else if (call->wait_until_ns > 0 && call->wait_until_ns < d->wait_ns) {
            d->wait_ns = call->wait_until_ns;
        }
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    expire_waits(d);
    work(d);
}

static void finish(struct daemon *d);

/* Nothing is with the core, no answer waits for the store, nobody who came before for anything. */
static bool is_drained(const struct daemon *d)
{
    struct core_counts counts = core_counts(d->core);
    LIST_FOR(node, &d->calls) {
        const struct call *call = CONTAINER_OF(node, struct call, all);
        if (call->asker && (call->has_answer || call->arrived_ns < d->drain_from_ns)) {
            return false;
        }
    }
    return counts.queued == 0 && counts.running == 0;
}

void daemon_arm(struct daemon *d, uint64_t at_ns)
{
    uint64_t now_ns = clock_boot_ns();
    if (d->is_closing) {
        return;
    }
    if (d->is_draining) {
        if (is_drained(d) || now_ns >= d->drain_until_ns) {
            finish(d);
            return;
        }
        at_ns = at_ns < d->drain_until_ns ? at_ns : d->drain_until_ns;
    }
    uint64_t wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    if (wait_ns > ARM_S_MAX * NS_PER_S) {
        wait_ns = ARM_S_MAX * NS_PER_S;
    }
    uv_timer_start(&d->timer, on_timer, (wait_ns + NS_PER_MS - 1) / NS_PER_MS, 0);
}

/* A daemon that a bridge started goes when nobody has been there for a while. */
static void check_use(struct daemon *d)
{
    uint32_t open = d->pipe_conns + (d->http ? http_connections(d->http) : 0);
    if (!d->options->background || open > 0) {
        d->unused_ns = 0;
        return;
    }
    uint64_t now_ns = clock_boot_ns();
    d->unused_ns = d->unused_ns > 0 ? d->unused_ns : now_ns;
    if (now_ns - d->unused_ns >= (uint64_t)d->config->daemon_linger_s * NS_PER_S) {
        log_event(LOG_INFO, "unused", "linger_s=%lld", (long long)d->config->daemon_linger_s);
        daemon_stop(d);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    sessions_flush(d);
    records_tick(d);
    call_drop_left(d);
    progress_tick(d);
    limits_tick(d);
    if (store_is_failing(d->store)) {
        store_try(d->store);
    }
    check_use(d);
    work(d);
}

/* ---- the end ---- */

static void on_part_closed(void *ctx)
{
    struct daemon *d = ctx;
    ASSERT(d->open_parts > 0);
    d->open_parts--;
}

static void close_inner(struct daemon *d)
{
    sessions_flush(d);
    records_flush(d);
    limits_settle(d);
    mcp_close(d->mcp, on_part_closed, d);
    backend_close(d->backend, on_part_closed, d);
    store_close(d->store, on_part_closed, d);
}

static void on_outer_closed(void *ctx)
{
    struct daemon *d = ctx;
    on_part_closed(d);
    if (d->open_parts == 3) { /* all but mcp, backend and store */
        close_inner(d);
    }
}

/* What still runs at the end of the drain is not waited for, but its asker is told. */
static void answer_left(struct daemon *d)
{
    LIST_FOR(node, &d->calls) {
        struct call *call = CONTAINER_OF(node, struct call, all);
        if (call->asker) {
            tool_fail(&call->tool, TOOL_E_CANCELLED, 0,
                "The daemon stopped before the statement was done, and cancelled it.");
            call_tell(call);
        }
    }
}

static void finish(struct daemon *d)
{
    d->is_closing = true;
    answer_left(d);
    uv_close((uv_handle_t *)&d->timer, NULL);
    uv_close((uv_handle_t *)&d->tick, NULL);
    for (size_t i = 0; i < ARRAY_LEN(d->signals); i++) {
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    }
    d->open_parts = 3 + (d->http != NULL) + 1;
    if (d->http) {
        http_server_close(d->http, on_outer_closed, d);
    }
    pipe_server_close(d->pipe, on_outer_closed, d);
}

void daemon_stop(struct daemon *d)
{
    if (d->is_draining) {
        return;
    }
    log_event(LOG_INFO, "stopping", "drain_s=%lld", (long long)d->config->daemon_drain_s);
    d->is_draining = true;
    d->drain_from_ns = clock_boot_ns();
    d->drain_until_ns = d->drain_from_ns + (uint64_t)d->config->daemon_drain_s * NS_PER_S;
    if (d->http) {
        http_server_stop_accepting(d->http);
    }
    pipe_server_stop_accepting(d->pipe);
    put_event(d, &(struct core_event){.kind = CORE_DRAIN});
    work(d);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;
    if (d->is_draining) {
        log_event(LOG_WARN, "stopping_at_once", "signal=%d", number);
        _exit(1);
    }
    daemon_stop(d);
}

/* ---- construction ---- */

/* One daemon a state directory; the lock goes with the process. */
static bool lock_state(const struct daemon_options *options, bool *ret_taken)
{
    char path[PATHS_SIZE + 16];
    snprintf(path, sizeof(path), "%s/lock", options->paths->state);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    *ret_taken = false;
    if (fd < 0) {
        return fail(path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        *ret_taken = errno == EWOULDBLOCK;
        if (!*ret_taken || !options->background) {
            fail(options->paths->state, *ret_taken ? "another snowmux serves this state directory"
                                                   : strerror(errno));
        }
        close(fd);
        return false;
    }
    return true;
}

static void set_limits(struct daemon *d)
{
    const struct config *c = d->config;
    d->limits = (struct core_limits){
        .sessions = (uint32_t)c->session_max,
        .principal_sessions = (uint32_t)c->session_max_per_principal,
        .tickets = (uint32_t)c->concurrency_queue_total + TICKETS_SPARE,
        .queue_total = (uint32_t)c->concurrency_queue_total,
        .queue_principal = (uint32_t)c->concurrency_principal.queue,
        .queue_client = (uint32_t)c->concurrency_client.queue,
        .idle_ns = (uint64_t)c->session_idle_s * NS_PER_S,
        .resume_ns = (uint64_t)c->session_resume_s * NS_PER_S,
        .age_ns = (uint64_t)c->session_age_s * NS_PER_S,
        .touch_ns = 60 * NS_PER_S,
        .sleep_ns = 60 * NS_PER_S,
        .grace_ns = (uint64_t)c->query_grace_s * NS_PER_S,
        .queue_ns = (uint64_t)c->query_queue_s * NS_PER_S,
        .pin_idle_ns = (uint64_t)c->session_pin_idle_s * NS_PER_S,
        .cancel_ns = NS_PER_S,
        .drain_ns = 10 * NS_PER_S,
        .spawn_ns = 60 * NS_PER_S,
        .backoff_ns_min = 200 * NS_PER_MS,
        .backoff_ns_max = 30 * NS_PER_S,
        .profiles = d->profile_count,
    };
    limits_set(c, &d->limits);
    for (uint32_t i = 0; i < d->profile_count; i++) {
        const struct profile *p = &d->profile[i];
        d->limits.profile[i] = (struct core_profile_limits){
            .slots = (uint32_t)p->config->slots,
            .conns_per_worker = p->rules.cancels ? (uint32_t)p->config->slots : 1,
            .idle_ns = (uint64_t)p->config->idle_s * NS_PER_S,
            .age_ns = (uint64_t)p->config->age_s * NS_PER_S,
            .connect_ns = (uint64_t)p->config->connect_s * NS_PER_S,
            .logins = p->rules.dialect == SQL_DUCKDB || p->rules.dialect == SQL_SQLITE ? 0 : 1,
            .per_principal = p->rules.per_principal,
            .workers = p->rules.per_principal ? (uint32_t)p->config->workers : 0,
        };
    }
}

/* Zeroed memory that costs nothing until it is touched. */
static void *map_zeroed(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool make_tables(struct daemon *d)
{
    set_limits(d);
    void *memory = map_zeroed(core_size(&d->limits));
    d->sessions = calloc(d->limits.sessions, sizeof(struct session *));
    d->tickets = calloc(d->limits.tickets, sizeof(struct call *));
    d->free_tickets = calloc(d->limits.tickets, sizeof(uint32_t));
    if (!memory || !d->sessions || !d->tickets || !d->free_tickets) {
        return fail("tables", "no memory");
    }
    d->core = core_init(memory, &d->limits);
    for (uint32_t i = d->limits.tickets; i > 0; i--) {
        d->free_tickets[d->free_ticket_len++] = i - 1;
    }
    return true;
}

static bool make_dir(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST || fail(path, strerror(errno));
}

static bool make_state_dir(struct daemon *d, const char *name)
{
    char path[PATHS_SIZE + 16];
    snprintf(path, sizeof(path), "%s/%s", d->options->paths->state, name);
    return make_dir(path);
}

static bool make_profiles(struct daemon *d)
{
    const char *state = d->options->paths->state;
    struct buf err = BUF_INIT(4096);
    struct backend_drivers drivers = {d->options->duckdb_driver, d->config->drivers_dir};
    if (!make_state_dir(d, REACH_SPILL) || !make_state_dir(d, REACH_HOMES)) {
        return false;
    }
    for (uint32_t i = 0; i < d->config->profile_count; i++) {
        const struct config_profile *config = &d->config->profile[i];
        struct profile *p = &d->profile[i];
        p->config = config;
        logins_init(d, i);
        if (!backend_profile_init(&p->rules, config, &drivers, state, &err)) {
            buf_putc(&err, '\0');
            fail("configuration", err.ptr);
            buf_free(&err);
            return false;
        }
        if (p->rules.setup.home.len > 0 && !make_dir(p->rules.setup.home.ptr)) {
            return false;
        }
        p->defaults[TOOL_PROFILE] = str_of(config->name);
        p->defaults[TOOL_ROLE] = p->rules.role;
        p->defaults[TOOL_WAREHOUSE] = p->rules.warehouse;
        p->defaults[TOOL_DATABASE] = p->rules.database;
        p->defaults[TOOL_SCHEMA] = p->rules.schema;
        d->profile_count++;
    }
    return true;
}

static bool make_mcp(struct daemon *d)
{
    struct mcp_host host = host_mcp(d);
    d->tools_json = BUF_INIT(1024 * 1024);
    tool_list_put(&d->tools_json);
    struct mcp_settings settings = {.version = SNOWMUX_VERSION,
        .tools = buf_str(&d->tools_json),
        .instructions = tool_instructions(),
        .resource_templates = resource_templates};
    d->mcp = buf_ok(&d->tools_json) ? mcp_new(&d->loop, &settings, &host) : NULL;
    return d->mcp || fail("tools", "no memory");
}

/* Splits HOST:PORT, which config.c has checked. */
static bool split_address(const char *address, char host[64], uint16_t *ret_port)
{
    struct str s = str_of(address);
    uint64_t port = 0;
    size_t colon = s.len;
    while (colon > 0 && s.ptr[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 || !str_to_u64(str_from(s, colon), 65535, &port)) {
        return false;
    }
    struct str name = {s.ptr, colon - 1};
    if (name.len > 2 && name.ptr[0] == '[') {
        name = (struct str){name.ptr + 1, name.len - 2};
    }
    *ret_port = (uint16_t)port;
    return str_copy(str_eq(name, STR("localhost")) ? STR("127.0.0.1") : name, host, 64);
}

static bool listen_http(struct daemon *d)
{
    const char *address = d->config->listen_http;
    char host[64];
    uint16_t port = 0;
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct http_handler handler = mcp_http_handler(d->mcp);
    if (address[0] == '\0') {
        return true;
    }
    limits.connections_max = (uint32_t)d->config->http_connections_max;
    if (!split_address(address, host, &port)) {
        return fail(address, "this is no HOST:PORT");
    }
    int rc = http_listen(&d->http, &d->loop, host, port, &limits, &handler);
    if (rc == 0) {
        return true;
    }
    d->http = NULL;
    if (d->options->background) {
        log_event(LOG_WARN, "http_not_served", "address=%s why=%s", address, strerror(-rc));
        return true;
    }
    return fail(address, rc == -EADDRINUSE ? "the port is taken; choose another with --http "
                                             "127.0.0.1:PORT, or stop whoever has it"
                                           : strerror(-rc));
}

static bool open_known(struct daemon *d)
{
    uint64_t keep_ns = (uint64_t)d->config->catalog_cache_s * NS_PER_S;
    d->known = keep_ns > 0 ? catalog_cache_new(KNOWN_BYTES_MAX, keep_ns) : NULL;
    return d->known || keep_ns == 0 || fail("catalog", "no memory");
}

static bool open_store(struct daemon *d)
{
    char path[PATHS_SIZE + 16];
    char err[512] = "";
    snprintf(path, sizeof(path), "%s/snowmux.db", d->options->paths->state);
    if (!store_open(&d->store, &d->loop, path, STORE_WRITES_MAX, err, sizeof(err)) ||
        !sessions_load(d, err, sizeof(err)) || !limits_load(d, err, sizeof(err))) {
        return fail("store", err);
    }
    return (records_open(d, err, sizeof(err)) && records_load(d, err, sizeof(err))) ||
           fail("results", err);
}

static bool open_parts(struct daemon *d)
{
    struct pipe_handler lines;
    struct backend_handler workers = lease_handler(d);
    if (!make_profiles(d) || !make_tables(d) || !make_mcp(d) || !listen_http(d)) {
        return false;
    }
    lines = mcp_pipe_handler(d->mcp);
    int rc = pipe_listen(&d->pipe, &d->loop, d->options->paths->socket, &lines);
    if (rc < 0) {
        return fail(d->options->paths->socket, strerror(-rc));
    }
    d->backend = backend_new(&d->loop, d->options->worker_program, &workers);
    return (d->backend || fail("workers", "no memory")) && open_known(d) && open_store(d);
}

static void start_loop(struct daemon *d)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    uv_timer_init(&d->loop, &d->timer);
    uv_timer_init(&d->loop, &d->tick);
    d->timer.data = d->tick.data = d;
    uv_timer_start(&d->tick, on_tick, 1000, 1000);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        uv_signal_start(&d->signals[i], on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is then an error of the store, as a full disk */
    work(d); /* the sessions that were loaded */
}

static void announce(struct daemon *d)
{
    const char *socket = d->options->paths->socket;
    char host[64];
    uint16_t port = 0;
    if (!d->http) {
        printf("snowmux " SNOWMUX_VERSION " is listening on %s; next: snowmux stdio\n", socket);
    } else if (split_address(d->config->listen_http, host, &port)) {
        bool is_ipv6 = strchr(host, ':') != NULL;
        const char *open = is_ipv6 ? "[" : "";
        const char *close = is_ipv6 ? "]" : "";
        port = http_port(d->http);
        printf("snowmux " SNOWMUX_VERSION " is listening on http://%s%s%s:%u/mcp; next: claude mcp "
               "add --transport http snowmux http://%s%s%s:%u/mcp\n",
            open, host, close, port, open, host, close, port);
    }
    fflush(stdout);
    log_event(LOG_INFO, "listening", "port=%u socket=%s state=%s profiles=%u", port, socket,
        d->options->paths->state, d->profile_count);
}

static void free_calls(struct daemon *d)
{
    struct list *node;
    while ((node = list_first(&d->calls))) {
        struct call *call = CONTAINER_OF(node, struct call, all);
        call->ticket = CORE_NONE;
        call->spool.text[0] = '\0'; /* no loop is left to remove it: the next start does */
        lease_forget(call);
        if (call->query) {
            struct query *query = call->query;
            call->query = NULL;
            query->call = NULL;
            query_end(query, call);
        }
        call_free(call);
    }
}

static void daemon_free(struct daemon *d)
{
    free_calls(d);
    queries_free(d);
    sessions_free(d);
    catalog_cache_free(d->known);
    if (d->results) {
        results_close(d->results);
    }
    for (uint32_t i = 0; i < d->profile_count; i++) {
        logins_free(d, i);
        backend_profile_free(&d->profile[i].rules);
    }
    if (d->core) {
        munmap(d->core, core_size(&d->limits));
    }
    backend_reach_free(&d->reader_reach);
    symbols_free(d->symbols);
    buf_free(&d->tools_json);
    free(d->tickets);
    free(d->free_tickets);
    free(d->events);
    free(d);
}

static struct daemon *daemon_new(const struct daemon_options *options)
{
    uint64_t seed;
    struct daemon *d = calloc(1, sizeof(*d));
    if (!d) {
        return NULL;
    }
    random_bytes(&seed, sizeof(seed));
    map_seed(seed);
    d->options = options;
    d->config = options->config;
    d->uid = (uint32_t)getuid();
    d->started_wall_ns = clock_wall_ns();
    d->wait_ns = CORE_NEVER;
    list_init(&d->dirty);
    list_init(&d->calls);
    list_init(&d->ready);
    list_init(&d->told);
    list_init(&d->withheld);
    list_init(&d->granting);
    list_init(&d->ended);
    list_init(&d->records.dirty);
    list_init(&d->fetches);
    d->symbols = symbols_new();
    return d->symbols && uv_loop_init(&d->loop) == 0 ? d : NULL;
}

int daemon_run(const struct daemon_options *options)
{
    bool is_taken = false;
    limits_zone(options->config);
    /* For workers: DuckDB frees more small blocks at once than glibc would keep at hand. */
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=127", 0);
    if (!lock_state(options, &is_taken)) {
        return is_taken && options->background ? 0 : 1;
    }
    struct daemon *d = daemon_new(options);
    if (!d) {
        fail("start", "no memory");
        return 1;
    }
    if (!open_parts(d)) {
        return 1; /* the process ends with what was opened */
    }
    start_loop(d);
    announce(d);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    ASSERT(d->open_parts == 0);
    uv_loop_close(&d->loop);
    log_event(LOG_INFO, "stopped", "%s", "");
    daemon_free(d);
    return 0;
}
