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

enum {
    LINE_MAX_BYTES = 4096
};

struct corpus_line {
    char text[LINE_MAX_BYTES]; /* decoded */
    size_t len;
    unsigned number;
};

static const char *const DIALECTS[] = {[SQL_DUCKDB] = "duckdb",
    [SQL_SNOWFLAKE] = "snowflake",
    [SQL_POSTGRESQL] = "postgresql",
    [SQL_SQLITE] = "sqlite"};

typedef void corpus_fn(enum sql_dialect_id id, const struct corpus_line *line);

static void decode(const char *raw, size_t raw_len, struct corpus_line *line)
{
    line->len = 0;
    for (size_t i = 0; i < raw_len; i++) {
        char c = raw[i];
        if (c == '\\' && i + 1 < raw_len) {
            c = raw[++i];
            c = (char)(c == 'n'   ? '\n'
                       : c == 'r' ? '\r'
                       : c == 't' ? '\t'
                       : c == '0' ? 0
                                  : c);
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
    struct guard_verdict v =
        guard_check(id, guard_read_only, (struct str){line->text, line->len});
    if (!v.allowed) {
        fail_msg("%s, line %u: %s at %u: %s", DIALECTS[id], line->number,
            guard_class_name(v.cls), v.offset, v.reason);
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
        fail_msg("%s, line %u: allowed %d, class %s, offset %u: %s", DIALECTS[id],
            line->number, v.allowed, guard_class_name(v.cls), v.offset,
            v.reason ? v.reason : "");
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
        struct guard_verdict v =
            guard_check(id, guard_read_only, (struct str){copy, len});
        if (!v.allowed) {
            check_position(&v, (struct str){copy, len});
        }
        free(copy);
    }
}

/* Calls @fn for the lines of the dialect's corpus of @kind. */
static unsigned each_of(enum sql_dialect_id id, const char *kind, corpus_fn *fn)
{
    char name[64];
    snprintf(name, sizeof(name), "%s_%s.txt", DIALECTS[id], kind);
    return each_line(name, id, fn);
}

static void every_legal_read_passes(void **state)
{
    (void)state;
    for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
        assert_true(each_of((enum sql_dialect_id)id, "reads", expect_read) >= 300);
    }
}

static void what_is_no_read_is_refused_at_its_place(void **state)
{
    (void)state;
    for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
        assert_true(each_of((enum sql_dialect_id)id, "refusals", expect_refusal) >= 100);
    }
}

static void no_prefix_of_a_text_breaks_anything(void **state)
{
    (void)state;
    for (int of = SQL_DUCKDB; of <= SQL_SQLITE; of++) {
        for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
            char name[64];
            snprintf(name, sizeof(name), "%s_reads.txt", DIALECTS[of]);
            each_line(name, (enum sql_dialect_id)id, check_prefixes);
            snprintf(name, sizeof(name), "%s_refusals.txt", DIALECTS[of]);
            each_line(name, (enum sql_dialect_id)id, check_prefixes);
        }
    }
}

/* The least policy that lets a text through, the one before it, and what is said then. */
static void expect_policy(enum sql_dialect_id id, const struct corpus_line *line)
{
    static const char *const POLICIES[] = {"read_only", "session_state", "read_write",
        "read_only+ai", "read_write+ai", "none"};
    static const char *const EFFECTS[] = {
        "begins", "ends", "temporary", "variable", "prepares"};
    struct str text = {line->text, line->len};
    struct str least = {text.ptr, (size_t)str_find(text, '|')};
    text = str_from(text, least.len + 1);
    struct str effects = {text.ptr, (size_t)str_find(text, '|')};
    text = str_from(text, effects.len + 1);
    size_t first = 0;
    char said[128] = "";
    struct guard_verdict v = {0};
    for (; first < ARRAY_LEN(POLICIES) - 1; first++) {
        uint32_t classes;
        assert_true(guard_policy_find(str_of(POLICIES[first]), &classes));
        v = guard_check(id, classes, text);
        if (v.allowed) {
            break;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(EFFECTS); i++) {
        if (v.effects & 1u << i) {
            snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s",
                said[0] ? "+" : "", EFFECTS[i]);
        }
    }
    if (!str_eq(least, str_of(POLICIES[first])) || !str_eq(effects, str_of(said))) {
        fail_msg("%s, line %u: %s|%s: %s", DIALECTS[id], line->number, POLICIES[first],
            said, v.reason ? v.reason : "");
    }
}

static void a_policy_lets_through_what_it_says_and_effects_are_told(void **state)
{
    (void)state;
    for (int id = SQL_DUCKDB; id <= SQL_SQLITE; id++) {
        assert_true(each_of((enum sql_dialect_id)id, "policies", expect_policy) >= 20);
    }
}

