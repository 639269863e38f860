// SPDX-License-Identifier: Apache-2.0
/* Rates: which cells a call has to pass, and what a refusal says. */
#include "base/gcra.h"
#include "core/state.h"

/* A principal has no cell for catalogue calls. */
const struct core_rate *limit_rate(const struct core *core, uint32_t account, enum core_cell cell)
{
    static const struct core_rate off = {0, 0};
    const struct core_limits *l = &core->limits;
    bool is_principal = core->accounts[account].parent == CORE_NONE;
    if (cell == CORE_CELL_CATALOG) {
        return is_principal ? &off : &l->rate_catalog;
    }
    return is_principal ? &l->rate_principal : &l->rate_client;
}

/* The cells a call has to pass, narrowest last. */
struct cell {
    uint64_t *tat_ns;
    const struct core_rate *rate;
    enum core_scope scope;
};

static uint32_t cells_of(
    struct core *core, const struct core_event *event, uint32_t client, struct cell ret[4])
{
    struct account *c = &core->accounts[client];
    struct account *p = &core->accounts[c->parent];
    const struct core_limits *l = &core->limits;
    if (event->is_catalog) {
        ret[0] = (struct cell){
            &c->tat_ns[CORE_CELL_CATALOG], &l->rate_catalog, CORE_SCOPE_CLIENT};
        return 1;
    }
    ret[0] = (struct cell){&core->tat_ns, &l->rate_global, CORE_SCOPE_ALL};
    ret[1] = (struct cell){&p->tat_ns[CORE_CELL_CALLS], &l->rate_principal, CORE_SCOPE_PRINCIPAL};
    ret[2] = (struct cell){&c->tat_ns[CORE_CELL_CALLS], &l->rate_client, CORE_SCOPE_CLIENT};
    if (event->session == CORE_NONE) {
        return 3;
    }
    ret[3] = (struct cell){
        &core->sessions[event->session].tat_ns, &l->rate_session, CORE_SCOPE_SESSION};
    return 4;
}

/* All cells or none: a refusal must not push its own retry further away. */
bool limit_admit(struct core *core, const struct core_event *event, uint32_t client,
    struct core_action *ret)
{
    struct cell cells[4];
    uint32_t count = cells_of(core, event, client, cells);
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t wait_ns = gcra_wait_ns(
            *cells[i].tat_ns, cells[i].rate->burst, cells[i].rate->interval_ns, core->now_ns);
        if (wait_ns > ret->retry_after_ns) {
            ok = false;
            ret->retry_after_ns = wait_ns;
            ret->scope = cells[i].scope;
            ret->limit_max = cells[i].rate->burst;
            ret->limit_remaining = 0;
            ret->reset_ns = *cells[i].tat_ns - core->now_ns;
        }
    }
    for (uint32_t i = 0; ok && i < count; i++) {
        gcra_charge(
            cells[i].tat_ns, cells[i].rate->burst, cells[i].rate->interval_ns, core->now_ns);
    }
    return ok;
}
