// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <math.h>
#include <stdio.h>

enum {
    WEIGHT_MAX = 100,
    CREDITS_MAX = 1000000,
    MILLI = 1000
};

const char *const config_client_types[] = {"claude_desktop", "claude_code", "roo_code",
    "cursor", "vscode", "codex", "http_client", "websocket_client", "unknown"};
const uint32_t config_client_type_count = ARRAY_LEN(config_client_types);

const char *const config_policies[] = {"read_only", "session_state", "read_write",
    "read_only+ai", "session_state+ai", "read_write+ai", NULL};

/* The words a value may be. */
static const char *const *words_of(enum setting_kind kind, uint32_t *ret_count)
{
    bool is_type = kind == SETTING_TYPES;
    *ret_count =
        is_type ? config_client_type_count : (uint32_t)ARRAY_LEN(config_policies) - 1;
    return is_type ? config_client_types : config_policies;
}

void names_put_range(struct buf *out, enum setting_kind kind)
{
    if (kind == SETTING_WEIGHTS) {
        buf_printf(out, "an integer from 1 to %d", WEIGHT_MAX);
    } else if (kind == SETTING_CREDITS) {
        buf_printf(out, "a number from 0 to %d", CREDITS_MAX);
    } else {
        uint32_t count;
        const char *const *words = words_of(kind, &count);
        for (uint32_t i = 0; i < count; i++) {
            buf_puts(out, i == 0 ? "" : i + 1 == count ? " or " : ", ");
            buf_put_json(out, str_of(words[i]));
        }
    }
}

static bool take_value(enum setting_kind kind, const struct toml_node *node, int64_t *ret)
{
    if (kind == SETTING_WEIGHTS) {
        *ret = node->integer;
        return node->kind == TOML_INT && *ret >= 1 && *ret <= WEIGHT_MAX;
    }
    if (kind == SETTING_CREDITS) {
        double value = node->kind == TOML_INT ? (double)node->integer : node->fraction;
        bool ok = (node->kind == TOML_INT || node->kind == TOML_FLOAT) && value >= 0 &&
                  value <= CREDITS_MAX;
        *ret = ok ? llround(value * MILLI) : 0;
        return ok;
    }
    uint32_t count;
    const char *const *words = words_of(kind, &count);
    for (uint32_t i = 0; node->kind == TOML_STRING && i < count; i++) {
        if (str_eq(node->text, str_of(words[i]))) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static bool wrong_value(
    struct reader *reader, const struct setting *setting, const struct toml_node *node)
{
    struct buf *err = reader_blame(reader, node);
    buf_printf(err, "%s.%s.", reader->section, setting->key);
    buf_put_json(err, node->key);
    buf_puts(err, " must be ");
    names_put_range(err, setting->kind);
    return reader_got(reader, node);
}

bool names_set(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, struct config_names *ret)
{
    struct config_names names = {0};
    if (node->kind != TOML_TABLE) {
        buf_puts(reader_must(reader, node, setting->key), "a table from names to values");
        return reader_got(reader, node);
    }
    for (const struct toml_node *it = node->child; it; it = it->next) {
        struct config_name *name = &names.at[names.len];
        if (names.len == CONFIG_NAMES_MAX) {
            buf_printf(reader_must(reader, node, setting->key),
                "a table of at most %d names, got more", CONFIG_NAMES_MAX);
            return false;
        }
        if (it->key.len == 0 || str_find(it->key, '\0') >= 0 ||
            !str_copy(it->key, name->name, sizeof(name->name))) {
            buf_printf(reader_must(reader, it, setting->key),
                "a table of names of 1 to %zu bytes without NUL", sizeof(name->name) - 1);
            return reader_got(reader, it);
        }
        if (!take_value(setting->kind, it, &name->value)) {
            return wrong_value(reader, setting, it);
        }
        names.len++;
    }
    *ret = names;
    return true;
}

static bool matches(const struct config_name *name, struct str text)
{
    struct str pattern = str_of(name->name);
    if (pattern.ptr[pattern.len - 1] == '*') {
        return str_starts_nocase(text, (struct str){pattern.ptr, pattern.len - 1});
    }
    return str_eq_nocase(text, pattern);
}

bool config_names_find(const struct config_names *names, struct str text, int64_t *ret)
{
    for (uint32_t i = 0; i < names->len; i++) {
        if (matches(&names->at[i], text)) {
            *ret = names->at[i].value;
            return true;
        }
    }
    return false;
}

const char *config_policy_of(const struct config_profile *profile, struct str principal)
{
    int64_t at = 0;
    return config_names_find(&profile->policies, principal, &at) ? config_policies[at]
                                                                 : profile->policy;
}

bool config_has_policy(const struct config_profile *profile, const char *word)
{
    bool has = str_starts(str_of(profile->policy), str_of(word));
    for (uint32_t i = 0; i < profile->policies.len; i++) {
        has = has || str_starts(str_of(config_policies[profile->policies.at[i].value]),
                         str_of(word));
    }
    return has;
}
