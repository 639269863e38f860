// SPDX-License-Identifier: Apache-2.0
#include "bridge/relay.h"

#include <stdio.h>

#include "bridge/message.h"

enum {
    QUEUE_HIGH = 64 * 1024, /* with more than this, the other side is not read */
    /* What one reading may add: a line that it ends, and short ones of its own. */
    READ_LINES_MAX = LINES_LINE_MAX + 128 * 1024,
    OWN_MAX = PENDING_KEPT_MAX + 64 * 1024,
    ERRORS_MAX = 2 * 1024 * 1024,
    TO_CLIENT_HIGH = QUEUE_HIGH + READ_LINES_MAX,
    TO_CLIENT_MAX = TO_CLIENT_HIGH + ERRORS_MAX,
    TO_DAEMON_MAX = QUEUE_HIGH + READ_LINES_MAX,
};

enum {
    INVALID_REQUEST = -32600,
    INTERNAL_ERROR = -32603
};

static const char BYE[] = "{\"snowmux\":\"bye\"}";

void relay_init(struct relay *relay, const char *instance)
{
    *relay = (struct relay){.instance = instance,
        .to_client = LINE_QUEUE_INIT(TO_CLIENT_MAX),
        .own = LINE_QUEUE_INIT(OWN_MAX),
        .to_daemon = LINE_QUEUE_INIT(TO_DAEMON_MAX)};
    pending_init(&relay->pending);
}

void relay_free(struct relay *relay)
{
    pending_free(&relay->pending);
    queue_clear(&relay->to_client);
    queue_clear(&relay->own);
    queue_clear(&relay->to_daemon);
}

bool relay_ok(const struct relay *relay)
{
    return buf_ok(&relay->to_client.bytes) && buf_ok(&relay->own.bytes) &&
           buf_ok(&relay->to_daemon.bytes);
}

bool relay_wants_client(const struct relay *relay)
{
    /* A client that writes without reading is stopped by its errors only, not by answers.
     */
    return relay->to_daemon.bytes.len < QUEUE_HIGH &&
           relay->to_client.bytes.len <= TO_CLIENT_HIGH &&
           pending_has_room(&relay->pending);
}

bool relay_wants_daemon(const struct relay *relay)
{
    return relay->to_client.bytes.len < QUEUE_HIGH;
}

/* Frees @line; one that failed makes the queue fail. */
static void put_built(struct line_queue *queue, struct buf *line)
{
    if (buf_ok(line)) {
        queue_put(queue, buf_str(line));
    } else {
        queue->bytes.failed = true;
    }
    buf_free(line);
}

static void put_error(struct relay *relay, struct str id, int code, const char *text)
{
    struct buf line = BUF_INIT(TO_CLIENT_MAX);
    message_put_error(&line, id, code, str_of(text));
    put_built(&relay->to_client, &line);
    relay->errors++;
}

void relay_answer_lost(struct relay *relay)
{
    struct pending_request *request;
    while (relay->to_client.bytes.len < QUEUE_HIGH &&
           (request = pending_next_lost(&relay->pending))) {
        put_error(relay, pending_id(request), INTERNAL_ERROR, request->lost);
        pending_remove(&relay->pending, request);
    }
}

/* ---- from the client ---- */

/* False: no line for the daemon. @end is the line's, should it get queued. */
static bool note_client_message(
    struct relay *relay, const struct message *message, uint64_t end)
{
    if (message->kind >= MESSAGE_HELLO) {
        put_error(relay, STR("null"), INVALID_REQUEST,
            "Lines with the key \"snowmux\" are the bridge's own; send JSON-RPC.");
        return false;
    }
    if (message->kind == MESSAGE_CANCEL) {
        pending_cancelled(&relay->pending, message->id);
    }
    if (message->kind == MESSAGE_REQUEST) {
        struct pending_request *request = pending_add(
            &relay->pending, message->id, message->text, message->is_initialize, end);
        if (!request) {
            put_error(relay, message->id, INTERNAL_ERROR,
                "The snowmux bridge has no memory left; nothing was done.");
            return false;
        }
        request->lost = relay->has_given_up ? relay->problem : NULL;
    }
    return true;
}

bool relay_client_line(void *ctx, struct str line)
{
    struct relay *relay = ctx;
    struct message_walk walk;
    struct message message;
    uint64_t end = relay->to_daemon.end + line.len + 1;
    bool must_pass = true;
    if (str_trim(line).len == 0) {
        return true;
    }
    /* What is not JSON goes on too: the daemon answers the error. */
    if (message_open(&walk, line)) {
        while (message_next(&walk, &message)) {
            must_pass = note_client_message(relay, &message, end) && must_pass;
        }
        message_close(&walk);
    }
    if (must_pass && !relay->has_given_up) {
        queue_put(&relay->to_daemon, line);
    }
    return true;
}

bool relay_client_too_long(void *ctx)
{
    char text[128];
    snprintf(text, sizeof(text),
        "A line may have %d bytes; this one is longer. Nothing of it was done.",
        LINES_LINE_MAX);
    put_error(ctx, STR("null"), INVALID_REQUEST, text);
    return true;
}

