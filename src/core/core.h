// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The brain: sessions, tickets, queue, pool. A state machine that is told events and
 * answers with actions. It sees numbers only, reads no clock, allocates nothing, does no
 * I/O and knows no thread: whoever drives it (the daemon, the simulator) maps the memory,
 * stamps each event with two clocks and carries out the actions in order.
 *
 * Contract:
 * - core_step() handles one event, then as much due work as fits into the action buffer.
 *   When work is left over, core_deadline() lies in the past: step again with CORE_TICK.
 * - Nothing learned while carrying out an action may re-enter core_step(); it comes as a
 *   later event.
 * - Completions name (connection, generation). A generation that no longer matches is late
 *   and is ignored: it cannot touch the successor.
 * - A session is a stub here. Its body (names, metrics) is the shell's: a stub that was loaded
 *   has none until CORE_LOAD was answered, and loses it again when its client stays away.
 * - Every ticket ends by exactly one CORE_END. Sessions end by exactly one CORE_SESSION_END.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_NEVER UINT64_MAX
#define CORE_NONE UINT32_MAX

/*
 * What a backend connection is set to; each part is an interned symbol. 0 in what a call wants:
 * what the connection was set to when it was opened.
 */
enum core_part {
    CORE_ROLE,
    CORE_WAREHOUSE,
    CORE_DATABASE,
    CORE_SCHEMA,
    CORE_PARTS,
};

struct core_context {
    uint32_t part[CORE_PARTS];
};

/* The top level of the queue: strict, but for the floors. */
enum core_priority {
    CORE_HIGH,
    CORE_NORMAL,
    CORE_LOW,
    CORE_PRIORITIES,
};

/* Amounts per day; a microcredit is a millionth of a warehouse credit. */
enum core_quota {
    CORE_QUOTA_CALLS,
    CORE_QUOTA_ROWS,
    CORE_QUOTA_BYTES,
    CORE_QUOTA_ENGINE_MS,
    CORE_QUOTA_MICROCREDITS,
    CORE_QUOTAS,
};

/* What an account has rates for. */
enum core_cell {
    CORE_CELL_CALLS,
    CORE_CELL_CATALOG,
    CORE_CELLS,
};

enum core_session_state {
    CORE_CONNECTING,    /* being made durable */
    CORE_CONNECTED,     /* has a connection, no call yet */
    CORE_ACTIVE,        /* a call is queued or runs */
    CORE_IDLE,          /* connected, all calls ended */
    CORE_DISCONNECTING, /* lost its last connection while calls run */
    CORE_DISCONNECTED,  /* kept for whoever comes back */
    CORE_EXPIRED,       /* gone; the slot is free */
};

enum core_event_kind {
    CORE_TICK,            /* nothing happened but time */
    CORE_SESSION_OPEN,    /* request, principal, client, context -> OPENED or REFUSED */
    CORE_SESSION_LOAD,    /* at start: a stored session's stub, disconnected since last_seen */
    CORE_SESSION_BODY,    /* answers CORE_LOAD; with a reason: the body cannot be had */
    CORE_SESSION_DURABLE, /* the store has it */
    CORE_SESSION_ATTACH,  /* one more stream, bridge or socket */
    CORE_SESSION_DETACH,  /* one less */
    CORE_SESSION_TOUCH,   /* a request over plain HTTP: connected for touch_ns */
    CORE_SESSION_SEEN,    /* a call that needs no ticket: its stream is not idle */
    CORE_SESSION_CONTEXT, /* session, context: what its next calls run in */
    CORE_SESSION_CLOSE,   /* the client or the operator ends it */
    CORE_SUBMIT,          /* ticket, session or none, principal, client, profile, context */
    CORE_CANCEL,          /* ticket, reason */
    CORE_WORKER_UP,       /* worker, generation */
    CORE_WORKER_LOST,     /* worker, generation: exited, whoever wanted it so */
    CORE_CONN_UP,         /* conn, generation, context: what it is set to by itself; 0: nothing */
    CORE_CONN_LOST,       /* conn, generation: closed, or could not be opened */
    CORE_STARTED,         /* conn, generation: the statement went to the engine */
    CORE_DONE,            /* conn, generation, clean, moved: the lease may be returned */
    CORE_CONN_PENDING,    /* conn, generation: it waits for a person to sign in */
    CORE_LOGIN_CHANGED,   /* profile, principal: its secret is another one now, or gone */
    CORE_FETCH,           /* user, principal, client, rows_max, is_call, session: an answer that */
                          /* needs no slot -> GRANT */
    CORE_FETCHED,         /* principal, client, rows_max, generation as granted; rows, bytes */
    CORE_QUOTA_DAY,       /* another day begins for the quotas */
    CORE_RESTARTED,       /* at start, before the loads: clean = nothing was lost */
    CORE_ACCOUNT_LOAD,    /* at start: principal, client or is_principal, used, spent_ns */
    CORE_DRAIN,           /* refuse new work, finish the old */
};

