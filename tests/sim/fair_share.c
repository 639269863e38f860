// SPDX-License-Identifier: Apache-2.0
/* Shares and lag of those who always have work, whatever their statements look like. */
#include "fair.h"

#include <string.h>

enum {
    LOOKS = 60
}; /* windows begin that often in one window */

/* ---- measuring ---- */

struct look {
    uint64_t at_ns;
    uint64_t served_ns[FLOWS_MAX];
};

static void judge_window(
    const struct world *w, const struct look *from, struct shares *worst)
{
    double weights = 0;
    double total = 0;
    double sum = 0;
    double squares = 0;
    for (uint32_t i = 0; i < w->flow_count; i++) {
        weights += w->flow[i].weight * w->flow[i].client_weight;
        total += (double)(w->flow[i].served_ns - from->served_ns[i]);
    }
    for (uint32_t i = 0; i < w->flow_count; i++) {
        double weight = w->flow[i].weight * w->flow[i].client_weight;
        double got = (double)(w->flow[i].served_ns - from->served_ns[i]) / weight;
        double share = got * weights / total;
        worst->least = share < worst->least ? share : worst->least;
        sum += got;
        squares += got * got;
    }
    double jain = sum * sum / (w->flow_count * squares);
    worst->jain = jain < worst->jain ? jain : worst->jain;
}

/* What was due minus what it got: its rise over any stretch of time is the lag. */
static void judge_lag(const struct world *w, const struct look *first, double *least_due,
    struct shares *worst)
{
    double weights = 0;
    double total = 0;
    for (uint32_t i = 0; i < w->flow_count; i++) {
        weights += w->flow[i].weight * w->flow[i].client_weight;
        total += (double)(w->flow[i].served_ns - first->served_ns[i]);
    }
    for (uint32_t i = 0; i < w->flow_count; i++) {
        double due = total * w->flow[i].weight * w->flow[i].client_weight / weights -
                     (double)(w->flow[i].served_ns - first->served_ns[i]);
        least_due[i] = due < least_due[i] ? due : least_due[i];
        double lag_t = (due - least_due[i]) / (double)w->job_ns_max;
        worst->lag_t = lag_t > worst->lag_t ? lag_t : worst->lag_t;
    }
}

static void look(const struct world *w, struct look *ret)
{
    ret->at_ns = w->now_ns;
    for (uint32_t i = 0; i < w->flow_count; i++) {
        ret->served_ns[i] = w->flow[i].served_ns;
    }
}

struct shares shares_measure(struct world *w, uint64_t window_ns, uint64_t until_ns)
{
    static struct look looks[LOOKS];
    static struct look first;
    double least_due[FLOWS_MAX] = {0};
    struct shares worst = {.least = 1e9, .jain = 1};
    uint64_t count = 0;
    look(w, &first);
    while (w->now_ns < until_ns) {
        world_advance(w);
        judge_lag(w, &first, least_due, &worst);
        if (w->now_ns < first.at_ns + count * (window_ns / LOOKS)) {
            continue;
        }
        struct look *oldest = &looks[count % LOOKS];
        if (count >= LOOKS) {
            judge_window(w, oldest, &worst);
        }
        look(w, oldest);
        count++;
    }
    return worst;
}

static struct shares measure(struct world *w)
{
    world_run(w, w->now_ns + 600 * S);
    uint64_t window_ns = 60 * w->job_ns_max * w->flow_count / w->limits.profile[0].slots;
    return shares_measure(w, window_ns, w->now_ns + 4 * window_ns + 6000 * S);
}

/* ---- statements of many lengths ---- */

static uint64_t one_long(struct world *w, uint32_t flow)
{
    return flow == 0 ? w->job_ns_max : w->job_ns_max / 100;
}

static uint64_t cheap_looking(struct world *w, uint32_t flow)
{
    bool is_short = rng_below(&w->rng, 100) < 95;
    return flow > 0 ? w->job_ns_max / 10 : is_short ? w->job_ns_max / 200 : w->job_ns_max;
}

static uint64_t all_short(struct world *w, uint32_t flow)
{
    (void)flow;
    return w->job_ns_max / 100;
}

static uint64_t rare_long(struct world *w, uint32_t flow)
{
    (void)flow;
    return rng_below(&w->rng, 100) < 99 ? w->job_ns_max / 100 : w->job_ns_max;
}

/* It looks cheap for a while, then is not, and so on: each guess from its past is wrong.
 */
static uint64_t alternating(struct world *w, uint32_t flow)
{
    bool is_long = w->flow[flow].started / 20 % 2 == 1;
    return flow > 0 ? w->job_ns_max / 10 : is_long ? w->job_ns_max : w->job_ns_max / 200;
}

struct setup {
    const char *name;
    uint32_t slots;
    uint32_t count;
    bool by_client; /* client keys of one principal instead of principals */
    uint32_t weight[20];
};

