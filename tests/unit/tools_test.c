// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/args.h"
#include "tools_rig.h"

/* FORMAT with one handle in it. */
static yyjson_val *call_with(
    struct rig *rig, const char *tool, const char *before, const char *handle)
{
    char args[512];
    snprintf(args, sizeof(args), "%s\"%s\"}", before, handle);
    return rig_call(rig, tool, args);
}

static void a_query_answers_its_rows_in_the_promised_shape(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        rig_call(rig, "execute_query", "{\"query\":\"select 1 as a, 'x'\"}");
    char expected[1024];
    snprintf(expected, sizeof(expected),
        "{\"status\":\"done\",\"columns\":[{\"name\":\"a\",\"type\":\"T\"},{\"name\":\"'x'\","
        "\"type\":\"T\"}],\"rows\":[[1,\"x\"]],\"row_count\":1,\"total_rows\":1,\"truncated\":"
        "false,\"next\":null,\"result\":null,\"query\":\"%s\",\"elapsed_ms\":412,\"context\":{"
        "\"profile\":\"prod\",\"database\":\"SALES\",\"schema\":\"main\"}}",
        rig->queries[RIG_CALL_QUERY].handle);
    rig_assert_json(answer, "", expected);
    assert_int_equal(rig->call.rows_max, 100);
    assert_true(rig->call.keeps_result);
    assert_string_equal(rig->last_sql, "select 1 as a, 'x'");
}

static void a_long_answer_says_how_to_read_on(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "execute_query",
        "{\"query\":\"select id from \\\"Orders\\\"; -- all\",\"limit\":10}");
    rig_assert_json(answer, "/row_count", "10");
    rig_assert_json(answer, "/total_rows", "250");
    rig_assert_json(answer, "/truncated", "true");
    rig_assert_json(answer, "/next",
        "{\"tool\":\"fetch_result\",\"arguments\":{\"result\":\"r_aaaaaaaaaaaaaaaaaaaaaaaaaa\","
        "\"offset\":10,\"limit\":10}}");
    assert_string_equal(rig_str(answer, "/notice"),
        "First 10 of 250 rows. Prefer GROUP BY or WHERE; read on only if you need single "
        "rows. Kept until 22:13Z.");
}

static void capped_and_cut_answers_say_so(void **state)
{
    struct rig *rig = *state;
    rig->scripted =
        (struct tool_page){.columns = STR("[{\"name\":\"a\",\"type\":\"T\"}]"),
            .rows = STR("[[\"x\"]]"),
            .cuts = STR("[[0,0,99000]]"),
            .row_count = 1,
            .total_rows = 1000000,
            .truncated = true,
            .capped = true,
            .result = rig->result.handle};
    yyjson_val *answer = rig_call(rig, "execute_query", "{\"query\":\"select 1\"}");
    rig_assert_json(answer, "/total_rows", "null");
    rig_assert_json(answer, "/cut_cells", "[[0,0,99000]]");
    assert_non_null(strstr(rig_str(answer, "/notice"),
        "First 1 of 1,000,000 kept rows; the engine had more."));
    assert_non_null(strstr(rig_str(answer, "/notice"), "fetch_result with result, row"));
    rig->scripted = (struct tool_page){.rows = STR("[[\"x\"]]"),
        .cuts = STR("[[0,0,9000]]"),
        .row_count = 1,
        .total_rows = 1};
    answer = rig_call(rig, "execute_query", "{\"query\":\"select 1\"}");
    rig_assert_json(answer, "/truncated", "true");
    rig_assert_json(answer, "/next", "null");
    assert_string_equal(rig_str(answer, "/notice"), "");
    rig->scripted = (struct tool_page){
        .rows = STR("[[1]]"), .row_count = 1, .total_rows = 1, .capped = true};
    answer = rig_call(rig, "execute_query", "{\"query\":\"select 1\"}");
    rig_assert_json(answer, "/truncated", "true");
    rig_assert_json(answer, "/next", "null");
    assert_non_null(strstr(rig_str(answer, "/notice"), "the engine had more."));
}

