// SPDX-License-Identifier: Apache-2.0
/*
 * Quotas of the long world, counted by ourselves, over restarts and midnights:
 *   never more   calls and rows to the limit; engine time by one chunk a running call
 *   never back   what the core says was used is at least what was, also after a crash
 *   not too much a clean stop costs nothing, a crash no more than the bounds' chunk
 *   rates        of a principal: no call without a token, in no window
 * The shell's part is played as the daemon does: the day, the rows in the store.
 */
#include "day.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum core_quota kinds[DAY_KINDS] = {
    CORE_QUOTA_CALLS, CORE_QUOTA_ROWS, CORE_QUOTA_ENGINE_MS};

/* UINT64_MAX: none. */
static uint64_t max_of(const struct day *d, bool is_principal, int kind)
{
    uint64_t max = is_principal ? d->limits.quota_principal[kinds[kind]]
                                : d->limits.quota_client[kinds[kind]];
    return max > 0 ? max : UINT64_MAX;
}

static struct day_account *account_of(struct day *d, uint32_t key, int which)
{
    return which == 0 ? &d->principals[d->keys[key].principal].account
                      : &d->keys[key].account;
}

static uint64_t ms_of(uint64_t ns)
{
    return (ns + DAY_MS - 1) / DAY_MS;
}

/* A table of accounts that is full drops some that only have rates to remember. */
static bool may_forget_rates(const struct day *d)
{
    return d->is_short && d->result.crashes + d->result.stops > 0;
}

/* After a clock was set back, rows of both days are loaded: that may be too many. */
static bool may_forget(const struct day *d)
{
    return d->is_short && d->was_set_back;
}

/* ---- what is used ---- */

static void take_token(struct day *d, struct day_principal *p)
{
    const struct core_rate *rate = &d->limits.rate_principal;
    p->tokens += (double)(d->now_ns - p->tokens_ns) / (double)rate->interval_ns;
    p->tokens = p->tokens > rate->burst ? rate->burst : p->tokens;
    p->tokens_ns = d->now_ns;
    DAY_CHECK(d, p->tokens > 0.99 || may_forget_rates(d));
    p->tokens -= 1;
}

void day_rate_whole(struct day *d)
{
    for (uint32_t p = 1; p <= d->principals_len; p++) {
        d->principals[p].tokens = d->limits.rate_principal.burst;
    }
}

static void admitted(struct day *d, uint32_t key)
{
    take_token(d, &d->principals[d->keys[key].principal]);
    for (int i = 0; i < 2; i++) {
        struct day_account *a = account_of(d, key, i);
        a->used[DAY_CALLS]++;
        DAY_CHECK(d, a->used[DAY_CALLS] <= max_of(d, i == 0, DAY_CALLS));
    }
}

void day_quota_admitted(struct day *d, const struct core_event *e)
{
    if (!e->is_catalog) {
        admitted(d, d->tickets[e->ticket].key);
    }
}

/* Its lease is over. A machine that slept meanwhile could not look at the time. */
void day_quota_settled(struct day *d, const struct day_ticket *t, uint64_t rows)
{
    for (int i = 0; i < 2 && !t->is_catalog; i++) {
        struct day_account *a = account_of(d, t->key, i);
        uint64_t max_ms = max_of(d, i == 0, DAY_ENGINE_MS);
        a->used[DAY_ROWS] += rows;
        a->used[DAY_ENGINE_MS] += ms_of(d->now_ns - t->leased_ns);
        a->carry_ms += ms_of(d->slept_ns - t->slept_ns);
        DAY_CHECK(d, a->used[DAY_ROWS] <= max_of(d, i == 0, DAY_ROWS));
        DAY_CHECK(
            d, max_ms == UINT64_MAX ||
                   a->used[DAY_ENGINE_MS] <=
                       max_ms + a->carry_ms + ms_of(d->limits.cancel_ns) * (a->running + 1));
    }
}

