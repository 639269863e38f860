// SPDX-License-Identifier: Apache-2.0
/*
 * Clients of the long world. Bridges attach, plain HTTP touches; they think for seconds
 * to hours, call in bursts, cancel, go away, and come back to their session or to a new
 * one.
 */
#include "day.h"

enum {
    BURST_MAX = 8,
    RUSH_SHARE = 12,
    RUSH_CALLS = 4
};

static const uint64_t timeouts_ns[DAY_TIMEOUTS] = {
    30 * DAY_S, 60 * DAY_S, 120 * DAY_S, 300 * DAY_S};

void day_client_wake_at(struct day *d, uint32_t client, uint64_t at_ns)
{
    d->clients[client].wake_ns = at_ns;
    DAY_CHECK(d, pending_push(&d->pending, at_ns, client));
}

static uint64_t thought_ns(struct day *d, const struct day_client *c)
{
    switch ((enum day_temper)c->temper) {
    case DAY_QUICK:
        return DAY_S + day_below(d, 120 * DAY_S);
    case DAY_NORMAL:
        return DAY_S + day_below(d, 40 * 60 * DAY_S * d->part / 1024);
    case DAY_SLOW:
        break;
    }
    return 10 * DAY_S + day_below(d, 5 * DAY_HOUR * d->part / 1024);
}

/* By their slots, so that the small ones are not always full; but sometimes anyhow. */
static uint32_t some_profile(struct day *d)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < d->limits.profiles; i++) {
        slots += d->limits.profile[i].slots;
    }
    if (day_below(d, 20) == 0) {
        return (uint32_t)day_below(d, d->limits.profiles);
    }
    uint32_t slot = (uint32_t)day_below(d, slots);
    uint32_t profile = 0;
    while (slot >= d->limits.profile[profile].slots) {
        slot -= d->limits.profile[profile++].slots;
    }
    return profile;
}

void day_clients_init(struct day *d)
{
    for (uint32_t i = 0; i < d->clients_len; i++) {
        struct day_client *c = &d->clients[i];
        uint64_t dice = day_below(d, 100);
        c->is_bridge = day_below(d, 5) < 3;
        c->temper = dice < 3 ? DAY_QUICK : dice < 63 ? DAY_NORMAL : DAY_SLOW;
        dice = day_below(d, 10);
        c->priority = dice < 2 ? CORE_HIGH : dice < 8 ? CORE_NORMAL : CORE_LOW;
        c->profile = some_profile(d);
        c->session = c->ticket = CORE_NONE;
        /* Some share a key. A tenth belong to few principals, who reach their caps. */
        c->key = i > 0 && day_below(d, 20) == 0 ? d->clients[i - 1].key : i;
        d->keys[i].principal =
            1 + (i < d->clients_len / 10 ? i % (d->principals_len / 100 + 2)
                                         : i % d->principals_len);
        list_init(&d->keys[i].away);
        day_client_wake_at(d, i, d->now_ns + day_below(d, DAY_HOUR * d->part / 1024));
    }
    uint32_t at = 0;
    for (uint32_t p = 1; p <= d->principals_len; p++) {
        for (uint32_t i = 0; i < d->clients_len; i++) {
            if (d->keys[i].principal == p) {
                d->by_principal[at++] = i;
            }
        }
    }
}

static bool has_session(const struct day *d, const struct day_client *c)
{
    return c->session != CORE_NONE && d->sessions[c->session].life == c->life;
}

/* ---- calls ---- */

static void submit(struct day *d, uint32_t client, bool with_session)
{
    struct day_client *c = &d->clients[client];
    if (d->tickets_len == DAY_TICKETS) {
        return;
    }
    uint32_t ticket = d->tickets_free[d->tickets_len];
    struct core_event e = {.kind = CORE_SUBMIT,
        .ticket = ticket,
        .session = CORE_NONE,
        .principal = d->keys[c->key].principal,
        .client = d->principals_len + 1 + c->key,
        .priority = (enum core_priority)c->priority,
        .credit_rate = 1000};
    /* One number a statement: the same seed is the same run, whoever compiled it. */
    e.profile = day_below(d, 4) == 0 ? some_profile(d) : c->profile;
    e.timeout_ns = timeouts_ns[day_below(d, DAY_TIMEOUTS)];
    e.is_catalog = day_below(d, 5) == 0;
    e.rows_max = (uint32_t)day_below(d, 200);
    if (e.is_catalog) {
        e.priority = CORE_HIGH;
    }
    if (with_session) {
        /* Whoever comes with an id that is no more gets the number of no session. */
        e.session = has_session(d, c) ? c->session : d->limits.sessions;
        e.context = has_session(d, c) ? d->sessions[c->session].context : e.context;
    }
    c->ticket = ticket;
    d->result.requests++;
    day_step(d, e);
}

static void visit(struct day *d, uint32_t client)
{
    struct day_client *c = &d->clients[client];
    struct core_event e = {.kind = CORE_SESSION_TOUCH, .session = c->session};
    if (!c->is_bridge) {
        day_step(d, e);
    } else if (!c->attached) {
        c->attached = true;
        e.kind = CORE_SESSION_ATTACH;
        day_step(d, e);
    }
}

