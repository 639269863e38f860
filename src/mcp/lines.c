// SPDX-License-Identifier: Apache-2.0
/* The Unix socket: bridges (see bridge/bridge.h for the lines of our own) and the command line. */
#include <stdio.h>
#include <stdlib.h>

#include "mcp/inside.h"

static void detach(struct mcp_conn *conn)
{
    if (conn->attached) {
        conn->attached = false;
        conn->mcp->host.session_detach(conn->mcp->host.ctx, str_of(conn->session));
    }
}

/* A session was opened for this connection, and counts it as attached. */
void conn_session(struct mcp_conn *conn, struct str handle)
{
    char line[128];
    detach(conn);
    str_copy(handle, conn->session, sizeof(conn->session));
    conn->attached = true;
    int len = snprintf(line, sizeof(line), "{\"snowmux\":\"session\",\"session\":\"%s\"}", conn->session);
    pipe_send(conn->pipe, (struct str){line, (size_t)len});
}

static void refuse(struct mcp_conn *conn, const char *message)
{
    struct buf out = BUF_INIT(4096);
    buf_puts(&out, "{\"snowmux\":\"refused\",\"message\":");
    buf_put_json(&out, str_of(message));
    buf_putc(&out, '}');
    pipe_send(conn->pipe, buf_str(&out));
    buf_free(&out);
    pipe_close(conn->pipe);
}

/* Goes on with the session of the connection before; false: it is gone. */
static bool resume(struct mcp_conn *conn, struct str handle)
{
    struct mcp_host *host = &conn->mcp->host;
    struct str revision;
    if (!handle.ptr ||
        !host->session_find(host->ctx, str_of(conn->principal), handle, &revision)) {
        return false;
    }
    detach(conn); /* a second hello */
    conn->revision = revision_of(revision);
    str_copy(handle, conn->session, sizeof(conn->session));
    conn->attached = true;
    host->session_attach(host->ctx, handle);
    return true;
}

static void on_hello(struct mcp_conn *conn, yyjson_val *root)
{
    if (yyjson_get_int(yyjson_obj_get(root, "version")) != 1) {
        refuse(conn, "this daemon speaks version 1 of the bridge's lines; restart the older of both");
        return;
    }
    struct str instance = json_get_str(root, "instance");
    if (instance.ptr) {
        str_copy(str_utf8_prefix(instance, NAME_SIZE - 1), conn->instance, NAME_SIZE);
    }
    conn->greeted = true;
    bool resumed = resume(conn, json_get_str(root, "session"));
    pipe_send(conn->pipe, resumed ? STR("{\"snowmux\":\"hello\",\"version\":1,\"resumed\":true}")
                                  : STR("{\"snowmux\":\"hello\",\"version\":1,\"resumed\":false}"));
}

static void on_message(struct mcp_conn *conn, struct mcp_message *message, bool again)
{
    struct mcp *mcp = conn->mcp;
    struct str revision;
    if (conn->session[0] != '\0' && !mcp->host.session_find(mcp->host.ctx,
                                        str_of(conn->principal), str_of(conn->session), &revision)) {
        conn->session[0] = '\0'; /* expired or closed: the next call opens another one */
        conn->attached = false;
    }
    struct mcp_origin origin = {
        .conn = conn,
        .principal = conn->principal,
        .session = conn->session,
        .instance = str_of(conn->instance),
        .revision = conn->revision != REVISION_UNKNOWN ? conn->revision : REVISION_2024_11_05,
        .again = again,
    };
    if (modern_claims(message) && !modern_check(mcp, &origin, message, &origin.revision)) {
        mcp_message_free(message);
        return;
    }
    dispatch(mcp, &origin, message);
}

static void on_again(struct mcp_conn *conn, yyjson_val *root)
{
    size_t len = 0;
    yyjson_val *inner = yyjson_obj_get(root, "message");
    char *text = inner ? yyjson_val_write(inner, 0, &len) : NULL;
    struct mcp_message message = mcp_message_parse((struct str){text ? text : "", len});
    free(text);
    on_message(conn, &message, true);
}

static struct mcp_request *first_request(struct mcp_conn *conn)
{
    LIST_FOR(node, &conn->mcp->requests) {
        struct mcp_request *r = CONTAINER_OF(node, struct mcp_request, all);
        if (r->conn == conn) {
            return r;
        }
    }
    return NULL;
}

/* Telling the host of one may end others: the list is looked at anew each time. */
static void end_requests(struct mcp_conn *conn, enum mcp_gone why)
{
    struct mcp_request *r;
    while ((r = first_request(conn))) {
        conn->mcp->host.gone(conn->mcp->host.ctx, r, why);
        request_drop(r);
    }
}

static void on_control(struct mcp_conn *conn, struct str command, yyjson_val *root)
{
    struct mcp *mcp = conn->mcp;
    struct buf out = BUF_INIT(ANSWER_MAX);
    if (str_eq(command, STR("hello"))) {
        on_hello(conn, root);
    } else if (str_eq(command, STR("again")) && conn->greeted) {
        on_again(conn, root);
    } else if (str_eq(command, STR("bye"))) {
        end_requests(conn, MCP_CANCELLED);
        pipe_close(conn->pipe);
    } else {
        mcp->host.control(mcp->host.ctx, str_of(conn->principal), command, root, &out);
        pipe_send(conn->pipe, buf_str(&out));
    }
    buf_free(&out);
}

static struct mcp_conn *conn_new(struct mcp *mcp, struct pipe_conn *pipe, uint32_t uid)
{
    struct mcp_conn *conn = calloc(1, sizeof(*conn));
    if (conn) {
        conn->mcp = mcp;
        conn->pipe = pipe;
        snprintf(conn->principal, sizeof(conn->principal), "uid:%u", uid);
        pipe_set_user(pipe, conn);
        mcp->host.connections(mcp->host.ctx, ++mcp->conn_count);
    }
    return conn;
}

static void on_line(void *ctx, struct pipe_conn *pipe, struct str line)
{
    struct mcp *mcp = ctx;
    struct mcp_conn *conn = pipe_user(pipe);
    uint32_t uid;
    if (!conn) {
        bool known = pipe_peer_uid(pipe, &uid) && mcp->host.admits(mcp->host.ctx, uid);
        conn = known ? conn_new(mcp, pipe, uid) : NULL;
    }
    if (!conn) {
        pipe_send(pipe, STR("{\"snowmux\":\"refused\",\"message\":\"this user of the machine is "
                            "not let in: see [listen] uids\"}"));
        pipe_close(pipe);
        return;
    }
    struct mcp_message message = mcp_message_parse(line);
    struct str command = json_get_str(message.root, "snowmux");
    if (command.ptr) {
        on_control(conn, command, message.root);
        mcp_message_free(&message);
    } else if (conn->greeted) {
        on_message(conn, &message, false);
    } else {
        mcp_message_free(&message);
        refuse(conn, "the first line must be the hello of a bridge");
    }
}

static void on_closed(void *ctx, struct pipe_conn *pipe, void *user)
{
    struct mcp *mcp = ctx;
    struct mcp_conn *conn = user;
    (void)pipe;
    if (conn) {
        end_requests(conn, MCP_LEFT);
        detach(conn);
        free(conn);
        mcp->host.connections(mcp->host.ctx, --mcp->conn_count);
    }
}

struct pipe_handler mcp_pipe_handler(struct mcp *mcp)
{
    return (struct pipe_handler){.ctx = mcp, .line = on_line, .closed = on_closed};
}
