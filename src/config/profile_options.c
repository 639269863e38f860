// SPDX-License-Identifier: Apache-2.0
#include "config/profile_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/driver_options.h"
#include "config/secret.h"

enum {
    OPTION_KEY_MAX = 255,
    WORD_MIN = 4, /* to look for inside of others */
    EDITS_MAX = 2
};

/* One table being read. */
struct table {
    struct reader *reader;
    const char *name;                   /* "options", "parameters" */
    const struct driver_options *known; /* NULL: all keys pass */
    struct config_options *options;
};

void options_free(struct config_options *options)
{
    for (uint32_t i = 0; i < options->len; i++) {
        struct config_option *option = &options->at[i];
        free(option->key);
        explicit_bzero(option->value, option->value_len); /* may be a secret */
        free(option->value);
    }
    options->len = 0;
}

bool options_add(struct config_options *options, struct str key, struct str value,
    enum config_source source)
{
    ASSERT(options->len < CONFIG_OPTIONS_MAX);
    struct config_option option = {.key = strndup(key.ptr, key.len),
        .value = malloc(value.len + 1),
        .value_len = value.len,
        .source = source};
    if (!option.key || !option.value) {
        free(option.key);
        free(option.value);
        return false;
    }
    memcpy(option.value, value.ptr, value.len);
    option.value[value.len] = '\0';
    options->at[options->len++] = option;
    return true;
}

bool options_copy(struct config_options *ret_copy, const struct config_options *options)
{
    for (uint32_t i = 0; i < options->len; i++) {
        const struct config_option *option = &options->at[i];
        struct str value = {option->value, option->value_len};
        if (!options_add(ret_copy, str_of(option->key), value, option->source)) {
            return false;
        }
    }
    return true;
}

const struct config_option *options_find(
    const struct config_options *options, struct str key)
{
    for (uint32_t i = 0; i < options->len; i++) {
        if (str_eq(str_of(options->at[i].key), key)) {
            return &options->at[i];
        }
    }
    return NULL;
}

/* "profile.NAME.options", or "options" of a document that is no section. */
static void put_name(const struct table *table, struct buf *out)
{
    buf_printf(
        out, "%s%s%s", table->reader->section, reader_dot(table->reader), table->name);
}

static bool no_memory(const struct table *table, const struct toml_node *node)
{
    buf_puts(reader_blame(table->reader, node), "out of memory");
    return false;
}

static bool add(const struct table *table, const struct toml_node *node, struct str key,
    struct str value, enum config_source source)
{
    if (table->options->len == CONFIG_OPTIONS_MAX) {
        struct buf *err = reader_must(table->reader, node, table->name);
        buf_printf(err, "a table of at most %d keys, got more", CONFIG_OPTIONS_MAX);
        return false;
    }
    return options_add(table->options, key, value, source) || no_memory(table, node);
}

/* A plain value as text. @key is not the node's: it may be a dotted one. */
static bool read_value(
    const struct table *table, struct str key, const struct toml_node *node)
{
    char number[32];
    struct str value = node->text;
    if (node->kind == TOML_INT) {
        snprintf(number, sizeof(number), "%" PRId64, node->integer);
        value = str_of(number);
    } else if (node->kind == TOML_BOOL) {
        value = node->integer ? STR("true") : STR("false");
    } else if (node->kind != TOML_STRING || str_find(value, '\0') >= 0) {
        struct buf *err = reader_blame(table->reader, node);
        put_name(table, err);
        buf_putc(err, '.');
        buf_put_json(err, key);
        buf_puts(err, " must be a string without NUL, an integer or a boolean");
        return node->kind == TOML_STRING ? false : reader_got(table->reader, node);
    }
    return add(table, node, key, value, CONFIG_VALUE);
}

