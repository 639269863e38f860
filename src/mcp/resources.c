// SPDX-License-Identifier: Apache-2.0
/* Resources, in both eras: listed and refused here, found and read by the host. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mcp/inside.h"

static void begin(
    struct buf *out, const struct mcp_message *message, bool modern, bool is_public)
{
    put_result_begin(out, message->id, modern);
    if (modern) {
        buf_puts(out, is_public ? "\"ttlMs\":300000,\"cacheScope\":\"public\","
                                : "\"ttlMs\":0,\"cacheScope\":\"private\",");
    }
}

static bool refuse_cursor(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message)
{
    answer_error(mcp, origin, message->id, 200, RPC_PARAMS,
        "params.cursor is none of this list: ask for its first page without one");
    return false;
}

/* False: it was answered. */
static bool take_cursor(struct mcp *mcp, const struct mcp_origin *origin,
    const struct mcp_message *message, struct str *ret_cursor)
{
    *ret_cursor = json_get_str(message->params, "cursor");
    return ret_cursor->ptr || !yyjson_obj_get(message->params, "cursor") ||
           refuse_cursor(mcp, origin, message);
}

void resources_list(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    bool modern = revision_is_modern(origin->revision);
    struct str cursor;
    if (!take_cursor(mcp, origin, message, &cursor)) {
        return;
    }
    begin(&out, message, modern, false);
    if (mcp->host.resources(mcp->host.ctx, str_of(origin->principal), cursor, &out)) {
        put_result_end(mcp, &out, modern);
        answer_now(mcp, origin, 200, "", buf_str(&out));
    } else {
        refuse_cursor(mcp, origin, message);
    }
    buf_free(&out);
}

void resources_templates(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    bool modern = revision_is_modern(origin->revision);
    if (yyjson_obj_get(message->params, "cursor")) {
        refuse_cursor(mcp, origin, message);
        return;
    }
    begin(&out, message, modern, true);
    buf_puts(&out, "\"resourceTemplates\":");
    buf_puts(&out, mcp->settings.resource_templates);
    put_result_end(mcp, &out, modern);
    answer_now(mcp, origin, 200, "", buf_str(&out));
    buf_free(&out);
}

void resources_read(
    struct mcp *mcp, const struct mcp_origin *origin, struct mcp_message *message)
{
    if (!json_get_str(message->params, "uri").ptr) {
        answer_error(
            mcp, origin, message->id, 200, RPC_PARAMS, "params.uri must be a string");
        return;
    }
    struct mcp_request *r = request_new(mcp, origin, message, WAIT_CALL);
    if (r) {
        call_tool(r);
    }
}

static bool read_all(const struct http_file *file, struct buf *out)
{
    char *bytes = malloc(file->len > 0 ? file->len : 1);
    size_t done = 0;
    while (bytes && done < file->len) {
        ssize_t got = pread(file->fd, bytes + done, file->len - done, (off_t)done);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            break;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    bool ok = bytes && done == file->len;
    if (ok) {
        buf_put(out, bytes, done);
    }
    free(bytes);
    return ok;
}

/* Over a bridge's connection, whose lines are short: from memory. */
static void answer_line(struct mcp_request *r, const struct http_file *contents,
    struct buf *out, struct str after)
{
    if (read_all(contents, out)) {
        buf_put_str(out, after);
    } else {
        buf_clear(out);
        put_error(out, r->message.id, RPC_INTERNAL, "the result cannot be read", STR(""));
    }
    close(contents->fd);
    request_answer(r, 200, "", out);
}

void mcp_answer_resource(struct mcp_request *r, const struct http_file *contents)
{
    struct buf before = BUF_INIT(ANSWER_MAX);
    struct buf after = BUF_INIT(64 * 1024);
    bool modern = revision_is_modern(r->revision);
    ASSERT(r->wait == WAIT_CALL);
    begin(&before, &r->message, modern, false);
    buf_puts(&before, "\"contents\":[");
    buf_putc(&after, ']');
    put_result_end(r->mcp, &after, modern);
    if (r->x && buf_ok(&before) && buf_ok(&after)) {
        request_answer_file(r, buf_str(&before), contents, buf_str(&after));
    } else {
        answer_line(r, contents, &before, buf_str(&after));
    }
    buf_free(&before);
    buf_free(&after);
}

/* What is not found has a code of its own in the legacy era only. */
static int code_of(const struct mcp_request *r, enum mcp_refusal why)
{
    if (why == MCP_NO_RESOURCE && !revision_is_modern(r->revision)) {
        return RPC_NO_RESOURCE;
    }
    return why == MCP_FAILED ? RPC_INTERNAL : RPC_PARAMS;
}

void mcp_refuse_resource(
    struct mcp_request *r, enum mcp_refusal why, struct str message, struct str error)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    struct buf data = BUF_INIT(ANSWER_MAX);
    struct buf text = BUF_INIT(64 * 1024);
    ASSERT(r->wait == WAIT_CALL);
    buf_put_str(&text, message);
    buf_putc(&text, '\0');
    buf_puts(&data, "{\"uri\":");
    buf_put_json(&data, json_get_str(r->message.params, "uri"));
    buf_puts(&data, ",\"error\":");
    buf_put_str(&data, error);
    buf_putc(&data, '}');
    put_error(&out, r->message.id, code_of(r, why), buf_ok(&text) ? text.ptr : "",
        buf_ok(&data) ? buf_str(&data) : STR(""));
    buf_free(&text);
    buf_free(&data);
    request_answer(r, 200, "", &out);
}
