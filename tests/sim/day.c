// SPDX-License-Identifier: Apache-2.0
/* The world of the day: clients, workers, engines, the store, and time. See day.h. */
#include "day.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { NIGHT_HOURS = 6, CANARY = 0x5A, CANARY_BYTES = 4096, ROUNDS_MAX = 100000 };

_Noreturn void day_fail(const struct day *d, const char *expr, const char *file, int line)
{
    fprintf(stderr,
        "day: seed %" PRIu64 " at %.3f s, step %" PRIu64 ": %s (%s:%d); replay: build/tests/sim_day "
        "--seed %" PRIu64 " --clients %" PRIu32 " --hours %" PRIu64 "\n",
        d->seed, (double)d->now_ns / (double)S, d->result.steps, expr, file, line, d->seed,
        d->client_count, d->end_ns / HOUR);
    abort();
}

uint64_t day_below(struct day *d, uint64_t bound)
{
    return rng_below(&d->rng, bound);
}

/* ---- what comes later ---- */

static bool earlier(const struct day_pending *a, const struct day_pending *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void push(struct day *d, struct day_pending p)
{
    if (d->pending_len == d->pending_cap) {
        d->pending_cap = d->pending_cap * 2 + 1024;
        d->pending = realloc(d->pending, d->pending_cap * sizeof(p));
        ASSERT(d->pending);
    }
    uint32_t at = d->pending_len++;
    p.order = d->order++;
    while (at > 0 && earlier(&p, &d->pending[(at - 1) / 2])) {
        d->pending[at] = d->pending[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    d->pending[at] = p;
}

static struct day_pending pop(struct day *d)
{
    struct day_pending first = d->pending[0];
    struct day_pending last = d->pending[--d->pending_len];
    uint32_t at = 0;
    for (uint32_t child; (child = at * 2 + 1) < d->pending_len; at = child) {
        if (child + 1 < d->pending_len && earlier(&d->pending[child + 1], &d->pending[child])) {
            child++;
        }
        if (!earlier(&d->pending[child], &last)) {
            break;
        }
        d->pending[at] = d->pending[child];
    }
    d->pending[at] = last;
    return first;
}

static void later(struct day *d, uint64_t delay_ns, struct core_event event, uint32_t life)
{
    push(d, (struct day_pending){
                .at_ns = d->now_ns + delay_ns, .actor = DAY_CORE, .life = life, .event = event});
}

void day_act_later(struct day *d, uint64_t delay_ns, enum day_actor actor, uint32_t index)
{
    push(d, (struct day_pending){.at_ns = d->now_ns + delay_ns, .actor = actor, .index = index});
}

/* ---- what the core asks for ---- */

static void run_statement(struct day *d, const struct core_action *a)
{
    struct core_event e = {.conn = a->conn, .generation = a->generation, .clean = true};
    uint64_t dice = day_below(d, 1000);
    uint64_t run_ns = dice < 700 ? day_below(d, 2 * S) : dice < 950 ? day_below(d, 10 * S) : day_below(d, 120 * S);
    e.kind = CORE_STARTED;
    later(d, day_below(d, 3 * MS), e, d->core_life);
    e.kind = CORE_DONE;
    e.clean = day_below(d, 50) > 0;
    e.rows = day_below(d, (uint64_t)a->rows_max + 1);
    e.bytes = e.rows * 100;
    d->conn_stuck[a->conn] = day_below(d, 20000) == 0;
    later(d, 3 * MS + (d->conn_stuck[a->conn] ? HOUR : run_ns), e, d->core_life);
}

static void carry_out(struct day *d, const struct core_action *a)
{
    struct core_event e = {.worker = a->worker, .conn = a->conn, .generation = a->generation};
    bool fails = day_below(d, 50) == 0;
    switch (a->kind) {
    case CORE_OPENED:
        if (d->event.kind == CORE_SESSION_OPEN) {
            e = (struct core_event){.kind = CORE_SESSION_DURABLE, .session = a->session};
            later(d, day_below(d, 5 * MS), e, d->sessions[a->session].life);
        }
        break;
    case CORE_LOAD:
        e = (struct core_event){.kind = CORE_SESSION_BODY, .session = a->session};
        later(d, day_below(d, 5 * MS), e, d->sessions[a->session].life);
        break;
    case CORE_SPAWN:
        e.kind = fails ? CORE_WORKER_LOST : CORE_WORKER_UP;
        later(d, 5 * MS + day_below(d, 50 * MS), e, d->core_life);
        break;
    case CORE_CONNECT:
        e.kind = fails ? CORE_CONN_LOST : CORE_CONN_UP;
        later(d, MS + day_below(d, 400 * MS), e, d->core_life);
        break;
    case CORE_START:
        run_statement(d, a);
        break;
    case CORE_INTERRUPT:
        if (!d->conn_stuck[a->conn]) {
            e.kind = CORE_DONE;
            later(d, day_below(d, 200 * MS), e, d->core_life);
        }
        break;
    case CORE_GRANT:
        d->grant = *a;
        break;
    default:
        break;
    }
}

/* What its asker does when a call has ended. */
static void after_end(struct day *d, const struct core_action *a)
{
    uint32_t client = d->tickets[a->ticket].client;
    struct day_client *c = &d->clients[client];
    d->free_tickets[d->free_len++] = a->ticket;
    if (--c->calls == 0) {
        day_think(d, client, a->retry_after_ns);
    }
}

void day_step(struct day *d, struct core_event event)
{
    struct core_actions actions;
    uint32_t rounds = 0;
    day_oracle_event(d, &event);
    do {
        event.boot_ns = d->now_ns + d->boot_ns;
        event.wall_ns = day_wall_ns(d);
        core_step(d->core, &event, &actions);
        d->result.steps++;
        for (uint32_t i = 0; i < actions.len; i++) {
            const struct core_action *a = &actions.at[i];
            day_oracle_action(d, a);
            carry_out(d, a);
            if (a->kind == CORE_END) {
                after_end(d, a);
            }
        }
        day_oracle_stepped(d);
        DAY_CHECK(d, ++rounds < ROUNDS_MAX);
        event = (struct core_event){.kind = CORE_TICK};
    } while (core_deadline(d->core) <= d->now_ns + d->boot_ns);
    d->before_ns = d->now_ns;
}

static void mishap(struct day *d)
{
    struct core_event e = {.kind = CORE_WORKER_LOST, .worker = (uint32_t)day_below(d, CORE_WORKERS_MAX)};
    if (day_below(d, 2) == 0) {
        e.kind = CORE_CONN_LOST;
        e.conn = (uint32_t)day_below(d, 64);
        e.generation = d->conn_generation[e.conn];
        day_step(d, e);
    } else if (d->worker_alive[e.worker]) {
        e.generation = d->worker_generation[e.worker];
        d->result.worker_deaths++;
        day_step(d, e);
    }
    day_act_later(d, day_below(d, 120 * S), DAY_MISHAP, 0);
}

/* ---- restarts ---- */

static void core_new(struct day *d)
{
    uint64_t boots_ns = day_below(d, 1000) * HOUR + S;
    free(d->core);
    char *memory = calloc(1, d->core_bytes + CANARY_BYTES);
    ASSERT(memory);
    memset(memory + d->core_bytes, CANARY, CANARY_BYTES);
    d->core = core_init(memory, &d->limits);
    d->core_life = ++d->lives;
    d->boot_ns = day_below(d, 2) == 0 || boots_ns > d->boot_ns ? boots_ns : d->boot_ns;
    memset(d->worker_alive, 0, sizeof(d->worker_alive));
    memset(d->running, 0, sizeof(d->running));
}

static void load_accounts(struct day *d)
{
    for (uint32_t p = 0; p < d->principal_count; p++) {
        for (uint32_t key = 0; key < DAY_KEYS + 2; key++) {
            const struct day_stored *row = &d->stored[p][key];
            struct core_event e = {.kind = CORE_ACCOUNT_LOAD,
                .principal = 1 + p,
                .is_principal = key == 0,
                .client = key == DAY_KEYS + 1 ? 0 : key == 0 ? 0 : 1 + p + (key - 1) * d->principal_count};
            memcpy(e.used, row->used, sizeof(e.used));
            for (int cell = 0; cell < CORE_CELLS; cell++) {
                uint64_t whole_ns = row->whole_ns[cell];
                e.spent_ns[cell] = whole_ns > d->now_ns ? whole_ns - d->now_ns : 0;
            }
            if (row->is_there) {
                day_step(d, e);
            }
        }
    }
}

static int by_last_seen(const void *a, const void *b)
{
    const struct day_session *x = a;
    const struct day_session *y = b;
    return x->last_seen_wall_ns != y->last_seen_wall_ns
               ? (x->last_seen_wall_ns > y->last_seen_wall_ns ? 1 : -1)
               : (x->client > y->client) - (x->client < y->client);
}

static void load_sessions(struct day *d)
{
    struct day_session *rows = calloc(d->limits.sessions, sizeof(*rows));
    uint32_t count = 0;
    ASSERT(rows);
    for (uint32_t i = 0; i < d->limits.sessions; i++) {
        if (d->sessions[i].is_live && d->sessions[i].is_stored) {
            rows[count++] = d->sessions[i];
        }
    }
    memset(d->sessions, 0, d->limits.sessions * sizeof(*d->sessions));
    qsort(rows, count, sizeof(*rows), by_last_seen);
    d->live = 0;
    for (uint32_t i = 0; i < count; i++) {
        d->row = &rows[i];
        day_step(d, (struct core_event){.kind = CORE_SESSION_LOAD,
                    .user = rows[i].client,
                    .principal = 1 + day_principal(d, rows[i].client),
                    .client = 1 + rows[i].client,
                    .context = rows[i].context,
                    .created_wall_ns = rows[i].created_wall_ns,
                    .last_seen_wall_ns = rows[i].last_seen_wall_ns});
    }
    free(rows);
}

/* Everybody's calls are gone; clients come back by and by. */
static void restart(struct day *d, uint32_t number)
{
    bool is_clean = number % 2 == 0;
    day_step(d, (struct core_event){.kind = CORE_TICK}); /* views are of the last step */
    if (is_clean) {
        struct core_account_view view;
        for (uint32_t i = 0; i < d->limits.accounts; i++) {
            if (core_account_view(d->core, i, &view)) {
                day_oracle_action(d, &(struct core_action){.kind = CORE_SAVE_ACCOUNT, .account = i,
                                         .reason = CORE_CLOSED /* what was really used */});
            }
        }
    }
    day_oracle_crashed(d);
    d->now_ns += day_below(d, 2) * day_below(d, 600 * S);
    d->wall_skew_ns += (int64_t)day_below(d, 10 * S) - (int64_t)(5 * S);
    core_new(d);
    day_step(d, (struct core_event){.kind = CORE_RESTARTED, .clean = is_clean});
    load_sessions(d);
    load_accounts(d);
    day_oracle_loaded(d);
    d->result.restarts++;
    for (uint32_t i = 0; i < d->client_count; i++) {
        bool had_calls = d->clients[i].calls > 0;
        d->clients[i].calls = 0;
        d->clients[i].is_attached = false;
        if (had_calls) {
            day_think_for(d, i, day_below(d, 5 * S));
        }
    }
    for (uint32_t i = 0; i < DAY_TICKETS; i++) {
        d->free_tickets[i] = DAY_TICKETS - 1 - i;
        d->tickets[i].is_live = false;
    }
    d->free_len = DAY_TICKETS;
}

/* ---- the day ---- */

static bool is_void(const struct day *d, const struct day_pending *p)
{
    bool is_session = p->event.kind == CORE_SESSION_DURABLE || p->event.kind == CORE_SESSION_BODY;
    if (!is_session) {
        return p->life != d->core_life;
    }
    const struct day_session *s = &d->sessions[p->event.session];
    return !s->is_live || s->life != p->life;
}

static void play(struct day *d, const struct day_pending *p)
{
    switch ((enum day_actor)p->actor) {
    case DAY_CORE:
        if (!is_void(d, p)) {
            day_step(d, p->event);
        }
        break;
    case DAY_CLIENT:
        day_client_acts(d, p->index);
        break;
    case DAY_MISHAP:
        mishap(d);
        break;
    case DAY_NIGHT:
        day_step(d, (struct core_event){.kind = CORE_QUOTA_DAY});
        day_act_later(d, NIGHT_HOURS * HOUR, DAY_NIGHT, 0);
        break;
    case DAY_RESTART:
        restart(d, p->index);
        break;
    }
}

static void run_until(struct day *d, uint64_t until_ns)
{
    for (;;) {
        uint64_t core_ns = core_deadline(d->core);
        uint64_t due_ns = core_ns == CORE_NEVER ? CORE_NEVER : core_ns - d->boot_ns;
        uint64_t next_ns = d->pending_len > 0 ? d->pending[0].at_ns : CORE_NEVER;
        if ((due_ns < next_ns ? due_ns : next_ns) > until_ns) {
            d->now_ns = until_ns > d->now_ns ? until_ns : d->now_ns;
            return;
        }
        if (due_ns < next_ns) {
            d->now_ns = due_ns > d->now_ns ? due_ns : d->now_ns;
            day_step(d, (struct core_event){.kind = CORE_TICK});
            continue;
        }
        struct day_pending p = pop(d);
        d->now_ns = p.at_ns > d->now_ns ? p.at_ns : d->now_ns; /* late after a sleep */
        play(d, &p);
    }
}

static struct core_limits limits_of(const struct day *d)
{
    struct core_limits l = {.sessions = 2 * d->client_count,
        .accounts = d->principal_count * (DAY_KEYS + 4),
        .names_max = 16,
        .rate_principal = {8, 6 * S},
        .rate_client = {60, S / 2},
        .rate_catalog = {60, S / 10},
        .quota_principal = {1500, 40000, 0, 0, 0},
        .quota_client = {400, 20000, 0, 600000, 0},
        .run_principal = 6,
        .run_client = 4,
        .reserved_slots = 1,
        .floor_permille = {200, 200, 50},
        .present_ns = 60 * S,
        .slot_ns_start = 30 * S,
        .chunk_ms = 10000,
        .principal_sessions = 64,
        .tickets = DAY_TICKETS,
        .queue_total = 1024,
        .queue_principal = 64,
        .queue_client = 32,
        .idle_ns = 2 * HOUR,
        .resume_ns = 5 * HOUR,
        .age_ns = 20 * HOUR,
        .touch_ns = 60 * S,
        .sleep_ns = 60 * S,
        .grace_ns = 25 * S,
        .queue_ns = 120 * S,
        .cancel_ns = S,
        .drain_ns = 10 * S,
        .spawn_ns = 60 * S,
        .backoff_ns_min = 200 * MS,
        .backoff_ns_max = 30 * S,
        .profiles = DAY_PROFILES};
    static const uint32_t slots[DAY_PROFILES] = {1, 2, 4, 8, 8, 16, 32, 64};
    for (uint32_t i = 0; i < DAY_PROFILES; i++) {
        l.profile[i] = (struct core_profile_limits){slots[i], i == 1 ? 1 : 16, 600 * S};
    }
    return l;
}

static void begin(struct day *d)
{
    static const uint8_t favourite[] = {7, 7, 7, 7, 6, 6, 6, 5, 5, 4, 3, 2, 1, 0, 7, 6};
    for (uint32_t i = 0; i < d->client_count; i++) {
        d->clients[i] = (struct day_client){.session = CORE_NONE,
            .is_bridge = day_below(d, 2) == 0,
            .profile = favourite[day_below(d, ARRAY_LEN(favourite))]};
        day_think_for(d, i, day_below(d, 1800 * S));
    }
    for (uint32_t i = 0; i < d->principal_count; i++) {
        d->accounts[i].tokens = d->limits.rate_principal.burst;
    }
    for (uint32_t i = 0; i < DAY_TICKETS; i++) {
        d->free_tickets[i] = DAY_TICKETS - 1 - i;
    }
    d->free_len = DAY_TICKETS;
    day_act_later(d, 30 * S, DAY_MISHAP, 0);
    day_act_later(d, NIGHT_HOURS * HOUR, DAY_NIGHT, 0);
    for (uint32_t i = 1; i <= 5; i++) {
        day_act_later(d, d->end_ns / 6 * i + day_below(d, 60 * S), DAY_RESTART, i);
    }
}

struct day_result day_run(uint64_t seed, uint32_t clients, uint32_t hours)
{
    struct day *d = calloc(1, sizeof(*d));
    ASSERT(d && clients > 0 && hours > 0);
    d->seed = seed;
    d->rng.state = seed;
    d->end_ns = hours * HOUR;
    d->client_count = clients;
    d->principal_count = (clients + DAY_KEYS - 1) / DAY_KEYS;
    d->limits = limits_of(d);
    d->core_bytes = core_size(&d->limits);
    d->clients = calloc(clients, sizeof(*d->clients));
    d->sessions = calloc(d->limits.sessions, sizeof(*d->sessions));
    d->accounts = calloc(d->principal_count, sizeof(*d->accounts));
    d->stored = calloc(d->principal_count, sizeof(*d->stored));
    ASSERT(d->clients && d->sessions && d->accounts && d->stored);
    core_new(d);
    begin(d);
    run_until(d, d->end_ns / 2);
    d->now_ns += 2 * HOUR; /* the machine sleeps */
    run_until(d, d->end_ns);
    d->is_over = true;
    day_step(d, (struct core_event){.kind = CORE_DRAIN});
    run_until(d, d->now_ns + 3 * HOUR);
    day_oracle_finished(d);
    for (size_t i = 0; i < CANARY_BYTES; i++) {
        DAY_CHECK(d, ((const unsigned char *)d->core)[d->core_bytes + i] == CANARY);
    }
    struct day_result result = d->result;
    free(d->core);
    free(d->clients);
    free(d->sessions);
    free(d->accounts);
    free(d->stored);
    free(d->pending);
    free(d);
    return result;
}
