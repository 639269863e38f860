// SPDX-License-Identifier: Apache-2.0
#include "story_play.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TEXT_MAX = 1 << 20,
    RIGHT_COLUMN_MAX = 50,
    LINE_LEN_MAX = 90,
    RUN_S = 10
};

struct reader {
    const char *path;
    struct str rest;
    int line; /* the last one taken */
};

/* A file while it is played. */
struct play {
    struct story story;
    struct reader reader;
    const struct story_host *host;
    struct buf actual; /* actions of the last step */
    struct buf out;    /* the file as an update writes it */
    size_t column;     /* of the right side */
    struct story_tally tally;
    enum story_mode mode;
};

static char crash_note[512]; /* where the story stood when the core gave up or hung */

static void on_crash(int number)
{
    ssize_t ignored = write(STDERR_FILENO, crash_note, strlen(crash_note));
    (void)ignored;
    signal(number, SIG_DFL);
    raise(number);
}

static struct str peek_line(const struct reader *r)
{
    ptrdiff_t end = str_find(r->rest, '\n');
    return end < 0 ? r->rest : (struct str){r->rest.ptr, (size_t)end};
}

static struct str take_line(struct reader *r)
{
    struct str line = peek_line(r);
    r->rest = str_from(r->rest, line.len + (line.len < r->rest.len));
    r->line++;
    return line;
}

static bool is_event(struct str line)
{
    line = str_trim(line);
    return line.len > 0 && line.ptr[0] != '#' && !str_starts(line, STR("limits "));
}

/* What stands before the bar, and what behind it. */
static struct str left_of(struct str line, struct str *ret_right)
{
    ptrdiff_t bar = str_find(line, '|');
    struct str left = bar < 0 ? line : (struct str){line.ptr, (size_t)bar};
    *ret_right = bar < 0 ? STR("") : str_from(line, (size_t)bar + 1);
    return str_trim(left);
}

/* A left side with its time aligned. */
static void put_left(struct str left, struct buf *out)
{
    ptrdiff_t blank = str_find(left, ' ');
    size_t time_len = blank < 0 ? left.len : (size_t)blank;
    buf_printf(out, "%8.*s  " STR_FMT, (int)time_len, left.ptr,
        STR_ARG(str_trim(str_from(left, time_len))));
}

static struct str next_action(struct str *rest)
{
    ptrdiff_t end = str_find(*rest, ';');
    struct str action = end < 0 ? *rest : (struct str){rest->ptr, (size_t)end};
    *rest = str_from(*rest, action.len + (end >= 0));
    return str_trim(action);
}

/* Appends the actions of one line, without the blanks around them. */
static void put_expected(struct str right, struct buf *out)
{
    while (right.len > 0) {
        struct str action = next_action(&right);
        if (action.len > 0) {
            buf_puts(out, out->len > 0 ? "; " : "");
            buf_put_str(out, action);
        }
    }
}

/* All right sides start in one column, behind the longest left side. */
static size_t column_of(struct str text)
{
    struct reader r = {.rest = text};
    size_t column = 0;
    while (r.rest.len > 0) {
        struct str right;
        struct str line = take_line(&r);
        if (is_event(line)) {
            struct buf left = BUF_INIT(TEXT_MAX);
            put_left(left_of(line, &right), &left);
            column = left.len + 1 > column ? left.len + 1 : column;
            buf_free(&left);
        }
    }
    return column < RIGHT_COLUMN_MAX ? column : RIGHT_COLUMN_MAX;
}

static void put_line(size_t column, struct str left, struct str actions, struct buf *out)
{
    size_t at = out->len;
    put_left(left, out);
    do {
        struct str action = next_action(&actions);
        size_t used = out->len - at;
        if (used > column && used + 2 + action.len > LINE_LEN_MAX) {
            buf_putc(out, '\n');
            at = out->len;
            used = 0;
        }
        if (used <= column) {
            buf_printf(out, "%*s| ", (int)(column - used), "");
        } else {
            buf_puts(
                out, str_find((struct str){out->ptr + at, used}, '|') < 0 ? " | " : "; ");
        }
        buf_put_str(out, action);
    } while (actions.len > 0);
    buf_putc(out, '\n');
}

static void mismatch(struct play *p, int line, struct str left, struct str expected)
{
    p->tally.differences++;
    if (p->mode != STORY_COMPARE) {
        return;
    }
    fprintf(stderr,
        "%s:%d: " STR_FMT "\n  expected: " STR_FMT "\n  actual:   " STR_FMT "\n",
        p->reader.path, line, STR_ARG(left), STR_ARG(expected),
        STR_ARG(buf_str(&p->actual)));
}

