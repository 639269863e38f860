// SPDX-License-Identifier: Apache-2.0
#include "daemon/catalog_cache.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"

struct entry {
    struct list used; /* the one that was asked for longest ago is the first */
    uint64_t until_ns;
    uint64_t read_wall_ns;
    size_t key_len;
    struct tool_page page;
    size_t bytes; /* of @text */
    char text[];  /* key, columns, rows, cuts */
};

struct catalog_cache {
    struct map entries;
    struct list used;
    size_t bytes;
    size_t bytes_max;
    uint64_t keep_ns;
    uint64_t drops;
};

struct catalog_cache *catalog_cache_new(size_t bytes_max, uint64_t keep_ns)
{
    struct catalog_cache *cache = calloc(1, sizeof(*cache));
    if (cache) {
        list_init(&cache->used);
        cache->bytes_max = bytes_max;
        cache->keep_ns = keep_ns;
    }
    return cache;
}

static struct str key_of(const struct entry *entry)
{
    return (struct str){entry->text, entry->key_len};
}

static size_t cost_of(const struct entry *entry)
{
    return sizeof(*entry) + entry->bytes;
}

static void forget(struct catalog_cache *cache, struct entry *entry)
{
    map_remove(&cache->entries, key_of(entry));
    list_remove(&entry->used);
    cache->bytes -= cost_of(entry);
    free(entry);
}

void catalog_cache_free(struct catalog_cache *cache)
{
    if (!cache) {
        return;
    }
    LIST_FOR(node, &cache->used)
    {
        forget(cache, CONTAINER_OF(node, struct entry, used));
    }
    map_free(&cache->entries);
    free(cache);
}

static struct str copy(struct entry *entry, struct str text)
{
    char *at = entry->text + entry->bytes;
    if (text.len > 0) {
        memcpy(at, text.ptr, text.len);
    }
    entry->bytes += text.len;
    return (struct str){at, text.len};
}

void catalog_cache_put(struct catalog_cache *cache, struct str key,
    const struct tool_page *page, uint64_t read_wall_ns, uint64_t now_ns)
{
    struct entry *old = map_get(&cache->entries, key);
    size_t bytes = key.len + page->columns.len + page->rows.len + page->cuts.len;
    if (old) {
        forget(cache, old);
    }
    struct entry *entry = sizeof(*entry) + bytes <= cache->bytes_max / 4
                              ? malloc(sizeof(*entry) + bytes)
                              : NULL;
    if (!entry) {
        return;
    }
    *entry = (struct entry){.until_ns = now_ns + cache->keep_ns,
        .read_wall_ns = read_wall_ns,
        .key_len = key.len,
        .page = *page};
    list_init(&entry->used);
    copy(entry, key);
    entry->page.columns = copy(entry, page->columns);
    entry->page.rows = copy(entry, page->rows);
    entry->page.cuts = copy(entry, page->cuts);
    entry->page.result = STR("");
    while (cache->bytes + cost_of(entry) > cache->bytes_max) {
        forget(cache, CONTAINER_OF(list_first(&cache->used), struct entry, used));
    }
    if (!map_put(&cache->entries, key_of(entry), entry)) {
        free(entry);
        return;
    }
    list_push_back(&cache->used, &entry->used);
    cache->bytes += cost_of(entry);
}

bool catalog_cache_get(struct catalog_cache *cache, struct str key, uint64_t now_ns,
    struct tool_page *ret, uint64_t *ret_read_wall_ns)
{
    struct entry *entry = map_get(&cache->entries, key);
    if (entry && now_ns >= entry->until_ns) {
        forget(cache, entry);
        entry = NULL;
    }
    if (!entry) {
        return false;
    }
    list_remove(&entry->used);
    list_push_back(&cache->used, &entry->used);
    *ret = entry->page;
    *ret_read_wall_ns = entry->read_wall_ns;
    return true;
}

void catalog_cache_drop(struct catalog_cache *cache, struct str profile)
{
    cache->drops++;
    LIST_FOR(node, &cache->used)
    {
        struct entry *entry = CONTAINER_OF(node, struct entry, used);
        struct str key = key_of(entry);
        if (str_starts(key, profile) && key.len > profile.len &&
            key.ptr[profile.len] == '\0') {
            forget(cache, entry);
        }
    }
}

uint64_t catalog_cache_drops(const struct catalog_cache *cache)
{
    return cache->drops;
}

size_t catalog_cache_bytes(const struct catalog_cache *cache)
{
    return cache->bytes;
}
