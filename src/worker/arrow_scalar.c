// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_scalar.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define JSON_INT_MAX 9007199254740991 /* 2^53-1: what a double holds exactly */

enum {
    DIGITS_MAX = 80,
    SECONDS_A_DAY = 86400
};

void arrow_put_uint(struct buf *out, uint64_t value)
{
    const char *quote = value > JSON_INT_MAX ? "\"" : "";
    buf_puts(out, quote);
    buf_put_u64(out, value);
    buf_puts(out, quote);
}

void arrow_put_int(struct buf *out, int64_t value)
{
    const char *quote = value > JSON_INT_MAX || value < -JSON_INT_MAX ? "\"" : "";
    buf_puts(out, quote);
    buf_put_i64(out, value);
    buf_puts(out, quote);
}

int64_t arrow_load_int(const char *bytes, int width)
{
    int64_t value64;
    int32_t value32;
    int16_t value16;
    switch (width) {
    case 1:
        return (signed char)bytes[0];
    case 2:
        memcpy(&value16, bytes, sizeof(value16));
        return value16;
    case 4:
        memcpy(&value32, bytes, sizeof(value32));
        return value32;
    default:
        memcpy(&value64, bytes, sizeof(value64));
        return value64;
    }
}

static uint64_t load_uint(const char *bytes, int width)
{
    uint64_t mask = width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
    return (uint64_t)arrow_load_int(bytes, width) & mask;
}

static double half_to_double(uint16_t bits)
{
    int exponent = (bits >> 10) & 31;
    double fraction = bits & 1023;
    double value;
    if (exponent == 31) {
        value = fraction > 0 ? (double)NAN : (double)INFINITY;
    } else if (exponent == 0) {
        value = ldexp(fraction, -24);
    } else {
        value = ldexp(fraction + 1024, exponent - 25);
    }
    return bits & 0x8000 ? -value : value;
}

static void put_float(struct buf *out, int width, const char *bytes)
{
    double value;
    float value32 = 0;
    if (width == 8) {
        memcpy(&value, bytes, sizeof(value));
    } else if (width == 4) {
        memcpy(&value32, bytes, sizeof(value32));
        value = (double)value32;
    } else {
        value = half_to_double((uint16_t)load_uint(bytes, 2));
    }
    if (isnan(value)) {
        buf_puts(out, "\"NaN\"");
        return;
    }
    if (isinf(value)) {
        buf_puts(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    /* The fewest digits that read back as the same bits. */
    char digits[40];
    for (int precision = width == 8   ? 15
                         : width == 4 ? 6
                                      : 4;
         precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        bool is_same =
            width == 4
                ? !(strtof(digits, NULL) < value32) && !(strtof(digits, NULL) > value32)
                : !(strtod(digits, NULL) < value) && !(strtod(digits, NULL) > value);
        if (is_same) {
            break;
        }
    }
    buf_puts(out, digits);
}

/*
 * The decimal digits of a little-endian two's complement number, most significant first,
 * without sign; 256 bits have at most 78 of them.
 */
static size_t decimal_digits(
    const char *bytes, int width, char digits[DIGITS_MAX], bool *ret_is_negative)
{
    uint32_t limbs[8] = {0};
    size_t count = (size_t)width / 4;
    memcpy(limbs, bytes, (size_t)width);
    *ret_is_negative = limbs[count - 1] >> 31;
    for (size_t i = 0, carry = 1; *ret_is_negative && i < count; i++) {
        uint64_t sum = (uint64_t)(uint32_t)~limbs[i] + carry;
        limbs[i] = (uint32_t)sum;
        carry = (size_t)(sum >> 32);
    }
    size_t at = DIGITS_MAX;
    bool is_zero;
    do {
        uint64_t rest = 0;
        is_zero = true;
        for (size_t i = count; i-- > 0;) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / 10);
            rest %= 10;
            is_zero = is_zero && limbs[i] == 0;
        }
        digits[--at] = (char)('0' + rest);
    } while (!is_zero);
    memmove(digits, digits + at, DIGITS_MAX - at);
    return DIGITS_MAX - at;
}

