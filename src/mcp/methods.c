// SPDX-License-Identifier: Apache-2.0
/* What each method does, in both eras. */
#include "mcp/inside.h"

static struct str name_of(yyjson_val *object, const char *key)
{
    struct str s = json_get_str(object, key);
    return s.ptr ? str_utf8_prefix(s, NAME_SIZE - 1) : STR("");
}

static yyjson_val *modern_client_info(const struct mcp_message *message)
{
    return json_get_object(json_get_object(message->params, "_meta"),
        "io.modelcontextprotocol/clientInfo");
}

/* The revision to answer an initialize with: the one asked for, else our latest legacy one. */
static enum mcp_revision negotiate(const struct mcp_message *message)
{
    struct str asked = json_get_str(message->params, "protocolVersion");
    enum mcp_revision revision = asked.ptr ? revision_of(asked) : REVISION_UNKNOWN;
    return revision == REVISION_UNKNOWN || revision_is_modern(revision) ? REVISION_LEGACY_LATEST
                                                                        : revision;
}

static void put_server(struct mcp *mcp, struct buf *out)
{
    buf_puts(out, "\"capabilities\":{\"tools\":{\"listChanged\":false},\"resources\":{\"listChanged\":false,"
                  "\"subscribe\":false}},\"instructions\":");
    buf_put_json(out, str_of(mcp->settings.instructions));
}

void put_initialized(struct mcp_request *r, struct buf *out)
{
    struct mcp *mcp = r->mcp;
    put_result_begin(out, r->message.id, false);
    buf_printf(out, "\"protocolVersion\":\"%s\",", revision_name(r->revision));
    put_server(mcp, out);
    buf_printf(out, ",\"serverInfo\":{\"name\":\"snowmux\",\"title\":\"snowmux\",\"version\":\"%s\"}",
        mcp->settings.version);
    put_result_end(mcp, out, false);
}

static void open_session(struct mcp_request *r, struct str instance)
{
    struct mcp *mcp = r->mcp;
    struct mcp_conn *conn = r->conn;
    yyjson_val *info = json_get_object(r->message.params, "clientInfo");
    struct mcp_client client = {
        .name = name_of(info, "name"),
        .version = name_of(info, "version"),
        .instance = instance,
        .revision = str_of(revision_name(r->revision)),
    };
    r->is_opener = true;
    if (conn) {
        conn->opening++;
    }
    if (conn && r->wait == WAIT_INITIALIZE) {
        str_copy(client.name, conn->client_name, sizeof(conn->client_name));
        str_copy(client.version, conn->client_version, sizeof(conn->client_version));
        conn->revision = r->revision;
    } else if (conn) {
        client.name = str_of(conn->client_name);
        client.version = str_of(conn->client_version);
    }
    mcp->host.session_open(mcp->host.ctx, r, str_of(r->principal), &client, conn != NULL);
}

static void initialize(
    struct mcp *mcp, const struct mcp_origin *origin, struct mcp_message *message)
{
    struct mcp_origin own = *origin;
    own.revision = negotiate(message);
    own.session = "";
    struct mcp_request *r = request_new(mcp, &own, message, WAIT_INITIALIZE);
    if (r) {
        open_session(r, origin->instance);
    }
}

static void list_tools(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    bool modern = revision_is_modern(origin->revision);
    if (yyjson_obj_get(message->params, "cursor")) {
        answer_error(mcp, origin, message->id, 200, RPC_PARAMS,
            "the list has one page: there is no cursor to go on with");
        return;
    }
    put_result_begin(&out, message->id, modern);
    if (modern) {
        buf_puts(&out, "\"ttlMs\":300000,\"cacheScope\":\"public\",");
    }
    buf_puts(&out, "\"tools\":");
    buf_put_str(&out, mcp->settings.tools);
    put_result_end(mcp, &out, modern);
    answer_now(mcp, origin, 200, "", buf_str(&out));
    buf_free(&out);
}

static void discover(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    put_result_begin(&out, message->id, true);
    buf_puts(&out, "\"ttlMs\":300000,\"cacheScope\":\"public\",\"supportedVersions\":");
    revision_put_all(&out);
    buf_putc(&out, ',');
    put_server(mcp, &out);
    put_result_end(mcp, &out, true);
    answer_now(mcp, origin, 200, "", buf_str(&out));
    buf_free(&out);
}

static void ping(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    put_result_begin(&out, message->id, false);
    put_result_end(mcp, &out, false);
    answer_now(mcp, origin, 200, "", buf_str(&out));
    buf_free(&out);
}

