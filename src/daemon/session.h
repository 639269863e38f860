// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Sessions: opened and ended, changed, stored, counted; what of them sleeps. */
#include "base/handle.h"
#include "base/histogram.h"
#include "base/list.h"
#include "core/core.h"
#include "mcp/mcp.h"
#include "store/store.h"
#include "tools/tool.h"

struct call;
struct daemon;

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
    bool is_closed;    /* somebody ends it: nobody reads what it left */
    bool has_context;  /* opened with one: nothing is inherited */
    uint32_t held; /* symbol: the profile where something of it is open, or was, untold */
    unsigned holds; /* what its connection there holds, while it has one: enum guard_effect */
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
/* With its results and answers. Takes @waiter, which may be NULL. */
void sessions_close(struct session *session, struct waiter *waiter);
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

/* identity.c */
uint32_t client_key(struct daemon *d, struct str principal, const struct mcp_client *client);
struct str client_name(const struct daemon *d, const struct session *session);
struct str client_instance(const struct daemon *d, const struct session *session);
/* For telemetry and defaults only. @session may be NULL. */
const char *client_type(
    const struct daemon *d, struct str client_name, const struct session *session);
void sessions_view(struct daemon *d, const struct session *session, struct tool_session *ret);