enum core_reason {
    CORE_OK,
    CORE_CANCELLED,      /* by the asker */
    CORE_TIMEOUT,        /* ran longer than its limit */
    CORE_QUEUE_TIMEOUT,  /* waited longer than its limit */
    CORE_QUEUE_FULL,     /* too many waiting: of the client, the principal or in all */
    CORE_TOO_MANY,       /* no room for another session or ticket */
    CORE_NO_SESSION,     /* expired or closed */
    CORE_WORKER_DIED,    /* or its connection went, and the statement does not run again */
    CORE_UNAVAILABLE,    /* the profile cannot be reached now */
    CORE_LOGIN_PENDING,  /* a person has to sign in first */
    CORE_DRAINING,       /* the daemon is going down */
    CORE_RATE_LIMITED,   /* one of its rates is used up */
    CORE_QUOTA_EXHAUSTED, /* one of its amounts per day is used up */
    CORE_ELSEWHERE,      /* its session holds a connection that cannot be used for it */
    CORE_UNSETTABLE,     /* the connections there can be have a context that it would unset */
    CORE_CLOSED,         /* session closed */
    CORE_IDLE_LIMIT,     /* session: nobody came back */
    CORE_AGE_LIMIT,      /* session: as old as it may get */
    CORE_REASONS,
};

enum core_scope {
    CORE_SCOPE_SESSION,
    CORE_SCOPE_CLIENT,
    CORE_SCOPE_PRINCIPAL,
    CORE_SCOPE_ALL,
};

/* One event; unused fields are 0. Times are nanoseconds. */
struct core_event {
    enum core_event_kind kind;
    enum core_reason reason; /* CANCEL, SESSION_BODY */
    uint64_t boot_ns;        /* never runs backwards */
    uint64_t wall_ns;
    uint64_t user;       /* the shell's word for a request; comes back in the answer */
    uint32_t session;    /* core's number, CORE_NONE: none */
    uint32_t ticket;     /* the shell's number, below limits.tickets; free until SUBMIT */
    uint32_t principal;  /* symbol */
    uint32_t client;     /* symbol of the client key */
    uint32_t profile;    /* index */
    uint32_t worker;     /* index */
    uint32_t conn;       /* index */
    uint32_t generation; /* of worker or conn; FETCHED: of the grant */
    bool clean;          /* RESTARTED; DONE: the connection is provably as before, */
    bool moved;          /* DONE: but for its context, which is now @context */
    bool repeats;        /* CONN_LOST: what ran there may run again */
    struct core_context context;
    uint64_t timeout_ns;        /* SUBMIT: longest run, 0 = no limit */
    enum core_priority priority; /* SUBMIT */
    bool is_catalog;             /* SUBMIT, FETCH of a call: has rate cells of its own, no quota */
    bool is_stateful;            /* SUBMIT: it may leave something on its connection, for its session */
    bool pins;                   /* DONE: it has, or what was there still is */
    bool is_charged;             /* SUBMIT: a FETCH of it was granted, its rate and call are paid */
    bool is_call;                /* FETCH: of a running statement's answer, for another call */
    bool is_principal;           /* ACCOUNT_LOAD: of the principal, not of a client key */
    uint32_t principal_weight;   /* SUBMIT: 0 = 1 */
    uint32_t client_weight;
    uint32_t rows_max;           /* SUBMIT, FETCH: rows the answer may show */
    uint64_t credit_rate;        /* SUBMIT: microcredits a second of engine time */
    uint64_t rows;               /* DONE, FETCHED: shown */
    uint64_t bytes;              /* of the answer */
    uint64_t used[CORE_QUOTAS];  /* ACCOUNT_LOAD: today, */
    uint64_t spent_ns[CORE_CELLS]; /* and until each rate is whole again */
    uint64_t created_wall_ns;   /* SESSION_LOAD */
    uint64_t last_seen_wall_ns; /* SESSION_LOAD */
};

