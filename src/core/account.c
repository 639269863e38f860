// SPDX-License-Identifier: Apache-2.0
/*
 * Accounts: who is limited. One for each principal, one for each of its client keys; they
 * outlive sessions, so leaving and coming back refills nothing. A principal that shows more
 * than `names_max` client keys has the rest of them in one account, so names cannot be
 * multiplied.
 */
#include "core/state.h"

enum { RECLAIM_LOOKS = 256 };

static uint32_t *bucket(const struct core *core, uint32_t parent, uint32_t symbol)
{
    return &core->account_buckets[((symbol * 0x9E3779B1u ^ parent * 0x85EBCA6Bu) >> 7) &
                                  core->account_mask];
}

static uint32_t find(const struct core *core, uint32_t parent, uint32_t symbol)
{
    uint32_t at = *bucket(core, parent, symbol);
    while (at != CORE_NONE &&
           (core->accounts[at].parent != parent || core->accounts[at].symbol != symbol)) {
        at = core->accounts[at].hash_next;
    }
    return at;
}

/* The shell keeps the symbol's string while the account is there. */
static void tell(struct core *core, enum core_action_kind kind, const struct account *account)
{
    if (account->symbol != 0) {
        act(core, kind)->user = account->symbol;
    }
}

/*
 * Nothing would be forgotten with it: no work, no client, whole rates, no amount used, and
 * nothing that the store would bring back.
 */
static bool is_blank(const struct core *core, const struct account *a)
{
    uint64_t used = 0;
    for (int i = 0; i < CORE_QUOTAS; i++) {
        used |= a->used[i] | a->stored[i];
    }
    return a->is_used && a->queued + a->held + a->running + a->clients == 0 && used == 0 &&
           a->tat_ns[CORE_CELL_CALLS] <= core->now_ns &&
           a->tat_ns[CORE_CELL_CATALOG] <= core->now_ns;
}

static void drop_nodes(struct core *core, struct account *a)
{
    while (a->first_node != CORE_NONE) {
        node_evict_all(core, a->first_node);
    }
}

static void forget(struct core *core, uint32_t at)
{
    struct account *a = &core->accounts[at];
    uint32_t *link = bucket(core, a->parent, a->symbol);
    while (*link != at) {
        link = &core->accounts[*link].hash_next;
    }
    *link = a->hash_next;
    if (a->parent != CORE_NONE) {
        struct account *p = &core->accounts[a->parent];
        for (link = &p->first_client; *link != at;) {
            link = &core->accounts[*link].next_client;
        }
        *link = a->next_client;
        p->clients--;
        p->names -= a->symbol != 0;
    }
    tell(core, CORE_RELEASE, a);
    a->is_used = false;
    a->hash_next = core->free_account;
    core->free_account = at;
}

static bool try_forget(struct core *core, uint32_t at)
{
    struct account *a = &core->accounts[at];
    if (!is_blank(core, a)) {
        return false;
    }
    drop_nodes(core, a);
    forget(core, at);
    return true;
}

/* Makes room by forgetting one that is blank. What it looks at is bounded: the next try goes on. */
static void reclaim(struct core *core, uint32_t spared)
{
    for (uint32_t i = 0; i < RECLAIM_LOOKS; i++) {
        uint32_t at = core->reclaim_at++ % core->limits.accounts;
        if (at != spared && try_forget(core, at)) {
            return;
        }
    }
}

/* The same among the client keys of a principal: there are few. */
static void reclaim_client(struct core *core, uint32_t principal)
{
    uint32_t at = core->accounts[principal].first_client;
    while (at != CORE_NONE) {
        uint32_t next = core->accounts[at].next_client;
        if (try_forget(core, at)) {
            return;
        }
        at = next;
    }
}

static uint32_t take_free(struct core *core, uint32_t spared)
{
    if (core->free_account == CORE_NONE && core->account_mark < core->limits.accounts) {
        return core->account_mark++;
    }
    if (core->free_account == CORE_NONE) {
        reclaim(core, spared);
    }
    uint32_t at = core->free_account;
    core->free_account = at == CORE_NONE ? at : core->accounts[at].hash_next;
    return at;
}

