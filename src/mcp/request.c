// SPDX-License-Identifier: Apache-2.0
/* Requests that wait for the host, their streams, and the shapes of answers. */
#include <stdio.h>
#include <stdlib.h>

#include "mcp/inside.h"

static void on_timer(uv_timer_t *timer);

static struct mcp_request *request_at(struct list *node)
{
    return CONTAINER_OF(node, struct mcp_request, timed);
}

/* Both lists have one delay each, so the first entry is the next one due. */
static void arm(struct mcp *mcp)
{
    uint64_t due_ms = UINT64_MAX;
    struct list *firsts[] = {list_first(&mcp->upgrades), list_first(&mcp->streams)};
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
        if (firsts[i] && request_at(firsts[i])->due_ms < due_ms) {
            due_ms = request_at(firsts[i])->due_ms;
        }
    }
    if (due_ms == UINT64_MAX) {
        uv_timer_stop(&mcp->timer);
        return;
    }
    uint64_t now_ms = uv_now(mcp->loop);
    uv_timer_start(&mcp->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void put_timed(struct mcp_request *r, struct list *list, uint64_t delay_ms)
{
    list_remove(&r->timed);
    r->due_ms = uv_now(r->mcp->loop) + delay_ms;
    list_push_back(list, &r->timed);
}

void request_stream(struct mcp_request *r)
{
    ASSERT(r->x && r->takes_stream && !r->is_streaming);
    r->is_streaming = true;
    put_timed(r, &r->mcp->streams, SSE_COMMENT_MS);
    http_stream_begin(r->x, "");
}

static void on_timer(uv_timer_t *timer)
{
    struct mcp *mcp = timer->data;
    uint64_t now_ms = uv_now(mcp->loop);
    struct list *node;
    while ((node = list_first(&mcp->upgrades)) && request_at(node)->due_ms <= now_ms) {
        request_stream(request_at(node));
    }
    while ((node = list_first(&mcp->streams)) && request_at(node)->due_ms <= now_ms) {
        struct mcp_request *r = request_at(node);
        put_timed(r, &mcp->streams, SSE_COMMENT_MS);
        http_stream_comment(r->x, STR("working"));
    }
    arm(mcp);
}

static bool accepts_stream(struct http_exchange *x)
{
    struct str accept = http_header(x, "accept");
    struct str wanted = STR("text/event-stream");
    for (size_t i = 0; accept.ptr && i + wanted.len <= accept.len; i++) {
        if (str_starts_nocase(str_from(accept, i), wanted)) {
            return true;
        }
    }
    return false;
}

struct mcp_request *request_new(struct mcp *mcp, const struct mcp_origin *origin,
    struct mcp_message *takes, enum mcp_wait wait)
{
    bool has_room = !origin->conn || origin->conn->waiting < CONN_REQUESTS_MAX;
    struct mcp_request *r = has_room ? calloc(1, sizeof(*r)) : NULL;
    if (!r) {
        answer_error(mcp, origin, takes->id, 503, RPC_INTERNAL,
            has_room ? "no memory"
                     : "256 requests wait on this connection: send more when some are answered");
        mcp_message_free(takes);
        return NULL;
    }
    r->mcp = mcp;
    r->x = origin->x;
    r->conn = origin->conn;
    r->message = *takes;
    *takes = (struct mcp_message){.kind = MESSAGE_INVALID};
    r->wait = wait;
    r->revision = origin->revision;
    r->again = origin->again;
    str_copy(str_of(origin->principal), r->principal, sizeof(r->principal));
    str_copy(str_of(origin->session), r->session, sizeof(r->session));
    list_init(&r->all);
    list_init(&r->timed);
    list_push_back(&mcp->requests, &r->all);
    if (r->conn) {
        r->conn->waiting++;
    }
    if (r->x) {
        http_set_user(r->x, r);
        r->takes_stream = wait == WAIT_CALL && accepts_stream(r->x);
        if (r->takes_stream) {
            put_timed(r, &mcp->upgrades, SSE_AFTER_MS);
            arm(mcp);
        }
    }
    return r;
}

static void request_free(struct mcp_request *r)
{
    struct mcp *mcp = r->mcp;
    bool was_timed = !list_is_empty(&r->timed);
    if (r->conn) {
        r->conn->waiting--;
    }
    list_remove(&r->all);
    list_remove(&r->timed);
    mcp_message_free(&r->message);
    free(r);
    if (was_timed && list_is_empty(&mcp->upgrades) && list_is_empty(&mcp->streams)) {
        uv_timer_stop(&mcp->timer);
    }
}

/* The asker wants no answer, but an open exchange has to end. */
void request_drop(struct mcp_request *r)
{
    if (r->x && r->is_streaming) {
        http_stream_end(r->x);
    } else if (r->x) {
        http_reply(r->x, 202, "", NULL, STR(""));
    }
    request_free(r);
}

void answer_now(struct mcp *mcp, const struct mcp_origin *origin, int http_status,
    const char *headers, struct str json)
{
    (void)mcp;
    if (origin->x) {
        http_reply(origin->x, http_status, headers, json.len > 0 ? "application/json" : NULL, json);
    } else if (json.len > 0) {
        pipe_send(origin->conn->pipe, json);
    }
}

void request_answer(
    struct mcp_request *r, int http_status, const char *headers, struct buf *json)
{
    struct mcp_origin origin = {.x = r->x, .conn = r->conn};
    if (!buf_ok(json)) {
        buf_clear(json);
        put_error(json, r->message.id, RPC_INTERNAL, "the answer is too large", STR(""));
    }
    if (r->x && r->is_streaming) {
        http_stream_event(r->x, "message", buf_str(json));
        http_stream_end(r->x);
    } else {
        answer_now(r->mcp, &origin, http_status, headers, buf_str(json));
    }
    buf_free(json);
    request_free(r);
}

void request_answer_file(struct mcp_request *r, struct str before,
    const struct http_file *file, struct str after)
{
    if (r->is_streaming) {
        http_stream_event_file(r->x, "message", before, file, after);
        http_stream_end(r->x);
    } else {
        http_reply_file(r->x, 200, "", "application/json", before, file, after);
    }
    request_free(r);
}

void put_result_begin(struct buf *out, yyjson_val *id, bool modern)
{
    buf_puts(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    json_put_val(out, id);
    buf_puts(out, modern ? ",\"result\":{\"resultType\":\"complete\"," : ",\"result\":{");
}

void put_result_end(struct mcp *mcp, struct buf *out, bool modern)
{
    if (modern) {
        buf_printf(out,
            ",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"snowmux\","
            "\"version\":\"%s\"}}",
            mcp->settings.version);
    }
    buf_puts(out, "}}");
}

void put_error(struct buf *out, yyjson_val *id, int code, const char *message, struct str data)
{
    buf_puts(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    json_put_val(out, id);
    buf_puts(out, ",\"error\":{\"code\":");
    buf_put_i64(out, code);
    buf_puts(out, ",\"message\":");
    buf_put_json(out, str_of(message));
    if (data.len > 0) {
        buf_puts(out, ",\"data\":");
        buf_put_str(out, data);
    }
    buf_puts(out, "}}");
}

void answer_error(struct mcp *mcp, const struct mcp_origin *origin, yyjson_val *id,
    int http_status, int code, const char *message)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    put_error(&out, id, code, message, STR(""));
    answer_now(mcp, origin, http_status, "", buf_str(&out));
    buf_free(&out);
}

static void go_on(struct mcp_request *r, struct str handle)
{
    str_copy(handle, r->session, sizeof(r->session));
    r->wait = WAIT_CALL;
    call_tool(r);
}

/* A call on this connection that waits for the session; NULL: none. */
static struct mcp_request *next_waiting(struct mcp_conn *conn)
{
    LIST_FOR(node, &conn->mcp->requests) {
        struct mcp_request *r = CONTAINER_OF(node, struct mcp_request, all);
        if (r->conn == conn && r->wait == WAIT_REOPEN && !r->is_opener) {
            return r;
        }
    }
    return NULL;
}

static void answer_initialize(struct mcp_request *r, struct str handle)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    char headers[64];
    put_initialized(r, &out);
    int len = snprintf(headers, sizeof(headers), "Mcp-Session-Id: " STR_FMT "\r\n", STR_ARG(handle));
    ASSERT(len > 0 && (size_t)len < sizeof(headers));
    request_answer(r, 200, headers, &out);
}

void mcp_answer_session(struct mcp_request *r, struct str handle)
{
    struct mcp_conn *conn = r->conn;
    r->is_opener = false;
    ASSERT(r->wait == WAIT_INITIALIZE || r->wait == WAIT_REOPEN);
    if (conn) {
        conn->opening--;
        conn_session(conn, handle);
    }
    if (r->wait == WAIT_INITIALIZE) {
        answer_initialize(r, handle);
    } else {
        go_on(r, handle);
    }
    while (conn && (r = next_waiting(conn))) {
        go_on(r, handle);
    }
}

void mcp_answer_closed(struct mcp_request *r)
{
    ASSERT(r->wait == WAIT_CLOSE && r->x);
    http_reply(r->x, 204, "", NULL, STR(""));
    request_free(r);
}

void mcp_answer_tool(struct mcp_request *r, struct str structured, bool is_error)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    bool modern = revision_is_modern(r->revision);
    ASSERT(r->wait == WAIT_CALL);
    put_result_begin(&out, r->message.id, modern);
    buf_puts(&out, "\"content\":[{\"type\":\"text\",\"text\":");
    buf_put_json(&out, structured);
    buf_puts(&out, "}]");
    if (revision_has_structured(r->revision)) {
        buf_puts(&out, ",\"structuredContent\":");
        buf_put_str(&out, structured);
    }
    buf_puts(&out, is_error ? ",\"isError\":true" : ",\"isError\":false");
    put_result_end(r->mcp, &out, modern);
    request_answer(r, 200, "", &out);
}