static void what_changes_data_is_refused_with_its_place(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(
        rig, "execute_query", "{\"query\":\"with a as (\\n  delete from t) select 1\"}");
    rig_assert_error(
        answer, "statement_refused", "Refused: delete at line 2, column 3: ");
    rig_assert_error(
        answer, "statement_refused", "; profile prod is read_only. Nothing was run.");
    assert_string_equal(rig_str(answer, "/error/class"), "dml");
    rig_assert_json(answer, "/error/position", "{\"line\":2,\"column\":3}");
    assert_int_equal(rig->run_count, 0);
    answer = rig_call(rig, "execute_query", "{\"query\":\"select 1;\\ndrop table x\"}");
    rig_assert_error(
        answer, "statement_refused", "second statement starts at line 2, column 1: drop");
    answer = rig_call(rig, "execute_query", "{\"query\":\"select ((\"}");
    rig_assert_error(answer, "statement_refused", "Nothing was run.");
    answer = rig_call(rig, "execute_query", "{\"query\":\"-- nothing\"}");
    rig_assert_error(answer, "statement_refused", "there is no statement");
}

static void the_engines_error_comes_with_its_code(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        rig_call(rig, "execute_query", "{\"query\":\"select * from missing\"}");
    rig_assert_error(answer, "sql_error", "missing");
    assert_string_equal(rig_str(answer, "/error/sqlstate"), "42000");
    assert_string_equal(
        rig_str(answer, "/error/query"), rig->queries[RIG_CALL_QUERY].handle);
}

static void without_a_warehouse_only_whoami_and_sessions_work(void **state)
{
    struct rig *rig = *state;
    static const char *const TOOLS[] = {
        "execute_query", "list_tables", "describe_table", "query_view", "use_context"};
    static const char *const ARGS[] = {"{\"query\":\"select 1\"}", "{}",
        "{\"table\":\"x\"}", "{\"view_name\":\"x\"}", "{}"};
    rig->profile_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(TOOLS); i++) {
        rig_assert_error(rig_call(rig, TOOLS[i], ARGS[i]), "no_profile", "No warehouse");
    }
    rig_assert_json(rig_call(rig, "whoami", "{}"), "/profiles", "[]");
    yyjson_val *answer = rig_call(rig, "open_session", "{\"label\":\"x\"}");
    assert_string_equal(rig_str(answer, "/session"), rig->sessions[1].handle);
    rig_assert_error(rig_call(rig, "open_session", "{\"schema\":\"x\"}"), "no_profile",
        "No warehouse");
}

static void sloppy_arguments_are_understood(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "execute_query",
        "{\"query\":\"select id from \\\"Orders\\\"\",\"limit\":\"10\",\"timeout_s\":20.0,"
        "\"database\":\"\",\"schema\":null,\"session\":\"\",\"role\":null}");
    rig_assert_json(answer, "/row_count", "10");
    assert_int_equal(rig->call.timeout_s, 20);
    answer = rig_call(
        rig, "describe_table", "{\"table\":\"[\\\"Orders\\\",\\\"ORDERS_V\\\"]\"}");
    assert_int_equal(yyjson_arr_size(yyjson_ptr_get(answer, "/relations")), 2);
    rig_assert_json(rig_call(rig, "list_sessions", ""), "/status", "\"done\"");
    rig_assert_json(rig_call(rig, "list_sessions", "null"), "/status", "\"done\"");
}

