// SPDX-License-Identifier: Apache-2.0
#include "pending.h"

#include "base/assert.h"

/* Four children a place: the heap is flatter, and siblings share a cache line or two. */
enum {
    ARITY = 4
};

static bool before(const struct pending_entry *a, const struct pending_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

bool pending_push(struct pending *p, uint64_t at_ns, uint32_t word)
{
    if (p->len == p->max) {
        return false;
    }
    struct pending_entry entry = {at_ns, p->order++, word};
    uint32_t at = p->len++;
    while (at > 0 && before(&entry, &p->at[(at - 1) / ARITY])) {
        p->at[at] = p->at[(at - 1) / ARITY];
        at = (at - 1) / ARITY;
    }
    p->at[at] = entry;
    return true;
}

uint64_t pending_next_ns(const struct pending *p)
{
    return p->len > 0 ? p->at[0].at_ns : UINT64_MAX;
}

uint32_t pending_pop(struct pending *p)
{
    ASSERT(p->len > 0);
    uint32_t word = p->at[0].word;
    struct pending_entry last = p->at[--p->len];
    uint32_t at = 0;
    for (;;) {
        uint32_t first = at * ARITY + 1;
        uint32_t end = first + ARITY < p->len ? first + ARITY : p->len;
        uint32_t least = first;
        for (uint32_t i = first + 1; i < end; i++) {
            least = before(&p->at[i], &p->at[least]) ? i : least;
        }
        if (first >= p->len || !before(&p->at[least], &last)) {
            break;
        }
        p->at[at] = p->at[least];
        at = least;
    }
    p->at[at] = last;
    return word;
}
