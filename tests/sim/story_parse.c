// SPDX-License-Identifier: Apache-2.0
/* The words of a story's events: verbs and their operands. */
#include "story.h"

#include <inttypes.h>
#include <stddef.h>

enum operand {
    SESSION = 1 << 0,
    TICKET = 1 << 1,
    WORKER = 1 << 2,
    CONN = 1 << 3,
    PROFILE = 1 << 4,
    REQUEST = 1 << 5,
    WHO = 1 << 6,
    CONTEXT = 1 << 7,
    REASON = 1 << 8,
    TIMEOUT = 1 << 9,
    SINCE = 1 << 10, /* age= and away= */
    DIRTY = 1 << 11,
    POOL = 1 << 12,
    MOVED = 1 << 13,
    PRIORITY = 1 << 14, /* high, normal, low */
    CATALOG = 1 << 15,
    AMOUNT = 1 << 16,    /* rows= and bytes= */
    GRANTED = 1 << 17,   /* granted= and day= */
    COST = 1 << 18,      /* weight= and credits= */
    USED = 1 << 19,      /* calls=, engine_ms= and microcredits= */
    SPENT = 1 << 20,     /* spent= and catalog= */
    PRINCIPAL = 1 << 21, /* not the client key, the principal itself */
    SHIFT = 1 << 22,     /* of the wall clock */
    CALL = 1 << 23,      /* a fetch for another call's answer */
    CHARGED = 1 << 24,
    STATEFUL = 1 << 25, /* may leave something, */
    PINS = 1 << 26,     /* and did */
    REPEATS = 1 << 27,  /* may run again */
    AGAIN = CONTEXT | SINCE | AMOUNT | GRANTED | COST | USED | SPENT, /* of several words */
};

enum {
    OF_CALL = PROFILE | CONTEXT | TIMEOUT | PRIORITY | CATALOG | AMOUNT | COST | CHARGED |
              STATEFUL
};

/* A word stands in several rows when its operands decide what it means. */
static const struct verb {
    const char *word;
    enum story_what what;
    enum core_event_kind kind;
    unsigned needs;
    unsigned may;
} verbs[] = {
    {"tick", STORY_EVENT, CORE_TICK, 0, 0},
    {"open", STORY_EVENT, CORE_SESSION_OPEN, REQUEST | WHO, CONTEXT},
    {"load", STORY_EVENT, CORE_SESSION_LOAD, REQUEST | WHO, CONTEXT | SINCE},
    {"body", STORY_EVENT, CORE_SESSION_BODY, SESSION, REASON},
    {"durable", STORY_EVENT, CORE_SESSION_DURABLE, SESSION, 0},
    {"attach", STORY_EVENT, CORE_SESSION_ATTACH, SESSION, 0},
    {"detach", STORY_EVENT, CORE_SESSION_DETACH, SESSION, 0},
    {"touch", STORY_EVENT, CORE_SESSION_TOUCH, SESSION, 0},
    {"seen", STORY_EVENT, CORE_SESSION_SEEN, SESSION, 0},
    {"context", STORY_EVENT, CORE_SESSION_CONTEXT, SESSION, CONTEXT},
    {"close", STORY_EVENT, CORE_SESSION_CLOSE, SESSION, 0},
    {"submit", STORY_EVENT, CORE_SUBMIT, TICKET | WHO, SESSION | OF_CALL},
    {"submit", STORY_EVENT, CORE_SUBMIT, TICKET | SESSION, OF_CALL},
    {"cancel", STORY_EVENT, CORE_CANCEL, TICKET, REASON},
    {"up", STORY_EVENT, CORE_WORKER_UP, WORKER, 0},
    {"lost", STORY_EVENT, CORE_WORKER_LOST, WORKER, 0},
    {"up", STORY_EVENT, CORE_CONN_UP, CONN, CONTEXT},
    {"lost", STORY_EVENT, CORE_CONN_LOST, CONN, REPEATS},
    {"started", STORY_EVENT, CORE_STARTED, CONN, 0},
    {"done", STORY_EVENT, CORE_DONE, CONN, DIRTY | AMOUNT | PINS},
    {"done", STORY_EVENT, CORE_DONE, CONN | MOVED, CONTEXT | DIRTY | AMOUNT | PINS},
    {"pending", STORY_EVENT, CORE_CONN_PENDING, CONN, 0},
    {"changed", STORY_EVENT, CORE_LOGIN_CHANGED, WHO, PROFILE},
    {"day", STORY_EVENT, CORE_QUOTA_DAY, 0, 0},
    {"fetch", STORY_EVENT, CORE_FETCH, REQUEST | WHO, AMOUNT},
    {"fetch", STORY_EVENT, CORE_FETCH, REQUEST | WHO | CALL, AMOUNT | SESSION | CATALOG},
    {"fetched", STORY_EVENT, CORE_FETCHED, WHO, AMOUNT | GRANTED},
    {"restarted", STORY_EVENT, CORE_RESTARTED, 0, DIRTY},
    {"account", STORY_EVENT, CORE_ACCOUNT_LOAD, WHO, PRINCIPAL | AMOUNT | USED | SPENT},
    {"drain", STORY_EVENT, CORE_DRAIN, 0, 0},
    {"finish", STORY_FINISH, CORE_TICK, 0, 0},
    {"clock", STORY_SET_CLOCK, CORE_TICK, SHIFT, 0},
    {"look", STORY_LOOK_SESSION, CORE_TICK, SESSION, 0},
    {"look", STORY_LOOK_TICKET, CORE_TICK, TICKET, 0},
    {"look", STORY_LOOK_POOL, CORE_TICK, POOL, 0},
};

