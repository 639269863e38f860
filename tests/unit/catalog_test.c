// SPDX-License-Identifier: Apache-2.0
/* Statements for the catalogue: read-only by our own guard, quoted, and right on SQLite.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "sql/catalog.h"

enum {
    SQL_BYTES_MAX = 64 * 1024
};

static struct catalog_query query_of(enum catalog_kind kind, struct str text)
{
    return (struct catalog_query){.kind = kind,
        .database = text,
        .schema = text,
        .like = text,
        .near = text,
        .offset = text.len,
        .limit = (uint32_t)text.len};
}

/* Where the paths of files are, clients may not look; here only names are taken. */
static bool is_ours(enum sql_dialect_id id, const struct guard_verdict *verdict)
{
    return (id == SQL_DUCKDB && str_eq(verdict->found, STR("duckdb_databases"))) ||
           (id == SQL_SQLITE && str_starts(verdict->found, STR("pragma_")));
}

static void assert_read(enum sql_dialect_id id, struct buf *sql)
{
    assert_true(buf_ok(sql));
    struct guard_verdict verdict = guard_check(id, guard_read_only, buf_str(sql));
    if (!verdict.allowed && !is_ours(id, &verdict)) {
        fail_msg(
            "%s at %u: " STR_FMT, verdict.reason, verdict.offset, STR_ARG(buf_str(sql)));
    }
    buf_clear(sql);
}

static void assert_searches(
    struct buf *sql, enum sql_dialect_id id, enum catalog_wanted wanted)
{
    static const char *const PATTERNS[] = {
        "", "a", "it's \"b\" \\' ; drop table x --", "\\", "two words"};
    bool semantic = catalog_has_semantic_views(id);
    for (size_t i = 0; i < ARRAY_LEN(PATTERNS) * 4; i++) {
        struct str text = str_of(PATTERNS[i / 4]);
        struct catalog_search search = {.wanted = wanted,
            .database = text,
            .schema = text,
            .semantic = semantic,
            .columns = i % 2 > 0,
            .nearest = i % 4 > 1,
            .limit = 3};
        if (wanted == CATALOG_A_SEMANTIC_VIEW && !semantic) {
            continue;
        }
        assert_true(catalog_words(text, &search.words));
        assert_true(catalog_put_search(sql, id, &search));
        assert_read(id, sql);
    }
}

static void every_statement_is_one_read_whatever_the_names_hold(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "", "plain", "it's \"quoted\" \\' ; drop table x --", "\\", "a\nb", "\xC3\xA9%_"};
    struct buf sql = BUF_INIT(SQL_BYTES_MAX);
    for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
        for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
            struct str text = str_of(TEXTS[i]);
            for (int kind = CATALOG_DATABASES; kind <= CATALOG_RELATIONS; kind++) {
                struct catalog_query query = query_of((enum catalog_kind)kind, text);
                assert_true(catalog_put_list(&sql, (enum sql_dialect_id)id, &query));
                assert_read((enum sql_dialect_id)id, &sql);
            }
            struct str names[2] = {text, STR("x")};
            assert_true(catalog_put_columns(
                &sql, (enum sql_dialect_id)id, text, text, names, 2, text.len));
            assert_read((enum sql_dialect_id)id, &sql);
        }
        for (int wanted = CATALOG_ANY; wanted <= CATALOG_A_SEMANTIC_VIEW; wanted++) {
            assert_searches(&sql, (enum sql_dialect_id)id, (enum catalog_wanted)wanted);
        }
        assert_true(catalog_put_context(&sql, (enum sql_dialect_id)id));
        assert_read((enum sql_dialect_id)id, &sql);
    }
    buf_free(&sql);
}

static void a_nul_or_too_long_a_name_fails_the_buffer(void **state)
{
    (void)state;
    struct buf sql = BUF_INIT(SQL_BYTES_MAX);
    struct catalog_query query = query_of(CATALOG_TABLES, STR("a\0b"));
    assert_true(catalog_put_list(&sql, SQL_DUCKDB, &query));
    assert_false(buf_ok(&sql));
    buf_free(&sql);
    sql.max = 64;
    query = query_of(CATALOG_TABLES, STR("a"));
    assert_true(catalog_put_list(&sql, SQL_DUCKDB, &query));
    assert_false(buf_ok(&sql));
    buf_free(&sql);
}

