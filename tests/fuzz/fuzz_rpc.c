// SPDX-License-Identifier: Apache-2.0
/*
 * The MCP room between a fake network and a fake host. An input is a list of lines; the
 * first byte of each says what happens (see act()), the rest is a message or a header.
 * Oracles: every request is answered exactly once, with its own id and in one line of
 * JSON, unless it was cancelled or its connection ended; nothing else is answered; each
 * exchange ends once; only the asker cancels; sessions are attached and detached in
 * pairs; nothing is left over.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "rpc_rig.h"

/* ---- what an input makes happen ---- */

static void put_header(struct http_exchange *x, struct str name, struct str value)
{
    if (x->header_count < HEADERS_MAX && value.ptr) {
        x->headers[x->header_count++] = (struct header){name, value};
    }
}

/* How a client sends @body: with a session, or with the headers of the modern era. */
static void request(struct str method, struct str body, char how)
{
    struct http_exchange *x = &rig.exchanges[rig.exchange_count];
    if (rig.exchange_count == EXCHANGES_MAX) {
        return;
    }
    rig.exchange_count++;
    struct mcp_message m = mcp_message_parse(body);
    *x = (struct http_exchange){.live = true, .kind = m.kind, .id = id_text(m.id)};
    memcpy(x->headers, rig.headers, sizeof(x->headers));
    x->header_count = rig.header_count;
    rig.header_count = 0;
    put_header(x, STR("Host"), STR("localhost"));
    put_header(x, STR("Content-Type"), STR("application/json"));
    if (how == 's') {
        put_header(x, STR("Mcp-Session-Id"), str_of(rig.last));
    } else if (how == 'P') {
        yyjson_val *meta = json_get_object(m.params, "_meta");
        put_header(x, STR("MCP-Protocol-Version"),
            json_get_str(meta, "io.modelcontextprotocol/protocolVersion"));
        put_header(x, STR("Mcp-Method"), m.method);
        put_header(x, STR("Mcp-Name"), json_get_str(m.params, "name"));
        put_header(x, STR("Accept"), STR("application/json, text/event-stream"));
    }
    if (str_eq(method, STR("DELETE"))) {
        x->kind = MESSAGE_INVALID;
    }
    struct http_request r = {.method = method,
        .path = STR("/mcp"),
        .body = body,
        .peer_uid = UID,
        .peer_known = true};
    rig.posting = x;
    rig.http.request(rig.http.ctx, x, &r);
    rig.posting = NULL;
    ASSERT(!x->live || x->kind == MESSAGE_REQUEST || r.body.len == 0);
    memset(
        x->headers, 0, sizeof(x->headers)); /* as if freed: they point into the message */
    x->header_count = 0;
    mcp_message_free(&m);
}

/* Notes what the message that @line brings is owed. */
static void note(struct pipe_conn *pipe, struct str line)
{
    const struct mcp_conn *conn = pipe->user;
    struct mcp_message m = mcp_message_parse(line);
    struct str own = json_get_str(m.root, "snowmux");
    bool counts = conn && conn->greeted && !own.ptr;
    if (own.ptr && str_eq(own, STR("again")) && conn && conn->greeted) {
        yyjson_val *inner = yyjson_obj_get(m.root, "message");
        char *text = inner ? id_text(inner) : NULL;
        mcp_message_free(&m);
        m = mcp_message_parse(str_of(text));
        free(text);
        counts = true;
    }
    if (counts && m.kind != MESSAGE_NOTIFICATION && m.kind != MESSAGE_RESPONSE) {
        owe(pipe, m.id);
    }
    mcp_message_free(&m);
}

static void send_line(struct pipe_conn *pipe, struct str line)
{
    note(pipe, line);
    pipe->used = true;
    rig.talking = pipe;
    rig.pipe.line(rig.pipe.ctx, pipe, line);
    rig.talking = NULL;
    if (pipe->ended) {
        disconnect(pipe);
    }
}

static void pass_ms(uint64_t ms)
{
    rig.loop.time += ms;
    if (uv_is_active((uv_handle_t *)&rig.mcp->timer)) {
        rig.mcp->timer.timer_cb(&rig.mcp->timer);
    }
}

static void add_header(struct str line)
{
    ptrdiff_t colon = str_find(line, ':');
    if (colon > 0 && rig.header_count < HEADERS_MAX) {
        struct str name = {line.ptr, (size_t)colon};
        rig.headers[rig.header_count++] =
            (struct header){name, str_trim(str_from(line, name.len + 1))};
    }
}

