// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Inside of the switchboard. Who enters which room:
 *   step.c      the core: events in, actions out
 *   lease.c     workers: what actions ask of them, what they answer
 *   logins.c    who logs in at a profile: credentials, homes, what waits for a person
 *   base_context.c  what a new connection is set to by itself
 *   calls.c     tools: one call's life, from the asker to its answer
 *   asker.c     who gets that answer, and may go before
 *   known.c     answers about names that are kept: no engine is asked
 *   attach.c    calls that wait for another one's statement
 *   grant.c     what shows rows without a ticket: the core grants and settles them
 *   reader.c    pages of kept results
 *   resources.c kept results as resources of MCP
 *   limits.c    rates and quotas: settings, refusals, figures, bounds in the store
 *   progress.c what askers hear while they wait
 *   queries.c   the record of calls that went to a warehouse, for query_status
 *   records.c   these records and kept results as rows of the store; answers that wait for them
 *   sessions.c, session_set.c, session_rows.c, session_stats.c, bodies.c
 *                sessions: opened and ended, changed, stored, counted; what of them sleeps
 *   host_mcp.c, host_tools.c   what mcp and tools may ask of the daemon
 *   control.c   what the command line may ask
 *   daemon.c    construction, the loop, the end
 * Everything here runs on the loop's thread.
 *
 * Nothing enters the core while its actions are carried out: events wait in a queue, calls
 * that can go on wait in another, and work() empties both before the loop goes on.
 */
#include "backend/backend.h"
#include "backend/profile.h"
#include "base/day.h"
#include "base/list.h"
#include "base/map.h"
#include "core/core.h"
#include "daemon/catalog_cache.h"
#include "daemon/daemon.h"
#include "daemon/metrics.h"
#include "daemon/symbols.h"
#include "mcp/mcp.h"
#include "results/results.h"
#include "store/store.h"
#include "tools/tool.h"

struct query;
struct call;

enum {
    SQL_HEAD_SIZE = 240,
    SCRATCH_MAX = 16 * 1024, /* what sets and marks one statement */
    TRACE_SIZE = 128,
    ANSWERS_BYTES_MAX = 8 * 1024 * 1024, /* of all kept answers of ended queries */
    QUERIES_LISTED = 20,
    WHY_SIZE = 512,
    KNOWN_BYTES_MAX = 8 * 1024 * 1024,
    READER_WORKER = CORE_WORKERS_MAX, /* reads spools; not the core's */
    READER_CONN = CORE_CONNS_MAX,
};

/* Who logs in at a profile: its own user, or a principal. */
struct login {
    struct list node;   /* in profile->logins */
    uint32_t profile;
    uint32_t principal; /* symbol, held; 0: the profile's own */
    char base[TOOL_PARTS][TOOL_NAME_SIZE]; /* what its newest connection was set to by itself */
    char why[WHY_SIZE]; /* it could not be reached, last time */
    char *url;          /* owned: where somebody has to sign in, the last time; NULL */
};

struct profile {
    const struct config_profile *config;
    uint32_t classes;             /* of statements, that its policy lets through */
    struct backend_profile rules; /* driver, dialect, how a context is set */
    struct str defaults[TOOL_PARTS];
    struct login own;
    struct list logins; /* of principals */
};

/* What the word that mcp keeps for a request points to. */
enum user_kind { USER_CALL, USER_WAITER };

/*
 * Who waits for a session to be opened, changed or ended: an asker over MCP, or a tool's
 * call. Either may go first; then its pointer here is NULL.
 */
struct waiter {
    enum user_kind kind;
    struct list node; /* in session->openers, setters or enders, or none */
    struct session *session;
    struct mcp_request *r; /* or */
    struct call *call;
    uint32_t old_context[TOOL_PARTS]; /* session_set: to go back to; held */
    char *old_label;
    struct tool_preferences old_preferences;
};

