// SPDX-License-Identifier: Apache-2.0
/*
 * Delta debugging: as long as it still fails in the same way, events go, in halves first
 * and one by one at last; then limits become the usual ones, events plainer and waits
 * shorter. Each try is a child of its own.
 */
#include "shrink.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "story.h"

enum {
    TRIES_MAX = 6000,
    SEARCH_S = 120,
    ROUNDS_MAX = 6
};

/* Shared with the children: one records, the others say what made sense. */
struct search {
    struct tape best; /* the least that fails as wanted */
    struct tape next; /* to be tried */
    bool given[TAPE_MAX];
    struct verdict wanted;
    uint64_t seed;
    uint64_t actions;
    uint32_t tries;
    time_t until;
};

static void record_best(void *user)
{
    struct search *s = user;
    tape_record(&s->best, s->seed, s->actions);
}

static void play_next(void *user)
{
    struct search *s = user;
    tape_play(&s->next, s->given, NULL, NULL, NULL);
}

static time_t clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* If so, the next is the best from now on, without what made no sense in it. */
static bool fails_alike(struct search *s)
{
    if (s->tries == TRIES_MAX || clock_s() > s->until) {
        return false;
    }
    s->tries++;
    memset(s->given, 0, sizeof(s->given));
    struct verdict v = try_run(play_next, s);
    if (strcmp(v.text, s->wanted.text) != 0) {
        return false;
    }
    uint32_t len = 0;
    tape_copy(&s->best, &s->next);
    for (uint32_t i = 0; i < s->next.len; i++) {
        if (s->given[i]) {
            s->best.at[len++] = s->next.at[i];
        }
    }
    s->best.len = len;
    return true;
}

/* ---- fewer events ---- */

static bool cut(struct search *s, uint32_t size)
{
    bool changed = false;
    for (uint32_t at = 0; at < s->best.len;) {
        uint32_t rest = at + size < s->best.len ? s->best.len - at - size : 0;
        tape_copy(&s->next, &s->best);
        memmove(&s->next.at[at], &s->best.at[s->best.len - rest],
            rest * sizeof(s->next.at[0]));
        s->next.len = at + rest;
        if (fails_alike(s)) {
            changed = true;
        } else {
            at += size;
        }
    }
    return changed;
}

static void cut_in_halves(struct search *s)
{
    for (uint32_t size = s->best.len / 2; size > 1; size /= 2) {
        (void)cut(s, size);
    }
}

/* ---- plainer events ---- */

static bool set(uint32_t *field, uint32_t value)
{
    bool differs = *field != value;
    *field = value;
    return differs;
}

static bool as_tick(struct tape_entry *entry)
{
    bool differs = entry->event.kind != CORE_TICK;
    entry->event = (struct core_event){.kind = CORE_TICK};
    entry->of = CORE_NONE;
    return differs;
}

static bool without_context(struct tape_entry *entry)
{
    struct core_event *e = &entry->event;
    bool differs = false;
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        differs = set(&e->context.part[i], 0) || differs;
    }
    return differs;
}

static bool without_session(struct tape_entry *entry)
{
    if (entry->event.kind != CORE_SUBMIT || entry->event.session == CORE_NONE) {
        return false;
    }
    entry->event.session = entry->of = CORE_NONE;
    return true;
}

static bool without_timeout(struct tape_entry *entry)
{
    bool differs = entry->event.timeout_ns > 0;
    entry->event.timeout_ns = 0;
    return differs;
}

static bool rounded(uint64_t *ns)
{
    static const uint64_t units_ms[] = {1000, 100, 10, 1};
    for (size_t i = 0; i < ARRAY_LEN(units_ms); i++) {
        uint64_t less_ns = *ns % sim_ms(units_ms[i]);
        if (*ns > sim_ms(units_ms[i])) {
            *ns -= less_ns;
            return less_ns > 0;
        }
    }
    return false;
}

static bool with_round_timeout(struct tape_entry *entry)
{
    return rounded(&entry->event.timeout_ns);
}

static bool just_stored(struct tape_entry *entry)
{
    struct core_event *e = &entry->event;
    bool differs = e->created_wall_ns > 0 || e->last_seen_wall_ns > 0;
    e->created_wall_ns = e->last_seen_wall_ns = 0;
    return differs;
}

static bool of_first_principal(struct tape_entry *entry)
{
    return entry->event.principal > 0 && set(&entry->event.principal, 1);
}

static bool of_first_client(struct tape_entry *entry)
{
    return entry->event.client > 0 && set(&entry->event.client, tape_first_client());
}

static bool on_first_profile(struct tape_entry *entry)
{
    return set(&entry->event.profile, 0);
}

