// SPDX-License-Identifier: Apache-2.0
/* What passes through the bridge, and what it does when the daemon goes and comes. */
#include "bridge_rig.h"

#include <errno.h>
#include <fcntl.h>

enum {
    STALL_BYTES_MAX = 16 * 1024 * 1024
};

/* ---- passing on ---- */

static void lines_pass_both_ways_unchanged(void **state)
{
    static const char *const lines[] = {INITIALIZE,
        "{ \"jsonrpc\" : \"2.0\",\"method\":\"notifications/initialized\"}",
        "not json at all", "{\"id\":1,\"method\":\"\\ud83d\\ude00\",\"x\":1.0e2}", "[]",
        "[" CALL("5") "]", "7", CALL("null"), "{\"id\":{},\"method\":3}\r"};
    struct rig rig;
    (void)state;
    rig_start(&rig);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        write_line(rig.to, lines[i]);
        expect(&rig.daemon, lines[i]);
    }
    write_line(rig.to, "");
    static const char *const answers[] = {RESULT("0"), RESULT("99"),
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}", "[" RESULT("5") "]",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700}}",
        "{\"method\":\"notifications/message\",\"params\":{\"snowmux\":\"bye\"}}"};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        write_line(rig.daemon.fd, answers[i]);
        expect(&rig.from, answers[i]);
    }
    rig_stop(&rig);
}

static void single_bytes_make_lines(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    for (const char *c = CALL("1") "\n" CALL("2") "\n"; *c; c++) {
        write_all(rig.to, (struct str){c, 1});
    }
    expect(&rig.daemon, CALL("1"));
    expect(&rig.daemon, CALL("2"));
    for (const char *c = RESULT("2") "\n" RESULT("1") "\n"; *c; c++) {
        write_all(rig.daemon.fd, (struct str){c, 1});
    }
    expect(&rig.from, RESULT("2"));
    expect(&rig.from, RESULT("1"));
    rig_stop(&rig);
}

static void long_lines_pass(void **state)
{
    struct rig rig;
    char *line = large_call(1, LINES_LINE_MAX - 53);
    (void)state;
    assert_int_equal(strlen(line), LINES_LINE_MAX);
    rig_start(&rig);
    for (int i = 0; i < 3; i++) {
        write_line(rig.to, line);
        expect(&rig.daemon, line);
        write_line(rig.daemon.fd, line);
        expect(&rig.from, line);
    }
    free(line);
    rig_stop(&rig);
}

/* Writes lines until nobody takes them; returns how many bytes went. */
static size_t write_until_stall(int fd, const char *line)
{
    size_t total = 0;
    size_t len = strlen(line) + 1;
    struct buf lines = BUF_INIT(TEXT_MAX);
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    buf_printf(&lines, "%s\n", line);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while (total < STALL_BYTES_MAX && poll(&poll_fd, 1, STALL_MS) > 0) {
        ssize_t written = write(fd, lines.ptr + total % len, len - total % len);
        assert_true(written > 0 || errno == EAGAIN);
        total += written > 0 ? (size_t)written : 0;
    }
    buf_free(&lines);
    return total;
}

static void expect_lines(struct end *end, const char *line, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect(end, line);
    }
}

static void check_back_pressure(int to, struct end *end)
{
    static const char line[] = "{\"method\":\"notifications/x\",\"params\":{\"y\":1}}";
    size_t total = write_until_stall(to, line);
    size_t len = strlen(line) + 1;
    assert_in_range(total, 64 * 1024, MB);
    expect_lines(end, line, total / len);
    write_line(to, line + total % len);
    expect(end, line);
}

static void a_side_that_does_not_read_stops_the_other(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    check_back_pressure(rig.to, &rig.daemon);
    check_back_pressure(rig.daemon.fd, &rig.from);
    rig_stop(&rig);
}

static void a_line_too_long_is_answered_and_skipped(void **state)
{
    struct rig rig;
    char *line = large_call(1, 3 * MB);
    (void)state;
    rig_start(&rig);
    write_line(rig.to, line);
    expect(&rig.from,
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"A line may "
        "have 1114112 bytes; this one is longer. Nothing of it was done.\"}}");
    write_line(rig.to, CALL("2"));
    expect(&rig.daemon, CALL("2"));
    free(line);
    rig_stop(&rig);
}

static void the_bridges_own_lines_are_refused_from_the_client(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    write_line(rig.to, "{\"\\u0073nowmux\":\"again\",\"message\":" CALL("1") "}");
    expect_in(&rig.from, "\"id\":null,\"error\":{\"code\":-32600");
    write_line(rig.to, "{\"x\":1,\"snowmux\":\"bye\"}");
    expect_in(&rig.from, "\"id\":null,\"error\":{\"code\":-32600");
    write_line(rig.to, "{\"params\":{\"snowmux\":\"bye\"}}");
    expect(&rig.daemon, "{\"params\":{\"snowmux\":\"bye\"}}");
    rig_stop(&rig);
}

