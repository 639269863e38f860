// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Pages of what engines say about names, for whoever asks the same. A key is bytes that
 * begin with the profile's name and a NUL. Bounded in bytes, keys and all: the one that
 * was asked for longest ago goes first.
 */
#include "tools/tool.h"

struct catalog_cache;

/* NULL: no memory. */
struct catalog_cache *catalog_cache_new(size_t bytes_max, uint64_t keep_ns);
void catalog_cache_free(struct catalog_cache *cache);

/*
 * Copies key and page over what is there of that key. A page that takes more than a
 * quarter of the bound, or for which there is no memory, is not kept.
 */
void catalog_cache_put(struct catalog_cache *cache, struct str key,
    const struct tool_page *page, uint64_t read_wall_ns, uint64_t now_ns);

/* The page, borrowed until the next put or drop; false: none, or it is too old. */
MUST_USE bool catalog_cache_get(struct catalog_cache *cache, struct str key,
    uint64_t now_ns, struct tool_page *ret, uint64_t *ret_read_wall_ns);

/* Forgets what was read in a profile. */
void catalog_cache_drop(struct catalog_cache *cache, struct str profile);

/* How often something was dropped: what was asked before the last time is not to be put.
 */
uint64_t catalog_cache_drops(const struct catalog_cache *cache);

size_t catalog_cache_bytes(const struct catalog_cache *cache);
