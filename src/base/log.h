// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Logfmt lines to standard error: ts, level, event, then what the caller adds as
 * key=value pairs. Statement texts and secrets never enter a log line.
 * Used by daemon, net, backend, results, store and worker; base, core, mcp, tools and sql
 * return what they know instead, the bridge stays silent.
 */
#include "base/assert.h"
#include "base/str.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
};

void log_set_level(enum log_level level);
bool log_level_parse(struct str name, enum log_level *ret_level);

/* @event is a stable name; @format yields the pairs, may be "". */
void log_event(enum log_level level, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Quotes a value for logfmt into a static ring of four small buffers (loop thread only). */
const char *log_quote(struct str value);
