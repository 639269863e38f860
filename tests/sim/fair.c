// SPDX-License-Identifier: Apache-2.0
/* The scenarios and what they found: fair [--list | --only NAME] */
#include "fair.h"

#include <stdarg.h>
#include <string.h>

static const struct {
    const char *name;
    void (*run)(void);
    bool is_broken; /* the promise does not hold yet: runs only when it is named */
} scenarios[] = {
    {"shares", fair_shares, false},
    {"guesses", fair_guesses, false},
    {"killed", fair_killed, false},
    {"quiet", fair_quiet, false},
    {"newcomer", fair_newcomer, false},
    {"all_slots_held", fair_all_slots_held, false},
    {"after_a_long_one", fair_after_a_long_one, false},
    {"starvation", fair_starvation, false},
    {"reserve_ends", fair_reserve_ends, false},
    {"splitting", fair_splitting, false},
    {"names", fair_names, false},
    {"leaving", fair_leaving, false},
    {"hoarding", fair_hoarding, false},
    {"returning", fair_returning, false},
    {"floors", fair_floors, false},
    {"floor_is_not_saved", fair_floor_is_not_saved, false},
    {"exact_floors", fair_floors_exact, false},
    {"floors_of_one_slot", fair_floors_of_one_slot, false},
    {"floor_after_plenty", fair_floor_after_plenty, false},
    {"retry", fair_retry, false},
    {"rates", fair_rates, false},
    {"flood", fair_flood, false},
    {"accounts", fair_accounts, false},
};

static int failures;

void expect(double value, double least, double most, const char *what, ...)
{
    char text[128];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof(text), what, args);
    va_end(args);
    bool ok = value >= least && value <= most;
    printf("%s %-62s %9.3f  (%.3f to %.3f)\n", ok ? "ok  " : "FAIL", text, value, least,
        most);
    failures += !ok;
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--list | --only NAME]\n", program);
    return 2;
}

int main(int argc, char **argv)
{
    const char *only = argc == 3 && strcmp(argv[1], "--only") == 0 ? argv[2] : NULL;
    bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
    bool found = !only;
    if (argc > 1 && !only && !list) {
        return usage(argv[0]);
    }
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        if (list) {
            printf(
                "%s%s\n", scenarios[i].name, scenarios[i].is_broken ? " (broken)" : "");
        } else if (only ? strcmp(only, scenarios[i].name) == 0
                        : !scenarios[i].is_broken) {
            found = true;
            scenarios[i].run();
        }
    }
    if (!found) {
        fprintf(stderr, "fair: no scenario is called %s; --list names them\n", only);
        return 2;
    }
    if (!list) {
        printf("%s\n", failures == 0 ? "all promises hold" : "some promises are broken");
    }
    return failures == 0 ? 0 : 1;
}
