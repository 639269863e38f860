// SPDX-License-Identifier: Apache-2.0
/*
 * Quotas: amounts per day of a principal and of a client key. What a call may use is
 * reserved before, extended in chunks while it runs and settled after.
 */
#include "core/state.h"

#define FETCH_RETRY_NS UINT64_C(1000000000) /* pages are read in less */

uint64_t quota_max(const struct core *core, uint32_t account, enum core_quota kind)
{
    return core->accounts[account].parent == CORE_NONE ? core->limits.quota_principal[kind]
                                                       : core->limits.quota_client[kind];
}

/* What is left of a kind for a client key and its principal; UINT64_MAX: no limit. */
static uint64_t left_of(const struct core *core, uint32_t client, enum core_quota kind,
    uint32_t *ret_account)
{
    uint32_t both[] = {core->accounts[client].parent, client};
    uint64_t left = UINT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        uint64_t max = quota_max(core, both[i], kind);
        uint64_t used = core->accounts[both[i]].used[kind];
        uint64_t rest = max == 0 ? UINT64_MAX : max > used ? max - used : 0;
        if (rest < left) {
            left = rest;
            *ret_account = both[i];
        }
    }
    return left;
}

/* Says which quota stands in the way, and how much of it running calls may still give back. */
static void explain(const struct core *core, uint32_t account, enum core_quota kind,
    struct core_action *ret)
{
    const struct account *a = &core->accounts[account];
    ret->reason = CORE_QUOTA_EXHAUSTED;
    ret->quota = kind;
    ret->scope = a->parent == CORE_NONE ? CORE_SCOPE_PRINCIPAL : CORE_SCOPE_CLIENT;
    ret->limit_max = quota_max(core, account, kind);
    ret->limit_held = a->used[kind] - a->reserved[kind] < ret->limit_max ? a->reserved[kind] : 0;
    ret->limit_remaining = 0;
}

/* The same, of a ticket that was refused by quota_reserve() or quota_extend(). */
void quota_explain(const struct core *core, uint32_t ticket, struct core_action *ret)
{
    const struct ticket *t = &core->tickets[ticket];
    explain(core, t->end_account, (enum core_quota)t->end_quota, ret);
    ret->retry_after_ns = ret->limit_held > 0 ? sched_mean_ns(core, t->profile, t->class) : 0;
}

bool quota_admit(const struct core *core, uint32_t client, struct core_action *ret)
{
    uint32_t account = client;
    for (int kind = 0; kind < CORE_QUOTAS; kind++) {
        if (left_of(core, client, (enum core_quota)kind, &account) == 0) {
            explain(core, account, (enum core_quota)kind, ret);
            return false;
        }
    }
    return true;
}

static void add(struct core *core, uint32_t client, enum core_quota kind, uint64_t amount)
{
    for (uint32_t at = client; at != CORE_NONE; at = core->accounts[at].parent) {
        if (quota_max(core, at, kind) > 0) {
            core->accounts[at].used[kind] += amount;
        }
    }
}

static void reserve(struct core *core, uint32_t client, enum core_quota kind, uint64_t amount)
{
    add(core, client, kind, amount);
    for (uint32_t at = client; at != CORE_NONE; at = core->accounts[at].parent) {
        if (quota_max(core, at, kind) > 0) {
            core->accounts[at].reserved[kind] += amount;
        }
    }
}

static void unreserve(struct core *core, uint32_t client, enum core_quota kind, uint64_t amount)
{
    for (uint32_t at = client; at != CORE_NONE; at = core->accounts[at].parent) {
        if (quota_max(core, at, kind) > 0) {
            struct account *a = &core->accounts[at];
            ASSERT(a->reserved[kind] >= amount && a->used[kind] >= amount);
            a->used[kind] -= amount;
            a->reserved[kind] -= amount;
        }
    }
}

void quota_charge_call(struct core *core, uint32_t client)
{
    add(core, client, CORE_QUOTA_CALLS, 1);
}

static uint64_t credits_of(const struct ticket *t, uint64_t engine_ms)
{
    return t->credit_rate * engine_ms / 1000;
}

/* Engine time that is left for it; UINT64_MAX: no limit. NONE of @kind: says what is used up. */
static uint64_t engine_left_ms(const struct core *core, struct ticket *t)
{
    static const enum core_quota kinds[] = {CORE_QUOTA_ENGINE_MS, CORE_QUOTA_MICROCREDITS};
    uint64_t left_ms = UINT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        uint32_t account = t->account;
        uint64_t left = left_of(core, t->account, kinds[i], &account);
        if (left == 0) {
            t->end_account = account;
            t->end_quota = (uint8_t)kinds[i];
            return 0;
        }
        if (kinds[i] == CORE_QUOTA_MICROCREDITS && left != UINT64_MAX && t->credit_rate > 0) {
            left = left < UINT64_MAX / 1000 ? left * 1000 / t->credit_rate : UINT64_MAX - 1;
            left = left > 0 ? left : 1; /* what is left pays for less than a millisecond */
        }
        left_ms = left < left_ms ? left : left_ms;
    }
    return left_ms;
}

/* One more chunk of engine time, at most what is left. False: there is none. */
bool quota_extend(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    uint64_t left_ms = engine_left_ms(core, t);
    if (left_ms == 0 || left_ms == UINT64_MAX) {
        return left_ms > 0; /* no limit: nobody has to be woken for the next chunk */
    }
    uint64_t ms = t->reserved_ms + (left_ms < core->limits.chunk_ms ? left_ms : core->limits.chunk_ms);
    reserve(core, t->account, CORE_QUOTA_ENGINE_MS, ms - t->reserved_ms);
    reserve(core, t->account, CORE_QUOTA_MICROCREDITS,
        credits_of(t, ms) - credits_of(t, t->reserved_ms));
    t->reserved_ms = ms;
    bound_keep(core, t->account);
    return true;
}

