// SPDX-License-Identifier: Apache-2.0
/* A story under the oracles of the simulator. */
#include "shrink.h"

#include <stdio.h>
#include <unistd.h>

#include "story_play.h"

static bool begin(void *user, struct story *story, struct buf *ret_error)
{
    struct sim *s = user;
    if (story->limits.sessions > SIM_SESSIONS || story->limits.tickets > SIM_TICKETS) {
        buf_printf(ret_error, "the oracles know %d sessions and %d tickets at most",
            SIM_SESSIONS, SIM_TICKETS);
        return false;
    }
    s->limits = story->limits;
    s->now_ns = story->boot_ns;
    sim_begin(s);
    story->core = s->core;
    return true;
}

static void step(void *user, const struct core_event *event, struct core_actions *ret)
{
    sim_step_once(user, event, ret);
}

static void finish(void *user)
{
    sim_finish(user);
}

static bool judge(const char *path, struct story_tally *tally)
{
    static struct sim s;
    const struct story_host host = {begin, step, finish, &s};
    s = (struct sim){0};
    bool ok = story_play(path, STORY_LISTEN, &host, tally);
    sim_end(&s);
    return ok;
}

int story_judge(const char *path)
{
    struct story_tally tally = {0};
    bool ok = judge(path, &tally);
    if (ok) {
        printf("sim: %u steps, %u lines differ; all oracles hold\n", tally.steps,
            tally.differences);
    }
    return ok ? 0 : 1;
}

void story_judge_run(void *path)
{
    struct story_tally tally = {0};
    _exit(judge(path, &tally) ? 0 : 1);
}

void story_play_run(void *path)
{
    struct story_tally tally = {0};
    _exit(story_play(path, STORY_LISTEN, NULL, &tally) ? 0 : 1);
}
