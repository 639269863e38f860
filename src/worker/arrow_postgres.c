// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_postgres.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "worker/arrow_scalar.h"

static const struct {
    const char *name;
    enum arrow_extension extension;
} known[] = {
    {"bit", ARROW_PG_BITS},
    {"varbit", ARROW_PG_BITS},
    {"timetz", ARROW_PG_ZONED_TIME},
    {"inet", ARROW_PG_INET},
    {"cidr", ARROW_PG_INET},
    {"xml", ARROW_XML},
    {"xid", ARROW_PG_NUMBER},
    {"xid8", ARROW_PG_NUMBER},
    {"cid", ARROW_PG_NUMBER},
    /* Their names are the server's to tell. */
    {"regclass", ARROW_PG_NUMBER},
    {"regcollation", ARROW_PG_NUMBER},
    {"regconfig", ARROW_PG_NUMBER},
    {"regdictionary", ARROW_PG_NUMBER},
    {"regnamespace", ARROW_PG_NUMBER},
    {"regoper", ARROW_PG_NUMBER},
    {"regoperator", ARROW_PG_NUMBER},
    {"regproc", ARROW_PG_NUMBER},
    {"regprocedure", ARROW_PG_NUMBER},
    {"regrole", ARROW_PG_NUMBER},
    {"regtype", ARROW_PG_NUMBER},
    {"tid", ARROW_PG_TID},
    {"pg_lsn", ARROW_PG_LSN},
    {"macaddr", ARROW_PG_MAC},
    {"macaddr8", ARROW_PG_MAC},
    {"point", ARROW_PG_POINT},
};

/* The driver asks the server for no range's name; these numbers are the same everywhere.
 */
static const struct {
    const char *unnamed;
    const char *name;
} ranges[] = {
    {"unnamed<oid:3904>", "int4range"},
    {"unnamed<oid:3905>", "int4range[]"},
    {"unnamed<oid:3906>", "numrange"},
    {"unnamed<oid:3907>", "numrange[]"},
    {"unnamed<oid:3908>", "tsrange"},
    {"unnamed<oid:3909>", "tsrange[]"},
    {"unnamed<oid:3910>", "tstzrange"},
    {"unnamed<oid:3911>", "tstzrange[]"},
    {"unnamed<oid:3912>", "daterange"},
    {"unnamed<oid:3913>", "daterange[]"},
    {"unnamed<oid:3926>", "int8range"},
    {"unnamed<oid:3927>", "int8range[]"},
};

enum arrow_extension arrow_postgres_extension(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(name, str_of(known[i].name))) {
            return known[i].extension;
        }
    }
    return ARROW_PLAIN;
}

struct str arrow_postgres_name(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (str_eq(name, str_of(ranges[i].unnamed))) {
            return str_of(ranges[i].name);
        }
    }
    return name;
}

uint64_t arrow_load_big_endian(struct str bytes, size_t at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size && at + i < bytes.len; i++) {
        value = value << 8 | (unsigned char)bytes.ptr[at + i];
    }
    return value;
}

/* Microseconds, then seconds west of Greenwich. */
static void put_zoned_time(struct buf *out, struct str bytes)
{
    int west = (int)(int32_t)arrow_load_big_endian(bytes, 8, 4);
    arrow_put_zoned_time(out, (int64_t)arrow_load_big_endian(bytes, 0, 8), 1000000,
        west > INT32_MIN ? -west : 0);
}

/* Family, bits of the net, is it a net, and how many bytes of address follow. */
static void put_inet(struct buf *out, struct str bytes)
{
    char text[INET6_ADDRSTRLEN];
    bool is_v4 = bytes.len == 8;
    if ((!is_v4 && bytes.len != 20) ||
        !inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.ptr + 4, text, sizeof(text))) {
        buf_puts(out, "null");
        return;
    }
    unsigned bits = (unsigned char)bytes.ptr[1];
    bool is_net = bytes.ptr[2] != 0 || bits != (is_v4 ? 32 : 128);
    buf_printf(out, is_net ? "\"%s/%u\"" : "\"%s\"", text, bits);
}

static void put_number(struct buf *out, struct str bytes)
{
    uint64_t value = arrow_load_big_endian(bytes, 0, bytes.len);
    arrow_put_scalar(
        out, (struct arrow_type){.kind = ARROW_UINT, .width = 8}, (const char *)&value);
}

static void put_mac(struct buf *out, struct str bytes)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        buf_printf(out, i > 0 ? ":%02x" : "%02x", (unsigned char)bytes.ptr[i]);
    }
    buf_putc(out, '"');
}

static void put_coordinate(struct buf *out, struct str bytes, size_t at)
{
    struct buf text = BUF_INIT(64);
    uint64_t value = arrow_load_big_endian(bytes, at, 8);
    arrow_put_scalar(&text, (struct arrow_type){.kind = ARROW_FLOAT, .width = 8},
        (const char *)&value);
    struct str number = buf_str(&text);
    if (number.len > 2 && number.ptr[0] == '"') { /* NaN or an Infinity */
        number = (struct str){number.ptr + 1, number.len - 2};
    }
    buf_put_str(out, number);
    buf_free(&text);
}

static void put_point(struct buf *out, struct str bytes)
{
    if (bytes.len != 16) {
        buf_puts(out, "null");
        return;
    }
    buf_puts(out, "\"(");
    put_coordinate(out, bytes, 0);
    buf_putc(out, ',');
    put_coordinate(out, bytes, 8);
    buf_puts(out, ")\"");
}

void arrow_put_postgres(struct buf *out, enum arrow_extension extension, struct str bytes)
{
    switch ((int)extension) {
    case ARROW_PG_ZONED_TIME:
        put_zoned_time(out, bytes);
        break;
    case ARROW_PG_INET:
        put_inet(out, bytes);
        break;
    case ARROW_PG_NUMBER:
        put_number(out, bytes);
        break;
    case ARROW_PG_TID:
        buf_printf(out, "\"(%" PRIu64 ",%" PRIu64 ")\"",
            arrow_load_big_endian(bytes, 0, 4), arrow_load_big_endian(bytes, 4, 2));
        break;
    case ARROW_PG_LSN:
        buf_printf(out, "\"%" PRIX64 "/%" PRIX64 "\"", arrow_load_big_endian(bytes, 0, 4),
            arrow_load_big_endian(bytes, 4, 4));
        break;
    case ARROW_PG_MAC:
        put_mac(out, bytes);
        break;
    case ARROW_PG_POINT:
        put_point(out, bytes);
        break;
    default:
        UNREACHABLE();
    }
}
