// SPDX-License-Identifier: Apache-2.0
#include "results/results.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"

/* A principal that keeps results. */
struct owner {
    uint32_t principal;
    struct list all;
    struct list entries; /* oldest first */
    uint64_t bytes;
    uint64_t count;
};

struct entry {
    struct result result;
    struct owner *owner;
    struct list all; /* the first to expire first */
    struct list own;
};

struct results {
    uv_loop_t *loop;
    struct results_settings settings;
    char dir[4096];
    struct map by_handle;
    struct list all;
    struct list owners; /* few: principals that are let in */
    uint32_t owner_count;
    uint64_t bytes;
    void (*dropped)(void *ctx, const struct result *r);
    void *ctx;
};

static bool make_dir(const char *dir, char *err, size_t err_size)
{
    if ((mkdir(dir, 0700) < 0 && errno != EEXIST) || chmod(dir, 0700) < 0) {
        snprintf(err, err_size, "cannot make %s: %s", dir, strerror(errno));
        return false;
    }
    return true;
}

bool results_open(struct results **ret, uv_loop_t *loop,
    const struct results_settings *settings,
    void (*dropped)(void *ctx, const struct result *r), void *ctx, char *err,
    size_t err_size)
{
    struct results *results = calloc(1, sizeof(*results));
    if (!results ||
        !str_copy(str_of(settings->dir), results->dir, sizeof(results->dir))) {
        snprintf(err, err_size, "no memory for the catalogue of results");
        free(results);
        return false;
    }
    if (!make_dir(results->dir, err, err_size)) {
        free(results);
        return false;
    }
    results->loop = loop;
    results->settings = *settings;
    results->dropped = dropped;
    results->ctx = ctx;
    list_init(&results->all);
    list_init(&results->owners);
    *ret = results;
    return true;
}

void results_path(
    const struct results *results, struct str handle, char ret_path[RESULT_PATH_SIZE])
{
    snprintf(ret_path, RESULT_PATH_SIZE, "%s/" STR_FMT, results->dir, STR_ARG(handle));
}

static void on_removed(uv_fs_t *req)
{
    uv_fs_req_cleanup(req);
    free(req);
}

void results_discard(struct results *results, struct str handle)
{
    char path[RESULT_PATH_SIZE];
    results_path(results, handle, path);
    uv_fs_t *req = malloc(sizeof(*req));
    if (!req || uv_fs_unlink(results->loop, req, path, on_removed) < 0) {
        free(req);
        unlink(path);
    }
}

/* ---- owners ---- */

static struct owner *owner_find(const struct results *results, uint32_t principal)
{
    LIST_FOR(node, &results->owners)
    {
        struct owner *owner = CONTAINER_OF(node, struct owner, all);
        if (owner->principal == principal) {
            return owner;
        }
    }
    return NULL;
}

/* NULL: no memory. */
static struct owner *owner_get(struct results *results, uint32_t principal)
{
    struct owner *owner = owner_find(results, principal);
    if (!owner && (owner = calloc(1, sizeof(*owner)))) {
        owner->principal = principal;
        list_init(&owner->all);
        list_init(&owner->entries);
        list_push_back(&results->owners, &owner->all);
        results->owner_count++;
    }
    return owner;
}

/* Goes with its last result. */
static void owner_put(struct results *results, struct owner *owner)
{
    if (owner && owner->count == 0) {
        list_remove(&owner->all);
        results->owner_count--;
        free(owner);
    }
}

static struct entry *oldest_of(const struct owner *owner)
{
    struct list *node = list_first(&owner->entries);
    return node ? CONTAINER_OF(node, struct entry, own) : NULL;
}

/* ---- entries ---- */

static void forget(struct results *results, struct entry *entry)
{
    results->dropped(results->ctx, &entry->result);
    map_remove(&results->by_handle, handle_str(&entry->result.handle));
    list_remove(&entry->all);
    list_remove(&entry->own);
    results->bytes -= entry->result.bytes;
    entry->owner->bytes -= entry->result.bytes;
    entry->owner->count--;
    free(entry);
}

static struct entry *oldest(const struct results *results)
{
    struct list *node = list_first(&results->all);
    return node ? CONTAINER_OF(node, struct entry, all) : NULL;
}

