// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The simulated world around the core: clients, workers and engines under virtual time,
 * and what the oracles remember of it. A seed picks the limits and the faults; the same
 * seed and count of actions play the same run.
 */
#include "base/rng.h"
#include "core/core.h"
#include "pending.h"

enum {
    SIM_TICKETS = 64,
    SIM_SESSIONS = 48,
    SIM_PRINCIPALS = 5,
    SIM_PENDING_MAX = 512,
    SIM_ACTIONS = 1500, /* what clients do in a full run */
    SIM_SYMBOLS = 64,
    SIM_WALL_MS = 1000000000, /* what the wall clock is ahead of the boot clock */
};

struct sim_ticket {
    bool live;
    uint32_t submitted_by; /* sim.given then */
    bool cancelled;  /* somebody asked for it */
    bool engine_saw; /* CORE_STARTED was reported of it */
    bool graced;
    uint32_t starts;
    uint32_t principal;
    uint32_t profile;
    uint32_t session;
    uint32_t conn; /* CORE_NONE while it waits */
    uint64_t number; /* of arrival */
    bool is_stateful;
    bool was_pinned; /* started on its session's own connection */
    struct core_context context;
    uint64_t arrived_ns;
    uint64_t queued_ns; /* or when it waited again */
    uint64_t timeout_ns;
    uint64_t run_until_ns;
    uint64_t interrupted_ns; /* 0: was not */
};

enum sim_body {
    SIM_BODY_ASLEEP,
    SIM_BODY_LOADING,
    SIM_BODY_HERE,
    SIM_BODY_LOST, /* it could not be had */
};

struct sim_session {
    bool live;
    bool closing; /* left the view, its calls have not ended */
    bool closed;  /* CORE_SESSION_CLOSE was sent */
    uint64_t life;
    uint32_t opened_by; /* sim.given then */
    enum sim_body body;
    uint32_t connections;
    bool saved_gone; /* its row says disconnected */
    struct core_context saved;
    struct core_session_view view; /* as last seen */
    uint64_t touched_ns;
    uint64_t active_ns; /* a connection was made or a call ended */
    uint64_t window_ns; /* disconnected: kept until then */
    uint64_t sleep_ns;  /* disconnected: its body is let go then */
    uint64_t old_ns;    /* as old as it may get */
};

struct sim_conn {
    uint32_t ticket;
    uint32_t generation;
    uint32_t worker;
    uint32_t profile;
    uint32_t principal; /* who is logged in; 0: the profile's own */
    bool served;        /* somebody had it */
    bool is_pending;    /* a person has to sign in, */
    bool is_personal;   /* or did */
    bool open;
    bool up;                    /* told so */
    uint64_t rests_ns;          /* since then nobody has it */
    bool runs;                  /* a statement that was not reported as done */
    bool stuck;                 /* ignores every cancel */
    uint32_t pin;               /* session whose state it holds, plus one; 0: none */
    uint64_t pinned_by;         /* number of the call that left the first of it */
    bool spoiled;               /* interrupted or not clean: nobody may have it again */
    struct core_context base;   /* when it was opened */
    uint64_t asked_ns;          /* to open, */
    uint64_t up_ns;             /* and when it was */
    struct core_context actual; /* what the engine is really set to */
};

struct sim_worker {
    uint32_t generation;
    uint32_t profile;
    uint32_t principal;
    bool alive;
    bool up;
    bool served; /* a connection of it */
    bool condemned;
    uint64_t end_ns; /* condemned: dead by then */
};

struct sim_login {
    uint64_t failed_ns; /* to start or connect, the last time */
    uint64_t up_ns;     /* last login */
    bool asks;          /* another connection would need a person: none is opened */
};

struct sim_result {
    uint64_t hash; /* of the trace */
    uint64_t steps;
    uint64_t requests;
    uint64_t ended[CORE_REASONS];         /* tickets */
    uint64_t session_ended[CORE_REASONS]; /* sessions */
};