/* The line with the actions as they are; a tick that acts no more is dropped. */
static void compare(struct play *p, int line, struct str left, struct str expected)
{
    struct str actual = buf_str(&p->actual);
    bool same = str_eq(expected, actual) ||
                (str_eq(expected, STR("?")) && p->mode != STORY_UPDATE);
    if (!same) {
        mismatch(p, line, left, expected);
    }
    bool is_tick = left.len > 4 && str_eq(str_from(left, left.len - 4), STR("tick"));
    if (same || !is_tick || !str_eq(actual, STR("-"))) {
        put_line(p->column, left, actual, &p->out);
    }
}

static void step(struct play *p, const struct story_line *line)
{
    struct core_actions actions;
    buf_clear(&p->actual);
    p->story.now_ns = line->at_ns;
    if (line->what == STORY_SET_CLOCK) {
        p->story.wall_set_ns = line->event.wall_ns - p->story.wall_ns - line->at_ns;
        buf_putc(&p->actual, '-');
        return;
    }
    if (line->what != STORY_EVENT) {
        story_print_look(&p->story, line, &p->actual);
        if (line->what == STORY_FINISH && p->host->finish) {
            p->host->finish(p->host->user);
        }
        return;
    }
    p->tally.steps++;
    p->host->step(p->host->user, &line->event, &actions);
    uint32_t told = 0;
    for (uint32_t i = 0; i < actions.len; i++) {
        enum core_action_kind kind = actions.at[i].kind;
        if (kind == CORE_HOLD || kind == CORE_RELEASE) {
            continue; /* of every newcomer: they say nothing here */
        }
        buf_puts(&p->actual, told++ > 0 ? "; " : "");
        story_print_action(&p->story, &actions.at[i], &p->actual);
    }
    if (told == 0) {
        buf_putc(&p->actual, '-');
    }
}

/* A tick may act only when it was asked for. */
static void step_tick(struct play *p, const struct story_line *line)
{
    bool asked = core_deadline(p->story.core) <= p->story.boot_ns + line->at_ns;
    step(p, line);
    if (!asked && !str_eq(buf_str(&p->actual), STR("-"))) {
        buf_puts(&p->actual, " (no deadline had asked for this tick)");
    }
}

/* Ticks of which the file has no line: only those that do nothing may pass in silence. */
static void tick_until(struct play *p, uint64_t until_ns)
{
    for (;;) {
        uint64_t due_ns = core_deadline(p->story.core);
        struct story_line tick = {.at_ns = p->story.now_ns};
        if (due_ns > p->story.boot_ns + tick.at_ns) {
            if (due_ns == CORE_NEVER || due_ns - p->story.boot_ns >= until_ns) {
                return;
            }
            tick.at_ns = due_ns - p->story.boot_ns;
        }
        tick.event = (struct core_event){.kind = CORE_TICK,
            .boot_ns = p->story.boot_ns + tick.at_ns,
            .wall_ns = p->story.wall_ns + p->story.wall_set_ns + tick.at_ns};
        step(p, &tick);
        if (str_eq(buf_str(&p->actual), STR("-"))) {
            continue;
        }
        struct buf left = BUF_INIT(64);
        story_print_time((int64_t)tick.at_ns, &left);
        buf_puts(&left, " tick");
        mismatch(p, p->reader.line, buf_str(&left), STR("(no line before this one)"));
        put_line(p->column, buf_str(&left), buf_str(&p->actual), &p->out);
        buf_free(&left);
    }
}

/*
 * What comes before the line: all earlier deadlines unless it is late, also a present one
 * for a look, and work left over from the last step, unless this very line is the tick
 * that does it.
 */
static void ticks_before(struct play *p, const struct story_line *line)
{
    bool is_tick = str_eq(line->verb, STR("tick"));
    if (line->is_late) {
        tick_until(p, p->story.now_ns);
    } else if (!is_tick || line->at_ns != p->story.now_ns) {
        bool looks = str_eq(line->verb, STR("look")) || str_eq(line->verb, STR("finish"));
        tick_until(p, line->at_ns + looks);
    }
}

/* Where the core went another way, what a line names may not be there any more. */
static bool skip(struct play *p, int number, struct str left, struct buf *error)
{
    if (p->tally.differences == 0 || p->mode == STORY_UPDATE) {
        return false;
    }
    buf_clear(&p->actual);
    buf_printf(&p->actual, "(skipped: " STR_FMT ")", STR_ARG(buf_str(error)));
    mismatch(p, number, left, STR("the event"));
    buf_clear(error);
    return true;
}

