// SPDX-License-Identifier: Apache-2.0
/* Preferences and statistics of sessions, and the shapes of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tools_rig.h"

static void preferences_stand_in_where_a_call_says_nothing(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    yyjson_val *answer = rig_call(rig, "set_preferences",
        "{\"limit\":7,\"timeout_s\":30,\"format\":\"objects\",\"priority\":\"low\"}");
    rig_assert_json(answer, "/preferences",
        "{\"limit\":7,\"timeout_s\":30,\"format\":\"objects\",\"priority\":\"low\"}");
    assert_int_equal(rig->run_count, 0); /* no context was named: no engine is asked */
    answer = rig_call(rig, "execute_query", "{\"query\":\"select 1 as a\"}");
    rig_assert_json(answer, "/rows", "[{\"a\":1}]");
    assert_int_equal(rig->call.rows_max, 7);
    assert_int_equal(rig->call.timeout_s, 30);
    answer = rig_call(
        rig, "execute_query", "{\"query\":\"select 1 as a\",\"limit\":3,\"timeout_s\":4}");
    assert_int_equal(rig->call.rows_max, 3);
    assert_int_equal(rig->call.timeout_s, 4);
    rig_assert_json(rig_call(rig, "whoami", "{}"), "/preferences/priority", "\"low\"");
}

static void what_is_not_named_stays_and_nought_resets(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    rig_call(rig, "set_preferences", "{\"limit\":7,\"timeout_s\":30}");
    yyjson_val *answer = rig_call(rig, "set_preferences", "{\"limit\":0}");
    rig_assert_json(answer, "/preferences",
        "{\"timeout_s\":30,\"format\":\"arrays\",\"priority\":\"normal\"}");
    rig_call(rig, "execute_query", "{\"query\":\"select 1\"}");
    assert_int_equal(rig->call.rows_max, 100);
}

static void null_takes_one_back_and_absent_stays(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    rig_call(rig, "set_preferences",
        "{\"limit\":7,\"timeout_s\":30,\"format\":\"csv\",\"priority\":\"low\"}");
    yyjson_val *answer = rig_call(rig, "set_preferences", "{\"limit\":null,\"format\":null}");
    rig_assert_json(answer, "/preferences",
        "{\"timeout_s\":30,\"format\":\"arrays\",\"priority\":\"low\"}");
    assert_int_equal(rig->run_count, 0);
    answer = rig_call(rig, "set_preferences", "{\"timeout_s\":null,\"priority\":null}");
    rig_assert_json(
        answer, "/preferences", "{\"format\":\"arrays\",\"priority\":\"normal\"}");
}

static void null_takes_a_place_back_to_that_of_the_profile(void **state)
{
    struct rig *rig = *state;
    const char *schema = rig->sessions[0].context.part[TOOL_SCHEMA];
    const char *database = rig->sessions[0].context.part[TOOL_DATABASE];
    rig_own_session(rig);
    rig_call(rig, "set_preferences", "{\"schema\":\"Raw\",\"limit\":5}");
    assert_string_equal(schema, "Raw");
    rig_call(rig, "set_preferences", "{\"schema\":null}");
    assert_int_equal(rig->run_count, 1); /* verified like any other */
    assert_string_equal(schema, "main");
    rig_call(rig, "set_preferences", "{\"database\":\"my db\"}");
    assert_string_equal(database, "my db");
    yyjson_val *answer = rig_call(rig, "set_preferences", "{\"database\":null,\"schema\":\"Raw\"}");
    assert_string_equal(database, "SALES");
    assert_string_equal(schema, "Raw");
    rig_call(rig, "set_preferences", "{\"database\":null}");
    assert_string_equal(schema, "main");
    assert_true(answer != NULL);
    /* Elsewhere null is nothing at all. */
    rig_call(rig, "set_preferences", "{\"schema\":\"Raw\"}");
    rig_call(rig, "use_context", "{\"schema\":null,\"database\":null}");
    assert_string_equal(schema, "Raw");
    rig_assert_json(rig_call(rig, "whoami", "{}"), "/preferences/limit", "5");
}

static void without_a_warehouse_the_session_named_is_the_one_set(void **state)
{
    struct rig *rig = *state;
    char args[128];
    rig->profile_count = 0;
    snprintf(args, sizeof(args), "{\"session\":\"%s\",\"limit\":3}", rig->sessions[0].handle);
    yyjson_val *answer = rig_call(rig, "set_preferences", args);
    assert_string_equal(rig_str(answer, "/session"), rig->sessions[0].handle);
    assert_string_equal(rig_str(answer, "/notice"), "");
    rig_assert_error(
        rig_call(rig, "set_preferences", "{\"schema\":\"x\"}"), "no_profile", "No warehouse");
}

static void where_the_profile_is_gone_the_rest_can_be_set(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    strcpy(rig->sessions[0].context.part[TOOL_PROFILE], "gone");
    yyjson_val *answer = rig_call(rig, "set_preferences", "{\"limit\":3}");
    rig_assert_json(answer, "/preferences/limit", "3");
    assert_null(yyjson_obj_get(answer, "context"));
}

