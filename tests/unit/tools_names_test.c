// SPDX-License-Identifier: Apache-2.0
/* Names: how they are found, where calls and sessions are, what the catalogue lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "tools_rig.h"

static void the_catalogue_is_listed_in_rows(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "list_databases", "{}");
    rig_assert_json(
        answer, "/rows", "[[\"SALES\",null],[\"memory\",null],[\"my db\",null]]");
    answer = rig_call(rig, "list_schemas", "{\"like\":\"r%\"}");
    rig_assert_json(answer, "/rows", "[[\"Raw\",\"SALES\",null]]");
    answer = rig_call(rig, "list_tables", "{\"like\":\"ord%\"}");
    rig_assert_json(
        answer, "/rows", "[[\"Orders\",\"SALES\",\"main\",\"all \\\"orders\\\"\",250]]");
    answer = rig_call(rig, "list_views", "{}");
    rig_assert_json(answer, "/row_count", "3");
    rig_assert_json(answer, "/total_rows", "3");
    rig_assert_json(answer, "/next", "null");
    answer = rig_call(rig, "list_tables", "{\"schema\":\"SALES.Raw\"}");
    rig_assert_json(answer, "/rows/0/0", "\"events\"");
    rig_assert_json(answer, "/context/schema", "\"Raw\"");
    answer = rig_call(rig, "list_tables", "{\"database\":\"my db\"}");
    rig_assert_json(answer, "/row_count", "1");
    assert_false(rig->call.keeps_result);
}

static void a_list_is_read_on_with_its_cursor(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        rig_call(rig, "list_views", "{\"limit\":2,\"like\":\"%\",\"role\":null}");
    rig_assert_json(answer, "/truncated", "true");
    rig_assert_json(answer, "/total_rows", "null");
    rig_assert_json(answer, "/next",
        "{\"tool\":\"list_views\",\"arguments\":{\"limit\":2,\"like\":\"%\",\"cursor\":\"2\"}}");
    answer = rig_call(rig, "list_views", "{\"limit\":2,\"like\":\"%\",\"cursor\":\"2\"}");
    rig_assert_json(answer, "/rows/0/0", "\"broken\"");
    rig_assert_json(answer, "/total_rows", "3");
    rig_assert_json(answer, "/next", "null");
    rig->page_rows = 1; /* a page ends where its bytes do, too */
    rig->unknown_total = true;
    answer = rig_call(rig, "list_views", "{\"cursor\":1}");
    rig_assert_json(answer, "/next/arguments/cursor", "\"2\"");
}

static void other_spellings_of_a_context_are_tried_once(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "execute_query",
        "{\"query\":\"select current_schema()\",\"schema\":\"SALES.nowhere\"}");
    rig_assert_json(answer, "/error/nearest/0", "\"Raw\"");
    rig->refusal_kind = TOOL_FAILED_CONTEXT; /* an engine that minds the case */
    rig->refusal = "no sales.raw";
    answer = rig_call(rig, "execute_query",
        "{\"query\":\"select current_schema()\",\"database\":\"sales\",\"schema\":\"raw\"}");
    rig_assert_json(answer, "/context/schema", "\"Raw\"");
    rig_assert_json(answer, "/context/database", "\"SALES\"");
    assert_int_equal(rig->run_count, 4);
    assert_true(rig->call.keeps_result);
    assert_int_equal(rig->call.cell_chars, 0);
    rig->refusal = "no sales.raw";
    answer = rig_call(rig, "list_tables", "{\"database\":\"sales\",\"schema\":\"raw\"}");
    rig_assert_json(answer, "/rows/0/0", "\"events\"");
    rig->refusal = "no sales.raw";
    answer = rig_call(
        rig, "describe_table", "{\"table\":\"events\",\"schema\":\"sales.raw\"}");
    rig_assert_json(answer, "/relations/0/schema", "\"Raw\"");
    rig->refusal = "no sales";
    answer = rig_call(rig, "list_databases", "{\"database\":\"nowhere\"}");
    rig_assert_json(answer, "/row_count", "3");
    rig->refusal = "no role X";
    answer = rig_call(rig, "execute_query", "{\"query\":\"select 1\",\"profile\":\"snow\",\"role\":\"X\"}");
    rig_assert_error(answer, "context_failed", "no role X");
    rig->refusal =
        "warehouse suspended"; /* names are right: the engine's reason stands */
    answer =
        rig_call(rig, "execute_query", "{\"query\":\"select 1\",\"schema\":\"Raw\"}");
    rig_assert_error(answer, "context_failed", "warehouse suspended");
}

