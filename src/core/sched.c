// SPDX-License-Identifier: Apache-2.0
/*
 * Hierarchical fair queueing over the slots of a profile. The next slot goes down the tree
 * to the child that was charged least, by weight. Nobody knows how long a statement runs, so
 * it is charged at dispatch with what the longest recent statement of the profile took, more
 * if it runs longer, and given back the rest when it ends: a flow gains nothing by looking
 * cheap. Priorities are strict, but each has a floor: a share of slot time that it keeps
 * under full load of the others.
 */
#include "core/state.h"

#define MEAN_NS_START UINT64_C(1000000000) /* a guess, until the first statement has ended */

static uint64_t least_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint32_t class_node(const struct core *core, uint32_t profile, uint32_t class)
{
    return core->limits.profiles + profile * CORE_PRIORITIES + class;
}

/* ---- who is next ---- */

/* Keeps the last slot for whoever runs nothing, where somebody else was about lately. */
static uint32_t pick(const struct core *core, uint32_t parent, bool is_scarce)
{
    const struct node *p = &core->nodes[parent];
    uint32_t quiet = p->heap[0];
    uint32_t busy = p->heap[1];
    if (busy != CORE_NONE && is_scarce && node_has_other(core, parent, busy)) {
        busy = CORE_NONE;
    }
    if (quiet == CORE_NONE || busy == CORE_NONE) {
        return quiet == CORE_NONE ? busy : quiet;
    }
    const struct node *q = &core->nodes[quiet];
    const struct node *b = &core->nodes[busy];
    bool is_quiet_first = q->charge != b->charge ? q->charge < b->charge : q->order < b->order;
    return is_quiet_first ? quiet : busy;
}

static uint32_t descend(const struct core *core, uint32_t at, bool is_scarce)
{
    while (at != CORE_NONE && core->nodes[at].level != LEVEL_SESSION) {
        at = pick(core, at, is_scarce);
    }
    return at == CORE_NONE ? CORE_NONE : core->nodes[at].first;
}

/* The classes in the order in which they may be served: who is owed most first, then rank. */
static void rank(const struct profile *p, uint32_t ret[CORE_PRIORITIES])
{
    uint32_t owed = CORE_NONE;
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        if (p->owed_ns[c] > 0 && (owed == CORE_NONE || p->owed_ns[c] > p->owed_ns[owed])) {
            owed = c;
        }
    }
    uint32_t n = 0;
    if (owed != CORE_NONE) {
        ret[n++] = owed;
    }
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        if (c != owed) {
            ret[n++] = c;
        }
    }
}

uint32_t sched_next(const struct core *core, uint32_t profile)
{
    const struct profile *p = &core->profiles[profile];
    uint32_t slots = p->limits.slots;
    uint32_t reserve = core->limits.reserved_slots < slots ? core->limits.reserved_slots
                                                           : slots - 1;
    bool is_scarce = slots - p->busy <= reserve;
    uint32_t order[CORE_PRIORITIES];
    rank(p, order);
    for (uint32_t i = 0; i < CORE_PRIORITIES; i++) {
        uint32_t class = class_node(core, profile, order[i]);
        const struct node *n = &core->nodes[class];
        if (n->queued == 0 ||
            (is_scarce && n->running > 0 && node_has_other(core, profile, class))) {
            continue;
        }
        uint32_t ticket = descend(core, class, is_scarce);
        if (ticket != CORE_NONE) {
            return ticket;
        }
    }
    return CORE_NONE;
}

/* ---- charges ---- */

/*
 * Each class that waited when @l got its slot is owed its floor of the slot's time, and @l's
 * own has had it. Where no other one waited, nobody is owed anything: plenty is no debt.
 */
