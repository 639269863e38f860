// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The long world: thousands of clients over hours of virtual time, with restarts. The
 * same core as in the world of sim.h, judged by oracles that cost the same however large
 * it is: they look at what an event touched, and at the head of a list for each kind of
 * deadline.
 */
#include <stddef.h>

#include "base/list.h"
#include "base/rng.h"
#include "core/core.h"
#include "pending.h"

enum {
    DAY_TICKETS = 2048,
    DAY_NEWS = 8192,  /* of workers, connections and the store, on their way */
    DAY_TIMEOUTS = 4, /* different ones */
    DAY_KINDS = 3,    /* of quotas that are judged: */
};

enum day_kind {
    DAY_CALLS,
    DAY_ROWS,
    DAY_ENGINE_MS
};

#define DAY_MS UINT64_C(1000000)
#define DAY_S UINT64_C(1000000000)
#define DAY_HOUR (3600 * DAY_S)

/* Has a deadline; the lists are in order of it. */
struct due {
    struct list node;
    const struct list *list; /* the last one it was in */
    uint64_t at_ns;
};

enum day_body {
    DAY_ASLEEP,
    DAY_LOADING,
    DAY_HERE,
    DAY_LOST
};

/* By the core's number, which changes with a restart; what is durable is its row, too. */
struct day_session {
    uint64_t life; /* 0: no session */
    bool durable;
    bool closed;  /* CORE_SESSION_CLOSE was sent */
    bool closing; /* left the view, its calls have not ended */
    bool saved_gone;
    enum day_body body;
    enum core_session_state state; /* as last seen */
    uint32_t key;
    uint32_t owner; /* the client who knows its id, or NONE */
    uint32_t connections;
    uint32_t calls;
    uint32_t first_ticket;
    uint32_t touched_by; /* number of the event that did last */
    struct core_context context;
    uint64_t created_wall_ns;
    uint64_t seen_wall_ns;
    uint64_t touched_ns;
    uint64_t active_ns;
    uint64_t old_ns;
    struct due due; /* idle, or the end of its window */
    struct due touch;
    struct due sleep;
    struct due age;
    struct due away; /* of its client key: disconnected */
};

/* What an account used by our own count, and what the store has of it. */
struct day_account {
    uint32_t queued;
    uint32_t running;
    uint64_t used[DAY_KINDS]; /* today */
    uint64_t carry_ms;        /* engine time reserved at midnight */
    uint64_t over[DAY_KINDS]; /* counted too much: what crashes may cost */
    uint32_t was_seen;        /* number of the event that looked last */
    bool is_stored;
    uint32_t day;
    uint64_t written_ns; /* on the world's clock, if in this boot; else by the wall's */
    uint64_t written_wall_ns;
    uint32_t boot;
    uint64_t stored[CORE_QUOTAS];
    uint64_t spent_ns[CORE_CELLS];
};

struct day_key {
    uint32_t principal;
    struct day_account account;
    struct list away; /* its disconnected sessions, longest away first */
};

struct day_principal {
    uint32_t sessions;
    double tokens; /* of its rate, as a bucket that knows no restart */
    uint64_t tokens_ns;
    struct day_account account;
    struct day_account further; /* names beyond names_max: only what is stored */
};

enum day_temper {
    DAY_QUICK,
    DAY_NORMAL,
    DAY_SLOW
};

struct day_client {
    bool is_bridge;
    bool attached;
    uint8_t temper;
    uint8_t priority;
    uint32_t key;
    uint32_t profile; /* favourite */
    uint32_t session; /* core's number, of @life; NONE: has none */
    uint32_t ticket;  /* its last call */
    uint32_t burst;   /* calls still to come without a thought */
    uint64_t life;
    uint64_t wake_ns; /* earlier wakes are void */
};

struct day_ticket {
    bool live;
    bool cancelled;
    bool engine_saw;
    bool graced;
    bool held; /* its session's body is on its way */
    bool is_catalog;
    uint32_t starts;
    uint32_t key;
    uint32_t profile;
    uint32_t session; /* or NONE */
    uint64_t life;
    uint32_t conn; /* NONE while it waits */
    uint32_t rows_max;
    uint32_t next; /* of its session's */
    uint32_t prev;
    struct core_context context;
    uint64_t arrived_ns;
    uint64_t timeout_ns;
    uint64_t leased_ns;
    uint64_t slept_ns; /* of the world, at the lease */
    uint64_t interrupted_ns;
    struct due due; /* its wait, its run, or its stopping */
    struct due grace;
};