static void a_refused_default_is_not_looked_up(void **state)
{
    struct rig *rig = *state;
    rig_own_session(rig);
    memcpy(rig->sessions[0].context.part[TOOL_PROFILE], "prod", 5);
    memcpy(rig->sessions[0].context.part[TOOL_DATABASE], "SALES", 6);
    rig->refusal_kind = TOOL_FAILED_CONTEXT;
    rig->refusal = "suspended";
    yyjson_val *answer = rig_call(rig, "execute_query", "{\"query\":\"select 1\"}");
    rig_assert_error(answer, "context_failed", "suspended");
    assert_int_equal(rig->run_count, 1);
}

static void one_of_two_spellings_is_not_chosen(void **state)
{
    struct rig *rig = *state;
    rig->refusal_kind = TOOL_FAILED_CONTEXT;
    rig->refusal = "no sales";
    rig->scripted = (struct tool_page){
        .rows = STR("[[\"Sales\",null],[\"SALES\",null]]"), .row_count = 2};
    yyjson_val *answer = rig_call(rig, "list_tables", "{\"database\":\"sales\"}");
    rig_assert_error(answer, "object_not_found", "No database sales.");
    rig_assert_json(answer, "/error/nearest", "[\"Sales\",\"SALES\"]");
    rig->refusal = "no sales";
    rig->scripted = (struct tool_page){.rows = STR("no rows"), .row_count = 2};
    answer = rig_call(rig, "list_tables", "{\"database\":\"sales\"}");
    rig_assert_error(answer, "context_failed", "no sales");
}

static void a_relation_is_described_with_columns_and_sample(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        rig_call(rig, "describe_table", "{\"table\":\"Orders\",\"sample\":1}");
    rig_assert_json(answer, "/relations",
        "[{\"name\":\"Orders\",\"database\":\"SALES\",\"schema\":\"main\",\"kind\":\"table\","
        "\"comment\":\"all \\\"orders\\\"\",\"columns\":[{\"name\":\"id\",\"type\":\"INTEGER\","
        "\"nullable\":false,\"comment\":\"the id\",\"default\":\"3\"},{\"name\":\"amount\","
        "\"type\":\"DECIMAL(10,2)\",\"nullable\":true},{\"name\":\"note\",\"type\":\"VARCHAR\","
        "\"nullable\":true}],\"sample\":{\"columns\":[{\"name\":\"id\",\"type\":\"T\"},{\"name\":"
        "\"amount\",\"type\":\"T\"},{\"name\":\"note\",\"type\":\"T\"}],\"rows\":[[0,\"0.00\","
        "\"n0\"]]}}]");
    assert_int_equal(rig->run_count, 2);
    answer = rig_call(rig, "describe_view", "{\"view_name\":\"ORDERS_V\"}");
    rig_assert_json(answer, "/relations/0/kind", "\"view\"");
    assert_int_equal(rig->run_count, 1);
}

static void many_relations_take_one_statement_a_schema(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "describe_table",
        "{\"table\":[\"twin\",\"ORDERS_V\",\"Orders\",\"Raw.twin\",\"\\\"SALES\\\".Raw.events\","
        "\"twin\"]}");
    assert_int_equal(rig->run_count, 2);
    assert_int_equal(yyjson_arr_size(yyjson_ptr_get(answer, "/relations")), 5);
    rig_assert_json(answer, "/relations/2/columns/0/name", "\"a\"");
    rig_assert_json(answer, "/relations/4/columns/0/name", "\"b\"");
}

