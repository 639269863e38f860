// SPDX-License-Identifier: Apache-2.0
#include "config/numbers.h"

#include <math.h>
#include <stddef.h>

enum {
    MEMBER_KEY_SIZE = 128,
    PER_S_MAX = 1000000,
    BOUND_MAX = 65536
};

/* So that a few of them can be added, seconds even as nanoseconds. */
#define AMOUNT_MAX INT64_C(1000000000000000000)
#define AMOUNT_S_MAX INT64_C(1000000000)
#define CREDITS_MAX INT64_C(1000000000000)

struct member {
    const char *key;
    size_t offset; /* of an int64_t */
    int64_t unit;  /* kept for 1; with more than 1 fractions are possible, and 0 is the
                      least */
    int64_t min;   /* as in TOML */
    int64_t max;   /* as in TOML */
};

struct member_list {
    const struct member *rows;
    size_t len;
};

static const struct member RATE[] = {
    {"burst", offsetof(struct config_rate, burst), 1, 0, 1000000},
    {"per_s", offsetof(struct config_rate, per_1000_s), 1000, 0, PER_S_MAX},
};

static const struct member AMOUNTS[] = {
    {"calls", offsetof(struct config_amounts, calls), 1, 0, AMOUNT_MAX},
    {"rows", offsetof(struct config_amounts, rows), 1, 0, AMOUNT_MAX},
    {"bytes", offsetof(struct config_amounts, bytes), 1, 0, AMOUNT_MAX},
    {"engine_s", offsetof(struct config_amounts, engine_s), 1, 0, AMOUNT_S_MAX},
    {"credits", offsetof(struct config_amounts, microcredits), 1000000, 0, CREDITS_MAX},
};

static const struct member SHARES[] = {
    {"high", offsetof(struct config_shares, high), 1000, 0, 1},
    {"normal", offsetof(struct config_shares, normal), 1000, 0, 1},
    {"low", offsetof(struct config_shares, low), 1000, 0, 1},
};

static const struct member BOUNDS[] = {
    {"run", offsetof(struct config_bounds, run), 1, 0, BOUND_MAX},
    {"queue", offsetof(struct config_bounds, queue), 1, 1, BOUND_MAX},
};

static struct member_list members_of(enum setting_kind kind)
{
    switch (kind) {
    case SETTING_RATE:
        return (struct member_list){RATE, ARRAY_LEN(RATE)};
    case SETTING_AMOUNTS:
        return (struct member_list){AMOUNTS, ARRAY_LEN(AMOUNTS)};
    case SETTING_SHARES:
        return (struct member_list){SHARES, ARRAY_LEN(SHARES)};
    case SETTING_BOUNDS:
        return (struct member_list){BOUNDS, ARRAY_LEN(BOUNDS)};
    case SETTING_INT:
    case SETTING_STRING:
    case SETTING_UIDS:
    case SETTING_WEIGHTS:
    case SETTING_CREDITS:
    case SETTING_TYPES:
    case SETTING_POLICIES:
    case SETTING_FILES:
    case SETTING_OPTIONS:
    case SETTING_PARAMETERS:
        break;
    }
    UNREACHABLE();
}

static int64_t value_of(const struct member *member, const void *at)
{
    int64_t value;
    memcpy(&value, (const char *)at + member->offset, sizeof(value));
    return value;
}

/* @value in parts of @unit, a power of ten: 2500 of 1000 is 2.5. */
static void put_parts(struct buf *out, int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    buf_put_i64(out, value / unit);
    if (unit == 1) {
        return;
    }
    buf_putc(out, '.');
    do {
        unit /= 10;
        buf_putc(out, (char)('0' + rest / unit));
        rest %= unit;
    } while (rest > 0);
}

static void put_limits(struct buf *out, const struct member *member)
{
    put_parts(out, member->unit > 1 ? 1 : member->min, member->unit);
    buf_puts(out, " to ");
    buf_put_i64(out, member->max);
}

void numbers_put(struct buf *out, enum setting_kind kind, const void *at)
{
    struct member_list list = members_of(kind);
    for (size_t i = 0; i < list.len; i++) {
        buf_printf(out, "%s%s = ", i == 0 ? "{" : ", ", list.rows[i].key);
        put_parts(out, value_of(&list.rows[i], at), list.rows[i].unit);
    }
    buf_putc(out, '}');
}

static bool same_range(const struct member *a, const struct member *b)
{
    return a->unit == b->unit && a->min == b->min && a->max == b->max;
}

void numbers_put_range(struct buf *out, enum setting_kind kind)
{
    struct member_list list = members_of(kind);
    for (size_t i = 0; i < list.len; i++) {
        const struct member *member = &list.rows[i];
        buf_printf(out, "`%s`", member->key);
        if (i + 1 < list.len && same_range(member, member + 1)) {
            buf_puts(out, ", ");
            continue;
        }
        buf_puts(out, member->unit > 1 ? " 0 or " : " ");
        put_limits(out, member);
        buf_puts(out, i + 1 < list.len ? "; " : "");
    }
    if (kind == SETTING_SHARES) {
        buf_puts(out, "; together at most ");
        put_parts(out, CONFIG_SHARES_SUM_MAX, 1000);
    }
}

