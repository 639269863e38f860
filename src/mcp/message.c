// SPDX-License-Identifier: Apache-2.0
#include "mcp/message.h"

#include <stdlib.h>

struct str json_get_str(yyjson_val *object, const char *key)
{
    yyjson_val *val = yyjson_obj_get(object, key);
    return yyjson_is_str(val) ? (struct str){yyjson_get_str(val), yyjson_get_len(val)}
                              : (struct str){NULL, 0};
}

yyjson_val *json_get_object(yyjson_val *object, const char *key)
{
    yyjson_val *val = yyjson_obj_get(object, key);
    return yyjson_is_obj(val) ? val : NULL;
}

void json_put_val(struct buf *out, yyjson_val *val)
{
    if (!val) {
        buf_puts(out, "null");
        return;
    }
    if (yyjson_is_str(val)) {
        buf_put_json(out, (struct str){yyjson_get_str(val), yyjson_get_len(val)});
        return;
    }
    size_t len = 0;
    char *text = yyjson_val_write(val, 0, &len);
    if (text) {
        buf_put(out, text, len);
    } else {
        out->failed = true;
    }
    free(text);
}

static bool is_id(yyjson_val *val)
{
    return yyjson_is_str(val) || yyjson_is_int(val);
}

/* What the object is; sets id, method, params as far as they are there. */
static enum mcp_message_kind classify(struct mcp_message *m)
{
    yyjson_val *id = yyjson_obj_get(m->root, "id");
    yyjson_val *method = yyjson_obj_get(m->root, "method");
    yyjson_val *params = yyjson_obj_get(m->root, "params");
    m->id = is_id(id) ? id : NULL;
    if (!yyjson_equals_str(yyjson_obj_get(m->root, "jsonrpc"), "2.0")) {
        m->fault = "\"jsonrpc\" must be \"2.0\"";
        return MESSAGE_INVALID;
    }
    if (id && !m->id) {
        m->fault = "\"id\" must be a string or an integer";
        return MESSAGE_INVALID;
    }
    if (!method && id && (yyjson_obj_get(m->root, "result") || yyjson_obj_get(m->root, "error"))) {
        return MESSAGE_RESPONSE;
    }
    m->method = json_get_str(m->root, "method");
    if (!m->method.ptr || m->method.len == 0) {
        m->fault = "\"method\" must be a string";
        return MESSAGE_INVALID;
    }
    if (params && !yyjson_is_obj(params)) {
        m->fault = "\"params\" must be an object";
        return MESSAGE_INVALID;
    }
    m->params = params;
    return id ? MESSAGE_REQUEST : MESSAGE_NOTIFICATION;
}

struct mcp_message mcp_message_parse(struct str bytes)
{
    struct mcp_message m = {
        .kind = MESSAGE_UNPARSABLE, .bytes = bytes.len, .fault = "the message is no JSON"};
    m.doc = yyjson_read(bytes.ptr, bytes.len, 0);
    if (!m.doc) {
        return m;
    }
    m.root = yyjson_doc_get_root(m.doc);
    if (yyjson_is_arr(m.root)) {
        m.kind = MESSAGE_BATCH;
        m.fault = "batches are not served; send one message at a time";
    } else if (yyjson_is_obj(m.root)) {
        m.kind = classify(&m);
    } else {
        m.kind = MESSAGE_INVALID;
        m.fault = "a message is a JSON object";
    }
    return m;
}

void mcp_message_free(struct mcp_message *message)
{
    yyjson_doc_free(message->doc);
    *message = (struct mcp_message){.kind = MESSAGE_INVALID};
}
