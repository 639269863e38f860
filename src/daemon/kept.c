// SPDX-License-Identifier: Apache-2.0
/* What a statement's end leaves: its spool becomes a result, or the page says why not. */
#include <stdio.h>

#include "base/log.h"
#include "daemon/inside.h"

static const char *bytes_setting(const struct call *call)
{
    const struct config *config = call->daemon->config;
    uint64_t budget = results_bytes_max(call->daemon->results, call->principal);
    return (uint64_t)config->results_spool_mb << 20 <= budget       ? "spool_mb"
           : (uint64_t)config->results_principal_mb << 20 <= budget ? "principal_mb"
                                                                    : "disk_mb";
}

/* As part of a sentence, which is logged too; "": all rows are kept. */
static struct str why_not_kept(
    const struct call *call, const struct backend_page *page, char why[WHY_SIZE])
{
    static const char *const names[] = {"none", "rows", "bytes", "row", "disk", "other"};
    const char *setting = bytes_setting(call);
    why[0] = '\0';
    switch (page->spool_cap) {
    case WIRE_CAP_NONE:
        return STR("");
    case WIRE_CAP_ROWS:
        snprintf(why, WHY_SIZE, "the setting spool_rows of [results] allows %llu rows",
            (unsigned long long)call->daemon->config->results_spool_rows);
        break;
    case WIRE_CAP_BYTES:
        snprintf(why, WHY_SIZE, "the setting %s of [results] allows no more bytes", setting);
        break;
    case WIRE_CAP_ROW:
        snprintf(why, WHY_SIZE,
            "row %llu takes more than %d MB, and no larger row is kept: take parts of its "
            "cells with SUBSTR in the statement",
            (unsigned long long)page->spooled_rows, WIRE_ROW_MAX >> 20);
        break;
    case WIRE_CAP_DISK:
        snprintf(why, WHY_SIZE, "the daemon's disk refused them (%s)", strerror(page->spool_errno));
        break;
    case WIRE_CAP_OTHER:
        snprintf(why, WHY_SIZE, "their types cannot be stored, or there was no memory");
        break;
    }
    log_event(page->spool_cap >= WIRE_CAP_DISK ? LOG_WARN : LOG_INFO, "result_cut_off",
        "query=%s reason=%s rows=%llu why=%s", call->tool.query, names[page->spool_cap],
        (unsigned long long)page->spooled_rows, log_quote(str_of(why)));
    return str_of(why);
}

void kept_take(struct call *call, const struct backend_page *from, struct tool_page *page,
    struct result *result, char why[WHY_SIZE])
{
    struct handle spool = call->spool;
    call->spool.text[0] = '\0';
    if (spool.text[0] == '\0') {
        return;
    }
    page->why_not_kept = why_not_kept(call, from, why);
    if (from->spooled_rows == 0) {
        return;
    }
    *result = (struct result){
        .handle = spool,
        .rows = from->spooled_rows,
        .bytes = from->spool_bytes,
        .capped = from->spool_cap != WIRE_CAP_NONE,
    };
    if (!records_keep(call, result)) {
        page->why_not_kept = STR("there was no room for it, or its session or credential went");
        return;
    }
    page->result = handle_str(&result->handle);
    page->expires_wall_ns = result->expires_wall_ns;
    if (result->capped && result->rows < from->row_count) {
        page->kept_rows = result->rows;
    } else if (result->capped) {
        page->capped = true;
        page->total_rows = (int64_t)result->rows;
    }
    str_copy(page->result, call->query->result, HANDLE_SIZE);
}
