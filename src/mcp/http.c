// SPDX-License-Identifier: Apache-2.0
/* The endpoint /mcp: Streamable HTTP in both eras. */
#include <stdio.h>

#include "mcp/inside.h"

static void refuse(struct http_exchange *x, int status, const char *headers, const char *error)
{
    struct buf out = BUF_INIT(4096);
    put_error(&out, NULL, RPC_INVALID, error, STR(""));
    http_reply(x, status, headers, "application/json", buf_str(&out));
    buf_free(&out);
}

/* The name in a Host header, or in an Origin after its scheme, without the port. */
static bool is_loopback_name(struct str host)
{
    static const struct str names[] = {
        {"localhost", 9}, {"127.0.0.1", 9}, {"[::1]", 5}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        uint64_t port;
        if (!str_starts_nocase(host, names[i])) {
            continue;
        }
        struct str rest = str_from(host, names[i].len);
        if (rest.len == 0 || (rest.ptr[0] == ':' && str_to_u64(str_from(rest, 1), 65535, &port))) {
            return true;
        }
    }
    return false;
}

/*
 * A page in a browser may send requests here under any name that points to this machine
 * (DNS rebinding): only the loopback names are ours. Ports may differ, for tunnels.
 */
static bool is_ours(struct http_exchange *x)
{
    struct str host = http_header(x, "host");
    struct str origin = http_header(x, "origin");
    if (!host.ptr || !is_loopback_name(host)) {
        return false;
    }
    if (!origin.ptr) {
        return true;
    }
    struct str schemes[] = {STR("http://"), STR("https://")};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (str_starts_nocase(origin, schemes[i])) {
            return is_loopback_name(str_from(origin, schemes[i].len));
        }
    }
    return false;
}

static bool is_json(struct http_exchange *x)
{
    struct str type = http_header(x, "content-type");
    ptrdiff_t end = type.ptr ? str_find(type, ';') : -1;
    if (end >= 0) {
        type.len = (size_t)end;
    }
    return type.ptr && str_eq_nocase(str_trim(type), STR("application/json"));
}

/* Which session a legacy message belongs to. False: it was answered. */
static bool find_session(struct mcp *mcp, struct mcp_origin *origin,
    const struct mcp_message *message, struct str id, char session[HANDLE_SIZE])
{
    struct str revision;
    struct str header = http_header(origin->x, "mcp-protocol-version");
    if (header.ptr && revision_of(header) == REVISION_UNKNOWN) {
        answer_error(mcp, origin, message->id, 400, RPC_INVALID,
            "the header MCP-Protocol-Version names no revision that is served");
        return false;
    }
    if (!mcp->host.session_find(mcp->host.ctx, str_of(origin->principal), id, &revision)) {
        answer_error(mcp, origin, message->id, 404, RPC_SESSION_NOT_FOUND,
            "no such session: it expired or was closed; initialize again");
        return false;
    }
    str_copy(id, session, HANDLE_SIZE);
    origin->session = session;
    origin->revision = revision_of(revision);
    if (origin->revision == REVISION_UNKNOWN) {
        origin->revision = REVISION_LEGACY_LATEST;
    }
    mcp->host.session_touch(mcp->host.ctx, id);
    return true;
}

/* Finds the era of a legacy message. False: it was answered. */
static bool legacy_check(struct mcp *mcp, struct mcp_origin *origin,
    const struct mcp_message *message, char session[HANDLE_SIZE])
{
    struct str id = http_header(origin->x, "mcp-session-id");
    struct str header = http_header(origin->x, "mcp-protocol-version");
    origin->revision = REVISION_LEGACY_LATEST;
    if (message->kind == MESSAGE_REQUEST && str_eq(message->method, STR("initialize"))) {
        return true;
    }
    if (id.ptr) {
        return find_session(mcp, origin, message, id, session);
    }
    bool is_modern = header.ptr && revision_is_modern(revision_of(header));
    if (is_modern && message->kind == MESSAGE_NOTIFICATION) {
        answer_now(mcp, origin, 202, "", STR(""));
    } else if (is_modern || str_eq(message->method, STR("server/discover"))) {
        answer_error(mcp, origin, message->id, 400, RPC_PARAMS,
            "params._meta must name the protocol version and the client's capabilities");
    } else {
        answer_error(mcp, origin, message->id, 400, RPC_NO_SESSION_ID,
            "send initialize first, and then its Mcp-Session-Id with every request");
    }
    return false;
}

static void on_post(struct mcp *mcp, struct mcp_origin *origin, struct str body)
{
    char session[HANDLE_SIZE];
    if (!is_json(origin->x)) {
        refuse(origin->x, 415, "", "Content-Type must be application/json");
        return;
    }
    struct mcp_message message = mcp_message_parse(body);
    bool is_message = message.kind == MESSAGE_REQUEST ||
                      message.kind == MESSAGE_NOTIFICATION || message.kind == MESSAGE_RESPONSE;
    bool ok = !is_message;
    if (is_message && modern_claims(&message)) {
        ok = modern_check(mcp, origin, &message, &origin->revision);
    } else if (is_message) {
        ok = legacy_check(mcp, origin, &message, session);
    }
    if (ok) {
        dispatch(mcp, origin, &message); /* answers what is no message, too */
    } else {
        mcp_message_free(&message);
    }
}

