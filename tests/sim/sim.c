// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the core in a simulated world from many seeds. Each seed runs in a process of its
 * own, so that one that fails can be run again with fewer actions until the shortest
 * failing prefix is found, which is then shrunk to a story:
 * sim [--seeds N | --seed S [--actions N]] [--out DIRECTORY] | --story FILE
 */
#include "shrink.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/str.h"

enum {
    TWICE_EVERY = 20,
    ALL_REASONS_FROM = 100,
    RUN_S = 10
};

/* In a child: what it finds is left in @shared, what it says is heard unless @quiet. */
static bool run_child(
    uint64_t seed, uint64_t actions, bool quiet, struct sim_result *shared)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = quiet ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
        if (null >= 0) {
            dup2(null, STDERR_FILENO);
        }
        alarm(RUN_S);
        *shared = sim_run(seed, actions);
        if (seed % TWICE_EVERY == 1 && sim_run(seed, actions).hash != shared->hash) {
            fprintf(stderr, "seed %" PRIu64 ": two runs differ\n", seed);
            _exit(1);
        }
        _exit(0);
    }
    ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The story goes where the programs' directory is, the build directory. */
static const char *directory_above(void)
{
    static char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    for (int up = 0; len > 0 && up < 2; up++) {
        path[len] = '\0';
        len = strrchr(path, '/') - path;
    }
    path[len > 0 ? len : 0] = '\0';
    return len > 0 ? path : ".";
}

/* A run plays the same up to any action: halving finds where it begins to fail. */
static void find_first(uint64_t seed, const char *directory, struct sim_result *shared)
{
    uint64_t passes = 0;
    uint64_t fails = SIM_ACTIONS;
    while (fails - passes > 1) {
        uint64_t middle = passes + (fails - passes) / 2;
        if (run_child(seed, middle, true, shared)) {
            passes = middle;
        } else {
            fails = middle;
        }
    }
    if (run_child(seed, fails, false, shared)) {
        fprintf(stderr, "seed %" PRIu64 " fails, but not a second time\n", seed);
        return;
    }
    fprintf(stderr,
        "seed %" PRIu64 ": shortest failing prefix is %" PRIu64
        " actions; replay: build/tests/sim --seed %" PRIu64 " --actions %" PRIu64 "\n",
        seed, fails, seed, fails);
    shrink(seed, fails, directory ? directory : directory_above());
}

static void add(struct sim_result *sum, const struct sim_result *result)
{
    sum->steps += result->steps;
    sum->requests += result->requests;
    for (uint32_t i = 0; i < CORE_REASONS; i++) {
        sum->ended[i] += result->ended[i];
        sum->session_ended[i] += result->session_ended[i];
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

/* Oracles that are never put to the test hold of everything. */
static bool reaches_all_reasons(const struct sim_result *sum)
{
    static const enum core_reason tickets[] = {CORE_OK, CORE_CANCELLED, CORE_TIMEOUT,
        CORE_QUEUE_TIMEOUT, CORE_QUEUE_FULL, CORE_NO_SESSION, CORE_WORKER_DIED,
        CORE_UNAVAILABLE, CORE_LOGIN_PENDING, CORE_DRAINING, CORE_CLOSED};
    static const enum core_reason sessions[] = {
        CORE_TOO_MANY, CORE_NO_SESSION, CORE_CLOSED, CORE_IDLE_LIMIT, CORE_AGE_LIMIT};
    bool all = true;
    for (size_t i = 0; i < ARRAY_LEN(tickets); i++) {
        all = all && sum->ended[tickets[i]] > 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(sessions); i++) {
        all = all && sum->session_ended[sessions[i]] > 0;
    }
    return all;
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int run_seeds(uint64_t first, uint64_t count, const char *directory)
{
    struct sim_result sum = {0};
    uint64_t begin_ns = clock_ns();
    struct sim_result *shared = mmap(
        NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT(shared != MAP_FAILED);
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (!run_child(seed, SIM_ACTIONS, false, shared)) {
            find_first(seed, directory, shared);
            return 1;
        }
        add(&sum, shared);
    }
    uint64_t took_ns = clock_ns() - begin_ns;
    printf("sim: %" PRIu64 " seeds, %" PRIu64 " steps, %.0f a second\n", count, sum.steps,
        (double)sum.steps * 1e9 / (double)(took_ns + 1));
    print_reasons("tickets:", sum.ended);
    print_reasons("sessions:", sum.session_ended);
    if (count >= ALL_REASONS_FROM && !reaches_all_reasons(&sum)) {
        fprintf(stderr, "sim: some reason ended nothing, its oracles were not tested\n");
        return 1;
    }
    printf("all oracles hold\n");
    return 0;
}

/* In this very process, for a debugger. */
static int replay(uint64_t seed, uint64_t actions)
{
    struct sim_result result = sim_run(seed, actions);
    printf("sim: seed %" PRIu64 ", %" PRIu64 " steps, trace %016" PRIx64 "\n", seed,
        result.steps, result.hash);
    print_reasons("tickets:", result.ended);
    print_reasons("sessions:", result.session_ended);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 0;
    uint64_t seeds = 200;
    uint64_t actions = 0;
    const char *directory = NULL;
    const char *story = NULL;
    bool ok = argc % 2 == 1;
    for (int i = 1; ok && i + 1 < argc; i += 2) {
        uint64_t *option = strcmp(argv[i], "--seed") == 0      ? &seed
                           : strcmp(argv[i], "--seeds") == 0   ? &seeds
                           : strcmp(argv[i], "--actions") == 0 ? &actions
                                                               : NULL;
        const char **name = strcmp(argv[i], "--out") == 0     ? &directory
                            : strcmp(argv[i], "--story") == 0 ? &story
                                                              : NULL;
        ok = name || (option && str_to_u64(str_of(argv[i + 1]), UINT64_MAX, option) &&
                         *option > 0);
        if (name) {
            *name = argv[i + 1];
        }
    }
    if (!ok || (actions > 0 && seed == 0)) {
        fprintf(stderr,
            "usage: %s [--seeds N | --seed S [--actions N]] [--out DIRECTORY] | --story "
            "FILE\n",
            argv[0]);
        return 2;
    }
    if (story) {
        return story_judge(story);
    }
    if (actions > 0) {
        return replay(seed, actions);
    }
    return run_seeds(seed > 0 ? seed : 1, seed > 0 ? 1 : seeds, directory);
}
