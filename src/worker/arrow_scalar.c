// SPDX-License-Identifier: Apache-2.0
#include "worker/arrow_scalar.h"

#include <math.h>

#include "worker/shortest.h"

#define JSON_INT_MAX 9007199254740991 /* 2^53-1: what a double holds exactly */

enum {
    TEXT_SIZE = 256, /* a decimal of 78 digits and 100 zeros is the longest */
    LIMBS_MAX = 8,   /* of 32 bits */
    GROUPS_MAX = 9,  /* of nine decimal digits: 256 bits have 78 digits */
    FIXED_EXPONENT_MAX = 15,
    FIXED_EXPONENT_MIN = -4,
    SECONDS_A_DAY = 86400,
    EPOCH_DAYS = 10957, /* 2000-01-01 */
};

/* One value on its way out: written here without a check of each byte. */
struct text {
    size_t len;
    char bytes[TEXT_SIZE];
};

static inline void add(struct text *text, char c)
{
    text->bytes[text->len++] = c;
}

static inline void add_str(struct text *text, const char *s, size_t len)
{
    memcpy(text->bytes + text->len, s, len);
    text->len += len;
}

static void add_zeros(struct text *text, size_t count)
{
    memset(text->bytes + text->len, '0', count);
    text->len += count;
}

/* @value with at least @width digits. */
static void add_digits(struct text *text, uint64_t value, size_t width)
{
    char digits[20];
    size_t at = sizeof(digits);
    while (value > 0 || sizeof(digits) - at < width) {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    add_str(text, digits + at, sizeof(digits) - at);
}

static void add_two(struct text *text, unsigned value)
{
    add(text, (char)('0' + value / 10 % 10));
    add(text, (char)('0' + value % 10));
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static void add_int(struct text *text, int64_t value)
{
    if (value < 0) {
        add(text, '-');
    }
    add_digits(text, magnitude(value), 1);
}

/* ---- numbers ---- */

static void add_integer(struct text *text, bool is_negative, uint64_t size)
{
    bool is_large = size > JSON_INT_MAX;
    if (is_large) {
        add(text, '"');
    }
    if (is_negative) {
        add(text, '-');
    }
    add_digits(text, size, 1);
    if (is_large) {
        add(text, '"');
    }
}

static uint64_t load_uint(const char *bytes, int width)
{
    uint64_t mask = width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
    return (uint64_t)arrow_load_int(bytes, width) & mask;
}

static float half_to_float(uint16_t bits)
{
    int exponent = (bits >> 10) & 31;
    float fraction = (float)(bits & 1023);
    float value;
    if (exponent == 31) {
        value = fraction > 0 ? NAN : INFINITY;
    } else if (exponent == 0) {
        value = ldexpf(fraction, -24);
    } else {
        value = ldexpf(fraction + 1024, exponent - 25);
    }
    return bits & 0x8000 ? -value : value;
}

/* From d.ddde+dd to what people write: 1500, 0.001, 1e+300. */
static void add_shortest(struct text *text, const char *from, size_t len)
{
    char digits[SHORTEST_MAX];
    size_t count = 0;
    size_t at = from[0] == '-';
    if (at > 0) {
        add(text, '-');
    }
    size_t first = at;
    for (; from[at] != 'e'; at++) {
        if (from[at] != '.') {
            digits[count++] = from[at];
        }
    }
    int exponent = 0;
    for (size_t i = at + 2; i < len; i++) {
        exponent = exponent * 10 + (from[i] - '0');
    }
    exponent = from[at + 1] == '-' ? -exponent : exponent;
    if (exponent < FIXED_EXPONENT_MIN ||
        (exponent >= FIXED_EXPONENT_MAX && exponent >= (int)count)) {
        add_str(text, from + first, len - first);
    } else if (exponent < 0) {
        add_str(text, "0.", 2);
        add_zeros(text, (size_t)-exponent - 1);
        add_str(text, digits, count);
    } else if (count <= (size_t)exponent + 1) {
        add_str(text, digits, count);
        add_zeros(text, (size_t)exponent + 1 - count);
        if (digits[0] == '0' && first > 0) {
            add_str(text, ".0", 2); /* as an integer it would lose its sign */
        }
    } else {
        add_str(text, digits, (size_t)exponent + 1);
        add(text, '.');
        add_str(text, digits + exponent + 1, count - (size_t)exponent - 1);
    }
}

static void add_float(struct text *text, int width, const char *bytes)
{
    double value = 0;
    float value32 = 0;
    char digits[SHORTEST_MAX];
    if (width == 8) {
        memcpy(&value, bytes, sizeof(value));
    } else {
        if (width == 4) {
            memcpy(&value32, bytes, sizeof(value32));
        } else {
            value32 = half_to_float((uint16_t)load_uint(bytes, 2));
        }
        value = (double)value32;
    }
    if (isnan(value)) {
        add_str(text, "\"NaN\"", 5);
    } else if (isinf(value)) {
        add_str(text, value > 0 ? "\"Infinity\"" : "\"-Infinity\"", value > 0 ? 10 : 11);
    } else {
        size_t len =
            width == 8 ? shortest_double(value, digits) : shortest_float(value32, digits);
        add_shortest(text, digits, len);
    }
}

/*
 * The decimal digits of a little-endian number of 32-bit limbs, most significant first;
 * it is used up.
 */
static size_t decimal_digits(uint32_t limbs[], size_t count, struct text *ret)
{
    uint32_t groups[GROUPS_MAX];
    size_t group_count = 0;
    ret->len = 0;
    while (count > 0 && limbs[count - 1] == 0) {
        count--;
    }
    while (count > 2) {
        uint64_t rest = 0;
        for (size_t i = count; i-- > 0;) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / 1000000000);
            rest %= 1000000000;
        }
        groups[group_count++] = (uint32_t)rest;
        count -= limbs[count - 1] == 0;
    }
    uint64_t top = count > 0 ? limbs[0] : 0;
    top |= count > 1 ? (uint64_t)limbs[1] << 32 : 0;
    add_digits(ret, top, 1);
    while (group_count > 0) {
        add_digits(ret, groups[--group_count], 9);
    }
    return ret->len;
}