static void owe(struct core *core, struct profile *p, const struct lease *l, int64_t ns)
{
    const uint32_t *floor_permille = core->limits.floor_permille;
    if (l->owed_classes == 1u << l->class) {
        return;
    }
    /* At most all slots at once; beside what is in flight, a debt of one statement. */
    int64_t most = (int64_t)(p->job_ns * p->limits.slots);
    int64_t least = -most - (int64_t)p->job_ns;
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        if (l->owed_classes & 1u << c) {
            p->owed_ns[c] += ns / 1000 * floor_permille[c] - (c == l->class ? ns : 0);
            p->owed_ns[c] = p->owed_ns[c] < least ? least : p->owed_ns[c];
            p->owed_ns[c] = p->owed_ns[c] > most ? most : p->owed_ns[c];
        }
    }
}

/* Adds to what a lease's nodes and class were charged, for as long as it lasts. */
static void charge(struct core *core, struct profile *p, const struct lease *l, uint64_t ns)
{
    for (uint32_t at = l->node; core->nodes[at].level > LEVEL_CLASS; at = core->nodes[at].parent) {
        struct node *n = &core->nodes[at];
        uint64_t part = ns / n->weight;
        n->charge += part;
        n->pending += part;
        node_place(core, at);
    }
    owe(core, p, l, (int64_t)ns);
}

/* It lasted for @ran_ns: that stays, what it was charged beyond is given back. */
static void settle(struct core *core, struct profile *p, const struct lease *l, uint64_t ran_ns)
{
    uint64_t rest_ns = l->charged_ns - ran_ns;
    for (uint32_t at = l->node; core->nodes[at].level > LEVEL_CLASS; at = core->nodes[at].parent) {
        struct node *n = &core->nodes[at];
        n->charge -= least_of(rest_ns / n->weight, n->charge);
        n->pending -= least_of(l->charged_ns / n->weight, n->pending);
        n->leased_ns_sum -= l->leased_ns;
        node_place(core, at);
    }
    owe(core, p, l, -(int64_t)rest_ns);
}

/* ---- tickets come and go ---- */

void sched_push(struct core *core, uint32_t ticket, bool front)
{
    struct ticket *t = &core->tickets[ticket];
    struct profile *p = &core->profiles[t->profile];
    struct login *l = &core->logins[t->login];
    uint32_t class = class_node(core, t->profile, t->class);
    if (core->nodes[class].queued + core->nodes[class].running == 0) {
        p->owed_ns[t->class] = p->owed_ns[t->class] < 0 ? p->owed_ns[t->class] : 0;
    }
    uint32_t principal =
        node_get(core, class, LEVEL_PRINCIPAL, core->accounts[t->account].parent);
    uint32_t client = node_get(core, principal, LEVEL_CLIENT, t->account);
    t->node = node_get(core, client, LEVEL_SESSION, t->session);
    core->nodes[principal].weight = t->principal_weight;
    core->nodes[client].weight = t->client_weight;
    struct node *leaf = &core->nodes[t->node];
    t->prev = front ? CORE_NONE : leaf->last;
    t->next = front ? leaf->first : CORE_NONE;
    *(t->prev != CORE_NONE ? &core->tickets[t->prev].next : &leaf->first) = ticket;
    *(t->next != CORE_NONE ? &core->tickets[t->next].prev : &leaf->last) = ticket;
    t->state = TICKET_QUEUED;
    t->order = front ? t->order : core->order++;
    t->waits_prev = l->waits_last;
    t->waits_next = CORE_NONE;
    *(l->waits_last != CORE_NONE ? &core->tickets[l->waits_last].waits_next : &l->waits_first) =
        ticket;
    l->waits_last = ticket;
    l->queued++;
    p->waits_ns = p->queued == 0 ? core->now_ns : p->waits_ns;
    p->queued++;
    core->queued++;
    account_count(core, t->account, 1, 0);
    node_count(core, t->node, 1, 0);
}

