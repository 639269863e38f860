// SPDX-License-Identifier: Apache-2.0
/* Which files, network and programs the worker of a profile may reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/reach.h"

static struct config_profile config;
static struct backend_reach reach;

static void profile(const char *driver)
{
    config = (struct config_profile){.name = "main", .confine = "auto"};
    str_copy(str_of(driver), config.driver, sizeof(config.driver));
}

static void option(const char *key, const char *value)
{
    static char keys[CONFIG_OPTIONS_MAX][64];
    static char values[CONFIG_OPTIONS_MAX][8192];
    uint32_t i = config.options.len++;
    snprintf(keys[i], sizeof(keys[i]), "%s", key);
    snprintf(values[i], sizeof(values[i]), "%s", value);
    config.options.at[i] =
        (struct config_option){.key = keys[i], .value = values[i], .value_len = strlen(values[i])};
}

static void derive(enum sql_dialect_id dialect)
{
    struct buf err = BUF_INIT(4096);
    backend_reach_free(&reach);
    bool ok =
        backend_reach_init(&reach, &config, dialect, "/drivers/a.so", false, "/state", &err);
    assert_true(ok);
    buf_free(&err);
}

static bool is_in(const struct str *paths, uint32_t count, const char *path)
{
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(paths[i], str_of(path))) {
            return true;
        }
    }
    return false;
}

static bool reads(const char *path)
{
    return is_in(reach.read, reach.read_count, path);
}

static bool writes(const char *path)
{
    return is_in(reach.write, reach.write_count, path);
}

static void assert_home(const char *path)
{
    assert_true(str_eq(reach.home, str_of(path)));
    assert_int_equal(reach.home.ptr[reach.home.len], '\0');
    assert_true(writes(path) && reads(path));
    assert_true(writes("/state/spool") && !reads("/state/spool"));
    assert_int_equal(reach.write_count, 2);
}

static void duckdb_has_its_files_and_no_network(void **state)
{
    (void)state;
    char file[] = "/data/a.duckdb";
    profile("duckdb");
    config.files = (struct config_files){.len = 1, .at = {file}};
    derive(SQL_DUCKDB);
    assert_int_equal(reach.confine, WIRE_CONFINED);
    assert_home("/state/spill/main");
    assert_true(reads("/drivers/a.so") && reads(file) && reads("/data/a.duckdb.wal"));
    assert_int_equal(reach.read_count, 4);
}

static void sqlite_has_the_file_of_its_uri(void **state)
{
    (void)state;
    static const char *const uris[] = {
        "/data/a.db", "file:/data/a.db?mode=ro", "file:///data/a.db"};
    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        profile("/lib/libadbc_driver_sqlite.so");
        option("uri", uris[i]);
        derive(SQL_SQLITE);
        assert_int_equal(reach.confine, WIRE_CONFINED);
        assert_home("/state/home/main");
        assert_true(reads("/data/a.db") && reads("/data/a.db-wal"));
        assert_int_equal(reach.read_count, 6);
    }
}

static void snowflake_has_the_network_and_its_key_file(void **state)
{
    (void)state;
    char key[] = "/tmp/snowmux-key-XXXXXX";
    static const char missing[] = "/no/such/file";
    static const char directory[] = "/tmp";
    char kept[] = "/tmp/snowmux-kept-XXXXXX";
    int fd = mkstemp(key);
    int other = mkstemp(kept);
    assert_true(fd >= 0 && other >= 0);
    profile("/lib/libadbc_driver_snowflake.so");
    option("adbc.snowflake.sql.client_option.jwt_private_key", key);
    option("password", missing);
    option("role", directory);
    option("adbc.snowflake.sql.client_option.auth_token", kept);
    config.options.at[config.options.len - 1].source = CONFIG_FROM_FILE;
    derive(SQL_SNOWFLAKE);
    assert_int_equal(reach.confine, WIRE_CONFINED | WIRE_HAS_NETWORK);
    assert_home("/state/home/main");
    assert_true(reads(key) && reads("/etc/ssl") && reads("/etc/resolv.conf"));
    assert_false(reads(missing) || reads(directory) || reads("/usr"));
    /* Read before the worker is confined. */
    assert_false(reads(kept));
    close(fd);
    close(other);
    unlink(key);
    unlink(kept);
}