void mcp_answer_error(struct mcp_request *r, const char *message)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    struct mcp_conn *conn = r->is_opener ? r->conn : NULL;
    put_error(&out, r->message.id, RPC_INTERNAL, message, STR(""));
    request_answer(r, 503, "Retry-After: 1\r\n", &out);
    if (conn) {
        conn->opening--;
        while (conn->opening == 0 && (r = next_waiting(conn))) {
            put_error(&out, r->message.id, RPC_INTERNAL, message, STR(""));
            request_answer(r, 503, "", &out);
        }
    }
}

void request_reject(struct mcp_request *r, int code, const char *message)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    put_error(&out, r->message.id, code, message, STR(""));
    request_answer(r, 200, "", &out);
}

yyjson_doc *mcp_take_document(struct mcp_request *r)
{
    yyjson_doc *doc = r->message.doc;
    r->message.doc = NULL;
    return doc;
}

void mcp_set_user(struct mcp_request *r, void *user)
{
    r->user = user;
}

void *mcp_user(const struct mcp_request *r)
{
    return r->user;
}

struct mcp *mcp_new(
    uv_loop_t *loop, const struct mcp_settings *settings, const struct mcp_host *host)
{
    struct mcp *mcp = calloc(1, sizeof(*mcp));
    if (!mcp) {
        return NULL;
    }
    mcp->loop = loop;
    mcp->settings = *settings;
    mcp->host = *host;
    list_init(&mcp->requests);
    list_init(&mcp->upgrades);
    list_init(&mcp->streams);
    uv_timer_init(loop, &mcp->timer);
    mcp->timer.data = mcp;
    uv_unref((uv_handle_t *)&mcp->timer);
    return mcp;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct mcp *mcp = handle->data;
    if (mcp->closed) {
        mcp->closed(mcp->closed_ctx);
    }
    free(mcp);
}

void mcp_close(struct mcp *mcp, void (*closed)(void *ctx), void *ctx)
{
    ASSERT(list_is_empty(&mcp->requests));
    mcp->closed = closed;
    mcp->closed_ctx = ctx;
    uv_close((uv_handle_t *)&mcp->timer, on_timer_closed);
}
