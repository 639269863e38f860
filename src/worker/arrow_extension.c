// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_extension.h"

#include "worker/arrow_postgres.h"
#include "worker/arrow_scalar.h"

enum {
    /* Larger numbers are written in base 16: the way to base 10 is quadratic. */
    BIGNUM_BYTES_MAX = 1024,
    BIGNUM_HEADER = 3,
    GROUPS_MAX = BIGNUM_BYTES_MAX * 8 / 29 + 1, /* of nine decimal digits */
};

static void put_hex_byte(struct buf *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    buf_put(out, (char[]){hex[byte >> 4], hex[byte & 15]}, 2);
}

static void put_uuid(struct buf *out, struct str bytes)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            buf_putc(out, '-');
        }
        put_hex_byte(out, (unsigned char)bytes.ptr[i]);
    }
    buf_putc(out, '"');
}

/* Microseconds in the upper 40 bits; below them how far the offset is from the largest.
 */
static void put_zoned_time(struct buf *out, struct str bytes)
{
    uint64_t bits = 0;
    memcpy(&bits, bytes.ptr, bytes.len < sizeof(bits) ? bytes.len : sizeof(bits));
    int offset = 16 * 3600 - 1 - (int)(bits & 0xffffff);
    arrow_put_zoned_time(out, (int64_t)(bits >> 24), 1000000, offset);
}

/* Big-endian bytes, inverted by @mask, as nine digits each in @groups, lowest first. */
static size_t decimal_groups(
    struct str bytes, unsigned char mask, uint32_t groups[GROUPS_MAX])
{
    uint32_t limbs[BIGNUM_BYTES_MAX / 4] = {0};
    size_t limb_count = (bytes.len + 3) / 4;
    size_t count = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[bytes.len - 1 - i] ^ mask;
        limbs[i / 4] |= (uint32_t)byte << (8 * (i % 4));
    }
    while (limb_count > 0) {
        uint64_t rest = 0;
        for (size_t i = limb_count; i-- > 0;) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / 1000000000);
            rest %= 1000000000;
        }
        groups[count++] = (uint32_t)rest;
        while (limb_count > 0 && limbs[limb_count - 1] == 0) {
            limb_count--;
        }
    }
    return count;
}

/*
 * Three bytes whose first bit is set for positive numbers, then the bytes of the number,
 * highest first; those of a negative one are inverted, as its header is.
 */
static void put_bignum(struct buf *out, struct str bytes)
{
    uint32_t groups[GROUPS_MAX];
    bool is_negative = bytes.len > 0 && !(bytes.ptr[0] & 0x80);
    unsigned char mask = is_negative ? 0xff : 0;
    struct str number =
        str_from(bytes, bytes.len < BIGNUM_HEADER ? bytes.len : BIGNUM_HEADER);
    while (number.len > 0 && ((unsigned char)number.ptr[0] ^ mask) == 0) {
        number = str_from(number, 1);
    }
    if (number.len < 8) {
        int64_t value = 0;
        for (size_t i = 0; i < number.len; i++) {
            value = value << 8 | ((unsigned char)number.ptr[i] ^ mask);
        }
        value = is_negative ? -value : value;
        arrow_put_scalar(out, (struct arrow_type){.kind = ARROW_INT, .width = 8},
            (const char *)&value);
        return;
    }
    buf_puts(out, is_negative ? "\"-" : "\"");
    if (number.len > BIGNUM_BYTES_MAX) {
        buf_puts(out, "0x");
        for (size_t i = 0; i < number.len && buf_ok(out); i++) {
            put_hex_byte(out, (unsigned char)number.ptr[i] ^ mask);
        }
    } else {
        size_t count = decimal_groups(number, mask, groups);
        buf_put_u64(out, count > 0 ? groups[count - 1] : 0);
        for (size_t i = count; i-- > 1;) {
            buf_printf(out, "%09u", groups[i - 1]);
        }
    }
    buf_putc(out, '"');
}

void arrow_put_extension(struct buf *out, const struct arrow_cell *cell)
{
    struct arrow_type integer = {
        .kind = ARROW_DECIMAL, .width = 16, .extension = cell->type.extension};
    struct str bytes = {0};
    if (cell->type.kind == ARROW_BINARY) {
        bytes = arrow_cell_bytes(cell);
    }
    switch ((int)cell->type.extension) {
    case ARROW_BOOL8:
        buf_puts(out, arrow_bytes(cell->array, 1)[cell->at] != 0 ? "true" : "false");
        break;
    case ARROW_UUID:
        put_uuid(out, bytes);
        break;
    case ARROW_HUGEINT:
    case ARROW_UHUGEINT:
        arrow_put_scalar(out, integer, bytes.ptr);
        break;
    case ARROW_BIGNUM:
        put_bignum(out, bytes);
        break;
    case ARROW_ZONED_TIME:
        put_zoned_time(out, bytes);
        break;
    default:
        arrow_put_postgres(out, cell->type.extension, bytes);
    }
}

bool arrow_is_short(enum arrow_extension extension)
{
    return extension != ARROW_PLAIN && extension != ARROW_JSON &&
           extension != ARROW_XML && !arrow_is_bits(extension);
}

/* ---- bits ---- */

bool arrow_is_bits(enum arrow_extension extension)
{
    return extension == ARROW_BITS || extension == ARROW_PG_BITS;
}

/* DuckDB: the first byte says how many bits of the second are none. PostgreSQL: the first
 * four say how many there are. */
uint64_t arrow_bit_count(enum arrow_extension extension, struct str bytes)
{
    size_t head = extension == ARROW_PG_BITS ? 4 : 1;
    uint64_t bits = bytes.len > head ? 8 * (uint64_t)(bytes.len - head) : 0;
    if (extension == ARROW_PG_BITS) {
        uint64_t count = arrow_load_big_endian(bytes, 0, 4);
        return count < bits ? count : bits;
    }
    uint64_t unused = bits > 0 ? (unsigned char)bytes.ptr[0] : 0;
    return unused < bits ? bits - unused : 0;
}

bool arrow_bit_at(enum arrow_extension extension, struct str bytes, uint64_t at)
{
    if (extension == ARROW_PG_BITS) {
        return (unsigned char)bytes.ptr[4 + at / 8] >> (7 - at % 8) & 1;
    }
    at += (unsigned char)bytes.ptr[0];
    return (unsigned char)bytes.ptr[1 + at / 8] >> (7 - at % 8) & 1;
}
