// SPDX-License-Identifier: Apache-2.0
/*
 * Rates and quotas between the core, which counts, and the others: settings in, refusals
 * and figures out, bounds to the store. The quotas' day is one of a named time zone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/day.h"
#include "base/gcra.h"
#include "base/log.h"
#include "daemon/inside.h"

enum { CHUNK_MS = 10000, CREDIT = 1000000 };

static struct core_rate rate_of(const struct config_rate *rate)
{
    uint64_t per_1000_s = rate->per_1000_s > 0 ? (uint64_t)rate->per_1000_s : 1;
    return (struct core_rate){.burst = (uint32_t)rate->burst,
        .interval_ns = 1000 * NS_PER_S / per_1000_s};
}

static void set_quota(uint64_t ret[CORE_QUOTAS], const struct config_amounts *amounts)
{
    ret[CORE_QUOTA_CALLS] = (uint64_t)amounts->calls;
    ret[CORE_QUOTA_ROWS] = (uint64_t)amounts->rows;
    ret[CORE_QUOTA_BYTES] = (uint64_t)amounts->bytes;
    ret[CORE_QUOTA_ENGINE_MS] = (uint64_t)amounts->engine_s * 1000;
    ret[CORE_QUOTA_MICROCREDITS] = (uint64_t)amounts->microcredits;
}

uint32_t limits_weight(const struct config_names *weights, struct str name)
{
    int64_t weight;
    return config_names_find(weights, name, &weight) ? (uint32_t)weight : 1;
}

/* Microcredits a second, of the warehouse the call runs in. */
uint64_t limits_credit_rate(const struct call *call)
{
    const struct config_profile *p = call->daemon->profile[call->profile].config;
    struct str warehouse = str_of(call->tool.context.part[TOOL_WAREHOUSE]);
    int64_t per_hour_1000 = p->credits_per_hour_1000;
    if (warehouse.len > 0) {
        (void)!config_names_find(&p->warehouse_credits, warehouse, &per_hour_1000);
    }
    return (uint64_t)per_hour_1000 * 1000 / 3600;
}

void limits_set(const struct config *c, struct core_limits *ret)
{
    ret->rate_global = rate_of(&c->rate_global);
    ret->rate_principal = rate_of(&c->rate_principal);
    ret->rate_client = rate_of(&c->rate_client);
    ret->rate_session = rate_of(&c->rate_session);
    ret->rate_catalog = rate_of(&c->rate_catalog);
    set_quota(ret->quota_principal, &c->quota_principal);
    set_quota(ret->quota_client, &c->quota_client);
    ret->run_principal = (uint32_t)c->concurrency_principal.run;
    ret->run_client = (uint32_t)c->concurrency_client.run;
    ret->reserved_slots = (uint32_t)c->concurrency_reserved_slots;
    ret->floor_permille[CORE_HIGH] = (uint32_t)c->priority_floor.high;
    ret->floor_permille[CORE_NORMAL] = (uint32_t)c->priority_floor.normal;
    ret->floor_permille[CORE_LOW] = (uint32_t)c->priority_floor.low;
    ret->present_ns = 60 * NS_PER_S;
    ret->slot_ns_start = 30 * NS_PER_S;
    ret->chunk_ms = CHUNK_MS;
    ret->accounts = 4096;
    ret->names_max = 16;
}

/* ---- HTTP requests ---- */

static struct flood_cell *flood_cell(struct daemon *d, uint32_t uid)
{
    for (uint32_t i = 0; i < d->flood_len; i++) {
        if (d->flood[i].uid == uid) {
            return &d->flood[i];
        }
    }
    ASSERT(d->flood_len < ARRAY_LEN(d->flood)); /* only those who are let in get here */
    d->flood[d->flood_len] = (struct flood_cell){.uid = uid};
    return &d->flood[d->flood_len++];
}

