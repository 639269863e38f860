// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"

#include <stdlib.h>

#include "base/assert.h"

struct map_slot {
    struct str key;
    void *value; /* NULL: free */
    uint64_t hash;
};

static uint64_t map_seed_value = 0x9E3779B97F4A7C15u;

void map_seed(uint64_t seed)
{
    map_seed_value = seed | 1;
}

/* Multiply and fold, eight bytes a step: short keys, unknown seed. */
static uint64_t hash_of(struct str key)
{
    uint64_t hash = map_seed_value ^ (key.len * 0xD6E8FEB86659FD93u);
    size_t at = 0;
    while (at < key.len) {
        uint64_t word = 0;
        size_t len = key.len - at < 8 ? key.len - at : 8;
        memcpy(&word, key.ptr + at, len);
        hash = (hash ^ word) * 0x9FB21C651E98DF25u;
        hash ^= hash >> 29;
        at += len;
    }
    hash *= map_seed_value;
    return hash ^ (hash >> 32);
}

void map_free(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}

static struct map_slot *find(const struct map *map, struct str key, uint64_t hash)
{
    size_t mask = map->cap - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_slot *slot = &map->slots[i];
        if (!slot->value || (slot->hash == hash && str_eq(slot->key, key))) {
            return slot;
        }
    }
}

void *map_get(const struct map *map, struct str key)
{
    return map->cap > 0 ? find(map, key, hash_of(key))->value : NULL;
}

static bool grow(struct map *map)
{
    struct map bigger = {.cap = map->cap ? map->cap * 2 : 16};
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots) {
        return false;
    }
    for (size_t i = 0; i < map->cap; i++) {
        if (map->slots[i].value) {
            *find(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
        }
    }
    bigger.len = map->len;
    free(map->slots);
    *map = bigger;
    return true;
}

bool map_put(struct map *map, struct str key, void *value)
{
    ASSERT(value);
    if (map->len * 4 >= map->cap * 3 && !grow(map)) {
        return false;
    }
    uint64_t hash = hash_of(key);
    struct map_slot *slot = find(map, key, hash);
    ASSERT(!slot->value);
    *slot = (struct map_slot){key, value, hash};
    map->len++;
    return true;
}

void *map_remove(struct map *map, struct str key)
{
    if (map->cap == 0) {
        return NULL;
    }
    struct map_slot *slot = find(map, key, hash_of(key));
    void *value = slot->value;
    if (!value) {
        return NULL;
    }
    /* Close the gap: move back each follower that may not stand behind a free slot. */
    size_t mask = map->cap - 1;
    size_t gap = (size_t)(slot - map->slots);
    for (size_t i = (gap + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
        size_t home = map->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            map->slots[gap] = map->slots[i];
            gap = i;
        }
    }
    map->slots[gap] = (struct map_slot){0};
    map->len--;
    return value;
}