static const char *const operand_names[] = {"s0", "#1", "W0", "L0", "p0", "r1",
    "principal/client", "role= wh= db= schema= default", "a reason", "timeout=",
    "age= away=", "dirty", "pool", "moved", "high normal low", "catalog", "rows= bytes=",
    "granted= day=", "weight= credits=", "calls= engine_ms= microcredits=",
    "spent= catalog=", "principal", "+1h -1h", "call", "charged",
    "stateful", "pins", "repeats"};

const char *const story_parts[CORE_PARTS] = {"role", "wh", "db", "schema"};

struct str story_word(struct str *rest)
{
    *rest = str_trim(*rest);
    struct str word = *rest;
    for (word.len = 0; word.len < rest->len; word.len++) {
        char c = word.ptr[word.len];
        if (c == ' ' || c == '\t') {
            break;
        }
    }
    *rest = str_from(*rest, word.len);
    return word;
}

/* Splits "key=value"; false when there is no such sign, or nothing before it. */
bool story_split(struct str word, char sign, struct str *ret_left, struct str *ret_right)
{
    ptrdiff_t at = str_find(word, sign);
    if (at <= 0) {
        return false;
    }
    *ret_left = (struct str){word.ptr, (size_t)at};
    *ret_right = str_from(word, (size_t)at + 1);
    return true;
}

bool story_parse_duration(struct str word, uint64_t *ret_ns)
{
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000},
        {"m", 60000000000}, {"h", 3600000000000}};
    struct str digits = word;
    for (digits.len = 0; digits.len < word.len; digits.len++) {
        if (word.ptr[digits.len] < '0' || word.ptr[digits.len] > '9') {
            break;
        }
    }
    uint64_t count;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_eq(str_from(word, digits.len), str_of(units[i].unit)) &&
            str_to_u64(digits, INT64_MAX / units[i].ns, &count)) {
            *ret_ns = count * units[i].ns;
            return true;
        }
    }
    return false;
}

