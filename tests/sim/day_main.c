// SPDX-License-Identifier: Apache-2.0
/*
 * Days of many clients; see day.h. Of each seed a line, then the sums:
 * sim_day [--seed S] [--seeds N] [--clients N] [--hours H] [--twice 1]
 */
#include "day.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/str.h"

enum {
    SEE_ALL_FROM = 3
};

/* The processor's clock, whoever else is about. */
static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add(struct day_result *sum, const struct day_result *r)
{
    sum->steps += r->steps;
    sum->requests += r->requests;
    sum->lost += r->lost;
    sum->opened += r->opened;
    sum->loaded += r->loaded;
    sum->inherited += r->inherited;
    sum->fetched += r->fetched;
    sum->starts += r->starts;
    sum->crashes += r->crashes;
    sum->stops += r->stops;
    sum->sleeps += r->sleeps;
    sum->days += r->days;
    sum->queued_max = r->queued_max > sum->queued_max ? r->queued_max : sum->queued_max;
    for (uint32_t i = 0; i < CORE_REASONS; i++) {
        sum->ended[i] += r->ended[i];
        sum->session_ended[i] += r->session_ended[i];
    }
}

static void print_reasons(const char *what, const uint64_t *ended)
{
    printf("%s", what);
    for (uint32_t i = 0; i < CORE_REASONS; i++) {
        if (ended[i] > 0) {
            printf(" %s %" PRIu64, core_reason_name((enum core_reason)i), ended[i]);
        }
    }
    printf("\n");
}

static void print_sums(const struct day_result *r)
{
    printf("calls: %" PRIu64 ", statements %" PRIu64 ", pages %" PRIu64
           ", queued at most %" PRIu32 ", lost in restarts %" PRIu64 ";",
        r->requests, r->starts, r->fetched, r->queued_max, r->lost);
    print_reasons("", r->ended);
    printf("sessions: %" PRIu64 " opened, %" PRIu64 " inherited, %" PRIu64 " loaded;",
        r->opened, r->inherited, r->loaded);
    print_reasons("", r->session_ended);
    printf("restarts: %" PRIu32 " by kill -9, %" PRIu32 " clean; %" PRIu32
           " sleeps, %" PRIu32 " new days\n",
        r->crashes, r->stops, r->sleeps, r->days);
}

/* Oracles that are never put to the test hold of everything. */
static bool has_seen_all(const struct day_result *sum)
{
    static const enum core_reason tickets[] = {CORE_OK, CORE_CANCELLED, CORE_TIMEOUT,
        CORE_QUEUE_TIMEOUT, CORE_QUEUE_FULL, CORE_NO_SESSION, CORE_WORKER_DIED,
        CORE_UNAVAILABLE, CORE_RATE_LIMITED, CORE_QUOTA_EXHAUSTED, CORE_CLOSED};
    static const enum core_reason sessions[] = {
        CORE_TOO_MANY, CORE_CLOSED, CORE_IDLE_LIMIT, CORE_AGE_LIMIT};
    bool all = sum->crashes > 0 && sum->stops > 0 && sum->sleeps > 0 && sum->days > 0 &&
               sum->inherited > 0 && sum->loaded > 0 && sum->lost > 0 && sum->fetched > 0;
    for (size_t i = 0; i < ARRAY_LEN(tickets); i++) {
        all = all && sum->ended[tickets[i]] > 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(sessions); i++) {
        all = all && sum->session_ended[sessions[i]] > 0;
    }
    return all;
}

static bool run(const struct day_options *options, bool twice, struct day_result *sum)
{
    double begin = cpu_seconds();
    struct day_result r = day_run(options);
    printf("day: seed %" PRIu64 ", %" PRIu64 " clients, %" PRIu64 " hours: %" PRIu64
           " steps, %.0f a second of CPU, trace %016" PRIx64 "\n",
        options->seed, options->clients, options->hours, r.steps,
        (double)r.steps / (cpu_seconds() - begin), r.hash);
    fflush(stdout);
    add(sum, &r);
    if (twice && day_run(options).hash != r.hash) {
        fprintf(stderr, "day: two runs of seed %" PRIu64 " differ\n", options->seed);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct day_options day = {.seed = 1, .clients = 10000, .hours = 24};
    uint64_t seeds = 1;
    uint64_t twice = 0;
    struct day_result sum = {0};
    bool ok = argc % 2 == 1;
    for (int i = 1; ok && i + 1 < argc; i += 2) {
        uint64_t *option = strcmp(argv[i], "--seed") == 0      ? &day.seed
                           : strcmp(argv[i], "--seeds") == 0   ? &seeds
                           : strcmp(argv[i], "--clients") == 0 ? &day.clients
                           : strcmp(argv[i], "--hours") == 0   ? &day.hours
                           : strcmp(argv[i], "--twice") == 0   ? &twice
                                                               : NULL;
        ok = option && str_to_u64(str_of(argv[i + 1]), 1000000, option) && *option > 0;
    }
    if (!ok) {
        fprintf(stderr,
            "usage: %s [--seed S] [--seeds N] [--clients N] [--hours H] [--twice 1]\n",
            argv[0]);
        return 2;
    }
    for (uint64_t end = day.seed + seeds; day.seed < end; day.seed++) {
        if (!run(&day, twice > 0, &sum)) {
            return 1;
        }
    }
    print_sums(&sum);
    if (seeds >= SEE_ALL_FROM && !has_seen_all(&sum)) {
        fprintf(stderr, "day: something never happened, its oracles were not tested\n");
        return 1;
    }
    return 0;
}
