// SPDX-License-Identifier: Apache-2.0
/* The one switch: an event in, the due work after it, actions out. */
#include "core/core.h"

#include "core/state.h"

struct core_action *act(struct core *core, enum core_action_kind kind)
{
    ASSERT(core->out->len < CORE_ACTIONS_MAX);
    struct core_action *a = &core->out->at[core->out->len++];
    *a = (struct core_action){
        .kind = kind,
        .session = CORE_NONE,
        .heir_of = CORE_NONE,
        .ticket = CORE_NONE,
        .worker = CORE_NONE,
        .conn = CORE_NONE,
        .account = CORE_NONE,
    };
    return a;
}

bool has_room(const struct core *core)
{
    return core->out->len + ACTIONS_RESERVE <= CORE_ACTIONS_MAX;
}

static size_t round_up(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static uint32_t power_of_2(uint32_t least)
{
    uint32_t n = 64;
    while (n < least && n < 1u << 20) {
        n *= 2;
    }
    return n;
}

/* A session belongs to its principal's group and to its client key's. */
static uint32_t groups_of(const struct core_limits *limits)
{
    return 2 * limits->sessions;
}

static uint32_t fixed_nodes(const struct core_limits *limits)
{
    return limits->profiles * (1 + CORE_PRIORITIES);
}

/* A ticket needs at most three nodes; as many again remember what idle ones were charged. */
static uint32_t nodes_of(const struct core_limits *limits)
{
    return fixed_nodes(limits) + 6 * limits->tickets + 64;
}

uint32_t core_nodes(const struct core *core)
{
    return nodes_of(&core->limits);
}

/* One a profile, and as many as calls and workers together may need. */
static uint32_t logins_of(const struct core_limits *limits)
{
    return limits->profiles + limits->tickets + CORE_WORKERS_MAX;
}

uint32_t core_logins(const struct core *core)
{
    return logins_of(&core->limits);
}

static uint32_t heap_of(const struct core_limits *limits)
{
    return limits->sessions + limits->tickets + CORE_CONNS_MAX + CORE_WORKERS_MAX +
           CORE_PROFILES_MAX + logins_of(limits);
}

size_t core_size(const struct core_limits *limits)
{
    return round_up(sizeof(struct core)) + round_up(limits->sessions * sizeof(struct session)) +
           round_up(limits->tickets * sizeof(struct ticket)) +
           round_up(limits->accounts * sizeof(struct account)) +
           round_up(nodes_of(limits) * sizeof(struct node)) +
           round_up(power_of_2(nodes_of(limits)) * sizeof(uint32_t)) +
           round_up(power_of_2(limits->accounts) * sizeof(uint32_t)) +
           round_up(logins_of(limits) * sizeof(struct login)) +
           round_up(power_of_2(logins_of(limits)) * sizeof(uint32_t)) +
           round_up(heap_of(limits) * sizeof(struct deadline *)) +
           round_up(groups_of(limits) * sizeof(struct group)) +
           round_up(power_of_2(groups_of(limits)) * sizeof(uint32_t));
}

static void *carve(char **at, size_t bytes)
{
    void *part = *at;
    *at += round_up(bytes);
    return part;
}

static void own(struct deadline *d, enum owner owner, uint32_t index)
{
    d->owner = (uint32_t)owner << OWNER_SHIFT | index;
}

/* Deadlines name their owner by index, so that a due entry leads back to its object. */
static void name_deadlines(struct core *core)
{
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        own(&core->conns[i].deadline, OWNER_CONN, i);
        core->conns[i].ticket = core->conns[i].pin = CORE_NONE;
        core->conns[i].lease.node = CORE_NONE;
    }
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        own(&core->workers[i].deadline, OWNER_WORKER, i);
    }
    for (uint32_t i = 0; i < CORE_PROFILES_MAX; i++) {
        own(&core->profiles[i].reserve, OWNER_RESERVE, i);
        core->profiles[i].crowd_first = CORE_NONE;
    }
}

static void init_accounts(struct core *core)
{
    ASSERT(core->limits.accounts > 1 && core->limits.names_max > 0);
    memset(core->account_buckets, 0xFF, (core->account_mask + 1) * sizeof(uint32_t));
    core->free_account = CORE_NONE;
}

