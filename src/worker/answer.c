// SPDX-License-Identifier: Apache-2.0
#include "worker/answer.h"

#include "base/clock.h"

enum {
    OTHER_FIELDS = 128
};

_Static_assert(ARROW_COLUMNS_MAX + ARROW_ROWS_MAX + ARROW_CUTS_MAX + OTHER_FIELDS <=
                   WIRE_PAYLOAD_MAX,
    "a page is one frame");

bool answer_put_page(struct buf *out, uint64_t call, const struct answer_page *answer)
{
    struct wire_writer writer = wire_begin(out, WIRE_PAGE, call);
    wire_str(&writer, answer->columns);
    wire_str(&writer, buf_str(&answer->page->rows));
    wire_u32(&writer, answer->page->row_count);
    wire_i64(&writer, answer->total_rows);
    wire_u32(&writer, answer->is_truncated);
    wire_str(&writer, buf_str(&answer->page->cuts));
    wire_u64(&writer, clock_boot_ns() - answer->started_ns);
    wire_u64(&writer, answer->spooled_rows);
    wire_u64(&writer, answer->spool_bytes);
    wire_u32(&writer, (uint32_t)answer->spool_cap);
    wire_u32(&writer, (uint32_t)answer->spool_errno);
    return wire_end(&writer);
}

bool answer_put_failure(struct buf *out, enum wire_kind kind, uint64_t call,
    enum wire_error_code code, const struct failure *failure)
{
    struct wire_writer writer = wire_begin(out, kind, call);
    wire_u32(&writer, (uint32_t)code);
    wire_str(&writer, str_of(failure->message));
    wire_str(&writer, str_of(failure->sqlstate));
    wire_i64(&writer, failure->vendor_code);
    wire_u32(&writer, code != WIRE_E_LOST && kind == WIRE_ERROR);
    return wire_end(&writer);
}