/* A table that says where a value is, in contrast to a part of a dotted key. */
static bool is_secret(const struct toml_node *node)
{
    for (const struct toml_node *it = node->child; it; it = it->next) {
        bool is_place = str_eq(it->key, STR("env")) || str_eq(it->key, STR("file")) ||
                        str_eq(it->key, STR("command"));
        if (is_place && it->kind != TOML_TABLE) {
            return true;
        }
    }
    return false;
}

static bool read_secret(
    const struct table *table, struct str key, const struct toml_node *node)
{
    enum config_source source = CONFIG_VALUE;
    struct buf from = BUF_INIT(SECRET_FROM_MAX);
    bool ok = secret_set(table->reader, key, node, &source, &from) &&
              add(table, node, key, buf_str(&from), source);
    buf_free(&from);
    return ok;
}

/* The part after the last dot. */
static struct str last_part(struct str key)
{
    for (ptrdiff_t dot; (dot = str_find(key, '.')) >= 0;) {
        key = str_from(key, (size_t)dot + 1);
    }
    return key;
}

static bool contains(struct str text, struct str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (str_starts_nocase(str_from(text, i), word)) {
            return true;
        }
    }
    return false;
}

/* A known key that ends as @key does, or at least holds its end; NULL: none. */
static const char *find_alike(const struct driver_options *known, struct str key)
{
    struct str word = last_part(key);
    for (uint32_t i = 0; i < known->key_count; i++) {
        if (str_eq_nocase(word, last_part(str_of(known->keys[i])))) {
            return known->keys[i];
        }
    }
    for (uint32_t i = 0; i < known->key_count && word.len >= WORD_MIN; i++) {
        if (contains(last_part(str_of(known->keys[i])), word)) {
            return known->keys[i];
        }
    }
    return NULL;
}

static bool is_parameter(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit || c == '_')) {
            return false;
        }
    }
    return name.len > 0 && name.len <= OPTION_KEY_MAX;
}

static bool is_near(const struct driver_options *known, struct str key)
{
    for (uint32_t i = 0; i < known->key_count; i++) {
        if (str_distance(key, str_of(known->keys[i]), EDITS_MAX + 1) <= EDITS_MAX) {
            return true;
        }
    }
    return false;
}

static bool unknown_option(
    const struct table *table, const struct toml_node *node, struct str key)
{
    const struct driver_options *known = table->known;
    const char *alike = find_alike(known, key);
    struct buf *err = reader_blame(table->reader, node);
    buf_puts(err, "unknown option ");
    buf_put_json(err, key);
    buf_printf(err, " of the driver %s in [", known->name);
    put_name(table, err);
    buf_putc(err, ']');
    if (alike) {
        buf_printf(err, "; did you mean \"%s\"?", alike);
        return false;
    }
    if (!known->has_parameters || !is_parameter(key) || is_near(known, key)) {
        return reader_nearest(table->reader, key, known->keys, known->key_count);
    }
    const char *section = table->reader->section;
    buf_printf(err, "; a parameter of the session belongs under [%s.parameters]",
        section[0] != '\0' ? section : "profile.NAME");
    return false;
}

/* The value is not repeated: it may be a secret in the wrong place. */
static bool refuse_word(const struct table *table, const struct toml_node *node, struct str key,
    const char *const *words)
{
    struct buf *err = reader_blame(table->reader, node);
    put_name(table, err);
    buf_putc(err, '.');
    buf_put_json(err, key);
    buf_puts(err, " must be ");
    for (size_t i = 0; words[i]; i++) {
        buf_puts(err, i == 0 ? "" : words[i + 1] ? ", " : " or ");
        buf_put_json(err, str_of(words[i]));
    }
    return false;
}

