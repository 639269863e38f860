// SPDX-License-Identifier: Apache-2.0
#include "tools_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static enum tool_move run(struct rig *rig)
{
    rig->run_count++;
    snprintf(
        rig->last_sql, sizeof(rig->last_sql), STR_FMT, STR_ARG(buf_str(&rig->call.sql)));
    memcpy(rig->call.query, rig->queries[RIG_CALL_QUERY].handle, HANDLE_SIZE);
    if (rig->refusal) {
        const char *message = rig->refusal;
        rig->refusal = NULL;
        return rig_refuse(rig, rig->refusal_kind, message);
    }
    if (rig->scripted.rows.len > 0) {
        struct tool_page page = rig->scripted;
        rig->scripted = (struct tool_page){0};
        return rig->call.tool->page(&rig->call, &page);
    }
    return rig_engine_run(rig);
}

static enum tool_move wait(struct rig *rig)
{
    int pending = rig->pending;
    rig->pending = RIG_NOTHING;
    assert_true(pending != RIG_NOTHING);
    if (pending == RIG_PAGE) {
        struct tool_page page = rig->scripted;
        rig->scripted = (struct tool_page){0};
        return rig->call.tool->page(&rig->call, &page);
    }
    struct tool_done done = rig->done;
    if (rig->fails) {
        done =
            (struct tool_done){.code = TOOL_E_STORE_FAILED, .message = STR("disk full")};
    }
    return rig->call.tool->done(&rig->call, &done);
}

void rig_open(struct rig *rig)
{
    struct buf list = BUF_INIT(1 << 20);
    memset(rig, 0, sizeof(*rig));
    rig->host = *rig_host();
    tool_list_put(&list);
    rig->list = yyjson_read(list.ptr, list.len, 0);
    assert_non_null(rig->list);
    buf_free(&list);
    rig->profile_count = RIG_PROFILES;
    rig->profiles[0] = (struct tool_profile){.name = STR("prod"),
        .policy = STR("read_only"),
        .classes = guard_read_only,
        .slots = 8,
        .defaults = {STR("prod"), STR(""), STR(""), STR("SALES"), STR("main")}};
    rig->profiles[1] = (struct tool_profile){.name = STR("snow"),
        .dialect = SQL_SNOWFLAKE,
        .policy = STR("read_only"),
        .classes = guard_read_only,
        .slots = 8,
        .defaults = {
            STR("snow"), STR("ANALYST"), STR("WH_S"), STR("SALES"), STR("PUBLIC")}};
    for (size_t i = 0; i < RIG_SESSIONS; i++) {
        memcpy(rig->sessions[i].handle, handle_new(HANDLE_SESSION).text, HANDLE_SIZE);
    }
    for (size_t i = 0; i < RIG_QUERIES; i++) {
        memcpy(rig->queries[i].handle, handle_new(HANDLE_QUERY).text, HANDLE_SIZE);
    }
    rig->sessions[0].open = true;
    rig->queries[0].status = "running";
    rig->result = (struct tool_result){.handle = STR("r_aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        .rows = 250,
        .expires_wall_ns = 1700000000000000000u};
}

static void end_call(struct rig *rig)
{
    tool_call_free(&rig->call);
    yyjson_doc_free(rig->args);
    yyjson_doc_free(rig->answer);
    rig->args = rig->answer = NULL;
}

void rig_close(struct rig *rig)
{
    end_call(rig);
    yyjson_doc_free(rig->list);
}

static yyjson_val *tool_entry(struct rig *rig, const char *name)
{
    size_t i;
    size_t count;
    yyjson_val *tool;
    yyjson_arr_foreach(yyjson_doc_get_root(rig->list), i, count, tool)
    {
        if (yyjson_equals_str(yyjson_obj_get(tool, "name"), name)) {
            return tool;
        }
    }
    return NULL;
}

static bool has_type(yyjson_val *value, yyjson_val *type)
{
    size_t i;
    size_t count;
    yyjson_val *each;
    const char *name = yyjson_get_type_desc(value);
    if (yyjson_is_int(value)) {
        name = "integer";
    } else if (yyjson_is_real(value)) {
        name = "number";
    } else if (yyjson_is_bool(value)) {
        name = "boolean";
    }
    yyjson_arr_foreach(type, i, count, each)
    {
        if (yyjson_equals_str(each, name)) {
            return true;
        }
    }
    return yyjson_equals_str(type, name);
}

/* Every member of the answer is declared, with its type. */
static void check_answer(struct rig *rig, yyjson_val *answer)
{
    yyjson_val *schema =
        yyjson_ptr_get(tool_entry(rig, rig->call.tool->name), "/outputSchema/properties");
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    assert_true(yyjson_is_obj(answer));
    yyjson_obj_foreach(answer, i, count, key, value)
    {
        yyjson_val *declared = yyjson_obj_get(schema, yyjson_get_str(key));
        yyjson_val *type = yyjson_obj_get(declared, "type");
        if (!declared || (type && !has_type(value, type))) {
            fail_msg("%s answers %s as %s", rig->call.tool->name, yyjson_get_str(key),
                yyjson_get_type_desc(value));
        }
    }
    assert_int_equal(rig->call.is_error, yyjson_obj_get(answer, "error") != NULL);
    if (rig->call.is_error) {
        rig_check_words(rig, rig_str(answer, "/error/hint"));
    }
    rig_check_words(rig, rig_str(answer, "/notice"));
}

yyjson_val *rig_call_bytes(struct rig *rig, const char *tool, struct str args)
{
    end_call(rig);
    memset(&rig->call, 0, sizeof(rig->call));
    rig->args = yyjson_read(args.ptr, args.len, 0);
    assert_true(rig->args || args.len == 0);
    rig->call.tool = tool_find(str_of(tool));
    assert_non_null(rig->call.tool);
    rig->call.host = &rig->host;
    rig->call.args = yyjson_doc_get_root(rig->args);
    memcpy(rig->call.session, rig->own, HANDLE_SIZE);
    rig->run_count = 0;
    enum tool_move move = rig->call.tool->start(&rig->call);
    for (int steps = 0; move != TOOL_ANSWER; steps++) {
        assert_true(steps < 100);
        move = move == TOOL_RUN ? run(rig) : wait(rig);
    }
    struct str out = buf_str(&rig->call.out);
    rig->answer = yyjson_read(out.ptr, out.len, 0);
    if (!rig->answer) {
        fail_msg("no JSON: " STR_FMT, STR_ARG(out));
    }
    check_answer(rig, yyjson_doc_get_root(rig->answer));
    return yyjson_doc_get_root(rig->answer);
}

yyjson_val *rig_call(struct rig *rig, const char *tool, const char *args)
{
    return rig_call_bytes(rig, tool, str_of(args));
}

const char *rig_str(yyjson_val *answer, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_ptr_get(answer, pointer));
    return text ? text : "";
}