static uint32_t make(struct core *core, uint32_t parent, uint32_t symbol)
{
    uint32_t at = take_free(core, parent);
    if (at == CORE_NONE) {
        return CORE_NONE;
    }
    struct account *a = &core->accounts[at];
    uint32_t *head = bucket(core, parent, symbol);
    *a = (struct account){
        .is_used = true,
        .symbol = symbol,
        .parent = parent,
        .hash_next = *head,
        .first_node = CORE_NONE,
        .first_client = CORE_NONE,
        .next_client = CORE_NONE,
    };
    *head = at;
    bound_init(core, at);
    if (parent != CORE_NONE) {
        struct account *p = &core->accounts[parent];
        a->next_client = p->first_client;
        p->first_client = at;
        p->clients++;
        p->names += symbol != 0;
    }
    tell(core, CORE_HOLD, a);
    return at;
}

uint32_t account_of_principal(struct core *core, uint32_t principal)
{
    uint32_t p = find(core, CORE_NONE, principal);
    return p == CORE_NONE ? make(core, CORE_NONE, principal) : p;
}

/* Whoever was among the further names stays there while that account remembers anything. */
static bool has_room_for_name(struct core *core, uint32_t p, uint32_t shared)
{
    if (shared != CORE_NONE && !is_blank(core, &core->accounts[shared])) {
        return false;
    }
    if (core->accounts[p].names >= core->limits.names_max) {
        reclaim_client(core, p); /* a key that was not used for long gives its place */
    }
    return core->accounts[p].names < core->limits.names_max;
}

uint32_t account_get(struct core *core, uint32_t principal, uint32_t client)
{
    uint32_t p = account_of_principal(core, principal);
    uint32_t c = p == CORE_NONE ? CORE_NONE : find(core, p, client);
    if (p == CORE_NONE || c != CORE_NONE) {
        return c;
    }
    uint32_t shared = find(core, p, 0);
    if (has_room_for_name(core, p, shared)) {
        return make(core, p, client);
    }
    shared = find(core, p, 0); /* it may have been the one that gave its place */
    return shared == CORE_NONE ? make(core, p, 0) : shared;
}

uint32_t account_find(const struct core *core, uint32_t principal, uint32_t client)
{
    uint32_t p = find(core, CORE_NONE, principal);
    uint32_t c = p == CORE_NONE ? CORE_NONE : find(core, p, client);
    if (p != CORE_NONE && c == CORE_NONE) {
        c = find(core, p, 0);
    }
    return c == CORE_NONE ? p : c;
}

uint32_t account_load(struct core *core, uint32_t principal, uint32_t client)
{
    uint32_t p = account_of_principal(core, principal);
    uint32_t c = p == CORE_NONE ? CORE_NONE : find(core, p, client);
    if (p != CORE_NONE && c == CORE_NONE) {
        bool has_room = core->accounts[p].names < core->limits.names_max;
        c = has_room ? CORE_NONE : find(core, p, 0);
        c = c == CORE_NONE ? make(core, p, has_room ? client : 0) : c;
    }
    return c;
}

void account_add_node(struct core *core, uint32_t node)
{
    struct node *n = &core->nodes[node];
    struct account *a = &core->accounts[n->key];
    n->account_next = a->first_node;
    a->first_node = node;
    n->is_parked = account_node_is_parked(core, node);
}

void account_drop_node(struct core *core, uint32_t node)
{
    uint32_t *link = &core->accounts[core->nodes[node].key].first_node;
    while (*link != node) {
        link = &core->nodes[*link].account_next;
    }
    *link = core->nodes[node].account_next;
}

bool account_is_full(const struct core *core, uint32_t account)
{
    const struct account *a = &core->accounts[account];
    uint32_t run_max = a->parent == CORE_NONE ? core->limits.run_principal
                                              : core->limits.run_client;
    return run_max > 0 && a->running >= run_max;
}

static uint32_t profile_of(const struct core *core, uint32_t class)
{
    return (class - core->limits.profiles) / CORE_PRIORITIES;
}

bool account_node_is_parked(const struct core *core, uint32_t node)
{
    const struct node *n = &core->nodes[node];
    return account_is_full(core, n->key) ||
           (n->level == LEVEL_PRINCIPAL &&
               login_is_parked(core, profile_of(core, n->parent), core->accounts[n->key].symbol));
}