static void bad_preferences_name_what_is_allowed_and_change_nothing(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    static const struct {
        const char *args;
        const char *text;
    } bad[] = {
        {"{\"priority\":\"high\"}", "allowed are: normal, low"},
        {"{\"format\":\"xml\"}", "allowed are: arrays, objects, csv"},
        {"{\"limit\":10001}", "10000"},
        {"{\"timeout_s\":-1}", "timeout_s"},
        {"{\"limits\":1}", "nearest: limit"},
        {"{}", "sets nothing: give limit, timeout_s, format, priority"},
    };
    rig_call(rig, "set_preferences", "{\"limit\":7}");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        rig_assert_error(
            rig_call(rig, "set_preferences", bad[i].args), "invalid_argument", bad[i].text);
    }
    rig_assert_json(rig_call(rig, "whoami", "{}"), "/preferences/limit", "7");
}

static void a_context_among_preferences_is_asked_of_the_engine(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    rig_call(rig, "set_preferences", "{\"limit\":5,\"schema\":\"main\"}");
    assert_int_equal(rig->run_count, 1);
    rig_assert_error(rig_call(rig, "set_preferences", "{\"limit\":9,\"schema\":\"nowhere\"}"),
        "object_not_found", "nowhere");
    rig_assert_json(rig_call(rig, "whoami", "{}"), "/preferences/limit", "5");
}

static void without_a_session_one_is_opened(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "set_preferences", "{\"limit\":5}");
    assert_non_null(strstr(rig_str(answer, "/notice"), "Pass session=s_"));
    rig_assert_json(answer, "/preferences/limit", "5");
}

static const char columns[] = "[{\"name\":\"a\",\"type\":\"T\"},{\"name\":\"b,c\",\"type\":\"T\"},"
                              "{\"name\":\"a\",\"type\":\"T\"}]";
static const char rows[] = "[[1,\"x\\\"y\",null],[-2.5,\"\",\"two\\nlines\"],[true,[1,2],\"z\"]]";

static yyjson_val *shaped(struct rig *rig, const char *format)
{
    char args[64];
    snprintf(args, sizeof(args), "{\"format\":\"%s\"}", format);
    rig_call(rig, "set_preferences", args);
    rig->scripted = (struct tool_page){.columns = str_of(columns),
        .rows = str_of(rows),
        .cuts = STR("[]"),
        .row_count = 3,
        .total_rows = 3};
    return rig_call(rig, "execute_query", "{\"query\":\"select 1\"}");
}

static void objects_keep_columns_of_one_name(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    rig_assert_json(shaped(rig, "objects"), "/rows",
        "[{\"a\":1,\"b,c\":\"x\\\"y\",\"a_2\":null},"
        "{\"a\":-2.5,\"b,c\":\"\",\"a_2\":\"two\\nlines\"},"
        "{\"a\":true,\"b,c\":[1,2],\"a_2\":\"z\"}]");
}

static void csv_tells_null_from_empty(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    yyjson_val *answer = shaped(rig, "csv");
    assert_string_equal(rig_str(answer, "/csv"),
        "a,\"b,c\",a\r\n1,\"x\"\"y\",\r\n-2.5,\"\",\"two\nlines\"\r\ntrue,\"[1,2]\",z\r\n");
    assert_null(yyjson_ptr_get(answer, "/rows"));
}

/* The bytes of the answer, not what a parser makes of them. */
static void expect_bytes(struct rig *rig, const char *part)
{
    buf_putc(&rig->call.out, '\0');
    if (!strstr(rig->call.out.ptr, part)) {
        fail_msg("%s\nlacks\n%s", rig->call.out.ptr, part);
    }
}

static yyjson_val *page_as(struct rig *rig, const char *format, const char *names,
    const char *values, uint32_t count)
{
    char args[64];
    rig_own_session(rig);
    snprintf(args, sizeof(args), "{\"format\":\"%s\"}", format);
    rig_call(rig, "set_preferences", args);
    rig->scripted = (struct tool_page){.columns = str_of(names),
        .rows = str_of(values),
        .row_count = count,
        .total_rows = count};
    return rig_call(rig, "execute_query", "{\"query\":\"select 1\"}");
}

static void a_name_that_is_made_is_no_other_columns(void **state)
{
    page_as(*state, "objects",
        "[{\"name\":\"a\"},{\"name\":\"a\"},{\"name\":\"a_2\"},{\"name\":\"a\"},{\"name\":\"a_2\"}]",
        "[[1,2,3,4,5]]", 1);
    expect_bytes(*state, "\"rows\":[{\"a\":1,\"a_3\":2,\"a_2\":3,\"a_4\":4,\"a_2_2\":5}]");
}

static void digits_stay_as_the_engine_wrote_them(void **state)
{
    static const char names[] = "[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]";
    static const char values[] = "[[12345678901234567890,0.10,1e+15]]";
    page_as(*state, "objects", names, values, 1);
    expect_bytes(*state, "\"rows\":[{\"a\":12345678901234567890,\"b\":0.10,\"c\":1e+15}]");
    page_as(*state, "csv", names, values, 1);
    expect_bytes(*state, "\"csv\":\"a,b,c\\r\\n12345678901234567890,0.10,1e+15\\r\\n\"");
}

