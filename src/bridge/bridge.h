// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * `snowmux stdio`: what a desktop client starts. Standard input and output carry MCP, one
 * message a line; behind it is the daemon's Unix socket. The bridge starts a daemon when
 * there is none, and when the daemon goes away it comes back to the next one, so that the
 * client notices a delay at most.
 *
 * The socket carries the same lines, and lines of our own, known by their first key:
 *
 *   bridge to daemon, first of all
 *     {"snowmux":"hello","version":1,"instance":"...","session":"s_..." or null}
 *       instance: --name, or a hash of the working directory: it tells clients of one
 *       name apart. session: the one of the connection before, to go on with it.
 *   daemon to bridge, first of all
 *     {"snowmux":"hello","version":1,"resumed":true or false}
 *       resumed: the named session goes on. Otherwise the bridge offers its `initialize`
 *       again (see below), if it had one.
 *     {"snowmux":"refused","message":"..."} and the connection ends: not to be repeated
 *   daemon to bridge, whenever a session was opened for this connection
 *     {"snowmux":"session","session":"s_..."}
 *   bridge to daemon, after a reconnection
 *     {"snowmux":"again","message":{...}}
 *       a request that was sent before and was not answered: `initialize` first. The
 *       daemon decides whether it may run twice. The bridge swallows the answer to an
 *       `initialize` whose answer the client has had.
 *   bridge to daemon, when the client closed its input
 *     {"snowmux":"bye"}
 *       what still runs for it is cancelled
 *
 * A daemon is started as `PROGRAM serve --background [--state DIR] [--config FILE]`, in a
 * session of its own, its output appended to snowmux.log in the state directory. Of several
 * started at once all but one find the lock of the state directory taken and leave.
 *
 * Unanswered requests are kept up to 1 MB; beyond it a request that gets lost is answered
 * with an error which says so. Exit: 0 at the end of input, 1 when no daemon can be had.
 */

struct bridge_options {
    const char *program;        /* to start a daemon with: this program's own path */
    const char *state_or_null;  /* --state, handed on to the daemon */
    const char *config_or_null; /* --config, handed on to the daemon */
    const char *socket_or_null; /* --socket: this daemon and no other; none is started */
    const char *name_or_null;   /* --name */
};

/* Runs until the client closes its input; returns the exit status. */
int bridge_run(const struct bridge_options *options);
