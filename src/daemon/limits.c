// SPDX-License-Identifier: Apache-2.0
/*
 * Rates and quotas between the core, which counts, and the others: settings in, refusals
 * and figures out, bounds to the store. The quotas' day is one of a named time zone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
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

/* ---- the quotas' day ---- */

static uint32_t day_of(const struct tm *tm)
{
    return (uint32_t)((tm->tm_year + 1900) * 10000 + (tm->tm_mon + 1) * 100 + tm->tm_mday);
}

/* Today, and the moment it ends; a day may have 23 or 25 hours. */
static uint32_t look_at_day(struct daemon *d)
{
    time_t now = (time_t)(clock_wall_ns() / NS_PER_S);
    struct tm tm;
    localtime_r(&now, &tm);
    uint32_t day = day_of(&tm);
    struct tm end = {
        .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday + 1, .tm_isdst = -1};
    time_t end_s = mktime(&end);
    localtime_r(&end_s, &tm);
    char zone[8] = "";
    strftime(zone, sizeof(zone), "%z", &tm);
    size_t len = strftime(d->day_end, sizeof(d->day_end), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(d->day_end + len, sizeof(d->day_end) - len, "%.3s:%.2s", zone, zone + 3);
    return day;
}

void limits_zone(const struct config *config)
{
    if (strcmp(config->quota_timezone, "local") != 0) {
        setenv("TZ", config->quota_timezone, 1);
    }
    tzset();
}

/* A clock that was set back begins no day twice. */
void limits_tick(struct daemon *d)
{
    uint32_t day = look_at_day(d);
    if (day > d->day) {
        d->day = day;
        put_event(d, &(struct core_event){.kind = CORE_QUOTA_DAY});
        log_event(LOG_INFO, "quota_day", "day=%u", day);
    }
}

static void load_one(void *ctx, const struct store_quota *row)
{
    struct daemon *d = ctx;
    struct core_event event = {.kind = CORE_QUOTA_LOAD,
        .principal = symbol_acquire(d->symbols, row->principal),
        .client = symbol_acquire(d->symbols, row->client),
        .is_principal = row->is_principal};
    memcpy(event.used, row->used, sizeof(event.used));
    put_event(d, &event); /* the symbols stay: the core will hold them */
}

bool limits_load(struct daemon *d, char *err, size_t err_size)
{
    d->day = look_at_day(d);
    return store_load_quotas(d->store, d->day, load_one, d, err, err_size);
}

/* ---- bounds to the store; answers wait for them ---- */

static bool put_account(struct daemon *d, const struct core_account_view *view,
    const uint64_t used[CORE_QUOTAS], store_done_fn done)
{
    struct store_quota row = {.day = d->day,
        .is_principal = view->is_principal,
        .principal = symbol_str(d->symbols, view->principal),
        .client = symbol_str(d->symbols, view->client)};
    memcpy(row.used, used, sizeof(row.used));
    return store_put_quota(d->store, &row, done, d);
}

static void on_bound_written(void *ctx, bool ok)
{
    struct daemon *d = ctx;
    struct list *node;
    ASSERT(d->bounds_open > 0);
    if (!ok) {
        log_event(LOG_ERROR, "quota_not_written", "%s", "");
    }
    if (--d->bounds_open > 0) {
        return;
    }
    while ((node = list_first(&d->withheld))) {
        list_remove(node);
        call_finish(CONTAINER_OF(node, struct call, waiting));
    }
    work(d);
}

void limits_save(struct daemon *d, uint32_t account)
{
    struct core_account_view view;
    if (core_account_view(d->core, account, &view) &&
        put_account(d, &view, view.stored, on_bound_written)) {
        d->bounds_open++;
    }
}

/* At a clean stop the store gets what was really used. */
void limits_settle(struct daemon *d)
{
    struct core_account_view view;
    for (uint32_t i = 0; i < d->limits.accounts; i++) {
        bool has_bound = core_account_view(d->core, i, &view) &&
                         memcmp(view.used, view.stored, sizeof(view.used)) != 0;
        if (has_bound && !put_account(d, &view, view.used, NULL)) {
            log_event(LOG_WARN, "quota_not_settled", "%s", "");
        }
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

void limits_refuse_quota(struct call *call, const struct core_action *a)
{
    char name[64];
    snprintf(name, sizeof(name), "%s_%s", scope_names[a->scope], quota_names[a->quota]);
    struct tool_limit limit = {.name = name,
        .max = a->limit_max,
        .remaining = a->limit_remaining,
        .reset_at = str_of(call->daemon->day_end)};
    tool_fail_limit(&call->tool, TOOL_E_QUOTA_EXHAUSTED, 0, &limit,
        "Today's %s of this %s are used up: %llu.", quota_names[a->quota], scope_names[a->scope],
        (unsigned long long)a->limit_max);
}

static void show(struct tool_self *self, const char *name, uint64_t max, uint64_t left,
    struct str reset_at)
{
    if (max > 0 && self->limit_count < TOOL_LIMITS_MAX) {
        self->limit[self->limit_count++] = (struct tool_limit){
            .name = name, .max = max, .remaining = left, .reset_at = reset_at};
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
        uint64_t left = max[i] > view->used[i] ? max[i] - view->used[i] : 0;
        show(self, names[view->is_principal][i], max[i], left, str_of(d->day_end));
    }
}

void limits_show(struct call *call, struct tool_self *ret)
{
    struct daemon *d = call->daemon;
    struct core_account_view principal = {
        .is_principal = true, .rate_left = d->limits.rate_principal.burst};
    struct core_account_view client = {.rate_left = d->limits.rate_client.burst};
    (void)core_accounts_of(d->core, call->principal, call->client, &principal, &client);
    show(ret, "principal_queries", d->limits.rate_principal.burst, principal.rate_left, STR(""));
    show(ret, "client_queries", d->limits.rate_client.burst, client.rate_left, STR(""));
    show_quotas(d, ret, &principal, d->limits.quota_principal);
    show_quotas(d, ret, &client, d->limits.quota_client);
}