/* What of a session is in memory only while its client is about. */
struct session_body {
    char *client_version; /* owned */
    struct histogram response_times;
};

struct session {
    uint32_t number; /* the core's; another session may have it later, */
    uint64_t life;   /* but not this */
    struct handle handle;
    uint32_t principal; /* symbols; */
    uint32_t client;    /* of the client key: principal, name, instance */
    uint32_t context[TOOL_PARTS];
    char *label;               /* owned; NULL: none */
    struct session_body *body; /* owned; NULL: asleep */
    char revision[16];
    struct tool_preferences preferences;
    struct tool_counts counts;
    bool is_durable;
    bool has_ended;    /* the core forgot it: only writes of the store hold it */
    bool stays;        /* opened by a connection that counts as attached */
    bool is_away;      /* disconnected: whoever comes back is another connection */
    bool is_killed;    /* the operator ends it */
    bool has_context;  /* opened with one: nothing is inherited */
    uint32_t held; /* symbol: the profile where something of it is open, or was, untold */
    char *lost_text; /* owned: what it has to be told next; NULL: nothing */
    uint64_t resumed_wall_ns; /* it inherited from a session last seen then; 0: no, or told */
    uint32_t writes;   /* of the store, under way */
    uint64_t created_wall_ns;
    uint64_t last_seen_wall_ns;
    struct list dirty; /* in daemon->dirty: its row is to be written within a second */
    struct list calls;
    struct list sleepers; /* calls that begin when the body is here */
    struct list openers;  /* waiters */
    struct list setters;  /* in order of their writes */
    struct list enders;
    struct daemon *daemon;
};

enum call_state {
    CALL_HELD,    /* its session is asleep */
    CALL_STARTED, /* its tool decides */
    CALL_TICKET,  /* queued or running: the core has it */
    CALL_WAITING, /* for the host: a session, a query, a fetch */
};

/* A page of a kept result, a piece of one cell, or all of it as a file. */
struct reader_ask {
    struct handle result;
    bool is_cell;
    enum wire_format format; /* of the file; 0: none is asked for */
    uint64_t row; /* cells */
    uint32_t column;
    uint64_t offset; /* rows, or bytes of the cell */
    uint32_t max;    /* rows, or bytes */
};

/* Rows that may be shown without a ticket. */
struct grant {
    uint64_t number; /* of the question */
    bool is_given;   /* and not settled yet */
    uint32_t day;    /* as the core counts them */
    uint32_t rows_max;
};