/* The owner stays, even without results. */
static void drop(struct results *results, struct entry *entry)
{
    results_discard(results, handle_str(&entry->result.handle));
    forget(results, entry);
}

void results_expire(struct results *results, uint64_t now_ns)
{
    struct entry *entry;
    while ((entry = oldest(results)) && entry->result.expires_ns <= now_ns) {
        struct owner *owner = entry->owner;
        drop(results, entry);
        owner_put(results, owner);
    }
}

static bool insert(
    struct results *results, struct owner *owner, const struct result *result)
{
    struct entry *entry = malloc(sizeof(*entry));
    if (!entry) {
        return false;
    }
    entry->result = *result;
    entry->owner = owner;
    if (!map_put(&results->by_handle, handle_str(&entry->result.handle), entry)) {
        free(entry);
        return false;
    }
    list_init(&entry->all);
    list_init(&entry->own);
    list_push_back(&results->all, &entry->all);
    list_push_back(&owner->entries, &entry->own);
    results->bytes += result->bytes;
    owner->bytes += result->bytes;
    owner->count++;
    return true;
}

/* ---- budgets ---- */

static uint64_t use(const struct owner *owner, bool by_bytes)
{
    return by_bytes ? owner->bytes : owner->count;
}

static struct owner *largest(const struct results *results, bool by_bytes)
{
    struct owner *most = NULL;
    LIST_FOR(node, &results->owners)
    {
        struct owner *owner = CONTAINER_OF(node, struct owner, all);
        if (!most || use(owner, by_bytes) > use(most, by_bytes)) {
            most = owner;
        }
    }
    return most;
}

/* Who has to give way for @bytes more of @owner, where all budgets are used up; or NULL.
 */
static struct entry *victim(const struct results *results, const struct owner *owner,
    uint64_t bytes, bool by_bytes)
{
    const struct results_settings *s = &results->settings;
    uint64_t share = (by_bytes ? s->bytes_max : s->count_max) / results->owner_count;
    uint64_t own = use(owner, by_bytes) + (by_bytes ? bytes : 1);
    return oldest_of(own > share ? owner : largest(results, by_bytes));
}

/* What has to go before @bytes more of @owner fit; false: they may not. */
static bool make_room(struct results *results, struct owner *owner, uint64_t bytes)
{
    const struct results_settings *s = &results->settings;
    for (;;) {
        struct entry *entry = NULL;
        if (owner->bytes + bytes > s->principal_bytes_max) {
            entry = oldest_of(owner);
        } else if (results->bytes + bytes > s->bytes_max) {
            entry = victim(results, owner, bytes, true);
        } else if (results->by_handle.len >= s->count_max) {
            entry = victim(results, owner, bytes, false);
        } else {
            return true;
        }
        if (!entry) {
            return false;
        }
        log_event(LOG_INFO, "result_dropped", "result=%s reason=budget",
            entry->result.handle.text);
        struct owner *loser = entry->owner;
        drop(results, entry);
        if (loser != owner) {
            owner_put(results, loser);
        }
    }
}

uint64_t results_bytes_max(const struct results *results, uint32_t principal)
{
    const struct results_settings *s = &results->settings;
    uint32_t owners = results->owner_count + !owner_find(results, principal);
    uint64_t share = s->bytes_max / owners;
    return share < s->principal_bytes_max ? share : s->principal_bytes_max;
}

bool results_add(
    struct results *results, struct result *result, uint64_t now_ns, uint64_t now_wall_ns)
{
    results_expire(results, now_ns);
    struct owner *owner = owner_get(results, result->principal);
    bool fits = owner && make_room(results, owner, result->bytes);
    result->expires_ns = now_ns + results->settings.keep_ns;
    result->expires_wall_ns = now_wall_ns + results->settings.keep_ns;
    bool ok = fits && insert(results, owner, result);
    if (!ok) {
        log_event(LOG_WARN, "result_not_kept", "result=%s bytes=%llu reason=%s",
            result->handle.text, (unsigned long long)result->bytes,
            fits || !owner ? "memory" : "budget");
        owner_put(results, owner);
        results_discard(results, handle_str(&result->handle));
    }
    return ok;
}

/* ---- at start ---- */

static bool is_whole(const struct results *results, const struct result *result)
{
    char path[RESULT_PATH_SIZE];
    struct stat st;
    results_path(results, handle_str(&result->handle), path);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_size == result->bytes;
}