uint64_t limits_flood(struct daemon *d, uint32_t uid)
{
    struct core_rate rate = rate_of(&d->config->rate_http);
    struct flood_cell *cell = flood_cell(d, uid);
    uint64_t now_ns = clock_boot_ns();
    uint64_t wait_ns = gcra_wait_ns(cell->tat_ns, rate.burst, rate.interval_ns, now_ns);
    if (wait_ns == 0) {
        gcra_charge(&cell->tat_ns, rate.burst, rate.interval_ns, now_ns);
    }
    d->metrics.floods += wait_ns > 0;
    return (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* ---- the quotas' day ---- */

void limits_zone(const struct config *config)
{
    if (strcmp(config->quota_timezone, "local") != 0) {
        setenv("TZ", config->quota_timezone, 1);
    }
    tzset();
}

/* ---- from the store, at start ---- */

/* The boot clock knows best how long it was, but only within one boot. */
static uint64_t away_ns(const struct store_account *row)
{
    uint64_t boot = clock_boot_id();
    bool is_same = boot != 0 && row->boot == boot;
    uint64_t now_ns = is_same ? clock_boot_ns() : clock_wall_ns();
    uint64_t then_ns = is_same ? row->written_boot_ns : row->written_wall_ns;
    return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void load_one(void *ctx, const struct store_account *row)
{
    struct daemon *d = ctx;
    uint64_t passed_ns = away_ns(row);
    struct core_event event = {.kind = CORE_ACCOUNT_LOAD,
        .principal = symbol_acquire(d->symbols, row->principal),
        .client = symbol_acquire(d->symbols, row->client),
        .is_principal = row->is_principal};
    if (row->day >= d->day.number) { /* later: of a clock that was set back */
        memcpy(event.used, row->used, sizeof(event.used));
    }
    for (int i = 0; i < CORE_CELLS; i++) {
        event.spent_ns[i] = row->spent_ns[i] > passed_ns ? row->spent_ns[i] - passed_ns : 0;
    }
    put_event(d, &event); /* step() releases the symbols */
}

bool limits_load(struct daemon *d, char *err, size_t err_size)
{
    enum store_stop stop;
    if (!store_load_stop(d->store, &stop, err, err_size)) {
        return false;
    }
    if (stop != STORE_NEVER_RAN) {
        put_event(d, &(struct core_event){.kind = CORE_RESTARTED,
                         .clean = stop == STORE_STOPPED_CLEANLY});
    }
    day_of((int64_t)(clock_wall_ns() / NS_PER_S), &d->day);
    d->day_begun_ns = clock_boot_ns();
    return store_load_accounts(d->store, d->day.before, load_one, d, err, err_size);
}

/* ---- bounds to the store; answers wait for them ---- */

static bool put_account(struct daemon *d, const struct core_account_view *view, bool exactly,
    store_done_fn done)
{
    struct store_account row = {.day = d->day.number,
        .is_principal = view->is_principal,
        .principal = symbol_str(d->symbols, view->principal),
        .client = symbol_str(d->symbols, view->client),
        .written_wall_ns = clock_wall_ns(),
        .written_boot_ns = clock_boot_ns(),
        .boot = clock_boot_id()};
    memcpy(row.used, exactly ? view->used : view->stored, sizeof(row.used));
    memcpy(row.spent_ns, exactly ? view->spent_ns : view->stored_spent_ns, sizeof(row.spent_ns));
    return store_put_account(d->store, &row, done, d);
}

static bool has_quotas(const struct daemon *d)
{
    uint64_t any = 0;
    for (int i = 0; i < CORE_QUOTAS; i++) {
        any |= d->limits.quota_principal[i] | d->limits.quota_client[i];
    }
    return any > 0;
}

/* Not written, or not even queued. */
static void bound_failed(struct daemon *d, uint64_t number)
{
    log_event(LOG_ERROR, "account_not_written", "bound=%llu", (unsigned long long)number);
    d->bounds.failed = number;
}

/* All are written again, and none of them failed: what failed before does not matter. */
static void rewrite_ended(struct daemon *d)
{
    struct bounds *b = &d->bounds;
    if (b->again_from > 0 && b->ended >= b->again_to) {
        b->failed = b->failed < b->again_from ? 0 : b->failed;
        b->again_from = 0;
    }
}

/* The store writes in order, so one number says what has been written. */
static void on_bound_written(void *ctx, bool ok)
{
    struct daemon *d = ctx;
    ASSERT(d->bounds.ended < d->bounds.issued);
    if (!ok) {
        bound_failed(d, d->bounds.ended + 1);
    }
    d->bounds.ended++;
    rewrite_ended(d);
    calls_release(d);
    work(d);
}

void limits_save(struct daemon *d, uint32_t account)
{
    struct core_account_view view;
    if (!core_account_view(d->core, account, &view)) {
        return;
    }
    if (put_account(d, &view, false, on_bound_written)) {
        d->bounds.issued++;
    } else {
        bound_failed(d, d->bounds.issued + 1);
    }
}

/* A quota that cannot be kept is not spent: no more calls until the bounds are written. */
bool limits_are_kept(const struct daemon *d)
{
    return d->bounds.failed == 0 || !has_quotas(d);
}

/* Once a second while it cannot be written: all of them, since who failed is not known. */
static void write_again(struct daemon *d)
{
    struct bounds *b = &d->bounds;
    if (b->failed == 0 || b->again_from > 0) {
        return;
    }
    b->again_from = b->issued + 1;
    b->again_to = b->issued;
    for (uint32_t i = 0; i < d->limits.accounts; i++) {
        limits_save(d, i);
    }
    b->again_to = b->issued;
    rewrite_ended(d);
}

/*
 * A clock that was set back begins no day twice; one that stays behind is believed when
 * even the longest day is over.
 */
void limits_tick(struct daemon *d)
{
    struct day today;
    int64_t now_s = (int64_t)(clock_wall_ns() / NS_PER_S);
    uint64_t now_ns = clock_boot_ns();
    if (!day_has(&d->day, now_s)) {
        day_of(now_s, &today);
        bool is_stuck = now_ns - d->day_begun_ns > 25 * 3600 * NS_PER_S;
        if (today.number > d->day.number || is_stuck) {
            d->day = today;
            d->day_begun_ns = now_ns;
            put_event(d, &(struct core_event){.kind = CORE_QUOTA_DAY});
            log_event(LOG_INFO, "quota_day", "day=%u", today.number);
        }
    }
    write_again(d);
}

/* At a clean stop the store gets what was really used. */
void limits_settle(struct daemon *d)
{
    struct core_account_view view;
    bool is_clean = true;
    put_event(d, &(struct core_event){.kind = CORE_TICK}); /* views are of the last step */
    work(d);
    for (uint32_t i = 0; i < d->limits.accounts; i++) {
        if (core_account_view(d->core, i, &view) && !put_account(d, &view, true, NULL)) {
            log_event(LOG_WARN, "account_not_settled", "%s", "");
            is_clean = false;
        }
    }
    if (is_clean) {
        store_set_clean(d->store);
    }
}

/* ---- refusals and figures ---- */

static const char *const scope_names[] = {
    [CORE_SCOPE_SESSION] = "session",
    [CORE_SCOPE_CLIENT] = "client",
    [CORE_SCOPE_PRINCIPAL] = "principal",
    [CORE_SCOPE_ALL] = "global",
};

static const char *const quota_names[] = {
    [CORE_QUOTA_CALLS] = "calls",
    [CORE_QUOTA_ROWS] = "rows",
    [CORE_QUOTA_BYTES] = "bytes",
    [CORE_QUOTA_ENGINE_MS] = "engine_ms",
    [CORE_QUOTA_MICROCREDITS] = "microcredits",
};

void limits_refuse_rate(struct call *call, const struct core_action *a, uint64_t retry_ms)
{
    char name[64];
    call->daemon->metrics.refused[0][a->scope]++;
    snprintf(name, sizeof(name), "%s_%s", scope_names[a->scope],
        call->tool.tool->catalog ? "catalog" : "queries");
    struct tool_limit limit = {.name = name,
        .max = a->limit_max,
        .remaining = a->limit_remaining,
        .reset_ms = (a->reset_ns + NS_PER_MS - 1) / NS_PER_MS};
    tool_fail_limit(&call->tool, TOOL_E_RATE_LIMITED, retry_ms, &limit,
        "%llu %s calls used up for this %s; the next one in %llu ms. This one was not run.",
        (unsigned long long)a->limit_max, call->tool.tool->catalog ? "catalog" : "query",
        scope_names[a->scope], (unsigned long long)retry_ms);
}

/* What is left is held by calls that run: some of it will come back. */
static void refuse_reserved(struct call *call, const struct core_action *a,
    const struct tool_limit *limit)
{
    uint64_t retry_ms = (a->retry_after_ns + NS_PER_MS - 1) / NS_PER_MS;
    tool_fail_limit(&call->tool, TOOL_E_QUOTA_RESERVED, retry_ms > 0 ? retry_ms : 1, limit,
        "What is left of today's %s of this %s is reserved by running calls: %llu of %llu. "
        "This call was not run.", quota_names[a->quota], scope_names[a->scope],
        (unsigned long long)a->limit_held, (unsigned long long)a->limit_max);
}

void limits_refuse_quota(struct call *call, const struct core_action *a)
{
    char name[64];
    call->daemon->metrics.refused[1][a->scope]++;
    snprintf(name, sizeof(name), "%s_%s", scope_names[a->scope], quota_names[a->quota]);
    struct tool_limit limit = {.name = name,
        .max = a->limit_max,
        .remaining = a->limit_remaining,
        .reserved = a->limit_held,
        .reset_at = str_of(call->daemon->day.end)};
    if (a->limit_held > 0) {
        refuse_reserved(call, a, &limit);
        return;
    }
    int64_t wait_s = call->daemon->day.end_s - (int64_t)(clock_wall_ns() / NS_PER_S);
    tool_fail_limit(&call->tool, TOOL_E_QUOTA_EXHAUSTED, wait_s > 0 ? (uint64_t)wait_s * 1000 : 0, &limit,
        "Today's %s of this %s are used up: %llu.", quota_names[a->quota], scope_names[a->scope],
        (unsigned long long)a->limit_max);
}

void limits_refuse_queue(struct call *call, const struct core_action *a, uint64_t retry_ms)
{
    static const char *const whose[] = {
        [CORE_SCOPE_SESSION] = "of this session",
        [CORE_SCOPE_CLIENT] = "of this client",
        [CORE_SCOPE_PRINCIPAL] = "of this principal",
        [CORE_SCOPE_ALL] = "in all",
    };
    char name[64];
    snprintf(name, sizeof(name), "%s_queue", scope_names[a->scope]);
    struct tool_limit limit = {.name = name, .max = a->limit_max};
    tool_fail_limit(&call->tool, TOOL_E_QUEUE_FULL, retry_ms, &limit,
        "%llu calls %s are waiting already, as many as may. This one was not run.",
        (unsigned long long)a->limit_max, whose[a->scope]);
}

static void show(struct tool_self *self, const struct tool_limit *limit)
{
    if (limit->max > 0 && self->limit_count < TOOL_LIMITS_MAX) {
        self->limit[self->limit_count++] = *limit;
    }
}

static void show_quotas(const struct daemon *d, struct tool_self *self,
    const struct core_account_view *view, const uint64_t max[CORE_QUOTAS])
{
    static const char *const names[2][CORE_QUOTAS] = {
        {"client_calls", "client_rows", "client_bytes", "client_engine_ms", "client_microcredits"},
        {"principal_calls", "principal_rows", "principal_bytes", "principal_engine_ms",
            "principal_microcredits"}};
    for (int i = 0; i < CORE_QUOTAS; i++) {
        show(self, &(struct tool_limit){.name = names[view->is_principal][i],
                       .max = max[i],
                       .remaining = max[i] > view->used[i] ? max[i] - view->used[i] : 0,
                       .reserved = view->reserved[i],
                       .reset_at = str_of(d->day.end)});
    }
}

void limits_show(struct call *call, struct tool_self *ret)
{
    struct daemon *d = call->daemon;
    struct core_account_view principal;
    struct core_account_view client;
    (void)core_accounts_of(d->core, call->principal, call->client, &principal, &client);
    show(ret, &(struct tool_limit){.name = "principal_queries",
                  .max = d->limits.rate_principal.burst,
                  .remaining = principal.rate_left});
    show(ret, &(struct tool_limit){.name = "client_queries",
                  .max = d->limits.rate_client.burst,
                  .remaining = client.rate_left});
    show_quotas(d, ret, &principal, d->limits.quota_principal);
    show_quotas(d, ret, &client, d->limits.quota_client);
    call->shows_quotas = true;
}
