// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Drives tools without a daemon: a host of a few sessions, queries and one result, and a
 * DuckDB in this process for what tools run. Every answer is checked against the tool's
 * output schema, and every hint for names that do not exist.
 */
#include "tools/tool.h"

enum {
    RIG_SESSIONS = 4,
    RIG_QUERIES = 3,
    RIG_PROFILES = 2,
    RIG_CALL_QUERY = 2
};

struct rig_session {
    bool open;
    char handle[HANDLE_SIZE];
    char label[TOOL_NAME_SIZE];
    struct tool_context context;
    struct tool_preferences preferences;
};

struct rig_query {
    char handle[HANDLE_SIZE];
    const char *status;
    const char *answer;
    bool is_error;
};

struct rig {
    struct tool_call call;
    struct tool_host host;
    yyjson_doc *args;
    yyjson_doc *answer;
    yyjson_doc *list; /* tools/list */

    uint32_t profile_count;
    struct tool_profile profiles[RIG_PROFILES];
    struct rig_session sessions[RIG_SESSIONS]; /* the first is open from the start */
    struct rig_query queries[RIG_QUERIES];
    struct tool_result result;
    char own[HANDLE_SIZE]; /* the asker's session; "" none */

    /* What the host does when it is asked. */
    bool fails;                /* ends in `done` with store_failed */
    bool has_same;             /* query_attach() finds queries[0] */
    const char *status_after;  /* queries[0] while it was waited for */
    uint32_t page_rows;        /* rows that fit into a page; 0: all */
    bool unknown_total;        /* pages do not say how many rows there are */
    struct tool_page scripted; /* with rows: the next page instead of the engine's */
    uint64_t credit_rate;      /* microcredits a second */
    const char *refusal;       /* the next statement is refused with this */
    enum tool_failure_kind refusal_kind;

    /* What happened. */
    uint32_t run_count;
    char last_sql[8192];
    uint32_t wait_s;
    uint32_t fetch_rows;
    uint64_t fetch_offset;
    uint64_t cell_row;
    uint32_t cell_column;

    enum {
        RIG_NOTHING,
        RIG_DONE,
        RIG_PAGE
    } pending;
    struct tool_done done;
};

/* False: there is no DuckDB here. */
bool rig_engine_start(void);
void rig_engine_stop(void);

/* Runs the call's statement in its context; then `page` or `refused`. */
enum tool_move rig_engine_run(struct rig *rig);
enum tool_move rig_refuse(
    struct rig *rig, enum tool_failure_kind kind, const char *message);

/* Its calls have to be the first members of rigs. */
const struct tool_host *rig_host(void);

/* A group's or a test's set-up: *state becomes a rig. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/* Runs a call to its end; the answer lives until the next one. */
yyjson_val *rig_call(struct rig *rig, const char *tool, const char *args);
yyjson_val *rig_call_bytes(struct rig *rig, const char *tool, struct str args);

/* The text of a member of an answer, "" when it is not there. */
const char *rig_str(yyjson_val *answer, const char *pointer);
int64_t rig_int(yyjson_val *answer, const char *pointer);

/* Asserts that what @pointer names is this JSON. */
void rig_assert_json(yyjson_val *answer, const char *pointer, const char *json);

/* Later calls come from the first session. */
void rig_own_session(struct rig *rig);

/* Asserts an error of @code whose message holds @part. */
void rig_assert_error(yyjson_val *answer, const char *code, const char *part);

/* Fails the test when a name in @text is neither a tool nor an argument. */
void rig_check_words(struct rig *rig, const char *text);
