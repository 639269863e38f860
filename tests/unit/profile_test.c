// SPDX-License-Identifier: Apache-2.0
/* What a profile means to a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/profile.h"

static void a_database_is_called_like_its_file_wherever_that_lies(void **state)
{
    static struct config_profile config = {
        .name = "main", .driver = "duckdb", .policy = "read_only", .files.len = 1};
    static struct backend_profile profile;
    struct buf err = BUF_INIT(4096);
    char dir[] = "/tmp/a-rather-long-name-of-a-directory-XXXXXX";
    char path[128];
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sales.2026.duckdb", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    config.files.at[0] = path;
    bool ok = backend_profile_init(&profile, &config, &(struct backend_drivers){"driver.so", ""}, "/tmp", &err);
    unlink(path);
    rmdir(dir);
    assert_true(ok);
    assert_true(str_eq(profile.database, STR("sales")));
    backend_profile_free(&profile);
    buf_free(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_is_called_like_its_file_wherever_that_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
