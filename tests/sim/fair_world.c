// SPDX-License-Identifier: Apache-2.0
/* Flows, connections and the time between them. */
#include "fair.h"

#include <string.h>

enum {
    STOP_MS = 50
};

/* News waits until all actions of a step are carried out. */
static void put(struct world *w, struct core_event event)
{
    ASSERT(w->news_len < NEWS_MAX);
    w->news[w->news_len++] = event;
}

static void begin(struct world *w, const struct core_action *a)
{
    uint32_t flow = w->ticket[a->ticket].flow;
    struct flow *f = &w->flow[flow];
    f->wait_ns = w->now_ns - w->ticket[a->ticket].arrived_ns;
    f->wait_ns_max = f->wait_ns > f->wait_ns_max ? f->wait_ns : f->wait_ns_max;
    f->started++;
    f->waiting--;
    f->running++;
    w->ticket[a->ticket].conn = a->conn;
    w->lane[a->conn] = (struct lane){
        .at_ns = f->fate == FATE_STUCK ? CORE_NEVER : w->now_ns + w->length(w, flow),
        .cancel_ns = f->cancel_ns > 0 ? w->now_ns + f->cancel_ns : CORE_NEVER,
        .next = f->fate == FATE_LOST ? CORE_CONN_LOST : CORE_DONE,
        .ticket = a->ticket,
        .generation = a->generation,
        .worker = a->worker,
        .is_running = true};
    put(w, (struct core_event){
               .kind = CORE_STARTED, .conn = a->conn, .generation = a->generation});
    if (w->on_place) {
        w->on_place(w, flow);
    }
}

static void end(struct world *w, const struct core_action *a)
{
    uint32_t flow = w->ticket[a->ticket].flow;
    struct flow *f = &w->flow[flow];
    uint32_t conn = w->ticket[a->ticket].conn;
    ASSERT(w->ticket[a->ticket].live);
    w->ticket[a->ticket].live = false;
    w->free_ticket[w->free_len++] = a->ticket;
    if (conn != CORE_NONE) {
        w->lane[conn] = (struct lane){.at_ns = CORE_NEVER, .cancel_ns = CORE_NEVER};
        f->running--;
        return;
    }
    f->waiting--;
    f->refused++;
    if (!w->on_refusal) {
        fprintf(stderr, "fair: refused: %s\n", core_reason_name(a->reason));
        abort();
    }
    w->on_refusal(w, flow, a);
}

static void on_action(struct world *w, const struct core_action *a)
{
    struct core_event e = {
        .worker = a->worker, .conn = a->conn, .generation = a->generation};
    switch (a->kind) {
    case CORE_SPAWN:
        e.kind = CORE_WORKER_UP;
        put(w, e);
        break;
    case CORE_CONNECT:
        w->lanes = a->conn >= w->lanes ? a->conn + 1 : w->lanes;
        w->lane[a->conn] = (struct lane){.at_ns = w->now_ns + w->connect_ns,
            .cancel_ns = CORE_NEVER,
            .next = CORE_CONN_UP,
            .generation = a->generation,
            .worker = a->worker};
        break;
    case CORE_DISCONNECT:
        w->lane[a->conn] = (struct lane){.at_ns = CORE_NEVER, .cancel_ns = CORE_NEVER};
        break;
    case CORE_START:
        begin(w, a);
        break;
    case CORE_INTERRUPT:
        w->lane[a->conn].cancel_ns = CORE_NEVER;
        if (w->flow[w->ticket[a->ticket].flow].fate != FATE_STUCK) {
            w->lane[a->conn].at_ns = w->now_ns + STOP_MS * MS;
        }
        break;
    case CORE_END:
        end(w, a);
        break;
    case CORE_HOLD:
        w->held++;
        break;
    case CORE_RELEASE:
        w->held--;
        break;
    case CORE_OPENED:
        w->opened = a->session;
        break;
    default:
        break;
    }
}

