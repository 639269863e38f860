// SPDX-License-Identifier: Apache-2.0
/*
 * Deadlines as the oracles keep them: one list for each kind, so that almost always a new
 * one is the last. Other than the core's heap on purpose.
 */
#include "day.h"

static struct due *due_of(struct list *node)
{
    return CONTAINER_OF(node, struct due, node);
}

void due_init(struct due *due)
{
    list_init(&due->node);
    due->at_ns = CORE_NEVER;
}

void due_clear(struct due *due)
{
    list_remove(&due->node);
    due->at_ns = CORE_NEVER;
}

void due_set(struct list *list, struct due *due, uint64_t at_ns)
{
    if (due->at_ns == at_ns && due->list == list) {
        return;
    }
    due_clear(due);
    if (at_ns == CORE_NEVER) {
        return;
    }
    struct list *after = list;
    while (after->prev != list && due_of(after->prev)->at_ns > at_ns) {
        after = after->prev;
    }
    due->at_ns = at_ns;
    due->list = list;
    list_push_back(after, &due->node);
}

uint64_t due_first_ns(const struct list *list)
{
    return list_is_empty(list) ? CORE_NEVER : due_of(list->next)->at_ns;
}