/* False: it has none, and gets none. */
static bool open_session(struct day *d, uint32_t client)
{
    struct day_client *c = &d->clients[client];
    day_step(d, (struct core_event){.kind = CORE_SESSION_OPEN,
                    .user = client + 1,
                    .principal = d->keys[c->key].principal,
                    .client = d->principals_len + 1 + c->key});
    c->attached = false;
    c->session = d->opened;
    c->life = d->opened == CORE_NONE ? 0 : d->sessions[d->opened].life;
    return d->opened != CORE_NONE;
}

static void call(struct day *d, uint32_t client)
{
    struct day_client *c = &d->clients[client];
    if (day_below(d, 50) == 0) {
        submit(d, client, false); /* modern, without a session */
        return;
    }
    if (!has_session(d, c)) {
        if (c->life > 0 && day_below(d, 2) == 0) {
            submit(d, client, true);
        }
        if (!open_session(d, client)) {
            return;
        }
    }
    visit(d, client);
    if (has_session(d, c)) {
        submit(d, client, true);
    }
}

/* ---- what else they do ---- */

static void cancel(struct day *d, uint32_t client)
{
    const struct day_client *c = &d->clients[client];
    const struct day_ticket *t = c->ticket == CORE_NONE ? NULL : &d->tickets[c->ticket];
    if (t && (!t->live || t->key == c->key)) {
        day_step(
            d, (struct core_event){
                   .kind = CORE_CANCEL, .ticket = c->ticket, .reason = CORE_CANCELLED});
    }
}

/* Its process ends, or its network does: some remember their session's id. */
static void go_away(struct day *d, uint32_t client)
{
    struct day_client *c = &d->clients[client];
    if (has_session(d, c) && c->attached) {
        c->attached = false;
        day_step(
            d, (struct core_event){.kind = CORE_SESSION_DETACH, .session = c->session});
    }
    c->attached = false;
    if (has_session(d, c) && day_below(d, 3) == 0) {
        d->sessions[c->session].owner = CORE_NONE;
        c->session = CORE_NONE;
        c->life = 0;
    }
    c->burst = 0;
}

static void set_context(struct day *d, uint32_t client)
{
    struct core_event e = {
        .kind = CORE_SESSION_CONTEXT, .session = d->clients[client].session};
    e.context.part[CORE_ROLE] = (uint32_t)day_below(d, 2);
    e.context.part[CORE_DATABASE] = 1 + (uint32_t)day_below(d, 3);
    e.context.part[CORE_SCHEMA] = 1 + (uint32_t)day_below(d, 3);
    day_step(d, e);
}

static void fetch_page(struct day *d, uint32_t client)
{
    struct core_event e = {.kind = CORE_FETCH,
        .principal = d->keys[d->clients[client].key].principal,
        .client = d->principals_len + 1 + d->clients[client].key,
        .session = CORE_NONE,
        .rows_max = (uint32_t)day_below(d, 200)};
    e.is_call = day_below(d, 2) == 0;
    day_step(d, e);
    if (d->grant.reason == CORE_OK) {
        e.kind = CORE_FETCHED;
        e.rows_max = d->grant.rows_max;
        e.generation = d->grant.generation;
        e.rows = day_below(d, (uint64_t)e.rows_max + 1);
        day_step(d, e);
    }
}

void day_client_wakes(struct day *d, uint32_t client)
{
    struct day_client *c = &d->clients[client];
    uint64_t dice = c->burst > 0 ? 0 : day_below(d, 100);
    if (dice < 75) {
        if (c->burst == 0) {
            uint32_t calls = (uint32_t)day_below(d, BURST_MAX);
            c->burst = 1 + calls / (1 + (uint32_t)day_below(d, 3));
        }
        c->burst--;
        call(d, client);
        if (day_below(d, 30) == 0) {
            cancel(d, client);
        }
    } else if (dice < 80) {
        cancel(d, client);
    } else if (dice < 90) {
        go_away(d, client);
    } else if (dice < 92 && has_session(d, c)) {
        day_step(
            d, (struct core_event){.kind = CORE_SESSION_CLOSE, .session = c->session});
    } else if (dice < 95 && has_session(d, c)) {
        set_context(d, client);
    } else if (dice < 98) {
        fetch_page(d, client);
    } else if (has_session(d, c)) {
        visit(d, client);
    }
    uint64_t pause_ns = c->burst > 0 ? day_below(d, 2 * DAY_S) : thought_ns(d, c);
    day_client_wake_at(d, client, d->now_ns + pause_ns);
}

/* Many come at once, faster than anything can be served. */
void day_rush(struct day *d)
{
    for (uint32_t i = 0; i < d->clients_len; i++) {
        if (day_below(d, RUSH_SHARE) == 0) {
            d->clients[i].burst = RUSH_CALLS;
            day_client_wake_at(d, i, d->now_ns + day_below(d, 5 * DAY_S));
        }
    }
}
