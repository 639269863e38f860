// SPDX-License-Identifier: Apache-2.0
/* The long world's time: what comes when, and how it reaches the core. */
#include "day.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"

enum {
    ROUNDS_MAX = 2000, /* of one event */
    CHECK_EVERY = 50000,
    RESTARTS = 8, /* in a whole run, and as many other great events */
    SLEEPS = 2,
    RUSHES = 12,
    BREAKS_AN_HOUR = 12,
};

/* The words of what is pending: a client wakes, news come, or one of these. */
enum {
    WORD_NEWS = 1 << 29,
    WORD_WORLD = 1 << 30,
    WORLD_MINUTE = WORD_WORLD,
    WORLD_RESTART,
    WORLD_SLEEP,
    WORLD_RUSH,
    WORLD_BREAK,
};

_Noreturn void day_fail(const struct day *d, const char *expr, const char *file, int line)
{
    fprintf(stderr,
        "day: seed %" PRIu64 ", step %" PRIu64 " at %" PRIu64 ".%03" PRIu64
        " s: %s (%s:%d); replay: build/tests/sim_day --seed %" PRIu64
        " --clients %" PRIu32 " --hours %" PRIu64 "\n",
        d->seed, d->result.steps, d->now_ns / DAY_S, d->now_ns % DAY_S / DAY_MS, expr,
        file, line, d->seed, d->clients_len, d->hours);
    abort();
}

uint64_t day_wall(const struct day *d)
{
    return d->now_ns + d->wall_ns;
}

void day_news(struct day *d, uint64_t delay_ns, struct day_news news)
{
    DAY_CHECK(d, d->news_len < DAY_NEWS);
    uint32_t place = d->news_free[d->news_len++];
    d->news[place] = news;
    DAY_CHECK(d, pending_push(&d->pending, d->now_ns + delay_ns, WORD_NEWS | place));
}

static void note(struct day *d, const struct core_action *a)
{
    uint64_t word = (uint64_t)a->kind << 56 ^ (uint64_t)a->ticket << 32 ^
                    (uint64_t)a->conn << 16 ^ (uint64_t)a->reason << 8 ^ a->session;
    d->result.hash = (d->result.hash ^ word) * 0x100000001B3u;
}

/* The core's next deadline, on the world's clock. */
static uint64_t due_ns(const struct day *d)
{
    uint64_t at_ns = core_deadline(d->core);
    return at_ns == CORE_NEVER ? at_ns : at_ns - d->boot_ns;
}

void day_step(struct day *d, struct core_event event)
{
    event.boot_ns = d->now_ns + d->boot_ns;
    event.wall_ns = day_wall(d);
    d->opened = CORE_NONE;
    day_oracle_event(d, &event);
    for (uint32_t rounds = 0;; rounds++) {
        DAY_CHECK(d, rounds < ROUNDS_MAX);
        core_step(d->core, &event, &d->actions);
        d->result.steps++;
        for (uint32_t i = 0; i < d->actions.len; i++) {
            note(d, &d->actions.at[i]);
            day_oracle_action(d, &d->actions.at[i]);
            day_carry_out(d, &d->actions.at[i]);
        }
        d->due_ns = due_ns(d);
        if (d->due_ns > d->now_ns) {
            break;
        }
        event = (struct core_event){
            .kind = CORE_TICK, .boot_ns = event.boot_ns, .wall_ns = event.wall_ns};
    }
    day_oracle_settled(d);
    if (d->number % CHECK_EVERY == 0 && !d->loading) {
        core_check(d->core);
        day_quota_check(d);
    }
}

/* ---- the core's memory ---- */

/* Its end is the end of a page, and the page after it may not be touched. */
void day_core_start(struct day *d)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = core_size(&d->limits);
    size_t pages = (size + page - 1) / page * page;
    d->memory_size = pages + 2 * page;
    d->memory = mmap(
        NULL, d->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT(d->memory != MAP_FAILED);
    ASSERT(mprotect(d->memory, page, PROT_NONE) == 0);
    ASSERT(mprotect(d->memory + page + pages, page, PROT_NONE) == 0);
    memset(d->memory + page, 0xA5, pages - size);
    d->core = core_init(d->memory + page + pages - size, &d->limits);
}

void day_core_end(struct day *d)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = d->memory_size - 2 * page - core_size(&d->limits);
    for (size_t i = 0; i < before; i++) {
        DAY_CHECK(d, d->memory[page + i] == 0xA5);
    }
    munmap(d->memory, d->memory_size);
    d->core = NULL;
}

/* ---- time ---- */

