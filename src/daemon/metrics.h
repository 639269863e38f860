// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the daemon counts of itself since it started, and the page /metrics. Label values come
 * from tables of the source or the configuration, never from clients.
 */
#include "base/histogram.h"
#include "core/core.h"
#include "daemon/lease.h"
#include "tools/tool.h"

struct daemon;
struct call;

enum metrics_outcome { METRICS_OK, METRICS_FAILED, METRICS_REFUSED, METRICS_OUTCOMES };

struct metrics {
    uint64_t calls[TOOLS_MAX][METRICS_OUTCOMES]; /* by tool */
    uint64_t errors[TOOL_CODES];
    uint64_t refused[2][CORE_SCOPE_ALL + 1]; /* for a rate, for a quota; by scope */
    uint64_t floods;
    uint64_t sessions_opened;
    uint64_t sessions_refused;
    uint64_t sessions_ended[CORE_REASONS];
    uint64_t pins_lost[CORE_REASONS];
    uint64_t workers_started;
    uint64_t rows;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t response_ns;
    uint64_t queue_ns;
    uint64_t queued; /* calls that waited for a connection at all */
    struct histogram response_times;
    struct histogram queue_times;
    struct tool_stats stats;     /* of the sessions, as they were, */
    uint32_t holds[HOLDS_KINDS]; /* and of these, */
    uint64_t stats_ns;           /* then; 0: never looked at */
};

void metrics_call(struct call *call); /* it is over */
bool metrics_store_trouble(const struct daemon *d); /* what was used or opened is not written */
void metrics_put(struct daemon *d, struct buf *out); /* Prometheus text, 0.0.4 */