static void descriptions_go_on_over_many_pages(void **state)
{
    struct rig *rig = *state;
    const char *args = "{\"table\":[\"Orders\",\"ORDERS_V\",\"twin\"]}";
    char *whole = yyjson_val_write(
        yyjson_ptr_get(rig_call(rig, "describe_table", args), "/relations"), 0, NULL);
    rig->page_rows = 2;
    for (int known = 0; known < 2; known++) {
        rig->unknown_total = known == 0;
        yyjson_val *answer = rig_call(rig, "describe_table", args);
        assert_true(rig->run_count > 2);
        rig_assert_json(answer, "/relations", whole);
    }
    free(whole);
}

static void names_are_found_in_another_case_or_not_at_all(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        rig_call(rig, "describe_table", "{\"table\":[\"ORDER\",\"Orders\"]}");
    rig_assert_error(answer, "object_not_found", "No table or view ORDER in SALES.main.");
    rig_assert_json(answer, "/error/nearest/0", "\"Orders\"");
    assert_int_equal(yyjson_arr_size(yyjson_ptr_get(answer, "/error/nearest")), 3);
    answer = rig_call(rig, "describe_table",
        "{\"table\":[\"orders\",\"orders_v\",\"main.Twin\"],\"sample\":1}");
    assert_int_equal(yyjson_arr_size(yyjson_ptr_get(answer, "/relations")), 3);
    rig_assert_json(answer, "/relations/0/name", "\"ORDERS_V\"");
    rig_assert_json(answer, "/relations/2/sample/rows", "[]");
    answer = rig_call(rig, "describe_table", "{\"table\":\"main.\\\"orders\\\"\"}");
    rig_assert_error(
        answer, "object_not_found", "No table or view orders in SALES.main.");
    answer = rig_call(rig, "describe_table",
        "{\"table\":\"\\\"a.b \\\"\\\"c\\\"\\\"\\\"\",\"sample\":2}");
    rig_assert_json(answer, "/relations/0/name", "\"a.b \\\"c\\\"\"");
    rig_assert_json(answer, "/relations/0/sample/rows", "[]");
}

static void an_unqualified_name_may_be_anywhere_but_only_once(void **state)
{
    struct rig *rig = *state;
    rig->profiles[0].defaults[TOOL_DATABASE] = STR("");
    rig->profiles[0].defaults[TOOL_SCHEMA] = STR("");
    yyjson_val *answer = rig_call(rig, "describe_table", "{\"table\":\"events\"}");
    rig_assert_json(answer, "/relations/0/schema", "\"Raw\"");
    answer = rig_call(rig, "describe_table", "{\"table\":\"Twin\"}");
    rig_assert_error(answer, "object_not_found", "No table or view Twin.");
    rig_assert_json(answer, "/error/nearest/0", "\"Raw.twin\"");
    rig_assert_json(answer, "/error/nearest/1", "\"main.twin\"");
}

static void a_broken_view_is_described_without_its_rows(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(
        rig, "describe_view", "{\"view_name\":[\"broken\",\"ORDERS_V\"],\"sample\":1}");
    assert_non_null(strstr(rig_str(answer, "/relations/1/sample/error"), "gone"));
    rig_assert_json(answer, "/relations/0/sample/rows/0/0", "0");
}