/* ---- from the daemon ---- */

static void on_hello(struct relay *relay, bool resumed)
{
    relay->link = RELAY_UP;
    relay->has_given_up = false;
    if (!resumed) {
        relay->session[0] = '\0';
    }
    pending_offer(&relay->pending, queue_written_end(&relay->to_daemon), resumed);
}

static bool take_own(struct relay *relay, const struct message *message)
{
    if (message->kind == MESSAGE_REFUSED) {
        struct str text = str_utf8_prefix(message->text, RELAY_PROBLEM_SIZE - 1);
        char problem[RELAY_PROBLEM_SIZE];
        bool fits = str_copy(text, problem, sizeof(problem));
        ASSERT(fits);
        relay_give_up(relay,
            text.len > 0 ? problem : "The snowmux daemon refused without saying why.");
        relay->link = RELAY_REFUSED;
        return false;
    }
    if (relay->link == RELAY_GREETING) {
        if (message->kind == MESSAGE_HELLO) {
            on_hello(relay, message->resumed);
        }
        return message->kind == MESSAGE_HELLO;
    }
    if (message->kind == MESSAGE_SESSION) {
        /* One that does not fit is not ours, and "" begins anew. */
        (void)str_copy(message->text, relay->session, sizeof(relay->session));
    }
    return message->kind != MESSAGE_HELLO;
}

bool relay_daemon_line(void *ctx, struct str line)
{
    struct relay *relay = ctx;
    struct message_walk walk;
    struct message message = {0};
    bool is_swallowed = false;
    if (!message_open(&walk, line)) {
        /* stdout carries MCP only. */
        return false;
    }
    while (message_next(&walk, &message) && message.kind < MESSAGE_HELLO) {
        if (message.kind == MESSAGE_ANSWER && relay->link == RELAY_UP &&
            !pending_answered(&relay->pending, message.id)) {
            is_swallowed = !walk.is_batch;
        }
    }
    bool goes_on = relay->link == RELAY_UP;
    if (message.kind >= MESSAGE_HELLO) {
        goes_on = take_own(relay, &message);
    } else if (goes_on && !is_swallowed) {
        queue_put(&relay->to_client, line);
    }
    message_close(&walk);
    return goes_on;
}

bool relay_daemon_too_long(void *ctx)
{
    /* Whose answer it is cannot be told: as if the connection had been lost. */
    (void)ctx;
    return false;
}

/* ---- the connection ---- */

void relay_connected(struct relay *relay)
{
    struct buf hello = BUF_INIT(OWN_MAX);
    ASSERT(relay->link == RELAY_DOWN);
    relay->link = RELAY_GREETING;
    buf_puts(&hello, "{\"snowmux\":\"hello\",\"version\":1,\"instance\":");
    buf_put_json(&hello, str_of(relay->instance));
    buf_puts(&hello, ",\"session\":");
    if (relay->session[0] != '\0') {
        buf_put_json(&hello, str_of(relay->session));
    } else {
        buf_puts(&hello, "null");
    }
    buf_putc(&hello, '}');
    put_built(&relay->own, &hello);
}

void relay_broken(struct relay *relay)
{
    if (relay->link == RELAY_UP) {
        pending_broken(&relay->pending, queue_written_end(&relay->to_daemon));
    }
    if (relay->link != RELAY_REFUSED) {
        relay->link = RELAY_DOWN;
    }
    queue_clear(&relay->own);
    queue_rewind(&relay->to_daemon);
}

void relay_give_up(struct relay *relay, const char *problem)
{
    relay->has_given_up = true;
    if (problem != relay->problem) {
        snprintf(relay->problem, sizeof(relay->problem), "%s", problem);
    }
    pending_give_up(&relay->pending, relay->problem);
    queue_clear(&relay->to_daemon);
}

void relay_bye(struct relay *relay)
{
    relay->has_left = true;
    if (relay->link == RELAY_GREETING) {
        queue_put(&relay->own, str_of(BYE));
    } else if (relay->link == RELAY_UP) {
        queue_put(&relay->to_daemon, str_of(BYE));
    }
}

static void put_again(struct relay *relay, const struct pending_request *request)
{
    struct buf line = BUF_INIT(OWN_MAX);
    buf_puts(&line, "{\"snowmux\":\"again\",\"message\":");
    buf_put_str(&line, pending_text(request));
    buf_putc(&line, '}');
    put_built(&relay->own, &line);
}

struct line_queue *relay_daemon_queue(struct relay *relay)
{
    if (relay->link != RELAY_GREETING && relay->link != RELAY_UP) {
        return NULL;
    }
    if (relay->own.bytes.len == 0 && relay->link == RELAY_UP && !relay->has_left) {
        /* One at a time: what is offered is not held twice. */
        struct pending_request *request = pending_next_offer(&relay->pending);
        if (request) {
            put_again(relay, request);
        }
    }
    if (relay->own.bytes.len > 0) {
        return &relay->own;
    }
    return relay->link == RELAY_UP && relay->to_daemon.bytes.len > 0 ? &relay->to_daemon
                                                                     : NULL;
}
