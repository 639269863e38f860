// SPDX-License-Identifier: Apache-2.0
/* What the clients of the day do: think, call in bursts, cancel, come and go. */
#include "day.h"

void day_think_for(struct day *d, uint32_t client, uint64_t ns)
{
    if (!d->clients[client].thinks) {
        d->clients[client].thinks = true;
        day_act_later(d, ns, DAY_CLIENT, client);
    }
}

void day_think(struct day *d, uint32_t client, uint64_t least_ns)
{
    uint64_t dice = day_below(d, 100);
    uint64_t ns = dice < 50   ? 2 * S + day_below(d, 30 * S)
                  : dice < 90 ? day_below(d, 600 * S)
                              : day_below(d, 3 * HOUR);
    day_think_for(d, client, least_ns > ns ? least_ns : ns);
}

static void submit(struct day *d, uint32_t client, bool in_session)
{
    struct day_client *c = &d->clients[client];
    if (d->free_len == 0 || c->calls == DAY_CALLS_OPEN_MAX) {
        return;
    }
    uint32_t ticket = d->free_tickets[--d->free_len];
    bool is_catalog = day_below(d, 5) == 0;
    struct core_event e = {.kind = CORE_SUBMIT,
        .ticket = ticket,
        .session = in_session ? c->session : CORE_NONE,
        .principal = 1 + day_principal(d, client),
        .client = 1 + client,
        .profile = day_below(d, 10) == 0 ? (uint32_t)day_below(d, DAY_PROFILES) : c->profile,
        .timeout_ns = day_below(d, 4) == 0 ? 20 * S : 300 * S,
        .priority = is_catalog           ? CORE_HIGH
                    : day_below(d, 10) == 0 ? CORE_LOW
                                        : CORE_NORMAL,
        .is_catalog = is_catalog,
        .rows_max = (uint32_t)day_below(d, 200),
        .credit_rate = 1000};
    if (e.session != CORE_NONE) {
        e.context = d->sessions[e.session].context;
    }
    d->tickets[ticket] = (struct day_ticket){.is_live = true, .is_catalog = is_catalog,
        .client = client, .conn = CORE_NONE, .arrived_ns = d->now_ns};
    c->calls++;
    d->result.calls++;
    day_step(d, e);
}

static void fetch_page(struct day *d, uint32_t client)
{
    struct core_event e = {.kind = CORE_FETCH,
        .principal = 1 + day_principal(d, client),
        .client = 1 + client,
        .rows_max = (uint32_t)day_below(d, 200)};
    day_step(d, e);
    if (d->grant.reason == CORE_OK) {
        e.kind = CORE_FETCHED;
        e.rows_max = d->grant.rows_max;
        e.generation = d->grant.generation;
        e.rows = day_below(d, (uint64_t)e.rows_max + 1);
        day_step(d, e);
    }
}

static bool has_session(const struct day *d, const struct day_client *c)
{
    return c->session != CORE_NONE && d->sessions[c->session].is_live &&
           !d->sessions[c->session].is_closed && d->sessions[c->session].life == c->life;
}

static void open_session(struct day *d, uint32_t client)
{
    struct day_client *c = &d->clients[client];
    c->session = CORE_NONE;
    c->is_attached = false;
    day_step(d, (struct core_event){.kind = CORE_SESSION_OPEN,
                .user = client,
                .principal = 1 + day_principal(d, client),
                .client = 1 + client});
}

static void tell_session(struct day *d, uint32_t client, enum core_event_kind kind)
{
    struct core_event e = {.kind = kind, .session = d->clients[client].session};
    e.context.part[CORE_SCHEMA] = 1 + (uint32_t)day_below(d, 4);
    day_step(d, e);
}

/* By its connection, or by a request. */
static void come_by(struct day *d, uint32_t client)
{
    struct day_client *c = &d->clients[client];
    if (c->is_bridge && !c->is_attached) {
        c->is_attached = true;
        tell_session(d, client, CORE_SESSION_ATTACH);
    } else if (!c->is_bridge) {
        tell_session(d, client, CORE_SESSION_TOUCH);
    }
}

static void cancel_one(struct day *d, uint32_t client)
{
    for (uint32_t i = 0, t = (uint32_t)day_below(d, DAY_TICKETS); i < 64; i++, t = (t + 1) % DAY_TICKETS) {
        if (d->tickets[t].is_live && d->tickets[t].client == client) {
            day_step(d, (struct core_event){
                        .kind = CORE_CANCEL, .ticket = t, .reason = CORE_CANCELLED});
            return;
        }
    }
}

void day_client_acts(struct day *d, uint32_t client)
{
    struct day_client *c = &d->clients[client];
    uint64_t dice = day_below(d, 1000);
    c->thinks = false;
    if (d->is_over || c->calls > 0) {
        return; /* it thinks on when its last call ends */
    }
    if (!has_session(d, c)) {
        open_session(d, client);
    } else if (dice < 40 && c->is_attached) {
        c->is_attached = false;
        tell_session(d, client, CORE_SESSION_DETACH);
    } else if (dice < 60) {
        tell_session(d, client, CORE_SESSION_CONTEXT);
    } else if (dice < 65) {
        c->is_attached = false;
        d->sessions[c->session].is_closed = true;
        tell_session(d, client, CORE_SESSION_CLOSE);
    } else if (dice < 120) {
        fetch_page(d, client);
    } else {
        come_by(d, client);
        uint64_t burst = dice < 250 ? 2 + day_below(d, DAY_CALLS_OPEN_MAX - 1) : 1;
        for (uint64_t i = 0; i < burst && has_session(d, c); i++) {
            submit(d, client, dice % 20 != 0);
        }
        if (c->calls > 0 && dice % 25 == 0) {
            cancel_one(d, client);
        }
    }
    if (c->calls == 0) {
        day_think(d, client, 0);
    }
}
