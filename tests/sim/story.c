// SPDX-License-Identifier: Apache-2.0
/*
 * Plays stories against the core and compares, or with --update rewrites, their right
 * side: story [--update] FILE_OR_DIRECTORY ...
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "story_play.h"

static int is_story(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".story") == 0;
}

/* False when it makes no sense, or differs from what the core did. */
static bool play_file(const char *path, bool update, unsigned *ret_steps)
{
    struct story_tally tally = {0};
    bool ok = story_play(path, update ? STORY_UPDATE : STORY_COMPARE, NULL, &tally);
    *ret_steps += tally.steps;
    return ok && (update || tally.differences == 0);
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
