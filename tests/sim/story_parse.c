// SPDX-License-Identifier: Apache-2.0
/* The words of a story: limits, and events with their operands. */
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
    PRIORITY = 1 << 14, /* high, normal, low, catalog */
    AMOUNT = 1 << 15,   /* rows= and bytes= */
    SPENT = 1 << 16, /* spent= */
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
    {"context", STORY_EVENT, CORE_SESSION_CONTEXT, SESSION, CONTEXT},
    {"close", STORY_EVENT, CORE_SESSION_CLOSE, SESSION, 0},
    {"submit", STORY_EVENT, CORE_SUBMIT, TICKET | WHO,
        SESSION | PROFILE | CONTEXT | TIMEOUT | PRIORITY | AMOUNT},
    {"submit", STORY_EVENT, CORE_SUBMIT, TICKET | SESSION,
        PROFILE | CONTEXT | TIMEOUT | PRIORITY | AMOUNT},
    {"cancel", STORY_EVENT, CORE_CANCEL, TICKET, REASON},
    {"up", STORY_EVENT, CORE_WORKER_UP, WORKER, 0},
    {"lost", STORY_EVENT, CORE_WORKER_LOST, WORKER, 0},
    {"up", STORY_EVENT, CORE_CONN_UP, CONN, 0},
    {"lost", STORY_EVENT, CORE_CONN_LOST, CONN, 0},
    {"started", STORY_EVENT, CORE_STARTED, CONN, 0},
    {"done", STORY_EVENT, CORE_DONE, CONN, DIRTY | AMOUNT},
    {"day", STORY_EVENT, CORE_QUOTA_DAY, 0, 0},
    {"fetch", STORY_EVENT, CORE_FETCH, REQUEST | WHO, AMOUNT},
    {"fetched", STORY_EVENT, CORE_FETCHED, WHO | AMOUNT, 0},
    {"restarted", STORY_EVENT, CORE_RESTARTED, 0, DIRTY},
    {"account", STORY_EVENT, CORE_ACCOUNT_LOAD, WHO, AMOUNT | SPENT},
    {"done", STORY_EVENT, CORE_DONE, CONN | MOVED, CONTEXT | DIRTY},
    {"drain", STORY_EVENT, CORE_DRAIN, 0, 0},
    {"look", STORY_LOOK_SESSION, CORE_TICK, SESSION, 0},
    {"look", STORY_LOOK_TICKET, CORE_TICK, TICKET, 0},
    {"look", STORY_LOOK_POOL, CORE_TICK, POOL, 0},
};

static const char *const operand_names[] = {"s0", "#1", "W0", "L0", "p0", "r1",
    "principal/client", "role= wh= db= schema=", "a reason",
    "timeout=", "age= away=", "dirty", "pool", "moved", "high normal low catalog",
    "rows= bytes=", "spent="};

const char *const story_parts[CORE_PARTS] = {"role", "wh", "db", "schema"};

static struct str next_word(struct str *rest)
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
static bool split(struct str word, char sign, struct str *ret_left, struct str *ret_right)
{
    ptrdiff_t at = str_find(word, sign);
    if (at <= 0) {
        return false;
    }
    *ret_left = (struct str){word.ptr, (size_t)at};
    *ret_right = str_from(word, (size_t)at + 1);
    return true;
}

static bool parse_time(struct str word, uint64_t *ret_ns)
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

static bool parse_u32(struct str word, uint32_t below, uint32_t *ret)
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
    if (split(number, '@', &index, &generation)) {
        return parse_u32(index, below, ret_index) &&
               parse_u32(generation, UINT32_MAX, ret_generation);
    }
    if (!parse_u32(number, below, ret_index)) {
        return false;
    }
    *ret_generation = generations[*ret_index];
    return *ret_generation > 0;
}

