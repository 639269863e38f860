// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * MCP, server side: JSON-RPC over the HTTP endpoint /mcp and over lines on the Unix socket,
 * in both eras. Legacy revisions begin with `initialize` and have a session; the modern one
 * states itself in each request's `_meta` and has none. The era is decided per message.
 *
 * A request that must wait for somebody else (a session made durable, a tool call) is an
 * mcp_request: the host answers it by one of the mcp_answer_* functions, exactly once, or
 * is told `gone`; after either the pointer is dead. Host functions may answer at once.
 * Everything runs on the loop's thread.
 */
#include <uv.h>
#include <yyjson.h>

#include "base/assert.h"
#include "base/buf.h"
#include "net/http.h"
#include "net/pipe.h"

struct mcp;
struct mcp_request;

/* Who speaks, as they say themselves; none of it gives rights. */
struct mcp_client {
    struct str name;     /* clientInfo.name */
    struct str version;  /* clientInfo.version */
    struct str instance; /* X-Snowmux-Client, or the bridge's hello; "" none */
    struct str revision; /* of MCP */
};

struct mcp_call {
    struct str principal;
    struct mcp_client client;
    struct str session;   /* handle of the asker's own session; "" none */
    struct str tool;
    struct str resource; /* its URI; ptr NULL: a tool is called */
    size_t answer_max;   /* bytes of what mcp_answer_resource() is given */
    yyjson_val *arguments; /* an object or NULL; lives until the request is answered or gone */
    struct str trace;      /* _meta.traceparent; "" none */
    size_t bytes;          /* of the message */
    bool again;            /* a bridge offers it once more: it may have run before */
};

enum mcp_gone {
    MCP_CANCELLED, /* the asker does not want the answer any more */
    MCP_LEFT,      /* the connection broke; the asker may come back for it */
};

struct mcp_host {
    void *ctx;
    bool (*admits)(void *ctx, uint32_t uid);
    /* An HTTP request came. 0: go on; else it is a flood, and these are milliseconds to wait. */
    uint64_t (*flood)(void *ctx, uint32_t uid);
    /* What GET @path shows beside /mcp; 0: there is no such page, else the HTTP status. */
    int (*page)(void *ctx, struct str path, struct buf *out, const char **ret_type);

    /* Answered by mcp_answer_session() or mcp_answer_error(). @stays: the connection is an
     * open stream, so it counts as attached until `session_detach`. */
    void (*session_open)(void *ctx, struct mcp_request *r, struct str principal,
        const struct mcp_client *client, bool stays);
    /* Does @handle name a session of @principal? @ret_revision lives until the next call. */
    bool (*session_find)(
        void *ctx, struct str principal, struct str handle, struct str *ret_revision);
    void (*session_touch)(void *ctx, struct str handle);
    void (*session_attach)(void *ctx, struct str handle);
    void (*session_detach)(void *ctx, struct str handle);
    /* Answered by mcp_answer_closed() or mcp_answer_error(). */
    void (*session_close)(void *ctx, struct mcp_request *r, struct str handle);

    /*
     * The members of the answer to resources/list: "resources":[..] and, where there are more,
     * "nextCursor". False: @cursor (ptr NULL: none) is not one of them.
     */
    bool (*resources)(void *ctx, struct str principal, struct str cursor, struct buf *out);
    /*
     * False: no such tool. Else answered by mcp_answer_tool(), or of a resource by
     * mcp_answer_resource() or mcp_refuse_resource().
     */
    bool (*call)(void *ctx, struct mcp_request *r, const struct mcp_call *call);
    void (*gone)(void *ctx, struct mcp_request *r, enum mcp_gone why);

    /* A line of the operator's on the socket: writes the answer, one JSON object. */
    void (*control)(
        void *ctx, struct str principal, struct str command, yyjson_val *line, struct buf *out);
    /* The number of connections on the socket changed. */
    void (*connections)(void *ctx, uint32_t count);
};

struct mcp_settings {
    const char *version;     /* of this program */
    struct str tools;        /* the array of tools/list; borrowed for good */
    const char *instructions;
    const char *resource_templates; /* the array of resources/templates/list; borrowed for good */
};

enum mcp_refusal {
    MCP_NO_RESOURCE, /* of that URI */
    MCP_BAD_PARAMS,
    MCP_FAILED,
};

/* NULL: no memory. */
struct mcp *mcp_new(
    uv_loop_t *loop, const struct mcp_settings *settings, const struct mcp_host *host);
struct http_handler mcp_http_handler(struct mcp *mcp);
struct pipe_handler mcp_pipe_handler(struct mcp *mcp);

/* Both servers must be closed before; then @closed is called from the loop. */
void mcp_close(struct mcp *mcp, void (*closed)(void *ctx), void *ctx);

/*
 * Hands over the JSON that the call's arguments point into, for a call that outlives its
 * request; to be freed after the request was answered or is gone.
 */
yyjson_doc *mcp_take_document(struct mcp_request *r);

/* The host's own word for a request. */
void mcp_set_user(struct mcp_request *r, void *user);
void *mcp_user(const struct mcp_request *r);

void mcp_answer_session(struct mcp_request *r, struct str handle);
void mcp_answer_closed(struct mcp_request *r);
/* @structured: a compact JSON object. */
void mcp_answer_tool(struct mcp_request *r, struct str structured, bool is_error);
/* @contents: a compact JSON object, the one of the answer's contents; it is taken. */
void mcp_answer_resource(struct mcp_request *r, const struct http_file *contents);
/* @error: a JSON object that says more than @message. */
void mcp_refuse_resource(
    struct mcp_request *r, enum mcp_refusal why, struct str message, struct str error);
/*
 * A call that carries a progress token and can be told: @progress grows, or it is not sent;
 * nor is it where the peer does not read. Never after the answer.
 */
bool mcp_wants_progress(const struct mcp_request *r);
void mcp_progress(struct mcp_request *r, double progress, struct str message);
/* Cannot be served now; over HTTP with 503 and Retry-After. */
void mcp_answer_error(struct mcp_request *r, const char *message);
