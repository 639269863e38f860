// SPDX-License-Identifier: Apache-2.0
/* Whatever the core can be told has words in a story, and they mean it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "story.h"

enum {
    EVENTS = 500, /* of a kind */
    LIVE = 2,     /* sessions */
    MS = 1000000
};

static struct story story;
static struct rng rng = {7};

static uint64_t below(uint64_t bound)
{
    return rng_below(&rng, bound);
}

/* Often 0, which most words leave out; sometimes large. */
static uint64_t amount(void)
{
    return below(3) == 0 ? 0 : below(4) == 0 ? below(INT64_MAX) : below(1000);
}

static void set_up(void)
{
    struct core_actions actions;
    story = (struct story){.core = NULL};
    story_defaults(&story);
    story.names_len = STORY_NAMES_MAX;
    for (uint32_t i = 1; i < STORY_NAMES_MAX; i++) {
        snprintf(story.names[i], STORY_NAME_LEN, "n%u", i);
    }
    for (uint32_t i = 0; i < CORE_CONNS_MAX; i++) {
        story.conn_generation[i] = i % 3;
        story.worker_generation[i % CORE_WORKERS_MAX] = i % 3;
    }
    story.limits.profiles = CORE_PROFILES_MAX;
    story.core = core_init(calloc(1, core_size(&story.limits)), &story.limits);
    for (uint32_t i = 0; i < LIVE; i++) {
        struct core_event open = {.kind = CORE_SESSION_OPEN,
            .boot_ns = story.boot_ns,
            .wall_ns = story.wall_ns,
            .principal = 1 + i,
            .client = 3,
            .context.part = {0, i, 0, i}};
        core_step(story.core, &open, &actions);
    }
}

static struct core_context random_context(void)
{
    struct core_context context;
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        context.part[i] = below(2) ? (uint32_t)below(4) : 0;
    }
    return context;
}

/* Every field of its kind, as the comments of core.h have them; the others are 0. */
static struct core_event random_event(enum core_event_kind kind)
{
    struct core_event e;
    memset(&e, 0, sizeof(e));
    e.kind = kind;
    e.boot_ns = story.boot_ns;
    e.wall_ns = story.wall_ns;
    bool of_session = kind >= CORE_SESSION_BODY && kind <= CORE_SESSION_CLOSE;
    bool of_conn = kind >= CORE_CONN_UP && kind <= CORE_CONN_PENDING;
    bool asks =
        kind == CORE_SESSION_OPEN || kind == CORE_SESSION_LOAD || kind == CORE_FETCH;
    bool of_account = kind == CORE_FETCHED || kind == CORE_ACCOUNT_LOAD ||
                      kind == CORE_LOGIN_CHANGED;
    if (asks || of_account || kind == CORE_SUBMIT) {
        e.principal = 1 + (uint32_t)below(4);
        e.client = 1 + (uint32_t)below(4);
    }
    e.user = asks ? amount() : 0;
    if (of_session || kind == CORE_SUBMIT) {
        e.session = (uint32_t)below(story.limits.sessions);
    }
    if ((asks && kind != CORE_FETCH) || kind == CORE_SESSION_CONTEXT || kind == CORE_CONN_UP ||
        kind == CORE_SUBMIT) {
        e.context = random_context();
    }
    if (kind == CORE_WORKER_UP || kind == CORE_WORKER_LOST) {
        e.worker = (uint32_t)below(CORE_WORKERS_MAX);
        e.generation = (uint32_t)below(3);
    } else if (of_conn) {
        e.conn = (uint32_t)below(CORE_CONNS_MAX);
        e.generation = (uint32_t)below(3);
    }
    e.reason = kind == CORE_CANCEL || kind == CORE_SESSION_BODY
                   ? (enum core_reason)below(CORE_REASONS)
                   : CORE_OK;
    e.ticket = kind == CORE_CANCEL || kind == CORE_SUBMIT
                   ? (uint32_t)below(story.limits.tickets)
                   : 0;
    e.clean = (kind == CORE_DONE || kind == CORE_RESTARTED) && below(2);
    e.rows_max = kind == CORE_SUBMIT || kind == CORE_FETCH || kind == CORE_FETCHED
                     ? (uint32_t)below(UINT32_MAX)
                     : 0;
    return e;
}

