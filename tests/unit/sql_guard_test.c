// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/assert.h"
#include "sql/guard.h"

enum { LINE_MAX_BYTES = 4096 };

struct corpus_line {
    char text[LINE_MAX_BYTES]; /* decoded */
    size_t len;
    unsigned number;
};

typedef void corpus_fn(enum sql_dialect_id id, const struct corpus_line *line);

static void decode(const char *raw, size_t raw_len, struct corpus_line *line)
{
    line->len = 0;
    for (size_t i = 0; i < raw_len; i++) {
        char c = raw[i];
        if (c == '\\' && i + 1 < raw_len) {
            c = raw[++i];
            c = (char)(c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == '0' ? 0 : c);
        }
        line->text[line->len++] = c;
    }
}

/* Calls @fn for every line of the corpus file @name; returns how many there were. */
static unsigned each_line(const char *name, enum sql_dialect_id id, corpus_fn *fn)
{
    const char *source = getenv("SNOWMUX_SOURCE");
    char path[1024];
    char raw[LINE_MAX_BYTES];
    static struct corpus_line line;
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/tests/unit/corpus/%s", source ? source : ".", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    line.number = 0;
    while (fgets(raw, sizeof(raw), file)) {
        line.number++;
        if (raw[0] != '#' && raw[0] != '\n') {
            decode(raw, strcspn(raw, "\n"), &line);
            fn(id, &line);
            count++;
        }
    }
    fclose(file);
    return count;
}

static void expect_read(enum sql_dialect_id id, const struct corpus_line *line)
{
    struct guard_verdict v = guard_check(id, guard_read_only, (struct str){line->text, line->len});
    if (!v.allowed) {
        fail_msg("line %u: %s at %u: %s", line->number, guard_class_name(v.cls), v.offset,
            v.reason);
    }
    assert_null(v.reason);
    assert_true(v.cls <= GUARD_EXPLAIN);
}

static void check_position(const struct guard_verdict *v, struct str sql)
{
    uint32_t line = 1;
    uint32_t column = 1;
    for (size_t i = 0; i < v->offset; i++) {
        if (sql.ptr[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)sql.ptr[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    assert_int_equal(v->line, line);
    assert_int_equal(v->column, column);
    assert_ptr_equal(v->found.ptr, sql.ptr + v->offset);
    assert_true(v->offset + v->found.len <= sql.len);
}

static void expect_refusal(enum sql_dialect_id id, const struct corpus_line *line)
{
    const char *offset = memchr(line->text, '|', line->len);
    assert_non_null(offset);
    char *sql = NULL;
    unsigned long at = strtoul(offset + 1, &sql, 10);
    assert_true(*sql == '|');
    sql++;
    struct str text = {sql, (size_t)(line->text + line->len - sql)};
    struct str cls = {line->text, (size_t)(offset - line->text)};
    /* An exact copy, so that the sanitizer sees a read behind the end. */
    char *copy = malloc(text.len + !text.len);
    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len);
    text.ptr = copy;
    struct guard_verdict v = guard_check(id, guard_read_only, text);
    if (v.allowed || !v.reason || !str_eq(cls, str_of(guard_class_name(v.cls))) ||
        v.offset != at) {
        fail_msg("line %u: allowed %d, class %s, offset %u: %s", line->number, v.allowed,
            guard_class_name(v.cls), v.offset, v.reason ? v.reason : "");
    }
    check_position(&v, text);
    free(copy);
}

/* No prefix of any text may hang, crash or point outside of it. */
static void check_prefixes(enum sql_dialect_id id, const struct corpus_line *line)
{
    for (size_t len = 0; len <= line->len; len++) {
        char *copy = malloc(len + !len);
        assert_non_null(copy);
        memcpy(copy, line->text, len);
        struct guard_verdict v = guard_check(id, guard_read_only, (struct str){copy, len});
        if (!v.allowed) {
            check_position(&v, (struct str){copy, len});
        }
        free(copy);
    }
}

static void test_duckdb(void **state)
{
    (void)state;
    assert_true(each_line("duckdb_reads.txt", SQL_DUCKDB, expect_read) >= 120);
    assert_true(each_line("duckdb_refusals.txt", SQL_DUCKDB, expect_refusal) >= 60);
}

static void test_others(void **state)
{
    (void)state;
    each_line("snowflake_reads.txt", SQL_SNOWFLAKE, expect_read);
    each_line("snowflake_refusals.txt", SQL_SNOWFLAKE, expect_refusal);
    each_line("postgresql_refusals.txt", SQL_POSTGRESQL, expect_refusal);
}

static void test_prefixes(void **state)
{
    (void)state;
    static const char *const FILES[] = {"duckdb_reads.txt", "duckdb_refusals.txt",
        "snowflake_reads.txt", "snowflake_refusals.txt"};
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
            each_line(FILES[i], (enum sql_dialect_id)id, check_prefixes);
        }
    }
}