/* Each: tool, arguments, code, part of the message. */
static const char *const bad_calls[][4] = {
    {"execute_query", "[]", "invalid_argument", "must be an object, not array"},
    {"execute_query", "{}", "invalid_argument", "needs the argument \"query\""},
    {"execute_query", "{\"query\":null}", "invalid_argument", "needs the argument"},
    {"execute_query", "{\"query\":\"\"}", "invalid_argument", "is empty"},
    {"execute_query", "{\"query\":7}", "invalid_argument", "must be a string, not uint"},
    {"execute_query", "{\"query\":[[[[[[1]]]]]]}", "invalid_argument", "not array"},
    {"execute_query", "{\"sql\":\"select 1\"}", "invalid_argument",
        "It takes: query, limit,"},
    {"execute_query", "{\"querry\":\"select 1\"}", "invalid_argument", "nearest: query"},
    {"execute_query", "{\"query\":\"select 1\",\"limit\":0}", "invalid_argument",
        "is 0; allowed is 1 to 10000"},
    {"execute_query", "{\"query\":\"select 1\",\"limit\":1.5}", "invalid_argument",
        "must be a whole number"},
    {"execute_query", "{\"query\":\"select 1\",\"limit\":\"ten\"}", "invalid_argument",
        "must be a whole number"},
    {"execute_query", "{\"query\":\"select 1\",\"limit\":1e300}", "invalid_argument",
        "must be a whole number"},
    {"execute_query", "{\"query\":\"select 1\",\"limit\":18446744073709551615}",
        "invalid_argument", "allowed is 1 to 10000"},
    {"execute_query", "{\"query\":\"select 1\",\"limit\":\"-5\"}", "invalid_argument",
        "is -5"},
    {"execute_query", "{\"query\":\"select 1\",\"timeout_s\":3601}", "invalid_argument",
        "1 to 3600"},
    {"execute_query", "{\"query\":\"select \\u0000 1\"}", "invalid_argument", "NUL"},
    {"execute_query", "{\"query\":\"select 1\",\"schema\":\"a\\u0000b\"}",
        "invalid_argument", "NUL"},
    {"execute_query", "{\"query\":\"select 1\",\"\\u0000\":1}", "invalid_argument",
        "has no argument"},
    {"execute_query", "{\"query\":\"select 1\",\"profile\":\"nope\"}", "unknown_profile",
        "Profiles: prod, snow."},
    {"execute_query",
        "{\"query\":\"select 1\",\"session\":\"s_aaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
        "session_not_found", "There is no session s_aa"},
    {"execute_query",
        "{\"query\":\"select 1\",\"session\":\"q_aaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
        "wrong_handle", "is the handle of a query: it goes into the argument \"query\""},
    {"execute_query", "{\"query\":\"use main\"}", "statement_refused", "use at line 1"},
    {"execute_query", "{\"query\":\"select 1\",\"database\":\"a\",\"schema\":\"b.c\"}",
        "invalid_argument", "give one"},
    {"whoami", "{\"x\":1}", "invalid_argument", "It takes: none."},
    {"describe_table", "{}", "invalid_argument", "needs the argument \"table\""},
    {"describe_table", "{\"table\":[]}", "invalid_argument", "holds 0 names"},
    {"describe_table", "{\"table\":[\"a\",1]}", "invalid_argument", "must be a string"},
    {"describe_table", "{\"table\":{\"a\":1}}", "invalid_argument", "an array of names"},
    {"describe_table", "{\"view_name\":\"a\"}", "invalid_argument", "has no argument"},
    {"describe_table",
        "{\"table\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]}",
        "invalid_argument", "holds 21 names; allowed is 1 to 20"},
    {"query_view", "{\"view_name\":[\"a\",\"b\"]}", "invalid_argument",
        "one relation a call"},
    {"query_view", "{\"view_name\":\"ORDER_V\"}", "object_not_found",
        "No table or view ORDER_V in SALES.main."},
    {"describe_view", "{\"view_name\":\"x.y.z\"}", "object_not_found",
        "No table or view z"},
    {"list_tables", "{\"cursor\":\"x\"}", "invalid_argument", "\"cursor\""},
    {"list_tables", "{\"database\":\"SALE\"}", "object_not_found", "No database SALE."},
    {"list_tables", "{\"schema\":\"nain\"}", "object_not_found",
        "No schema nain in SALES."},
    {"fetch_result", "{}", "invalid_argument", "needs the argument \"result\""},
    {"fetch_result", "{\"result\":\"xyz\"}", "wrong_handle", "begins with r_"},
    {"fetch_result", "{\"result\":\"r_bbbbbbbbbbbbbbbbbbbbbbbbbb\"}", "result_not_found",
        "expired"},
    {"fetch_result", "{\"result\":\"r_aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"offset\":251}",
        "invalid_argument", "is 251; the result has 250 rows"},
    {"fetch_result", "{\"result\":\"r_aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"row\":1}",
        "invalid_argument", "needs the argument \"column\""},
    {"fetch_result",
        "{\"result\":\"r_aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"row\":250,\"column\":0}",
        "invalid_argument", "\"row\" of fetch_result is 250"},
    {"query_status", "{\"query\":\"q_bbbbbbbbbbbbbbbbbbbbbbbbbb\"}", "query_not_found",
        "forgotten"},
    {"query_status", "{\"wait_s\":26}", "invalid_argument", "0 to 25"},
    {"cancel_query", "{}", "invalid_argument", "needs the argument \"query\""},
    {"cancel_query", "{\"query\":\"q_bbbbbbbbbbbbbbbbbbbbbbbbbb\"}", "query_not_found",
        "forgotten"},
    {"close_session", "{}", "invalid_argument", "needs the argument \"session\""},
    {"close_session", "{\"session\":\"s_aaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
        "session_not_found", "There is no session"},
};

