// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What passes between client and daemon, as lines in and lines out: no descriptor and no
 * clock is known here. The caller moves the bytes and says when a connection came and
 * went.
 */
#include "base/assert.h"
#include "base/str.h"
#include "bridge/lines.h"
#include "bridge/pending.h"

enum {
    RELAY_SESSION_SIZE = 64,
    RELAY_PROBLEM_SIZE = 1024
};

enum relay_link {
    RELAY_DOWN,
    RELAY_GREETING, /* connected, the daemon's hello has not come */
    RELAY_UP,
    RELAY_REFUSED, /* for good */
};

struct relay {
    const char *instance; /* borrowed */
    enum relay_link link;
    bool has_left;     /* the client; nothing is offered again */
    bool has_given_up; /* until the next hello, requests are answered with .problem */
    char session[RELAY_SESSION_SIZE];
    char problem[RELAY_PROBLEM_SIZE];
    uint64_t errors; /* requests answered with one here */
    struct pending pending;
    struct line_queue to_client;
    struct line_queue own;       /* ours to the daemon, before the client's */
    struct line_queue to_daemon; /* the client's */
};

void relay_init(struct relay *relay, const char *instance);
void relay_free(struct relay *relay);

/* Is there room for what reading once may bring? */
bool relay_wants_client(const struct relay *relay);
bool relay_wants_daemon(const struct relay *relay);

/* Shaped for line_handler; @ctx is the relay. From the daemon false: break the
 * connection. */
bool relay_client_line(void *ctx, struct str line);
bool relay_client_too_long(void *ctx);
bool relay_daemon_line(void *ctx, struct str line);
bool relay_daemon_too_long(void *ctx);

void relay_connected(struct relay *relay);
void relay_broken(struct relay *relay);

/* Answers all requests with @problem, now and until a daemon is there. */
void relay_give_up(struct relay *relay, const char *problem);

/* The client has gone: the daemon is told, nothing else will be. */
void relay_bye(struct relay *relay);

/* The queue to write to the daemon from, or NULL; to be asked anew after each write. */
struct line_queue *relay_daemon_queue(struct relay *relay);

/* Puts answers to lost requests into the client's queue, as far as there is room. */
void relay_answer_lost(struct relay *relay);

/* False: no memory was left for a line. */
bool relay_ok(const struct relay *relay);
