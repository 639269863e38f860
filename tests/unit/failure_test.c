// SPDX-License-Identifier: Apache-2.0
/* What the words and codes of drivers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"
#include "wire/wire.h"
#include "worker/failure.h"

#define FLIGHT                                                                           \
    "[FlightSQL] not logged in. Detail: Unauthenticated (Unauthenticated; ExecuteQuery)"

static void who_logs_in_is_refused_or_the_warehouse_is_not_reached(void **state)
{
    static const struct {
        bool is_refused;
        struct failure failure;
    } table[] = {
        {true, {ADBC_STATUS_UNAUTHENTICATED, FLIGHT, "", 0}},
        {true, {ADBC_STATUS_UNAUTHORIZED, "[FlightSQL] locked", "", 0}},
        {false,
            {ADBC_STATUS_IO, "[FlightSQL] connection error: connect: refused", "", 14}},
        {true, {ADBC_STATUS_IO, "[Snowflake] 390100 (08004): Incorrect ...", "08004",
                   390100}},
        {true, {ADBC_STATUS_IO, "[Snowflake] 390144 (08004): JWT token ...", "08004",
                   390144}},
        {false, {ADBC_STATUS_IO, "[Snowflake] 390114 (08001): expired", "08001", 390114}},
        {false,
            {ADBC_STATUS_IO, "[Snowflake] 261004 (08004): HTTP: 503", "08004", 261004}},
        {true,
            {ADBC_STATUS_IO,
                "[libpq] Failed to connect: FATAL:  password authentication failed for user",
                "", 0}},
        {true, {ADBC_STATUS_IO, "[libpq] Failed to connect: no pg_hba.conf entry for", "",
                   0}},
        {true,
            {ADBC_STATUS_IO,
                "[libpq] Failed to connect: fe_sendauth: no password supplied", "", 0}},
        {true, {ADBC_STATUS_IO, "[libpq] Failed: role \"a\" is not permitted to log in",
                   "", 0}},
        {false, {ADBC_STATUS_IO, "[libpq] Failed: the database system is starting up", "",
                    0}},
        {false,
            {ADBC_STATUS_IO, "[libpq] Failed: database \"tset\" does not exist", "", 0}},
        {false, {ADBC_STATUS_INTERNAL, "a file on authentication failed to open", "", 0}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (failure_is_refused(&table[i].failure) != table[i].is_refused) {
            fail_msg("%s", table[i].failure.message);
        }
    }
}

static void a_refusal_stands_before_the_words_and_the_words_may_be_long(void **state)
{
    (void)state;
    struct failure failure;
    failure_set(&failure, "no such user");
    failure_say_refused(&failure);
    assert_string_equal(failure.message, WIRE_LOGIN_REFUSED "no such user");
    memset(failure.message, 'a', sizeof(failure.message) - 1);
    memcpy(failure.message + sizeof(failure.message) - sizeof(WIRE_LOGIN_REFUSED) - 1,
        "\xc3\xa9", 2);
    failure_say_refused(&failure);
    assert_true(str_starts(str_of(failure.message), STR(WIRE_LOGIN_REFUSED "aaa")));
    assert_int_equal(
        strlen(failure.message), sizeof(failure.message) - 2); /* whole characters */
    assert_int_equal(failure.message[sizeof(failure.message) - 3], 'a');
}

static void a_session_that_the_server_forgot_is_a_lost_connection(void **state)
{
    static const struct failure forgot = {ADBC_STATUS_UNAUTHENTICATED, FLIGHT, "", 0};
    static const struct failure gone = {ADBC_STATUS_IO, "[FlightSQL] EOF", "", 14};
    static const struct failure denied = {
        ADBC_STATUS_UNAUTHORIZED, "[FlightSQL] reader may only read", "", 0};
    (void)state;
    assert_true(failure_is_lost(&forgot));
    assert_true(failure_is_lost(&gone));
    assert_false(failure_is_lost(&denied));
}

static void what_fails_on_its_way_is_lost_and_what_fails_at_its_end_is_not(void **state)
{
    static const struct {
        bool is_lost;
        struct failure failure;
    } table[] = {
        {false, {ADBC_STATUS_IO, "Failed to step query: integer overflow", "", 0}},
        {false, {ADBC_STATUS_IO,
                    "Failed to step query: attempt to write a readonly database", "", 0}},
        {false, {ADBC_STATUS_IO,
                    "[libpq] ReadRecord failed at row 0: Expected nested record type to "
                    "have 1 fields but got 2",
                    "", 0}},
        {false,
            {ADBC_STATUS_INVALID_DATA, "[libpq] Execution error: division", "22012", 0}},
        {true, {ADBC_STATUS_IO, "[libpq] Execution error: FATAL", "57P01", 0}},
        {true, {ADBC_STATUS_IO, "Failed to prepare query: no connection to the server",
                   "", 0}},
        {true, {ADBC_STATUS_IO,
                   "[libpq] PQgetCopyData() failed: server closed the connection "
                   "unexpectedly",
                   "", 0}},
        {true, {ADBC_STATUS_INTERNAL, "Post \"https://a/queries\": EOF", "", 0}},
        {false, {ADBC_STATUS_INTERNAL, "[Snowflake] no warehouse", "57P03", 606}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (failure_is_lost(&table[i].failure) != table[i].is_lost) {
            fail_msg("%s", table[i].failure.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_logs_in_is_refused_or_the_warehouse_is_not_reached),
        cmocka_unit_test(a_refusal_stands_before_the_words_and_the_words_may_be_long),
        cmocka_unit_test(a_session_that_the_server_forgot_is_a_lost_connection),
        cmocka_unit_test(what_fails_on_its_way_is_lost_and_what_fails_at_its_end_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
