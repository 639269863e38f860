// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A tool is a row of a table: name, texts, schemas and four functions. A call of it is a
 * small state machine: the daemon tells it what happened, it answers with its next move.
 *
 *   start     arguments come in; nothing has happened yet
 *   page      the rows of what it ran or fetched
 *   refused   the engine refused what it ran
 *   done      what it asked of the host has happened (or failed: `ok`)
 *
 * A call never blocks, allocates only in its own buffers, and writes its answer once: the
 * compact JSON object in @out, which becomes structuredContent and, escaped, content[0].text.
 * What a call cannot know (queue full, cancelled, time limit) the daemon answers for it with
 * tool_fail().
 */
#include <yyjson.h>

#include "base/buf.h"
#include "base/handle.h"
#include "base/histogram.h"
#include "sql/guard.h"

enum tool_move {
    TOOL_ANSWER, /* @out holds the answer: the call ends */
    TOOL_RUN,    /* run @sql on a connection that is set to @context */
    TOOL_WAIT,   /* the host was asked; `done` or `page` comes */
};

/* Parts of a context; values are bare names (no quotes), "" = none, or the engine's default. */
enum tool_part {
    TOOL_PROFILE,
    TOOL_ROLE,
    TOOL_WAREHOUSE,
    TOOL_DATABASE,
    TOOL_SCHEMA,
    TOOL_PARTS,
};

enum { TOOL_LIMITS_MAX = 16, TOOL_NAME_SIZE = 256, TOOL_SQL_MAX = 1024 * 1024, TOOL_OUT_MAX = 8 * 1024 * 1024 };

struct tool_context {
    char part[TOOL_PARTS][TOOL_NAME_SIZE];
};

enum tool_code {
#define TOOL_ERROR(name, code, retryable, hint, text) TOOL_E_##name,
#include "tools/error.def"
#undef TOOL_ERROR
    TOOL_CODES,
};

/* How rows are shown. */
enum tool_format {
    TOOL_ARRAYS,
    TOOL_OBJECTS, /* by the columns' names */
    TOOL_CSV,
    TOOL_FORMATS,
};

/* What a session wants where a call says nothing; 0 = the setting. */
struct tool_preferences {
    uint32_t limit_rows;
    uint32_t timeout_s;
    uint8_t format; /* enum tool_format */
    bool is_low;    /* its statements let others go first */
};

/* What a session did; what is sent is seen from the daemon. */
struct tool_counts {
    uint64_t calls_total; /* the sum of the next three */
    uint64_t calls_ok;
    uint64_t calls_failed;
    uint64_t calls_refused; /* not run */
    uint64_t rows;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t calls_timed; /* those that the next two are of: an older store timed none */
    uint64_t response_ns; /* from each call's arrival to its answer, together */
    uint64_t queue_ns;    /* and what of it was waiting for a connection */
    uint64_t connections;
};

/* Rows as JSON text, borrowed for the call of `page`. */
struct tool_page {
    struct str columns; /* [{"name":..,"type":..},..] */
    struct str rows;    /* [[..],..] */
    struct str cuts;    /* [[row,column,bytes],..]; "[]" or "" when no cell was cut */
    uint32_t row_count;
    int64_t total_rows; /* -1: unknown; of a capped result: the kept ones */
    bool truncated;
    bool capped;             /* the kept result ends before the engine's did */
    struct str result;       /* handle under which the rows can be fetched; "" none */
    uint64_t kept_rows;      /* of it, where those are fewer than this page's; else 0 */
    struct str why_not_kept; /* of the rows beyond: part of a sentence; "" not known, or none */
    uint64_t expires_wall_ns; /* of that handle */
};

enum tool_failure_kind {
    TOOL_FAILED_SQL,     /* the engine refused the statement */
    TOOL_FAILED_CONTEXT, /* the context could not be set; nothing was run */
};

struct tool_failure {
    enum tool_failure_kind kind;
    struct str message;
    struct str sqlstate;
    int64_t vendor_code; /* 0: none */
};

/* What `done` is about. */
struct tool_done {
    bool ok;
    enum tool_code code;  /* when not ok */
    struct str message;   /* when not ok */
    struct str session;   /* session_open, session_set: the handle */
};