static void credits_are_spent_only_where_the_class_says_so(void **state)
{
    (void)state;
    struct str sql = STR("select ai_filter(a) from t");
    uint32_t with_ai = guard_read_only | GUARD_BIT(GUARD_AI);
    struct guard_verdict v = guard_check(SQL_SNOWFLAKE, guard_read_write, sql);
    assert_false(v.allowed);
    assert_int_equal(v.cls, GUARD_AI);
    v = guard_check(SQL_SNOWFLAKE, with_ai, sql);
    assert_true(v.allowed);
    assert_int_equal(v.cls, GUARD_AI);
    sql = STR("insert into t select ai_filter(a) from t");
    v = guard_check(SQL_SNOWFLAKE, with_ai, sql);
    assert_int_equal(v.cls, GUARD_DML);
    v = guard_check(SQL_SNOWFLAKE, guard_read_write, sql);
    assert_int_equal(v.cls, GUARD_AI);
    assert_true(guard_check(SQL_SNOWFLAKE, guard_read_write | with_ai, sql).allowed);
}

static void a_policy_has_no_class_that_cannot_be_vouched_for(void **state)
{
    (void)state;
    uint32_t never = GUARD_BIT(GUARD_USE) | GUARD_BIT(GUARD_CALL) | GUARD_BIT(GUARD_AI) |
                     GUARD_BIT(GUARD_ADMIN) | GUARD_BIT(GUARD_MULTIPLE) |
                     GUARD_BIT(GUARD_UNKNOWN) | GUARD_BIT(GUARD_EMPTY);
    assert_int_equal(guard_read_write & never, 0);
    assert_int_equal(guard_session_state & ~guard_read_write, 0);
    assert_int_equal(guard_read_only & ~guard_session_state, 0);
    uint32_t classes;
    assert_false(guard_policy_find(STR("read"), &classes));
    assert_false(guard_policy_find(STR("+ai"), &classes));
    assert_false(guard_policy_find(STR("read_only+ia"), &classes));
    struct guard_verdict all = guard_check(SQL_DUCKDB, ~0u, STR("select 1; select 2"));
    assert_int_equal(all.cls, GUARD_MULTIPLE);
    assert_false(all.allowed);
    assert_int_equal(guard_check(SQL_DUCKDB, ~0u, STR("foo")).cls, GUARD_UNKNOWN);
    assert_true(guard_check(SQL_DUCKDB, ~0u, STR("call p(getenv('x'))")).allowed);
    /* A set without reads refuses them, too. */
    struct guard_verdict v =
        guard_check(SQL_DUCKDB, GUARD_BIT(GUARD_DML), STR("select 1"));
    assert_int_equal(v.cls, GUARD_SELECT);
    assert_non_null(v.reason);
}

static void the_class_and_whether_the_answer_may_differ_are_told(void **state)
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
        struct guard_verdict v =
            guard_check(SQL_DUCKDB, guard_read_only, str_of(CASES[i].sql));
        assert_true(v.allowed);
        assert_int_equal(v.cls, CASES[i].cls);
        assert_int_equal(v.volatile_or_stateful, CASES[i].is_volatile);
    }
}

static void the_names_of_a_lone_use_are_told(void **state)
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
        struct guard_verdict v =
            guard_check(CASES[i].id, guard_read_only, str_of(CASES[i].sql));
        assert_false(v.allowed);
        assert_true(str_eq(v.use_catalog, str_of(CASES[i].catalog)));
        assert_true(str_eq(v.use_schema, str_of(CASES[i].schema)));
    }
}

static void what_is_too_deep_or_nothing_is_refused(void **state)
{
    (void)state;
    static char deep[5000];
    memset(deep, '(', sizeof(deep));
    struct guard_verdict v =
        guard_check(SQL_DUCKDB, guard_read_only, (struct str){deep, sizeof(deep)});
    assert_int_equal(v.cls, GUARD_UNKNOWN);
    assert_int_equal(
        guard_check(SQL_DUCKDB, guard_read_only, (struct str){NULL, 0}).cls, GUARD_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_legal_read_passes),
        cmocka_unit_test(what_is_no_read_is_refused_at_its_place),
        cmocka_unit_test(a_policy_lets_through_what_it_says_and_effects_are_told),
        cmocka_unit_test(credits_are_spent_only_where_the_class_says_so),
        cmocka_unit_test(a_policy_has_no_class_that_cannot_be_vouched_for),
        cmocka_unit_test(the_class_and_whether_the_answer_may_differ_are_told),
        cmocka_unit_test(the_names_of_a_lone_use_are_told),
        cmocka_unit_test(what_is_too_deep_or_nothing_is_refused),
        cmocka_unit_test(no_prefix_of_a_text_breaks_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
