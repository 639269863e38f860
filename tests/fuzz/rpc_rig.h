// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Two fakes with the MCP room between them: the functions of net/http.h and net/pipe.h,
 * and a host that keeps what it is asked until told to answer. They check what every
 * answer must be: see fuzz_rpc.c.
 */
#include "mcp/inside.h"

enum {
    LEN_MAX = 2048,
    HEADERS_MAX = 16,
    EXCHANGES_MAX = 64,
    SESSIONS_MAX = 8,
    PENDING_MAX = 64,
    OWED_MAX = LEN_MAX,
    PIPES = 2,
    UID = 7,
};

struct header {
    struct str name;
    struct str value;
};

struct http_exchange {
    bool live;
    bool streaming;
    bool has_event;
    void *user;
    struct header headers[HEADERS_MAX];
    size_t header_count;
    enum mcp_message_kind kind; /* of its body */
    char *id;                   /* JSON text */
};

struct pipe_conn {
    bool used; /* a line came */
    bool ended;
    void *user;
    char *owed[OWED_MAX]; /* ids that are to be answered, as JSON text */
    size_t owed_count;
};

struct session {
    char handle[HANDLE_SIZE];
    char principal[PRINCIPAL_SIZE];
    char revision[16];
    unsigned attached;
};

struct rig {
    uv_loop_t loop;
    struct mcp *mcp;
    struct http_handler http;
    struct pipe_handler pipe;
    struct http_exchange exchanges[EXCHANGES_MAX];
    size_t exchange_count;
    struct pipe_conn pipes[PIPES];
    struct header headers[HEADERS_MAX]; /* for the next exchange */
    size_t header_count;
    struct session sessions[SESSIONS_MAX];
    size_t session_count;
    char last[HANDLE_SIZE]; /* the session opened last */
    unsigned opened;
    struct mcp_request *pending[PENDING_MAX];
    size_t pending_count;
    struct mcp_request *telling; /* whose progress the host tells just now */
    double told;                 /* that was told last, */
    bool has_told;               /* and whether it was told before, */
    double told_before;          /* not to be repeated */
    uint32_t conns;
    bool at_once;                        /* the host answers before it returns */
    const struct pipe_conn *talking;     /* whose line, */
    const struct http_exchange *posting; /* or whose request is being handled */
};
extern struct rig rig;

void rig_start(void);
/* Everything leaves; nothing may be left over. */
void rig_stop(void);

char *id_text(yyjson_val *id); /* JSON; the caller frees it */
void owe(struct pipe_conn *pipe, yyjson_val *id);
void disconnect(struct pipe_conn *pipe);
void leave(void);             /* the client of the oldest open exchange goes */
void answer_first(bool well); /* the host answers its oldest question */
void tell_all(void);          /* it tells all that wait how far it is */
