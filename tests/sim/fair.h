// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The scheduler's promises, each in its worst case: flows (principals, client keys,
 * sessions) that always have work or call at random, statements of many lengths and ends.
 * Virtual time, nothing but the core. A scenario prints what it measured and fails where
 * a promise is broken.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/rng.h"
#include "core/core.h"

enum {
    FLOWS_MAX = 512,
    TICKETS = 4096,
    NEWS_MAX = 256
};

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

/* How the statements of a flow end. */
enum fate {
    FATE_DONE,
    FATE_LOST,  /* their connection breaks instead */
    FATE_STUCK, /* never: they also ignore their cancel */
};

struct flow {
    uint32_t principal;
    uint32_t client;
    uint32_t session; /* CORE_NONE: calls of none */
    uint32_t weight;
    uint32_t client_weight;
    uint32_t backlog;  /* kept waiting; 0: calls only when told, or each */
    uint64_t every_ns; /* on average, at random; 0: not */
    enum core_priority priority;
    enum fate fate;
    uint64_t start_ns;   /* not before */
    uint64_t cancel_ns;  /* after its start its asker gives up; 0: never */
    uint64_t timeout_ns; /* 0: none */
    /* measured */
    uint64_t served_ns; /* slot time so far */
    uint32_t waiting;
    uint32_t running;
    uint64_t submitted;
    uint64_t refused;
    uint64_t started;
    uint64_t wait_ns; /* of the last one that started, */
    uint64_t wait_ns_max;
    uint64_t next_ns; /* call, of those that come at random */
};

struct lane {
    uint64_t at_ns; /* NEVER: nothing comes of it */
    uint64_t cancel_ns;
    enum core_event_kind next;
    uint32_t ticket;
    uint32_t generation;
    uint32_t worker;
    bool is_running;
};

struct world {
    struct rng rng;
    struct core *core;
    struct core_limits limits;
    uint64_t now_ns;
    uint64_t job_ns_max; /* T, the longest statement */
    uint64_t connect_ns; /* takes that long */
    uint64_t (*length)(struct world *w, uint32_t flow);
    void (*on_refusal)(struct world *w, uint32_t flow, const struct core_action *end);
    void (*on_place)(
        struct world *w, uint32_t flow); /* one of its calls waits no longer */
    uint32_t flow_count;
    struct flow flow[FLOWS_MAX];
    struct {
        uint32_t flow;
        uint64_t arrived_ns;
        uint32_t conn;
        bool live;
    } ticket[TICKETS];
    uint32_t free_ticket[TICKETS];
    uint32_t free_len;
    struct lane lane[CORE_CONNS_MAX];
    uint32_t lanes;                   /* were ever used */
    struct core_event news[NEWS_MAX]; /* for the core */
    uint32_t news_len;
    uint32_t opened; /* session, last */
    int64_t held;    /* symbols that accounts need */
};

/* A world of @slots at rest: limits may be changed and flows added until world_start().
 */
struct world *world_new(uint32_t slots);
void world_start(struct world *w);
void world_end(struct world *w);
struct flow *world_add(struct world *w, uint32_t principal, uint32_t client);
void world_open(struct world *w, struct flow *f); /* a session for it */

void world_step(struct world *w, struct core_event event);
void world_submit(struct world *w, uint32_t flow);
uint64_t world_next_ns(struct world *w); /* when something happens; NEVER: nothing does */
void world_advance(struct world *w);     /* to that moment */
void world_run(struct world *w, uint64_t until_ns);
/* When the next statement ends by itself; NEVER: none does. */
uint64_t world_next_end_ns(const struct world *w);

/* Lengths of statements. */
uint64_t length_even(struct world *w, uint32_t flow); /* T, T/10 or T/100, as likely */
uint64_t length_full(struct world *w, uint32_t flow); /* T */

/* Of flows that always have work: the worst over all windows. */
struct shares {
    double least; /* share of what was due */
    double jain;  /* index of what they got by weight */
    double lag_t; /* slot time behind what was due, in T */
};
struct shares shares_measure(struct world *w, uint64_t window_ns, uint64_t until_ns);

/* fair.c. Prints a measured value; outside of its bounds it is a failure. */
void expect(double value, double least, double most, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

void fair_shares(void);
void fair_guesses(void);
void fair_killed(void);
void fair_quiet(void);
void fair_newcomer(void);
void fair_all_slots_held(void);
void fair_after_a_long_one(void);
void fair_starvation(void);
void fair_reserve_ends(void);
void fair_splitting(void);
void fair_names(void);
void fair_leaving(void);
void fair_hoarding(void);
void fair_returning(void);
void fair_floors(void);
void fair_floors_exact(void);
void fair_floors_of_one_slot(void);
void fair_floor_after_plenty(void);
void fair_floor_is_not_saved(void);
void fair_retry(void);
void fair_rates(void);
void fair_flood(void);
void fair_accounts(void);
