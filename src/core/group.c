// SPDX-License-Identifier: Apache-2.0
/*
 * Groups of sessions: all, those of a principal, those of a client key. A group counts its
 * sessions and lists the disconnected ones, longest away first, so that who goes at a cap
 * and who is inherited from are found at its ends.
 */
#include "core/state.h"

static uint32_t *bucket(struct core *core, uint32_t principal, uint32_t client)
{
    uint32_t hash = principal * 0x9E3779B1u ^ client * 0x85EBCA6Bu;
    return &core->group_buckets[(hash ^ hash >> 15) & core->group_mask];
}

/* Buckets and links hold an index plus one: untouched memory is empty. */
static uint32_t find(struct core *core, uint32_t principal, uint32_t client)
{
    uint32_t at = *bucket(core, principal, client);
    while (at != 0 && (core->groups[at - 1].principal != principal ||
                          core->groups[at - 1].client != client)) {
        at = core->groups[at - 1].hash_next;
    }
    return at - 1; /* NONE where there is none */
}

static uint32_t make(struct core *core, uint32_t principal, uint32_t client)
{
    uint32_t at = core->free_group;
    uint32_t *head = bucket(core, principal, client);
    if (at != CORE_NONE) {
        core->free_group = core->groups[at].hash_next;
    } else {
        at = core->group_mark++;
    }
    core->groups[at] = (struct group){
        .principal = principal,
        .client = client,
        .first = CORE_NONE,
        .last = CORE_NONE,
        .hash_next = *head,
    };
    *head = at + 1;
    return at;
}

static void drop(struct core *core, uint32_t group)
{
    struct group *g = &core->groups[group];
    uint32_t *link = bucket(core, g->principal, g->client);
    while (*link != group + 1) {
        link = &core->groups[*link - 1].hash_next;
    }
    *link = g->hash_next;
    g->hash_next = core->free_group;
    core->free_group = group;
}

/* Of each kind the one that @session belongs to. */
static struct group *group_of(struct core *core, const struct session *s, int kind)
{
    return kind == GROUP_ALL ? &core->everyone : &core->groups[s->group[kind]];
}

void group_join(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    for (int kind = 0; kind < GROUPS; kind++) {
        if (kind != GROUP_ALL) {
            uint32_t client = kind == GROUP_CLIENT ? s->client : CORE_NONE;
            uint32_t at = find(core, s->principal, client);
            s->group[kind] = at != CORE_NONE ? at : make(core, s->principal, client);
        }
        group_of(core, s, kind)->count++;
    }
}

void group_leave(struct core *core, uint32_t session)
{
    struct session *s = &core->sessions[session];
    for (int kind = 0; kind < GROUPS; kind++) {
        struct group *g = group_of(core, s, kind);
        if (--g->count == 0 && kind != GROUP_ALL) {
            drop(core, s->group[kind]);
        }
    }
}

/* ---- lists ---- */

static void link_after(
    struct core *core, struct group *g, uint32_t session, int kind, uint32_t before)
{
    struct session *s = &core->sessions[session];
    uint32_t after = before == CORE_NONE ? g->first : core->sessions[before].away[kind].next;
    s->away[kind] = (struct link){before, after};
    *(before == CORE_NONE ? &g->first : &core->sessions[before].away[kind].next) = session;
    *(after == CORE_NONE ? &g->last : &core->sessions[after].away[kind].prev) = session;
}

static void unlink_from(struct core *core, struct group *g, uint32_t session, int kind)
{
    struct link l = core->sessions[session].away[kind];
    *(l.prev == CORE_NONE ? &g->first : &core->sessions[l.prev].away[kind].next) = l.next;
    *(l.next == CORE_NONE ? &g->last : &core->sessions[l.next].away[kind].prev) = l.prev;
}

void group_away(struct core *core, uint32_t session)
{
    const struct session *s = &core->sessions[session];
    for (int kind = 0; kind < GROUPS; kind++) {
        struct group *g = group_of(core, s, kind);
        uint32_t before = g->last;
        /* Almost always the last: time only goes on, and stored ones come oldest first. */
        while (before != CORE_NONE &&
               core->sessions[before].resume_until_ns > s->resume_until_ns) {
            before = core->sessions[before].away[kind].prev;
        }
        link_after(core, g, session, kind, before);
    }
}

void group_back(struct core *core, uint32_t session)
{
    for (int kind = 0; kind < GROUPS; kind++) {
        unlink_from(core, group_of(core, &core->sessions[session], kind), session, kind);
    }
}

/* Who ends with its last call is never away: the links are free. */
void group_ending(struct core *core, uint32_t session)
{
    core->ending.count++;
    link_after(core, &core->ending, session, GROUP_ALL, core->ending.last);
}

void group_ended(struct core *core, uint32_t session)
{
    core->ending.count--;
    unlink_from(core, &core->ending, session, GROUP_ALL);
}

/* ---- who ---- */

uint32_t group_count(struct core *core, uint32_t principal)
{
    uint32_t at = find(core, principal, CORE_NONE);
    return at == CORE_NONE ? 0 : core->groups[at].count;
}

uint32_t group_newest(struct core *core, uint32_t principal, uint32_t client)
{
    uint32_t at = find(core, principal, client);
    return at == CORE_NONE ? CORE_NONE : core->groups[at].last;
}

uint32_t group_oldest(struct core *core, uint32_t principal, uint32_t spared)
{
    int kind = principal == CORE_NONE ? GROUP_ALL : GROUP_PRINCIPAL;
    uint32_t at = kind == GROUP_ALL ? 0 : find(core, principal, CORE_NONE);
    if (at == CORE_NONE) {
        return CORE_NONE;
    }
    uint32_t oldest = kind == GROUP_ALL ? core->everyone.first : core->groups[at].first;
    if (oldest != CORE_NONE && oldest == spared) {
        oldest = core->sessions[oldest].away[kind].next;
    }
    return oldest;
}
