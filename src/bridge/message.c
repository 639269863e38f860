// SPDX-License-Identifier: Apache-2.0
#include "bridge/message.h"

#include <stdlib.h>
#include <yyjson.h>

static struct str text_of(yyjson_val *value)
{
    const char *text = yyjson_get_str(value);
    return text ? (struct str){text, yyjson_get_len(value)} : STR("");
}

/* Parsed and written anew, so that 7 and "7" differ and "\u0061" and "a" do not. */
static bool read_id(struct message_walk *walk, yyjson_val *value, struct message *ret)
{
    size_t len = 0;
    if (!yyjson_is_str(value) && !yyjson_is_num(value)) {
        return false;
    }
    walk->id = yyjson_val_write(value, YYJSON_WRITE_NOFLAG, &len);
    ret->id = (struct str){walk->id, len};
    return walk->id != NULL;
}

static void read_own(yyjson_val *object, yyjson_val *what, struct message *ret)
{
    ret->kind = MESSAGE_OWN;
    if (yyjson_equals_str(what, "hello")) {
        ret->kind = MESSAGE_HELLO;
        ret->resumed = yyjson_is_true(yyjson_obj_get(object, "resumed"));
    } else if (yyjson_equals_str(what, "refused")) {
        ret->kind = MESSAGE_REFUSED;
        ret->text = text_of(yyjson_obj_get(object, "message"));
    } else if (yyjson_equals_str(what, "session")) {
        ret->kind = MESSAGE_SESSION;
        ret->text = text_of(yyjson_obj_get(object, "session"));
    }
}

static void read_message(
    struct message_walk *walk, yyjson_val *object, struct message *ret)
{
    yyjson_val *method = yyjson_obj_get(object, "method");
    yyjson_val *id = yyjson_obj_get(object, "id");
    if (!method) {
        ret->kind = read_id(walk, id, ret) ? MESSAGE_ANSWER : MESSAGE_OTHER;
        return;
    }
    if (!id && yyjson_equals_str(method, "notifications/cancelled")) {
        yyjson_val *params = yyjson_obj_get(object, "params");
        id = yyjson_obj_get(params, "requestId");
        ret->kind = read_id(walk, id, ret) ? MESSAGE_CANCEL : MESSAGE_OTHER;
        return;
    }
    if (!read_id(walk, id, ret)) {
        return;
    }
    ret->text = walk->line;
    if (walk->is_batch) {
        size_t len = 0;
        walk->text = yyjson_val_write(object, YYJSON_WRITE_NOFLAG, &len);
        ret->text = (struct str){walk->text, len};
    }
    ret->kind = ret->text.ptr ? MESSAGE_REQUEST : MESSAGE_OTHER;
    ret->is_initialize = yyjson_equals_str(method, "initialize");
}

bool message_open(struct message_walk *ret, struct str line)
{
    yyjson_doc *doc = yyjson_read(line.ptr, line.len, YYJSON_READ_NOFLAG);
    if (!doc) {
        return false;
    }
    *ret = (struct message_walk){.line = line, .doc = doc, .left = 1};
    ret->next = yyjson_doc_get_root(doc);
    if (yyjson_is_arr(ret->next)) {
        ret->is_batch = true;
        ret->left = yyjson_arr_size(ret->next);
        ret->next = yyjson_arr_get_first(ret->next);
    }
    return true;
}

static void forget_last(struct message_walk *walk)
{
    free(walk->id);
    free(walk->text);
    walk->id = walk->text = NULL;
}

bool message_next(struct message_walk *walk, struct message *ret)
{
    forget_last(walk);
    if (walk->left == 0) {
        return false;
    }
    yyjson_val *value = walk->next;
    *ret = (struct message){.kind = MESSAGE_OTHER, .id = STR(""), .text = STR("")};
    if (--walk->left > 0) {
        walk->next = unsafe_yyjson_get_next(value);
    }
    yyjson_val *own = walk->is_batch ? NULL : yyjson_obj_get(value, "snowmux");
    if (own) {
        read_own(value, own, ret);
    } else if (yyjson_is_obj(value)) {
        read_message(walk, value, ret);
    }
    return true;
}

void message_close(struct message_walk *walk)
{
    forget_last(walk);
    yyjson_doc_free(walk->doc);
}

void message_put_error(struct buf *out, struct str id, int code, struct str text)
{
    buf_puts(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_put_str(out, id);
    buf_puts(out, ",\"error\":{\"code\":");
    buf_put_i64(out, code);
    buf_puts(out, ",\"message\":");
    buf_put_json(out, text);
    buf_puts(out, "}}");
}