static void progress_passes_and_answers_nothing(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    static const char *const calls[] = {CALL("7"), CALL("\"t\"")};
    static const char *const told[] = {PROGRESS("7", "1.0"), PROGRESS("\"t\"", "1.5"),
        PROGRESS("7", "2.0"), PROGRESS("8", "1.0")};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        write_line(rig.to, calls[i]);
        expect(&rig.daemon, calls[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        write_line(rig.daemon.fd, told[i]);
        expect(&rig.from, told[i]);
    }
    rig_break_off(&rig); /* both are still to be answered */
    rig_accept(&rig, HELLO_FIRST, NEW);
    expect(&rig.daemon, AGAIN(CALL("7")));
    expect(&rig.daemon, AGAIN(CALL("\"t\"")));
    write_line(rig.daemon.fd, PROGRESS("7", "86400.0"));
    write_line(rig.daemon.fd, RESULT("7"));
    expect(&rig.from, PROGRESS("7", "86400.0"));
    expect(&rig.from, RESULT("7"));
    rig_stop(&rig);
}

/* ---- the daemon goes and comes ---- */

static void a_session_goes_on_with_what_was_not_answered(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    write_line(rig.to, INITIALIZE);
    expect(&rig.daemon, INITIALIZE);
    write_line(rig.daemon.fd, SESSION);
    write_line(rig.daemon.fd, RESULT("0"));
    expect(&rig.from, RESULT("0"));
    static const char *const calls[] = {
        CALL("7"), CALL("\"7\""), CALL("8"), CALL("\"a\"")};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        write_line(rig.to, calls[i]);
        expect(&rig.daemon, calls[i]);
    }
    write_line(rig.daemon.fd, RESULT("7"));
    write_line(rig.daemon.fd, RESULT("\"\\u0061\""));
    expect(&rig.from, RESULT("7"));
    expect(&rig.from, RESULT("\"\\u0061\""));
    rig_break_off(&rig);
    rig_accept(&rig, HELLO_SESSION, RESUMED);
    expect(&rig.daemon, AGAIN(CALL("\"7\"")));
    expect(&rig.daemon, AGAIN(CALL("8")));
    write_line(rig.to, CALL("9"));
    expect(&rig.daemon, CALL("9"));
    write_line(rig.daemon.fd, RESULT("8"));
    expect(&rig.from, RESULT("8"));
    rig_stop(&rig);
}

static void a_new_session_gets_initialize_first_and_its_answer_is_swallowed(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    write_line(rig.to, CALL("\"early\""));
    write_line(rig.to, INITIALIZE);
    expect(&rig.daemon, CALL("\"early\""));
    expect(&rig.daemon, INITIALIZE);
    write_line(rig.daemon.fd, SESSION);
    write_line(rig.daemon.fd, RESULT("0"));
    expect(&rig.from, RESULT("0"));
    for (int i = 0; i < 2; i++) {
        rig_break_off(&rig);
        rig_accept(&rig, i == 0 ? HELLO_SESSION : HELLO_FIRST, NEW);
        expect(&rig.daemon, AGAIN(INITIALIZE));
        expect(&rig.daemon, AGAIN(CALL("\"early\"")));
        write_line(rig.daemon.fd, RESULT("0"));
    }
    write_line(rig.daemon.fd, RESULT("\"early\""));
    expect(&rig.from, RESULT("\"early\""));
    write_line(rig.daemon.fd, RESULT("0"));
    expect(&rig.from, RESULT("0"));
    rig_stop(&rig);
}

static void an_initialize_without_answer_is_offered_and_its_answer_passed_on(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    write_line(rig.to, INITIALIZE);
    expect(&rig.daemon, INITIALIZE);
    write_line(rig.to, CANCEL("0"));
    expect(&rig.daemon, CANCEL("0"));
    rig_break_off(&rig);
    rig_accept(&rig, HELLO_FIRST, NEW);
    expect(&rig.daemon, AGAIN(INITIALIZE));
    write_line(rig.daemon.fd, RESULT("0"));
    expect(&rig.from, RESULT("0"));
    rig_stop(&rig);
}

static void a_cancelled_request_is_not_offered_again(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    write_line(rig.to, CALL("1"));
    write_line(rig.to, CALL("null"));
    write_line(rig.to, CALL("2"));
    write_line(rig.to, CANCEL("1"));
    write_line(rig.to, CANCEL("\"2\""));
    expect(&rig.daemon, CALL("1"));
    expect(&rig.daemon, CALL("null"));
    expect(&rig.daemon, CALL("2"));
    expect(&rig.daemon, CANCEL("1"));
    expect(&rig.daemon, CANCEL("\"2\""));
    rig_break_off(&rig);
    rig_accept(&rig, HELLO_FIRST, RESUMED);
    expect(&rig.daemon, AGAIN(CALL("2")));
    write_line(rig.to, CALL("3"));
    expect(&rig.daemon, CALL("3"));
    rig_stop(&rig);
}