/* Rows that may be shown, and the first chunk. False: some quota is used up by now. */
bool quota_reserve(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    t->end_quota = CORE_QUOTA_ROWS;
    uint64_t left = left_of(core, t->account, CORE_QUOTA_ROWS, &t->end_account);
    if (left == 0 || !quota_extend(core, ticket)) {
        return false;
    }
    t->reserved_rows = t->rows_max < left ? t->rows_max : (uint32_t)left;
    reserve(core, t->account, CORE_QUOTA_ROWS, t->reserved_rows);
    bound_keep(core, t->account);
    return true;
}

void quota_settle(struct core *core, uint32_t ticket, uint64_t rows, uint64_t bytes)
{
    struct ticket *t = &core->tickets[ticket];
    uint64_t ran_ms = (core->now_ns - t->leased_ns + 999999) / 1000000;
    if (t->is_catalog) {
        return; /* nothing was reserved for it, and nothing is charged */
    }
    unreserve(core, t->account, CORE_QUOTA_ROWS, t->reserved_rows);
    unreserve(core, t->account, CORE_QUOTA_ENGINE_MS, t->reserved_ms);
    unreserve(core, t->account, CORE_QUOTA_MICROCREDITS, credits_of(t, t->reserved_ms));
    add(core, t->account, CORE_QUOTA_ROWS, rows < t->reserved_rows ? rows : t->reserved_rows);
    add(core, t->account, CORE_QUOTA_ENGINE_MS, ran_ms);
    add(core, t->account, CORE_QUOTA_MICROCREDITS, credits_of(t, ran_ms));
    add(core, t->account, CORE_QUOTA_BYTES, bytes);
    t->reserved_rows = 0;
    t->reserved_ms = 0;
    bound_keep(core, t->account);
}

static bool is_grant(const struct core *core, const struct core_event *event, uint32_t account,
    struct core_action *ret)
{
    static const enum core_quota kinds[] = {CORE_QUOTA_ROWS, CORE_QUOTA_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        uint32_t whose = account;
        if (left_of(core, account, kinds[i], &whose) == 0) {
            explain(core, whose, kinds[i], ret);
            return false;
        }
    }
    return !event->is_call || quota_admit(core, account, ret);
}

/* Who may not be asked for any more, and what may not be refused for lack of a ticket. */
static enum core_reason judge(struct core *core, const struct core_event *event,
    uint32_t account, struct core_action *ret)
{
    if (account == CORE_NONE) {
        return CORE_TOO_MANY;
    }
    if (event->is_call && core->draining) {
        return CORE_DRAINING;
    }
    if (event->is_call && !has_session(core, event)) {
        return CORE_NO_SESSION;
    }
    if (!event->is_catalog && !is_grant(core, event, account, ret)) {
        ret->retry_after_ns = ret->limit_held > 0 ? FETCH_RETRY_NS : 0;
        return CORE_QUOTA_EXHAUSTED;
    }
    return !event->is_call || limit_admit(core, event, account, ret) ? CORE_OK
                                                                      : CORE_RATE_LIMITED;
}

/*
 * What is shown of a kept result, or of another call's answer, takes no ticket: its rows are
 * reserved and settled all the same, and a call costs what every call does.
 */
void quota_fetch(struct core *core, const struct core_event *event)
{
    uint32_t account = account_get(core, event->principal, event->client);
    struct core_action *a = act(core, CORE_GRANT);
    uint32_t whose;
    a->user = event->user;
    a->generation = core->day;
    a->reason = judge(core, event, account, a);
    if (a->reason != CORE_OK) {
        return;
    }
    if (event->is_catalog) { /* has a rate, and no quota */
        a->rows_max = event->rows_max;
        bound_keep(core, account);
        return;
    }
    uint64_t left = left_of(core, account, CORE_QUOTA_ROWS, &whose);
    a->rows_max = event->rows_max < left ? event->rows_max : (uint32_t)left;
    if (event->is_call) {
        quota_charge_call(core, account);
    }
    reserve(core, account, CORE_QUOTA_ROWS, a->rows_max);
    bound_keep(core, account);
}

/* Of the same day what was reserved goes back; another day has forgotten it. */
void quota_fetched(struct core *core, const struct core_event *event)
{
    uint32_t account = account_find(core, event->principal, event->client);
    if (account == CORE_NONE) {
        return;
    }
    if (event->generation == core->day) {
        unreserve(core, account, CORE_QUOTA_ROWS, event->rows_max);
    }
    add(core, account, CORE_QUOTA_ROWS, event->rows);
    add(core, account, CORE_QUOTA_BYTES, event->bytes);
    bound_keep(core, account);
}

/* A new day: only what is reserved for running calls counts in it already. */
void quota_new_day(struct core *core)
{
    core->day++;
    for (uint32_t i = 0; i < core->account_mark; i++) {
        struct account *a = &core->accounts[i];
        memset(a->used, 0, sizeof(a->used));
        memset(a->reserved, 0, sizeof(a->reserved));
        memset(a->stored, 0, sizeof(a->stored));
    }
    for (uint32_t i = 0; i < core->limits.tickets; i++) {
        const struct ticket *t = &core->tickets[i];
        if (t->state == TICKET_LEASED || t->state == TICKET_RUNNING) {
            reserve(core, t->account, CORE_QUOTA_ROWS, t->reserved_rows);
            reserve(core, t->account, CORE_QUOTA_ENGINE_MS, t->reserved_ms);
            reserve(core, t->account, CORE_QUOTA_MICROCREDITS, credits_of(t, t->reserved_ms));
        }
    }
    core->bounds_next = 0;
    core->bounds_due = true;
}
