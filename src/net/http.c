// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "net/http_conn.h"

enum { BACKLOG = 511, STARVED_RETRY_MS = 100 };

static void accept_one(struct http_server *server);

static bool is_closing(const struct conn *c)
{
    return uv_is_closing((const uv_handle_t *)&c->tcp);
}

/* ---- time limits: a list for each phase, so the first in each is the next due ---- */

static uint64_t phase_ms(const struct http_server *server, enum phase phase)
{
    switch (phase) {
    case PHASE_IDLE:
    case PHASE_DRAIN:
        return server->limits.idle_ms;
    case PHASE_HEAD:
        return server->limits.head_ms;
    case PHASE_BODY:
        return server->limits.body_ms;
    case PHASE_LINGER:
        return LINGER_MS;
    case PHASE_HANDLED:
    case PHASE_COUNT:
        break;
    }
    return UINT64_MAX / 2;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct http_server *server, uint64_t deadline)
{
    uint64_t now = uv_now(server->loop);
    uint64_t wait = deadline > now ? deadline - now : 0;
    bool active = uv_is_active((uv_handle_t *)&server->timer);
    if (!server->closing && (!active || uv_timer_get_due_in(&server->timer) > wait)) {
        uv_timer_start(&server->timer, on_timer, wait, 0);
    }
}

void conn_phase(struct conn *c, enum phase phase)
{
    if (is_closing(c)) {
        return;
    }
    c->phase = phase;
    list_remove(&c->timed);
    if (phase != PHASE_HANDLED) {
        c->deadline = uv_now(c->server->loop) + phase_ms(c->server, phase);
        list_push_back(&c->server->phases[phase], &c->timed);
        arm(c->server, c->deadline);
    }
}

static void expire(struct conn *c)
{
    size_t unsent = conn_unsent(c);
    if (c->phase == PHASE_HEAD || c->phase == PHASE_BODY) {
        conn_refuse(c, 408, "the request did not come in time");
    } else if (c->phase == PHASE_DRAIN && unsent < c->drain_seen) {
        c->drain_seen = unsent;
        conn_phase(c, PHASE_DRAIN);
    } else {
        conn_close(c);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    uint64_t now = uv_now(server->loop);
    if (server->starved) {
        accept_one(server);
    }
    for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
        struct list *first;
        while ((first = list_first(&server->phases[phase]))) {
            struct conn *c = CONTAINER_OF(first, struct conn, timed);
            if (c->deadline > now) {
                arm(server, c->deadline);
                break;
            }
            expire(c);
        }
    }
}

/* ---- connections ---- */

static void release(struct http_server *server)
{
    if (!server->closing || server->open_handles > 0 || server->conn_count > 0) {
        return;
    }
    if (server->closed) {
        server->closed(server->closed_ctx);
    }
    free(server);
}

static void on_conn_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    struct http_server *server = c->server;
    if (c->x.live) {
        server->handler.gone(server->handler.ctx, &c->x, c->x.user);
    }
    ASSERT(!c->flight);
    list_remove(&c->all);
    request_free(c);
    buf_free(&c->rest);
    buf_free(&c->next);
    buf_free(&c->tail);
    conn_file_end(c);
    free(c);
    server->conn_count--;
    if (server->starved) {
        accept_one(server);
    }
    release(server);
}

void conn_close(struct conn *c)
{
    if (is_closing(c)) {
        return;
    }
    list_remove(&c->timed);
    list_remove(&c->ready);
    uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    (void)hint;
    struct conn *c = handle->data;
    bool parsing = c->phase <= PHASE_BODY && c->rest.len == 0;
    bool keeping = !parsing && c->phase != PHASE_LINGER && c->keep;
    size_t size = keeping ? REST_MAX - c->rest.len : READ_SIZE;
    *buf = uv_buf_init(c->server->read_buf, (unsigned)size);
}

static void on_read_end(struct conn *c, ssize_t nread)
{
    if (c->phase == PHASE_DRAIN && nread == UV_EOF) {
        /* Perhaps it still reads; a write error will tell otherwise. */
        c->eof = true;
        c->keep = false;
        c->reading = false;
        uv_read_stop((uv_stream_t *)&c->tcp);
        return;
    }
    conn_close(c);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct conn *c = stream->data;
    if (nread < 0) {
        on_read_end(c, nread);
        return;
    }
    if (nread == 0) {
        return;
    }
    if (c->phase <= PHASE_BODY && c->rest.len == 0) {
        conn_feed(c, buf->base, (size_t)nread);
    } else if (c->phase != PHASE_LINGER && c->keep) {
        buf_put(&c->rest, buf->base, (size_t)nread);
        if (!buf_ok(&c->rest)) {
            conn_close(c);
        }
    }
    if (c->rest.len == REST_MAX && !is_closing(c)) {
        c->reading = false;
        uv_read_stop(stream);
    }
}

static void start_reading(struct conn *c)
{
    if (!c->reading && !c->eof) {
        c->reading = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0;
        if (!c->reading) {
            conn_close(c);
        }
    }
}

/* Parses what waited; here and not in http_reply, whose caller expects no new request. */
static void on_idle(uv_idle_t *idle)
{
    struct http_server *server = idle->data;
    struct list *first;
    struct list batch;
    list_init(&batch);
    while ((first = list_first(&server->ready))) {
        list_remove(first);
        list_push_back(&batch, first);
    }
    while ((first = list_first(&batch))) {
        struct conn *c = CONTAINER_OF(first, struct conn, ready);
        list_remove(first);
        size_t len = c->rest.len;
        char *bytes = buf_take(&c->rest);
        start_reading(c);
        conn_feed(c, bytes, len);
        free(bytes);
    }
    if (list_is_empty(&server->ready)) {
        uv_idle_stop(idle);
    }
}