static void only_signing_in_by_the_browser_runs_a_program(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *value;
        enum sql_dialect_id dialect;
        bool signs_in;
    } cases[] = {
        {"adbc.snowflake.sql.auth_type", "auth_ext_browser", SQL_SNOWFLAKE, true},
        {"adbc.snowflake.sql.auth_type", "auth_jwt", SQL_SNOWFLAKE, false},
        {"uri", "u@a/d?authenticator=EXTERNALBROWSER", SQL_SNOWFLAKE, true},
        {"uri", "auth_ext_browser", SQL_DUCKDB, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        profile("/lib/driver.so");
        option(cases[i].key, cases[i].value);
        derive(cases[i].dialect);
        uint32_t more = WIRE_SIGNS_IN | WIRE_HAS_UNIX; /* no socket of a desktop either way */
        assert_int_equal(reach.confine & more, cases[i].signs_in ? WIRE_SIGNS_IN : 0);
        struct backend_setup setup;
        backend_reach_put(&reach, &setup);
        assert_true(str_eq(setup.bin, cases[i].signs_in ? STR("/state/bin") : STR("")));
        assert_false(writes("/state/bin") || reads("/state/bin"));
    }
}

/* As the profile, with a home of its own and what its credential names. */
static void a_principal_has_a_home_of_its_own(void **state)
{
    (void)state;
    char key[] = "/tmp/snowmux-key-XXXXXX";
    int fd = mkstemp(key);
    struct backend_reach own;
    struct buf err = BUF_INIT(4096);
    profile("/lib/libadbc_driver_snowflake.so");
    derive(SQL_SNOWFLAKE);
    option("adbc.snowflake.sql.client_option.jwt_private_key", key);
    option("adbc.snowflake.sql.auth_type", "auth_ext_browser");
    bool ok = backend_reach_init_login(
        &own, &reach, &config.options, SQL_SNOWFLAKE, false, "/state/logins/main/ann", &err);
    assert_true(ok);
    backend_reach_free(&reach);
    reach = own;
    assert_home("/state/logins/main/ann");
    assert_true(reads(key) && reads("/drivers/a.so") && reads("/etc/ssl"));
    assert_false(reads("/state/home/main") || writes("/state/home/main"));
    assert_int_equal(reach.confine, WIRE_CONFINED | WIRE_HAS_NETWORK | WIRE_SIGNS_IN);
    assert_true(str_eq(reach.bin, STR("/state/bin")));
    /* Snowflake's own file may say so where the options do not. */
    for (int has_browser = 0; has_browser < 2; has_browser++) {
        config.options.len = 0;
        ok = backend_reach_init_login(&own, &reach, &config.options, SQL_SNOWFLAKE,
            has_browser == 1, "/state/logins/main/bob", &err);
        assert_true(ok);
        assert_int_equal(own.confine & WIRE_SIGNS_IN, has_browser == 1 ? WIRE_SIGNS_IN : 0);
        backend_reach_free(&own);
    }
    buf_free(&err);
    close(fd);
    unlink(key);
}

static void postgresql_has_files_and_sockets_that_its_uri_names(void **state)
{
    (void)state;
    char key[] = "/tmp/snowmux-key XXXXXX";
    char uri[256];
    int fd = mkstemp(key);
    assert_true(fd >= 0);
    key[16] = '\0';
    snprintf(uri, sizeof(uri),
        "postgresql://u@h/d?sslmode=require&sslkey=%%2Ftmp%%2fsnowmux-key%%20%s",
        key + 17);
    key[16] = ' ';
    profile("/lib/libadbc_driver_postgresql.so");
    option("uri", uri);
    derive(SQL_POSTGRESQL);
    assert_int_equal(reach.confine, WIRE_CONFINED | WIRE_HAS_NETWORK);
    assert_true(reads(key));
    close(fd);
    unlink(key);
    static const struct {
        const char *uri;
        bool has_unix;
    } cases[] = {
        {"postgresql://u@h/d", false},
        {"postgresql://h:5432/d?user=x", false},
        {"host=h user=u", false},
        {"postgresql:///d", true},
        {"postgresql://%2Fvar%2Frun/d", true},
        {"postgresql://u@%2fvar%2frun/d", true},
        {"postgresql://u@/d?host=/var/run", true},
        {"host=/var/run user=u", true},
        {"user=u dbname=d", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        profile("/lib/libadbc_driver_postgresql.so");
        option("uri", cases[i].uri);
        derive(SQL_POSTGRESQL);
        assert_int_equal(
            reach.confine & WIRE_HAS_UNIX, cases[i].has_unix ? WIRE_HAS_UNIX : 0);
    }
}

/* Its uri decides anew: that the profile has none says nothing. */
static void a_principal_of_postgresql_has_sockets_only_where_its_uri_names_one(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        enum config_source source;
        uint32_t want;
    } cases[] = {
        {"postgresql://zoe:pw@db.example.com:5432/db", CONFIG_VALUE, 0},
        {"postgresql:///db?host=/var/run", CONFIG_VALUE, WIRE_HAS_UNIX},
        {"/run/secrets/uri", CONFIG_FROM_FILE, WIRE_HAS_UNIX_BY_URI},
        {"SHOP_URI", CONFIG_FROM_ENV, WIRE_HAS_UNIX_BY_URI},
    };
    const uint32_t either = WIRE_HAS_UNIX | WIRE_HAS_UNIX_BY_URI;
    struct buf err = BUF_INIT(4096);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct backend_reach own;
        profile("/lib/libadbc_driver_postgresql.so");
        derive(SQL_POSTGRESQL);
        assert_int_equal(reach.confine & either, WIRE_HAS_UNIX); /* libpq's own default */
        option("uri", cases[i].uri);
        config.options.at[0].source = cases[i].source;
        bool ok = backend_reach_init_login(
            &own, &reach, &config.options, SQL_POSTGRESQL, false, "/state/logins/main/zoe", &err);
        assert_true(ok);
        assert_int_equal(own.confine & either, cases[i].want);
        backend_reach_free(&own);
        derive(SQL_POSTGRESQL);
        assert_int_equal(reach.confine & either, cases[i].want);
    }
    buf_free(&err);
}

