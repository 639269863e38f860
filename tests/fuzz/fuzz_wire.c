// SPDX-License-Identifier: Apache-2.0
/*
 * Frames and their fields. Oracles: a frame lies inside of its bytes, no part of it is a
 * frame, writing it again gives the same bytes, and fields lie inside of the payload.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "wire/wire.h"

static void check_inside(struct str whole, struct str part)
{
    ASSERT(part.len <= whole.len);
    ASSERT(part.len == 0 ||
           (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void read_field(struct wire_reader *reader, struct str payload, unsigned which)
{
    size_t before = reader->rest.len;
    bool was_bad = reader->bad;
    uint64_t number = 0;
    struct str text = STR("");
    switch (which % 5) {
    case 0:
        number = wire_get_u32(reader);
        break;
    case 1:
        number = wire_get_u64(reader);
        break;
    case 2:
        number = (uint64_t)wire_get_i64(reader);
        break;
    case 3:
        text = wire_get_str(reader);
        check_inside(payload, text);
        break;
    default:
        number = wire_get_count(reader, 1 + which / 5);
        ASSERT(number <= reader->rest.len / (1 + which / 5));
    }
    ASSERT(reader->rest.len <= before && (reader->bad || !was_bad));
    ASSERT(!was_bad || (number == 0 && text.len == 0 && !wire_reader_done(reader)));
    check_inside(payload, reader->rest);
}

/* As the worker and the daemon read them, and in orders that depend on the bytes. */
static void read_fields(const struct wire_frame *frame)
{
    static const char *const orders[] = {"3", "34333", "0", "433000", "33433043", "033200",
        "33020331", "14", "2222", "330", "11"};
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct wire_reader reader = wire_reader_of(frame);
        for (const char *c = orders[i]; *c; c++) {
            read_field(&reader, frame->payload, (unsigned)(*c - '0'));
        }
    }
    struct wire_reader reader = wire_reader_of(frame);
    for (size_t i = 0; i < frame->payload.len && !reader.bad && reader.rest.len > 0;
         i++) {
        read_field(&reader, frame->payload, (unsigned char)frame->payload.ptr[i]);
    }
    ASSERT(!reader.bad || !wire_reader_done(&reader));
}

static void check_rewrite(struct str bytes, const struct wire_frame *frame)
{
    struct buf again = BUF_INIT(WIRE_PAYLOAD_MAX + WIRE_HEADER_SIZE);
    struct wire_writer writer = wire_begin(&again, frame->kind, frame->call);
    buf_put_str(&again, frame->payload);
    ASSERT(wire_end(&writer));
    ASSERT(str_eq(buf_str(&again), bytes));
    buf_free(&again);
}

static void check_parts(struct str bytes)
{
    struct wire_frame frame;
    for (size_t len = 0; len < bytes.len; len++) {
        int used = wire_parse((struct str){bytes.ptr, len}, &frame);
        ASSERT(used == 0);
    }
}

static void run(struct str input)
{
    read_fields(&(struct wire_frame){.payload = input});
    if (input.len > WIRE_HEADER_SIZE) {
        read_fields(&(struct wire_frame){.payload = str_from(input, WIRE_HEADER_SIZE)});
    }
    for (struct str rest = input;;) {
        struct wire_frame frame;
        int used = wire_parse(rest, &frame);
        ASSERT(used >= -1 && used <= (int)rest.len);
        if (used <= 0) {
            return;
        }
        struct str bytes = {rest.ptr, (size_t)used};
        ASSERT(frame.kind >= WIRE_SETUP && frame.kind <= WIRE_SIGN_IN);
        ASSERT(frame.payload.len + WIRE_HEADER_SIZE == bytes.len);
        check_inside(bytes, frame.payload);
        check_rewrite(bytes, &frame);
        check_parts(bytes);
        read_fields(&frame);
        rest = str_from(rest, (size_t)used);
    }
}

int main(int argc, char **argv)
{
    static const struct str words[] = {FUZZ_WORD("\0\0\0\0"), FUZZ_WORD("\1\0\0\0"),
        FUZZ_WORD("\4\0\0\0test"), FUZZ_WORD("\377\377\377\377"), FUZZ_WORD("\0\0\040\0"),
        FUZZ_WORD("\1\0\040\0"), FUZZ_WORD("\5\0\0\0\3\0\0\0\2\1\0\0\0\0\0\0"),
        FUZZ_WORD("\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0"),
        FUZZ_WORD("\377\377\377\377\377\377\377\177")};
    static const struct fuzz_target target = {"wire", 4096, words, ARRAY_LEN(words), run};
    return fuzz_main(argc, argv, &target);
}
