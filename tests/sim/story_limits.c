// SPDX-License-Identifier: Apache-2.0
/* The limits of a story: what stands in none, and their words. */
#include "story.h"

#include <inttypes.h>
#include <stddef.h>

#define COUNT(field, name)                                                               \
    {                                                                                    \
        name, offsetof(struct core_limits, field),                                       \
            sizeof(((struct core_limits *)0)->field), false                              \
    }
#define TIME(field, name)                                                                \
    {                                                                                    \
        name, offsetof(struct core_limits, field), sizeof(uint64_t), true                \
    }
static const struct field {
    const char *name;
    size_t offset;
    size_t size;
    bool is_time;
} fields[] = {
    COUNT(sessions, "sessions"),
    COUNT(principal_sessions, "principal_sessions"),
    COUNT(tickets, "tickets"),
    COUNT(accounts, "accounts"),
    COUNT(names_max, "names"),
    COUNT(queue_total, "queue_total"),
    COUNT(queue_principal, "queue_principal"),
    COUNT(queue_client, "queue_client"),
    COUNT(run_principal, "run_principal"),
    COUNT(run_client, "run_client"),
    COUNT(reserved_slots, "reserved"),
    COUNT(floor_permille[CORE_HIGH], "floor_high"),
    COUNT(floor_permille[CORE_NORMAL], "floor_normal"),
    COUNT(floor_permille[CORE_LOW], "floor_low"),
    COUNT(rate_global.burst, "rate_global"),
    TIME(rate_global.interval_ns, "rate_global_every"),
    COUNT(rate_principal.burst, "rate_principal"),
    TIME(rate_principal.interval_ns, "rate_principal_every"),
    COUNT(rate_client.burst, "rate_client"),
    TIME(rate_client.interval_ns, "rate_client_every"),
    COUNT(rate_session.burst, "rate_session"),
    TIME(rate_session.interval_ns, "rate_session_every"),
    COUNT(rate_catalog.burst, "rate_catalog"),
    TIME(rate_catalog.interval_ns, "rate_catalog_every"),
    COUNT(quota_client[CORE_QUOTA_CALLS], "quota_calls"),
    COUNT(quota_client[CORE_QUOTA_ROWS], "quota_rows"),
    COUNT(quota_client[CORE_QUOTA_BYTES], "quota_bytes"),
    COUNT(quota_client[CORE_QUOTA_ENGINE_MS], "quota_engine_ms"),
    COUNT(quota_client[CORE_QUOTA_MICROCREDITS], "quota_microcredits"),
    COUNT(quota_principal[CORE_QUOTA_CALLS], "quota_principal_calls"),
    COUNT(quota_principal[CORE_QUOTA_ROWS], "quota_principal_rows"),
    COUNT(quota_principal[CORE_QUOTA_BYTES], "quota_principal_bytes"),
    COUNT(quota_principal[CORE_QUOTA_ENGINE_MS], "quota_principal_engine_ms"),
    COUNT(quota_principal[CORE_QUOTA_MICROCREDITS], "quota_principal_microcredits"),
    COUNT(chunk_ms, "chunk_ms"),
    TIME(present_ns, "present"),
    TIME(slot_ns_start, "slot_start"),
    TIME(idle_ns, "idle"),
    TIME(resume_ns, "resume"),
    TIME(age_ns, "age"),
    TIME(touch_ns, "touch"),
    TIME(sleep_ns, "sleep"),
    TIME(pin_idle_ns, "pin_idle"),
    TIME(grace_ns, "grace"),
    TIME(queue_ns, "queue"),
    TIME(cancel_ns, "cancel"),
    TIME(drain_ns, "drain"),
    TIME(spawn_ns, "spawn"),
    TIME(backoff_ns_min, "backoff_min"),
    TIME(backoff_ns_max, "backoff_max"),
    COUNT(profiles, "profiles"),
};

/* Of a profile; "slots" holds for all of them, "p1.slots" for one. */
static const struct field profile_fields[] = {
    {"slots", offsetof(struct core_profile_limits, slots), sizeof(uint32_t), false},
    {"conns_per_worker", offsetof(struct core_profile_limits, conns_per_worker),
        sizeof(uint32_t), false},
    {"conn_idle", offsetof(struct core_profile_limits, idle_ns), sizeof(uint64_t), true},
    {"conn_age", offsetof(struct core_profile_limits, age_ns), sizeof(uint64_t), true},
    {"logins", offsetof(struct core_profile_limits, logins), sizeof(uint32_t), false},
    {"workers", offsetof(struct core_profile_limits, workers), sizeof(uint32_t), false},
    {"per_principal", offsetof(struct core_profile_limits, per_principal), sizeof(bool), false},
    {"connect", offsetof(struct core_profile_limits, connect_ns), sizeof(uint64_t), true},
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
        s->limits.profile[i] = (struct core_profile_limits){.slots = 1, .conns_per_worker = 1};
    }
}

static uint64_t value_of(const void *limits, const struct field *field)
{
    const char *at = (const char *)limits + field->offset;
    uint64_t wide = 0;
    uint32_t narrow = 0;
    uint8_t flag = 0;
    memcpy(&wide, at, field->size == sizeof(wide) ? sizeof(wide) : 0);
    memcpy(&narrow, at, field->size == sizeof(narrow) ? sizeof(narrow) : 0);
    memcpy(&flag, at, field->size == sizeof(flag) ? sizeof(flag) : 0);
    return wide + narrow + (flag > 0); /* one of them */
}

static void set_value(void *limits, const struct field *field, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    bool flag = value > 0;
    const void *from = field->size == sizeof(value)    ? (void *)&value
                       : field->size == sizeof(narrow) ? (void *)&narrow
                                                       : (void *)&flag;
    memcpy((char *)limits + field->offset, from, field->size);
}

