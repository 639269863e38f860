// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the files of this room share: the objects, their pools and the step in progress.
 * Objects refer to each other by index; CORE_NONE means no object.
 */
#include <string.h>

#include "base/assert.h"
#include "core/core.h"

/* What a deadline belongs to. Every object has at most one entry in the heap. */
enum owner {
    OWNER_SESSION,
    OWNER_TICKET,
    OWNER_CONN,
    OWNER_WORKER,
    OWNER_PROFILE,
};

struct deadline {
    uint64_t at_ns;
    uint32_t heap_at; /* position in the heap plus one, 0 = not armed */
    uint32_t owner;   /* enum owner in the top three bits, index below */
};

enum { OWNER_SHIFT = 29, OWNER_INDEX_MASK = (1 << OWNER_SHIFT) - 1 };

struct session {
    struct deadline deadline;
    uint64_t created_wall_ns;
    uint64_t last_seen_wall_ns;
    uint64_t expire_ns;     /* age limit, boot clock */
    uint64_t touched_ns;    /* connected until then by plain requests */
    uint64_t active_ns;     /* last call ended or connection made */
    uint64_t resume_until_ns; /* disconnected: gone then */
    struct core_context context;
    uint32_t principal;
    uint32_t client;
    uint32_t connections;
    uint32_t calls;
    uint32_t first_ticket;   /* of the list of its calls */
    uint32_t next_principal; /* chain of the principal's bucket; of the free list */
    uint32_t next_client;    /* chain of the client key's bucket */
    uint8_t state;
    uint8_t end_reason; /* CORE_OK: not ending */
    uint8_t body;       /* enum body */
    bool used;
};

enum body {
    BODY_ASLEEP,  /* only the stub is in memory */
    BODY_LOADING, /* asked for; calls are held */
    BODY_HERE,
};

enum ticket_state {
    TICKET_FREE,
    TICKET_HELD, /* its session's body is being loaded */
    TICKET_QUEUED,
    TICKET_LEASED,  /* on a connection, not yet with the engine */
    TICKET_RUNNING, /* with the engine */
};

struct ticket {
    struct deadline deadline;
    uint64_t arrived_ns;
    uint64_t timeout_ns;
    uint64_t run_until_ns;
    struct core_context context;
    uint32_t session;
    uint32_t principal;
    uint32_t client;
    uint32_t profile;
    uint32_t conn;
    uint32_t flow; /* client flow while queued */
    uint32_t next; /* in its flow's queue */
    uint32_t prev;
    uint32_t session_next;
    uint32_t session_prev;
    uint8_t state;
    uint8_t end_reason; /* why it was interrupted, CORE_OK: it was not */
    bool graced;
    bool requeued; /* its worker died before it started; that happens to it once */
};

/* A node of the queue: a principal's or a client key's turn. Linked in a ring of siblings. */
struct flow {
    uint32_t key;
    uint32_t parent;
    uint32_t ring_next;
    uint32_t ring_prev;
    uint32_t turn; /* first child flow, or first ticket of a client flow */
    uint32_t last; /* last ticket of a client flow */
    uint32_t queued;
};

enum conn_state {
    CONN_CLOSED,
    CONN_CONNECTING,
    CONN_IDLE,
    CONN_BUSY,
    CONN_INTERRUPTED,
};

struct conn {
    struct deadline deadline;
    struct core_context actual;
    uint32_t generation;
    uint32_t profile;
    uint32_t worker;
    uint32_t ticket;
    uint8_t state;
    bool actual_known;
};

enum worker_state {
    WORKER_DOWN,
    WORKER_STARTING,
    WORKER_UP,
    WORKER_CONDEMNED,
    WORKER_DYING, /* exited; its connections are being worked off */
};

struct worker {
    struct deadline deadline;
    uint32_t generation;
    uint32_t profile;
    uint32_t conns;
    uint32_t busy;
    uint8_t state;
};

struct profile {
    struct deadline deadline; /* end of the backoff */
    struct core_profile_limits limits;
    uint32_t turn; /* first principal flow of the ring */
    uint32_t queued;
    uint32_t busy;       /* connections with a ticket: slots in use */
    uint32_t idle;
    uint32_t connecting;
    uint32_t failures; /* to start or connect, in a row */
    bool flush;        /* unreachable: end all that waits */
};

struct core {
    struct core_limits limits;
    uint64_t now_ns;
    uint64_t wall_ns;
    bool draining;
    bool unfinished; /* the last step had more to do than room */
    uint32_t free_session;
    uint32_t free_flow;
    uint32_t session_count;
    uint32_t queued;
    uint32_t heap_len;
    uint32_t buckets_mask;
    uint32_t ending_count; /* sessions that wait for their last call */
    uint32_t held_count;   /* tickets that wait for a body */
    struct session *sessions;
    struct ticket *tickets;
    struct flow *flows;
    struct deadline **heap;
    uint32_t *principal_buckets;
    uint32_t *client_buckets;
    struct profile profiles[CORE_PROFILES_MAX];
    struct worker workers[CORE_WORKERS_MAX];
    struct conn conns[CORE_CONNS_MAX];
    struct core_actions *out; /* the step in progress */
};

/* heap.c */
void deadline_arm(struct core *core, struct deadline *d, uint64_t at_ns); /* NEVER disarms */

/* core.c: room for one event's or one due object's actions? */
enum { ACTIONS_RESERVE = 8 };
struct core_action *act(struct core *core, enum core_action_kind kind);
bool has_room(const struct core *core);

/* session.c */
void session_open(struct core *core, const struct core_event *event);
void session_load(struct core *core, const struct core_event *event);
void session_event(struct core *core, const struct core_event *event);
void session_call_begun(struct core *core, uint32_t session, uint32_t ticket);
void session_call_ended(struct core *core, uint32_t session, uint32_t ticket);
void session_due(struct core *core, uint32_t session);
bool session_is_awake(struct core *core, uint32_t session); /* false: its body is asked for */

/* queue.c: round robin over principals, then over a principal's client keys */
bool queue_admit(const struct core *core, const struct core_event *event, enum core_scope *ret);
void queue_push(struct core *core, uint32_t ticket, bool front);
void queue_remove(struct core *core, uint32_t ticket);
uint32_t queue_next(const struct core *core, uint32_t profile); /* ticket or NONE */
void queue_turn(struct core *core, uint32_t ticket); /* its flows had their turn */

/* ticket.c */
void ticket_submit(struct core *core, const struct core_event *event);
void ticket_cancel(struct core *core, uint32_t ticket, enum core_reason reason);
void ticket_end(struct core *core, uint32_t ticket, enum core_reason reason,
    enum core_scope scope, uint64_t retry_after_ns);
void ticket_rearm(struct core *core, uint32_t ticket);
void ticket_due(struct core *core, uint32_t ticket);

/* pool.c */
void pool_event(struct core *core, const struct core_event *event);
void pool_interrupt(struct core *core, uint32_t ticket);
bool pool_dispatch(struct core *core); /* does one thing that is possible; false: nothing is */
bool pool_unavailable(const struct core *core, uint32_t profile, uint64_t *ret_retry_ns);
void pool_due(struct core *core, enum owner owner, uint32_t index);