static void act(char what, struct str rest)
{
    switch (what) {
    case '0': /* a line on one of two connections */
    case '1':
        send_line(&rig.pipes[what - '0'], rest);
        break;
    case 'c': /* which closes */
    case 'C':
        disconnect(&rig.pipes[what == 'C']);
        break;
    case 'p': /* a POST as it is, with the last session, with the headers of its body */
    case 's':
    case 'P':
        request(STR("POST"), rest, what);
        break;
    case 'd':
        request(STR("DELETE"), STR(""), 's');
        break;
    case 'h': /* a header of the next one */
        add_header(rest);
        break;
    case 'g': /* the client of the oldest open exchange leaves */
        leave();
        break;
    case 'a': /* the host answers the oldest question */
    case 'e':
        answer_first(what == 'a');
        break;
    case 'm': /* the host tells how far it is */
        tell_all();
        break;
    case 'n': /* the host answers at once from now on, or no longer */
        rig.at_once = !rig.at_once;
        break;
    case 'x': /* the newest session expires */
        rig.session_count -= rig.session_count > 0;
        break;
    case 't':
        pass_ms(2 * SSE_AFTER_MS);
        break;
    case 'T':
        pass_ms(2 * SSE_COMMENT_MS);
        break;
    default:
        break;
    }
}

static void run(struct str input)
{
    rig_start();
    while (input.len > 0) {
        ptrdiff_t end = str_find(input, '\n');
        struct str line = {input.ptr, end < 0 ? input.len : (size_t)end};
        if (line.len > 0) {
            act(line.ptr[0], str_from(line, 1));
        }
        input = str_from(input, end < 0 ? line.len : line.len + 1);
    }
    bool any_open = false;
    while (rig.pending_count > 0) {
        answer_first(true);
    }
    for (size_t i = 0; i < rig.exchange_count; i++) {
        any_open = any_open || rig.exchanges[i].live;
    }
    ASSERT(!any_open && rig.pipes[0].owed_count == 0 && rig.pipes[1].owed_count == 0);
    rig_stop();
}

#define META                                                                             \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","             \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

int main(int argc, char **argv)
{
    static const struct str words[] = {FUZZ_WORD("\n"), FUZZ_WORD("\na\n"),
        FUZZ_WORD("\ne\n"), FUZZ_WORD("\ng\n"), FUZZ_WORD("\nt\n"), FUZZ_WORD("\nT\n"),
        FUZZ_WORD("\nx\n"), FUZZ_WORD("\nn\n"), FUZZ_WORD("\nc\n"), FUZZ_WORD("\nC\n"),
        FUZZ_WORD("\nd\n"), FUZZ_WORD("\nm\n"),
        FUZZ_WORD("\"_meta\":{\"progressToken\":0}"), FUZZ_WORD("\n0{\"snowmux\":\"hello\",\"version\":1}\n"),
        FUZZ_WORD("\n1{\"snowmux\":\"hello\",\"version\":1,\"session\":\"s_"
                  "00000000000000000000000001\"}\n"),
        FUZZ_WORD("\n0{\"snowmux\":\"bye\"}\n"),
        FUZZ_WORD("{\"snowmux\":\"again\",\"message\":"),
        FUZZ_WORD("\"jsonrpc\":\"2.0\""), FUZZ_WORD("\"id\":1"),
        FUZZ_WORD("\"id\":\"1\""), FUZZ_WORD("\"id\":18446744073709551615"),
        FUZZ_WORD("\"id\":-1"), FUZZ_WORD("null"), FUZZ_WORD("\"method\":\"initialize\""),
        FUZZ_WORD("\"method\":\"tools/call\""), FUZZ_WORD("\"method\":\"tools/list\""),
        FUZZ_WORD("\"method\":\"ping\""), FUZZ_WORD("\"method\":\"server/discover\""),
        FUZZ_WORD("\n0{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                  "\"params\":{\"requestId\":1}}\n"),
        FUZZ_WORD("\n0{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}\n"),
        FUZZ_WORD(
            "\n0{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{"
            "\"name\":\"wait\"}}\n"),
        FUZZ_WORD("\np{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}\n"),
        FUZZ_WORD(
            "\ns{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{"
            "\"name\":\"wait\"}}\n"),
        FUZZ_WORD(
            "\nP{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
            "\"name\":\"wait\"," META "}}\n"),
        FUZZ_WORD("\"name\":\"now\""), FUZZ_WORD("\"name\":\"take\""), FUZZ_WORD(META),
        FUZZ_WORD("\nhAccept: text/event-stream\n"), FUZZ_WORD("\nhHost: "),
        FUZZ_WORD("\nhOrigin: http://localhost"),
        FUZZ_WORD("\nhMcp-Name: =?base64?d2FpdA==?="), FUZZ_WORD("2025-06-18"),
        FUZZ_WORD("{}"), FUZZ_WORD("[]"), FUZZ_WORD("\\u0000"), FUZZ_WORD("\xFF"),
        FUZZ_WORD("\"error\":1"), FUZZ_WORD("\"result\":1")};
    static const struct fuzz_target target = {
        "rpc", LEN_MAX, words, ARRAY_LEN(words), run};
    return fuzz_main(argc, argv, &target);
}