struct call {
    enum user_kind kind;
    struct tool_call tool;
    struct daemon *daemon;
    struct list all;
    struct list of_session;
    struct list ready;   /* in daemon->ready: its tool may go on */
    struct list waiting; /* in a query's waiters */
    struct list told;    /* in daemon->told: its asker wants progress, */
    uint64_t told_since_ns; /* which counts from then */
    struct mcp_request *asker; /* NULL: it has its answer, or went */
    yyjson_doc *document;      /* owned, once it outlives its request */
    enum call_state state;
    bool has_answer; /* the tool is done; the ticket still has to end */
    struct session *session; /* NULL: none, or it ended */
    struct waiter *waiter;   /* what it waits for at a session */
    uint32_t principal;      /* symbols, held */
    uint32_t client;
    uint32_t context[CORE_PARTS];
    uint32_t profile;
    uint32_t ticket; /* CORE_NONE: none */
    struct query *query;
    uint64_t arrived_ns;
    uint64_t submitted_ns; /* to the core, last */
    uint64_t queue_ns;     /* waited there for connections, */
    bool has_queued;       /* whether or not it got one */
    uint64_t leased_ns;    /* got one, last */
    uint64_t rows_so_far;  /* its statement has read */
    struct query *waits_for; /* CALL_WAITING for a query; NULL */
    uint64_t answered_ns;  /* its asker has a handle since then; 0: nothing yet */
    uint64_t bytes_in;
    uint64_t left_ns;       /* the asker went then; 0: it is there */
    bool is_unwanted;       /* the asker cancelled it; it goes on for those who wait for it */
    uint64_t wait_until_ns; /* CALL_WAITING for a query; 0: not timed */
    uint32_t conn;          /* its lease; CORE_NONE */
    uint64_t exec;          /* number of what it has running there; 0: nothing */
    uint32_t rows_max;      /* what a quota leaves of the rows asked for */
    uint64_t rows;          /* shown so far */
    struct handle spool;    /* of that, "" none */
    bool context_unknown;   /* setting it failed half way */
    bool context_moved;
    struct list granting;   /* in daemon->granting: the core is asked, */
    struct grant grant;     /* for this */
    bool is_asked;          /* its fetch was sent */
    bool is_charged;        /* it was granted as a call: to run after all costs no other */
    struct handle attaches_to;
    bool is_known;          /* in `ready`: its statement's answer is kept */
    uint64_t known_drops;   /* of the cache, when its statement began */
    uint64_t bound; /* its answer waits until the store has this one, */
    uint64_t record_first; /* and the rows from this one */
    uint64_t record;       /* to this one; 0: none */
    bool record_failed;    /* one of them could not be written */
    bool is_handing_out;     /* its query handle, once the record is written */
    bool shows_quotas;      /* what it says remains must remain so after a crash */
    struct reader_ask ask;  /* while in daemon->fetches */
    struct str resource;    /* URI, as long as its asker is there; ptr NULL: a tool is called */
    size_t answer_max;      /* bytes of its contents */
    struct resource_load *load; /* of its file, under way */
    struct tool_done done; /* what `ready` tells the tool; strings in done_text */
    char done_text[WHY_SIZE];
    bool is_lost; /* its connection went, and its worker did not */
    char done_session[HANDLE_SIZE];
    char resumed_text[WHY_SIZE]; /* tool.resumed */
    char trace[TRACE_SIZE]; /* the caller's own id of it */
    char client_name[64];
    char client_version[64];
    char instance[64];
};

/* A backend connection as the daemon sees it. */
struct lease {
    uint32_t generation;
    uint32_t profile;
    struct login *login;          /* NULL: it was never open */
    struct call *call;            /* NULL: idle */
    uint32_t context[CORE_PARTS]; /* what it is set to: symbols, held; */
    uint32_t base[CORE_PARTS];    /* when it was opened. 0: none */
    unsigned holds;               /* of its session: enum guard_effect, less what ended */
    bool moved_inside;            /* its context, within a transaction */
    uint64_t base_exec;           /* number of the question for that; 0: answered */
};

/* Bounds of accounts on their way to the store, numbered from 1. */
struct bounds {
    uint64_t issued;
    uint64_t ended;      /* written or not */
    uint64_t failed;     /* the last that was not; 0: none, or all were written again */
    uint64_t again_from; /* all accounts are being written again; 0: no */
    uint64_t again_to;
};

/* Rows of queries and results on their way to the store, numbered from 1. */
struct records {
    uint64_t issued;
    uint64_t ended; /* written or not */
    struct list dirty; /* queries whose row is to be written within a second */
    bool misses_results; /* the row of one could not be written */
    bool is_closed;      /* nothing goes to the store any more */
};

struct daemon {
    uv_loop_t loop;
    uv_timer_t timer;      /* the core's deadline, and waits */
    uv_timer_t tick;       /* once a second: rows to write, results to expire */
    uv_signal_t signals[2];
    const struct daemon_options *options;
    const struct config *config;
    struct symbols *symbols;
    struct metrics metrics;
    uint64_t started_wall_ns;
    struct core *core;
    struct core_limits limits;
    struct store *store;
    struct backend *backend;
    struct results *results;
    struct catalog_cache *known; /* NULL: it is off */
    struct mcp *mcp;
    struct http_server *http;
    struct pipe_server *pipe;
    struct buf tools_json;
    uint32_t uid; /* this process's own */
    uint32_t profile_count;
    struct profile profile[CORE_PROFILES_MAX];

