// SPDX-License-Identifier: Apache-2.0
/* Values that a worker reads from files and programs. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/secret.h"

static char path[64];
static struct buf secret;
static struct buf err;

static int set_up(void **state)
{
    (void)state;
    strcpy(path, "/tmp/secret_test_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    err = BUF_INIT(4096);
    return secret_buf(&secret) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    secret_free(&secret);
    buf_free(&err);
    return unlink(path);
}

static void write_file(struct str bytes)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static bool read_secret(enum wire_source source, struct str from)
{
    buf_clear(&err);
    return secret_read(source, STR("password"), from, &secret, &err);
}

static void expect(enum wire_source source, struct str from, struct str want)
{
    if (!read_secret(source, from)) {
        fail_msg(STR_FMT, STR_ARG(buf_str(&err)));
    }
    assert_int_equal(secret.len, want.len);
    assert_memory_equal(secret.ptr, want.ptr, want.len);
}

/* @want follows the option's name. */
static void refuse(enum wire_source source, struct str from, const char *want)
{
    char text[4096];
    assert_false(read_secret(source, from));
    assert_true(str_copy(buf_str(&err), text, sizeof(text)));
    assert_true(strncmp(text, "option password: the ", 21) == 0);
    assert_string_equal(text + 21, want);
}

static void refuse_file(const char *why)
{
    char want[256];
    snprintf(want, sizeof(want), "file \"%s\" %s", path, why);
    refuse(WIRE_FILE, str_of(path), want);
}

static void one_line_end_is_cut(void **state)
{
    (void)state;
    write_file(STR("hunter2"));
    expect(WIRE_FILE, str_of(path), STR("hunter2"));
    write_file(STR("hunter2\n"));
    expect(WIRE_FILE, str_of(path), STR("hunter2"));
    write_file(STR("hunter2\r\n"));
    expect(WIRE_FILE, str_of(path), STR("hunter2"));
    write_file(STR(" hunter2 \n\n"));
    expect(WIRE_FILE, str_of(path), STR(" hunter2 \n"));
    expect(WIRE_COMMAND, STR("printf\0a\\nb\\n"), STR("a\nb"));
}

static void a_file_is_read_anew_each_time(void **state)
{
    (void)state;
    write_file(STR("old and longer"));
    expect(WIRE_FILE, str_of(path), STR("old and longer"));
    write_file(STR("new"));
    expect(WIRE_FILE, str_of(path), STR("new"));
}

static void a_file_that_cannot_be_a_secret_is_refused(void **state)
{
    (void)state;
    refuse_file("gives nothing");
    write_file(STR("\n"));
    refuse_file("gives nothing");
    write_file(STR("hun\0ter2"));
    refuse_file("gives a NUL byte, which no option may hold");
    refuse(WIRE_FILE, STR("/tmp"), "file \"/tmp\" is not a regular file");
    refuse(WIRE_FILE, STR("/no/such"),
        "file \"/no/such\" cannot be read: No such file or directory");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse_file("is not a regular file");
}

static void a_secret_has_at_most_64_kib(void **state)
{
    static char bytes[SECRET_BYTES_MAX + 2];
    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    write_file((struct str){bytes, SECRET_BYTES_MAX});
    expect(WIRE_FILE, str_of(path), (struct str){bytes, SECRET_BYTES_MAX});
    bytes[SECRET_BYTES_MAX] = '\n';
    write_file((struct str){bytes, SECRET_BYTES_MAX + 1});
    refuse_file("gives more than 64 KiB");
    refuse(WIRE_COMMAND, STR("head\0-c\00070000\0/dev/zero"),
        "program \"head\" gives more than 64 KiB");
}

static void a_program_gets_its_arguments_as_they_are(void **state)
{
    (void)state;
    expect(WIRE_COMMAND, STR("printf\0[%s]\0a b\0\0$HOME"), STR("[a b][][$HOME]"));
    expect(WIRE_COMMAND, STR("sh\0-c\0cat; echo done"), STR("done"));
}

static void a_program_that_fails_says_why(void **state)
{
    (void)state;
    refuse(WIRE_COMMAND,
        STR("sh\0-c\0echo hunter2; echo 'no token\tin\033 here' >&2; echo two >&2; exit 3"),
        "program \"sh\" ended with exit status 3: no token in  here");
    refuse(WIRE_COMMAND, STR("sh\0-c\0kill -TERM $$"),
        "program \"sh\" was ended by signal 15");
    refuse(WIRE_COMMAND, STR("/no/such/program"),
        "program \"/no/such/program\" cannot be started: No such file or directory");
    refuse(WIRE_COMMAND, STR("true"), "program \"true\" gives nothing");
    refuse(WIRE_COMMAND, STR(""), "program \"\" must have a name and at most 16 parts");
    refuse(WIRE_COMMAND,
        STR("a\0001\0002\0003\0004\0005\0006\0007\0008\0009\00010\00011\00012\00013\00014\00015\00016"),
        "program \"\" must have a name and at most 16 parts");
}

