// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The shapes of answers. */
#include "tools/tool.h"

/* "context":{...}: parts that are set. */
void reply_put_context(struct tool_call *call);

/* RFC 3339 in UTC, as a JSON string. */
void reply_put_time(struct buf *out, uint64_t wall_ns);

/*
 * The whole answer for rows: status, columns, rows, row_count, total_rows, truncated, next,
 * result, query, elapsed_ms, context, and cut_cells and notice where there is something to
 * say. @next_json: the `next` object, or "" for what fetch_result needs, if anything.
 * Returns TOOL_ANSWER.
 */
enum tool_move reply_rows(
    struct tool_call *call, const struct tool_page *page, struct str next_json);

/* Of an unfinished query: how long its queue and its wait are, or how far it is. */
void reply_put_figures(struct buf *out, const struct tool_query *query);

/* The engine's refusal as sql_error, with its sqlstate. */
enum tool_move reply_refused(struct tool_call *call, const struct tool_failure *failure);

/*
 * object_not_found with up to three nearest of the names in @candidates, a JSON array of
 * rows whose first cell is a name. @kind: "table", "schema", ...
 */
enum tool_move reply_not_found(struct tool_call *call, const char *kind, struct str name,
    struct str where, yyjson_val *candidates);

/*
 * How a name given by the asker is found among candidates (rows whose first cell is a
 * name): exactly, else the only one that differs in case. NULL ptr: neither.
 */
struct str reply_resolve(struct str name, yyjson_val *candidates);
