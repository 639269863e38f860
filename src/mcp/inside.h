// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Inside of the room, shared by http.c (the endpoint /mcp), lines.c (the Unix socket),
 * methods.c and resources.c (what a message asks for), modern.c (the modern era's own
 * checks) and request.c (requests that wait, and their answers). Not for others.
 */
#include "base/handle.h"
#include "base/list.h"
#include "mcp/mcp.h"
#include "mcp/message.h"
#include "mcp/revision.h"

enum {
    SSE_AFTER_MS = 100,     /* a call that takes longer gets its headers then */
    SSE_COMMENT_MS = 15000, /* keeps idle streams open in whatever stands between */
    ANSWER_MAX = 32 * 1024 * 1024,
    CONTENTS_MAX = 24 * 1024 * 1024,
    CONTENTS_LINE_MAX = 1024 * 1024, /* a bridge takes no longer lines */
    PROGRESS_UNREAD_MAX = 64 * 1024, /* who has so much to read is told no progress */
    CONN_REQUESTS_MAX = 256, /* unanswered at once on one connection */
    PRINCIPAL_SIZE = 32,
    NAME_SIZE = 128,

    RPC_PARSE = -32700,
    RPC_INVALID = -32600,
    RPC_METHOD = -32601,
    RPC_PARAMS = -32602,
    RPC_INTERNAL = -32603,
    RPC_NO_SESSION_ID = -32000,
    RPC_SESSION_NOT_FOUND = -32001,
    RPC_NO_RESOURCE = -32002,
    RPC_FLOOD = -32003,
    RPC_HEADER_MISMATCH = -32020,
    RPC_UNSUPPORTED_REVISION = -32022,
};

struct mcp {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct mcp_settings settings;
    struct mcp_host host;
    struct list requests;  /* all that wait */
    struct list upgrades;  /* will become streams, next due first */
    struct list streams;   /* next comment first */
    uint32_t conn_count;
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/* A bridge, or the command line. */
struct mcp_conn {
    struct mcp *mcp;
    struct pipe_conn *pipe;
    bool greeted;
    bool attached; /* to @session */
    uint32_t waiting; /* requests without their answer */
    uint32_t opening; /* requests that open a session: calls wait for the first of them */
    char principal[PRINCIPAL_SIZE];
    char instance[NAME_SIZE];
    char client_name[NAME_SIZE];
    char client_version[NAME_SIZE];
    enum mcp_revision revision; /* as negotiated; UNKNOWN before initialize */
    char session[HANDLE_SIZE];  /* "" none */
};

enum mcp_wait {
    WAIT_INITIALIZE, /* for a session, to answer initialize */
    WAIT_REOPEN,     /* for a session, to go on with a tool call */
    WAIT_CALL,       /* for a tool */
    WAIT_CLOSE,      /* for the end of a session (DELETE) */
};

struct mcp_request {
    struct mcp *mcp;
    struct list all;
    struct list timed; /* in upgrades or streams */
    uint64_t due_ms;   /* loop time */
    struct http_exchange *x; /* or */
    struct mcp_conn *conn;
    struct mcp_message message; /* owned */
    enum mcp_wait wait;
    enum mcp_revision revision;
    bool is_opener;    /* the host was asked for a session on its behalf */
    bool takes_stream; /* Accept allows it */
    bool is_streaming;
    bool has_progress; /* some was sent: the last was */
    double progress;
    bool again;
    char principal[PRINCIPAL_SIZE];
    char session[HANDLE_SIZE];
    void *user;
};

/* What is known of a message before it is dispatched. */
struct mcp_origin {
    struct http_exchange *x; /* or */
    struct mcp_conn *conn;
    const char *principal;
    const char *session; /* "" none */
    struct str instance;
    enum mcp_revision revision;
    bool again;
};

/* request.c */
struct mcp_request *request_new(
    struct mcp *mcp, const struct mcp_origin *origin, struct mcp_message *takes, enum mcp_wait wait);
void request_drop(struct mcp_request *r); /* without an answer */
void request_stream(struct mcp_request *r); /* its answer will be an event, from now on */
/* A message's answer, for those that need not wait; frees nothing. */
void answer_now(struct mcp *mcp, const struct mcp_origin *origin, int http_status,
    const char *headers, struct str json);
void put_result_begin(struct buf *out, yyjson_val *id, bool modern);
void put_result_end(struct mcp *mcp, struct buf *out, bool modern);
void put_error(struct buf *out, yyjson_val *id, int code, const char *message, struct str data);
void answer_error(struct mcp *mcp, const struct mcp_origin *origin, yyjson_val *id,
    int http_status, int code, const char *message);
void request_reject(struct mcp_request *r, int code, const char *message);
/* Sends and frees @json and the request. */
void request_answer(
    struct mcp_request *r, int http_status, const char *headers, struct buf *json);
/* Over HTTP; takes @file. */
void request_answer_file(struct mcp_request *r, struct str before,
    const struct http_file *file, struct str after);

/* methods.c: takes the message over */
void dispatch(struct mcp *mcp, const struct mcp_origin *origin, struct mcp_message *message);
void call_tool(struct mcp_request *r); /* its session is there */
void put_initialized(struct mcp_request *r, struct buf *out);

/* resources.c */
void resources_list(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message);
void resources_templates(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message);
void resources_read(
    struct mcp *mcp, const struct mcp_origin *origin, struct mcp_message *message);

/* modern.c */
/* Does the message claim the modern era? */
bool modern_claims(const struct mcp_message *message);
/* Checks the envelope, and the headers over HTTP. False: it was answered. */
bool modern_check(struct mcp *mcp, const struct mcp_origin *origin,
    const struct mcp_message *message, enum mcp_revision *ret_revision);

/* lines.c */
void conn_session(struct mcp_conn *conn, struct str handle);