static bool negate(uint32_t limbs[], size_t count)
{
    uint64_t carry = 1;
    if (limbs[count - 1] >> 31 == 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t sum = (uint64_t)(uint32_t)~limbs[i] + carry;
        limbs[i] = (uint32_t)sum;
        carry = sum >> 32;
    }
    return true;
}

static void add_scaled(
    struct text *text, const struct text *digits, size_t scale, bool is_negative)
{
    size_t whole = digits->len > scale ? digits->len - scale : 0;
    add(text, '"');
    if (is_negative) {
        add(text, '-');
    }
    add_str(text, whole > 0 ? digits->bytes : "0", whole > 0 ? whole : 1);
    add(text, '.');
    add_zeros(text, digits->len < scale ? scale - digits->len : 0);
    add_str(text, digits->bytes + whole, digits->len - whole);
    add(text, '"');
}

static void add_decimal(struct text *text, struct arrow_type type, const char *bytes)
{
    uint32_t limbs[LIMBS_MAX];
    struct text digits;
    size_t count = (size_t)type.width / 4;
    memcpy(limbs, bytes, (size_t)type.width);
    bool is_negative = type.extension != ARROW_UHUGEINT && negate(limbs, count);
    size_t len = decimal_digits(limbs, count, &digits);
    if (type.scale > 0) {
        add_scaled(text, &digits, (size_t)type.scale, is_negative);
        return;
    }
    size_t zeros = digits.bytes[0] == '0' ? 0 : (size_t)-type.scale;
    uint64_t value;
    bool is_small = zeros == 0 && len < 17 &&
                    str_to_u64((struct str){digits.bytes, len}, JSON_INT_MAX, &value);
    if (!is_small) {
        add(text, '"');
    }
    if (is_negative) {
        add(text, '-');
    }
    add_str(text, digits.bytes, len);
    add_zeros(text, zeros);
    if (!is_small) {
        add(text, '"');
    }
}

