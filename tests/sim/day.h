// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A day of many clients under virtual time: sessions that come and go, bursts, cancels, slow
 * readers, lost connections, dying workers, full pools, and restarts of the daemon, clean or
 * by kill -9. The model knows what the store has; day_oracle.c judges.
 */
#include "base/rng.h"
#include "core/core.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define HOUR (3600 * S)

enum {
    DAY_PROFILES = 8,
    DAY_KEYS = 20, /* client keys of a principal; more than have an account of their own */
    DAY_TICKETS = 4096,
    DAY_CALLS_OPEN_MAX = 8, /* of one client */
};

/* What comes later: an event for the core, or something a client does. */
struct day_pending {
    uint64_t at_ns;
    uint64_t order;
    uint32_t actor; /* of what kind: enum day_actor */
    uint32_t index;
    uint32_t life; /* of a session or of the core: what is of an older one is void */
    struct core_event event;
};

enum day_actor { DAY_CORE, DAY_CLIENT, DAY_MISHAP, DAY_NIGHT, DAY_RESTART };

struct day_client {
    uint32_t session; /* CORE_NONE: none */
    uint32_t life;
    uint32_t calls; /* open */
    uint8_t profile;
    bool is_bridge;
    bool is_attached;
    bool thinks; /* acts again later */
};

struct day_session {
    bool is_live;
    bool is_stored; /* durable: a row has it */
    bool is_closed; /* asked to end */
    uint32_t life;
    uint32_t client;
    uint64_t window_ns; /* disconnected: gone then; NEVER: it is not */
    uint64_t last_seen_wall_ns;
    uint64_t created_wall_ns;
    struct core_context context;
};

struct day_ticket {
    bool is_live;
    bool has_started; /* an engine saw it */
    bool is_catalog;
    bool is_admitted;
    bool is_interrupted;
    uint32_t client;
    uint32_t profile; /* of its connection */
    uint32_t conn;    /* CORE_NONE: waits */
    uint32_t rows_max;
    uint64_t arrived_ns;
};

/* Of a principal: what plain buckets and counters, which know no restart, say it may do. */
struct day_account {
    double tokens;
    uint64_t tokens_ns;
    uint64_t calls; /* today */
    uint64_t rows;  /* shown today */
};

struct day_stored {
    bool is_there;
    uint64_t used[CORE_QUOTAS];
    uint64_t whole_ns[CORE_CELLS]; /* each rate is whole again then, true time */
};

struct day_result {
    uint64_t hash;
    uint64_t steps;
    uint64_t calls;
    uint64_t ended[CORE_REASONS];
    uint64_t lost; /* calls under a kill -9 */
    uint64_t sessions;
    uint64_t session_ended[CORE_REASONS];
    uint64_t restarts;
    uint64_t worker_deaths;
    uint32_t queued_max;
    uint32_t live_max;
};

struct day {
    uint64_t seed;
    struct rng rng;
    struct core *core;
    struct core_limits limits;
    size_t core_bytes;
    uint64_t now_ns;      /* true time, from 0 */
    uint64_t before_ns;   /* of the step before */
    uint64_t boot_ns;     /* what the boot clock has more than that */
    int64_t wall_skew_ns; /* what the wall clock is off by */
    uint64_t end_ns;
    uint64_t order;
    uint32_t lives;
    uint32_t core_life;
    bool is_draining;
    bool is_over; /* clients begin nothing new */
    uint32_t client_count;
    uint32_t principal_count;
    struct day_client *clients;
    struct day_session *sessions;
    struct day_ticket tickets[DAY_TICKETS];
    uint32_t free_tickets[DAY_TICKETS];
    uint32_t free_len;
    struct day_account *accounts;                /* by principal */
    struct day_stored (*stored)[DAY_KEYS + 2];   /* by principal; [0] itself, last: the others */
    struct day_pending *pending;                 /* a heap */
    uint32_t pending_len;
    uint32_t pending_cap;
    uint32_t running[DAY_PROFILES];
    bool conn_open[CORE_CONNS_MAX];
    bool conn_stuck[CORE_CONNS_MAX];
    uint32_t conn_worker[CORE_CONNS_MAX];
    uint32_t conn_ticket[CORE_CONNS_MAX];
    uint32_t conn_generation[CORE_CONNS_MAX];
    uint32_t worker_generation[CORE_WORKERS_MAX];
    bool worker_alive[CORE_WORKERS_MAX];
    struct core_event event; /* of the present step */
    struct core_action grant;
    const struct day_session *row; /* that is being loaded */
    bool was_refused;
    uint32_t live;
    struct day_result result;
};

/* day.c */
uint64_t day_below(struct day *d, uint64_t bound);
void day_step(struct day *d, struct core_event event); /* and all due work */
void day_act_later(struct day *d, uint64_t delay_ns, enum day_actor actor, uint32_t index);

/* day_client.c */
void day_client_acts(struct day *d, uint32_t client);
void day_think(struct day *d, uint32_t client, uint64_t least_ns);
void day_think_for(struct day *d, uint32_t client, uint64_t ns);

struct day_result day_run(uint64_t seed, uint32_t clients, uint32_t hours);

_Noreturn void day_fail(const struct day *d, const char *expr, const char *file, int line);

#define DAY_CHECK(d, expr) ((expr) ? (void)0 : day_fail(d, #expr, __FILE__, __LINE__))

static inline uint32_t day_principal(const struct day *d, uint32_t client)
{
    return client % d->principal_count;
}

static inline uint64_t day_wall_ns(const struct day *d)
{
    return (uint64_t)((int64_t)d->now_ns + d->wall_skew_ns) + UINT64_C(1000000000000000000);
}

/* day_oracle.c */
void day_oracle_event(struct day *d, const struct core_event *event);
void day_oracle_action(struct day *d, const struct core_action *action);
void day_oracle_stepped(struct day *d);
void day_oracle_crashed(struct day *d);  /* the core is about to be thrown away */
void day_oracle_loaded(struct day *d);   /* the next one knows what the store has */
void day_oracle_finished(struct day *d);
