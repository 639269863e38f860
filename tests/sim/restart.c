// SPDX-License-Identifier: Apache-2.0
/*
 * Rates and quotas over restarts. Calls come at random, the core is thrown away at random
 * (a crash: the store has its bounds; or a clean stop: the store has what was used), and
 * plain buckets that know nothing of restarts judge:
 *   above  no call is let through that the bucket has no token for, over any window
 *   below  a refused call finds its bucket empty, but for what a crash may cost
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/rng.h"
#include "core/core.h"

enum { PRINCIPALS = 3, CLIENTS = 3, CALLS = 3000, SEEDS = 100, KEYS = 1 + CLIENTS };

#define MS UINT64_C(1000000)

/* Tokens of a rate, and what is left of a day's calls; `low` is what must still be there. */
struct bucket {
    double tokens;
    double low;
    double left;
    double left_low;
};

struct stored {
    bool is_there;
    struct core_event event;
};

/* [0] is the principal itself, the others its client keys. */
struct world {
    struct rng rng;
    struct core_limits limits;
    struct core *core;
    uint64_t boot_ns;
    uint64_t now_ns;
    struct bucket bucket[PRINCIPALS][KEYS][CORE_CELLS];
    struct stored store[PRINCIPALS][KEYS];
    uint64_t passed;
};

static const struct core_rate *rate_of(const struct world *w, int key, int cell)
{
    static const struct core_rate off = {0, 0};
    if (cell == CORE_CELL_CATALOG) {
        return key == 0 ? &off : &w->limits.rate_catalog;
    }
    return key == 0 ? &w->limits.rate_principal : &w->limits.rate_client;
}

static double quota_of(const struct world *w, int key)
{
    return (double)(key == 0 ? w->limits.quota_principal : w->limits.quota_client)[CORE_QUOTA_CALLS];
}

static _Noreturn void fail(const struct world *w, uint64_t seed, const char *what, double tokens)
{
    fprintf(stderr, "restart: seed %" PRIu64 " at %" PRIu64 " ms: %s (%.4f)\n", seed,
        w->now_ns / MS, what, tokens);
    exit(1);
}

static void write_down(struct world *w, const struct core_account_view *view, bool exactly)
{
    uint32_t key = view->is_principal ? 0 : view->client;
    struct stored *s = &w->store[view->principal - 1][key];
    *s = (struct stored){true, {.kind = CORE_ACCOUNT_LOAD, .principal = view->principal,
                                   .client = view->is_principal ? 1 : view->client,
                                   .is_principal = view->is_principal}};
    for (int i = 0; i < CORE_QUOTAS; i++) {
        s->event.used[i] = exactly ? view->used[i] : view->stored[i];
    }
    for (int i = 0; i < CORE_CELLS; i++) {
        uint64_t spent_ns = exactly ? view->spent_ns[i] : view->stored_spent_ns[i];
        s->event.spent_ns[i] = spent_ns > 0 ? w->now_ns + spent_ns : 0; /* whole again then */
    }
}

static enum core_reason step(struct world *w, struct core_event event)
{
    struct core_actions actions;
    struct core_account_view view;
    enum core_reason reason = CORE_OK;
    event.boot_ns = event.wall_ns = w->boot_ns + w->now_ns;
    core_step(w->core, &event, &actions);
    for (uint32_t i = 0; i < actions.len; i++) {
        const struct core_action *a = &actions.at[i];
        if (a->kind == CORE_SAVE_ACCOUNT && core_account_view(w->core, a->account, &view)) {
            write_down(w, &view, false);
        }
        reason = a->kind == CORE_END ? a->reason : reason;
    }
    core_check(w->core);
    return reason;
}

static void refill(struct world *w, uint64_t passed_ns)
{
    for (int i = 0; i < PRINCIPALS * KEYS * CORE_CELLS; i++) {
        int cell = i % CORE_CELLS;
        int key = i / CORE_CELLS % KEYS;
        struct bucket *b = &w->bucket[i / CORE_CELLS / KEYS][key][cell];
        const struct core_rate *rate = rate_of(w, key, cell);
        double more = rate->burst > 0 ? (double)passed_ns / (double)rate->interval_ns : 0;
        b->tokens = b->tokens + more < rate->burst ? b->tokens + more : rate->burst;
        b->low = b->low + more < rate->burst ? b->low + more : rate->burst;
    }
}

/* What a crash may cost: the slack, or as much again beyond what was stored. */
static void lose(struct world *w)
{
    for (int i = 0; i < PRINCIPALS * KEYS * CORE_CELLS; i++) {
        int key = i / CORE_CELLS % KEYS;
        struct bucket *b = &w->bucket[i / CORE_CELLS / KEYS][key][i % CORE_CELLS];
        uint32_t slack = rate_of(w, key, i % CORE_CELLS)->burst / 4;
        slack = slack > 0 ? slack : 1;
        b->low = b->low - slack > 0 ? b->low - slack : 0;
        b->left_low -= quota_of(w, key) / 100 + 1;
    }
}

