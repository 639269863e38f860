// SPDX-License-Identifier: Apache-2.0
/*
 * Logins: who connects to a profile. Its own (number: the profile's), or, where each
 * principal has a login of its own, one for each principal that calls. Workers and
 * connections belong to one login and serve no other; what goes wrong with it (a wrong
 * password, a window in which nobody has signed in yet) is no other's trouble: a login
 * that cannot serve its calls now leaves the queue, and the next in turn goes on.
 */
#include "core/state.h"

static uint32_t *bucket(const struct core *core, uint32_t profile, uint32_t principal)
{
    return &core->login_buckets[((principal * 0x9E3779B1u ^ profile * 0x85EBCA6Bu) >> 7) &
                                core->login_mask];
}

uint32_t login_find(const struct core *core, uint32_t profile, uint32_t principal)
{
    if (!core->profiles[profile].limits.per_principal) {
        return profile;
    }
    uint32_t at = *bucket(core, profile, principal);
    while (at != CORE_NONE && (core->logins[at].profile != profile ||
                                  core->logins[at].principal != principal)) {
        at = core->logins[at].hash_next;
    }
    return at;
}

/* All it remembers is how often it failed lately, and its pause. */
static bool is_unused(const struct login *l)
{
    return l->is_used && l->principal != 0 && !l->is_flushing && !l->is_crowded &&
           l->calls == 0 && l->workers == 0 && l->idle + l->busy + l->connecting == 0;
}

static void forget(struct core *core, uint32_t at)
{
    struct login *l = &core->logins[at];
    uint32_t *link = bucket(core, l->profile, l->principal);
    while (*link != at) {
        link = &core->logins[*link].hash_next;
    }
    *link = l->hash_next;
    deadline_arm(core, &l->deadline, CORE_NEVER);
    act(core, CORE_RELEASE)->user = l->principal;
    l->is_used = false;
    account_park(core, l->principal); /* nobody would wake it any more */
    l->hash_next = core->free_login;
    core->free_login = at;
}

/* There are more than calls and workers together can use: one that is in use by none is
 * found. */
static uint32_t take_free(struct core *core)
{
    if (core->free_login == CORE_NONE && core->login_mark < core_logins(core)) {
        return core->login_mark++;
    }
    for (uint32_t i = 0; core->free_login == CORE_NONE && i < core->login_mark; i++) {
        uint32_t at = core->login_at++ % core->login_mark;
        if (is_unused(&core->logins[at])) {
            forget(core, at);
        }
    }
    uint32_t at = core->free_login;
    ASSERT(at != CORE_NONE);
    core->free_login = core->logins[at].hash_next;
    return at;
}

void login_init(struct core *core, uint32_t at, uint32_t profile, uint32_t principal)
{
    core->logins[at] = (struct login){
        .deadline.owner = (uint32_t)OWNER_LOGIN << OWNER_SHIFT | at,
        .profile = profile,
        .principal = principal,
        .waits_first = CORE_NONE,
        .waits_last = CORE_NONE,
        .hash_next = CORE_NONE,
        .is_used = true,
    };
}

uint32_t login_get(struct core *core, uint32_t profile, uint32_t principal)
{
    uint32_t at = login_find(core, profile, principal);
    if (at != CORE_NONE) {
        return at;
    }
    at = take_free(core);
    login_init(core, at, profile, principal);
    uint32_t *head = bucket(core, profile, principal);
    core->logins[at].hash_next = *head;
    *head = at;
    act(core, CORE_HOLD)->user = principal;
    return at;
}

void login_count(struct core *core, uint32_t login, int idle, int busy, int connecting)
{
    struct login *l = &core->logins[login];
    struct profile *p = &core->profiles[l->profile];
    l->idle += (uint32_t)idle;
    l->busy += (uint32_t)busy;
    l->connecting += (uint32_t)connecting;
    p->idle += (uint32_t)idle;
    p->busy += (uint32_t)busy;
    p->connecting += (uint32_t)connecting;
}

bool login_lives(const struct login *l)
{
    return l->idle + l->busy > 0;
}

/* ---- who waits for what ---- */

/* False for a profile's own: there the whole profile waits, nobody else could be served. */
bool login_wait(struct core *core, uint32_t login, enum login_wait wait)
{
    struct login *l = &core->logins[login];
    struct profile *p = &core->profiles[l->profile];
    if (l->principal == 0) {
        return false;
    }
    ASSERT(l->wait == LOGIN_READY); /* else it were not in turn */
    l->wait = (uint8_t)wait;
    if (wait == LOGIN_CROWDED && !l->is_crowded) {
        l->is_crowded = true;
        l->crowd_next = p->crowd_first;
        p->crowd_first = login;
    }
    account_park(core, l->principal);
    return true;
}

void login_wake(struct core *core, uint32_t login)
{
    struct login *l = &core->logins[login];
    if (l->wait != LOGIN_READY) {
        l->wait = LOGIN_READY;
        account_park(core, l->principal);
    }
}