enum core_action_kind {
    CORE_OPENED,      /* user -> session; heir_of: whose context it inherits */
    CORE_REFUSED,     /* user, reason, scope, limit_max: no session */
    CORE_SESSION_END, /* session, reason: forget it, also in the store */
    CORE_SAVE,        /* session, state: its row changed */
    CORE_LOAD,        /* session: fetch its body; its calls wait for SESSION_BODY */
    CORE_UNLOAD,      /* session: it sleeps, the stub is enough */
    CORE_SPAWN,       /* worker, generation, profile, principal: start the process */
    CORE_KILL,        /* worker, generation: end the process now */
    CORE_CONNECT,     /* conn, generation, worker: open a backend connection */
    CORE_DISCONNECT,  /* conn, generation */
    CORE_START,       /* ticket, conn, generation, context (no defaults), replay: run it */
    CORE_HOLD,        /* user: a symbol that an account or a login needs */
    CORE_RELEASE,     /* user: it needs it no longer */
    CORE_SAVE_ACCOUNT, /* account: its bounds go to the store before the answer */
    CORE_GRANT,       /* user, reason; rows_max, generation: a fetch may go on, or not */
    CORE_SIGN_IN,     /* conn, generation: ask a person, as CONN_PENDING said; nobody was yet */
    CORE_INTERRUPT,   /* conn, generation, ticket: ask the engine to stop */
    CORE_UNPIN,       /* session, profile, reason: what its connection held is gone */
    CORE_GRACE,       /* ticket: answer with a handle, the call goes on */
    CORE_END,         /* ticket, reason, scope */
};

struct core_action {
    enum core_action_kind kind;
    enum core_reason reason;
    enum core_scope scope;
    enum core_session_state state;
    uint64_t user;
    uint64_t retry_after_ns;
    uint32_t session;
    uint32_t heir_of; /* session or CORE_NONE */
    uint32_t ticket;
    uint32_t profile;
    uint32_t principal; /* SPAWN, CONNECT: whose login, 0: the profile's own */
    uint32_t worker;
    uint32_t conn;
    uint32_t generation;
    uint32_t account;
    uint32_t rows_max; /* START, GRANT: what the quota leaves of the rows asked for */
    enum core_quota quota;    /* END or GRANT refused for a quota */
    uint64_t limit_max;       /* and for a rate, a quota or a queue: */
    uint64_t limit_remaining;
    uint64_t limit_held;      /* of a quota: reserved by running calls, may come back */
    uint64_t reset_ns;        /* of a rate: until it is whole again */
    uint32_t replay; /* bit per core_part that differs from the connection's actual context */
    struct core_context context;
};

enum { CORE_ACTIONS_MAX = 64 };

struct core_actions {
    uint32_t len;
    struct core_action at[CORE_ACTIONS_MAX];
};

enum { CORE_PROFILES_MAX = 8, CORE_WORKERS_MAX = 32, CORE_CONNS_MAX = 256 };

struct core_profile_limits {
    uint32_t slots;            /* statements at once; also the most connections */
    uint32_t conns_per_worker; /* 1 where a cancel cannot reach the driver */
    uint64_t idle_ns;          /* an unused connection is closed then; 0 = never */
    uint64_t age_ns;           /* no connection serves longer, but for what it runs; 0 = no limit */
    uint64_t connect_ns;       /* a connection may take this long to open; 0 = no limit */
    uint32_t logins;           /* connections of a login that are opened at once; 0 = no limit */
    uint32_t workers;          /* at once; 0 = no limit */
    bool per_principal;        /* each principal logs in by itself, with workers of its own */
};

/* A rate: @burst calls at once, then one each @interval_ns. 0: off. */
struct core_rate {
    uint32_t burst;
    uint64_t interval_ns;
};

struct core_limits {
    uint32_t sessions; /* in all, dormant ones too */
    uint32_t accounts; /* principals and their client keys */
    uint32_t names_max; /* client keys of a principal; further ones share an account */
    struct core_rate rate_global;
    struct core_rate rate_principal;
    struct core_rate rate_client;
    struct core_rate rate_session;
    struct core_rate rate_catalog; /* of a client key, for catalogue calls */
    uint64_t quota_principal[CORE_QUOTAS]; /* 0 = off */
    uint64_t quota_client[CORE_QUOTAS];
    uint32_t run_principal; /* running at once; 0 = off */
    uint32_t run_client;
    uint32_t reserved_slots; /* kept for who runs nothing, where others were about */
    uint32_t floor_permille[CORE_PRIORITIES];
    uint64_t present_ns; /* who had work within this time is about */
    uint64_t slot_ns_start; /* what a profile's first statement is charged */
    uint64_t chunk_ms;      /* engine time reserved at once */
    uint32_t principal_sessions;
    uint32_t tickets;
    uint32_t queue_total;
    uint32_t queue_principal;
    uint32_t queue_client;
    uint64_t idle_ns;   /* connected without a call: counts as disconnected */
    uint64_t resume_ns; /* disconnected: kept this long */
    uint64_t age_ns;    /* 0 = off */
    uint64_t touch_ns;  /* one plain HTTP request keeps a session connected this long */
    uint64_t sleep_ns;  /* disconnected for this long: its body is let go */
    uint64_t pin_idle_ns; /* a pinned connection without a call is closed then; 0 = off */
    uint64_t grace_ns;
    uint64_t queue_ns;
    uint64_t cancel_ns; /* an interrupted statement may take this long to stop */
    uint64_t drain_ns;  /* a condemned worker's other calls may take this long */
    uint64_t spawn_ns;  /* a worker may take this long to come up */
    uint64_t backoff_ns_min;
    uint64_t backoff_ns_max;
    uint32_t profiles;
    struct core_profile_limits profile[CORE_PROFILES_MAX];
};

