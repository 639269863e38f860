// SPDX-License-Identifier: Apache-2.0
/* How the bridge ends, what it says without a daemon, how it starts one, how small it is.
 */
#include "bridge_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

enum {
    PRIVATE_DIRTY_MAX_KB = 2048
};

/* ---- ends ---- */

static void signals_end_it_as_the_end_of_input_does(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct rig rig;
        rig_start(&rig);
        kill(rig.pid, signals[i]);
        expect(&rig.daemon, BYE);
        expect_end(&rig.daemon);
        expect_end(&rig.from);
        expect_end(&rig.errors);
        assert_int_equal(rig_status(&rig), 0);
        rig_free(&rig);
    }
}

static void good_bye_is_said_even_before_the_daemons_hello(void **state)
{
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_listen(&rig);
    rig_start_bridge(&rig, "--socket", rig.socket, "1");
    rig_accept(&rig, HELLO_FIRST, NULL);
    rig_stop(&rig);
}

static void the_end_of_input_ends_it_without_a_daemon(void **state)
{
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_start_bridge(&rig, "--socket", rig.socket, "1");
    write_line(rig.to, CALL("1"));
    rig_stop(&rig);
}

static void a_refusal_is_told_and_ends_it(void **state)
{
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_listen(&rig);
    rig_start_bridge(&rig, "--socket", rig.socket, "1");
    rig_accept(&rig, HELLO_FIRST,
        "{\"snowmux\":\"refused\",\"message\":\"Too old:\\nupdate.\"}");
    expect(&rig.errors, "snowmux: Too old: update.");
    write_line(rig.to, CALL("\"x\""));
    expect(&rig.from, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":-32603,"
                      "\"message\":\"Too old:\\nupdate.\"}}");
    expect_end(&rig.from);
    expect_end(&rig.errors);
    assert_int_equal(rig_status(&rig), 1);
    rig_free(&rig);
}

/* Starts a bridge that must answer a request with @problem and end. */
static void check_failure(
    const char *option, const char *value_or_null, const char *speed, const char *problem)
{
    struct rig rig;
    rig_make_dir(&rig);
    rig_start_bridge(&rig, option, value_or_null ? value_or_null : rig.socket, speed);
    write_line(rig.to, INITIALIZE);
    write_line(rig.to, CALL("1"));
    char *line = read_line(&rig.from);
    const char *start =
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32603,\"message\":\"";
    assert_memory_equal(line, start, strlen(start));
    free(line);
    expect_in(&rig.from, problem);
    expect_in(&rig.errors, problem);
    expect_end(&rig.from);
    expect_end(&rig.errors);
    assert_int_equal(rig_status(&rig), 1);
    rig_free(&rig);
}

static void without_any_daemon_requests_are_answered_and_it_fails(void **state)
{
    (void)state;
    check_failure("--socket", NULL, "20",
        "No such file or directory). Start it with `snowmux "
        "serve`, or leave out --socket");
    check_failure("--socket", "", "1", "--socket takes a path of 1 to 107 bytes");
    check_failure("--state", "/none", "1", "--state: /none cannot be created");
}

static void a_lost_daemon_is_waited_for_while_requests_are_answered(void **state)
{
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_listen(&rig);
    rig_start_bridge(&rig, "--socket", rig.socket, "20");
    rig_accept(&rig, HELLO_FIRST, NEW);
    write_line(rig.to, CALL("1"));
    expect(&rig.daemon, CALL("1"));
    rig_listen_no_more(&rig);
    rig_break_off(&rig);
    write_line(rig.to, CALL("2"));
    expect_in(&rig.from,
        "\"id\":1,\"error\":{\"code\":-32603,\"message\":\"There is no snowmux");
    expect_in(&rig.from, "\"id\":2,\"error\":{\"code\":-32603");
    expect_in(&rig.errors, "INFO snowmux: There is no snowmux daemon (no answer at");
    write_line(rig.to, CALL("3"));
    expect_in(&rig.from, "\"id\":3,\"error\":{\"code\":-32603");
    rig_listen(&rig);
    rig_accept(&rig, HELLO_FIRST, NEW);
    write_line(rig.to, CALL("4"));
    expect(&rig.daemon, CALL("4"));
    write_line(rig.daemon.fd, RESULT("4"));
    expect(&rig.from, RESULT("4"));
    rig_stop(&rig);
}

static void a_silent_daemon_is_given_up(void **state)
{
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_listen(&rig);
    rig_start_bridge(&rig, "--socket", rig.socket, "20");
    rig_accept(&rig, HELLO_FIRST, NULL);
    write_line(rig.to, CALL("1"));
    struct pollfd poll_fd = {.fd = rig.from.fd, .events = POLLIN};
    while (poll(&poll_fd, 1, STALL_MS) == 0) {
        write_line(rig.to, "{}"); /* lets it look at its clock, which is fast */
    }
    expect_in(&rig.from, "accepts connections but does not answer");
    expect_in(&rig.errors, "snowmux: There is no snowmux daemon");
    assert_int_equal(rig_status(&rig), 1);
    rig_free(&rig);
}

static void a_closed_standard_input_is_an_ended_one(void **state)
{
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_listen(&rig);
    int kept = dup(STDIN_FILENO);
    rig_start_bridge(&rig, "--closed", rig.socket, "1");
    close(kept);
    expect_end(&rig.from);
    expect_end(&rig.errors);
    assert_int_equal(rig_status(&rig), 0);
    rig_free(&rig);
}

