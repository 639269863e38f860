// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A story: events under virtual time on the left, the core's actions on the right.
 *
 *   # What happens, in a sentence or two.
 *   limits slots=1 cancel=50ms
 *      0ms  submit #1 a/a1 db=x      | spawn W0@1
 *     10ms  up W0                    | connect L0@1 on W0
 *     20ms  up L0                    | start #1 on L0 db=x set db
 *     30ms  tick                     | grace #1
 *
 * Names: s0 session, #1 ticket, W0 worker, L0 connection, p0 profile, r1 the word of a
 * request, a/a1 principal and client, role= wh= db= schema= the context, "default" the
 * empty one. W0 and L0 mean the generation last spawned or connected; W0@1 and L0@1 mean
 * that very one.
 * Times count from the story's begin; units are ns, us, ms, s, m and h.
 *
 * The limits come first, by the fields of struct core_limits without their "_ns";
 * "slots", "conns_per_worker" and "conn_idle" hold for all profiles, "p1.slots" for one,
 * and "boot" is the boot clock at the begin. What is not named has a small default, but
 * nobody falls asleep unless "sleep" says so.
 *
 * Deadlines before a line's time are met by ticks of their own; when such a tick acts,
 * the story has a line for it. A deadline at a line's very time is due work of that
 * line's own step, unless a tick stands before it. "look" steps nothing: it shows a
 * session, where a ticket stands, or the pool; "finish" shows the pool, too, and says that
 * nothing is to be left. "clock +1h" sets the wall clock. "late" before a verb means that
 * the loop was busy: what was due meanwhile is found after that event. Actions are
 * separated by semicolons, "-" is none, "?" is what nobody has said yet; a line that begins
 * with a bar continues the actions of the one above.
 */
#include "base/buf.h"
#include "base/str.h"
#include "core/core.h"

enum {
    STORY_NAMES_MAX = 64,
    STORY_NAME_LEN = 24
};

struct story {
    struct core *core;
    struct core_limits limits;
    uint64_t boot_ns; /* the clocks at the story's begin */
    uint64_t wall_ns;
    uint64_t wall_set_ns;                     /* what it was set ahead since then */
    uint64_t now_ns;                          /* since then */
    uint32_t conn_generation[CORE_CONNS_MAX]; /* the last begun, 0 = none */
    uint32_t worker_generation[CORE_WORKERS_MAX];
    char names[STORY_NAMES_MAX][STORY_NAME_LEN]; /* by symbol; 0 is no name */
    uint32_t names_len;
};

enum story_what {
    STORY_EVENT,
    STORY_LOOK_SESSION,
    STORY_LOOK_TICKET,
    STORY_LOOK_POOL,
    STORY_FINISH,    /* a look at the pool; who judges expects it empty */
    STORY_SET_CLOCK, /* the event's wall clock is what it is set to */
};

struct story_line {
    uint64_t at_ns; /* since the story's begin */
    bool is_late;
    struct str verb;
    struct str operands;
    enum story_what what;
    struct core_event event;
};

extern const char *const story_parts[CORE_PARTS]; /* the names of the context's parts */

/*
 * The words of one line; false with a sentence in @ret_error when they make no sense.
 * An event comes in two parts: its time and verb, then, when the ticks before it are done
 * and what its operands name is known, the event.
 */
bool story_parse_time(const struct story *story, struct str words, struct story_line *ret,
    struct buf *ret_error);
bool story_parse_event(
    struct story *story, struct story_line *line, struct buf *ret_error);

/* Appends one action or what is looked at; @story learns the generations begun. */
void story_print_action(
    struct story *story, const struct core_action *action, struct buf *out);
/* Appends the verb and operands of @event, as story_parse_event() reads them now. */
void story_print_event(
    const struct story *story, const struct core_event *event, struct buf *out);
void story_print_look(
    const struct story *story, const struct story_line *line, struct buf *out);
void story_print_time(int64_t ns, struct buf *out);

/* Words: the next one; "key=value" around @sign; a number below @below; a time. */
struct str story_word(struct str *rest);
bool story_split(
    struct str word, char sign, struct str *ret_left, struct str *ret_right);
bool story_parse_u32(struct str word, uint32_t below, uint32_t *ret);
bool story_parse_duration(struct str word, uint64_t *ret_ns);

/* story_limits.c. Limits and clocks of a story that names none. */
void story_defaults(struct story *story);
bool story_parse_limits(struct story *story, struct str words, struct buf *ret_error);
/* Appends those that differ from the defaults, a blank before each. */
void story_print_limits(const struct story *story, struct buf *out);
/* The limits one by one, to STORY_LIMITS_END; false: there is none of this number. */
enum {
    STORY_LIMITS_END = 128
};
struct story_limit {
    uint64_t value;
    uint64_t usual; /* the default */
    bool is_time;
};
bool story_limit_get(
    const struct core_limits *limits, uint32_t which, struct story_limit *ret);
void story_limit_set(struct core_limits *limits, uint32_t which, uint64_t value);
