// SPDX-License-Identifier: Apache-2.0
#include "config/secret.h"

#include <stdlib.h>

#define SHAPES                                                                           \
    "{env = \"VARIABLE\"}, {file = \"PATH\"} or {command = [\"PROGRAM\", \"ARGUMENT\"]}"

/* Says what is wrong at @node with the value of @key; returns where it goes on. */
static struct buf *blame(
    struct reader *reader, struct str key, const struct toml_node *node)
{
    struct buf *err = reader_blame(reader, node);
    buf_printf(err, "%s%s", reader->section, reader_dot(reader));
    buf_put_json(err, key);
    return err;
}

bool secret_put_home(struct buf *out, struct str path)
{
    const char *home = getenv("HOME");
    bool is_home = str_starts(path, STR("~/"));
    if (is_home && (!home || home[0] != '/')) {
        return false;
    }
    buf_puts(out, is_home ? home : "");
    buf_put_str(out, is_home ? str_from(path, 1) : path);
    return true;
}

/* A text that is not empty and has no NUL. */
static bool is_word(const struct toml_node *node)
{
    return node->kind == TOML_STRING && node->text.len > 0 &&
           str_find(node->text, '\0') < 0;
}

static bool put_path(struct reader *reader, const struct toml_node *node, struct buf *out)
{
    struct str path = node->text;
    if (!str_starts(path, STR("/")) && !str_starts(path, STR("~/")) &&
        reader->dir[0] != '\0') {
        buf_printf(out, "%s/", reader->dir);
    }
    return secret_put_home(out, path);
}

static bool is_variable(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                (is_digit && i > 0))) {
            return false;
        }
    }
    return true;
}

/* The program may be a name to look for, a path, or relative to the configuration. */
static bool put_command(
    struct reader *reader, const struct toml_node *node, struct buf *out)
{
    size_t count = 0;
    for (const struct toml_node *it = node->child; it; it = it->next) {
        bool is_path =
            count == 0 && it->kind == TOML_STRING && str_find(it->text, '/') >= 0;
        if (it->kind != TOML_STRING || str_find(it->text, '\0') >= 0 ||
            (count == 0 && it->text.len == 0) || ++count > SECRET_ARGS_MAX) {
            return false;
        }
        if (it != node->child) {
            buf_putc(out, '\0');
        }
        if (is_path && !put_path(reader, it, out)) {
            return false;
        }
        if (!is_path) {
            buf_put_str(out, it->text);
        }
    }
    return count > 0;
}

bool secret_set(struct reader *reader, struct str key, const struct toml_node *node,
    enum config_source *ret_source, struct buf *ret_from)
{
    const struct toml_node *it = node->child;
    const char *must = NULL;
    buf_clear(ret_from);
    if (node->kind != TOML_TABLE || !it || it->next) {
        must = "have exactly one of " SHAPES;
    } else if (str_eq(it->key, STR("env"))) {
        *ret_source = CONFIG_FROM_ENV;
        must = is_word(it) && is_variable(it->text)
                   ? NULL
                   : "name an environment variable: letters, digits and \"_\"";
        buf_put_str(ret_from, it->text);
    } else if (str_eq(it->key, STR("file"))) {
        *ret_source = CONFIG_FROM_FILE;
        must = is_word(it) && put_path(reader, it, ret_from) ? NULL : "name a file";
    } else if (str_eq(it->key, STR("command"))) {
        *ret_source = CONFIG_FROM_COMMAND;
        must =
            it->kind == TOML_ARRAY && put_command(reader, it, ret_from)
                ? NULL
                : "be an array of a program and at most 15 arguments, strings without NUL";
    } else {
        must = "have exactly one of " SHAPES;
    }
    if (!must && !buf_ok(ret_from)) {
        must = "have at most 8192 bytes";
    }
    if (must) {
        buf_printf(blame(reader, key, node), " must %s", must);
    }
    return must == NULL;
}
