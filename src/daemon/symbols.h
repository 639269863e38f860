// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Numbers for strings, so that the core sees numbers only: equal strings, equal numbers.
 * Counted: a number may name another string only after all who held it released it. 0 is
 * the empty string and needs no counting.
 */
#include "base/assert.h"
#include "base/str.h"

struct symbols;

struct symbols *symbols_new(void); /* NULL: no memory */
void symbols_free(struct symbols *symbols);

/* One count for the caller. 0 when there is no memory (or @s is empty). */
uint32_t symbol_acquire(struct symbols *symbols, struct str s);
uint32_t symbol_find(const struct symbols *symbols, struct str s); /* 0: nobody has it */
uint32_t symbol_hold(struct symbols *symbols, uint32_t symbol); /* returns it */
void symbol_release(struct symbols *symbols, uint32_t symbol);
struct str symbol_str(const struct symbols *symbols, uint32_t symbol);