/*
 * A page of a kept result: what it may show is reserved until it was shown. A call that gets
 * another one's answer is counted as one.
 */
void day_quota_granted(struct day *d, const struct core_action *a)
{
    DAY_CHECK(d, d->event.kind == CORE_FETCH && a->rows_max <= d->event.rows_max);
    if (a->reason == CORE_QUOTA_EXHAUSTED) {
        day_quota_refused(d, a);
    } else if (d->event.is_call && a->reason == CORE_OK) {
        admitted(d, d->event.client - d->principals_len - 1);
    } else if (d->event.is_call && a->reason != CORE_TOO_MANY) {
        DAY_CHECK(d, a->reason == CORE_DRAINING ? d->draining
                                                : a->reason == CORE_RATE_LIMITED && a->limit_max > 0);
    } else {
        DAY_CHECK(d, a->reason == CORE_OK || (a->reason == CORE_TOO_MANY && d->is_short));
    }
    d->grant = *a;
}

void day_quota_fetched(struct day *d, const struct core_event *e)
{
    DAY_CHECK(d, e->rows <= d->grant.rows_max);
    for (int i = 0; i < 2; i++) {
        struct day_account *a = account_of(d, e->client - d->principals_len - 1, i);
        a->used[DAY_ROWS] += e->rows;
        DAY_CHECK(d, a->used[DAY_ROWS] <= max_of(d, i == 0, DAY_ROWS));
    }
    d->result.fetched++;
}

/* What stands in the way is used up: by our count for calls, else at least by the core's.
 */
void day_quota_refused(struct day *d, const struct core_action *a)
{
    struct core_account_view both[2];
    const struct core_event *e = &d->event;
    int which = a->scope == CORE_SCOPE_PRINCIPAL ? 0 : 1;
    DAY_CHECK(d, core_accounts_of(d->core, e->principal, e->client, &both[0], &both[1]));
    DAY_CHECK(d, both[which].used[a->quota] >= a->limit_max);
    if (which == 0 && a->quota == CORE_QUOTA_CALLS) {
        const struct day_account *own = &d->principals[e->principal].account;
        DAY_CHECK(d,
            own->used[DAY_CALLS] + own->over[DAY_CALLS] >= a->limit_max || may_forget(d));
    }
}

static _Noreturn void given_back(const struct day *d, uint32_t key, const char *whose,
    int kind, uint64_t core, uint64_t own)
{
    fprintf(stderr,
        "day: key %" PRIu32 " of principal %" PRIu32 ": the core counts %" PRIu64
        " for the %s today, of %" PRIu64 " (kind %d)\n",
        key, d->keys[key].principal, core, whose, own, kind);
    day_fail(d, "used is never given back", __FILE__, __LINE__);
}

/*
 * What the core says was used against what we counted: @p of the principal, @c of the
 * client key (NULL: it has no account of its own), @f of the further names.
 */
static void check_used(struct day *d, uint32_t key, const struct core_account_view *p,
    const struct core_account_view *c, const struct core_account_view *f)
{
    const struct day_account *both[] = {account_of(d, key, 0), account_of(d, key, 1)};
    for (int kind = 0; kind < DAY_KINDS; kind++) {
        enum core_quota k = kinds[kind];
        uint64_t used[] = {p->used[k], (c ? c->used[k] : 0) + (f ? f->used[k] : 0)};
        for (int i = 0; i < 2; i++) {
            if (max_of(d, i == 0, kind) != UINT64_MAX && used[i] < both[i]->used[kind]) {
                given_back(d, key, i == 0 ? "principal" : "key", kind, used[i],
                    both[i]->used[kind]);
            }
        }
    }
    DAY_CHECK(d,
        p->used[CORE_QUOTA_CALLS] == both[0]->used[DAY_CALLS] + both[0]->over[DAY_CALLS]);
}

