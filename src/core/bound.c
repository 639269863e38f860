// SPDX-License-Identifier: Apache-2.0
/*
 * What the store knows of an account: upper bounds of what it used, raised by a chunk before
 * they are passed, so a crash never gives anything back and few calls write. Rates need a
 * bound only beyond a slack: after a crash every cell begins with that much spent.
 */
#include "core/state.h"

static uint64_t chunk_of(uint64_t max)
{
    uint64_t chunk = max / 100 + 1;
    return chunk < 1 << 20 ? chunk : 1 << 20;
}

/* A quarter of the calls that may come at once. */
static uint64_t slack_ns(const struct core_rate *rate)
{
    uint32_t calls = rate->burst / 4 > 0 ? rate->burst / 4 : 1;
    return rate->burst > 0 ? rate->interval_ns * calls : 0;
}

static bool raise_quotas(const struct core *core, uint32_t account)
{
    struct account *a = &core->accounts[account];
    bool is_raised = false;
    for (int kind = 0; kind < CORE_QUOTAS; kind++) {
        uint64_t max = quota_max(core, account, (enum core_quota)kind);
        if (max > 0 && a->used[kind] > a->stored[kind]) {
            a->stored[kind] = a->used[kind] + chunk_of(max);
            is_raised = true;
        }
    }
    return is_raised;
}

static bool raise_rates(const struct core *core, uint32_t account)
{
    struct account *a = &core->accounts[account];
    bool is_raised = false;
    for (int cell = 0; cell < CORE_CELLS; cell++) {
        uint64_t slack = slack_ns(limit_rate(core, account, (enum core_cell)cell));
        if (a->tat_ns[cell] > core->now_ns + slack &&
            a->tat_ns[cell] > a->stored_tat_ns[cell]) {
            a->stored_tat_ns[cell] = a->tat_ns[cell] + slack;
            is_raised = true;
        }
    }
    return is_raised;
}

static bool keep(struct core *core, uint32_t account)
{
    bool is_quota_raised = raise_quotas(core, account);
    bool is_rate_raised = raise_rates(core, account);
    if (is_quota_raised || is_rate_raised) {
        act(core, CORE_SAVE_ACCOUNT)->account = account;
    }
    return is_quota_raised || is_rate_raised;
}

void bound_keep(struct core *core, uint32_t client)
{
    if (core->accounts[client].parent != CORE_NONE) {
        keep(core, core->accounts[client].parent);
    }
    keep(core, client);
}

/* After a new day: one account's bound for what is reserved; false: all have theirs. */
bool bound_due(struct core *core)
{
    while (core->bounds_due && core->bounds_next < core->account_mark) {
        uint32_t at = core->bounds_next++;
        if (core->accounts[at].is_used && keep(core, at)) {
            return true;
        }
    }
    core->bounds_due = false;
    return false;
}

/* A new account's cell: nobody knows what it spent before a crash, but it was not more. */
uint64_t bound_new_tat_ns(const struct core *core, const struct core_rate *rate)
{
    return core->crashed_ns > 0 ? core->crashed_ns + slack_ns(rate) : 0;
}

void bound_init(const struct core *core, uint32_t account)
{
    struct account *a = &core->accounts[account];
    for (int cell = 0; cell < CORE_CELLS && core->crashed_ns > 0; cell++) {
        a->tat_ns[cell] = bound_new_tat_ns(core, limit_rate(core, account, (enum core_cell)cell));
    }
}

/* The cells that no account has begin empty, however the daemon ended. */
void bound_restarted(struct core *core, bool clean)
{
    const struct core_rate *rate = &core->limits.rate_global;
    core->crashed_ns = clean ? 0 : core->now_ns;
    core->tat_ns = core->now_ns + rate->burst * rate->interval_ns;
}

/* Of another day, with whole rates: it must not take the place of one that remembers. */
static bool is_empty(const struct core_event *event)
{
    uint64_t any = 0;
    for (int kind = 0; kind < CORE_QUOTAS; kind++) {
        any |= event->used[kind];
    }
    for (int cell = 0; cell < CORE_CELLS; cell++) {
        any |= event->spent_ns[cell];
    }
    return any == 0;
}

void bound_load(struct core *core, const struct core_event *event)
{
    if (is_empty(event)) {
        return;
    }
    uint32_t account = event->is_principal
        ? account_of_principal(core, event->principal)
        : account_load(core, event->principal, event->client);
    if (account == CORE_NONE) {
        return;
    }
    struct account *a = &core->accounts[account];
    /* Rows of several names may fall together into the account of the further ones. */
    for (int kind = 0; kind < CORE_QUOTAS; kind++) {
        a->used[kind] += event->used[kind];
        a->stored[kind] = a->used[kind];
    }
    for (int cell = 0; cell < CORE_CELLS; cell++) {
        const struct core_rate *rate = limit_rate(core, account, (enum core_cell)cell);
        /* Of a clock that was set: no cell can be emptier than empty. */
        uint64_t most_ns = rate->burst * rate->interval_ns;
        uint64_t spent_ns = event->spent_ns[cell] < most_ns ? event->spent_ns[cell] : most_ns;
        if (core->now_ns + spent_ns > a->tat_ns[cell]) {
            a->tat_ns[cell] = core->now_ns + spent_ns;
        }
        a->stored_tat_ns[cell] = a->tat_ns[cell];
    }
}