/* What only one kind has. */
static void add_own_fields(struct core_event *e)
{
    if (e->kind == CORE_SUBMIT) {
        e->session = below(2) ? CORE_NONE : e->session;
        e->profile = (uint32_t)below(story.limits.profiles);
        e->timeout_ns = amount();
        e->priority = (enum core_priority)below(CORE_PRIORITIES);
        e->is_catalog = below(2);
        e->is_charged = below(2);
        e->is_stateful = below(2);
        e->principal_weight = (uint32_t)below(3);
        e->client_weight = (uint32_t)below(3);
        e->credit_rate = amount();
    } else if (e->kind == CORE_DONE) {
        e->moved = below(2);
        e->pins = below(2);
        e->context = e->moved ? random_context() : e->context;
    } else if (e->kind == CORE_FETCH) {
        e->is_call = below(2);
        e->session = e->is_call && below(2) ? (uint32_t)below(story.limits.sessions) : CORE_NONE;
    } else if (e->kind == CORE_LOGIN_CHANGED) {
        e->profile = (uint32_t)below(story.limits.profiles);
    } else if (e->kind == CORE_FETCHED) {
        e->generation = (uint32_t)below(3);
    } else if (e->kind == CORE_SESSION_LOAD) {
        e->created_wall_ns = e->wall_ns + 3 * MS - below(6 * MS);
        e->last_seen_wall_ns = e->wall_ns + 3 * MS - below(6 * MS);
    } else if (e->kind == CORE_ACCOUNT_LOAD) {
        e->is_principal = below(2);
        for (int i = 0; i < CORE_QUOTAS; i++) {
            e->used[i] = amount();
        }
        e->spent_ns[CORE_CELL_CALLS] = amount();
        e->spent_ns[CORE_CELL_CATALOG] = amount();
    }
    if (e->kind == CORE_DONE || e->kind == CORE_FETCHED) {
        e->rows = amount();
        e->bytes = amount();
    }
}

/* Fields that are not its kind's are none of the words' business. */
static void forget_others(struct core_event *read, const struct core_event *e)
{
    bool has_reason = e->kind == CORE_CANCEL || e->kind == CORE_SESSION_BODY;
    bool has_rows = e->kind == CORE_DONE || e->kind == CORE_FETCHED;
    read->reason = has_reason ? read->reason : CORE_OK;
    read->clean = (e->kind == CORE_DONE || e->kind == CORE_RESTARTED) && read->clean;
    read->priority = e->kind == CORE_SUBMIT ? read->priority : e->priority;
    read->rows = has_rows ? read->rows : 0;
    read->bytes = has_rows ? read->bytes : 0;
    read->rows_max =
        e->kind == CORE_DONE || e->kind == CORE_ACCOUNT_LOAD ? 0 : read->rows_max;
    for (int i = 0; i < CORE_QUOTAS && e->kind != CORE_ACCOUNT_LOAD; i++) {
        read->used[i] = 0;
    }
    if (e->kind != CORE_SESSION_LOAD) {
        read->created_wall_ns = read->last_seen_wall_ns = 0;
    }
}

static void check_event(const struct core_event *e)
{
    struct buf text = BUF_INIT(4096);
    struct buf error = BUF_INIT(4096);
    struct story_line line;
    buf_puts(&text, "0ms ");
    story_print_event(&story, e, &text);
    bool ok = story_parse_time(&story, buf_str(&text), &line, &error) &&
              story_parse_event(&story, &line, &error);
    if (!ok) {
        print_error(
            STR_FMT ": " STR_FMT "\n", STR_ARG(buf_str(&text)), STR_ARG(buf_str(&error)));
    }
    assert_true(ok);
    struct core_event read;
    memset(&read, 0, sizeof(read));
    memcpy(&read, &line.event, sizeof(read));
    forget_others(&read, e);
    struct buf again = BUF_INIT(4096);
    buf_puts(&again, "0ms ");
    story_print_event(&story, &read, &again);
    if (!str_eq(buf_str(&text), buf_str(&again))) {
        print_error(STR_FMT " became " STR_FMT "\n", STR_ARG(buf_str(&text)),
            STR_ARG(buf_str(&again)));
    }
    assert_true(str_eq(buf_str(&text), buf_str(&again)));
#define SAME(field) assert_memory_equal(&read.field, &e->field, sizeof(e->field))
    SAME(kind), SAME(reason), SAME(boot_ns), SAME(wall_ns), SAME(user), SAME(session);
    SAME(ticket), SAME(principal), SAME(client), SAME(profile), SAME(worker), SAME(conn);
    SAME(generation), SAME(clean), SAME(moved), SAME(context), SAME(timeout_ns);
    SAME(priority), SAME(is_catalog), SAME(is_charged), SAME(is_call), SAME(is_stateful), SAME(pins), SAME(is_principal), SAME(principal_weight);
    SAME(client_weight), SAME(rows_max), SAME(credit_rate), SAME(rows), SAME(bytes);
    SAME(used), SAME(spent_ns), SAME(created_wall_ns), SAME(last_seen_wall_ns);
#undef SAME
    buf_free(&text);
    buf_free(&again);
    buf_free(&error);
}

