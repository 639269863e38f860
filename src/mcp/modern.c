// SPDX-License-Identifier: Apache-2.0
/* The modern era's envelope (revision 2026-07-28): `_meta` and the headers that mirror it. */
#include <openssl/evp.h>

#include "mcp/inside.h"

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"

enum { HEADER_BYTES_MAX = 2048 };

static yyjson_val *meta_of(const struct mcp_message *message)
{
    return json_get_object(message->params, "_meta");
}

bool modern_claims(const struct mcp_message *message)
{
    return yyjson_obj_get(meta_of(message), META_VERSION) != NULL;
}

/* The decoder is lenient: only the one text that encodes these bytes will do. */
static bool is_encoding_of(struct str text, const unsigned char *bytes, int len)
{
    unsigned char encoded[HEADER_BYTES_MAX / 3 * 4 + 8];
    int encoded_len = EVP_EncodeBlock(encoded, bytes, len);
    return str_eq(text, (struct str){(const char *)encoded, (size_t)encoded_len});
}

/* A header value that could not be sent plainly comes as =?base64?...?=. */
static bool header_decode(struct str value, struct buf *out)
{
    struct str prefix = STR("=?base64?");
    size_t quoted = prefix.len + 2;
    if (!str_starts_nocase(value, prefix) || value.len < quoted ||
        value.ptr[value.len - 1] != '=' || value.ptr[value.len - 2] != '?') {
        buf_put_str(out, value);
        return buf_ok(out);
    }
    struct str text = {value.ptr + prefix.len, value.len - quoted};
    unsigned char bytes[HEADER_BYTES_MAX];
    if (text.len % 4 != 0 || text.len / 4 * 3 > sizeof(bytes)) {
        return false;
    }
    int len = EVP_DecodeBlock(bytes, (const unsigned char *)text.ptr, (int)text.len);
    for (size_t i = text.len; len > 0 && i > 0 && text.ptr[i - 1] == '='; i--) {
        len--;
    }
    if (len < 0 || !is_encoding_of(text, bytes, len)) {
        return false;
    }
    buf_put(out, bytes, (size_t)len);
    return buf_ok(out) && str_is_utf8(buf_str(out));
}

static bool header_equals(struct http_exchange *x, const char *name, struct str expected)
{
    struct str value = http_header(x, name);
    struct buf text = BUF_INIT(64 * 1024);
    bool same = value.ptr && header_decode(value, &text) && str_eq(buf_str(&text), expected);
    buf_free(&text);
    return same;
}

static bool refuse(struct mcp *mcp, const struct mcp_origin *origin,
    const struct mcp_message *message, int code, const char *text, struct str data)
{
    struct buf out = BUF_INIT(ANSWER_MAX);
    if (message->kind == MESSAGE_REQUEST || origin->x) {
        put_error(&out, message->id, code, text, data);
    }
    answer_now(mcp, origin, 400, "", buf_str(&out));
    buf_free(&out);
    return false;
}

static bool refuse_revision(struct mcp *mcp, const struct mcp_origin *origin,
    const struct mcp_message *message, struct str requested)
{
    struct buf data = BUF_INIT(64 * 1024);
    buf_puts(&data, "{\"supported\":");
    revision_put_all(&data);
    buf_puts(&data, ",\"requested\":");
    buf_put_json(&data, str_utf8_prefix(requested, 64));
    buf_putc(&data, '}');
    refuse(mcp, origin, message, RPC_UNSUPPORTED_REVISION,
        "this revision of MCP is not served in requests that name it themselves",
        buf_str(&data));
    buf_free(&data);
    return false;
}

/* The headers of a POST repeat what routers need to know, and must say the same. */
static bool check_headers(struct mcp *mcp, const struct mcp_origin *origin,
    const struct mcp_message *message)
{
    if (!header_equals(origin->x, "mcp-method", message->method)) {
        return refuse(mcp, origin, message, RPC_HEADER_MISMATCH,
            "the header Mcp-Method must be there and equal the method", STR(""));
    }
    struct str name = json_get_str(message->params, "name");
    struct str uri = json_get_str(message->params, "uri");
    if (str_eq(message->method, STR("resources/read")) &&
        !header_equals(origin->x, "mcp-name", uri.ptr ? uri : STR(""))) {
        return refuse(mcp, origin, message, RPC_HEADER_MISMATCH,
            "the header Mcp-Name must be there and equal params.uri", STR(""));
    }
    if (str_eq(message->method, STR("tools/call")) &&
        !header_equals(origin->x, "mcp-name", name.ptr ? name : STR(""))) {
        return refuse(mcp, origin, message, RPC_HEADER_MISMATCH,
            "the header Mcp-Name must be there and equal params.name", STR(""));
    }
    return true;
}

static bool is_served(struct str method)
{
    return str_eq(method, STR("server/discover")) || str_eq(method, STR("tools/list")) ||
           str_eq(method, STR("tools/call")) || str_eq(method, STR("resources/list")) ||
           str_eq(method, STR("resources/templates/list")) ||
           str_eq(method, STR("resources/read")) || str_starts(method, STR("notifications/"));
}

bool modern_check(struct mcp *mcp, const struct mcp_origin *origin,
    const struct mcp_message *message, enum mcp_revision *ret_revision)
{
    yyjson_val *meta = meta_of(message);
    struct str version = json_get_str(meta, META_VERSION);
    if (!version.ptr) {
        return refuse(mcp, origin, message, RPC_PARAMS,
            "params._meta[\"" META_VERSION "\"] must be a string", STR(""));
    }
    if (origin->x) {
        struct str header = http_header(origin->x, "mcp-protocol-version");
        if (!header.ptr || !str_eq(header, version)) {
            return refuse(mcp, origin, message, RPC_HEADER_MISMATCH,
                "the header MCP-Protocol-Version must be there and equal params._meta", STR(""));
        }
    }
    *ret_revision = revision_of(version);
    if (!revision_is_modern(*ret_revision)) {
        return refuse_revision(mcp, origin, message, version);
    }
    if (message->kind == MESSAGE_REQUEST && !json_get_object(meta, META_CAPABILITIES)) {
        return refuse(mcp, origin, message, RPC_PARAMS,
            "params._meta[\"" META_CAPABILITIES "\"] must be an object", STR(""));
    }
    if (!is_served(message->method)) {
        struct buf out = BUF_INIT(ANSWER_MAX);
        put_error(&out, message->id, RPC_METHOD, "no such method", STR(""));
        answer_now(mcp, origin, 404, "", message->kind == MESSAGE_REQUEST || origin->x ? buf_str(&out) : STR(""));
        buf_free(&out);
        return false;
    }
    return !origin->x || check_headers(mcp, origin, message);
}
