// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Inside of the tools: the functions of the table's rows, and what the families share. */
#include "sql/catalog.h"
#include "tools/args.h"
#include "tools/reply.h"

enum {
    TOOL_SHOWN_MAX = 80,
    TOOL_CELL_STEP = 32 * 1024
};

/* The beginning of what a peer sent, for messages. */
static inline struct str tool_shown(struct str text)
{
    return str_utf8_prefix(text, TOOL_SHOWN_MAX);
}

static inline bool tool_is_set(const char *part)
{
    return part[0] != '\0';
}

/* Gives the call's buffers their bounds, once. */
void tool_call_init(struct tool_call *call);

/* The members of `properties` a call may carry: the tool's own and the shared ones. */
const char *tool_shared_properties(const struct tool *tool);

void tool_put_limit(struct buf *out, const struct tool_limit *limit);

/* {"status":STATUS: what follows begins with a comma. */
void reply_begin(struct tool_call *call, const char *status);

/* query, elapsed_ms, context and the closing brace. Returns TOOL_ANSWER. */
enum tool_move reply_end(struct tool_call *call);
enum tool_move reply_end_of(
    struct tool_call *call, struct str query, uint64_t elapsed_ms);

/* The answer's one notice; an empty one is none. */
void reply_put_notice(struct tool_call *call, struct str text);

/* ,"name":"value" and nothing for an empty value. */
void reply_put_member(struct buf *out, const char *name, struct str value);
void reply_put_parts(struct buf *out, const struct str parts[TOOL_PARTS]);

/* Runs call->sql; an sql that did not fit is answered. */
enum tool_move tool_run(struct tool_call *call, uint32_t rows_max, bool keeps_result);

/* The same for what the catalogue says, which the host may know already. */
enum tool_move tool_run_catalog(struct tool_call *call, uint32_t rows_max);

/* The answer when a required argument is not there; false. */
bool tool_arg_missing(struct tool_call *call, const char *name);

/* Rows as JSON; NULL when the host's text is no array of rows. */
yyjson_doc *page_parse(const struct tool_page *page);

/* Cell @column of @row; ptr NULL when it is null or no text. */
struct str page_cell(yyjson_val *row, size_t column);

/* The host's profile called @name; false: none. */
bool tool_profile_find(struct tool_call *call, struct str name, struct tool_profile *ret);

/*
 * When the context cannot be set, its database and schema are looked up by name, seen
 * from the profile's defaults: the only other spelling is tried once, all else is an
 * error with the nearest names. A tool's `refused` hands over to lookup_refused() and its
 * `page` to lookup_page() while lookup_wants() says so; @again makes the tool's statement
 * anew.
 */
bool lookup_wants(const struct tool_call *call, const struct tool_failure *failure);
enum tool_move lookup_refused(struct tool_call *call, const struct tool_failure *failure);
enum tool_move lookup_page(struct tool_call *call, const struct tool_page *page,
    enum tool_move (*again)(struct tool_call *call));

/* A relation as asked for: parts are bare, "" the engine's current one. */
struct relation {
    char database[TOOL_NAME_SIZE];
    char schema[TOOL_NAME_SIZE];
    char name[TOOL_NAME_SIZE];
    bool quoted; /* the name stood in quotes: no other case is meant */
};

/*
 * NAME, SCHEMA.NAME or DB.SCHEMA.NAME, the rest from the context; what stands before the name
 * without quotes is what the engine makes of it. False: answered.
 */
MUST_USE bool relation_parse(
    struct tool_call *call, struct str text, struct relation *ret);

/* Asks the catalogue for the relations nearest to this one. */
enum tool_move relation_ask(struct tool_call *call, const struct relation *relation);

/*
 * Takes the answer: call->name[@index] becomes the full name of the one that is meant.
 * False: @ret says how it goes on, answered or asked once more.
 */
