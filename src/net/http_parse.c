// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "net/http_conn.h"
#include "net/peer.h"

/* One colon, one space, one line end. */
enum { FIELD_OVERHEAD = 4 };

static struct conn *conn_of(llhttp_t *parser)
{
    return CONTAINER_OF(parser, struct conn, parser);
}

static int refuse(struct request *req, int status, const char *error)
{
    req->status = status;
    req->error = error;
    return HPE_USER;
}

static struct field *fields_of(const struct request *req, size_t *ret_count)
{
    *ret_count = req->fields.len / sizeof(struct field);
    return (struct field *)(void *)req->fields.ptr;
}

static struct field *last_field(const struct request *req)
{
    size_t count;
    struct field *fields = fields_of(req, &count);
    ASSERT(count > 0);
    return &fields[count - 1];
}

static struct str name_of(const struct request *req, const struct field *f)
{
    return (struct str){req->head.ptr + f->name, f->name_len};
}

static struct str value_of(const struct request *req, const struct field *f)
{
    return str_trim((struct str){req->head.ptr + f->value, f->value_len});
}

static int put_head(struct conn *c, const char *at, size_t len)
{
    struct request *req = c->req;
    size_t count = req->fields.len / sizeof(struct field);
    size_t size = req->head.len + count * FIELD_OVERHEAD + len;
    if (size > c->server->limits.head_bytes_max) {
        return refuse(req, 431, "request head too large");
    }
    buf_put(&req->head, at, len);
    return buf_ok(&req->head) ? 0 : refuse(req, 431, "request head too large");
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct conn *c = conn_of(parser);
    c->req->path_len += (uint32_t)len;
    return put_head(c, at, len);
}

/* Extensions and trailers are dropped, but not without limit. */
static int on_extension(llhttp_t *parser, const char *at, size_t len)
{
    (void)at;
    struct request *req = conn_of(parser)->req;
    req->extension_bytes += len + FIELD_OVERHEAD;
    if (req->extension_bytes > EXTENSIONS_MAX) {
        return refuse(req, 400, "too many chunk extensions or trailers");
    }
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct conn *c = conn_of(parser);
    struct request *req = c->req;
    if (req->head_done) {
        return on_extension(parser, at, len);
    }
    if (req->in_value || req->fields.len == 0) {
        if (req->fields.len == FIELDS_MAX * sizeof(struct field)) {
            return refuse(req, 431, "too many headers");
        }
        struct field f = {.name = (uint32_t)req->head.len};
        buf_put(&req->fields, &f, sizeof(f));
        if (!buf_ok(&req->fields)) {
            return refuse(req, 503, "out of memory");
        }
        req->in_value = false;
    }
    last_field(req)->name_len += (uint32_t)len;
    size_t start = req->head.len;
    int rc = put_head(c, at, len);
    for (size_t i = start; i < req->head.len; i++) {
        char ch = req->head.ptr[i];
        req->head.ptr[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
    }
    return rc;
}

/* A value may be empty and never be told of: it begins where the name ends. */
static int on_field_complete(llhttp_t *parser)
{
    struct request *req = conn_of(parser)->req;
    if (!req->head_done && req->fields.len > 0) {
        req->in_value = true;
        last_field(req)->value = (uint32_t)req->head.len;
    }
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct conn *c = conn_of(parser);
    struct request *req = c->req;
    if (req->head_done) {
        return on_extension(parser, at, len);
    }
    last_field(req)->value_len += (uint32_t)len;
    return put_head(c, at, len);
}

static const struct field *find(const struct request *req, struct str name)
{
    size_t count;
    const struct field *fields = fields_of(req, &count);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name_of(req, &fields[i]), name)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* Headers of which two would leave open which one counts. */
static bool is_single(struct str name)
{
    static const char *const singles[] = {"host", "content-type", "content-length",
        "authorization", "origin", "last-event-id", "expect", "user-agent", "referer"};
    for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
        if (str_eq(str_of(singles[i]), name)) {
            return true;
        }
    }
    return str_starts(name, STR("mcp-"));
}

