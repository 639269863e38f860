// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A TOML 1.0 document as a plain tree in the order of the file. The parser behind it is
 * toml++, of which nothing shows here; no exception leaves.
 */
#include "base/str.h"

enum toml_kind {
    TOML_TABLE,
    TOML_ARRAY,
    TOML_STRING,
    TOML_INT,
    TOML_BOOL,
    TOML_FLOAT,
    TOML_TIME /* any date or time */
};

struct toml_node {
    enum toml_kind kind;
    uint32_t line;                 /* where it begins */
    struct str key;                /* in a table */
    struct str text;               /* of TOML_STRING: UTF-8, may hold NULs */
    int64_t integer;               /* of TOML_INT; of TOML_BOOL 0 or 1 */
    double fraction;               /* of TOML_FLOAT; may be infinite or not a number */
    const struct toml_node *child; /* the first one of TOML_TABLE and TOML_ARRAY */
    const struct toml_node *next;  /* in the same table or array */
};

struct toml_doc;

/* NULL on an error: then @err says what is wrong (no full stop), in line *@ret_line. */
struct toml_doc *toml_parse(
    struct str text, uint32_t *ret_line, char *err, size_t err_size);
void toml_free(struct toml_doc *doc); /* NULL: nothing; wipes texts, which may be secrets */

/* The document's table; it and all nodes below live as long as @doc. */
const struct toml_node *toml_root(const struct toml_doc *doc);
