// SPDX-License-Identifier: Apache-2.0
/*
 * Profiles, files, and the documentation: UPDATE_DOCS=1 writes docs/configuration.md anew
 * instead of comparing it.
 */
#include "config_fixture.h"

static void profiles_have_names_and_files(void **state)
{
    (void)state;
    refused("[profile.x]\n",
        "t.toml:1: [profile.x] has the driver \"duckdb\" and no files; name at least one: "
        "files = [\"PATH\"]");
    refused("[profile]\ndriver = 'duckdb'\n",
        "t.toml:2: [profile] holds sections [profile.NAME]; \"driver\" must be one, "
        "got \"duckdb\"");
    refused("[profile.\"a b\"]\n", "t.toml:1: the profile name \"a b\"" NAME_RULE);
    refused("[profile.\"\"]\n", "t.toml:1: the profile name \"\"" NAME_RULE);
    refused(
        "[profile.0123456789012345678901234567890123456789012345678901234567890123]\n",
        "t.toml:1: the profile name "
        "\"0123456789012345678901234567890123456789012345678901234567890123\"" NAME_RULE);
    refused("[profile.x]\nfiles = 'a'",
        "t.toml:2: profile.x.files must be an array of 1 to 64 paths, got \"a\"");
    refused("[profile.x]\nfiles = []",
        "t.toml:2: profile.x.files must be an array of 1 to 64 paths, got 0");
    refused("[profile.x]\nfiles = ['a',\n'']",
        "t.toml:3: profile.x.files[] must be a path, got \"\"");
    refused("[profile.x]\nfiles = [1]",
        "t.toml:2: profile.x.files[] must be a string, got 1");
    struct buf toml = BUF_INIT(1024);
    buf_puts(&toml, "[profile.x]\nfiles = [");
    for (int i = 0; i <= CONFIG_FILES_MAX; i++) {
        buf_puts(&toml, "'f',");
    }
    buf_puts(&toml, "]");
    assert_refused(buf_str(&toml),
        "t.toml:2: profile.x.files must be an array of 1 to 64 paths, got 65");
    buf_free(&toml);
}

static void profiles_are_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_PROFILES_MAX; i++) {
        char toml[64];
        snprintf(toml, sizeof(toml), "[profile.p%d]\nfiles = ['f']\n", i);
        parse(toml);
    }
    refused("[profile.p8]\nfiles = ['f']",
        "t.toml:1: [profile.p8] is one too many: at most 8 profiles are possible");
    parse("profile.p7.slots = 2");
    assert_int_equal(config.profile[7].slots, 2);
}

static void options_are_checked(void **state)
{
    (void)state;
#define OPTION_RULE " must be a string without NUL, an integer or a boolean"
    refused("[profile.x]\noptions = 'a'",
        "t.toml:2: profile.x.options must be a table, got \"a\"");
    refused("[profile.x.options]\na = 1.5",
        "t.toml:2: profile.x.options.\"a\"" OPTION_RULE ", got a number with a fraction");
    refused("[profile.x.options]\na.b = []",
        "t.toml:2: profile.x.options.\"a.b\"" OPTION_RULE ", got an array");
    /* A value may be a secret: it is not shown. */
    refused("[profile.x.options]\npassword = \"hunter\\u00002\"",
        "t.toml:2: profile.x.options.\"password\"" OPTION_RULE);
    refused("[profile.x.options]\n\"\" = 1",
        "t.toml:2: a key of profile.x.options must have 1 to 255 bytes and no NUL");
    refused("[profile.x.options]\n\"a\\u0000\" = 1",
        "t.toml:2: a key of profile.x.options must have 1 to 255 bytes and no NUL");
    char key[512];
    snprintf(key, sizeof(key), "[profile.x.options]\na.%0254d = 1", 1);
    refused(
        key, "t.toml:2: a key of profile.x.options must have 1 to 255 bytes and no NUL");
    struct buf toml = BUF_INIT(1024);
    buf_puts(&toml, "[profile.x]\nfiles = ['f']\n[profile.x.options]\n");
    for (int i = 0; i < CONFIG_OPTIONS_MAX; i++) {
        buf_printf(&toml, "k%d = %d\n", i, i);
    }
    buf_putc(&toml, '\0');
    parse(toml.ptr);
    assert_int_equal(config.profile[0].options.len, CONFIG_OPTIONS_MAX);
    toml.len--;
    buf_puts(&toml, "more = 1\n");
    assert_refused(buf_str(&toml),
        "t.toml:36: profile.x.options must be a table of at most 32 keys, got more");
    buf_free(&toml);
}

