// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Settings whose value is a table of numbers, such as {burst = 120, per_s = 2.0}: the
 * rows of config.def that have a struct of int64_t for a value.
 */
#include "config/reader.h"

/*
 * Reads the members given in @node over those at @at; the others stay as they are. On an
 * error some of them may be written.
 */
MUST_USE bool numbers_set(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, void *at);

/* The struct at @at as TOML. */
void numbers_put(struct buf *out, enum setting_kind kind, const void *at);

/* What the members may be, for the documentation. */
void numbers_put_range(struct buf *out, enum setting_kind kind);