struct tool_call;
struct tool_host;

struct tool {
    const char *name;
    const char *title;
    const char *description; /* at most 400 bytes */
    const char *properties;  /* JSON: the members of inputSchema.properties, without braces */
    const char *required;    /* JSON array, "[]" for none */
    const char *output;      /* JSON: members of outputSchema.properties, less the shared */
    bool read_only;
    bool destructive;
    bool idempotent;
    bool catalog;   /* looks at names only: high priority, rates of its own, no quota */
    bool warehouse; /* takes session, profile, role, warehouse, database, schema as well */
    enum tool_move (*start)(struct tool_call *call);
    enum tool_move (*page)(struct tool_call *call, const struct tool_page *page);
    enum tool_move (*refused)(struct tool_call *call, const struct tool_failure *failure);
    enum tool_move (*done)(struct tool_call *call, const struct tool_done *done);
};

enum { TOOL_NAMES_MAX = 20 };

/* One call. The daemon fills the first group before `start`. */
struct tool_call {
    const struct tool *tool;
    const struct tool_host *host;
    yyjson_val *args; /* an object, or NULL for none; lives as long as the call */
    char session[HANDLE_SIZE]; /* the asker's own session, "" none; then the effective one */

    struct tool_context context; /* filled by tool_context_resolve() */
    enum sql_dialect_id dialect;
    char query[HANDLE_SIZE]; /* set by the daemon before the first `page` or `refused` */

    /* What TOOL_RUN runs. */
    struct buf sql;
    uint32_t rows_max;
    uint32_t cell_chars; /* 0: the setting */
    uint32_t page_bytes; /* 0: the setting */
    bool is_catalog;     /* it asks for names only: an answer of this minute will do, */
    bool refresh;        /* but not for this call */
    bool changes_catalog; /* it may: what was said about names is forgotten */
    bool runs_once;      /* it is no read: nobody runs it twice */
    bool is_command;     /* no SELECT: a driver must not wrap it into another statement */
    bool keeps_result;   /* rows beyond the page are kept for fetch_result */
    unsigned effects;    /* of it on its connection: enum guard_effect */
    int64_t timeout_s;   /* 0: the session's preference, or the setting */
    enum tool_format format;
    bool sets_preferences; /* the session gets these */
    struct tool_preferences preferences;

    /* Set by the daemon: when the oldest of what the answer tells was read; 0: it says not. */
    uint64_t as_of_wall_ns;

    struct buf out;
    bool is_again; /* a bridge offers it once more: it may have run before */
    const char *resumed; /* what the next notice has to say of the session; NULL: nothing */
    bool has_notice;
    bool told_resumed;
    bool is_error;
    enum tool_code code; /* when is_error */
    bool is_relayed;     /* the error is another call's, and counts there */

    /* The tool's own. */
    int stage;
    uint32_t index;
    uint32_t limit;
    uint64_t offset;
    uint32_t name_count;
    char name[TOOL_NAMES_MAX][TOOL_NAME_SIZE];
    uint32_t names_asked;    /* a bit a name: in the statement that runs */
    uint32_t names_found;    /* seen in an answer */
    uint32_t names_resolved; /* replaced by what the catalogue calls it */
    struct buf scratch;
    struct buf failure; /* the first failure's text, while names are looked up */
    uint32_t query_len;         /* of the argument `query`: without a semicolon at its end */
    bool is_exact;              /* what stands before a name is taken as it is written */
    bool is_bounded;            /* its statement is explained before it is run */
    bool shows;                 /* its names are asked for with SHOW */
    bool no_semantic_views;     /* the server refused them */
    int lookup;                 /* how far the look-up of the context's names is */
    struct tool_context wanted; /* the context that could not be set */
};

struct tool_session {
    struct str handle;
    struct str label;
    struct str client; /* name and type of the client */
    struct str client_type;
    struct str state;
    struct str context[TOOL_PARTS];
    uint64_t created_wall_ns;
    uint64_t last_seen_wall_ns;
    uint32_t calls_active;
    struct tool_counts counts;
    const struct histogram *response_times; /* NULL: it sleeps */
    struct tool_preferences preferences;
};

enum { TOOL_TYPES_MAX = 16, TOOL_STATES_MAX = 8 };