static void unlink_ticket(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    struct profile *p = &core->profiles[t->profile];
    struct login *l = &core->logins[t->login];
    struct node *leaf = &core->nodes[t->node];
    ASSERT(t->state == TICKET_QUEUED);
    *(t->prev != CORE_NONE ? &core->tickets[t->prev].next : &leaf->first) = t->next;
    *(t->next != CORE_NONE ? &core->tickets[t->next].prev : &leaf->last) = t->prev;
    *(t->waits_prev != CORE_NONE ? &core->tickets[t->waits_prev].waits_next : &l->waits_first) =
        t->waits_next;
    *(t->waits_next != CORE_NONE ? &core->tickets[t->waits_next].waits_prev : &l->waits_last) =
        t->waits_prev;
    l->queued--;
    p->queued--;
    core->queued--;
    if (l->queued == 0) {
        login_wake_all(core); /* what was opened for it is free for others */
    }
}

void sched_remove(struct core *core, uint32_t ticket)
{
    struct ticket *t = &core->tickets[ticket];
    unlink_ticket(core, ticket);
    account_count(core, t->account, -1, 0);
    node_count(core, t->node, -1, 0);
    t->node = CORE_NONE;
}

/* Since the last dispatch, or since somebody waits. */
static uint64_t gap_so_far_ns(const struct core *core, const struct profile *p)
{
    uint64_t since_ns = p->dispatched_ns > p->waits_ns ? p->dispatched_ns : p->waits_ns;
    return core->now_ns - since_ns;
}

/* It gets a slot: what it may cost is charged at once. */
void sched_take(struct core *core, uint32_t ticket, uint32_t conn)
{
    struct ticket *t = &core->tickets[ticket];
    struct profile *p = &core->profiles[t->profile];
    struct lease *l = &core->conns[conn].lease;
    unlink_ticket(core, ticket);
    *l = (struct lease){.leased_ns = core->now_ns,
        .charged_ns = p->job_ns,
        .node = t->node,
        .account = t->account,
        .class = t->class};
    for (uint32_t c = 0; c < CORE_PRIORITIES; c++) {
        l->owed_classes |= (uint8_t)((core->nodes[class_node(core, t->profile, c)].queued > 0) << c);
    }
    for (uint32_t at = l->node; core->nodes[at].level > LEVEL_CLASS; at = core->nodes[at].parent) {
        core->nodes[core->nodes[at].parent].base = node_settled(core, at);
        core->nodes[at].leased_ns_sum += core->now_ns;
    }
    t->node = CORE_NONE;
    charge(core, p, l, l->charged_ns);
    account_count(core, l->account, -1, 1);
    node_count(core, l->node, -1, 1);
    p->dispatched_ns = core->now_ns;
}

/* It lasts longer than it was charged for. */
void sched_extend(struct core *core, uint32_t conn)
{
    struct lease *l = &core->conns[conn].lease;
    struct profile *p = &core->profiles[core->conns[conn].profile];
    uint64_t ran_ns = core->now_ns - l->leased_ns;
    while (l->charged_ns <= ran_ns) {
        /* Steps grow with what it has run: a long one must not wake the loop for ever. */
        uint64_t more_ns = l->charged_ns / 4 > p->job_ns ? l->charged_ns / 4 : p->job_ns;
        charge(core, p, l, more_ns);
        l->charged_ns += more_ns;
    }
}

/*
 * What the longest recent statement took: the maximum over the last one to two windows of
 * completions. A maximum that decays by a share each time was measured too: where one in a
 * hundred statements is long it forgets them in between, and the lag passes 2 T.
 */
static void learn(struct profile *p, uint32_t class, uint64_t ran_ns)
{
    uint64_t mean_ns = p->mean_ns[class];
    p->mean_ns[class] = mean_ns > 0 ? mean_ns - mean_ns / 8 + ran_ns / 8 : ran_ns;
    p->longest_ns = ran_ns > p->longest_ns ? ran_ns : p->longest_ns;
    p->job_ns = p->longest_ns > p->longest_before_ns ? p->longest_ns : p->longest_before_ns;
    p->job_ns = p->job_ns > SLOT_NS_MIN ? p->job_ns : SLOT_NS_MIN;
    if (++p->learned == LEARN_WINDOW) {
        p->longest_before_ns = p->longest_ns;
        p->longest_ns = 0;
        p->learned = 0;
    }
}

