// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * From a seed that fails to a short story that fails in the same way: what the core was
 * told is recorded on a tape, tapes with less on them are tried, and the last one that
 * still fails is written down.
 */
#include "base/buf.h"
#include "sim.h"

enum {
    TAPE_MAX = 16384,
    VERDICT_MAX = 512,
    TEXT_MAX = 1 << 19,
};

/*
 * One event. Whom it concerns is kept by its cause, or as what a worker or connection
 * was, not by number: with other events gone the core gives other numbers.
 */
struct tape_entry {
    struct core_event event; /* LOAD: wall clocks are ages; news: with the profile */
    uint64_t at_ns;          /* since the tape's begin */
    uint32_t index;          /* in the recording */
    uint32_t of;     /* what opened its session or submitted its ticket, CORE_NONE */
    uint32_t behind; /* generations, of its worker or connection, */
    bool was_there;  /* which lived then, */
    bool was_up;
    bool is_late; /* something was due before it */
};

struct tape {
    struct core_limits limits;
    uint64_t boot_ns; /* at the begin */
    uint64_t end_ns;  /* played to the end, where the last oracle judges; 0: it was not */
    bool is_full;
    uint32_t len;
    struct tape_entry at[TAPE_MAX];
};

/*
 * shrink_tape.c. Records a run; does not return where an oracle barks. Plays a tape under
 * the oracles: what makes no sense any more is skipped, @given[i] says what was not.
 * tape_trim() leaves out ticks that come by themselves.
 */
void tape_record(struct tape *tape, uint64_t seed, uint64_t actions);
void tape_trim(struct tape *tape);
void tape_play(const struct tape *tape, bool *given,
    void (*on_event)(struct sim *, const struct core_event *),
    void (*on_answer)(struct sim *, const struct core_actions *), void *watcher);
void tape_copy(struct tape *to, const struct tape *from);

/*
 * shrink_try.c. Runs @run in a child, with limits on its time. What barked there, with
 * its place; "" when nothing did.
 */
struct verdict {
    char text[VERDICT_MAX];
};
struct verdict try_run(void (*run)(void *user), void *user);

/*
 * shrink_write.c. Makes the world's symbols those of a story, which has one name for
 * each. Appends such a tape as a story, up to where it barks; false: it is too long.
 */
void tape_name(struct tape *tape);
uint32_t tape_first_client(void);
bool tape_write(const struct tape *tape, const char *title, struct buf *ret);

/* shrink_story.c. Plays a story under the oracles of the simulator: for main(). */
int story_judge(const char *path);
/* The same without a word, for try_run(): under the oracles, or as tests/story does. */
void story_judge_run(void *path);
void story_play_run(void *path);

/* shrink.c. A seed that fails within @actions; writes DIRECTORY/shrunk-SEED.story. */
void shrink(uint64_t seed, uint64_t actions, const char *directory);
