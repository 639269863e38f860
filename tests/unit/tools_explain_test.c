// SPDX-License-Identifier: Apache-2.0
/* explain_query and the bound of what may be scanned: each engine's plan as text and
 * figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools_rig.h"

#define EXPLAIN_ORDERS "{\"query\":\"select id from \\\"Orders\\\" where amount > 1\""
#define SNOWFLAKE_PLAN                                                                              \
    "[[\"{\\\"GlobalStats\\\":{\\\"partitionsTotal\\\":9,\\\"partitionsAssigned\\\":4,"             \
    "\\\"bytesAssigned\\\":5000000},\\\"Operations\\\":[[{\\\"id\\\":0,\\\"operation\\\":"          \
    "\\\"Result\\\",\\\"expressions\\\":[\\\"O.ID\\\"]},{\\\"id\\\":1,\\\"parentOperators\\\":[0]," \
    "\\\"operation\\\":\\\"TableScan\\\",\\\"objects\\\":[\\\"SALES.PUBLIC.O\\\"]}]]}\"]]"

static void script(struct rig *rig, struct str rows)
{
    rig->scripted =
        (struct tool_page){.columns = STR("[{\"name\":\"x\",\"type\":\"T\"}]"),
            .rows = rows,
            .row_count = 1,
            .total_rows = 1};
}

static void a_plan_of_duckdb_is_a_line_an_operation(void **state)
{
    struct rig *rig = *state;
    yyjson_val *answer = rig_call(rig, "explain_query", EXPLAIN_ORDERS "}");
    assert_string_equal(rig_str(answer, "/status"), "done");
    assert_non_null(strstr(rig_str(answer, "/plan"), "SEQ_SCAN"));
    assert_true(rig_int(answer, "/estimated_rows") > 0);
    rig_assert_json(answer, "/estimated_credits", "null");
    assert_non_null(
        strstr(rig_str(answer, "/notice"), "does not say what it would scan"));
    assert_null(yyjson_ptr_get(answer, "/scan_bytes"));
}

static void a_plan_of_snowflake_says_bytes_and_partitions(void **state)
{
    struct rig *rig = *state;
    script(rig, STR(SNOWFLAKE_PLAN));
    yyjson_val *answer =
        rig_call(rig, "explain_query", EXPLAIN_ORDERS ",\"profile\":\"snow\"}");
    assert_non_null(strstr(rig->last_sql, "EXPLAIN USING JSON select"));
    assert_string_equal(rig_str(answer, "/plan"),
        "Result: expressions O.ID\n  TableScan: objects SALES.PUBLIC.O\n");
    assert_int_equal(rig_int(answer, "/scan_bytes"), 5000000);
    rig_assert_json(answer, "/partitions", "{\"assigned\":4,\"total\":9}");
    assert_null(yyjson_ptr_get(answer, "/estimated_rows"));
    assert_non_null(strstr(rig_str(answer, "/notice"), "no rate"));
}

static void credits_are_estimated_where_rate_and_speed_are_known(void **state)
{
    struct rig *rig = *state;
    rig->credit_rate = 278; /* about one credit an hour */
    script(rig, STR(SNOWFLAKE_PLAN));
    yyjson_val *answer =
        rig_call(rig, "explain_query", EXPLAIN_ORDERS ",\"profile\":\"snow\"}");
    rig_assert_json(answer, "/estimated_credits", "null");
    assert_non_null(strstr(rig_str(answer, "/notice"), "how fast"));
    rig->profiles[1].scan_mb_per_s = 1;
    script(rig, STR(SNOWFLAKE_PLAN));
    answer = rig_call(rig, "explain_query", EXPLAIN_ORDERS ",\"profile\":\"snow\"}");
    rig_assert_json(answer, "/estimated_credits", "0.00139");
    assert_string_equal(rig_str(answer, "/notice"), "");
    rig->credit_rate = 0;
    rig->profiles[1].scan_mb_per_s = 0;
}