static struct world *setup(const struct setup *s)
{
    struct world *w = world_new(s->slots);
    for (uint32_t i = 0; i < s->count; i++) {
        struct flow *f = world_add(w, s->by_client ? 1 : 1 + i, 1 + i);
        *(s->by_client ? &f->client_weight : &f->weight) =
            s->weight[i] > 0 ? s->weight[i] : 1;
        f->backlog = 2 * s->slots;
    }
    world_start(w);
    return w;
}

void fair_shares(void)
{
    static const struct setup setups[] = {
        {"3 principals, 8 slots", 8, 3, false, {0}},
        {"5:1:1 principals, 8 slots", 8, 3, false, {5, 1, 1}},
        {"20 principals, 8 slots", 8, 20, false, {0}},
        {"3:2:1:1 principals, 4 slots", 4, 4, false, {3, 2, 1, 1}},
        {"3 principals, 2 slots", 2, 3, false, {0}},
        {"2 principals, 1 slot", 1, 2, false, {0}},
        {"5 client keys, 8 slots", 8, 5, true, {0}},
        {"4:1:1 client keys, 4 slots", 4, 3, true, {4, 1, 1}},
    };
    static const struct {
        const char *name;
        uint64_t (*length)(struct world *w, uint32_t flow);
    } mixes[] = {{"even", length_even}, {"one long", one_long}, {"short", all_short},
        {"rare long", rare_long}};
    for (size_t i = 0; i < ARRAY_LEN(setups) * ARRAY_LEN(mixes); i++) {
        const struct setup *s = &setups[i / ARRAY_LEN(mixes)];
        const char *mix = mixes[i % ARRAY_LEN(mixes)].name;
        struct world *w = setup(s);
        w->length = mixes[i % ARRAY_LEN(mixes)].length;
        struct shares worst = measure(w);
        /* Who lags by 2 T where 60 T are due by equal weights has 0.967 of it. */
        bool is_even = s->weight[0] == 0;
        expect(
            worst.least, is_even ? 0.966 : 0.95, 2, "least share: %s, %s", s->name, mix);
        expect(worst.jain, 0.98, 1, "Jain's index: %s, %s", s->name, mix);
        expect(worst.lag_t, 0, 2, "lag in T: %s, %s", s->name, mix);
        world_end(w);
    }
}

void fair_guesses(void)
{
    static const struct setup s = {"3 principals", 8, 3, false, {0}};
    static const struct {
        const char *name;
        uint64_t (*length)(struct world *w, uint32_t flow);
    } mixes[] = {{"looks cheap", cheap_looking}, {"alternates", alternating}};
    for (size_t i = 0; i < ARRAY_LEN(mixes); i++) {
        struct world *w = setup(&s);
        w->length = mixes[i].length;
        struct shares worst = measure(w);
        expect(worst.least, 0.966, 2, "least share where one %s", mixes[i].name);
        expect(worst.lag_t, 0, 2, "lag in T where one %s", mixes[i].name);
        world_end(w);
    }
}

/* ---- a statement that is killed costs what it used ---- */

static void killed(const char *name, struct flow how, uint32_t conns_per_worker)
{
    struct world *w = world_new(8);
    w->limits.profile[0].conns_per_worker = conns_per_worker;
    w->length = length_full;
    for (uint32_t i = 0; i < 3; i++) {
        struct flow *f = world_add(w, 1 + i, 1 + i);
        f->backlog = 16;
        if (i == 0) {
            f->fate = how.fate;
            f->cancel_ns = how.cancel_ns;
            f->timeout_ns = how.timeout_ns;
        }
    }
    world_start(w);
    struct shares worst = measure(w);
    expect(worst.jain, 0.98, 1, "Jain's index where one's statements %s", name);
    expect(worst.lag_t, 0, 2, "lag in T where one's statements %s", name);
    world_end(w);
}

void fair_killed(void)
{
    killed("are cancelled", (struct flow){.cancel_ns = 4 * S}, 8);
    killed("run out of time", (struct flow){.timeout_ns = 4 * S}, 8);
    killed("lose their connection", (struct flow){.fate = FATE_LOST}, 8);
    killed(
        "ignore their cancel", (struct flow){.fate = FATE_STUCK, .cancel_ns = 4 * S}, 1);
}

/* ---- a long statement is charged without waking the core for ever ---- */

void fair_quiet(void)
{
    struct world *w = world_new(8);
    uint32_t wakes = 0;
    w->limits.slot_ns_start = S;
    w->limits.chunk_ms = UINT32_MAX;
    w->length = length_full;
    w->job_ns_max = 30 * 86400 * S;
    world_add(w, 1, 1);
    world_start(w);
    world_submit(w, 0);
    while (w->flow[0].started == 0 || w->flow[0].running > 0) {
        world_advance(w);
        wakes++;
    }
    expect(wakes, 1, 100, "wakes of the core in a statement of 30 days");
    world_end(w);
}
