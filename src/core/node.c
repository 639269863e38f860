// SPDX-License-Identifier: Apache-2.0
/*
 * The tree of a profile: root, priority, principal, client key, session. A node waits in
 * its parent's heaps while something below it waits; siblings are ordered by what they were
 * charged. The heaps are pairing heaps: nodes are their own links, so nothing is allocated.
 */
#include "core/state.h"

static bool before(const struct core *core, uint32_t a, uint32_t b)
{
    const struct node *x = &core->nodes[a];
    const struct node *y = &core->nodes[b];
    return x->charge != y->charge ? x->charge < y->charge : x->order < y->order;
}

/* Joins two heaps; either may be empty. */
static uint32_t meld(struct core *core, uint32_t a, uint32_t b)
{
    if (a == CORE_NONE || b == CORE_NONE) {
        return a == CORE_NONE ? b : a;
    }
    if (before(core, b, a)) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    struct node *top = &core->nodes[a];
    struct node *low = &core->nodes[b];
    low->prev = a;
    low->next = top->down;
    if (top->down != CORE_NONE) {
        core->nodes[top->down].prev = b;
    }
    top->down = b;
    top->next = top->prev = CORE_NONE;
    return a;
}

/* Joins a list of heaps: in pairs from the left, then all from the right. */
static uint32_t meld_all(struct core *core, uint32_t first)
{
    uint32_t pairs = CORE_NONE; /* a stack, linked by prev */
    uint32_t all = CORE_NONE;
    while (first != CORE_NONE) {
        uint32_t second = core->nodes[first].next;
        uint32_t rest = second == CORE_NONE ? CORE_NONE : core->nodes[second].next;
        core->nodes[first].next = core->nodes[first].prev = CORE_NONE;
        if (second != CORE_NONE) {
            core->nodes[second].next = core->nodes[second].prev = CORE_NONE;
        }
        uint32_t pair = meld(core, first, second);
        core->nodes[pair].prev = pairs;
        pairs = pair;
        first = rest;
    }
    while (pairs != CORE_NONE) {
        uint32_t next = core->nodes[pairs].prev;
        core->nodes[pairs].prev = CORE_NONE;
        all = meld(core, all, pairs);
        pairs = next;
    }
    return all;
}

static void heap_remove(struct core *core, uint32_t at)
{
    struct node *n = &core->nodes[at];
    uint32_t *root = &core->nodes[n->parent].heap[n->in_heap - 1];
    uint32_t below = meld_all(core, n->down);
    if (*root == at) {
        *root = below;
    } else {
        struct node *left = &core->nodes[n->prev];
        if (left->down == at) {
            left->down = n->next;
        } else {
            left->next = n->next;
        }
        if (n->next != CORE_NONE) {
            core->nodes[n->next].prev = n->prev;
        }
        *root = meld(core, *root, below);
    }
    n->down = n->next = n->prev = CORE_NONE;
    n->in_heap = 0;
}

/* Brings a node's place in its parent's heaps in line with what it is now. */
void node_place(struct core *core, uint32_t at)
{
    struct node *n = &core->nodes[at];
    if (n->in_heap > 0) {
        heap_remove(core, at);
    }
    if (n->queued > 0 && !n->is_parked && n->parent != CORE_NONE) {
        uint32_t which = n->running > 0;
        uint32_t *root = &core->nodes[n->parent].heap[which];
        n->in_heap = (uint8_t)(which + 1);
        *root = meld(core, *root, at);
    }
}

uint64_t node_settled(const struct core *core, uint32_t at)
{
    const struct node *n = &core->nodes[at];
    uint64_t used = (n->running * core->now_ns - n->leased_ns_sum) / n->weight;
    uint64_t unused = n->pending > used ? n->pending - used : 0;
    return n->charge > unused ? n->charge - unused : 0;
}

/*
 * Who becomes backlogged starts at the least that anybody present has settled: idling earns
 * nothing. Charges in flight do not count: they are mostly given back, and would keep a
 * newcomer waiting till then.
 */
