// SPDX-License-Identifier: Apache-2.0
#include "rpc_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct rig rig;

/* ---- what was owed and what came ---- */

char *id_text(yyjson_val *id)
{
    struct buf text = BUF_INIT(LEN_MAX * 8);
    json_put_val(&text, id);
    buf_putc(&text, '\0');
    ASSERT(buf_ok(&text));
    return buf_take(&text);
}

void owe(struct pipe_conn *pipe, yyjson_val *id)
{
    ASSERT(pipe->owed_count < OWED_MAX);
    pipe->owed[pipe->owed_count++] = id_text(id);
}

static void settle(struct pipe_conn *pipe, yyjson_val *id)
{
    char *text = id_text(id);
    size_t i = 0;
    while (i < pipe->owed_count && strcmp(pipe->owed[i], text) != 0) {
        i++;
    }
    ASSERT(i < pipe->owed_count);
    free(text);
    free(pipe->owed[i]);
    pipe->owed[i] = pipe->owed[--pipe->owed_count];
}

/* An answer: one line of JSON-RPC with a result or an error. Returns its document. */
static yyjson_doc *check_answer(struct str json)
{
    ASSERT(!memchr(json.ptr, '\n', json.len) && !memchr(json.ptr, '\r', json.len));
    yyjson_doc *doc = yyjson_read(json.ptr, json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    ASSERT(yyjson_is_obj(root));
    ASSERT(yyjson_equals_str(yyjson_obj_get(root, "jsonrpc"), "2.0"));
    ASSERT(yyjson_obj_get(root, "id"));
    yyjson_val *error = yyjson_obj_get(root, "error");
    ASSERT(!error != !yyjson_obj_get(root, "result"));
    ASSERT(!error || (yyjson_is_sint(yyjson_obj_get(error, "code")) &&
                         yyjson_is_str(yyjson_obj_get(error, "message"))));
    return doc;
}

/* Progress of the request that the host tells of now, which asked for it? Checks it. */
static bool is_progress(struct str json)
{
    struct mcp_request *r = rig.telling;
    yyjson_doc *doc = r ? yyjson_read(json.ptr, json.len, 0) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *params = yyjson_obj_get(root, "params");
    yyjson_val *progress = yyjson_obj_get(params, "progress");
    if (!r) {
        return false;
    }
    ASSERT(!memchr(json.ptr, '\n', json.len) && !memchr(json.ptr, '\r', json.len));
    ASSERT(yyjson_equals_str(yyjson_obj_get(root, "method"), "notifications/progress"));
    ASSERT(!yyjson_obj_get(root, "id"));
    ASSERT(yyjson_equals(yyjson_obj_get(params, "progressToken"),
        yyjson_obj_get(json_get_object(r->message.params, "_meta"), "progressToken")));
    ASSERT(!rig.has_told || yyjson_get_real(progress) > rig.told_before);
    ASSERT(!yyjson_obj_get(params, "message") == (r->revision == REVISION_2024_11_05));
    yyjson_doc_free(doc);
    return true;
}

static void check_body(const struct http_exchange *x, struct str json)
{
    yyjson_doc *doc = check_answer(json);
    char *id = id_text(yyjson_obj_get(yyjson_doc_get_root(doc), "id"));
    /* What is refused before its body is read has no id. */
    ASSERT(strcmp(id, "null") == 0 || strcmp(id, x->id) == 0);
    free(id);
    yyjson_doc_free(doc);
}

/* ---- the fake of net/http.h ---- */

struct str http_header(const struct http_exchange *x, const char *name)
{
    ASSERT(x->live);
    for (size_t i = 0; i < x->header_count; i++) {
        if (str_eq_nocase(x->headers[i].name, str_of(name))) {
            return x->headers[i].value;
        }
    }
    return (struct str){NULL, 0};
}

void http_set_user(struct http_exchange *x, void *user)
{
    ASSERT(x->live);
    x->user = user;
}

static void end_exchange(struct http_exchange *x)
{
    ASSERT(x->live);
    x->live = false;
}

void http_reply(struct http_exchange *x, int status, const char *extra_headers,
    const char *content_type, struct str body)
{
    ASSERT(x->live && !x->streaming);
    ASSERT(status >= 200 && status < 600);
    ASSERT(extra_headers[0] == '\0' || strstr(extra_headers, "\r\n"));
    ASSERT((content_type != NULL) == (body.len > 0));
    ASSERT(status != 200 || x->kind == MESSAGE_REQUEST);
    ASSERT((status != 202 && status != 204) == (body.len > 0));
    if (body.len > 0) {
        check_body(x, body);
    }
    end_exchange(x);
}

void http_stream_begin(struct http_exchange *x, const char *extra_headers)
{
    ASSERT(x->live && !x->streaming && x->kind == MESSAGE_REQUEST);
    ASSERT(extra_headers[0] == '\0');
    x->streaming = true;
}

void http_stream_event(struct http_exchange *x, const char *event, struct str data)
{
    ASSERT(x->live && x->streaming && !x->has_event);
    ASSERT(strcmp(event, "message") == 0);
    if (is_progress(data)) {
        ASSERT(rig.telling->x == x);
        return;
    }
    check_body(x, data);
    x->has_event = true;
}

/* @before, the file and @after; the caller frees it. */
static struct buf joined(struct str before, const struct http_file *file, struct str after)
{
    struct buf out = BUF_INIT(1 << 20);
    char bytes[64];
    ssize_t len = pread(file->fd, bytes, sizeof(bytes), 0);
    ASSERT(len >= 0 && (size_t)len == file->len);
    close(file->fd);
    buf_put_str(&out, before);
    buf_put(&out, bytes, file->len);
    buf_put_str(&out, after);
    ASSERT(buf_ok(&out));
    return out;
}

void http_reply_file(struct http_exchange *x, int status, const char *extra_headers,
    const char *content_type, struct str before, const struct http_file *file, struct str after)
{
    struct buf body = joined(before, file, after);
    http_reply(x, status, extra_headers, content_type, buf_str(&body));
    buf_free(&body);
}

void http_stream_event_file(struct http_exchange *x, const char *event, struct str before,
    const struct http_file *file, struct str after)
{
    struct buf data = joined(before, file, after);
    http_stream_event(x, event, buf_str(&data));
    buf_free(&data);
}

void http_stream_comment(struct http_exchange *x, struct str text)
{
    ASSERT(x->live && x->streaming && !x->has_event);
    ASSERT(!memchr(text.ptr, '\n', text.len));
}

void http_stream_end(struct http_exchange *x)
{
    ASSERT(x->streaming);
    end_exchange(x);
}

size_t http_pending_bytes(const struct http_exchange *x)
{
    ASSERT(x->live);
    return 0;
}

/* ---- the fake of net/pipe.h ---- */

void pipe_send(struct pipe_conn *pipe, struct str line)
{
    if (pipe->ended) {
        return;
    }
    if (is_progress(line)) {
        ASSERT(rig.telling->conn->pipe == pipe);
        return;
    }
    yyjson_doc *doc = yyjson_read(line.ptr, line.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_str(yyjson_obj_get(root, "snowmux"))) {
        yyjson_doc_free(doc);
        doc = check_answer(line);
        settle(pipe, yyjson_obj_get(yyjson_doc_get_root(doc), "id"));
    }
    yyjson_doc_free(doc);
}

size_t pipe_pending_bytes(const struct pipe_conn *pipe)
{
    (void)pipe;
    return 0;
}

void pipe_close(struct pipe_conn *pipe)
{
    pipe->ended = true;
}

void pipe_set_user(struct pipe_conn *pipe, void *user)
{
    pipe->user = user;
}

void *pipe_user(const struct pipe_conn *pipe)
{
    return pipe->user;
}

bool pipe_peer_uid(const struct pipe_conn *pipe, uint32_t *ret_uid)
{
    (void)pipe;
    *ret_uid = UID;
    return true;
}

void disconnect(struct pipe_conn *pipe)
{
    if (!pipe->used) {
        return;
    }
    pipe->ended = true;
    rig.pipe.closed(rig.pipe.ctx, pipe, pipe->user);
    for (size_t i = 0; i < pipe->owed_count; i++) {
        free(pipe->owed[i]);
    }
    pipe->owed_count = 0;
    pipe->used = pipe->ended = false;
    pipe->user = NULL;
}

/* ---- the host ---- */

static uint64_t flood(void *ctx, uint32_t uid)
{
    (void)ctx;
    (void)uid;
    return 0;
}

static int page(void *ctx, struct str path, struct buf *out, const char **ret_type)
{
    (void)ctx;
    (void)ret_type;
    buf_puts(out, "page\n");
    return str_eq(path, STR("/page")) ? 200 : 0;
}

static bool admits(void *ctx, uint32_t uid)
{
    (void)ctx;
    return uid == UID;
}

static struct session *session_of(struct str handle)
{
    for (size_t i = 0; i < rig.session_count; i++) {
        if (str_eq(str_of(rig.sessions[i].handle), handle)) {
            return &rig.sessions[i];
        }
    }
    return NULL;
}

static void keep(struct mcp_request *r)
{
    ASSERT(rig.pending_count < PENDING_MAX);
    rig.pending[rig.pending_count++] = r;
}

static void forget(struct mcp_request *r)
{
    size_t i = 0;
    while (i < rig.pending_count && rig.pending[i] != r) {
        i++;
    }
    ASSERT(i < rig.pending_count);
    memmove(&rig.pending[i], &rig.pending[i + 1],
        (rig.pending_count - i - 1) * sizeof(rig.pending[0]));
    rig.pending_count--;
}

static bool resources(void *ctx, struct str principal, struct str cursor, struct buf *out)
{
    (void)ctx;
    (void)principal;
    buf_puts(out, "\"resources\":[]");
    return !cursor.ptr;
}

static void answer_resource(struct mcp_request *r)
{
    if (rig.opened % 2 == 0) {
        int fd = memfd_create("contents", MFD_CLOEXEC);
        bool ok = write(fd, "{\"uri\":\"a\"}", 11) == 11;
        ASSERT(ok);
        mcp_answer_resource(r, &(struct http_file){.fd = fd, .len = 11});
    } else {
        mcp_refuse_resource(r, (enum mcp_refusal)(rig.opened % 3), STR("no \"such\""), STR("{}"));
    }
}

/* Answers in the way its wait allows. */
static void answer(struct mcp_request *r, bool well)
{
    if (!well) {
        mcp_answer_error(r, "not \"now\"");
    } else if (r->wait == WAIT_CALL && str_eq(r->message.method, STR("resources/read"))) {
        answer_resource(r);
    } else if (r->wait == WAIT_CALL) {
        mcp_answer_tool(r, STR("{\"a\":[\"\\u0000\"]}"), rig.opened % 2 == 0);
    } else if (r->wait == WAIT_CLOSE) {
        mcp_answer_closed(r);
    } else {
        char handle[HANDLE_SIZE];
        struct session *s = session_of(str_of(rig.last));
        str_copy(str_of(s ? s->handle : rig.last), handle, sizeof(handle));
        if (s && r->conn) {
            s->attached++;
        }
        mcp_answer_session(r, str_of(handle));
    }
}

static void ask(struct mcp_request *r)
{
    if (rig.at_once || rig.pending_count == PENDING_MAX) {
        answer(r, true);
    } else {
        keep(r);
    }
}

static void open_session(void *ctx, struct mcp_request *r, struct str principal,
    const struct mcp_client *client, bool stays)
{
    (void)ctx;
    ASSERT(stays == (r->conn != NULL));
    ASSERT(client->name.len < NAME_SIZE && client->version.len < NAME_SIZE &&
           client->instance.len < NAME_SIZE);
    ASSERT(revision_of(client->revision) != REVISION_UNKNOWN);
    ASSERT(!revision_is_modern(revision_of(client->revision)));
    if (rig.session_count == SESSIONS_MAX) {
        mcp_answer_error(r, "too many");
        return;
    }
    struct session *s = &rig.sessions[rig.session_count++];
    *s = (struct session){0};
    snprintf(s->handle, sizeof(s->handle), "s_%026u", ++rig.opened);
    str_copy(principal, s->principal, sizeof(s->principal));
    str_copy(client->revision, s->revision, sizeof(s->revision));
    str_copy(str_of(s->handle), rig.last, sizeof(rig.last));
    ask(r);
}

static bool find_session(
    void *ctx, struct str principal, struct str handle, struct str *ret_revision)
{
    struct session *s = session_of(handle);
    (void)ctx;
    *ret_revision = s ? str_of(s->revision) : STR("");
    return s && str_eq(str_of(s->principal), principal);
}

static void touch(void *ctx, struct str handle)
{
    (void)ctx;
    ASSERT(session_of(handle));
}

static void attach(void *ctx, struct str handle)
{
    (void)ctx;
    ASSERT(session_of(handle));
    session_of(handle)->attached++;
}

static void detach(void *ctx, struct str handle)
{
    struct session *s = session_of(handle);
    (void)ctx;
    if (s) {
        ASSERT(s->attached > 0);
        s->attached--;
    }
}

static void close_session(void *ctx, struct mcp_request *r, struct str handle)
{
    struct session *s = session_of(handle);
    (void)ctx;
    ASSERT(s && r->x);
    *s = rig.sessions[--rig.session_count];
    ask(r);
}

/* Tools: "now" is answered at once, "take" outlives its request, "wait" waits. */
static bool call(void *ctx, struct mcp_request *r, const struct mcp_call *wanted)
{
    (void)ctx;
    ASSERT(str_eq(wanted->principal, STR("uid:7")));
    ASSERT(
        wanted->client.instance.len < NAME_SIZE && wanted->client.name.len < NAME_SIZE);
    ASSERT(!wanted->arguments || yyjson_is_obj(wanted->arguments));
    if (str_eq(wanted->tool, STR("now"))) {
        answer(r, true);
    } else if (str_eq(wanted->tool, STR("take"))) {
        yyjson_doc *doc = mcp_take_document(r);
        mcp_answer_error(r, "taken");
        yyjson_doc_free(doc);
    } else if (str_eq(wanted->tool, STR("wait"))) {
        ask(r);
    } else {
        return false;
    }
    return true;
}

/* Only the connection or the session that asked may cancel. */
static void check_canceller(const struct mcp_request *r)
{
    ASSERT(!rig.talking || (r->conn && r->conn->pipe == rig.talking));
    if (rig.posting) {
        struct str session = http_header(rig.posting, "mcp-session-id");
        ASSERT(r->x && r->session[0] != '\0' && str_eq(str_of(r->session), session));
    }
}

static void gone(void *ctx, struct mcp_request *r, enum mcp_gone why)
{
    (void)ctx;
    ASSERT(why == MCP_CANCELLED || r->conn || !revision_is_modern(r->revision));
    check_canceller(r);
    for (size_t i = 0; i < rig.pending_count; i++) {
        if (rig.pending[i] == r) {
            forget(r); /* others wait for a session, and the host knows nothing of them */
        }
    }
    if (r->conn && !r->conn->pipe->ended) {
        settle(r->conn->pipe, r->message.id);
    }
}

static void control(void *ctx, struct str principal, struct str command, yyjson_val *line,
    struct buf *out)
{
    (void)ctx;
    (void)command;
    ASSERT(str_eq(principal, STR("uid:7")) && yyjson_is_obj(line));
    buf_puts(out, "{\"snowmux\":\"fuzz\"}");
}

static void connections(void *ctx, uint32_t count)
{
    (void)ctx;
    ASSERT(count == rig.conns + 1 || count + 1 == rig.conns);
    rig.conns = count;
}

void tell_all(void)
{
    rig.told += 0.07; /* not each of them is a tenth more */
    for (size_t i = 0; i < rig.pending_count; i++) {
        rig.telling = rig.pending[i];
        if (!mcp_wants_progress(rig.telling)) {
            continue;
        }
        rig.has_told = rig.telling->has_progress;
        rig.told_before = rig.telling->progress + 0.05; /* what is written differs */
        mcp_progress(rig.telling, rig.told, STR("\"so far\"\n"));
    }
    rig.telling = NULL;
}

void answer_first(bool well)
{
    if (rig.pending_count > 0) {
        struct mcp_request *r = rig.pending[0];
        forget(r);
        answer(r, well);
    }
}

/* ---- life ---- */

void rig_start(void)
{
    static const struct mcp_settings settings = {
        .version = "1",
        .tools = {"[]", 2},
        .instructions = "\"none\"\n",
        .resource_templates = "[]"};
    static const struct mcp_host host = {
        .admits = admits,
        .flood = flood,
        .page = page,
        .session_open = open_session,
        .session_find = find_session,
        .session_touch = touch,
        .session_attach = attach,
        .session_detach = detach,
        .session_close = close_session,
        .resources = resources,
        .call = call,
        .gone = gone,
        .control = control,
        .connections = connections,
    };
    rig = (struct rig){0};
    int rc = uv_loop_init(&rig.loop);
    ASSERT(rc == 0);
    rig.mcp = mcp_new(&rig.loop, &settings, &host);
    ASSERT(rig.mcp);
    rig.http = mcp_http_handler(rig.mcp);
    rig.pipe = mcp_pipe_handler(rig.mcp);
}

void leave(void)
{
    for (size_t i = 0; i < rig.exchange_count; i++) {
        struct http_exchange *x = &rig.exchanges[i];
        if (x->live) {
            rig.http.gone(rig.http.ctx, x, x->user);
            x->live = false;
            return;
        }
    }
}

void rig_stop(void)
{
    for (size_t i = 0; i < rig.exchange_count; i++) {
        leave();
        free(rig.exchanges[i].id);
    }
    for (size_t i = 0; i < PIPES; i++) {
        disconnect(&rig.pipes[i]);
    }
    for (size_t i = 0; i < rig.session_count; i++) {
        ASSERT(rig.sessions[i].attached == 0);
    }
    ASSERT(rig.conns == 0 && rig.pending_count == 0);
    mcp_close(rig.mcp, NULL, NULL);
    int rc = uv_run(&rig.loop, UV_RUN_DEFAULT);
    ASSERT(rc == 0);
    rc = uv_loop_close(&rig.loop);
    ASSERT(rc == 0);
}