struct day_conn {
    uint32_t ticket;
    uint32_t generation;
    uint32_t worker;
    uint32_t profile;
    uint32_t principal; /* who is logged in; 0: the profile's own */
    bool open;
    bool up;
    bool stuck;
    bool spoiled;
    uint64_t rows; /* of the statement that runs */
    struct core_context base;
    struct core_context actual;
    struct due rest;
};

struct day_worker {
    uint32_t generation;
    uint32_t profile;
    uint32_t principal;
    bool alive;
    bool up;
    bool condemned;
    struct due due; /* to come up, or to be gone */
};

/* Events on their way, as small as they may be; kind CORE_TICK: void. */
struct day_news {
    uint8_t kind;
    bool clean;
    bool moved;
    bool repeats;
    uint32_t index; /* worker, connection or session */
    uint32_t generation;
    uint32_t schema;
    uint64_t life; /* of the session */
};

struct day_result {
    uint64_t hash;
    uint64_t steps;
    uint64_t requests;
    uint64_t lost; /* calls that a restart took with it */
    uint64_t opened;
    uint64_t loaded;
    uint64_t inherited;
    uint64_t fetched;
    uint64_t starts;
    uint32_t crashes;
    uint32_t stops;
    uint32_t sleeps;
    uint32_t days;
    uint32_t queued_max;
    uint64_t ended[CORE_REASONS];
    uint64_t session_ended[CORE_REASONS];
};

struct day {
    uint64_t seed;
    uint32_t clients_len;
    uint32_t principals_len;
    uint64_t hours;
    uint64_t part; /* of a whole day, in 1/1024: what scales the long times */
    struct rng rng;
    uint64_t now_ns;  /* of the world */
    uint64_t boot_ns; /* what the core's clock is ahead of it (it wraps) */
    uint64_t wall_ns; /* the same of the wall clock */
    uint64_t slept_ns;
    uint32_t boots;
    bool was_set_on; /* the wall clock, since the machine started */
    bool faults;
    bool quiet; /* clients do nothing any more */
    bool draining;
    bool loading;
    bool is_short;  /* of accounts: names that are blank give their place */
    uint32_t today; /* the shell's day, of quotas */
    uint64_t today_ns;
    uint64_t lives;
    uint32_t number; /* of the event */
    struct core_limits limits;
    struct core *core;
    unsigned char *memory; /* its mapping, */
    size_t memory_size;
    struct pending pending;
    struct day_news news[DAY_NEWS];
    uint32_t news_free[DAY_NEWS];
    uint32_t news_len;
    struct core_event event;
    uint32_t opened;          /* by the last event, or NONE */
    uint32_t live;            /* sessions */
    uint64_t due_ns;          /* the core's deadline after the last event */
    struct core_action grant; /* of the last fetch */
    uint64_t heir_window_ns;  /* of whom the present event inherits; NEVER: nobody */
    bool was_set_back;        /* the day: stored amounts may count twice since */
    struct core_actions actions;
    uint32_t *touched; /* sessions, by the present event */
    uint32_t touched_len;
    struct day_client *clients;
    struct day_key *keys;
    uint32_t *by_principal;           /* all keys, in the order of their principals */
    struct day_principal *principals; /* symbol 1 is at 1 */
    struct day_session *sessions;
    struct day_session *rows; /* for a restart */
    uint32_t sessions_len;
    struct day_ticket tickets[DAY_TICKETS];
    uint32_t tickets_free[DAY_TICKETS];
    uint32_t tickets_len; /* live */
    struct day_conn conns[CORE_CONNS_MAX];
    struct day_worker workers[CORE_WORKERS_MAX];
    uint32_t open[CORE_PROFILES_MAX]; /* connections */
    uint32_t running[CORE_PROFILES_MAX];
    uint32_t queued;
    uint64_t outage_ns[CORE_PROFILES_MAX]; /* it cannot be reached until then */
    uint32_t *symbols;                     /* held by accounts */
    uint32_t symbols_held;
    /* Deadlines, each in order. */
    struct list waits;
    struct list runs[DAY_TIMEOUTS];
    struct list stops;
    struct list graces;
    struct list idles;
    struct list touches;
    struct list aways;
    struct list sleeps;
    struct list ages;
    struct list rests[CORE_PROFILES_MAX];
    struct list spawns;
    struct list condemned;
    struct day_result result;
};

