// SPDX-License-Identifier: Apache-2.0
/*
 * What is known already: statements about names whose answer is kept. A call that has no
 * lease asks the core for none, but for its rate; then its tool goes on as if the engine
 * had answered.
 */
#include "base/clock.h"
#include "daemon/inside.h"

enum {
    KEY_MAX = TOOL_SQL_MAX + 4096,
};

/* All that the engine's answer depends on; not the warehouse. */
static void put_key(const struct call *call, struct buf *key)
{
    static const enum tool_part PARTS[] = {
        TOOL_PROFILE, TOOL_ROLE, TOOL_DATABASE, TOOL_SCHEMA};
    const struct tool_call *tool = &call->tool;
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        buf_puts(key, tool->context.part[PARTS[i]]);
        buf_putc(key, '\0');
    }
    if (call->daemon->profile[call->profile].rules.per_principal) {
        buf_put_str(key, symbol_str(call->daemon->symbols, call->principal));
    }
    buf_putc(key, '\0');
    buf_printf(key, "%u %u %u ", tool->rows_max, tool->cell_chars, tool->page_bytes);
    buf_put_str(key, buf_str(&tool->sql));
}

static bool find(struct call *call, struct tool_page *ret, uint64_t *ret_read_wall_ns)
{
    struct buf key = BUF_INIT(KEY_MAX);
    put_key(call, &key);
    bool found = buf_ok(&key) && catalog_cache_get(call->daemon->known, buf_str(&key),
                                     clock_boot_ns(), ret, ret_read_wall_ns);
    buf_free(&key);
    return found;
}

/* The tool is told from the queue: it may have many statements, and each would be deeper.
 */
static void go_on(struct call *call)
{
    call->is_known = true;
    list_remove(&call->ready);
    list_push_back(&call->daemon->ready, &call->ready);
}

/* What its session left on a connection, tables of an open transaction say, is not for others
 * to see, nor is what they see an answer for it. */
static bool is_private(const struct call *call)
{
    struct core_session_view view;
    return !call->session ||
           !core_session_view(call->daemon->core, call->session->number, &view) ||
           view.is_pinned;
}

bool known_ask(struct call *call)
{
    struct tool_page page;
    uint64_t read_wall_ns;
    bool has_lease = call->conn != CORE_NONE;
    if (!call->daemon->known || !call->tool.is_catalog || call->tool.refresh ||
        is_private(call) || !(has_lease || call->tool.tool->catalog) || !find(call, &page, &read_wall_ns)) {
        return false;
    }
    if (has_lease || call->is_charged) {
        go_on(call);
    } else {
        call->state = CALL_WAITING;
        grant_ask_rate(call);
    }
    return true;
}

void known_granted(struct call *call, const struct core_action *a)
{
    if (a->reason != CORE_OK) {
        call_fail_for(call, a);
        call_move(call, TOOL_ANSWER);
        return;
    }
    call->is_charged = true;
    go_on(call);
}

static void is_as_of(struct call *call, uint64_t wall_ns)
{
    uint64_t *as_of = &call->tool.as_of_wall_ns;
    *as_of = *as_of == 0 || wall_ns < *as_of ? wall_ns : *as_of;
}

void known_tell(struct call *call)
{
    struct tool_page page;
    uint64_t read_wall_ns;
    call->is_known = false;
    if (find(call, &page, &read_wall_ns)) {
        is_as_of(call, read_wall_ns);
        call_page(call, &page);
    } else {
        call_run(call); /* it went meanwhile */
    }
}

void known_begin(struct call *call)
{
    struct daemon *d = call->daemon;
    if (d->known) {
        known_changed(call);
        call->known_drops = catalog_cache_drops(d->known);
    }
}

void known_keep(struct call *call, const struct tool_page *page)
{
    struct catalog_cache *cache = call->daemon->known;
    if (!cache || !call->tool.is_catalog || is_private(call)) {
        return;
    }
    struct buf key = BUF_INIT(KEY_MAX);
    put_key(call, &key);
    is_as_of(call, clock_wall_ns());
    /* What was not there may be there a moment later. */
    if (buf_ok(&key) && page->row_count > 0 &&
        call->known_drops == catalog_cache_drops(cache)) {
        catalog_cache_put(cache, buf_str(&key), page, clock_wall_ns(), clock_boot_ns());
    }
    buf_free(&key);
}

void known_changed(struct call *call)
{
    if (call->daemon->known && call->tool.changes_catalog) {
        catalog_cache_drop(
            call->daemon->known, str_of(call->tool.context.part[TOOL_PROFILE]));
    }
}