void call_tool(struct mcp_request *r)
{
    struct mcp *mcp = r->mcp;
    bool modern = revision_is_modern(r->revision);
    yyjson_val *info = modern ? modern_client_info(&r->message) : NULL;
    bool is_read = str_eq(r->message.method, STR("resources/read"));
    struct mcp_call call = {
        .principal = str_of(r->principal),
        .client = {.name = name_of(info, "name"),
            .version = name_of(info, "version"),
            .instance = r->conn ? str_of(r->conn->instance) : STR(""),
            .revision = str_of(revision_name(r->revision))},
        .session = str_of(modern ? "" : r->session),
        .tool = json_get_str(r->message.params, "name"),
        .resource = is_read ? json_get_str(r->message.params, "uri") : (struct str){NULL, 0},
        .answer_max = r->conn ? CONTENTS_LINE_MAX : CONTENTS_MAX,
        .arguments = is_read ? NULL : json_get_object(r->message.params, "arguments"),
        .trace = name_of(json_get_object(r->message.params, "_meta"), "traceparent"),
        .bytes = r->message.bytes,
        .again = r->again,
    };
    if (r->x) {
        struct str header = http_header(r->x, "x-snowmux-client");
        call.client.instance = header.ptr ? str_utf8_prefix(header, NAME_SIZE - 1) : STR("");
    }
    if (!mcp->host.call(mcp->host.ctx, r, &call)) {
        request_reject(r, RPC_PARAMS, "no such tool: see tools/list");
    }
}

static void tools_call(
    struct mcp *mcp, const struct mcp_origin *origin, struct mcp_message *message)
{
    struct str name = json_get_str(message->params, "name");
    yyjson_val *arguments = yyjson_obj_get(message->params, "arguments");
    if (!name.ptr || (arguments && !yyjson_is_obj(arguments) && !yyjson_is_null(arguments))) {
        answer_error(mcp, origin, message->id, 200, RPC_PARAMS,
            name.ptr ? "params.arguments must be an object" : "params.name must be a string");
        return;
    }
    bool needs_session = origin->conn && !revision_is_modern(origin->revision) &&
                         origin->session[0] == '\0';
    struct mcp_request *r =
        request_new(mcp, origin, message, needs_session ? WAIT_REOPEN : WAIT_CALL);
    if (r && needs_session && r->conn->opening == 0) {
        open_session(r, origin->instance);
    } else if (r && needs_session) {
        return; /* it goes on with the session that is being opened */
    } else if (r) {
        call_tool(r);
    }
}

static bool is_same_asker(const struct mcp_request *r, const struct mcp_origin *origin)
{
    if (origin->conn) {
        return r->conn == origin->conn;
    }
    return r->x && origin->session[0] != '\0' &&
           str_eq(str_of(r->session), str_of(origin->session)) &&
           str_eq(str_of(r->principal), str_of(origin->principal));
}

/* Cancels a request of the same session or connection; others' and unknown ids are nothing. */
static void cancelled(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message)
{
    yyjson_val *id = yyjson_obj_get(message->params, "requestId");
    LIST_FOR(node, &mcp->requests) {
        struct mcp_request *r = CONTAINER_OF(node, struct mcp_request, all);
        if (r->wait == WAIT_CALL && is_same_asker(r, origin) &&
            yyjson_equals(r->message.id, id)) {
            mcp->host.gone(mcp->host.ctx, r, MCP_CANCELLED);
            request_drop(r);
            return;
        }
    }
}

static void notification(
    struct mcp *mcp, const struct mcp_origin *origin, const struct mcp_message *message)
{
    if (str_eq(message->method, STR("notifications/cancelled"))) {
        cancelled(mcp, origin, message);
    }
    answer_now(mcp, origin, 202, "", STR(""));
}

static void request(
    struct mcp *mcp, const struct mcp_origin *origin, struct mcp_message *message)
{
    bool modern = revision_is_modern(origin->revision);
    struct str method = message->method;
    if (str_eq(method, STR("tools/call"))) {
        tools_call(mcp, origin, message);
    } else if (str_eq(method, STR("tools/list"))) {
        list_tools(mcp, origin, message);
    } else if (str_eq(method, STR("resources/list"))) {
        resources_list(mcp, origin, message);
    } else if (str_eq(method, STR("resources/templates/list"))) {
        resources_templates(mcp, origin, message);
    } else if (str_eq(method, STR("resources/read"))) {
        resources_read(mcp, origin, message);
    } else if (modern && str_eq(method, STR("server/discover"))) {
        discover(mcp, origin, message);
    } else if (!modern && str_eq(method, STR("initialize"))) {
        initialize(mcp, origin, message);
    } else if (!modern && str_eq(method, STR("ping"))) {
        ping(mcp, origin, message);
    } else {
        answer_error(mcp, origin, message->id, modern ? 404 : 200, RPC_METHOD, "no such method");
    }
}

void dispatch(struct mcp *mcp, const struct mcp_origin *origin, struct mcp_message *message)
{
    switch (message->kind) {
    case MESSAGE_REQUEST:
        request(mcp, origin, message);
        break;
    case MESSAGE_NOTIFICATION:
        notification(mcp, origin, message);
        break;
    case MESSAGE_RESPONSE: /* nothing was asked of the client */
        answer_now(mcp, origin, 202, "", STR(""));
        break;
    case MESSAGE_BATCH:
    case MESSAGE_INVALID:
    case MESSAGE_UNPARSABLE:
        answer_error(mcp, origin, message->id, 400,
            message->kind == MESSAGE_UNPARSABLE ? RPC_PARSE : RPC_INVALID, message->fault);
        break;
    }
    mcp_message_free(message);
}