static void relative_paths_start_at_the_file(void **state)
{
    (void)state;
    char path[PATH_SIZE * 2];
    char expected[PATH_SIZE * 2];
    struct buf err = BUF_INIT(ERR_SIZE);
    snprintf(path, sizeof(path), "%s/c.toml", dir);
    write_file(
        path, STR("listen.socket = 's.sock'\n"
                  "[profile.a]\nfiles = ['w.duckdb', '/abs/x.duckdb', '../y']\n"
                  "[profile.b]\ndriver = './libx.so'\n[profile.c]\ndriver = 'x'\n"));
    /* Also where the file itself is named by a relative path. */
    assert_int_equal(chdir(dir), 0);
    const char *names[] = {path, "c.toml", "./c.toml"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        config_free(&config);
        config_init(&config);
        assert_true(config_read(&config, names[i], &err));
        snprintf(expected, sizeof(expected), "%s/s.sock", dir);
        assert_string_equal(config.listen_socket, expected);
        snprintf(expected, sizeof(expected), "%s/w.duckdb", dir);
        assert_string_equal(config.profile[0].files.at[0], expected);
        assert_string_equal(config.profile[0].files.at[1], "/abs/x.duckdb");
        snprintf(expected, sizeof(expected), "%s/../y", dir);
        assert_string_equal(config.profile[0].files.at[2], expected);
        snprintf(expected, sizeof(expected), "%s/./libx.so", dir);
        assert_string_equal(config.profile[1].driver, expected);
        assert_string_equal(config.profile[2].driver, "x");
    }
    assert_int_equal(chdir("/"), 0);
    write_file(path, STR("listen.socket = 'auto'\n"));
    assert_true(config_read(&config, path, &err));
    assert_string_equal(config.listen_socket, "auto");
    buf_free(&err);
}

static void a_path_too_long_with_its_directory_is_refused(void **state)
{
    (void)state;
    char path[PATH_SIZE * 2];
    char toml[512];
    char expected[ERR_SIZE];
    struct buf err = BUF_INIT(ERR_SIZE);
    snprintf(path, sizeof(path), "%s/c.toml", dir);
    snprintf(toml, sizeof(toml), "listen.socket = '%0255d'", 7);
    write_file(path, str_of(toml));
    memcpy(&before, &config, sizeof(config));
    assert_false(config_read(&config, path, &err));
    snprintf(expected, sizeof(expected),
        "%s:1: listen.socket must be a path of at most 255 bytes, got %zu bytes with the "
        "directory %s",
        path, strlen(dir) + 256, dir);
    assert_text(&err, expected);
    assert_memory_equal(&before, &config, sizeof(config));
}

static void unreadable_files_are_told_apart(void **state)
{
    (void)state;
    char path[PATH_SIZE * 2];
    char expected[ERR_SIZE];
    struct buf err = BUF_INIT(ERR_SIZE);
    snprintf(path, sizeof(path), "%s/none.toml", dir);
    assert_false(config_read(&config, path, &err));
    snprintf(expected, sizeof(expected), "%s: there is no such configuration file", path);
    assert_text(&err, expected);
    assert_false(config_read(&config, dir, &err));
    snprintf(expected, sizeof(expected),
        "%s: cannot read the configuration: Is a directory", dir);
    assert_text(&err, expected);
    struct buf text = BUF_INIT(TEXT_MAX);
    for (int i = 0; i < 1024 * 1024; i++) {
        buf_putc(&text, '\n');
    }
    write_file(path, buf_str(&text));
    assert_true(config_read(&config, path, &err));
    buf_putc(&text, '\n');
    write_file(path, buf_str(&text));
    assert_false(config_read(&config, path, &err));
    snprintf(expected, sizeof(expected),
        "%s: a configuration has at most 1048576 bytes, this is longer", path);
    assert_text(&err, expected);
    buf_free(&text);
}

