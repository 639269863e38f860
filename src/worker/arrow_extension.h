// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Values whose bytes mean what the field's metadata says. */
#include "worker/arrow_cell.h"

/* As JSON; the cell is not null, its type.extension is one of a short value. */
void arrow_put_extension(struct buf *out, const struct arrow_cell *cell);

bool arrow_is_short(enum arrow_extension extension);

/* Of ARROW_BITS and ARROW_PG_BITS: how many bits, and each of them. */
bool arrow_is_bits(enum arrow_extension extension);
uint64_t arrow_bit_count(enum arrow_extension extension, struct str bytes);
bool arrow_bit_at(enum arrow_extension extension, struct str bytes, uint64_t at);
