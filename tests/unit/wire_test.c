// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "wire/wire.h"

static void put_example(struct buf *buf)
{
    struct wire_writer writer = wire_begin(buf, WIRE_EXEC, 0x1122334455667788);
    wire_u32(&writer, 7);
    wire_u64(&writer, UINT64_MAX);
    wire_i64(&writer, -1);
    wire_str(&writer, STR("sel\0ect"));
    wire_str(&writer, STR(""));
    assert_true(wire_end(&writer));
}

static void round_trip(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(1024);
    put_example(&buf);
    put_example(&buf);
    struct wire_frame frame;
    int used = wire_parse(buf_str(&buf), &frame);
    assert_int_equal(used, buf.len / 2);
    assert_int_equal(wire_parse(str_from(buf_str(&buf), (size_t)used), &frame), used);
    assert_int_equal(frame.kind, WIRE_EXEC);
    assert_true(frame.call == 0x1122334455667788);
    struct wire_reader reader = wire_reader_of(&frame);
    assert_int_equal(wire_get_u32(&reader), 7);
    assert_true(wire_get_u64(&reader) == UINT64_MAX);
    assert_true(wire_get_i64(&reader) == -1);
    assert_false(wire_reader_done(&reader));
    assert_true(str_eq(wire_get_str(&reader), STR("sel\0ect")));
    assert_int_equal(wire_get_str(&reader).len, 0);
    assert_true(wire_reader_done(&reader));
    buf_free(&buf);
}

static void layout_is_fixed(void **state)
{
    (void)state;
    static const unsigned char expected[] = {
        5, 0, 0, 0, 3, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'x'};
    struct buf buf = BUF_INIT(64);
    struct wire_writer writer = wire_begin(&buf, WIRE_CANCEL, 0x102);
    wire_str(&writer, STR("x"));
    assert_true(wire_end(&writer));
    assert_int_equal(buf.len, sizeof(expected));
    assert_memory_equal(buf.ptr, expected, sizeof(expected));
    buf_free(&buf);
}

static void truncated_at_each_byte(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(1024);
    put_example(&buf);
    struct wire_frame frame;
    for (size_t len = 0; len < buf.len; len++) {
        assert_int_equal(wire_parse((struct str){buf.ptr, len}, &frame), 0);
    }
    assert_int_equal(wire_parse(buf_str(&buf), &frame), buf.len);
    struct str payload = frame.payload;
    for (size_t len = 0; len < payload.len; len++) {
        struct wire_reader reader = {.rest = {payload.ptr, len}};
        wire_get_u32(&reader);
        wire_get_u64(&reader);
        wire_get_i64(&reader);
        wire_get_str(&reader);
        wire_get_str(&reader);
        assert_true(reader.bad);
        assert_int_equal(wire_get_u32(&reader), 0);
        assert_false(wire_reader_done(&reader));
    }
    buf_free(&buf);
}

static void malformed_headers(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        char byte;
    } faults[] = {{2, 0x21}, {3, 1}, {4, 0}, {4, 20}, {5, 1}, {6, 1}, {7, 1}};
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct buf buf = BUF_INIT(1024);
        put_example(&buf);
        buf.ptr[faults[i].at] = faults[i].byte;
        struct wire_frame frame;
        assert_int_equal(wire_parse(buf_str(&buf), &frame), -1);
        buf_free(&buf);
    }
}

static void too_large_is_refused(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(WIRE_PAYLOAD_MAX);
    struct buf buf = BUF_INIT(2 * (size_t)WIRE_PAYLOAD_MAX);
    for (int i = 0; i < WIRE_PAYLOAD_MAX; i++) {
        buf_putc(&text, 'x');
    }
    struct wire_writer writer = wire_begin(&buf, WIRE_PAGE, 1);
    wire_str(&writer, buf_str(&text));
    assert_false(wire_end(&writer));
    assert_int_equal(buf.len, 0);
    buf_clear(&buf);
    text.len -= 4;
    writer = wire_begin(&buf, WIRE_PAGE, 1);
    wire_str(&writer, buf_str(&text));
    assert_true(wire_end(&writer));
    struct wire_frame frame;
    assert_int_equal(
        wire_parse(buf_str(&buf), &frame), WIRE_PAYLOAD_MAX + WIRE_HEADER_SIZE);
    buf_free(&buf);
    buf_free(&text);
}

static void counts_are_bounded(void **state)
{
    (void)state;
    struct wire_reader reader = {.rest = STR("\2\0\0\0"
                                             "12345678")};
    assert_int_equal(wire_get_count(&reader, 4), 2);
    reader = (struct wire_reader){.rest = STR("\3\0\0\0"
                                              "12345678")};
    assert_int_equal(wire_get_count(&reader, 4), 0);
    assert_true(reader.bad);
    reader = (struct wire_reader){.rest = STR("\377\377\377\377")};
    assert_int_equal(wire_get_str(&reader).len, 0);
    assert_true(reader.bad);
}

static void garbage(void **state)
{
    (void)state;
    struct rng rng = {42};
    for (int round = 0; round < 100000; round++) {
        char bytes[64];
        size_t len = rng_below(&rng, sizeof(bytes));
        for (size_t i = 0; i < len; i++) {
            bytes[i] = (char)rng_below(&rng, i < 8 && rng_below(&rng, 2) ? 16 : 256);
        }
        struct wire_frame frame;
        int used = wire_parse((struct str){bytes, len}, &frame);
        assert_true(used >= -1 && used <= (int)len);
        if (used > 0) {
            struct wire_reader reader = wire_reader_of(&frame);
            while (!reader.bad) {
                struct str s = wire_get_str(&reader);
                assert_true(s.len <= frame.payload.len);
                wire_get_count(&reader, 1);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(layout_is_fixed),
        cmocka_unit_test(truncated_at_each_byte),
        cmocka_unit_test(malformed_headers),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
