// SPDX-License-Identifier: Apache-2.0
#include "daemon/symbols.h"

#include <stdlib.h>

#include "base/map.h"

struct symbol {
    uint32_t refs;
    uint32_t number;
    size_t len;
    char text[];
};

struct symbols {
    struct map by_text;
    struct symbol **at; /* by number; NULL: free */
    uint32_t *free;     /* a stack of free numbers */
    uint32_t free_len;
    uint32_t len;
    uint32_t cap;
};

struct symbols *symbols_new(void)
{
    return calloc(1, sizeof(struct symbols));
}

void symbols_free(struct symbols *symbols)
{
    if (!symbols) {
        return;
    }
    for (uint32_t i = 0; i < symbols->len; i++) {
        free(symbols->at[i]);
    }
    map_free(&symbols->by_text);
    free(symbols->at);
    free(symbols->free);
    free(symbols);
}

static bool grow(struct symbols *symbols)
{
    uint32_t cap = symbols->cap > 0 ? symbols->cap * 2 : 64;
    struct symbol **at = realloc(symbols->at, cap * sizeof(struct symbol *));
    if (at) {
        symbols->at = at;
    }
    uint32_t *stack = at ? realloc(symbols->free, cap * sizeof(*stack)) : NULL;
    if (!stack) {
        return false;
    }
    symbols->free = stack;
    symbols->cap = cap;
    return true;
}

static struct symbol *symbol_at(const struct symbols *symbols, uint32_t number)
{
    ASSERT(number > 0 && number <= symbols->len && symbols->at[number - 1]);
    return symbols->at[number - 1];
}

uint32_t symbol_acquire(struct symbols *symbols, struct str s)
{
    if (s.len == 0) {
        return 0;
    }
    struct symbol *symbol = map_get(&symbols->by_text, s);
    if (symbol) {
        symbol->refs++;
        return symbol->number;
    }
    if (symbols->free_len == 0 && symbols->len == symbols->cap && !grow(symbols)) {
        return 0;
    }
    symbol = malloc(sizeof(*symbol) + s.len);
    if (!symbol) {
        return 0;
    }
    *symbol = (struct symbol){.refs = 1, .len = s.len};
    memcpy(symbol->text, s.ptr, s.len);
    if (!map_put(&symbols->by_text, (struct str){symbol->text, s.len}, symbol)) {
        free(symbol);
        return 0;
    }
    symbol->number =
        symbols->free_len > 0 ? symbols->free[--symbols->free_len] : ++symbols->len;
    symbols->at[symbol->number - 1] = symbol;
    return symbol->number;
}

uint32_t symbol_find(const struct symbols *symbols, struct str s)
{
    const struct symbol *symbol = s.len > 0 ? map_get(&symbols->by_text, s) : NULL;
    return symbol ? symbol->number : 0;
}

uint32_t symbol_hold(struct symbols *symbols, uint32_t number)
{
    if (number > 0) {
        symbol_at(symbols, number)->refs++;
    }
    return number;
}

void symbol_release(struct symbols *symbols, uint32_t number)
{
    if (number == 0) {
        return;
    }
    struct symbol *symbol = symbol_at(symbols, number);
    ASSERT(symbol->refs > 0);
    if (--symbol->refs == 0) {
        map_remove(&symbols->by_text, (struct str){symbol->text, symbol->len});
        symbols->at[number - 1] = NULL;
        symbols->free[symbols->free_len++] = number;
        free(symbol);
    }
}

struct str symbol_str(const struct symbols *symbols, uint32_t number)
{
    if (number == 0) {
        return STR("");
    }
    const struct symbol *symbol = symbol_at(symbols, number);
    return (struct str){symbol->text, symbol->len};
}