static bool parse_value(void *limits, const struct field *field, struct str value)
{
    uint64_t number;
    bool is_wide = field->size == sizeof(number);
    bool ok = field->is_time
                  ? story_parse_duration(value, &number)
                  : str_to_u64(value, is_wide ? INT64_MAX : UINT16_MAX, &number);
    if (ok) {
        set_value(limits, field, number);
    }
    return ok;
}

static bool parse_profile_limit(struct story *s, struct str key, struct str value)
{
    uint32_t first = 0;
    uint32_t last = CORE_PROFILES_MAX - 1;
    struct str profile;
    if (story_split(key, '.', &profile, &key)) {
        if (profile.ptr[0] != 'p' ||
            !story_parse_u32(str_from(profile, 1), CORE_PROFILES_MAX, &first)) {
            return false;
        }
        last = first;
    }
    for (size_t i = 0; i < ARRAY_LEN(profile_fields); i++) {
        bool ok = str_eq(key, str_of(profile_fields[i].name));
        for (uint32_t p = first; ok && p <= last; p++) {
            ok = parse_value(&s->limits.profile[p], &profile_fields[i], value);
        }
        if (ok) {
            return true;
        }
    }
    return false;
}

static bool parse_limit(struct story *s, struct str key, struct str value)
{
    if (str_eq(key, STR("boot"))) {
        return story_parse_duration(value, &s->boot_ns);
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (str_eq(key, str_of(fields[i].name))) {
            return parse_value(&s->limits, &fields[i], value);
        }
    }
    return parse_profile_limit(s, key, value);
}

bool story_parse_limits(struct story *s, struct str words, struct buf *ret_error)
{
    for (struct str word; word = story_word(&words), word.len > 0;) {
        struct str key;
        struct str value;
        if (!story_split(word, '=', &key, &value) || !parse_limit(s, key, value)) {
            buf_printf(ret_error, "'" STR_FMT "' is no limit, or not in its unit",
                STR_ARG(word));
            return false;
        }
    }
    bool slots = true;
    for (uint32_t p = 0; p < CORE_PROFILES_MAX; p++) {
        slots = slots && s->limits.profile[p].slots > 0 &&
                s->limits.profile[p].slots <= CORE_CONNS_MAX;
    }
    if (s->limits.sessions == 0 || s->limits.tickets == 0 || s->limits.profiles == 0 ||
        s->limits.profiles > CORE_PROFILES_MAX || s->limits.accounts < 2 ||
        s->limits.names_max == 0 || !slots) {
        buf_printf(ret_error,
            "at least one session, ticket, name and slot, two accounts, 1 to %d profiles",
            CORE_PROFILES_MAX);
        return false;
    }
    return true;
}

static void print_value(const struct field *field, uint64_t value, struct buf *out)
{
    buf_printf(out, "%s=", field->name);
    if (field->is_time) {
        story_print_time((int64_t)value, out);
    } else {
        buf_put_u64(out, value);
    }
}

static const struct story *defaults(void)
{
    static struct story story;
    story_defaults(&story);
    return &story;
}

void story_print_limits(const struct story *s, struct buf *out)
{
    const struct story *usual = defaults();
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        uint64_t value = value_of(&s->limits, &fields[i]);
        if (value != value_of(&usual->limits, &fields[i])) {
            buf_putc(out, ' ');
            print_value(&fields[i], value, out);
        }
    }
    for (uint32_t p = 0; p < s->limits.profiles; p++) {
        for (size_t i = 0; i < ARRAY_LEN(profile_fields); i++) {
            uint64_t value = value_of(&s->limits.profile[p], &profile_fields[i]);
            if (value == value_of(&usual->limits.profile[p], &profile_fields[i])) {
                continue;
            }
            buf_putc(out, ' ');
            if (s->limits.profiles > 1) {
                buf_printf(out, "p%" PRIu32 ".", p);
            }
            print_value(&profile_fields[i], value, out);
        }
    }
    if (s->boot_ns != usual->boot_ns) {
        buf_puts(out, " boot=");
        story_print_time((int64_t)s->boot_ns, out);
    }
}

/* Where in the limits that one is, or NULL. */
static const struct field *find_limit(uint32_t which, size_t *ret_offset)
{
    enum {
        OF_PROFILE = ARRAY_LEN(profile_fields),
        ALL = ARRAY_LEN(fields) + CORE_PROFILES_MAX * OF_PROFILE
    };
    _Static_assert((int)ALL <= (int)STORY_LIMITS_END, "every limit has its number");
    *ret_offset = 0;
    if (which < ARRAY_LEN(fields)) {
        return &fields[which];
    }
    if (which >= ALL) {
        return NULL;
    }
    uint32_t at = which - (uint32_t)ARRAY_LEN(fields);
    *ret_offset = offsetof(struct core_limits, profile) +
                  at / OF_PROFILE * sizeof(struct core_profile_limits);
    return &profile_fields[at % OF_PROFILE];
}

bool story_limit_get(
    const struct core_limits *limits, uint32_t which, struct story_limit *ret)
{
    size_t offset;
    const struct field *field = find_limit(which, &offset);
    if (field) {
        *ret =
            (struct story_limit){.value = value_of((const char *)limits + offset, field),
                .usual = value_of((const char *)&defaults()->limits + offset, field),
                .is_time = field->is_time};
    }
    return field != NULL;
}

void story_limit_set(struct core_limits *limits, uint32_t which, uint64_t value)
{
    size_t offset;
    const struct field *field = find_limit(which, &offset);
    ASSERT(field);
    set_value((char *)limits + offset, field, value);
}