static void too_wide_relations_end_the_answer_early(void **state)
{
    struct rig *rig = *state;
    struct buf rows = BUF_INIT(1 << 20);
    buf_putc(&rows, '[');
    for (int i = 0; i < 1500; i++) {
        buf_printf(&rows,
            "%s[\"Orders\",\"SALES\",\"main\",\"table\",null,\"column_number_%d\","
            "\"VARCHAR\",true,\"some comment of a column\",null]",
            i > 0 ? "," : "", i);
    }
    buf_putc(&rows, ']');
    rig->scripted =
        (struct tool_page){.rows = buf_str(&rows), .row_count = 1500, .total_rows = 1500};
    yyjson_val *answer =
        rig_call(rig, "describe_table", "{\"table\":[\"Orders\",\"Raw.events\"]}");
    rig_assert_json(answer, "/truncated", "true");
    assert_int_equal(
        yyjson_arr_size(yyjson_ptr_get(answer, "/relations/0/columns")), 1500);
    assert_int_equal(rig->run_count, 1);
    buf_free(&rows);
}

static void a_view_shows_some_rows_and_says_that_there_are_more(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        rig_call(rig, "query_view", "{\"view_name\":\"orders_v\",\"limit\":3}");
    rig_assert_json(answer, "/row_count", "3");
    rig_assert_json(answer, "/total_rows", "null");
    rig_assert_json(answer, "/truncated", "true");
    assert_string_equal(
        rig->last_sql, "SELECT * FROM \"SALES\".\"main\".\"orders_v\" LIMIT 4");
    answer = rig_call(rig, "query_view", "{\"view_name\":\"Raw.events\"}");
    rig_assert_json(answer, "/rows", "[]");
    rig_assert_json(answer, "/total_rows", "0");
    rig->refusal_kind = TOOL_FAILED_SQL;
    rig->refusal = "no table";
    answer = rig_call(rig, "query_view", "{\"view_name\":\"orders\"}");
    assert_string_equal(
        rig->last_sql, "SELECT * FROM \"SALES\".\"main\".\"Orders\" LIMIT 101");
    answer = rig_call(rig, "query_view", "{\"view_name\":\"ORDER_V\"}");
    rig_assert_error(
        answer, "object_not_found", "No table or view ORDER_V in SALES.main.");
    rig_assert_json(answer, "/error/nearest/0", "\"ORDERS_V\"");
    answer = rig_call(rig, "query_view", "{\"view_name\":\"broken\"}");
    rig_assert_error(answer, "sql_error", "gone");
}

/* As where a statement names it. */
static void what_the_guard_refuses_is_no_view_to_show(void **state)
{
    static const char *const NAMES[] = {"duckdb_secrets", "main.DUCKDB_SECRETS",
        "system.main.duckdb_secrets", "\\\"/etc/passwd\\\"", "sales.\\\"x.csv\\\""};
    struct rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        char arguments[128];
        snprintf(arguments, sizeof(arguments), "{\"view_name\":\"%s\"}", NAMES[i]);
        yyjson_val *answer = rig_call(rig, "query_view", arguments);
        rig_assert_error(answer, "statement_refused", "Refused: ");
        rig_assert_json(answer, "/error/class", "\"admin\"");
        assert_int_equal(rig->run_count, 0);
    }
}

static void a_sample_is_no_way_around_the_guard(void **state)
{
    struct rig *rig = *state;
    rig->scripted = (struct tool_page){.row_count = 2,
        .total_rows = 2,
        .rows = STR("[[\"duckdb_secrets\",\"SALES\",\"main\",\"view\",null,\"a\",\"TEXT\",true,"
                    "null,null],[\"orders_v\",\"SALES\",\"main\",\"view\",null,\"a\",\"TEXT\",true,"
                    "null,null]]")};
    yyjson_val *answer = rig_call(rig, "describe_view",
        "{\"view_name\":[\"duckdb_secrets\",\"orders_v\"],\"sample\":1}");
    rig_assert_json(answer, "/relations/0/columns/0/name", "\"a\"");
    assert_non_null(strstr(rig_str(answer, "/relations/0/sample/error"), "secrets"));
    assert_null(yyjson_ptr_get(answer, "/relations/1/sample/error"));
    assert_int_equal(rig->run_count, 2);
    assert_string_equal(
        rig->last_sql, "SELECT * FROM \"SALES\".\"main\".\"orders_v\" LIMIT 1");
}