    struct core_event *events; /* a queue: from event_head to event_len */
    size_t event_head;
    size_t event_len;
    size_t event_cap;
    bool is_working;

    struct session **sessions; /* by the core's number */
    uint64_t lives;            /* of sessions so far */
    struct map by_handle;      /* sessions */
    uint32_t drops_open;       /* that ended, and the store has not forgotten yet */
    struct list dirty;
    struct list calls;
    struct list ready;
    struct list told;      /* calls whose askers want progress */
    struct list withheld;  /* calls whose answers wait for the store */
    struct list granting;  /* calls that wait for the core's grant */
    uint64_t grant_last;
    struct bounds bounds;
    struct records records;
    struct flood_cell {
        uint32_t uid;
        uint64_t tat_ns;
    } flood[CONFIG_UIDS_MAX + 1]; /* of those who are let in */
    uint32_t flood_len;
    struct day day;        /* of the quotas */
    uint64_t day_begun_ns; /* when it was first seen, boot clock */
    struct call **tickets; /* by number */
    uint32_t *free_tickets;
    uint32_t free_ticket_len;
    uint64_t wait_ns; /* the next timed wait; CORE_NEVER */
    struct lease leases[CORE_CONNS_MAX];
    struct login *worker_login[CORE_WORKERS_MAX];
    uint64_t exec_last;

    struct map queries; /* by handle */
    struct list ended;  /* queries, oldest first */
    uint32_t ended_count;
    size_t answer_bytes;

    bool reader_is_starting;
    bool reader_is_open;
    uint32_t reader_generation;
    struct backend_reach reader_reach;
    struct list fetches; /* calls that wait for the reader; the first ones were sent */
    uint32_t fetches_open; /* sent and not answered, also of askers who went */

    uint64_t unused_ns; /* background: nobody is connected since; 0: somebody is */
    uint32_t pipe_conns;
    bool is_draining;
    bool is_closing;
    uint64_t drain_from_ns; /* calls that arrive later change no session */
    uint64_t drain_until_ns;
    unsigned open_parts; /* that must close before the loop ends */
    int exit_status;
};

/* step.c */
void put_event(struct daemon *d, const struct core_event *event);
void work(struct daemon *d); /* empties the queues; every entry from the loop ends with it */
void core_event_for_call(struct daemon *d, enum core_event_kind kind, const struct call *call,
    enum core_reason reason);

/* lease.c */
struct backend_handler lease_handler(struct daemon *d);
void lease_start(struct daemon *d, const struct core_action *a);
void lease_spawn(struct daemon *d, const struct core_action *a);
void lease_connect(struct daemon *d, const struct core_action *a);
void lease_disconnect(struct daemon *d, const struct core_action *a);
void lease_run(struct call *call); /* the tool's SQL on the lease it has */
void lease_forget(struct call *call);

/* logins.c */
void logins_init(struct daemon *d, uint32_t profile);
void logins_free(struct daemon *d, uint32_t profile);
/* Of a principal, or with 0 the profile's own. NULL: no memory. */
struct login *logins_get(struct daemon *d, uint32_t profile, uint32_t principal);
/* What calls of @principal may know of there: its own login, or the profile's; never NULL. */
const struct login *logins_seen_by(struct daemon *d, uint32_t profile, uint32_t principal);
bool logins_has_credential(struct daemon *d, uint32_t profile, uint32_t principal); /* or needs none */
bool logins_admits(struct call *call); /* false: its answer says why not */
void logins_changed(struct daemon *d, struct str profile, struct str principal);
void logins_spawn(struct daemon *d, const struct core_action *a);
void logins_sign_in(void *ctx, uint32_t conn, uint32_t generation, struct str url);
void logins_open_browser(struct daemon *d, const struct core_action *a);
void logins_fail_pending(struct call *call, uint64_t retry_ms);