static void bad_calls_say_what_was_wrong_and_what_is_allowed(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_calls); i++) {
        yyjson_val *answer = rig_call(*state, bad_calls[i][0], bad_calls[i][1]);
        rig_assert_error(answer, bad_calls[i][2], bad_calls[i][3]);
    }
}

static yyjson_val *call_filled(
    struct rig *rig, const char *tool, const char *before, char fill, size_t len)
{
    struct buf args = BUF_INIT(8 << 20);
    buf_puts(&args, before);
    for (size_t i = 0; i < len; i++) {
        buf_putc(&args, fill);
    }
    buf_puts(&args, str_eq(str_of(tool), STR("whoami")) ? "\":1}" : "\"}");
    yyjson_val *answer = rig_call_bytes(rig, tool, buf_str(&args));
    buf_free(&args);
    return answer;
}

static void long_texts_are_measured_not_swallowed(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        call_filled(rig, "execute_query", "{\"query\":\"select 1 -- ", 'x', 1 << 20);
    rig_assert_error(answer, "invalid_argument", "at most 1048576 are allowed");
    answer = call_filled(rig, "execute_query", "{\"query\":\"", '(', 1 << 19);
    rig_assert_error(answer, "statement_refused", "nested too deeply");
    answer = call_filled(rig, "describe_table", "{\"table\":\"", 'n', 256);
    rig_assert_error(answer, "invalid_argument", "256 bytes long; at most 255");
    answer = call_filled(rig, "describe_table", "{\"table\":\"", 'n', 255);
    rig_assert_error(answer, "object_not_found", "No table or view nnn");
    answer = call_filled(rig, "list_tables", "{\"database\":\"", 'd', 256);
    rig_assert_error(answer, "invalid_argument", "at most 255");
    answer = call_filled(rig, "list_tables", "{\"schema\":\"", 's', 255);
    rig_assert_error(answer, "object_not_found", "No schema sss");
    answer = call_filled(rig, "open_session", "{\"label\":\"", 'l', 256);
    rig_assert_error(answer, "invalid_argument", "\"label\"");
    answer = call_filled(rig, "whoami", "{\"", 'k', 5000);
    rig_assert_error(answer, "invalid_argument", "has no argument");
}

static void an_unfinished_call_of_the_same_kind_is_waited_for(void **state)
{
    struct rig *rig = *state;
    const char *args = "{\"query\":\"select id from \\\"Orders\\\" limit 1\"}";
    rig->has_same = true;
    rig_call(rig, "execute_query", args); /* without a session: runs */
    assert_int_equal(rig->run_count, 1);
    rig_own_session(rig);
    rig->queries[0].answer = "{\"status\":\"done\",\"row_count\":7}";
    rig->status_after = "done";
    rig_assert_json(rig_call(rig, "execute_query", args), "", rig->queries[0].answer);
    assert_int_equal(rig->run_count, 0);
    assert_int_equal(rig->wait_s, 25);
    rig->status_after = "running";
    yyjson_val *answer = rig_call(rig, "execute_query", args);
    assert_string_equal(rig_str(answer, "/status"), "running");
    assert_string_equal(rig_str(answer, "/query"), rig->queries[0].handle);
    rig->status_after = "cancelled"; /* by its own asker: this one still wants rows */
    rig_assert_json(rig_call(rig, "execute_query", args), "/row_count", "1");
    rig->status_after = "done";
    rig_call(rig, "execute_query", "{\"query\":\"select random()\"}");
    assert_int_equal(rig->run_count, 1);
}