void world_step(struct world *w, struct core_event event)
{
    do {
        struct core_actions actions;
        event.boot_ns = w->now_ns;
        event.wall_ns = w->now_ns;
        core_step(w->core, &event, &actions);
        for (uint32_t i = 0; i < actions.len; i++) {
            on_action(w, &actions.at[i]);
        }
        event = (struct core_event){.kind = CORE_TICK};
        if (w->news_len > 0) {
            event = w->news[0];
            memmove(w->news, w->news + 1, --w->news_len * sizeof(w->news[0]));
        }
    } while (event.kind != CORE_TICK || core_deadline(w->core) <= w->now_ns);
}

void world_submit(struct world *w, uint32_t flow)
{
    struct flow *f = &w->flow[flow];
    ASSERT(w->free_len > 0);
    uint32_t ticket = w->free_ticket[--w->free_len];
    w->ticket[ticket].live = true;
    w->ticket[ticket].flow = flow;
    w->ticket[ticket].arrived_ns = w->now_ns;
    w->ticket[ticket].conn = CORE_NONE;
    f->waiting++;
    f->submitted++;
    world_step(w, (struct core_event){.kind = CORE_SUBMIT,
                      .ticket = ticket,
                      .session = f->session,
                      .principal = f->principal,
                      .client = f->client,
                      .principal_weight = f->weight,
                      .client_weight = f->client_weight,
                      .timeout_ns = f->timeout_ns,
                      .priority = f->priority});
}

static void fill(struct world *w)
{
    for (uint32_t i = 0; i < w->flow_count; i++) {
        struct flow *f = &w->flow[i];
        while (f->start_ns <= w->now_ns && f->waiting < f->backlog) {
            world_submit(w, i);
        }
        if (f->every_ns > 0 && f->next_ns <= w->now_ns) {
            f->next_ns = w->now_ns + 1 + rng_below(&w->rng, 2 * f->every_ns);
            world_submit(w, i);
        }
    }
}

static uint64_t next_call_ns(const struct world *w)
{
    uint64_t at_ns = CORE_NEVER;
    for (uint32_t i = 0; i < w->flow_count; i++) {
        const struct flow *f = &w->flow[i];
        if (f->start_ns > w->now_ns && f->start_ns < at_ns) {
            at_ns = f->start_ns;
        }
        if (f->every_ns > 0 && f->next_ns < at_ns) {
            at_ns = f->next_ns;
        }
    }
    return at_ns;
}

static void pass(struct world *w, uint64_t until_ns)
{
    for (uint32_t i = 0; i < w->lanes; i++) {
        if (w->lane[i].is_running) {
            w->flow[w->ticket[w->lane[i].ticket].flow].served_ns += until_ns - w->now_ns;
        }
    }
    w->now_ns = until_ns;
}

static void lane_due(struct world *w, uint32_t conn)
{
    struct lane *l = &w->lane[conn];
    struct core_event e = {
        .kind = l->next, .conn = conn, .generation = l->generation, .clean = true};
    if (l->cancel_ns <= w->now_ns) {
        l->cancel_ns = CORE_NEVER;
        e = (struct core_event){
            .kind = CORE_CANCEL, .ticket = l->ticket, .reason = CORE_CANCELLED};
    } else {
        *l = (struct lane){.at_ns = CORE_NEVER, .cancel_ns = CORE_NEVER};
    }
    world_step(w, e);
}

static uint32_t first_lane(const struct world *w, uint64_t *ret_at_ns)
{
    uint32_t first = CORE_NONE;
    for (uint32_t i = 0; i < w->lanes; i++) {
        const struct lane *l = &w->lane[i];
        uint64_t at_ns = l->at_ns < l->cancel_ns ? l->at_ns : l->cancel_ns;
        if (at_ns < *ret_at_ns) {
            *ret_at_ns = at_ns;
            first = i;
        }
    }
    return first;
}

uint64_t world_next_ns(struct world *w)
{
    fill(w);
    uint64_t at_ns = core_deadline(w->core);
    uint64_t call_ns = next_call_ns(w);
    at_ns = call_ns < at_ns ? call_ns : at_ns;
    (void)first_lane(w, &at_ns);
    return at_ns > w->now_ns ? at_ns : w->now_ns;
}