static bool play_event(struct play *p, struct str line, struct buf *ret_error)
{
    struct str right;
    struct str left = left_of(line, &right);
    struct buf expected = BUF_INIT(TEXT_MAX);
    struct story_line parsed;
    int number = p->reader.line;
    put_expected(right, &expected);
    while (str_starts(str_trim(peek_line(&p->reader)), STR("|"))) {
        (void)left_of(take_line(&p->reader), &right);
        put_expected(right, &expected);
    }
    snprintf(crash_note, sizeof(crash_note),
        "%s:%d: the core gave up or hung here: " STR_FMT "\n", p->reader.path, number,
        STR_ARG(left));
    bool ok = story_parse_time(&p->story, left, &parsed, ret_error);
    bool known = false;
    if (ok) {
        ticks_before(p, &parsed);
        known = story_parse_event(&p->story, &parsed, ret_error);
        ok = known || skip(p, number, left, ret_error);
    }
    if (known) {
        bool is_tick = parsed.what == STORY_EVENT && parsed.event.kind == CORE_TICK;
        if (is_tick) {
            step_tick(p, &parsed);
        } else {
            step(p, &parsed);
        }
        compare(p, number, left, buf_str(&expected));
    }
    buf_free(&expected);
    return ok;
}

static bool play_line(struct play *p, struct buf *ret_error)
{
    struct str line = take_line(&p->reader);
    if (is_event(line)) {
        bool begun = p->story.core || p->host->begin(p->host->user, &p->story, ret_error);
        return begun && play_event(p, line, ret_error);
    }
    buf_put_str(&p->out, line);
    buf_putc(&p->out, '\n');
    struct str words = str_trim(line);
    if (!str_starts(words, STR("limits "))) {
        return true;
    }
    if (p->story.core) {
        buf_puts(ret_error, "limits stand before the first event");
        return false;
    }
    return story_parse_limits(&p->story, str_from(words, 7), ret_error);
}

static bool read_file(const char *path, struct buf *ret)
{
    char chunk[4096];
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;) {
        buf_put(ret, chunk, n);
    }
    bool ok = !ferror(file) && buf_ok(ret);
    fclose(file);
    return ok;
}

static bool write_file(const char *path, struct str text)
{
    FILE *file = fopen(path, "wb");
    if (!file) {
        return false;
    }
    bool ok = fwrite(text.ptr, 1, text.len, file) == text.len;
    return fclose(file) == 0 && ok;
}

/* ---- a core of its own ---- */

struct own {
    void *memory;
    struct core *core;
};

static bool own_begin(void *user, struct story *story, struct buf *ret_error)
{
    struct own *own = user;
    own->memory = calloc(1, core_size(&story->limits));
    if (!own->memory) {
        buf_puts(ret_error, "no memory");
        return false;
    }
    own->core = story->core = core_init(own->memory, &story->limits);
    return true;
}

static void own_step(void *user, const struct core_event *event, struct core_actions *ret)
{
    struct own *own = user;
    core_step(own->core, event, ret);
    core_check(own->core);
}

/* ---- a file ---- */

static bool play_text(struct play *p, struct str text, struct buf *ret_error)
{
    bool ok = true;
    p->reader.rest = text;
    p->column = column_of(text);
    while (ok && p->reader.rest.len > 0) {
        ok = play_line(p, ret_error);
    }
    if (ok && p->tally.steps == 0) {
        buf_puts(ret_error, "a story needs an event");
        ok = false;
    }
    if (ok && p->mode == STORY_UPDATE) {
        bool same = str_eq(buf_str(&p->out), text);
        ok = buf_ok(&p->out) && (same || write_file(p->reader.path, buf_str(&p->out)));
        buf_puts(ret_error, ok ? "" : "cannot be written");
    }
    return ok;
}

bool story_play(const char *path, enum story_mode mode, const struct story_host *host,
    struct story_tally *tally)
{
    static struct play p;
    struct own own = {0};
    const struct story_host own_host = {own_begin, own_step, NULL, &own};
    struct buf text = BUF_INIT(TEXT_MAX);
    struct buf error = BUF_INIT(4096);
    p = (struct play){.reader.path = path,
        .host = host ? host : &own_host,
        .actual = BUF_INIT(TEXT_MAX),
        .out = BUF_INIT(TEXT_MAX),
        .mode = mode};
    story_defaults(&p.story);
    crash_note[0] = '\0';
    signal(SIGABRT, on_crash);
    signal(SIGALRM, on_crash);
    alarm(RUN_S);
    bool ok = read_file(path, &text);
    if (!ok) {
        buf_puts(&error, "cannot be read");
    }
    ok = ok && play_text(&p, buf_str(&text), &error);
    if (!ok) {
        fprintf(stderr, "%s:%d: " STR_FMT "\n", path, p.reader.line,
            STR_ARG(buf_str(&error)));
    }
    tally->steps += p.tally.steps;
    tally->differences += p.tally.differences;
    alarm(0);
    free(own.memory);
    buf_free(&text);
    buf_free(&error);
    buf_free(&p.actual);
    buf_free(&p.out);
    return ok;
}

void story_align(struct str text, struct buf *out)
{
    struct reader r = {.rest = text};
    size_t column = column_of(text);
    while (r.rest.len > 0) {
        struct str right;
        struct str line = take_line(&r);
        if (is_event(line)) {
            struct str left = left_of(line, &right);
            put_line(column, left, right, out);
        } else {
            buf_put_str(out, line);
            buf_putc(out, '\n');
        }
    }
}