static void full_names_are_quoted_part_by_part(void **state)
{
    (void)state;
    static const struct {
        enum sql_dialect_id id;
        const char *database;
        const char *schema;
        const char *expected;
    } CASES[] = {
        {SQL_DUCKDB, "d", "s", "\"d\".\"s\".\"n\"\"n\""},
        {SQL_DUCKDB, "", "s", "\"s\".\"n\"\"n\""},
        {SQL_DUCKDB, "", "", "\"n\"\"n\""},
        {SQL_DUCKDB, "d", "", "\"d\".\"main\".\"n\"\"n\""},
        {SQL_SNOWFLAKE, "D", "", "\"D\".\"PUBLIC\".\"n\"\"n\""},
        {SQL_POSTGRESQL, "d", "", "\"d\".\"public\".\"n\"\"n\""},
        {SQL_SQLITE, "main", "", "\"main\".\"n\"\"n\""},
    };
    struct buf name = BUF_INIT(1024);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        catalog_put_name(&name, CASES[i].id, str_of(CASES[i].database),
            str_of(CASES[i].schema), STR("n\"n"));
        assert_true(str_eq(buf_str(&name), str_of(CASES[i].expected)));
        buf_clear(&name);
    }
    buf_free(&name);
}

/* All cells of all rows, '|' between them, nulls empty. */
static void assert_rows(sqlite3 *db, struct buf *sql, const char *expected)
{
    sqlite3_stmt *statement;
    struct buf rows = BUF_INIT(4096);
    if (sqlite3_prepare_v2(db, sql->ptr, (int)sql->len, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: " STR_FMT, sqlite3_errmsg(db), STR_ARG(buf_str(sql)));
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            buf_puts(&rows, text ? text : "");
            buf_putc(&rows, '|');
        }
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    buf_putc(&rows, '\0');
    assert_string_equal(rows.ptr, expected);
    buf_free(&rows);
    buf_clear(sql);
}

static void sqlite_lists_and_describes(void **state)
{
    (void)state;
    sqlite3 *db;
    struct buf sql = BUF_INIT(SQL_BYTES_MAX);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
            "attach ':memory:' as other; create table t (a integer not null "
            "default 7, b text); create view v as select a from t; create table "
            "other.u (x)",
            NULL, NULL, NULL),
        SQLITE_OK);
    struct catalog_query query = {.kind = CATALOG_DATABASES};
    assert_true(catalog_put_list(&sql, SQL_SQLITE, &query));
    assert_rows(db, &sql, "main||other||");
    query = (struct catalog_query){.kind = CATALOG_RELATIONS, .near = STR("V")};
    assert_true(catalog_put_list(&sql, SQL_SQLITE, &query));
    assert_rows(db, &sql, "v|view|main|||t|table|main|||u|table|other|||");
    query = (struct catalog_query){.kind = CATALOG_TABLES, .limit = 1, .offset = 1};
    assert_true(catalog_put_list(&sql, SQL_SQLITE, &query));
    assert_rows(db, &sql, "u|other||||");
    query = (struct catalog_query){.kind = CATALOG_VIEWS,
        .database = STR("main"),
        .schema = STR("x"),
        .like = STR("V%")};
    assert_true(catalog_put_list(&sql, SQL_SQLITE, &query));
    assert_rows(db, &sql, "v|main|||view|");
    struct str names[2] = {STR("t"), STR("v")};
    assert_true(catalog_put_columns(&sql, SQL_SQLITE, STR(""), STR(""), names, 2, 0));
    assert_rows(db, &sql,
        "t|main||table||a|INTEGER|0||7|t|main||table||b|TEXT|1|||v|main||view||a|INTEGER|1|||");
    assert_true(catalog_put_columns(&sql, SQL_SQLITE, STR("main"), STR(""), names, 2, 2));
    assert_rows(db, &sql, "v|main||view||a|INTEGER|1|||");
    buf_free(&sql);
    sqlite3_close(db);
}

static void find(struct buf *sql, const char *pattern, struct catalog_search search)
{
    assert_true(catalog_words(str_of(pattern), &search.words));
    search.limit = search.limit ? search.limit : 10;
    assert_true(catalog_put_search(sql, SQL_SQLITE, &search));
}