struct day_options {
    uint64_t seed;
    uint64_t clients;
    uint64_t hours;
};

/* A whole run. What an oracle does not like is told on stderr and ends in abort(). */
struct day_result day_run(const struct day_options *options);

_Noreturn void day_fail(
    const struct day *d, const char *expr, const char *file, int line);

#define DAY_CHECK(d, expr) ((expr) ? (void)0 : day_fail(d, #expr, __FILE__, __LINE__))

static inline uint64_t day_below(struct day *d, uint64_t bound)
{
    return rng_below(&d->rng, bound);
}

/* One in @n, and only while faults happen. */
static inline bool day_fault(struct day *d, uint64_t n)
{
    return d->faults && day_below(d, n) == 0;
}

/* day.c */
void day_step(struct day *d, struct core_event event);
void day_news(struct day *d, uint64_t delay_ns, struct day_news news);
void day_advance(struct day *d, uint64_t until_ns);
uint64_t day_wall(const struct day *d);
void day_core_start(struct day *d);
void day_core_end(struct day *d);

/* day_client.c */
void day_clients_init(struct day *d);
void day_client_wakes(struct day *d, uint32_t client);
void day_client_wake_at(struct day *d, uint32_t client, uint64_t at_ns);
void day_rush(struct day *d);

/* day_engine.c */
void day_carry_out(struct day *d, const struct core_action *a);
void day_break(struct day *d); /* a worker or a connection; or a warehouse for a while */

/* day_store.c: what outlives the core, and how it comes back. */
void day_crash(struct day *d);
void day_stop(struct day *d);
void day_sleep(struct day *d);

/* day_oracle.c: tickets, connections, workers. */
void day_oracle_event(struct day *d, const struct core_event *event);
void day_oracle_action(struct day *d, const struct core_action *a);
void day_oracle_settled(struct day *d);
void day_oracle_finished(struct day *d);
void day_oracle_restarted(struct day *d); /* all of an old core is forgotten */

/* day_pool.c */
void day_pool_event(struct day *d, const struct core_event *event);
void day_pool_action(struct day *d, const struct core_action *a);
/* Connections that may serve a principal. */
uint32_t day_pool_open(const struct day *d, uint32_t profile, uint32_t principal);
void day_pool_settled(struct day *d);
bool day_is_late(const struct day *d, const struct core_event *event);

/* day_session.c */
void day_session_event(struct day *d, const struct core_event *event);
void day_session_opened(struct day *d, const struct core_action *a);
void day_session_clear(struct day_session *own);
void day_session_ended(struct day *d, const struct core_action *a);
void day_session_saved(struct day *d, const struct core_action *a);
void day_session_body(struct day *d, const struct core_action *a);
void day_session_touch(struct day *d, uint32_t session); /* it is looked at in the end */
void day_sessions_settled(struct day *d);
bool day_session_ends(const struct day *d, uint32_t session);

/* day_quota.c */
void day_quota_admitted(struct day *d, const struct core_event *event);
void day_quota_granted(struct day *d, const struct core_action *a);
void day_quota_fetched(struct day *d, const struct core_event *event);
void day_rate_whole(struct day *d); /* all buckets are full */
void day_quota_refused(struct day *d, const struct core_action *a);
void day_quota_settled(struct day *d, const struct day_ticket *t, uint64_t rows);
void day_quota_saved(struct day *d, const struct core_action *a);
void day_quota_tick(struct day *d); /* is it another day? */
void day_quota_stop(
    struct day *d); /* a clean stop: the store gets what was really used */
void day_quota_load(struct day *d, bool is_clean);
void day_quota_check(struct day *d);

/* day_due.c */
void due_init(struct due *due);
void due_set(struct list *list, struct due *due, uint64_t at_ns);
void due_clear(struct due *due);
uint64_t due_first_ns(const struct list *list); /* CORE_NEVER: it is empty */

/* After all due work nothing is over, and the core is awake when the next will be. */
#define DAY_CHECK_DUE(d, list) DAY_CHECK(d, due_first_ns(list) >= (d)->due_ns)