static void no_rows_are_an_empty_array_and_a_lone_header(void **state)
{
    struct rig *rig = *state;
    rig_assert_json(page_as(rig, "objects", "[{\"name\":\"n\"}]", "[ ]", 0), "/rows", "[]");
    rig_assert_json(
        page_as(rig, "csv", "[{\"name\":\"n\"}]", "[ ]", 0), "/csv", "\"n\\r\\n\"");
}

static void a_wide_answer_is_shaped_in_no_time(void **state)
{
    enum { WIDTH = 20000 };
    struct rig *rig = *state;
    struct buf names = BUF_INIT(1 << 20);
    struct buf values = BUF_INIT(1 << 20);
    for (int i = 0; i < WIDTH; i++) {
        buf_puts(&names, i > 0 ? ",{\"name\":\"c\"}" : "[{\"name\":\"c\"}");
        buf_puts(&values, i > 0 ? ",7" : "[[7");
    }
    buf_puts(&names, "]");
    buf_puts(&values, "]]");
    buf_putc(&names, '\0');
    buf_putc(&values, '\0');
    yyjson_val *answer = page_as(rig, "objects", names.ptr, values.ptr, 1);
    rig_assert_json(answer, "/rows/0/c_20000", "7");
    buf_free(&names);
    buf_free(&values);
}

static void what_does_not_fit_as_objects_comes_as_arrays_and_says_so(void **state)
{
    struct rig *rig = *state;
    struct buf names = BUF_INIT(1 << 20);
    struct buf values = BUF_INIT(1 << 20);
    buf_puts(&names, "[{\"name\":\"");
    for (int i = 0; i < 1000; i++) {
        buf_putc(&names, 'x');
    }
    buf_puts(&names, "\"}]");
    buf_putc(&names, '\0');
    for (int i = 0; i < 5000; i++) {
        buf_puts(&values, i > 0 ? ",[1]" : "[[1]");
    }
    buf_puts(&values, "]");
    buf_putc(&values, '\0');
    yyjson_val *answer = page_as(rig, "objects", names.ptr, values.ptr, 5000);
    rig_assert_json(answer, "/rows/4999", "[1]");
    assert_string_equal(rig_str(answer, "/notice"),
        "They do not fit in the preferred format: rows are arrays.");
    buf_free(&names);
    buf_free(&values);
}

static void statistics_have_the_promised_names(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "session_stats", "{}");
    rig_assert_json(answer, "/total_sessions", "3");
    rig_assert_json(answer, "/active_sessions", "2");
    rig_assert_json(answer, "/client_types", "{\"claude_code\":2,\"cursor\":1}");
    rig_assert_json(answer, "/total_requests", "4");
    rig_assert_json(answer, "/avg_response_time_ms", "2.5");
    rig_assert_json(answer, "/response_ms_below",
        "{\"of\":[50,95,99],\"ms\":[4.0,null,null],\"calls\":2}");
    rig_assert_json(answer, "/unique_clients", "2");
}

static void statistics_of_one_session(void **state)
{
    struct rig *rig = *state;
    char args[128];
    snprintf(args, sizeof(args), "{\"session\":\"%s\"}", rig->sessions[0].handle);
    yyjson_val *answer = rig_call(rig, "session_stats", args);
    rig_assert_json(answer, "/total_requests", "3");
    rig_assert_json(answer, "/failed_requests", "1");
    rig_assert_json(answer, "/avg_response_time_ms", "1.5");
    rig_assert_json(answer, "/response_ms_below/ms", "[0.25,4.0,4.0]");
    answer = rig_call(rig, "session_stats", "{\"session\":\"s_aaaaaaaaaaaaaaaaaaaaaaaaaz\"}");
    rig_assert_error(answer, "session_not_found", "There is no session");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        TEST(preferences_stand_in_where_a_call_says_nothing),
        TEST(what_is_not_named_stays_and_nought_resets),
        TEST(null_takes_one_back_and_absent_stays),
        TEST(null_takes_a_place_back_to_that_of_the_profile),
        TEST(without_a_warehouse_the_session_named_is_the_one_set),
        TEST(where_the_profile_is_gone_the_rest_can_be_set),
        TEST(bad_preferences_name_what_is_allowed_and_change_nothing),
        TEST(a_context_among_preferences_is_asked_of_the_engine),
        TEST(without_a_session_one_is_opened),
        TEST(objects_keep_columns_of_one_name),
        TEST(csv_tells_null_from_empty),
        TEST(a_name_that_is_made_is_no_other_columns),
        TEST(digits_stay_as_the_engine_wrote_them),
        TEST(no_rows_are_an_empty_array_and_a_lone_header),
        TEST(a_wide_answer_is_shaped_in_no_time),
        TEST(what_does_not_fit_as_objects_comes_as_arrays_and_says_so),
        TEST(statistics_have_the_promised_names),
        TEST(statistics_of_one_session),
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
