// SPDX-License-Identifier: Apache-2.0
#include "wire/wire.h"

static void encode(unsigned char *dst, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        dst[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint64_t decode(const char *src, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)(unsigned char)src[i] << (8 * i);
    }
    return value;
}

int wire_parse(struct str bytes, struct wire_frame *ret)
{
    if (bytes.len < WIRE_HEADER_SIZE) {
        return 0;
    }
    uint64_t len = decode(bytes.ptr, 4);
    uint64_t kind = decode(bytes.ptr + 4, 2);
    uint64_t reserved = decode(bytes.ptr + 6, 2);
    if (len > WIRE_PAYLOAD_MAX || kind < WIRE_SETUP || kind > WIRE_SIGN_IN ||
        reserved != 0) {
        return -1;
    }
    if (bytes.len - WIRE_HEADER_SIZE < len) {
        return 0;
    }
    *ret = (struct wire_frame){
        .kind = (enum wire_kind)kind,
        .call = decode(bytes.ptr + 8, 8),
        .payload = {bytes.ptr + WIRE_HEADER_SIZE, (size_t)len},
    };
    return WIRE_HEADER_SIZE + (int)len;
}

static void put_number(struct buf *buf, uint64_t value, size_t size)
{
    unsigned char bytes[8];
    encode(bytes, value, size);
    buf_put(buf, bytes, size);
}

struct wire_writer wire_begin(struct buf *buf, enum wire_kind kind, uint64_t call)
{
    struct wire_writer writer = {buf, buf->len};
    put_number(buf, 0, 4); /* the length, fixed by wire_end() */
    put_number(buf, (uint64_t)kind, 2);
    put_number(buf, 0, 2);
    put_number(buf, call, 8);
    return writer;
}

void wire_u32(struct wire_writer *writer, uint32_t value)
{
    put_number(writer->buf, value, 4);
}

void wire_u64(struct wire_writer *writer, uint64_t value)
{
    put_number(writer->buf, value, 8);
}

void wire_i64(struct wire_writer *writer, int64_t value)
{
    put_number(writer->buf, (uint64_t)value, 8);
}

void wire_str(struct wire_writer *writer, struct str s)
{
    if (s.len > WIRE_PAYLOAD_MAX) {
        writer->buf->failed = true;
        return;
    }
    put_number(writer->buf, s.len, 4);
    buf_put_str(writer->buf, s);
}

bool wire_end(struct wire_writer *writer)
{
    struct buf *buf = writer->buf;
    ASSERT(buf->len >= writer->start);
    if (buf_ok(buf) && buf->len - writer->start - WIRE_HEADER_SIZE <= WIRE_PAYLOAD_MAX) {
        uint64_t len = buf->len - writer->start - WIRE_HEADER_SIZE;
        encode((unsigned char *)buf->ptr + writer->start, len, 4);
        return true;
    }
    buf->len = writer->start;
    buf->failed = true;
    return false;
}

/* Takes @len bytes off the front, NULL once bad. */
static const char *take(struct wire_reader *reader, size_t len)
{
    if (reader->bad || reader->rest.len < len) {
        reader->bad = true;
        return NULL;
    }
    const char *ptr = reader->rest.ptr;
    reader->rest = (struct str){ptr + len, reader->rest.len - len};
    return ptr;
}

uint32_t wire_get_u32(struct wire_reader *reader)
{
    const char *ptr = take(reader, 4);
    return ptr ? (uint32_t)decode(ptr, 4) : 0;
}

uint64_t wire_get_u64(struct wire_reader *reader)
{
    const char *ptr = take(reader, 8);
    return ptr ? decode(ptr, 8) : 0;
}

int64_t wire_get_i64(struct wire_reader *reader)
{
    return (int64_t)wire_get_u64(reader);
}

struct str wire_get_str(struct wire_reader *reader)
{
    uint32_t len = wire_get_u32(reader);
    const char *ptr = take(reader, len);
    return ptr ? (struct str){ptr, len} : STR("");
}

uint32_t wire_get_count(struct wire_reader *reader, size_t element_size)
{
    ASSERT(element_size > 0);
    uint32_t count = wire_get_u32(reader);
    if (count > reader->rest.len / element_size) {
        reader->bad = true;
        return 0;
    }
    return count;
}

bool wire_reader_done(const struct wire_reader *reader)
{
    return !reader->bad && reader->rest.len == 0;
}