static void node_join(struct core *core, uint32_t at)
{
    struct node *n = &core->nodes[at];
    const struct node *parent = &core->nodes[n->parent];
    uint64_t base = parent->base;
    for (int i = 0; i < 2; i++) {
        if (parent->heap[i] != CORE_NONE && node_settled(core, parent->heap[i]) < base) {
            base = node_settled(core, parent->heap[i]);
        }
    }
    n->charge = n->charge > base ? n->charge : base;
    n->order = core->order++;
}

/* ---- presence: who had work within the last minute ---- */

static void enter(struct core *core, uint32_t at)
{
    struct node *n = &core->nodes[at];
    core->nodes[n->parent].present++;
    if (n->lru_prev != CORE_NONE || core->idle_first == at) {
        node_unlist(core, at);
    }
}

static void leave(struct core *core, uint32_t at)
{
    struct node *n = &core->nodes[at];
    struct node *parent = &core->nodes[n->parent];
    parent->present--;
    if (parent->left[0] != at) {
        parent->left[1] = parent->left[0];
        parent->left_ns[1] = parent->left_ns[0];
    }
    parent->left[0] = at;
    parent->left_ns[0] = core->now_ns;
    if (n->level > LEVEL_CLASS && n->children == 0) {
        node_list(core, at);
    }
}

/* Adds to the counts of a node and all above it. */
void node_count(struct core *core, uint32_t at, int queued, int running)
{
    for (; at != CORE_NONE; at = core->nodes[at].parent) {
        struct node *n = &core->nodes[at];
        bool had_work = n->queued + n->running > 0;
        bool was_waiting = n->queued > 0;
        n->queued += (uint32_t)queued;
        n->running += (uint32_t)running;
        bool has_work = n->queued + n->running > 0;
        if (n->parent != CORE_NONE && has_work && !had_work) {
            enter(core, at);
        }
        if (n->level > LEVEL_CLASS && n->queued > 0 && !was_waiting) {
            node_join(core, at);
        }
        n->pending = n->running > 0 ? n->pending : 0; /* parts were rounded */
        if (n->level > LEVEL_CLASS) {
            node_place(core, at);
        }
        if (n->parent != CORE_NONE && !has_work && had_work) {
            leave(core, at);
        }
    }
}

bool node_has_other(const struct core *core, uint32_t parent, uint32_t child)
{
    const struct node *p = &core->nodes[parent];
    bool is_present = core->nodes[child].queued + core->nodes[child].running > 0;
    if (p->present > (is_present ? 1u : 0u)) {
        return true;
    }
    for (int i = 0; i < 2; i++) {
        if (p->left[i] != CORE_NONE && p->left[i] != child &&
            core->now_ns - p->left_ns[i] <= core->limits.present_ns) {
            return true;
        }
    }
    return false;
}

/* ---- the pool of nodes: idle ones keep their charge until another needs the room ---- */

void node_list(struct core *core, uint32_t at)
{
    struct node *n = &core->nodes[at];
    n->lru_prev = core->idle_last;
    n->lru_next = CORE_NONE;
    if (core->idle_last != CORE_NONE) {
        core->nodes[core->idle_last].lru_next = at;
    } else {
        core->idle_first = at;
    }
    core->idle_last = at;
}

void node_unlist(struct core *core, uint32_t at)
{
    struct node *n = &core->nodes[at];
    if (n->lru_prev != CORE_NONE) {
        core->nodes[n->lru_prev].lru_next = n->lru_next;
    } else {
        core->idle_first = n->lru_next;
    }
    if (n->lru_next != CORE_NONE) {
        core->nodes[n->lru_next].lru_prev = n->lru_prev;
    } else {
        core->idle_last = n->lru_prev;
    }
    n->lru_prev = n->lru_next = CORE_NONE;
}