/* ---- times ---- */

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t floor_mod(int64_t value, int64_t by)
{
    return value % by + (value % by < 0 ? by : 0);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static void add_date(struct text *text, int64_t days)
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
    if (year < 0 || year > 9999) {
        add(text, year < 0 ? '-' : '+');
    }
    add_digits(text, magnitude(year), year < 0 || year > 9999 ? 6 : 4);
    add(text, '-');
    add_two(text, (unsigned)month);
    add(text, '-');
    add_two(text, (unsigned)day + 1);
}

/* .5 of 500 parts in 1000; nothing of none. */
static void add_fraction(struct text *text, int64_t parts, int64_t per_unit)
{
    if (parts == 0) {
        return;
    }
    add(text, '.');
    while (parts > 0) {
        per_unit /= 10;
        add(text, (char)('0' + parts / per_unit));
        parts %= per_unit;
    }
}

/* @value counts parts of @per_unit a second since midnight. */
static void add_time(struct text *text, int64_t value, int64_t per_unit)
{
    uint64_t seconds = (uint64_t)floor_div(value, per_unit);
    if (value < 0) { /* no time of any day, but not lost either */
        add(text, '-');
        seconds = magnitude(value / per_unit);
    }
    add_digits(text, seconds / 3600, 2);
    add(text, ':');
    add_two(text, (unsigned)(seconds / 60 % 60));
    add(text, ':');
    add_two(text, (unsigned)(seconds % 60));
    add_fraction(text, (int64_t)(magnitude(value) % (uint64_t)per_unit), per_unit);
}

/* +hh:mm, with seconds where there are any. */
static void add_offset(struct text *text, int seconds)
{
    unsigned size = (unsigned)magnitude(seconds);
    add(text, seconds < 0 ? '-' : '+');
    add_two(text, size / 3600);
    add(text, ':');
    add_two(text, size / 60 % 60);
    if (size % 60 != 0) {
        add(text, ':');
        add_two(text, size % 60);
    }
}

/* Minutes of a zone written as +hh:mm or +hhmm; false for names. */
static bool fixed_offset(const char *zone, int *ret_minutes)
{
    if (zone[0] != '+' && zone[0] != '-') {
        return false;
    }
    size_t len = strlen(zone);
    uint64_t hours;
    uint64_t minutes;
    if ((len != 6 && len != 5) || (len == 6 && zone[3] != ':') ||
        !str_to_u64((struct str){zone + 1, 2}, 23, &hours) ||
        !str_to_u64((struct str){zone + len - 2, 2}, 59, &minutes)) {
        return false;
    }
    *ret_minutes = (int)(hours * 60 + minutes) * (zone[0] == '-' ? -1 : 1);
    return true;
}

/*
 * What engines keep for dates without end: the last number and its negative. PostgreSQL
 * counts from 2000, @epoch later; its driver adds that to its own two without a look.
 * False: none of those.
 */
static bool add_infinity(struct text *text, int64_t value, int64_t max, int64_t epoch)
{
    if (value == max || value == -max + epoch - 2) {
        add_str(text, "infinity", 8);
    } else if (value == -max || value == -max + epoch - 1) {
        add_str(text, "-infinity", 9);
    }
    return text->len > 1;
}