/* Joins the values of headers of one name into the first of them. */
static int join_fields(struct request *req)
{
    size_t count;
    struct field *fields = fields_of(req, &count);
    for (size_t i = 0; i < count; i++) {
        bool joined = false;
        for (size_t j = i + 1; j < count; j++) {
            struct str name = name_of(req, &fields[i]);
            if (name.len == 0 || !str_eq(name_of(req, &fields[j]), name)) {
                continue;
            }
            if (is_single(name)) {
                return refuse(req, 400, "a header that may come once came twice");
            }
            struct buf join = BUF_INIT(2 * req->head.max);
            if (!joined) {
                buf_put_str(&join, value_of(req, &fields[i]));
            }
            buf_puts(&join, ", ");
            buf_put_str(&join, value_of(req, &fields[j]));
            if (!joined) {
                fields[i].value = (uint32_t)req->head.len;
                fields[i].value_len = 0;
            }
            buf_put_str(&req->head, buf_str(&join));
            fields[i].value_len += (uint32_t)join.len;
            bool ok = buf_ok(&join) && buf_ok(&req->head);
            buf_free(&join);
            if (!ok) {
                return refuse(req, 431, "request head too large");
            }
            joined = true;
            fields[j].name_len = 0; /* nobody asks for "" */
        }
    }
    return 0;
}

static int check_expect(struct conn *c, bool has_body)
{
    const struct field *expect = find(c->req, STR("expect"));
    if (!expect || c->parser.http_minor == 0) {
        return 0;
    }
    if (!str_eq_nocase(value_of(c->req, expect), STR("100-continue"))) {
        return refuse(c->req, 417, "unknown expectation");
    }
    if (has_body) {
        struct str go_on = STR("HTTP/1.1 100 Continue\r\n\r\n");
        conn_put(c, &go_on, 1);
    }
    return 0;
}

static bool is_version_ours(const llhttp_t *parser)
{
    return parser->http_major == 1 && parser->http_minor <= 1;
}

static int check_head(struct conn *c)
{
    struct request *req = c->req;
    llhttp_t *parser = &c->parser;
    if (!is_version_ours(parser)) {
        return refuse(req, 505, "HTTP/1.1 only");
    }
    if (parser->method == HTTP_CONNECT) {
        return refuse(req, 501, "no tunnels here");
    }
    if (join_fields(req) != 0) {
        return HPE_USER;
    }
    if (parser->http_minor == 1 && !find(req, STR("host"))) {
        return refuse(req, 400, "no Host header");
    }
    const struct field *coding = find(req, STR("transfer-encoding"));
    if (coding && parser->http_minor == 0) {
        return refuse(req, 400, "no transfer codings in HTTP/1.0");
    }
    if (coding && !str_eq_nocase(value_of(req, coding), STR("chunked"))) {
        return refuse(req, 501, "unsupported transfer coding");
    }
    bool has_length = (parser->flags & F_CONTENT_LENGTH) != 0;
    if (has_length && parser->content_length > c->server->limits.body_bytes_max) {
        return refuse(req, 413, "request body too large");
    }
    return check_expect(c, coding || (has_length && parser->content_length > 0));
}

static int on_headers_complete(llhttp_t *parser)
{
    struct conn *c = conn_of(parser);
    int rc = check_head(c);
    if (rc != 0) {
        return -1;
    }
    parser->upgrade = 0; /* offers to change the protocol are passed over */
    c->req->head_done = true;
    conn_phase(c, PHASE_BODY);
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct conn *c = conn_of(parser);
    struct request *req = c->req;
    buf_put(&req->body, at, len);
    bool fits = buf_ok(&req->body) && req->body.len <= c->server->limits.body_bytes_max;
    return fits ? 0 : refuse(req, 413, "request body too large");
}

static int on_message_complete(llhttp_t *parser)
{
    conn_of(parser)->keep = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED;
}

void conn_parser_init(struct conn *c)
{
    static const llhttp_settings_t settings = {
        .on_url = on_url,
        .on_header_field = on_field,
        .on_header_field_complete = on_field_complete,
        .on_header_value = on_value,
        .on_chunk_extension_name = on_extension,
        .on_chunk_extension_value = on_extension,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
    };
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
}