/* base_context.c */
void base_context_ask(struct daemon *d, uint32_t conn);
bool base_context_is(const struct daemon *d, uint32_t conn, uint32_t generation, uint64_t exec);
void base_context_page(struct daemon *d, uint32_t conn, struct str rows);
void base_context_error(struct daemon *d, uint32_t conn, const struct backend_error *error);

/* reader.c */
void reader_ask(struct call *call, const struct reader_ask *ask);
void reader_granted(struct call *call, const struct core_action *a);
void reader_up(struct daemon *d);
void reader_opened(struct daemon *d);
struct call *reader_take(struct daemon *d, uint64_t exec); /* NULL: not waited for any more */
void reader_failed(struct daemon *d, uint64_t exec, const struct backend_error *error);
void reader_text(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec, struct str text,
    uint64_t bytes_total);
void reader_lost(struct daemon *d, struct str why);
void reader_exported(void *ctx, uint32_t conn, uint32_t generation, uint64_t exec, uint64_t rows,
    uint64_t bytes);

/* resources.c */
extern const struct tool resource_tool;
extern const char resource_templates[];
bool resources_put(void *ctx, struct str principal, struct str cursor, struct buf *out);
/* @file, of @bytes, is what @call asked for; it is taken. */
void resource_exported(struct call *call, const char *file, uint64_t bytes);
uint64_t resource_bytes_max(const struct call *call); /* of a file it may be answered with */
void resource_too_large(struct call *call, uint64_t bytes); /* is its answer */
void resource_answer(struct call *call, struct mcp_request *asker);
void resource_forget(struct call *call); /* it goes */

/* limits.c */
void limits_zone(const struct config *config); /* once, before other threads are there */
void limits_set(const struct config *config, struct core_limits *ret);
uint32_t limits_weight(const struct config_names *weights, struct str name);
uint64_t limits_credit_rate(const struct call *call);
MUST_USE bool limits_load(struct daemon *d, char *err, size_t err_size);
void limits_tick(struct daemon *d);
void limits_save(struct daemon *d, uint32_t account);
bool limits_are_kept(const struct daemon *d); /* false: no quota may be spent */
void limits_settle(struct daemon *d);
uint64_t limits_flood(struct daemon *d, uint32_t uid); /* ms to wait; 0: none */
void limits_refuse_rate(struct call *call, const struct core_action *a, uint64_t retry_ms);
void limits_refuse_quota(struct call *call, const struct core_action *a);
void limits_refuse_queue(struct call *call, const struct core_action *a, uint64_t retry_ms);
void limits_show(struct call *call, struct tool_self *ret);

/* calls.c */
void calls_release(struct daemon *d); /* answers whose rows are written go out */
bool call_new(struct daemon *d, struct mcp_request *r, const struct mcp_call *wanted);
void call_move(struct call *call, enum tool_move move);
void call_ended(struct call *call, const struct core_action *a); /* its ticket ended */
void call_fail_for(struct call *call, const struct core_action *a); /* its answer says why */
void call_done(struct call *call, bool ok, enum tool_code code, struct str message);
void call_begin(struct call *call); /* its tool starts */
void call_run(struct call *call);   /* on its lease, or for one */
void call_hold(struct call *call, struct session *s); /* it begins when @s is awake */
void call_page(struct call *call, const struct tool_page *page);
void call_tell(struct call *call); /* its asker, if there is one, gets what it has */
void call_refused(struct call *call, const struct tool_failure *failure);
void call_free(struct call *call);

/* asker.c */
void call_grace(struct call *call);
void call_hand_out(struct call *call); /* its query handle is the answer */
void call_gone(struct call *call, enum mcp_gone why);
void call_drop_left(struct daemon *d); /* queued calls whose asker went long ago */