static void on_delete(struct mcp *mcp, struct mcp_origin *origin)
{
    char session[HANDLE_SIZE];
    struct str id = http_header(origin->x, "mcp-session-id");
    struct mcp_message none = {.kind = MESSAGE_REQUEST};
    if (!id.ptr) {
        refuse(origin->x, 400, "", "DELETE ends the session that Mcp-Session-Id names");
    } else if (find_session(mcp, origin, &none, id, session)) {
        struct mcp_request *r = request_new(mcp, origin, &none, WAIT_CLOSE);
        if (r) {
            mcp->host.session_close(mcp->host.ctx, r, str_of(session));
        }
    }
}

/* Before anything is read of it. */
static void refuse_flood(struct http_exchange *x, uint64_t wait_ms)
{
    struct buf out = BUF_INIT(4096);
    char message[128];
    char headers[64];
    char data[64];
    snprintf(message, sizeof(message),
        "too many HTTP requests of this user ([rate] http): send the next one in %llu ms",
        (unsigned long long)wait_ms);
    snprintf(headers, sizeof(headers), "Retry-After: %llu\r\n",
        (unsigned long long)((wait_ms + 999) / 1000));
    snprintf(data, sizeof(data), "{\"retry_after_ms\":%llu}", (unsigned long long)wait_ms);
    put_error(&out, NULL, RPC_FLOOD, message, str_of(data));
    http_reply(x, 429, headers, "application/json", buf_str(&out));
    buf_free(&out);
}

/* Everything but the endpoint. */
static void on_page(
    struct mcp *mcp, struct http_exchange *x, struct str path, struct str method)
{
    struct buf out = BUF_INIT(1024 * 1024);
    const char *type = "text/plain; charset=utf-8";
    int status = mcp->host.page(mcp->host.ctx, path, &out, &type);
    if (status == 0) {
        refuse(x, 404, "", "the endpoint is /mcp; there are /metrics, /healthz and /readyz");
    } else if (!str_eq(method, STR("GET")) && !str_eq(method, STR("HEAD"))) {
        refuse(x, 405, "Allow: GET, HEAD\r\n", "this page takes GET and HEAD");
    } else if (!buf_ok(&out)) {
        refuse(x, 500, "", "the page is too large");
    } else {
        http_reply(x, status, "", type, buf_str(&out));
    }
    buf_free(&out);
}

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *request)
{
    struct mcp *mcp = ctx;
    char principal[PRINCIPAL_SIZE];
    uint64_t wait_ms;
    struct mcp_origin origin = {
        .x = x, .principal = principal, .session = "", .revision = REVISION_UNKNOWN};
    struct str instance = http_header(x, "x-snowmux-client");
    origin.instance = instance.ptr ? str_utf8_prefix(instance, NAME_SIZE - 1) : STR("");
    ptrdiff_t query = str_find(request->path, '?');
    struct str path = {request->path.ptr, query < 0 ? request->path.len : (size_t)query};
    snprintf(principal, sizeof(principal), "uid:%u", request->peer_uid);
    if (!is_ours(x)) {
        refuse(x, 403, "", "Host and Origin must be localhost, 127.0.0.1 or [::1]");
    } else if (!request->peer_known || !mcp->host.admits(mcp->host.ctx, request->peer_uid)) {
        refuse(x, 403, "", "this user of the machine is not let in: see [listen] uids");
    } else if ((wait_ms = mcp->host.flood(mcp->host.ctx, request->peer_uid)) > 0) {
        refuse_flood(x, wait_ms);
    } else if (!str_eq(path, STR("/mcp"))) {
        on_page(mcp, x, path, request->method);
    } else if (str_eq(request->method, STR("POST"))) {
        on_post(mcp, &origin, request->body);
    } else if (str_eq(request->method, STR("DELETE"))) {
        on_delete(mcp, &origin);
    } else {
        refuse(x, 405, "Allow: POST, DELETE\r\n", "the endpoint takes POST and DELETE");
    }
}

/* In the modern era the end of the stream is the cancel; a legacy client may come back. */
static void on_gone(void *ctx, struct http_exchange *x, void *user)
{
    struct mcp *mcp = ctx;
    struct mcp_request *r = user;
    (void)x;
    if (r) {
        r->x = NULL;
        mcp->host.gone(mcp->host.ctx, r,
            revision_is_modern(r->revision) ? MCP_CANCELLED : MCP_LEFT);
        request_drop(r);
    }
}

struct http_handler mcp_http_handler(struct mcp *mcp)
{
    return (struct http_handler){.ctx = mcp, .request = on_request, .gone = on_gone};
}