/*
 * Its slot is free: what it did not use is given back, and the profile has learned, unless it
 * was a pin: that tells how long a client thought, not how long statements take.
 */
void sched_give_back(struct core *core, uint32_t conn)
{
    struct lease *l = &core->conns[conn].lease;
    struct profile *p = &core->profiles[core->conns[conn].profile];
    uint64_t ran_ns = core->now_ns - l->leased_ns;
    sched_extend(core, conn);
    settle(core, p, l, ran_ns);
    account_count(core, l->account, 0, -1);
    node_count(core, l->node, 0, -1);
    if (!l->is_pin) {
        learn(p, l->class, ran_ns);
    }
    l->node = CORE_NONE;
}

/* ---- bounds ---- */

/* True where @waiting are as many as may; @ret then says whose bound that is. */
static bool is_full(uint32_t waiting, uint32_t max, enum core_scope scope, struct core_action *ret)
{
    if (waiting < max) {
        return false;
    }
    ret->reason = CORE_QUEUE_FULL;
    ret->scope = scope;
    ret->limit_max = max;
    return true;
}

bool sched_admit(const struct core *core, uint32_t client, struct core_action *ret)
{
    const struct core_limits *limits = &core->limits;
    const struct account *c = &core->accounts[client];
    const struct account *p = &core->accounts[c->parent];
    return !is_full(core->queued + core->held_count, limits->queue_total, CORE_SCOPE_ALL, ret) &&
           !is_full(p->queued + p->held, limits->queue_principal, CORE_SCOPE_PRINCIPAL, ret) &&
           !is_full(c->queued + c->held, limits->queue_client, CORE_SCOPE_CLIENT, ret);
}

/* ---- how long it may take ---- */

uint64_t sched_mean_ns(const struct core *core, uint32_t profile, uint32_t class)
{
    uint64_t mean_ns = core->profiles[profile].mean_ns[class];
    return mean_ns > 0 ? mean_ns : MEAN_NS_START;
}

/* What a statement takes; when none has ended for longer than that, at least so long. */
static uint64_t typical_ns(const struct core *core, uint32_t profile, uint32_t class)
{
    uint64_t so_far_ns = gap_so_far_ns(core, &core->profiles[profile]);
    uint64_t mean_ns = sched_mean_ns(core, profile, class);
    return core->profiles[profile].queued > 0 && so_far_ns > mean_ns ? so_far_ns : mean_ns;
}

static uint64_t present_below(const struct core *core, uint32_t node)
{
    return node != CORE_NONE && core->nodes[node].present > 0 ? core->nodes[node].present : 1;
}