static void finish(struct conn *c)
{
    uv_os_fd_t fd;
    if (!c->linger || c->eof || uv_fileno((uv_handle_t *)&c->tcp, &fd) < 0) {
        conn_close(c);
        return;
    }
    shutdown(fd, SHUT_WR);
    buf_free(&c->rest);
    conn_phase(c, PHASE_LINGER);
    start_reading(c);
}

void conn_settle(struct conn *c)
{
    ASSERT(!c->x.live);
    if (is_closing(c)) {
        return;
    }
    request_free(c);
    size_t unsent = conn_unsent(c);
    if (unsent > 0) {
        c->drain_seen = unsent;
        conn_phase(c, PHASE_DRAIN);
    } else if (!c->keep) {
        finish(c);
    } else {
        conn_phase(c, PHASE_IDLE);
        if (c->rest.len > 0 && list_is_empty(&c->ready)) {
            list_push_back(&c->server->ready, &c->ready);
            uv_idle_start(&c->server->idle, on_idle);
        }
    }
}

static struct conn *conn_new(struct http_server *server)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (!c) {
        return NULL;
    }
    c->server = server;
    c->tcp.data = c;
    c->rest = BUF_INIT(REST_MAX);
    c->next = BUF_INIT(OUT_MAX);
    c->tail = BUF_INIT(OUT_MAX);
    c->file = -1;
    c->keep = true;
    list_init(&c->all);
    list_init(&c->timed);
    list_init(&c->ready);
    conn_parser_init(c);
    uv_tcp_init(server->loop, &c->tcp);
    c->tcp.data = c;
    list_push_back(&server->conns, &c->all);
    server->conn_count++;
    return c;
}

static void accept_one(struct http_server *server)
{
    if (!server->accepting) {
        return;
    }
    struct conn *c = conn_new(server);
    server->starved = !c;
    if (!c) {
        arm(server, uv_now(server->loop) + STARVED_RETRY_MS);
        return;
    }
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->tcp) < 0) {
        conn_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    uint64_t max = server->limits.connections_max;
    if (server->conn_count > max + REFUSED_MAX) {
        conn_close(c);
    } else if (server->conn_count > max) {
        conn_refuse(c, 503, "too many connections");
    } else {
        conn_phase(c, PHASE_IDLE);
        start_reading(c);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status < 0) {
        /* libuv has closed the newcomers with its spare descriptor and goes on. */
        log_event(LOG_WARN, "http_accept_failed", "error=%s", uv_err_name(status));
        return;
    }
    accept_one(listener->data);
}

/* ---- the server ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->open_handles--;
    release(server);
}

static int address_of(const char *host, uint16_t port, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)ret) == 0) {
        return 0;
    }
    return uv_ip6_addr(host, port, (struct sockaddr_in6 *)ret);
}

static int open_listener(struct http_server *server, const char *host, uint16_t port)
{
    struct sockaddr_storage addr;
    int rc = address_of(host, port, &addr);
    if (rc < 0) {
        return rc;
    }
    unsigned flags = addr.ss_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0;
    rc = uv_tcp_bind(&server->listener, (struct sockaddr *)&addr, flags);
    if (rc == 0) {
        rc = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    }
    int len = (int)sizeof(addr);
    if (rc == 0) {
        rc = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&addr, &len);
    }
    /* The port lies at the same place for both families. */
    server->port = ntohs(((struct sockaddr_in *)&addr)->sin_port);
    return rc;
}

int http_listen(struct http_server **ret, uv_loop_t *loop, const char *host, uint16_t port,
    const struct http_limits *limits, const struct http_handler *handler)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server) {
        return -ENOMEM;
    }
    server->loop = loop;
    server->limits = *limits;
    server->handler = *handler;
    server->accepting = true;
    list_init(&server->conns);
    list_init(&server->ready);
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        list_init(&server->phases[i]);
    }
    uv_tcp_init(loop, &server->listener);
    uv_timer_init(loop, &server->timer);
    uv_idle_init(loop, &server->idle);
    server->listener.data = server->timer.data = server->idle.data = server;
    server->open_handles = 3;
    int rc = open_listener(server, host, port);
    if (rc < 0) {
        http_server_close(server, NULL, NULL);
        return rc;
    }
    *ret = server;
    return 0;
}

uint32_t http_connections(const struct http_server *server)
{
    return server->conn_count;
}

uint16_t http_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop_accepting(struct http_server *server)
{
    if (server->accepting) {
        server->accepting = false;
        uv_close((uv_handle_t *)&server->listener, on_handle_closed);
    }
}

void http_server_close(struct http_server *server, void (*closed)(void *), void *ctx)
{
    ASSERT(!server->closing);
    server->closed = closed;
    server->closed_ctx = ctx;
    http_server_stop_accepting(server);
    server->closing = true;
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
    uv_close((uv_handle_t *)&server->idle, on_handle_closed);
    LIST_FOR(node, &server->conns) {
        conn_close(CONTAINER_OF(node, struct conn, all));
    }
}

void http_set_user(struct http_exchange *x, void *user)
{
    ASSERT(x->live);
    x->user = user;
}