static void put_decimal(struct buf *out, struct arrow_type type, const char *bytes)
{
    char digits[DIGITS_MAX];
    bool is_negative;
    size_t len = decimal_digits(bytes, type.width, digits, &is_negative);
    struct str all = {digits, len};
    const char *sign = is_negative ? "-" : "";
    if (type.scale > 0) {
        size_t scale = (size_t)type.scale;
        buf_putc(out, '"');
        buf_puts(out, sign);
        buf_put(out, digits, len > scale ? len - scale : 0);
        buf_puts(out, len > scale ? "." : "0.");
        for (size_t i = len; i < scale; i++) {
            buf_putc(out, '0');
        }
        buf_put_str(out, len > scale ? str_from(all, len - scale) : all);
        buf_putc(out, '"');
        return;
    }
    size_t zeros = digits[0] == '0' ? 0 : (size_t)-type.scale;
    uint64_t value;
    bool is_small = zeros == 0 && len < 17 && str_to_u64(all, JSON_INT_MAX, &value);
    buf_puts(out, is_small ? "" : "\"");
    buf_puts(out, sign);
    buf_put_str(out, all);
    while (zeros-- > 0) {
        buf_putc(out, '0');
    }
    buf_puts(out, is_small ? "" : "\"");
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t floor_mod(int64_t value, int64_t by)
{
    return value % by + (value % by < 0 ? by : 0);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static void put_date(struct buf *out, int64_t days)
{
    /* Counted from 0000-03-01, so that a leap day ends its year. */
    int64_t era = floor_div(days + 719468, 146097);
    int64_t day = floor_mod(days + 719468, 146097);
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= year * 365 + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    month += month < 10 ? 3 : -9;
    year += era * 400 + (month <= 2);
    bool is_plain = year >= 0 && year <= 9999;
    buf_printf(out, is_plain ? "%04" PRId64 : "%+07" PRId64, year);
    buf_printf(out, "-%02d-%02d", (int)month, (int)day + 1);
}

/* .5 of 500 parts in 1000; nothing of none. */
static void put_fraction(struct buf *out, int64_t parts, int64_t per_unit)
{
    if (parts == 0) {
        return;
    }
    buf_putc(out, '.');
    while (parts > 0) {
        per_unit /= 10;
        buf_putc(out, (char)('0' + parts / per_unit));
        parts %= per_unit;
    }
}

/* @value counts parts of @per_unit a second since midnight. */
static void put_time(struct buf *out, int64_t value, int64_t per_unit)
{
    int64_t seconds = floor_div(value, per_unit);
    buf_printf(out, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
        (int)(seconds % 60));
    put_fraction(out, floor_mod(value, per_unit), per_unit);
}

/* Minutes of a zone written as +hh:mm or +hhmm; false for names. */
static bool fixed_offset(const char *zone, int *ret_minutes)
{
    size_t len = strlen(zone);
    if ((zone[0] != '+' && zone[0] != '-') || (len != 6 && len != 5) ||
        (len == 6 && zone[3] != ':')) {
        return false;
    }
    uint64_t hours;
    uint64_t minutes;
    if (!str_to_u64((struct str){zone + 1, 2}, 23, &hours) ||
        !str_to_u64((struct str){zone + len - 2, 2}, 59, &minutes)) {
        return false;
    }
    *ret_minutes = (int)(hours * 60 + minutes) * (zone[0] == '-' ? -1 : 1);
    return true;
}

static void put_timestamp(struct buf *out, struct arrow_type type, int64_t value)
{
    int offset = 0;
    bool is_fixed = fixed_offset(type.tail, &offset);
    int64_t seconds = floor_div(value, type.per_unit);
    if (is_fixed && seconds < INT64_MAX - SECONDS_A_DAY &&
        seconds > INT64_MIN + SECONDS_A_DAY) {
        seconds += offset * 60;
    }
    int64_t parts = floor_mod(value, type.per_unit);
    put_date(out, floor_div(seconds, SECONDS_A_DAY));
    buf_putc(out, 'T');
    put_time(out, floor_mod(seconds, SECONDS_A_DAY), 1);
    put_fraction(out, parts, type.per_unit);
    if (is_fixed && offset != 0) {
        int minutes = offset < 0 ? -offset : offset;
        buf_printf(
            out, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
    } else if (*type.tail) {
        buf_putc(out, 'Z');
    }
}

/* P1M2DT3.5S; each part carries its own sign. */
static void put_interval(
    struct buf *out, int64_t months, int64_t days, int64_t parts, int64_t per_unit)
{
    buf_putc(out, 'P');
    if (months != 0) {
        buf_printf(out, "%" PRId64 "M", months);
    }
    if (days != 0) {
        buf_printf(out, "%" PRId64 "D", days);
    }
    if (parts != 0 || (months == 0 && days == 0)) {
        /* By hand: the absolute value of INT64_MIN is no int64_t. */
        uint64_t size = parts < 0 ? 0 - (uint64_t)parts : (uint64_t)parts;
        buf_puts(out, parts < 0 ? "T-" : "T");
        buf_put_u64(out, size / (uint64_t)per_unit);
        put_fraction(out, (int64_t)(size % (uint64_t)per_unit), per_unit);
        buf_putc(out, 'S');
    }
}

static void put_quoted(struct buf *out, struct arrow_type type, const char *bytes)
{
    int64_t value = arrow_load_int(bytes, type.width);
    /* The kinds that are strings; all others were told apart by the caller. */
    switch ((int)type.kind) {
    case ARROW_DATE:
        put_date(
            out, type.per_unit ? floor_div(value, type.per_unit * SECONDS_A_DAY) : value);
        break;
    case ARROW_TIME:
        put_time(out, value, type.per_unit);
        break;
    case ARROW_TIMESTAMP:
        put_timestamp(out, type, value);
        break;
    case ARROW_DURATION:
        put_interval(out, 0, 0, value, type.per_unit);
        break;
    case ARROW_INTERVAL_MONTHS:
        put_interval(out, value, 0, 0, 1);
        break;
    case ARROW_INTERVAL_DAYS:
        put_interval(
            out, 0, arrow_load_int(bytes, 4), arrow_load_int(bytes + 4, 4), 1000);
        break;
    case ARROW_INTERVAL_FULL:
        put_interval(out, arrow_load_int(bytes, 4), arrow_load_int(bytes + 4, 4),
            arrow_load_int(bytes + 8, 8), 1000000000);
        break;
    default:
        UNREACHABLE();
    }
}

void arrow_put_scalar(struct buf *out, struct arrow_type type, const char *bytes)
{
    if (type.kind == ARROW_INT) {
        arrow_put_int(out, arrow_load_int(bytes, type.width));
    } else if (type.kind == ARROW_UINT) {
        arrow_put_uint(out, load_uint(bytes, type.width));
    } else if (type.kind == ARROW_FLOAT) {
        put_float(out, type.width, bytes);
    } else if (type.kind == ARROW_DECIMAL) {
        put_decimal(out, type, bytes);
    } else {
        buf_putc(out, '"');
        put_quoted(out, type, bytes);
        buf_putc(out, '"');
    }
}