/* The node of a client's principal in a class, or NONE. */
static uint32_t principal_node(const struct core *core, uint32_t class, uint32_t client)
{
    uint32_t at = core->accounts[core->accounts[client].parent].first_node;
    while (at != CORE_NONE && core->nodes[at].parent != class) {
        at = core->nodes[at].account_next;
    }
    return at;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/*
 * Between two turns of a scope: slots come free one after the other and go round all who are
 * present, and nobody has more of them than it may run at once.
 */
static uint64_t turn_ns(const struct core *core, uint32_t profile, uint32_t priority,
    uint32_t client, enum core_scope scope)
{
    const struct core_limits *l = &core->limits;
    uint32_t class = class_node(core, profile, priority);
    uint64_t took_ns = typical_ns(core, profile, priority);
    uint64_t ns = took_ns / core->profiles[profile].limits.slots;
    if (scope == CORE_SCOPE_ALL) {
        return ns;
    }
    ns *= present_below(core, class);
    ns = l->run_principal > 0 ? most(ns, took_ns / l->run_principal) : ns;
    if (scope == CORE_SCOPE_PRINCIPAL) {
        return ns;
    }
    ns *= present_below(core, principal_node(core, class, client));
    return l->run_client > 0 ? most(ns, took_ns / l->run_client) : ns;
}

uint64_t sched_retry_ns(const struct core *core, const struct core_event *event, uint32_t client,
    enum core_scope scope)
{
    return turn_ns(core, event->profile, event->priority, client, scope);
}

/* ---- where a ticket stands ---- */

/* The next in a pairing heap in which every node is visited once; NONE after the last. */
static uint32_t heap_next(const struct core *core, uint32_t at)
{
    if (core->nodes[at].down != CORE_NONE) {
        return core->nodes[at].down;
    }
    while (at != CORE_NONE && core->nodes[at].next == CORE_NONE) {
        while (core->nodes[at].prev != CORE_NONE &&
               core->nodes[core->nodes[at].prev].down != at) {
            at = core->nodes[at].prev;
        }
        at = core->nodes[at].prev;
    }
    return at == CORE_NONE ? CORE_NONE : core->nodes[at].next;
}

/* Tickets below a client's node that came before @order; a session that waits is in a heap. */
static uint32_t count_before(const struct core *core, uint32_t client, uint32_t order)
{
    uint32_t count = 0;
    for (int which = 0; which < 2; which++) {
        uint32_t at = core->nodes[client].heap[which];
        for (; at != CORE_NONE; at = heap_next(core, at)) {
            uint32_t ticket = core->nodes[at].first;
            for (; ticket != CORE_NONE; ticket = core->tickets[ticket].next) {
                count += core->tickets[ticket].order < order;
            }
        }
    }
    return count;
}

/*
 * Turns go round all who wait in its class, after the higher ones; but where no cap binds, no
 * more than all who wait can be before it.
 */
static uint64_t likely_wait_ns(const struct core *core, const struct ticket *t, uint32_t turns)
{
    const struct profile *p = &core->profiles[t->profile];
    uint64_t slot_ns = turn_ns(core, t->profile, t->class, t->account, CORE_SCOPE_ALL);
    uint64_t higher_ns = 0;
    for (uint32_t c = 0; c < t->class; c++) {
        uint64_t queued = core->nodes[class_node(core, t->profile, c)].queued;
        higher_ns += queued * turn_ns(core, t->profile, c, t->account, CORE_SCOPE_ALL);
    }
    uint64_t own_ns = turns * turn_ns(core, t->profile, t->class, t->account, CORE_SCOPE_CLIENT);
    bool is_capped = account_is_full(core, t->account) ||
                     account_is_full(core, core->accounts[t->account].parent);
    return higher_ns + (is_capped ? own_ns : least_of(own_ns, p->queued * slot_ns));
}

uint64_t sched_wait_ns(const struct core *core, uint32_t ticket)
{
    const struct ticket *t = &core->tickets[ticket];
    uint32_t turns = count_before(core, core->nodes[t->node].parent, t->order) + 1;
    return likely_wait_ns(core, t, turns);
}

bool core_queue_view(const struct core *core, uint32_t ticket, struct core_queue_view *ret)
{
    const struct ticket *t = &core->tickets[ticket];
    const struct profile *p = &core->profiles[t->profile];
    if (t->state != TICKET_QUEUED) {
        return false;
    }
    uint32_t turns = count_before(core, core->nodes[t->node].parent, t->order) + 1;
    *ret = (struct core_queue_view){.position = turns,
        .wait_ns = likely_wait_ns(core, t, turns),
        .busy = p->busy,
        .slots = p->limits.slots};
    uint32_t at = core->accounts[t->account].first_node;
    for (; at != CORE_NONE; at = core->nodes[at].account_next) {
        uint32_t class = core->nodes[core->nodes[at].parent].parent;
        uint32_t first = class_node(core, t->profile, 0);
        if (class >= first && class < first + CORE_PRIORITIES) {
            ret->length += core->nodes[at].queued;
            ret->position += class < first + t->class ? core->nodes[at].queued : 0;
        }
    }
    return true;
}

uint32_t core_position(const struct core *core, uint32_t ticket)
{
    struct core_queue_view view;
    return core_queue_view(core, ticket, &view) ? view.position : 0;
}
