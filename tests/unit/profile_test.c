// SPDX-License-Identifier: Apache-2.0
/* What a profile means to a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/profile.h"
#include "backend_rig.h"

static struct config_profile config;
static struct backend_profile profile;
static char dir[] = "/tmp/a-rather-long-name-of-a-directory-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    config = (struct config_profile){.name = "main", .policy = "read_only"};
    profile = (struct backend_profile){0};
    strcpy(dir + sizeof(dir) - 7, "XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    backend_profile_free(&profile);
    return rmdir(dir);
}

/* An empty file in the test's directory; the path lives until the next one. */
static char *touch(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    return path;
}

static bool init(const char *drivers_dir, struct buf *err)
{
    const struct backend_drivers drivers = {"driver.so", drivers_dir};
    *err = BUF_INIT(4096);
    return backend_profile_init(&profile, &config, &drivers, "/tmp", err);
}

static void a_database_is_called_like_its_file_wherever_that_lies(void **state)
{
    struct buf err;
    (void)state;
    strcpy(config.driver, "duckdb");
    config.files.at[config.files.len++] = touch("sales.2026.duckdb");
    bool ok = init("", &err);
    unlink(config.files.at[0]);
    assert_true(ok);
    assert_true(str_eq(profile.database, STR("sales")));
    assert_true(str_eq(profile.setup.driver, STR("driver.so")));
    buf_free(&err);
}

static void a_driver_named_by_a_word_is_looked_for(void **state)
{
    struct buf err;
    char want[128];
    (void)state;
    strcpy(config.driver, "sqlite");
    snprintf(want, sizeof(want), "%s/libadbc_driver_sqlite.so", dir);
    /* The build may have it, too. */
    if (!init(dir, &err)) {
        buf_putc(&err, '\0');
        assert_non_null(strstr(err.ptr, "there is no libadbc_driver_sqlite.so in "));
        assert_non_null(strstr(err.ptr, dir));
        assert_non_null(strstr(err.ptr, "/../lib/snowmux"));
    }
    backend_profile_free(&profile);
    buf_free(&err);
    char *path = touch("libadbc_driver_sqlite.so");
    bool ok = init(dir, &err);
    unlink(path);
    assert_true(ok);
    assert_true(str_eq(profile.setup.driver, str_of(want)));
    buf_free(&err);
}

static void another_driver_stays_as_it_is_named(void **state)
{
    struct buf err;
    (void)state;
    strcpy(config.driver, "adbc_driver_other");
    strcpy(config.dialect, "sqlite");
    assert_true(init("", &err));
    assert_true(str_eq(profile.setup.driver, STR("adbc_driver_other")));
    buf_free(&err);
}

static void a_context_is_set_as_the_engine_has_it(void **state)
{
    const struct str context[PART_COUNT] = {STR("R"), STR("W"), STR("D"), STR("S")};
    struct backend_option options[PART_COUNT];
    struct buf scratch = BUF_INIT(1024);
    (void)state;
    profile.dialect = SQL_DUCKDB;
    assert_int_equal(backend_profile_replay(&profile, 15, context, &scratch, options), 2);
    assert_true(str_eq(options[0].key, STR("adbc.connection.catalog")));
    assert_true(str_eq(options[1].key, STR("adbc.connection.db_schema")));
    /* Snowflake's driver has no options for the role and the warehouse of a connection.
     */
    profile.dialect = SQL_SNOWFLAKE;
    assert_int_equal(backend_profile_replay(&profile, 15, context, &scratch, options), 4);
    assert_int_equal(options[0].key.len, 0);
    assert_true(str_eq(options[0].value, STR("USE ROLE \"R\"")));
    assert_true(str_eq(options[1].value, STR("USE WAREHOUSE \"W\"")));
    assert_true(str_eq(options[2].value, STR("USE DATABASE \"D\"")));
    assert_true(str_eq(options[3].value, STR("USE SCHEMA \"S\"")));
    /* A database takes its schema along. */
    buf_clear(&scratch);
    assert_int_equal(
        backend_profile_replay(&profile, 1u << PART_DATABASE, context, &scratch, options), 2);
    assert_true(str_eq(options[1].value, STR("USE SCHEMA \"S\"")));
    /* A schema that is not there fails; the path of the role stays where it begins with it. */
    buf_clear(&scratch);
    profile.dialect = SQL_POSTGRESQL;
    const struct str odd[PART_COUNT] = {[PART_SCHEMA] = STR("a\"b'c")};
    assert_int_equal(backend_profile_replay(&profile, 15, odd, &scratch, options), 2);
    assert_true(str_eq(options[0].value, STR("RESET search_path")));
    assert_true(str_eq(options[1].value,
        STR("SELECT pg_catalog.set_config('search_path', '\"a\"\"b''c\"'::pg_catalog.regnamespace"
            "::pg_catalog.text, false), pg_catalog.to_regclass('\"a\"\"b''c\"._') WHERE "
            "pg_catalog.current_schema() IS DISTINCT FROM 'a\"b''c'")));
    assert_int_equal(options[1].key.len, 0);
    assert_int_equal(backend_profile_replay(&profile, 7, odd, &scratch, options), 2);
    assert_int_equal(backend_profile_replay(&profile, 0, odd, &scratch, options), 0);
    buf_free(&scratch);
}