static void files_on_the_command_line_make_a_profile(void **state)
{
    (void)state;
    struct buf err = BUF_INIT(ERR_SIZE);
    const char *files[CONFIG_FILES_MAX + 1] = {"a.duckdb", "/b"};
    assert_true(config_add_duckdb(&config, "main", files, 2, &err));
    assert_string_equal(config.profile[0].name, "main");
    assert_string_equal(config.profile[0].driver, "duckdb");
    assert_int_equal(config.profile[0].slots, 8);
    assert_int_equal(config.profile[0].files.len, 2);
    assert_string_equal(config.profile[0].files.at[0], "a.duckdb");
    memcpy(&before, &config, sizeof(config));
    assert_false(config_add_duckdb(&config, "main", files, 1, &err));
    assert_text(&err, "there is a profile named \"main\" already");
    assert_false(config_add_duckdb(&config, "a b", files, 1, &err));
    assert_text(&err, "the profile name \"a b\"" NAME_RULE);
    assert_false(config_add_duckdb(&config, "x", files, 0, &err));
    assert_text(&err, "a DuckDB profile has 1 to 64 files, got 0");
    assert_false(config_add_duckdb(&config, "x", files, CONFIG_FILES_MAX + 1, &err));
    assert_text(&err, "a DuckDB profile has 1 to 64 files, got 65");
    files[1] = "";
    assert_false(config_add_duckdb(&config, "x", files, 2, &err));
    assert_text(&err, "a file's path has 1 to 4095 bytes, got 0");
    assert_int_equal(config.profile_count, 1);
    for (int i = 1; i < CONFIG_PROFILES_MAX; i++) {
        char name[8];
        snprintf(name, sizeof(name), "p%d", i);
        assert_true(config_add_duckdb(&config, name, files, 1, &err));
    }
    assert_false(config_add_duckdb(&config, "x", files, 1, &err));
    assert_text(&err, "\"x\" is one profile too many: at most 8 are possible");
}

static void read_text(const char *path, struct buf *text)
{
    char chunk[4096];
    FILE *file = fopen(path, "r");
    if (!file) {
        return;
    }
    for (size_t len; (len = fread(chunk, 1, sizeof(chunk), file)) > 0;) {
        buf_put(text, chunk, len);
    }
    assert_int_equal(fclose(file), 0);
}

static void the_documentation_is_that_of_the_table(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct buf expected = BUF_INIT(TEXT_MAX);
    struct buf text = BUF_INIT(TEXT_MAX);
    const char *source = getenv("SNOWMUX_SOURCE");
    assert_non_null(source);
    snprintf(path, sizeof(path), "%s/docs/configuration.md", source);
    config_describe(&expected);
    assert_true(buf_ok(&expected));
    if (getenv("UPDATE_DOCS")) {
        write_file(path, buf_str(&expected));
    }
    read_text(path, &text);
    if (!str_eq(buf_str(&text), buf_str(&expected))) {
        fail_msg("docs/configuration.md is not what src/config says; write it anew with "
                 "UPDATE_DOCS=1 meson test -C build config_file");
    }
    buf_free(&text);
    buf_free(&expected);
}

/* Each fenced example of the documentation is a configuration that is accepted. */
static void the_examples_of_the_documentation_work(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(TEXT_MAX);
    int examples = 0;
    config_describe(&text);
    buf_putc(&text, '\0');
    for (char *at = text.ptr; (at = strstr(at, "```toml\n")); examples++) {
        at += strlen("```toml\n");
        char *end = strstr(at, "```\n");
        assert_non_null(end);
        *end = '\0';
        parse(at);
        at = end + 1;
    }
    assert_int_equal(examples, 4);
    assert_int_equal(config.profile_count, 2);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(profiles_have_names_and_files),
        TEST(profiles_are_bounded),
        TEST(options_are_checked),
        TEST(relative_paths_start_at_the_file),
        TEST(a_path_too_long_with_its_directory_is_refused),
        TEST(unreadable_files_are_told_apart),
        TEST(files_on_the_command_line_make_a_profile),
        TEST(the_documentation_is_that_of_the_table),
        TEST(the_examples_of_the_documentation_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