static void a_bridge_without_a_name_has_one_of_its_directory(void **state)
{
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_listen(&rig);
    assert_int_equal(chdir("/"), 0);
    rig_start_bridge(&rig, "--nameless", rig.socket, "1");
    rig_accept(&rig,
        "{\"snowmux\":\"hello\",\"version\":1,\"instance\":\"af63a24c860189fe\",\"session\":null}",
        NEW);
    rig_stop(&rig);
}

/* ---- starting a daemon ---- */

/* The process that answered; -1 when it was not given the request as an "again". */
static pid_t answered_by(struct rig *rig, bool again)
{
    char *line = read_line(&rig->from);
    const char *pid = strstr(line, "\"pid\":");
    assert_non_null(pid);
    assert_true((strstr(line, "\"again\":true") != NULL) == again);
    pid_t ret = (pid_t)strtol(pid + strlen("\"pid\":"), NULL, 10);
    free(line);
    return ret;
}

static void two_bridges_start_one_daemon_and_another_when_it_dies(void **state)
{
    struct rig rig;
    struct rig other;
    struct stat st;
    char path[PATHS_SIZE];
    (void)state;
    rig_make_dir(&rig);
    other = rig;
    other.from.in = other.errors.in = BUF_INIT(TEXT_MAX);
    rig_start_bridge(&rig, "--state", rig.dir, "1");
    rig_start_bridge(&other, "--state", rig.dir, "1");
    write_line(rig.to, CALL("1"));
    write_line(other.to, CALL("1"));
    pid_t first = answered_by(&rig, false);
    assert_int_equal(answered_by(&other, false), first);
    /* Neither a child nor of the session of whoever started it. */
    assert_int_not_equal(getsid(first), getsid(0));
    assert_int_not_equal(getsid(first), first);
    assert_int_equal(waitpid(first, NULL, WNOHANG), -1);
    snprintf(path, sizeof(path), "%s/snowmux.log", rig.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct end log = {open(path, O_RDONLY | O_CLOEXEC), BUF_INIT(TEXT_MAX)};
    while (read_some(&log)) {
    }
    buf_putc(&log.in, '\0');
    assert_non_null(strstr(log.in.ptr, "listening at"));
    assert_non_null(strstr(log.in.ptr, "and standard error is here"));
    close(log.fd);
    buf_free(&log.in);
    write_line(rig.to, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"hang\"}");
    write_line(rig.to, CALL("3"));
    assert_int_equal(answered_by(&rig, false), first);
    kill(first, SIGKILL);
    pid_t second = answered_by(&rig, true);
    assert_int_not_equal(second, first);
    write_line(other.to, CALL("4"));
    assert_int_equal(answered_by(&other, false), second);
    close(other.to);
    expect_end(&other.from);
    assert_int_equal(rig_status(&other), 0);
    close(other.from.fd);
    close(other.errors.fd);
    buf_free(&other.from.in);
    buf_free(&other.errors.in);
    rig_stop(&rig);
}

static void a_program_that_cannot_be_started_is_named(void **state)
{
    (void)state;
    check_failure("--program", "/nowhere/snowmux", "20",
        "none can be started (cannot start /nowhere/snowmux: No such file or directory)");
}

/* ---- memory ---- */

static long private_dirty_kb(pid_t pid)
{
    char path[64];
    char line[256];
    long kb = -1;
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (kb < 0 && fgets(line, sizeof(line), file)) {
        if (strncmp(line, "Private_Dirty:", 14) == 0) {
            kb = strtol(line + 14, NULL, 10);
        }
    }
    fclose(file);
    return kb;
}

static void an_idle_bridge_is_small(void **state)
{
    struct rig rig;
    (void)state;
    if (IS_SANITIZED) {
        skip();
    }
    char *large = large_call(1, MB);
    rig_start(&rig);
    for (int i = 0; i < 8; i++) {
        write_line(rig.to, large);
        expect(&rig.daemon, large);
        write_line(rig.daemon.fd, large);
        expect(&rig.from, large);
        write_line(rig.daemon.fd, RESULT("1"));
        expect(&rig.from, RESULT("1"));
    }
    for (int i = 0; i < 1000; i++) {
        write_line(rig.to, CALL("2"));
    }
    for (int i = 0; i < 1000; i++) {
        expect(&rig.daemon, CALL("2"));
        write_line(rig.daemon.fd, RESULT("2"));
        expect(&rig.from, RESULT("2"));
    }
    long kb = private_dirty_kb(rig.pid);
    print_message("private dirty memory: %ld kB\n", kb);
    assert_in_range(kb, 1, PRIVATE_DIRTY_MAX_KB - 1);
    free(large);
    rig_stop(&rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_end_it_as_the_end_of_input_does),
        cmocka_unit_test(good_bye_is_said_even_before_the_daemons_hello),
        cmocka_unit_test(the_end_of_input_ends_it_without_a_daemon),
        cmocka_unit_test(a_refusal_is_told_and_ends_it),
        cmocka_unit_test(without_any_daemon_requests_are_answered_and_it_fails),
        cmocka_unit_test(a_lost_daemon_is_waited_for_while_requests_are_answered),
        cmocka_unit_test(a_silent_daemon_is_given_up),
        cmocka_unit_test(a_closed_standard_input_is_an_ended_one),
        cmocka_unit_test(a_bridge_without_a_name_has_one_of_its_directory),
        cmocka_unit_test(two_bridges_start_one_daemon_and_another_when_it_dies),
        cmocka_unit_test(a_program_that_cannot_be_started_is_named),
        cmocka_unit_test(an_idle_bridge_is_small),
    };
    int status;
    if (rig_is_other_program(argc, argv, &status)) {
        return status;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
