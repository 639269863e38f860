// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Inside of the HTTP server, shared by http.c (server, connections, time limits),
 * http_parse.c (requests) and http_write.c (responses). Not for others.
 */
#include <llhttp.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/http.h"

enum {
    READ_SIZE = 64 * 1024,
    REST_MAX = 64 * 1024, /* pipelined bytes kept while an exchange runs */
    FIELDS_MAX = 128,
    EXTENSIONS_MAX = 4096, /* chunk extensions and trailers of one request, bytes */
    OUT_MAX = 64 * 1024 * 1024,
    FILE_STEP = 64 * 1024, /* of a file, in memory at once */
    LINGER_MS = 1000,
    REFUSED_MAX = 64, /* connections above the limit that still get their 503 */
};

enum phase {
    PHASE_IDLE,    /* between requests */
    PHASE_HEAD,    /* the head of a request is under way */
    PHASE_BODY,    /* its body is */
    PHASE_HANDLED, /* the handler has the exchange */
    PHASE_DRAIN,   /* answered, bytes still to be sent */
    PHASE_LINGER,  /* all sent; reads until the peer has closed, so that no RST eats it */
    PHASE_COUNT,
};

/* A header field: where its name (lower case) and value lie in request.head. */
struct field {
    uint32_t name;
    uint32_t name_len;
    uint32_t value;
    uint32_t value_len;
};

/* What is kept of one request; allocated with its first byte, freed with its exchange. */
struct request {
    struct buf head; /* target, then names and values */
    struct buf fields;
    struct buf body;
    uint32_t path_len;
    size_t extension_bytes;
    bool head_done;
    bool in_value;
    int status;        /* of the refusal, 0 when none */
    const char *error; /* and its text */
};

struct write;

struct http_exchange {
    bool live; /* the caller holds it */
    bool streaming;
    bool chunked;
    void *user;
};

struct conn {
    uv_tcp_t tcp;
    llhttp_t parser;
    struct http_server *server;
    struct http_exchange x;
    struct list all;
    struct list timed; /* in server->phases[phase] */
    enum phase phase;
    uint64_t deadline;    /* loop time, ms */
    size_t drain_seen;    /* unsent bytes at the last look */
    size_t head_seen;     /* bytes of the request so far; counts until its head is done */
    struct request *req;
    struct buf rest;      /* pipelined bytes */
    struct write *flight; /* bytes libuv is sending */
    struct buf next;      /* bytes to send after these */
    int file;             /* whose bytes are sent after these; -1: none */
    size_t file_at;
    size_t file_end;
    struct buf tail;      /* bytes to send after the file */
    uint32_t peer_uid;
    bool peer_asked;
    bool peer_known;
    bool keep;   /* the connection outlives this exchange */
    bool linger; /* close only after the peer: unread bytes may be in the socket */
    bool eof;    /* the peer sends no more */
    bool reading;
    bool feeding; /* on the stack of conn_feed */
    struct list ready; /* in server->ready */
};

struct http_server {
    uv_loop_t *loop;
    uv_tcp_t listener;
    uv_timer_t timer;
    uv_idle_t idle; /* runs while connections are ready */
    struct http_limits limits;
    struct http_handler handler;
    struct list conns;
    struct list ready; /* have pipelined bytes to parse */
    struct list phases[PHASE_COUNT];
    uint32_t conn_count;
    unsigned open_handles;
    uint16_t port;
    bool accepting;
    bool closing;
    bool starved; /* a connection waits in the listener for memory */
    void (*closed)(void *ctx);
    void *closed_ctx;
    uint64_t date_s;
    char date[32];
    char read_buf[READ_SIZE];
};

static inline const struct conn *conn_of_const(const struct http_exchange *x)
{
    return (const struct conn *)(const void *)((const char *)x - offsetof(struct conn, x));
}

/* http.c */
void conn_phase(struct conn *c, enum phase phase);
void conn_close(struct conn *c);
void conn_settle(struct conn *c); /* the response is ended: drain, then next or close */

/* http_parse.c */
void conn_parser_init(struct conn *c);
void conn_feed(struct conn *c, const char *bytes, size_t len);
void request_free(struct conn *c);

/* http_write.c */
void conn_refuse(struct conn *c, int status, const char *error);
size_t conn_unsent(const struct conn *c);
bool conn_is_method(const struct conn *c, enum llhttp_method method);
void conn_put(struct conn *c, const struct str *parts, unsigned count);
void conn_file_end(struct conn *c); /* closes it */