static void an_unfinished_call_says_how_to_wait(void **state)
{
    struct rig *rig = *state;
    rig_call(rig, "execute_query", "{\"query\":\"select 1\"}");
    struct tool_query query = {.handle = STR("q_aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        .status = STR("queued"),
        .elapsed_ms = 25003,
        .position = 3};
    tool_answer_unfinished(&rig->call, &query, STR(",\"more\":1"));
    yyjson_doc *doc = yyjson_read(rig->call.out.ptr, rig->call.out.len, 0);
    rig_assert_json(yyjson_doc_get_root(doc), "",
        "{\"status\":\"queued\",\"query\":\"q_aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"elapsed_ms\":25003,"
        "\"position\":3,\"more\":1,\"next\":{\"tool\":\"query_status\",\"arguments\":{\"query\":\"q_"
        "aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"wait_s\":25}},\"notice\":\"Do not send the SQL "
        "again.\",\"context\":{\"profile\":\"prod\",\"database\":\"SALES\",\"schema\":\"main\"}}");
    yyjson_doc_free(doc);
}

static void results_are_read_on_by_pages_and_cells(void **state)
{
    struct rig *rig = *state;
    const char *result = "{\"result\":\"r_aaaaaaaaaaaaaaaaaaaaaaaaaa\",";
    char args[256];
    rig->scripted = (struct tool_page){
        .rows = STR("[[1],[2]]"), .row_count = 2, .total_rows = 250, .truncated = true};
    snprintf(args, sizeof(args), "%s\"offset\":100,\"limit\":2}", result);
    yyjson_val *answer = rig_call(rig, "fetch_result", args);
    assert_int_equal(rig->fetch_rows, 2);
    assert_int_equal(rig->fetch_offset, 100);
    rig_assert_json(answer, "/rows", "[[1],[2]]");
    rig_assert_json(answer, "/offset", "100");
    rig_assert_json(answer, "/next/arguments/offset", "102");
    assert_non_null(strstr(rig_str(answer, "/notice"), "Rows 101 to 102 of 250 rows."));
    rig->scripted = (struct tool_page){.rows = STR("[[1]]"), .row_count = 1};
    snprintf(args, sizeof(args), "%s\"offset\":249}", result);
    answer = rig_call(rig, "fetch_result", args);
    rig_assert_json(answer, "/next", "null");
    rig_assert_json(answer, "/truncated", "false");
    rig->scripted = (struct tool_page){
        .rows = STR("\"long \\\"text\""), .row_count = 10, .total_rows = 99};
    snprintf(args, sizeof(args), "%s\"row\":7,\"column\":\"2\",\"offset\":5}", result);
    answer = rig_call(rig, "fetch_result", args);
    assert_int_equal(rig->cell_row, 7);
    assert_int_equal(rig->cell_column, 2);
    assert_string_equal(rig_str(answer, "/text"), "long \"text");
    rig_assert_json(answer, "/bytes_total", "99");
    rig_assert_json(answer, "/next/arguments/offset", "15");
    rig->fails = true;
    rig_assert_error(
        rig_call(rig, "fetch_result", "{\"result\":\"r_aaaaaaaaaaaaaaaaaaaaaaaaaa\"}"),
        "store_failed", "disk full");
}

static void queries_are_waited_for_listed_and_cancelled(void **state)
{
    struct rig *rig = *state;
    const char *handle = rig->queries[0].handle;
    rig->queries[0].status = "queued";
    rig->status_after = "done";
    yyjson_val *answer =
        call_with(rig, "query_status", "{\"wait_s\":0,\"query\":", handle);
    rig_assert_json(answer, "/position", "3");
    rig_assert_json(answer, "/queue_length", "9");
    rig_assert_json(answer, "/wait_ms", "4000");
    assert_null(yyjson_obj_get(answer, "rows_so_far"));
    assert_int_equal(rig->wait_s, 0); /* was not asked */
    rig->queries[0].status = "running";
    answer = call_with(rig, "query_status", "{\"wait_s\":0,\"query\":", handle);
    rig_assert_json(answer, "/rows_so_far", "17");
    assert_null(yyjson_obj_get(answer, "queue_length"));
    rig->queries[0].status = "queued";
    rig->status_after = "done";
    rig->queries[0].answer = "{\"status\":\"done\",\"row_count\":7}";
    answer = call_with(rig, "query_status", "{\"query\":", handle);
    rig_assert_json(answer, "", rig->queries[0].answer);
    assert_int_equal(rig->wait_s, 25);
    rig->queries[0].answer = "{\"error\":{\"code\":\"sql_error\"}}";
    rig->queries[0].is_error = true;
    answer = call_with(rig, "query_status", "{\"query\":", handle);
    assert_true(rig->call.is_error);
    rig->queries[0].answer = NULL;
    answer = call_with(rig, "query_status", "{\"query\":", handle);
    rig_assert_json(answer, "/status", "\"done\"");
    rig_assert_json(answer, "/elapsed_ms", "25003");
    answer = rig_call(rig, "query_status", "{}");
    rig_assert_json(answer, "/queries/0/started", "\"2023-11-14T22:13:20Z\"");
    assert_string_equal(rig_str(answer, "/queries/0/query"), handle);
    answer = call_with(rig, "cancel_query", "{\"query\":", handle);
    assert_string_equal(rig_str(answer, "/notice"), "It had ended before.");
    rig->queries[0].status = "running";
    rig->status_after = "cancelled";
    answer = call_with(rig, "cancel_query", "{\"query\":", handle);
    assert_string_equal(rig_str(answer, "/status"), "cancelled");
    rig->queries[0].status = "running";
    rig->fails = true;
    answer = call_with(rig, "cancel_query", "{\"query\":", handle);
    rig_assert_error(answer, "store_failed", "disk full");
}

static void whoami_tells_who_where_and_how_much(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    yyjson_val *answer = rig_call(rig, "whoami", "{}");
    assert_string_equal(rig_str(answer, "/principal"), "uid:1000");
    assert_string_equal(rig_str(answer, "/session"), rig->own);
    assert_string_equal(rig_str(answer, "/policy"), "read_only");
    assert_string_equal(rig_str(answer, "/profiles/1/name"), "snow");
    assert_string_equal(rig_str(answer, "/profiles/1/context/role"), "ANALYST");
    rig_assert_json(answer, "/limits/limit_rows_max", "10000");
    rig_assert_json(answer, "/context",
        "{\"profile\":\"prod\",\"database\":\"SALES\",\"schema\":"
        "\"main\"}");
    memcpy(rig->sessions[0].context.part[TOOL_PROFILE], "gone", 5);
    answer = rig_call(rig, "whoami", "{}");
    assert_null(yyjson_ptr_get(answer, "/context"));
    assert_non_null(strstr(rig_str(answer, "/notice"), "use_context"));
    rig_assert_error(rig_call(rig, "list_tables", "{}"), "unknown_profile", "\"gone\"");
    rig_assert_json(
        rig_call(rig, "list_tables", "{\"profile\":\"prod\"}"), "/status", "\"done\"");
}

static void truth_comes_as_a_boolean_or_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *args;
        bool ok;
        bool value;
    } CASES[] = {
        {"{\"x\":true}", true, true},
        {"{\"x\":\"false\"}", true, false},
        {"{\"x\":\"true\"}", true, true},
        {"{}", true, true},
        {"{\"x\":null}", true, true},
        {"{\"x\":1}", false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        bool value;
        yyjson_doc *doc = yyjson_read(CASES[i].args, strlen(CASES[i].args), 0);
        struct tool_call call = {
            .tool = tool_find(STR("whoami")), .args = yyjson_doc_get_root(doc)};
        assert_int_equal(tool_arg_bool(&call, "x", true, &value), CASES[i].ok);
        assert_int_equal(value, CASES[i].value);
        assert_int_equal(call.is_error, !CASES[i].ok);
        tool_call_free(&call);
        yyjson_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        TEST(a_query_answers_its_rows_in_the_promised_shape),
        TEST(a_long_answer_says_how_to_read_on),
        TEST(capped_and_cut_answers_say_so),
        TEST(what_changes_data_is_refused_with_its_place),
        TEST(the_engines_error_comes_with_its_code),
        TEST(without_a_warehouse_only_whoami_and_sessions_work),
        TEST(sloppy_arguments_are_understood),
        TEST(bad_calls_say_what_was_wrong_and_what_is_allowed),
        TEST(long_texts_are_measured_not_swallowed),
        TEST(an_unfinished_call_of_the_same_kind_is_waited_for),
        TEST(an_unfinished_call_says_how_to_wait),
        TEST(results_are_read_on_by_pages_and_cells),
        TEST(queries_are_waited_for_listed_and_cancelled),
        TEST(whoami_tells_who_where_and_how_much),
        TEST(truth_comes_as_a_boolean_or_its_name),
#undef TEST
    };
    if (!rig_engine_start()) {
        fprintf(stderr, "SNOWMUX_DUCKDB is not set, or cannot be loaded\n");
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_engine_stop();
    return failed;
}