/* A letter and a number; 0: it is none of these, or out of bounds. */
static unsigned parse_named(struct story *s, struct str word, struct core_event *e)
{
    struct str number = str_from(word, 1);
    uint32_t request = 0;
    bool ok = false;
    unsigned operand = 0;
    switch (word.ptr[0]) {
    case 's':
        operand = SESSION;
        ok = parse_u32(number, s->limits.sessions, &e->session);
        break;
    case '#':
        operand = TICKET;
        ok = parse_u32(number, s->limits.tickets, &e->ticket);
        break;
    case 'p':
        operand = PROFILE;
        ok = parse_u32(number, s->limits.profiles, &e->profile);
        break;
    case 'r':
        operand = REQUEST;
        ok = parse_u32(number, UINT32_MAX, &request);
        e->user = request;
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

static unsigned parse_pair(
    struct story *s, struct str key, struct str value, struct core_event *e)
{
    for (uint32_t i = 0; i < CORE_PARTS; i++) {
        if (str_eq(key, str_of(story_parts[i]))) {
            e->context.part[i] = intern(s, value);
            return e->context.part[i] > 0 ? CONTEXT : 0;
        }
    }
    if (str_eq(key, STR("rows"))) {
        bool ok = str_to_u64(value, UINT32_MAX, &e->rows);
        e->rows_max = (uint32_t)e->rows;
        e->used[CORE_QUOTA_ROWS] = e->rows;
        return ok ? AMOUNT : 0;
    }
    if (str_eq(key, STR("bytes"))) {
        return str_to_u64(value, UINT32_MAX, &e->bytes) ? AMOUNT : 0;
    }
    if (str_eq(key, STR("spent"))) {
        return parse_time(value, &e->spent_ns[CORE_CELL_CALLS]) ? SPENT : 0;
    }
    if (str_eq(key, STR("timeout"))) {
        return parse_time(value, &e->timeout_ns) ? TIMEOUT : 0;
    }
    /* Before the line's time; a minus sign means after it, as a clock that was set can
     * do. */
    bool ahead = str_starts(value, STR("-"));
    uint64_t ns;
    if (!parse_time(str_from(value, ahead), &ns) || ns > e->wall_ns) {
        return 0;
    }
    uint64_t wall_ns = ahead ? e->wall_ns + ns : e->wall_ns - ns;
    if (str_eq(key, STR("age"))) {
        e->created_wall_ns = wall_ns;
        return SINCE;
    }
    e->last_seen_wall_ns = wall_ns;
    return str_eq(key, STR("away")) ? SINCE : 0;
}

/* What kind of operand @word is, stored in @e; 0: none. */
static unsigned parse_operand(struct story *s, struct str word, struct core_event *e)
{
    struct str left;
    struct str right;
    if (split(word, '=', &left, &right)) {
        return parse_pair(s, left, right, e);
    }
    if (split(word, '/', &left, &right)) {
        e->principal = intern(s, left);
        e->client = intern(s, right);
        return e->principal > 0 && e->client > 0 ? WHO : 0;
    }
    if (str_eq(word, STR("dirty"))) {
        e->clean = false;
        return DIRTY;
    }
    if (str_eq(word, STR("moved"))) {
        e->moved = true;
        return MOVED;
    }
    if (str_eq(word, STR("pool"))) {
        return POOL;
    }
    static const char *const priorities[] = {"high", "normal", "low"};
    for (uint32_t i = 0; i < CORE_PRIORITIES; i++) {
        if (str_eq(word, str_of(priorities[i]))) {
            e->priority = (enum core_priority)i;
            return PRIORITY;
        }
    }
    if (str_eq(word, STR("catalog"))) {
        e->is_catalog = true;
        return PRIORITY;
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
    struct str time = next_word(&words);
    if (!parse_time(time, &ret->at_ns) || ret->at_ns < s->now_ns) {
        buf_printf(ret_error, "'" STR_FMT "' is no time, or lies before the line above",
            STR_ARG(time));
        return false;
    }
    ret->verb = next_word(&words);
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
        .wall_ns = s->wall_ns + line->at_ns};
    e->created_wall_ns = e->wall_ns;
    e->last_seen_wall_ns = e->wall_ns;
    for (struct str word; word = next_word(&operands), word.len > 0;) {
        unsigned operand = parse_operand(s, word, e);
        if (operand == 0 || (seen & operand & ~(unsigned)(CONTEXT | SINCE)) != 0) {
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
    if (v->kind == CORE_SUBMIT) {
        bind_call(s, seen, e);
    } else if (v->kind == CORE_SESSION_BODY && !(seen & REASON)) {
        e->reason = CORE_OK;
    }
    return true;
}

#define FIELD(field, name)                                                               \
    {                                                                                    \
        name, offsetof(struct core_limits, field),                                       \
            sizeof(((struct core_limits *)0)->field), false                              \
    }
#define FIELD_NS(field)                                                                  \
    {                                                                                    \
#field, offsetof(struct core_limits, field##_ns), sizeof(uint64_t), true          \
    }
static const struct {
    const char *name;
    size_t offset;
    size_t size;
    bool is_time;
} fields[] = {
    FIELD(sessions, "sessions"),
    FIELD(principal_sessions, "principal_sessions"),
    FIELD(tickets, "tickets"),
    FIELD(queue_total, "queue_total"),
    FIELD(queue_principal, "queue_principal"),
    FIELD(queue_client, "queue_client"),
    FIELD(run_principal, "run_principal"),
    FIELD(run_client, "run_client"),
    FIELD(reserved_slots, "reserved"),
    FIELD(names_max, "names"),
    FIELD(rate_client.burst, "rate_client"),
    FIELD(rate_principal.burst, "rate_principal"),
    FIELD(rate_catalog.burst, "rate_catalog"),
    FIELD(rate_session.burst, "rate_session"),
    FIELD(quota_client[CORE_QUOTA_CALLS], "quota_calls"),
    FIELD(quota_client[CORE_QUOTA_ROWS], "quota_rows"),
    FIELD(quota_client[CORE_QUOTA_BYTES], "quota_bytes"),
    FIELD(quota_client[CORE_QUOTA_ENGINE_MS], "quota_engine_ms"),
    FIELD(quota_principal[CORE_QUOTA_CALLS], "quota_principal_calls"),
    FIELD(chunk_ms, "chunk_ms"),
    FIELD_NS(present),
    {"slot_start", offsetof(struct core_limits, slot_ns_start), sizeof(uint64_t), true},
    FIELD_NS(idle),
    FIELD_NS(resume),
    FIELD_NS(age),
    FIELD_NS(touch),
    FIELD_NS(sleep),
    FIELD_NS(grace),
    FIELD_NS(queue),
    FIELD_NS(cancel),
    FIELD_NS(drain),
    FIELD_NS(spawn),
    {"backoff_min", offsetof(struct core_limits, backoff_ns_min), sizeof(uint64_t), true},
    {"backoff_max", offsetof(struct core_limits, backoff_ns_max), sizeof(uint64_t), true},
    FIELD(profiles, "profiles"),
};

void story_defaults(struct story *s)
{
    enum {
        MS = 1000000
    };
    const uint64_t second = 1000 * MS;
    s->names_len = 1;
    s->boot_ns = 1000 * second;
    s->wall_ns = 1000000 * second;
    s->limits = (struct core_limits){.sessions = 8,
        .principal_sessions = 4,
        .tickets = 16,
        .queue_total = 12,
        .queue_principal = 8,
        .queue_client = 6,
        .accounts = 32,
        .names_max = 8,
        .rate_client = {0, second},
        .rate_principal = {0, second},
        .rate_catalog = {0, second},
        .rate_session = {0, second},
        .present_ns = 60 * second,
        .slot_ns_start = 10 * second,
        .floor_permille = {200, 200, 50},
        .chunk_ms = 10000,
        .idle_ns = 60 * second,
        .resume_ns = 120 * second,
        .touch_ns = 5 * second,
        .sleep_ns = 3600 * second,
        .queue_ns = 30 * second,
        .cancel_ns = 100 * MS,
        .drain_ns = second,
        .spawn_ns = second,
        .backoff_ns_min = 100 * MS,
        .backoff_ns_max = second,
        .profiles = 1};
    for (uint32_t i = 0; i < CORE_PROFILES_MAX; i++) {
        s->limits.profile[i] = (struct core_profile_limits){1, 1, 0};
    }
}

static bool parse_profile_limit(struct story *s, struct str key, struct str value)
{
    uint32_t first = 0;
    uint32_t last = CORE_PROFILES_MAX - 1;
    struct str profile;
    if (split(key, '.', &profile, &key)) {
        if (profile.ptr[0] != 'p' ||
            !parse_u32(str_from(profile, 1), CORE_PROFILES_MAX, &first)) {
            return false;
        }
        last = first;
    }
    for (uint32_t i = first; i <= last; i++) {
        struct core_profile_limits *limits = &s->limits.profile[i];
        bool ok = false;
        if (str_eq(key, STR("slots"))) {
            ok = parse_u32(value, CORE_CONNS_MAX + 1, &limits->slots);
        } else if (str_eq(key, STR("conns_per_worker"))) {
            ok = parse_u32(value, CORE_CONNS_MAX + 1, &limits->conns_per_worker);
        } else if (str_eq(key, STR("conn_idle"))) {
            ok = parse_time(value, &limits->idle_ns);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool parse_limit(struct story *s, struct str key, struct str value)
{
    uint64_t number;
    if (str_eq(key, STR("boot"))) {
        return parse_time(value, &s->boot_ns);
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        char *field = (char *)&s->limits + fields[i].offset;
        if (!str_eq(key, str_of(fields[i].name))) {
            continue;
        }
        if (fields[i].is_time && parse_time(value, &number)) {
            memcpy(field, &number, sizeof(number));
            return true;
        }
        if (!fields[i].is_time && str_to_u64(value, UINT16_MAX, &number)) {
            if (fields[i].size == sizeof(uint64_t)) {
                memcpy(field, &number, sizeof(number));
            } else {
                memcpy(field, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
            }
            return true;
        }
        return false;
    }
    return parse_profile_limit(s, key, value);
}

bool story_parse_limits(struct story *s, struct str words, struct buf *ret_error)
{
    for (struct str word; word = next_word(&words), word.len > 0;) {
        struct str key;
        struct str value;
        if (!split(word, '=', &key, &value) || !parse_limit(s, key, value)) {
            buf_printf(ret_error, "'" STR_FMT "' is no limit, or not in its unit",
                STR_ARG(word));
            return false;
        }
    }
    if (s->limits.sessions == 0 || s->limits.tickets == 0 || s->limits.profiles == 0 ||
        s->limits.profiles > CORE_PROFILES_MAX) {
        buf_printf(ret_error, "at least one session and ticket, 1 to %d profiles",
            CORE_PROFILES_MAX);
        return false;
    }
    return true;
}
