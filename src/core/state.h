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
    OWNER_LOGIN,
    OWNER_RESERVE, /* of a profile: the reserve may be over */
};

struct deadline {
    uint64_t at_ns;
    uint32_t heap_at; /* position in the heap plus one, 0 = not armed */
    uint32_t owner;   /* enum owner in the top three bits, index below */
};

enum { OWNER_SHIFT = 29,  OWNER_INDEX_MASK = (1 << OWNER_SHIFT) - 1 };

/* Groups of sessions; see group.c. */
enum { GROUP_ALL, GROUP_PRINCIPAL, GROUP_CLIENT, GROUPS };

struct link {
    uint32_t prev;
    uint32_t next;
};

struct group {
    uint32_t principal;
    uint32_t client; /* NONE: all of the principal */
    uint32_t count;
    uint32_t first; /* disconnected, longest away */
    uint32_t last;
    uint32_t hash_next; /* index plus one; of the free list: an index */
};

struct session {
    struct deadline deadline;
    uint64_t created_wall_ns;
    uint64_t last_seen_wall_ns;
    uint64_t expire_ns;     /* age limit, boot clock */
    uint64_t touched_ns;    /* connected until then by plain requests */
    uint64_t active_ns;     /* last call ended or connection made */
    uint64_t tat_ns;          /* rate of this session */
    uint64_t resume_until_ns; /* disconnected: gone then */
    struct core_context context;
    uint32_t principal;
    uint32_t client;
    uint32_t connections;
    uint32_t calls;
    uint32_t first_ticket; /* of the list of its calls */
    uint32_t pin;        /* connection that holds something of it */
    uint32_t turn;       /* its call that may leave something, queued or running */
    uint32_t line_first; /* its calls that wait for a turn */
    uint32_t line_last;
    uint32_t lines_next; /* in the list of those whose line may move */
    bool is_in_lines;
    uint32_t next_free;
    uint32_t group[GROUPS];
    struct link away[GROUPS]; /* its place among the disconnected of each group */
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
    TICKET_LINED, /* in its session's line: its turn comes after others' */
    TICKET_QUEUED,
    TICKET_LEASED,  /* on a connection, not yet with the engine */
    TICKET_RUNNING, /* with the engine */
};

struct ticket {
    struct deadline deadline;
    uint64_t arrived_ns;
    uint64_t queued_ns; /* it waits from then: when it came, or lost its connection */
    uint64_t timeout_ns;
    uint64_t run_until_ns;
    struct core_context context;
    uint32_t session;
    uint32_t principal;
    uint32_t client;
    uint32_t profile;
    uint32_t login;
    uint32_t conn;
    uint32_t account; /* of its client key */
    uint32_t node;    /* its session's place in the tree, while queued */
    uint32_t next;    /* in that node's line, or in its session's */
    uint32_t prev;
    uint32_t waits_next; /* in its login's list of all who wait */
    uint32_t waits_prev;
    uint32_t order;      /* of arrival */
    uint32_t principal_weight;
    uint32_t client_weight;
    uint32_t rows_max;
    uint32_t reserved_rows;
    uint64_t reserved_ms;
    uint64_t credit_rate;
    uint64_t leased_ns;
    uint64_t rows;       /* shown, and bytes of the answer: told when it is done */
    uint64_t bytes;
    uint32_t session_next;
    uint32_t session_prev;
    uint8_t state;
    uint8_t end_reason; /* why it was interrupted, CORE_OK: it was not */
    uint32_t end_account; /* whose quota ended it, */
    uint8_t end_quota;    /* and which: set where a quota says no */
    uint8_t class;        /* its priority */
    bool is_catalog;
    bool is_stateful;
    bool graced;
    bool requeued; /* it lost its connection and runs again; that happens to it once, */
    bool wants_new; /* on a new one, where it was the warehouse that ended the connection */
};

/* Who is limited: a principal (no parent) or one of its client keys. */
struct account {
    uint32_t symbol; /* 0: the further names of a principal */
    uint32_t parent;
    uint32_t hash_next; /* also of the free list */
    uint32_t clients;   /* of a principal: accounts below it, */
    uint32_t names;     /* of them those of one client key, not of the further names */
    uint32_t first_client; /* and their chain */
    uint32_t next_client;
    uint32_t queued;
    uint32_t held; /* wait for the body of their session */
    uint32_t running;
    uint32_t first_node; /* its nodes in all profiles and priorities */
    uint64_t tat_ns[CORE_CELLS];
    uint64_t used[CORE_QUOTAS]; /* today, reservations included; */
    uint64_t reserved[CORE_QUOTAS]; /* of that: what running calls may give back */
    /* What the store has: never less, but for the slack of rates. */
    uint64_t stored[CORE_QUOTAS];
    uint64_t stored_tat_ns[CORE_CELLS];
    bool is_used;
};