struct tool_tally {
    struct str name;
    uint32_t count;
};

/* Sums over sessions. */
struct tool_stats {
    uint32_t sessions;
    uint32_t active;  /* connected, with calls or without */
    uint32_t clients; /* client keys */
    uint32_t calls_active;
    uint32_t type_count;
    struct tool_tally type[TOOL_TYPES_MAX];
    uint32_t state_count;
    struct tool_tally state[TOOL_STATES_MAX];
    struct tool_counts counts;
    struct histogram response_times; /* of the sessions that are awake */
};

/* What of a session is to be set. */
struct tool_session_set {
    const struct tool_context *context; /* NULL: stays; of a new one, inherited or default */
    struct str label;                   /* ptr NULL: stays */
    const struct tool_preferences *preferences; /* NULL: stay */
};

struct tool_profile {
    struct str name;
    enum sql_dialect_id dialect;
    struct str policy;
    uint32_t classes; /* of statements, that it lets through */
    struct str defaults[TOOL_PARTS]; /* [TOOL_PROFILE] is the name */
    struct str base[TOOL_PARTS];     /* what takes the place of no default; "" unknown, or none */
    uint32_t slots;
    int64_t scan_bytes_max; /* 0: no bound */
    int64_t scan_mb_per_s;  /* 0: not known */
    bool per_principal;     /* each principal logs in by itself, */
    bool has_credential;    /* and this one can; or it need not */
};

struct tool_query {
    struct str handle;
    struct str tool;
    struct str sql; /* its beginning */
    struct str status; /* queued, running, done, failed, cancelled, interrupted (by a restart) */
    struct str session;
    uint64_t elapsed_ms;
    uint32_t position; /* in the client's own queue, from 1; 0: not queued */
    uint32_t queue_length; /* while queued: of that queue, */
    uint64_t wait_ms;      /* and how long it may wait yet */
    uint64_t rows_so_far;  /* while running: read of what it runs now */
    uint64_t started_wall_ns;
    struct str answer; /* its whole answer while it is kept; "" otherwise */
    bool answer_is_error;
    enum tool_code answer_code;
    struct str result; /* "" none */
};

struct tool_result {
    struct str handle;
    uint64_t rows;
    bool capped;
    uint64_t expires_wall_ns;
};

/* A rate or a quota, and what is left of it. */
struct tool_limit {
    const char *name; /* client_queries, principal_rows, ... */
    uint64_t max;
    uint64_t remaining;
    uint64_t reserved;    /* quotas: held by running calls, some of it comes back */
    uint64_t reset_ms;    /* rates: until all of it is back; 0: not a rate */
    struct str reset_at;  /* quotas: RFC 3339; "" not a quota */
};

struct tool_self {
    struct str principal;
    struct str client;
    struct str client_type;
    struct str version;
    uint32_t limit_rows; /* default `limit` */
    uint32_t limit_rows_max;
    uint32_t page_bytes;
    uint32_t cell_chars;
    uint32_t grace_s;
    uint32_t timeout_s;
    uint32_t timeout_s_max;
    uint32_t queue_s;
    uint32_t queue_principal;
    uint32_t queue_client;
    uint32_t sessions_max;
    /* The asker's own limits: rates and quotas that are on. */
    uint32_t limit_count;
    struct tool_limit limit[TOOL_LIMITS_MAX];
};

/*
 * What the daemon does for tools. Whatever is asked for is seen with the rights of the
 * call's principal: what belongs to others does not exist. Strings in answers live until
 * the tool returns. Functions returning void end in `done` (or `page`, for fetches).
 */
struct tool_host {
    void (*self)(struct tool_call *call, struct tool_self *ret);
    uint64_t (*elapsed_ms)(const struct tool_call *call); /* since it arrived */
    /* Microcredits a second in the call's context, once something ran in it; 0: not known. */
    uint64_t (*credit_rate)(const struct tool_call *call);

    uint32_t (*profile_count)(struct tool_call *call);
    void (*profile_at)(struct tool_call *call, uint32_t index, struct tool_profile *ret);

