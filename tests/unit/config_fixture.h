// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * For the tests of settings and paths: an empty directory, and a configuration that is
 * compared byte by byte.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

enum {
    PATH_SIZE = 512,
    ERR_SIZE = 8192,
    TEXT_MAX = 2 * 1024 * 1024
};

#define NAME_RULE " must be 1 to 63 letters, digits, \"_\" and \"-\""

/* Large: not on the stack. */
static struct config config;
static struct config before;
static char dir[PATH_SIZE];

static inline int set_up(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char made[PATH_SIZE];
    config_init(&config);
    snprintf(made, sizeof(made), "%s/config_test_XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(made));
    char *resolved = realpath(made, NULL);
    assert_non_null(resolved);
    assert_true(str_copy(str_of(resolved), dir, sizeof(dir)));
    free(resolved);
    return 0;
}

static inline int remove_one(
    const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline int tear_down(void **state)
{
    (void)state;
    config_free(&config);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void parse(const char *toml)
{
    struct buf err = BUF_INIT(ERR_SIZE);
    if (!config_parse(&config, str_of(toml), "t.toml", &err)) {
        fail_msg(STR_FMT, STR_ARG(buf_str(&err)));
    }
    assert_int_equal(err.len, 0);
    buf_free(&err);
}

/* Compares and empties @buf. */
static inline void assert_text(struct buf *buf, const char *expected)
{
    buf_putc(buf, '\0');
    assert_true(buf_ok(buf));
    assert_string_equal(buf->ptr, expected);
    buf_free(buf);
}

/* @toml is refused with @expected and changes nothing. */
static inline void assert_refused(struct str toml, const char *expected)
{
    struct buf err = BUF_INIT(ERR_SIZE);
    memcpy(&before, &config, sizeof(config));
    assert_false(config_parse(&config, toml, "t.toml", &err));
    assert_text(&err, expected);
    assert_memory_equal(&before, &config, sizeof(config));
}

static inline void refused(const char *toml, const char *expected)
{
    assert_refused(str_of(toml), expected);
}

static inline void write_file(const char *path, struct str text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