bool story_parse_u32(struct str word, uint32_t below, uint32_t *ret)
{
    uint64_t value;
    if (!str_to_u64(word, UINT32_MAX, &value) || value >= below) {
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

static uint32_t intern(struct story *s, struct str name)
{
    for (uint32_t i = 1; i < s->names_len; i++) {
        if (str_eq(name, str_of(s->names[i]))) {
            return i;
        }
    }
    if (s->names_len == STORY_NAMES_MAX || name.len == 0 ||
        !str_copy(name, s->names[s->names_len], STORY_NAME_LEN)) {
        return 0;
    }
    return s->names_len++;
}

/* W0 or W0@1, L0 or L0@1. */
static bool parse_owner(struct str number, const uint32_t *generations, uint32_t below,
    uint32_t *ret_index, uint32_t *ret_generation)
{
    struct str index;
    struct str generation;
    if (story_split(number, '@', &index, &generation)) {
        return story_parse_u32(index, below, ret_index) &&
               story_parse_u32(generation, UINT32_MAX, ret_generation);
    }
    if (!story_parse_u32(number, below, ret_index)) {
        return false;
    }
    *ret_generation = generations[*ret_index];
    return *ret_generation > 0;
}

/* A letter and a number; 0: it is none of these, or out of bounds. */
static unsigned parse_named(struct story *s, struct str word, struct core_event *e)
{
    struct str number = str_from(word, 1);
    bool ok = false;
    unsigned operand = 0;
    switch (word.ptr[0]) {
    case 's':
        operand = SESSION;
        ok = story_parse_u32(number, s->limits.sessions, &e->session);
        break;
    case '#':
        operand = TICKET;
        ok = story_parse_u32(number, s->limits.tickets, &e->ticket);
        break;
    case 'p':
        operand = PROFILE;
        ok = story_parse_u32(number, s->limits.profiles, &e->profile);
        break;
    case 'r':
        operand = REQUEST;
        ok = str_to_u64(number, UINT64_MAX, &e->user);
        break;
    case 'W':
        operand = WORKER;
        ok = parse_owner(
            number, s->worker_generation, CORE_WORKERS_MAX, &e->worker, &e->generation);
        break;
    case 'L':
        operand = CONN;
        ok = parse_owner(
            number, s->conn_generation, CORE_CONNS_MAX, &e->conn, &e->generation);
        break;
    default:
        break;
    }
    return ok ? operand : 0;
}

/* Before the line's time; a minus sign means after it, as a clock that was set can do. */
static bool parse_since(struct str value, uint64_t wall_ns, uint64_t *ret_wall_ns)
{
    bool ahead = str_starts(value, STR("-"));
    uint64_t ns;
    if (!story_parse_duration(str_from(value, ahead), &ns) || (!ahead && ns > wall_ns)) {
        return false;
    }
    *ret_wall_ns = ahead ? wall_ns + ns : wall_ns - ns;
    return true;
}

static unsigned parse_count(struct str key, struct str value, struct core_event *e)
{
    static const struct {
        const char *key;
        unsigned operand;
        enum core_quota used;
    } counts[] = {{"rows", AMOUNT, CORE_QUOTA_ROWS}, {"bytes", AMOUNT, CORE_QUOTA_BYTES},
        {"calls", USED, CORE_QUOTA_CALLS}, {"engine_ms", USED, CORE_QUOTA_ENGINE_MS},
        {"microcredits", USED, CORE_QUOTA_MICROCREDITS}};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (str_eq(key, str_of(counts[i].key))) {
            uint64_t *used = &e->used[counts[i].used];
            bool ok = str_to_u64(value, INT64_MAX, used);
            e->rows = e->used[CORE_QUOTA_ROWS];
            e->bytes = e->used[CORE_QUOTA_BYTES];
            return ok ? counts[i].operand : 0;
        }
    }
    if (str_eq(key, STR("granted"))) {
        return story_parse_u32(value, UINT32_MAX, &e->rows_max) ? GRANTED : 0;
    }
    if (str_eq(key, STR("day"))) {
        return story_parse_u32(value, UINT32_MAX, &e->generation) ? GRANTED : 0;
    }
    if (str_eq(key, STR("credits"))) {
        return str_to_u64(value, INT64_MAX, &e->credit_rate) ? COST : 0;
    }
    struct str of_principal;
    struct str of_client;
    bool ok = str_eq(key, STR("weight")) && story_split(value, '/', &of_principal, &of_client) &&
              story_parse_u32(of_principal, UINT32_MAX, &e->principal_weight) &&
              story_parse_u32(of_client, UINT32_MAX, &e->client_weight);
    return ok ? COST : 0;
}

static unsigned parse_pair(
    struct story *s, struct str key, struct str value, struct core_event *e)
{
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        if (str_eq(key, str_of(story_parts[i]))) {
            e->context.part[i] = intern(s, value);
            return e->context.part[i] > 0 ? CONTEXT : 0;
        }
    }
    if (str_eq(key, STR("spent"))) {
        return story_parse_duration(value, &e->spent_ns[CORE_CELL_CALLS]) ? SPENT : 0;
    }
    if (str_eq(key, STR("catalog"))) {
        return story_parse_duration(value, &e->spent_ns[CORE_CELL_CATALOG]) ? SPENT : 0;
    }
    if (str_eq(key, STR("timeout"))) {
        return story_parse_duration(value, &e->timeout_ns) ? TIMEOUT : 0;
    }
    if (str_eq(key, STR("age"))) {
        return parse_since(value, e->wall_ns, &e->created_wall_ns) ? SINCE : 0;
    }
    if (str_eq(key, STR("away"))) {
        return parse_since(value, e->wall_ns, &e->last_seen_wall_ns) ? SINCE : 0;
    }
    return parse_count(key, value, e);
}

