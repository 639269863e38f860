// SPDX-License-Identifier: Apache-2.0
/* `snowmux kill-session`: ends sessions, and waits until the store has forgotten them. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <yyjson.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/commands.h"

enum { WAIT_S_MAX = 30, PAUSE_MS = 20 };

/* "ending", "gone", or a sentence; lives as long as @answer. */
static struct str state_of(yyjson_doc *doc)
{
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *state = yyjson_obj_get(root, "state");
    yyjson_val *message = state ? state : yyjson_obj_get(root, "message");
    return message ? str_of(yyjson_get_str(message)) : STR("the daemon's answer is no answer");
}

static void pause_shortly(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_MS * (long)NS_PER_MS};
    nanosleep(&pause, NULL);
}

/* Asks until the session is gone. False: it was said why not. */
static bool end_one(int fd, const char *handle, struct buf *answer)
{
    struct buf line = BUF_INIT(4096);
    uint64_t until_ns = clock_boot_ns() + WAIT_S_MAX * NS_PER_S;
    bool was_there = false;
    bool is_over = false;
    bool ok = true;
    buf_puts(&line, "{\"snowmux\":\"kill-session\",\"session\":");
    buf_put_json(&line, str_of(handle));
    buf_puts(&line, "}\n");
    while (ok && !is_over) {
        ok = ask(fd, buf_str(&line), answer);
        yyjson_doc *doc = ok ? yyjson_read(answer->ptr, answer->len, 0) : NULL;
        struct str state = state_of(doc);
        if (ok && str_eq(state, STR("gone"))) {
            is_over = true;
            ok = was_there;
            fprintf(ok ? stdout : stderr, ok ? "%s ended\n" : "snowmux: there is no session %s\n",
                handle);
        } else if (ok && str_eq(state, STR("ending")) && clock_boot_ns() < until_ns) {
            was_there = true;
            pause_shortly();
        } else if (ok) {
            ok = false;
            fprintf(stderr, "snowmux: %s: " STR_FMT "\n", handle, STR_ARG(state));
        }
        yyjson_doc_free(doc);
    }
    buf_free(&line);
    return ok;
}

int command_kill_session(const struct options *options)
{
    static struct config config;
    static struct paths paths;
    struct buf answer = BUF_INIT(ASK_ANSWER_MAX);
    if (!options_load(options, &config, &paths)) {
        return 1;
    }
    int fd = ask_dial(paths.socket);
    bool ok = fd >= 0;
    for (uint32_t i = 0; fd >= 0 && i < options->session_count; i++) {
        ok = end_one(fd, options->session[i], &answer) && ok;
    }
    if (fd >= 0) {
        close(fd);
    }
    buf_free(&answer);
    config_free(&config);
    return ok ? 0 : 1;
}