static void every_event_has_words(void **state)
{
    (void)state;
    set_up();
    for (int kind = CORE_TICK; kind <= CORE_DRAIN; kind++) {
        for (int i = 0; i < EVENTS; i++) {
            struct core_event e = random_event((enum core_event_kind)kind);
            add_own_fields(&e);
            check_event(&e);
        }
    }
    free(story.core);
}

/* The limits as words, read again. */
static void check_limits(const struct story *written)
{
    static struct story read;
    struct buf text = BUF_INIT(1 << 14);
    struct buf again = BUF_INIT(1 << 14);
    struct buf error = BUF_INIT(4096);
    story_print_limits(written, &text);
    read = (struct story){.core = NULL};
    story_defaults(&read);
    bool ok = story_parse_limits(&read, buf_str(&text), &error);
    story_print_limits(&read, &again);
    if (!ok || !str_eq(buf_str(&text), buf_str(&again))) {
        print_error(STR_FMT "\n" STR_FMT "\n" STR_FMT "\n", STR_ARG(buf_str(&error)),
            STR_ARG(buf_str(&text)), STR_ARG(buf_str(&again)));
    }
    assert_true(ok && str_eq(buf_str(&text), buf_str(&again)));
    buf_free(&text);
    buf_free(&again);
    buf_free(&error);
}

static void every_limit_has_a_word(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        uint32_t words[sizeof(struct core_limits) / sizeof(uint32_t)];
        for (size_t w = 0; w < ARRAY_LEN(words); w++) {
            words[w] = 2 + (uint32_t)below(60000);
        }
        story = (struct story){.core = NULL};
        story_defaults(&story);
        story.boot_ns = amount();
        memcpy(&story.limits, words, sizeof(story.limits));
        story.limits.profiles = 1 + (uint32_t)below(CORE_PROFILES_MAX);
        for (uint32_t p = 0; p < CORE_PROFILES_MAX; p++) {
            story.limits.profile[p].slots = 1 + (uint32_t)below(CORE_CONNS_MAX);
            story.limits.profile[p].conns_per_worker = (uint32_t)below(CORE_CONNS_MAX);
            story.limits.profile[p].per_principal = below(2);
        }
        check_limits(&story);
    }
}

/* Only the gaps that alignment leaves keep what they had when all limits are dropped. */
static void no_limit_is_forgotten(void **state)
{
    (void)state;
    enum {
        /* After the bursts of five rates and odd counts, and behind each profile's flag. */
        GAPS = 8 * sizeof(uint32_t) + CORE_PROFILES_MAX * 7
    };
    static struct core_limits limits;
    static struct story usual;
    size_t kept = 0;
    memset(&limits, 0xA5, sizeof(limits));
    limits.profiles = CORE_PROFILES_MAX;
    story_defaults(&usual);
    for (uint32_t which = STORY_LIMITS_END; which-- > 0;) {
        struct story_limit limit;
        if (story_limit_get(&limits, which, &limit)) {
            story_limit_set(&limits, which, limit.usual);
        }
    }
    for (size_t i = 0; i < sizeof(limits); i++) {
        kept += ((unsigned char *)&limits)[i] == 0xA5;
    }
    assert_int_equal(kept, GAPS);
    assert_int_equal(limits.resume_ns, usual.limits.resume_ns);
    assert_int_equal(limits.profile[CORE_PROFILES_MAX - 1].slots, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_has_words),
        cmocka_unit_test(every_limit_has_a_word),
        cmocka_unit_test(no_limit_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