void day_quota_check(struct day *d)
{
    for (uint32_t k = 0; k < d->clients_len && !may_forget(d); k++) {
        struct core_account_view p;
        struct core_account_view c;
        struct core_account_view f;
        uint32_t principal = d->keys[k].principal;
        bool has_one =
            core_accounts_of(d->core, principal, d->principals_len + 1 + k, &p, &c);
        bool has_further = core_accounts_of(d->core, principal, CORE_NONE, &p, &f);
        DAY_CHECK(d, has_one || d->keys[k].account.used[DAY_CALLS] == 0);
        if (has_one) {
            check_used(d, k, &p, c.client != 0 ? &c : NULL, has_further ? &f : NULL);
        }
    }
}

/* ---- the day ---- */

static void new_day_of(struct day_account *a)
{
    memset(a->used, 0, sizeof(a->used));
    memset(a->over, 0, sizeof(a->over));
    a->carry_ms = 0;
}

static void new_day(struct day *d)
{
    for (uint32_t k = 0; k < d->clients_len; k++) {
        new_day_of(&d->keys[k].account);
    }
    for (uint32_t p = 1; p <= d->principals_len; p++) {
        new_day_of(&d->principals[p].account);
    }
    d->result.days++;
}

/* What is reserved for running calls counts in the new day already. */
static void carry_over(struct day *d)
{
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        const struct day_conn *c = &d->conns[i];
        const struct day_ticket *t =
            c->ticket == CORE_NONE ? NULL : &d->tickets[c->ticket];
        for (int which = 0; t && !t->is_catalog && which < 2; which++) {
            account_of(d, t->key, which)->carry_ms +=
                ms_of(d->now_ns - t->leased_ns) + d->limits.chunk_ms;
        }
    }
}

static uint32_t day_of(const struct day *d)
{
    return (uint32_t)(day_wall(d) / (24 * DAY_HOUR));
}

void day_quota_tick(struct day *d)
{
    uint32_t day = day_of(d);
    if (day > d->today || (day < d->today && d->now_ns - d->today_ns > 25 * DAY_HOUR)) {
        d->today = day;
        d->today_ns = d->now_ns;
        new_day(d);
        carry_over(d);
        day_step(d, (struct core_event){.kind = CORE_QUOTA_DAY});
    }
}

/* ---- the store ---- */

static struct day_account *stored_of(struct day *d, const struct core_account_view *view)
{
    struct day_principal *p = &d->principals[view->principal];
    return view->is_principal  ? &p->account
           : view->client == 0 ? &p->further
                               : &d->keys[view->client - d->principals_len - 1].account;
}

static void write_down(struct day *d, const struct core_account_view *view, bool exactly)
{
    struct day_account *a = stored_of(d, view);
    a->is_stored = true;
    a->day = d->today;
    a->written_wall_ns = day_wall(d);
    a->written_ns = d->now_ns;
    a->boot = d->boots;
    memcpy(a->stored, exactly ? view->used : view->stored, sizeof(a->stored));
    memcpy(a->spent_ns, exactly ? view->spent_ns : view->stored_spent_ns,
        sizeof(a->spent_ns));
}

void day_quota_saved(struct day *d, const struct core_action *a)
{
    struct core_account_view view;
    DAY_CHECK(d, core_account_view(d->core, a->account, &view));
    const struct day_account *own = stored_of(d, &view);
    for (int kind = 0; kind < DAY_KINDS; kind++) {
        bool is_counted = max_of(d, view.is_principal, kind) != UINT64_MAX;
        DAY_CHECK(d, !is_counted || view.stored[kinds[kind]] >= view.used[kinds[kind]]);
        DAY_CHECK(d, !is_counted || !view.is_principal || may_forget(d) ||
                         view.stored[kinds[kind]] >= own->used[kind]);
    }
    write_down(d, &view, false);
}

