// SPDX-License-Identifier: Apache-2.0
#pragma once
/* [profile.NAME.options] and [profile.NAME.parameters]: reading, and their memory. */
#include "config/reader.h"

/* Wipes: values may be secrets. */
void options_free(struct config_options *options);

/* Adds a copy; false when there is no memory. There must be room. */
MUST_USE bool options_add(struct config_options *options, struct str key,
    struct str value, enum config_source source);

/* Adds copies of all; false when there is no memory. */
MUST_USE bool options_copy(
    struct config_options *ret_copy, const struct config_options *options);

/* NULL when there is none. */
const struct config_option *options_find(
    const struct config_options *options, struct str key);

/*
 * Reads the table @node in place of what @ret holds. Keys are checked where @driver is
 * known. On an error some of it may be written.
 */
MUST_USE bool options_read(struct reader *reader, struct str driver,
    const struct toml_node *node, struct config_options *ret);

/* The same for parameters of the session: letters, digits and underscores. */
MUST_USE bool parameters_read(struct reader *reader, struct str driver,
    const struct toml_node *node, struct config_options *ret);