/* Its nodes leave the heaps, in all profiles and priorities, or come back. */
static void park(struct core *core, uint32_t account)
{
    uint32_t at = core->accounts[account].first_node;
    for (; at != CORE_NONE; at = core->nodes[at].account_next) {
        bool is_parked = account_node_is_parked(core, at);
        if (core->nodes[at].is_parked != is_parked) {
            core->nodes[at].is_parked = is_parked;
            node_place(core, at);
        }
    }
}

void account_park(struct core *core, uint32_t principal)
{
    uint32_t at = find(core, CORE_NONE, principal);
    if (at != CORE_NONE) {
        park(core, at);
    }
}

bool account_at_cap(const struct core *core, uint32_t principal)
{
    uint32_t at = find(core, CORE_NONE, principal);
    return at != CORE_NONE && account_is_full(core, at);
}

static uint64_t until(const struct core *core, uint64_t at_ns)
{
    return at_ns > core->now_ns ? at_ns - core->now_ns : 0;
}

static uint64_t rate_left(const struct core *core, const struct core_rate *rate, uint64_t tat_ns)
{
    uint64_t spent_ns = until(core, tat_ns);
    uint64_t spent = rate->burst > 0 ? (spent_ns + rate->interval_ns - 1) / rate->interval_ns : 0;
    return spent < rate->burst ? rate->burst - spent : 0;
}

static struct core_account_view view_of(const struct core *core, uint32_t account)
{
    const struct account *a = &core->accounts[account];
    bool is_principal = a->parent == CORE_NONE;
    const struct core_rate *rate = limit_rate(core, account, CORE_CELL_CALLS);
    struct core_account_view view = {
        .principal = is_principal ? a->symbol : core->accounts[a->parent].symbol,
        .client = is_principal ? 0 : a->symbol,
        .is_principal = is_principal,
        .queued = a->queued + a->held,
        .running = a->running,
        .rate_left = rate_left(core, rate, a->tat_ns[CORE_CELL_CALLS]),
    };
    memcpy(view.used, a->used, sizeof(view.used));
    memcpy(view.reserved, a->reserved, sizeof(view.reserved));
    memcpy(view.stored, a->stored, sizeof(view.stored));
    for (int cell = 0; cell < CORE_CELLS; cell++) {
        view.spent_ns[cell] = until(core, a->tat_ns[cell]);
        view.stored_spent_ns[cell] = until(core, a->stored_tat_ns[cell]);
    }
    return view;
}

bool core_account_view(const struct core *core, uint32_t account, struct core_account_view *ret)
{
    if (account >= core->account_mark || !core->accounts[account].is_used) {
        return false;
    }
    *ret = view_of(core, account);
    return true;
}

/* Of one that is made when it is needed. */
static struct core_account_view view_of_none(
    const struct core *core, const struct core_rate *rate, bool is_principal)
{
    return (struct core_account_view){
        .is_principal = is_principal,
        .rate_left = rate_left(core, rate, bound_new_tat_ns(core, rate)),
    };
}

bool core_accounts_of(const struct core *core, uint32_t principal, uint32_t client,
    struct core_account_view *ret_principal, struct core_account_view *ret_client)
{
    uint32_t p = find(core, CORE_NONE, principal);
    uint32_t c = p == CORE_NONE ? CORE_NONE : find(core, p, client);
    c = p != CORE_NONE && c == CORE_NONE ? find(core, p, 0) : c;
    *ret_principal = p == CORE_NONE ? view_of_none(core, &core->limits.rate_principal, true)
                                    : view_of(core, p);
    *ret_client = c == CORE_NONE ? view_of_none(core, &core->limits.rate_client, false)
                                 : view_of(core, c);
    return c != CORE_NONE;
}

void account_count(struct core *core, uint32_t client, int queued, int running)
{
    uint32_t both[] = {client, core->accounts[client].parent};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        struct account *a = &core->accounts[both[i]];
        a->queued += (uint32_t)queued;
        a->running += (uint32_t)running;
        if (running != 0) {
            park(core, both[i]);
        }
    }
}

void account_hold(struct core *core, uint32_t client, int held)
{
    core->held_count += (uint32_t)held;
    core->accounts[client].held += (uint32_t)held;
    core->accounts[core->accounts[client].parent].held += (uint32_t)held;
}