/* known.c */
bool known_ask(struct call *call); /* true: the answer comes by itself, or the core is asked */
void known_granted(struct call *call, const struct core_action *a);
void known_tell(struct call *call);
void known_begin(struct call *call); /* its statement goes to an engine, */
void known_keep(struct call *call, const struct tool_page *page); /* and has answered */
void known_changed(struct call *call); /* it may have changed what there is */

/* attach.c */
void attach_wait(struct call *call, struct query *query, uint64_t until_ns);
/* False: in session @s there is nothing to attach to. */
bool attach_ask(struct call *call, const struct session *s, struct str sql, uint32_t wait_s,
    struct handle *ret);
void attach_granted(struct call *call, const struct core_action *a);

/* grant.c */
/* Of a kept result, or with a session: of another call of it, at the cost of a call. */
void grant_ask(struct call *call, uint32_t rows_max, const struct session *s_or_null);
void grant_ask_rate(struct call *call); /* of a catalogue call: no rows are counted */
void grant_given(struct daemon *d, const struct core_action *a);
void grant_settle(struct call *call, uint64_t rows, uint64_t bytes); /* what it showed */

/* queries.c */
struct query {
    struct daemon *daemon;
    struct handle handle;
    uint32_t principal; /* symbol, held */
    char session[HANDLE_SIZE];
    char tool[32];
    char sql[SQL_HEAD_SIZE];
    struct call *call; /* NULL: it has ended */
    const char *status;
    uint64_t arrived_ns;
    uint64_t ended_ns;
    uint64_t started_wall_ns;
    uint64_t ended_wall_ns;
    struct buf answer;
    bool answer_is_error;
    enum tool_code answer_code;
    char result[HANDLE_SIZE];
    struct list ended;
    struct list waiters; /* calls */
    struct list dirty;   /* in daemon->records.dirty */
    uint32_t writes;     /* of its row, under way */
    uint64_t record;     /* the number of the last one */
    bool has_row;        /* one was asked for */
    bool is_durable;     /* and written */
    bool has_final;      /* its row tells, or will tell, how it ended */
    bool is_promised;    /* its handle was given out before its end */
    bool is_forgotten;   /* only writes hold it */
};

struct query *query_new(struct call *call); /* NULL: no memory */
void query_end(struct query *query, struct call *call); /* takes its answer */
const char *query_status_of(const struct call *call); /* of one that has its answer */
void query_load(struct daemon *d, const struct store_query *row);
void query_free(struct query *query);
void queries_make_room(struct daemon *d);
void queries_revoke(struct daemon *d, struct str session); /* answers of its queries go */
struct query *query_find(struct daemon *d, uint32_t principal, struct str handle);
void query_view(struct daemon *d, const struct query *query, struct tool_query *ret);
void queries_free(struct daemon *d);

/* records.c */
void records_mark(struct query *query); /* its row is to be written within a second */
void records_tick(struct daemon *d);
void records_flush(struct daemon *d); /* all, for the last time */
void records_end(struct call *call);  /* it has its answer, which may have to wait for rows */
/* @call's answer names @query, which has not ended: it waits for its row. */
void records_promise(struct query *query, struct call *call);
void records_forget(struct query *query); /* its row goes; frees it when no write holds it */
void records_warn(struct buf *answer);    /* it says that what it names may not survive */
MUST_USE bool records_open(struct daemon *d, char *err, size_t err_size);
MUST_USE bool records_load(struct daemon *d, char *err, size_t err_size);
/* Takes a finished spool into the catalogue; false: it is not kept. */
bool records_keep(struct call *call, struct result *result);
void records_revoke(struct daemon *d, const struct session *s); /* what it left */

/* sessions.c */
struct session *sessions_find(struct daemon *d, struct str handle); /* NULL: none */
struct waiter *waiter_new(struct mcp_request *r, struct call *call); /* NULL: no memory */
void waiter_end(struct waiter *waiter, bool ok, enum tool_code code, const char *message);
/* A stub, without a body. NULL: no memory. */
struct session *session_new(
    struct daemon *d, struct str principal, const struct mcp_client *client, struct str label);