static void another_driver_has_the_network_whatever_its_dialect(void **state)
{
    (void)state;
    char file[] = "/data/more";
    profile("/duckdb/libadbc_driver_flightsql.so");
    config.files = (struct config_files){.len = 1, .at = {file}};
    derive(SQL_DUCKDB);
    assert_int_equal(reach.confine, WIRE_CONFINED | WIRE_HAS_NETWORK);
    assert_home("/state/home/main");
    assert_true(reads("/usr") && reads(file) && !reads("/data/more.wal"));
}

static void certificates_that_the_environment_names_are_read(void **state)
{
    (void)state;
    setenv("SSL_CERT_FILE", "/certs/all.pem", 1);
    profile("/lib/libadbc_driver_snowflake.so");
    derive(SQL_SNOWFLAKE);
    assert_true(reads("/certs/all.pem"));
    profile("duckdb");
    derive(SQL_DUCKDB);
    assert_false(reads("/certs/all.pem"));
    unsetenv("SSL_CERT_FILE");
}

static void off_confines_nothing(void **state)
{
    (void)state;
    struct backend_setup setup;
    profile("duckdb");
    str_copy(STR("off"), config.confine, sizeof(config.confine));
    derive(SQL_DUCKDB);
    backend_reach_put(&reach, &setup);
    assert_int_equal(setup.confine, 0);
    assert_int_equal(setup.read_path_count + setup.write_path_count + setup.home.len, 0);
}

static void more_paths_than_can_be_told_are_refused(void **state)
{
    (void)state;
    static char value[8192];
    char file[] = "/tmp/snowmux-key-XXXXXX";
    struct buf err = BUF_INIT(4096);
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    for (size_t len = 0; len + 64 < sizeof(value); len = strlen(value)) {
        snprintf(value + len, sizeof(value) - len, "key=%s ", file);
    }
    profile("/lib/driver.so");
    option("uri", value);
    assert_false(
        backend_reach_init(&reach, &config, SQL_DUCKDB, "/drivers/a.so", false, "/state", &err));
    close(fd);
    unlink(file);
    assert_non_null(memmem(err.ptr, err.len, "at most 256 paths", 17));
    buf_free(&err);
}

static void the_reader_of_spools_has_the_results_only(void **state)
{
    (void)state;
    backend_reach_free(&reach);
    assert_true(backend_reach_init_reader(&reach, "/state"));
    assert_int_equal(reach.confine, WIRE_CONFINED);
    assert_int_equal(reach.read_count, 1);
    assert_true(reads("/state/spool") && writes("/state/spool"));
    assert_true(!writes("/state/home") && !writes("/state/spill"));
}

static int free_reach(void **state)
{
    (void)state;
    backend_reach_free(&reach);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duckdb_has_its_files_and_no_network),
        cmocka_unit_test(sqlite_has_the_file_of_its_uri),
        cmocka_unit_test(snowflake_has_the_network_and_its_key_file),
        cmocka_unit_test(only_signing_in_by_the_browser_runs_a_program),
        cmocka_unit_test(a_principal_has_a_home_of_its_own),
        cmocka_unit_test(postgresql_has_files_and_sockets_that_its_uri_names),
        cmocka_unit_test(a_principal_of_postgresql_has_sockets_only_where_its_uri_names_one),
        cmocka_unit_test(another_driver_has_the_network_whatever_its_dialect),
        cmocka_unit_test(certificates_that_the_environment_names_are_read),
        cmocka_unit_test(off_confines_nothing),
        cmocka_unit_test(more_paths_than_can_be_told_are_refused),
        cmocka_unit_test(the_reader_of_spools_has_the_results_only),
    };
    return cmocka_run_group_tests(tests, NULL, free_reach);
}
