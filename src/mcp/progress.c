// SPDX-License-Identifier: Apache-2.0
/* Progress notifications, for requests that carry a token. */
#include "mcp/inside.h"

static yyjson_val *token_of(const struct mcp_request *r)
{
    yyjson_val *token =
        yyjson_obj_get(json_get_object(r->message.params, "_meta"), "progressToken");
    return yyjson_is_str(token) || yyjson_is_int(token) ? token : NULL;
}

bool mcp_wants_progress(const struct mcp_request *r)
{
    return r->wait == WAIT_CALL && token_of(r) && (!r->x || r->takes_stream);
}

static bool is_read(const struct mcp_request *r)
{
    return (r->x ? http_pending_bytes(r->x) : pipe_pending_bytes(r->conn->pipe)) < PROGRESS_UNREAD_MAX;
}

static void send_event(struct mcp_request *r, struct str json)
{
    if (!r->x) {
        pipe_send(r->conn->pipe, json);
        return;
    }
    if (!r->is_streaming) {
        request_stream(r);
    }
    http_stream_event(r->x, "message", json);
}

void mcp_progress(struct mcp_request *r, double progress, struct str message)
{
    struct buf json = BUF_INIT(64 * 1024);
    ASSERT(mcp_wants_progress(r));
    progress = (double)(int64_t)(progress * 10 + 0.5) / 10; /* as it is written: that must grow */
    if (!is_read(r) || (r->has_progress && progress <= r->progress)) {
        return;
    }
    r->has_progress = true;
    r->progress = progress;
    buf_puts(&json, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                    "\"progressToken\":");
    json_put_val(&json, token_of(r));
    buf_printf(&json, ",\"progress\":%.1f", progress);
    if (r->revision != REVISION_2024_11_05) {
        buf_puts(&json, ",\"message\":");
        buf_put_json(&json, message);
    }
    buf_puts(&json, "}}");
    if (buf_ok(&json)) {
        send_event(r, buf_str(&json));
    }
    buf_free(&json);
}
