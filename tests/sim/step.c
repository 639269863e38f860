// SPDX-License-Identifier: Apache-2.0
/* The core between its oracles, whoever tells it what happens: the world, a tape, a
 * story. */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum {
    ROUNDS_MAX = 100
};

/* The first line is for programs too: like that of an assertion. */
_Noreturn void sim_fail(const struct sim *s, const char *expr, const char *file, int line)
{
    fprintf(stderr, "level=fatal event=oracle expr=\"%s\" at=%s:%d\n", expr, file, line);
    if (s->actions > 0) {
        fprintf(stderr,
            "seed %" PRIu64 ", action %" PRIu64
            "; replay: build/tests/sim --seed %" PRIu64 " --actions %" PRIu64 "\n",
            s->seed, s->action, s->seed, s->actions);
    }
    abort();
}

void sim_begin(struct sim *s)
{
    s->settled = true;
    s->tokens = s->limits.rate_global.burst;
    s->tokens_ns = s->now_ns;
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        s->conns[i].ticket = CORE_NONE;
    }
    void *memory = calloc(1, core_size(&s->limits));
    ASSERT(memory);
    s->core = core_init(memory, &s->limits);
}

void sim_end(struct sim *s)
{
    free(s->core);
    s->core = NULL;
}

static void note(struct sim *s, const struct core_action *a)
{
    uint64_t word = (uint64_t)a->kind << 56 ^ (uint64_t)a->ticket << 32 ^
                    (uint64_t)a->conn << 16 ^ (uint64_t)a->reason << 8 ^ a->session;
    s->result.hash = (s->result.hash ^ word) * 0x100000001B3u;
}

void sim_step_once(
    struct sim *s, const struct core_event *event, struct core_actions *ret)
{
    s->now_ns = event->boot_ns;
    if (s->on_event) {
        s->on_event(s, event);
    }
    if (s->settled || event->kind != CORE_TICK) {
        oracle_event(s, event);
    }
    core_step(s->core, event, ret);
    s->result.steps++;
    if (s->on_answer) {
        s->on_answer(s, ret);
    }
    for (uint32_t i = 0; i < ret->len; i++) {
        note(s, &ret->at[i]);
        oracle_action(s, &ret->at[i]);
        if (s->on_action) {
            s->on_action(s, &ret->at[i]);
        }
    }
    oracle_stepped(s);
    s->settled = core_deadline(s->core) > s->now_ns;
    if (s->settled) {
        oracle_settled(s);
    }
}

void sim_step(struct sim *s, struct core_event event)
{
    struct core_actions actions;
    uint32_t rounds = 0;
    event.boot_ns = s->now_ns;
    event.wall_ns = s->now_ns + sim_ms(SIM_WALL_MS);
    do {
        sim_step_once(s, &event, &actions);
        SIM_CHECK(s, ++rounds < ROUNDS_MAX);
        event = (struct core_event){
            .kind = CORE_TICK, .boot_ns = event.boot_ns, .wall_ns = event.wall_ns};
    } while (!s->settled);
}

void sim_tick(struct sim *s, uint64_t until_ns)
{
    for (uint64_t due_ns; due_ns = core_deadline(s->core), due_ns < until_ns;) {
        s->now_ns = due_ns > s->now_ns ? due_ns : s->now_ns;
        sim_step(s, (struct core_event){.kind = CORE_TICK});
    }
}

void sim_finish(struct sim *s)
{
    if (s->on_event) {
        s->on_event(s, NULL);
    }
    oracle_finished(s);
}