static void deliver(struct day *d, uint32_t place)
{
    struct day_news n = d->news[place];
    d->news_free[--d->news_len] = place;
    if (n.kind == CORE_TICK ||
        (n.life > 0 && d->sessions[n.index].life != n.life)) { /* as the shell does */
        return;
    }
    struct core_event e = {.kind = (enum core_event_kind)n.kind,
        .worker = n.index,
        .conn = n.index,
        .session = n.index,
        .generation = n.generation,
        .reason = n.kind == CORE_SESSION_BODY && !n.clean ? CORE_NO_SESSION : CORE_OK,
        .clean = n.clean,
        .moved = n.moved,
        .repeats = n.repeats};
    if (n.kind == CORE_DONE) {
        e.context = d->conns[n.index].actual;
        e.context.part[CORE_SCHEMA] = n.moved ? n.schema : e.context.part[CORE_SCHEMA];
        e.rows = d->conns[n.index].rows;
        e.bytes = e.rows * 100;
    }
    if (n.kind == CORE_CONN_UP) { /* in some profiles a login has no database */
        e.context.part[CORE_DATABASE] = d->conns[n.index].profile % 2;
        e.context.part[CORE_SCHEMA] = 1;
    }
    day_step(d, e);
}

static void world_event(struct day *d, uint32_t word)
{
    uint64_t again_ns = 0;
    switch (word) {
    case WORLD_MINUTE:
        again_ns = 60 * DAY_S;
        day_quota_tick(d);
        break;
    case WORLD_RESTART:
        if (day_below(d, 2) == 0) {
            day_crash(d);
        } else {
            day_stop(d);
        }
        again_ns = d->hours * DAY_HOUR / RESTARTS;
        again_ns = again_ns / 2 + day_below(d, again_ns);
        break;
    case WORLD_SLEEP:
        day_sleep(d);
        again_ns = d->hours * DAY_HOUR / SLEEPS;
        again_ns = again_ns / 2 + day_below(d, again_ns);
        break;
    case WORLD_RUSH:
        day_rush(d);
        again_ns = d->hours * DAY_HOUR / RUSHES;
        break;
    default:
        day_break(d);
        again_ns = day_below(d, 2 * DAY_HOUR / BREAKS_AN_HOUR);
    }
    DAY_CHECK(d, pending_push(&d->pending, d->now_ns + again_ns, word));
}

static void happen(struct day *d, uint32_t word)
{
    if (word & WORD_WORLD) {
        if (!d->quiet) {
            world_event(d, word);
        }
    } else if (word & WORD_NEWS) {
        deliver(d, word - WORD_NEWS);
    } else if (d->clients[word].wake_ns <= d->now_ns && !d->quiet) {
        day_client_wakes(d, word);
    }
}

/* Completions, clients and deadlines in their order; now and then the loop comes late. */
void day_advance(struct day *d, uint64_t until_ns)
{
    for (;;) {
        uint64_t core_ns = d->due_ns;
        uint64_t next_ns = pending_next_ns(&d->pending);
        uint64_t first_ns = core_ns < next_ns ? core_ns : next_ns;
        if (first_ns > until_ns) {
            d->now_ns = until_ns > d->now_ns ? until_ns : d->now_ns;
            return;
        }
        d->now_ns = first_ns > d->now_ns ? first_ns : d->now_ns;
        d->now_ns += day_below(d, 64) == 0 ? day_below(d, 6 * DAY_MS) : 0;
        if (core_ns < next_ns) {
            day_step(d, (struct core_event){.kind = CORE_TICK});
        } else {
            happen(d, pending_pop(&d->pending));
        }
    }
}

/* ---- a run ---- */

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    ASSERT(memory);
    return memory;
}

