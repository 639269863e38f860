// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Plays the story of a file, line by line, and compares its right side. */
#include "story.h"

enum story_mode {
    STORY_COMPARE, /* differences are told on stderr */
    STORY_UPDATE,  /* the file is written anew with what the core answered */
    STORY_LISTEN,  /* differences are counted only */
};

/* What a story is played against. */
struct story_host {
    /* Makes the core, now that the limits are known; false with a sentence. */
    bool (*begin)(void *user, struct story *story, struct buf *ret_error);
    void (*step)(void *user, const struct core_event *event, struct core_actions *ret);
    void (*finish)(void *user); /* or NULL: nobody judges */
    void *user;
};

struct story_tally {
    unsigned steps;
    unsigned differences; /* lines */
};

/*
 * Adds to @tally. False with a sentence on stderr when the file cannot be read or written
 * or makes no sense. Without a host the story meets a core of its own and core_check().
 * Where the core gives up, or hangs for 10 s, the line is told on stderr.
 */
bool story_play(const char *path, enum story_mode mode, const struct story_host *host,
    struct story_tally *tally);

/* Appends @text, a whole story, with its columns aligned and long right sides wrapped. */
void story_align(struct str text, struct buf *out);
