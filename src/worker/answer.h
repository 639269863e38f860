// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The frames that answer calls, of drivers' connections and of readers of spools alike.
 */
#include "wire/wire.h"
#include "worker/arrow_json.h"
#include "worker/failure.h"

struct answer_page {
    struct str columns;
    const struct arrow_page *page; /* ended */
    int64_t total_rows;            /* -1: unknown */
    bool is_truncated;
    uint64_t started_ns;
    uint64_t spooled_rows; /* 0: no file was left */
    uint64_t spool_bytes;
    enum wire_cap spool_cap;
    int spool_errno;
};

/* Each appends one frame; false: it does not fit. @kind is WIRE_ERROR or WIRE_FAILED. */
bool answer_put_page(
    struct buf *out, uint64_t call, const struct answer_page *answer) MUST_USE;
bool answer_put_failure(struct buf *out, enum wire_kind kind, uint64_t call,
    enum wire_error_code code, const struct failure *failure) MUST_USE;
