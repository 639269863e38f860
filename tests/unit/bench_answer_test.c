// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "answer.h"
#include "base/assert.h"

static const char plain[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                            "mcp-session-id: s_1\r\ncontent-LENGTH: 5\r\n\r\nhello";
static const char chunked[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\nB\r\n\r\n0\r\n\r\n    \r\n0\r\n\r\n";
static const char empty[] = "HTTP/1.1 204 No Content\r\n\r\n";

static void whole_only_when_the_last_byte_is_there(void **state)
{
    (void)state;
    const char *all[] = {plain, chunked, empty};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct answer answer;
        for (size_t len = 0; len < strlen(all[i]); len++) {
            assert_int_equal(answer_parse((struct str){all[i], len}, &answer), 0);
        }
        assert_int_equal(answer_parse(str_of(all[i]), &answer), strlen(all[i]));
    }
}

static void says_status_session_and_kind(void **state)
{
    (void)state;
    struct answer answer;
    assert_true(answer_parse(str_of(plain), &answer) > 0);
    assert_int_equal(answer.status, 200);
    assert_true(str_eq(answer.body, STR("hello")));
    assert_true(str_eq(answer.session, STR("s_1")));
    assert_false(answer.is_stream);
    assert_true(answer_parse(str_of(chunked), &answer) > 0);
    assert_true(answer.is_stream && !answer.session.ptr);
    assert_true(str_starts(answer.body, STR("5\r\nhello")));
    assert_true(answer_parse(str_of(empty), &answer) > 0);
    assert_int_equal(answer.status, 204);
    assert_int_equal(answer.body.len, 0);
}

static void stops_at_the_end_of_the_first_answer(void **state)
{
    (void)state;
    static const char two[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n";
    struct answer answer;
    assert_int_equal(answer_parse(str_of(two), &answer), 40);
}

static void refuses_what_is_no_http(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxy\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct answer answer;
        assert_int_equal(answer_parse(str_of(bad[i]), &answer), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_only_when_the_last_byte_is_there),
        cmocka_unit_test(says_status_session_and_kind),
        cmocka_unit_test(stops_at_the_end_of_the_first_answer),
        cmocka_unit_test(refuses_what_is_no_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