MUST_USE bool relation_take(struct tool_call *call, const struct tool_page *page, uint32_t index,
    enum tool_move *ret);

/*
 * Sets the session's context, or opens a session with it: verified by asking the engine.
 * `session_page` and `session_done` follow.
 */
enum tool_move session_apply(struct tool_call *call);

/* Does the call say where its session shall be? In set_preferences null says so, too. */
bool session_names_context(const struct tool_call *call);

/* The same where the call names a part of a context; else only the rest is set. */
enum tool_move session_take(struct tool_call *call);

/*
 * The effective session into call->session: the one named by `session`, or the asker's.
 * With true in @ret_found it is in @ret_session. False: answered.
 */
MUST_USE bool tool_session_find(
    struct tool_call *call, bool *ret_found, struct tool_session *ret_session);

/* The session's preferences as they are now, changed by the call, into call->preferences. */
MUST_USE bool tool_preferences_take(struct tool_call *call);

/* What the effective session wants; all defaults without one. */
void tool_preferences(struct tool_call *call, struct tool_preferences *ret);

/*
 * limit, timeout_s and format: what the call says, else its session, else the setting. After
 * tool_context_resolve(), which tells the session. False: answered.
 */
MUST_USE bool tool_take_limits(struct tool_call *call);

/*
 * The page's rows in the call's format: ,"rows":[..] or ,"csv":"..". In objects a column
 * whose name others have before it is NAME_2, NAME_3. CSV is RFC 4180: a header line, CRLF
 * after every line, NULL as nothing and an empty text as "". What takes more than 4 MiB (or
 * finds no memory) comes as arrays, and call->format says so.
 */
void rows_put(struct tool_call *call, const struct tool_page *page);

/* The database that the call's statements see: the context's, or the login's own. "" none. */
struct str show_database(struct tool_call *call);

/*
 * Names must be asked for with SHOW: the engine wants a database, and none is set. Before the
 * statement, which call->shows then tells of; and when it was refused: true once.
 */
bool show_is_needed(struct tool_call *call);
bool show_helps(struct tool_call *call);

/* Runs SHOW for names LIKE @like. */
enum tool_move show_run(struct tool_call *call, enum catalog_wanted wanted, struct str like);

/*
 * Its page as rows of a search (enum catalog_found) in @ret_rows, those that have all @words
 * (NULL: all), the best first, from call->offset on; as many as the call shows (@all: all), and
 * @ret_more says whether there are others. Returns how many.
 */
uint32_t show_read(const struct tool_call *call, const struct tool_page *page,
    enum catalog_wanted wanted, const struct catalog_words *words, bool all,
    struct buf *ret_rows, bool *ret_more);

/* statement_refused: what the guard found, and where. */
enum tool_move query_refuse(struct tool_call *call, const struct guard_verdict *verdict,
    struct str policy, struct str sql);

/* Why @sql, a read of ours of what a caller names, is none that a caller may send; NULL: it is. */
const char *query_why_not(const struct tool_call *call, struct str sql);

/* Runs the EXPLAIN of @sql; its page goes to explain_allows(), or is the answer. */
enum tool_move explain_run(struct tool_call *call, struct str sql);

bool explain_is_bounded(struct tool_call *call); /* what it may scan, by its profile */

/* False: answered, it would scan more than the profile allows. */
MUST_USE bool explain_allows(struct tool_call *call, const struct tool_page *page);

/* What an engine's plan says; -1 where it does not. */
struct plan {
    int64_t rows;
    int64_t bytes;
    int64_t partitions;
    int64_t partitions_total;
};

/* An operation a line, indented by depth; what is not understood comes as it is. */
void plan_read(enum sql_dialect_id dialect, const struct tool_page *page, struct buf *text,
    struct plan *ret);

/* `next`: the same call from @cursor on. */
void reply_put_again(struct tool_call *call, struct str cursor, struct buf *out);

