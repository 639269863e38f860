// SPDX-License-Identifier: Apache-2.0
/* What statements leave on their connections, and which sessions hold it there. */
#include "daemon/inside.h"

/* A statement has done what the guard said it would: that stays on its connection, or is
 * over. */
void holds_note(struct call *call)
{
    struct lease *lease = &call->daemon->leases[call->conn];
    unsigned effects = call->tool.keeps_result ? call->tool.effects : 0;
    if (effects & GUARD_ENDS) {
        lease->holds &= ~(unsigned)GUARD_BEGINS;
        /* A rollback takes back what was set meanwhile, too. */
        call->context_unknown = call->context_unknown || lease->moved_inside;
    }
    lease->holds |= effects & ~(unsigned)GUARD_ENDS;
    if (effects && call->session) {
        call->session->holds = lease->holds;
    }
    if (effects && call->session && !call->session->lost_text) {
        sessions_hold(call->session,
            lease->holds ? str_of(call->tool.context.part[TOOL_PROFILE]) : STR(""));
    }
}

void holds_count(const struct daemon *d, uint32_t ret[HOLDS_KINDS])
{
    static const enum guard_effect effects[HOLDS_KINDS] = {
        GUARD_BEGINS, GUARD_TEMPORARY, GUARD_VARIABLE, GUARD_PREPARES};
    memset(ret, 0, HOLDS_KINDS * sizeof(*ret));
    for (uint32_t i = 0; i < d->limits.sessions; i++) {
        const struct session *s = d->sessions[i];
        struct core_session_view view;
        if (!s || !s->holds || !core_session_view(d->core, s->number, &view) ||
            !view.is_pinned) {
            continue;
        }
        for (int kind = 0; kind < HOLDS_KINDS; kind++) {
            ret[kind] += (s->holds & (unsigned)effects[kind]) != 0;
        }
    }
}
