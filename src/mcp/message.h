// SPDX-License-Identifier: Apache-2.0
#pragma once
/* One JSON-RPC 2.0 message, and small helpers for the JSON in it. */
#include <yyjson.h>

#include "base/buf.h"

enum mcp_message_kind {
    MESSAGE_REQUEST,
    MESSAGE_NOTIFICATION,
    MESSAGE_RESPONSE,
    MESSAGE_BATCH,      /* an array */
    MESSAGE_INVALID,    /* JSON, but no message: see fault */
    MESSAGE_UNPARSABLE, /* no JSON: see fault */
};

struct mcp_message {
    enum mcp_message_kind kind;
    yyjson_doc *doc;    /* owned; NULL when unparsable */
    yyjson_val *root;
    yyjson_val *id;     /* a string or an integer; NULL: none, or not readable */
    struct str method;
    yyjson_val *params; /* an object or NULL */
    size_t bytes;       /* of its text */
    const char *fault;  /* static text */
};

struct mcp_message mcp_message_parse(struct str bytes);
void mcp_message_free(struct mcp_message *message);

/* ptr NULL: absent, or no string. @object may be NULL. */
struct str json_get_str(yyjson_val *object, const char *key);
yyjson_val *json_get_object(yyjson_val *object, const char *key); /* or NULL */
void json_put_val(struct buf *out, yyjson_val *val);               /* NULL: null */
