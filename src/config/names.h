// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Tables from names to values: weights, credits of warehouses, types of clients. */
#include "config/reader.h"

/* The whole table is replaced. False: it was said what is wrong. */
MUST_USE bool names_set(struct reader *reader, const struct setting *setting,
    const struct toml_node *node, struct config_names *ret);

/* What a value may be, for the documentation. */
void names_put_range(struct buf *out, enum setting_kind kind);