static void requests_of_a_batch_are_offered_one_by_one(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    write_line(rig.to, "[" CALL("1") "," CALL("2") "," CALL("3") "]");
    expect(&rig.daemon, "[" CALL("1") "," CALL("2") "," CALL("3") "]");
    write_line(rig.daemon.fd, "[" RESULT("2") "]");
    expect(&rig.from, "[" RESULT("2") "]");
    rig_break_off(&rig);
    rig_accept(&rig, HELLO_FIRST, RESUMED);
    expect(&rig.daemon, AGAIN(CALL("1")));
    expect(&rig.daemon, AGAIN(CALL("3")));
    rig_stop(&rig);
}

static void what_was_never_sent_is_sent_plainly(void **state)
{
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_start_bridge(&rig, "--socket", rig.socket, "1");
    write_line(rig.to, INITIALIZE);
    write_line(rig.to, CALL("1"));
    rig_listen(&rig);
    rig_accept(&rig, HELLO_FIRST, NEW);
    expect(&rig.daemon, INITIALIZE);
    expect(&rig.daemon, CALL("1"));
    rig_stop(&rig);
}

static void a_line_cut_by_the_break_is_sent_whole(void **state)
{
    struct rig rig;
    char *line = large_call(1, MB);
    (void)state;
    rig_start(&rig);
    write_line(rig.to, line);
    assert_true(read_some(&rig.daemon));
    rig_break_off(&rig);
    rig_accept(&rig, HELLO_FIRST, NEW);
    expect(&rig.daemon, line);
    free(line);
    rig_stop(&rig);
}

static void an_offer_cut_by_the_break_is_made_again(void **state)
{
    struct rig rig;
    char *line = large_call(1, 600 * 1024);
    struct buf again = BUF_INIT(TEXT_MAX);
    (void)state;
    rig_start(&rig);
    write_line(rig.to, line);
    expect(&rig.daemon, line);
    for (int i = 0; i < 2; i++) {
        rig_break_off(&rig);
        rig_accept(&rig, HELLO_FIRST, NEW);
        assert_true(read_some(&rig.daemon));
    }
    buf_printf(&again, AGAIN("%s") "%c", line, '\0');
    expect(&rig.daemon, again.ptr);
    buf_free(&again);
    free(line);
    rig_stop(&rig);
}

static void what_a_leaving_daemon_said_last_arrives(void **state)
{
    struct rig rig;
    char *first = large_call(1, MB);
    char *second = large_call(2, 100 * 1024);
    struct buf last = BUF_INIT(TEXT_MAX);
    (void)state;
    rig_start(&rig);
    write_line(rig.to, CALL("1"));
    expect(&rig.daemon, CALL("1"));
    write_line(rig.daemon.fd, first);
    /* The client does not read, so the bridge does not either: this stays in the socket.
     */
    buf_printf(&last, "%s\n" RESULT("1") "\n", second);
    write_all(rig.daemon.fd, buf_str(&last));
    rig_listen_no_more(&rig);
    rig_break_off(&rig);
    write_line(rig.to, CALL("2"));
    expect(&rig.from, first);
    expect(&rig.from, second);
    expect(&rig.from, RESULT("1"));
    rig_listen(&rig);
    rig_accept(&rig, HELLO_FIRST, RESUMED);
    expect(&rig.daemon, CALL("2"));
    buf_free(&last);
    free(first);
    free(second);
    rig_stop(&rig);
}

static void a_request_too_large_to_keep_is_answered_when_lost(void **state)
{
    struct rig rig;
    char *first = large_call(1, 600 * 1024);
    char *second = large_call(2, 600 * 1024);
    struct buf again = BUF_INIT(TEXT_MAX);
    (void)state;
    rig_start(&rig);
    write_line(rig.to, first);
    expect(&rig.daemon, first);
    write_line(rig.to, second);
    expect(&rig.daemon, second);
    write_line(rig.to, CALL("3"));
    expect(&rig.daemon, CALL("3"));
    rig_break_off(&rig);
    expect_in(&rig.from,
        "\"id\":2,\"error\":{\"code\":-32603,\"message\":\"The snowmux daemon "
        "went away before it answered, and this request was too large");
    rig_accept(&rig, HELLO_FIRST, RESUMED);
    buf_printf(&again, AGAIN("%s") "%c", first, '\0');
    expect(&rig.daemon, again.ptr);
    expect(&rig.daemon, AGAIN(CALL("3")));
    buf_free(&again);
    free(first);
    free(second);
    rig_stop(&rig);
}