static uint32_t *bucket(struct core *core, uint32_t parent, uint32_t key)
{
    return &core->node_buckets[((key * 0x9E3779B1u ^ parent * 0x85EBCA6Bu) >> 7) &
                               core->node_mask];
}

/* An idle node without children goes; its parent may then be another one. */
void node_evict(struct core *core, uint32_t at)
{
    ASSERT(at != CORE_NONE); /* there are more nodes than tickets can use at once */
    struct node *n = &core->nodes[at];
    ASSERT(n->queued + n->running + n->children == 0);
    uint32_t *link = bucket(core, n->parent, n->key);
    node_unlist(core, at);
    while (*link != at) {
        link = &core->nodes[*link].hash_next;
    }
    *link = n->hash_next;
    if (n->level != LEVEL_SESSION) {
        account_drop_node(core, at);
    }
    struct node *parent = &core->nodes[n->parent];
    for (int i = 0; i < 2; i++) {
        parent->left[i] = parent->left[i] == at ? CORE_NONE : parent->left[i];
    }
    *(n->sib_prev != CORE_NONE ? &core->nodes[n->sib_prev].sib_next : &parent->first_child) =
        n->sib_next;
    if (n->sib_next != CORE_NONE) {
        core->nodes[n->sib_next].sib_prev = n->sib_prev;
    }
    parent->children--;
    if (parent->level > LEVEL_CLASS && parent->children == 0 &&
        parent->queued + parent->running == 0) {
        node_list(core, n->parent);
    }
    n->used = false;
    n->hash_next = core->free_node;
    core->free_node = at;
}

void node_evict_all(struct core *core, uint32_t at)
{
    while (core->nodes[at].first_child != CORE_NONE) {
        node_evict_all(core, core->nodes[at].first_child);
    }
    node_evict(core, at);
}

void node_init(struct core *core, uint32_t at, uint32_t parent, enum level level, uint32_t key)
{
    core->nodes[at] = (struct node){
        .used = true,
        .level = (uint8_t)level,
        .parent = parent,
        .key = key,
        .weight = 1,
        .heap = {CORE_NONE, CORE_NONE},
        .down = CORE_NONE,
        .next = CORE_NONE,
        .prev = CORE_NONE,
        .left = {CORE_NONE, CORE_NONE},
        .first = CORE_NONE,
        .last = CORE_NONE,
        .hash_next = CORE_NONE,
        .lru_prev = CORE_NONE,
        .lru_next = CORE_NONE,
        .account_next = CORE_NONE,
        .first_child = CORE_NONE,
        .sib_next = CORE_NONE,
        .sib_prev = CORE_NONE,
    };
}

uint32_t node_get(struct core *core, uint32_t parent, enum level level, uint32_t key)
{
    uint32_t *head = bucket(core, parent, key);
    for (uint32_t at = *head; at != CORE_NONE; at = core->nodes[at].hash_next) {
        if (core->nodes[at].parent == parent && core->nodes[at].key == key) {
            return at;
        }
    }
    struct node *p = &core->nodes[parent];
    if (p->lru_prev != CORE_NONE || core->idle_first == parent) {
        node_unlist(core, parent); /* it is about to have a child */
    }
    uint32_t at = core->node_mark;
    if (core->free_node == CORE_NONE && at == core_nodes(core)) {
        node_evict(core, core->idle_first);
    }
    if (core->free_node != CORE_NONE) {
        at = core->free_node;
        core->free_node = core->nodes[at].hash_next;
    } else {
        core->node_mark++;
    }
    node_init(core, at, parent, level, key);
    core->nodes[at].hash_next = *head;
    *head = at;
    p->children++;
    core->nodes[at].sib_next = p->first_child;
    if (p->first_child != CORE_NONE) {
        core->nodes[p->first_child].sib_prev = at;
    }
    p->first_child = at;
    if (level != LEVEL_SESSION) {
        account_add_node(core, at);
    } else {
        node_list(core, at);
    }
    return at;
}