static void add_timestamp(struct text *text, struct arrow_type type, int64_t value)
{
    int offset = 0;
    bool is_fixed = fixed_offset(type.tail, &offset);
    int64_t seconds = floor_div(value, type.per_unit);
    /* The last nanosecond, in 2262, is a moment that people do use. */
    if (type.per_unit < 1000000000 &&
        add_infinity(
            text, value, INT64_MAX, INT64_C(1000000) * SECONDS_A_DAY * EPOCH_DAYS)) {
        return;
    }
    if (is_fixed && seconds < INT64_MAX - SECONDS_A_DAY &&
        seconds > INT64_MIN + SECONDS_A_DAY) {
        seconds += offset * 60;
    }
    add_date(text, floor_div(seconds, SECONDS_A_DAY));
    add(text, 'T');
    add_time(text, floor_mod(seconds, SECONDS_A_DAY), 1);
    add_fraction(text, floor_mod(value, type.per_unit), type.per_unit);
    if (is_fixed && offset != 0) {
        add_offset(text, offset * 60);
    } else if (*type.tail) {
        add(text, 'Z');
    }
}

/* P1M2DT3.5S; each part carries its own sign. */
static void add_interval(
    struct text *text, int64_t months, int64_t days, int64_t parts, int64_t per_unit)
{
    add(text, 'P');
    if (months != 0) {
        add_int(text, months);
        add(text, 'M');
    }
    if (days != 0) {
        add_int(text, days);
        add(text, 'D');
    }
    if (parts != 0 || (months == 0 && days == 0)) {
        uint64_t size = magnitude(parts);
        add_str(text, "T-", parts < 0 ? 2 : 1);
        add_digits(text, size / (uint64_t)per_unit, 1);
        add_fraction(text, (int64_t)(size % (uint64_t)per_unit), per_unit);
        add(text, 'S');
    }
}

static void add_quoted(struct text *text, struct arrow_type type, const char *bytes)
{
    int64_t value = arrow_load_int(bytes, type.width);
    /* The kinds that are strings; all others were told apart by the caller. */
    switch ((int)type.kind) {
    case ARROW_DATE:
        if (type.per_unit > 0) {
            add_date(text, floor_div(value, type.per_unit * SECONDS_A_DAY));
        } else if (!add_infinity(text, value, INT32_MAX, EPOCH_DAYS)) {
            add_date(text, value);
        }
        break;
    case ARROW_TIME:
        add_time(text, value, type.per_unit);
        break;
    case ARROW_TIMESTAMP:
        add_timestamp(text, type, value);
        break;
    case ARROW_DURATION:
        add_interval(text, 0, 0, value, type.per_unit);
        break;
    case ARROW_INTERVAL_MONTHS:
        add_interval(text, value, 0, 0, 1);
        break;
    case ARROW_INTERVAL_DAYS:
        add_interval(
            text, 0, arrow_load_int(bytes, 4), arrow_load_int(bytes + 4, 4), 1000);
        break;
    case ARROW_INTERVAL_FULL:
        add_interval(text, arrow_load_int(bytes, 4), arrow_load_int(bytes + 4, 4),
            arrow_load_int(bytes + 8, 8), 1000000000);
        break;
    default:
        UNREACHABLE();
    }
}

void arrow_put_scalar(struct buf *out, struct arrow_type type, const char *bytes)
{
    struct text text;
    text.len = 0;
    if (type.kind == ARROW_INT) {
        int64_t value = arrow_load_int(bytes, type.width);
        add_integer(&text, value < 0, magnitude(value));
    } else if (type.kind == ARROW_UINT) {
        add_integer(&text, false, load_uint(bytes, type.width));
    } else if (type.kind == ARROW_FLOAT) {
        add_float(&text, type.width, bytes);
    } else if (type.kind == ARROW_DECIMAL) {
        add_decimal(&text, type, bytes);
    } else {
        add(&text, '"');
        add_quoted(&text, type, bytes);
        add(&text, '"');
    }
    buf_put(out, text.bytes, text.len);
}

void arrow_put_zoned_time(struct buf *out, int64_t value, int64_t per_unit, int offset)
{
    struct text text;
    text.len = 0;
    add(&text, '"');
    add_time(&text, value, per_unit);
    add_offset(&text, offset);
    add(&text, '"');
    buf_put(out, text.bytes, text.len);
}
