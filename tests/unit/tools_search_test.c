// SPDX-License-Identifier: Apache-2.0
/* search_objects: what it finds, in which order, and what it says of what is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools_rig.h"

static void the_best_names_come_first_over_all_databases(void **state)
{
    yyjson_val *answer = rig_call(
        *state, "search_objects", "{\"pattern\":\"ORDERS\",\"detail\":\"names\"}");
    rig_assert_json(answer, "/objects",
        "[\"SALES.main.Orders\",\"\\\"my db\\\".main.Orders\",\"SALES.main.ORDERS_V\"]");
    rig_assert_json(answer, "/row_count", "3");
    rig_assert_json(answer, "/truncated", "false");
    rig_assert_json(answer, "/next", "null");
}

static void a_database_or_schema_of_the_call_narrows_it(void **state)
{
    yyjson_val *answer = rig_call(*state, "search_objects",
        "{\"pattern\":\"orders\",\"detail\":\"names\",\"database\":\"my db\"}");
    rig_assert_json(answer, "/objects", "[\"\\\"my db\\\".main.Orders\"]");
    answer = rig_call(*state, "search_objects",
        "{\"pattern\":\"twin\",\"detail\":\"names\",\"schema\":\"SALES.Raw\"}");
    rig_assert_json(answer, "/objects", "[\"SALES.Raw.twin\"]");
}

static void a_relation_is_found_by_its_comment_and_its_columns(void **state)
{
    yyjson_val *answer =
        rig_call(*state, "search_objects", "{\"pattern\":\"all orders\"}");
    assert_string_equal(rig_str(answer, "/objects/0/comment"), "all \"orders\"");
    assert_int_equal(rig_int(answer, "/objects/0/rows"), 250);
    answer = rig_call(*state, "search_objects", "{\"pattern\":\"amount\"}");
    assert_string_equal(rig_str(answer, "/objects/0/name"), "SALES.main.Orders");
    assert_string_equal(rig_str(answer, "/objects/0/matching_column"), "amount");
    answer = rig_call(
        *state, "search_objects", "{\"pattern\":\"amount\",\"kind\":\"column\"}");
    assert_string_equal(rig_str(answer, "/objects/0/name"), "SALES.main.Orders.amount");
}

static void full_detail_has_the_columns(void **state)
{
    yyjson_val *answer = rig_call(*state, "search_objects",
        "{\"pattern\":\"orders\",\"detail\":\"full\",\"kind\":\"table\",\"limit\":1}");
    rig_assert_json(answer, "/objects/0/columns",
        "[{\"name\":\"id\",\"type\":\"INTEGER\",\"comment\":\"the id\"},{\"name\":\"amount\","
        "\"type\":\"DECIMAL(10,2)\"},{\"name\":\"note\",\"type\":\"VARCHAR\"}]");
    rig_assert_json(answer, "/row_count", "1");
    rig_assert_json(answer, "/truncated", "true");
}

static void an_object_whose_columns_are_cut_off_waits_for_the_next_page(void **state)
{
    struct rig *rig = *state;
    rig->page_rows =
        6; /* three columns of the first, one of the second, two of the third */
    yyjson_val *answer =
        rig_call(rig, "search_objects", "{\"pattern\":\"orders\",\"detail\":\"full\"}");
    rig_assert_json(answer, "/row_count", "2");
    rig_assert_json(answer, "/truncated", "true");
    assert_string_equal(rig_str(answer, "/next/tool"), "search_objects");
    rig->page_rows = 2; /* not even the first fits */
    answer = rig_call(rig, "search_objects",
        "{\"pattern\":\"orders\",\"detail\":\"full\",\"kind\":\"table\"}");
    rig_assert_json(answer, "/row_count", "1");
    assert_string_equal(rig_str(answer, "/notice"),
        "Not all columns may be here: describe_table shows them.");
    rig->page_rows = 0;
}

static void a_cursor_reads_on_in_its_own_search_only(void **state)
{
    char args[256];
    yyjson_val *answer = rig_call(*state, "search_objects",
        "{\"pattern\":\"orders\",\"detail\":\"names\",\"limit\":1}");
    rig_assert_json(answer, "/objects", "[\"SALES.main.Orders\"]");
    char *next = yyjson_val_write(yyjson_ptr_get(answer, "/next/arguments"), 0, NULL);
    snprintf(args, sizeof(args), "{\"pattern\":\"order\",\"cursor\":\"%s\"}",
        rig_str(answer, "/next/arguments/cursor"));
    answer = rig_call(*state, "search_objects", next);
    rig_assert_json(answer, "/objects", "[\"\\\"my db\\\".main.Orders\"]");
    free(next);
    rig_assert_error(rig_call(*state, "search_objects", args), "invalid_argument",
        "not of this search");
    static const char *const BAD[] = {"1", ".", "0123456789abcdef.0", "x.1"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        snprintf(
            args, sizeof(args), "{\"pattern\":\"orders\",\"cursor\":\"%s\"}", BAD[i]);
        rig_assert_error(
            rig_call(*state, "search_objects", args), "invalid_argument", "cursor");
    }
}