/* Those of a worker that is confined name what a driver wrote to. */
static void a_program_runs_where_the_daemon_does(void **state)
{
    (void)state;
    char old[4096];
    assert_true(str_copy(str_of(getenv("PATH")), old, sizeof(old)));
    setenv("HOME", "/driver", 1);
    setenv("TMPDIR", "/driver", 1);
    setenv("PATH", "/driver/bin", 1);
    setenv(WIRE_DAEMONS "HOME", "/home/ann", 1);
    setenv(WIRE_DAEMONS "TMPDIR", "", 1);
    setenv(WIRE_DAEMONS "PATH", old, 1);
    expect(WIRE_COMMAND, STR("sh\0-c\0echo $HOME ${TMPDIR-none}; env | grep -c " WIRE_DAEMONS "; true"),
        STR("/home/ann none\n0"));
    expect(WIRE_COMMAND, STR("printenv\0HOME"), STR("/home/ann"));
    assert_string_equal(getenv("HOME"), "/driver"); /* the worker keeps its own */
    setenv("PATH", old, 1);
    unsetenv(WIRE_DAEMONS "HOME");
    unsetenv(WIRE_DAEMONS "TMPDIR");
    unsetenv(WIRE_DAEMONS "PATH");
}

/* What a program leaves behind may keep its ends open. */
static void only_the_program_itself_is_waited_for(void **state)
{
    (void)state;
    expect(WIRE_COMMAND, STR("sh\0-c\0(trap '' HUP; exec sleep 60) & echo hunter2"),
        STR("hunter2"));
}

static void assert_hidden(const char *message, struct str value, const char *want)
{
    char text[64];
    strcpy(text, message);
    secret_hide(text, value);
    assert_string_equal(text, want);
}

static void a_secret_is_hidden_wherever_it_stands(void **state)
{
    (void)state;
    assert_hidden("hunter2", STR("hunter2"), "***");
    assert_hidden("a hunter2hunter2 b hunter2", STR("hunter2"), "a ****** b ***");
    assert_hidden("a hunter b", STR("hunter2"), "a hunter b");
    assert_hidden("abcd", STR("abcd"), "***");
    assert_hidden("a 1 b", STR("1"), "a 1 b");
    assert_hidden("a", STR(""), "a");
    assert_hidden("hun", STR("hun\0ter2"), "hun");
    assert_hidden("", STR("hunter2"), "");
}

static void assert_all_hidden(const char *uri, const char *message, const char *want)
{
    struct secrets secrets = {0};
    char text[256];
    struct buf *whole = secrets_next(&secrets);
    assert_non_null(whole);
    buf_put_str(whole, str_of(uri));
    assert_true(secrets_put_uri(&secrets, str_of(uri)));
    strcpy(text, message);
    secrets_hide(&secrets, text);
    assert_string_equal(text, want);
    for (uint32_t i = 0; i < secrets.count; i++) {
        secret_free(&secrets.at[i]);
    }
}

static void a_password_within_a_uri_is_hidden_by_itself(void **state)
{
    (void)state;
    static const char uri[] = "postgresql://ann:hun%40ter2@db:5432/d";
    assert_all_hidden(uri, "cannot parse postgresql://ann:hun%40ter2@db:5432/d", "cannot parse ***");
    assert_all_hidden(uri, "no password hun%40ter2", "no password ***");
    assert_all_hidden(uri, "no password hun@ter2 of ann", "no password *** of ann");
    assert_all_hidden("host=db password='it\\'s two'", "it's two, it\\'s two", "***, ***");
    assert_all_hidden("host=db password=abc", "abc", "abc"); /* would be found everywhere */
}

/* The first would leave the end of the second. */
static void the_longest_secret_is_hidden_first(void **state)
{
    (void)state;
    struct secrets secrets = {0};
    static const char *const values[] = {"hunter", "a hunter2", "hunter2 and"};
    char text[] = "a hunter2 and hunter";
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct buf *one = secrets_next(&secrets);
        assert_non_null(one);
        buf_put_str(one, str_of(values[i]));
    }
    secrets_hide(&secrets, text);
    assert_string_equal(text, "a *** ***");
    for (uint32_t i = 0; i < secrets.count; i++) {
        secret_free(&secrets.at[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_line_end_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_read_anew_each_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_file_that_cannot_be_a_secret_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_secret_has_at_most_64_kib, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_program_gets_its_arguments_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_program_that_fails_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_program_runs_where_the_daemon_does, set_up, tear_down),
        cmocka_unit_test(a_secret_is_hidden_wherever_it_stands),
        cmocka_unit_test(a_password_within_a_uri_is_hidden_by_itself),
        cmocka_unit_test(the_longest_secret_is_hidden_first),
        cmocka_unit_test_setup_teardown(
            only_the_program_itself_is_waited_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