void world_advance(struct world *w)
{
    uint64_t at_ns = world_next_ns(w);
    uint64_t lane_ns = CORE_NEVER;
    uint32_t first = first_lane(w, &lane_ns);
    ASSERT(at_ns != CORE_NEVER);
    pass(w, at_ns);
    if (lane_ns <= at_ns) {
        lane_due(w, first);
    } else {
        world_step(w, (struct core_event){.kind = CORE_TICK});
    }
}

void world_run(struct world *w, uint64_t until_ns)
{
    while (world_next_ns(w) <= until_ns) {
        world_advance(w);
    }
    pass(w, until_ns);
}

uint64_t world_next_end_ns(const struct world *w)
{
    uint64_t at_ns = CORE_NEVER;
    for (uint32_t i = 0; i < w->lanes; i++) {
        if (w->lane[i].is_running && w->lane[i].at_ns < at_ns) {
            at_ns = w->lane[i].at_ns;
        }
    }
    return at_ns;
}

uint64_t length_even(struct world *w, uint32_t flow)
{
    uint64_t dice = rng_below(&w->rng, 100);
    (void)flow;
    return dice < 33   ? w->job_ns_max / 100
           : dice < 66 ? w->job_ns_max / 10
                       : w->job_ns_max;
}

uint64_t length_full(struct world *w, uint32_t flow)
{
    (void)flow;
    return w->job_ns_max;
}

struct world *world_new(uint32_t slots)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    w.rng.state = 1;
    w.now_ns = 1000 * S;
    w.job_ns_max = 10 * S;
    w.length = length_even;
    w.limits = (struct core_limits){.sessions = 1024,
        .principal_sessions = 1024,
        .accounts = 4096,
        .names_max = 1024,
        .tickets = TICKETS,
        .queue_total = TICKETS,
        .queue_principal = TICKETS,
        .queue_client = TICKETS,
        .queue_ns = 1000000 * S,
        .idle_ns = 1000000 * S,
        .resume_ns = 1000000 * S,
        .sleep_ns = 1000000 * S,
        .present_ns = 60 * S,
        .slot_ns_start = 30 * S,
        .floor_permille = {200, 200, 50},
        .chunk_ms = 10000,
        .cancel_ns = S,
        .drain_ns = S,
        .spawn_ns = S,
        .backoff_ns_min = 200 * MS,
        .backoff_ns_max = 30 * S,
        .profiles = 1,
        .profile = {{slots, slots, 0}}};
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        w.lane[i] = (struct lane){.at_ns = CORE_NEVER, .cancel_ns = CORE_NEVER};
    }
    for (uint32_t i = 0; i < TICKETS; i++) {
        w.free_ticket[w.free_len++] = TICKETS - 1 - i;
    }
    return &w;
}

void world_start(struct world *w)
{
    void *memory = calloc(1, core_size(&w->limits));
    ASSERT(memory);
    w->core = core_init(memory, &w->limits);
}

void world_end(struct world *w)
{
    free(w->core);
}

struct flow *world_add(struct world *w, uint32_t principal, uint32_t client)
{
    ASSERT(w->flow_count < FLOWS_MAX);
    struct flow *f = &w->flow[w->flow_count++];
    *f = (struct flow){.principal = principal,
        .client = client,
        .session = CORE_NONE,
        .weight = 1,
        .client_weight = 1,
        .priority = CORE_NORMAL};
    return f;
}

void world_open(struct world *w, struct flow *f)
{
    world_step(w,
        (struct core_event){
            .kind = CORE_SESSION_OPEN, .principal = f->principal, .client = f->client});
    f->session = w->opened;
    world_step(
        w, (struct core_event){.kind = CORE_SESSION_DURABLE, .session = f->session});
    world_step(
        w, (struct core_event){.kind = CORE_SESSION_ATTACH, .session = f->session});
}