/* Counts for whoever looks in from outside; derived, never stored. */
struct core_counts {
    uint32_t sessions;
    uint32_t queued;
    uint32_t running; /* have a connection, */
    uint32_t started; /* and are with the engine */
    uint32_t conns_idle;
    uint32_t conns_busy; /* pinned ones too, */
    uint32_t conns_pinned; /* which are these, while nothing runs on them */
    uint32_t workers;
};

/* What an account has used, for whoever writes or shows it. */
struct core_account_view {
    uint32_t principal; /* symbols */
    uint32_t client;    /* 0: the account of a principal, or of its further names */
    bool is_principal;
    uint32_t queued;
    uint32_t running;
    uint64_t used[CORE_QUOTAS]; /* reservations included, */
    uint64_t reserved[CORE_QUOTAS]; /* which are these */
    uint64_t stored[CORE_QUOTAS]; /* the bound in the store */
    uint64_t spent_ns[CORE_CELLS]; /* until each rate is whole again, */
    uint64_t stored_spent_ns[CORE_CELLS]; /* and the bound in the store */
    uint64_t rate_left; /* calls left at once, of the queries' rate */
};

/* Of a profile. */
struct core_profile_view {
    uint32_t queued;
    uint32_t slots;
    uint32_t busy; /* connections, */
    uint32_t idle;
    uint32_t connecting;
};

/*
 * Where a queued ticket stands in its client's own queue for its profile. A client's calls
 * of a higher priority are before those of a lower one, its sessions take turns: a position
 * tells how many are before it, and may also grow.
 */
struct core_queue_view {
    uint32_t position; /* from 1 */
    uint32_t length;
    uint64_t wait_ns; /* likely, judged by how fast the profile took up calls lately */
    uint32_t busy;    /* slots of the profile */
    uint32_t slots;
};

struct core_session_view {
    enum core_session_state state;
    uint32_t principal;
    uint32_t client;
    struct core_context context;
    uint32_t connections;
    uint32_t calls; /* queued or running */
    bool is_pinned; /* a backend connection holds something of it */
    uint64_t created_wall_ns;
    uint64_t last_seen_wall_ns;
};

struct core;

size_t core_size(const struct core_limits *limits); /* bytes of zeroed memory core_init needs */
struct core *core_init(void *zeroed, const struct core_limits *limits);
void core_step(struct core *core, const struct core_event *event, struct core_actions *ret);
uint64_t core_deadline(const struct core *core); /* boot_ns of the next due work, or NEVER */
void core_check(const struct core *core);        /* asserts every invariant; O(everything) */

struct core_counts core_counts(const struct core *core);
struct core_profile_view core_profile_view(const struct core *core, uint32_t profile);
/* False when there is no account of that number (below limits.accounts). */
bool core_account_view(const struct core *core, uint32_t account, struct core_account_view *ret);
/* A client key's account and its principal's; false: one that would be made, then unnamed. */
bool core_accounts_of(const struct core *core, uint32_t principal, uint32_t client,
    struct core_account_view *ret_principal, struct core_account_view *ret_client);
/* False when @session is no live session. */
bool core_session_view(const struct core *core, uint32_t session, struct core_session_view *ret);
/* False when @ticket is not queued. Costs as much as its client has calls waiting there. */
bool core_queue_view(const struct core *core, uint32_t ticket, struct core_queue_view *ret);
uint32_t core_position(const struct core *core, uint32_t ticket); /* of the view; or 0 */
const char *core_reason_name(enum core_reason reason);
const char *core_session_state_name(enum core_session_state state);