static bool with_normal_priority(struct tape_entry *entry)
{
    bool differs =
        entry->event.kind == CORE_SUBMIT && entry->event.priority != CORE_NORMAL;
    entry->event.priority = differs ? CORE_NORMAL : entry->event.priority;
    return differs;
}

static bool no_catalog(struct tape_entry *entry)
{
    bool differs = entry->event.is_catalog;
    entry->event.is_catalog = false;
    return differs;
}

static bool without_rows(struct tape_entry *entry)
{
    struct core_event *e = &entry->event;
    bool differs = e->rows > 0 || e->bytes > 0 || e->rows_max > 0;
    e->rows = e->bytes = e->rows_max = 0;
    return differs;
}

static bool done_cleanly(struct tape_entry *entry)
{
    struct core_event *e = &entry->event;
    bool differs = e->kind == CORE_DONE && (!e->clean || e->moved);
    e->clean = differs || e->clean;
    e->moved = e->moved && !differs;
    return differs;
}

static bool in_time(struct tape_entry *entry)
{
    bool differs = entry->is_late;
    entry->is_late = false;
    return differs;
}

/* All events at once, then each alone. */
static bool simplify(struct search *s, bool (*simpler)(struct tape_entry *))
{
    uint32_t differ = 0;
    bool changed = false;
    tape_copy(&s->next, &s->best);
    for (uint32_t i = 0; i < s->next.len; i++) {
        differ += simpler(&s->next.at[i]);
    }
    if (differ == 0 || fails_alike(s)) {
        return differ > 0;
    }
    for (uint32_t i = 0; differ > 1 && i < s->best.len; i++) {
        tape_copy(&s->next, &s->best);
        changed = (simpler(&s->next.at[i]) && fails_alike(s)) || changed;
    }
    return changed;
}

static bool simplify_events(struct search *s)
{
    static bool (*const simpler[])(struct tape_entry *) = {without_context,
        without_session, of_first_principal, of_first_client, on_first_profile,
        with_normal_priority, no_catalog, without_rows, done_cleanly, in_time,
        with_round_timeout, just_stored, as_tick};
    bool changed = false;
    for (size_t i = 0; i < ARRAY_LEN(simpler); i++) {
        changed = simplify(s, simpler[i]) || changed;
    }
    /* What has no limit may never end, and the last oracle would bark at that. */
    return (s->best.end_ns == 0 && simplify(s, without_timeout)) || changed;
}

/* ---- usual limits, shorter waits ---- */

static bool try_limit(struct search *s, uint32_t which, uint64_t value)
{
    tape_copy(&s->next, &s->best);
    story_limit_set(&s->next.limits, which, value);
    return fails_alike(s);
}

/* The usual one, or else a small one, or else a round one. */
static bool simplify_limit(struct search *s, uint32_t which)
{
    static const uint64_t small_ms[] = {1, 10, 100, 1000, 10000};
    struct story_limit limit = {0};
    bool differs =
        story_limit_get(&s->best.limits, which, &limit) && limit.value != limit.usual;
    if (s->best.end_ns > 0 && limit.is_time) {
        return false; /* until the end all times have to pass */
    }
    bool changed = differs && try_limit(s, which, limit.usual);
    for (size_t i = 0; differs && !changed && i < ARRAY_LEN(small_ms); i++) {
        uint64_t small = limit.is_time ? sim_ms(small_ms[i]) : i + 1;
        changed = small < limit.value && try_limit(s, which, small);
    }
    uint64_t round_ns = limit.value;
    if (differs && !changed && limit.is_time && rounded(&round_ns)) {
        changed = try_limit(s, which, round_ns);
    }
    return changed;
}

static bool simplify_limits(struct search *s)
{
    struct story usual;
    bool changed = false;
    story_defaults(&usual);
    for (uint32_t i = 0; i < STORY_LIMITS_END; i++) {
        changed = simplify_limit(s, i) || changed;
    }
    if (s->best.boot_ns != usual.boot_ns) {
        tape_copy(&s->next, &s->best);
        s->next.boot_ns = usual.boot_ns;
        changed = fails_alike(s) || changed;
    }
    return changed;
}

/* The wait before event @at becomes @wait_ns, and all that follows comes earlier. */
static bool shorten(struct search *s, uint32_t at, uint64_t wait_ns)
{
    uint64_t before_ns = at > 0 ? s->best.at[at - 1].at_ns : 0;
    uint64_t less_ns = s->best.at[at].at_ns - before_ns - wait_ns;
    tape_copy(&s->next, &s->best);
    for (uint32_t i = at; i < s->next.len; i++) {
        s->next.at[i].at_ns -= less_ns;
    }
    s->next.end_ns -= s->next.end_ns > 0 ? less_ns : 0;
    return fails_alike(s);
}

