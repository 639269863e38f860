// SPDX-License-Identifier: Apache-2.0
/* Where files lie, with and without the variables that say so. */
#include "config_fixture.h"

#include <sys/stat.h>

#include "config/paths.h"

static struct paths paths;
static char err_text[ERR_SIZE];

/* Variables for paths below @dir; NULL unsets one. */
static void set_env(const char *name, const char *below)
{
    char value[PATH_SIZE * 2];
    snprintf(value, sizeof(value), "%s/%s", dir, below ? below : "");
    assert_int_equal(below ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void assert_below(const char *path, const char *below)
{
    char expected[PATH_SIZE * 2];
    snprintf(expected, sizeof(expected), "%s/%s", dir, below);
    assert_string_equal(path, expected);
}

static void find(const char *state_or_null, const char *config_or_null)
{
    if (!paths_find(&paths, state_or_null, config_or_null, err_text, sizeof(err_text))) {
        fail_msg("%s", err_text);
    }
}

static void paths_follow_the_xdg_variables(void **state)
{
    (void)state;
    struct stat status;
    set_env("HOME", "home");
    set_env("XDG_STATE_HOME", "state");
    set_env("XDG_CONFIG_HOME", "conf");
    find(NULL, NULL);
    assert_below(paths.state, "state/snowmux");
    assert_below(paths.config, "conf/snowmux/snowmux.toml");
    assert_false(paths.config_given);
    assert_int_equal(stat(paths.state, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    find(NULL, NULL);
    assert_below(paths.state, "state/snowmux");
}

static void paths_without_xdg_variables_are_below_home(void **state)
{
    (void)state;
    struct stat status;
    set_env("HOME", "home");
    set_env("XDG_STATE_HOME", NULL);
    /* A relative one counts as unset, as its specification says. */
    assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
    find(NULL, NULL);
    assert_below(paths.state, "home/.local/state/snowmux");
    assert_below(paths.config, "home/.config/snowmux/snowmux.toml");
    assert_int_equal(stat(paths.state, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    set_env("HOME", NULL);
    set_env("XDG_CONFIG_HOME", NULL);
    assert_false(paths_find(&paths, NULL, NULL, err_text, sizeof(err_text)));
    assert_string_equal(err_text,
        "there is no place for the state: name one with --state DIR, or set HOME");
    find(dir, NULL);
    assert_string_equal(paths.config, "");
}

static void paths_that_were_given_win(void **state)
{
    (void)state;
    char text[PATH_SIZE * 2];
    set_env("HOME", "home");
    set_env("XDG_STATE_HOME", "state");
    set_env("XDG_CONFIG_HOME", "conf");
    assert_int_equal(chdir(dir), 0);
    find("a//b/c/", "x.toml");
    assert_below(paths.state, "a/b/c");
    assert_below(paths.config, "x.toml");
    assert_true(paths.config_given);
    assert_int_equal(access("state", F_OK), -1);
    find(".", "/etc/x.toml");
    assert_string_equal(paths.state, dir);
    assert_string_equal(paths.config, "/etc/x.toml");
    assert_int_equal(symlink("a/b", "link"), 0);
    snprintf(text, sizeof(text), "%s/link/c", dir);
    find(text, NULL);
    assert_below(paths.state, "a/b/c");
    assert_false(paths.config_given);
    assert_int_equal(chdir("/"), 0);
}

static void refused_paths(
    const char *state_arg, const char *config_arg, const char *expected)
{
    assert_false(paths_find(&paths, state_arg, config_arg, err_text, sizeof(err_text)));
    assert_string_equal(err_text, expected);
}

static void paths_that_cannot_be_are_refused(void **state)
{
    (void)state;
    char text[PATHS_SIZE + 1];
    char expected[PATHS_SIZE * 2];
    refused_paths("", NULL, "--state must name a directory, got \"\"");
    refused_paths(dir, "", "--config must name a file, got \"\"");
    snprintf(text, sizeof(text), "%s/file", dir);
    write_file(text, STR(""));
    snprintf(expected, sizeof(expected),
        "cannot create the state directory %s: Not a directory", text);
    refused_paths(text, NULL, expected);
    snprintf(text, sizeof(text), "%s/file/below", dir);
    snprintf(expected, sizeof(expected),
        "cannot create the state directory %s: Not a directory", text);
    refused_paths(text, NULL, expected);
    memset(text, 'x', PATHS_SIZE);
    text[PATHS_SIZE] = '\0';
    refused_paths(
        text, NULL, "the state directory's path is too long: at most 4095 bytes");
    refused_paths(dir, text, "the configuration's path is too long: at most 4095 bytes");
}

static void find_socket(const char *setting)
{
    if (!paths_set_socket(&paths, setting, err_text, sizeof(err_text))) {
        fail_msg("%s", err_text);
    }
}

static void each_state_directory_has_a_socket_of_its_own(void **state)
{
    (void)state;
    char first[PATHS_SOCKET_SIZE];
    assert_int_equal(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
    snprintf(paths.state, sizeof(paths.state), "/var/lib/snowmux");
    find_socket("auto");
    /* Fixed for all versions: a bridge must find the daemon of another one. */
    assert_below(paths.socket, "snowmux-0891b8306f11a183.sock");
    memcpy(first, paths.socket, sizeof(first));
    find_socket("auto");
    assert_string_equal(paths.socket, first);
    snprintf(paths.state, sizeof(paths.state), "/var/lib/snowmuy");
    find_socket("auto");
    assert_string_not_equal(paths.socket, first);
}

static void the_socket_is_where_it_can_be(void **state)
{
    (void)state;
    char path[PATH_SIZE * 2];
    find(dir, NULL);
    set_env("XDG_RUNTIME_DIR", NULL);
    find_socket("auto");
    snprintf(path, sizeof(path), "%s/snowmux-", dir);
    assert_true(str_starts(str_of(paths.socket), str_of(path)));
    set_env("XDG_RUNTIME_DIR", "not_there");
    find_socket("auto");
    assert_true(str_starts(str_of(paths.socket), str_of(path)));
    set_env("XDG_RUNTIME_DIR", "run");
    snprintf(path, sizeof(path), "%s/run", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    find_socket("auto");
    snprintf(path, sizeof(path), "%s/run/snowmux-", dir);
    assert_true(str_starts(str_of(paths.socket), str_of(path)));
    find_socket("/run/x.sock");
    assert_string_equal(paths.socket, "/run/x.sock");
}

static void a_socket_path_too_long_is_refused(void **state)
{
    (void)state;
    char path[128];
    char expected[512];
    snprintf(path, sizeof(path), "/%0106d", 1);
    find_socket(path);
    assert_int_equal(strlen(paths.socket), 107);
    snprintf(path, sizeof(path), "/%0107d", 1);
    assert_false(paths_set_socket(&paths, path, err_text, sizeof(err_text)));
    snprintf(expected, sizeof(expected),
        "the socket's path has 108 bytes and the kernel takes 107: %s; set [listen] socket "
        "to a shorter one",
        path);
    assert_string_equal(err_text, expected);
    assert_false(paths_set_socket(&paths, "", err_text, sizeof(err_text)));
    assert_string_equal(err_text, "the socket must be \"auto\" or a path, got \"\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths_follow_the_xdg_variables),
        TEST(paths_without_xdg_variables_are_below_home),
        TEST(paths_that_were_given_win),
        TEST(paths_that_cannot_be_are_refused),
        TEST(each_state_directory_has_a_socket_of_its_own),
        TEST(the_socket_is_where_it_can_be),
        TEST(a_socket_path_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