static void a_sample_is_left_out_where_scans_are_bounded(void **state)
{
    struct rig *rig = *state;
    rig->profiles[0].scan_bytes_max = 1;
    yyjson_val *answer =
        rig_call(rig, "describe_table", "{\"table\":\"orders\",\"sample\":1}");
    rig->profiles[0].scan_bytes_max = 0;
    assert_non_null(yyjson_ptr_get(answer, "/relations/0/columns/0/name"));
    assert_non_null(strstr(rig_str(answer, "/relations/0/sample/error"), "scan_bytes_max"));
}

static void contexts_merge_from_profile_session_and_call(void **state)
{
    struct rig *rig = *state;
    struct tool_context *context = &rig->sessions[0].context;
    const char *query = "{\"query\":\"select 1\",";
    char args[512];
    static const struct {
        const char *args;
        const char *context;
    } CASES[] = {
        {"\"limit\":1",
            "\"prod\",\"role\":\"R\",\"database\":\"my db\",\"schema\":\"s1\""},
        {"\"database\":\"my db\"",
            "\"prod\",\"role\":\"R\",\"database\":\"my db\",\"schema\":\"s1\""},
        {"\"profile\":\"snow\",\"role\":\"\\\"r \\\"\\\"2\\\"\"",
            "\"snow\",\"role\":\"r \\\"2\",\"warehouse\":\"WH_S\",\"database\":\"SALES\","
            "\"schema\":\"PUBLIC\""},
        {"\"schema\":\"SALES.\\\"Raw\\\"\"",
            "\"prod\",\"role\":\"R\",\"database\":\"SALES\",\"schema\":\"Raw\""},
        {"\"profile\":\"PROD\"",
            "\"prod\",\"role\":\"R\",\"database\":\"my db\",\"schema\":\"s1\""},
        {"\"profile\":\"snow\"",
            "\"snow\",\"role\":\"ANALYST\",\"warehouse\":\"WH_S\",\"database\":\"SALES\","
            "\"schema\":\"PUBLIC\""},
        {"\"profile\":\"snow\",\"database\":\"X\",\"warehouse\":\"W\"",
            "\"snow\",\"role\":\"ANALYST\",\"warehouse\":\"W\",\"database\":\"X\","
            "\"schema\":\"PUBLIC\""},
    };
    rig_own_session(rig);
    memcpy(context->part[TOOL_PROFILE], "prod", 5);
    memcpy(context->part[TOOL_ROLE], "R", 2);
    memcpy(context->part[TOOL_DATABASE], "my db", 6);
    memcpy(context->part[TOOL_SCHEMA], "s1", 3);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char expected[512];
        snprintf(args, sizeof(args), "%s%s}", query, CASES[i].args);
        snprintf(expected, sizeof(expected), "{\"profile\":%s}", CASES[i].context);
        rig->scripted = (struct tool_page){.rows = STR("[[1]]"), .row_count = 1};
        rig_assert_json(rig_call(rig, "execute_query", args), "/context", expected);
    }
}

static void a_role_is_refused_where_the_engine_takes_none(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        rig_call(rig, "execute_query", "{\"query\":\"select 1\",\"role\":\"reader\"}");
    rig_assert_error(answer, "invalid_argument", "\"role\" is of no use here: profile prod");
    answer = rig_call(rig, "use_context", "{\"warehouse\":\"W\"}");
    rig_assert_error(answer, "invalid_argument", "\"warehouse\" is of no use here");
    assert_int_equal(rig->run_count, 0);
}

