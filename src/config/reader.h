// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Reads one TOML value into the place of one setting, and words what is wrong with it.
 */
#include "config/table.h"
#include "config/toml.h"

struct reader {
    const char *name;    /* of the text, for messages */
    const char *section; /* as messages name it: "query", "profile.NAME"; "": none */
    const char *dir;     /* before relative paths; "" leaves them */
    struct buf *err;
};

/* Starts a message with name and line; returns where it goes on. */
struct buf *reader_blame(struct reader *reader, const struct toml_node *node);

/* The same for what a key must be: "NAME:LINE: SECTION.KEY must be "; see reader_got().
 */
struct buf *reader_must(
    struct reader *reader, const struct toml_node *node, const char *key);

/* What stands between section and key: "." or "". */
const char *reader_dot(const struct reader *reader);

/* Ends a message: ", got VALUE". Returns false. */
bool reader_got(struct reader *reader, const struct toml_node *node);

/* Ends a message on the unknown @word: with the nearest of @known, else with all of them.
 */
bool reader_nearest(
    struct reader *reader, struct str word, const char *const *known, size_t known_len);

/* Every kind but SETTING_FILES, _OPTIONS and _PARAMETERS, in the struct at @base. */
MUST_USE bool reader_set(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, void *base);

/*
 * A path as a setting holds it: not empty, no NUL, relative ones after the reader's
 * directory, shorter than @cap.
 */
MUST_USE bool reader_path(struct reader *reader, const char *key,
    const struct toml_node *node, char *ret_path, size_t cap);