static void test_classes(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        enum guard_class cls;
        bool is_volatile;
    } CASES[] = {
        {"select a from t", GUARD_SELECT, false},
        {"select random()", GUARD_SELECT, true},
        {"select current_date", GUARD_SELECT, true},
        {"select t.current_date from t", GUARD_SELECT, false},
        {"select 'random()'", GUARD_SELECT, false},
        {"from t using sample 5", GUARD_SELECT, true},
        {"(select 1)", GUARD_SELECT, false},
        {"with x as (select 1) from x", GUARD_SELECT, false},
        {"pivot t on a using sum(b)", GUARD_SELECT, false},
        {"show tables", GUARD_SHOW, true},
        {"summarize t", GUARD_DESCRIBE, true},
        {"explain select 1", GUARD_EXPLAIN, false},
        {"explain with x as (select 1) from x", GUARD_EXPLAIN, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct guard_verdict v = guard_check(SQL_DUCKDB, guard_read_only, str_of(CASES[i].sql));
        assert_true(v.allowed);
        assert_int_equal(v.cls, CASES[i].cls);
        assert_int_equal(v.volatile_or_stateful, CASES[i].is_volatile);
    }
}

static void test_use(void **state)
{
    (void)state;
    static const struct {
        enum sql_dialect_id id;
        const char *sql;
        const char *catalog;
        const char *schema;
    } CASES[] = {
        {SQL_DUCKDB, "use x", "x", ""},
        {SQL_DUCKDB, "USE \"a b\".c ; -- x", "\"a b\"", "c"},
        {SQL_DUCKDB, "use a.b.c", "", ""},
        {SQL_DUCKDB, "use 'x'", "", ""},
        {SQL_DUCKDB, "use x; drop table y", "", ""},
        {SQL_DUCKDB, "with a as (select 1) use x", "", ""},
        {SQL_SNOWFLAKE, "use database d", "d", ""},
        {SQL_SNOWFLAKE, "use schema d.s", "d", "s"},
        {SQL_SNOWFLAKE, "use schema s", "", "s"},
        {SQL_SNOWFLAKE, "use role r", "", ""},
        {SQL_SNOWFLAKE, "use secondary roles all", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct guard_verdict v = guard_check(CASES[i].id, guard_read_only, str_of(CASES[i].sql));
        assert_false(v.allowed);
        assert_true(str_eq(v.use_catalog, str_of(CASES[i].catalog)));
        assert_true(str_eq(v.use_schema, str_of(CASES[i].schema)));
    }
}

static void test_limits(void **state)
{
    (void)state;
    static char deep[5000];
    memset(deep, '(', sizeof(deep));
    struct guard_verdict v = guard_check(SQL_DUCKDB, guard_read_only, (struct str){deep, sizeof(deep)});
    assert_int_equal(v.cls, GUARD_UNKNOWN);
    assert_int_equal(guard_check(SQL_DUCKDB, guard_read_only, (struct str){NULL, 0}).cls, GUARD_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duckdb),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