void session_free(struct session *s);
void session_put_context(struct session *s, const struct tool_context *context);
void session_release_context(struct daemon *d, uint32_t context[TOOL_PARTS]);
struct core_event session_context_event(const struct session *s);
bool session_written(struct session *s); /* a write ended; true: it is still there */
/* Takes @waiter. */
void sessions_open(struct daemon *d, struct str principal, const struct mcp_client *client,
    const struct tool_session_set *set, bool stays, struct waiter *waiter);
void sessions_close(struct session *session, struct waiter *waiter); /* takes it; may be NULL */
void sessions_opened(struct daemon *d, const struct core_action *a);
void sessions_refused(struct daemon *d, const struct core_action *a);
void sessions_ended(struct daemon *d, const struct core_action *a);
void sessions_event(struct session *session, enum core_event_kind kind);
void sessions_free(struct daemon *d);

/* session_set.c: context, label and preferences change. Takes @waiter. */
void sessions_set(
    struct session *session, const struct tool_session_set *set, struct waiter *waiter);

/* session_rows.c */
void sessions_mark(struct session *session); /* its row is to be written within a second */
void sessions_flush(struct daemon *d);
MUST_USE bool sessions_save(struct session *s); /* false: the queue is full, it stays marked */
/* With @done in @ctx when it is written; counted in session->writes. */
MUST_USE bool sessions_put(struct session *s, store_done_fn done, void *ctx);
MUST_USE bool sessions_load(struct daemon *d, char *err, size_t err_size);

/* Something of it is open on @profile, or empty: nothing any more. Outlives the daemon. */
void sessions_hold(struct session *s, struct str profile);
void sessions_unpinned(struct daemon *d, const struct core_action *a);
void sessions_lost(struct session *s, struct str profile, const char *reason);
void sessions_told(struct session *s); /* what it lost */

/* session_stats.c */
void session_count(struct call *call); /* a call of it ended */
bool call_was_refused(const struct call *call); /* in contrast to: failed */
bool call_has_failed(const struct call *call); /* refused ones too */
uint64_t call_response_ns(const struct call *call);
void session_attached(struct session *s);
void session_saved(struct session *s, enum core_session_state state); /* its row changed */
void sessions_stats(struct daemon *d, uint32_t principal, struct tool_stats *ret); /* 0: all */

/* bodies.c */
MUST_USE bool body_new(struct session *s, struct str client_version);
void body_free(struct session *s);
void session_end_sleepers(struct session *s, enum tool_code code, const char *why);
void sessions_wake(struct session *session);  /* the core asks for its body */
void sessions_sleep(struct session *session); /* the core can do without it */

/* progress.c */
void progress_begin(struct call *call, bool again); /* if its asker wants it */
void progress_tick(struct daemon *d);   /* once a second */

/* identity.c */
uint32_t client_key(struct daemon *d, struct str principal, const struct mcp_client *client);
struct str client_name(const struct daemon *d, const struct session *session);
struct str client_instance(const struct daemon *d, const struct session *session);
/* For telemetry and defaults only. @session may be NULL. */
const char *client_type(
    const struct daemon *d, struct str client_name, const struct session *session);
void sessions_view(struct daemon *d, const struct session *session, struct tool_session *ret);

/* host_mcp.c, host_tools.c, control.c */
struct mcp_host host_mcp(struct daemon *d);
extern const struct tool_host host_tools;
const struct result *result_of(struct call *call, struct str handle); /* NULL: not its own */
bool call_is_too_late(struct call *call); /* the daemon drains */
void control(void *ctx, struct str principal, struct str command, yyjson_val *line, struct buf *out);

/* daemon.c */
void daemon_stop(struct daemon *d);
void daemon_arm(struct daemon *d, uint64_t at_ns); /* boot clock */
