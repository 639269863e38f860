// SPDX-License-Identifier: Apache-2.0
#include "net/pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "net/peer.h"

enum {
    READ_SIZE = 64 * 1024,
    OUT_MAX = 64 * 1024 * 1024,
    BACKLOG = 128,
};

struct pipe_server {
    uv_pipe_t listener;
    struct pipe_handler handler;
    struct list conns;
    bool accepting;
    bool closing;
    bool listener_closed;
    void (*closed)(void *ctx);
    void *closed_ctx;
    char read_buf[READ_SIZE];
};

struct pipe_conn {
    uv_pipe_t pipe;
    uv_write_t req;
    struct pipe_server *server;
    struct list all;
    struct buf in;     /* the line so far */
    struct buf flight; /* libuv is sending these; none when empty */
    struct buf next;
    void *user;
    uint32_t peer_uid;
    bool peer_known;
    bool ending; /* pipe_close was called */
};

static bool is_closing(const struct pipe_conn *conn)
{
    return uv_is_closing((const uv_handle_t *)&conn->pipe);
}

static void release(struct pipe_server *server)
{
    if (!server->closing || !server->listener_closed || !list_is_empty(&server->conns)) {
        return;
    }
    if (server->closed) {
        server->closed(server->closed_ctx);
    }
    free(server);
}

static void on_conn_closed(uv_handle_t *handle)
{
    struct pipe_conn *conn = handle->data;
    struct pipe_server *server = conn->server;
    server->handler.closed(server->handler.ctx, conn, conn->user);
    list_remove(&conn->all);
    buf_free(&conn->in);
    buf_free(&conn->flight);
    buf_free(&conn->next);
    free(conn);
    release(server);
}

static void drop(struct pipe_conn *conn)
{
    if (!is_closing(conn)) {
        uv_close((uv_handle_t *)&conn->pipe, on_conn_closed);
    }
}

/* ---- sending ---- */

static void on_written(uv_write_t *req, int status);

static void start_flight(struct pipe_conn *conn)
{
    struct buf empty = conn->flight;
    conn->flight = conn->next;
    conn->next = empty;
    uv_buf_t buf = uv_buf_init(conn->flight.ptr, (unsigned)conn->flight.len);
    conn->req.data = conn;
    if (uv_write(&conn->req, (uv_stream_t *)&conn->pipe, &buf, 1, on_written) < 0) {
        drop(conn);
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct pipe_conn *conn = req->data;
    buf_free(&conn->flight);
    if (status < 0) {
        drop(conn);
    } else if (conn->next.len > 0) {
        start_flight(conn);
    } else if (conn->ending) {
        drop(conn);
    }
}

void pipe_send(struct pipe_conn *conn, struct str line)
{
    ASSERT(!memchr(line.ptr, '\n', line.len));
    if (conn->ending || is_closing(conn)) {
        return;
    }
    struct str parts[] = {line, STR("\n")};
    size_t sent = 0;
    if (conn->flight.len == 0) {
        uv_buf_t bufs[ARRAY_LEN(parts)];
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
            /* libuv does not write through this pointer. */
            union {
                const char *in;
                char *out;
            } p = {.in = parts[i].ptr};
            bufs[i] = uv_buf_init(p.out, (unsigned)parts[i].len);
        }
        int rc = uv_try_write((uv_stream_t *)&conn->pipe, bufs, ARRAY_LEN(parts));
        if (rc < 0 && rc != UV_EAGAIN) {
            drop(conn);
            return;
        }
        sent = rc > 0 ? (size_t)rc : 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t skip = sent < parts[i].len ? sent : parts[i].len;
        sent -= skip;
        buf_put_str(&conn->next, str_from(parts[i], skip));
    }
    if (!buf_ok(&conn->next) || pipe_pending_bytes(conn) > OUT_MAX) {
        log_event(LOG_WARN, "pipe_peer_too_slow", "pending=%zu",
            pipe_pending_bytes(conn));
        drop(conn);
    } else if (conn->flight.len == 0 && conn->next.len > 0) {
        start_flight(conn);
    }
}

size_t pipe_pending_bytes(const struct pipe_conn *conn)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&conn->pipe) +
        conn->next.len;
}

void pipe_close(struct pipe_conn *conn)
{
    conn->ending = true;
    if (conn->flight.len == 0) {
        drop(conn);
    }
}

/* ---- receiving ---- */

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    (void)hint;
    struct pipe_conn *conn = handle->data;
    *buf = uv_buf_init(conn->server->read_buf, READ_SIZE);
}

static void take_line(struct pipe_conn *conn, struct str piece)
{
    struct pipe_server *server = conn->server;
    if (conn->in.len == 0) {
        server->handler.line(server->handler.ctx, conn, piece);
        return;
    }
    buf_put_str(&conn->in, piece);
    if (buf_ok(&conn->in)) {
        server->handler.line(server->handler.ctx, conn, buf_str(&conn->in));
    }
}