static void a_plan_of_postgresql_nests_and_has_rows(void **state)
{
    struct rig *rig = *state;
    rig->profiles[1].dialect = SQL_POSTGRESQL;
    script(rig,
        STR("[[\"[{\\\"Plan\\\":{\\\"Node Type\\\":\\\"Limit\\\",\\\"Plan Rows\\\":5,\\\"Plans\\\":"
            "[{\\\"Node Type\\\":\\\"Seq Scan\\\",\\\"Relation Name\\\":\\\"o\\\",\\\"Plan Rows\\\":90}]}}]\"]]"));
    yyjson_val *answer =
        rig_call(rig, "explain_query", EXPLAIN_ORDERS ",\"profile\":\"snow\"}");
    assert_string_equal(rig_str(answer, "/plan"),
        "Limit (about 5 rows)\n  Seq Scan (about 90 rows): Relation Name o\n");
    assert_int_equal(rig_int(answer, "/estimated_rows"), 5);
    rig->profiles[1].dialect = SQL_SQLITE;
    script(rig, STR("[[2,0,0,\"SCAN a\"],[5,2,0,\"SEARCH b\"],[9,0,0,\"SCAN c\"]]"));
    answer = rig_call(rig, "explain_query", EXPLAIN_ORDERS ",\"profile\":\"snow\"}");
    assert_string_equal(rig_str(answer, "/plan"), "SCAN a\n  SEARCH b\nSCAN c\n");
    rig->profiles[1].dialect = SQL_SNOWFLAKE;
}

static void what_is_no_plan_is_shown_as_it_is(void **state)
{
    static const char *const ROWS[] = {"[[\"{\"]]", "[[null,1,\"Result\"]]", "[]", "[[]]",
        "[1]",
        "[[\"{\\\"GlobalStats\\\":7,\\\"Operations\\\":[[{\\\"id\\\":-1,\\\"parentOperators\\\":[99999]}],4]}\"]]"};
    static const char *const PLANS[] = {"{\n", "1 Result\n", "", "\n", "\n", "\n"};
    struct rig *rig = *state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        script(rig, str_of(ROWS[i]));
        yyjson_val *answer =
            rig_call(rig, "explain_query", EXPLAIN_ORDERS ",\"profile\":\"snow\"}");
        assert_string_equal(rig_str(answer, "/plan"), PLANS[i]);
        assert_null(yyjson_ptr_get(answer, "/scan_bytes"));
    }
}

static void only_a_select_that_the_guard_lets_through_is_explained(void **state)
{
    struct rig *rig = *state;
    rig_assert_error(rig_call(rig, "explain_query", "{\"query\":\"drop table x\"}"),
        "statement_refused", "drop");
    rig_assert_error(
        rig_call(rig, "explain_query", "{\"query\":\"select 1; drop table x\"}"),
        "statement_refused", "second statement");
    rig_assert_error(rig_call(rig, "explain_query", "{\"query\":\"explain select 1\"}"),
        "invalid_argument", "explain");
    rig_assert_error(rig_call(rig, "explain_query", "{\"query\":\"show tables\"}"),
        "invalid_argument", "show");
    assert_int_equal(rig->run_count, 0);
    rig_assert_error(
        rig_call(rig, "explain_query", "{\"query\":\"select * from nosuch\"}"),
        "sql_error", "nosuch");
}

static void too_large_a_scan_is_refused_and_not_run(void **state)
{
    struct rig *rig = *state;
    rig->profiles[1].scan_bytes_max = 4999999;
    script(rig, STR(SNOWFLAKE_PLAN));
    yyjson_val *answer =
        rig_call(rig, "execute_query", EXPLAIN_ORDERS ",\"profile\":\"snow\"}");
    rig_assert_error(answer, "scan_too_large", "5000000 bytes");
    rig_assert_error(answer, "scan_too_large", "allows 4999999");
    assert_int_equal(rig_int(answer, "/error/scan_bytes_max"), 4999999);
    assert_int_equal(rig->run_count, 1);
    rig->profiles[1].scan_bytes_max = 5000000;
    script(rig, STR(SNOWFLAKE_PLAN));
    answer = rig_call(rig, "execute_query",
        "{\"query\":\"select 1\",\"profile\":\"snow\",\"database\":\"SALES\",\"schema\":\"main\"}");
    rig_assert_json(answer, "/rows", "[[1]]");
    assert_int_equal(rig->run_count, 2);
    assert_string_equal(rig->last_sql, "select 1");
    rig->profiles[1].scan_bytes_max = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_of_duckdb_is_a_line_an_operation),
        cmocka_unit_test(a_plan_of_snowflake_says_bytes_and_partitions),
        cmocka_unit_test(credits_are_estimated_where_rate_and_speed_are_known),
        cmocka_unit_test(a_plan_of_postgresql_nests_and_has_rows),
        cmocka_unit_test(what_is_no_plan_is_shown_as_it_is),
        cmocka_unit_test(only_a_select_that_the_guard_lets_through_is_explained),
        cmocka_unit_test(too_large_a_scan_is_refused_and_not_run),
    };
    if (!rig_engine_start()) {
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
    rig_engine_stop();
    return failed;
}