static void what_is_not_there_has_its_nearest_names_and_a_way_on(void **state)
{
    yyjson_val *answer = rig_call(*state, "search_objects", "{\"pattern\":\"evnets\"}");
    rig_assert_json(answer, "/objects", "[]");
    assert_string_equal(rig_str(answer, "/nearest/0"), "SALES.Raw.events");
    assert_int_equal(yyjson_arr_size(yyjson_ptr_get(answer, "/nearest")), 3);
    assert_string_equal(rig_str(answer, "/next/tool"), "describe_table");
    rig_assert_json(answer, "/next/arguments", "{\"table\":\"SALES.Raw.events\"}");
    assert_non_null(strstr(rig_str(answer, "/notice"), "evnets"));
    answer = rig_call(*state, "search_objects",
        "{\"pattern\":\"rwa\",\"kind\":\"schema\",\"profile\":\"prod\"}");
    assert_string_equal(rig_str(answer, "/nearest/0"), "SALES.Raw");
    rig_assert_json(answer, "/next",
        "{\"tool\":\"list_schemas\",\"arguments\":{\"profile\":\"prod\"}}");
}

static void arguments_that_are_wrong_say_what_is_allowed(void **state)
{
    rig_assert_error(
        rig_call(*state, "search_objects", "{}"), "invalid_argument", "pattern");
    rig_assert_error(
        rig_call(*state, "search_objects", "{\"pattern\":\"a\",\"kind\":\"tables\"}"),
        "invalid_argument", "semantic_view");
    rig_assert_error(
        rig_call(*state, "search_objects", "{\"pattern\":\"a\",\"detail\":\"all\"}"),
        "invalid_argument", "summary");
    rig_assert_error(
        rig_call(*state, "search_objects", "{\"pattern\":\"1 2 3 4 5 6 7 8 9\"}"),
        "invalid_argument", "8 words");
}

static void a_wrong_case_of_the_database_is_mended(void **state)
{
    yyjson_val *answer = rig_call(*state, "search_objects",
        "{\"pattern\":\"orders\",\"detail\":\"names\",\"database\":\"nosuch\"}");
    rig_assert_error(answer, "object_not_found", "nosuch");
}

static void snowflake_lists_semantic_views_where_the_server_knows_them(void **state)
{
    struct rig *rig = *state;
    rig->scripted = (struct tool_page){
        .rows = STR(
            "[[\"SALES_SV\",\"semantic_view\",\"SALES\",\"PUBLIC\",\"the sales\",null,\"\",1]]"),
        .row_count = 1,
        .total_rows = 1};
    yyjson_val *answer =
        rig_call(rig, "search_objects", "{\"pattern\":\"sales\",\"profile\":\"snow\"}");
    assert_non_null(strstr(rig->last_sql, "\"SALES\".INFORMATION_SCHEMA.SEMANTIC_VIEWS"));
    rig_assert_json(answer, "/objects",
        "[{\"kind\":\"semantic_view\",\"name\":\"SALES.PUBLIC.SALES_SV\",\"comment\":\"the sales\"}]");
    assert_non_null(strstr(rig_str(answer, "/notice"), "database SALES"));
}

static void an_older_server_lists_the_others_all_the_same(void **state)
{
    struct rig *rig = *state;
    static const char *const TOOLS[] = {"search_objects", "list_views"};
    static const char *const ARGS[] = {
        "{\"pattern\":\"v\",\"profile\":\"snow\"}", "{\"profile\":\"snow\"}"};
    for (size_t i = 0; i < ARRAY_LEN(TOOLS); i++) {
        rig->refusal = "Object 'SALES.INFORMATION_SCHEMA.SEMANTIC_VIEWS' does not exist";
        rig->refusal_kind = TOOL_FAILED_SQL;
        rig->scripted = (struct tool_page){
            .rows = STR("[[\"V\",\"view\",\"SALES\",\"PUBLIC\",null,null,\"\",0]]"),
            .row_count = 1,
            .total_rows = 1};
        yyjson_val *answer = rig_call(rig, TOOLS[i], ARGS[i]);
        assert_int_equal(rig_int(answer, "/row_count"), 1);
        assert_int_equal(rig->run_count, 2);
        assert_null(strstr(rig->last_sql, "SEMANTIC_VIEWS"));
    }
    rig->refusal = "no";
    yyjson_val *answer = rig_call(rig, "search_objects",
        "{\"pattern\":\"v\",\"profile\":\"snow\",\"kind\":\"semantic_view\"}");
    rig_assert_json(answer, "/objects", "[]");
    assert_int_equal(rig->run_count, 1);
    answer =
        rig_call(rig, "search_objects", "{\"pattern\":\"v\",\"kind\":\"semantic_view\"}");
    assert_int_equal(rig->run_count, 0);
}

