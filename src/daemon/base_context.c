// SPDX-License-Identifier: Apache-2.0
/*
 * What a new backend connection is set to by itself: asked of the engine before the core hears
 * of the connection, so that whatever calls change can be set back.
 */
#include <yyjson.h>

#include "base/log.h"
#include "daemon/inside.h"
#include "sql/catalog.h"

enum { CONTEXT_BYTES_MAX = 8192 };

static void tell_up(struct daemon *d, uint32_t conn)
{
    struct lease *lease = &d->leases[conn];
    struct core_event event = {
        .kind = CORE_CONN_UP, .conn = conn, .generation = lease->generation};
    lease->base_exec = 0;
    for (int i = 0; i < CORE_PARTS; i++) {
        lease->context[i] = symbol_hold(d->symbols, lease->base[i]);
        event.context.part[i] = lease->base[i];
    }
    put_event(d, &event);
}

void base_context_ask(struct daemon *d, uint32_t conn)
{
    struct lease *lease = &d->leases[conn];
    struct buf sql = BUF_INIT(CONTEXT_BYTES_MAX);
    if (!catalog_put_context(&sql, d->profile[lease->profile].rules.dialect) || !buf_ok(&sql)) {
        tell_up(d, conn);
    } else {
        struct backend_option opening[PROFILE_OPENING_MAX];
        uint32_t count = backend_profile_opening(&d->profile[lease->profile].rules, opening);
        lease->base_exec = ++d->exec_last;
        backend_exec(d->backend, conn, lease->generation,
            &(struct backend_exec){.call = lease->base_exec,
                .options = opening,
                .option_count = count,
                .sql = buf_str(&sql),
                .rows_max = 1,
                .page_bytes = CONTEXT_BYTES_MAX,
                .cell_chars = CONTEXT_BYTES_MAX});
    }
    buf_free(&sql);
}

bool base_context_is(const struct daemon *d, uint32_t conn, uint32_t generation, uint64_t exec)
{
    return conn < CORE_CONNS_MAX && d->leases[conn].generation == generation &&
           d->leases[conn].base_exec == exec && exec > 0;
}

/* One row: role, warehouse, database, schema. What is null or missing is none. */
void base_context_page(struct daemon *d, uint32_t conn, struct str rows)
{
    struct lease *lease = &d->leases[conn];
    yyjson_doc *doc = yyjson_read(rows.ptr, rows.len, 0);
    yyjson_val *row = yyjson_arr_get_first(yyjson_doc_get_root(doc));
    for (int i = 0; i < CORE_PARTS; i++) {
        const char *text = yyjson_get_str(yyjson_arr_get(row, (size_t)i));
        struct str part = str_of(text ? text : "");
        symbol_release(d->symbols, lease->base[i]);
        lease->base[i] = symbol_acquire(d->symbols, part);
        str_copy(part, lease->login->base[TOOL_ROLE + i], TOOL_NAME_SIZE);
    }
    yyjson_doc_free(doc);
    tell_up(d, conn);
}

/* An engine that does not know the question: nothing of it can be set back. */
void base_context_error(struct daemon *d, uint32_t conn, const struct backend_error *error)
{
    log_event(LOG_WARN, "context_unknown", "conn=%u profile=%s why=%s", conn,
        d->profile[d->leases[conn].profile].config->name, log_quote(error->message));
    tell_up(d, conn);
}
