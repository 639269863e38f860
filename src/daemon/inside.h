// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Inside of the switchboard. Who enters which room:
 *   step.c      the core: events in, actions out
 *   lease.c     workers: what actions ask of them, what they answer
 *   holds.c     what statements leave there, and whose it is
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
 *   kept.c      a spool that was written becomes a result, or the answer says why not
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
#include "base/day.h"
#include "base/map.h"
#include "daemon/call.h"
#include "daemon/catalog_cache.h"
#include "daemon/daemon.h"
#include "daemon/lease.h"
#include "daemon/metrics.h"
#include "daemon/record.h"
#include "daemon/session.h"
#include "daemon/symbols.h"

enum {
    SCRATCH_MAX = 16 * 1024, /* what sets and marks one statement */
    KNOWN_BYTES_MAX = 8 * 1024 * 1024,
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

/* host_mcp.c, host_tools.c, control.c */
struct mcp_host host_mcp(struct daemon *d);
extern const struct tool_host host_tools;
const struct result *result_of(struct call *call, struct str handle); /* NULL: not its own */
bool call_is_too_late(struct call *call); /* the daemon drains */
void control(void *ctx, struct str principal, struct str command, yyjson_val *line, struct buf *out);

/* daemon.c */
void daemon_stop(struct daemon *d);
void daemon_arm(struct daemon *d, uint64_t at_ns); /* boot clock */