static void without_a_database_snowflake_shows_names_of_all(void **state)
{
    struct rig *rig = *state;
    struct str database = rig->profiles[1].defaults[TOOL_DATABASE];
    rig->profiles[1].defaults[TOOL_DATABASE] = STR("");
    rig->profiles[1].defaults[TOOL_SCHEMA] = STR("");
    rig->profiles[1].base[TOOL_ROLE] =
        STR("ANALYST"); /* a connection was seen, without one */
    struct tool_page page = {
        .columns =
            STR("[{\"name\":\"x\"},{\"name\":\"name\"},{\"name\":\"database_name\"},"
                "{\"name\":\"schema_name\"},{\"name\":\"kind\"},{\"name\":\"comment\"}]"),
        .rows = STR(
            "[[0,\"MY_ORDER\",\"B\",\"S\",\"MATERIALIZED VIEW\",null],"
            "[0,\"LINES\",\"A\",\"S\",\"TABLE\",\"of an order\"],[0,\"Order\",\"A\",\"S\",\"TABLE\",null],"
            "[0,\"ORDERS\",\"A\",\"INFORMATION_SCHEMA\",\"VIEW\",null],[0,\"NO\",\"A\",\"S\",\"TABLE\",null]]"),
        .row_count = 5,
        .total_rows = 5};
    rig->scripted = page;
    yyjson_val *answer = rig_call(rig, "search_objects",
        "{\"pattern\":\"order\",\"profile\":\"snow\",\"detail\":\"names\",\"limit\":2}");
    assert_string_equal(rig->last_sql, "SHOW OBJECTS LIKE '%order%' IN ACCOUNT");
    rig_assert_json(answer, "/objects", "[\"A.S.\\\"Order\\\"\",\"B.S.MY_ORDER\"]");
    rig_assert_json(answer, "/truncated", "true");
    char *next = yyjson_val_write(yyjson_ptr_get(answer, "/next/arguments"), 0, NULL);
    rig->scripted = page;
    answer = rig_call(rig, "search_objects", next);
    free(next);
    rig_assert_json(answer, "/objects", "[\"A.S.LINES\"]");
    rig->profiles[1].base[TOOL_ROLE] = STR("");
    rig->refusal = "This session does not have a current database";
    rig->refusal_kind = TOOL_FAILED_SQL;
    rig->scripted = page;
    answer = rig_call(rig, "search_objects",
        "{\"pattern\":\"order\",\"profile\":\"snow\",\"kind\":\"table\"}");
    assert_string_equal(rig->last_sql, "SHOW TABLES LIKE '%order%' IN ACCOUNT");
    assert_int_equal(rig->run_count, 2);
    assert_int_equal(rig_int(answer, "/row_count"), 3);
    rig->profiles[1].base[TOOL_DATABASE] = STR("MINE");
    rig->scripted = page;
    rig_call(rig, "search_objects", "{\"pattern\":\"order\",\"profile\":\"snow\"}");
    assert_non_null(strstr(rig->last_sql, " INFORMATION_SCHEMA.TABLES"));
    rig->profiles[1].base[TOOL_DATABASE] = STR("");
    rig->profiles[1].defaults[TOOL_DATABASE] = database;
    rig->profiles[1].defaults[TOOL_SCHEMA] = STR("PUBLIC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_names_come_first_over_all_databases),
        cmocka_unit_test(a_database_or_schema_of_the_call_narrows_it),
        cmocka_unit_test(a_relation_is_found_by_its_comment_and_its_columns),
        cmocka_unit_test(full_detail_has_the_columns),
        cmocka_unit_test(an_object_whose_columns_are_cut_off_waits_for_the_next_page),
        cmocka_unit_test(a_cursor_reads_on_in_its_own_search_only),
        cmocka_unit_test(what_is_not_there_has_its_nearest_names_and_a_way_on),
        cmocka_unit_test(arguments_that_are_wrong_say_what_is_allowed),
        cmocka_unit_test(a_wrong_case_of_the_database_is_mended),
        cmocka_unit_test(snowflake_lists_semantic_views_where_the_server_knows_them),
        cmocka_unit_test(without_a_database_snowflake_shows_names_of_all),
        cmocka_unit_test(an_older_server_lists_the_others_all_the_same),
    };
    if (!rig_engine_start()) {
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
    rig_engine_stop();
    return failed;
}
