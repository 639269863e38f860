// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Values whose bytes mean what the field's metadata says. */
#include "worker/arrow_cell.h"

/* As JSON; the cell is not null, its type.extension is neither ARROW_PLAIN, ARROW_BITS
 * nor ARROW_JSON. */
void arrow_put_extension(struct buf *out, const struct arrow_cell *cell);

/* DuckDB's BIT: how many bits, and each of them. */
uint64_t arrow_bit_count(struct str bytes);
bool arrow_bit_at(struct str bytes, uint64_t at);