static void restart(struct world *w)
{
    bool is_clean = rng_below(&w->rng, 2) == 0;
    struct core_account_view view;
    step(w, (struct core_event){.kind = CORE_TICK}); /* views are of the last step */
    for (uint32_t i = 0; is_clean && core_account_view(w->core, i, &view); i++) {
        write_down(w, &view, true);
    }
    uint64_t away_ns = rng_below(&w->rng, 3) == 0 ? 0 : rng_below(&w->rng, 2000) * MS;
    w->now_ns += away_ns;
    w->boot_ns = rng_below(&w->rng, 1000000) * MS;
    refill(w, away_ns);
    if (!is_clean) {
        lose(w);
    }
    free(w->core);
    void *memory = calloc(1, core_size(&w->limits));
    ASSERT(memory);
    w->core = core_init(memory, &w->limits);
    step(w, (struct core_event){.kind = CORE_RESTARTED, .clean = is_clean});
    for (int i = 0; i < PRINCIPALS * KEYS; i++) {
        struct core_event e = w->store[i / KEYS][i % KEYS].event;
        for (int cell = 0; cell < CORE_CELLS; cell++) {
            uint64_t at_ns = e.spent_ns[cell];
            e.spent_ns[cell] = at_ns > w->now_ns ? at_ns - w->now_ns : 0;
        }
        if (w->store[i / KEYS][i % KEYS].is_there) {
            step(w, e);
        }
    }
}

static void judge_passed(struct world *w, uint64_t seed, uint32_t p, int cell, int key)
{
    struct bucket *b = &w->bucket[p][key][cell];
    if (rate_of(w, key, cell)->burst > 0) {
        if (b->tokens < 0.999) {
            fail(w, seed, "let through without a token", b->tokens);
        }
        b->tokens -= 1;
        b->low = b->low > 1 ? b->low - 1 : 0;
    }
    if (cell == CORE_CELL_CALLS) {
        if (b->left < 1) {
            fail(w, seed, "let through beyond the quota", b->left);
        }
        b->left -= 1;
        b->left_low -= 1;
    }
}

static void call(struct world *w, uint64_t seed)
{
    uint32_t p = (uint32_t)rng_below(&w->rng, PRINCIPALS);
    int key = 1 + (int)rng_below(&w->rng, CLIENTS);
    int cell = rng_below(&w->rng, 4) == 0 ? CORE_CELL_CATALOG : CORE_CELL_CALLS;
    enum core_reason reason = step(w, (struct core_event){.kind = CORE_SUBMIT,
                                          .session = CORE_NONE,
                                          .principal = p + 1,
                                          .client = (uint32_t)key,
                                          .priority = CORE_NORMAL,
                                          .is_catalog = cell == CORE_CELL_CATALOG});
    const struct bucket *own = &w->bucket[p][key][cell];
    const struct bucket *above = &w->bucket[p][0][cell];
    if (reason == CORE_OK) {
        judge_passed(w, seed, p, cell, key);
        if (cell == CORE_CELL_CALLS) {
            judge_passed(w, seed, p, cell, 0);
        }
        w->passed++;
        step(w, (struct core_event){.kind = CORE_CANCEL, .reason = CORE_CANCELLED});
        return;
    }
    bool has_rate = own->low > 1.001 && (cell == CORE_CELL_CATALOG || above->low > 1.001);
    if (reason == CORE_RATE_LIMITED && has_rate) {
        fail(w, seed, "refused with a token left", own->low);
    }
    if (reason == CORE_QUOTA_EXHAUSTED && own->left_low >= 1 && above->left_low >= 1) {
        fail(w, seed, "refused within the quota", own->left_low);
    }
}

static void play(uint64_t seed, uint64_t *ret_passed)
{
    static struct world w;
    w = (struct world){.rng.state = seed, .now_ns = 1000 * MS, .boot_ns = 5000 * MS};
    w.limits = (struct core_limits){.sessions = 1, .principal_sessions = 1, .tickets = 1,
        .queue_total = 1, .queue_principal = 1, .queue_client = 1, .accounts = 32, .names_max = 8,
        .rate_principal = {8 + (uint32_t)rng_below(&w.rng, 20), 120 * MS},
        .rate_client = {1 + (uint32_t)rng_below(&w.rng, 16), 400 * MS},
        .rate_catalog = {1 + (uint32_t)rng_below(&w.rng, 8), 300 * MS},
        .quota_principal = {rng_below(&w.rng, 2) ? 400 : 0},
        .quota_client = {rng_below(&w.rng, 2) ? 150 : 0},
        .queue_ns = 3600000 * MS, .spawn_ns = 3600000 * MS, .slot_ns_start = MS,
        .chunk_ms = 1, .profiles = 1, .profile = {{1, 1, 0}}};
    for (int i = 0; i < PRINCIPALS * KEYS * CORE_CELLS; i++) {
        int key = i / CORE_CELLS % KEYS;
        double rate = rate_of(&w, key, i % CORE_CELLS)->burst;
        double quota = quota_of(&w, key) > 0 ? quota_of(&w, key) : 1e9;
        w.bucket[i / CORE_CELLS / KEYS][key][i % CORE_CELLS] =
            (struct bucket){rate, rate, quota, quota};
    }
    void *memory = calloc(1, core_size(&w.limits));
    ASSERT(memory);
    w.core = core_init(memory, &w.limits);
    for (int i = 0; i < CALLS; i++) {
        uint64_t passed_ns = rng_below(&w.rng, 4) == 0 ? rng_below(&w.rng, 100) * MS : MS / 2;
        w.now_ns += passed_ns;
        refill(&w, passed_ns);
        if (rng_below(&w.rng, 60) == 0) {
            restart(&w);
        }
        call(&w, seed);
    }
    free(w.core);
    *ret_passed += w.passed;
}

int main(void)
{
    uint64_t passed = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        play(seed, &passed);
    }
    uint64_t refused = (uint64_t)SEEDS * CALLS - passed;
    printf("restart: %d seeds, %" PRIu64 " calls passed, %" PRIu64 " were refused\n", SEEDS,
        passed, refused);
    return passed > refused / 4 && refused > passed / 4 ? 0 : 1;
}
