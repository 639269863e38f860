// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Inside of search_objects. */
#include "tools/calls.h"

enum {
    PATTERN_MAX = 200,
};

/* What a call asks for: read from its arguments at each step. */
struct search {
    struct str pattern;
    struct str cursor;
    int detail;
    struct catalog_search query; /* without offset and limit */
};

/* Does the call say @arg, and not as nothing? */
bool search_is_given(const struct tool_call *call, const char *arg);

/* The full name of a row, as JSON. */
void search_put_name(const struct tool_call *call, yyjson_val *row, struct buf *out);

/* The answer when nothing is found: the nearest of @rows, and a way on. */
enum tool_move search_reply_none(
    struct tool_call *call, const struct search *search, yyjson_val *rows);
