// SPDX-License-Identifier: Apache-2.0
/*
 * Quotas: amounts per day of a principal and of a client key. What a call may use is
 * reserved before, extended in chunks while it runs and settled after.
 */
#include "core/state.h"

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

/* Says which quota stands in the way. */
static void explain(const struct core *core, uint32_t account, enum core_quota kind,
    struct core_action *ret)
{
    ret->reason = CORE_QUOTA_EXHAUSTED;
    ret->quota = kind;
    ret->scope = core->accounts[account].parent == CORE_NONE ? CORE_SCOPE_PRINCIPAL
                                                             : CORE_SCOPE_CLIENT;
    ret->limit_max = quota_max(core, account, kind);
    ret->limit_remaining = 0;
}

/* Which quota ended a call that ran. */
void quota_explain(const struct core *core, uint32_t ticket, struct core_action *ret)
{
    const struct ticket *t = &core->tickets[ticket];
    explain(core, t->end_account, (enum core_quota)t->end_quota, ret);
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

static void take(struct core *core, uint32_t client, enum core_quota kind, uint64_t amount)
{
    for (uint32_t at = client; at != CORE_NONE; at = core->accounts[at].parent) {
        uint64_t *used = &core->accounts[at].used[kind];
        *used -= amount < *used ? amount : *used;
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

/* One more chunk of engine time, and of what it costs. False: there is none. */
bool quota_extend(struct core *core, uint32_t ticket, struct core_action *ret)
{
    struct ticket *t = &core->tickets[ticket];
    uint32_t account = t->account;
    bool is_limited = false;
    static const enum core_quota kinds[] = {CORE_QUOTA_ENGINE_MS, CORE_QUOTA_MICROCREDITS};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        uint64_t left = left_of(core, t->account, kinds[i], &account);
        is_limited = is_limited || left != UINT64_MAX;
        if (left == 0) {
            explain(core, account, kinds[i], ret);
            t->end_account = account;
            t->end_quota = (uint8_t)kinds[i];
            return false;
        }
    }
    if (!is_limited) {
        return true; /* and nobody has to be woken for the next chunk */
    }
    add(core, t->account, CORE_QUOTA_ENGINE_MS, core->limits.chunk_ms);
    add(core, t->account, CORE_QUOTA_MICROCREDITS, credits_of(t, core->limits.chunk_ms));
    t->reserved_ms += core->limits.chunk_ms;
    bound_keep(core, t->account);
    return true;
}

/* Rows that may be shown, and the first chunk. False: some quota is used up by now. */
bool quota_reserve(struct core *core, uint32_t ticket, struct core_action *ret)
{
    struct ticket *t = &core->tickets[ticket];
    uint32_t account = t->account;
    uint64_t left = left_of(core, t->account, CORE_QUOTA_ROWS, &account);
    if (left == 0) {
        explain(core, account, CORE_QUOTA_ROWS, ret);
        return false;
    }
    t->reserved_rows = t->rows_max < left ? t->rows_max : (uint32_t)left;
    if (!quota_extend(core, ticket, ret)) {
        t->reserved_rows = 0;
        return false;
    }
    add(core, t->account, CORE_QUOTA_ROWS, t->reserved_rows);
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
    take(core, t->account, CORE_QUOTA_ROWS, t->reserved_rows);
    take(core, t->account, CORE_QUOTA_ENGINE_MS, t->reserved_ms);
    take(core, t->account, CORE_QUOTA_MICROCREDITS, credits_of(t, t->reserved_ms));
    add(core, t->account, CORE_QUOTA_ROWS, rows < t->reserved_rows ? rows : t->reserved_rows);
    add(core, t->account, CORE_QUOTA_ENGINE_MS, ran_ms);
    add(core, t->account, CORE_QUOTA_MICROCREDITS, credits_of(t, ran_ms));
    add(core, t->account, CORE_QUOTA_BYTES, bytes);
    t->reserved_rows = 0;
    t->reserved_ms = 0;
    bound_keep(core, t->account);
}

/*
 * Pages of kept results run nothing, so they take no ticket: what they may show is reserved
 * and settled all the same.
 */
void quota_fetch(struct core *core, const struct core_event *event)
{
    struct core_action *a = act(core, CORE_GRANT);
    uint32_t account = account_get(core, event->principal, event->client);
    a->user = event->user;
    a->generation = core->day;
    if (account == CORE_NONE) {
        a->reason = CORE_TOO_MANY;
        return;
    }
    static const enum core_quota kinds[] = {CORE_QUOTA_ROWS, CORE_QUOTA_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        uint32_t whose = account;
        if (left_of(core, account, kinds[i], &whose) == 0) {
            explain(core, whose, kinds[i], a);
            return;
        }
    }
    uint32_t whose;
    uint64_t left = left_of(core, account, CORE_QUOTA_ROWS, &whose);
    a->rows_max = event->rows_max < left ? event->rows_max : (uint32_t)left;
    add(core, account, CORE_QUOTA_ROWS, a->rows_max);
    bound_keep(core, account);
}

void quota_fetched(struct core *core, const struct core_event *event)
{
    uint32_t account = account_find(core, event->principal, event->client);
    if (account == CORE_NONE) {
        return;
    }
    if (event->generation == core->day) {
        take(core, account, CORE_QUOTA_ROWS, event->rows_max);
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
        memset(a->stored, 0, sizeof(a->stored));
    }
    for (uint32_t i = 0; i < core->limits.tickets; i++) {
        const struct ticket *t = &core->tickets[i];
        if (t->state == TICKET_LEASED || t->state == TICKET_RUNNING) {
            add(core, t->account, CORE_QUOTA_ROWS, t->reserved_rows);
            add(core, t->account, CORE_QUOTA_ENGINE_MS, t->reserved_ms);
            add(core, t->account, CORE_QUOTA_MICROCREDITS, credits_of(t, t->reserved_ms));
        }
    }
    core->bounds_next = 0;
    core->bounds_due = true;
}