bool results_restore(struct results *results, const struct result *result,
    uint64_t now_ns, uint64_t now_wall_ns)
{
    struct result restored = *result;
    uint64_t left_ns =
        result->expires_wall_ns > now_wall_ns ? result->expires_wall_ns - now_wall_ns : 0;
    if (left_ns > results->settings.keep_ns) {
        left_ns = results->settings.keep_ns; /* of a clock that was set back */
    }
    restored.expires_ns = now_ns + left_ns;
    restored.expires_wall_ns = now_wall_ns + left_ns;
    if (left_ns == 0 || !is_whole(results, result)) {
        return false; /* what there is of a file is swept away */
    }
    struct owner *owner = owner_get(results, result->principal);
    bool ok = owner && insert(results, owner, &restored);
    owner_put(results, owner);
    return ok;
}

/* Without anything new, whoever has more than fits loses its oldest. */
static void shrink(struct results *results)
{
    const struct results_settings *s = &results->settings;
    LIST_FOR(node, &results->owners)
    {
        struct owner *owner = CONTAINER_OF(node, struct owner, all);
        while (owner->bytes > s->principal_bytes_max) {
            drop(results, oldest_of(owner));
        }
        owner_put(results, owner);
    }
    while (results->bytes > s->bytes_max || results->by_handle.len > s->count_max) {
        struct owner *owner = largest(results, results->bytes > s->bytes_max);
        drop(results, oldest_of(owner));
        owner_put(results, owner);
    }
}

uint32_t results_sweep(struct results *results)
{
    uint32_t count = 0;
    shrink(results);
    DIR *stream = opendir(results->dir);
    struct dirent *entry;
    while (stream && (entry = readdir(stream))) {
        struct str name = str_of(entry->d_name);
        if (handle_kind_of(name) == HANDLE_RESULT &&
            !map_get(&results->by_handle, name)) {
            count += unlinkat(dirfd(stream), entry->d_name, 0) == 0;
        }
    }
    if (stream) {
        closedir(stream);
    }
    return count;
}

/* ---- the rest ---- */

const struct result *results_find(
    struct results *results, struct str handle, uint64_t now_ns)
{
    struct entry *entry = map_get(&results->by_handle, handle);
    return entry && entry->result.expires_ns > now_ns ? &entry->result : NULL;
}

const struct result *results_older(
    const struct results *results, uint32_t principal, struct str handle)
{
    const struct owner *owner = owner_find(results, principal);
    const struct entry *entry = map_get(&results->by_handle, handle);
    if (!owner || (handle.len > 0 && (!entry || entry->owner != owner))) {
        return NULL;
    }
    struct list *node = handle.len > 0 ? entry->own.prev : owner->entries.prev;
    return node == &owner->entries ? NULL
                                   : &CONTAINER_OF(node, struct entry, own)->result;
}

void results_each(
    struct results *results, void (*each)(void *ctx, const struct result *r), void *ctx)
{
    LIST_FOR(node, &results->all)
    {
        each(ctx, &CONTAINER_OF(node, struct entry, all)->result);
    }
}

uint32_t results_drop_session(struct results *results, struct str session)
{
    uint32_t count = 0;
    LIST_FOR(node, &results->all)
    {
        struct entry *entry = CONTAINER_OF(node, struct entry, all);
        struct owner *owner = entry->owner;
        if (session.len > 0 && str_eq(str_of(entry->result.session), session)) {
            drop(results, entry);
            owner_put(results, owner);
            count++;
        }
    }
    return count;
}

uint32_t results_drop_login(
    struct results *results, uint32_t principal, uint32_t profile)
{
    struct owner *owner = owner_find(results, principal);
    uint32_t count = 0;
    if (!owner) {
        return 0;
    }
    LIST_FOR(node, &owner->entries)
    {
        struct entry *entry = CONTAINER_OF(node, struct entry, own);
        if (entry->result.profile == profile) {
            drop(results, entry);
            count++;
        }
    }
    owner_put(results, owner);
    return count;
}

void results_close(struct results *results)
{
    struct entry *entry;
    while ((entry = oldest(results))) {
        struct owner *owner = entry->owner;
        forget(results, entry);
        owner_put(results, owner);
    }
    map_free(&results->by_handle);
    free(results);
}