static void sqlite_finds_by_parts_of_names(void **state)
{
    (void)state;
    sqlite3 *db;
    struct buf sql = BUF_INIT(SQL_BYTES_MAX);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
            "create table my_order (a); create table \"Order\" (id, note text); create table "
            "order_lines (b); create table person (order_id integer, x); create view v as "
            "select 1 as one; create table \"100%\" (c)",
            NULL, NULL, NULL),
        SQLITE_OK);
    find(&sql, "ORDER", (struct catalog_search){0});
    assert_rows(db, &sql,
        "Order|table|main|||||0|order_lines|table|main|||||1|my_order|table|main|||||2|"
        "person|table|main||||order_id|4|");
    find(&sql, "%order% lines", (struct catalog_search){0});
    assert_rows(db, &sql, "order_lines|table|main|||||0|");
    find(&sql, "person id", (struct catalog_search){0});
    assert_rows(db, &sql, "person|table|main||||order_id|4|");
    find(&sql, "main.order", (struct catalog_search){.limit = 1});
    assert_rows(db, &sql, "Order|table|main|||||0|");
    find(&sql, "order", (struct catalog_search){.limit = 1, .offset = 2});
    assert_rows(db, &sql, "my_order|table|main|||||2|");
    find(&sql, "_", (struct catalog_search){.wanted = CATALOG_A_TABLE, .limit = 1});
    assert_rows(db, &sql, "my_order|table|main|||||2|");
    find(&sql, "*", (struct catalog_search){.wanted = CATALOG_A_VIEW});
    assert_rows(db, &sql, "v|view|main|||||3|");
    find(&sql, "note", (struct catalog_search){.wanted = CATALOG_A_COLUMN});
    assert_rows(db, &sql, "note|column|main||||Order|0|");
    find(&sql, "main", (struct catalog_search){.wanted = CATALOG_A_DATABASE});
    assert_rows(db, &sql, "main|database|main|main||||0|");
    find(&sql, "order", (struct catalog_search){.columns = true, .limit = 1});
    assert_rows(db, &sql,
        "Order|table|main|||||0|id|||Order|table|main|||||0|note|TEXT||");
    find(&sql, "persona", (struct catalog_search){.nearest = true, .limit = 1});
    assert_rows(db, &sql, "person|table|main|||||5|");
    find(&sql, "nothing like it", (struct catalog_search){0});
    assert_rows(db, &sql, "");
    buf_free(&sql);
    sqlite3_close(db);
}

static void a_pattern_has_at_most_so_many_words(void **state)
{
    (void)state;
    struct catalog_words words;
    assert_true(catalog_words(STR(" %a%  *b "), &words));
    assert_int_equal(words.count, 2);
    assert_true(str_eq(words.word[1], STR("b")));
    assert_true(catalog_words(STR("1 2 3 4 5 6 7 8 "), &words));
    assert_int_equal(words.count, CATALOG_WORDS_MAX);
    assert_false(catalog_words(STR("1 2 3 4 5 6 7 8 9"), &words));
    assert_true(catalog_words(STR("%"), &words));
    assert_int_equal(words.count, 0);
}

static void names_are_quoted_for_reading_only_where_they_must(void **state)
{
    (void)state;
    static const struct {
        enum sql_dialect_id id;
        const char *name;
        const char *expected;
    } CASES[] = {
        {SQL_DUCKDB, "Orders_1", "d.Orders_1"},
        {SQL_DUCKDB, "my \"x\"", "d.\"my \"\"x\"\"\""},
        {SQL_DUCKDB, "1a", "d.\"1a\""},
        {SQL_SNOWFLAKE, "ORDERS", "\"d\".ORDERS"},
        {SQL_SNOWFLAKE, "Orders", "\"d\".\"Orders\""},
        {SQL_POSTGRESQL, "orders", "d.orders"},
        {SQL_POSTGRESQL, "Orders", "d.\"Orders\""},
    };
    struct buf name = BUF_INIT(1024);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        catalog_put_shown(
            &name, CASES[i].id, STR("d"), STR(""), str_of(CASES[i].name));
        assert_true(str_eq(buf_str(&name), str_of(CASES[i].expected)));
        buf_clear(&name);
    }
    buf_free(&name);
}

static void a_bare_name_is_what_the_engine_makes_of_it(void **state)
{
    (void)state;
    static const struct {
        enum sql_dialect_id id;
        const char *name, *expected;
    } CASES[] = {
        {SQL_SNOWFLAKE, "reporter_2", "REPORTER_2"},
        {SQL_SNOWFLAKE, "Mixed", "MIXED"},
        {SQL_SNOWFLAKE, "two words", "two words"},
        {SQL_SNOWFLAKE, "2nd", "2nd"},
        {SQL_POSTGRESQL, "Tester", "tester"},
        {SQL_DUCKDB, "Main", "Main"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s", CASES[i].name);
        catalog_fold(CASES[i].id, name);
        assert_string_equal(name, CASES[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_statement_is_one_read_whatever_the_names_hold),
        cmocka_unit_test(a_nul_or_too_long_a_name_fails_the_buffer),
        cmocka_unit_test(full_names_are_quoted_part_by_part),
        cmocka_unit_test(sqlite_lists_and_describes),
        cmocka_unit_test(sqlite_finds_by_parts_of_names),
        cmocka_unit_test(a_pattern_has_at_most_so_many_words),
        cmocka_unit_test(names_are_quoted_for_reading_only_where_they_must),
        cmocka_unit_test(a_bare_name_is_what_the_engine_makes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