void day_quota_stop(struct day *d)
{
    struct core_account_view view;
    day_step(d, (struct core_event){.kind = CORE_TICK}); /* views are of the last step */
    for (uint32_t i = 0; i < d->limits.accounts; i++) {
        if (core_account_view(d->core, i, &view)) {
            write_down(d, &view, true);
        }
    }
}

/* Those that used something today are loaded first: there is room for all of them. */
static void load(
    struct day *d, struct core_event e, const struct day_account *a, bool has_used)
{
    uint64_t now_ns = a->boot == d->boots ? d->now_ns : day_wall(d);
    uint64_t then_ns = a->boot == d->boots ? a->written_ns : a->written_wall_ns;
    uint64_t passed_ns = now_ns > then_ns ? now_ns - then_ns : 0;
    if (!a->is_stored || a->day + 1 < d->today) {
        return;
    }
    if (a->day >= d->today) {
        memcpy(e.used, a->stored, sizeof(e.used));
    }
    for (int i = 0; i < CORE_CELLS; i++) {
        e.spent_ns[i] = a->spent_ns[i] > passed_ns ? a->spent_ns[i] - passed_ns : 0;
    }
    uint64_t used = 0;
    for (int i = 0; i < CORE_QUOTAS; i++) {
        used |= e.used[i];
    }
    e.kind = CORE_ACCOUNT_LOAD;
    if ((used > 0) == has_used) {
        day_step(d, e);
    }
}

/* How much too much a principal has now, and whether that is too much. */
static void look_back(struct day *d, bool is_clean)
{
    struct core_account_view both[2];
    uint64_t chunk = is_clean ? 0 : max_of(d, true, DAY_CALLS) / 100 + 1;
    for (uint32_t k = 0; k < d->clients_len; k++) {
        struct day_account *own = account_of(d, k, 0);
        bool is_there = core_accounts_of(
            d->core, d->keys[k].principal, d->principals_len + 1 + k, &both[0], &both[1]);
        if (!is_there || own->was_seen == d->number) {
            continue; /* it has no account, or another key of it had */
        }
        uint64_t used = both[0].used[CORE_QUOTA_CALLS];
        own->was_seen = d->number;
        DAY_CHECK(d, used >= own->used[DAY_CALLS] || may_forget(d));
        DAY_CHECK(d, d->was_set_back ||
                         used <= own->used[DAY_CALLS] + own->over[DAY_CALLS] + chunk);
        own->over[DAY_CALLS] = used - own->used[DAY_CALLS];
    }
    for (uint32_t p = 1; p <= d->principals_len; p++) {
        struct day_account *own = &d->principals[p].account;
        DAY_CHECK(
            d, own->was_seen == d->number || own->used[DAY_CALLS] == 0 || may_forget(d));
        own->over[DAY_CALLS] = own->was_seen == d->number ? own->over[DAY_CALLS] : 0;
    }
}

static void load_all(struct day *d, bool has_used)
{
    uint32_t at = 0;
    for (uint32_t p = 1; p <= d->principals_len; p++) { /* in the store's order */
        struct core_event e = {.principal = p};
        load(d, e, &d->principals[p].further, has_used);
        for (; at < d->clients_len && d->keys[d->by_principal[at]].principal == p; at++) {
            e.client = d->principals_len + 1 + d->by_principal[at];
            load(d, e, &d->keys[d->by_principal[at]].account, has_used);
        }
        e = (struct core_event){.principal = p, .is_principal = true};
        load(d, e, &d->principals[p].account, has_used);
    }
}

void day_quota_load(struct day *d, bool is_clean)
{
    uint32_t day = day_of(d);
    if (day > d->today) {
        new_day(d);
    }
    d->was_set_back = d->was_set_back || day < d->today;
    d->today = day;
    d->today_ns = d->now_ns;
    day_step(d, (struct core_event){.kind = CORE_RESTARTED, .clean = is_clean});
    load_all(d, true);
    load_all(d, false);
    look_back(d, is_clean);
    day_quota_check(d);
}