static void use_context_keeps_what_the_engine_took(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer =
        rig_call(rig, "use_context", "{\"schema\":\"raw\",\"label\":\"x\"}");
    assert_string_equal(rig_str(answer, "/session"), rig->sessions[1].handle);
    assert_non_null(strstr(rig_str(answer, "/notice"), "Pass session=s_"));
    assert_string_equal(rig->sessions[1].label, "x");
    rig_own_session(rig);
    rig->scripted = (struct tool_page){
        .rows = STR("[[\"ROLE\",null,\"SALES\",\"Raw\"]]"), .row_count = 1};
    answer = rig_call(rig, "use_context", "{\"schema\":\"raw\"}");
    assert_string_equal(rig_str(answer, "/session"), rig->own);
    assert_string_equal(rig_str(answer, "/notice"), "");
    rig_assert_json(answer, "/context",
        "{\"profile\":\"prod\",\"role\":\"ROLE\",\"database\":\"SALES\",\"schema\":\"Raw\"}");
    assert_string_equal(rig->sessions[0].context.part[TOOL_ROLE], "ROLE");
    answer = rig_call(rig, "use_context", "{\"schema\":\"rau\"}");
    rig_assert_error(answer, "object_not_found", "No schema rau in SALES.");
    rig->scripted = (struct tool_page){.rows = STR("[]")};
    rig_assert_error(rig_call(rig, "use_context", "{}"), "internal", "context");
    rig->fails = true;
    rig_assert_error(rig_call(rig, "use_context", "{}"), "store_failed", "disk full");
}

static void a_lone_use_sets_the_context_of_a_session(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "execute_query", "{\"query\":\"use main\"}");
    assert_non_null(strstr(rig_str(answer, "/error/hint"), "use_context"));
    rig_own_session(rig);
    answer = rig_call(rig, "execute_query", "{\"query\":\"USE \\\"Raw\\\";\"}");
    rig_assert_json(answer, "/context/schema", "\"Raw\"");
    assert_string_equal(rig->sessions[0].context.part[TOOL_SCHEMA], "Raw");
    answer = rig_call(rig, "execute_query", "{\"query\":\"use \\\"my db\\\"\"}");
    rig_assert_json(answer, "/context/database", "\"my db\"");
    rig_assert_json(answer, "/context/schema", "\"main\"");
    answer =
        rig_call(rig, "execute_query", "{\"query\":\"use \\\"SALES\\\".\\\"Raw\\\"\"}");
    rig_assert_json(answer, "/context/schema", "\"Raw\"");
    answer = rig_call(rig, "execute_query", "{\"query\":\"use nowhere\"}");
    rig_assert_error(answer, "object_not_found", "No schema nowhere in SALES.");
    assert_string_equal(rig->sessions[0].context.part[TOOL_SCHEMA], "Raw");
}

static void sessions_are_opened_listed_and_closed(void **state)
{
    struct rig *rig = *state;
    char args[128];
    rig_own_session(rig);
    yyjson_val *answer =
        rig_call(rig, "open_session", "{\"label\":\"one\",\"schema\":\"Raw\"}");
    assert_string_equal(rig_str(answer, "/session"), rig->sessions[1].handle);
    assert_int_equal(rig->run_count, 1);
    rig_call(rig, "open_session", "{\"database\":\"\"}");
    assert_int_equal(rig->run_count, 0);
    rig_call(rig, "open_session", "{}");
    rig_assert_error(
        rig_call(rig, "open_session", "{}"), "too_many_sessions", "4 sessions are open.");
    answer = rig_call(rig, "list_sessions", "{}");
    assert_int_equal(yyjson_arr_size(yyjson_ptr_get(answer, "/sessions")), 4);
    rig_assert_json(answer, "/sessions/0/own", "true");
    rig_assert_json(answer, "/sessions/1/label", "\"one\"");
    rig_assert_json(answer, "/sessions/1/context/schema", "\"Raw\"");
    snprintf(args, sizeof(args), "{\"session\":\"%s\"}", rig->sessions[1].handle);
    answer = rig_call(rig, "close_session", args);
    assert_string_equal(rig_str(answer, "/session"), rig->sessions[1].handle);
    assert_string_equal(rig_str(answer, "/status"), "closed");
    rig_assert_error(
        rig_call(rig, "close_session", args), "session_not_found", "no session");
    rig_call(rig, "close_session", "{}");
    assert_false(rig->sessions[0].open);
}