static unsigned parse_flag(struct str word, struct core_event *e)
{
    static const char *const priorities[] = {"high", "normal", "low"};
    for (uint32_t i = 0; i < CORE_PRIORITIES; i++) {
        if (str_eq(word, str_of(priorities[i]))) {
            e->priority = (enum core_priority)i;
            return PRIORITY;
        }
    }
    const struct {
        const char *word;
        unsigned operand;
        bool *flag;
        bool value;
    } flags[] = {{"dirty", DIRTY, &e->clean, false}, {"moved", MOVED, &e->moved, true},
        {"catalog", CATALOG, &e->is_catalog, true}, {"call", CALL, &e->is_call, true},
        {"charged", CHARGED, &e->is_charged, true}, {"pins", PINS, &e->pins, true},
        {"repeats", REPEATS, &e->repeats, true},
        {"stateful", STATEFUL, &e->is_stateful, true},
        {"principal", PRINCIPAL, &e->is_principal, true}, {"pool", POOL, NULL, false},
        {"default", CONTEXT, NULL, false}};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (str_eq(word, str_of(flags[i].word))) {
            if (flags[i].flag) {
                *flags[i].flag = flags[i].value;
            }
            return flags[i].operand;
        }
    }
    return 0;
}

/* The clock that is set keeps its new distance: the event's wall clock tells it. */
static unsigned parse_shift(struct str word, struct core_event *e)
{
    bool ahead = word.ptr[0] == '+';
    uint64_t ns;
    if ((!ahead && word.ptr[0] != '-') || !story_parse_duration(str_from(word, 1), &ns) ||
        (!ahead && ns > e->wall_ns)) {
        return 0;
    }
    e->wall_ns = ahead ? e->wall_ns + ns : e->wall_ns - ns;
    return SHIFT;
}

/* What kind of operand @word is, stored in @e; 0: none. */
static unsigned parse_operand(struct story *s, struct str word, struct core_event *e)
{
    struct str left;
    struct str right;
    if (story_split(word, '=', &left, &right)) {
        return parse_pair(s, left, right, e);
    }
    if (story_split(word, '/', &left, &right)) {
        e->principal = intern(s, left);
        e->client = intern(s, right);
        return e->principal > 0 && e->client > 0 ? WHO : 0;
    }
    unsigned flag = parse_flag(word, e);
    flag = flag == 0 ? parse_shift(word, e) : flag;
    if (flag != 0) {
        return flag;
    }
    for (uint32_t i = 0; i < CORE_REASONS; i++) {
        if (str_eq(word, str_of(core_reason_name((enum core_reason)i)))) {
            e->reason = (enum core_reason)i;
            return REASON;
        }
    }
    return parse_named(s, word, e);
}

