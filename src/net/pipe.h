// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Lines over a Unix socket, on a libuv loop (one thread). A line ends with '\n'; the last
 * bytes of a connection, without one, are dropped. A line may hold PIPE_LINE_MAX bytes; a
 * longer one closes the connection.
 */
#include <uv.h>

#include "base/assert.h"
#include "base/str.h"

struct pipe_server;
struct pipe_conn;

enum { PIPE_LINE_MAX = 1024 * 1024 + 64 * 1024 };

struct pipe_handler {
    void *ctx;
    /* @line is without its '\n' and lives during the call. */
    void (*line)(void *ctx, struct pipe_conn *conn, struct str line);
    /*
     * Called once for each connection, from the loop, whoever closed it and even if no
     * line ever came; then the connection is dead.
     */
    void (*closed)(void *ctx, struct pipe_conn *conn, void *user);
};

/*
 * Listens at @path with mode 0600 (through the process's umask: call it before other
 * threads create files). A socket file that nobody answers is replaced; another server's
 * gives -EADDRINUSE, as does a file that is no socket. 0 or a negative errno; after an
 * error too the loop must run once more.
 */
MUST_USE int pipe_listen(struct pipe_server **ret, uv_loop_t *loop, const char *path,
    const struct pipe_handler *handler);

/* No new connections; removes the socket file. */
void pipe_server_stop_accepting(struct pipe_server *server);

/* Closes all; then @closed (may be NULL) is called and the server is freed. */
void pipe_server_close(struct pipe_server *server, void (*closed)(void *ctx), void *ctx);

/*
 * Sends a line; @line holds no '\n'. Copies what the socket does not take at once. Past
 * 64 MiB of unread bytes the connection is closed. Nothing happens after pipe_close.
 */
void pipe_send(struct pipe_conn *conn, struct str line);
size_t pipe_pending_bytes(const struct pipe_conn *conn);

/* Takes no more lines, sends what is pending, closes. */
void pipe_close(struct pipe_conn *conn);

void pipe_set_user(struct pipe_conn *conn, void *user);
void *pipe_user(const struct pipe_conn *conn);

/* The user who connected; false when the kernel does not tell. */
bool pipe_peer_uid(const struct pipe_conn *conn, uint32_t *ret_uid);