static void on_bytes(struct pipe_conn *conn, struct str bytes)
{
    ptrdiff_t end;
    while (!conn->ending && !is_closing(conn) && (end = str_find(bytes, '\n')) >= 0) {
        take_line(conn, (struct str){bytes.ptr, (size_t)end});
        if (!buf_ok(&conn->in)) {
            break;
        }
        buf_free(&conn->in); /* an idle connection keeps no memory */
        bytes = str_from(bytes, (size_t)end + 1);
    }
    if (conn->ending || is_closing(conn)) {
        return;
    }
    buf_put_str(&conn->in, bytes);
    if (!buf_ok(&conn->in)) {
        log_event(LOG_WARN, "pipe_line_too_long", "max=%d", PIPE_LINE_MAX);
        drop(conn);
    }
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct pipe_conn *conn = stream->data;
    if (nread < 0) {
        drop(conn);
    } else if (nread > 0 && !conn->ending) {
        on_bytes(conn, (struct str){buf->base, (size_t)nread});
    }
}

/* ---- the server ---- */

static void on_connection(uv_stream_t *listener, int status)
{
    struct pipe_server *server = listener->data;
    struct pipe_conn *conn = status < 0 ? NULL : calloc(1, sizeof(*conn));
    if (!conn) {
        log_event(LOG_WARN, "pipe_accept_failed", "error=%s",
            uv_err_name(status < 0 ? status : UV_ENOMEM));
        return;
    }
    conn->server = server;
    conn->in = BUF_INIT(PIPE_LINE_MAX);
    conn->flight = conn->next = BUF_INIT(OUT_MAX);
    list_init(&conn->all);
    list_push_back(&server->conns, &conn->all);
    uv_pipe_init(listener->loop, &conn->pipe, 0);
    conn->pipe.data = conn;
    uv_os_fd_t fd;
    if (uv_accept(listener, (uv_stream_t *)&conn->pipe) < 0 ||
        uv_read_start((uv_stream_t *)&conn->pipe, on_alloc, on_read) < 0) {
        drop(conn);
        return;
    }
    conn->peer_known = uv_fileno((uv_handle_t *)&conn->pipe, &fd) == 0 &&
        peer_uid_unix(fd, &conn->peer_uid) == 0;
}

/* Removes a socket file nobody listens at; -EADDRINUSE when somebody does. */
static int remove_stale(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISSOCK(st.st_mode)) {
        return -EADDRINUSE;
    }
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!str_copy(str_of(path), addr.sun_path, sizeof(addr.sun_path))) {
        return -ENAMETOOLONG;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    int rc = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
    close(fd);
    if (rc != -ECONNREFUSED) {
        return rc == -ENOENT ? 0 : -EADDRINUSE;
    }
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int open_listener(struct pipe_server *server, const char *path)
{
    struct sockaddr_un addr;
    if (strlen(path) >= sizeof(addr.sun_path)) {
        return -ENAMETOOLONG;
    }
    int rc = remove_stale(path);
    if (rc < 0) {
        return rc;
    }
    mode_t old = umask(0177);
    rc = uv_pipe_bind(&server->listener, path);
    umask(old);
    return rc < 0 ? rc : uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
}

int pipe_listen(struct pipe_server **ret, uv_loop_t *loop, const char *path,
    const struct pipe_handler *handler)
{
    struct pipe_server *server = calloc(1, sizeof(*server));
    if (!server) {
        return -ENOMEM;
    }
    server->handler = *handler;
    server->accepting = true;
    list_init(&server->conns);
    uv_pipe_init(loop, &server->listener, 0);
    server->listener.data = server;
    int rc = open_listener(server, path);
    if (rc < 0) {
        pipe_server_close(server, NULL, NULL);
        return rc;
    }
    *ret = server;
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct pipe_server *server = handle->data;
    server->listener_closed = true;
    release(server);
}

void pipe_server_stop_accepting(struct pipe_server *server)
{
    if (server->accepting) {
        server->accepting = false;
        uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    }
}

void pipe_server_close(struct pipe_server *server, void (*closed)(void *), void *ctx)
{
    ASSERT(!server->closing);
    server->closing = true;
    server->closed = closed;
    server->closed_ctx = ctx;
    pipe_server_stop_accepting(server);
    LIST_FOR(node, &server->conns) {
        drop(CONTAINER_OF(node, struct pipe_conn, all));
    }
    release(server); /* the listener may have been closed before, and there be nobody */
}

void pipe_set_user(struct pipe_conn *conn, void *user)
{
    conn->user = user;
}

void *pipe_user(const struct pipe_conn *conn)
{
    return conn->user;
}

bool pipe_peer_uid(const struct pipe_conn *conn, uint32_t *ret_uid)
{
    *ret_uid = conn->peer_uid;
    return conn->peer_known;
}
