// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Hash map from bytes to a pointer. Keys are borrowed: they live in the value, which
 * must outlive its entry. Seeded at start, so peers cannot choose collisions.
 */
#include "base/str.h"

struct map_slot;
struct map {
    struct map_slot *slots;
    size_t cap;
    size_t len;
};

void map_free(struct map *map);
void *map_get(const struct map *map, struct str key);
bool map_put(struct map *map, struct str key, void *value); /* false: no memory; key must be new */
void *map_remove(struct map *map, struct str key);          /* the value, or NULL */

/* Call once at start with random bytes. */
void map_seed(uint64_t seed);