static void unanswered_requests_are_bounded(void **state)
{
    struct rig rig;
    char *line = large_call(1, 1000);
    size_t len = strlen(line) + 1;
    size_t total = 0;
    (void)state;
    rig_start(&rig);
    struct pollfd fds[] = {
        {.fd = rig.to, .events = POLLOUT}, {.fd = rig.daemon.fd, .events = POLLIN}};
    line[strlen(line)] = '\n'; /* no string any more */
    assert_int_equal(fcntl(rig.to, F_SETFL, O_NONBLOCK), 0);
    /* The daemon reads, but does not answer. */
    while (total < STALL_BYTES_MAX && poll(fds, ARRAY_LEN(fds), STALL_MS) > 0) {
        if (fds[0].revents) {
            ssize_t written = write(rig.to, line + total % len, len - total % len);
            total += written > 0 ? (size_t)written : 0;
        }
        if (fds[1].revents) {
            assert_true(read_some(&rig.daemon));
        }
    }
    /* The second half of the bound holds ids alone, of some sixty bytes each. */
    assert_in_range(total, MB, 8 * MB);
    buf_free(&rig.daemon.in);
    free(line);
    /* The end of input is seen all the same. */
    rig_stop(&rig);
}

static void a_request_that_ends_each_daemon_is_answered(void **state)
{
    struct rig rig;
    (void)state;
    rig_start(&rig);
    write_line(rig.to, CALL("1"));
    expect(&rig.daemon, CALL("1"));
    for (int i = 0; i < 3; i++) {
        rig_break_off(&rig);
        rig_accept(&rig, HELLO_FIRST, NEW);
        expect(&rig.daemon, AGAIN(CALL("1")));
    }
    rig_break_off(&rig);
    expect_in(&rig.from,
        "\"id\":1,\"error\":{\"code\":-32603,\"message\":\"The snowmux daemon "
        "went away each time");
    rig_accept(&rig, HELLO_FIRST, NEW);
    write_line(rig.to, CALL("2"));
    expect(&rig.daemon, CALL("2"));
    rig_stop(&rig);
}

static void what_is_no_daemon_is_left(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 400 Bad Request", RESULT("1"), SESSION, "{\"snowmux\":\"other\"}"};
    struct rig rig;
    (void)state;
    rig_make_dir(&rig);
    rig_listen(&rig);
    rig_start_bridge(&rig, "--socket", rig.socket, "1");
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        rig_accept(&rig, HELLO_FIRST, answers[i]);
        expect_end(&rig.daemon);
        rig_break_off(&rig);
    }
    rig_accept(&rig, HELLO_FIRST, NEW);
    char *line = large_call(1, LINES_LINE_MAX);
    write_line(rig.daemon.fd, line);
    expect_end(&rig.daemon);
    rig_break_off(&rig);
    free(line);
    rig_accept(&rig, HELLO_FIRST, NEW);
    write_line(rig.daemon.fd, "not json");
    expect_end(&rig.daemon);
    rig_break_off(&rig);
    rig_accept(&rig, HELLO_FIRST, NEW);
    rig_stop(&rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_pass_both_ways_unchanged),
        cmocka_unit_test(single_bytes_make_lines),
        cmocka_unit_test(long_lines_pass),
        cmocka_unit_test(a_side_that_does_not_read_stops_the_other),
        cmocka_unit_test(a_line_too_long_is_answered_and_skipped),
        cmocka_unit_test(the_bridges_own_lines_are_refused_from_the_client),
        cmocka_unit_test(progress_passes_and_answers_nothing),
        cmocka_unit_test(a_session_goes_on_with_what_was_not_answered),
        cmocka_unit_test(a_new_session_gets_initialize_first_and_its_answer_is_swallowed),
        cmocka_unit_test(
            an_initialize_without_answer_is_offered_and_its_answer_passed_on),
        cmocka_unit_test(a_cancelled_request_is_not_offered_again),
        cmocka_unit_test(requests_of_a_batch_are_offered_one_by_one),
        cmocka_unit_test(what_was_never_sent_is_sent_plainly),
        cmocka_unit_test(a_line_cut_by_the_break_is_sent_whole),
        cmocka_unit_test(an_offer_cut_by_the_break_is_made_again),
        cmocka_unit_test(what_a_leaving_daemon_said_last_arrives),
        cmocka_unit_test(a_request_too_large_to_keep_is_answered_when_lost),
        cmocka_unit_test(unanswered_requests_are_bounded),
        cmocka_unit_test(a_request_that_ends_each_daemon_is_answered),
        cmocka_unit_test(what_is_no_daemon_is_left),
    };
    int status;
    if (rig_is_other_program(argc, argv, &status)) {
        return status;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