static bool shorten_waits(struct search *s)
{
    static const uint64_t waits_ms[] = {0, 1, 10, 100, 1000, 10000};
    static const uint64_t units_ms[] = {1000, 100, 10, 1};
    bool changed = false;
    for (uint32_t at = 0; at < s->best.len; at++) {
        uint64_t before_ns = at > 0 ? s->best.at[at - 1].at_ns : 0;
        uint64_t wait_ns = s->best.at[at].at_ns - before_ns;
        bool done = false;
        for (size_t i = at > 0; !done && i < ARRAY_LEN(waits_ms); i++) {
            done = sim_ms(waits_ms[i]) < wait_ns && shorten(s, at, sim_ms(waits_ms[i]));
        }
        for (size_t i = 0; !done && i < ARRAY_LEN(units_ms); i++) {
            uint64_t rounded_ns = wait_ns - wait_ns % sim_ms(units_ms[i]);
            done = rounded_ns > 0 && rounded_ns < wait_ns && shorten(s, at, rounded_ns);
        }
        changed = changed || done;
    }
    return changed;
}

static void search(struct search *s)
{
    cut_in_halves(s);
    bool changed = true;
    for (uint32_t round = 0; changed && round < ROUNDS_MAX; round++) {
        changed = cut(s, 1);
        changed = simplify_limits(s) || changed;
        changed = simplify_events(s) || changed;
        changed = shorten_waits(s) || changed;
    }
}

/* ---- what is told ---- */

static bool write_story(const char *path, struct str text)
{
    FILE *file = fopen(path, "wb");
    if (!file) {
        return false;
    }
    bool ok = fwrite(text.ptr, 1, text.len, file) == text.len;
    return fclose(file) == 0 && ok;
}

static bool is_alike(const struct search *s, void (*run)(void *), char *path)
{
    struct verdict v = try_run(run, path);
    return strcmp(v.text, s->wanted.text) == 0;
}

/* How the written story can be replayed is not supposed but tried. */
static void tell_replay(const struct search *s, char *path)
{
    if (is_alike(s, story_play_run, path)) {
        fprintf(stderr, "replay: build/tests/story %s\n", path);
    } else if (is_alike(s, story_judge_run, path)) {
        fprintf(stderr, "an oracle barked; replay: build/tests/sim --story %s\n", path);
    } else {
        fprintf(stderr, "the story shows it, but does not bark by itself\n");
    }
}

static void tell(struct search *s, uint32_t recorded, char *path)
{
    char title[256];
    struct buf text = BUF_INIT(2 * TEXT_MAX);
    snprintf(title, sizeof(title),
        "Seed %" PRIu64 " of the simulator, shrunk from %" PRIu32 " events to %" PRIu32
        ".",
        s->seed, recorded, s->best.len);
    if (!tape_write(&s->best, title, &text) || !write_story(path, buf_str(&text))) {
        fprintf(stderr, "seed %" PRIu64 ": %s cannot be written\n", s->seed, path);
    } else {
        fprintf(stderr, STR_FMT, STR_ARG(buf_str(&text)));
        fprintf(stderr,
            "seed %" PRIu64 ": %" PRIu32 " of %" PRIu32 " events in %" PRIu32
            " tries, written to %s\n",
            s->seed, s->best.len, recorded, s->tries, path);
        tell_replay(s, path);
    }
    buf_free(&text);
}

void shrink(uint64_t seed, uint64_t actions, const char *directory)
{
    char path[PATH_MAX];
    struct search *s =
        mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT(s != MAP_FAILED);
    snprintf(path, sizeof(path), "%s/shrunk-%" PRIu64 ".story", directory, seed);
    s->seed = seed;
    s->actions = actions;
    s->until = clock_s() + SEARCH_S;
    s->wanted = try_run(record_best, s);
    uint32_t recorded = s->best.len;
    tape_trim(&s->best);
    tape_name(&s->best);
    tape_copy(&s->next, &s->best);
    if (s->wanted.text[0] == '\0' || s->best.is_full || recorded == 0) {
        fprintf(stderr, "seed %" PRIu64 ": %s\n", seed,
            s->best.is_full ? "too long to be shrunk" : "no event fails: not shrunk");
    } else if (!fails_alike(s)) {
        fprintf(stderr,
            "seed %" PRIu64
            ": its events alone do not fail in the same way: not shrunk\n",
            seed);
    } else {
        search(s);
        tell(s, recorded, path);
    }
    munmap(s, sizeof(*s));
}
