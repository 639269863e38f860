// SPDX-License-Identifier: Apache-2.0
/* sim_day [--seed S] [--clients N] [--hours H] [--twice 1]: one long day; see day.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/str.h"
#include "day.h"

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
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

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    uint64_t clients = 10000;
    uint64_t hours = 24;
    uint64_t twice = 0;
    bool ok = argc % 2 == 1;
    for (int i = 1; ok && i + 1 < argc; i += 2) {
        uint64_t *option = strcmp(argv[i], "--seed") == 0      ? &seed
                           : strcmp(argv[i], "--clients") == 0 ? &clients
                           : strcmp(argv[i], "--hours") == 0   ? &hours
                           : strcmp(argv[i], "--twice") == 0   ? &twice
                                                               : NULL;
        ok = option && str_to_u64(str_of(argv[i + 1]), 1000000, option) && *option > 0;
    }
    if (!ok) {
        fprintf(stderr, "usage: %s [--seed S] [--clients N] [--hours H] [--twice 1]\n", argv[0]);
        return 2;
    }
    double begin = cpu_seconds();
    struct day_result r = day_run(seed, (uint32_t)clients, (uint32_t)hours);
    double took = cpu_seconds() - begin;
    printf("day: seed %" PRIu64 ", %" PRIu64 " clients, %" PRIu64 " hours: %" PRIu64
           " steps, %.0f a second of CPU, trace %016" PRIx64 "\n",
        seed, clients, hours, r.steps, (double)r.steps / took, r.hash);
    printf("calls: %" PRIu64 ", lost by kill -9 %" PRIu64 ", queued at most %" PRIu32 ";", r.calls,
        r.lost, r.queued_max);
    print_reasons("", r.ended);
    printf("sessions: %" PRIu64 ", live at most %" PRIu32 ";", r.sessions, r.live_max);
    print_reasons("", r.session_ended);
    printf("restarts %" PRIu64 ", workers that died %" PRIu64 "\n", r.restarts, r.worker_deaths);
    if (twice > 0 && day_run(seed, (uint32_t)clients, (uint32_t)hours).hash != r.hash) {
        fprintf(stderr, "day: two runs of seed %" PRIu64 " differ\n", seed);
        return 1;
    }
    return 0;
}
