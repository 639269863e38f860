// SPDX-License-Identifier: Apache-2.0
#include "worker/result.h"

#include <inttypes.h>
#include <stdio.h>

#include "worker/answer.h"
#include "worker/spool.h"

enum {
    COUNT_MAX = 100000, /* rows counted beyond the page, without a spool */
};

void result_init(struct result *result, struct wire_reader *limits)
{
    *result = (struct result){.columns = BUF_INIT(ARROW_COLUMNS_MAX)};
    uint32_t rows_max = wire_get_u32(limits);
    uint32_t page_bytes = wire_get_u32(limits);
    arrow_page_init(&result->page, rows_max, page_bytes, wire_get_u32(limits));
    struct str spool_path = wire_get_str(limits);
    uint64_t spool_rows_max = wire_get_u64(limits);
    result->spool = spool_new(spool_path, spool_rows_max, wire_get_u64(limits));
}

void result_drop_spool(struct result *result)
{
    if (result->spool) {
        result->spool_cap = spool_cap(result->spool);
        result->spool_errno = spool_errno(result->spool);
    }
    spool_free(result->spool);
    result->spool = NULL;
    result->spool_bytes = 0;
}

void result_free(struct result *result)
{
    result_drop_spool(result);
    arrow_page_free(&result->page);
    buf_free(&result->columns);
}

bool result_begin(struct result *result, const struct ArrowSchema *schema)
{
    if (!arrow_check_schema(schema, result->trouble)) {
        return false;
    }
    arrow_put_columns(&result->columns, schema);
    if (!buf_ok(&result->columns)) {
        snprintf(result->trouble, sizeof(result->trouble),
            "the names and types of the %lld columns take more than %d bytes; select "
            "fewer columns",
            (long long)schema->n_children, ARROW_COLUMNS_MAX);
    }
    return buf_ok(&result->columns);
}

/* One that failed, which has a reason. */
static void spool_failed(struct result *result)
{
    result_drop_spool(result);
    if (result->spool_cap == WIRE_CAP_NONE) {
        result->spool_cap = WIRE_CAP_OTHER;
    }
}

/*
 * Takes @batch over. True when nothing more need be read: the spool has reached a limit and
 * the page is full. A spool that failed, or that holds no row, is dropped.
 */
static bool spool_batch(
    struct result *result, const struct ArrowSchema *schema, struct ArrowArray *batch)
{
    const struct arrow_page *page = &result->page;
    bool is_needed = page->full || arrow_page_has_cuts(page);
    if (!spool_add(result->spool, schema, batch, is_needed)) {
        spool_failed(result);
        return false;
    }
    if (spool_cap(result->spool) == WIRE_CAP_NONE) {
        return false;
    }
    if (spool_rows(result->spool) > 0) {
        return page->full;
    }
    result_drop_spool(result);
    return false;
}

enum result_fate result_add(
    struct result *result, const struct ArrowSchema *schema, struct ArrowArray *batch)
{
    struct arrow_page *page = &result->page;
    if (!arrow_check_batch(schema, batch, result->trouble)) {
        batch->release(batch);
        return RESULT_REFUSED;
    }
    result->total_rows += batch->length;
    bool ok = page->full || arrow_page_add(page, schema, batch);
    bool is_enough = false;
    if (ok && result->spool) {
        is_enough = spool_batch(result, schema, batch);
    } else {
        batch->release(batch);
    }
    if (!ok) {
        snprintf(
            result->trouble, sizeof(result->trouble), "a row is too large for a page");
        return RESULT_REFUSED;
    }
    if (!result->spool) {
        is_enough = result->total_rows > (int64_t)page->row_count + COUNT_MAX;
    }
    result->total_rows = is_enough ? -1 : result->total_rows;
    return is_enough ? RESULT_ENOUGH : RESULT_MORE;
}

bool result_end(struct result *result)
{
    if (result->spool && !spool_end(result->spool, &result->spool_bytes)) {
        spool_failed(result);
    } else if (result->spool && result->spool_bytes == 0) {
        result_drop_spool(result);
    }
    return arrow_page_end(&result->page);
}

void result_tell_affected(struct result *result, int64_t rows)
{
    struct arrow_page *page = &result->page;
    buf_clear(&result->columns);
    buf_puts(&result->columns, "[{\"name\":\"rows_affected\",\"type\":\"BIGINT\"}]");
    buf_clear(&page->rows);
    buf_printf(&page->rows, "[[%" PRId64 "]]", rows);
    page->row_count = 1;
    result->total_rows = 1;
}

bool result_put(
    const struct result *result, uint64_t call, uint64_t started_ns, struct buf *out)
{
    const struct arrow_page *page = &result->page;
    struct answer_page answer = {.columns = buf_str(&result->columns),
        .page = page,
        .total_rows = result->total_rows,
        .is_truncated = page->has_cut || result->total_rows != (int64_t)page->row_count,
        .started_ns = started_ns,
        .spooled_rows = result->spool ? spool_rows(result->spool) : 0,
        .spool_bytes = result->spool_bytes,
        .spool_cap = result->spool ? spool_cap(result->spool) : result->spool_cap,
        .spool_errno = result->spool ? spool_errno(result->spool) : result->spool_errno};
    return answer_put_page(out, call, &answer);
}

void result_keep(struct result *result)
{
    if (result->spool) {
        spool_keep(result->spool);
    }
}
