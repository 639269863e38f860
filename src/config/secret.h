// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Where an option's value is kept: {env = "VAR"}, {file = "path"}, {command = ["prog"]}.
 * Here it is only read where that is; what is there is read when a worker starts.
 */
#include "config/reader.h"

enum {
    SECRET_ARGS_MAX = 16,
    SECRET_FROM_MAX = 8192
};

/*
 * Reads the table @node, the value of @key, into @ret_source and @ret_from (the
 * variable's name, the absolute path, or the arguments separated by NULs). A path that
 * begins with ~/ is in the user's home; other relative ones, also of programs, are after
 * the reader's directory. False: it was said what is wrong.
 */
MUST_USE bool secret_set(struct reader *reader, struct str key,
    const struct toml_node *node, enum config_source *ret_source, struct buf *ret_from);

/* Appends @path, with the home for a leading ~/; false: there is no home. */
MUST_USE bool secret_put_home(struct buf *out, struct str path);