static bool is_one_of(struct str value, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        if (str_eq(value, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

static bool read_option(
    const struct table *table, struct str key, const struct toml_node *node)
{
    const char *const *words = table->known ? driver_options_words(table->known, key) : NULL;
    if (words && node->kind == TOML_STRING && !is_one_of(node->text, words)) {
        return refuse_word(table, node, key, words);
    }
    if (table->known && !driver_options_know(table->known, key)) {
        return unknown_option(table, node, key);
    }
    return node->kind == TOML_TABLE ? read_secret(table, key, node)
                                    : read_value(table, key, node);
}

/*
 * ADBC options have dots in their names; unquoted, TOML makes tables of them, which are
 * put together again here. The depth is bounded by toml_parse().
 */
static bool read_table(
    const struct table *table, struct str prefix, const struct toml_node *node)
{
    bool ok = true;
    for (const struct toml_node *it = node->child; it && ok; it = it->next) {
        char text[OPTION_KEY_MAX + 1];
        int len = snprintf(text, sizeof(text), STR_FMT "%s" STR_FMT, STR_ARG(prefix),
            prefix.len > 0 ? "." : "", STR_ARG(it->key));
        struct str key = {text, (size_t)len};
        if (len <= 0 || len > OPTION_KEY_MAX || str_find(it->key, '\0') >= 0) {
            struct buf *err = reader_blame(table->reader, it);
            buf_puts(err, "a key of ");
            put_name(table, err);
            buf_printf(err, " must have 1 to %d bytes and no NUL", OPTION_KEY_MAX);
            return false;
        }
        bool is_branch = it->kind == TOML_TABLE && !is_secret(it);
        ok = is_branch ? read_table(table, key, it) : read_option(table, key, it);
    }
    return ok;
}

bool options_read(struct reader *reader, struct str driver, const struct toml_node *node,
    struct config_options *ret)
{
    struct table table = {.reader = reader,
        .name = "options",
        .known = driver_options_of(driver),
        .options = ret};
    if (node->kind != TOML_TABLE) {
        buf_puts(reader_must(reader, node, table.name), "a table");
        return reader_got(reader, node);
    }
    options_free(ret);
    return read_table(&table, STR(""), node);
}

static bool read_parameter(const struct table *table, const struct toml_node *node)
{
    if (!is_parameter(node->key)) {
        struct buf *err = reader_blame(table->reader, node);
        buf_puts(err, "the name ");
        buf_put_json(err, node->key);
        buf_printf(err, " in [%s.parameters] must be 1 to %d letters, digits and \"_\"",
            table->reader->section, OPTION_KEY_MAX);
        return false;
    }
    if (table->known && driver_options_know(table->known, node->key)) {
        struct buf *err = reader_blame(table->reader, node);
        buf_put_json(err, node->key);
        buf_printf(err, " is an option of the driver: it belongs under [%s.options]",
            table->reader->section);
        return false;
    }
    const char *near =
        table->known ? driver_options_parameter_near(table->known, node->key) : NULL;
    if (near) {
        struct buf *err = reader_blame(table->reader, node);
        buf_puts(err, "unknown parameter ");
        buf_put_json(err, node->key);
        buf_printf(err, " in [%s.parameters]; did you mean \"%s\"?", table->reader->section, near);
        return false;
    }
    return read_value(table, node->key, node);
}

bool parameters_read(struct reader *reader, struct str driver,
    const struct toml_node *node, struct config_options *ret)
{
    struct table table = {.reader = reader,
        .name = "parameters",
        .known = driver_options_of(driver),
        .options = ret};
    if (node->kind != TOML_TABLE) {
        buf_puts(reader_must(reader, node, table.name), "a table");
        return reader_got(reader, node);
    }
    bool is_ours = str_eq(driver, STR("duckdb"));
    if (is_ours || (table.known && !table.known->has_parameters)) {
        buf_printf(reader_blame(reader, node),
            "[%s.parameters] are Snowflake's, and the driver is \"" STR_FMT "\"",
            reader->section, STR_ARG(driver));
        return false;
    }
    options_free(ret);
    bool ok = true;
    for (const struct toml_node *it = node->child; it && ok; it = it->next) {
        ok = read_parameter(&table, it);
    }
    return ok;
}