struct sim {
    uint64_t seed;
    uint64_t actions;
    uint64_t action; /* the present one */
    struct rng rng;
    struct core *core;
    struct core_limits limits;
    uint64_t now_ns;
    uint64_t lives; /* of sessions */
    bool faults;
    bool draining;
    uint32_t owed; /* session, plus one, that must be told what it lost within this step */
    struct core_event event; /* of the present step; a tick where it is late news */
    uint32_t answers;        /* actions of the present event so far */
    bool first_step;         /* of the present event */
    bool was_refused;        /* the call it submitted */
    uint32_t heir_of;        /* of the session that is being opened */
    bool heir_must_go;       /* its slot is the only one to be had */
    struct pending pending; /* its words are places in @news */
    struct pending_entry pending_at[SIM_PENDING_MAX];
    struct core_event news[SIM_PENDING_MAX];
    uint32_t news_free[SIM_PENDING_MAX];
    struct sim_ticket tickets[SIM_TICKETS];
    struct sim_session sessions[SIM_SESSIONS];
    struct sim_conn conns[CORE_CONNS_MAX];
    struct sim_worker workers[CORE_WORKERS_MAX];
    uint32_t running[CORE_PROFILES_MAX];
    struct sim_login logins[CORE_PROFILES_MAX][SIM_SYMBOLS]; /* by principal */
    struct core_action grant; /* of the last fetch */
    uint32_t held[SIM_SYMBOLS]; /* symbols that accounts hold */
    double tokens;      /* of the global rate, as a bucket that refills without pause */
    uint64_t tokens_ns; /* when they were counted */
    struct sim_result result;
    bool settled;  /* the last event's due work is done */
    uint32_t given; /* the number of the present event, for whoever counts them */
    /*
     * Who listens: before each call of core_step() (NULL: all was played, the last oracle
     * judges), after it, and to judged actions.
     */
    void (*on_event)(struct sim *, const struct core_event *);
    void (*on_answer)(struct sim *, const struct core_actions *);
    void (*on_action)(struct sim *, const struct core_action *);
    void *watcher;
};

/* A whole run. What an oracle does not like is told on stderr and ends in abort(). */
struct sim_result sim_run(uint64_t seed, uint64_t actions);

/* The same, for somebody who listens to what the core is told. */
struct sim_result sim_watch(uint64_t seed, uint64_t actions,
    void (*on_event)(struct sim *, const struct core_event *), void *watcher);

/*
 * step.c. Limits and clock are set: makes the core. One event with the clocks as they are,
 * then ticks until its due work is done. Or one call of core_step(), stamped by the caller.
 * sim_tick() lets all deadlines before @until_ns pass; sim_finish() is the last judgement.
 */
void sim_begin(struct sim *sim);
void sim_end(struct sim *sim);
void sim_step(struct sim *sim, struct core_event event);
void sim_tick(struct sim *sim, uint64_t until_ns);
void sim_finish(struct sim *sim);
void sim_step_once(
    struct sim *sim, const struct core_event *event, struct core_actions *ret);

_Noreturn void sim_fail(
    const struct sim *sim, const char *expr, const char *file, int line);

#define SIM_CHECK(sim, expr) ((expr) ? (void)0 : sim_fail(sim, #expr, __FILE__, __LINE__))

static inline uint64_t sim_ms(uint64_t n)
{
    return n * 1000000;
}

/*
 * oracle.c. Each event and each action is shown to the oracles, the world after each call
 * of core_step() and after all due work of an event.
 */
void oracle_event(struct sim *sim, const struct core_event *event);
void oracle_action(struct sim *sim, const struct core_action *action);
void oracle_stepped(struct sim *sim);
void oracle_settled(struct sim *sim);
void oracle_finished(struct sim *sim);

/* oracle_pin.c */
void oracle_pin_started(struct sim *sim, const struct sim_ticket *ticket, uint32_t conn);
bool oracle_pin_lines(const struct sim *sim, const struct sim_ticket *ticket);
bool oracle_pin_is_elsewhere(const struct sim *sim, const struct sim_ticket *ticket);
void oracle_pin_done(struct sim *sim, const struct core_event *event);
void oracle_pin_lost(struct sim *sim, const struct core_action *action);
uint32_t oracle_pin_count(const struct sim *sim, uint32_t profile);
void oracle_pin_settled(struct sim *sim);

/* oracle_session.c. The same for sessions, as oracle.c passes it on. */
void oracle_session_event(struct sim *sim, const struct core_event *event);
void oracle_session_asked(struct sim *sim);
void oracle_session_opened(struct sim *sim, const struct core_action *action);
void oracle_session_ended(struct sim *sim, const struct core_action *action);
void oracle_session_saved(struct sim *sim, const struct core_action *action);
void oracle_session_body(struct sim *sim, const struct core_action *action);
void oracle_session_stepped(struct sim *sim, uint32_t session);
void oracle_session_settled(struct sim *sim, uint32_t session);
/* Closed, too old or without a body: its calls are being stopped. */
bool oracle_session_ends(const struct sim *sim, uint32_t session);
/* Its body is being loaded: its calls stand in no queue. */
bool oracle_session_holds(const struct sim *sim, uint32_t session);
