// SPDX-License-Identifier: Apache-2.0
/* What a driver's uri says: which parts are secret, and whether it leads to a Unix socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/uri.h"

/* The secrets, joined by blanks. */
static void expect(const char *uri, const char *want)
{
    struct str found[URI_SECRETS_MAX];
    char text[256] = "";
    size_t len = 0;
    uint32_t count = uri_secrets(str_of(uri), found);
    for (uint32_t i = 0; i < count; i++) {
        text[len] = ' ';
        len += i > 0;
        memcpy(text + len, found[i].ptr, found[i].len);
        len += found[i].len;
    }
    text[len] = '\0';
    assert_string_equal(text, want);
}

static void a_password_is_found_where_drivers_take_it_from(void **state)
{
    (void)state;
    expect("postgresql://ann:hunter2@db:5432/d", "hunter2");
    expect("postgresql://ann:p%40ss@db/d?user=x", "p%40ss");
    expect("postgresql://ann:p@ss@db/d", "p@ss");
    expect("postgresql://ann:p:ss@db/d?x=a@b", "p:ss");
    expect("postgresql://db/d?user=ann&password=hunter2&sslmode=require", "hunter2");
    expect("postgresql://db/d?sslpassword=one&PASSWORD=two", "one two");
    expect("ann:hunter2@account/db/schema?warehouse=w&token=abc&passcode=123", "hunter2 abc 123");
    expect("host=db password=hunter2 user=ann", "hunter2");
    expect("host=db password = 'it\\'s two' user=ann", "it\\'s two");
    expect("host=db password=hunter2", "hunter2");
}

/* Which of the two a driver sees depends on the driver. */
static void a_password_that_nobody_encoded_is_found_both_ways(void **state)
{
    (void)state;
    expect("postgresql://ann:p/w@db/d", "p/w");
    expect("postgresql://ann:one@two/x@db/d", "one one@two/x");
}

static void what_holds_no_password_has_none(void **state)
{
    (void)state;
    expect("", "");
    expect("postgresql://ann@db:5432/d", "");
    expect("postgresql://ann:@db/d", "");
    expect("postgresql://db:5432/d?host=/tmp&sslkey=/a", "");
    expect("grpc+tls://lake.example.com:31337", "");
    expect("file:///data/a.db?mode=ro", "");
    expect("password=", "");
    expect("host=db password='", "");
}

static void no_more_are_given_than_fit(void **state)
{
    (void)state;
    char text[1024] = "";
    struct str found[URI_SECRETS_MAX];
    for (int i = 0; i < URI_SECRETS_MAX + 4; i++) {
        strcat(text, "password=x ");
    }
    assert_int_equal(uri_secrets(str_of(text), found), URI_SECRETS_MAX);
}

static void codes_and_backslashes_are_taken_away(void **state)
{
    (void)state;
    char out[32];
    size_t len = uri_decode(STR("a%40%2Fb%zz%4"), out);
    assert_true(str_eq((struct str){out, len}, STR("a@/b%zz%4")));
    len = uri_decode(STR("%41%41"), out);
    assert_true(str_eq((struct str){out, len}, STR("AA")));
    len = uri_unescape(STR("it\\'s \\\\ \\"), out);
    assert_true(str_eq((struct str){out, len}, STR("it's \\ \\")));
}

static void a_host_that_is_a_path_or_none_is_a_socket(void **state)
{
    (void)state;
    static const char *const sockets[] = {"postgresql:///d", "postgresql://%2Fvar%2Frun/d",
        "postgresql://u@/d?host=/var/run", "host=/var/run user=u", "user=u dbname=d", ""};
    static const char *const others[] = {"postgresql://u@h/d", "host=h user=u",
        "postgresql://h:5432/d?user=x"};
    for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
        assert_true(uri_names_socket(str_of(sockets[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(uri_names_socket(str_of(others[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_found_where_drivers_take_it_from),
        cmocka_unit_test(a_password_that_nobody_encoded_is_found_both_ways),
        cmocka_unit_test(what_holds_no_password_has_none),
        cmocka_unit_test(no_more_are_given_than_fit),
        cmocka_unit_test(codes_and_backslashes_are_taken_away),
        cmocka_unit_test(a_host_that_is_a_path_or_none_is_a_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