static bool begin_request(struct conn *c)
{
    c->req = calloc(1, sizeof(*c->req));
    if (!c->req) {
        conn_close(c);
        return false;
    }
    /* Twice: joined headers are kept a second time. */
    c->req->head = BUF_INIT(2 * c->server->limits.head_bytes_max + 1);
    c->req->fields = BUF_INIT(FIELDS_MAX * sizeof(struct field));
    c->req->body = BUF_INIT(c->server->limits.body_bytes_max + 1);
    c->head_seen = 0;
    conn_phase(c, PHASE_HEAD);
    return true;
}

void request_free(struct conn *c)
{
    if (c->req) {
        buf_free(&c->req->head);
        buf_free(&c->req->fields);
        buf_free(&c->req->body);
        free(c->req);
        c->req = NULL;
    }
}

static void ask_peer(struct conn *c)
{
    uv_os_fd_t fd;
    c->peer_asked = true;
    c->peer_known = uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0 &&
        peer_uid_tcp(fd, &c->peer_uid) == 0;
}

static void dispatch(struct conn *c)
{
    if (uv_is_closing((uv_handle_t *)&c->tcp)) {
        return; /* writing "100 Continue" failed */
    }
    if (!c->peer_asked) {
        ask_peer(c);
    }
    struct request *req = c->req;
    struct http_request r = {
        .method = str_of(llhttp_method_name((llhttp_method_t)c->parser.method)),
        .path = {req->head.ptr, req->path_len},
        .body = buf_str(&req->body),
        .peer_uid = c->peer_uid,
        .peer_known = c->peer_known,
    };
    c->x = (struct http_exchange){.live = true};
    c->linger = false;
    conn_phase(c, PHASE_HANDLED);
    c->server->handler.request(c->server->handler.ctx, &c->x, &r);
}

static void refuse_error(struct conn *c, llhttp_errno_t err)
{
    const struct request *req = c->req;
    if (req->status != 0) {
        conn_refuse(c, req->status, req->error);
    } else if (err == HPE_PAUSED_H2_UPGRADE ||
        (err == HPE_INVALID_VERSION && !is_version_ours(&c->parser))) {
        conn_refuse(c, 505, "HTTP/1.1 only");
    } else if (err == HPE_INVALID_TRANSFER_ENCODING) {
        conn_refuse(c, 400, "bad transfer coding");
    } else {
        conn_refuse(c, 400, "malformed request");
    }
}

/* Parses to the end of the bytes or of the request; returns how many were used. */
static size_t parse(struct conn *c, const char *bytes, size_t len)
{
    llhttp_errno_t err = llhttp_execute(&c->parser, bytes, len);
    if (err == HPE_PAUSED) {
        size_t used = (size_t)(llhttp_get_error_pos(&c->parser) - bytes);
        llhttp_resume(&c->parser);
        dispatch(c);
        return used;
    }
    if (err != HPE_OK) {
        refuse_error(c, err);
        return len;
    }
    c->head_seen += len;
    if (!c->req->head_done && c->head_seen > c->server->limits.head_bytes_max) {
        conn_refuse(c, 431, "request head too large");
    }
    return len;
}

void conn_feed(struct conn *c, const char *bytes, size_t len)
{
    ASSERT(!c->feeding);
    c->feeding = true;
    while (len > 0 && c->phase <= PHASE_BODY && !uv_is_closing((uv_handle_t *)&c->tcp)) {
        if (c->phase == PHASE_IDLE) {
            if (*bytes == '\r' || *bytes == '\n') {
                bytes++;
                len--;
                continue;
            }
            if (!begin_request(c)) {
                break;
            }
        }
        size_t used = parse(c, bytes, len);
        bytes += used;
        len -= used;
    }
    c->feeding = false;
    if (len > 0 && c->keep && (c->phase == PHASE_HANDLED || c->phase == PHASE_DRAIN)) {
        buf_put(&c->rest, bytes, len);
        if (!buf_ok(&c->rest)) {
            conn_close(c);
        }
    }
}

struct str http_header(const struct http_exchange *x, const char *lower_case_name)
{
    ASSERT(x->live);
    const struct conn *c = conn_of_const(x);
    const struct field *f = find(c->req, str_of(lower_case_name));
    return f ? value_of(c->req, f) : (struct str){NULL, 0};
}

bool conn_is_method(const struct conn *c, enum llhttp_method method)
{
    return c->req && c->req->path_len > 0 && c->parser.method == method;
}