static void print_operands(unsigned operands, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(operand_names); i++) {
        if (operands & 1u << i) {
            buf_printf(out, " %s", operand_names[i]);
        }
    }
}

static const struct verb *find_verb(struct str word, unsigned seen, struct buf *ret_error)
{
    buf_clear(ret_error);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        const struct verb *v = &verbs[i];
        if (!str_eq(word, str_of(v->word))) {
            continue;
        }
        if ((v->needs & ~seen) == 0 && (seen & ~(v->needs | v->may)) == 0) {
            return v;
        }
        buf_printf(ret_error, "%s%s needs:", ret_error->len > 0 ? "; or " : "", v->word);
        print_operands(v->needs, ret_error);
        buf_puts(ret_error, ", may have:");
        print_operands(v->may, ret_error);
    }
    if (ret_error->len == 0) {
        buf_printf(ret_error, "'" STR_FMT "' is no event; known are:", STR_ARG(word));
        for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
            buf_printf(ret_error, " %s", verbs[i].word);
        }
    }
    return NULL;
}

/* A call of a session is made by its owner in its context, unless the line says
 * otherwise. */
static void bind_call(struct story *s, unsigned seen, struct core_event *e)
{
    struct core_session_view view;
    if (!(seen & SESSION)) {
        e->session = CORE_NONE;
    } else if (core_session_view(s->core, e->session, &view)) {
        e->principal = seen & WHO ? e->principal : view.principal;
        e->client = seen & WHO ? e->client : view.client;
        e->context = seen & CONTEXT ? e->context : view.context;
    }
}

bool story_parse_time(const struct story *s, struct str words, struct story_line *ret,
    struct buf *ret_error)
{
    struct str time = story_word(&words);
    if (!story_parse_duration(time, &ret->at_ns) || ret->at_ns < s->now_ns) {
        buf_printf(ret_error, "'" STR_FMT "' is no time, or lies before the line above",
            STR_ARG(time));
        return false;
    }
    ret->verb = story_word(&words);
    ret->is_late = str_eq(ret->verb, STR("late"));
    if (ret->is_late) {
        ret->verb = story_word(&words);
    }
    ret->operands = words;
    return true;
}

bool story_parse_event(struct story *s, struct story_line *line, struct buf *ret_error)
{
    struct core_event *e = &line->event;
    struct str operands = line->operands;
    unsigned seen = 0;
    *e = (struct core_event){.reason = CORE_CANCELLED,
        .clean = true,
        .priority = CORE_NORMAL,
        .boot_ns = s->boot_ns + line->at_ns,
        .wall_ns = s->wall_ns + s->wall_set_ns + line->at_ns};
    e->created_wall_ns = e->wall_ns;
    e->last_seen_wall_ns = e->wall_ns;
    for (struct str word; word = story_word(&operands), word.len > 0;) {
        unsigned operand = parse_operand(s, word, e);
        if (operand == 0 || (seen & operand & ~(unsigned)AGAIN) != 0) {
            buf_printf(ret_error, "'" STR_FMT "' is unknown, out of bounds or said twice",
                STR_ARG(word));
            return false;
        }
        seen |= operand;
    }
    const struct verb *v = find_verb(line->verb, seen, ret_error);
    if (!v) {
        return false;
    }
    e->kind = v->kind;
    line->what = v->what;
    e->rows_max = seen & GRANTED ? e->rows_max : (uint32_t)e->rows;
    if (v->kind == CORE_FETCH && !(seen & SESSION)) {
        e->session = CORE_NONE;
    }
    if (v->kind == CORE_SUBMIT) {
        bind_call(s, seen, e);
    } else if (v->kind == CORE_SESSION_BODY && !(seen & REASON)) {
        e->reason = CORE_OK;
    }
    return true;
}
