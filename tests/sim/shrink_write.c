// SPDX-License-Identifier: Apache-2.0
/* A tape as a story: the events as the core was told, and what it answered. */
#include "shrink.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "story_play.h"

enum {
    LIMITS_LEN_MAX = 88,
    LINE_MAX = 1 << 14
};

/* Numbers of the world become symbols that do not overlap, so that each has one name. */
enum symbols {
    OF_PRINCIPALS = 0,
    OF_CLIENTS = 8,
    OF_CONTEXTS = 16
};

struct line {
    uint64_t at_ns;
    bool is_tick;
    bool is_late;
    bool is_answered;
    struct buf left;
    struct buf right;
};

/* Shared with the child that plays: it may end at any line. */
struct page {
    size_t len;
    size_t settled; /* of the lines before the present one */
    char text[TEXT_MAX];
};

struct writer {
    const struct tape *tape;
    struct page *page;
    struct story story;
    struct line line;
    bool given[TAPE_MAX];
};

void tape_name(struct tape *tape)
{
    for (uint32_t i = 0; i < tape->len; i++) {
        struct core_event *e = &tape->at[i].event;
        e->client += e->client > 0 ? (uint32_t)OF_CLIENTS : 0;
        for (uint32_t part = 0; part < CORE_PARTS; part++) {
            e->context.part[part] +=
                e->context.part[part] > 0 ? (uint32_t)OF_CONTEXTS : 0;
        }
        ASSERT(e->principal < OF_CLIENTS && e->client < OF_CONTEXTS);
    }
}

uint32_t tape_first_client(void)
{
    return OF_CLIENTS + 1;
}

static void name_symbols(struct story *s)
{
    for (uint32_t i = 1; i < STORY_NAMES_MAX; i++) {
        if (i <= OF_CLIENTS) {
            snprintf(s->names[i], STORY_NAME_LEN, "%c", (char)('a' + i - 1));
        } else if (i <= OF_CONTEXTS) {
            snprintf(s->names[i], STORY_NAME_LEN, "k%u", i - OF_CLIENTS);
        } else {
            snprintf(s->names[i], STORY_NAME_LEN, "x%u", i - OF_CONTEXTS);
        }
    }
    s->names_len = STORY_NAMES_MAX;
}

/* ---- lines ---- */

static void append(struct page *page, const struct buf *text)
{
    size_t room = TEXT_MAX - page->len;
    size_t len = text->len < room ? text->len : room;
    memcpy(page->text + page->len, text->ptr, len);
    page->len += len;
}

/* The present line stands on the page as far as it is known. */
static void put_present(struct writer *w)
{
    struct buf text = BUF_INIT(LINE_MAX);
    buf_put_str(&text, buf_str(&w->line.left));
    buf_puts(&text, " | ");
    buf_puts(&text, w->line.is_answered ? "" : "?");
    buf_put_str(&text, buf_str(&w->line.right));
    buf_putc(&text, '\n');
    w->page->len = w->page->settled;
    append(w->page, &text);
    buf_free(&text);
}

/* A tick that does nothing comes by itself, where the next line does not hold it off. */
static void settle(struct writer *w, uint64_t next_ns, bool next_is_late)
{
    struct line *l = &w->line;
    bool by_itself = l->is_tick && !l->is_late && next_ns > l->at_ns && !next_is_late &&
                     str_eq(buf_str(&l->right), STR("-"));
    if (by_itself) {
        w->page->len = w->page->settled;
    }
    w->page->settled = w->page->len;
    buf_clear(&l->left);
    buf_clear(&l->right);
}

static void begin_line(struct writer *w, uint64_t at_ns, bool is_late)
{
    settle(w, at_ns, is_late);
    w->line.at_ns = at_ns;
    w->line.is_tick = false;
    w->line.is_late = is_late;
    w->line.is_answered = false;
    w->story.now_ns = at_ns;
    story_print_time((int64_t)at_ns, &w->line.left);
    buf_puts(&w->line.left, is_late ? " late " : " ");
}

static void on_event(struct sim *s, const struct core_event *e)
{
    struct writer *w = s->watcher;
    w->story.core = s->core;
    if (e) {
        bool is_late = s->settled && core_deadline(s->core) < e->boot_ns;
        begin_line(w, e->boot_ns - w->tape->boot_ns, is_late);
        w->line.is_tick = e->kind == CORE_TICK;
        story_print_event(&w->story, e, &w->line.left);
    } else {
        const struct story_line look = {.what = STORY_FINISH};
        begin_line(w, s->now_ns - w->tape->boot_ns, false);
        w->line.is_answered = true;
        buf_puts(&w->line.left, "finish");
        story_print_look(&w->story, &look, &w->line.right);
    }
    put_present(w);
}

static void on_answer(struct sim *s, const struct core_actions *actions)
{
    struct writer *w = s->watcher;
    struct buf *out = &w->line.right;
    for (uint32_t i = 0; i < actions->len; i++) {
        enum core_action_kind kind = actions->at[i].kind;
        if (kind != CORE_HOLD && kind != CORE_RELEASE) {
            buf_puts(out, out->len > 0 ? "; " : "");
            story_print_action(&w->story, &actions->at[i], out);
        }
    }
    buf_puts(out, out->len > 0 ? "" : "-");
    w->line.is_answered = true;
    put_present(w);
}

static void run(void *user)
{
    struct writer *w = user;
    story_defaults(&w->story);
    w->story.limits = w->tape->limits;
    w->story.boot_ns = w->tape->boot_ns;
    name_symbols(&w->story);
    w->line.left = BUF_INIT(LINE_MAX);
    w->line.right = BUF_INIT(LINE_MAX);
    tape_play(w->tape, w->given, on_event, on_answer, w);
}

/* ---- the whole ---- */

static void put_limits(const struct tape *tape, struct buf *out)
{
    struct story story;
    struct buf words = BUF_INIT(LINE_MAX);
    size_t used = 0;
    story_defaults(&story);
    story.limits = tape->limits;
    story.boot_ns = tape->boot_ns;
    story_print_limits(&story, &words);
    struct str rest = buf_str(&words);
    for (struct str word; word = story_word(&rest), word.len > 0;) {
        if (used == 0 || used + 1 + word.len > LIMITS_LEN_MAX) {
            buf_puts(out, used == 0 ? "limits" : "\nlimits");
            used = 6;
        }
        buf_printf(out, " " STR_FMT, STR_ARG(word));
        used += 1 + word.len;
    }
    buf_puts(out, used > 0 ? "\n" : "");
    buf_free(&words);
}

bool tape_write(const struct tape *tape, const char *title, struct buf *ret)
{
    static struct writer w;
    struct buf text = BUF_INIT(2 * TEXT_MAX);
    struct page *page = mmap(
        NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT(page != MAP_FAILED);
    w = (struct writer){.tape = tape, .page = page};
    struct verdict verdict = try_run(run, &w);
    buf_printf(&text, "# %s\n", title);
    put_limits(tape, &text);
    buf_put(&text, page->text, page->len);
    buf_printf(&text, "# Here %s\n", verdict.text[0] ? verdict.text : "nothing barked");
    story_align(buf_str(&text), ret);
    bool whole = page->len < TEXT_MAX && buf_ok(&text) && buf_ok(ret);
    munmap(page, sizeof(*page));
    buf_free(&text);
    return whole;
}