/* Roots first, then the classes of each: these nodes are always there. */
static void init_trees(struct core *core)
{
    uint32_t profiles = core->limits.profiles;
    memset(core->node_buckets, 0xFF, (core->node_mask + 1) * sizeof(uint32_t));
    for (uint32_t p = 0; p < profiles; p++) {
        core->profiles[p].limits = core->limits.profile[p];
        core->profiles[p].job_ns = core->limits.slot_ns_start;
        core->profiles[p].longest_before_ns = core->limits.slot_ns_start;
        node_init(core, p, CORE_NONE, LEVEL_ROOT, p);
        for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
            node_init(core, profiles + p * CORE_PRIORITIES + c, p, LEVEL_CLASS, c);
        }
    }
    core->node_mark = fixed_nodes(&core->limits);
    core->free_node = core->idle_first = core->idle_last = CORE_NONE;
}

static void init_logins(struct core *core)
{
    memset(core->login_buckets, 0xFF, (core->login_mask + 1) * sizeof(uint32_t));
    core->free_login = core->flush_first = CORE_NONE;
    for (uint32_t p = 0; p < core->limits.profiles; p++) {
        login_init(core, p, p, 0);
    }
    core->login_mark = core->limits.profiles;
}

struct core *core_init(void *zeroed, const struct core_limits *limits)
{
    char *at = zeroed;
    struct core *core = carve(&at, sizeof(*core));
    ASSERT(limits->sessions > 0 && limits->sessions <= OWNER_INDEX_MASK);
    ASSERT(limits->tickets > 0 && limits->profiles <= CORE_PROFILES_MAX);
    core->limits = *limits;
    core->sessions = carve(&at, limits->sessions * sizeof(struct session));
    core->tickets = carve(&at, limits->tickets * sizeof(struct ticket));
    core->accounts = carve(&at, limits->accounts * sizeof(struct account));
    core->nodes = carve(&at, nodes_of(limits) * sizeof(struct node));
    core->node_mask = power_of_2(nodes_of(limits)) - 1;
    core->account_mask = power_of_2(limits->accounts) - 1;
    core->node_buckets = carve(&at, (core->node_mask + 1) * sizeof(uint32_t));
    core->account_buckets = carve(&at, (core->account_mask + 1) * sizeof(uint32_t));
    core->logins = carve(&at, logins_of(limits) * sizeof(struct login));
    core->login_mask = power_of_2(logins_of(limits)) - 1;
    core->login_buckets = carve(&at, (core->login_mask + 1) * sizeof(uint32_t));
    core->heap = carve(&at, heap_of(limits) * sizeof(struct deadline *));
    core->groups = carve(&at, groups_of(limits) * sizeof(struct group));
    core->group_mask = power_of_2(groups_of(limits)) - 1;
    core->group_buckets = carve(&at, (core->group_mask + 1) * sizeof(uint32_t));
    core->free_session = core->free_group = CORE_NONE;
    core->everyone.first = core->everyone.last = CORE_NONE;
    core->ending.first = core->ending.last = CORE_NONE;
    core->lines_first = core->lines_last = CORE_NONE;
    init_accounts(core);
    init_trees(core);
    init_logins(core);
    name_deadlines(core);
    return core;
}

static void handle(struct core *core, const struct core_event *event)
{
    switch (event->kind) {
    case CORE_TICK:
        break;
    case CORE_SESSION_OPEN:
        session_open(core, event);
        break;
    case CORE_SESSION_LOAD:
        session_load(core, event);
        break;
    case CORE_SESSION_BODY:
    case CORE_SESSION_DURABLE:
    case CORE_SESSION_ATTACH:
    case CORE_SESSION_DETACH:
    case CORE_SESSION_TOUCH:
    case CORE_SESSION_SEEN:
    case CORE_SESSION_CONTEXT:
    case CORE_SESSION_CLOSE:
        session_event(core, event);
        break;
    case CORE_SUBMIT:
        ticket_submit(core, event);
        break;
    case CORE_CANCEL:
        ASSERT(event->ticket < core->limits.tickets);
        ticket_cancel(core, event->ticket, event->reason);
        break;
    case CORE_WORKER_UP:
    case CORE_WORKER_LOST:
    case CORE_CONN_UP:
    case CORE_CONN_LOST:
    case CORE_STARTED:
    case CORE_DONE:
    case CORE_CONN_PENDING:
        pool_event(core, event);
        break;
    case CORE_LOGIN_CHANGED:
        login_changed(core, event);
        break;
    case CORE_FETCH:
        quota_fetch(core, event);
        break;
    case CORE_FETCHED:
        quota_fetched(core, event);
        break;
    case CORE_QUOTA_DAY:
        quota_new_day(core);
        break;
    case CORE_RESTARTED:
        bound_restarted(core, event->clean);
        break;
    case CORE_ACCOUNT_LOAD:
        bound_load(core, event);
        break;
    case CORE_DRAIN:
        core->draining = true;
        break;
    }
}