/*
 * A server that is too old for semantic views refuses the whole statement. True: it has to be
 * made again, without them. @has: the statement asks for them.
 */
bool catalog_without_semantic_views(struct tool_call *call, bool has);

/* A lone USE, names as written: @catalog may be a schema's when @schema is empty. */
enum tool_move session_use(struct tool_call *call, struct str catalog, struct str schema);

/* Stages of a call, for the tools of which others may take the place. */
enum tool_stage {
    STAGE_FIRST,
    STAGE_RELATION,  /* the catalogue was asked for relations */
    STAGE_AGAIN,     /* the statement with the names it gave */
    STAGE_SAMPLE,    /* rows of one relation */
    STAGE_ATTACHED,  /* waits for another call of the same statement */
    STAGE_EXPLAIN,   /* the plan of what is to be run */
    STAGE_USE_WHICH, /* is USE's name a database? */
    STAGE_VERIFY,    /* the engine says its context */
    STAGE_STORE,     /* the host keeps it */
};

/* Rows of the table. */
enum tool_move execute_query_start(struct tool_call *call);
enum tool_move execute_query_page(struct tool_call *call, const struct tool_page *page);
enum tool_move execute_query_refused(
    struct tool_call *call, const struct tool_failure *failure);
enum tool_move execute_query_done(struct tool_call *call, const struct tool_done *done);

enum tool_move explain_query_start(struct tool_call *call);
enum tool_move explain_query_page(struct tool_call *call, const struct tool_page *page);
enum tool_move explain_query_refused(
    struct tool_call *call, const struct tool_failure *failure);

enum tool_move query_view_start(struct tool_call *call);
enum tool_move query_view_page(struct tool_call *call, const struct tool_page *page);
enum tool_move query_view_refused(
    struct tool_call *call, const struct tool_failure *failure);

enum tool_move search_start(struct tool_call *call);
enum tool_move search_page(struct tool_call *call, const struct tool_page *page);
enum tool_move search_refused(struct tool_call *call, const struct tool_failure *failure);

enum tool_move list_start(struct tool_call *call);
enum tool_move list_page(struct tool_call *call, const struct tool_page *page);
enum tool_move list_refused(struct tool_call *call, const struct tool_failure *failure);

enum tool_move describe_start(struct tool_call *call);
enum tool_move describe_page(struct tool_call *call, const struct tool_page *page);
enum tool_move describe_refused(
    struct tool_call *call, const struct tool_failure *failure);

enum tool_move fetch_result_start(struct tool_call *call);
enum tool_move fetch_result_page(struct tool_call *call, const struct tool_page *page);
enum tool_move fetch_result_done(struct tool_call *call, const struct tool_done *done);
enum tool_move query_status_start(struct tool_call *call);
enum tool_move query_status_done(struct tool_call *call, const struct tool_done *done);
enum tool_move cancel_query_start(struct tool_call *call);
enum tool_move cancel_query_done(struct tool_call *call, const struct tool_done *done);

enum tool_move open_session_start(struct tool_call *call);
enum tool_move use_context_start(struct tool_call *call);
enum tool_move session_page(struct tool_call *call, const struct tool_page *page);
enum tool_move session_refused(
    struct tool_call *call, const struct tool_failure *failure);
enum tool_move session_done(struct tool_call *call, const struct tool_done *done);
enum tool_move close_session_start(struct tool_call *call);
enum tool_move close_session_done(struct tool_call *call, const struct tool_done *done);
enum tool_move list_sessions_start(struct tool_call *call);
enum tool_move whoami_start(struct tool_call *call);
enum tool_move set_preferences_start(struct tool_call *call);
enum tool_move set_preferences_done(struct tool_call *call, const struct tool_done *done);
enum tool_move session_stats_start(struct tool_call *call);

/* What the host says of a failure it met: false when there was none, else answered. */
bool tool_host_failed(struct tool_call *call, const struct tool_done *done);