    bool (*session_find)(struct tool_call *call, struct str handle, struct tool_session *ret);
    /* Calls @each for all, newest use first. */
    void (*session_each)(struct tool_call *call,
        void (*each)(void *arg, const struct tool_session *session), void *arg);
    void (*session_open)(struct tool_call *call, const struct tool_session_set *set);
    void (*session_set)(
        struct tool_call *call, struct str handle, const struct tool_session_set *set);
    void (*session_stats)(struct tool_call *call, struct tool_stats *ret);
    void (*session_close)(struct tool_call *call, struct str handle);

    bool (*query_find)(struct tool_call *call, struct str handle, struct tool_query *ret);
    /*
     * The last 20 of the call's session with what a daemon's end interrupted in others, or of
     * the principal when it has none; newest first.
     */
    void (*query_each)(struct tool_call *call,
        void (*each)(void *arg, const struct tool_query *query), void *arg);
    /* `done` when the query has ended or the time is up, whichever is first. */
    void (*query_wait)(struct tool_call *call, struct str handle, uint32_t wait_s);
    /* `done` when it has stopped; ok also when it had ended before. */
    void (*query_cancel)(struct tool_call *call, struct str handle);
    /*
     * Waits for an unfinished call of the same session, context and SQL instead of running it
     * again; false: there is none. `done` like of query_wait(), or not ok: this one is to run by
     * itself. What every call costs is charged, and may be what refuses it.
     */
    bool (*query_attach)(
        struct tool_call *call, struct str sql, uint32_t wait_s, struct handle *ret);

    bool (*result_find)(struct tool_call *call, struct str handle, struct tool_result *ret);
    void (*result_fetch)(
        struct tool_call *call, struct str handle, uint64_t offset, uint32_t rows_max);
    /*
     * One cell: `page` comes with @rows as one JSON string (the piece), @row_count its
     * bytes and @total_rows the bytes of the whole cell.
     */
    void (*result_cell)(struct tool_call *call, struct str handle, uint64_t row,
        uint32_t column, uint64_t offset, uint32_t bytes_max);
};

/* NULL: no tool of that name. */
const struct tool *tool_find(struct str name);

/* All tools by number, which is below TOOLS_MAX; NULL: no more. */
enum { TOOLS_MAX = 32 };
const struct tool *tool_at(uint32_t number);
uint32_t tool_number(const struct tool *tool);

/* The array of tools/list, compact JSON; written once at start. */
void tool_list_put(struct buf *out);

/* The instructions of initialize and server/discover, at most 1,200 bytes. */
const char *tool_instructions(void);

void tool_call_free(struct tool_call *call); /* its buffers */

/*
 * Makes @out the error of @code: {"error":{...}}; @is_error becomes true. @retry_after_ms 0:
 * none. Returns TOOL_ANSWER, so that a tool may return it.
 */
enum tool_move tool_fail(struct tool_call *call, enum tool_code code,
    uint64_t retry_after_ms, const char *format, ...) PRINTF_LIKE(4, 5);

/*
 * {"status":"running",...} or queued: what a call answers that is not finished in time.
 * @figures: further members, each after a comma.
 */
void tool_answer_unfinished(
    struct tool_call *call, const struct tool_query *query, struct str figures);

enum { TOOL_MESSAGE_MAX = 4096 };

/*
 * An error with a hint of its own (ptr NULL: the code's) and more members of `error`, as
 * JSON (",\"nearest\":[..]"), ptr NULL for none.
 */
enum tool_move tool_fail_more(struct tool_call *call, enum tool_code code,
    uint64_t retry_after_ms, struct str message, struct str hint, struct str more);

/* A rate_limited or quota_exhausted call: with the limit that stood in the way. */
enum tool_move tool_fail_limit(struct tool_call *call, enum tool_code code,
    uint64_t retry_after_ms, const struct tool_limit *limit, const char *format, ...)
    PRINTF_LIKE(5, 6);

const char *tool_code_name(enum tool_code code);

/* As members of a JSON object, for session_stats and for the operator's list. */
void tool_put_stats(struct buf *out, const struct tool_stats *stats);
/* ,"label":..., who it is of, its state and when it was created. */
void tool_put_session_facts(struct buf *out, const struct tool_session *session);
void tool_put_session_counts(struct buf *out, const struct tool_session *session); /* ,... */
void tool_put_preferences(struct buf *out, const struct tool_preferences *preferences);
