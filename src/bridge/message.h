// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a line is: as much of JSON-RPC as the bridge must know, and the lines which bridge
 * and daemon have for each other.
 */
#include "base/assert.h"
#include "base/buf.h"
#include "base/str.h"

enum message_kind {
    MESSAGE_OTHER, /* to be passed on */
    MESSAGE_REQUEST,
    MESSAGE_ANSWER,
    MESSAGE_CANCEL,  /* .id is that of the request to be cancelled */
    MESSAGE_HELLO,   /* .resumed */
    MESSAGE_REFUSED, /* .text is the daemon's message */
    MESSAGE_SESSION, /* .text is the handle, "" for null */
    MESSAGE_OWN,     /* another line of ours */
};

struct message {
    enum message_kind kind;
    bool is_initialize;
    bool resumed;
    struct str id;   /* JSON text, written the same way for the same value */
    struct str text; /* of a request: its JSON */
};

/* Walks a line: one message, or those of a batch. */
struct message_walk {
    struct str line;
    struct yyjson_doc *doc;
    struct yyjson_val *next;
    size_t left;
    bool is_batch;
    char *id;   /* of the last message */
    char *text; /* of the last message of a batch */
};

/* False when the line is not JSON, or there is no memory to read it. */
MUST_USE bool message_open(struct message_walk *ret, struct str line);

/* @ret lives until the next call. */
MUST_USE bool message_next(struct message_walk *walk, struct message *ret);
void message_close(struct message_walk *walk);

/* A JSON-RPC error; @id is JSON text. */
void message_put_error(struct buf *out, struct str id, int code, struct str text);
