// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * HTTP/1.1 server on a libuv loop. Everything runs on the loop's thread.
 *
 * A connection carries one exchange (request and response) at a time; pipelined requests
 * wait their turn, at most 64 KiB of them. Requests that break the protocol or the limits
 * are answered here with {"error":"..."} and never reach the handler.
 *
 * Life of an exchange: it begins with handler.request and ends, for the caller, with
 * http_reply or http_stream_end, or with handler.gone: exactly one of these. Afterwards
 * the pointer is dead. None of the functions here calls the handler; `gone` comes from the
 * loop, so a caller may still answer an exchange whose peer has just left (in vain).
 *
 * A peer that closes its sending side (FIN) counts as gone. While the 64 KiB are full
 * nothing is read, and a peer's leaving is noticed only by the next write.
 */
#include <uv.h>

#include "base/assert.h"
#include "base/str.h"

struct http_server;
struct http_exchange;

/* Bytes on disk, read while they are sent: whoever does not read them costs no memory. */
struct http_file {
    int fd; /* given with it, and closed */
    size_t len;
};

/* The struct lives during the call, the bytes it shows until the exchange is dead. */
struct http_request {
    struct str method; /* upper case */
    struct str path;   /* the target as sent, with its query */
    struct str body;   /* complete, without transfer coding */
    uint32_t peer_uid;
    bool peer_known; /* peer_uid is set: the peer is on this host */
};

struct http_limits {
    size_t head_bytes_max;
    size_t body_bytes_max;
    uint32_t connections_max;
    uint64_t idle_ms; /* between requests, and for a reply of which nothing gets read */
    uint64_t head_ms; /* from the first byte of a request to the end of its head */
    uint64_t body_ms; /* from there to the end of its body */
};

#define HTTP_LIMITS_DEFAULT \
    ((struct http_limits){.head_bytes_max = 32 * 1024, .body_bytes_max = 1024 * 1024, \
        .connections_max = 1024, .idle_ms = 300000, .head_ms = 10000, .body_ms = 30000})

struct http_handler {
    void *ctx;
    void (*request)(void *ctx, struct http_exchange *x, const struct http_request *r);
    void (*gone)(void *ctx, struct http_exchange *x, void *user);
};

/*
 * @host is a numeric IPv4 or IPv6 address; port 0 lets the kernel choose. @limits and
 * @handler are copied. 0 or a negative errno, -EADDRINUSE among them; after an error too
 * the loop must run once more to let go of the socket.
 */
MUST_USE int http_listen(struct http_server **ret, uv_loop_t *loop, const char *host,
    uint16_t port, const struct http_limits *limits, const struct http_handler *handler);
uint16_t http_port(const struct http_server *server);
uint32_t http_connections(const struct http_server *server); /* open now */

/* No new connections; replies from now on close theirs. */
void http_server_stop_accepting(struct http_server *server);

/* Closes everything; open exchanges are told `gone`; then @closed (may be NULL) is called
 * and the server is freed. */
void http_server_close(struct http_server *server, void (*closed)(void *ctx), void *ctx);

/*
 * The value of a header, without blanks around it; ptr is NULL when it is absent. Several
 * headers of one name come joined by ", " (and are refused where only one makes sense).
 */
struct str http_header(const struct http_exchange *x, const char *lower_case_name);

void http_set_user(struct http_exchange *x, void *user);

/*
 * Answers and ends the exchange. @extra_headers is "" or whole "Name: value\r\n" lines;
 * @content_type may be NULL. Copies what the socket does not take at once.
 */
void http_reply(struct http_exchange *x, int status, const char *extra_headers,
    const char *content_type, struct str body);

/* The same, with @len bytes of a file from its start on between @before and @after. */
void http_reply_file(struct http_exchange *x, int status, const char *extra_headers,
    const char *content_type, struct str before, const struct http_file *file,
    struct str after);

/*
 * An event stream (SSE): begin, any number of events and comments, end. Data, event names
 * and comments must not contain line ends. Bytes that the peer does not read pile up:
 * look at http_pending_bytes; past 64 MiB the connection is dropped (`gone`).
 */
void http_stream_begin(struct http_exchange *x, const char *extra_headers);
void http_stream_event(struct http_exchange *x, const char *event_or_null, struct str data);
void http_stream_event_file(struct http_exchange *x, const char *event, struct str before,
    const struct http_file *file, struct str after);
void http_stream_comment(struct http_exchange *x, struct str text);
void http_stream_end(struct http_exchange *x);

/* Bytes not yet taken by the socket. */
size_t http_pending_bytes(const struct http_exchange *x);