/* "NAME:LINE: SECTION.KEY.MEMBER must be " */
static struct buf *must(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, const char *member)
{
    char key[MEMBER_KEY_SIZE];
    struct buf path = BUF_INIT(sizeof(key));
    buf_printf(&path, "%s.%s", setting->key, member);
    bool fits = str_copy(buf_str(&path), key, sizeof(key));
    buf_free(&path);
    return reader_must(reader, node, fits ? key : setting->key);
}

/* Like reader_got(), with the number where a fraction was possible. */
static bool got_number(struct reader *reader, const struct toml_node *node)
{
    if (node->kind != TOML_FLOAT) {
        return reader_got(reader, node);
    }
    buf_printf(reader->err, ", got %.15g", node->fraction);
    return false;
}

/*
 * A positive number that would round to 0 is refused, not rounded: 0 means off, and who
 * wrote a small limit wants one.
 */
static bool to_parts(
    const struct member *member, const struct toml_node *node, int64_t *ret_value)
{
    double unit = (double)member->unit;
    if (node->kind == TOML_INT && node->integer >= 0 && node->integer <= member->max) {
        *ret_value = node->integer * member->unit;
        return true;
    }
    /* What is not a number fails each of these. */
    if (node->kind == TOML_FLOAT && node->fraction <= (double)member->max &&
        (node->fraction == 0 || node->fraction * unit >= 1)) {
        *ret_value = llround(node->fraction * unit);
        return true;
    }
    return false;
}

static bool set_member(struct reader *reader, const struct setting *setting,
    const struct member *member, const struct toml_node *node, void *at)
{
    int64_t value = node->integer;
    bool is_integer = member->unit == 1;
    bool ok = is_integer
                  ? node->kind == TOML_INT && value >= member->min && value <= member->max
                  : to_parts(member, node, &value);
    if (!ok) {
        struct buf *err = must(reader, setting, node, member->key);
        buf_puts(err, is_integer ? "an integer from " : "0 or a number from ");
        put_limits(err, member);
        return is_integer ? reader_got(reader, node) : got_number(reader, node);
    }
    memcpy((char *)at + member->offset, &value, sizeof(value));
    return true;
}

static bool read_member(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, void *at)
{
    struct member_list list = members_of(setting->kind);
    const char *keys[SETTING_KEYS_MAX];
    for (size_t i = 0; i < list.len; i++) {
        if (str_eq(str_of(list.rows[i].key), node->key)) {
            return set_member(reader, setting, &list.rows[i], node, at);
        }
        keys[i] = list.rows[i].key;
    }
    buf_puts(reader_blame(reader, node), "unknown key ");
    buf_put_json(reader->err, node->key);
    buf_printf(reader->err, " in [%s.%s]", reader->section, setting->key);
    return reader_nearest(reader, node->key, keys, list.len);
}

/* A burst that is never refilled would be the last one. */
static bool check_rate(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, const struct config_rate *rate)
{
    if (rate->burst == 0 || rate->per_1000_s > 0) {
        return true;
    }
    const struct toml_node *wrong = node;
    for (const struct toml_node *it = node->child; it; it = it->next) {
        wrong = str_eq(it->key, STR("per_s")) ? it : wrong;
    }
    buf_puts(must(reader, setting, wrong, "per_s"),
        "at least 0.001 where burst is above 0, got 0");
    return false;
}

/* A part of the time stays for who needs it most. */
static bool check_shares(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, const struct config_shares *shares)
{
    int64_t sum = shares->high + shares->normal + shares->low;
    if (sum <= CONFIG_SHARES_SUM_MAX) {
        return true;
    }
    struct buf *err = reader_must(reader, node, setting->key);
    buf_puts(err, "shares of at most ");
    put_parts(err, CONFIG_SHARES_SUM_MAX, 1000);
    buf_puts(err, " together, got ");
    put_parts(err, sum, 1000);
    return false;
}

bool numbers_set(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, void *at)
{
    if (node->kind != TOML_TABLE) {
        buf_puts(reader_must(reader, node, setting->key), "a table such as ");
        numbers_put(reader->err, setting->kind, setting->initial);
        return reader_got(reader, node);
    }
    for (const struct toml_node *it = node->child; it; it = it->next) {
        if (!read_member(reader, setting, it, at)) {
            return false;
        }
    }
    if (setting->kind == SETTING_RATE) {
        return check_rate(reader, setting, node, at);
    }
    return setting->kind != SETTING_SHARES || check_shares(reader, setting, node, at);
}