enum level { LEVEL_ROOT, LEVEL_CLASS, LEVEL_PRINCIPAL, LEVEL_CLIENT, LEVEL_SESSION };

/* A place in a profile's tree; see node.c. */
struct node {
    uint64_t charge;  /* slot time charged, by weight; compared among siblings */
    uint64_t pending; /* of that: for statements that run, */
    uint64_t leased_ns_sum; /* which began then */
    uint64_t base;    /* of its children: what the one served last had settled, before */
    uint64_t left_ns[2];
    uint32_t left[2]; /* the children whose work ended last */
    uint32_t parent;
    uint32_t key; /* account, or session */
    uint32_t weight;
    uint32_t queued; /* tickets below it that wait */
    uint32_t running;
    uint32_t children; /* nodes, idle ones too */
    uint32_t present;  /* children with work */
    uint32_t order;    /* when it became backlogged: settles ties */
    uint32_t heap[2];  /* of children that wait: those that run nothing, the others */
    uint32_t down;     /* its place in its parent's heap */
    uint32_t next;
    uint32_t prev;
    uint32_t first; /* of a session: its tickets that wait */
    uint32_t last;
    uint32_t hash_next; /* also of the free list */
    uint32_t lru_next;  /* idle nodes without children */
    uint32_t lru_prev;
    uint32_t account_next;
    uint32_t first_child; /* idle ones too */
    uint32_t sib_next;
    uint32_t sib_prev;
    uint8_t level;
    uint8_t in_heap; /* 0 none, else which one plus 1 */
    bool is_parked;  /* its account runs as much as it may, or its login waits */
    bool used;
};

enum conn_state {
    CONN_CLOSED,
    CONN_CONNECTING,
    CONN_IDLE,
    CONN_PINNED, /* nothing runs, but it holds something of its session */
    CONN_BUSY,
    CONN_INTERRUPTED,
};

/* The hold of a slot: of a ticket, or of a session's pin over several of them. */
struct lease {
    uint64_t leased_ns;
    uint64_t charged_ns; /* slot time charged for it so far */
    uint32_t node;       /* whose: its session's place in the tree */
    uint32_t account;
    uint8_t class;
    uint8_t owed_classes; /* that waited when it began: a bit each */
    bool is_pin;
};

struct conn {
    struct deadline deadline;
    struct core_context base; /* when it was opened; 0: a part that cannot be unset again */
    struct core_context actual;
    uint32_t generation;
    uint32_t profile;
    uint32_t login;
    uint32_t worker;
    uint32_t ticket;
    uint32_t pin;     /* session; NONE */
    struct lease lease; /* while it is in use */
    uint64_t rest_ns; /* idle since then */
    uint64_t up_ns;   /* it was opened */
    bool is_fresh;    /* it has served nobody yet */
    bool is_pending;  /* it waits for a person to sign in, */
    bool is_personal; /* or did so */
    uint64_t retire_ns; /* serves no more then; NEVER */
    uint8_t state;
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
    uint32_t login;
    uint32_t conns;
    uint64_t rest_ns; /* a connection of it was used then, last */
    bool is_fresh;    /* none was yet */
    uint8_t state;
};

/* Why the calls of a login are not in the queue; always READY for a profile's own. */
enum login_wait {
    LOGIN_READY,
    LOGIN_OPENING, /* a connection is on its way, or may be tried again later */
    LOGIN_CROWDED, /* until others let go of a connection or a worker */
};

struct login {
    struct deadline deadline; /* end of the backoff */
    uint32_t profile;
    uint32_t principal;   /* symbol; 0: the profile's own */
    uint32_t hash_next;   /* also of the free list */
    uint32_t calls;       /* tickets that name it */
    uint32_t waits_first; /* those that are queued, in order of arrival */
    uint32_t waits_last;
    uint32_t queued;
    uint32_t idle; /* connections */
    uint32_t busy;
    uint32_t connecting;
    uint32_t workers;   /* that are not down */
    uint32_t failures;  /* to start or connect, in a row */
    uint32_t crowd_next;
    uint32_t flush_next;
    uint8_t wait; /* enum login_wait */
    bool is_crowded;  /* in its profile's list of those */
    bool is_flushing; /* in the list of those whose queue ends */
    bool is_pending;  /* a person has to sign in, */
    bool is_asking;   /* or would have to for one connection more: those that live serve all */
    bool is_used;
};

