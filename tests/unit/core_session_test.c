// SPDX-License-Identifier: Apache-2.0
/* Sessions of the core where the clock has jumped: the machine slept, no timer came first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/core.h"

enum { OPENED_NS = 1000, TOUCH_NS = 60 };

static struct core *core;
static struct core_actions actions;

static void step(struct core_event event, uint64_t at_ns)
{
    event.boot_ns = event.wall_ns = at_ns;
    core_step(core, &event, &actions);
    core_check(core);
}

/* A session that a plain request has opened. */
static int set_up(void **state)
{
    static struct core_limits limits = {.sessions = 2,
        .principal_sessions = 2,
        .tickets = 2,
        .accounts = 8,
        .names_max = 4,
        .slot_ns_start = 1000000,
        .chunk_ms = 1000,
        .queue_total = 2,
        .queue_principal = 2,
        .queue_client = 2,
        .idle_ns = 1000,
        .resume_ns = 1000,
        .touch_ns = TOUCH_NS,
        .grace_ns = 25,
        .queue_ns = 500,
        .cancel_ns = 1,
        .drain_ns = 1,
        .spawn_ns = 10000,
        .backoff_ns_min = 1,
        .backoff_ns_max = 2,
        .profiles = 1,
        .profile = {{.slots = 1, .conns_per_worker = 1}}};
    void *memory = calloc(1, core_size(&limits));
    assert_non_null(memory);
    core = core_init(memory, &limits);
    *state = memory;
    step((struct core_event){.kind = CORE_SESSION_OPEN, .principal = 1, .client = 1}, OPENED_NS);
    step((struct core_event){.kind = CORE_SESSION_TOUCH}, OPENED_NS);
    step((struct core_event){.kind = CORE_SESSION_DURABLE}, OPENED_NS);
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void assert_state(enum core_session_state wanted)
{
    struct core_session_view view;
    assert_true(core_session_view(core, 0, &view));
    assert_int_equal(view.state, wanted);
}

static void submit(uint32_t ticket, uint64_t at_ns)
{
    step((struct core_event){.kind = CORE_SUBMIT, .ticket = ticket, .principal = 1, .client = 1},
        at_ns);
}

static void a_call_may_come_before_the_news_that_a_connected_session_went(void **state)
{
    (void)state;
    assert_state(CORE_CONNECTED);
    submit(0, OPENED_NS + TOUCH_NS + 1);
    assert_state(CORE_DISCONNECTING);
}

static void a_call_may_come_before_the_news_that_an_idle_session_went(void **state)
{
    (void)state;
    submit(0, OPENED_NS + 1);
    step((struct core_event){.kind = CORE_CANCEL, .reason = CORE_CANCELLED}, OPENED_NS + 2);
    assert_state(CORE_IDLE);
    submit(1, OPENED_NS + TOUCH_NS + 1);
    assert_state(CORE_DISCONNECTING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_call_may_come_before_the_news_that_a_connected_session_went, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_call_may_come_before_the_news_that_an_idle_session_went, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
