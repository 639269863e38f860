// SPDX-License-Identifier: Apache-2.0
/*
 * Plays stories against the core and compares, or with --update rewrites, their right
 * side: story [--update] FILE_OR_DIRECTORY ...
 */
#include "story.h"

#include <dirent.h>
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
    struct buf actual; /* actions of the last step */
    struct buf out;    /* the file as --update writes it */
    size_t column;     /* of the right side */
    void *memory;
    unsigned steps;
    bool update;
    bool differs;
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

static void put_updated(struct play *p, struct str left, struct str actions)
{
    size_t at = p->out.len;
    put_left(left, &p->out);
    do {
        struct str action = next_action(&actions);
        size_t used = p->out.len - at;
        if (used > p->column && used + 2 + action.len > LINE_LEN_MAX) {
            buf_putc(&p->out, '\n');
            at = p->out.len;
            used = 0;
        }
        if (used <= p->column) {
            buf_printf(&p->out, "%*s| ", (int)(p->column - used), "");
        } else {
            buf_puts(&p->out,
                str_find((struct str){p->out.ptr + at, used}, '|') < 0 ? " | " : "; ");
        }
        buf_put_str(&p->out, action);
    } while (actions.len > 0);
    buf_putc(&p->out, '\n');
}

static void mismatch(struct play *p, int line, struct str left, struct str expected)
{
    p->differs = true;
    if (p->update) {
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
    bool same = str_eq(expected, actual);
    if (!same) {
        mismatch(p, line, left, expected);
    }
    bool is_tick = left.len > 4 && str_eq(str_from(left, left.len - 4), STR("tick"));
    if (same || !is_tick || !str_eq(actual, STR("-"))) {
        put_updated(p, left, actual);
    }
}

static void step(struct play *p, const struct story_line *line)
{
    struct core_actions actions;
    buf_clear(&p->actual);
    p->story.now_ns = line->at_ns;
    if (line->what != STORY_EVENT) {
        story_print_look(&p->story, line, &p->actual);
        return;
    }
    core_step(p->story.core, &line->event, &actions);
    core_check(p->story.core);
    p->steps++;
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
            .wall_ns = p->story.wall_ns + tick.at_ns};
        step(p, &tick);
        if (str_eq(buf_str(&p->actual), STR("-"))) {
            continue;
        }
        struct buf left = BUF_INIT(64);
        story_print_time((int64_t)tick.at_ns, &left);
        buf_puts(&left, " tick");
        mismatch(p, p->reader.line, buf_str(&left), STR("(no line before this one)"));
        put_updated(p, buf_str(&left), buf_str(&p->actual));
        buf_free(&left);
    }
}

static bool begin(struct play *p)
{
    struct story *s = &p->story;
    p->memory = calloc(1, core_size(&s->limits));
    if (!p->memory) {
        return false;
    }
    s->core = core_init(p->memory, &s->limits);
    return true;
}

/*
 * What comes before the line: all earlier deadlines, also a present one for a look, and
 * work left over from the last step, unless this very line is the tick that does it.
 */
static void ticks_before(struct play *p, const struct story_line *line)
{
    bool is_tick = str_eq(line->verb, STR("tick"));
    if (!is_tick || line->at_ns != p->story.now_ns) {
        tick_until(p, line->at_ns + str_eq(line->verb, STR("look")));
    }
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
    if (ok) {
        ticks_before(p, &parsed);
        ok = story_parse_event(&p->story, &parsed, ret_error);
    }
    if (ok) {
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
        if (!p->memory && !begin(p)) {
            buf_puts(ret_error, "no memory");
            return false;
        }
        return play_event(p, line, ret_error);
    }
    buf_put_str(&p->out, line);
    buf_putc(&p->out, '\n');
    struct str words = str_trim(line);
    if (!str_starts(words, STR("limits "))) {
        return true;
    }
    if (p->memory) {
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

/* False when the story differs from what the core did, and was not to be updated. */
static bool play_file(const char *path, bool update, unsigned *ret_steps)
{
    static struct play p;
    struct buf text = BUF_INIT(TEXT_MAX);
    struct buf error = BUF_INIT(4096);
    p = (struct play){
        .reader.path = path, .actual = BUF_INIT(TEXT_MAX), .out = BUF_INIT(TEXT_MAX)};
    p.update = update;
    story_defaults(&p.story);
    alarm(RUN_S);
    bool ok = read_file(path, &text);
    if (!ok) {
        buf_puts(&error, "cannot be read");
    }
    p.reader.rest = buf_str(&text);
    p.column = column_of(p.reader.rest);
    while (ok && p.reader.rest.len > 0) {
        ok = play_line(&p, &error);
    }
    if (ok && p.steps == 0) {
        buf_puts(&error, "a story needs an event");
        ok = false;
    }
    if (ok && update) {
        bool same = str_eq(buf_str(&p.out), buf_str(&text));
        ok = buf_ok(&p.out) && (same || write_file(path, buf_str(&p.out)));
        buf_puts(&error, ok ? "" : "cannot be written");
        p.differs = false;
    }
    if (!ok) {
        fprintf(stderr, "%s:%d: " STR_FMT "\n", path, p.reader.line,
            STR_ARG(buf_str(&error)));
    }
    *ret_steps += p.steps;
    alarm(0);
    free(p.memory);
    buf_free(&text);
    buf_free(&error);
    buf_free(&p.actual);
    buf_free(&p.out);
    return ok && !p.differs;
}

static int is_story(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".story") == 0;
}

/* Plays a file, or all stories of a directory in the order of their names. */
static unsigned play_path(
    const char *path, bool update, unsigned *ret_count, unsigned *ret_steps)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_story, alphasort);
    unsigned failed = 0;
    if (count < 0) {
        *ret_count += 1;
        return !play_file(path, update, ret_steps);
    }
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        failed += !play_file(file, update, ret_steps);
        *ret_count += 1;
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
    unsigned count = 0;
    unsigned steps = 0;
    unsigned failed = 0;
    signal(SIGABRT, on_crash);
    signal(SIGALRM, on_crash);
    for (int i = 1 + update; i < argc; i++) {
        failed += play_path(argv[i], update, &count, &steps);
    }
    if (count == 0) {
        fprintf(stderr, "usage: %s [--update] FILE_OR_DIRECTORY ...\n", argv[0]);
        return 2;
    }
    printf("story: %u stories, %u steps, %u differ\n", count, steps, failed);
    return failed > 0;
}