static void a_name_that_a_user_wrote_is_in_capitals_on_snowflake(void **state)
{
    static const char *const names[][2] = {{"analyst", "ANALYST"}, {"A_1$b", "A_1$B"},
        {"\"analyst\"", "analyst"}, {"\"a\"\"b\"", "a\"b"}, {"with blank", "with blank"},
        {"1st", "1st"}, {"", ""}};
    struct buf err;
    (void)state;
    strcpy(config.driver, "adbc_driver_other");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        strcpy(config.dialect, "snowflake");
        strcpy(config.role, names[i][0]);
        strcpy(config.schema, names[i][0]);
        assert_true(init("", &err));
        assert_true(str_eq(profile.role, str_of(names[i][1])));
        assert_true(str_eq(profile.schema, str_of(names[i][1])));
        backend_profile_free(&profile);
        buf_free(&err);
    }
    strcpy(config.dialect, "postgresql");
    strcpy(config.schema, "analyst");
    assert_true(init("", &err));
    assert_true(str_eq(profile.schema, STR("analyst")));
    backend_profile_free(&profile);
    buf_free(&err);
    strcpy(config.role, "analyst");
    assert_false(init("", &err));
    assert_non_null(strstr(err.ptr, "role has no effect here"));
    buf_free(&err);
}

static void a_driver_that_waits_for_ever_is_given_limits(void **state)
{
    static const char *const wanted[][2] = {
        {"connect", "20"}, {"query", "3660"}, {"fetch", "3660"}, {"update", "60"}};
    struct buf err;
    (void)state;
    strcpy(config.driver, "/lib/libadbc_driver_flightsql.so");
    strcpy(config.dialect, "postgresql");
    assert_true(init("", &err));
    assert_int_equal(profile.setup.option_count, ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        char key[64];
        snprintf(
            key, sizeof(key), "adbc.flight.sql.rpc.timeout_seconds.%s", wanted[i][0]);
        assert_true(str_eq(profile.setup.options[i].key, str_of(key)));
        assert_true(str_eq(profile.setup.options[i].value, str_of(wanted[i][1])));
    }
    backend_profile_free(&profile);
    buf_free(&err);
    strcpy(config.driver, "/lib/libadbc_driver_postgresql.so");
    assert_true(init("", &err));
    assert_int_equal(profile.setup.option_count, 0);
    buf_free(&err);
}

static void a_variable_is_read_when_a_worker_starts(void **state)
{
    static char key[] = "fail";
    static char name[] = "SNOWMUX_TEST_SECRET";
    struct buf err;
    (void)state;
    assert_true(str_copy(
        str_of(getenv("SNOWMUX_FAKE_DRIVER")), config.driver, sizeof(config.driver)));
    strcpy(config.entrypoint, "AdbcDriverFakeInit");
    strcpy(config.dialect, "duckdb");
    config.options.len = 1;
    config.options.at[0] = (struct config_option){
        .key = key, .value = name, .value_len = strlen(name), .source = CONFIG_FROM_ENV};
    assert_true(init("", &err));
    struct rig *rig = rig_start(getenv("SNOWMUX_WORKER"));
    unsetenv(name);
    backend_profile_spawn(rig->backend, 1, 1, &profile, NULL);
    await_why(rig, WORKER_LOST, 1,
        "option fail: the environment variable SNOWMUX_TEST_SECRET is not set");
    assert_int_equal(setenv(name, "the value", 1), 0);
    backend_profile_spawn(rig->backend, 1, 2, &profile, NULL);
    /* The driver repeats it, and it is not shown. */
    await_why(rig, WORKER_LOST, 1, "***");
    assert_int_equal(setenv(name, "", 1), 0);
    backend_profile_spawn(rig->backend, 1, 3, &profile, NULL);
    await_why(rig, WORKER_LOST, 1,
        "option fail: the environment variable SNOWMUX_TEST_SECRET is empty");
    rig_stop(rig);
    buf_free(&err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_database_is_called_like_its_file_wherever_that_lies),
        TEST(a_driver_named_by_a_word_is_looked_for),
        TEST(another_driver_stays_as_it_is_named),
        TEST(a_context_is_set_as_the_engine_has_it),
        TEST(a_name_that_a_user_wrote_is_in_capitals_on_snowflake),
        TEST(a_driver_that_waits_for_ever_is_given_limits),
        TEST(a_variable_is_read_when_a_worker_starts),
    };
    return rig_prepare() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