void login_wake_crowd(struct core *core, uint32_t profile)
{
    struct profile *p = &core->profiles[profile];
    while (p->crowd_first != CORE_NONE) {
        uint32_t at = p->crowd_first;
        p->crowd_first = core->logins[at].crowd_next;
        core->logins[at].is_crowded = false;
        login_wake(core, at);
    }
}

void login_wake_all(struct core *core)
{
    for (uint32_t i = 0; i < core->limits.profiles; i++) {
        login_wake_crowd(core, i);
    }
}

bool login_is_parked(const struct core *core, uint32_t profile, uint32_t principal)
{
    uint32_t at = login_find(core, profile, principal);
    return at != CORE_NONE && core->logins[at].wait != LOGIN_READY;
}

/* ---- what goes wrong ---- */

enum { JITTER_NS = 1000000 };

/* All that waits for it ends, a few a step. */
static void flush(struct core *core, uint32_t login)
{
    struct login *l = &core->logins[login];
    if (!l->is_flushing) {
        l->is_flushing = true;
        l->flush_next = core->flush_first;
        core->flush_first = login;
    }
}

void login_failed(struct core *core, uint32_t login)
{
    struct login *l = &core->logins[login];
    uint64_t wait_ns = core->limits.backoff_ns_min;
    if (!login_lives(l) && l->connecting == 0) {
        flush(core, login);
    }
    if (l->deadline.heap_at != 0) {
        return; /* one more of the same outage */
    }
    for (uint32_t i = 0; i < l->failures && wait_ns < core->limits.backoff_ns_max; i++) {
        wait_ns *= 2;
    }
    if (wait_ns > core->limits.backoff_ns_max) {
        wait_ns = core->limits.backoff_ns_max;
    }
    l->failures++;
    /* Several daemons behind one outage must not come back in step. */
    wait_ns -=
        pool_scatter(core->now_ns + login, wait_ns / 4 / JITTER_NS + 1) * JITTER_NS;
    deadline_arm(core, &l->deadline, core->now_ns + wait_ns);
}

void login_succeeded(struct core *core, uint32_t login)
{
    core->logins[login].failures = 0;
    deadline_arm(core, &core->logins[login].deadline, CORE_NEVER);
    login_wake(core, login);
}

void login_due(struct core *core, uint32_t login)
{
    deadline_arm(core, &core->logins[login].deadline, CORE_NEVER);
    login_wake(core, login);
}

enum core_reason login_refuses(
    const struct core *core, uint32_t login, uint64_t *ret_retry_ns)
{
    const struct login *l = &core->logins[login];
    if (login_lives(l)) {
        return CORE_OK;
    }
    if (l->is_pending) {
        *ret_retry_ns = PENDING_RETRY_NS;
        return CORE_LOGIN_PENDING;
    }
    if (l->deadline.heap_at == 0 || l->connecting > 0) {
        return CORE_OK;
    }
    *ret_retry_ns =
        l->deadline.at_ns > core->now_ns ? l->deadline.at_ns - core->now_ns : 0;
    return CORE_UNAVAILABLE;
}

void login_check(struct core *core, uint32_t login)
{
    uint64_t retry_ns;
    if (login_refuses(core, login, &retry_ns) != CORE_OK) {
        flush(core, login);
    }
}

void login_pending(struct core *core, uint32_t login)
{
    core->logins[login].is_pending = true;
    flush(core, login);
}

bool login_flush(struct core *core)
{
    while (core->flush_first != CORE_NONE) {
        struct login *l = &core->logins[core->flush_first];
        uint64_t retry_ns = 0;
        enum core_reason reason = login_refuses(core, core->flush_first, &retry_ns);
        if (l->queued > 0 && reason != CORE_OK) {
            uint32_t first = l->waits_first;
            sched_remove(core, first);
            ticket_end(core, first, reason)->retry_after_ns = retry_ns;
            return true;
        }
        core->flush_first = l->flush_next;
        l->is_flushing = false;
    }
    return false;
}

/* Its secret is another one, or is gone: what was opened with the old one goes as it gets
 * free. */
void login_changed(struct core *core, const struct core_event *event)
{
    ASSERT(event->profile < core->limits.profiles);
    uint32_t login = login_find(core, event->profile, event->principal);
    if (login == CORE_NONE || core->logins[login].principal == 0) {
        return; /* whose secret it is not */
    }
    for (uint32_t i = 0; i < CORE_WORKERS_MAX; i++) {
        const struct worker *w = &core->workers[i];
        if (w->login == login && w->state == WORKER_STARTING) {
            worker_kill(core, i);
        } else if (w->login == login && w->state == WORKER_UP) {
            worker_condemn(core, i);
        }
    }
    core->logins[login].failures = 0;
    login_due(core, login);
}