/* A random value for each of about half of the tool's arguments. */
static void put_random_args(
    struct buf *args, struct rng *rng, yyjson_val *tool, const char *own)
{
    static const char *const VALUES[] = {"null", "0", "-1", "3", "2.5", "1e18", "true",
        "\"\"", "\"x\"", "\"7\"", "[]", "{}", "[[[[[]]]]]", "\"Orders\"", "\"orders\"",
        "[\"Orders\",\"raw.EVENTS\",\"broken\"]", "\"SALES.main\"", "\"sales\"",
        "\"\\\"Orders\\\"\"", "\"a\\u0000b\"", "\"a.b.c.d\"", "\"select 1\"",
        "\"use \\\"Raw\\\"\"", "\"'; drop table x --\"",
        "\"r_aaaaaaaaaaaaaaaaaaaaaaaaaa\"", "\"q_aaaaaaaaaaaaaaaaaaaaaaaaaa\""};
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    const char *comma = "";
    buf_putc(args, '{');
    yyjson_obj_foreach(
        yyjson_ptr_get(tool, "/inputSchema/properties"), i, count, key, value)
    {
        uint64_t pick = rng_below(rng, 2 * ARRAY_LEN(VALUES) + 2);
        if (pick <= ARRAY_LEN(VALUES)) {
            buf_printf(args, "%s\"%s\":", comma, yyjson_get_str(key));
            if (pick < ARRAY_LEN(VALUES)) {
                buf_puts(args, VALUES[pick]);
            } else {
                buf_put_json(args, str_of(own));
            }
            comma = ",";
        }
    }
    buf_putc(args, '}');
}

/* Each answer is held against the tool's output schema by the rig. */
static void any_arguments_get_an_answer(void **state)
{
    struct rig *rig = *state;
    struct rng rng = {7};
    struct buf args = BUF_INIT(1 << 16);
    size_t tools = yyjson_arr_size(yyjson_doc_get_root(rig->list));
    unsigned errors = 0;
    for (int i = 0; i < 3000; i++) {
        yyjson_val *tool =
            yyjson_arr_get(yyjson_doc_get_root(rig->list), rng_below(&rng, tools));
        buf_clear(&args);
        put_random_args(&args, &rng, tool, rig->sessions[0].handle);
        rig->page_rows = (uint32_t)rng_below(&rng, 3);
        rig->sessions[0].open = true;
        rig_call_bytes(rig, rig_str(tool, "/name"), buf_str(&args));
        errors += rig->call.is_error;
    }
    assert_in_range(errors, 1000, 2900);
    buf_free(&args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        TEST(the_catalogue_is_listed_in_rows),
        TEST(a_list_is_read_on_with_its_cursor),
        TEST(other_spellings_of_a_context_are_tried_once),
        TEST(a_refused_default_is_not_looked_up),
        TEST(one_of_two_spellings_is_not_chosen),
        TEST(a_relation_is_described_with_columns_and_sample),
        TEST(many_relations_take_one_statement_a_schema),
        TEST(descriptions_go_on_over_many_pages),
        TEST(names_are_found_in_another_case_or_not_at_all),
        TEST(an_unqualified_name_may_be_anywhere_but_only_once),
        TEST(a_broken_view_is_described_without_its_rows),
        TEST(too_wide_relations_end_the_answer_early),
        TEST(a_view_shows_some_rows_and_says_that_there_are_more),
        TEST(what_the_guard_refuses_is_no_view_to_show),
        TEST(a_sample_is_no_way_around_the_guard),
        TEST(contexts_merge_from_profile_session_and_call),
        TEST(a_sample_is_left_out_where_scans_are_bounded),
        TEST(a_role_is_refused_where_the_engine_takes_none),
        TEST(use_context_keeps_what_the_engine_took),
        TEST(a_lone_use_sets_the_context_of_a_session),
        TEST(sessions_are_opened_listed_and_closed),
        TEST(any_arguments_get_an_answer),
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