static void due(struct core *core, const struct deadline *d)
{
    enum owner owner = (enum owner)(d->owner >> OWNER_SHIFT);
    uint32_t index = d->owner & OWNER_INDEX_MASK;
    switch (owner) {
    case OWNER_SESSION:
        session_due(core, index);
        break;
    case OWNER_TICKET:
        ticket_due(core, index);
        break;
    case OWNER_CONN:
    case OWNER_WORKER:
    case OWNER_LOGIN:
    case OWNER_RESERVE:
        pool_due(core, owner, index);
        break;
    }
}

/* One call of a session that is ending; false: nothing is left to cancel. */
static bool cancel_ending(struct core *core)
{
    for (uint32_t at = core->ending.first; at != CORE_NONE;
         at = core->sessions[at].away[GROUP_ALL].next) {
        uint32_t t = core->sessions[at].first_ticket;
        for (; t != CORE_NONE; t = core->tickets[t].session_next) {
            if (core->tickets[t].end_reason == CORE_OK) {
                ticket_cancel(core, t, CORE_CLOSED);
                return true;
            }
        }
    }
    return false;
}

/* Does one piece of what is due or possible now; false: there is nothing. */
static bool work_left(struct core *core)
{
    if (core->heap_len > 0 && core->heap[0]->at_ns <= core->now_ns) {
        due(core, core->heap[0]);
        return true;
    }
    return cancel_ending(core) || bound_due(core) || pool_bury(core) || pin_dispatch(core) ||
           pin_drain(core) || pool_dispatch(core);
}

void core_step(struct core *core, const struct core_event *event, struct core_actions *ret)
{
    ASSERT(event->boot_ns >= core->now_ns);
    core->now_ns = event->boot_ns;
    core->wall_ns = event->wall_ns;
    core->out = ret;
    ret->len = 0;
    handle(core, event);
    core->unfinished = false;
    while (has_room(core)) {
        if (!work_left(core)) {
            return;
        }
    }
    core->unfinished = true;
}

uint64_t core_deadline(const struct core *core)
{
    if (core->unfinished) {
        return core->now_ns;
    }
    return core->heap_len > 0 ? core->heap[0]->at_ns : CORE_NEVER;
}

const char *core_reason_name(enum core_reason reason)
{
    static const char *const names[] = {
        [CORE_OK] = "ok",
        [CORE_CANCELLED] = "cancelled",
        [CORE_TIMEOUT] = "timeout",
        [CORE_QUEUE_TIMEOUT] = "queue_timeout",
        [CORE_QUEUE_FULL] = "queue_full",
        [CORE_TOO_MANY] = "too_many",
        [CORE_NO_SESSION] = "no_session",
        [CORE_WORKER_DIED] = "worker_died",
        [CORE_UNAVAILABLE] = "unavailable",
        [CORE_LOGIN_PENDING] = "login_pending",
        [CORE_DRAINING] = "draining",
        [CORE_RATE_LIMITED] = "rate_limited",
        [CORE_QUOTA_EXHAUSTED] = "quota_exhausted",
        [CORE_ELSEWHERE] = "elsewhere",
        [CORE_UNSETTABLE] = "unsettable",
        [CORE_CLOSED] = "closed",
        [CORE_IDLE_LIMIT] = "idle_limit",
        [CORE_AGE_LIMIT] = "age_limit",
    };
    _Static_assert(ARRAY_LEN(names) == CORE_REASONS, "one name a reason");
    return names[reason];
}