struct profile {
    struct deadline reserve; /* when somebody who waits for it may be served */
    struct core_profile_limits limits;
    uint32_t crowd_first; /* logins that wait for room */
    uint64_t job_ns; /* what a statement is charged: the longest recent one */
    uint64_t longest_ns; /* of this window of completions, */
    uint64_t longest_before_ns; /* and of the one before */
    uint32_t learned; /* completions in this window */
    uint64_t mean_ns[CORE_PRIORITIES]; /* what statements of a class take; 0: none ended yet */
    uint64_t dispatched_ns; /* last */
    uint64_t waits_ns;      /* somebody waits since then */
    int64_t owed_ns[CORE_PRIORITIES];
    uint32_t queued;
    uint32_t busy;       /* connections with a ticket: slots in use */
    uint32_t idle;
    uint32_t connecting; /* of them, */
    uint32_t pending;    /* these wait for a person */
    uint32_t workers;    /* that are not down */
};

struct core {
    struct core_limits limits;
    uint64_t now_ns;
    uint64_t wall_ns;
    bool draining;
    uint32_t day;    /* of the quotas, counted */
    bool bounds_due; /* a new day began: some quota bounds are to be stored */
    uint32_t bounds_next;
    bool unfinished; /* the last step had more to do than room */
    /* Of each pool: the free list, and how far it was ever used. */
    uint32_t free_session;
    uint32_t free_account;
    uint32_t free_node;
    uint32_t free_group;
    uint32_t free_login;
    uint32_t session_mark;
    uint32_t account_mark;
    uint32_t node_mark;
    uint32_t group_mark;
    uint32_t conn_mark;
    uint32_t login_mark;
    uint32_t login_at; /* where the next look for an unused login begins */
    uint32_t login_mask;
    uint32_t flush_first; /* logins whose queues end */
    uint32_t leaving; /* workers that are condemned or dying */
    uint32_t reclaim_at; /* where the next look for a blank account begins */
    uint32_t idle_first; /* idle nodes without children, longest idle first */
    uint32_t idle_last;
    uint32_t order;
    uint32_t node_mask;
    uint32_t account_mask;
    uint64_t tat_ns; /* of the global rate */
    uint64_t crashed_ns; /* start after a crash; 0: the last stop was clean */
    struct group everyone;
    struct group ending; /* sessions that wait for their last call */
    uint32_t queued;
    uint32_t heap_len;
    uint32_t group_mask;
    uint32_t held_count;   /* tickets that wait for a body, or in a line */
    uint32_t lines_first;  /* sessions whose line may move */
    uint32_t lines_last;
    uint32_t pinned_count; /* connections that only hold something */
    struct session *sessions;
    struct ticket *tickets;
    struct account *accounts;
    struct node *nodes;
    uint32_t *node_buckets;
    uint32_t *account_buckets;
    struct login *logins; /* the profiles' own first */
    uint32_t *login_buckets;
    struct deadline **heap;
    struct group *groups;
    uint32_t *group_buckets; /* index plus one, 0 none */
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
uint32_t core_nodes(const struct core *core); /* in the pool */
uint32_t core_logins(const struct core *core);

/* session.c */
void session_open(struct core *core, const struct core_event *event);
void session_load(struct core *core, const struct core_event *event);
void session_event(struct core *core, const struct core_event *event);
void session_call_begun(struct core *core, uint32_t session, uint32_t ticket);
void session_call_ended(struct core *core, uint32_t session, uint32_t ticket);
void session_due(struct core *core, uint32_t session);
bool session_is_awake(struct core *core, uint32_t session); /* false: its body is asked for */

/* group.c */
void group_join(struct core *core, uint32_t session);
void group_leave(struct core *core, uint32_t session);
void group_away(struct core *core, uint32_t session); /* it is disconnected, with its window */
void group_back(struct core *core, uint32_t session); /* it is not any more */
void group_ending(struct core *core, uint32_t session);
void group_ended(struct core *core, uint32_t session);
uint32_t group_count(struct core *core, uint32_t principal);
/* Among the disconnected: who left last; who left first but for @spared. NONE: nobody. */
uint32_t group_newest(struct core *core, uint32_t principal, uint32_t client);
uint32_t group_oldest(struct core *core, uint32_t principal, uint32_t spared);

/* limit.c */
bool limit_admit(struct core *core, const struct core_event *event, uint32_t client,
    struct core_action *ret);
const struct core_rate *limit_rate(
    const struct core *core, uint32_t account, enum core_cell cell);

/* bound.c */
void bound_keep(struct core *core, uint32_t client); /* after all that adds to what it used */
bool bound_due(struct core *core);
void bound_init(const struct core *core, uint32_t account);
uint64_t bound_new_tat_ns(const struct core *core, const struct core_rate *rate);
void bound_restarted(struct core *core, bool clean);
void bound_load(struct core *core, const struct core_event *event);

/* quota.c */
bool quota_admit(const struct core *core, uint32_t client, struct core_action *ret);
void quota_charge_call(struct core *core, uint32_t client);
bool quota_reserve(struct core *core, uint32_t ticket); /* where these two return false, */
bool quota_extend(struct core *core, uint32_t ticket);  /* quota_explain() says why */
void quota_settle(struct core *core, uint32_t ticket, uint64_t rows, uint64_t bytes);
void quota_explain(const struct core *core, uint32_t ticket, struct core_action *ret);
void quota_fetch(struct core *core, const struct core_event *event);
void quota_fetched(struct core *core, const struct core_event *event);
void quota_new_day(struct core *core);
uint64_t quota_max(const struct core *core, uint32_t account, enum core_quota kind);

/* account.c */
/* Of a client key, or of the further names. NONE: there is no room. */
uint32_t account_get(struct core *core, uint32_t principal, uint32_t client);
uint32_t account_of_principal(struct core *core, uint32_t principal);
uint32_t account_load(struct core *core, uint32_t principal, uint32_t client); /* a stored one */
/* Makes none: the client's, else that of the further names, else the principal's, or CORE_NONE. */
uint32_t account_find(const struct core *core, uint32_t principal, uint32_t client);
void account_add_node(struct core *core, uint32_t node);
void account_drop_node(struct core *core, uint32_t node);
bool account_is_full(const struct core *core, uint32_t account);
bool account_at_cap(const struct core *core, uint32_t principal);
void account_park(struct core *core, uint32_t principal); /* its login waits, or no more */
bool account_node_is_parked(const struct core *core, uint32_t node);
void account_count(struct core *core, uint32_t client, int queued, int running);
void account_hold(struct core *core, uint32_t client, int held);

/* node.c */
void node_init(struct core *core, uint32_t at, uint32_t parent, enum level level, uint32_t key);
uint32_t node_get(struct core *core, uint32_t parent, enum level level, uint32_t key);
void node_evict(struct core *core, uint32_t at);
void node_evict_all(struct core *core, uint32_t at); /* with all below it; none has work */
void node_place(struct core *core, uint32_t at);
void node_count(struct core *core, uint32_t at, int queued, int running);
bool node_has_other(const struct core *core, uint32_t parent, uint32_t child);
/* Its charge, without what running statements were charged beyond what they have used. */
uint64_t node_settled(const struct core *core, uint32_t at);
void node_list(struct core *core, uint32_t at);
void node_unlist(struct core *core, uint32_t at);

/* sched.c */
enum { SLOT_NS_MIN = 1000000, LEARN_WINDOW = 512 };
bool sched_admit(const struct core *core, uint32_t client, struct core_action *ret);
/* When a place is likely to be free again in the queue of @scope. */
uint64_t sched_retry_ns(const struct core *core, const struct core_event *event, uint32_t client,
    enum core_scope scope);
uint64_t sched_wait_ns(const struct core *core, uint32_t ticket); /* likely, of a queued one */
uint64_t sched_mean_ns(const struct core *core, uint32_t profile, uint32_t class);
void sched_push(struct core *core, uint32_t ticket, bool front);
void sched_remove(struct core *core, uint32_t ticket);
uint32_t sched_next(const struct core *core, uint32_t profile); /* ticket or NONE */
void sched_take(struct core *core, uint32_t ticket, uint32_t conn); /* its lease begins */
void sched_extend(struct core *core, uint32_t conn);
void sched_give_back(struct core *core, uint32_t conn);

/* ticket.c */
void ticket_submit(struct core *core, const struct core_event *event);
void ticket_cancel(struct core *core, uint32_t ticket, enum core_reason reason);
/* The answer is the action: it may be filled in further. */
struct core_action *ticket_end(struct core *core, uint32_t ticket, enum core_reason reason);
bool has_session(const struct core *core, const struct core_event *event); /* or needs none */
void ticket_wake(struct core *core, uint32_t ticket); /* if it is held: its session's body is here */
void ticket_rearm(struct core *core, uint32_t ticket);
void ticket_due(struct core *core, uint32_t ticket);

/* pin.c */
bool pin_is_elsewhere(const struct core *core, const struct core_event *event);
void pin_enter(struct core *core, uint32_t ticket); /* into the queue, or its session's line */
void pin_leave_line(struct core *core, uint32_t ticket);
void pin_ticket_ended(struct core *core, uint32_t ticket);
bool pin_dispatch(struct core *core);
void pin_keep(struct core *core, uint32_t conn, uint32_t session);
void pin_release(struct core *core, uint32_t conn);
void pin_tell_lost(struct core *core, uint32_t session, uint32_t profile, enum core_reason reason);
void pin_lose(struct core *core, uint32_t conn, enum core_reason reason);
void pin_due(struct core *core, uint32_t conn);
void pin_session_gone(struct core *core, uint32_t session, enum core_reason reason);
void pin_session_ends(struct core *core, uint32_t session);
bool pin_drain(struct core *core);

/* conn.c */
/* Statements that set it to @wanted; -1: a part would have to be unset, which nothing does. */
int conn_cost(const struct conn *c, const struct core_context *wanted);
void conn_action(struct core *core, enum core_action_kind kind, uint32_t conn);
void conn_event(struct core *core, const struct core_event *event);
void conn_due(struct core *core, uint32_t conn);
void conn_lease(struct core *core, uint32_t ticket, uint32_t conn);
void conn_lease_pinned(struct core *core, uint32_t ticket, uint32_t conn); /* the slot is its own */
void conn_interrupt(struct core *core, uint32_t ticket);
/* Its connection is gone. What had not started runs again, once; what had too, if it @repeats. */
void conn_lost(struct core *core, uint32_t conn, bool repeats);
void conn_discard(struct core *core, uint32_t conn);
void conn_discard_pinned(struct core *core, uint32_t conn, enum core_reason reason);

/* login.c */
#define PENDING_RETRY_NS UINT64_C(5000000000)
uint32_t login_find(const struct core *core, uint32_t profile, uint32_t principal); /* or NONE */
uint32_t login_get(struct core *core, uint32_t profile, uint32_t principal);
void login_init(struct core *core, uint32_t at, uint32_t profile, uint32_t principal);
void login_count(struct core *core, uint32_t login, int idle, int busy, int connecting);
bool login_lives(const struct login *login); /* it has a connection */
/* Its calls leave the queue until it is woken; false: they stay, it is the profile's own. */
bool login_wait(struct core *core, uint32_t login, enum login_wait wait);
void login_wake(struct core *core, uint32_t login);
void login_wake_crowd(struct core *core, uint32_t profile); /* a place there may be free */
void login_wake_all(struct core *core); /* or a connection or worker, which all share */
bool login_is_parked(const struct core *core, uint32_t profile, uint32_t principal);
void login_failed(struct core *core, uint32_t login); /* to start a worker or to connect */
void login_succeeded(struct core *core, uint32_t login);
void login_due(struct core *core, uint32_t login);
void login_pending(struct core *core, uint32_t login); /* a person has to sign in */
void login_check(struct core *core, uint32_t login); /* who waits for it in vain is told */
enum core_reason login_refuses(const struct core *core, uint32_t login, uint64_t *ret_retry_ns);
bool login_flush(struct core *core); /* ends one call that waits in vain; false: none does */
void login_changed(struct core *core, const struct core_event *event);

/* pool.c */
uint32_t pool_half(const struct profile *p); /* of the slots */
uint64_t pool_scatter(uint64_t seed, uint64_t below);
void worker_rest(struct core *core, uint32_t worker);
void worker_kill(struct core *core, uint32_t worker);
void worker_condemn(struct core *core, uint32_t worker);
void pool_event(struct core *core, const struct core_event *event);
/* Each does one thing that is possible; false: nothing is. */
bool pool_bury(struct core *core); /* of what dead workers left: before anybody gets a lease */
bool pool_dispatch(struct core *core);
bool pool_has_idle(const struct core *core, uint32_t ticket); /* for the context it wants */
void pool_due(struct core *core, enum owner owner, uint32_t index);