static void set_limits(struct day *d)
{
    uint64_t long_ns = DAY_HOUR * d->part / 1024;
    static const struct core_profile_limits profiles[CORE_PROFILES_MAX] = {
        {64, 16, 600 * DAY_S, DAY_HOUR, 30 * DAY_S, 0, 0, false},
        {48, 16, 300 * DAY_S, 1000 * DAY_S, 30 * DAY_S, 1, 0, false},
        {32, 8, 120 * DAY_S, 0, 30 * DAY_S, 1, 12, true},
        {16, 8, 300 * DAY_S, 0, 0, 0, 0, false},
        {8, 8, 60 * DAY_S, 200 * DAY_S, 30 * DAY_S, 1, 0, false},
        {4, 4, 600 * DAY_S, 0, 30 * DAY_S, 0, 0, false},
        {2, 1, 300 * DAY_S, DAY_HOUR, 30 * DAY_S, 1, 0, false},
        {1, 1, 60 * DAY_S, 0, 0, 1, 0, false}};
    d->sessions_len = d->clients_len;
    d->is_short = d->seed % 2 == 0;
    uint64_t rows = d->seed / 2 % 2 == 0 ? 150000 : 1000000;
    uint32_t queued = d->clients_len / 10 < 1024 ? d->clients_len / 10 : 1024;
    uint32_t accounts = d->clients_len + 3 * d->principals_len + 64;
    d->limits = (struct core_limits){.sessions = d->sessions_len,
        .accounts = d->is_short ? accounts / 2 : accounts,
        .names_max = 16,
        .rate_global = {600, DAY_S / 100},
        .rate_principal = {d->seed % 3 == 1 ? 20 : 300,
            d->seed % 3 == 1 ? DAY_S : DAY_S / 5},
        .rate_client = {120, DAY_S / 2},
        .rate_session = {60, DAY_S / 2},
        .rate_catalog = {60, DAY_S / 2},
        .quota_principal = {5000 * d->part / 1024, rows * d->part / 1024, 0,
            6 * 3600 * 1000 * d->part / 1024, 0},
        .quota_client = {1000 * d->part / 1024 + 20, 20000, 1 << 30, 0, 0},
        .run_principal = 6,
        .run_client = 4,
        .reserved_slots = 1,
        .floor_permille = {200, 200, 50},
        .present_ns = 60 * DAY_S,
        .slot_ns_start = 30 * DAY_S,
        .chunk_ms = 10000,
        .principal_sessions = 200,
        .tickets = DAY_TICKETS,
        .queue_total = queued > 64 ? queued : 64,
        .queue_principal = d->seed % 4 == 3 ? 16 : 64,
        .queue_client = d->seed % 4 == 2 ? 3 : 32,
        .idle_ns = long_ns / 2,
        .resume_ns = 3 * long_ns,
        .age_ns = 10 * long_ns,
        .touch_ns = 60 * DAY_S,
        .sleep_ns = 60 * DAY_S,
        .grace_ns = 25 * DAY_S,
        .queue_ns = 120 * DAY_S,
        .cancel_ns = DAY_S,
        .drain_ns = 10 * DAY_S,
        .spawn_ns = 60 * DAY_S,
        .backoff_ns_min = 200 * DAY_MS,
        .backoff_ns_max = 30 * DAY_S,
        .profiles = CORE_PROFILES_MAX};
    memcpy(d->limits.profile, profiles, sizeof(profiles));
}

static void day_init(struct day *d, const struct day_options *options)
{
    d->seed = d->rng.state = options->seed;
    d->clients_len = (uint32_t)options->clients;
    d->hours = options->hours;
    d->part = d->hours < 24 ? d->hours * 1024 / 24 : 1024;
    d->principals_len = d->clients_len / 20 + 1;
    d->faults = true;
    d->now_ns = DAY_HOUR;
    d->boot_ns = day_below(d, 100 * DAY_HOUR);
    /* Midnight is in the middle of it. */
    d->wall_ns = 20000 * 24 * DAY_HOUR - d->now_ns - d->hours * DAY_HOUR / 2;
    set_limits(d);
    d->clients = zeroed(d->clients_len, sizeof(*d->clients));
    d->keys = zeroed(d->clients_len, sizeof(*d->keys));
    d->by_principal = zeroed(d->clients_len, sizeof(*d->by_principal));
    d->principals = zeroed(d->principals_len + 1, sizeof(*d->principals));
    d->sessions = zeroed(d->sessions_len, sizeof(*d->sessions));
    d->rows = zeroed(d->sessions_len, sizeof(*d->rows));
    d->touched = zeroed(2 * (size_t)d->sessions_len, sizeof(*d->touched));
    d->symbols = zeroed(d->principals_len + d->clients_len + 1, sizeof(*d->symbols));
    d->pending.max = 4 * d->clients_len + DAY_NEWS + 16;
    d->pending.at = zeroed(d->pending.max, sizeof(*d->pending.at));
    for (uint32_t i = 0; i < DAY_NEWS; i++) {
        d->news_free[i] = i;
    }
    for (uint32_t i = 0; i < d->sessions_len; i++) {
        day_session_clear(&d->sessions[i]);
    }
    day_clients_init(d);
    day_rate_whole(d);
    day_core_start(d);
    day_oracle_restarted(d);
    d->today = (uint32_t)(day_wall(d) / (24 * DAY_HOUR));
    d->today_ns = d->now_ns;
    for (uint32_t word = WORLD_MINUTE; word <= WORLD_BREAK; word++) {
        uint64_t first_ns =
            word == WORLD_MINUTE ? DAY_S : day_below(d, d->hours * DAY_HOUR / RESTARTS);
        DAY_CHECK(d, pending_push(&d->pending, d->now_ns + first_ns, word));
    }
}

struct day_result day_run(const struct day_options *options)
{
    struct day *d = zeroed(1, sizeof(*d));
    day_init(d, options);
    day_advance(d, d->now_ns + d->hours * DAY_HOUR);
    /* With the faults healed and the clients gone everything ends. */
    d->faults = false;
    d->quiet = true;
    day_advance(d, d->now_ns + d->limits.age_ns + DAY_HOUR);
    day_oracle_finished(d);
    day_core_end(d);
    struct day_result result = d->result;
    free(d->clients);
    free(d->keys);
    free(d->by_principal);
    free(d->principals);
    free(d->sessions);
    free(d->rows);
    free(d->touched);
    free(d->symbols);
    free(d->pending.at);
    free(d);
    return result;
}
