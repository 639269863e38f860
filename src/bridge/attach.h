// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Finds the daemon: connects to its socket, and starts one where there is none. Nothing
 * here waits: attach_try() is called again at .retry_at_ns. Between tries the waits grow;
 * a daemon is started at once, then less and less often.
 */
#include <stdint.h>

#include "base/assert.h"
#include "bridge/bridge.h"
#include "config/paths.h"

enum {
    ATTACH_PROBLEM_SIZE = 512
};

struct attach {
    struct paths paths; /* with --socket only .socket */
    bool may_start;
    char *program; /* owned */
    bool state_given;
    uint64_t retry_at_ns;
    uint64_t retry_wait_ns;
    uint64_t start_at_ns; /* no daemon is started before */
    uint64_t start_wait_ns;
    uint64_t up_at_ns;                 /* when the daemon answered; 0: it did not yet */
    char problem[ATTACH_PROBLEM_SIZE]; /* of the last try */
    char start_problem[ATTACH_PROBLEM_SIZE]; /* of the last start, "" when it worked */
};

/* False with a sentence in .problem: it will never work. */
MUST_USE bool attach_init(struct attach *attach, const struct bridge_options *options);
void attach_free(struct attach *attach);

/* A connected socket, non-blocking, for the caller to close; -1: not due or no daemon. */
int attach_try(struct attach *attach, uint64_t now_ns);

/* The daemon answered on the socket; it was lost again, or never answered (with
 * @problem). */
void attach_up(struct attach *attach, uint64_t now_ns);
void attach_lost(struct attach *attach, uint64_t now_ns, const char *problem);

/* Why there is no daemon, and what to do, in whole sentences. */
void attach_explain(const struct attach *attach, char *ret, size_t size);