int64_t rig_int(yyjson_val *answer, const char *pointer)
{
    yyjson_val *value = yyjson_ptr_get(answer, pointer);
    return yyjson_is_int(value) ? yyjson_get_sint(value) : -1;
}

void rig_assert_error(yyjson_val *answer, const char *code, const char *part)
{
    assert_string_equal(rig_str(answer, "/error/code"), code);
    if (!strstr(rig_str(answer, "/error/message"), part)) {
        fail_msg("\"%s\" lacks \"%s\"", rig_str(answer, "/error/message"), part);
    }
}

static bool is_known_word(struct rig *rig, const char *word)
{
    static const char *const OTHERS[] = {
        "read_only", "cut_cells", "result", "profile", "as_of"};
    size_t i;
    size_t count;
    yyjson_val *tool;
    for (size_t w = 0; w < ARRAY_LEN(OTHERS); w++) {
        if (strcmp(word, OTHERS[w]) == 0) {
            return true;
        }
    }
    yyjson_arr_foreach(yyjson_doc_get_root(rig->list), i, count, tool)
    {
        yyjson_val *properties = yyjson_ptr_get(tool, "/inputSchema/properties");
        if (yyjson_equals_str(yyjson_obj_get(tool, "name"), word) ||
            yyjson_obj_get(properties, word)) {
            return true;
        }
    }
    return false;
}

void rig_check_words(struct rig *rig, const char *text)
{
    char word[64];
    while (*text) {
        size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
        bool named = text[len] == '=';
        snprintf(word, sizeof(word), "%.*s", (int)len, text);
        /* Handles' beginnings (s_) are no names. */
        bool joined = len > 2 && strchr(word, '_') && word[1] != '_';
        if ((joined || (named && len > 0)) && !is_known_word(rig, word)) {
            fail_msg("there is no \"%s\"", word);
        }
        text += len > 0 ? len : 1;
    }
}

void rig_assert_json(yyjson_val *answer, const char *pointer, const char *json)
{
    char *text = yyjson_val_write(yyjson_ptr_get(answer, pointer), 0, NULL);
    assert_non_null(text);
    assert_string_equal(text, json);
    free(text);
}

void rig_own_session(struct rig *rig)
{
    memcpy(rig->own, rig->sessions[0].handle, HANDLE_SIZE);
}

int rig_set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig_open(rig);
    *state = rig;
    return 0;
}

int rig_tear_down(void **state)
{
    rig_close(*state);
    free(*state);
    return 0;
}
